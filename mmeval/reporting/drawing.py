"""Save a sheet as SVG and, on request, as PNG."""

from pathlib import Path

from mmeval.files import delete, write_text
from mmeval.reporting import raster, svg
from mmeval.reporting.sheet import Sheet


def save(sheet: Sheet, folder: Path, name: str, *, png: bool = True) -> list[Path]:
    """Write `name.svg`, and with `png` also `name.png`; return their paths.

    Without `png` an existing `name.png` is deleted, since it would show old numbers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    picture, drawing = folder / f"{name}.png", folder / f"{name}.svg"
    write_text(drawing, svg.write(sheet))
    if not png:
        delete(picture)
        return [drawing]
    raster.write(sheet, picture)
    return [picture, drawing]
