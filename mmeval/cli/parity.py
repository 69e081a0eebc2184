"""`mmeval parity`: compare two ways to run a model."""

import sys
from pathlib import Path
from typing import Any

import click

from mmeval.cli.options import FOLDER, given, spec_options
from mmeval.spec import options
from mmeval.types import InputError

_COMMON = tuple(name for name in options() if name not in ("model", "judge", "judge_model", "no_cache"))


@click.command()
@click.argument("first", metavar="A")
@click.argument("other", metavar="B")
@spec_options(names=_COMMON)
@click.option("--margin", type=float, default=1.0, help="Largest difference to ignore, in percent of full marks.")
@click.option("--out", type=FOLDER, default=Path("reports/parity"))
@click.option("--fresh", is_flag=True, help="Delete the two runs in the folder and start over.")
def parity(first: str, other: str, margin: float, out: Path, fresh: bool, **values: Any) -> None:
    """Compare two ways to run one model.

    For example local and behind a server, float32 and bfloat16, or two batch sizes.

    A and B are each a model with its own settings, MODEL[,NAME=VALUE...]; the other options apply to both. The exit
    status is 0 if both runs are complete and a difference of the margin or more is ruled out for every headline number.

    \b
    Example: mmeval parity mmicl-tiny mmicl-tiny,dtype=bfloat16 --task mme
             mmeval parity chat:FOLDER server:http://host:8000/v1#MODEL --task mmbench --limit 200
             mmeval parity mmicl-tiny mmicl-tiny,batch_tokens=1 --task mme --limit 100
    """
    common = given(values)
    if "task" not in common:
        raise InputError("no task is named; add --task NAME (`mmeval tasks` lists the names)")
    from mmeval import parity as compared
    from mmeval.reporting import console
    from mmeval.reporting import parity as parity_report

    with console.display() as display:
        result = compared.parity(first, other, out=out, margin=margin, fresh=fresh, display=display, **common)
    parity_report.show(result)
    console.show_paths([parity_report.write(result, out)])
    sys.exit(0 if result.equivalent else 1)
