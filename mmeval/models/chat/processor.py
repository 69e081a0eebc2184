"""Open a checkpoint's processor, if possible without torchvision, and keep special tokens in questions as text."""

import re
from collections.abc import Mapping
from importlib import util
from typing import Any

import transformers
from transformers import AutoProcessor, PreTrainedConfig
from transformers.processing_utils import ProcessorMixin

from mmeval.types import InputError

OPENER: Any = AutoProcessor
"""Any: with transformers' annotation, mypy would refuse the call."""
NEEDS_TRUST = (
    "{source}: {part} comes with Python code that it needs to run; read that code, and pass --trust-remote-code if you "
    "trust it"
)
NO_PICTURES = "{source}: the checkpoint has no processor of pictures; choose a vision-language model"
MARK = "\ufdd0"
"""A Unicode noncharacter, which no text should have; it breaks up text that would be read as a special token."""


def open_processor(source: str, config: PreTrainedConfig, *, trust_remote_code: bool, **hub: Any) -> Any:
    """Return a checkpoint's processor; `hub` are `from_pretrained`'s `revision` and `local_files_only`.

    Without torchvision, a processor that also takes videos is opened without its video part, and pictures are processed
    by Pillow and numpy. It is also opened without that part if the checkpoint has no settings for it. Raises InputError
    if there is no processor of pictures or it needs untrusted code, and whatever transformers raises.
    """
    processor = _opened(source, config, trust_remote_code=trust_remote_code, **hub)
    if getattr(processor, "image_processor", None) is None:  # of a language model, it is the tokenizer
        raise InputError(NO_PICTURES.format(source=source))
    return processor


def _opened(source: str, config: PreTrainedConfig, *, trust_remote_code: bool, **hub: Any) -> Any:
    options = {**hub, "trust_remote_code": trust_remote_code}  # without a value, transformers would ask on the terminal
    try:
        if util.find_spec("torchvision") or trust_remote_code:
            try:
                return OPENER.from_pretrained(source, config=config, **options)
            except OSError as error:
                if "video processor" not in str(error):  # as where the checkpoint was saved without torchvision
                    raise
        return _without_video_part(source, config, hub, options)
    except ValueError as error:
        if "trust_remote_code" not in str(error):
            raise
        raise InputError(NEEDS_TRUST.format(source=source, part="the checkpoint's processor")) from error


def _without_video_part(source: str, config: PreTrainedConfig, hub: dict[str, Any], options: dict[str, Any]) -> Any:
    """Return the processor without its video part. Raises InputError if it needs torchvision nevertheless."""
    try:
        return _processor_class(source, config, hub).from_pretrained(source, **options)
    except (ImportError, ValueError, AttributeError) as error:
        missing = "torchvision" in str(error).lower() or "has no attribute 'video_processor'" in str(error)
        if not missing or util.find_spec("torchvision"):
            raise
        raise InputError(
            f"{source}: the processor of '{config.model_type}' needs torchvision; install the build that fits your "
            "torch, from https://pytorch.org/get-started/locally/"
        ) from error


def _processor_class(source: str, config: PreTrainedConfig, hub: dict[str, Any]) -> Any:
    """Return the checkpoint's processor class without its video part. Raises InputError if it has none."""
    settings = ProcessorMixin.get_processor_dict(source, **hub)[0] if _has(source, "processor_config.json", hub) else {}
    name = settings.get("processor_class")
    if name is None:
        from transformers.models.auto import processing_auto

        names: Mapping[str, str] = vars(processing_auto)["PROCESSOR_MAPPING_NAMES"]
        name = names.get(config.model_type)
    processor_class = getattr(transformers, name, None) if name else None
    if processor_class is None:
        raise InputError(NO_PICTURES.format(source=source))
    return without_video(processor_class)


def _has(source: str, file: str, hub: dict[str, Any]) -> bool:
    from transformers.utils.hub import cached_file

    return cached_file(source, file, **hub, _raise_exceptions_for_missing_entries=False) is not None


def without_video(processor: Any) -> Any:
    """Return a processor class without its video processor, because every video processor needs torchvision."""
    names = processor.get_attributes()
    if "video_processor" not in names:
        return processor
    index = names.index("video_processor")

    class Base(ProcessorMixin):  # sits between the class and ProcessorMixin, which checks its arguments
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs |= dict(zip(names, args, strict=False))
            kwargs.pop("video_processor", None)
            super().__init__(**kwargs)  # type: ignore[no-untyped-call]

    class Stripped(processor, Base):  # type: ignore[misc]
        @classmethod
        def get_attributes(cls) -> list[str]:
            return [*names[:index], *names[index + 1 :]]

        @classmethod
        def from_args_and_dict(cls, args: Any, processor_dict: dict[str, Any], **kwargs: Any) -> Any:
            args = [*args[:index], None, *args[index:]]
            remaining = {key: value for key, value in processor_dict.items() if key != "video_processor"}
            return super().from_args_and_dict(args, remaining, **kwargs)

    Stripped.__name__ = processor.__name__  # save_pretrained writes this name
    return Stripped


class Literal:
    """Keeps a text that spells a special token (`<image>`, `<|im_end|>`) from being read as one.

    `broken` puts a mark into such words, so neither the chat template nor the processor recognizes them. The tokenizer
    drops the mark after it has looked for special tokens, and reads the rest as ordinary characters. That does not work
    for tokens that are looked for later (`normalized`), nor with a slow tokenizer; such a text is refused.
    """

    def __init__(self, processor: Any) -> None:
        """Make a fast tokenizer drop the mark."""
        from tokenizers import normalizers

        tokenizer = processor.tokenizer
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is not None:
            drop = normalizers.Replace(MARK, "")
            normalizer = backend.normalizer
            backend.normalizer = normalizers.Sequence([drop, normalizer]) if normalizer is not None else drop
        tokens = [token for token in tokenizer.added_tokens_decoder.values() if _is_control(token)]
        words = {token.content for token in tokens}
        for name in ("image_token", "video_token", "audio_token", "boi_token", "eoi_token", "context_image_token"):
            word = getattr(processor, name, None)
            words |= {word} if isinstance(word, str) and word else set()
        self._refused = words if backend is None else {token.content for token in tokens if token.normalized}
        longest_first = sorted(words, key=len, reverse=True)
        self._words = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    def broken(self, text: str) -> str:
        """Return the text with a mark after the first character of each spelled special token.

        Raises InputError if there is one that the tokenizer cannot read as text.
        """
        text = text.replace(MARK, "\ufffd")
        for special in self._words.finditer(text):
            if special[0] in self._refused:
                raise InputError(
                    f"the text has '{special[0]}', a special token of this model, which its tokenizer cannot read as "
                    "text; remove it from the question"
                )
        return self._words.sub(lambda match: match[0][0] + MARK + match[0][1:], text)


def _is_control(token: Any) -> bool:
    """Tell tokens that templates write from added words and blanks, which questions may have."""
    text = token.content
    return len(text) > 2 and (token.special or not (text[0].isalnum() or text.isspace()))
