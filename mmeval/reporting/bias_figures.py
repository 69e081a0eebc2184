"""The three figures of a study of bias, each where it has data: gain by subtask, the blur's and the passage's curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmeval.reporting.sheet import GRID, INK, MUTED, PAPER, PENS, SETTINGS, Sheet, plain, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMES = ("bias-gain", "bias-blur", "bias-length")
SHOWN = ("absent", "swap-category-0", "grey")
"""The controls whose gain is drawn by subtask, as far as they were run."""
CAPTIONS = {"absent": "picture gone", "swap-category-0": "another of the category", "grey": "grey"}
Found = Mapping[str, Any]


def draw(found: Found, labels: Mapping[str, str], folder: Path) -> list[Path]:
    """Draw what the study has data for into `folder`, as PNG and SVG; returns the paths."""
    import matplotlib

    written: list[Path] = []
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        for name, one in zip(NAMES, (_gain, _blur, _length), strict=True):
            sheet = one(found, labels)
            for end in ("png", "svg"):
                (folder / f"{name}.{end}").unlink(missing_ok=True)  # of a study that had more data
            if sheet is not None:
                written += save(sheet, folder, name)
    return written


def _gain(found: Found, labels: Mapping[str, str]) -> Sheet | None:
    """Draw what the picture is worth on each axis, as a share of full marks, by a dot and its interval a control."""
    shown = [name for name in SHOWN if name in found["controls"]]
    gains = {name: found["controls"][name]["gain"] for name in shown}
    axes = [axis for axis in labels if any(gains[name].get(axis, {}).get("value") is not None for name in shown)]
    if not axes:
        return None
    sheet = _sheet(0.34 * len(axes) + 1.7)
    own = _plot(sheet, "What the picture is worth", f"{found['title']}: points of 100 lost when it is taken away", 2.0)
    for lane, (name, pen) in enumerate(zip(shown, PENS, strict=False)):
        for row, axis in enumerate(axes):
            one = gains[name].get(axis)
            if one is None or one["value"] is None:
                continue
            share, y = 100 / one["full_marks"], row + 0.22 * (lane - (len(shown) - 1) / 2)
            own.plot([share * one["low"], share * one["high"]], [y, y], color=pen.colour, linewidth=1.4)
            own.plot(
                [share * one["value"]], [y], linestyle="none", label=CAPTIONS[name] if row == 0 else None, **pen.dot
            )
    own.set_yticks(range(len(axes)), [plain(labels[axis], 30) for axis in axes])
    own.set_ylim(len(axes) - 0.5, -0.5)
    own.axvline(0, color=INK, linewidth=0.8)
    own.grid(axis="x", color=GRID, linewidth=0.6)
    _legend(own)
    return sheet


def _blur(found: Found, labels: Mapping[str, str]) -> Sheet | None:
    """Draw accuracy over the steps of the blur, and without a picture as a band."""
    steps = [(0, found["seen"]["accuracy"])]
    steps += [(n, found["controls"][f"blur{n}"]["accuracy"]) for n in range(1, 5) if f"blur{n}" in found["controls"]]
    if len(steps) < 3:
        return None
    sheet = _sheet(3.6)
    own = _plot(sheet, "Accuracy under a blur", f"{found['title']}: percent right; step 0 is the picture as it is")
    _curve(own, steps, "blurred")
    if "absent" in found["controls"]:
        blind = found["controls"]["absent"]["accuracy"]
        if blind["value"] is not None:
            own.axhspan(blind["low"], blind["high"], color=PENS[1].colour, alpha=0.15, linewidth=0)
            own.axhline(blind["value"], color=PENS[1].colour, linewidth=1.2, linestyle="--", label="no picture")
    own.set_xticks([step for step, _ in steps])
    own.set_xlabel("step of the blur", color=MUTED, fontsize=9)
    own.set_ylim(0, 100)
    own.grid(axis="y", color=GRID, linewidth=0.6)
    _legend(own)
    return sheet


def _length(found: Found, labels: Mapping[str, str]) -> Sheet | None:
    """Draw what the picture is worth over the measured length of the prompt."""
    points = found.get("length") or []
    if len(points) < 2:
        return None
    sheet = _sheet(3.6)
    own = _plot(sheet, "What the picture is worth behind a long text", f"{found['title']}: points of accuracy")
    _curve(own, [(point["input_tokens"], point["gain"]) for point in points], "gain of the picture")
    own.axhline(0, color=INK, linewidth=0.8)
    own.set_xlabel("tokens of the prompt, mean", color=MUTED, fontsize=9)
    own.grid(axis="y", color=GRID, linewidth=0.6)
    return sheet


def _sheet(height: float) -> Sheet:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, height), facecolor=PAPER)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 8.0), ylim=(0, height))
    axes.set_axis_off()
    return Sheet(figure, axes)


def _plot(sheet: Sheet, title: str, subtitle: str, left: float = 0.8) -> Axes:
    height = float(sheet.figure.get_size_inches()[1])
    sheet.text(0.3, height - 0.35, title, 12, weight="bold")
    sheet.text(0.3, height - 0.58, plain(subtitle, 100), 9, color=MUTED)
    own = sheet.figure.add_axes((left / 8, 0.55 / height, (7.7 - left) / 8, (height - 1.5) / height))
    own.tick_params(labelsize=9, colors=INK, length=0)
    for side in ("top", "right", "left", "bottom"):
        own.spines[side].set_visible(False)
    own.set_axisbelow(True)
    return own


def _curve(own: Axes, points: Sequence[tuple[float, Found]], label: str) -> None:
    known = [(x, one) for x, one in points if one["value"] is not None]
    style = PENS[0]
    for x, one in known:
        if one["low"] is not None:
            own.plot([x, x], [one["low"], one["high"]], color=style.colour, linewidth=1.4)
    own.plot([x for x, _ in known], [one["value"] for _, one in known], label=label, linewidth=1.4, **style.dot)


def _legend(own: Axes) -> None:
    own.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False, fontsize=8.5, borderaxespad=0.1)
