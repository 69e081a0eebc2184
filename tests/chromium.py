"""A page in a real browser: Debian's chromium, headless, controlled through a pipe without a driver."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
"""None if no chromium is installed."""
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe")
TIMEOUT = 60.0
"""Seconds for a page to be ready."""


class Browser:
    """One tab."""

    def __init__(self, to: int, back: int, rest: bytearray | None = None) -> None:
        self._to, self._back, self._last = to, back, 0
        self._rest = bytearray() if rest is None else rest
        self.session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol and return its result; keep the events that arrive meanwhile."""
        self._last += 1
        session = {"sessionId": self.session} if self.session else {}
        message = json.dumps({"id": self._last, "method": method, "params": params} | session).encode() + b"\0"
        while message:
            message = message[os.write(self._to, message) :]
        while True:
            reply = self._read()
            if reply.get("id") == self._last:
                assert "error" not in reply, reply
                return dict(reply["result"])
            self.events.append(reply)

    def open(self, path: Path, width: int = 1400, height: int = 1000, *, dark: bool = False, at: str = "") -> float:
        """Show a file; return the seconds until its script had done its work and the page was painted."""
        self.size(width, height, dark=dark)
        self.call("Page.navigate", url="about:blank")
        began = time.monotonic()
        self.call("Page.navigate", url=path.resolve().as_uri() + at)
        while not self.run("location.href !== 'about:blank' && document.documentElement?.dataset.ready === 'yes'"):
            assert time.monotonic() - began < TIMEOUT, "the page is not ready"
            time.sleep(0.02)
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return time.monotonic() - began

    def size(self, width: int, height: int = 1000, *, dark: bool = False) -> None:
        """Set the size of the window and the color scheme."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def visit(self, address: str, until: str) -> None:
        """Open an address and wait until an expression is true."""
        self.call("Page.navigate", url=address)
        self.until(until)

    def until(self, script: str) -> None:
        """Wait until an expression is true."""
        began = time.monotonic()
        while not self.run(f"Boolean({script})"):
            assert time.monotonic() - began < TIMEOUT, f"never true: {script}\n{self.run('document.body.innerText')}"
            time.sleep(0.05)

    def attach(self, selector: str, *files: Path) -> None:
        """Choose files in the first file input that the selector finds."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def write(self, selector: str, text: str) -> None:
        """Type into the first element that the selector finds."""
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        self.call("Input.insertText", text=text)

    def another(self) -> Browser:
        """Open another tab."""
        return Browser(self._to, self._back, self._rest)

    def close(self) -> None:
        """Close the tab."""
        self.call("Page.close")

    def run(self, script: str) -> Any:
        """Evaluate an expression, a promise too, and return its value."""
        reply = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in reply, reply
        return reply["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key and wait until the page was painted."""
        self.call("Page.bringToFront")  # a tab in the background is not painted
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, **(text if kind == "keyDown" else {}))
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """Save what is seen, or the whole page, as PNG."""
        capture = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(capture["data"]))

    @property
    def complaints(self) -> list[str]:
        """Return what the browser found wrong: errors, and what the policy of a page forbade."""
        wrong = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        return [json.dumps(event["params"]) for event in self.events if event.get("method") in wrong]

    @property
    def loaded(self) -> list[str]:
        """Return the addresses that were asked for."""
        sent = (e["params"] for e in self.events if e.get("method") == "Network.requestWillBeSent")
        return [str(request["request"]["url"]) for request in sent]

    def _read(self) -> dict[str, Any]:
        while (end := self._rest.find(b"\0")) < 0:
            received = os.read(self._back, 1 << 20)
            assert received, "the browser is gone"
            self._rest += received
        message = bytes(self._rest[:end])
        del self._rest[: end + 1]
        return dict(json.loads(message))


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Run a browser with an empty profile in this folder."""
    assert PROGRAM is not None
    inner_in, to = os.pipe()
    back, inner_out = os.pipe()

    def pipes() -> None:  # the browser reads from 3 and writes to 4
        source, sink = os.dup(inner_in), os.dup(inner_out)
        os.dup2(source, 3)
        os.dup2(sink, 4)

    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [PROGRAM, *FLAGS, f"--user-data-dir={profile}"]
    process = subprocess.Popen(command, preexec_fn=pipes, close_fds=False, **quiet)
    os.close(inner_in)
    os.close(inner_out)
    try:
        tab = Browser(to, back)
        yield tab
        tab.session = None
        tab.call("Browser.close")  # its children write into the profile as long as they live
        process.wait(10)
    finally:
        process.kill()
        process.wait(10)
        os.close(to)
        os.close(back)
