"""Turn texts of the published MIC back into parts: declarations ("image 0 is <image0>图") and demonstrations.

Shown and mentioned pictures become parts, so any context can introduce them, and numbers follow the pictures. A
declaration inside a sentence stays there.
"""

import re

from mmeval.mmicl.context import ImageMention, ImagePlace, Part

PICTURE = r"(?:图|<visual_embedding>)"
DECLARED = re.compile(rf"(?:image\s*(\d{{1,9}})\s*is\s*)?(?:<image(\d{{1,9}})>)?\s?{PICTURE}[.,]?[ \t]*", re.IGNORECASE)
"""A declaration that is its own statement: `image 0 is <image0>图.`"""
DECLARED_INLINE = re.compile(rf"(?:image\s*(\d{{1,9}})\s*:\s*)?(?:<image(\d{{1,9}})>)?\s?{PICTURE}", re.IGNORECASE)
WITHIN = re.compile(rf"image\s*\d{{1,9}}\s*:\s*(?:<image\d{{1,9}}>)?\s?{PICTURE}", re.IGNORECASE)
"""A declaration inside a sentence: `Use the image 0: <image0>图 as a visual aid`."""
SPOKEN = re.compile(r"(<image\d{1,9}>|\bimage \d{1,9}\b)")


def parts(text: str) -> tuple[Part, ...]:
    """Turn a text of MIC into parts.

    A number refers to the last picture declared with it, or to the next one if there was none yet. The original
    numbers the question's picture 0 again after a single demonstration; here it becomes picture 1.
    """
    declared: list[int] = []  # the number that the text gives to each slot
    pieces: list[Part] = []
    for line in text.splitlines(keepends=True):
        pieces += _line(line, declared)
    resolved: list[Part] = []
    shown_pictures = 0
    for piece in pieces:
        if isinstance(piece, ImageMention):
            slots = [slot for slot, number in enumerate(declared) if number == piece.slot]
            slot = max((slot for slot in slots if slot < shown_pictures), default=min(slots, default=None))
            piece = f"image {piece.slot}" if slot is None else ImageMention(slot)
        shown_pictures += isinstance(piece, ImagePlace)
        if piece != "":
            resolved.append(piece)
    return tuple(resolved)


def _line(line: str, declared: list[int]) -> list[Part]:
    """Turn a line into parts: places count through the text, a mention holds the number in the text."""
    pattern, inline = (DECLARED_INLINE, True) if WITHIN.search(line) else (DECLARED, False)
    pieces: list[Part] = []
    end = 0
    for declaration in pattern.finditer(line) if re.search(PICTURE, line) else ():
        slot = len(declared)
        number = next((int(group) for group in declaration.groups() if group is not None), slot)
        declared.append(number)
        pieces += _spoken(line[end : declaration.start()])
        pieces.append(ImagePlace(slot, inline))
        end = declaration.end()
    pieces += _spoken(line[end:])
    match pieces:
        case [*_, ImagePlace(inline=False), str(blank)] if not blank.strip():
            pieces.pop()  # the context writes the line break after a declaration itself
    return pieces


def _spoken(text: str) -> list[Part]:
    pieces = enumerate(SPOKEN.split(text))  # every other one is a mention
    return [ImageMention(int(piece.strip("<image >"))) if k % 2 else piece for k, piece in pieces]
