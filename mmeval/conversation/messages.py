"""Parse a prompt that a person writes: a line that names files, a line of JSON, or a message with pictures.

`prompt_of` opens the files that it names.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmeval.data import container, files, video
from mmeval.types import Image, InputError, Part, Parts, Ref, plural, replace_surrogates

if TYPE_CHECKING:
    from PIL import Image as PILImage

    PromptPart = str | Path | PILImage.Image | Image | Ref

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".ppm")
ENDINGS = (*PICTURES, *container.FORMATS)
"""The endings of pictures and videos."""
LONGEST = 4000
"""Maximum characters of a message."""
MARK = "<image>"
"""The place of a picture in a message; pictures without a mark precede the message."""
WordsAndFiles = list[str | Path]
"""Words and files, in order."""
_WORD = re.compile(r'"([^"]+)"|(\S+)|(\s+)')


def parts_of(line: str) -> WordsAndFiles:
    """Split a typed line into words and files; a word with the ending of a picture or video names a file.

    A name with blanks must be in double quotation marks.
    """
    parts: WordsAndFiles = []
    for quoted, word, blank in _WORD.findall(line.strip()):
        if is_file_name(quoted or word):
            parts.append(Path(quoted or word))
            continue
        text = f'"{quoted}"' if quoted else word or blank
        if parts and isinstance(parts[-1], str):
            parts[-1] += text
        elif text.strip():
            parts.append(text)
    return [part.strip() if isinstance(part, str) else part for part in parts]


def is_file_name(word: str) -> bool:
    """Tell whether a word has the ending of a picture or a video."""
    return Path(word).suffix.lower() in ENDINGS


def from_json(value: Mapping[str, Any], folder: Path) -> tuple[WordsAndFiles, list[tuple[WordsAndFiles, str]]]:
    """Return the parts and the demonstrations in an object of a JSON Lines file in the folder.

    `{"prompt": [{"image": "a.png"}, "what is this ?"], "shots": [{"prompt": [...], "answer": "a horse"}]}`; a prompt
    may be a plain text. Raises InputError.
    """
    shots = value.get("shots", [])
    if not isinstance(shots, list) or not all(
        isinstance(shot, dict) and isinstance(shot.get("answer"), str) for shot in shots
    ):
        raise InputError('shots: write [{"prompt": [...], "answer": "..."}, ...]')
    demonstrations = [(_parts(shot.get("prompt"), folder, "shots"), shot["answer"]) for shot in shots]
    return _parts(value.get("prompt"), folder, "prompt"), demonstrations


def _parts(prompt: Any, folder: Path, field: str) -> WordsAndFiles:
    """Return the parts of a prompt in JSON. Raises InputError naming the field."""
    parts: WordsAndFiles = []
    if isinstance(prompt, str):
        prompt = [prompt]
    for part in prompt if isinstance(prompt, list) else []:
        names = [*part.values()] if isinstance(part, dict) and {*part} in ({"image"}, {"video"}) else []
        if isinstance(part, str):
            parts.append(part)
        elif not names or not isinstance(names[0], str):
            raise InputError(f'{field}: {part!r:.60} is neither a text nor {{"image": FILE}}; fix the line')
        elif not is_file_name(names[0]):
            raise InputError(f"{field}: {names[0]!r:.60} is not a picture or a video by its ending; rename the file")
        else:
            parts.append(files.inside(folder, names[0], field))
    if not parts:
        raise InputError(f'{field}: it is missing; write "prompt": [{{"image": FILE}}, "the question"]')
    return parts


def marked_parts(text: str, paths: Sequence[str | Path]) -> WordsAndFiles:
    """Return a message's parts: pictures at its marks, the others before it. Raises InputError."""
    if len(text) > LONGEST:
        raise InputError(f"the message has {len(text):,} characters; the maximum is {LONGEST:,}")
    waiting: list[Path] = [Path(path) for path in paths]
    pieces = text.split(MARK)
    if len(pieces) - 1 > len(waiting):
        counts = f"{MARK} {plural(len(pieces) - 1, 'time')} and {plural(len(waiting), 'picture')}"
        raise InputError(f"the message has {counts}; add pictures")
    before = len(waiting) - (len(pieces) - 1)
    parts: WordsAndFiles = [*waiting[:before]]
    marked = waiting[before:]
    for number, piece in enumerate(pieces):
        if number:
            parts.append(marked[number - 1])
        if piece.strip():
            parts.append(piece.strip())
    return parts


def prompt_of(parts: Iterable[PromptPart], frames: int) -> Parts:
    """Open a prompt's files; adjacent words are joined with a space.

    A path is a picture, or a video of which `frames` frames are shown. Raises InputError naming the file.
    """
    opened: list[Part] = []
    for part in parts:
        if not isinstance(part, str):
            opened += _opened(part, frames)
        elif opened and isinstance(opened[-1], str):
            opened[-1] += f" {replace_surrogates(part)}"
        else:
            opened.append(replace_surrogates(part))
    return tuple(opened)


def _opened(part: Path | PILImage.Image | Image | Ref, frames: int) -> Sequence[Part]:
    if isinstance(part, Image | Ref):
        return [part]
    if not isinstance(part, Path):
        return [Image(part)]
    try:
        regular = stat.S_ISREG(part.stat().st_mode)
    except (OSError, ValueError) as error:  # or no possible name
        raise InputError(f"{part}: no such file; name a picture or a video") from error
    if not regular:
        raise InputError(f"{part}: not a file; name a picture or a video")
    if part.suffix.lower() in container.FORMATS:
        pictures = _frames(part, frames)
    else:
        pictures = [files.picture(part.parent, part.name, str(part))]
    for image in pictures:
        image.decode()
    return pictures


def _frames(path: Path, most: int) -> list[Image]:
    """Return `most` frames of a video, or all if it has fewer."""
    count = max(1, min(most, len(container.times(path, path.name))))
    frames, _ = video.frames(path.parent, [path.name], path.name, count, video.SAMPLER)
    return list(frames)
