"""The nouns of the harness: what a question is, what a model is asked, what it said, what that was worth.

Everything here is a frozen value. How a value is read from data, sent to a model, scored or drawn
is the business of the other rooms.
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

MAX_PIXELS, FORMATS, BROKEN = pictures.MAX_PIXELS, pictures.FORMATS, pictures.BROKEN
"""Which pictures are decoded, for whoever may not import `mmicl`."""
SPARE = "pictures left out"
"""A sample's tag: how many pictures its row has that no mark in its question names."""


class InputError(Exception):
    """Something given to us is wrong; the message names the thing and the fix, in a line. The CLI exits with 2."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))


class RunMismatch(InputError):
    """A run folder holds a run of another identity."""


class Unsupported(InputError):
    """A model was given what it cannot take (two pictures, a video)."""


def nearest(word: str, known: Mapping[str, object] | Sequence[str]) -> str:
    """`, did you mean 'x'?`, or nothing where no known word is near."""
    match = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f", did you mean '{match[0]}'?" if match else ""


SURROGATE = re.compile("[\ud800-\udfff]")
"""A lone surrogate, as of an emoji cut in two: JSON allows it, and no file and no tokenizer can take it."""


def replace_surrogates(text: str) -> str:
    """Return a text in which every lone surrogate is U+FFFD."""
    return SURROGATE.sub("\ufffd", text)


def printable(text: str) -> str:
    """Return a text in which control characters, which data may bring, are escapes and move no cursor."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


@dataclass(frozen=True, eq=False)
class Image:
    """A picture, wherever it comes from: a file, encoded bytes or what reads them, or pixels already drawn.

    Two pictures with the same `digest` are the same picture, and are encoded once.
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
        """Return the pixels as a model sees them. Raises InputError naming the picture and what is wrong."""
        if isinstance(self.data, PILImage.Image):
            return pictures.as_seen(self.data)
        encoded = io.BytesIO(self._encoded())
        try:
            with pictures.decoding(self.name), PILImage.open(encoded, formats=FORMATS) as picture:
                pictures.check_size(picture, self.name)
                return pictures.as_seen(picture)
        except pictures.Unusable as error:
            raise InputError(f"{error}; replace the file") from error

    @property
    def seconds(self) -> float | None:
        """Of a video's frame, when it is shown, from the first frame on; None for any other picture."""
        return None

    @cached_property
    def traits(self) -> tuple[str, ...]:
        """What of the picture `decode` changes or drops, by its header; nothing where that cannot be read."""
        if isinstance(self.data, PILImage.Image):
            return pictures.traits(self.data)
        try:
            source = self.data if isinstance(self.data, Path) else io.BytesIO(self._encoded())
            with pictures.decoding(self.name), PILImage.open(source, formats=FORMATS) as picture:
                return pictures.traits(picture)
        except (pictures.Unusable, InputError, OSError):
            return ()  # whoever decodes it says why

    def _encoded(self) -> bytes:
        assert not isinstance(self.data, PILImage.Image)
        if isinstance(self.data, bytes):
            return self.data
        if not isinstance(self.data, Path):
            return self.data()
        try:
            return regular.read_bytes(self.data)
        except OSError as error:
            raise InputError(f"{self.name}: cannot be read ({error.strerror})") from error  # records name no place


@dataclass(frozen=True)
class Ref:
    """A place in a text where a picture is spoken of, not shown: the model says it its own way."""

    image: int
    """Index, from 0, among the pictures of the prompt it stands in."""


Part = str | Image | Ref
Parts = tuple[Part, ...]


def images(parts: Parts) -> tuple[Image, ...]:
    """Return the pictures of a prompt, in the order in which they are shown."""
    return tuple(part for part in parts if isinstance(part, Image))


@dataclass(frozen=True)
class Shot:
    """A demonstration: a prompt and the answer that stands after it."""

    prompt: Parts
    answer: str


@dataclass(frozen=True)
class Sample:
    """One question of a benchmark. Letters, option order and wording are put on when it is rendered."""

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
        """Keep an id that files can hold."""
        object.__setattr__(self, "id", replace_surrogates(self.id))


@dataclass(frozen=True)
class Request:
    """What a model is asked. It cannot see the targets."""

    id: str
    prompt: Parts
    shots: tuple[Shot, ...] = ()
    candidates: tuple[str, ...] = ()
    """What `loglikelihood` candidates; empty for `generate`."""


FinishReason = Literal["stop", "length"]
"""An answer ends by itself (`stop`), or is cut at the most tokens that it may have (`length`)."""


