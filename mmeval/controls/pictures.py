"""Controls that remove pictures, degrade them, or show those of another question.

Each acts on all pictures of a request, including demonstrations, so the remaining information comes from the words.
Only a swap leaves demonstrations unchanged.
"""

import hashlib
import io
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image as PILImage
from PIL import ImageFilter

from mmeval.controls.case import Act, Case, Changed, Inapplicable, on_request, with_pictures
from mmeval.scoring.readings.choices import merged
from mmeval.types import Image, Parts, Ref, Request, Sample, Shot, images

GREY = (127, 127, 127)
BLURS = (0.02, 0.04, 0.08, 0.16)
"""Standard deviations of the Gaussian, as fractions of a picture's longer side."""
GRID = 4
"""Patches per side."""
GUESS = "The picture is not available. Give the most likely answer all the same.\n"
"""`guess` puts this text before a question."""

Change = Callable[[PILImage.Image, random.Random], PILImage.Image]
"""Changes a picture's pixels. The random generator depends only on the control and the picture's content."""


class Altered(Image):
    """A picture made from another one when decoded. Its digest is known without decoding."""

    def __init__(self, source: Image, how: str, change: Change) -> None:
        super().__init__(self._png, source.name)
        object.__setattr__(self, "_made_of", (source, how, change))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the name of the change and the original's digest."""
        source, how, _ = self._parts
        return hashlib.sha256(f"{how} {source.digest}".encode()).hexdigest()

    def decode(self) -> PILImage.Image:
        """Return the changed pixels. Raises InputError if the original cannot be decoded."""
        source, how, change = self._parts
        return change(source.decode(), random.Random(f"{how} {source.digest}"))

    @property
    def seconds(self) -> float | None:
        """The time of the original: a model that is shown a video is also shown the changed one as a video."""
        return self._parts[0].seconds

    @property
    def video(self) -> object:
        """What identifies the original's video."""
        return self._parts[0].video

    @property
    def _parts(self) -> tuple[Image, str, Change]:
        parts: tuple[Image, str, Change] = self.__dict__["_made_of"]
        return parts

    def _png(self) -> bytes:
        out = io.BytesIO()
        self.decode().save(out, "PNG")
        return out.getvalue()


