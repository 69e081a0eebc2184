"""A live page of a watch, only for this machine: the last frame, the answers, the events."""

import contextlib
import io
import json
import math
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from mmeval.types import InputError
from mmeval.watch.watching import Look

EVENTS = 50
"""Number of last events shown."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; connect-src 'self'; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


class Page:
    """Serves the page on 127.0.0.1 in a thread. Raises InputError if the port is not available."""

    def __init__(self, port: int) -> None:
        self._lock = Lock()
        self._state: dict[str, object] = {"time": None, "answers": {}, "errors": []}
        self._events: deque[dict[str, object]] = deque(maxlen=EVENTS)
        self._look: Look | None = None
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with contextlib.suppress(ConnectionError):  # the browser has closed the page
                    page.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Log nothing: the terminal is for events."""

        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        except OSError as error:
            raise InputError(f"--page {port}: the port is not available ({error.strerror}); choose another") from error
        self.address = f"http://127.0.0.1:{self._server.server_port}/"
        Thread(target=self._server.serve_forever, daemon=True, name="page").start()

    def show(self, look: Look, events: list[dict[str, object]]) -> None:
        """Show a look and its events."""
        answers = {question: None if math.isnan(yes) else round(yes, 4) for question, yes in look.answers.items()}
        with self._lock:
            self._look = look
            self._events.extendleft(events)
            self._state = {"time": round(look.time, 2), "answers": answers, "errors": look.errors}

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer a browser on this machine; refuse requests with another host name."""
        host = request.headers.get("Host", "").partition(":")[0]  # browsers leave out port 80
        if host not in ("127.0.0.1", "localhost"):
            request.send_error(403)
            return
        path = request.path.partition("?")[0]
        with self._lock:
            look = self._look
            state = json.dumps({**self._state, "events": list(self._events)})
        if path == "/":
            self._send(request, _PAGE.encode(), "text/html; charset=utf-8")
        elif path == "/state.json":
            self._send(request, state.encode(), "application/json")
        elif path == "/frame.jpg" and look is not None:
            out = io.BytesIO()
            look.frame.image.decode().save(out, "JPEG")
            self._send(request, out.getvalue(), "image/jpeg")
        else:
            request.send_error(404)

    def _send(self, request: BaseHTTPRequestHandler, content: bytes, kind: str) -> None:
        request.send_response(200)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **_HEADERS}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>mmeval watch</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent) }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem }
[hidden] { display: none !important } body { overflow-wrap: anywhere }
img { display: block; width: 100%; max-height: 60vh; object-fit: contain; background: #0002; border-radius: 6px }
.bar { position: relative; display: flex; justify-content: space-between; gap: 1rem; padding: .4rem .7rem;
  margin: .5rem 0; border: 1px solid var(--line); border-radius: 6px }
.bar i { position: absolute; inset: 0; background: #2a78d6; opacity: .25; border-radius: 5px; transform-origin: left }
.bar > :not(i) { position: relative }
.bar b { font-variant-numeric: tabular-nums; white-space: nowrap }
table { width: 100%; border-collapse: collapse } td { border-top: 1px solid var(--line); padding: .3rem 1rem .3rem 0 }
td:not(:last-child) { white-space: nowrap; font-variant-numeric: tabular-nums } td:last-child { width: 100% }
.begins { color: light-dark(#c8322b, #ff7d75); font-weight: 600 } .muted { opacity: .7 }
</style></head><body>
<img id="frame" alt="the last frame" hidden>
<p class="muted" id="time" role="status">waiting for the first frame</p>
<div id="answers"></div><h2>Events</h2><p class="muted" id="none">none yet</p>
<table><tbody id="events"></tbody></table>
<script>
const make = (kind, text, name) => {
  const one = document.createElement(kind); one.textContent = text ?? ""; if (name) one.className = name; return one };
let last = "";
async function show() {
  try {
    const state = await (await fetch("state.json")).json();
    if (state.time !== null) {
      document.getElementById("frame").src = "frame.jpg?" + state.time;
      document.getElementById("frame").hidden = false;
      last = state.time.toFixed(1) + " s";
      document.getElementById("time").textContent = [last, ...state.errors].join(" \u00b7 ");
    }
    document.getElementById("answers").replaceChildren(...Object.entries(state.answers).map(([question, yes]) => {
      const row = make("div", "", "bar"), fill = make("i");
      fill.style.transform = `scaleX(${yes ?? 0})`;
      row.append(fill, make("span", question), make("b", yes === null ? "not read" : (100 * yes).toFixed(0) + "% yes"));
      return row }));
    document.getElementById("none").hidden = state.events.length > 0;
    document.getElementById("events").replaceChildren(...state.events.map(event => {
      const row = make("tr");
      row.append(make("td", event.time.toFixed(1) + " s"), make("td", event.change, event.change),
                 make("td", event.question)); return row }));
  } catch {
    document.getElementById("time").textContent =
      "the watch has ended" + (last && " \u00b7 last look at " + last);
  }
  setTimeout(show, 1000);
}
show();
</script></body></html>
"""
