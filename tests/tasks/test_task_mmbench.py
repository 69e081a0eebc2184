"""MMBench's numbers by hand, its prompts word for word, and skipped rotations."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from mmeval import answers
from mmeval.configuration import configure
from mmeval.engine.transformer import TransformerModel
from mmeval.evaluation import asking
from mmeval.evaluation.survey import survey
from mmeval.models import Checkpoint, ModelOptions, load_model
from mmeval.models.constant import Constant
from mmeval.reporting import leaderboards as submission
from mmeval.runs import run as runs
from mmeval.servers import client
from mmeval.task_loading import load_task
from mmeval.tasks.mmbench import ABILITIES, CCBENCH, CULTURE, MMBENCH
from mmeval.types import Generation, Image, InputError, Request, Response, Sample
from tests import evaluating
from tests import mmbench_table as table
from tests.evaluating import rescore
from tests.tasks.small_folders import call


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return table.write(tmp_path_factory.mktemp("mmbench") / "MMBench_DEV.tsv", table.questions())


class Fickle(Constant):
    """Mostly answers "pig", otherwise what the prompt decides; keeps a list of the ids that it was asked."""

    asked: list[str] = []  # noqa: RUF012

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        for request in requests:
            self.asked.append(request.id)
            prompt = "".join(part for part in request.prompt if isinstance(part, str))
            index = hashlib.sha256(f"{self.answer} {prompt}".encode()).digest()[0]
            yield Response(request.id, text=("A", "cow", "perhaps", *["pig"] * 7)[index % 10])


def evaluate(data: Path, out: Path, *options: object) -> Result:
    return call("run", "--task", "mmbench", "--model", "constant:B", "--data", data, "--out", out, *options)


def test_the_prompt_of_the_release_byte_for_byte(data: Path) -> None:
    first, *_ = MMBENCH.samples(str(data))
    picture, text = MMBENCH.prompts["release"](first)
    assert isinstance(picture, Image)
    assert text == (
        "Hint: It barks.\nQuestion: What is in picture 1?\nOptions:\nA. a cat\nB. a dog\nC. None\nD. NA\n"
        "Please select the correct answer from the options above. \n"
    )
    *_, last = MMBENCH.samples(str(data))
    assert MMBENCH.prompts["release"](last)[1] == (
        "Question: What is in picture 7?\nOptions:\nA. blue\nB. red\n"
        "Please select the correct answer from the options above. \n"
    )


def test_six_abilities_and_twenty_leaves_in_the_radars_order() -> None:
    assert list(MMBENCH.axes) == ["LR", "AR", "RR", "FP-S", "FP-C", "CP"]
    assert sum(len(leaves) for _, leaves in ABILITIES.values()) == 20
    assert len(CULTURE) == 7 and CCBENCH.axes == CULTURE


@pytest.mark.slow
def test_the_numbers_by_hand(data: Path, tmp_path: Path) -> None:
    # always "B": question 1 is right first and wrong at the next turn, 7 likewise; 2 and 5 at another turn
    assert evaluate(data, tmp_path / "run").exit_code == 0
    results = json.loads((tmp_path / "run" / "scores.json").read_text())
    values = {name: metric["value"] for name, metric in results["metrics"].items()}
    assert (values["circular"], values["vanilla"]) == (0.0, 50.0)
    assert values["vanilla_all"] == pytest.approx(100 * 4 / 11)
    assert (values["vanilla/CP"], values["vanilla/FP-S"], values["test/vanilla"]) == (100.0, 0.0, 100.0)
    assert values["LR"] is None and results["metrics"]["LR"]["reason"] == "no question"
    chance = (1 / 4**4 + 1 / 3**3 + 1 / 2**2 + 1 / 2**2) / 4
    assert results["metrics"]["circular"]["chance"] == pytest.approx(100 * chance)
    assert results["counts"] == {
        "samples": 11, "correct": 4, "incorrect": 7, "unparsed": 0, "refused": 0, "error": 0,
    }  # fmt: skip
    assert "50.0 points are lost" in results["remarks"][0]
    assert results["remarks"][1] == "CircularEval of each split: dev 0.0, test 0.0."
    assert results["remarks"][2].startswith("Letters answered: A 0% (right: 36%), B 100% (right: 36%)")


@pytest.mark.slow
def test_the_whole_way_through_the_command_line(data: Path, tmp_path: Path) -> None:
    result = evaluate(data, tmp_path / "run", "--reading", "2025-08")
    assert result.exit_code == 0, result.output
    for message in ("CircularEval", "Logic Reasoning", "Letters answered", "are lost when the options change places"):
        assert message in result.output
    assert runs.open_run(tmp_path / "run").spec.reading == "2025-08"
    assert evaluate(data, tmp_path / "run", "--reading", "2023").exit_code == 2
    assert call("score", tmp_path / "run").exit_code == 0
    result = evaluate(data, tmp_path / "x", "--reading", "2025-8")
    assert "no reading '2025-8' (did you mean '2025-08'?)" in result.stderr
    for option in (["--early-stop"], ["--reading", "2023"], ["--partial"], ["--scoring", "likelihood"]):
        assert call("run", "--task", "mme", "--model", "constant", *option).exit_code == 2
    assert "give both" in evaluate(data, tmp_path / "x", "--judge", "http://127.0.0.1:9/v1").stderr


def test_blanks_around_an_option_are_the_tables_own(tmp_path: Path) -> None:
    # the public tool looks for "cat " with its blank, so it does not find it in "a cat"
    lines = table.with_turns([table.line(1, ["cat ", "dog"], "A"), table.line(2, ["cat", "dog"], "A")])
    data = table.write(tmp_path / "MMBench.tsv", lines)
    run = evaluating.evaluate("constant:a cat", "mmbench", data=str(data), out=tmp_path / "run")
    assert run.results.counts.unparsed == 2
    assert run.results.metrics["circular"].value == 50.0
    assert run.results.strict["circular"].value == 100.0
    (path,) = submission.write(run, "mmbench", tmp_path)
    assert answers.score_predictions("mmbench", str(path))[1].metrics == run.results.metrics


@pytest.mark.slow
def test_the_table_says_what_read_the_answers_and_on_what_part_of_the_data(data: Path, tmp_path: Path) -> None:
    result = evaluate(data, tmp_path / "run", "--limit", 4, "--partial", "--reading", "2024-03")
    for message in ("MMBench_DEV.tsv, with --partial: 4 of 4", "limited to 4 of 11 questions"):
        assert message in result.output
    assert "Answers were read with '2024-03'" in result.output
    result = evaluate(data, tmp_path / "other", "--scoring", "likelihood")
    assert "limited" not in result.output and "read with" not in result.output


def test_predictions_without_their_leaves_are_scored_by_ability(tmp_path: Path) -> None:
    lines = [line | {"prediction": line["answer"]} for line in table.with_turns(table.questions())]
    lines = [line | {"l2-category": line["l2-category"] or "logic_reasoning"} for line in lines]
    path = table.write(tmp_path / "t.tsv", lines, ["image", "category"])
    metrics = answers.score_predictions("mmbench", str(path))[1].metrics
    assert (metrics["LR"].value, metrics["ocr"].value) == (100.0, None)
    assert "" not in metrics and "vanilla/" not in metrics
    empty = [line | {"category": "", "l2-category": ""} for line in lines]
    with pytest.raises(InputError, match="line 2, column category: empty, and so is l2-category"):
        answers.score_predictions("mmbench", str(table.write(tmp_path / "t.tsv", empty, ["image"])))


def test_a_table_without_categories_has_an_overall_score(tmp_path: Path) -> None:
    lines = [line | {"prediction": "A"} for line in table.with_turns(table.questions())]
    path = table.write(tmp_path / "t.tsv", lines, ["image", "category", "l2-category"])
    scores = answers.score_predictions("mmbench", str(path))[1]
    assert scores.metrics["vanilla"].value == 25.0
    assert (scores.metrics["CP"].value, scores.metrics["circular"].value) == (None, 0.0)
    assert "The table has no column category, so no ability has a number." in scores.remarks
    data = table.write(tmp_path / "MMBench.tsv", table.with_turns(table.questions()), ["category", "l2-category"])
    run = evaluating.evaluate("constant:A", "mmbench", data=str(data), out=tmp_path / "run")
    assert run.results.metrics == scores.metrics
    assert evaluate(data, tmp_path / "drawn").exit_code == 0  # its figures and its page, too


def first_release() -> list[table.Line]:
    """As many questions and rows as dev's first release: 53 of 1,176 questions lack the last of their four turns."""
    four, two = ["a cat", "a dog", "a hen", "a fox"], ["yes", "no"]
    questions = [table.line(n, two if n < 137 else four, "A", image="") for n in range(1176)]
    lines = table.with_turns(questions, repeat=True)
    return [line for line in lines if not 3_001_000 <= int(line["index"]) < 3_001_053]


