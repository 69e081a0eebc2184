"""The output of a comparison: on the terminal, as Markdown, CSV and LaTeX, with changed answers and figures.

Names, answers and ids are untrusted text: no output treats them as markup or a formula.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from string import ascii_uppercase

from rich.console import Console

from mmeval.comparison import Comparison, Pair, Row
from mmeval.files import component, write_texts
from mmeval.reporting import baselines, dotplot, run_report
from mmeval.reporting.baselines import TITLE, Rows, values_of
from mmeval.reporting.chart import Chart, Series, interval, p_text
from mmeval.reporting.latex import tabular
from mmeval.reporting.lines import Lines, escape, fitting, grid, print_wrapped, shared, tell, titled, to_csv
from mmeval.reporting.sheet import PENS
from mmeval.reporting.table import NARROW
from mmeval.scoring.baselines import CONSTANT, MAJORITY, label
from mmeval.scoring.significance import POWER
from mmeval.types import number, plural, within

MOST = len(PENS)
"""Maximum number of runs that are lines of one figure; more runs are rows of a table and of a dot plot."""
DROPPED = ("p", "detectable", "same", "p (Holm)")
"""Columns dropped on a narrow terminal, in this order."""
DIFFERENCES = (
    "Differences have paired 95% intervals over the same questions. p: two-sided, for no difference, adjusted for "
    "several tests."
)
SHOWN = 5
"""Maximum number of changed answers shown on the terminal, per direction."""


def grids(comparison: Comparison) -> list[Lines]:
    """Return one table per pair, or with many runs one table per headline number of each task, one row per run."""
    margin = ("same",) if comparison.margin is not None else ()
    numbers = ("difference", "95% interval", "p", "p (Holm)", "detectable", *margin)
    letters = dict(zip(comparison.runs, ascii_uppercase, strict=False))  # letters are used for at most MOST runs
    if len(comparison.runs) <= MOST:
        tables = [
            Lines(
                f"{letters[pair.other]} = {pair.other} against {letters[pair.first]} = {pair.first} "
                f"on {pair.task.title}, {plural(pair.questions, 'question')}",
                ("", letters[pair.first], letters[pair.other], *numbers),
                tuple(
                    (row.label, number(row.first.value), number(row.other.value), *_numbers(row, comparison.margin))
                    for row in pair.rows
                ),
            )
            for pair in comparison.pairs
        ]
        return [*tables, *_baselines(comparison)]
    tables = []
    for pairs in _by_task(comparison).values():
        for index, head in enumerate(row for row in pairs[0].rows if row.headline):
            rows = [(pairs[0].first, number(head.first.value), *[""] * len(numbers))]
            for pair in pairs:
                row = [row for row in pair.rows if row.headline][index]
                rows.append((pair.other, number(row.other.value), *_numbers(row, comparison.margin)))
            for name, baseline in pairs[0].baselines.items():
                value = number(baseline.values.get(head.metric))
                rows.append((label(name, baseline.answer), value, *[""] * len(numbers)))
            title = f"{pairs[0].task.title}, {head.label}: against {pairs[0].first}"
            tables.append(Lines(title, ("", "score", *numbers), tuple(rows)))
    return tables


def _baselines(comparison: Comparison) -> list[Lines]:
    """Return a table per task and set of questions of the scores of the baselines."""
    tables = dict.fromkeys((pair.task.title, pair.questions, baselines_of(pair)) for pair in comparison.pairs)
    return [
        Lines(f"{TITLE}: {task}, {plural(questions, 'question')}", ("", *rows[0][1:]), rows[1:])
        for task, questions, rows in tables
        if rows
    ]


def baselines_of(pair: Pair) -> Rows:
    """Return the rows of a pair's baselines, on the questions that both runs asked."""
    heads = {row.metric: row for row in pair.rows if row.headline}
    labels = {metric: row.label for metric, row in heads.items()}
    return baselines.rows(labels, {metric: row.first.chance for metric, row in heads.items()}, pair.baselines)