class Grey(Altered):
    """A grey picture of the same size. All grey pictures of one size have the same digest."""

    def __init__(self, source: Image) -> None:
        super().__init__(source, "grey", grey)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the size. Raises InputError if the original cannot be decoded."""
        size = self._parts[0].decode().size
        return hashlib.sha256(f"grey {size}".encode()).hexdigest()


def grey(picture: PILImage.Image, draw: random.Random) -> PILImage.Image:
    """Return a mid-grey picture of the same size."""
    return PILImage.new("RGB", picture.size, GREY)


def noise(picture: PILImage.Image, draw: random.Random) -> PILImage.Image:
    """Return uniform noise of the same size."""
    values = np.random.default_rng(draw.getrandbits(64)).integers(0, 256, (picture.height, picture.width, 3))
    return PILImage.fromarray(values.astype(np.uint8))


def blur(share: float, picture: PILImage.Image, draw: random.Random) -> PILImage.Image:
    """Blur with a Gaussian whose standard deviation is the given fraction of the longer side."""
    return picture.convert("RGB").filter(ImageFilter.GaussianBlur(share * max(picture.size)))


def patches(picture: PILImage.Image, draw: random.Random) -> PILImage.Image:
    """Shuffle the patches of a grid, scaling a patch if its new place has another size."""
    columns, rows = (np.linspace(0, side, min(GRID, side) + 1).astype(int).tolist() for side in picture.size)
    boxes = [(left, top, right, low) for top, low in pairwise(rows) for left, right in pairwise(columns)]
    source = picture.convert("RGB")
    result = source.copy()
    for box, source_box in zip(boxes, draw.sample(boxes, len(boxes)), strict=True):
        size = (box[2] - box[0], box[3] - box[1])
        result.paste(source.crop(source_box).resize(size), box[:2])
    return result


def altering(how: str, change: Change) -> Act:
    """Return a control that changes every picture."""
    return on_request(lambda request: with_pictures(request, lambda image: Altered(image, how, change)))


def blank(case: Case) -> Changed:
    """Replace every picture with a grey one of the same size."""
    return case.sample, with_pictures(case.request, Grey)


def absent(case: Case) -> Changed:
    """Show no picture; references to pictures become words."""
    return case.sample, _without(case.request)


def guess(case: Case) -> Changed:
    """Show no picture, say so, and ask for an answer anyway."""
    request = _without(case.request)
    return case.sample, replace(request, prompt=merged([GUESS, request.prompt]))


def without(parts: Parts) -> Parts:
    """Return a prompt without its pictures, with references to them as words."""
    words = (f"image {part.image}" if isinstance(part, Ref) else part for part in parts if not isinstance(part, Image))
    return merged([tuple(words)])


def _without(request: Request) -> Request:
    with_pictures(request, lambda image: image)  # raises Inapplicable if there is none
    shots = tuple(Shot(without(shot.prompt), shot.answer) for shot in request.shots)
    return replace(request, prompt=without(request.prompt), shots=shots)


def swap(case: Case) -> Changed:
    """Show the pictures of another question, in their order; demonstrations keep theirs."""
    pictures = images(case.request.prompt)
    if not pictures:
        raise Inapplicable("it shows no picture")
    if case.sample.id not in case.donors:
        raise Inapplicable("no other question has the same number of different pictures")
    replacements = iter(case.donors[case.sample.id])
    prompt = tuple(next(replacements) if isinstance(part, Image) else part for part in case.request.prompt)
    return case.sample, replace(case.request, prompt=prompt)


def derangement(
    questions: Iterable[tuple[Sample, Request]], seed: int, within_category: bool, shelf: Path
) -> dict[str, tuple[Image, ...]]:
    """Map each sample's id to the pictures of another: a seeded derangement of picture sets of the same size.

    Questions about the same pictures get the same replacement, so pairs stay pairs. A set without a possible
    replacement is left out. Pictures that are not files are written to the folder `shelf`, not kept in memory.
    """
    groups: dict[tuple[str, int], dict[tuple[str, ...], tuple[Image, ...]]] = {}
    keys: dict[str, tuple[tuple[str, int], tuple[str, ...]]] = {}
    for sample, request in questions:
        pictures = images(request.prompt)
        group = (sample.category if within_category else "", len(pictures))
        key = tuple(image.digest for image in pictures)
        sets = groups.setdefault(group, {})
        if key not in sets:
            sets[key] = tuple(_stored(image, shelf) for image in pictures)
        keys[sample.id] = group, key
    replacements = {group: _deranged(list(sets), f"{seed} {group}") for group, sets in groups.items()}
    return {id: groups[group][replacements[group][key]] for id, (group, key) in keys.items() if len(groups[group]) > 1}


def _deranged(keys: list[tuple[str, ...]], seed: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Map each key to another: one random cycle through all of them."""
    cycle = random.Random(seed).sample(keys, len(keys))
    return dict(zip(cycle, [*cycle[1:], *cycle[:1]], strict=True))


def _stored(image: Image, shelf: Path) -> Image:
    """Return the picture backed by a file or a function, not by bytes in memory."""
    if isinstance(image.data, Path) or callable(image.data):
        return image
    path = shelf / image.digest
    if not path.exists():
        if isinstance(image.data, bytes):
            path.write_bytes(image.data)
        else:
            image.data.save(path, "PNG")
    return Image(path, image.name)


CONTROLS: dict[str, tuple[str, Act]] = {
    "absent": ("no picture is shown, and the prompt does not say so", absent),
    "guess": ("no picture is shown, and the prompt asks for a guess", guess),
    "grey": ("every picture is grey", blank),
    "noise": ("every picture is noise", altering("noise", noise)),
    **{
        f"blur{step}": (
            f"every picture is blurred (sigma {share:.0%} of its longer side)",
            altering(f"blur {share}", partial(blur, share)),
        )
        for step, share in enumerate(BLURS, start=1)
    },
    "patches": (f"the {GRID * GRID} patches of every picture are shuffled", altering("patches", patches)),
}
SWAPS = {
    f"{name}-{seed}": (f"the pictures come from another question{where}; draw {seed}", seed, within)
    for name, where, within in (("swap-category", " of the same category", True), ("swap-any", "", False))
    for seed in range(3)
}
"""Name -> description, seed, and whether the swap stays within a category."""
