"""Check addresses of web servers, and show them without passwords."""

import re
import urllib.parse

from mmeval.types import InputError


def without_password(text: str) -> str:
    """Remove the user names and passwords of the addresses in a text."""
    return re.sub("//[^/@#,]*@", "//", text)


def check_address(url: str, whose: str) -> None:
    """Raise InputError if this is not the address of a web server; `whose` names it (`the judge's address`)."""
    try:
        parts = urllib.parse.urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\s\x00-\x1f]", url)
        valid = valid and (parts.port is None or parts.port > 0) and not parts.query and not parts.fragment
    except ValueError:  # an invalid port or bracket
        valid = False
    if not valid:
        address = re.sub("//[^/]*@", "//", url).partition("?")[0]
        raise InputError(f"{whose} '{address}' is not an http:// or https:// address; give one up to /v1")
