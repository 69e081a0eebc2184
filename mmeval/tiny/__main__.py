"""`python -m mmeval.tiny`: trains mmicl-tiny from nothing, stage by stage, each resumable; then exports it."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from mmeval.mmicl.checkpoints import save
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.tiny.answering import look, read
from mmeval.tiny.architecture import PICTURE_SIZE, VISUAL_TOKENS, configuration
from mmeval.tiny.corpus import Corpus, corpus
from mmeval.tiny.loop import Recipe
from mmeval.tiny.questions import CAPTION, Questions
from mmeval.tiny.seeing import see
from mmeval.tiny.vocabulary import make_processor

STAGES = {
    "see": Recipe(steps=6000, batch=64, check_every=500),
    "read": Recipe(steps=4000, batch=32, learning_rate=1e-2, relative=True, weight_decay=0.0, check_every=500),
    "look": Recipe(steps=14000, batch=32, learning_rate=1e-2, relative=True, weight_decay=0.0, check_every=1000),
}
PER_SUBTASK = 5000
HELD_OUT = 100
HELD_OUT_SEED = 1_000_000
WEIGHTS = Path(__file__).parent / "weights" / "mmicl-tiny"


def main() -> None:
    """Runs the stages asked for, in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stages", nargs="*", default=[*STAGES, "export"])
    parser.add_argument("--work", type=Path, default=Path("work/mmicl-tiny"))
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    work: Path = arguments.work
    train = corpus(work / "corpus", PER_SUBTASK)
    held_out = corpus(work / "corpus", HELD_OUT, first_seed=HELD_OUT_SEED)
    processor = make_processor([*train.texts(), CAPTION], VISUAL_TOKENS, PICTURE_SIZE)
    model = new_model(processor)
    for stage in arguments.stages:
        run_stage(stage, model, processor, train, held_out, work)


def run_stage(
    stage: str,
    model: MmiclForConditionalGeneration,
    processor: MmiclProcessor,
    train: Corpus,
    held_out: Corpus,
    work: Path,
) -> None:
    """One stage; what earlier stages left in `work` is loaded first."""
    print(f"stage {stage}", flush=True)
    if stage == "see":
        see(model, train, held_out, STAGES[stage], work / "see.pt")
        torch.save(model.vision_model.state_dict(), work / "vision.pt")
    elif stage == "read":
        read(
            model,
            Questions(train, processor),
            Questions(held_out, processor),
            STAGES[stage],
            work / "read.pt",
        )
        torch.save(model.language_model.state_dict(), work / "language.pt")
    elif stage == "look":
        model.vision_model.load_state_dict(torch.load(work / "vision.pt", weights_only=True))
        model.language_model.load_state_dict(torch.load(work / "language.pt", weights_only=True))
        look(
            model,
            Questions(train, processor),
            Questions(held_out, processor),
            STAGES[stage],
            work / "look.pt",
        )
        torch.save(model.state_dict(), work / "model.pt")
    else:
        model.load_state_dict(torch.load(work / "model.pt", weights_only=True))
        save(model.bfloat16(), processor, WEIGHTS)


def new_model(processor: MmiclProcessor) -> MmiclForConditionalGeneration:
    """Fresh weights, for the processor's vocabulary."""
    return MmiclForConditionalGeneration(configuration(processor.tokenizer.size, processor.settings.placeholder_id))


if __name__ == "__main__":
    main()
