"""The tiny model is trained on what it is asked later, and a training that was cut goes on as if it were not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from experiments.tiny.architecture import PICTURE_SIZE, VISUAL_TOKENS, configuration
from experiments.tiny.corpus import Corpus, corpus, pages
from experiments.tiny.documents import CAPTION, Document, Writer, about_item, about_puzzle, curriculum
from experiments.tiny.lessons import HARDER, KINDS, picture_names, write_lessons
from experiments.tiny.looking import look, marks, reader
from experiments.tiny.loop import Recipe, fit
from experiments.tiny.reading import accuracy, loss, puzzle_tests, subtask_tests
from experiments.tiny.seeing import VisionPretrainer, pixels, see, targets_of
from experiments.tiny.vocabulary import make_processor, puzzle_texts
from mmeval.embedded.world.puzzles import PUZZLES
from mmeval.embedded.world.rng import Rng
from mmeval.mmicl.context import CONTEXTS, ImagePlace
from mmeval.mmicl.examples import read
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.mmicl.training.data import read_picture
from mmeval.mmicl.training.features import complete, open_features


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus(tmp_path_factory.mktemp("corpus"), per_subtask=3, workers=1)


@pytest.fixture(scope="module")
def processor(small: Corpus) -> MmiclProcessor:
    return made(small, "llama")


def made(small: Corpus, family: str) -> MmiclProcessor:
    return make_processor([*small.texts(), *puzzle_texts(), CAPTION], VISUAL_TOKENS, PICTURE_SIZE, family)


def answers(processor: MmiclProcessor, document: Document) -> str:
    pairs = zip(document.ids, document.learnt, strict=True)
    return processor.decode([token for token, learnt in pairs if learnt])


def test_a_caption_stands_where_the_picture_will(processor: MmiclProcessor) -> None:
    words = Writer(processor).prompt([ImagePlace(0), "is it red?"], ["a star"], "declaration")
    shown = processor.prompt([ImagePlace(0), "is it red?"], CONTEXTS["declaration"]).ids
    picture = [processor.settings.placeholder_id] * VISUAL_TOKENS
    first = shown.index(picture[0])
    star = processor.tokenizer.encode("a star")
    assert words == [*shown[:first], *star, *shown[first + VISUAL_TOKENS :]]


@pytest.mark.parametrize("kind", PUZZLES)
def test_a_puzzle_in_words_ends_in_its_answer(kind: str, processor: MmiclProcessor) -> None:
    writer = Writer(processor)
    for seed in range(20):
        document = about_puzzle(writer, kind, Rng(f"test {seed}"), 0)
        questions = list(document.questions())
        assert len(document.ids) == len(document.learnt)
        assert document.ids[-1] == processor.settings.eos_id
        assert [token for _, answer in questions for token in answer] == [
            token for token, learnt in zip(document.ids, document.learnt, strict=True) if learnt
        ]
        assert answers(processor, document)


def test_documents_are_the_same_each_time_and_no_word_is_unknown(small: Corpus, processor: MmiclProcessor) -> None:
    draw, again = (curriculum(Writer(processor), small) for _ in range(2))
    unknown = processor.tokenizer.encode("zebra")[0]
    for number in range(60):
        document = draw(number, number / 60)
        assert document == again(number, number / 60)
        assert unknown not in document.ids
        assert any(document.learnt)


def test_questions_of_a_document_stand_apart(small: Corpus, processor: MmiclProcessor) -> None:
    writer = Writer(processor)
    document = about_item(writer, small.items[0], Rng("apart"), 150)
    parts, questions = document.parts(), list(document.questions())
    assert parts[: document.start] == [0] * document.start
    assert max(parts) == len(questions) > 2
    for number, (before, answer) in enumerate(questions, 1):
        own = [token for token, part in zip(document.ids, parts, strict=True) if part == number]
        assert [*document.ids[: document.start], *own] == [*before, *answer]


@pytest.mark.slow
@pytest.mark.parametrize("family", ["llama", "t5"])
def test_both_families_learn_from_documents(small: Corpus, family: str) -> None:
    torch.manual_seed(0)
    processor = made(small, family)
    placeholder = processor.settings.placeholder_id
    model = MmiclForConditionalGeneration(configuration(processor.tokenizer.size, placeholder, family=family))
    writer = Writer(processor)
    tests = {**subtask_tests(writer, small, 1), **puzzle_tests(writer, 1)}
    documents = [tests["OCR"][0], tests["which"][0]]
    language = model.language_model
    assert accuracy(language, documents) < 1
    optimizer = torch.optim.AdamW(language.parameters(), lr=1e-3)
    for step in range(60):
        loss(language, documents).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
        if step % 10 == 9 and accuracy(language, documents) == 1:
            break
    assert accuracy(language, documents) == 1


def test_lessons_are_the_same_questions_every_time(small: Corpus, tmp_path: Path) -> None:
    write_lessons(tmp_path, small, 2, workers=1)
    lessons = {kind: list(read(tmp_path / f"{kind}.jsonl")) for kind in KINDS}
    whole = lessons["interleaved"]
    again = sum(HARDER.get(item.subtask, 1) for item in small.items)
    turned = [example for example in whole if "turned" in example.id]
    assert len(whole) == again + 2 * len(PUZZLES) + len(turned) == len(lessons["blind"])
    assert turned
    for example in turned:
        (first,) = (other for other in whole if other.id == example.id.partition("-turned")[0])
        assert sorted(example.all_images) == sorted(first.all_images) != list(example.all_images)
        assert example.turns[0].answer in {shot.turns[0].answer for shot in first.shots}
    assert max(len(example.all_images) for example in whole) > 2
    assert all(len(example.all_images) == 1 for kind in ("pasted", "single") for example in lessons[kind])
    assert not any(example.all_images for example in lessons["blind"])
    assert lessons["undemonstrated"] == [example for example in whole if not example.shots] != whole
    answers_of = {kind: [turn.answer for example in lessons[kind] for turn in example.turns] for kind in KINDS}
    assert answers_of["interleaved"] == answers_of["pasted"] == answers_of["blind"]
    captions = list(read(tmp_path / "captions.jsonl"))
    named = {image for example in (*whole, *lessons["pasted"], *captions) for image in example.all_images}
    assert all((tmp_path / image).is_file() for image in named)


def test_training_pixels_are_the_processors(small: Corpus, processor: MmiclProcessor) -> None:
    from PIL import Image

    picture = Image.fromarray(small.pictures[0])
    assert torch.allclose(pixels(small.pictures[:1].copy())[0], processor.pixels([picture])[0], atol=1e-6)


def test_words_in_quotes_are_spelled_and_no_word_is_unknown(processor: MmiclProcessor, small: Corpus) -> None:
    encode = processor.tokenizer.encode
    assert len(encode("Is it 'kelt'?")) == len(["is", "it", "'", "k", "e", "l", "t", "'", "?"])
    unknown = encode("zebra")[0]
    assert all(unknown not in encode(text) for text in small.texts())


def test_the_corpus_is_drawn_once(small: Corpus, tmp_path: Path) -> None:
    first = corpus(tmp_path, per_subtask=1, workers=1)
    again = corpus(tmp_path, per_subtask=1, workers=1)
    assert first.items == again.items
    assert (first.pictures == again.pictures).all()


class Killed(Exception):
    pass


def train(path: Path, killed_at: int | None = None) -> Tensor:
    """Fit a linear map for eight steps, a checkpoint every fourth; return the weights at the end."""
    torch.manual_seed(0)
    module = nn.Linear(4, 1)

    def loss_of(step: int) -> Tensor:
        if step == killed_at:
            raise Killed
        inputs = torch.randn(8, 4, generator=torch.Generator().manual_seed(step))
        loss: Tensor = (module(inputs) - inputs.sum(1, keepdim=True)).pow(2).mean()
        return loss

    fit(module, list(module.parameters()), loss_of, Recipe(8, 8, warmup=2, check_every=4), path, lambda: "")
    return module.weight.detach()


def test_a_training_that_was_killed_ends_as_one_that_was_not(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tmp_path / "killed.pt", killed_at=6)
    assert torch.equal(train(tmp_path / "killed.pt"), train(tmp_path / "whole.pt"))


def test_a_mark_is_said_in_the_language_models_words(small: Corpus, processor: MmiclProcessor) -> None:
    words = reader(processor)
    for item in small.items:
        decoded = {processor.decode([word]) for _, word, _ in marks(item, 6, words)}
        assert "<unk>" not in decoded and not decoded & {"letter", "digit", "sign"}
        if item.subtask == "existence":
            things = set(item.caption.replace(",", " ").split())
            assert things <= decoded
        if item.subtask == "numerical_calculation":
            assert set(item.caption.partition(" = ")[0].split()[2:]) <= decoded | {"1", "0"}


def test_every_glyph_of_a_page_is_a_target_where_it_stands(small: Corpus, tmp_path: Path) -> None:
    drawn = pages(tmp_path, 4, workers=1)
    glyphs = {label.split()[1] for item in drawn.items for *_, label in item.marks}
    seer = VisionPretrainer(MmiclForConditionalGeneration(configuration(99, 5)), sorted(glyphs), ["scene beach"])
    local = targets_of(seer, drawn).dense(np.arange(4), seer)
    assert torch.allclose(local.sum(-1), torch.ones(4, 36), atol=1e-5)
    for page, item in zip(local, drawn.items, strict=True):
        assert {label.split()[1] for *_, label in item.marks} == {
            word for word, column in seer.words.items() if page[:, column].amax() > 0
        }
        for x, y, label in item.marks:
            assert page[6 * int(6 * y) + int(6 * x), seer.words[label.split()[1]]] > 0.05


@pytest.mark.slow
def test_a_vision_encoder_begins_to_see(small: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    model = MmiclForConditionalGeneration(configuration(99, 5))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    recipe = Recipe(steps=12, batch=4, warmup=2, check_every=6)
    see(model, small, pages(tmp_path, 4, workers=1), small, recipe, tmp_path / "see.pt")
    moved = {key.partition(".")[0] for key, value in model.state_dict().items() if not value.equal(before[key])}
    assert moved == {"vision_model"}
    first, last = (float(line.split("loss ")[1].split()[0]) for line in capsys.readouterr().out.splitlines())
    assert last < first


@pytest.mark.slow
def test_a_q_former_begins_to_say_what_stands_where(
    small: Corpus, processor: MmiclProcessor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    model = MmiclForConditionalGeneration(configuration(processor.tokenizer.size, processor.settings.placeholder_id))
    write_lessons(tmp_path, small, 1, workers=1)
    names = [str(tmp_path / name) for name in picture_names(small)][:6]
    few = Corpus(small.pictures[:6], small.items[:6])
    features = open_features(tmp_path / "features", model)
    complete(features, model, names, lambda path: read_picture(path, processor))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    recipe = Recipe(steps=16, batch=4, learning_rate=1e-3, warmup=2, check_every=8)
    look(model, processor, (few, names), (few, names), features, recipe, tmp_path / "look.pt")
    moved = {key.partition(".")[0] for key, value in model.state_dict().items() if not value.equal(before[key])}
    assert moved == {"qformer", "query_tokens", "language_projection"}
    first, last = (float(line.split("loss ")[1].split()[0]) for line in capsys.readouterr().out.splitlines())
    assert last < first
