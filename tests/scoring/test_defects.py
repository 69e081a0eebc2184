"""One test per verified defect of a peer's or an official script that ours does not have, named after it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mmeval.cards.task import load
from mmeval.engine.prompts import flatten
from mmeval.evaluation import survey as surveys
from mmeval.evaluation.survey import data_remarks, survey
from mmeval.mmicl.context import ImageMention
from mmeval.runs.schema import Results
from mmeval.scoring.metrics.auroc import auroc
from mmeval.scoring.readings import choices, short, vqa, yesno
from mmeval.scoring.readings.scripts import letters
from mmeval.scoring.readings.strict.letter import strict
from mmeval.scoring.statistics import estimate
from mmeval.task import Task
from mmeval.task_loading import load_task
from mmeval.tasks.vl_icl import strict as vl_icl
from mmeval.types import Generation, Image, InputError, Record, Ref, Request, Sample, Score, Shot, images
from tests.evaluating import results
from tests.tasks.small_folders import jsonl, picture, run, value

OPTIONS = ("the cat", "the dog", "the hen", "none of them")
SCORERS: dict[str, Callable[[Record], Score]] = {
    "letter": choices.scorer(strict),
    "yes/no": yesno.scorer(yesno.strict),
    "true/false": yesno.scorer(yesno.truth),
    "short": short.exact,
    "vl-icl": vl_icl,
}


def answered(text: str, *targets: str, category: str = "matching_mi") -> Record:
    return Record("1", targets, category, choices=OPTIONS, text=text)


@pytest.mark.parametrize("name", list(SCORERS))
@pytest.mark.parametrize("text", ["", " ", "\n", ".", "()"])
def test_mvbench_an_empty_answer_is_never_correct(name: str, text: str) -> None:
    for target in ("A", "yes", "no", "the cat", "(a)"):
        assert SCORERS[name](answered(text, target)).value == 0.0


@pytest.mark.slow
@given(st.sampled_from(sorted(SCORERS)), st.text("?! \n().,;", max_size=12), st.sampled_from(["A", "yes", "no"]))
def test_mvbench_nothing_but_punctuation_is_never_correct(name: str, text: str, target: str) -> None:
    assert SCORERS[name](answered(text, target)).value == 0.0


@pytest.mark.parametrize(("text", "target"), [("no", "not sure"), ("a", "cat"), ("", "dog"), ("cat", "catalogue")])
def test_mic_an_answer_is_not_right_for_being_part_of_the_truth(text: str, target: str) -> None:
    assert short.exact(answered(text, target)).value == 0.0
    for score in vqa.READINGS.values():
        assert score(answered(text, *[target] * 10)).value == 0.0


def test_mic_the_truth_is_not_right_for_being_part_of_the_answer() -> None:
    assert short.exact(answered("it is no cat", "cat")).value == 0.0


def test_mic_one_exemplar_does_not_take_the_querys_number() -> None:
    first, second = (Image(f"{n}".encode()) for n in (1, 2))
    shot = Shot((first, "See ", Ref(0)), "yes")
    flat = flatten(Request("1", (second, "See ", Ref(0)), (shot,)))
    assert [part.slot for part in flat.parts if isinstance(part, ImageMention)] == [0, 1]


def test_mic_a_query_is_not_its_own_exemplar(tmp_path: Path) -> None:
    rows = []
    for number in range(3):
        picture(tmp_path / f"{number}.png", number)
        rows.append({"image": [f"{number}.png"], "question": "How many?", "answer": number})
    jsonl(tmp_path / "clevr" / "support.json", rows)
    jsonl(tmp_path / "clevr" / "query.json", rows)
    few_shot = load_task("vl-icl").few_shot
    assert few_shot is not None
    for sample in few_shot(str(tmp_path), 2, 0):
        assert sample.targets[0] not in [shot.answer for shot in sample.shots]
    with pytest.raises(InputError, match="3 demonstrations requested, but 2 in the pool"):
        list(few_shot(str(tmp_path), 3, 0))


@pytest.mark.parametrize("text", ["", "I cannot tell", "a cat", "maybe"])
def test_mirb_and_vl_icl_no_is_not_credited_for_the_absence_of_yes(text: str) -> None:
    assert vl_icl(answered(text, "no")).value == 0.0
    assert yesno.scorer(yesno.strict)(answered(text, "no")).value == 0.0


def test_vl_icl_clevrs_number_is_looked_for() -> None:
    assert vl_icl(answered("There are 3 of them.", "3", category="clevr")).value == 1.0
    assert vl_icl(answered("3 or 4", "3", category="clevr")).outcome == "unparsed"
    assert vl_icl(answered("3.5", "3", category="clevr")).outcome == "unparsed"


def test_mmiu_an_empty_reply_of_a_judge_is_not_right() -> None:
    fallback = choices.judged(SCORERS["letter"], lambda record: "")
    assert fallback(answered("hm", "A")).value == 0.0


def counted(task: Task, *texts: str | None) -> Results:
    records = [
        Record(f"random/{n}", ("yes",), "random", {"image": str(n)}, text=text, error=None if text else "broken")
        for n, text in enumerate(texts)
    ]
    return results(task, records)


def test_mmiu_and_mvbench_what_is_unparsed_stays_in_the_denominator() -> None:
    scores = counted(load_task("pope"), "yes", "hm", "who knows", "perhaps")
    assert scores.strict["random/accuracy"].value == 25.0
    assert scores.strict["random/accuracy"].n == 4


def test_lmms_eval_mvbench_what_is_unanswered_stays_in_the_denominator() -> None:
    records = [
        Record(f"random/{n}", ("no",), "random", {"image": str(n)}, text=text) for n, text in enumerate(["no", "", ""])
    ]
    accuracy = results(load_task("pope"), records).strict["random/accuracy"]
    assert accuracy.n == 3 and accuracy.value == pytest.approx(100 / 3)


def test_mmiu_an_error_is_counted_and_reported() -> None:
    scores = counted(load_task("pope"), "yes", None)
    accuracy = scores.strict["random/accuracy"]
    assert (scores.counts.error, accuracy.n, accuracy.value) == (1, 2, 50)  # it stays in the denominator
    assert "Errors count as wrong: 1 of 2 questions has no answer." in scores.remarks


def test_muirbench_and_nextqa_nothing_is_guessed() -> None:
    for text in ("hm", "I see a picture", "?"):
        first, again = (SCORERS["letter"](answered(text, "A")) for _ in range(2))
        assert first == again == Score(0.0, "unparsed")
    # where the official script draws a letter, the score is its expectation, each time
    draw = letters.drawn(letters.mmmu)
    assert draw(answered("hm", "A")) == draw(answered("hm", "B")) == Score(0.25, "unparsed")


@pytest.mark.parametrize("text", ["", "NO", "No\n", "There are none"])
def test_pope_what_says_no_or_nothing_is_no_yes(text: str) -> None:
    from mmeval.tasks.pope import official

    assert official(text) == "yes"  # the script's quirk, kept by name
    assert yesno.strict(text) != "yes"


@pytest.mark.parametrize("text", ["Based on the video, a man", "Because Dogs bark", "Cannot say", "All of these"])
def test_video_mme_the_first_capital_is_no_letter(text: str) -> None:
    assert strict(text, ("x1", "x2", "x3", "x4")) is None


LEADS = (
    "The best answer is, The correct answer is, The answer is, The best option is, The correct option is, Best option:"
)


@pytest.mark.parametrize("words", LEADS.split(", "))
def test_video_mme_no_way_to_lead_up_to_a_letter_is_lost(words: str) -> None:
    # its list of them lacks two commas, which makes two of four that nobody writes
    assert strict(f"{words} D", ("a bus", "a car", "a ship", "a train")) == "D"


@pytest.mark.parametrize(("text", "letter"), [("Because it is red", None), ("Definitely C.", "C"), ("", None)])
def test_lmms_eval_seedbench_2_the_first_character_is_no_answer(text: str, letter: str | None) -> None:
    assert strict(text, ("w", "x", "y", "z")) == letter


@pytest.mark.parametrize(
    ("text", "letter"),
    [("The answer is B", "B"), ("The image shows (B)", "B"), ("The", None), ("Box A is larger than Box B.", None)],
)
def test_lmms_eval_blink_the_first_letter_of_a_sentence_is_no_answer(text: str, letter: str | None) -> None:
    assert strict(text, ("x1", "x2")) == letter


def test_mantis_an_article_is_no_answer() -> None:
    assert strict("A man and his horse", ("x1", "x2")) is None
    assert strict("Final answer: The image on the left", ("x1", "x2")) is None


def card(folder: Path, **values: Any) -> Task:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({"about": "x", **values}), encoding="utf-8")
    return load(path)


def test_seed_bench_blanks_around_the_truth_do_not_matter(tmp_path: Path) -> None:
    jsonl(tmp_path / "q.jsonl", [{"q": "Which?", "a": answer, "o": ["x", "y"]} for answer in ("A ", " A", "A", "(A)")])
    fields = {"question": "q", "answer": "a", "options": "o"}
    task = card(tmp_path, kind="multiple choice", files="q.jsonl", fields=fields)
    assert [sample.targets for sample in task.samples(str(tmp_path))] == [("A",)] * 4


def test_seed_bench_the_summary_has_every_number(tmp_path: Path) -> None:
    rows = [{"q": "Which?", "a": answer, "o": ["x", "y"], "type": kind} for kind in (1, 2) for answer in "AB"]
    jsonl(tmp_path / "q.jsonl", rows)
    fields = {"question": "q", "answer": "a", "options": "o", "category": "type"}
    categories = {"1": "Scene", "2": "Instance"}
    card(tmp_path, kind="multiple choice", files="q.jsonl", fields=fields, categories=categories)
    scores = run(tmp_path / "mine.yaml", tmp_path, tmp_path / "run", "constant:A")
    assert [value(scores, name) for name in ("overall", "1", "2")] == [50.0] * 3


def test_seed_bench_2_a_place_for_a_picture_is_filled(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    jsonl(tmp_path / "q.jsonl", [{"q": "Is <img> red?", "a": "yes", "p": "a.png"}])
    fields = {"question": "q", "answer": "a", "pictures": "p"}
    task = card(tmp_path, kind="yes/no", files="q.jsonl", fields=fields, mark="<img>")
    prompt = task.prompts["direct"](next(iter(task.samples(str(tmp_path)))))
    assert not any("<img>" in part for part in prompt if isinstance(part, str))
    assert [isinstance(part, Image) for part in prompt] == [False, True, False]


def test_vlmevalkit_muir_no_picture_is_dropped_in_silence(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        picture(tmp_path / name)
    jsonl(tmp_path / "q.jsonl", [{"q": "Is <img> red?", "a": "yes", "p": ["a.png", "b.png"]}])
    fields = {"question": "q", "answer": "a", "pictures": "p"}
    task = card(tmp_path, kind="yes/no", files="q.jsonl", fields=fields, mark="<img>")
    (question,) = task.samples(str(tmp_path))
    assert [image.name for image in images(question.prompt)] == ["a.png"]
    assert data_remarks(survey(lambda: [question]).pictures) == [
        "Pictures: 1 left out for lack of a mark in the question; 1 is shown."
    ]


def test_lavis_nlvr2_dev_is_not_taken_for_test(tmp_path: Path) -> None:
    for split in ("dev", "test1"):
        jsonl(tmp_path / f"{split}.json", [{"identifier": f"{split}-0-0-0", "sentence": "So.", "label": "True"}])
        for side in (0, 1):
            picture(tmp_path / split / f"{split}-0-0-img{side}.png", side)
    assert [s.tags["split"] for s in load_task("nlvr2").samples(str(tmp_path))] == ["test1"]


def test_lavis_visdial_turns_about_one_picture_are_questions_of_their_own(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    jsonl(tmp_path / "q.jsonl", [{"q": f"Turn {n}?", "a": f"{n}", "p": "a.png"} for n in range(10)])
    fields = {"question": "q", "answer": "a", "pictures": "p"}
    samples = list(card(tmp_path, kind="short answer", files="q.jsonl", fields=fields).samples(str(tmp_path)))
    assert [(sample.prompt[-1], sample.targets) for sample in samples] == [(f"Turn {n}?", (f"{n}",)) for n in range(10)]
    with pytest.raises(InputError, match="two samples have the id '10'"):
        surveys.survey(lambda: [*samples, samples[-1]])


def test_lmms_eval_pope_a_sentence_is_read_as_well_as_a_word() -> None:
    metrics = counted(load_task("pope"), "Yes, there is one.", "yes", "Yes.").strict
    assert metrics["random/recall"].value == 100.0


def test_lmms_eval_pope_a_yes_ratio_counts_answers() -> None:
    records = [
        Record(f"random/{n}", (target,), "random", {"image": "1"}, text=text)
        for n, (target, text) in enumerate([("yes", "no"), ("no", "no"), ("yes", "No, it is not."), ("no", "Yes.")])
    ]
    metrics = results(load_task("pope"), records).strict
    assert metrics["random/yes_ratio"].value == 25.0  # half of the truths are yes


def test_lmms_eval_pope_recall_counts_what_is_unparsed() -> None:
    metrics = counted(load_task("pope"), "yes", "hm").strict
    assert metrics["random/recall"].value == 50.0


def hallusion(tmp_path: Path) -> Task:
    rows = [
        {"q": "Is it?", "a": "yes", "category": kind, "sub": "ocr", "set": 0, "figure": 1, "n": n}
        for kind in ("VD", "VS")
        for n in range(2)
    ]
    rows[-1]["a"] = "no"
    jsonl(tmp_path / "q.jsonl", rows)
    fields = {"question": "q", "answer": "a", "cluster": ["category", "sub", "set"]}
    groups = {"figures": ["category", "sub", "set", "figure"]}
    return card(tmp_path, kind="yes/no", files="q.jsonl", fields=fields, groups=groups)


def test_vlmevalkit_hallusion_figures_of_two_categories_do_not_merge(tmp_path: Path) -> None:
    hallusion(tmp_path)
    scores = run(tmp_path / "mine.yaml", tmp_path, tmp_path / "run", "constant:yes")
    assert (scores.metrics["figures"].n, value(scores, "figures")) == (2, 50.0)


def test_lmms_eval_naturalbench_every_number_of_a_task_is_produced(tmp_path: Path) -> None:
    task = hallusion(tmp_path)
    scores = run(tmp_path / "mine.yaml", tmp_path, tmp_path / "run", "constant:yes")
    assert {*task.axes, *task.totals} <= scores.metrics.keys()
    assert all(0 <= value(scores, name) <= 100 for name in (*task.axes, *task.totals))


def test_lmms_eval_naturalbench_a_score_is_no_prediction() -> None:
    score = SCORERS["yes/no"]
    assert (score(answered("No.", "no")).value, score(answered("Yes.", "no")).value) == (1.0, 0.0)


def test_lmms_eval_mantis_an_analysis_that_is_asked_for_has_room() -> None:
    assert load_task("mantis-eval").max_new_tokens >= 256


def test_lmms_eval_nextqa_an_additional_reference_counts_like_the_first() -> None:
    assert short.exact(answered("a kitten", "cat", "kitten")) == short.exact(answered("a kitten", "kitten", "cat"))
    for score in vqa.READINGS.values():
        first, second = (
            answered("kitten", *references)
            for references in (["cat"] * 4 + ["kitten"] * 6, ["kitten"] * 6 + ["cat"] * 4)
        )
        assert score(first) == score(second)


def test_lmms_eval_ok_vqa_nobody_is_told_to_decline_what_has_an_answer() -> None:
    shot = Shot((Image(b""), "And that?"), "a hen")
    sample = Sample("1", (Image(b""), "What is it?"), ("a cat",), shots=(shot,), tags={"demonstrations": "1"})
    for name in ("okvqa", "vqav2", "gqa", "textvqa"):
        for words in load_task(name).prompts.values():
            assert "unanswerable" not in "".join(part for part in words(sample) if isinstance(part, str)).lower()


def test_lmms_eval_mantis_nothing_is_sampled() -> None:
    assert Generation().temperature == 0  # unless a user asks for it


def test_vlmevalkit_can_infer_option_the_score_does_not_depend_on_verbosity(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "A cat is to the left of a dog, so the first"
    quiet = strict(text, ("x1", "x2"))
    monkeypatch.setenv("VERBOSE", "1")
    assert strict(text, ("x1", "x2")) == quiet is None


def test_helm_hateful_memes_a_ranking_is_not_an_exact_match() -> None:
    # all likelihoods of yes are below a half, so that nothing would ever match; the order is perfect
    area = estimate(auroc([0.1, 0.2, 0.3, 0.4], [False, False, True, True], list("abcd")), resamples=50)
    assert area.value == 100.0


def test_lmms_eval_the_interval_is_that_of_the_number(tmp_path: Path) -> None:
    # every number has an interval of its own, not that of an accuracy printed beside it
    scores = run(hallusion(tmp_path) and tmp_path / "mine.yaml", tmp_path, tmp_path / "run", "constant:yes")
    for name, metric in scores.metrics.items():
        if metric.value is not None:
            assert (metric.low or 0.0) <= metric.value <= (metric.high or 0.0), name
    assert json.loads((tmp_path / "run" / "run.json").read_text())["identity"]["card"]["kind"] == "yes/no"
