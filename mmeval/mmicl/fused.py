"""T5's activation and layer norm as one kernel each, in evaluation and training.

transformers writes both out in several operations, each of which reads and writes the whole tensor: on a GPU they cost
more than the matrix products between them. The numbers are the same within rounding.
"""

import transformers.models.auto.modeling_auto  # noqa: F401  # before any model's module: MMICL registers itself after it
from torch import Tensor, nn
from torch.nn import functional
from transformers.activations import NewGELUActivation
from transformers.models.t5.modeling_t5 import T5DenseActDense, T5DenseGatedActDense, T5LayerNorm


class FusedT5LayerNorm(T5LayerNorm):  # type: ignore[no-untyped-call]
    """T5's root-mean-square norm (Zhang and Sennrich, arXiv 1910.07467): no mean is taken off, and there is no bias."""

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Normalise [..., D]; the mean of squares is taken in float32 whatever the dtype."""
        weight: Tensor = self.weight
        if hidden_states.dtype == weight.dtype:
            return functional.rms_norm(hidden_states, weight.shape, weight, self.variance_epsilon)
        normal = functional.rms_norm(hidden_states.float(), weight.shape, None, self.variance_epsilon)
        return weight * (normal if weight.dtype.itemsize == 4 else normal.to(weight.dtype))


def fuse(module: nn.Module) -> None:
    """Replace T5's activation and layer norm in every part of a module; parameters and their names stay."""
    for part in module.modules():
        if type(part) is T5LayerNorm:
            part.__class__ = FusedT5LayerNorm
        elif isinstance(part, (T5DenseActDense, T5DenseGatedActDense)) and isinstance(part.act, NewGELUActivation):
            part.act = nn.GELU(approximate="tanh")
