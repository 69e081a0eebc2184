"""The configuration of MMICL: its vision encoder, Q-Former and language model, and the visual tokens per picture.

The parts keep transformers' own configuration classes, so the published `config.json` files of BLIP-2 and
InstructBLIP, which MMICL uses too, open unchanged. The ids of tags belong to the processor.
"""

from typing import Any, ClassVar, Literal

from huggingface_hub.dataclasses import strict
from transformers import AutoConfig, PreTrainedConfig
from transformers.configuration_utils import SubConfigSpec

PLACEHOLDER_IDS = {"t5": 32100, "llama": 32001, "opt": 50265}
"""The placeholder id of a visual token, by language model; MMICL's configs do not contain it."""

PUBLISHED = {
    "blip-2": {"vision_config": "blip_2_vision_model", "qformer_config": "blip_2_qformer"},
    "instructblip": {"vision_config": "instructblip_vision_model", "qformer_config": "instructblip_qformer"},
}
"""`model_type` of a published config -> types for parts that do not give their own."""


@strict
class MmiclConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]
    """Configuration of MMICL for both bases and all language-model families.

    `qformer_config` decides the base: a `blip_2_qformer` ends in a layer norm and reads no text, an
    `instructblip_qformer` may read the question. `text_config` is a T5, LLaMA or OPT configuration. Each part
    is a transformers configuration, or a dict with its `model_type`.
    Raises ValueError if the parts do not fit together.
    """

    model_type = "mmicl"
    attribute_map: ClassVar[dict[str, str]] = {"image_token_index": "image_token_id"}
    sub_configs_defaults: ClassVar[dict[str, SubConfigSpec]] = {
        "vision_config": SubConfigSpec(AutoConfig, model_type="instructblip_vision_model"),
        "qformer_config": SubConfigSpec(AutoConfig, model_type="instructblip_qformer"),
        "text_config": SubConfigSpec(AutoConfig, model_type="t5"),
    }

    vision_config: Any = None
    qformer_config: Any = None
    text_config: Any = None
    num_query_tokens: int = 32
    """Visual tokens per picture (T)."""
    image_token_id: int | None = None
    """The placeholder's id; None becomes the published models' id, or -1 if the vocabulary lacks it."""
    stem_channels: list[int] | tuple[int, ...] = ()
    """Channels of a convolutional stem that replaces the patch embedding, each halving the grid; empty: no stem."""
    reads_instructions: bool = False
    """Whether its Q-Former was trained to read the question."""
    max_images: int | None = None
    """The most pictures in a prompt that it was trained for: 1 for a BLIP-2 or InstructBLIP in MMICL's format, 0 for
    its language model alone; None: any number."""
    initializer_range: float = 0.02

    def __post_init__(self, **kwargs: Any) -> None:
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]
        self.qformer_config.encoder_hidden_size = self.vision_config.hidden_size
        self.is_encoder_decoder = self.family == "t5"
        if self.family not in PLACEHOLDER_IDS:
            raise ValueError(
                f"language model '{self.family}' is not supported; choose from {', '.join(PLACEHOLDER_IDS)}"
            )
        if self.stem_channels and 2 ** len(self.stem_channels) != self.vision_config.patch_size:
            raise ValueError(
                f"{len(self.stem_channels)} stem_channels make patches of {2 ** len(self.stem_channels)} "
                f"pixels, but vision_config.patch_size is {self.vision_config.patch_size}"
            )
        if self.image_token_id is None:
            placeholder_id = PLACEHOLDER_IDS[self.family]
            self.image_token_id = placeholder_id if placeholder_id < self.text_config.vocab_size else -1

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> Any:
        """Read our own values, or those of a published BLIP-2, InstructBLIP or MMICL `config.json`."""
        for key in cls.sub_configs_defaults:
            if not isinstance(config_dict.get(key) or {}, dict):
                raise ValueError(f"{key} must be an object, not {config_dict[key]!r}")
        parts = PUBLISHED.get(config_dict.get("model_type", cls.model_type), {})
        typed = {key: {"model_type": kind, **(config_dict.get(key) or {})} for key, kind in parts.items()}
        values = {key: value for key, value in config_dict.items() if key != "model_type"}
        return super().from_dict({**values, **typed}, **kwargs)

    @property
    def family(self) -> str:
        """`t5`, `llama` or `opt`."""
        return str(self.text_config.model_type)

    @property
    def decoder_only(self) -> bool:
        """Whether the answer continues the prompt (LLaMA, OPT), and batches are padded on the left."""
        return not self.is_encoder_decoder

    @property
    def beginning(self) -> Literal["blip-2", "instructblip"]:
        """Which Q-Former it has."""
        return "blip-2" if self.qformer_config.model_type == "blip_2_qformer" else "instructblip"

    @property
    def head_is_tied(self) -> bool:
        """Whether the language model's head is its embedding.

        For T5, transformers 5 reports `tie_word_embeddings` as True whatever the file says, and keeps the file's value
        as `scale_decoder_outputs`.
        """
        flag = "scale_decoder_outputs" if self.family == "t5" else "tie_word_embeddings"
        return bool(getattr(self.text_config, flag))

    @property
    def max_prompt_tokens(self) -> int | None:
        """Longest prompt, visual tokens included; None if positions are relative, as in T5.

        `max_sequence_length` of published MMICLs is the length that training truncated to, not a limit: the README's
        call passes `set_min_padding_size=False`.
        """
        limit = None if self.family == "t5" else getattr(self.text_config, "max_sequence_length", None)
        return limit or getattr(self.text_config, "max_position_embeddings", None)
