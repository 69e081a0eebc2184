"""The report: a table and a plot for every claim, and whether it holds, decided by the numbers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.replication import tried
from mmeval.files import write_text
from mmeval.reporting import dotplot
from mmeval.reporting.chart import Chart, Series, with_interval
from mmeval.task_loading import load_task
from mmeval.types import Estimate

Row = Mapping[str, Estimate]
Rows = Mapping[str, Row]

TITLES = {
    "mme": "(a) One picture: the embedded MME",
    "several": "(b) Several pictures",
    "novel": "(c) New words from demonstrations",
    "bias": "(d) Does it look, or guess from the words?",
    "longer": "(e) More pictures, and more text before the question",
    "ablations": "(f) What each part is worth",
}
ABOUT = {
    "mme": "Right answers in percent; two questions per picture, one of which has the answer yes.",
    "several": (
        "The same pictures and questions for all: MMICL sees the pictures one after the other, the baselines side by "
        'side in one, the text model none; "tokens in a row" is InstructBLIP given each picture\'s visual tokens in '
        "sequence before the words, as its authors do with video. Differences are paired by question."
    ),
    "novel": (
        "Two things get names that no model has seen; which is this? Without demonstrations the answer is unknown. "
        "The number of demonstrations is for each of the two names. In pixels: demonstrations and question are drawn "
        "as pixel art, a style absent from training."
    ),
    "bias": "The questions of (a) with a gray picture, with another's picture, and after a text.",
    "longer": (
        "Which of several pictures shows a thing (with one picture: is it there)? And MME's questions after a text "
        "that says nothing, by its number of words."
    ),
    "ablations": (
        "mmicl-tiny with other seeds, and with one thing changed: the trainable set in the article's two stages "
        "(`article`, `paper`; in mmicl-tiny everything learns), or a kind of lesson left out. "
        f"`python -m experiments.tiny --member paper` trains one. {tried.ABLATED}"
    ),
}

TOTALS = ("all", "mean of kinds")
AHEAD, GAINED = 25, 45
"""This project's aims: points over the better baseline with several pictures, and of four shots over none."""
TRIED = (
    "Full-length runs of mmicl-tiny, the last one as above; right answers in percent. In words: kinds of questions, of "
    "22, in which the language model answers nine of ten right before it sees a picture, and how it learned them. "
    "A T5 must read the document again for each question; no run with T5 passed any kind."
)


def write(results: Mapping[str, Rows], out: Path) -> list[Path]:
    """Write README.md and the plots, and return their paths."""
    paths = []
    lines = [
        "# MMICL's claims, in miniature",
        "",
        "`make replicate` makes this page: the tiny family of this repository on the test split of its picture world. "
        f"These results hold for models of six million parameters in a world of colored shapes. {tried.TRAINING}",
        "",
        "## Reading",
        "",
        *(f"- {sentence}" for sentence in reading(results)),
    ]
    for claim, rows in results.items():
        if not rows:
            continue
        lines += ["", f"## {TITLES[claim]}", "", ABOUT[claim], ""]
        models = {name: row for name, row in rows.items() if " minus " not in name}
        differences = {name: row for name, row in rows.items() if " minus " in name}
        if claim in ("mme", "several", "novel"):
            levels = {name: _levels(row) for name, row in models.items()}
            png, svg = _draw(claim, levels, out)
            paths += [png, svg]
            lines += [f"![{TITLES[claim]}]({png.name})", ""]
        lines += _table(models)
        if differences:
            lines += ["", "Points ahead of the baseline:", "", *_table(differences)]
    lines += ["", "## What was tried", "", TRIED, "", *_tried(results)]
    readme = out / "README.md"
    write_text(readme, "\n".join(lines) + "\n")
    return [readme, *paths]


