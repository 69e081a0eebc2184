"""The bias study on models with planted, known habits."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mmeval.bias import parts
from mmeval.bias.asked import accuracy, chance, matched
from mmeval.bias.shares import histogram
from mmeval.bias.study import UNSOLVED, of_answers, study, write_ids
from mmeval.cli import main
from mmeval.controls.words import LENGTHS
from mmeval.embedded import suite
from mmeval.evaluation.asking import Loader
from mmeval.evaluation.sweep import under_controls
from mmeval.models.constant import Constant
from mmeval.reporting import bias as report
from mmeval.reporting.bias_words import reading
from mmeval.runs.files import read_study
from mmeval.runs.run import Run, open_run
from mmeval.runs.scored import score_records
from mmeval.runs.study import BlindSolvable, Control, Flips, Letters, Ratio, Subset, YesNo
from mmeval.scoring.statistics import paired
from mmeval.task_loading import load_task
from mmeval.types import Generation, InputError, Record, Ref, Request, Response, images
from tests import mmbench_table
from tests.bias.studies import interval, made_up, measured, number
from tests.evaluating import Collected, evaluate
from tests.mme_folder import make_release
from tests.tasks.small_folders import call


@dataclass
class Scripted:
    """A model whose answers are a function of the request."""

    answer: Callable[[Request], str]
    name: str = "told"
    max_images: int | None = None

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        for request in requests:
            yield replace(self.preview(request), text=self.answer(request), finish_reason="stop")

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Response]:
        raise NotImplementedError

    def preview(self, request: Request) -> Response:
        return Constant("").preview(request)


def loading(answer: Callable[[Request], str]) -> Loader:
    return lambda checkpoint, options: Scripted(answer)


def run_under(answer: Callable[[Request], str], out: Path, controls: str, task: str = "mme", **settings: Any) -> Run:
    load = loading(answer)
    run = evaluate("constant", task, out=out, load=load, **settings)
    under_controls(run, run_spec(task, **settings), [controls], load=load)
    return open_run(out)


def run_spec(task: str, **settings: Any) -> Any:
    from mmeval import RunSpec

    return RunSpec(task, "constant", **settings)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_release(tmp_path_factory.mktemp("mme"), pictures=6)


@pytest.fixture(scope="module")
def truth(release: Path) -> dict[tuple[str, str], str]:
    """Map each picture and question to its answer."""
    answers = {}
    for sample in load_task("mme").samples(str(release)):
        (image, question) = sample.prompt
        answers[images((image,))[0].digest, str(question)] = sample.targets[0]
    return answers


def looker(truth: dict[tuple[str, str], str], sees: Callable[[str], bool]) -> Callable[[Request], str]:
    """A model that knows the answer where it sees the true picture, and says yes elsewhere."""

    def answer(request: Request) -> str:
        question = "".join(part for part in request.prompt if isinstance(part, str))
        for image in images(request.prompt):
            known = truth.get((image.digest, question.removesuffix(" Please answer yes or no.")))
            if known is not None and sees(image.digest):
                return known
        return "yes"

    return answer


def half(digest: str) -> bool:
    return hashlib.sha256(digest.encode()).digest()[0] % 2 == 0


@pytest.mark.slow
def test_one_who_looks_and_one_whose_pictures_are_half_swapped(
    release: Path, truth: dict[tuple[str, str], str], tmp_path: Path
) -> None:
    names, settings = "blind,swap-any-0,blur4", {"data": str(release)}
    seeing = study(run_under(looker(truth, lambda digest: True), tmp_path / "whole", names, **settings))
    half_swapped = study(run_under(looker(truth, half), tmp_path / "half", names, **settings))
    for name, control in seeing.controls.items():
        gain, swapped_gain = control.gain["accuracy"], half_swapped.controls[name].gain["accuracy"]
        (low, high), (swapped_low, swapped_high) = interval(gain), interval(swapped_gain)
        assert gain.value == pytest.approx(50.0) and low <= 50 <= high and low > 40
        assert 0 < swapped_low <= 25 <= swapped_high < 40, name
        assert control.changed.value == pytest.approx(50.0)
    assert measured(seeing.controls["absent"].mirage).value == pytest.approx(0.5)
    draws = seeing.families["swap-any"]
    assert [draws.draws, draws.mean, draws.least, draws.most] == pytest.approx([1, 50.0, 50.0, 50.0])
    gain = seeing.controls["swap-any-0"].gain["accuracy"]
    assert (draws.low, draws.high) == pytest.approx((gain.low, gain.high))
    assert measured(seeing.mmstar).gain.value == pytest.approx(50.0)
    assert measured(seeing.yes_no).yes_ratio.value == pytest.approx(50.0)
    blind = measured(seeing.controls["absent"].yes_no)
    assert blind.yes_ratio.value == 100.0 and blind.pct_diff.value == pytest.approx(0.5)
    assert blind.fp_ratio.value == 1.0 and measured(blind.criterion.value) < -2
    assert blind.d_prime.value == pytest.approx(0.0)
    words = " ".join(reading(replace(seeing, yes_no=blind)))
    assert "it always says yes" in words and "of the questions correctly; guessing gives 50.0%" in words
    solved = measured(seeing.blind_solvable)  # both questions of no picture are answered with yes alone
    assert solved.not_needed.units == 0 and len(solved.ids) == 168
    assert seeing.rows["always yes, the majority"] == {"accuracy": 50.0, "perception": 500.0, "cognition": 200.0}


@pytest.mark.slow
def test_a_model_of_words_shows_no_gain(release: Path, tmp_path: Path) -> None:
    def words(request: Request) -> str:
        text = "".join(part for part in request.prompt if isinstance(part, str))
        return ("yes", "no")[hashlib.sha256(text.encode()).digest()[0] % 2]

    run = run_under(words, tmp_path / "run", "blind,guess,swap,patches", data=str(release))
    result = study(run)
    for name, control in result.controls.items():
        low, high = interval(control.gain["accuracy"])
        assert low <= 0 <= high, name
        assert control.changed.value == 0.0 or name == "guess"
    assert any("the interval covers zero" in sentence for sentence in reading(result))
    assert not any("depend on the picture." in sentence for sentence in reading(result))


@pytest.mark.slow  # loads a language model
def test_the_language_model_alone_shows_no_gain(tmp_path: Path) -> None:
    run = evaluate("text-tiny", "mme", out=tmp_path / "run", limit=28)
    under_controls(run, replace(run_spec("mme", limit=28), model="text-tiny"), ["blind,swap-any-0,text"])
    result = study(open_run(run.folder))
    assert result.controls.keys() == {"absent", "swap-any-0", "text"}
    intervals = [interval(control.gain["accuracy"]) for control in result.controls.values()]
    assert all(low <= 0 <= high for low, high in intervals)


@pytest.mark.slow
def test_who_likes_the_first_option_is_found_out(tmp_path: Path) -> None:
    result = study(run_under(lambda request: "A", tmp_path / "run", "rotate1,rotate2,hidden", "muirbench", limit=40))
    letters, rotation = measured(result.letters), measured(result.rotation)
    assert letters.first.value == 100.0 and letters.answered["A"] == 40
    assert rotation.all_turns.value == 0.0
    assert rotation.taken_away.value == pytest.approx(rotation.as_asked.value)
    assert interval(rotation.taken_away)[0] > 0
    assert result.controls["rotate1"].changed.value == 100.0  # the same letter, another option
    assert result.controls["hidden"].changed.value == 0.0
    assert any("chooses the first option" in sentence and "more often" in sentence for sentence in reading(result))
    assert result.by_pictures is not None and result.by_place is not None


@pytest.mark.slow
def test_an_invariant_model_is_changed_by_no_order_and_a_follower_by_references(tmp_path: Path) -> None:
    def invariant(request: Request) -> str:
        digests = [image.digest for image in images(request.prompt)]
        referenced = [digests[part.image] for part in request.prompt if isinstance(part, Ref)]
        return str(hashlib.sha256("".join(referenced).encode()).digest()[0] % 2 == 0)

    run = run_under(invariant, tmp_path / "run", "order,references,only-first", "nlvr2", limit=40)
    result = study(run)
    assert result.controls["order"].n == 40
    assert result.controls["order"].changed.value == 0.0
    assert result.controls["order"].gain["accuracy"].value == 0.0
    assert interval(result.controls["references"].changed)[0] > 10


@pytest.mark.slow
def test_controls_go_on_where_they_stopped_and_are_of_one_run(release: Path, tmp_path: Path) -> None:
    asked_ids: list[str] = []

    def answer(request: Request) -> str:
        asked_ids.append(request.id)
        return "yes"

    run = run_under(answer, tmp_path / "run", "grey", data=str(release), limit=28)
    assert len(asked_ids) == 56
    control = open_run(run.folder / "controls" / "grey")
    assert control.identity["control"] == "grey" and control.complete
    assert any("under the control 'grey': every picture is grey" in mark for mark in control.marks)
    lines = (control.folder / "records.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (control.folder / "records.jsonl").write_text("".join(lines[:20]), encoding="utf-8")
    run_under(answer, tmp_path / "run", "grey", data=str(release), limit=28)
    assert len(asked_ids) == 64
    with pytest.raises(InputError, match="name the original run"):
        study(control)
    evaluate("constant", "mme", out=run.folder / "controls" / "noise", data=str(release), control="noise", limit=14)
    with pytest.raises(InputError, match="not of the same run: limit differs"):
        study(open_run(run.folder))


def test_answers_that_are_neither_yes_nor_no_are_reported(release: Path, tmp_path: Path) -> None:
    run = evaluate("constant:It cannot be told", "mme", out=tmp_path / "run", data=str(release), limit=28)
    text = " ".join(reading(study(run)))
    assert "of its answers are neither yes nor no; they count as not yes." in text
    assert "No control was run." in text and "--control standard" in text


def test_what_no_control_can_act_on_is_reported_and_not_run(release: Path, tmp_path: Path) -> None:
    run = evaluate("constant", "mme", out=tmp_path / "run", data=str(release), limit=14)
    display = Collected()
    spec = run_spec("mme", data=str(release), limit=14)
    assert under_controls(run, spec, ["order,hidden,text"], display=display) == []
    messages = [message for message in display.messages if message.startswith("not run")]
    assert len(messages) == 3
    assert "no second picture" in messages[0] and "no options" in messages[1] and "alone" in messages[2]
    assert not list((run.folder / "controls").glob("*/run.json"))


@pytest.mark.slow
def test_ids_of_what_needs_the_picture_are_taken_back(
    release: Path, truth: dict[tuple[str, str], str], tmp_path: Path
) -> None:
    known = {question for number, (_, question) in enumerate(truth) if number % 4 < 2}

    def answer(request: Request) -> str:
        question = "".join(part for part in request.prompt if isinstance(part, str))
        question = question.removesuffix(" Please answer yes or no.")
        return "no" if question in known and not question.startswith("Is this") else "yes"

    run = run_under(answer, tmp_path / "run", "blind", data=str(release))
    result = study(run)
    solved = measured(result.blind_solvable)
    assert solved.not_needed.units == solved.needed.units == 42
    assert measured(solved.not_needed.seen).value == 100.0
    assert measured(solved.needed.seen).value == pytest.approx(50.0)
    (path,) = write_ids(result, tmp_path)
    assert path.name == UNSOLVED
    needing = evaluate("constant", "mme", out=tmp_path / "rest", data=str(release), only_ids=str(path))
    assert needing.planned == frozenset(solved.ids)
    assert any(mark.startswith("only 84 of 168 questions") for mark in needing.marks)
    split = study(run, needs_picture=set(solved.ids[:42])).blind_solvable
    assert measured(split).rule == "given"
    path.write_text("nobody\n", encoding="utf-8")
    with pytest.raises(InputError, match="no question 'nobody'"):
        evaluate("constant", "mme", out=tmp_path / "none", data=str(release), only_ids=str(path))


@pytest.mark.parametrize("id", ["a\nb", "a\rb"])
def test_an_id_of_two_lines_is_not_listed_as_two(tmp_path: Path, id: str) -> None:
    none = Subset(0, 0, None)
    solvable = BlindSolvable(["absent"], "", {}, ["c", id], not_needed=none, needed=none)
    with pytest.raises(InputError, match=r"has a line break"):
        write_ids(made_up(blind_solvable=solvable), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_what_is_written(release: Path, truth: dict[tuple[str, str], str], tmp_path: Path) -> None:
    run = run_under(looker(truth, half), tmp_path / "run", "blind,blur,prompts,length", data=str(release), limit=28)
    result = study(run)
    names = {path.name for path in report.write(run.folder, result)}
    assert {"bias.json", "bias.md", "bias-gain.svg", "bias-blur.svg", "bias-length.svg"} <= names
    assert read_study(run.folder / "bias.json", "") == result
    assert [point.passage for point in result.length] == [0, 100, 300, 1000]
    tokens = [point.input_tokens for point in result.length]
    assert tokens == sorted(tokens)
    prompts = measured(result.prompts)
    each = {name: measured(estimate.value) for name, estimate in prompts.each.items()}
    assert each.keys() == {"release", "single-word"} and prompts.mean == sum(each.values()) / 2
    assert prompts.worst == "single-word" and prompts.least == each["single-word"] == 50.0
    panel = report.panel(run)
    assert panel.count("<table") > 1 and panel.count("<svg") == 6  # three figures, for broad and for narrow windows
    assert "absent" in panel and "have changed since" not in panel
    for changed in (replace(result, records="of fewer answers"), replace(result, control_records={})):
        report.write(run.folder, changed)
        assert "The answers have changed since this study; make it again with mmeval bias RUN" in report.panel(run)
    (run.folder / "bias.json").write_text('{"schema": 1}', encoding="utf-8")
    with pytest.raises(InputError, match=r"bias\.json, task: Field required.*; make it again with mmeval bias RUN"):
        report.panel(run)


def test_a_study_of_an_earlier_version_is_shown(release: Path, tmp_path: Path) -> None:
    run = run_under(lambda request: "no", tmp_path / "run", "grey", data=str(release), limit=14)
    result = study(run)
    report.write(run.folder, result)
    path = run.folder / "bias.json"
    saved = json.loads(path.read_text(encoding="utf-8"))
    saved_grey = saved["controls"]["grey"]
    del saved["records"], saved["control_records"], saved_grey["as_asked"]
    for saved_yes_no in (saved["yes_no"], saved_grey["yes_no"]):
        del saved_yes_no["neither"]
    path.write_text(json.dumps(saved), encoding="utf-8")
    grey = result.controls["grey"]
    yes_no, grey_yes_no = (replace(measured(study.yes_no), neither=None) for study in (result, grey))
    controls = {"grey": replace(grey, as_asked=None, yes_no=grey_yes_no)}
    earlier = replace(result, records=None, control_records=None, yes_no=yes_no, controls=controls)
    assert read_study(path, "") == earlier
    panel = report.panel(run)
    assert "it never says yes" in panel and "have changed since" not in panel
    report.write(run.folder, earlier)
    assert json.loads(path.read_text(encoding="utf-8")) == {**saved, "records": None, "control_records": None}


def test_a_damaged_study_is_refused_in_one_sentence(release: Path, tmp_path: Path) -> None:
    run = evaluate("constant", "mme", out=tmp_path / "run", data=str(release), limit=14)
    letters = Letters({"A": 14}, {"A": 14}, 0, number(100, 80, 100), 100.0)
    control = Control(
        about="", acts="", n=14, accuracy=number(50, 40, 60), gain={"accuracy": number(0, -10, 10)},
        changed=number(0, 0, 10), flips=Flips(0, 0),
    )  # fmt: skip
    report.write(run.folder, made_up(controls={"grey": control}, letters=letters))
    path = run.folder / "bias.json"
    whole = path.read_text(encoding="utf-8")
    changes: tuple[tuple[str, Callable[[Any], object]], ...] = (
        ("n", lambda saved: saved.update(n="14")),
        ("title", lambda saved: saved.pop("title")),
        ("controls", lambda saved: saved.update(controls=[])),
        ("controls, grey, changed, low", lambda saved: saved["controls"]["grey"]["changed"].update(low="0")),
        ("controls, grey: .*'gain' lacks 'accuracy'", lambda saved: saved["controls"]["grey"]["gain"].clear()),
        ("letters: .*letters of 'answered' and 'right' differ", lambda saved: saved["letters"]["right"].clear()),
        (".*'seen' lacks 'accuracy'", lambda saved: saved["seen"].clear()),
    )
    damaged = {"": whole[:-30], "not a JSON object": "[]"}
    for place, change in changes:
        saved = json.loads(whole)
        change(saved)
        damaged[place] = json.dumps(saved)
    for place, text in damaged.items():
        path.write_text(text, encoding="utf-8")
        result = call("score", run.folder)
        assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1, (place, result.output)
        assert re.search(f"bias.json[,:] {place}.*; make it again with mmeval bias RUN", result.stderr), result.stderr


@pytest.mark.slow
def test_the_worth_of_the_picture_after_a_text_is_compared_question_by_question(
    release: Path, truth: dict[tuple[str, str], str], tmp_path: Path
) -> None:
    looks = looker(truth, lambda digest: True)
    longest = f"distract-{max(LENGTHS)}-before"
    controls = f"blind,{longest},{longest}+absent"

    def short(request: Request) -> str:
        words = [part.rpartition("\n")[2] if isinstance(part, str) else part for part in request.prompt]
        return looks(replace(request, prompt=tuple(words)))

    def answer(request: Request) -> str:
        long = sum(len(part.split()) for part in request.prompt if isinstance(part, str)) > 500
        return "yes" if long and any(image.digest < "2" for image in images(request.prompt)) else short(request)

    result = study(run_under(answer, tmp_path / "run", controls, data=str(release)))
    first, *_, last = result.length
    assert interval(last.gain)[1] > interval(first.gain)[0]  # the intervals of the two gains overlap
    loss = measured(first.gain.value) - measured(last.gain.value)
    assert measured(last.lost).value == pytest.approx(loss)
    assert interval(last.lost)[0] > 0 and first.lost is None
    assert any("points less." in sentence for sentence in reading(result))
    unaffected = study(run_under(short, tmp_path / "same", controls, data=str(release)))
    low, high = interval(unaffected.length[-1].lost)
    assert low < 0 < high
    assert any("covers zero, so this may be chance" in sentence for sentence in reading(unaffected))


@pytest.mark.slow
def test_a_terminal_shows_the_half_page_about_the_picture(release: Path, tmp_path: Path) -> None:
    run = run_under(lambda request: "yes", tmp_path / "run", "standard", data=str(release), limit=28)
    output = call("bias", run.folder, width=80).stdout
    lines = output.splitlines()
    assert len(lines) < 40 and not any(len(line) > 80 for line in lines if "  " in line)  # sentences are not wrapped
    assert "With the picture removed it loses 0.0" in output and "grey " in output
    assert "noise" not in output and "Pct. Diff" not in output
    assert f"all tables and the rest of the explanation: {run.folder / 'bias.md'}" in output
    full_report = (run.folder / "bias.md").read_text(encoding="utf-8")
    assert "noise" in full_report and "Pct. Diff" in full_report


def test_numbers_that_the_table_withholds_are_withheld_here(tmp_path: Path) -> None:
    records = evaluate("constant", "iq50", out=tmp_path / "run", limit=8).records
    failed = score_records(load_task("iq50"), [replace(records[0], error="down"), *records[1:]])
    result, reason = of_answers(failed), f"1 of {len(records)} questions ended in an error"
    assert {(metric.value, metric.reason) for metric in failed.results().metrics.values()} == {(None, reason)}
    assert {(metric.value, metric.reason) for metric in result.seen.values()} == {(None, reason)}
    assert f"It has no accuracy: {reason}." in reading(result)


def test_a_run_that_was_never_scored_is_scored_first(release: Path, tmp_path: Path) -> None:
    run = evaluate("constant", "mme", out=tmp_path / "run", data=str(release), limit=14)
    (run.folder / "scores.json").unlink()
    result = call("bias", run.folder)
    assert result.exit_code == 0, result.stderr
    assert "correct under" not in result.stdout and (run.folder / "scores.json").exists()


class Fails(Scripted):
    """A model whose every answer is an error."""

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        return (replace(self.preview(request), error="the server is down") for request in requests)


@pytest.mark.slow
def test_a_control_without_any_answer_is_left_out_and_reported(tmp_path: Path) -> None:
    data = str(make_release(tmp_path / "data", pictures=1))
    run = run_under(lambda request: "yes", tmp_path / "run", "grey", data=data)
    load = lambda checkpoint, options: Fails(lambda request: "")  # noqa: E731
    under_controls(run, run_spec("mme", data=data), ["blind", "swap-any-0", "prompts"], load=load)
    result = study(run)
    assert [*result.controls] == ["grey"]
    names = "The controls absent, prompt-single-word, swap-any-0 are"
    assert f"{names} left out: no question has an answer both in the run and in the control." in result.remarks
    assert f"{names} incomplete: 28 of 28 answers are errors, such as: the server is down." in result.remarks
    assert report.write(run.folder, result)


class FailsOnce(Scripted):
    """A model that fails at the first question."""

    first: str = ""

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        for request in requests:
            self.first = self.first or request.id
            response = self.preview(request)
            failed = request.id == self.first
            yield replace(response, error="down") if failed else replace(response, text=self.answer(request))


@pytest.mark.slow
def test_an_answer_that_failed_is_no_answer(tmp_path: Path) -> None:
    data = str(make_release(tmp_path / "data", pictures=2))
    load = lambda checkpoint, options: FailsOnce(lambda request: "yes")  # noqa: E731
    run = evaluate("constant", "mme", out=tmp_path / "run", load=load, data=data)
    under_controls(run, run_spec("mme", data=data), ["blur1,blur2,grey"], load=loading(lambda request: "yes"))
    result = study(run)
    assert result.n == 56 and measured(result.accuracy.value) < 50.0  # a failure counts as wrong in a score
    yes_no = measured(result.yes_no)
    assert yes_no.yes_ratio.value == 100.0 and measured(yes_no.neither).value == 0.0
    grey = result.controls["grey"]
    assert grey.n == 54 and measured(grey.as_asked).value == grey.accuracy.value == 50.0  # less a whole pair
    assert grey.gain["perception"].value == grey.gain["accuracy"].value == 0.0
    columns = next(
        table for table in report.tables(result) if table.title.startswith("Accuracy lost under each control")
    ).columns
    assert columns[:4] == ("control", "n", "as asked", "accuracy")
    (blur,) = (svg for svg in report.write(tmp_path, result) if svg.name == "bias-blur.svg")
    (curve,) = re.findall(r'd="M[0-9.]+ ([0-9.]+)L[0-9.]+ ([0-9.]+)L[0-9.]+ ([0-9.]+)"', blur.read_text("utf-8"))
    assert len(set(curve)) == 1  # steps 0, 1 and 2 have the same height


@pytest.mark.slow
def test_a_failure_under_a_rotation_or_a_prompt_is_no_effect_of_it(tmp_path: Path) -> None:
    run = evaluate("constant", "muirbench", out=tmp_path / "run", load=loading(lambda request: "A"), limit=40)
    load = lambda checkpoint, options: FailsOnce(lambda request: "A")  # noqa: E731
    under_controls(run, run_spec("muirbench", limit=40), ["rotate1,prompts"], load=load)
    result, count = study(run), len(run.records)
    prompts, rotation = measured(result.prompts), measured(result.rotation)
    assert len(prompts.each) > 1
    assert {part.n for part in (rotation.as_asked, *prompts.each.values())} == {count - 1}


def test_a_letter_that_is_never_right_is_listed(tmp_path: Path) -> None:
    rows = [mmbench_table.line(n, ["a cat", "a dog", "a cow", "a pig"], "AB"[n % 2]) for n in range(1, 9)]
    data = str(mmbench_table.write(tmp_path / "dev.tsv", rows))
    run = evaluate("constant:D", "mmbench", out=tmp_path / "run", data=data)
    never = [record for record in run.records if record.targets != ("D",)]
    letters = measured(of_answers(score_records(load_task("mmbench"), never)).letters)
    assert letters.answered["D"] == sum(letters.answered.values()) == len(never)


def test_chance_is_of_the_options_that_there_are() -> None:
    record = Record("1", ("A", "E"), choices=tuple("wxyz"))
    assert chance([record]) == 25.0  # E is no option's letter
    assert chance([replace(record, targets=())]) is None
    assert chance([replace(record, choices=())]) is None and chance([]) is None


def test_all_sampled_answers_count_as_yes_or_as_a_letter() -> None:
    yes = Record("1", ("yes",), "OCR", {"pair": "a"}, text="yes", samples=("yes", "no", "no", "no"))
    no = replace(yes, id="2", targets=("no",), samples=("no", "no", "no", "yes"), text="no")
    yes_no = measured(of_answers(score_records(load_task("mme"), [yes, no])).yes_no)
    assert yes_no.yes_ratio.value == 25.0 and yes_no.fp_ratio.value == 0.25
    record = Record("1", ("A",), text="A", choices=("a cat", "a dog"), samples=("A", "B", "B", "hm"))
    letters = histogram(score_records(load_task("winoground-choice"), [record]))
    assert letters.answered == {"A": 1, "B": 2} and letters.unread == 1
    assert letters.first.value == pytest.approx(100 / 3)


def test_yes_cannot_be_told_from_no_where_only_yes_is_expected(tmp_path: Path) -> None:
    run = evaluate("constant:no", "mme", out=tmp_path / "run", data=str(make_release(tmp_path / "data", pictures=2)))
    yes = [record for record in run.records if record.targets == ("yes",)]
    result = of_answers(score_records(load_task("mme"), yes))
    yes_no = measured(result.yes_no)
    assert yes_no.d_prime.value is yes_no.criterion.value is None
    assert yes_no.yes_ratio.value == 0.0
    assert "Its d'" not in " ".join(reading(replace(result, model="told")))


def test_who_answers_neither_does_not_lean_toward_no(tmp_path: Path) -> None:
    share, ratio = number(30, 20, 40), Ratio(30, 20, 40, 40)
    yes_no = YesNo(yes_ratio=share, neither=share, pct_diff=ratio, fp_ratio=ratio, d_prime=ratio, criterion=ratio)
    assert "it leans away from yes." in " ".join(reading(made_up(yes_no=yes_no)))
    all_read = replace(yes_no, neither=number(0, 0, 10))
    assert "it leans toward no." in " ".join(reading(made_up(yes_no=all_read)))


def test_questions_whose_answers_are_kept_back_show_what_changed_alone(tmp_path: Path) -> None:
    rows = [mmbench_table.line(n, ["a cat", "a dog"], "") for n in range(1, 4)]
    data = str(mmbench_table.write(tmp_path / "test.tsv", rows))
    names = "blind,swap-any-0,blur1,rotate1,distract-100-before,distract-100-before+absent,prompts"
    run = run_under(lambda request: "A", tmp_path / "run", names, "mmbench", data=data)
    result = study(run)
    assert result.controls["swap-any-0"].changed.value == 0
    assert result.controls["rotate1"].changed.value == 100
    assert result.controls["absent"].gain["accuracy"].value is None
    assert not any((result.families, result.length, result.rotation, result.blind_solvable, result.prompts))
    assert report.write(run.folder, result)


def test_numbers_that_have_no_value_get_no_column() -> None:
    seen = {"accuracy": number(50, 40, 60), "b": number(None, None, None)}
    labels = {"accuracy": "A", "b": "B"}
    (table,) = report.tables(made_up(labels=labels, seen=seen, rows={"always no": {"accuracy": 1.0}}))
    assert table.columns == ("", "A") and table.rows == (("as asked", "50.0 (40.0 to 60.0)"), ("always no", "1.0"))


def test_what_data_wrote_is_escaped(tmp_path: Path, release: Path) -> None:
    run = evaluate("constant", "mme", out=tmp_path / "run", data=str(release), limit=14)
    script = "<script>alert(1)</script>"
    result = replace(study(run), title=script, model=script)
    result.labels["accuracy"] = "<b>|x"
    report.write(run.folder, result)
    assert "<script>" not in report.panel(run) and "<b>" not in report.panel(run)
    text = (run.folder / "bias.md").read_text(encoding="utf-8")
    assert "<script>" not in text and "<b>|" not in text


def test_an_interval_of_a_gain_is_that_of_the_pair(release: Path, tmp_path: Path) -> None:
    task = load_task("mme")
    run = evaluate("constant", "mme", out=tmp_path / "run", data=str(release))
    main = score_records(task, run.records)
    result = of_answers(main)
    assert result.seen["perception"].value == 500.0
    assert paired(accuracy(main), accuracy(main)).value == 0.0

    correct = score_records(task, [replace(record, text=record.targets[0]) for record in run.records])
    leaky = parts.mmstar({"absent": matched(main, correct), "text": matched(main, main)})
    assert leaky and leaky.gain.value == -50.0 and measured(leaky.leakage).value == 50.0
    tight = parts.mmstar({"absent": matched(main, main), "text": matched(main, correct)})
    leakage = measured(measured(tight).leakage)
    assert leakage.value == 0.0 and leakage.difference == -50.0
    halves = main.of({record.id for record in main.records[:28]}), main.of({record.id for record in main.records[28:]})
    unknown = parts.mmstar({"absent": matched(main, halves[0]), "text": matched(main, halves[1])})
    assert unknown and unknown.leakage is None  # the two controls have no question in common
    solved = parts.solvable(main, {"absent": correct, "grey": correct, "noise": main}, None)
    assert solved and not solved.ids
    assert {(*flag.by, flag.of) for flag in solved.flags.values()} == {("absent", "grey", 3)}


@pytest.mark.slow
def test_a_prior_is_taken_off_likelihoods(tmp_path: Path) -> None:
    """A model that rates the first option higher by 3 in any case, and the right one by 2 if it sees a picture."""
    answers = {sample.id: sample for sample in load_task("muirbench").samples(str(suite("muirbench")))}

    class Prior(Scripted):
        def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Response]:
            for request in requests:
                target = "ABCDEFGH".index(answers[request.id].targets[0]) if images(request.prompt) else -1
                likelihoods = tuple(3.0 * (n == 0) + 2.0 * (n == target) for n in range(len(request.candidates)))
                yield replace(self.preview(request), loglikelihoods=likelihoods)

    settings: dict[str, Any] = {"scoring": "likelihood-sum", "limit": 60}

    def load(checkpoint: Any, options: Any) -> Scripted:
        return Prior(lambda request: "")

    run = evaluate("constant", "muirbench", out=tmp_path / "run", load=load, **settings)
    under_controls(run, run_spec("muirbench", **settings), ["blind"], load=load)
    result = measured(study(open_run(run.folder)).likelihood)
    assert measured(result.alpha_0.value) < 50 and result.alpha_1.value == 100.0 and interval(result.gain_1)[0] > 0
    tuned = measured(result.tuned)
    assert 0 < tuned.alpha <= 1.0 and tuned.held_out.value == 100.0


@pytest.mark.slow
def test_likelihoods_that_no_picture_changes_are_ties(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"scoring": "likelihood-sum", "limit": 20}
    run = evaluate("constant", "muirbench", out=tmp_path / "run", **settings)
    under_controls(run, run_spec("muirbench", **settings), ["blind"])
    result = study(run)
    likelihood = measured(result.likelihood)
    assert likelihood.alpha_1.value == 0.0 and likelihood.tied_1 == result.n
    assert "20 of 20 questions have no single likeliest option" in " ".join(reading(result))


@pytest.mark.slow
def test_the_command_line_from_a_run_file_to_the_study(release: Path, tmp_path: Path) -> None:
    file, out = tmp_path / "run.yaml", tmp_path / "run"
    file.write_text(f"task: mme\nmodel: constant\ndata: {release}\ncontrols: [blind, grey, order]\n", encoding="utf-8")
    preview = call("run", "--config", file, "--dry-run").output
    assert "control grey: every picture is grey" in preview and "not run: the control 'order'" in preview
    assert not out.exists()
    result = call("run", "--config", file, "--out", out, "--bias")
    assert result.exit_code == 0, result.output
    assert "not run: the control 'order' acts on no question" in result.output
    assert {path.name for path in (out / "controls").iterdir()} == {"absent", "grey"}
    assert "the interval covers zero" in result.output and (out / "bias.md").is_file()
    listed = call("bias", "--list")
    assert listed.exit_code == 0 and "swap-category-0" in listed.output
    for arguments in (("bias",), ("bias", out, "--task", "mme"), ("run", "--task", "mme", "--control", "blurr")):
        assert call(*arguments).exit_code == 2
    predictions = call("bias", "--task", "mme", "--predictions", out / "results", "--json")
    assert predictions.exit_code == 0 and json.loads(predictions.output)["yes_no"]["yes_ratio"]["value"] == 100.0
    assert [*json.loads(predictions.output)][-3:] == ["by_pictures", "controls", "marks"]


@pytest.mark.slow
def test_of_several_processes_the_last_studies_the_controls(release: Path, tmp_path: Path) -> None:
    command = ["run", "--task", "mme", "--model", "constant", "--data", str(release), "--out", str(tmp_path / "run")]
    command += ["--control", "blind,grey", "--bias"]
    for rank in ("0", "1"):
        assert not (tmp_path / "run" / "bias.json").exists()
        result = CliRunner().invoke(main, command, env={"RANK": rank, "WORLD_SIZE": "2", "COLUMNS": "200"})
        assert result.exit_code == 0, result.output
    saved = json.loads((tmp_path / "run" / "bias.json").read_text(encoding="utf-8"))
    assert saved["controls"].keys() == {"absent", "grey"} and saved["n"] == saved["controls"]["grey"]["n"] == 168
