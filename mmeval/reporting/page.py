"""The page of a run, `report.html`: its settings, numbers, figures and all samples, in one file.

Text from models and data sets is escaped by the template, or embedded as JSON that the page's script shows as text. A
content security policy allows only that script to run, and nothing to load.
"""

import base64
import hashlib
import html
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, get_args

from mmeval.comparison import Row
from mmeval.files import write_text
from mmeval.reporting.baselines import Rows
from mmeval.reporting.browser import BUDGET, Browser, embedded
from mmeval.reporting.chart import Chart, interval, marks, minus, p_text
from mmeval.reporting.lines import clean, stacked
from mmeval.reporting.sheet import pens
from mmeval.reporting.table import Table
from mmeval.types import Estimate, Outcome, number, plural

if TYPE_CHECKING:
    from jinja2 import Template

NAME = "report.html"
SCRIPTS = ("elements.js", "detail.js", "page.js")
"""The page's scripts, in order; together they are one script element."""
HEAD = 1000
"""Bytes of a page within which it says what it was made from."""
_MADE_FROM = re.compile(rb'<meta name="made-from" content="([0-9a-f]{64})">')
NO_PANELS: Mapping[str, str] = MappingProxyType({})


def write(
    folder: Path,
    table: Table,
    browser: Browser,
    facts: Mapping[str, str],
    commands: Mapping[str, str],
    figures: Sequence[str] = (),
    panels: Mapping[str, str] = NO_PANELS,
    made_from: str = "",
) -> Path:
    """Write `report.html` into the folder and return its path.

    `facts` describe the run; `commands` repeat it, or several runs by name; `figures` are SVG elements in its colors;
    `panels` are sections of escaped HTML before the samples, by a word for the page's navigation;
    `made_from` is a digest of all this, which the function `made_from` reads.
    """
    style, *scripts = (_ASSETS.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", *SCRIPTS))
    script = "\n".join(scripts)
    page = _template("page.html").render(
        table=table,
        counts=[(name, count) for name in get_args(Outcome) if (count := getattr(table.counts, name))],
        partly=table.counts.partly_correct,
        facts=facts,
        commands=commands,
        figures=figures,
        panels=panels,
        made_from=made_from,
        data=embedded(browser.data),
        thumbnails=embedded(browser.thumbnails),
        missing=browser.data["pictures"] - browser.data["thumbnails"],
        browser=browser.data,
        budget=BUDGET // 2**20,
        style=style,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    path = folder / NAME
    write_text(path, page)
    return path


def made_from(folder: Path) -> str | None:
    """Return the digest of what the folder's page was made from; None if there is no page or no digest on it."""
    path = folder / NAME
    if not path.is_file():
        return None
    with path.open("rb") as file:
        match = _MADE_FROM.search(file.read(HEAD))
    return match[1].decode() if match else None


def comparison(chart: Chart, rows: Sequence[Row] = (), below: Sequence[Rows] = (), notes: Sequence[str] = ()) -> str:
    """Return the panel that shows several runs side by side: every number of the chart that at least one run has.

    `rows`, for two runs, have the differences with their own intervals and p-values; `below` are further tables, such
    as the scores of the baselines; `notes` are limits of the comparison.
    """
    with_value = {metric for series in chart.series for metric, e in series.estimates.items() if e.value is not None}
    labels = {metric: label for metric, label in {**chart.totals, **chart.axes}.items() if metric in with_value}
    chances = (
        series.estimates[metric].chance for series in chart.series for metric in labels if metric in series.estimates
    )
    pens(chart.series)  # raises InputError for too many series
    known = {row.metric: row for row in rows if row.difference.value is not None}
    context = {"chart": chart, "labels": labels, "chances": any(chance is not None for chance in chances)}
    return _template("comparison.html").render(**context, rows=known, below=below, notes=notes)


def share(value: float, estimate: Estimate) -> str:
    """Return a value's position between zero and full marks, as a CSS percentage."""
    return f"{min(max(100 * value / estimate.full_marks, 0), 100):.2f}%"


def shell(command: str) -> str:
    """Return a command as escaped HTML that can be copied: spaces and lines as they are, no option's name is broken."""
    kept = "".join(c for c in command if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return re.sub(r"(?<!\S)--[a-z-]+", r"<span>\g<0></span>", html.escape(kept))


@cache
def _template(name: str) -> "Template":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        f.__name__: f for f in (number, interval, marks, p_text, minus, plural, share, clean, stacked, shell)
    }
    return environment.from_string(_ASSETS.joinpath(name).read_text(encoding="utf-8"))


_ASSETS = resources.files("mmeval.reporting")
