"""What is asked: pictures, questions, demonstrations, and the requests made from them."""

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from PIL import Image as PILImage

from mmeval import pictures, regular
from mmeval.types.errors import InputError, replace_surrogates

SPARE = "pictures left out"
"""A sample's tag: how many of its row's pictures no mark in its question refers to."""


@dataclass(frozen=True, eq=False)
class Image:
    """A picture: a file, encoded bytes, a function that reads them, or decoded pixels.

    Pictures with the same `digest` are encoded once.
    """

    data: Path | bytes | Callable[[], bytes] | PILImage.Image
    name: str = "picture"

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content, as 64 hex digits. Raises InputError if the file is missing."""
        if isinstance(self.data, PILImage.Image):
            head = f"{self.data.mode} {self.data.size}".encode()
            return hashlib.sha256(head + self.data.tobytes()).hexdigest()
        return hashlib.sha256(self._encoded()).hexdigest()

    def decode(self) -> PILImage.Image:
        """Return the pixels as a model sees them. Raises InputError naming the picture and the problem."""
        if isinstance(self.data, PILImage.Image):
            return pictures.as_seen(self.data)
        encoded = io.BytesIO(self._encoded())
        try:
            with pictures.decoding(self.name), PILImage.open(encoded, formats=pictures.FORMATS) as picture:
                pictures.check_size(picture, self.name)
                return pictures.as_seen(picture)
        except pictures.Unusable as error:
            raise InputError(f"{error}; replace the file") from error

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height of the pixels that `decode` returns, from the header. Raises InputError as `decode` does."""
        if isinstance(self.data, PILImage.Image):
            return pictures.seen_size(self.data)
        encoded = self._encoded()
        try:
            with pictures.decoding(self.name), PILImage.open(io.BytesIO(encoded), formats=pictures.FORMATS) as picture:
                pictures.check_size(picture, self.name)
                return pictures.seen_size(picture, turned=picture.format != "PNG" or b"eXIf" in encoded)
        except pictures.Unusable as error:
            raise InputError(f"{error}; replace the file") from error

    @property
    def seconds(self) -> float | None:
        """For a video frame, its time in seconds since the first frame; None for any other picture."""
        return None

    @property
    def video(self) -> object:
        """For a video frame, what identifies its video; None for any other picture."""
        return None

    @cached_property
    def traits(self) -> tuple[str, ...]:
        """Return the traits that `decode` changes or drops (from the header), or nothing if it cannot be read."""
        if isinstance(self.data, PILImage.Image):
            return pictures.traits(self.data)
        try:
            source = self.data if isinstance(self.data, Path) else io.BytesIO(self._encoded())
            with pictures.decoding(self.name), PILImage.open(source, formats=pictures.FORMATS) as picture:
                return pictures.traits(picture)
        except (pictures.Unusable, InputError, OSError):
            return ()  # `decode` reports why

    def _encoded(self) -> bytes:
        assert not isinstance(self.data, PILImage.Image)
        if isinstance(self.data, bytes):
            return self.data
        if not isinstance(self.data, Path):
            return self.data()
        try:
            return regular.read_bytes(self.data)
        except OSError as error:
            raise InputError(f"{self.name}: cannot be read ({error.strerror})") from error  # records hold no paths


@dataclass(frozen=True)
class Ref:
    """A mention of a picture in a text. Each model words it in its own way."""

    image: int
    """Index, from 0, among the pictures of its prompt."""


Part = str | Image | Ref
Parts = tuple[Part, ...]


def images(parts: Parts) -> tuple[Image, ...]:
    """Return the pictures of a prompt in order."""
    return tuple(part for part in parts if isinstance(part, Image))


def text_of(parts: Parts) -> str:
    """Return the text of a prompt, whitespace included, without pictures and with references written out."""
    texts = (f"image {part.image}" if isinstance(part, Ref) else part for part in parts if not isinstance(part, Image))
    return "".join(texts)


@dataclass(frozen=True)
class Shot:
    """A demonstration: a prompt and its answer."""

    prompt: Parts
    answer: str


@dataclass(frozen=True)
class Sample:
    """One question of a benchmark. Rendering adds letters, option order and wording."""

    id: str
    prompt: Parts
    targets: tuple[str, ...]
    choices: tuple[Parts, ...] = ()
    shots: tuple[Shot, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)
    """Named keys that tie samples together: `image`, `pair`, `question`, `circular`, `video`."""
    category: str = ""
    """Its axis in tables and plots."""
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the id one that files can hold."""
        object.__setattr__(self, "id", replace_surrogates(self.id))


@dataclass(frozen=True)
class Request:
    """The input to a model. It does not contain the targets."""

    id: str
    prompt: Parts
    shots: tuple[Shot, ...] = ()
    candidates: tuple[str, ...] = ()
    """The texts that `loglikelihood` compares; empty for `generate`."""


@dataclass(frozen=True)
class Preview:
    """The first prompts of a run."""

    reads: str
    """The data and the checkpoint that would be read."""
    prompts: tuple[tuple[str, str, int], ...]
    """For each category's first sample: id, prompt as the model will see it or why it cannot, length in tokens."""
    notices: tuple[str, ...]
