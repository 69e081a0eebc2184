"""A request as a conversation, and the conversation as the prompt that the checkpoint's chat template makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import TemplateError

from mmeval.models.chat.processor import MARK, Literal
from mmeval.models.turns import ChatTurn, films, turns
from mmeval.reasoning import open_tag
from mmeval.types import Image, InputError, Request

THINKING = ("enable_thinking", "thinking")
"""Names of the variable by which chat templates turn reasoning on and off: Qwen, GLM and others; DeepSeek, Granite."""

Message = dict[str, Any]
Film = tuple[Image, ...]
"""The frames of a video that are shown."""


@dataclass
class ChatTemplate:
    """Writes requests as a chat model reads them: demonstrations as turns, pictures in their places.

    Raises InputError for a chat template that takes no pictures, no system turn, or cannot turn reasoning on or off.
    """

    processor: Any
    source: str
    numbered: bool = False
    """Whether `Image 1: ` stands before each picture, counted through the whole conversation."""
    video: bool = False
    """Whether a video's frames are shown as a video, not as pictures."""
    system: str | None = None
    thinking: str = "auto"
    opened: str = field(init=False, default="")
    """The tag of reasoning that the template itself opens before the answer."""

    def __post_init__(self) -> None:
        """Try the template on a conversation of every kind of turn."""
        if not getattr(self.processor, "chat_template", None):
            raise InputError(f"{self.source}: the checkpoint has no chat template; it cannot be asked as a chat model")
        self._literal = Literal(self.processor)
        self._flags = self._thinking_flags()
        picture = {"type": "image"}
        asked = {"type": "text", "text": "question?"}
        bare, shown = self._probe([asked]), self._probe([picture, asked])
        if "question?" not in bare or bare == shown:
            raise InputError(f"{self.source}: its chat template takes no picture in a question; choose another model")
        if self.video and self._probe([{"type": "video"}, asked]) in (bare, shown):
            raise InputError(f"{self.source}: its chat template takes no video; leave out --context video")
        if self.system is not None and self.system not in self._render(self._turns([asked])):
            raise InputError(f"{self.source}: its chat template takes no system turn; leave out --system")
        self.opened = open_tag(self._render(self._turns([asked])).partition("question?")[2])

    def write(self, request: Request) -> tuple[str, tuple[Image, ...], tuple[Film, ...]]:
        """Return the prompt, special tokens that the data spells marked, its pictures and its videos in their order.

        Raises InputError where the template refuses the conversation.
        """
        said = turns(request, self.numbered, self.system)
        parts = [part for turn in said for part in self._parts(turn)]
        text = self._render([{"role": turn.role, "content": self._content(turn)} for turn in said])
        shown = tuple(part for part in parts if isinstance(part, Image))
        return text, shown, tuple(part for part in parts if isinstance(part, tuple))

    def plain(self, text: str) -> str:
        """Return a text in which what spells a special token is marked, to be read as the characters it is."""
        return self._literal.broken(text)

    def sent(self, prompt: str) -> str:
        """Return a prompt as a person reads it."""
        return prompt.replace(MARK, "")

    def _parts(self, turn: ChatTurn) -> Sequence[str | Image | Film]:
        return films(turn.parts) if self.video else turn.parts

    def _content(self, turn: ChatTurn) -> list[dict[str, str]]:
        """Return a turn's content; in what the data wrote, special tokens are marked."""
        content = []
        for part in self._parts(turn):
            if isinstance(part, str):
                content.append(_text(part if turn.role == "system" else self._literal.broken(part)))
            else:
                content.append({"type": "image" if isinstance(part, Image) else "video"})
        return content

    def _turns(self, question: Sequence[dict[str, str]]) -> list[Message]:
        turns: list[Message] = []
        if self.system is not None:
            turns.append({"role": "system", "content": [_text(self.system)]})
        return [*turns, {"role": "user", "content": list(question)}] if question else turns

    def _probe(self, content: Sequence[dict[str, str]]) -> str:
        return self._render([{"role": "user", "content": list(content)}])

    def _render(self, messages: list[Message]) -> str:
        try:
            found: str = self.processor.apply_chat_template(
                messages, add_generation_prompt=True, tokenize=False, **self._flags
            )
        except (TemplateError, TypeError) as error:
            raise InputError(f"{self.source}: its chat template refuses the conversation: {error}") from error
        return found

    def _thinking_flags(self) -> dict[str, bool]:
        if self.thinking == "auto":
            return {}
        template = str(self.processor.chat_template)
        name = next((name for name in THINKING if name in template and self._turns_on(name)), None)
        if name is None:
            raise InputError(
                f"{self.source}: its chat template cannot turn reasoning {self.thinking} (it knows neither "
                f"{' nor '.join(THINKING)}); use --thinking auto"
            )
        return {name: self.thinking == "on"}

    def _turns_on(self, name: str) -> bool:
        """Tell whether a variable of the template makes a difference."""
        self._flags = {name: True}
        on = self._probe([_text("question?")])
        self._flags = {name: False}
        return on != self._probe([_text("question?")])


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}
