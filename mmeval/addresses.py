"""Addresses of web servers: which are sound, and how one is shown."""

import re
import urllib.parse

from mmeval.types import InputError


def without_password(text: str) -> str:
    """Return a text, an address or several, without the names and passwords in it."""
    return re.sub("//[^/@#,]*@", "//", text)


def check_address(url: str, whose: str) -> None:
    """Raise InputError for what is not the address of a web server; `whose` names it (`the judge's address`)."""
    try:
        parts = urllib.parse.urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\s\x00-\x1f]", url)
        sound = sound and (parts.port is None or parts.port > 0) and not parts.query and not parts.fragment
    except ValueError:  # a port or a bracket that is not one
        sound = False
    if not sound:
        shown = re.sub("//[^/]*@", "//", url).partition("?")[0]
        raise InputError(f"{whose} '{shown}' is not an http:// or https:// address; give one up to /v1")