@pytest.mark.slow
def test_devs_first_release_is_counted_by_the_turns_that_it_has(tmp_path: Path) -> None:
    # a question that lacks a turn is right if all its other turns are
    lines = [line | {"prediction": line["answer"]} for line in first_release()]
    assert len(lines) == 4377
    lines = [line | ({"prediction": "D"} if int(line["index"]) < 600 else {}) for line in lines]
    path = table.write(tmp_path / "t.tsv", lines, ["image"])
    scores = answers.score_predictions("mmbench", str(path))[1]
    assert scores.metrics["circular"].value == pytest.approx(100 * 576 / 1176)
    assert any(
        remark.startswith("53 of 1,176 questions have fewer rotations than options") for remark in scores.remarks
    )
    assert not [
        finding
        for finding in submission.check(path, "mmbench")
        if "rotations" in finding.sentence or "size" in finding.sentence
    ]
    shortened = table.write(tmp_path / "less.tsv", lines[:-1], ["image"])
    incomplete = answers.score_predictions("mmbench", str(shortened))[1]
    assert (incomplete.metrics["circular"].reason or "").startswith("incomplete: question")


def test_early_stop_asks_less_and_scores_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = []
    for number in range(1, 41):
        options = ["cow", "pig", "hen"][: 2 + number % 2]
        lines.append(table.line(number, options, "B", category=list(ABILITIES["CP"][1])[number % 5]))
    data = table.write(tmp_path / "MMBench.tsv", lines)
    model = Fickle("seed")
    monkeypatch.setattr(asking, "load_model", lambda *_: model)
    results, asked_ids = {}, {}
    for name, stop in (("all", False), ("less", True)):
        model.asked.clear()
        run = evaluating.evaluate("constant", "mmbench", data=str(data), out=tmp_path / name, early_stop=stop)
        results[name], asked_ids[name] = run.results, list(model.asked)
        assert run.complete
    assert len(asked_ids["less"]) < len(asked_ids["all"]) == 100
    assert (results["all"].metrics["circular"].value or 0.0) > 0
    for scorer in ("official", "strict"):
        for metric in ("circular", "vanilla", *MMBENCH.axes, *ABILITIES["CP"][1]):
            assert results["less"].by(scorer)[metric] == results["all"].by(scorer)[metric], metric
    assert "--early-stop" in (results["less"].metrics["vanilla_all"].reason or "")
    assert results["less"].counts.unscored == 100 - len(asked_ids["less"])
    # nothing is asked a second time
    model.asked.clear()
    evaluating.evaluate("constant", "mmbench", data=str(data), out=tmp_path / "less", early_stop=True)
    assert model.asked == []


