"""Join a request's demonstrations and question into one prompt, with pictures numbered throughout, and tokenize it."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from PIL import Image as PILImage

from mmeval.mmicl.context import Context, ImageMention, ImagePlace, Part, PromptError
from mmeval.mmicl.processing import EncodedPrompt, MmiclProcessor
from mmeval.pictures import MAX_PIXELS
from mmeval.types import Image, InputError, Ref, Request, Response

Show = Literal["each", "side-by-side", "none"]
"""How pictures are shown: each in its place, all in one picture at the start of the prompt, or not at all."""
CANDIDATES = 4096
"""Candidates whose tokens are kept."""


@dataclass(frozen=True)
class Flat:
    """A prompt in one piece."""

    parts: tuple[Part, ...]
    pictures: tuple[Image, ...]
    """In the order shown."""
    text: str
    """The question's text without pictures, for a Q-Former that reads it."""


@dataclass(frozen=True)
class PreparedRequest:
    """A request prepared for the model."""

    request: Request
    tokens: EncodedPrompt
    flat: Flat
    digests: tuple[str, ...]
    """Of the pictures, in the order shown, with repetitions."""

    def respond(self, **facts: Any) -> Response:
        """Make a response with the prompt that was sent."""
        return Response(self.request.id, sent=self.tokens.text, input_tokens=len(self.tokens.ids), **facts)


class Prompts:
    """Prepares requests: as one prompt each, in tokens."""

    def __init__(self, processor: MmiclProcessor, introduce: Context, show: Show, *, whole_context: bool) -> None:
        """`whole_context`: prompt and answer share the model's context, as in decoder-only models."""
        self._processor, self._introduce, self._show = processor, introduce, show
        self._limit = processor.settings.max_prompt_tokens if whole_context else None
        self.candidate = lru_cache(CANDIDATES)(processor.tokenizer.encode)
        """Returns the tokens of a candidate; those of most benchmarks are the same for every question."""

    def prepare(self, request: Request, room: int = 0) -> PreparedRequest:
        """Prepare a request whose answer may have `room` tokens.

        Raises PromptError if prompt and answer together are too long, InputError if a picture cannot be read.
        """
        flat = flatten(request, self._show)
        tokens = self._processor.prompt(flat.parts, self._introduce)
        limit = self._limit
        if limit is not None and len(tokens.ids) + room > limit:
            raise PromptError(
                f"the prompt has {len(tokens.ids)} tokens and its answer up to {room}, but the model's context is "
                f"{limit}; shorten the prompt or the answer (--max-new-tokens)"
            )
        return PreparedRequest(request, tokens, flat, tuple(picture.digest for picture in flat.pictures))

    def longest_candidate(self, request: Request) -> int:
        """Count the tokens of the longest candidate. Raises PromptError if there is no candidate or an empty one."""
        lengths = [len(self.candidate(text)) for text in request.candidates]
        if not lengths or 0 in lengths:
            raise PromptError("there is nothing to compare; give at least one candidate, and no empty ones")
        return max(lengths)


def flatten(request: Request, show: Show = "each") -> Flat:
    """Join demonstrations, each with its answer and a line break, and the question.

    References count from the first picture of their own prompt, so those of later prompts are shifted.
    """
    parts: list[Part] = []
    pictures: list[Image] = []
    for prompt, answer in (*((shot.prompt, shot.answer) for shot in request.shots), (request.prompt, None)):
        first = len(pictures)
        for part in prompt:
            if isinstance(part, Image):
                parts.append(ImagePlace(len(pictures)))
                pictures.append(part)
            else:
                parts.append(ImageMention(first + part.image) if isinstance(part, Ref) else part)
        if answer is not None:
            parts.append(f" {answer}\n")
    question = (part for part in request.prompt if not isinstance(part, Image))
    text = "".join(f"image {part.image}" if isinstance(part, Ref) else part for part in question)
    unplaced = (part for part in parts if not isinstance(part, ImagePlace))
    if show == "none":
        return Flat(tuple(unplaced), (), text)
    if show == "side-by-side" and len(pictures) > 1:
        return Flat((ImagePlace(0), *unplaced), (beside(pictures),), text)
    return Flat(tuple(parts), tuple(pictures), text)


def beside(pictures: list[Image]) -> Image:
    """Join several pictures into one, from left to right, scaled to the same height.

    Raises InputError if one cannot be read or the result would be too large.
    """
    decoded = [picture.decode() for picture in pictures]
    height = max(picture.height for picture in decoded)
    widths = [max(1, picture.width * height // picture.height) for picture in decoded]
    name = " + ".join(picture.name for picture in pictures)
    if sum(widths) * height > MAX_PIXELS:
        raise InputError(
            f"{name}: side by side {sum(widths)} x {height} pixels, more than {MAX_PIXELS:,}; scale them down"
        )
    canvas = PILImage.new("RGB", (sum(widths), height), "white")
    left = 0
    for picture, width in zip(decoded, widths, strict=True):
        canvas.paste(picture.resize((width, height)), (left, 0))
        left += width
    return Image(canvas, name=name)
