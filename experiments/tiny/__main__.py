"""`python -m experiments.tiny`: trains the tiny family from nothing, stage by stage, each resumable, and exports it.

`see` and `read` make the parts that all members share, as EVA-CLIP and Flan-T5 are shared by the real ones; `look`
gives the Q-Former its beginning, as BLIP-2's own first stage does; `align` and `tune` are stage I and stage II of
`mmeval train`; `export` writes the weights into the repository; `ablate` repeats mmicl-tiny's stage II, shorter,
with one thing changed at a time, for `make replicate`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from experiments.tiny.architecture import PICTURE_SIZE, VISUAL_TOKENS, configuration
from experiments.tiny.corpus import Corpus, corpus, pages
from experiments.tiny.documents import CAPTION, Writer
from experiments.tiny.family import ABLATIONS, FAMILY, Ablation, Member
from experiments.tiny.lessons import picture_names, write_lessons
from experiments.tiny.looking import look
from experiments.tiny.loop import Recipe
from experiments.tiny.reading import read
from experiments.tiny.seeing import see
from experiments.tiny.vocabulary import make_processor, puzzle_texts
from mmeval.mmicl import checkpoints
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.mmicl.training.config import Config
from mmeval.mmicl.training.data import read_picture
from mmeval.mmicl.training.features import complete, open_features
from mmeval.mmicl.training.run import train

SEE = Recipe(steps=8000, batch=64, check_every=500)
READ = Recipe(steps=20000, batch=16, learning_rate=1e-3, check_every=250)
LOOK = Recipe(steps=2000, batch=64, check_every=250, learning_rate=2e-3)
LOOKED = ("qformer.", "query_tokens", "language_projection.")
ALIGN_STEPS, TUNE_STEPS, ABLATION_STEPS, ROWS = 3000, 3200, 400, 16
PER_SUBTASK, PUZZLES_A_KIND, PAGES = 5000, 4000, 12000
HELD_OUT, HELD_OUT_PUZZLES = 100, 40
HELD_OUT_SEED = 1_000_000
WEIGHTS = Path(__file__).resolve().parents[2] / "mmeval" / "embedded" / "weights"


def main() -> None:
    """Run the stages asked for, in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stages", nargs="*", default=["see", "read", "look", "align", "tune", "export"])
    parser.add_argument("--member", choices=FAMILY, action="append", help="default: all")
    parser.add_argument("--work", type=Path, default=Path("work/tiny"))
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    work: Path = arguments.work
    data = corpus(work / "corpus", PER_SUBTASK)
    held_out = corpus(work / "corpus", HELD_OUT, first_seed=HELD_OUT_SEED)
    processor = make_processor([*data.texts(), *puzzle_texts(), CAPTION], VISUAL_TOKENS, PICTURE_SIZE)
    for stage in arguments.stages:
        if stage in ("see", "read"):
            _part(stage, processor, data, held_out, work)
            continue
        write_lessons(work / "lessons", data, PUZZLES_A_KIND)
        write_lessons(work / "held-out", held_out, HELD_OUT_PUZZLES, first_seed=HELD_OUT_SEED)
        family = {name: FAMILY[name] for name in arguments.member or FAMILY}
        if stage == "look":
            _look(processor, data, held_out, work)
        elif stage == "align":
            _align(processor, work)
        elif stage == "ablate":
            for name, change in ABLATIONS.items():
                _ablate(name, change, work)
        for name, member in family.items():
            if stage == "tune":
                _tune(name, member, processor, work)
            elif stage == "export":
                _export(name, processor, work)


def _part(stage: str, processor: MmiclProcessor, data: Corpus, held_out: Corpus, work: Path) -> None:
    """Train the vision encoder, or the language model."""
    print(f"stage {stage}", flush=True)
    model = _new(processor)
    if stage == "see":
        see(model, data, pages(work / "corpus", PAGES), held_out, SEE, work / "see.pt")
        torch.save(model.vision_model.state_dict(), work / "vision.pt")
    else:
        read(model.language_model, Writer(processor), data, held_out, READ, work / "read.pt")
        torch.save(model.language_model.state_dict(), work / "language.pt")


