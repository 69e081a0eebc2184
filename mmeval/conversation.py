"""Ask a model by hand: pictures and words mixed, demonstrations, what was said before. Nothing is scored or kept.

The module is `conversation`, not `chat`: a submodule of that name would hide the function `mmeval.chat`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmeval.data import container, files, video
from mmeval.models import ModelOptions, find_model, load_model, pick_context
from mmeval.types import (
    Generation,
    Image,
    InputError,
    Model,
    Part,
    Parts,
    Request,
    Response,
    Shot,
    StreamingModel,
    Unsupported,
    images,
    replace_surrogates,
)

if TYPE_CHECKING:
    from PIL import Image as PILImage

    Given = str | Path | PILImage.Image | Image

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".ppm")
"""Endings by which a word is taken for the name of a picture."""
MAX_NEW_TOKENS = 64
_WORD = re.compile(r'"([^"]+)"|(\S+)|(\s+)')


@dataclass(frozen=True)
class Reply:
    """What a model said to one question."""

    text: str
    probabilities: Mapping[str, float]
    """Of the choices, where some were given: they add up to 1."""
    response: Response
    """The prompt as it was sent, tokens in and out, seconds."""


@dataclass
class Chat:
    """A conversation with a loaded model. What was asked and answered stands before each new question."""

    model: Model
    generation: Generation = field(default_factory=lambda: Generation(MAX_NEW_TOKENS))
    shots: Sequence[Shot] = ()
    """Demonstrations, which stand before everything."""
    frames: int = video.FRAMES
    """Pictures shown of each video."""
    history: list[Shot] = field(default_factory=list)

    def ask(
        self,
        *parts: Given,
        choices: Sequence[str] = (),
        on_text: Callable[[str], object] | None = None,
        change: Callable[[Request], Request] = lambda request: request,
    ) -> Reply:
        """Ask about pictures and words, in this order, and remember question and answer.

        A path is a picture or a video; a PIL picture is shown as it is. With `choices` the likeliest of them is the
        answer. `on_text` is called with each piece of the answer as it is written, where the model can do that, else
        once. `change` is a control that acts on what is sent (mmeval.controls).

        Raises InputError for a file that is no picture or video and for what the model refuses, Unsupported for more
        pictures than it takes; the conversation stays as it was.
        """
        request = self.request(*parts, choices=choices)
        response = self._respond(change(request), on_text)
        if response.error is not None:
            raise InputError(response.error)
        found = probabilities(choices, response)
        text = max(found, key=lambda choice: found[choice]) if found else (response.text or "").strip()
        if on_text is not None and found:
            on_text(text)
        self.history.append(Shot(request.prompt, text))
        return Reply(text, found, response)

    def request(self, *parts: Given, choices: Sequence[str] = ()) -> Request:
        """Return what is sent: demonstrations, what was said, and the question. Raises as `ask` does."""
        prompt = self.prompt(*parts)
        if not any(isinstance(part, str) and part.strip() for part in prompt):
            raise InputError("there is no question; add some words")
        before = (*self.shots, *self.history)
        request = Request("question", prompt, before, tuple(map(replace_surrogates, choices)))
        shown = len(images(prompt)) + sum(len(images(shot.prompt)) for shot in before)
        most = self.model.max_images
        if most is not None and shown > most:
            raise Unsupported(
                f"{shown} pictures are to be shown and {self.model.name} takes {most}; show fewer, or begin anew"
            )
        return request

    def prompt(self, *parts: Given) -> Parts:
        """Return the parts of a prompt; words that follow each other are joined with a space."""
        found: list[Part] = []
        for part in parts:
            shown = self._shown(part)
            words = isinstance(shown, str)
            if words and found and isinstance(found[-1], str):
                found[-1] += f" {shown}"
            else:
                found += [shown] if isinstance(shown, str) else shown
        return tuple(found)

    def demonstration(self, *parts: Given, answer: str) -> Shot:
        """Return a demonstration: a prompt of pictures and words, and the answer that stands after it."""
        return Shot(self.prompt(*parts), replace_surrogates(answer))

    def forget(self) -> None:
        """Begin a new conversation; the demonstrations stay."""
        self.history.clear()

    def _shown(self, part: Given) -> str | list[Image]:
        if isinstance(part, str):
            return replace_surrogates(part)
        if isinstance(part, Image):
            return [part]
        if not isinstance(part, Path):
            return [Image(part)]
        if part.suffix.lower() in container.FORMATS:
            if not part.is_file():
                raise InputError(f"{part}: no such file; name a picture or a video")
            return list(video.frames(part.parent, [part.name], part.name, self.frames, video.SAMPLER)[0])
        image = files.picture(part.parent, part.name, str(part))
        image.decode()
        return [image]

    def _respond(self, request: Request, on_text: Callable[[str], object] | None) -> Response:
        if request.candidates:
            return next(iter(self.model.loglikelihood([request])))
        if on_text is not None and isinstance(self.model, StreamingModel):
            return self.model.stream(request, self.generation, on_text)
        response = next(iter(self.model.generate([request], self.generation)))
        if on_text is not None and response.text:
            on_text(response.text)
        return response


def chat(
    model: str = "mmicl-tiny",
    *,
    context: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
    max_new_tokens: int = MAX_NEW_TOKENS,
    beams: int = 1,
    shots: Sequence[tuple[Sequence[Given], str]] = (),
    frames: int = video.FRAMES,
) -> Chat:
    """Load a model and begin a conversation: `chat("mmicl-tiny").ask(Path("a.png"), "what is this ?").text`.

    `shots` are demonstrations: the parts of each prompt, and its answer. Raises InputError as `evaluate` does.
    """
    checkpoint = find_model(model)
    options = ModelOptions(pick_context(checkpoint, context), device, dtype)
    loaded = load_model(checkpoint, options)
    conversation = Chat(loaded, Generation(max_new_tokens, beams), frames=frames)
    conversation.shots = [conversation.demonstration(*parts, answer=answer) for parts, answer in shots]
    return conversation


def probabilities(choices: Sequence[str], response: Response) -> dict[str, float]:
    """Return the share of each choice, from their log-likelihoods; nothing where there are none."""
    if response.loglikelihoods is None:
        return {}
    if not all(map(math.isfinite, response.loglikelihoods)):
        raise InputError("the model's likelihoods are not finite numbers; try --dtype float32")
    most = max(response.loglikelihoods)
    weights = [math.exp(value - most) for value in response.loglikelihoods]
    return {choice: weight / sum(weights) for choice, weight in zip(choices, weights, strict=True)}


def parts_of(line: str) -> list[str | Path]:
    """Split what a person typed into words and files: a word that ends as pictures or videos do names a file.

    A name with blanks stands in double quotation marks.
    """
    found: list[str | Path] = []
    for quoted, word, blank in _WORD.findall(line.strip()):
        if is_file_name(quoted or word):
            found.append(Path(quoted or word))
            continue
        text = f'"{quoted}"' if quoted else word or blank
        if found and isinstance(found[-1], str):
            found[-1] += text
        elif text.strip():
            found.append(text)
    return [part.strip() if isinstance(part, str) else part for part in found]


def is_file_name(word: str) -> bool:
    """Tell whether a word ends as the name of a picture or a video does."""
    return Path(word).suffix.lower() in (*PICTURES, *container.FORMATS)


def from_json(value: Mapping[str, Any], folder: Path, where: str) -> tuple[list[Given], list[tuple[list[Given], str]]]:
    """Return the parts and the demonstrations of a line of JSON.

    `{"prompt": [{"image": "a.png"}, "what is this ?"], "shots": [{"prompt": [...], "answer": "a horse"}]}`; a prompt
    may be a text alone. Raises InputError naming the line.
    """

    def parts(prompt: Any, where: str) -> list[Given]:
        found: list[Given] = []
        for part in [prompt] if isinstance(prompt, str) else prompt if isinstance(prompt, list) else []:
            names = [*part.values()] if isinstance(part, dict) and {*part} in ({"image"}, {"video"}) else []
            if isinstance(part, str):
                found.append(part)
            elif names and isinstance(names[0], str) and is_file_name(names[0]):
                found.append(files.inside(folder, names[0], where))
            else:
                raise InputError(f'{where}: {part!r:.60} is neither a text nor {{"image": FILE}}; fix the line')
        if not found:
            raise InputError(f'{where}: no prompt; write "prompt": [{{"image": FILE}}, "the question"]')
        return found

    shots = value.get("shots", [])
    if not isinstance(shots, list) or not all(
        isinstance(shot, dict) and isinstance(shot.get("answer"), str) for shot in shots
    ):
        raise InputError(f'{where}, shots: write [{{"prompt": [...], "answer": "..."}}, ...]')
    shown = [(parts(shot.get("prompt"), f"{where}, shots"), shot["answer"]) for shot in shots]
    return parts(value.get("prompt"), where), shown
