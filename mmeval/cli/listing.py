"""`mmeval tasks` and `mmeval models`: what is known by name."""

import click


@click.command()
@click.argument("name", required=False)
def tasks(name: str | None) -> None:
    """List the benchmarks, a line each; with a NAME, say all that is known of it.

    \b
    Example: mmeval tasks
             mmeval tasks mme
    """
    from mmeval.embedded import SUITES
    from mmeval.reporting import console
    from mmeval.task import load_task
    from mmeval.tasks import LEFT_OUT, TASKS

    if name is not None:
        console.show_task(load_task(name), name.lower() in SUITES)
    else:
        console.show_tasks([load_task(one) for one in TASKS], SUITES, LEFT_OUT)


@click.command()
def models() -> None:
    """List the models by name.

    \b
    Example: mmeval models
    """
    from mmeval.models import catalogue
    from mmeval.reporting import console

    console.show_models(catalogue())
