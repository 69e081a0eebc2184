"""A model hub of the tests: one repository, with the replies that huggingface_hub and datasets ask for.

It also accepts uploads as of 2026: small files in a commit, others by LFS. `refused` makes it refuse requests.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "owner/name"


@contextmanager
def serving(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, refused: Mapping[str, tuple[int, str]] = {}
) -> Iterator[None]:
    """Serve the folder as NAME, a model and a data set; downloads go to `cache`. Afterwards the hub is out of reach.

    `refused` maps a part of an address to the status and the message that such a request gets.
    """
    import datasets  # type: ignore[import-untyped]
    from huggingface_hub import close_session, constants

    class Handler(_Handler):
        root = folder
        refusals = refused

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
    refusals: Mapping[str, tuple[int, str]]

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""

    def parse_request(self) -> bool:
        """Refuse what `refusals` names."""
        if not super().parse_request():
            return False
        for part, (status, message) in self.refusals.items():
            if part in self.path:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._reply(status, json.dumps({"error": message}).encode(), {"X-Error-Message": message})
                return False
        return True

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

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/api/repos/create":
            address = f"http://{self.headers['Host']}/{NAME}"
            self._reply(409 if self.root.exists() else 200, json.dumps({"url": address}).encode())
            self.root.mkdir(exist_ok=True)
        elif "/preupload/" in self.path:
            files = json.loads(body)["files"]
            for file in files:
                mode = "lfs" if file["path"].endswith(".safetensors") else "regular"
                file.update(uploadMode=mode, shouldIgnore=False)
            self._json({"files": files})
        elif self.path.endswith("/objects/batch"):
            objects = json.loads(body)["objects"]
            for each in objects:
                each["actions"] = {"upload": {"href": f"http://{self.headers['Host']}/storage/{each['oid']}"}}
            self._json({"transfer": "basic", "objects": objects})
        else:
            self._commit([json.loads(line) for line in body.splitlines()])

    def do_PUT(self) -> None:
        file = self.root.with_name(self.path.rpartition("/")[2])
        file.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        self._reply(200, b"")

    def _commit(self, lines: Sequence[Mapping[str, Any]]) -> None:
        for line in lines[1:]:
            value, file = line["value"], self.root / line["value"]["path"]
            file.parent.mkdir(parents=True, exist_ok=True)
            if line["key"] == "lfsFile":
                self.root.with_name(value["oid"]).rename(file)
            else:
                file.write_bytes(base64.b64decode(value["content"]))
        self._json({"commitUrl": f"https://huggingface.co/{NAME}/commit/{COMMIT}", "commitOid": COMMIT})

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