def _look(processor: MmiclProcessor, data: Corpus, held_out: Corpus, work: Path) -> None:
    """Train the Q-Former and the projection."""
    model = _begun(processor, work)
    train, tests = (
        (corpus, [str(folder / name) for name in picture_names(corpus)])
        for corpus, folder in ((data, work / "lessons"), (held_out, work / "held-out"))
    )
    features = open_features(work / "features", model)
    with torch.autocast("cpu", torch.bfloat16):
        complete(features, model, [*train[1], *tests[1]], lambda path: read_picture(path, processor))
    look(model, processor, train, tests, features, LOOK, work / "look.pt")
    torch.save({key: value for key, value in model.state_dict().items() if key.startswith(LOOKED)}, work / "qformer.pt")


def _align(processor: MmiclProcessor, work: Path) -> None:
    """Run stage I: Q-Former and projection learn captions. All members that see begin with what comes of it."""
    model = _begun(processor, work)
    model.load_state_dict(torch.load(work / "qformer.pt", weights_only=True), strict=False)
    if not (work / "base").exists():
        checkpoints.save(model, processor, work / "base")
    learner = Member("captions", context="declaration")
    train(_config(work, work / "align", work / "base", learner, "qformer", ALIGN_STEPS))


def _tune(name: str, member: Member, processor: MmiclProcessor, work: Path) -> None:
    """Run stage II: everything but the vision encoder learns questions. The text model has seen nothing before."""
    base = work / "base" if member.lessons == "blind" else work / "align" / "full"
    if member.instruction:
        base = _that_reads(base, processor, work / "align" / "instructblip")
    train(_config(work, work / name / "tune", base, member, "full", TUNE_STEPS))


def _that_reads(aligned: Path, processor: MmiclProcessor, folder: Path) -> Path:
    """Make the aligned model with InstructBLIP's Q-Former: BLIP-2's, as the real one began, and a new text branch."""
    if not folder.exists():
        model = _new(processor, "instructblip")
        old, new = "qformer.layernorm", "qformer.embeddings.layernorm"  # the same norm, named apart
        known = checkpoints.load_model(aligned).state_dict()
        model.load_state_dict({key.replace(old, new): value for key, value in known.items()}, strict=False)
        checkpoints.save(model, processor, folder)
    return folder


def _ablate(name: str, change: Ablation, work: Path) -> None:
    """Run a short second stage of mmicl-tiny with one thing changed."""
    member = Member(change.lessons, context=change.context)
    output = work / "ablations" / name
    train(_config(work, output, work / "align" / "full", member, change.trainable, ABLATION_STEPS))


def _config(work: Path, output: Path, base: Path, member: Member, trainable: str, steps: int) -> Config:
    return Config(
        model=str(base),
        data=(str(work / "lessons" / f"{member.lessons}.jsonl"),),
        held_out=str(work / "held-out" / f"{member.lessons}.jsonl"),
        output=str(output),
        trainable=trainable,
        context=member.context,
        instruction=member.instruction,
        turns="apart",
        features=str(work / "features"),
        learning_rate=1e-3,
        betas=(0.9, 0.98),
        weight_decay=0.01,
        steps=steps,
        batch=ROWS * (2 if member.instruction else 1),  # such a row holds one question, other rows hold up to seven
        evaluate_every=min(steps, TUNE_STEPS // 5),
        held_out_limit=400,
        workers=1,
        log_every=100,
        save_full=True,
    )


def _export(name: str, processor: MmiclProcessor, work: Path) -> None:
    """Export the weights, in half the bits. Only a Q-Former that reads comes with a tokenizer of its own."""
    model = checkpoints.load_model(work / name / "tune" / "full")
    if not FAMILY[name].instruction:
        processor = MmiclProcessor(processor.tokenizer.source, processor.image_processor, processor.settings)
    checkpoints.save(model.bfloat16(), processor, WEIGHTS / name)


def _begun(processor: MmiclProcessor, work: Path) -> MmiclForConditionalGeneration:
    """Load the parts that all members share, with a fresh Q-Former."""
    model = _new(processor)
    model.vision_model.load_state_dict(torch.load(work / "vision.pt", weights_only=True))
    model.language_model.load_state_dict(torch.load(work / "language.pt", weights_only=True))
    return model


def _new(processor: MmiclProcessor, beginning: str = "blip-2") -> MmiclForConditionalGeneration:
    """Make fresh weights, for the processor's vocabulary."""
    settings = processor.settings
    return MmiclForConditionalGeneration(configuration(processor.tokenizer.size, settings.placeholder_id, beginning))


if __name__ == "__main__":
    main()
