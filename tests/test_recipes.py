"""Recipes: each is complete and runnable, none silently overrides another value, and all are reported."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from mmeval import recipes
from mmeval.cli import main
from mmeval.spec import RunSpec, from_mapping
from mmeval.task import configure, load_task, pick_prompt
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
    asked = {"task": "mmstar", "recipe": "qwen3-vl-report"}
    assert recipes.apply(from_mapping({**asked, "samples": 4}, "")).temperature == 0.7
    with pytest.raises(InputError, match="beam search cannot be combined with --temperature"):
        recipes.apply(from_mapping({**asked, "beams": 2}, ""))
    with pytest.raises(InputError, match="4 samples would all be the same answer; add --temperature"):
        recipes.apply(RunSpec("mme", recipe="lmms-eval-0.7", samples=4))


def asked(task: str, prompt: str, sample: Sample) -> str:
    parts = load_task(task).prompts[prompt](sample)
    assert not images(parts)
    return "".join(map(str, parts))


def test_the_prompts_are_those_of_lmms_eval() -> None:
    word = "\nAnswer the question using a single word or phrase."
    letter = "\nA. a\nB. b\nAnswer with the option's letter from the given choices directly."
    question = Sample("1", ("Is it?",), ("A",), (("a",), ("b",)), tags={"hint": "H", "kind": ""})
    expected = {"mme": f"Is it?{word}", "pope": f"Is it?{word}", "gqa": f"Is it?{word}"}
    expected |= {"seed-bench": f"Is it?{letter}", "muirbench": f"Is it?{letter}"}
    expected |= {"scienceqa": f"Context: H\nIs it?{letter}"}
    expected |= {"chartqa": "Is it?\nAnswer the question with a single word.", "ocrbench": "Is it?"}
    expected |= {"docvqa": f"Is it?{word}", "infographicvqa": f"Is it?{word}"}
    own = recipes.load("lmms-eval-0.7").tasks
    assert {task: asked(task, own[task].set["prompt"], question) for task in own} == expected


def test_a_recipe_sets_what_was_left_open_and_refuses_another_value(tmp_path: Path) -> None:
    spec = RunSpec("mme", "constant", recipe="lmms-eval-0.7", limit=28)
    assert (recipes.apply(spec).prompt, recipes.apply(spec).max_new_tokens) == ("single-word", 16)
    for wrong, why in {
        RunSpec("mme", prompt="release", recipe="lmms-eval-0.7"): "sets --prompt single-word, and release was given",
        RunSpec("nlvr2", recipe="lmms-eval-0.7"): "has no settings for the task 'nlvr2'; it is for mme, pope",
        RunSpec("mme", recipe="lmms-eval"): "no recipe 'lmms-eval' \\(did you mean 'lmms-eval-0.7'",
    }.items():
        with pytest.raises(InputError, match=why):
            recipes.apply(wrong)
    run = evaluate("constant", "mme", out=tmp_path / "run", recipe="lmms-eval-0.7", limit=28)
    assert run.spec.prompt == "single-word"
    (line,) = (line for line in run.results["remarks"] if "recipe" in line)
    assert line.startswith("Asked by the recipe lmms-eval-0.7: prompt single-word, max new tokens 16 (github.com/")
    plain = evaluate("constant", "mme", out=tmp_path / "run", prompt="single-word", max_new_tokens=16, limit=28)
    assert plain.identity == run.identity  # the same run, whoever named it


def test_the_command_lists_them() -> None:
    listed = CliRunner().invoke(main, ["recipes"]).output
    assert all(name in listed for name in recipes.names())
    one = CliRunner().invoke(main, ["recipes", "vlmevalkit-2025-08"]).output
    assert "--prompt release, --reading 2025-08" in one and "598cbee" in one
