"""A model hub of the tests: one repository, with the replies that huggingface_hub and datasets ask for."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "owner/name"


@contextmanager
def serving(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Serve the folder as NAME, a model and a data set; downloads go to `cache`. Afterwards the hub is out of reach."""
    import datasets  # type: ignore[import-untyped]
    from huggingface_hub import close_session, constants

    class Handler(_Handler):
        root = folder

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", address)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(cache))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    close_session()  # the next one reads the environment again
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    root: Path

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""

    def do_GET(self) -> None:
        path = unquote(urlparse(self.path).path).removeprefix("/api").removeprefix("/models").removeprefix("/datasets")
        if path == "/":
            self._reply(200, b"")
        elif not path.startswith(f"/{NAME}"):
            self._reply(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif match := re.match(r"/[^/]+/[^/]+/resolve/[^/]+/(.+)", path):
            self._file(self.root / match[1])
        elif match := re.match(r"/[^/]+/[^/]+/tree/[^/]+/?(.*)", path):
            pattern = "**/*" if "recursive=true" in self.path.lower() else "*"
            self._json([_entry(self.root, file) for file in sorted((self.root / match[1]).glob(pattern))])
        else:
            files = [{"rfilename": _entry(self.root, file)["path"]} for file in self.root.rglob("*") if file.is_file()]
            self._json({"id": NAME, "sha": COMMIT, "siblings": files, "private": False, "gated": False, "tags": []})

    def do_HEAD(self) -> None:
        self.do_GET()

    def _file(self, file: Path) -> None:
        if not file.is_file():
            return self._reply(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        tag = f'"{hashlib.sha256(file.read_bytes()).hexdigest()}"'
        return self._reply(200, file.read_bytes(), {"ETag": tag, "X-Repo-Commit": COMMIT})

    def _json(self, value: object) -> None:
        self._reply(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str] = {}) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _entry(root: Path, file: Path) -> dict[str, object]:
    kind, size = ("directory", 0) if file.is_dir() else ("file", file.stat().st_size)
    return {"type": kind, "path": str(file.relative_to(root)), "oid": "0" * 40, "size": size}
