"""The harness's value types: samples, requests, responses, scores and records, all frozen.

Other modules read them from data, send them to a model, score them and plot them.
"""

import difflib
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from PIL import Image as PILImage

from mmeval import pictures, regular

SPARE = "pictures left out"
"""A sample's tag: how many of its row's pictures no mark in its question refers to."""


class InputError(Exception):
    """An input is wrong. The message is one line that names the input and the fix. The CLI exits with 2."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))


class RunMismatch(InputError):
    """A run folder holds a run with another identity."""


class Unsupported(InputError):
    """A model was given an input that it does not support (two pictures, a video)."""


def malformed(error: Exception) -> str:
    """Say in a user's words what an error means that a value of the wrong form caused."""
    if isinstance(error, KeyError):
        return f"no {error}"
    return "a value of the wrong type" if isinstance(error, (TypeError, AttributeError)) else str(error)


def nearest(word: str, known: Mapping[str, object] | Sequence[str]) -> str:
    """Return ` (did you mean 'x'?)`, or an empty string if no known word is close."""
    match = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" (did you mean '{match[0]}'?)" if match else ""


SURROGATE = re.compile("[\ud800-\udfff]")
"""A lone surrogate, such as half an emoji: JSON allows it, but files and tokenizers cannot hold it."""


def replace_surrogates(text: str) -> str:
    """Replace every lone surrogate with U+FFFD."""
    return text if text.isascii() else SURROGATE.sub("\ufffd", text)  # nearly every text of a journal is ASCII


def printable(text: str) -> str:
    """Escape control characters, which data may contain, so they move no cursor."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


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


FinishReason = Literal["stop", "length"]
"""The answer ended by itself (`stop`) or was cut at its maximum number of tokens (`length`)."""


@dataclass(frozen=True, kw_only=True)
class _Output:
    """A model's output: a text, the log-likelihoods of the candidates, or an error."""

    text: str | None = None
    loglikelihoods: tuple[float, ...] | None = None
    """One per candidate: the sum of its tokens' natural-log probabilities."""
    error: str | None = None
    samples: tuple[str, ...] = ()
    """All answers, if several were sampled; the first is `text`."""
    reasoning: str = ""
    """The model's reasoning before its answer, if any."""
    finish_reason: FinishReason | None = None
    """Why the answer ended; None for likelihoods and errors."""
    sent: str = ""
    """The prompt as the model received it, with placeholders for pictures."""
    input_tokens: int = 0
    """Length of that prompt in the model's tokens, including pictures."""
    output_tokens: int = 0
    """Length of the answer in the model's tokens, including the end of sequence."""
    seconds: float = 0.0
    """Time for the answer; a batch's time is divided equally among its answers."""


@dataclass(frozen=True)
class Response(_Output):
    """A model's answer to one request."""

    id: str


@dataclass(frozen=True)
class Generation:
    """The settings of decoding. They are part of a run's identity."""

    max_new_tokens: int = 16
    beams: int = 1
    temperature: float = 0.0
    """0 decodes greedily; otherwise tokens are sampled at this temperature."""
    top_p: float = 1.0
    """Sample from the fewest tokens that have this total probability."""
    top_k: int = 0
    """Sample from this many of the most likely tokens; 0 for all."""
    samples: int = 1
    """Sampled answers per request; `Response.text` is the first."""
    thinking_tokens: int = 4096
    """For models that reason: maximum length of the reasoning, in tokens, not counted in `max_new_tokens`."""
    seed: int = 0
    """With the request's id, determines the sampled answer, in any batch and after a resume."""
    min_new_tokens: int = 0
    """Minimum length of the answer, in tokens."""
    length_penalty: float = 1.0
    """A beam's log-probability is divided by its length to this power: below 0 favors short answers."""
    repetition_penalty: float = 1.0
    """Divides the scores of tokens that occurred before (Keskar et al., arXiv 1909.05858)."""
    presence_penalty: float = 0.0
    """Subtracted from the scores of tokens already in the answer, as OpenAI's and vLLM's servers do."""


class Model(Protocol):
    """A model adapter. It gets the requests of a whole run at once and may reorder, batch and share work.

    `requests` may not fit in memory. Pull from it only as far ahead as needed to keep busy, and yield each response as
    soon as it is ready. Let exceptions from iterating over it propagate.
    """

    @property
    def name(self) -> str:
        """Return the model's name in reports."""

    @property
    def max_images(self) -> int | None:
        """Return the maximum number of pictures in a prompt, including demonstrations; None for no limit."""

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        """Yield one response per request, in any order, as soon as each is ready. A bad request yields an error."""

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Yield the log-likelihoods of each request's candidates, under the same rules as `generate`."""

    def preview(self, request: Request) -> Response:
        """Return the prompt that would be sent and its length in tokens, without running the model."""


@runtime_checkable
class StreamingModel(Protocol):
    """A Model that can show an answer while it is written (docs/adapters.md)."""

    def stream(self, request: Request, generation: Generation, on_text: Callable[[str], object]) -> Response:
        """Answer one request as `generate` does. Call `on_text`, in any thread, with each piece of the text.

        The pieces make up the answer, apart from blanks around it. `mmeval.pieces.Pieces` makes them.
        """


Outcome = Literal["correct", "incorrect", "unparsed", "refused", "error", "unscored"]
"""`unscored`: the target is unknown, or the question was skipped because an earlier one settled it."""


@dataclass(frozen=True)
class Score:
    """The score of an answer: a value, or None (never 0) if it could not be scored."""

    value: float | None
    outcome: Outcome
    answer: str | None = None
    """The answer parsed from the text."""


@dataclass(frozen=True)
class Record(_Output):
    """A line of `records.jsonl`: the sample's facts and the model's output, enough to score it again."""

    id: str
    targets: tuple[str, ...]
    category: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    question: str = ""
    """The rendered question without pictures."""
    images: tuple[str, ...] = ()
    """Digests of the pictures."""
    digest: str = ""
    """The first 16 hex digits of the SHA-256 over the whole sample. An answer to a changed sample does not count."""
    attempt: int = 0
    """How often other processes asked the question before. The record of the last attempt counts."""
    request: str = ""
    """The SHA-256 over the request, as 64 hex digits: the same model need not be asked the same request again."""


def whole_number(tags: Mapping[str, str], name: str, default: str | None = None) -> int:
    """Return a tag as a number. Raises InputError, since records are files that anybody may have changed."""
    value = tags[name] if default is None else tags.get(name, default)
    if not re.fullmatch("[0-9]{1,9}", value):
        raise InputError(f"a record's tag '{name}' is {value!r:.60}, not a whole number; restore the file")
    return int(value)


@dataclass(frozen=True)
class Estimate:
    """A reported number with its 95% interval, in the benchmark's own unit."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    full_marks: float
    chance: float | None
    """The expected value of guessing."""
    reason: str | None = None
    """Why there is no value."""


class Display:
    """Shows messages and progress to a user; this base class shows nothing."""

    def message(self, text: str) -> None:
        """Show a message."""

    def progress(self, done: int, total: int) -> None:
        """Show how many of the answers are done."""
