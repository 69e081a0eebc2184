"""What an MMICL is made of: a vision encoder, a Q-Former and a language model, and how many tokens a picture is.

The parts keep transformers' own configuration classes, so the published `config.json` files of BLIP-2 and
InstructBLIP (which are those of MMICL too) open as they are. Token ids of tags belong to the processor.
"""

from typing import Any, ClassVar, Literal

from huggingface_hub.dataclasses import strict
from transformers import AutoConfig, PreTrainedConfig
from transformers.configuration_utils import SubConfigSpec

PLACEHOLDER_IDS = {"t5": 32100, "llama": 32001, "opt": 50265}
"""The id that stands for a visual token, by language model: MMICL's configs do not say it."""

PUBLISHED = {
    "blip-2": {"vision_config": "blip_2_vision_model", "qformer_config": "blip_2_qformer"},
    "instructblip": {"vision_config": "instructblip_vision_model", "qformer_config": "instructblip_qformer"},
}
"""`model_type` of a published config -> the types its parts have where they do not say so themselves."""


@strict
class MmiclConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]
    """Configuration of MMICL in both beginnings and all language-model families.

    `qformer_config` decides the beginning: a `blip_2_qformer` ends in a layer norm and reads no text, an
    `instructblip_qformer` may read the question. `text_config` is a T5, LLaMA or OPT configuration. Each part
    is a transformers configuration, or a dict with its `model_type`.
    Raises ValueError where the parts do not fit.
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
    """Visual tokens a picture becomes (T)."""
    image_token_id: int | None = None
    """The placeholder's id; None becomes the published models' one, or -1 where the vocabulary lacks it."""
    stem_channels: list[int] | tuple[int, ...] = ()
    """Channels of a convolutional stem in place of the patch embedding, each halving the grid; or none."""
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
            known = PLACEHOLDER_IDS[self.family]
            self.image_token_id = known if known < self.text_config.vocab_size else -1

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> Any:
        """Read our own values or those of a published BLIP-2, InstructBLIP or MMICL `config.json`."""
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

        T5's `tie_word_embeddings` reads True in transformers 5 whatever the file said; what the file said
        lives on as `scale_decoder_outputs`.
        """
        flag = "scale_decoder_outputs" if self.family == "t5" else "tie_word_embeddings"
        return bool(getattr(self.text_config, flag))

    @property
    def max_prompt_tokens(self) -> int | None:
        """Longest prompt, visual tokens included; None where positions are relative, as a T5's are.

        What published MMICLs call `max_sequence_length` is what their training was cut at, and no limit of answering:
        the README's call passes `set_min_padding_size=False`.
        """
        limit = None if self.family == "t5" else getattr(self.text_config, "max_sequence_length", None)
        return limit or getattr(self.text_config, "max_position_embeddings", None)


AutoConfig.register(MmiclConfig.model_type, MmiclConfig)
