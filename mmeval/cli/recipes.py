"""`mmeval recipes`: settings of papers and other harnesses."""

import click


@click.command()
@click.argument("name", required=False)
def recipes(name: str | None) -> None:
    """List the recipes for `mmeval run --recipe`, or show one.

    \b
    Example: mmeval recipes
             mmeval recipes lmms-eval-0.7
    """
    from mmeval import recipes as library
    from mmeval.reporting.console import say

    for recipe_name in [name] if name else library.names():
        recipe = library.load(recipe_name)
        say(recipe_name, "bold")
        say(f"  {recipe.about}\n  from {recipe.source}\n  for {', '.join(recipe.tasks)}")
        for task, settings in recipe.tasks.items() if name else ():
            say(task, "bold")
            say("  " + ", ".join(f"--{field.replace('_', '-')} {value}" for field, value in settings.set.items()))
            say(f"  from {settings.source}")
            say(f"  {settings.differs}")
