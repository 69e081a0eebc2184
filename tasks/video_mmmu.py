"""Video-MMMU: what a lecture shows, what it means, and what can be solved with it (Hu et al. 2025, 2501.13826).

Prompts and rules are those of `lmms_eval/tasks/videommmu` in EvolvingLMMs-Lab/VideoMMMU (88b4ac3). The picture of a
question of the adaptation track is at the end of its video, and alone in a video of its own, by which the gain is
measured.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from mmeval.data import tables, video
from mmeval.scoring.metrics.groups import by_category, guessing, parts_by, percent, share
from mmeval.scoring.readings import choices, short
from mmeval.scoring.readings.scripts import letters, mmmu
from mmeval.scoring.readings.strict.letter import strict
from mmeval.task import Numbers, Task
from mmeval.tasks.mmmu import DOMAINS, KINDS, by_kind
from mmeval.tasks.shared import file, known, right_letter
from mmeval.types import InputError, Parts, Record, Sample, Score

TRACKS = {"perception": "Perception", "comprehension": "Comprehension", "adaptation": "Adaptation"}
ALONE = "question only"
"""The questions of the adaptation track with their pictures instead of the videos."""
GAIN = {ALONE: "Question only", "adaptation": "After the video"}
FOLDERS = {
    "Art and Design": "Art",
    "Business": "Business",
    "Science": "Science",
    "Health and Medicine": "Medicine",
    "Humanities and Social Science": "Humanities",
    "Tech and Engineering": "Engineering",
}
"""Discipline -> the folder of its videos."""
DISCIPLINE_OF = {subject: name for name, subjects in DOMAINS.items() for subject in subjects}
LEADS = (
    *mmmu.LEADS, "are ", "in total ", "total ", "identify ", "recognize ", "calculated as ", "counted as ",
    "measured as ", "observed as ", "concluded as ", "found to be ", "equals ", "determined to be ", "number of ",
    "value is ", "adds up to ", "have ", "has ",
)  # fmt: skip
"""What its script searches for in open answers, more than MMMU's."""
LEARN = (
    "You should watch and learn the video content. Then apply what you learned to answer the following {} question. "
)
AT_THE_END = "The image for this question is at the end of the video.\n"
IGNORE = "\nPlease ignore the Quiz question in last frame of the video."


def watch(tracks: Sequence[str], data: str, frames: int, sampler: str) -> Iterator[Sample]:
    """Yield the questions of each track, after `frames` frames of the video or one of the picture's own video.

    Raises InputError.
    """
    for track in tracks:
        title = TRACKS.get(track, TRACKS["adaptation"])
        names = ("test-00000-of-00001.parquet", f"{title.lower()}_video.json")
        path = file(VIDEO_MMMU, data, names, (title, "data"), "the videos")
        for line in tables.of_file(path, Path(data), rows=title):
            yield sample(line, track, frames, sampler)


def sample(line: tables.TableRow, track: str, frames: int, sampler: str) -> Sample:
    """Return a row of the hub's tables, or of the authors' files, as a question of a track."""
    name, subject = line.text("id"), line.text("id").partition("_")[2].rpartition("_")[0]
    discipline = DISCIPLINE_OF[known(line, "subject", subject, DISCIPLINE_OF)]
    alone = track == ALONE
    file_name = f"{name}_image.mp4" if alone else f"{name}.mp4"
    under = "question_only" if alone else FOLDERS[discipline]
    places = line.places(file_name, (under, f"videos/{under}", "videos", ""))
    pictures, tags = video.frames(Path(line.folder or ""), places, line.where, 1 if alone else frames, sampler)
    options = line.texts("options") if line.unpacked("options") else []
    kind = line.cell("question_type", required=False) or (KINDS[0] if options else KINDS[1])
    if (known(line, "question_type", kind, KINDS) == KINDS[0]) != bool(options):
        raise InputError(f"{line.where}: a question of the type {kind} with {len(options)} options; fix the row")
    answer = line.text("answer")
    return Sample(
        f"{track}/{name}",
        (*pictures, line.text("question")),
        (right_letter(line, answer, options) if options else answer,),
        tuple((option,) for option in options),
        groups={"video": name},
        category=track,
        tags={**tags, "discipline": discipline},
    )


def release(sample: Sample) -> Parts:
    """Ask in the words of `_default_template_yaml`."""
    *pictures, question = sample.prompt
    options = [str(option) for (option,) in sample.choices]
    if not all(option.startswith(f"{letter}.") for letter, option in choices.texts(options)):
        options = [f"{letter}. {option}" for letter, option in choices.texts(options)]
    listed = "\n".join(options)
    if sample.category == ALONE:
        return (*pictures, f"{question}\n{listed}")
    if sample.category != "adaptation":
        return (*pictures, f"{question}\n{listed}{IGNORE}")
    lead = LEARN.format("multi-choice" if options else "open-ended") + AT_THE_END
    return (*pictures, f"{lead}{question}\n{listed}" if options else f"{lead}{question}")


def official(record: Record) -> Score:
    """Score as `videoperception_process_results`, which leaves an empty answer out."""
    score = letters.as_is(letters.video_mmmu)(record) if record.choices else mmmu.open_answer(record, LEADS)
    return replace(score, value=None) if record.text == "" else score


def numbers(categories: Mapping[str, str], records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the accuracy of each track or kind, clustered by video, and of three tracks also overall.

    Chance is unknown where some questions have no options.
    """
    by_track = by_category(records, scores, [*categories], "video")
    if categories is GAIN:
        return by_track
    by_discipline = parts_by(lambda record: record.tags["discipline"], records, scores)
    return {
        "overall": percent(share(records, scores, "video"), guessing(records)),
        **by_track,
        **{name: percent(share(*by_discipline[name], "video"), guessing(by_discipline[name][0])) for name in DOMAINS},
    }


def gain(records: Sequence[Record], scores: Sequence[Score]) -> list[str]:
    """Return sentences on the frames shown, and on the gain by the video in percent of what was to be gained."""
    remarks, marks = video.shown(records, scores), parts_by(lambda record: record.category, records, scores)
    values = {name: [score.value for score in marks[name][1] if score.value is not None] for name in GAIN}
    if not all(values.values()):
        return remarks
    before, after = (100 * sum(given) / len(given) for given in values.values())
    if before == 100:
        return [*remarks, "The knowledge gain is undefined: all questions are answered right without the video."]
    value = 100 * (after - before) / (100 - before)
    formula = f"({after:.2f} - {before:.2f}) / (100 - {before:.2f})"
    return [*remarks, f"The knowledge gain is {value:+.2f}%, {formula}; it has no interval."]


def _task(name: str, categories: Mapping[str, str]) -> Task:
    see = partial(watch, [*categories])
    gaining = categories is GAIN
    return Task(
        name=name,
        samples=lambda data: see(data, video.FRAMES, "ends"),
        video=see,
        sampler="ends",
        prompts={"release": release},
        scorers={"official": official, "strict": by_kind(choices.scorer(strict), short.exact)},
        metric=partial(numbers, categories),
        axes=categories,
        totals={} if gaining else {"overall": "Overall"},
        details={} if gaining else {name: name for name in DOMAINS},
        max_new_tokens=512,
        remarks=gain if gaining else video.shown,
    )


VIDEO_MMMU = _task("video-mmmu", TRACKS)
VIDEO_MMMU_GAIN = _task("video-mmmu-gain", GAIN)