def notes(comparison: Comparison, dropped: Collection[str] = ()) -> list[str]:
    """Return how to read the columns that are not dropped, the marks of the runs, and the comparison's limits."""
    tests = dict.fromkeys(row.test for pair in comparison.pairs for row in pair.rows if row.test)
    sentences = ["Differences are the second run's score minus the first's, with 95% intervals over paired clusters."]
    if tests and "p (Holm)" not in dropped:
        sentences.append(
            f"p: two-sided, null hypothesis of no difference ({'; '.join(tests)}). Holm: headline numbers are adjusted "
            "for all headline numbers of this comparison, the others for those of their table."
        )
    if tests and "detectable" not in dropped:
        sentences.append(
            f"detectable: the smallest difference that this many questions detect with a power of {POWER:.0%}."
        )
    if comparison.margin is not None and "same" not in dropped:
        sentences.append(
            f"same: p for a difference of {comparison.margin:g}% of full marks or more (two one-sided t tests); "
            "yes if it is under 0.05."
        )
    headline = (row for pair in comparison.pairs for row in pair.rows if row.headline)
    sentences += [f"{row.label} has no value: {row.difference.reason}." for row in headline if row.difference.reason]
    limits = shared({pair.other: pair.notes for pair in comparison.pairs})
    return list(dict.fromkeys([*sentences, *_marks(comparison), *limits]))


def _marks(comparison: Comparison) -> list[str]:
    return shared({name: run.marks for name, run in comparison.runs.items()})


def changed(pair: Pair) -> str:
    """Return a sentence with the number of answers that changed in each direction."""
    gained = plural(len(pair.gained), "question")
    return f"{pair.other} scores higher than {pair.first} on {gained}, lower on {len(pair.lost):,}"


def show(comparison: Comparison, console: Console) -> None:
    """Print the tables, the changed answers, and the notes."""
    dropped: dict[str, None] = {}
    for table in grids(comparison):
        tell(console, table.title, "bold")
        room = 1 if console.width >= NARROW else 0
        header, *rows = fitting((table.columns, *table.rows), console.width, DROPPED, room)
        dropped |= dict.fromkeys(name for name in table.columns if name not in header)
        print_wrapped(grid(header, [(rows, "")], room), console)
    for pair in comparison.pairs:
        tell(console, changed(pair))
        for direction, changes in (("gained", pair.gained), ("lost", pair.lost)):
            for change in changes[:SHOWN]:
                tell(console, f"  {direction}: {change.id}: {change.first[:40]} -> {change.other[:40]}", "dim")
    for note in notes(comparison, dropped):
        tell(console, note, "dim")
    if dropped:
        columns = ", ".join(name for name in DROPPED if name in dropped)
        tell(console, f"The terminal is too narrow for: {columns}. comparison.md has all columns.", "dim")


def write(comparison: Comparison, folder: Path) -> list[Path]:
    """Write comparison.md, .csv, .tex, changed.csv and the figures; return their paths."""
    texts = {
        "comparison.md": markdown(comparison),
        "comparison.csv": as_csv(comparison),
        "comparison.tex": latex(comparison),
        "changed.csv": changes_csv(comparison),
    }
    written = write_texts({folder / name: text for name, text in texts.items()})
    return [*written, *_figures(comparison, folder)]


def markdown(comparison: Comparison) -> str:
    """Return the tables as GitHub Markdown."""
    lines = ["# Comparison", ""]
    for table in grids(comparison):
        lines += titled(table)
    lines += [f"{escape(changed(pair))}." for pair in comparison.pairs] + [""]
    return "\n".join([*lines, *(f"- {escape(note)}" for note in notes(comparison)), ""])


def latex(comparison: Comparison) -> str:
    """Return the tables as LaTeX, for the packages booktabs and graphicx. The captions have the marks."""
    marks = _marks(comparison)
    return "\n".join(
        tabular("; ".join((table.title, *marks)), table.columns, table.rows) for table in grids(comparison)
    )


def as_csv(comparison: Comparison) -> str:
    """Return the unrounded numbers as CSV, one row per number and pair."""
    header = ["task", "first", "other", "questions", "metric", "label", "headline", "full_marks"]
    header += [f"{side}{name}" for side in ("first", "other", "difference") for name in ("", "_low", "_high")]
    rows: list[list[object]] = [[*header, "p", "p_holm", "test", "detectable", "p_equivalence", "reason", "marks"]]
    rows[0] += ["chance", MAJORITY, CONSTANT]
    for pair in comparison.pairs:
        marks = "; ".join(shared({name: comparison.runs[name].marks for name in (pair.first, pair.other)}))
        for row in pair.rows:
            cells: list[object] = [pair.task.name, pair.first, pair.other, pair.questions, row.metric, row.label]
            cells += [row.headline, row.first.full_marks]
            for estimate in (row.first, row.other, row.difference):
                cells += [estimate.value, estimate.low, estimate.high]
            tests = (row.p, row.adjusted, row.test, row.detectable, row.equivalent)
            values = [values_of(pair.baselines, name).get(row.metric) for name in (MAJORITY, CONSTANT)]
            rows.append([*cells, *tests, row.difference.reason, marks, row.first.chance, *values])
    return to_csv(rows)


