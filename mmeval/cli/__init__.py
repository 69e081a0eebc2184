"""The command line: parse options, call the library, print. Everything can also be done from Python."""

import codecs
import errno
import io
import sys
import sysconfig
import traceback
from pathlib import Path
from typing import Any

import click

from mmeval import __version__
from mmeval.cli import ask, bias, compare, demo, export, models, parity, recipes, results, run, train, watch
from mmeval.startup import set_up_threads
from mmeval.types import InputError, printable

RESUMED = ("run", "sweep")
"""Commands that keep their answers when they are stopped, and continue when they are repeated."""


class Commands(click.Group):
    """A group that turns errors into one sentence and an exit status."""

    def _or_another_out(self, ctx: click.Context) -> str:
        """Return what else to use, if the command that was invoked has an --out."""
        command = self.commands.get(ctx.invoked_subcommand or "")
        names = {parameter.name for parameter in command.params} if command else set()
        return " or another --out" if "out" in names else ""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which they were added."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        _set_encoding_errors()
        set_up_threads()
        try:
            _refuse_the_other_mmeval()
            return super().invoke(ctx)
        except click.ClickException as error:
            vars(error)["message"] = printable(error.message)  # final to type checkers
            raise
        except (click.exceptions.Exit, click.Abort):
            raise
        except InputError as error:
            from mmeval.servers.addresses import without_password

            click.echo(f"mmeval: {printable(without_password(str(error)))}", err=True)
            ctx.exit(2)
        except KeyboardInterrupt:
            note = "; answers are kept, repeat the command to continue" if ctx.invoked_subcommand in RESUMED else ""
            click.echo(f"mmeval: stopped{note}", err=True)
            ctx.exit(130)
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise  # for example `| head`: click exits quietly
            prefix = f"{error.filename}: " if error.filename else ""
            note = "; answers are kept" if ctx.invoked_subcommand in RESUMED else ""
            advice = "fix that"
            if error.errno in (errno.EROFS, errno.EACCES):
                advice = f"use a folder that you may read and write, such as a copy of it{self._or_another_out(ctx)},"
            click.echo(f"mmeval: {prefix}{error.strerror or error}; {advice} and repeat the command{note}", err=True)
            ctx.exit(2)
        except (Exception, SystemExit) as error:  # the traceback is printed, and status 3 means a bug
            user_line = _line_of_user_code(error)
            if isinstance(error, SystemExit) and not user_line:
                raise  # a command's own status
            traceback.print_exc()
            if user_line:
                note = "; answers are kept" if ctx.invoked_subcommand in RESUMED else ""
                click.echo(f"mmeval: {user_line}: this code failed; fix it and repeat the command{note}", err=True)
                ctx.exit(2)
            version = f"mmeval {__version__}, Python {sys.version.split()[0]}"
            click.echo(f"mmeval: this is a bug; please report it with the lines above ({version})", err=True)
            ctx.exit(3)


def _line_of_user_code(error: BaseException) -> str:
    """Return file and line of the last call into the user's own code, such as an adapter; empty if there was none."""
    if isinstance(error, RuntimeError) and isinstance(error.__cause__, StopIteration):
        error = error.__cause__  # Python replaced it, as it passed through a generator of ours
    installed = (path for path in map(Path, sys.path) if list(path.glob("*.dist-info")))  # wherever pip put packages
    libraries = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), *map(str, installed))
    last_line, called = "", False
    for frame, line in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if frame.f_globals.get("__name__", "").partition(".")[0] == "mmeval":
            called = True
        elif called and not file.startswith(("<", *libraries)):
            last_line = f"{file}, line {line}"
    return last_line


def _set_encoding_errors() -> None:
    """Replace characters that the terminal's encoding lacks: an en dash by a hyphen, an unlisted one by an escape."""

    def replacement(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeEncodeError)
        text = error.object[error.start : error.end]
        return "".join(_PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in text), error.end

    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # input may have another encoding
    codecs.register_error("mmeval.plain", replacement)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="mmeval.plain")


_PLAIN = {"–": "-", "—": "-", "…": "...", "×": "x", "±": "+-", "─": "-", "‘": "'", "’": "'", "“": '"', "”": '"'}


def _refuse_the_other_mmeval() -> None:
    """Stop if OpenMMLab's `mmeval` is installed too: the two packages overwrite each other's files."""
    from importlib import metadata

    try:
        metadata.version("mmeval")
    except metadata.PackageNotFoundError:
        return
    raise InputError(
        "the package 'mmeval' (OpenMMLab's, another project) is installed in this environment and overwrites this one; "
        "run: pip uninstall -y mmeval && pip install --force-reinstall --no-deps mmeval-harness"
    )


@click.command()
@click.argument("name", required=False)
def tasks(name: str | None) -> None:
    """List the benchmarks. With a NAME, show everything about one.

    \b
    Example: mmeval tasks
             mmeval tasks mme
    """
    from mmeval.cards.facts import facts
    from mmeval.embedded import SUITES
    from mmeval.reporting import console
    from mmeval.tasks import HEADINGS, LEFT_OUT, TASKS

    if name is None:
        console.show_tasks({key: facts(key) for key in TASKS}, HEADINGS, SUITES, LEFT_OUT)
    else:
        from mmeval.task_loading import load_task

        console.show_task(load_task(name), name.lower() in SUITES)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True},
)
@click.version_option(__version__, prog_name="mmeval")
def main() -> None:
    """Evaluate multimodal language models.

    \b
    mmeval run --task mme --model mmicl-tiny                evaluate
    mmeval run --task mme --model mmicl-tiny --control standard --bias
    mmeval compare RUN RUN                                  compare two runs
    mmeval ask a.png "what does the image show ?"           ask a question
    """


for _command in (
    *(run.run, run.sweep, results.score, results.report),
    *(compare.compare, bias.bias, parity.parity, results.submit, export.export),
    *(tasks, models.models, models.doctor, recipes.recipes),
    *(ask.ask, watch.watch, demo.demo, train.train, train.mic),
):
    main.add_command(_command)
