"""The results of a bias study as tables: on the terminal, in `bias.md`, and in the panel of a run's page."""

import html
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from mmeval.files import read_json, write_json, write_text
from mmeval.reporting import bias_figures
from mmeval.reporting.bias_words import NO_VALUE, Found, headline, reading, spread
from mmeval.reporting.chart import minus
from mmeval.reporting.lines import Lines, clean, escape, grid, print_whole, stacked, tell, titled
from mmeval.runs.records import digest
from mmeval.runs.run import Run
from mmeval.types import InputError, number

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


def tables(found: Found) -> list[Lines]:
    """Return the tables of the results, without empty ones."""
    return [_without_empty_columns(one) for one in _tables(found) if one.rows]


def _without_empty_columns(one: Lines) -> Lines:
    """Drop empty columns: numbers that these questions do not have."""
    kept = [place for place in range(len(one.columns)) if any(row[place] not in ("", NO_VALUE) for row in one.rows)]
    rows = tuple(tuple(row[place] for place in kept) for row in one.rows)
    return Lines(one.title, tuple(one.columns[place] for place in kept), rows)


def write(folder: Path, found: Found) -> list[Path]:
    """Write `bias.json`, `bias.md` and the figures that have data into the folder; return the paths."""
    figures = bias_figures.draw(found, found["axes"], folder)
    write_json(folder / JSON, dict(found))
    write_text(folder / MARKDOWN, markdown(found, figures))
    return [folder / JSON, folder / MARKDOWN, *figures]


def show(found: Found, console: Console, written: Path | None) -> None:
    """Print the sentences about the picture, the most telling controls, and where everything else is written."""
    tell(console, _title(found), "bold")
    for mark in found.get("marks", ()):
        tell(console, mark, "yellow")
    for sentence in headline(found):
        tell(console, sentence)
    controls = found.get("controls", {})
    names = [name for name in ON_TERMINAL if name in controls] or list(controls)[: len(ON_TERMINAL)]
    one = _without_empty_columns(Lines("", ("control", *EFFECT), tuple((n, *_effect(controls[n])) for n in names)))
    if one.rows:
        tell(console, "Some controls, with 95% intervals (`mmeval bias --list` explains them):")
        print_whole(grid(one.columns, [(one.rows, "")]), console)
    tell(
        console, f"all tables and the rest of the explanation: {written / MARKDOWN if written else 'add --out FOLDER'}"
    )


def _effect(own: Found) -> tuple[str, ...]:
    return spread(own["accuracy"]), spread(own["gain"]["accuracy"]), spread(own["changed"])


def markdown(found: Found, figures: list[Path]) -> str:
    """Return the study as GitHub Markdown: the explanation, the tables, the figures."""
    lines = [f"# {escape(_title(found))}", ""]
    lines += [line for mark in found.get("marks", ()) for line in (f"**{escape(mark)}**", "")]
    lines += [line for sentence in reading(found) for line in (escape(sentence), "")]
    for one in tables(found):
        lines += titled(one)
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
    found = read_json(path, advice)
    try:
        parts = ["<h2>Language bias</h2>"]
        controls = {path.parent.name: digest(path.parent) for path in run.folder.glob("controls/*/run.json")}
        now = {"records": run.journal_contents.digest, "control_records": controls}
        if any(found.get(name) not in (None, made_of) for name, made_of in now.items()):
            parts.append(f"<p><b>The answers have changed since this study; {advice}</b></p>")
        words = "".join(f"<p>{html.escape(minus(clean(sentence)))}</p>" for sentence in reading(found))
        parts.append(f'<div class="reading">{words}</div>')
        drawn = "".join(f"<figure>{one}</figure>" for one in bias_figures.inline(found, found["axes"]))
        parts += [f'<div class="figures">{drawn}</div>'] if drawn else []
        parts.append(f'<div class="tables">{"".join(map(_html, tables(found)))}</div>')
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{path}: not a bias study ({error!r:.80}); {advice}") from error
    return "\n".join(parts)


def _title(found: Found) -> str:
    model = found.get("model")
    return f"Language bias: {model} on {found['title']}" if model else f"Language bias of answers to {found['title']}"


