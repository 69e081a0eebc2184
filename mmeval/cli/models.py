"""`mmeval models`, `mmeval models check`, `mmeval doctor`: list the models, and check whether one can run."""

import sys

import click

from mmeval.types import InputError, printable


class _Models(click.Group):
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; for another word, probably a model's name, say what shows a model."""
        if cmd_name not in self.commands:
            raise InputError(f"no command 'models {cmd_name}'; `mmeval doctor {cmd_name}` shows what a model needs")
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Models, invoke_without_command=True)
@click.pass_context
def models(context: click.Context) -> None:
    """List the models with names; `models check` tests one.

    \b
    Example: mmeval models
             mmeval models check chat:my-checkpoint
    """
    if context.invoked_subcommand is not None:
        return
    from mmeval.models import catalogue
    from mmeval.reporting import console

    console.show_models(catalogue())


@models.command()
@click.argument("model")
@click.option("--context", help="How pictures are introduced, by name.  [default: the adapter's first]")
@click.option("--device", default="auto", help="auto, cpu, cuda, cuda:1, ...")
@click.option("--dtype", default="float32", help="In lower precision, answers may depend on the batch.")
@click.option("--trust-remote-code", is_flag=True, help="Run Python code that comes with the checkpoint.")
def check(model: str, context: str | None, device: str, dtype: str, trust_remote_code: bool) -> None:
    """Run the conformance test of adapters on a model.

    Exit with status 1 if it fails.

    \b
    Example: mmeval models check python:my_adapter:load
    """
    from mmeval.models import ModelOptions, find_model, load_model, pick_context
    from mmeval.models.conformance import check as findings

    checkpoint = find_model(model)
    options = ModelOptions(
        pick_context(checkpoint, context), device, dtype, trust_remote_code=trust_remote_code
    )  # fmt: skip
    broken = False
    for finding in findings(load_model(checkpoint, options)):
        broken |= finding.level == "FAILED"
        click.echo(printable(f"{finding.level:6}  {finding.duty}" + (f": {finding.detail}" if finding.detail else "")))
    sys.exit(1 if broken else 0)


@click.command()
@click.argument("model", required=False)
def doctor(model: str | None) -> None:
    """Show what is installed, and what a model needs.

    Nothing is loaded or downloaded. Exit with status 1 if something that the model needs is missing.

    \b
    Example: mmeval doctor
             mmeval doctor chat:my-checkpoint
    """
    from mmeval.models.doctor import of_machine, of_model

    for line in of_machine():
        click.echo(printable(line))
    if model is None:
        return
    lines, missing = of_model(model)
    for line in [*lines, *(f"missing: {item}" for item in missing)]:
        click.echo(printable(line))
    sys.exit(1 if missing else 0)
