"""What a server's reply to a chat request says: texts, reasoning, finish reason, counts of tokens, or an error."""

from __future__ import annotations

from typing import Any

from mmeval.reasoning import split, tagged
from mmeval.types import FinishReason, Response

MOST = 1 << 40
"""Maximum tokens that a server may count in one reply."""
_FINISHED: dict[str, FinishReason] = {"stop": "stop", "eos": "stop", "length": "length"}


def read(reply: dict[str, Any], id: str) -> Response:
    """Return the response in a reply, or an error if it has none."""
    choices = reply.get("choices")
    if not isinstance(choices, list) or not choices:
        return Response(id, error=f"the server's reply has no choices: {str(reply)[:80]}")
    answers = [choice_texts(choice) for choice in choices]
    if wrong := next((why for _, _, why in answers if why), None):
        return Response(id, error=wrong)
    return Response(
        id,
        text=answers[0][0],
        samples=tuple(text for text, _, _ in answers) if len(answers) > 1 else (),
        reasoning=answers[0][1],
        finish_reason=_FINISHED.get(str(choices[0].get("finish_reason"))),
        input_tokens=count(reply, "prompt_tokens"),
        output_tokens=count(reply, "completion_tokens"),
    )


def choice_texts(choice: Any) -> tuple[str, str, str]:
    """Return the text, the reasoning and the error of one answer; the error is empty if there is none."""
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        return "", "", f"the server's reply has no message: {str(choice)[:80]}"
    ended, content = choice.get("finish_reason"), content_text(message.get("content"))
    if ended == "content_filter":
        return "", "", "the server withholds the answer (content_filter)"
    reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
    if not reasoning and isinstance(content, str) and tagged(content):
        reasoning, content = split(content)  # a server without a parser for this model's reasoning
    if content is None and (reasoning or ended in _FINISHED):
        content = ""
    if not isinstance(content, str):
        return "", "", f"the server's reply has no text: {str(choice)[:80]}"
    return content, str(reasoning), ""


def content_text(content: Any) -> Any:
    """Return the text of a message's content if it is a list of parts, else the content."""
    if not isinstance(content, list):
        return content
    return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))


def count(reply: dict[str, Any], name: str) -> int:
    """Return a count of a reply's usage; 0 if it has none, or one that cannot be."""
    usage = reply.get("usage")
    number = usage.get(name) if isinstance(usage, dict) else 0
    return number if isinstance(number, int) and 0 < number <= MOST else 0