def _tables(found: Found) -> Iterator[Lines]:
    labels, controls = found["labels"], found.get("controls", {})
    rows = [("as asked", *(spread(found["seen"][name]) for name in labels))]
    rows += [
        (name, *("" if value is None else number(value, 1) for value in (own.get(one) for one in labels)))
        for name, own in found["rows"].items()
    ]
    yield Lines("Scores and baselines", ("", *labels.values()), tuple(rows))
    columns = ("control", "n", "as asked", "accuracy", *(f"gain: {label}" for label in labels.values()), "changed, %")
    # with all questions, accuracy as asked is that of the first table; earlier studies do not have it
    partly = any(own["n"] != found["n"] and "as_asked" in own for own in controls.values())
    gains = tuple(
        (
            *(name, f"{own['n']:,}", spread(own["as_asked"]) if partly else "", spread(own["accuracy"])),
            *(spread(own["gain"][one]) if one in own["gain"] else "" for one in labels),
            spread(own["changed"]),
        )
        for name, own in controls.items()
    )
    title = "Accuracy lost under each control (gain: as asked minus control, 95% interval, on n questions)"
    yield Lines(title, columns, gains)
    families = tuple(
        (
            name,
            str(own["draws"]),
            spread({"value": own["mean"], **own}),
            number(own["least"], 1),
            number(own["most"], 1),
        )
        for name, own in found.get("families", {}).items()
    )
    yield Lines("Gain over another question's picture, across draws", ("", "draws", "mean", "min", "max"), families)
    if found.get("yes_no"):
        yes = {
            "as asked": found["yes_no"],
            **{name: own["yes_no"] for name, own in controls.items() if "yes_no" in own},
        }
        cells = tuple(
            (name, *(spread(own[key], digits) for key, (_, digits) in YES_NO.items())) for name, own in yes.items()
        )
        yield Lines("Yes and no", ("", *(label for label, _ in YES_NO.values())), cells)
    yield from _letters(found)
    for key, title in (("by_place", "place of the relevant picture"), ("by_pictures", "number of pictures")):
        parts = tuple((part, f"{one['n']:,}", spread(one)) for part, one in (found.get(key) or {}).items())
        yield Lines(f"Accuracy by {title}", ("", "n", "accuracy"), parts)
    yield from _parts(found)
    points = tuple(
        (
            f"{one['passage']:,}",
            number(one["input_tokens"], 0),
            *(spread(one[key]) if key in one else "" for key in ("seen", "unseen", "gain", "lost")),
        )
        for one in found.get("length") or ()
    )
    yield Lines("After a long text", ("passage", "tokens", "with picture", "without", "gain", "lost"), points)


def _letters(found: Found) -> Iterator[Lines]:
    letters = found.get("letters")
    if letters:
        rows = [(letter, f"{n:,}", f"{letters['right'][letter]:,}") for letter, n in letters["answered"].items()]
        yield Lines("Letters of the parsed answers", ("", "answered", "expected"), tuple(rows))
    rotation = found.get("rotation")
    if rotation:
        cells = (spread(rotation[key]) for key in ("as_asked", "all_turns", "taken_away"))
        row = (", ".join(rotation["turns"]), *cells)
        columns = ("", "as asked", "correct in all rotations", "taken away")
        yield Lines("Accuracy lost to option rotation", columns, (row,))


def _parts(found: Found) -> Iterator[Lines]:
    solved = found.get("blind_solvable")
    if solved:
        rows = tuple(
            (label, f"{own['n']:,}", *(spread(own[key]) if own.get(key) else "" for key in ("seen", "unseen", "gain")))
            for label, own in (("need no picture", solved["not_needed"]), ("the rest", solved["needed"]))
        )
        title = f"Questions by whether they need the picture ({solved['rule']})"
        yield Lines(title, ("", "n", "seen", "absent", "gain"), rows)
    prior = found.get("likelihood")
    if prior:
        rows = (("alpha 0", spread(prior["alpha_0"])), ("alpha 1", spread(prior["alpha_1"])))
        if tuned := prior.get("tuned"):
            rows += (
                (f"alpha {tuned['alpha']:g}, tuned; other half", spread(tuned["held_out"])),
                ("alpha 0; other half", spread(tuned["alpha_0"])),
            )
        yield Lines(f"Log-likelihoods minus the prior from '{prior['prior']}'", ("", "accuracy"), rows)
    prompts = found.get("prompts")
    if prompts:
        rows = tuple((name, spread(one)) for name, one in prompts["each"].items())
        rows += (("mean", number(prompts["mean"], 1)), ("worst", number(prompts["least"], 1)))
        yield Lines("Accuracy by prompt", ("", "accuracy"), rows)


def _html(one: Lines) -> str:
    """Return a table that can be folded."""
    width = sum(3 + max(map(len, column)) for column in zip(one.columns, *one.rows, strict=True))
    title, size = html.escape(clean(one.title)), "broad" if width > NARROW else ""
    table = stacked((one.columns, *one.rows), one.title)
    return f'<details class="{size}" open><summary>{title}</summary>{table}</details>'
