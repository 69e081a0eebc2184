"""The conformance test of model adapters: `mmeval models check`.

The requests are made here, so any model can answer them; nothing is downloaded or written.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image as PILImage

from mmeval.types import Generation, Image, InputError, Model, Ref, Request, Response, Shot, StreamingModel

Level = Literal["passed", "FAILED", "note"]
LITERAL = "What does <image> mean, or <|im_end|>, or [IMG]?"
"""A question that spells special tokens; in many models one of them is a picture's placeholder."""
READ_AHEAD = 2048
"""Maximum requests that a model may read before it answers the first."""


@dataclass(frozen=True)
class DutyFinding:
    """Whether the model keeps one duty."""

    duty: str
    level: Level
    detail: str = ""


class Broken(Exception):
    """A duty is not kept; the message says how."""


class Note(Exception):
    """Nothing is wrong, but a reader should know."""


def check(model: Model, duties: Iterable[str] | None = None) -> Iterator[DutyFinding]:
    """Test every duty in turn, or only the named ones.

    A duty during which the model raises is broken; the detail has the exception's name.
    """
    for duty in DUTIES if duties is None else duties:
        try:
            DUTIES[duty](model)
        except Broken as found:
            yield DutyFinding(duty, "FAILED", str(found))
        except Note as found:
            yield DutyFinding(duty, "note", str(found))
        except Exception as error:  # a user's adapter may raise anything
            yield DutyFinding(duty, "FAILED", f"{type(error).__name__}: {error}")
        else:
            yield DutyFinding(duty, "passed")


def picture(number: int) -> Image:
    """Draw a picture of 64 x 48 pixels that depends on the number."""
    drawn = PILImage.new("RGB", (64, 48), (40 * number % 256, 90 * number % 256, 255 - 70 * number % 256))
    drawn.paste((255, 255, 0), (8 * number % 40, 8, 8 * number % 40 + 20, 30))
    return Image(drawn, f"picture {number}")


def requests(model: Model) -> list[Request]:
    """Return requests of every shape that the model takes: one picture, several, none, a demonstration."""
    most = math.inf if model.max_images is None else model.max_images
    asked = [
        Request("one", (picture(1), "Is the shape yellow?")),
        Request(
            "longer", (picture(2), "Look at the shape in this picture. Is it larger than half of it? Say yes or no.")
        ),
        Request("words", ("Is a lemon yellow?",)),
    ]
    if most >= 2:
        asked.append(Request("two", ("First ", picture(1), ", then ", picture(2), ". Is ", Ref(1), " darker?")))
        asked.append(Request("shot", (picture(3), "Is it red?"), shots=(Shot((picture(1), "Is it red?"), "no"),)))
    return asked


def _answers_each_once(model: Model) -> None:
    asked = requests(model)
    found = list(model.generate(iter(asked), Generation(4)))
    if sorted(one.id for one in found) != sorted(one.id for one in asked):
        raise Broken(f"asked {[one.id for one in asked]}, and the answers are to {[one.id for one in found]}")
    for one in found:
        if (one.text is None) == (one.error is None):
            raise Broken(
                f"the answer to '{one.id}' has {'neither text nor' if one.error is None else 'text and'} error"
            )
    if refused := {one.id: one.error for one in found if one.error is not None}:
        raise Note("; ".join(f"'{id}' is refused: {error}" for id, error in refused.items()))


def _any_batch(model: Model) -> None:
    asked = requests(model)
    together = _by_id(model.generate(asked, Generation(5)))
    for request in asked:
        (alone,) = model.generate([request], Generation(5))
        if (alone.text, alone.error) != (together[request.id].text, together[request.id].error):
            raise Broken(f"'{request.id}' alone: {alone.text!r}, in a batch: {together[request.id].text!r}")


def _streams(model: Model) -> None:
    if not isinstance(model, StreamingModel):
        raise Note("it has no stream, so its answers are shown whole")
    for request in requests(model):
        pieces: list[str] = []
        shown = model.stream(request, Generation(5), pieces.append)
        (whole,) = model.generate([request], Generation(5))
        if (shown.id, shown.text, shown.error) != (whole.id, whole.text, whole.error):
            raise Broken(f"'{request.id}' streamed: {shown.text!r}, whole: {whole.text!r}")
        if "".join(pieces).strip() != (shown.text or "").strip():
            raise Broken(f"'{request.id}': the pieces {pieces} do not make up the answer {shown.text!r}")


def _reads_lazily(model: Model) -> None:
    def many() -> Iterator[Request]:
        for number in range(READ_AHEAD):
            yield Request(str(number), ("Is a lemon yellow?",))
        raise Broken(
            f"it reads more than {READ_AHEAD:,} requests before the first answer, so memory grows with the data"
        )

    next(iter(model.generate(many(), Generation(1))))


