"""Questions are fair, counts are correct, and the page claims no more than its numbers show."""

from __future__ import annotations

import importlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from experiments.replication import page, questions, suites
from experiments.replication.claims import ablations, claims
from experiments.replication.measure import Answers, ask, pictures_first
from experiments.replication.questions import Asked
from mmeval.task_loading import load_task
from mmeval.types import Estimate, Generation, Image, InputError, Parts, Ref, Request, Response, Shot, images


@dataclass
class Known:
    """A model that looks its answers up, and says `otherwise` to what it does not know."""

    answers: Mapping[str, str] = field(default_factory=dict)
    otherwise: str = "yes"
    name: str = "known"
    digest: str = "0"
    context: str = "declaration"
    max_images: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        """Backwards: answers may come in any order."""
        for request in reversed(list(requests)):
            yield Response(request.id, text=self.answers.get(request.id, self.otherwise))

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Never asked for."""
        raise AssertionError(requests)

    def preview(self, request: Request) -> Response:
        """Never asked for."""
        raise AssertionError(request)


def content(parts: Parts) -> list[object]:
    return [part.digest if isinstance(part, Image) else part for part in parts]


def every(count: int = 6) -> list[Asked]:
    return [question for kind in questions.SEVERAL for question in questions.several(kind, count)]


@pytest.mark.parametrize("kind", questions.SEVERAL)
def test_yes_is_right_as_often_as_no_and_names_are_unique(kind: str) -> None:
    drawn = list(questions.several(kind, 12))
    answers = Counter(question.answer for question in drawn)
    if kind in ("matching", "series"):
        assert answers["yes"] == answers["no"] == len(drawn) / 2
    assert len({question.request.id for question in drawn}) == len(drawn)
    assert all(len(images(question.request.prompt)) > 1 for question in drawn)


@pytest.mark.slow
def test_a_spoiled_demonstration_is_all_that_changes() -> None:
    unchanged = list(questions.novel(20, 4))
    without_pictures = list(questions.novel(20, 4, "pictures removed"))
    shuffled = list(questions.novel(20, 4, "labels shuffled"))
    for question, without, relabeled in zip(unchanged, without_pictures, shuffled, strict=True):
        assert content(question.request.prompt) == content(without.request.prompt) == content(relabeled.request.prompt)
        assert question.answer == without.answer == relabeled.answer
        assert not any(images(shot.prompt) for shot in without.request.shots)
        assert [shot.answer for shot in without.request.shots] == [shot.answer for shot in question.request.shots]
        pairs = zip(question.request.shots, relabeled.request.shots, strict=True)
        assert all(content(shot.prompt) == content(spoiled.prompt) for shot, spoiled in pairs)
    assert any(
        [shot.answer for shot in question.request.shots] != [shot.answer for shot in relabeled.request.shots]
        for question, relabeled in zip(unchanged, shuffled, strict=True)
    )
    assert all(not question.request.shots for question in questions.novel(20, 0))


def test_demonstrations_of_another_task_and_in_another_style_ask_the_same() -> None:
    changes = ("", "of another task", "in pixels")
    unchanged, of_another, pixels = (list(questions.novel(4, 1, change)) for change in changes)
    for usual, other, pixelated in zip(unchanged, of_another, pixels, strict=True):
        assert usual.answer == other.answer == pixelated.answer
        assert content(usual.request.prompt) == content(other.request.prompt)
        assert {shot.answer for shot in usual.request.shots} != {shot.answer for shot in other.request.shots}
        requests = (usual.request, pixelated.request)
        prompts = ([request.prompt, *(shot.prompt for shot in request.shots)] for request in requests)
        for original, changed in zip(*prompts, strict=True):
            assert content(original)[0] != content(changed)[0] and content(original)[1:] == content(changed)[1:]


def test_one_picture_of_many_shows_what_is_asked_for_and_words_are_as_many_as_said() -> None:
    for count in (1, 2, 8):
        for question in questions.among(6, count):
            assert len(images(question.request.prompt)) == count
            assert question.answer in ("yes", "no") if count == 1 else int(question.answer.split()[1]) < count
    short, long = (next(questions.behind_words(1, words)).request.prompt[1] for words in (0, 120))
    assert len(str(long).split()) == len(str(short).split()) + 120


def test_another_picture_is_another_and_of_the_same_subtask() -> None:
    originals, swapped, blanks = (list(questions.mme(4, show)) for show in ("own", "other", "blank"))
    for original, swap, blank in zip(originals, swapped, blanks, strict=True):
        (picture,), (another,), (grey,) = (images(question.request.prompt) for question in (original, swap, blank))
        assert original.kind == swap.kind == blank.kind
        assert len({picture.digest, another.digest, grey.digest}) == 3
        assert original.request.prompt[1:] == swap.request.prompt[1:] == blank.request.prompt[1:]


def test_accuracy_and_differences_by_hand() -> None:
    questions_asked = [Asked(Request(f"{n}", ("?",)), "yes" if n < 3 else "no", "k", f"{n}", 0.5) for n in range(4)]
    right_answers = {question.request.id: question.answer for question in questions_asked}
    all_yes, all_right = ask(Known(), questions_asked), ask(Known(right_answers), questions_asked)
    assert all_yes.right == (True, True, True, False)
    assert all_yes.accuracy().value == 75.0
    assert all_yes.accuracy().chance == 50.0
    difference = all_right.minus(all_yes)
    assert difference.value == 25.0
    assert difference.low is not None and difference.high is not None and difference.low < 25.0 < difference.high
    assert all_yes.minus(all_right).value == -25.0
    assert all_right.of("k").accuracy().value == 100.0


def test_a_question_that_is_not_answered_stops_the_report() -> None:
    class Failing(Known):
        def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
            yield from (Response(request.id, error="too long") for request in requests)

    with pytest.raises(InputError, match=r"known did not answer same/.*: too long"):
        ask(Failing(), every(1))


@pytest.fixture(scope="module")
def results() -> dict[str, dict[str, dict[str, Estimate]]]:
    correct = {question.request.id: question.answer for question in (*every(), *questions.mme(2))}
    family = {"mmicl-tiny": Known(correct), "text-tiny": Known(name="none")}
    return claims(family, pictures=2, puzzles=6) | {"ablations": ablations({"paper": Known(correct)}, 2, 6)}


@pytest.mark.slow
def test_the_page_says_what_holds_and_what_does_not(
    results: dict[str, dict[str, dict[str, Estimate]]], tmp_path: Path
) -> None:
    sentences = page.reading(results)
    assert any("ahead of text-tiny; the claim holds" in sentence for sentence in sentences)
    *_, shots, aim = (sentence for sentence in sentences if sentence.startswith("(c)"))
    assert "not shown" in shots and "not reached" in aim  # it never knows a new word
    assert "(b) This project's own aim of 25 points over the better baseline is reached." in sentences
    paths = page.write(results, tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert all(path.exists() for path in paths)
    assert all(f"]({path.name})" in text for path in paths if path.suffix == ".png")
    assert text.count("## ") == 2 + len(results)
    assert "| Commonsense Reasoning |" in text and "commonsense_reasoning" not in text
    assert "| 0 shots | 1 shot | 2 shots |" in text
    *_, last = text.splitlines()
    assert "| 100.0 (" in last and last.count("|") == text.splitlines()[-2].count("|")  # this run, under those before


@pytest.mark.slow
def test_what_was_not_ablated_is_reported(results: dict[str, dict[str, dict[str, Estimate]]], tmp_path: Path) -> None:
    page.write({**results, "ablations": {}}, tmp_path)
    assert "Nothing was ablated here" in (tmp_path / "README.md").read_text()


def test_an_ablation_that_cannot_be_loaded_is_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script: Any = importlib.import_module("experiments.replication.__main__")
    (tmp_path / "ablations" / "paper").mkdir(parents=True)
    with pytest.raises(SystemExit) as exit_info:
        script.main(["--work", str(tmp_path), "--out", str(tmp_path / "out")])
    printed = capsys.readouterr()
    assert exit_info.value.code == 2
    assert str(tmp_path / "ablations" / "paper") in printed.err
    assert "measuring" not in printed.out


@pytest.mark.parametrize("content", ["{", '{"mme": {}}', '{"ablations": {"paper": {"one picture": 3}}}'])
def test_damaged_numbers_are_refused_before_anything_is_measured(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script: Any = importlib.import_module("experiments.replication.__main__")
    (tmp_path / "numbers.json").write_text(content)
    with pytest.raises(SystemExit) as ended:
        script.main(["--work", str(tmp_path), "--out", str(tmp_path)])
    printed = capsys.readouterr()
    assert ended.value.code == 2
    assert str(tmp_path / "numbers.json") in printed.err and "or remove it to measure (f) again" in printed.err
    assert "measuring" not in printed.out


@pytest.mark.slow
def test_a_run_of_older_weights_is_asked_again(tmp_path: Path) -> None:
    task = load_task("pope")
    expected = suites.measure(task, {"constant": None}, tmp_path)
    header = tmp_path / "pope-constant" / "run.json"
    written = header.read_text()
    assert suites.measure(task, {"constant": None}, tmp_path) == expected
    assert header.read_text() == written
    older = json.loads(written)
    older["identity"]["checkpoint"] = "0" * 16
    header.write_text(json.dumps(older))
    assert suites.measure(task, {"constant": None}, tmp_path) == expected
    assert json.loads(header.read_text())["identity"] == json.loads(written)["identity"]


@pytest.mark.slow
def test_a_suite_says_what_could_not_be_read(tmp_path: Path) -> None:
    results = {"nlvr2": suites.measure(load_task("nlvr2"), {"constant:yes": None}, tmp_path)}
    lines = suites.page(results).splitlines()
    assert any(line.startswith("| Accuracy | 50.0 | 0.0 ") for line in lines)  # yes is no True
    assert any(line.startswith("| Accuracy, strict | 50.0 | 49.0 ") for line in lines)
    assert "| Unparsed, of 100 | | 100 |" in lines
    assert lines[-1].startswith('The questions end with "Respond with either True or False." Of the 100 answers')
    assert lines[-1].endswith('100 are "yes".')


@pytest.mark.slow
def test_a_suite_that_is_read_whole_has_no_word_of_it(tmp_path: Path) -> None:
    results = {"pope": suites.measure(load_task("pope"), {"constant": None}, tmp_path)}
    lines = suites.page(results).splitlines()
    assert lines[-1] == "| Unparsed, of 200 | | 0 |"
    assert not any("strict" in line for line in lines[10:])


def test_the_mean_of_kinds_counts_each_kind_alike() -> None:
    kinds = [("a", True), ("a", True), ("a", True), ("b", False)]
    questions_asked = tuple(
        Asked(Request(f"{k}", ("?",)), "yes", kind, f"{k}", 0.5) for k, (kind, _) in enumerate(kinds)
    )
    answers = Answers(questions_asked, tuple(right for _, right in kinds))
    assert answers.accuracy().value == pytest.approx(75)
    assert answers.mean_of_kinds().value == pytest.approx(50)


def test_tokens_in_a_row_stand_before_all_words_which_speak_of_the_same_pictures() -> None:
    first, second, third = (Image(b"", name) for name in "abc")
    shot = Shot((first, "What is ", Ref(0), "?"), "a bim")
    request = Request("q", ("Is ", second, " like ", third, " or ", Ref(1), "?"), shots=(shot,))
    assert pictures_first(request).prompt == (
        *(first, second, third, "What is ", Ref(0), "?", " a bim\n"),
        *("Is ", " like ", " or ", Ref(2), "?"),
    )