def reading(results: Mapping[str, Rows]) -> list[str]:
    """Return one sentence per claim with its numbers: holds, does not hold, or is undecided."""
    sentences = []
    first, *baselines = [name for name in results["mme"] if " minus " not in name]
    sentences.append(
        f"(a) {first} answers {_cell(results['mme'][first]['all'])}% of MME's questions right"
        + "".join(f", {name} {_cell(results['mme'][name]['all'])}%" for name in baselines)
        + "."
    )
    for name in baselines:
        difference = results["several"][f"{first} minus {name}"]["all"]
        sentences.append(f"(b) Several pictures: {_cell(difference)} points ahead of {name}; {_holds(difference)}.")
    least = min(results["several"][f"{first} minus {name}"]["all"].value or 0.0 for name in baselines)
    sentences.append(
        f"(b) This project's own aim of {AHEAD} points over the better baseline is "
        f"{'' if least >= AHEAD else 'not '}reached."
    )
    for label, least in (("1 shots", 95), ("4 shots", 97)):
        shots = results["novel"][first][label]
        reached = "" if (shots.value or 0.0) >= least else "not "
        sentences.append(f"(c) {_label(label)} of each: {_cell(shots)}; the aim of {least} is {reached}reached.")
    difference = results["novel"][first]["4 minus 0 shots"]
    sentences.append(
        f"(c) Four demonstrations of each new word: {_cell(difference)} points more than none; {_holds(difference)}."
    )
    reached = "" if (difference.value or 0.0) >= GAINED else "not "
    sentences.append(f"(c) This project's own aim of {GAINED} points is {reached}reached.")
    for label in ("gain over a blank picture", "gain over another's picture"):
        difference = results["bias"][first][label]
        more_than = label.replace("gain over", "more than")
        sentences.append(f"(d) Its own picture: {_cell(difference)} points {more_than}; {_holds(difference)}.")
    for how in ("long", "misleading"):
        losses = ", ".join(
            f"{name} {_cell(results['bias'][name][f'loss after a {how} text'])}" for name in (first, *baselines)
        )
        sentences.append(f"(d) Points lost after a {how} text: {losses}.")
    if results["ablations"]:
        parts = ", ".join(f"{name} {_cell(row['several pictures'])}" for name, row in results["ablations"].items())
        sentences.append(f"(f) Several pictures, right in percent: {parts}.")
    else:
        sentences.append("(f) Nothing was ablated here.")
    return sentences


def _tried(results: Mapping[str, Rows]) -> list[str]:
    first = next(iter(results["mme"]))
    single, several, novel = (results[claim][first] for claim in ("mme", "several", "novel"))
    return tried.table((_cell(single["all"]), _cell(several["all"]), _cell(novel["0 shots"]), _cell(novel["4 shots"])))


def _holds(difference: Estimate) -> str:
    assert difference.low is not None and difference.high is not None
    if difference.low > 0:
        return "the claim holds"
    return "the claim does not hold" if difference.high < 0 else "the interval includes zero, so the claim is not shown"


def _levels(row: Row) -> Row:
    """Return the shares of questions, without differences."""
    return {key: value for key, value in row.items() if "minus" not in key}


def _draw(claim: str, models: Rows, out: Path) -> list[Path]:
    keys = list(dict.fromkeys(key for row in models.values() for key in row))
    chart = Chart(
        title=TITLES[claim],
        subtitle="Right answers in percent, 95% intervals over pictures",
        axes={key: _label(key) for key in keys if key not in TOTALS},
        totals={key: key for key in keys if key in TOTALS},
        series=tuple(Series(name, row) for name, row in models.items()),
    )
    return dotplot.draw(chart, out, claim)


def _table(rows: Rows) -> list[str]:
    keys = list(dict.fromkeys(key for row in rows.values() for key in row))
    head = ["", *map(_label, keys)]
    lines: list[Sequence[str]] = [head, ["---"] * len(head)]
    lines += [[name, *(_cell(row[key]) if key in row else "–" for key in keys)] for name, row in rows.items()]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _label(key: str) -> str:
    """Return a number's label: MME's usual subtask names, and the singular for one demonstration."""
    return {**load_task("mme").axes, "1 shots": "1 shot"}.get(key, key)


def _cell(estimate: Estimate) -> str:
    return with_interval(estimate, 1)