def changes_csv(comparison: Comparison) -> str:
    """Return the questions on which the runs score differently as CSV, one row per question."""
    rows: list[list[object]] = [["task", "first", "other", "change", "id", "category", "first_answer", "other_answer"]]
    for pair in comparison.pairs:
        for direction, changes in (("gained", pair.gained), ("lost", pair.lost)):
            about = [pair.task.name, pair.first, pair.other, direction]
            rows += [[*about, change.id, change.category, change.first, change.other] for change in changes]
    return to_csv(rows)


def _numbers(row: Row, margin: float | None) -> tuple[str, ...]:
    same = () if margin is None else (_same(row.equivalent),)
    difference = (number(row.difference.value, sign="+"), interval(row.difference, "+"))
    return (*difference, p_text(row.p), p_text(row.adjusted), number(row.detectable), *same)


def _same(p: float | None) -> str:
    return number(None) if p is None else f"{'yes' if p < 0.05 else 'no'} ({p_text(p)})"


def _differences(pairs: Sequence[Pair]) -> Rows:
    """Return a row per run with its differences from the first in the headline numbers, and their p-values."""
    heads = [row.label for row in pairs[0].rows if row.headline]
    rows = [(f"Difference from {pairs[0].first}", *heads)]
    for pair in pairs:
        rows.append((pair.other, *(_difference(row) for row in pair.rows if row.headline)))
    return tuple(rows) if len(heads) <= baselines.BROAD else tuple(zip(*rows, strict=True))


def _difference(row: Row) -> str:
    difference = within(number(row.difference.value, sign="+"), interval(row.difference, "+"))
    return difference if row.adjusted is None else f"{difference}, p {p_text(row.adjusted)}"


def _by_task(comparison: Comparison) -> dict[str, list[Pair]]:
    by_task: dict[str, list[Pair]] = {}
    for pair in comparison.pairs:
        by_task.setdefault(pair.task.name, []).append(pair)
    return by_task


def _figures(comparison: Comparison, folder: Path) -> list[Path]:
    """Draw each task's runs as lines of a dot plot and a radar; if there are many, as rows of a dot plot."""
    groups, paths = _by_task(comparison), []
    for pairs in groups.values():
        task = pairs[0].task
        out = folder if len(groups) == 1 else folder / component(task.name)  # a run's file may name any task
        counts = " and ".join(dict.fromkeys(f"{pair.questions:,}" for pair in pairs))
        names = (pairs[0].first, *(pair.other for pair in pairs))
        marks = shared({name: comparison.runs[name].marks for name in names})
        subtitle = "; ".join(
            (f"{counts} {'question' if counts == '1' else 'questions'} that the runs have in common", *marks)
        )
        estimates = {pairs[0].first: {row.metric: row.first for row in pairs[0].rows}}
        estimates |= {pair.other: {row.metric: row.other for row in pair.rows} for pair in pairs}
        out.mkdir(parents=True, exist_ok=True)
        if len(estimates) <= MOST:
            lines = tuple(Series(name, numbers) for name, numbers in estimates.items())
            chart = Chart(task.title, subtitle, task.axes, lines, task.totals)
            rows, below = (pairs[0].rows if len(pairs) == 1 else ()), [baselines_of(pairs[0])]
            runs = {name: comparison.runs[name] for name in estimates}
            limits = shared({pair.other: pair.notes for pair in pairs})
            if len(pairs) > 1:
                below, limits = [_differences(pairs), *below], [DIFFERENCES, *limits]
            page = run_report.side_by_side(runs, chart, rows, out, below, limits)
            paths += [page, *run_report.draw(chart, out)]
            continue
        head = next(row for row in pairs[0].rows if row.headline)
        scores = {name: numbers[head.metric] for name, numbers in estimates.items()}
        title = f"{task.title}, {head.label}"
        paths += dotplot.draw(Chart(title, subtitle, {name: name for name in scores}, (Series(title, scores),)), out)
    return paths
