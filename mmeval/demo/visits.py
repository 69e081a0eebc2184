"""The private conversation of each visitor of the demo. `page` shows it."""

import queue
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

from mmeval.conversation import Chat, Reply
from mmeval.types import InputError, Parts, Request, Shot, images, plural

GREY = "grey"
"""The control behind the visual gain."""


@dataclass
class Visit:
    """One visitor's conversation with each model, and the files that it shows."""

    history: dict[str, list[Shot]] = field(default_factory=dict)
    shots: list[Shot] = field(default_factory=list)
    """Demonstrations, shown before everything else."""
    last: dict[str, Reply] = field(default_factory=dict)
    """Each model's answer to the last question, if it gave one."""
    _folder: Path | None = None

    def keep(self, upload: str | Path) -> Path:
        """Return a link to an uploaded file that lasts as long as the visit. Raises InputError."""
        name = Path(upload).name
        try:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="mmeval-visit-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            link = Path(tempfile.mkdtemp(dir=self._folder)) / name
            link.hardlink_to(upload)
        except OSError as error:
            raise InputError(f"{name}: cannot be kept ({error.strerror}); upload it again") from error
        return link

    def close(self) -> None:
        """Forget the last answers, and delete the files, which else happens when nothing refers to the visit."""
        self.last.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    @property
    def pictures(self) -> int:
        """The number of pictures before the next question, which is the index of its first picture."""
        turns = max(self.history.values(), key=len, default=[])
        return sum(len(images(shot.prompt)) for shot in (*self.shots, *turns))


@dataclass(frozen=True)
class VisitorAnswer:
    """An answer, or what is written of it so far, in the form that the page shows."""

    text: str
    refused: bool = False
    sent: str = ""
    """The prompt that the model saw."""
    facts: str = ""
    begun: str = ""
    """What was shown of a refused answer before it broke off."""


class Demo:
    """Asks the models on behalf of visitors, one visitor at a time."""

    def __init__(self, chats: Mapping[str, Chat]) -> None:
        """Take the initial conversation with each model."""
        self._chats = dict(chats)
        self._lock = Lock()

    @property
    def first(self) -> Chat:
        """The initial conversation with the first model."""
        return next(iter(self._chats.values()))

    def ask(
        self, visit: Visit, prompt: Parts, on_text: Callable[[str, str], object] = lambda name, text: None
    ) -> dict[str, VisitorAnswer]:
        """Ask every model and return the answers by model; a refusal takes the place of an answer.

        `on_text` is called with a model's name and each piece of its answer, as in `Chat.ask`.
        """
        visit.last.clear()
        return {name: self._ask(visit, name, prompt, on_text) for name in self._chats}

    def stream(self, visit: Visit, prompt: Parts) -> Iterator[dict[str, VisitorAnswer]]:
        """Ask every model. Yield what is written of the answers whenever there is more, and at last the answers."""
        pieces: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
        written = dict.fromkeys(self._chats, "")
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(self.ask, visit, prompt, lambda name, text: pieces.put((name, text)))
            future.add_done_callback(lambda _: pieces.put(None))
            while (piece := pieces.get()) is not None:
                name, text = piece
                written[name] += text
                if pieces.empty():  # else the page would fall behind
                    yield {name: VisitorAnswer(text) for name, text in written.items() if text}
        yield future.result()

    def without_pictures(self, visit: Visit) -> dict[str, tuple[str, str]]:
        """Repeat the last question with gray pictures; return each model's answers with and without the pictures.

        Empty if there is no answer about pictures, or another question was asked meanwhile.
        """
        replies = {name: reply for name, reply in visit.last.items() if _shows_pictures(reply.request)}
        answers = {name: (reply.text, self._again(name, reply.request)) for name, reply in replies.items()}
        return answers if all(visit.last.get(name) is reply for name, reply in replies.items()) else {}

    def _ask(self, visit: Visit, name: str, prompt: Parts, on_text: Callable[[str, str], object]) -> VisitorAnswer:
        begun = ""

        def show(text: str) -> None:
            nonlocal begun
            begun += text
            on_text(name, text)

        first = self._chats[name]
        chat = replace(first, shots=[*first.shots, *visit.shots], history=visit.history.setdefault(name, []))
        try:
            with self._lock:
                reply = chat.ask(*prompt, on_text=show)
        except InputError as error:
            return VisitorAnswer(str(error), refused=True, begun=begun)
        visit.last[name] = reply
        response = reply.response
        facts = f"{plural(response.input_tokens, 'token')} in, {response.output_tokens:,} out, {response.seconds:.2f} s"
        return VisitorAnswer(reply.text, sent=response.sent, facts=facts)

    def _again(self, name: str, request: Request) -> str:
        try:
            with self._lock:
                return self._chats[name].again(request, GREY).text
        except InputError as error:
            return str(error)


def _shows_pictures(request: Request) -> bool:
    return any(images(parts) for parts in (request.prompt, *(shot.prompt for shot in request.shots)))
