"""How a prompt introduces its pictures: MMICL's context schemes as small values.

A prompt is given as parts (texts, shown pictures, mentioned pictures) and returned as pieces, which the processor
turns into token ids. This module needs no tokenizer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class PromptError(ValueError):
    """A prompt that the model cannot take; the message gives the row or the lengths."""


@dataclass(frozen=True)
class ImagePlace:
    """The place of a picture in a prompt; `picture` is its index among the distinct pictures given."""

    picture: int
    inline: bool = False
    """Whether it is inside a sentence, which names it there: `Use the image 0: <image0>[picture] as an aid`."""


@dataclass(frozen=True)
class ImageMention:
    """A place that mentions the picture shown in `slot` (counted from 0 in this prompt) without showing it."""

    slot: int


@dataclass(frozen=True)
class Tag:
    """The token `<imagek>`, which links a picture to its mentions."""

    slot: int


Part = str | ImagePlace | ImageMention
Piece = str | ImagePlace | Tag


INLINE = "image {slot}: "
"""The text right before a picture inside a sentence, as in the published MIC."""


@dataclass(frozen=True)
class Context:
    """One way to introduce pictures: the text before and after each; `{slot}` is the picture's number."""

    before: str = ""
    after: str = ""
    tagged: bool = False
    """Whether the picture's tag comes right before its visual tokens."""
    spoken: str = "image {slot}"
    """The text of a mention; empty: the picture's tag."""
    between: str = ""
    """Text between two adjacent pictures, instead of `after` and `before`; empty: each has its own texts."""
    last: str = ""
    """The same before the last of several pictures."""

    def pieces(self, parts: Sequence[Part], slot: int = 0) -> list[Piece]:
        """Put the prompt into this context and join neighboring texts; `slot` is the number of its first picture.

        A picture inside a sentence gets the same text in every tagged context, and none in the others.
        """
        pieces: list[Piece] = []
        is_place = [False, *(isinstance(part, ImagePlace) and not part.inline for part in parts), False]
        for position, part in enumerate(parts, 1):
            if isinstance(part, ImagePlace) and part.inline:
                pieces += [INLINE.format(slot=slot), Tag(slot), part] if self.tagged else [part]
                slot += 1
            elif isinstance(part, ImagePlace):
                joins_previous, joins_next = (bool(self.between) and is_place[position + step] for step in (-1, 1))
                before = self.before
                if joins_previous:
                    before = self.between if joins_next else self.last
                tag: list[Piece] = [Tag(slot)] if self.tagged else []
                pieces += [before.format(slot=slot), *tag, part]
                pieces += [] if joins_next else [self.after.format(slot=slot)]
                slot += 1
            elif isinstance(part, ImageMention):
                pieces.append(self.spoken.format(slot=part.slot) if self.spoken else Tag(part.slot))
            else:
                pieces.append(part)
        return _joined(pieces)


CONTEXTS: Mapping[str, Context] = {
    # the declaration of the MIC data set (MMICL, section 2.2)
    "declaration": Context(before="image {slot} is ", after=".\n", tagged=True),
    # the text of MMICL's authors before the questions of MME
    "mme-authors": Context(
        before="Use the image {slot}: ",
        after=" as a visual aid to help you answer the questions accurately. ",
        tagged=True,
    ),
    # the authors' README: one sentence for several pictures
    "readme": Context(
        before="Use the image {slot}: ",
        after=" as a visual aid to help you answer the question. ",
        tagged=True,
        between=",image {slot}: ",
        last=" and image {slot}: ",
    ),
    # their text before the captions of Winoground
    "winoground-authors": Context(before="The image {slot} is ", after=".\n ", tagged=True),
    # the declaration, and mentions by tag
    "tags": Context(before="image {slot} is ", after=".\n", tagged=True, spoken=""),
    # visual tokens only, as BLIP-2 and InstructBLIP were trained
    "plain": Context(),
}


def written(pieces: Sequence[Piece]) -> str:
    """Write pieces in readable form: `image 0 is <image0>[picture]`."""
    return "".join(
        piece if isinstance(piece, str) else f"<image{piece.slot}>" if isinstance(piece, Tag) else "[picture]"
        for piece in pieces
    )


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    joined: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        elif piece != "":
            joined.append(piece)
    return joined
