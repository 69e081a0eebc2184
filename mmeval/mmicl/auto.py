"""Register MMICL with transformers' AutoConfig, AutoProcessor and AutoModelForImageTextToText."""

from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

from mmeval.mmicl.configuration import MmiclConfig
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import MmiclProcessor

__all__ = ["MmiclConfig", "MmiclForConditionalGeneration", "MmiclProcessor"]

AutoConfig.register(MmiclConfig.model_type, MmiclConfig)
AutoProcessor.register(MmiclConfig, MmiclProcessor)  # type: ignore[no-untyped-call]
AutoModelForImageTextToText.register(MmiclConfig, MmiclForConditionalGeneration)
