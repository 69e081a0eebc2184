"""The results of a bias study as tables: on the terminal, in `bias.md`, and in the panel of a run's page."""

import html
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from mmeval.files import write_text
from mmeval.reporting import bias_figures
from mmeval.reporting.bias_words import NO_VALUE, headline, reading, spread
from mmeval.reporting.chart import minus
from mmeval.reporting.lines import Lines, clean, escape, grid, print_whole, stacked, tell, titled
from mmeval.runs.files import read_study, write_study
from mmeval.runs.records import digest
from mmeval.runs.run import Run
from mmeval.runs.study import ACCURACY, Control, Study
from mmeval.types import number

JSON, MARKDOWN = "bias.json", "bias.md"
ON_TERMINAL = (
    "absent", "grey", "swap-category-0", "blur2", "patches", "hidden", "order", "rotate1", "shots-none", "text",
)  # fmt: skip
"""Controls that are shown on a terminal, as far as they were run."""
EFFECT = ("accuracy", "points lost", "changed, %")
"""Their columns."""
NARROW = 72
"""Maximum width in characters, three per gap, of a table that may have another one beside it on the page."""
YES_NO = {
    "yes_ratio": ("yes, %", 1),
    "pct_diff": ("Pct. Diff", 2),
    "fp_ratio": ("FP ratio", 2),
    "d_prime": ("d'", 2),
    "criterion": ("criterion", 2),
}
"""Yes/no number -> its column title and digits."""


def tables(study: Study) -> list[Lines]:
    """Return the tables of the results, without empty ones."""
    return [_without_empty_columns(table) for table in _tables(study) if table.rows]


def _without_empty_columns(table: Lines) -> Lines:
    """Drop empty columns: numbers that these questions do not have."""
    filled = [
        index for index in range(len(table.columns)) if any(row[index] not in ("", NO_VALUE) for row in table.rows)
    ]
    rows = tuple(tuple(row[index] for index in filled) for row in table.rows)
    return Lines(table.title, tuple(table.columns[index] for index in filled), rows)


def write(folder: Path, study: Study) -> list[Path]:
    """Write `bias.json`, `bias.md` and the figures that have data into the folder; return the paths."""
    figures = bias_figures.draw(study, folder)
    write_study(folder / JSON, study)
    write_text(folder / MARKDOWN, markdown(study, figures))
    return [folder / JSON, folder / MARKDOWN, *figures]


def show(study: Study, console: Console, written: Path | None) -> None:
    """Print the sentences about the picture, the most telling controls, and where everything else is written."""
    tell(console, _title(study), "bold")
    for mark in study.marks:
        tell(console, mark, "yellow")
    for sentence in headline(study):
        tell(console, sentence)
    controls = study.controls
    names = [name for name in ON_TERMINAL if name in controls] or list(controls)[: len(ON_TERMINAL)]
    table = _without_empty_columns(Lines("", ("control", *EFFECT), tuple((n, *_effect(controls[n])) for n in names)))
    if table.rows:
        tell(console, "Some controls, with 95% intervals (`mmeval bias --list` explains them):")
        print_whole(grid(table.columns, [(table.rows, "")]), console)
    tell(
        console, f"all tables and the rest of the explanation: {written / MARKDOWN if written else 'add --out FOLDER'}"
    )


def _effect(control: Control) -> tuple[str, ...]:
    return spread(control.accuracy), spread(control.gain[ACCURACY]), spread(control.changed)


def markdown(study: Study, figures: list[Path]) -> str:
    """Return the study as GitHub Markdown: the explanation, the tables, the figures."""
    lines = [f"# {escape(_title(study))}", ""]
    lines += [line for mark in study.marks for line in (f"**{escape(mark)}**", "")]
    lines += [line for sentence in reading(study) for line in (escape(sentence), "")]
    for table in tables(study):
        lines += titled(table)
    lines += [f"![{path.stem}]({path.name})\n" for path in figures if path.suffix == ".svg"]
    return "\n".join(lines)


def panel(run: Run) -> str:
    """Return a run's `bias.json` as an escaped HTML fragment, or nothing if there is no such file.

    Raises InputError if the file is not a bias study.
    """
    path = run.folder / JSON
    if not path.exists():
        return ""
    advice = "make it again with mmeval bias RUN"
    study = read_study(path, advice)
    parts = ["<h2>Language bias</h2>"]
    controls = {path.parent.name: digest(path.parent) for path in run.folder.glob("controls/*/run.json")}
    if study.records not in (None, run.journal_contents.digest) or study.control_records not in (None, controls):
        parts.append(f"<p><b>The answers have changed since this study; {advice}</b></p>")
    paragraphs = "".join(f"<p>{html.escape(minus(clean(sentence)))}</p>" for sentence in reading(study))
    parts.append(f'<div class="reading">{paragraphs}</div>')
    figures = "".join(f"<figure>{figure}</figure>" for figure in bias_figures.inline(study))
    parts += [f'<div class="figures">{figures}</div>'] if figures else []
    parts.append(f'<div class="tables">{"".join(map(_html, tables(study)))}</div>')
    return "\n".join(parts)


