"""What a server's reply means: a JSON object, or the reason why there is none, always without keys and passwords."""

import email.utils
import json
import re
import time
import urllib.parse
from collections.abc import Mapping
from typing import Any

from mmeval.types import printable

REQUEST_ERRORS = (400, 413, 422, 500, 501)
"""Statuses that refuse only this request."""


class NoReply(Exception):
    """No usable reply after all tries. The message has the server's address and the reason, without key or password."""


class Refused(Exception):
    """The server at `url` refuses the request and would refuse it again: status 3xx or 4xx, or 5xx if not supported.

    The message is the server's error text.
    """

    def __init__(self, message: str, status: int, url: str) -> None:
        super().__init__(message)
        self.status, self.url = status, url

    @property
    def of_request(self) -> bool:
        """Tell whether others may pass: this has too many pictures, is too long, or shows a picture to a text model."""
        return self.status in REQUEST_ERRORS


class BrokeOff(Exception):
    """A streamed reply broke off after its beginning. The message is like that of NoReply."""


class Busy(Exception):
    """The server asks to wait `wait` seconds; None if it does not say how long. The message is its status and words."""

    def __init__(self, message: str, wait: float | None) -> None:
        super().__init__(message)
        self.wait = wait


SHORTEST = 8
"""Characters of a secret that is hidden in answers, too. A shorter one, such as the key `EMPTY` for servers that need
none, may be a word of the answer."""


class Secrets:
    """Keys and passwords, which no message may show."""

    def __init__(self, *secrets: str) -> None:
        self._secrets = [secret for secret in secrets if secret]

    def add(self, *secrets: str) -> None:
        """Hide these, too."""
        self._secrets += [secret for secret in secrets if secret]

    def hide(self, text: str, shortest: int = 1) -> str:
        """Replace the secrets in a text by ***: a server may repeat them in its reply."""
        for secret in self._secrets:
            text = text.replace(secret, "***") if len(secret) >= shortest else text
        return text

    def hidden(self, value: Any) -> Any:
        """Return a reply, a JSON value, with the secrets in its texts replaced, except those shorter than SHORTEST."""
        if not self._secrets:
            return value
        if isinstance(value, str):
            return self.hide(value, SHORTEST)
        if isinstance(value, dict):
            return {name: self.hidden(item) for name, item in value.items()}
        return [self.hidden(item) for item in value] if isinstance(value, list) else value

    def begun(self, text: str) -> int:
        """Return how many characters at the end of a text may be the beginning of a secret that `hidden` replaces."""
        long = [secret for secret in self._secrets if len(secret) >= SHORTEST]
        return max((n for secret in long for n in range(1, len(secret)) if text.endswith(secret[:n])), default=0)

    def sentence(self, text: str) -> str:
        """Return the beginning of a text as one printable line without secrets."""
        return printable(" ".join(self.hide(text)[:4000].split())[:300])  # cutting first would leave half a secret


def read(url: str, status: int, headers: Mapping[str, str], body: bytes, secrets: Secrets) -> dict[str, Any]:
    """Return the JSON object in a reply, with secrets hidden.

    Raises Refused, Busy, or ValueError for a failure of the server, after which another try may succeed.
    """
    if 300 <= status < 400:
        message = f"{url} redirects to {_host(headers.get('Location', ''))} (status {status}), which is not followed"
        raise Refused(secrets.hide(f"{printable(message)}; name the address that answers"), status, url)
    retry = headers.get("Retry-After")
    reason = _reason(body, secrets) if status >= 400 else ""
    if status == 429 or (status == 503 and (retry is not None or "loading" in reason.lower())):
        raise Busy(f"status {status}: {reason}", _seconds(retry))
    unsupported = status in (500, 501) and "not support" in reason  # llama.cpp without a vision model
    if status == 408 or (status >= 500 and not unsupported):
        raise ValueError(f"status {status}: {reason}")
    if status >= 400:
        raise Refused(f"{reason} (status {status})", status, url)
    try:
        reply = json.loads(body)
    except ValueError as error:
        raise ValueError(f"its reply is not JSON ({error})") from error
    if not isinstance(reply, dict):
        raise ValueError(f"its reply is not a JSON object: {str(reply)[:80]}")
    if reply.get("error") and "choices" not in reply:
        raise ValueError(f"its reply is an error: {_reason(body, secrets)}")
    return dict(secrets.hidden(reply))


def _host(location: str) -> str:
    """Return the host of a redirect's target, without name and password."""
    try:
        return urllib.parse.urlsplit(location).netloc.rpartition("@")[2] or "another path"
    except ValueError:  # an invalid bracket
        return "an invalid address"


def _reason(body: bytes, secrets: Secrets) -> str:
    """Return the message in an error's body as one line."""
    text = body.decode("utf-8", "replace")
    try:
        content = json.loads(body)
        for name in ("error", "message", "detail"):
            content = content.get(name, content) if isinstance(content, dict) else content
        text = content if isinstance(content, str) else json.dumps(secrets.hidden(content), ensure_ascii=False)
    except (ValueError, RecursionError):
        pass  # not JSON: keep the text
    return secrets.sentence(text) or "no reason given"


def _seconds(retry: str | None) -> float | None:
    """Return the seconds of a Retry-After header, which holds a number or a date (RFC 9110, 10.2.3)."""
    if retry is None:
        return None
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", retry):
        return float(retry)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def other_model(requested: str, reply: Mapping[str, Any]) -> str:
    """Return the name of the model that a reply is from if it is not the requested one, else nothing."""
    reported = reply.get("model")
    return reported if isinstance(reported, str) and reported and not same_model(requested, reported) else ""


def same_model(requested: str, reported: str) -> bool:
    """Tell whether two names may mean the same model: `gpt-4o` and `gpt-4o-2024-08-06`, a path and its last part."""
    requested, reported = _last_part(requested), _last_part(reported)
    if ":" not in reported:
        requested = requested.partition(":")[0]
    versions = r"(:.*|-\d{3,4}|-\d{6,8}|-\d{4}-\d{2}-\d{2})?"
    return re.fullmatch(re.escape(requested) + versions, reported) is not None


def _last_part(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2].partition("@")[0].casefold()