@dataclass(frozen=True, kw_only=True)
class _Said:
    """What a model said: a text, the log-likelihoods of the candidates, or an error."""

    text: str | None = None
    loglikelihoods: tuple[float, ...] | None = None
    """One a candidate: the sum over its tokens of natural-log probabilities."""
    error: str | None = None
    samples: tuple[str, ...] = ()
    """All answers, where several were drawn; the first is `text`."""
    reasoning: str = ""
    """What the model thought aloud before its answer, where it does so."""
    finish_reason: FinishReason | None = None
    """Why the answer ended; None for likelihoods and errors."""
    sent: str = ""
    """The prompt as the model received it, pictures written as placeholders."""
    input_tokens: int = 0
    """Length of that prompt in the model's tokens, pictures included."""
    output_tokens: int = 0
    """Length of the answer in the model's tokens, its end of sequence included."""
    seconds: float = 0.0
    """Time that the answer took; of a batch, each answer's equal share."""


@dataclass(frozen=True)
class Response(_Said):
    """A model's answer to one request."""

    id: str


@dataclass(frozen=True)
class Generation:
    """How a model writes its answer. Part of what identifies a run."""

    max_new_tokens: int = 16
    beams: int = 1
    temperature: float = 0.0
    """0: the most likely token at every step; else tokens are drawn from probabilities at this temperature."""
    top_p: float = 1.0
    """Tokens are drawn from the fewest that have this probability together."""
    top_k: int = 0
    """Tokens are drawn from so many of the likeliest; 0 for all."""
    samples: int = 1
    """Answers drawn to one request; `Response.text` is the first."""
    thinking_tokens: int = 4096
    """Length of the reasoning before the answer at most, in tokens of its own; for models that reason."""
    seed: int = 0
    """With the request's id, what is drawn: the same in any batch, and where a run goes on."""
    min_new_tokens: int = 0
    """Tokens before the answer may end."""
    length_penalty: float = 1.0
    """Power of a beam's length that its log-probability is divided by: below 0 favours short answers."""
    repetition_penalty: float = 1.0
    """Divides the scores of tokens that were said (Keskar et al., arXiv 1909.05858)."""
    presence_penalty: float = 0.0
    """Taken from the scores of tokens that the answer has, as OpenAI's and vLLM's servers do."""


class Model(Protocol):
    """What a model adapter is. It is given the requests of a whole run at once, and may reorder, batch and share work.

    `requests` may be longer than memory allows: an adapter pulls from it as it goes, no further ahead than it needs to
    keep busy, and yields a response as soon as it is there. What iterating raises is passed on.
    """

    @property
    def name(self) -> str:
        """Return what the model is called in reports."""

    @property
    def max_images(self) -> int | None:
        """Return how many pictures it takes in one prompt, demonstrations included; None for any number."""

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        """Yield one response a request, in any order, each as soon as it is there; a bad request's is an error."""

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Yield the log-likelihoods of each request's candidates, likewise."""

    def preview(self, request: Request) -> Response:
        """Return what would be sent, and its length in tokens; nothing is run."""


@runtime_checkable
class StreamingModel(Protocol):
    """A Model that can show an answer while it is written."""

    def stream(self, request: Request, generation: Generation, on_text: Callable[[str], object]) -> Response:
        """Answer one request, and call `on_text` with each piece of the text; together they are the answer."""


Outcome = Literal["correct", "incorrect", "unparsed", "refused", "error", "unscored"]
"""`unscored`: the answer is unknown, or the question was not asked since an earlier one had settled it."""


@dataclass(frozen=True)
class Score:
    """What an answer was worth: a value, or None where it could not be scored (never a zero)."""

    value: float | None
    outcome: Outcome
    answer: str | None = None
    """What was read out of the text."""


@dataclass(frozen=True)
class Record(_Said):
    """A line of `records.jsonl`: the sample's facts and what the model said, enough to score it again."""

    id: str
    targets: tuple[str, ...]
    category: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    question: str = ""
    """The rendered question, pictures left out."""
    images: tuple[str, ...] = ()
    """Digests of the pictures."""
    digest: str = ""
    """The first 16 hex digits of the SHA-256 over the whole sample: an answer to another sample is not one to it."""
    attempt: int = 0
    """How often the question was asked before by another process: of several records the last attempt's counts."""
    request: str = ""
    """The SHA-256 over what was asked, as 64 hex digits: the same request of the same model need not be asked again."""


def whole_number(tags: Mapping[str, str], name: str, default: str | None = None) -> int:
    """Return a tag as a number. Raises InputError, since records are files that anybody may have changed."""
    value = tags[name] if default is None else tags.get(name, default)
    try:
        return int(value)
    except ValueError as error:
        raise InputError(f"a record's tag '{name}' is {value!r:.60}, not a whole number; restore the file") from error


@dataclass(frozen=True)
class Estimate:
    """A reported number with its 95% interval, in the benchmark's own unit."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    full_marks: float
    chance: float | None
    """What guessing gives in expectation."""
    reason: str | None = None
    """Why there is no value."""


class Display:
    """What a person who waits is shown; this one shows nothing."""

    def message(self, text: str) -> None:
        """Show a sentence."""

    def progress(self, done: int, total: int) -> None:
        """Show how many answers there are, of how many."""
