"""What a `config.json` says of a model, as plain values: nothing here imports torch or transformers."""

from collections.abc import Mapping
from typing import Any


def is_published_mmicl(values: Any) -> bool:
    """Tell a published MMICL from the model it was trained from; both have the same `model_type`.

    MMICL's training extended the Q-Former's vocabulary of 30,523 words by its special tokens, extended LLaMA's to
    32,022, and recorded the maximum sequence length.
    """
    if not isinstance(values, dict) or values.get("model_type") not in ("blip-2", "instructblip"):
        return False
    text, qformer = (_part(values, name) for name in ("text_config", "qformer_config"))
    llama = text.get("model_type") == "llama" and text.get("vocab_size") == 32022
    return llama or qformer.get("vocab_size") == 30623 or text.get("max_sequence_length") == 1152


def reads_questions(values: Mapping[str, Any]) -> bool:
    """Tell whether a model's Q-Former reads the question: InstructBLIP's, and an MMICL's trained with `instruction`."""
    if values.get("model_type") == "instructblip":
        return not is_published_mmicl(values)
    in_our_format = values.get("max_images") == 1 and _part(values, "qformer_config").get("model_type")
    return values.get("reads_instructions") is True or in_our_format == "instructblip_qformer"


def _part(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = values.get(name)
    return part if isinstance(part, dict) else {}
