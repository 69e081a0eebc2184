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
    for how, change in (("noise", noise), ("patches", patches)):
        one, again = (Altered(source, how, change) for _ in range(2))
        assert one.decode().tobytes() == again.decode().tobytes() != source.decode().tobytes()
        assert one.decode().size == source.decode().size
        assert one.digest == again.digest != source.digest
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

    shelf = Path(str(tmp_path))
    shown = [picture(n // 2) for n in range(12)]  # two questions a picture
    asked = [
        (Sample(str(n), (one, "?"), ("A",), category="xy"[n >= 6]), Request(str(n), (one, "?")))
        for n, one in enumerate(shown)
    ]
    for within in (True, False):
        donors = derangement(asked, 0, within, shelf)
        digests = {id: own[0].decode().tobytes() for id, own in donors.items()}
        assert all(digests[str(n)] != shown[n].decode().tobytes() for n in range(12))
        assert all(digests[str(n)] == digests[str(n + 1)] for n in range(0, 12, 2))
        assert len(set(digests.values())) == 6
        if within:
            ours = {one.decode().tobytes() for one in shown[:6]}
            assert all((digests[str(n)] in ours) == (n < 6) for n in range(12))
    assert derangement(asked, 0, False, shelf).keys() == derangement(asked, 1, False, shelf).keys()
    alone = derangement(asked[:2], 0, False, shelf)
    assert alone == {}
    with pytest.raises(Inapplicable, match="no other question"):
        swap(case(picture(1), "?"))


def test_a_new_order_renames_references_and_numbers_and_keeps_the_letter() -> None:
    shown = [picture(n) for n in range(3)]
    asked = case(*shown, "Which is like ", Ref(0), "?\n", options=("image 0", "image 1", "image 2"), target="C")
    sample, request = order(asked)
    now = images(request.prompt)
    assert sorted(map(id, now)) == sorted(map(id, shown)) and all(a is not b for a, b in zip(now, shown, strict=True))
    (ref,) = (part for part in request.prompt if isinstance(part, Ref))
    assert now[ref.image] is shown[0]
    assert sample.targets == ("C",)
    for place, choice in enumerate(sample.choices):
        assert now[int(str(choice[0]).removeprefix("image "))] is shown[place]


def test_what_names_pictures_by_place_keeps_its_order() -> None:
    one, two = picture(1), picture(2)
    for text in ("Is the left picture brighter?", "What is in the second image?"):
        with pytest.raises(Inapplicable, match="by position"):
            order(case(one, two, text))
    with pytest.raises(Inapplicable, match="from 0 or 1"):
        order(case(one, two, picture(3), "Look at image 1."))
    with pytest.raises(Inapplicable, match="no second picture"):
        order(case(one, "?"))


def test_the_relevant_picture_is_moved_to_each_place() -> None:
    shown = [picture(n) for n in range(3)]
    asked = case(*shown, "What is in ", Ref(1), "?")
    for place in range(3):
        _, request = moved(place, asked)
        (ref,) = (part for part in request.prompt if isinstance(part, Ref))
        assert ref.image == place and images(request.prompt)[place] is shown[1]
        assert record(asked.sample, request, Response("one")).tags["place of the relevant picture"] == str(place + 1)
    with pytest.raises(Inapplicable):
        moved(3, asked)
    with pytest.raises(Inapplicable):
        moved(0, case(*shown, "What is alike?"))


def test_a_number_in_a_text_stays_that_of_its_picture() -> None:
    asked = case(picture(1), picture(2), "Is image 1 like image 2?")
    assert only(0, asked)[1].prompt[1:] == ("Is image 1 like image 2?",)
    with pytest.raises(Inapplicable, match="its text numbers the pictures"):
        only(-1, asked)  # image 1 would be the second one


def test_references_are_swapped_and_single_pictures_kept() -> None:
    one, two = picture(1), picture(2)
    asked = case(one, two, "Is ", Ref(0), " like ", Ref(1), "?")
    _, swapped = swapped_references(asked)
    assert [part.image for part in swapped.prompt if isinstance(part, Ref)] == [1, 0]
    _, last = only(-1, asked)
    assert images(last.prompt) == (two,)
    assert last.prompt == (two, "Is a picture that is not shown like ", Ref(0), "?")


def test_turned_options_are_recorded_as_they_were_shown() -> None:
    from mmeval.bias.asked import comparable
    from mmeval.types import Score

    asked = case(picture(1), "Which?\n", options=("cat", "dog", "cow"), target="B")
    sample, request = rotated(1, asked)
    assert request.prompt[-1] == "A. dog\nB. cow\nC. cat\n"
    assert sample.targets == ("A",)
    made = record(sample, request, Response("one", text="A"))
    assert made.choices == ("dog", "cow", "cat")
    assert comparable(made, Score(1.0, "correct", "A")) == "B"  # the letter that the dog has as asked
    with pytest.raises(Inapplicable, match="3 or fewer options"):
        rotated(3, asked)


def test_a_passage_is_as_long_as_it_says_and_misleads_with_a_wrong_answer() -> None:
    asked = case(picture(1), "Which?\n", options=("cat", "dog"), target="B")
    for length in (100, 1000):
        _, request = passage(length, False, False, asked)
        text, shown, *_ = request.prompt
        assert isinstance(text, str) and isinstance(shown, Image)
        assert abs(len(text.split()) - 0.75 * length) < 15
    _, request = passage(100, True, True, asked)
    assert isinstance(request.prompt[0], Image) and "the answer is A, cat." in str(request.prompt[1])
    with pytest.raises(Inapplicable, match="wrong answer"):
        passage(100, True, True, replace(asked, sample=replace(asked.sample, choices=(), targets=("a cow",))))


def test_names() -> None:
    assert expand(["blind,swap", "blur1"]) == ["absent", *FAMILIES["swap-any"], "blur1"]
    assert expand(["prompts"], ["plain"]) == ["prompt-plain"]
    assert expand(["distract-100-before+absent"]) == ["distract-100-before+absent"]
    with pytest.raises(InputError, match="unknown control 'blurr' \\(did you mean 'blur"):
        expand(["blurr"])


def test_joined_controls_act_one_after_the_other() -> None:
    asked = case(picture(1), "?")
    applied = Applied("distract-100-before+absent", lambda: [(asked.sample, asked.request, asked.render)])
    _, request = applied(asked.sample, asked.request, asked.render)
    (text,) = request.prompt
    assert isinstance(text, str) and len(text.split()) > 70 and text.endswith("\n?")
