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
        except Broken as problem:
            yield DutyFinding(duty, "FAILED", str(problem))
        except Note as problem:
            yield DutyFinding(duty, "note", str(problem))
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
    examples = [
        Request("one", (picture(1), "Is the shape yellow?")),
        Request(
            "longer", (picture(2), "Look at the shape in this picture. Is it larger than half of it? Say yes or no.")
        ),
        Request("words", ("Is a lemon yellow?",)),
    ]
    if most >= 2:
        examples.append(Request("two", ("First ", picture(1), ", then ", picture(2), ". Is ", Ref(1), " darker?")))
        examples.append(Request("shot", (picture(3), "Is it red?"), shots=(Shot((picture(1), "Is it red?"), "no"),)))
    return examples


def _answers_each_once(model: Model) -> None:
    questions = requests(model)
    responses = list(model.generate(iter(questions), Generation(4)))
    asked_ids = [request.id for request in questions]
    answered_ids = [response.id for response in responses]
    if sorted(answered_ids) != sorted(asked_ids):
        raise Broken(f"asked {asked_ids}, and the answers are to {answered_ids}")
    for response in responses:
        if (response.text is None) == (response.error is None):
            contents = "neither text nor" if response.error is None else "text and"
            raise Broken(f"the answer to '{response.id}' has {contents} error")
    if refused := {response.id: response.error for response in responses if response.error is not None}:
        raise Note("; ".join(f"'{id}' is refused: {error}" for id, error in refused.items()))


def _any_batch(model: Model) -> None:
    questions = requests(model)
    together = _by_id(model.generate(questions, Generation(5)))
    for request in questions:
        (alone,) = model.generate([request], Generation(5))
        if (alone.text, alone.error) != (together[request.id].text, together[request.id].error):
            raise Broken(f"'{request.id}' alone: {alone.text!r}, in a batch: {together[request.id].text!r}")


def _streams(model: Model) -> None:
    if not isinstance(model, StreamingModel):
        raise Note("it has no stream, so its answers are shown whole")
    for request in requests(model):
        pieces: list[str] = []
        streamed = model.stream(request, Generation(5), pieces.append)
        (whole,) = model.generate([request], Generation(5))
        if streamed.error is not None and whole.error is not None:
            continue  # the words of an error may differ
        if (streamed.id, streamed.text, streamed.error) != (whole.id, whole.text, whole.error):
            first, second = (r.text if r.error is None else f"error: {r.error}" for r in (streamed, whole))
            raise Broken(f"'{request.id}' streamed: {first!r}, whole: {second!r}")
        if "".join(pieces).strip() != (streamed.text or "").strip():
            raise Broken(f"'{request.id}': the pieces {pieces} do not make up the answer {streamed.text!r}")


def _reads_lazily(model: Model) -> None:
    def endless() -> Iterator[Request]:
        for number in range(READ_AHEAD):
            yield Request(str(number), ("Is a lemon yellow?",))
        raise Broken(
            f"it reads more than {READ_AHEAD:,} requests before the first answer, so memory grows with the data"
        )

    next(iter(model.generate(endless(), Generation(1))))


def _length(model: Model) -> None:
    for response in model.generate(requests(model), Generation(1)):
        if response.error is None and (response.output_tokens > 1 or response.finish_reason not in ("stop", "length")):
            raise Broken(
                f"asked for 1 token: {response.output_tokens} tokens, finish_reason {response.finish_reason!r}"
            )


def _literal_text(model: Model) -> None:
    for pictures in ((picture(1),), ()):
        requests = [Request("literal", (*pictures, text)) for text in (LITERAL, "What is it?")]
        literal, plain = (next(iter(model.generate([request], Generation(1)))) for request in requests)
        if literal.error is not None and plain.error is None:
            raise Broken(f"a question that spells a special token gets an error: {literal.error}")


