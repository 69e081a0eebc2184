"""`mmeval demo`: a page to talk with models."""

from typing import Any

import click

from mmeval.cli.options import given, spec_options
from mmeval.types import InputError


@click.command()
@click.option("--model", "models", multiple=True, help="One model, or two side by side.  [default: mmicl-tiny]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Another address lets other machines in.")
@click.option("--port", type=click.IntRange(1, 65535), default=7860, show_default=True)
@spec_options(names=("max_new_tokens", "beams", "frames", "dtype", "device"))
def demo(models: tuple[str, ...], host: str, port: int, **values: Any) -> None:
    """Serve a page: pictures and words mixed, demonstrations, videos, two models side by side.

    \b
    Example: mmeval demo
             mmeval demo --model mmicl-tiny --model blip2-tiny
    """
    if len(models) > 2:
        raise InputError("--model: two models stand side by side at most; remove one")
    if len({*models}) < len(models):
        raise InputError("--model: the same model twice; remove one")
    from mmeval import conversation
    from mmeval.demo import serve
    from mmeval.embedded.examples import examples

    chats = {model: conversation.chat(model, **given(values)) for model in models or ("mmicl-tiny",)}
    click.echo(f"http://{host}:{port}/  (Ctrl+C ends it)", err=True)
    serve(chats, examples(), host=host, port=port)
