"""What servers say before they are asked: whether they have the model, and which engine and version they are."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from typing import Any

from mmeval.servers.client import Client, Endpoint, Refused
from mmeval.servers.gathering import gather_or_cancel
from mmeval.servers.replies import same_model
from mmeval.types import InputError, nearest

KEYS = ("MMEVAL_API_KEY", "OPENAI_API_KEY")
"""The environment variables for the key; the first that is set is used."""
VERSIONS = {
    "vllm": ("version", "/version"),
    "sglang": ("version", "/server_info", "/get_server_info"),  # the latter in older versions
    "llamacpp": ("build_info", "/props"),
}
"""Engine -> the version's key in a reply, and the paths beside /v1 that may return it."""


async def engines(client: Client, model: str) -> list[str]:
    """Return the name of each server's engine, with its version if it says one.

    Raises InputError if a server lacks the model or redirects its clients.
    """
    try:
        listings = await client.get("/models")
    except Refused as error:
        raise refusal(error) from error
    endpoint_engines = [(endpoint, engine(listing, model, endpoint.url)) for endpoint, listing in listings]
    return await gather_or_cancel(_with_version(client, endpoint, name) for endpoint, name in endpoint_engines)


def engine(listing: dict[str, Any] | None, model: str, url: str) -> str:
    """Return the name of a server's engine from its list of models. Raises InputError if it lacks the model."""
    data = (listing or {}).get("data")
    models = [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []
    names = [str(entry.get("id")) for entry in models]
    matches = [entry for entry, name in zip(models, names, strict=True) if same_model(model, name)]
    if names and not matches:
        listed = ", ".join(f"'{name[:60]}'" for name in itertools.islice(names, 5))
        hint = nearest(model, names) if len(names) > 5 else ""
        raise InputError(f"{url} has no model '{model}'{hint}; it has {listed}; name one after the #")
    return str(matches[0].get("owned_by") or "unknown")[:40] if matches else "unknown"


async def _with_version(client: Client, endpoint: Endpoint, name: str) -> str:
    if name not in VERSIONS:
        return name
    key, *paths = VERSIONS[name]
    for path in paths:
        try:
            reply = await client.get_from(replace(endpoint, url=endpoint.url.removesuffix("/v1")), path)
        except Refused:  # answers do not depend on it
            continue
        version = (reply or {}).get(key)
        if isinstance(version, str) and version:
            return f"{name} {version[:40]}"
    return name


def refusal(error: Refused) -> InputError:
    """Return the reason why no request to this server can succeed."""
    if error.status in (401, 403):
        name = next((name for name in KEYS if os.environ.get(name)), None)
        advice = f"check the key in {name}" if name else f"set the key in {KEYS[0]}"
    elif error.status < 400:
        return InputError(str(error))
    else:
        advice = "check the address, which ends in /v1 for most servers, and the model's name"
    return InputError(f"{error.url} refuses: {error}; {advice}")
