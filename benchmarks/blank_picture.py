"""Does the model look? The embedded MME as drawn, and with gray pictures: `python -m benchmarks.blank_picture`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence

from PIL import Image as PILImage

from benchmarks.answers import answered
from mmeval.embedded import suite
from mmeval.evaluation.rendering import record, render
from mmeval.models import load_model
from mmeval.runs.scored import score_records
from mmeval.task_loading import load_task
from mmeval.types import Generation, Image, Sample, between

GREY = Image(PILImage.new("RGB", (96, 96), (128, 128, 128)), "grey")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print Perception and Cognition with their intervals, for drawn and gray pictures."""
    argparse.ArgumentParser("python -m benchmarks.blank_picture", description=__doc__).parse_args(arguments)
    task, model, data = load_task("mme"), load_model("mmicl-tiny"), str(suite("mme"))
    print("| pictures | Perception | 95% interval | Cognition | 95% interval |\n|---|---|---|---|---|")
    for name, samples in (("as drawn", list(task.samples(data))), ("grey", list(blank(task.samples(data))))):
        sample_and_request = {sample.id: (sample, render(task, sample, "release")) for sample in samples}
        responses = answered(model.generate([request for _, request in sample_and_request.values()], Generation()))
        records = [record(*sample_and_request[response.id], response) for response in responses]
        metrics = score_records(task, records).results().metrics
        cells = [
            f"{metrics[total].value:.1f} | {between(metrics[total].low, metrics[total].high)}"
            for total in ("perception", "cognition")
        ]
        print(f"| {name} | {' | '.join(cells)} |")


def blank(samples: Iterable[Sample]) -> Iterator[Sample]:
    """Yield the same questions about a gray picture."""
    for sample in samples:
        prompt = tuple(GREY if isinstance(part, Image) else part for part in sample.prompt)
        yield Sample(sample.id, prompt, sample.targets, groups=sample.groups, category=sample.category)


if __name__ == "__main__":
    main()
