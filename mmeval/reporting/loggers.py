"""Log a run's scores to experiment trackers: numbers with intervals, marks as text, the identity as parameters.

TensorBoard's event file is written to the run's folder. wandb and trackio share one API, as trackio's guide says.
"""

import importlib
import importlib.util
import json
import shutil
import sys
import time
from contextlib import redirect_stdout
from typing import Any

from mmeval.reporting import table
from mmeval.reporting.lines import escape
from mmeval.reporting.run_report import table_of_run
from mmeval.runs.run import Run
from mmeval.types import InputError, one_line

PROJECT = "mmeval"
LIMITS = ("value", "low", "high")


def check(name: str) -> None:
    """Raise InputError if the tracker's package is not installed, or wandb has no account that its server knows."""
    tracker = _package(name)
    if name == "wandb":
        try:
            tracker.login(verify=True)
        except tracker.Error as error:
            raise InputError(
                f"--log-to wandb: {one_line(error).rstrip('.')}; run `wandb login`, set WANDB_MODE=offline, or leave "
                "--log-to out"
            ) from error


def log(run: Run, name: str) -> None:
    """Log a scored run to `tensorboard`, `wandb` or `trackio`. Raises InputError if the tracker cannot take it."""
    tracker = _package(name)
    try:
        with redirect_stdout(sys.stderr):  # trackio would print between the lines of --json
            _tensorboard(run) if name == "tensorboard" else _track(run, tracker)
    except Exception as error:  # trackers raise errors of their own, of databases and of the network
        raise InputError(
            f"{run.folder}: scored, but {name} did not take it ({one_line(error).rstrip('.')}); repeat the command to "
            "log it: no question is asked again"
        ) from error


def _package(name: str) -> Any:
    if importlib.util.find_spec(name) is None:
        raise InputError(f"--log-to {name} needs the package {name}; pip install {name}, or run without --log-to")
    return importlib.import_module(name)


def _track(run: Run, tracker: Any) -> None:
    config = {**run.identity, "marks": "; ".join(run.marks), "answered": run.answered, "folder": run.folder.name}
    tracker.init(project=PROJECT, name=run.folder.name, config=config)
    try:
        tracker.log(numbers(run))
    finally:
        tracker.finish()


def numbers(run: Run) -> dict[str, float]:
    """Return TASK/METRIC/value, /low and /high if they exist, and TASK/answered, the number of answered questions."""
    values = {f"{run.spec.task}/answered": float(run.samples_answered)}
    for metric, estimate in run.results.metrics.items():
        for limit in LIMITS:
            if (number := getattr(estimate, limit)) is not None:
                values[f"{run.spec.task}/{metric}/{limit}"] = float(number)
    return values


def _tensorboard(run: Run) -> None:
    """Replace RUN/tensorboard, using TensorBoard's own writer, so neither torch nor tensorflow is loaded.

    The identity is logged as text, since TensorBoard's plugin for parameters imports tensorflow.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.text.metadata import create_summary_metadata
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
    from tensorboard.util.tensor_util import make_tensor_proto

    texts = {
        "marks": "\n\n".join(map(escape, run.marks)) or "none",
        "identity": "\n".join(f"- {escape(f'{key}: {json.dumps(value)}')}" for key, value in run.identity.items()),
        "table": table.markdown(table_of_run(run)),
    }
    values = [Summary.Value(tag=tag, simple_value=number) for tag, number in numbers(run).items()]
    for tag, text in texts.items():
        about = create_summary_metadata(display_name=tag, description="")
        about.plugin_data.plugin_name = "text"
        values.append(Summary.Value(tag=tag, metadata=about, tensor=make_tensor_proto([text.encode()], dtype="string")))
    folder = run.folder / "tensorboard"
    if folder.exists():
        shutil.rmtree(folder)  # an earlier session's scores would add a second line to the plot
    writer = EventFileWriter(str(folder))
    writer.add_event(Event(wall_time=time.time(), step=run.samples_answered, summary=Summary(value=values)))
    writer.close()
