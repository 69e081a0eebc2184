"""`mmeval ask`: ask one question, hold a conversation, or answer a JSON Lines file of questions."""

import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmeval.cli.options import PATH, given, spec_options
from mmeval.types import InputError, nearest, plural, printable

if TYPE_CHECKING:
    from mmeval.conversation import Chat, Reply


@click.command()
@click.argument("parts", metavar="[FILE|WORDS]...", nargs=-1)
@spec_options(names=("model", "context", "max_new_tokens", "beams", "frames", "dtype", "device"))
@click.option("--shot", "shots", metavar="FILE=ANSWER", multiple=True, help="Demonstration with the same question.")
@click.option("--choices", metavar="A,B,...", help="Choose one by likelihood; show the likelihoods.")
@click.option(
    "--control",
    "control_names",
    metavar="NAMES",
    multiple=True,
    help="Ask again under these controls: grey, blur4, absent, ... (`mmeval bias --list`).",
)
@click.option("--chat", "chatting", is_flag=True, help="Start a conversation.")
@click.option("--explain", is_flag=True, help="Show the prompt as the model saw it, its tokens, time and memory.")
@click.option("--jsonl", type=PATH, help="Answer each line of a file (-: of standard input).")
def ask(
    parts: tuple[str, ...],
    shots: tuple[str, ...],
    choices: str | None,
    chatting: bool,
    explain: bool,
    control_names: tuple[str, ...],
    jsonl: Path | None,
    **values: Any,
) -> None:
    """Ask a model about pictures and videos.

    \b
    Example: mmeval ask a.png b.png "what is different between image 0 and image 1 ?"
             mmeval ask --shot horse.png="a horse" --shot cow.png="a cow" new.png "what is this ?"
             mmeval ask clip.mp4 "what happens ?" --choices "someone falls,someone sits down"
             mmeval ask a.png "is there a star ?" --control grey,blur4
             mmeval ask --chat
             mmeval ask --jsonl questions.jsonl > answers.jsonl
    """
    if jsonl is None and not parts and not chatting:
        raise InputError(
            'name pictures and a question, as in: mmeval ask a.png "what is this ?"; or --chat, or --jsonl'
        )
    if jsonl is not None and (parts or chatting or shots or choices):
        raise InputError("--jsonl brings its own questions; remove the other arguments")
    if sys.stdin is None and (chatting or jsonl == Path("-")):
        raise InputError("standard input is closed, so no questions can be read from it; name them as arguments")
    from mmeval import controls, conversation
    from mmeval import jsonl as lines
    from mmeval.conversation import many
    from mmeval.conversation.messages import prompt_of
    from mmeval.data import video

    offered = [choice.strip() for choice in choices.split(",") if choice.strip()] if choices else []
    if choices and len({*offered}) < max(2, len(offered)):
        raise InputError("--choices: give two or more, all different and separated by commas")
    changes = controls.expand(control_names)
    # files are opened before the model is loaded, which takes seconds
    frames = values["frames"] or video.FRAMES
    arguments = [_file_or_words(part) for part in parts]
    words = [part for part in arguments if isinstance(part, str)]
    if arguments and not any(part.strip() for part in words):
        raise InputError("there is no question; add some words")
    prompt = prompt_of(arguments, frames)
    demonstrations = [(prompt_of((file, *words), frames), answer) for file, answer in map(_shot, shots)]
    rows = None if jsonl is None else _rows(jsonl)
    loaded = conversation.chat(**given(values), shots=demonstrations)
    if jsonl is not None and rows is not None:
        complete = True
        for row in many.answers(loaded, rows, jsonl.parent, explain=explain, controls=changes):
            click.echo(lines.shown(row))
            complete &= "error" not in row
        sys.exit(0 if complete else 1)
    once = partial(_once, loaded, offered, changes, explain)
    if prompt:
        once(prompt)
    if chatting:
        _converse(loaded, once)


def _rows(path: Path) -> list[tuple[dict[str, Any], str]]:
    """Return the questions of a file, or of standard input, with their locations. Raises InputError."""
    from mmeval import jsonl

    piped = path == Path("-")
    rows = list(jsonl.read_from(sys.stdin.buffer, "standard input") if piped else jsonl.read(path))
    if not rows:
        raise InputError(f"{'standard input' if piped else path}: has no questions; write one JSON object a line")
    return rows


