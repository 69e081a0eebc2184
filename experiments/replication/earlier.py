"""Compare earlier weights of mmicl-tiny with the shipped baselines on questions about several pictures.

`python -m experiments.replication.earlier COMMIT ...` takes them from the repository's history. The shipped family was
not trained equally long; this shows how far mmicl-tiny was ahead when it had learned from fewer tokens.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from experiments.replication import questions
from experiments.replication.__main__ import MODELS, PUZZLES, load
from experiments.replication.measure import Answers, ask
from mmeval.reporting.chart import with_interval
from mmeval.types import Estimate, InputError

FIRST, *BASELINES = MODELS
WEIGHTS = f"mmeval/embedded/weights/{FIRST}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the accuracy of each commit's weights, and how far they are ahead of each baseline."""
    parser = argparse.ArgumentParser("python -m experiments.replication.earlier", description=__doc__)
    parser.add_argument("commits", nargs="+", help="commits whose mmicl-tiny to measure")
    commits = parser.parse_args(arguments).commits
    for commit in commits:
        if subprocess.run(["git", "cat-file", "-e", f"{commit}:{WEIGHTS}"], capture_output=True).returncode:
            parser.error(f"{commit}: not a commit of this repository that has {WEIGHTS}")
    try:
        _compare(commits)
    except InputError as error:
        parser.error(str(error))


def _compare(commits: Sequence[str]) -> None:
    """Print the comparison. Raises InputError if a commit's weights cannot be loaded."""
    baselines = {name: _answers(name, MODELS[name]) for name in BASELINES}
    for name, answers in baselines.items():
        print(f"{name}: {_text(answers.accuracy())}", flush=True)
    for commit in commits:
        with tempfile.TemporaryDirectory() as folder:
            answers = _answers(f"mmicl:{_weights(commit, Path(folder))}", MODELS[FIRST])
        print(f"{FIRST} of {commit}: {_text(answers.accuracy())}")
        for name, baseline_answers in baselines.items():
            print(f"  ahead of {name}: {_text(answers.minus(baseline_answers))}", flush=True)


def _weights(commit: str, folder: Path) -> Path:
    """Unpack a commit's folder of mmicl-tiny into `folder`, and return it."""
    archived = subprocess.run(["git", "archive", commit, WEIGHTS], stdout=subprocess.PIPE, check=True)
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder / WEIGHTS


def _answers(name: str, context: str | None) -> Answers:
    drawn = [question for kind in questions.SEVERAL for question in questions.several(kind, PUZZLES)]
    return ask(load(name, context), drawn)


def _text(estimate: Estimate) -> str:
    return with_interval(estimate, 1)


if __name__ == "__main__":
    main()
