"""Videos through a model's own video input. Needs torchvision, which transformers' video processors use."""

from __future__ import annotations

from importlib import util
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image as PILImage

from mmeval.controls.pictures import Altered, grey
from mmeval.data.video import times
from mmeval.models import ModelOptions, load_model
from mmeval.models.chat import processor
from mmeval.models.chat.films import ALONE, CLOCK, of_films
from mmeval.models.chat.model import ChatModel
from mmeval.models.turns import films
from mmeval.types import Generation, Image, InputError, Model, Request
from tests.models import chat_zoo, video_zoo

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # between transformers and numpy
TORCHVISION = util.find_spec("torchvision") is not None


class Frame(Image):
    """A picture that knows its video and when it is shown."""

    @property
    def seconds(self) -> float | None:
        return float(self.name.partition(" ")[0])

    @property
    def video(self) -> object:
        return self.name.partition(" ")[2]


def frame(number: int, seconds: float | None, video: str = "a") -> Image:
    noise = torch.randint(0, 256, (56, 56, 3), generator=torch.Generator().manual_seed(number))
    pixels = PILImage.fromarray(noise.byte().numpy())
    return Image(pixels) if seconds is None else Frame(pixels, f"{seconds} {video}")


VIDEOS = {"short": ((0, 0.5), (1, 1.0)), "long": ((2, 20.0), (3, 40.0))}
"""The long one's first frame is later in it than the short one's last."""


FILM = tuple(frame(number, 0.5 * number) for number in range(4))


def test_frames_side_by_side_are_one_video_and_pictures_are_not() -> None:
    still, again = frame(9, None), tuple(frame(number, 0.25 * number) for number in range(2))
    assert films((still, *FILM, "and", *again, *again)) == [still, FILM, "and", again, again]


def test_two_videos_side_by_side_are_two() -> None:
    short, long = (tuple(frame(n, time, name) for n, time in times) for name, times in VIDEOS.items())
    assert films((*short, *long, "which is longer ?")) == [short, long, "which is longer ?"]


def test_a_changed_video_is_a_video() -> None:
    changed = tuple(Altered(image, "grey", grey) for image in FILM)
    assert films(changed) == [changed]
    assert times(changed) == times(FILM) == {"times": "0.00 0.50 1.00 1.50"}


def test_frames_come_with_their_times() -> None:
    pixels = PILImage.new("RGB", (4, 2))
    inputs = of_films([[(pixels, 0.0), (pixels, 1.25)]])
    assert inputs["videos"][0].shape == (2, 2, 4, 3)
    (metadata,) = inputs["videos_kwargs"]["video_metadata"]
    assert [index / metadata["fps"] for index in metadata["frames_indices"]] == [0.0, 1.25]
    assert metadata["fps"] == CLOCK and inputs["videos_kwargs"]["do_sample_frames"] is False
    assert inputs["videos_kwargs"]["return_metadata"] is True  # some processors read the times from what is returned


@pytest.mark.skipif(TORCHVISION, reason="torchvision is installed")
def test_without_torchvision_it_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--context video needs torchvision"):
        load_model(f"chat:{chat_zoo.save('qwen2_vl', tmp_path)}", ModelOptions("video"))


def test_a_checkpoint_saved_without_its_video_part_opens_with_torchvision_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Opener:
        """transformers' opener, which wants settings of videos where torchvision is installed."""

        @staticmethod
        def from_pretrained(source: str, **options: object) -> None:
            raise OSError(f"Can't load video processor for '{source}'. If you were trying to load it")

    find = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name: find("os" if name == "torchvision" else name))
    monkeypatch.setattr(processor, "OPENER", Opener)
    folder = chat_zoo.save("qwen2_vl", tmp_path)
    (response,) = load_model(f"chat:{folder}").generate([Request("still", (frame(9, None), "Is it?"))], Generation(2))
    assert response.error is None
    with pytest.raises(InputError, match="its processor takes no videos; remove --context video"):
        load_model(f"chat:{folder}", ModelOptions("video"))


@pytest.mark.skipif(not TORCHVISION, reason="needs torchvision")
@pytest.mark.parametrize("family", video_zoo.FAMILIES)
def test_a_video_is_what_the_processor_alone_makes_of_it(family: str, tmp_path: Path) -> None:
    videos_are_understood(load_model(f"chat:{video_zoo.save(family, tmp_path)}", ModelOptions("video")))


def videos_are_understood(model: Model) -> None:
    """Check that answers about videos are the same in any batch, and equal those of transformers alone."""
    assert isinstance(model, ChatModel)
    requests = [
        Request("video", (*FILM, "What happens?"), candidates=("it", "no way")),
        Request("both", (frame(9, None), "then", *FILM, "What happens?"), candidates=("it", "no way")),
        Request("two", (*FILM, *FILM, "The same?"), candidates=("it", "no way")),
        Request("still", (frame(9, None), "What is it?"), candidates=("it", "no way")),
    ]
    if model.model.config.model_type in ALONE:
        (refused,) = model.generate([requests.pop(1)], Generation(5))
        assert refused.error == "this model cannot take pictures and a video in one prompt; remove --context video"
    if model.model.config.model_type == "molmo2":
        (refused,) = model.generate([requests.pop(1)], Generation(5))
        assert refused.error is not None and "At most one video is supported per sample" in refused.error
    batched = {response.id: response for response in model.generate(requests, Generation(5))}
    for request in requests:
        (response,) = model.generate([request], Generation(5))
        assert (response.text, response.error) == (batched[request.id].text, None)
    likelihoods = {response.id: response.loglikelihoods for response in model.loglikelihood(requests)}
    for request in requests:
        (response,) = model.loglikelihood([request])
        assert response.loglikelihoods == pytest.approx(likelihoods[request.id], abs=1e-5)
    (shorter,) = model.loglikelihood([Request("video", (*FILM[2:], "What happens?"), candidates=("it", "no way"))])
    assert shorter.loglikelihoods != pytest.approx(likelihoods["video"], abs=1e-4)

    inputs = stock_inputs(model, [image.decode() for image in FILM], "What happens?")
    written = model.model.generate(**inputs, max_new_tokens=5, do_sample=False, pad_token_id=0)
    start = inputs["input_ids"].shape[1]
    assert batched["video"].input_tokens == start
    text = model.processor.tokenizer.decode(written[0, start:], skip_special_tokens=True)
    assert batched["video"].text == text.strip()


def stock_inputs(model: ChatModel, frames: list[PILImage.Image], question: str) -> Any:
    content = [{"type": "video", "video": frames}, {"type": "text", "text": question}]
    indices = [round(CLOCK * (image.seconds or 0)) for image in FILM]
    options = {
        "do_sample_frames": False,
        "return_metadata": True,
        "video_metadata": [{"fps": CLOCK, "frames_indices": indices, "total_num_frames": indices[-1] + 1}],
    }
    kinds = {"return_mm_token_type_ids": True} if model.model.config.model_type == "cosmos3_edge" else {}
    inputs = model.processor.apply_chat_template(
        [[{"role": "user", "content": content}]], add_generation_prompt=True, tokenize=True, return_dict=True,
        return_tensors="pt", processor_kwargs={"videos_kwargs": options, **kinds},
    )  # fmt: skip
    return {name: value for name, value in inputs.items() if name not in ("labels", "video_metadata")}