def test_a_run_that_was_killed_between_turns_goes_on_with_the_same_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [table.line(number, ["cow", "pig", "hen"], "B") for number in range(1, 31)]
    data = table.write(tmp_path / "MMBench.tsv", lines)
    monkeypatch.setattr(asking, "load_model", lambda *_: Fickle("other"))
    uninterrupted = evaluating.evaluate("constant", "mmbench", data=str(data), out=tmp_path / "whole", early_stop=True)
    torn = evaluating.evaluate("constant", "mmbench", data=str(data), out=tmp_path / "torn", early_stop=True)
    journal = torn.folder / "records.jsonl"
    journal.write_bytes(journal.read_bytes()[: journal.stat().st_size // 2])
    evaluating.evaluate("constant", "mmbench", data=str(data), out=tmp_path / "torn", early_stop=True)
    assert torn.results.metrics == uninterrupted.results.metrics


@pytest.mark.parametrize("early_stop", [False, True])
def test_a_picture_is_encoded_once_for_all_turns(data: Path, tmp_path: Path, early_stop: bool) -> None:
    loaded: list[TransformerModel] = []

    def load(checkpoint: Checkpoint, settings: ModelOptions) -> TransformerModel:
        model = load_model(checkpoint, settings)
        assert isinstance(model, TransformerModel)
        loaded.append(model)
        return model

    run = evaluating.evaluate(
        "mmicl-tiny", "mmbench", data=str(data), out=tmp_path, early_stop=early_stop, device="cpu", load=load
    )
    assert run.complete and loaded[0].pictures.encoded == 4


def test_a_picture_is_one_picture_at_every_turn(data: Path) -> None:
    digests: dict[str, set[str]] = {}
    for sample in MMBENCH.samples(str(data)):
        picture = sample.prompt[0]
        assert isinstance(picture, Image)
        digests.setdefault(sample.groups["circular"], set()).add(picture.digest)
    assert [len(same_question) for same_question in digests.values()] == [1, 1, 1, 1]


def test_a_limit_takes_whole_questions(data: Path) -> None:
    plan = survey(lambda: MMBENCH.samples(str(data)), limit=3)
    assert {int(id) % table.PASS for id in plan.ids} == {1}
    assert len(plan.ids) == 4


class Sure(Constant):
    """Finds the option "a dog", "three", "yes" or "blue" the likeliest."""

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Response]:
        for request in requests:
            liked = ("a dog", "three", "yes", "blue")
            values = tuple(-1.0 if text in liked else -50.0 for text in request.candidates)
            yield Response(request.id, loglikelihoods=values)


@pytest.mark.slow
def test_options_are_chosen_by_likelihood(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "load_model", lambda *_: Sure("x"))
    run = evaluating.evaluate("constant", "mmbench", data=str(data), out=tmp_path / "run", scoring="likelihood")
    assert run.results.scorer == "likelihood"
    assert "divided by the number of UTF-8 bytes of the option's text" in run.results.remarks[0]
    with pytest.raises(InputError, match="run without --scoring"):
        submission.write(run, "mmbench", tmp_path / "out")
    assert run.results.metrics["circular"].value == 100.0
    assert run.spec.scoring == "likelihood"
    assert run.scores.loc["circular", "value"] == 100.0
    assert call("score", tmp_path / "run").exit_code == 0
    with pytest.raises(InputError, match="did you mean 'likelihood'"):
        evaluating.evaluate("constant", "mmbench", data=str(data), out=tmp_path / "other", scoring="likelyhood")


@pytest.mark.slow
def test_a_judge_reads_what_no_scorer_can(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[str] = []

    async def post(*_: object) -> tuple[dict[str, Any], float]:
        return {"choices": [{"message": {"content": "B"}}]}, 0.0

    monkeypatch.setattr(client.Client, "post", post)
    judging: dict[str, Any] = {"judge": "http://127.0.0.1:9/v1", "judge_model": "m"}
    run = evaluating.evaluate("constant:hm", "mmbench", data=str(data), out=tmp_path / "run", **judging)
    assert run.results.metrics["vanilla"].value == run.results.strict["vanilla"].value == 50.0
    assert "The judge m was asked about 11 of 11 answers: 11 read" in run.results.remarks[-1]
    monkeypatch.setattr(client.Client, "post", lambda *_: pytest.fail("it was asked again"))
    assert rescore(run, **judging).counts.correct == 4
    assert call("score", run.folder, "--judge", judging["judge"], "--judge-model", "m").exit_code == 0
    unjudged = rescore(run, say=messages.append)
    assert unjudged.counts.unparsed == 11
    assert "scored without the earlier judge" in messages[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "options", "sentence"),
    [
        ("mmbench", {"judge": "ftp://x"}, "'ftp://x' is not an http"),
        ("mmbench", {"judge": "http://"}, "'http://' is not an http"),
        ("mmbench", {"judge": "http://[bad/v1"}, "is not an http"),
        ("mmbench", {"judge": "http://localhost:port/v1"}, "is not an http"),
        ("mmbench", {"judge": "http://a b/v1"}, "is not an http"),
        ("mmbench", {"judge": "http://127.0.0.1:9/v1", "scoring": "likelihood"}, "remove --reading and --judge"),
        (
            "mme",
            {"judge": "http://127.0.0.1:9/v1"},
            "'mme' is not a multiple-choice task; a judge reads the letters of multiple-choice tasks, and all answers "
            "to a benchmark whose script asks a judge; remove --judge$",
        ),
    ],
)
def test_a_judge_that_cannot_be_asked_is_refused_before_anything_is_asked(
    tmp_path: Path, task: str, options: dict[str, str], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        evaluating.evaluate("constant", task, out=tmp_path / "run", judge_model="m", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


def test_mmbench_is_no_ccbench(tmp_path: Path) -> None:
    data = table.write(tmp_path / "MMBench.tsv", table.with_turns(table.questions()))
    with pytest.raises(InputError, match=r"MMBench.tsv, line 2: '\w+' is an ability of MMBench; use --task mmbench"):
        evaluating.evaluate("constant", "ccbench", data=str(data), out=tmp_path / "run")


@pytest.mark.slow
def test_partial_counts_what_is_there(tmp_path: Path) -> None:
    lines = [line for line in table.with_turns(table.questions()) if line["index"] not in ("2000001", "1000002")]
    data = table.write(tmp_path / "MMBench.tsv", lines)
    result = evaluate(data, tmp_path / "run")
    assert result.exit_code == 2 and "has 3 of its 4 rotations" in result.stderr
    assert evaluate(data, tmp_path / "run", "--partial").exit_code == 0
    run = runs.open_run(tmp_path / "run")
    assert run.spec.partial is True
    assert run.results.metrics["circular"].value == 0.0
    assert {s.tags.get("turns") for s in configure(MMBENCH, run.spec).samples(str(data))} == {None, "3", "2"}


def test_a_question_without_its_first_pass_has_no_vanilla_mark(tmp_path: Path) -> None:
    lines = [line for line in table.with_turns(table.questions(), repeat=True) if line["index"] != "1"]
    data = table.write(tmp_path / "MMBench.tsv", lines)
    turns = [s.tags["turn"] for s in load_task("mmbench").partial.samples(str(data)) if s.groups["circular"] == "1"]  # type: ignore[union-attr]
    assert turns == ["1", "2", "3"]
    run = evaluating.evaluate("constant:B", "mmbench", data=str(data), out=tmp_path / "run", partial=True)
    assert run.results.metrics["vanilla"].n == 3


@pytest.mark.slow
def test_a_hub_table_that_is_not_pinned_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def values(**where: str) -> Iterator[tuple[dict[str, object], str]]:
        assert (where["config"], where["split"], where["revision"]) == ("cn", "test", "main")
        for line in table.questions():
            yield {**line, "image": {"bytes": line["image"].encode()}}, f"row {line['index']}"

    monkeypatch.setattr("mmeval.data.hub.values", values)
    result = evaluate(Path("hub:cn-test"), tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert runs.open_run(tmp_path / "run").identity["data_revision"] == "main, not pinned"
    assert "hub:cn-test at main, not pinned" in result.output


def test_without_answers_nothing_is_scored_and_the_table_says_why(tmp_path: Path) -> None:
    data = table.write(tmp_path / "MMBench_TEST.tsv", table.questions(), ["answer"])
    result = evaluate(data, tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "11 unscored" in result.output
    results = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert results["metrics"]["circular"]["value"] is None
    assert "which are public today" in results["metrics"]["circular"]["reason"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"l2-category": "coarse_perceptoin"},
            "unknown ability 'coarse_perceptoin' \\(did you mean 'coarse_perception'",
        ),
        (
            {"l2-category": "", "category": "image_scenes"},
            "unknown leaf ability 'image_scenes' \\(did you mean 'image_scene'",
        ),
    ],
)
def test_an_unknown_ability_is_named(tmp_path: Path, change: dict[str, str], sentence: str) -> None:
    data = table.write(tmp_path / "t.tsv", [table.questions()[0] | change])
    with pytest.raises(InputError, match=sentence):
        list(MMBENCH.samples(str(data)))


@pytest.mark.slow
def test_culture_is_scored_by_its_seven_leaves(tmp_path: Path) -> None:
    lines = [table.line(n, ["甲", "乙", "丙", "丁"], "B", category=leaf) for n, leaf in enumerate(CULTURE)]
    data = table.write(tmp_path / "CCBench.tsv", lines, ["hint", "l2-category", "comment", "split"])
    samples: list[Sample] = list(load_task("ccbench").samples(str(data)))
    assert len(samples) == 4 * 7
    assert "ability" not in samples[0].tags
    result = call("run", "--task", "ccbench", "--model", "constant:乙", "--data", data, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "Calligraphy & Painting" in result.output
