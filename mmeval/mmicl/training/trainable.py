"""Which parameters learn: MMICL's trainable sets by name.

The article (arXiv 2309.07915), its released code and its appendix disagree, so each has a name; see the facts
in `docs/training.md`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a misspelt key is said before torch is loaded
    from mmeval.mmicl.modeling import MmiclForConditionalGeneration

QFORMER = r"(query_tokens|qformer\..*)"
PROJECTION = r"language_projection\..*"
QUERY_AND_VALUE = {
    "t5": r"language_model\..*(SelfAttention|EncDecAttention)\.(q|v)\.weight",
    "llama": r"language_model\..*self_attn\.(q_proj|v_proj)\.weight",
    "opt": r"language_model\..*self_attn\.(q_proj|v_proj)\.(weight|bias)",
}
RELEASED_T5 = r"language_model\..*SelfAttention\.q\.weight"
"""The released code meant query and value; its flag on `v` and on cross-attention sat on the module and did nothing."""

TRAINABLE: Mapping[str, str] = {
    "qformer": "Q-Former and projection (stage I)",
    "article": "Q-Former and projection; vision and language frozen",
    "paper": "projection, and query and value of the language model's attention",
    "released": "what the released code trained: projection, and of a T5 the query of self-attention only",
    "paper+qformer": "both of them",
    "full": "everything but the vision encoder",
    "everything": "the vision encoder too",
    "lora": "Q-Former and projection, and low-rank updates of the language model's query and value (peft)",
}


def select(model: MmiclForConditionalGeneration, name: str) -> list[str]:
    """Lets exactly the named set learn; the names of its parameters, sorted.

    Raises KeyError for an unknown name (`TRAINABLE` has them), ValueError where the set is empty.
    """
    pattern = re.compile(_pattern(name, model.config.family))
    chosen = []
    for key, parameter in model.named_parameters():
        parameter.requires_grad_(pattern.fullmatch(key) is not None)
        if parameter.requires_grad:
            chosen.append(key)
    if not chosen:
        raise ValueError(f"the trainable set '{name}' names no parameter of this model")
    return sorted(chosen)


def summary(names: Sequence[str]) -> list[str]:
    """Names of parameters as a person reads them: weight, bias and the layers of a stack on one line, counted."""
    kinds = Counter(re.sub(r"\.\d+\.", ".*.", re.sub(r"\.(weight|bias)$", "", name)) for name in names)
    return [f"{kind} ({count})" if count > 1 else kind for kind, count in kinds.items()]


def _pattern(name: str, family: str) -> str:
    query_and_value = QUERY_AND_VALUE[family]
    return {
        "qformer": f"{QFORMER}|{PROJECTION}",
        "article": f"{QFORMER}|{PROJECTION}",
        "paper": f"{PROJECTION}|{query_and_value}",
        "released": f"{PROJECTION}|{RELEASED_T5 if family == 't5' else query_and_value}",
        "paper+qformer": f"{QFORMER}|{PROJECTION}|{query_and_value}",
        "full": r"(?!vision_model\.).*",
        "everything": ".*",
    }[name]
