"""Recipes: each is complete and runnable, none silently overrides another value, and all are reported."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import mmeval
from mmeval import recipes
from mmeval.cards.rows import KIND
from mmeval.cli import main
from mmeval.configuration import configure, pick_prompt
from mmeval.spec import RunSpec, from_mapping
from mmeval.task_loading import load_task
from mmeval.types import InputError, Sample, images
from tests.evaluating import evaluate


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_is_whole(name: str) -> None:
    recipe = recipes.load(name)
    assert recipe.about and recipe.source and recipe.tasks
    for task, settings in recipe.tasks.items():
        spec = from_mapping({"task": task, **settings.set}, name)
        configure(load_task(task), spec)
        assert pick_prompt(load_task(task), spec.prompt) == spec.prompt
        assert settings.source


def test_a_recipe_that_samples_allows_several_samples_and_no_beams() -> None:
    values = {"task": "mmstar", "recipe": "qwen3-vl-report"}
    assert recipes.apply(from_mapping({**values, "samples": 4}, "")).temperature == 0.7
    with pytest.raises(InputError, match="beam search cannot be combined with --temperature"):
        recipes.apply(from_mapping({**values, "beams": 2}, ""))
    with pytest.raises(InputError, match="4 samples would all be the same answer; add --temperature"):
        recipes.apply(RunSpec("mme", recipe="lmms-eval-0.7", samples=4))


def question_of(task: str, prompt: str, sample: Sample) -> str:
    parts = load_task(task).prompts[prompt](sample)
    assert not images(parts)
    return "".join(map(str, parts))


QUESTION = Sample(
    "1", ("Is it?",), ("A",), (("a",), ("b",)), tags={"hint": "H", KIND: "multiple choice", "A": "(A) a", "B": "(B) b"}
)
QUERY = ("Hint: Please answer.\nQuestion: Is it?\nChoices:\n(A) a\n(B) b",)
OWN = {
    "mathvista": Sample("1", QUERY, ("A",), (("a",), ("b",)), tags={"answer_type": "text", "precision": ""}),
    "mmmu-pro-vision": Sample("1", ("",), ("A",), (("a",), ("b",))),
    "visual-puzzles": Sample("1", ("Is it?",), ("A",), (("a",), ("b",), ("c",), ("d",))),
}
"""Questions of tasks whose prompts need more than a text and options."""
SELECT = (
    "Select the best answer to the above multiple-choice question based on the image. Respond with only the letter "
    "(A, B, C, D, or E) of the correct option."
)
SELECT_CN = "根据图像选择上述多项选择题的最佳答案。只需回答正确选项的字母（A, B, C, D 或 E）。"


def prompts(recipe: str, *elsewhere: str) -> dict[str, str]:
    settings_by_task = recipes.load(recipe).tasks
    return {
        task: question_of(task, settings.set["prompt"], OWN.get(task, QUESTION))
        for task, settings in settings_by_task.items()
        if task not in elsewhere
    }


def test_the_prompts_are_those_of_lmms_eval() -> None:
    word = "\nAnswer the question using a single word or phrase."
    options, directly = "\nA. a\nB. b\n", "Answer with the option's letter from the given choices directly."
    letter, best = f"Is it?{options}{directly}", " The choices are listed below:\n(A) a\n(B) b\n"
    note = "Note: You only need to respond with A, B without providing any additional information.\n\n"
    lettered = ("seed-bench", "muirbench", "ai2d", "mmvp", "mathvista")
    expected = dict.fromkeys(("mme", "pope", "gqa", "docvqa", "infographicvqa"), f"Is it?{word}")
    expected |= dict.fromkeys(lettered, letter) | {"scienceqa": f"Context: H\n{letter}"}
    expected |= dict.fromkeys(("hr-bench-4k", "hr-bench-8k"), f"Is it?{options}Answer the option letter directly.")
    expected |= {"chartqa": "Is it?\nAnswer the question with a single word.", "ocrbench": "Is it?"}
    expected |= {"realworldqa": "Is it?", "cv-bench": f"{note}Is it?", "mmmu": f"Is it?{options}\n{directly}"}
    expected |= {"mmmu-pro": f"Is it?{options}\nAnswer with the option letter from the given choices directly."}
    corners = "(top-left x, top-left y, bottom-right x, bottom-right y)"
    box = (
        f"Bounding box coordinates are specified in the format {corners}. All values are floating point numbers bounded"
    )
    phrase = "Please provide the bounding box coordinate of the region this sentence describes: Is it?"
    expected |= dict.fromkeys(("refcoco", "refcoco-plus", "refcocog"), f"{box} between 0 and 1. {phrase}")
    command = "Please provide the bounding box coordinates of the region that corresponds to the command: Is it?"
    places = "with two decimal places of precision (e.g., 0.15)"
    expected |= {"screenspot": f"{box} between 0 and 1 {places}. {command}"}
    point = "exactly one click point as [x, y] in normalized coordinates within [0, 1]. Do not output a bounding box."
    identify = f"Identify the UI element for the instruction and output {point}\nInstruction: Is it?"
    expected |= dict.fromkeys(("screenspot-v2", "screenspot-pro"), identify)
    expected |= {"mme-realworld": f"Is it?{best}{SELECT}\nThe best answer is: "}
    expected |= {"mme-realworld-cn": f"Is it? 选项如下所示:\n(A) a\n(B) b\n{SELECT_CN}\n最佳答案为： "}
    expected |= {"mvbench": "Question:Is it?\nOption:\n(A) a\n(B) b\nOnly give the best option.\n"}
    expected |= {"longvideobench": f"{letter}\n", "egoschema": letter}
    expected |= {"lvbench": "Is it?\nAnswer the question with the option letter"}
    better = "Is it?\nPlease directly give the best option:"
    expected |= dict.fromkeys(("tempcompass", "tempcompass-captions"), better)
    expected |= {"tempcompass-yes-no": "Is it?\nPlease answer yes or no:"}
    steps = 'Please solve the problem step by step and put your answer in one "\\boxed{}".'
    from_choices = "Answer the question with the option's letter from the given choices directly."
    solve = f"{steps}Is it?\nChoices: A. a\nB. b\n{from_choices}"
    expected |= dict.fromkeys(("mathvision", "mathvision-testmini"), solve) | {"mathverse": "Is it?"}
    single = "Answer the question using a single character from the given options."
    expected |= dict.fromkeys(("mmt-bench", "mmt-bench-mi"), f"Question: \nIs it?\nA: a\nB: b\n{single}")
    count = "Look at the image carefully and count the objects. Answer with just a number, without any additional text."
    expected |= {"countbenchqa": f"{count} Is it?"}
    expected |= {"vsi-bench": f"These are frames of a video.\nIs it?\nOptions:{options}{directly}", "erqa": "Is it?"}
    four = "Note: You only need to respond with A, B, C, D without providing any additional information."
    expected |= {"embspatial-bench": f"{four}\nIs it?\nA) a\nB) b", "seed-bench-2-plus": letter}
    expected |= {"vlms-are-blind": "Is it?\nAnswer only in the required format."}
    expected |= {"visulogic": "Is it?\nAnswer with the option letter only."}
    line = "The last line of your response should be of the following format: 'Answer: $LETTER' (without quotes)"
    solved = "Solve the multiple-choice question and then answer with the option letter from the given choices."
    steps = f"{solved} {line} where LETTER is one of options. Think step by step before answering."
    expected |= {"visual-puzzles": f"Question: Is it?\nOptions:\n(A) a\n(B) b\n(C) c\n(D) d\n{steps}"}
    find = (
        "Please find the visual event described by a sentence in the video, determining its starting and ending times. "
        "The format should be: 'The event happens in the start time - end time'. For example, The event 'person turn a "
        "light on' happens in the 24.3 - 30.4 seonds. Now I will give you the textual sentence: "
    )
    expected |= {"charades-sta": f"{find}Is it?. Please return its start time and end time."}
    think = (
        "First please perform reasoning, and think step by step to provide best answer to the following question: \n\n"
    )
    expected |= {"mm-vet": f"{think}Is it?"}
    assert prompts("lmms-eval-0.7") == expected


def test_the_prompts_are_those_of_vlmevalkit() -> None:
    listed = "Question: Is it?\nOptions:\nA. a\nB. b\n"
    select = f"{listed}Please select the correct answer from the options above. \n"
    directly = "Answer directly with the option letter from the given choices. "
    mcq = ("mmmu", "ai2d", "mmvp", "hr-bench-4k", "hr-bench-8k", "mmt-bench", "mmt-bench-mi")
    expected = dict.fromkeys(mcq, select) | {"mmmu-pro": f"{listed}{directly}"}
    expected |= {"mmmu-pro-vision": f"Answer the following multiple-choice question in the image. {directly}"}
    word = "Is it?\nAnswer the question using a single word or phrase."
    expected |= dict.fromkeys(("chartqa", "docvqa", "infographicvqa"), word) | {"ocrbench": "Is it?"}
    best = "The choices are listed below:\n(A) a\n(B) b\n"
    expected |= {"cv-bench": "Is it?", "mme-realworld": f"Is it? {best}{SELECT} \nThe best answer is:"}
    expected |= {"mme-realworld-cn": f"Is it? 选项如下所示:\n(A) a\n(B) b\n{SELECT_CN}\n最佳答案为："}
    number = "Note that: answer with a number directly e.g. 3. Do not include any additional text."
    better = "Is it?\nPlease directly give the best option:"
    expected |= {"countbenchqa": f"Is it? {number}", "tempcompass-yes-no": "Is it?\nPlease answer yes or no:"}
    expected |= dict.fromkeys(("tempcompass", "tempcompass-captions"), better)
    assert prompts("vlmevalkit-2025-08", "mmbench", "ccbench") == expected


@pytest.mark.slow
def test_a_recipe_sets_what_was_left_open_and_refuses_another_value(tmp_path: Path) -> None:
    spec = RunSpec("mme", "constant", recipe="lmms-eval-0.7", limit=28)
    assert (recipes.apply(spec).prompt, recipes.apply(spec).max_new_tokens) == ("single-word", 16)
    for refused_spec, message in {
        RunSpec("mme", prompt="release", recipe="lmms-eval-0.7"): "sets --prompt single-word, and release was given",
        RunSpec("nlvr2", recipe="lmms-eval-0.7"): "has no settings for the task 'nlvr2'; it is for mme, pope",
        RunSpec("mme", recipe="lmms-eval"): "no recipe 'lmms-eval' \\(did you mean 'lmms-eval-0.7'",
    }.items():
        with pytest.raises(InputError, match=message):
            recipes.apply(refused_spec)
    with pytest.raises(InputError, match=r"sets --temperature 0\.7, and 0\.0 was given"):  # although it is the default
        mmeval.evaluate(model="constant", task="mmstar", recipe="qwen3-vl-report", temperature=0.0)
    command = ["run", "--task", "mmstar", "--recipe", "qwen3-vl-report", "--temperature", "0"]
    refused = CliRunner().invoke(main, command)
    assert refused.exit_code == 2 and "sets --temperature 0.7, and 0.0 was given; leave out one" in refused.output
    run = evaluate("constant", "mme", out=tmp_path / "run", recipe="lmms-eval-0.7", limit=28)
    assert run.spec.prompt == "single-word"
    (line,) = (line for line in run.results.remarks if "recipe" in line)
    assert line.startswith("Asked by the recipe lmms-eval-0.7: prompt single-word, max new tokens 16 (github.com/")
    without_recipe = evaluate(
        "constant", "mme", out=tmp_path / "run", prompt="single-word", max_new_tokens=16, limit=28
    )
    assert without_recipe.identity == run.identity  # the same run, whoever named it


def test_the_command_lists_them() -> None:
    listed = CliRunner().invoke(main, ["recipes"]).output
    assert all(name in listed for name in recipes.names())
    details = CliRunner().invoke(main, ["recipes", "vlmevalkit-2025-08"]).output
    assert "--prompt release, --reading 2025-08" in details and "598cbee" in details