def _file_or_words(part: str) -> str | Path:
    """Return a path if an argument ends like a picture or a video, else words.

    Raises InputError for other files, and for a single word that almost has such an ending.
    """
    from mmeval.conversation.messages import ENDINGS, is_file_name

    if "://" in part and is_file_name(part):
        raise InputError(f"{part}: a URL; download the file and give its path")
    if is_file_name(part):
        return Path(part)
    try:
        mode = Path(part).stat().st_mode
    except (OSError, ValueError):  # words: no such file, or no possible name
        ending = Path(part).suffix.lower()
        if ending and len(part.split()) == 1 and (meant := nearest(ending, ENDINGS, cutoff=0.7)):
            raise InputError(f"{part}: no such file, and no picture or video by its ending{meant}") from None
        return part
    if stat.S_ISDIR(mode) and "/" in part:
        raise InputError(f"{part}: a folder; name its pictures or videos")
    if stat.S_ISREG(mode):
        raise InputError(f"{part}: not a picture or a video by its ending; rename it, as in {part}.png")
    if not stat.S_ISDIR(mode):
        raise InputError(f"{part}: not a file; name a picture or a video")
    return part


def _converse(loaded: "Chat", once: Callable[[Sequence[Any]], None]) -> None:
    """Answer line by line; only answers go to standard output."""
    from mmeval.conversation import messages

    def tell(text: str) -> None:
        click.echo(printable(text), err=True)

    tell("pictures and words, /new for a new conversation, /quit to end")
    for line in _lines():
        if line == "/new":
            loaded.forget()
        elif line.startswith("/") and len(line.split()) == 1 and not Path(line).exists():
            tell(f"mmeval: no command '{line}'; there are /new and /quit")
        else:
            try:
                once(messages.parts_of(line))
            except InputError as error:
                tell(f"mmeval: {error}")


def _once(loaded: "Chat", choices: Sequence[str], controls: Sequence[str], explain: bool, parts: Sequence[Any]) -> None:
    from mmeval.reporting import console

    begun = False

    def show(text: str) -> None:
        nonlocal begun
        begun = True
        click.echo(printable(text), nl=False)

    try:
        answer = loaded.ask(*parts, choices=choices, on_text=show)
    except InputError:
        if begun:  # the error stands below what was shown
            click.echo()
        raise
    click.echo()
    if not answer.text:
        click.echo("(an empty answer)", err=True)
    if answer.probabilities:
        console.show_bars(answer.probabilities)
    for control in controls:
        click.echo(printable(f"{control}: {_changed(loaded, answer, control)}"))
    if explain:
        console.show_explanation(answer.response.sent, _facts(answer))


def _changed(loaded: "Chat", answer: "Reply", control: str) -> str:
    """Describe the answer under a control."""
    try:
        changed = loaded.again(answer.request, control)
    except InputError as error:
        return str(error)
    verdict = "the same answer" if changed.text == answer.text else "another answer"
    if not answer.probabilities:
        return f"{changed.text} ({verdict})"
    share, before = changed.probabilities[answer.text], answer.probabilities[answer.text]
    return f"{changed.text} ({verdict}; {answer.text} {share:.1%}, {before:.1%} as asked)"


def _facts(answer: "Reply") -> str:
    """Return the cost of an answer as one line: tokens, seconds, memory."""
    import resource

    response = answer.response
    facts = [
        f"{plural(response.input_tokens, 'token')} in",
        f"{response.output_tokens:,} out",
        f"{response.seconds:.2f} s",
    ]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    facts.append(f"{peak / 2**20:,.0f} MiB peak memory")
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        facts.append(f"{torch.cuda.max_memory_allocated() / 2**20:,.0f} MiB on the GPU")
    return ", ".join(facts)


def _shot(text: str) -> tuple[Path, str]:
    name, equals, answer = text.partition("=")
    if not equals or not answer.strip():
        raise InputError(f"--shot {text}: write FILE=ANSWER, as in horse.png='a horse'")
    return Path(name), answer.strip()


def _lines() -> Iterator[str]:
    """Yield the typed lines that are not blank, until /quit or the end of input."""
    while True:
        try:
            line = input("> " if sys.stdin.isatty() else "").strip()
        except EOFError:
            return
        if line == "/quit":
            return
        if line:
            yield line
