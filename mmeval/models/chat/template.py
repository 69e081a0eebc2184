"""Turn a request into a conversation, and the conversation into a prompt by the checkpoint's chat template."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import TemplateError

from mmeval.models.chat.processor import MARK, Literal
from mmeval.models.turns import ChatTurn, films, turns
from mmeval.reasoning import open_tag
from mmeval.types import Image, InputError, Request

THINKING = ("enable_thinking", "thinking")
"""The template variable that turns reasoning on and off, in Qwen, GLM and others; in DeepSeek and Granite."""

Message = dict[str, Any]
Film = tuple[Image, ...]
"""The chosen frames of a video."""


@dataclass
class ChatTemplate:
    """Writes requests for a chat model: demonstrations as turns, pictures in their places.

    Raises InputError if the template takes no pictures or no system turn, or cannot turn reasoning on or off.
    """

    processor: Any
    source: str
    numbered: bool = False
    """Whether `Image 1: ` precedes each picture, counted through the whole conversation."""
    video: bool = False
    """Whether frames are shown as a video, not as pictures."""
    system: str | None = None
    thinking: str = "auto"
    opened: str = field(init=False, default="")
    """The reasoning tag that the template itself opens before the answer."""

    def __post_init__(self) -> None:
        """Test the template on every kind of turn."""
        if not getattr(self.processor, "chat_template", None):
            raise InputError(f"{self.source}: the checkpoint has no chat template; choose a chat model")
        self._literal = Literal(self.processor)
        self._flags = self._thinking_flags()
        picture = {"type": "image"}
        question = {"type": "text", "text": "question?"}
        bare, with_picture = self._probe([question]), self._probe([picture, question])
        if "question?" not in bare or bare == with_picture:
            raise InputError(f"{self.source}: its chat template takes no picture in a question; choose another model")
        if self.video and self._probe([{"type": "video"}, question]) in (bare, with_picture):
            raise InputError(f"{self.source}: its chat template takes no video; remove --context video")
        prompt = self._render([*self._system_turn(), {"role": "user", "content": [question]}])
        if self.system is not None and self.system.strip() not in prompt:  # templates may trim
            raise InputError(f"{self.source}: its chat template takes no system turn; remove --system")
        self.opened = open_tag(prompt.partition("question?")[2])

    def write(self, request: Request) -> tuple[str, tuple[Image, ...], tuple[Film, ...]]:
        """Return the prompt and, in order, its pictures and its videos; special tokens spelled by the data are marked.

        Raises InputError if the template refuses the conversation.
        """
        conversation = turns(request, self.numbered, self.system)
        parts = [part for turn in conversation for part in self._parts(turn)]
        text = self._render([{"role": turn.role, "content": self._content(turn)} for turn in conversation])
        pictures = tuple(part for part in parts if isinstance(part, Image))
        return text, pictures, tuple(part for part in parts if isinstance(part, tuple))

    def plain(self, text: str) -> str:
        """Mark the special tokens that a text spells, so they are read as ordinary characters."""
        return self._literal.broken(text)

    def sent(self, prompt: str) -> str:
        """Return a prompt without marks, for people to read."""
        return prompt.replace(MARK, "")

    def _parts(self, turn: ChatTurn) -> Sequence[str | Image | Film]:
        return films(turn.parts) if self.video else turn.parts

    def _content(self, turn: ChatTurn) -> list[dict[str, str]]:
        """Return a turn's content; special tokens are marked except in the system turn."""
        content = []
        for part in self._parts(turn):
            if isinstance(part, str):
                content.append(_text(part if turn.role == "system" else self._literal.broken(part)))
            else:
                content.append({"type": "image" if isinstance(part, Image) else "video"})
        return content

    def _system_turn(self) -> list[Message]:
        return [] if self.system is None else [{"role": "system", "content": [_text(self.system)]}]

    def _probe(self, content: Sequence[dict[str, str]]) -> str:
        return self._render([{"role": "user", "content": list(content)}])

    def _render(self, messages: list[Message]) -> str:
        try:
            prompt: str = self.processor.apply_chat_template(
                messages, add_generation_prompt=True, tokenize=False, **self._flags
            )
        except (TemplateError, TypeError) as error:
            raise InputError(f"{self.source}: its chat template refuses the conversation: {error}") from error
        return prompt

    def _thinking_flags(self) -> dict[str, bool]:
        if self.thinking == "auto":
            return {}
        template = str(self.processor.chat_template)
        name = next((name for name in THINKING if name in template and self._turns_on(name)), None)
        if name is None:
            raise InputError(
                f"{self.source}: its chat template cannot turn reasoning {self.thinking} (it has neither "
                f"{' nor '.join(THINKING)}); use --thinking auto"
            )
        return {name: self.thinking == "on"}

    def _turns_on(self, name: str) -> bool:
        """Tell whether a template variable changes the prompt."""
        self._flags = {name: True}
        on = self._probe([_text("question?")])
        self._flags = {name: False}
        return on != self._probe([_text("question?")])


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}