def _broken_picture(model: Model) -> None:
    bad = Request("bad", (Image(b"no picture", "broken.png"), "Is it red?"))
    good = requests(model)[0]
    responses = _by_id(model.generate([bad, good], Generation(1)))
    if set(responses) != {"bad", "one"}:
        raise Broken(f"with a broken picture, only {sorted(responses)} are answered")
    (alone,) = model.generate([good], Generation(1))
    if responses["one"].error is not None and alone.error is None:
        raise Broken(f"a broken picture spoils the other request in its batch: {responses['one'].error}")


def _most_pictures(model: Model) -> None:
    if model.max_images is None:
        return
    request = Request("many", (*map(picture, range(model.max_images + 1)), "Is it red?"))
    try:
        (response,) = model.generate([request], Generation(1))
    except InputError:
        return
    if response.error is None:
        raise Note(f"it takes {model.max_images + 1} pictures, but max_images is {model.max_images}")


def _preview(model: Model) -> None:
    for request in requests(model):
        preview, (sent,) = model.preview(request), model.generate([request], Generation(1))
        same_length = preview.input_tokens in (0, sent.input_tokens)  # only a server can count its tokens
        if preview.sent != sent.sent or not same_length:
            raise Broken(f"'{request.id}': the preview's prompt or length differs from what is sent")


def _likelihoods(model: Model) -> None:
    candidates = ("yes", "no", "not so", "no")
    questions = [replace(request, candidates=candidates) for request in requests(model)]
    together = _by_id(_compare(model, questions))
    for request in questions:
        (alone,) = _compare(model, [request])
        values, batch_values = alone.loglikelihoods, together[request.id].loglikelihoods
        if alone.error is not None and together[request.id].error is not None:
            continue
        if values is None or batch_values is None or len(values) != len(candidates):
            raise Broken(
                f"'{request.id}' has {len(candidates)} candidates and the likelihoods {values}, "
                f"in a batch {batch_values}"
            )
        if not all(math.isfinite(value) and value <= 1e-3 for value in values):
            raise Broken(f"'{request.id}': not logarithms of probabilities: {values}")
        if (
            max(abs(a - b) for a, b in zip(values, batch_values, strict=True)) > 1e-3
            or abs(values[1] - values[3]) > 1e-3
        ):
            raise Broken(f"'{request.id}': they depend on the batch or the order: {values}, {batch_values}")
    (none,) = _compare(model, [Request("none", (picture(1), "Is it red?"))])
    if none.error is None:
        raise Broken("a request without candidates does not get an error")


def _sees(model: Model) -> None:
    questions = [Request(str(n), (picture(n), "Is it red?"), candidates=("yes",)) for n in (1, 2)]
    if model.max_images is None or model.max_images > 1:
        for n in (1, 2):
            parts = (picture(n), " and ", picture(3 - n), "Is the first red?")
            questions.append(Request(f"{n} first", parts, candidates=("yes",)))
    responses = _by_id(_compare(model, questions))
    if refused := {id: response.error for id, response in responses.items() if response.error is not None}:
        raise Note("; ".join(f"'{id}' is refused: {error}" for id, error in refused.items()))
    likelihoods = {id: (response.loglikelihoods or (math.nan,))[0] for id, response in responses.items()}
    if likelihoods["1"] == likelihoods["2"]:
        raise Note("a different picture changes nothing")
    if "1 first" in likelihoods and likelihoods["1 first"] == likelihoods["2 first"]:
        raise Note("the order of two pictures changes nothing")


def _compare(model: Model, questions: list[Request]) -> Iterator[Response]:
    if not hasattr(model, "loglikelihood"):
        raise Note("it has no loglikelihood, so options cannot be compared")
    try:
        yield from model.loglikelihood(questions)
    except InputError as error:
        raise Note(str(error)) from error


def _by_id(responses: Iterator[Response]) -> dict[str, Response]:
    return {response.id: response for response in responses}


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
