"""Controls of demonstrations: without their pictures, with other labels, of another task, or none."""

from collections.abc import Sequence
from dataclasses import replace

from mmeval.controls.case import Act, Case, Changed, Inapplicable
from mmeval.controls.pictures import without
from mmeval.types import Image, Sample, Shot, images


def none(case: Case) -> Changed:
    """Ask without demonstrations."""
    return _with(case, ())


def blind(case: Case) -> Changed:
    """Show the demonstrations' words and answers without their pictures; the question keeps its own."""
    if not any(images(shot.prompt) for shot in case.request.shots):
        raise Inapplicable("its demonstrations show no picture" if case.sample.shots else "it has no demonstrations")
    shots = tuple(Shot(without(shot.prompt), shot.answer) for shot in case.request.shots)
    return case.sample, replace(case.request, shots=shots)


def shuffled(case: Case) -> Changed:
    """Permute the answers of the demonstrations, so as many as possible change."""
    shots = case.sample.shots
    answers = [shot.answer for shot in shots]
    if len(set(answers)) < 2:
        raise Inapplicable("its demonstrations all have the same answer" if shots else "it has no demonstrations")
    changed = zip(shots, _most_changed(answers), strict=True)
    return _with(case, tuple(replace(shot, answer=answer) for shot, answer in changed))


def of_another_task(case: Case) -> Changed:
    """Replace the demonstrations with as many yes/no questions about counts in scenes of the picture world."""
    from mmeval.embedded.world import draw

    count = len(case.request.shots)
    if not count:
        raise Inapplicable("it has no demonstrations that show a picture")
    shots = []
    for number in range(count):
        view = draw("count", number, "train")
        answer = ("yes", "no")[number % 2]
        picture = Image(view.picture, f"picture world, count {number}")
        shots.append(Shot((picture, f"{view.pair[number % 2]} Please answer yes or no."), answer))
    return case.sample, replace(case.request, shots=tuple(shots))


def _with(case: Case, shots: tuple[Shot, ...]) -> Changed:
    if not case.sample.shots:
        raise Inapplicable("it has no demonstrations")
    sample: Sample = replace(case.sample, shots=shots)
    return sample, case.render(sample)


def _most_changed(answers: Sequence[str]) -> list[str]:
    """Return the answers in an order that changes as many positions as possible."""
    order = sorted(range(len(answers)), key=lambda index: answers[index])
    largest = max(answers.count(answer) for answer in answers)
    shift = largest if largest < len(answers) else 1
    turned = order[shift:] + order[:shift]
    new = list(answers)
    for index, source in zip(order, turned, strict=True):
        new[index] = answers[source]
    return new


CONTROLS: dict[str, tuple[str, Act]] = {
    "shots-blind": ("demonstrations show no pictures", blind),
    "shots-shuffled": ("demonstrations have shuffled answers", shuffled),
    "shots-other": ("demonstrations come from another task", of_another_task),
    "shots-none": ("there are no demonstrations", none),
}
