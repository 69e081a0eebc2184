"""`mmeval demo`: a web page to chat with models."""

from typing import Any

import click

from mmeval.cli.options import given, spec_options
from mmeval.types import InputError


@click.command()
@click.option(
    "--model", "models", multiple=True, help="Model; give two to show them side by side.  [default: mmicl-tiny]"
)
@click.option("--host", default="127.0.0.1", help="Address to serve on; the default admits only this machine.")
@click.option("--port", type=click.IntRange(1, 65535), default=7860)
@spec_options(names=("max_new_tokens", "beams", "frames", "dtype", "device"))
def demo(models: tuple[str, ...], host: str, port: int, **values: Any) -> None:
    """Chat with one or two models in the browser.

    \b
    Example: mmeval demo
             mmeval demo --model mmicl-tiny --model blip2-tiny
    """
    if len(models) > 2:
        raise InputError("--model: the page compares at most two models; remove one")
    if len({*models}) < len(models):
        raise InputError("--model: the same model is given twice; remove one")
    from mmeval import conversation
    from mmeval.demo.page import check_gradio, serve
    from mmeval.demo.visits import Demo
    from mmeval.embedded.examples import examples

    check_gradio()
    chats = {model: conversation.chat(model, **given(values)) for model in models or ("mmicl-tiny",)}
    click.echo(f"http://{host}:{port}/  (press Ctrl+C to stop)", err=True)
    serve(Demo(chats), list(chats), examples(), host=host, port=port)
