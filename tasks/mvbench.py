"""MVBench (Li et al. 2023, 2311.17005) and MLVU (Zhou et al. 2024, 2406.04264): tasks about videos, multiple choice.

Both publish a JSON file per task, and read it with the same code: `mvbench.ipynb` of OpenGVLab/Ask-Anything (4dd8210)
and `multiple_choice_evaluation/choice_bench.py` of JUNJIE99/MLVU (fd060c1).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmeval.data import tables, video
from mmeval.data.demonstrations import find
from mmeval.data.samplers import ALL
from mmeval.scoring.metrics.groups import by_category, guessing, macro, percent, share
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.strict.letter import strict
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import folder as own_folder
from mmeval.types import InputError, Parts, Record, Sample, Score

JSON = ("json", "data", "MLVU/json")
"""Places in the data folder where the tasks' files may be."""
VIDEOS = ("video", "video/data0613", "MLVU/video", "")
"""Places of the folders of videos."""
NO_OPTION = "@"
"""The scripts' key of a question whose answer is none of its options (two in MLVU): no answer is right."""


@dataclass(frozen=True)
class VideoTask:
    """A task of the benchmark: its label, its file, and the folder of its videos."""

    label: str
    file: str
    folder: str
    bound: bool = False
    """Whether only the part between the columns `start` and `end` is shown."""
    rate: float | None = None
    """Frames per second, if the videos are folders of frames."""


_STAR, _CLEVRER, _PERCEPTION = "star/Charades_v1_480", "clevrer/video_validation", "perception/videos"
MVBENCH_TASKS = {
    video_task.file.removesuffix(".json"): video_task
    for video_task in (
        VideoTask("Action sequence", "action_sequence.json", _STAR, bound=True),
        VideoTask("Action prediction", "action_prediction.json", _STAR, bound=True),
        VideoTask("Action antonym", "action_antonym.json", "ssv2_video"),
        VideoTask("Fine-grained action", "fine_grained_action.json", "Moments_in_Time_Raw/videos"),
        VideoTask("Unexpected action", "unexpected_action.json", "FunQA_test/test"),
        VideoTask("Object existence", "object_existence.json", _CLEVRER),
        VideoTask("Object interaction", "object_interaction.json", _STAR, bound=True),
        VideoTask("Object shuffle", "object_shuffle.json", _PERCEPTION),
        VideoTask("Moving direction", "moving_direction.json", _CLEVRER),
        VideoTask("Action localization", "action_localization.json", "sta/sta_video", bound=True),
        VideoTask("Scene transition", "scene_transition.json", "scene_qa/video"),
        VideoTask("Action count", "action_count.json", _PERCEPTION),
        VideoTask("Moving count", "moving_count.json", _CLEVRER),
        VideoTask("Moving attribute", "moving_attribute.json", _CLEVRER),
        VideoTask("State change", "state_change.json", _PERCEPTION),
        VideoTask("Fine-grained pose", "fine_grained_pose.json", "nturgbd"),
        VideoTask("Character order", "character_order.json", _PERCEPTION),
        VideoTask("Egocentric navigation", "egocentric_navigation.json", "vlnqa"),
        VideoTask("Episodic reasoning", "episodic_reasoning.json", "tvqa/frames_fps3_hq", bound=True, rate=3.0),
        VideoTask("Counterfactual inference", "counterfactual_inference.json", _CLEVRER),
    )
}
MLVU_TASKS = {
    "topic_reasoning": VideoTask("Topic reasoning", "7_topic_reasoning.json", "7_topic_reasoning"),
    "anomaly_reco": VideoTask("Anomaly recognition", "6_anomaly_reco.json", "6_anomaly_reco"),
    "needle": VideoTask("Needle", "2_needle.json", "2_needle"),
    "ego": VideoTask("Ego reasoning", "3_ego.json", "3_ego"),
    "plotQA": VideoTask("Plot", "1_plotQA.json", "1_plotQA"),
    "order": VideoTask("Action order", "5_order.json", "5_order"),
    "count": VideoTask("Action count", "4_count.json", "4_count"),
}


def files(task: Task, tasks: Mapping[str, VideoTask], data: str) -> tuple[Path, dict[str, Path]]:
    """Return the data's folder, and the file of each task that is there. Raises InputError if there is none."""
    path = Path(data)
    if path.is_file():
        matching = {name: path for name, video_task in tasks.items() if video_task.file == path.name}
        if not matching:
            raise InputError(f"{path}: not a file of {task.title}; its files are {_names(tasks)}")
        subfolder = next((subfolder for subfolder in JSON if path.parent.match(subfolder)), "")
        return path.parents[len(Path(subfolder).parts)], matching
    folder = own_folder(task, data, f"{next(iter(tasks.values())).file} and the videos")
    paths = {name: file for name, video_task in tasks.items() if (file := find(folder, video_task.file, JSON))}
    if not paths:
        raise InputError(f"{folder}: holds none of {_names(tasks)}; get them from {task.card['source']}")
    return folder, paths


def _names(tasks: Mapping[str, VideoTask]) -> str:
    first, second, *others = (video_task.file for video_task in tasks.values())
    return f"{first}, {second} and {len(others)} more"


