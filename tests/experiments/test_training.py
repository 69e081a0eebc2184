"""The tiny models train on the prompts of the evaluation, and every lesson is true."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from experiments.tiny import clips, forms, lessons, symbols
from experiments.tiny.averaging import average
from experiments.tiny.batches import Lecturer, collate, held_out, write
from experiments.tiny.beginning import begin
from experiments.tiny.checkpoint import begin_with, resume, save
from experiments.tiny.corpus import Corpus, corpus, pages
from experiments.tiny.drawing import draw, encode, normalized, open_features, open_pixels
from experiments.tiny.export import export, make_processor
from experiments.tiny.eyes import Eyes
from experiments.tiny.learning import RIGHT, learn
from experiments.tiny.lesson import Answer, Claim, Mention, Part, Show, asked, pictures
from experiments.tiny.loop import Recipe as Fitting
from experiments.tiny.loop import fit
from experiments.tiny.members import ABLATIONS, FAMILY, member_of
from experiments.tiny.network import LlamaLayer, TinyMmicl
from experiments.tiny.pace import Pace
from experiments.tiny.pool import Amounts, Item, Pool, Shown, plan
from experiments.tiny.seeing import VisionPretrainer, see, targets_of
from experiments.tiny.sizes import Sizes
from experiments.tiny.stages import SEVERAL, WORDINGS, Source, Stage, seen, words
from experiments.tiny.stepping import Recipe, Stepper, let_learn, loss_of, weights_of
from experiments.tiny.vision import Vision
from experiments.tiny.vocabulary import Vocabulary, forms_texts, make_vocabulary
from experiments.tiny.writing import How, Writer, Written
from mmeval.embedded import world
from mmeval.embedded.suites import iq50, muirbench, nlvr2, winoground
from mmeval.embedded.world.puzzles import puzzles
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.things import KINDS, NUMBERS, SHAPES
from mmeval.embedded.world.view import plural
from mmeval.engine.prompts import flatten
from mmeval.mmicl import checkpoints
from mmeval.mmicl.context import CONTEXTS, ImageMention, ImagePlace
from mmeval.mmicl.context import Part as PromptPart
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.rendering import render
from mmeval.task import load_task

LEAST = Amounts(items=2, singles=1, pairs=2, rows=1, counted=36, clips=8)


def planned(split: world.Split) -> Pool:
    """Plan a pool whose pictures are never painted."""
    pool, jobs = plan(split, LEAST)
    for row, (what, seed) in enumerate(jobs):
        if isinstance(what, str) and isinstance(seed, int):
            view = world.draw(what, seed, split)
            yes, no = view.pair
            item = Item(row, what, ((yes, True), (no, False), *view.more), view.probes)
            pool.items.setdefault(what, []).append(item)
            pool.shown[row] = Shown(view.caption, view.caption)
    return pool


@pytest.fixture(scope="module")
def pool() -> Pool:
    return planned("train")


@pytest.fixture(scope="module")
def vocabulary(pool: Pool) -> Vocabulary:
    return make_vocabulary([*pool.texts(), *forms_texts()])


@pytest.fixture(scope="module")
def writer(vocabulary: Vocabulary) -> Writer:
    return Writer(vocabulary, Sizes(vocabulary.size).visual_tokens)


@pytest.fixture(scope="module")
def packed(vocabulary: Vocabulary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    vocabulary.save(folder)
    return folder


@pytest.fixture(scope="module")
def processor(packed: Path) -> MmiclProcessor:
    return make_processor(packed, reads=True)


@pytest.mark.parametrize("name", ["mmicl-tiny", "instructblip-tiny"])
def test_what_was_trained_is_what_is_loaded(name: str, vocabulary: Vocabulary, packed: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    reads = name == "instructblip-tiny"
    ours = TinyMmicl(Sizes(vocabulary.size, reads)).eval()
    begin(ours)
    halves = {key: weight.bfloat16() for key, weight in ours.state_dict().items()}
    ours.load_state_dict({key: weight.float() for key, weight in halves.items()})
    save_file(halves, packed / f"{name}.safetensors")
    export(packed, tmp_path, [name])
    assert (tmp_path / name / "model.safetensors").stat().st_size < 15_000_000
    theirs, _ = checkpoints.load(tmp_path / name)
    ids = torch.randint(5, 400, (1, 60))
    ids[0, 3:19] = ids[0, 30:46] = vocabulary.placeholder
    text = torch.tensor([[7, 8, 9], [7, 8, 0]]) if reads else None
    with torch.no_grad():
        pixels = torch.randn(2, 3, 96, 96)
        states = ours.vision_model(pixels)
        assert torch.allclose(states, theirs.encode(pixels), atol=1e-5)
        visual = ours.visual(states, text)
        asked_of = theirs.query(states, text, None if text is None else (text != 0).long())
        assert torch.allclose(visual, asked_of, atol=1e-5)
        embeds = theirs.merge(ids, asked_of, torch.tensor([2]))
        rows = ids.clone()
        rows[ids == vocabulary.placeholder] = vocabulary.size + torch.arange(32)
        logits = ours(rows, visual) @ ours.table.T
        assert torch.allclose(logits, theirs.language_model(inputs_embeds=embeds).logits, atol=1e-3)


def test_two_heads_begin_by_looking_back_one_token_and_two() -> None:
    torch.manual_seed(0)
    model = TinyMmicl(Sizes(50))
    begin(model)
    layer = cast(LlamaLayer, model.layers[0])
    states = layer.input_layernorm(torch.randn(1, 40, 256))
    query, key = (layer.self_attn[name](states).unflatten(-1, (4, -1)).transpose(1, 2) for name in ("q_proj", "k_proj"))

    def turned(vectors: Tensor) -> Tensor:
        one, two = vectors.chunk(2, -1)
        cosines, sines = model.cosines[:40], model.sines[:40]
        return torch.cat([one * cosines - two * sines, two * cosines + one * sines], -1)

    scores = (turned(query) @ turned(key).transpose(-1, -2))[0].masked_fill(torch.ones(40, 40).triu(1).bool(), -1e9)
    for head, back in ((0, 1), (1, 2)):
        found = scores[head].argmax(-1)[10:] - torch.arange(10, 40)
        assert (found == -back).float().mean() > 0.9


def test_before_it_learns_it_expects_what_followed_a_word_and_tells_whether_it_comes() -> None:
    torch.manual_seed(0)
    model = TinyMmicl(Sizes(400))
    begin(model)
    words = torch.stack([torch.randperm(390)[:8] + 5 for _ in range(200)])
    said = torch.cat([words[:100, 3:4], words[100:, 5:6]])
    ids = torch.cat([words, words[:, 2:3], said], 1)  # a b c d e f g h, c: then d, as expected, or f
    found: list[Tensor] = []
    layer = cast(LlamaLayer, model.layers[2])
    layer.mlp["down_proj"].register_forward_hook(lambda module, inputs, output: found.append(output))
    with torch.no_grad():
        states = model(ids)
    scores = states[:, -2] @ model.table.T
    better = (scores > scores.gather(1, words[:, 3:4])).sum(1)
    assert (better < 40).float().mean() > 0.6  # of 400 words, of which chance finds a tenth
    match = found[0][:, -1] @ found[0][:100, -1].mean(0)
    assert (match[:100] > match[100:].median()).float().mean() > 0.9


WAYS: tuple[How, ...] = ("declaration", "mme-authors", "plain", "side-by-side", "none")


@pytest.mark.parametrize("how", WAYS)
def test_a_lesson_is_written_as_the_processor_writes_its_prompt(
    how: How, writer: Writer, processor: MmiclProcessor
) -> None:
    texts = ("a 'kelt' shows ", " and image ", ", is it red?")
    lesson: list[Part] = [Show(4), Show(7), texts[0], Mention(1), texts[1], Mention(0), texts[2], Answer("yes")]
    parts: list[PromptPart] = [
        ImagePlace(0),
        ImagePlace(1),
        texts[0],
        ImageMention(1),
        texts[1],
        ImageMention(0),
        texts[2],
    ]
    if how in ("side-by-side", "none"):
        parts = [part for part in parts if part != ImagePlace(1)][how == "none" :]
    context = CONTEXTS[how if how in CONTEXTS else "plain"]
    written = writer.write(lesson, how)
    prompt = list(processor.prompt(parts, context).ids)
    assert written.ids == [*prompt, *processor.answer("yes")]
    assert written.learned == [False] * len(prompt) + [True, True]


def prompts(task_name: str, folder: Path, processor: MmiclProcessor, count: int) -> Iterator[list[int]]:
    """Yield the first prompts of an embedded suite, as mmicl-tiny is asked them."""
    task = load_task(task_name)
    read = task.few_shot(str(folder), 1, 0) if task.few_shot else task.samples(str(folder))
    for sample in islice(read, count):
        flat = flatten(render(task, sample, next(iter(task.prompts))))
        yield list(processor.prompt(flat.parts, CONTEXTS["declaration"]).ids)


class Fixed(Rng):
    """Rolls what it is told."""

    def __init__(self, *rolls: int) -> None:
        super().__init__("fixed")
        self.rolls = list(rolls)

    def below(self, end: int) -> int:
        return self.rolls.pop(0)

    def coin(self, heads: float = 0.5) -> bool:
        return bool(self.rolls.pop(0))


def prompt_of(writer: Writer, lesson: Sequence[Part]) -> list[int]:
    written = writer.write(lesson, "declaration")
    return written.ids[: written.learned.index(True)]


def test_lessons_are_worded_as_the_benchmarks_are(
    writer: Writer, processor: MmiclProcessor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmeval.embedded.suites.COUNT", 1)
    for suite in (nlvr2, winoground, iq50, muirbench):
        (tmp_path / suite.__name__).mkdir()
        suite(tmp_path / suite.__name__)
    rng = Rng("any")
    first = {kind: puzzles(kind, 0, "test")[0] for kind in ("both", "matching", "series", "which")}
    shown = list(range(4))

    def found(task: str, folder: str, count: int) -> list[list[int]]:
        return list(prompts(task, tmp_path / folder, processor, count))

    assert prompt_of(writer, forms.nlvr2(rng, first["both"], shown[:2])) == found("nlvr2", "nlvr2", 1)[0]
    assert prompt_of(writer, forms.iq50(rng, first["series"], shown)) in found("iq50", "iq50", 6)
    which = first["which"]
    assert (
        prompt_of(writer, forms.muirbench(rng, which, shown[: len(which.scenes)]))
        == found("muirbench", "muirbench", 1)[0]
    )
    pair = first["matching"]
    cells = found("winoground", "winoground", 4)
    for caption in range(2):
        assert prompt_of(writer, forms.match(Fixed(caption, 0), pair, shown[:2])) in cells
    choice = found("winoground-choice", "winoground", 4)
    assert prompt_of(writer, forms.letter(Fixed(0, 1), pair, shown[:2])) in choice
    assert prompt_of(writer, forms.letter(Fixed(0, 0), pair, shown[:2])) in choice
    swapped = prompt_of(writer, forms.joint(Fixed(1, 0), pair, shown[:2]))
    assert any(sorted(swapped) == sorted(one) for one in found("winoground-joint", "winoground", 4))


def test_one_picture_is_asked_about_as_mme_and_mmbench_do(writer: Writer, processor: MmiclProcessor) -> None:
    found = Item(0, "scene", (("Is this scene a farm?", True),) * 2, (("what place is this ?", "farm"),))
    lettered = "Question: what place is this ?\nOptions:\n"
    ends = {"Please answer yes or no.", "the options above. \n"}
    texts = {"".join(map(str, forms.single(Rng(f"{seed}"), found, "a farm")[:-1])) for seed in range(300)}
    assert " Is this scene a farm? Please answer yes or no." in texts  # MME's
    assert " Is this scene a farm?" in texts  # POPE's
    assert any(text.startswith(lettered) and "A. " in text and text.endswith("options above. \n") for text in texts)
    assert all(any(text.endswith(end) for text in texts) for end in ends)


def test_answers_are_true_of_the_pictures_that_were_looked_up(pool: Pool) -> None:
    def kinds(picture: int) -> list[str]:
        return [thing.kind.name for thing in pool.shown[picture].things]

    for seed in range(60):
        rng = Rng(f"true {seed}")
        which = lessons.puzzle(rng, pool, "which")
        names = [kinds(picture) for picture in pictures(which)]
        wanted = str(which[len(names)]).removeprefix("Which image shows ").removesuffix("?").split(" ", 1)[1]
        right = [slot for slot, shown in enumerate(names) if wanted in shown]
        assert [f"image {slot}" for slot in right] == [first_answer(which)]
        match = lessons.puzzle(rng, pool, "matching", "match")
        caption = str(match[1]).partition("Caption: ")[2].partition("\n")[0]
        left, sides, right_one = caption.partition(" to the left of ")
        ordered = sorted(pool.shown[pictures(match)[0]].things, key=lambda thing: thing.column)
        shown = [thing.kind.name for thing in ordered]
        told = [text.split(" ", 1)[1] for text in ((left, right_one) if sides else caption.split(" and "))]
        assert first_answer(match) == ("yes" if (shown == told if sides else set(shown) == set(told)) else "no")
        both = lessons.puzzle(rng, pool, "both")
        if "in all" in str(both[2]):
            shape = str(both[2]).split()[3].rstrip("es")
            total = sum(name.split()[1].startswith(shape) for p in pictures(both) for name in kinds(p))
            claimed = ("zero", "one", "two", "three", "four", "five").index(str(both[2]).split()[2])
            assert first_answer(both) == ("yes" if total == claimed else "no")


def first_answer(lesson: Sequence[Part]) -> str:
    return next(part.text for part in lesson if isinstance(part, Answer))


def test_what_has_a_new_name_can_be_told_from_its_demonstrations(pool: Pool) -> None:
    labels = set()
    for seed in range(40):
        for form in ("own", "half", "open", "icl"):
            lesson = lessons.demonstrated(Rng(f"{form} {seed}"), pool, form, 2)
            named: dict[str, str] = {}
            seen_before: set[str] = set()
            shown = iter(pictures(lesson))
            for part in lesson:
                if isinstance(part, Answer):
                    kind = pool.shown[next(shown)].things[0].kind.name
                    assert named.setdefault(kind, part.text) == part.text
                    assert part.learned == (kind in seen_before)
                    seen_before.add(kind)
                    labels.add(part.text)
            assert len(set(named.values())) == len(named) == 2
    assert len(labels) > 60  # drawn anew in every document


def test_the_letter_is_that_of_the_picture_with_the_caption(pool: Pool) -> None:
    letters = set()
    for seed in range(40):
        first, picture, _, other, end, answer = lessons.puzzle(Rng(f"{seed}"), pool, "which", "pick")
        assert isinstance(picture, Show) and isinstance(other, Show) and isinstance(answer, Answer)
        wanted = str(first).partition("Caption: ")[2].removesuffix("\nA. ").split()[1:]
        there = [
            any(thing.kind.name.split() == wanted for thing in pool.shown[one.picture].things)
            for one in (picture, other)
        ]
        assert there == [answer.text == "A", answer.text == "B"] and end == "\nAnswer with A or B."
        letters.add(answer.text)
    assert letters == {"A", "B"}


def test_what_two_pictures_show_adds_up(pool: Pool) -> None:
    for seed in range(40):
        lesson = lessons.puzzle(Rng(f"{seed}"), pool, "both", "counts")
        shown = [pool.shown[part.picture].things for part in lesson if isinstance(part, Show)]
        shape = next(known for known in SHAPES if plural(known) in "".join(map(str, lesson)))
        numbers = [sum(thing.kind.shape == shape for thing in things) for things in shown]
        for place, part in enumerate(lesson):
            if isinstance(part, Answer):
                where = lesson[place - 2]
                number = numbers[where.slot] if isinstance(where, Mention) else sum(numbers)
                assert part.text == NUMBERS[number]


def test_training_never_shows_what_the_tests_do() -> None:
    train, test = planned("train"), planned("test")
    assert not any(thing.held_out for shown in train.shown for thing in shown.things)
    assert all(test.shown[rows[0]].things[0].held_out for rows in test.singles.values())


def test_every_source_is_known_to_the_tokenizer_and_teaches_something(
    pool: Pool, writer: Writer, vocabulary: Vocabulary
) -> None:
    known = [
        "water",
        "fire",
        "moon",
        "house",
        "bread",
        "door",
        "road",
        "river",
        "stone",
        "gold",
        "night",
        "bird",
        "sun",
    ]
    stages = [*words(known), *seen(known, ("declaration",)), *seen(known, ("plain",), single=True)]
    for stage in stages:
        for name, source in stage.sources.items():
            for seed in range(4):
                written = write(writer, source, Rng(f"{name} {seed}"), pool, reads=False)
                assert any(written.learned) and 2 not in written.ids, (stage.name, name)
                assert len(written.ids) == len(written.learned)
                if source.hows != ("words",):
                    assert written.ids.count(vocabulary.placeholder) == 16 * len(written.pictures)
    assert {form for _, form in WORDINGS} == forms.FORMS.keys()
    assert all(kind in stage.sources for stage in stages if stage.name == "everything" for kind in SEVERAL)


def test_a_new_word_is_spelled_in_quotes_and_in_pieces_elsewhere(processor: MmiclProcessor) -> None:
    encode = processor.tokenizer.encode
    assert len(encode("'kelt'")) == 6
    assert processor.decode(encode("kelt")) == "kelt"
    assert processor.decode(encode("red circle")) == "red circle"


def trained(model: TinyMmicl) -> list[nn.Parameter]:
    """Return what the optimizer of `learn` holds."""
    return [weight for name, weight in model.named_parameters() if not name.startswith("vision_model.")]


def test_a_stage_ends_when_its_tests_are_passed_and_training_goes_on_where_it_was_cut(
    pool: Pool, writer: Writer, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    sizes = Sizes(vocabulary.size, language=64, layers=1, heads=2, ffn=64)
    model = TinyMmicl(sizes)
    begin(model)

    same = Source(1.0, lambda rng, pool: asked(["is it ?"], "yes"), ("words",))
    hard = Source(1.0, lambda rng, pool: symbols.paired(rng, ["sun", "moon", "fire", "water", "door"], 2), ("words",))
    stages = [Stage("easy", {"easy": same}, 1.0, ("easy",), 0.9), Stage("hard", {"hard": hard}, 1.0, ("hard",))]
    tests = held_out(stages, pool, writer, 4, False)
    lines: list[dict[str, object]] = []
    eyes = Eyes(model, None, None, torch.device("cpu"))

    def run(seconds: float) -> None:
        lecturer = Lecturer(stages, pool, writer, 200, 4, "cut", False)
        learn(
            "it", model, lecturer, stages, tests, eyes, Recipe(seconds, rate=1e-2, warmup=2, check_every=5), 0,
            tmp_path / "it.safetensors", lambda text: lines.append(json.loads(text)),
            clock=partial(next, count(step=0.01)),
        )  # fmt: skip

    run(1.0)
    begun = [line for line in lines if "begins" in line]
    assert [(line["begins"], line["passed"]) for line in begun] == [("hard", True)]
    reached = resume(tmp_path / "it.safetensors", model, torch.optim.AdamW(trained(model)))
    assert (reached["stage"], reached["step"]) == (1, lines[-1]["step"])
    lines.clear()
    run(2.0)
    assert not any("begins" in line for line in lines)
    assert int(str(lines[-1]["step"])) > reached["step"]


def test_two_checkpoints_become_their_mean(tmp_path: Path) -> None:
    module = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(module.parameters())
    paths = tmp_path / "one.safetensors", tmp_path / "other.safetensors"
    for place, path in enumerate(paths):
        module(torch.full((4, 3), 1.0 + place)).sum().backward()
        optimizer.step()
        save(path, module, optimizer, {"step": 5 + place, "stage": 3, f"{RIGHT}same": 0.5 + 0.2 * place})
    tensors = [load_file(path) for path in paths]
    average(*paths)
    for path in paths:
        for key, tensor in load_file(path).items():
            assert torch.allclose(tensor, (tensors[0][key] + tensors[1][key]) / 2)
        assert resume(path, module, optimizer) == {"step": 6, "stage": 3, f"{RIGHT}same": pytest.approx(0.6)}
    save(paths[0], nn.Linear(2, 2), optimizer, {"step": 5, "stage": 3})
    with pytest.raises(SystemExit, match="not checkpoints of the same model"):
        average(*paths)


def test_a_member_begins_with_the_weights_of_another(tmp_path: Path) -> None:
    torch.manual_seed(0)
    known, reading = (TinyMmicl(Sizes(50, reads)) for reads in (False, True))
    for model in (known, reading):
        begin(model)
    file = tmp_path / "model.safetensors"
    save_file({key: weight.bfloat16() for key, weight in known.state_dict().items()}, file)
    words = reading.state_dict()["qformer.embeddings.word_embeddings.weight"].clone()
    begin_with(reading, file)
    states = torch.randn(2, 37, 192)
    assert torch.allclose(reading.visual(states), known.bfloat16().float().visual(states), atol=1e-5)
    assert torch.equal(reading.state_dict()["qformer.embeddings.word_embeddings.weight"], words)
    with pytest.raises(SystemExit, match="1 weights do not fit this member, the first is language_"):
        begin_with(TinyMmicl(Sizes(51)), file)
    save_file(reading.state_dict(), file)
    with pytest.raises(SystemExit, match=r"do not fit this member, the first is qformer\.embeddings"):
        begin_with(known, file)
    with pytest.raises(SystemExit, match="no such weights"):
        begin_with(known, tmp_path / "other.safetensors")


def test_pictures_are_seen_in_their_rows_and_side_by_side_in_one(vocabulary: Vocabulary) -> None:
    class Sees:
        training = True

        def vision_model(self, pixels: Tensor) -> Tensor:
            return pixels.mean((2, 3))[:, None].repeat(1, 2, 1)

    features = torch.arange(5.0)[:, None, None].repeat(1, 2, 3)
    pixels = torch.arange(5).byte()[:, None, None, None].repeat(1, 8, 8, 3) * 40
    written = [Written([1], [True], [False], *of) for of in (([3, 1], [5]), ([], [5]), ([2], [6]))]
    batch = collate(written, vocabulary, True)
    cpu = torch.device("cpu")
    apart = Eyes(Sees(), features, None, cpu)(batch)  # type: ignore[arg-type]
    assert apart is not None and apart[:, 0, 0].tolist() == [3.0, 1.0, 2.0]
    pasted = Eyes(Sees(), features, pixels, cpu)(batch)  # type: ignore[arg-type]
    assert pasted is not None and len(pasted) == 3  # one picture a row
    middle = normalized(torch.full((1, 1, 1, 3), 80).byte()).flatten()
    assert torch.allclose(pasted[0, 0], middle, atol=0.05)
    assert pasted[2, 0, 0] == 2.0


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus(tmp_path_factory.mktemp("corpus"), per_subtask=1, workers=1)


def test_the_corpus_is_drawn_once(small: Corpus, tmp_path: Path) -> None:
    first, again = (corpus(tmp_path, per_subtask=1, workers=1) for _ in range(2))
    assert first.items == again.items == small.items
    assert (first.pictures == again.pictures).all()


def test_training_pixels_are_the_processors(small: Corpus, processor: MmiclProcessor) -> None:
    ours = normalized(torch.from_numpy(np.array(small.pictures[:1])))
    assert torch.allclose(ours[0], processor.pixels([Image.fromarray(small.pictures[0])])[0], atol=1e-6)


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

    fit(module, list(module.parameters()), loss_of, Fitting(8, 8, warmup=2, check_every=4), path, lambda: "")
    return module.weight.detach()


def test_a_training_that_was_killed_ends_as_one_that_was_not(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tmp_path / "killed.safetensors", killed_at=6)
    assert torch.equal(train(tmp_path / "killed.safetensors"), train(tmp_path / "whole.safetensors"))


def test_every_glyph_of_a_page_is_a_target_where_it_stands(tmp_path: Path) -> None:
    drawn = pages(tmp_path, 4, workers=1)
    glyphs = {label.split()[1] for item in drawn.items for *_, label in item.marks}
    seer = VisionPretrainer(Vision(Sizes(1)), Sizes(1), sorted(glyphs), ["scene beach"])
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
    recipe = Fitting(steps=12, batch=4, warmup=2, check_every=6)
    see(Vision(Sizes(1)), small, pages(tmp_path, 4, workers=1), small, recipe, tmp_path / "see.safetensors")
    first, last = (float(line.split("loss ")[1].split()[0]) for line in capsys.readouterr().out.splitlines())
    assert last < first


def test_pictures_are_drawn_and_encoded_once_and_other_amounts_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.tiny.pool.KINDS", KINDS[:6])
    few = Amounts(items=1, singles=1, pairs=2, rows=1, counted=36, clips=1)
    drawn = draw(tmp_path, "test", few, 1)
    stamp = (tmp_path / "test.u8").stat().st_mtime_ns
    again = draw(tmp_path, "test", few, 1)
    assert (again.items, again.shown) == (drawn.items, drawn.shown)
    assert (tmp_path / "test.u8").stat().st_mtime_ns == stamp
    encode(lambda pixels: pixels.mean((2, 3))[:, None], tmp_path, "test", torch.device("cpu"))
    picture = torch.from_numpy(open_pixels(tmp_path, "test")[-1:].copy())
    assert torch.allclose(open_features(tmp_path, "test")[-1, 0].float(), normalized(picture).mean((2, 3)), atol=1e-2)
    with pytest.raises(SystemExit, match="requested test pictures"):
        draw(tmp_path, "test", Amounts(items=2, singles=1, pairs=2, rows=1, counted=36, clips=1), 1)


def test_the_words_of_a_claim_are_learned_a_little_and_its_truth_wholly(pool: Pool, writer: Writer) -> None:
    written = writer.write([Claim(" is it red ?"), " please answer . ", Answer("yes")], "plain")
    flags = (written.claimed, written.learned)
    claimed, learned = ([one for one, flag in zip(written.ids, of, strict=True) if flag] for of in flags)
    assert claimed == list(writer.tokens("is it red ?")) and learned == [*writer.tokens("yes"), 1]
    asked_twice = [clips.moving(Rng(f"clip {seed}"), pool, "") for seed in range(60)]
    answers = [[part.text for part in lesson if isinstance(part, Answer)] for lesson in asked_twice]
    pairs = {tuple(two) for two in answers if len(two) == 2}
    assert {("yes", "no"), ("no", "yes")} & pairs and ("no", "no") in pairs  # the first answer does not tell the second


def test_claims_count_only_where_the_q_former_does_not_read_them(pool: Pool, writer: Writer) -> None:
    source = Source(1.0, lessons.verified, ("side-by-side",))
    learned = [write(writer, source, Rng(f"{seed}"), pool, reads=True) for seed in range(20)]
    assert {bool(one.question) for one in learned} == {True, False}
    assert all(any(one.claimed) != bool(one.question) for one in learned)
    tested = [write(writer, source, Rng(f"{seed}"), pool, reads=True, tested=True) for seed in range(20)]
    assert all(one.question for one in tested)


@pytest.mark.parametrize("name", ["paper", "paper+qformer", "article", "full", "language"])
def test_every_set_of_the_ablations_learns(name: str) -> None:
    model = TinyMmicl(Sizes(50))
    let_learn(model, name)
    learning = {key for key, weight in model.named_parameters() if weight.requires_grad}
    assert learning and not any(key.startswith("vision_model.") for key in learning)
    assert any("q_proj" in key for key in learning) == (name != "article")


@pytest.mark.parametrize("pasted", [False, True])
def test_a_padded_batch_means_the_same(pasted: bool, pool: Pool, writer: Writer, vocabulary: Vocabulary) -> None:
    torch.manual_seed(0)
    model = TinyMmicl(Sizes(vocabulary.size, language=64, layers=1, heads=2, ffn=64, reads=pasted))
    begin(model)
    draws = [partial(lessons.several, pool=pool), partial(lessons.described, pool=pool)]
    hows: tuple[How, ...] = ("side-by-side",) if pasted else ("declaration", "plain")
    written = [writer.write(draws[seed % 2](Rng(f"{seed}")), hows[seed % len(hows)]) for seed in range(4)]
    features = torch.randn(len(pool.shown), 37, 192)
    losses = []
    for size in ((0, 0, 0), (6, 448, 40)):
        batch = collate(written, vocabulary, pasted, size)
        states = features[batch.pictures]
        if pasted:
            states = torch.cat([features[one.pictures[:1]] for one in written])
            states = torch.cat([states, states.new_zeros(len(batch.ids) - 4, 37, 192)])
        text = batch.questions if pasted else None
        weights = weights_of(batch.learned, batch.claimed, 0.3)
        losses.append(loss_of(model, batch.rows, batch.ids, weights, states, text))
    assert batch.ids.shape == (6, 448) and len(batch.pictures) == 40
    assert torch.allclose(losses[0], losses[1], atol=1e-5)


def test_what_is_passed_is_given_less_often(pool: Pool, writer: Writer) -> None:
    def source(word: str) -> Source:
        return Source(1.0, lambda rng, pool: asked([f"{word} ?"], "yes"), ("words",))

    lecturer = Lecturer([Stage("one", {"red": source("red"), "blue": source("blue")}, 1.0)], pool, writer, 320, 8, "it")
    lecturer.weigh({"red": 1.0, "blue": 0.5, "of another stage": 0.0})
    red, blue = (writer.tokens(word)[0] for word in ("red", "blue"))
    ids = torch.cat([batch.ids.flatten() for batch in islice(lecturer, 100)]).tolist()
    assert 6 < ids.count(blue) / ids.count(red) < 16


def test_models_that_train_at_once_wait_for_the_slowest_and_end_together() -> None:
    steps = [0, 0]
    one, other = (Pace(place, steps, time.time() + 0.2) for place in range(2))
    assert one(40) and other(0)
    assert not one(41)  # waits until the time is over
    late = Pace(0, steps, time.time() + 60)
    other.end(failed=False)
    assert not late(41)


def test_a_model_that_fails_does_not_end_the_others() -> None:
    steps = [0, 0, 0]
    one, broken, _ = (Pace(place, steps, time.time() + 60) for place in range(3))
    broken.end(failed=True)
    steps[2] = 1000
    assert one(1000)


def test_a_step_without_finite_gradients_is_skipped_and_counted(pool: Pool, writer: Writer) -> None:
    torch.manual_seed(0)
    model = TinyMmicl(Sizes(writer.vocabulary.size))
    begin(model)
    sources = {"several": Source(1.0, lessons.several)}
    batch = next(iter(Lecturer([Stage("one", sources, 1.0)], pool, writer, 600, 2, "it")))
    features = torch.randn(len(pool.shown), 37, 192)
    features[batch.pictures[0]] = torch.nan
    stepper = Stepper(model, Eyes(model, features, None, torch.device("cpu")), Recipe(1))
    before = copy.deepcopy(trained(model))
    assert stepper(batch, 1e-3).isfinite()
    assert all(torch.equal(a, b) for a, b in zip(trained(model), before, strict=True))
    features[batch.pictures[0]] = 0
    stepper(batch, 1e-3)
    assert not torch.equal(trained(model)[0], before[0])
    assert int(stepper.skipped) == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_recorded_steps_change_the_weights_as_ordinary_ones_do(pool: Pool, writer: Writer) -> None:
    torch.manual_seed(0)
    model = TinyMmicl(Sizes(writer.vocabulary.size))
    begin(model)
    sources = {"several": Source(1.0, lessons.several)}
    batch = next(iter(Lecturer([Stage("one", sources, 1.0)], pool, writer, 16_384, 128, "it", fixed=True)))
    features = torch.randn(len(pool.shown), 37, 192, device="cuda")

    def changed(recorded: bool) -> Tensor:
        mine = copy.deepcopy(model).cuda()
        stepper = Stepper(mine, Eyes(mine, features, None, torch.device("cuda")), Recipe(1))
        for _ in range(6):
            stepper(batch, 1e-4)
            if not recorded:
                stepper.recorded.clear()
        return torch.cat([(a - b.cuda()).flatten() for a, b in zip(trained(mine), trained(model), strict=True)])

    first, again, replayed = changed(False), changed(False), changed(True)
    assert (first - replayed).norm() < 3 * (first - again).norm() + 0.02 * first.norm()


def test_a_member_may_have_another_seed() -> None:
    assert member_of("mmicl-tiny seed 2") == (FAMILY["mmicl-tiny"], 2)
    assert member_of("paper") == (ABLATIONS["paper"], 0)
    for name in ("mmicl", "paper seed one"):
        with pytest.raises(ValueError, match=f"unknown member '{name}'; choose from mmicl-tiny, "):
            member_of(name)