def _title(study: Study) -> str:
    return f"Language bias{f': {study.model} on' if study.model else ' of answers to'} {study.title}"


def _tables(study: Study) -> Iterator[Lines]:
    labels, controls = study.labels, study.controls
    rows = [("as asked", *(spread(study.seen.get(axis)) for axis in labels))]
    for name, scores in study.rows.items():
        values = [scores.get(axis) for axis in labels]
        rows.append((name, *("" if value is None else number(value, 1) for value in values)))
    yield Lines("Scores and baselines", ("", *labels.values()), tuple(rows))
    columns = ("control", "n", "as asked", "accuracy", *(f"gain: {label}" for label in labels.values()), "changed, %")
    # with all questions, accuracy as asked is that of the first table; earlier studies do not have it
    partly = any(control.n != study.n and control.as_asked for control in controls.values())
    rows = []
    for name, control in controls.items():
        as_asked = spread(control.as_asked) if partly else ""
        gains = [spread(control.gain.get(axis)) for axis in labels]
        rows.append((name, f"{control.n:,}", as_asked, spread(control.accuracy), *gains, spread(control.changed)))
    title = "Accuracy lost under each control (gain: as asked minus control, 95% interval, on n questions)"
    yield Lines(title, columns, tuple(rows))
    families = tuple(
        (name, str(family.draws), spread(family.gain), number(family.least, 1), number(family.most, 1))
        for name, family in study.families.items()
    )
    yield Lines("Gain over another question's picture, across draws", ("", "draws", "mean", "min", "max"), families)
    if study.yes_no:
        yes = {"as asked": study.yes_no}
        yes |= {name: control.yes_no for name, control in controls.items() if control.yes_no}
        cells = tuple(
            (name, *(spread(getattr(rates, key), digits) for key, (_, digits) in YES_NO.items()))
            for name, rates in yes.items()
        )
        yield Lines("Yes and no", ("", *(label for label, _ in YES_NO.values())), cells)
    yield from _letters(study)
    for by, title in ((study.by_place, "place of the relevant picture"), (study.by_pictures, "number of pictures")):
        parts = tuple((part, f"{accuracy.n:,}", spread(accuracy)) for part, accuracy in (by or {}).items())
        yield Lines(f"Accuracy by {title}", ("", "n", "accuracy"), parts)
    yield from _parts(study)
    points = tuple(
        (
            f"{point.passage:,}",
            number(point.input_tokens, 0),
            *map(spread, (point.seen, point.unseen, point.gain, point.lost)),
        )
        for point in study.length
    )
    yield Lines("After a long text", ("passage", "tokens", "with picture", "without", "gain", "lost"), points)


def _letters(study: Study) -> Iterator[Lines]:
    if letters := study.letters:
        rows = [(letter, f"{n:,}", f"{letters.right[letter]:,}") for letter, n in letters.answered.items()]
        yield Lines("Letters of the parsed answers", ("", "answered", "expected"), tuple(rows))
    if rotation := study.rotation:
        cells = map(spread, (rotation.as_asked, rotation.all_turns, rotation.taken_away))
        row = (", ".join(rotation.turns), *cells)
        columns = ("", "as asked", "correct in all rotations", "taken away")
        yield Lines("Accuracy lost to option rotation", columns, (row,))


def _parts(study: Study) -> Iterator[Lines]:
    if solved := study.blind_solvable:
        rows: tuple[tuple[str, ...], ...] = tuple(
            (label, f"{part.n:,}", *map(spread, (part.seen, part.unseen, part.gain)))
            for label, part in (("need no picture", solved.not_needed), ("the rest", solved.needed))
        )
        title = f"Questions by whether they need the picture ({solved.rule})"
        yield Lines(title, ("", "n", "seen", "absent", "gain"), rows)
    if prior := study.likelihood:
        rows = (("alpha 0", spread(prior.alpha_0)), ("alpha 1", spread(prior.alpha_1)))
        if tuned := prior.tuned:
            rows += (
                (f"alpha {tuned.alpha:g}, tuned; other half", spread(tuned.held_out)),
                ("alpha 0; other half", spread(tuned.alpha_0)),
            )
        yield Lines(f"Log-likelihoods minus the prior from '{prior.prior}'", ("", "accuracy"), rows)
    if prompts := study.prompts:
        rows = tuple((name, spread(accuracy)) for name, accuracy in prompts.each.items())
        rows += (("mean", number(prompts.mean, 1)), ("worst", number(prompts.least, 1)))
        yield Lines("Accuracy by prompt", ("", "accuracy"), rows)


def _html(lines: Lines) -> str:
    """Return a table that can be folded."""
    width = sum(3 + max(map(len, column)) for column in zip(lines.columns, *lines.rows, strict=True))
    title, size = html.escape(clean(lines.title)), "broad" if width > NARROW else ""
    table = stacked((lines.columns, *lines.rows), lines.title)
    return f'<details class="{size}" open><summary>{title}</summary>{table}</details>'