def sample(line: tables.TableRow, id: str, name: str, video_task: VideoTask, frames: int, sampler: str) -> Sample:
    """Return a row as a question. The last option that equals the answer is right, as in the scripts.

    They also repeat frames of a short part.
    """
    options, answer = line.texts("candidates", missing=""), line.cell("answer")
    if not 2 <= len(options) <= len(choices.LETTERS):
        raise InputError(f"{line.where}: a question must have 2 to 26 candidates; this one has {len(options)}")
    right = [choices.letter(index) for index, option in enumerate(options) if option == answer]
    span = line.span("start", "end") if video_task.bound else ALL
    folders = [f"{parent}/{video_task.folder}" if parent else video_task.folder for parent in VIDEOS]
    names = line.places(line.text("video"), folders)
    assert line.folder is not None
    pictures, tags = video.frames(line.folder, names, line.where, frames, sampler, span, video_task.rate, repeat=True)
    return Sample(
        id,
        (*pictures, line.cell("question")),
        ((right or [NO_OPTION])[-1],),
        tuple((option,) for option in options),
        groups={"video": f"{video_task.folder}/{line.text('video')}"},
        category=name,
        tags=tags,
    )


def asking(before: str, options: str, after: str) -> Callable[[Sample], Parts]:
    """Return a prompt: the frames, a text, the question, a heading, the options as "(A) a cat", another text."""

    def prompt(sample: Sample) -> Parts:
        *pictures, question = sample.prompt
        listed = "".join(map(str, choices.listed(sample.choices, "({}) ")))
        return (*pictures, f"{before}{question}\n{options}\n{listed}".rstrip() + after)

    return prompt


def mvbench(text: str, letter: str) -> bool:
    """Return whether MVBench's `check_ans` accepts an answer if that letter is right, in any case.

    The first word, without periods, is compared with "(a)": one must be a part of the other. The prompt opens the
    bracket, and the script puts it before the first line of the answer. An empty answer is therefore always right.
    """
    word = f"({text.strip()}".split("\n")[0].lower().split(" ")[0]
    key = f"({letter})".lower()
    return word.replace(".", "") in key or key in word


def mlvu(text: str, letter: str) -> bool:
    """Return whether MLVU's `check_ans` accepts an answer: the character before its first ")", or else all of it."""
    before, bracket, _ = text.partition(")")
    return (before[-1:] if bracket else text) == letter


def official(accepts: Callable[[str, str], bool]) -> Callable[[Record], Score]:
    """Return the scorer of a script that only says whether it accepts an answer for a key."""

    def score(record: Record) -> Score:
        if record.text is None:
            return choices.unanswered(record)
        accepted = [letter for letter, _ in choices.texts(record.choices) if accepts(record.text, letter)]
        right = next((letter for letter in record.targets if accepts(record.text, letter)), None)
        if right is not None:
            return Score(1.0, "correct", right)
        return choices.graded(record, accepted[0] if accepted else None)

    return score


def numbers(tasks: Mapping[str, VideoTask], mean: bool, records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return each task's accuracy, and overall that of all questions or, if `mean`, the mean of the tasks."""
    present = {record.category for record in records}
    by_task = by_category(records, scores, [name for name in tasks if name in present], "video")
    overall = macro(by_task) if mean else percent(share(records, scores, "video"), guessing(records))
    return {"overall": overall, **by_category(records, scores, [*tasks], "video")}


def _task(
    name: str,
    tasks: Mapping[str, VideoTask],
    prompts: Mapping[str, Callable[[Sample], Parts]],
    accepts: Callable[[str, str], bool],
    mean: bool,
    **defaults: Any,
) -> Task:
    def watch(data: str, frames: int, sampler: str) -> Iterator[Sample]:
        """Yield the questions, task by task, each after `frames` frames of its video. Raises InputError."""
        folder, paths = files(task, tasks, data)
        for key, path in paths.items():
            for number, line in enumerate(tables.of_file(path, folder)):
                yield sample(line, f"{key}/{number}", key, tasks[key], frames, sampler)

    scorer = official(accepts)

    def metric(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
        return numbers(tasks, mean, records, scores)

    task = Task(
        name=name,
        samples=lambda data: watch(data, task.frames, task.sampler),
        video=watch,
        prompts=prompts,
        scorers={"official": scorer, "strict": choices.scorer(strict)},
        metric=metric,
        axes={key: video_task.label for key, video_task in tasks.items()},
        totals={"overall": "Mean of the tasks" if mean else "All"},
        readings={name: scorer},
        choice=True,
        remarks=video.shown,
        **defaults,
    )
    return task


_BEST = "\nOnly give the best option."
_SELECT = "Based on your observations, select the best option that accurately addresses the question.\n"
_MVBENCH = (
    "Carefully watch the video and pay attention to the cause and sequence of events, the detail and movement of "
    f"objects, and the action and pose of persons. {_SELECT}Question: "
)
_MLVU = f"Carefully watch this video and pay attention to every detail. {_SELECT}Question: "
MVBENCH = _task(
    "mvbench",
    MVBENCH_TASKS,
    {
        "release": asking(_MVBENCH, "Options:", f"{_BEST}\nBest option:("),
        "lmms-eval": asking("Question:", "Option:", f"{_BEST}\n"),
    },
    mvbench,
    mean=False,
    max_new_tokens=100,
    frames=16,
    sampler="uniform",
)
"""The notebook's frames, sampler and length."""
MLVU = _task(
    "mlvu",
    MLVU_TASKS,
    {"release": asking(_MLVU, "Options:", f"{_BEST}\nBest Option: (")},
    mlvu,
    mean=True,
)