def _length(model: Model) -> None:
    for one in model.generate(requests(model), Generation(1)):
        if one.error is None and (one.output_tokens > 1 or one.finish_reason not in ("stop", "length")):
            raise Broken(f"asked for 1 token: {one.output_tokens} tokens, finish_reason {one.finish_reason!r}")


def _literal_text(model: Model) -> None:
    for shown in ((picture(1),), ()):
        requests = [Request("literal", (*shown, text)) for text in (LITERAL, "What is it?")]
        found, plain = (next(iter(model.generate([request], Generation(1)))) for request in requests)
        if found.error is not None and plain.error is None:
            raise Broken(f"a question that spells a special token gets an error: {found.error}")


def _broken_picture(model: Model) -> None:
    bad = Request("bad", (Image(b"no picture", "broken.png"), "Is it red?"))
    good = requests(model)[0]
    found = _by_id(model.generate([bad, good], Generation(1)))
    if set(found) != {"bad", "one"}:
        raise Broken(f"with a broken picture, only {sorted(found)} are answered")
    if found["one"].error is not None:
        raise Broken(f"a broken picture spoils the other request in its batch: {found['one'].error}")


def _most_pictures(model: Model) -> None:
    if model.max_images is None:
        return
    asked = Request("many", (*map(picture, range(model.max_images + 1)), "Is it red?"))
    try:
        (found,) = model.generate([asked], Generation(1))
    except InputError:
        return
    if found.error is None:
        raise Note(f"it takes {model.max_images + 1} pictures, but max_images is {model.max_images}")


def _preview(model: Model) -> None:
    for request in requests(model):
        shown, (sent,) = model.preview(request), model.generate([request], Generation(1))
        known = shown.input_tokens in (0, sent.input_tokens)  # only a server can count its tokens
        if shown.sent != sent.sent or not known:
            raise Broken(f"'{request.id}': the preview's prompt or length differs from what is sent")


def _likelihoods(model: Model) -> None:
    candidates = ("yes", "no", "not so", "no")
    asked = [replace(request, candidates=candidates) for request in requests(model)]
    together = _by_id(_compare(model, asked))
    for request in asked:
        (alone,) = _compare(model, [request])
        one, other = alone.loglikelihoods, together[request.id].loglikelihoods
        if alone.error is not None and together[request.id].error is not None:
            continue
        if one is None or other is None or len(one) != len(candidates):
            raise Broken(
                f"'{request.id}' has {len(candidates)} candidates and the likelihoods {one}, in a batch {other}"
            )
        if not all(math.isfinite(value) and value <= 1e-3 for value in one):
            raise Broken(f"'{request.id}': not logarithms of probabilities: {one}")
        if max(abs(a - b) for a, b in zip(one, other, strict=True)) > 1e-3 or abs(one[1] - one[3]) > 1e-3:
            raise Broken(f"'{request.id}': they depend on the batch or the order: {one}, {other}")
    (none,) = _compare(model, [Request("none", (picture(1), "Is it red?"))])
    if none.error is None:
        raise Broken("a request without candidates does not get an error")


def _sees(model: Model) -> None:
    shown = [Request(str(n), (picture(n), "Is it red?"), candidates=("yes",)) for n in (1, 2)]
    if model.max_images is None or model.max_images > 1:
        for n in (1, 2):
            parts = (picture(n), " and ", picture(3 - n), "Is the first red?")
            shown.append(Request(f"{n} first", parts, candidates=("yes",)))
    found = {one.id: (one.loglikelihoods or (math.nan,))[0] for one in _compare(model, shown)}
    if found["1"] == found["2"]:
        raise Note("a different picture changes nothing")
    if "1 first" in found and found["1 first"] == found["2 first"]:
        raise Note("the order of two pictures changes nothing")


def _compare(model: Model, asked: list[Request]) -> Iterator[Response]:
    if not hasattr(model, "loglikelihood"):
        raise Note("it has no loglikelihood, so options cannot be compared")
    try:
        yield from model.loglikelihood(asked)
    except InputError as error:
        raise Note(str(error)) from error


def _by_id(responses: Iterator[Response]) -> dict[str, Response]:
    return {one.id: one for one in responses}


DUTIES: dict[str, Callable[[Model], None]] = {
    "each request gets one answer, a text or an error": _answers_each_once,
    "an answer is the same in any batch": _any_batch,
    "a streamed answer is the answer": _streams,
    "requests are read as they are needed": _reads_lazily,
    "an answer has no more tokens than allowed": _length,
    "special tokens in a question are read as text": _literal_text,
    "a broken picture spoils no other request": _broken_picture,
    "too many pictures are refused": _most_pictures,
    "the preview is what is sent": _preview,
    "each candidate has a likelihood, in any batch": _likelihoods,
    "pictures and their order matter": _sees,
}
