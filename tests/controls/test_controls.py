"""The effect of each control on a question; controls are pure."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image as PILImage

from mmeval.controls import FAMILIES, Applied, Inapplicable, expand
from mmeval.controls.case import Case
from mmeval.controls.pictures import Altered, Grey, blur, derangement, noise, patches, swap
from mmeval.controls.several import moved, only, order, swapped_references
from mmeval.controls.words import passage, rotated
from mmeval.evaluation.rendering import record
from mmeval.scoring.readings import choices
from mmeval.types import Image, InputError, Ref, Request, Response, Sample, images


def picture(number: int, size: tuple[int, int] = (12, 9)) -> Image:
    pixels = PILImage.new("RGB", size)
    pixels.putdata([(7 * n % 256, number * 40 % 256, n % 13 * 9) for n in range(size[0] * size[1])])
    return Image(pixels, f"picture {number}")


def case(*prompt: str | Image | Ref, options: tuple[str, ...] = (), target: str = "A") -> Case:
    def render(sample: Sample) -> Request:
        return Request(sample.id, (*sample.prompt, *choices.listed(sample.choices)))

    sample = Sample("one", prompt, (target,), tuple((option,) for option in options))
    return Case(sample, render(sample), render)


def test_altered_pictures_are_the_same_each_time_and_others_than_their_source() -> None:
    source = picture(1)
    for name, change in (("noise", noise), ("patches", patches)):
        first, second = (Altered(source, name, change) for _ in range(2))
        assert first.decode().tobytes() == second.decode().tobytes() != source.decode().tobytes()
        assert first.decode().size == source.decode().size
        assert first.digest == second.digest != source.digest
    other = Altered(picture(2), "noise", noise)
    assert other.digest != Altered(source, "noise", noise).digest
    encoded = Altered(source, "noise", noise)
    assert Image(encoded.data).decode().tobytes() == encoded.decode().tobytes()  # whoever sends bytes sends these


def test_grey_pictures_of_one_size_are_one_picture() -> None:
    assert Grey(picture(1)).digest == Grey(picture(2)).digest != Grey(picture(3, (8, 8))).digest
    assert Grey(picture(1)).decode().getcolors() == [(108, (127, 127, 127))]


def test_a_blur_gets_stronger() -> None:
    import random

    source = picture(1, (96, 96)).decode()
    ranges = []
    for share in (0.02, 0.04, 0.08, 0.16):
        low, high = blur(share, source, random.Random(0)).convert("L").getextrema()
        assert isinstance(low, (int, float)) and isinstance(high, (int, float))
        ranges.append(high - low)
    assert ranges == sorted(ranges, reverse=True)


def test_a_swap_is_a_derangement_that_keeps_pairs_together(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    pictures = [picture(n // 2) for n in range(12)]  # two questions a picture
    cases = [
        (Sample(str(n), (image, "?"), ("A",), category="xy"[n >= 6]), Request(str(n), (image, "?")))
        for n, image in enumerate(pictures)
    ]
    for within in (True, False):
        donors = derangement(cases, 0, within, folder)
        digests = {id: donated[0].decode().tobytes() for id, donated in donors.items()}
        assert all(digests[str(n)] != pictures[n].decode().tobytes() for n in range(12))
        assert all(digests[str(n)] == digests[str(n + 1)] for n in range(0, 12, 2))
        assert len(set(digests.values())) == 6
        if within:
            in_category = {image.decode().tobytes() for image in pictures[:6]}
            assert all((digests[str(n)] in in_category) == (n < 6) for n in range(12))
    assert derangement(cases, 0, False, folder).keys() == derangement(cases, 1, False, folder).keys()
    single_picture = derangement(cases[:2], 0, False, folder)
    assert single_picture == {}
    with pytest.raises(Inapplicable, match="no other question"):
        swap(case(picture(1), "?"))


def test_a_new_order_renames_references_and_numbers_and_keeps_the_letter() -> None:
    pictures = [picture(n) for n in range(3)]
    question = case(*pictures, "Which is like ", Ref(0), "?\n", options=("image 0", "image 1", "image 2"), target="C")
    sample, request = order(question)
    reordered = images(request.prompt)
    assert sorted(map(id, reordered)) == sorted(map(id, pictures)) and all(
        a is not b for a, b in zip(reordered, pictures, strict=True)
    )
    (ref,) = (part for part in request.prompt if isinstance(part, Ref))
    assert reordered[ref.image] is pictures[0]
    assert sample.targets == ("C",)
    for index, choice in enumerate(sample.choices):
        assert reordered[int(str(choice[0]).removeprefix("image "))] is pictures[index]


def test_what_names_pictures_by_place_keeps_its_order() -> None:
    first, second = picture(1), picture(2)
    for text in ("Is the left picture brighter?", "What is in the second image?"):
        with pytest.raises(Inapplicable, match="by position"):
            order(case(first, second, text))
    with pytest.raises(Inapplicable, match="from 0 or 1"):
        order(case(first, second, picture(3), "Look at image 1."))
    with pytest.raises(Inapplicable, match="no second picture"):
        order(case(first, "?"))


def test_the_relevant_picture_is_moved_to_each_place() -> None:
    pictures = [picture(n) for n in range(3)]
    question = case(*pictures, "What is in ", Ref(1), "?")
    for index in range(3):
        _, request = moved(index, question)
        (ref,) = (part for part in request.prompt if isinstance(part, Ref))
        assert ref.image == index and images(request.prompt)[index] is pictures[1]
        assert record(question.sample, request, Response("one")).tags["place of the relevant picture"] == str(index + 1)
    with pytest.raises(Inapplicable):
        moved(3, question)
    with pytest.raises(Inapplicable):
        moved(0, case(*pictures, "What is alike?"))


def test_a_number_in_a_text_stays_that_of_its_picture() -> None:
    question = case(picture(1), picture(2), "Is image 1 like image 2?")
    assert only(0, question)[1].prompt[1:] == ("Is image 1 like image 2?",)
    with pytest.raises(Inapplicable, match="its text numbers the pictures"):
        only(-1, question)  # image 1 would be the second one


def test_references_are_swapped_and_single_pictures_kept() -> None:
    first, second = picture(1), picture(2)
    question = case(first, second, "Is ", Ref(0), " like ", Ref(1), "?")
    _, swapped = swapped_references(question)
    assert [part.image for part in swapped.prompt if isinstance(part, Ref)] == [1, 0]
    _, last = only(-1, question)
    assert images(last.prompt) == (second,)
    assert last.prompt == (second, "Is a picture that is not shown like ", Ref(0), "?")


def test_turned_options_are_recorded_as_they_were_shown() -> None:
    from mmeval.bias.asked import comparable
    from mmeval.types import Score

    question = case(picture(1), "Which?\n", options=("cat", "dog", "cow"), target="B")
    sample, request = rotated(1, question)
    assert request.prompt[-1] == "A. dog\nB. cow\nC. cat\n"
    assert sample.targets == ("A",)
    rotated_record = record(sample, request, Response("one", text="A"))
    assert rotated_record.choices == ("dog", "cow", "cat")
    assert comparable(rotated_record, Score(1.0, "correct", "A")) == "B"  # the letter that the dog has as asked
    with pytest.raises(Inapplicable, match="3 or fewer options"):
        rotated(3, question)


def test_a_passage_is_as_long_as_it_says_and_misleads_with_a_wrong_answer() -> None:
    question = case(picture(1), "Which?\n", options=("cat", "dog"), target="B")
    for length in (100, 1000):
        _, request = passage(length, False, False, question)
        text, image, *_ = request.prompt
        assert isinstance(text, str) and isinstance(image, Image)
        assert abs(len(text.split()) - 0.75 * length) < 15
    _, request = passage(100, True, True, question)
    assert isinstance(request.prompt[0], Image) and "the answer is A, cat." in str(request.prompt[1])
    with pytest.raises(Inapplicable, match="wrong answer"):
        passage(100, True, True, replace(question, sample=replace(question.sample, choices=(), targets=("a cow",))))


def test_names() -> None:
    assert expand(["blind,swap", "blur1"]) == ["absent", *FAMILIES["swap-any"], "blur1"]
    assert expand(["prompts"], ["plain"]) == ["prompt-plain"]
    assert expand(["distract-100-before+absent"]) == ["distract-100-before+absent"]
    with pytest.raises(InputError, match="unknown control 'blurr' \\(did you mean 'blur"):
        expand(["blurr"])


def test_joined_controls_act_one_after_the_other() -> None:
    question = case(picture(1), "?")
    applied = Applied("distract-100-before+absent", lambda: [(question.sample, question.request, question.render)])
    _, request = applied(question.sample, question.request, question.render)
    (text,) = request.prompt
    assert isinstance(text, str) and len(text.split()) > 70 and text.endswith("\n?")
