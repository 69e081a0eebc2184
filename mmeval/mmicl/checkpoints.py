"""Open and write folders: ours, transformers' BLIP-2 and InstructBLIP, and the published MMICL.

`load` takes a folder's path or a hub id and returns a model and its processor. Whatever is wrong with a folder, here or
in `weights`, raises a CheckpointError.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from httpx2 import HTTPError
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, StrictDataclassError
from PIL import Image
from transformers.initialization import no_init_weights

from mmeval import regular
from mmeval.mmicl.configuration import PLACEHOLDER_IDS, PUBLISHED, MmiclConfig
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import FILES, MmiclProcessor, ProcessorConfig
from mmeval.mmicl.published import reads_questions
from mmeval.mmicl.weights import FACTS, TRAINED, CheckpointError, fill, one_line, put_trained, read_json, weight_files

HUB_TIMEOUT = 10
"""Seconds to wait for the hub to list a repository's files."""

LAYERS = 1000
"""Maximum number of layers of a model's part."""
LLAMA_WORDS = 32000
"""Size of LLaMA's own vocabulary; [PAD] follows it."""
TAGS = 20
"""Published MMICL models have <image0> to <image19>, right after the placeholder."""

PROCESSORS = {
    ("t5", 2048): "Salesforce/instructblip-flan-t5-xl",
    ("t5", 4096): "Salesforce/instructblip-flan-t5-xxl",
    ("llama", 4096): "Salesforce/instructblip-vicuna-7b",
    ("llama", 5120): "Salesforce/instructblip-vicuna-13b",
}
"""Family and width of a published MMICL -> the repository whose tokenizers it was trained with."""

WANTED = (*FILES, "*.safetensors", "*.bin")
"""What is taken from a hub repository."""

PUSH_ERRORS = (HTTPError, OSError, RuntimeError, ValueError)
"""What huggingface_hub and hf_xet raise for an upload. ValueError: a malformed reply, or a refusal in a good one."""


def load(
    name: str | Path,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
    revision: str | None = None,
    local_files_only: bool = True,
) -> tuple[MmiclForConditionalGeneration, MmiclProcessor]:
    """Load the model (in evaluation mode) and the processor of a folder or a hub id.

    Downloads only if `local_files_only` is False.
    """
    folder = find(name, revision, local_files_only)
    model = load_model(folder, dtype, device)
    processor = load_processor(folder, model.config, local_files_only)
    config = model.language_model.generation_config
    assert config is not None
    ends = {processor.settings.eos_id, *_ids(config.eos_token_id), *_ids(model.config.text_config.eos_token_id)}
    if (folder / "generation_config.json").exists():
        ends |= {*_ids(read_json(folder / "generation_config.json").get("eos_token_id"))}
    config.eos_token_id = min(ends) if len(ends) == 1 else sorted(ends)
    model.generation_config.eos_token_id = config.eos_token_id
    return model, processor


def _ids(value: object) -> tuple[int, ...]:
    """Return the ids in a configuration's end-of-sequence value: one, several or none."""
    ids = value if isinstance(value, list) else [value]
    return tuple(id for id in ids if type(id) is int and id >= 0)


def find(
    name: str | Path,
    revision: str | None = None,
    local_files_only: bool = True,
    wanted: Sequence[str] = WANTED,
) -> Path:
    """Return the folder of that name, or the local copy of the `wanted` files of that hub repository."""
    return Path(name) if regular.is_folder(name) else _copy_of(str(name), revision, local_files_only, wanted)


def _copy_of(name: str, revision: str | None, local_files_only: bool = True, wanted: Sequence[str] = WANTED) -> Path:
    """Return the local copy of a hub repository. If the hub cannot be reached, the copy must exist already."""
    patterns = set(wanted)
    unreachable: Exception | None = None
    if not local_files_only:
        try:  # one request; `list_repo_files` retries many times if the hub is out of reach
            info = HfApi().model_info(name, revision=revision, timeout=HUB_TIMEOUT)
            if any(file.rfilename.endswith(".safetensors") for file in info.siblings or ()):
                patterns.discard("*.bin")
        except HFValidationError:
            local_files_only = True  # raised again below
        except (HTTPError, OSError) as error:
            local_files_only, unreachable = True, error
    try:
        snapshot = snapshot_download(
            name, revision=revision, local_files_only=local_files_only, allow_patterns=sorted(patterns)
        )
        return Path(snapshot)
    except (LocalEntryNotFoundError, HFValidationError) as error:
        if unreachable is not None:
            raise CheckpointError(_unfetched(name, unreachable)) from unreachable
        raise CheckpointError(
            f"{name}: neither a folder nor a repository in the local cache; check the path, or fetch it first"
        ) from error
    except (HTTPError, OSError, RuntimeError) as error:  # hf_xet raises RuntimeError
        raise CheckpointError(_unfetched(name, error)) from error


def _unfetched(name: str, error: Exception) -> str:
    return f"{name}: cannot be fetched ({one_line(error)}); check the name and the network"


def load_model(
    folder: Path, dtype: torch.dtype = torch.float32, device: str | torch.device = "cpu"
) -> MmiclForConditionalGeneration:
    """Load a folder's model in evaluation mode; a folder with only trained weights also loads its base."""
    if (folder / FACTS).exists():
        return _load_trained(folder, dtype, device)
    file = folder / "config.json"
    config = _config(file)
    try:
        with torch.device(device), no_init_weights():
            built = MmiclForConditionalGeneration._from_config(config, dtype=dtype)  # type: ignore[no-untyped-call]
    except torch.OutOfMemoryError as error:
        raise CheckpointError(
            f"{folder}: does not fit into the memory of {device} ({one_line(error)}); try --dtype bfloat16"
        ) from error
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(f"{file}: describes a model that cannot be built ({one_line(error)})") from error
    model = cast(MmiclForConditionalGeneration, built)
    _cast(model, dtype)
    model.tie_weights()
    fill(model, folder)
    if read_json(file).get("model_type") in PUBLISHED and config.family == "llama":
        _add_published_rows(model)
    model.to(device).train(False)  # type: ignore[arg-type]
    return model


def _cast(model: MmiclForConditionalGeneration, dtype: torch.dtype) -> None:
    """Cast the parameters; buffers, such as the frequencies of a LLaMA's positions, stay in float32."""
    for name, parameter in model.named_parameters():
        overflows = dtype == torch.float16 and model.config.family == "t5" and name.endswith(".wo.weight")
        parameter.data = parameter.data.to(torch.float32 if overflows else dtype)  # as transformers does


def _add_published_rows(model: MmiclForConditionalGeneration) -> None:
    """Give a LLaMA, of 2023 or of today, the rows of MMICL's tokens at the places that its released code used.

    These are [PAD] at 32,000, the placeholder at 32,001, then the tags. New rows are drawn from N(0, 0.02), as in
    transformers 4.28, with a fixed seed. A table that has these rows (32,064 today, for other tokens) keeps them.
    """
    text, language = model.config.text_config, model.language_model
    if text.vocab_size < LLAMA_WORDS:
        return
    rows = PLACEHOLDER_IDS["llama"] + 1 + TAGS
    if text.vocab_size < rows:
        before = text.vocab_size
        language.resize_token_embeddings(rows, mean_resizing=False)
        draw = torch.Generator().manual_seed(0)
        tables = {id(table): table for table in (language.get_input_embeddings(), language.get_output_embeddings())}
        with torch.no_grad():
            for table in tables.values():
                weight = cast(torch.Tensor, cast(torch.nn.Module, table).weight)
                weight[before:] = (0.02 * torch.randn(rows - before, weight.shape[1], generator=draw)).to(weight.dtype)
        text.vocab_size = rows
    text.pad_token_id = LLAMA_WORDS
    model.config.image_token_id = PLACEHOLDER_IDS["llama"]


def load_processor(folder: Path, config: MmiclConfig, local_files_only: bool = True) -> MmiclProcessor:
    """Load the processor saved with one of our models, or the published one with its ids fixed by `config`.

    Published MMICL folders have no processor. They use InstructBLIP's, from the cache or the hub.
    """
    lender = PROCESSORS.get((config.family, config.text_config.hidden_size))
    saved, file = (folder / "mmicl_processor.json").exists(), folder / "config.json"
    reads = file.exists() and reads_questions(read_json(file))
    if not saved and lender and not (folder / "tokenizer.json").exists():
        folder = find(lender, local_files_only=local_files_only, wanted=FILES)
    try:
        if saved:
            processor = MmiclProcessor.from_pretrained(folder)
        else:
            settings = _published_settings(config, folder)
            processor = MmiclProcessor.from_files(folder, replace(settings, reads_questions=reads))
        size = processor.pixels([Image.new("RGB", (8, 8))]).shape[-1]  # fails here, not at the data's first picture
    except OSError as error:
        raise CheckpointError(f"{error.filename}: missing or unreadable; the processor needs it") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{folder}: the processor's files cannot be used ({one_line(error)})") from error
    _check(processor, config, folder, saved, size)
    return processor


def save(model: MmiclForConditionalGeneration, processor: MmiclProcessor, folder: Path) -> None:
    """Write a folder that `load` opens."""
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def check_push(repository: str) -> None:
    """Create a hub repository (private) if missing. Raises CheckpointError if this account cannot write to it."""
    hub = HfApi()
    try:
        hub.auth_check(hub.create_repo(repository, private=True, exist_ok=True).repo_id, write=True)
    except PUSH_ERRORS as error:
        raise CheckpointError(
            f"{repository}: cannot be pushed to ({one_line(error)}); log in with `hf auth login` as somebody who may "
            "write there, or remove `push_to_hub`"
        ) from error


def push(folder: Path, repository: str) -> str:
    """Upload a folder to a repository of the hub, created (private) if missing; return its address."""
    hub = HfApi()
    try:  # without an owner it is the account's
        name = hub.create_repo(repository, private=True, exist_ok=True).repo_id
        hub.upload_folder(repo_id=name, folder_path=folder)
    except PUSH_ERRORS as error:
        raise CheckpointError(
            f"{repository}: cannot be pushed to ({one_line(error)}); the trained model is in {folder}: push it from "
            f"there with `hf upload {repository} {folder}`"
        ) from error
    return f"{hub.endpoint}/{name}"


def digest(folder: Path) -> str:
    """Return the SHA-256 over the names and contents of the weight files, 64 hex digits.

    If a folder holds only trained weights, the digest covers its base's too.
    """
    total = hashlib.sha256()
    facts = folder / FACTS
    if facts.exists():
        total.update(str(read_json(facts).get("digest")).encode())
    for file in [folder / TRAINED] if facts.exists() else weight_files(folder):
        try:
            with regular.opened(file) as stream:
                total.update(f"{file.name} {hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
        except OSError as error:
            raise CheckpointError(f"{file}: missing or unreadable ({error.strerror}); fetch it again") from error
    return total.hexdigest()


def _load_trained(folder: Path, dtype: torch.dtype, device: str | torch.device) -> MmiclForConditionalGeneration:
    facts = read_json(folder / FACTS)
    base, lora = facts.get("base"), facts.get("lora")
    if not isinstance(base, str):
        raise CheckpointError(f"{folder / FACTS}: does not name the base model; train again")
    try:
        beside = folder / base  # never a folder of this name where the command happens to run
        base_folder = beside if regular.is_folder(beside) else _copy_of(base, facts.get("revision"))
    except CheckpointError as error:
        raise CheckpointError(f"{folder / FACTS}: the base model {error}") from error
    if digest(base_folder) != facts.get("digest"):
        raise CheckpointError(
            f"{folder}: was trained from {base}, but the weights there have changed since; restore them, or train again"
        )
    try:
        scale = lora["alpha"] / lora["rank"] if lora else None
    except (KeyError, TypeError, ZeroDivisionError) as error:
        raise CheckpointError(f"{folder / FACTS}: `lora` has no rank and alpha that can be used") from error
    names = facts.get("names", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise CheckpointError(f"{folder / FACTS}: `names` is not a list of the trained weights; fetch the file again")
    model = load_model(base_folder, torch.float32, device)
    training_config = facts.get("config")
    model.config.reads_instructions = isinstance(training_config, dict) and training_config.get("instruction") is True
    put_trained(model, folder, scale, names)
    _cast(model, dtype)
    return model


def _config(file: Path) -> MmiclConfig:
    values = read_json(file)
    kind = values.get("model_type")
    if kind not in (*PUBLISHED, MmiclConfig.model_type):
        raise CheckpointError(f"{file}: a '{kind}' model; choose a checkpoint of type mmicl, {' or '.join(PUBLISHED)}")
    try:
        config: MmiclConfig = MmiclConfig.from_dict(values)
    except (StrictDataclassError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise CheckpointError(f"{file}: the configuration cannot be used ({one_line(error)})") from error
    text = config.text_config
    if config.is_encoder_decoder and getattr(text, "decoder_start_token_id", None) not in range(text.vocab_size):
        raise CheckpointError(
            f"{file}: text_config has no decoder_start_token_id within its vocabulary; fetch it again"
        )
    for part in (config.vision_config, config.qformer_config, config.text_config):
        for name in ("num_hidden_layers", "num_decoder_layers"):
            if (layers := getattr(part, name, None) or 0) > LAYERS:  # building them would take forever
                raise CheckpointError(  # larger numbers have no float
                    f"{file}: {name} is {min(layers, 10**300):.6g}, above the limit of {LAYERS:,}; fetch it again"
                )
    return config


def _published_settings(config: MmiclConfig, folder: Path) -> ProcessorConfig:
    """Return ids and limits of a published model: the config's placeholder, then up to TAGS tags that have rows."""
    text, placeholder = config.text_config, config.image_token_id
    assert placeholder is not None
    tokenizer = read_json(folder / "tokenizer_config.json")
    eos = _end_token_id(tokenizer, folder)
    if eos is None:
        eos = text.eos_token_id[0] if isinstance(text.eos_token_id, list) else text.eos_token_id
    pad = eos if text.pad_token_id in (None, -1, placeholder) else text.pad_token_id
    return ProcessorConfig(
        placeholder_id=placeholder,
        tag_ids=tuple(range(placeholder + 1, min(placeholder + 1 + TAGS, text.vocab_size))),
        tokens_per_picture=config.num_query_tokens,
        pad_id=pad,
        eos_id=eos,
        pad_left=config.decoder_only,
        max_prompt_tokens=config.max_prompt_tokens,
        clean_up_spaces=bool(tokenizer.get("clean_up_tokenization_spaces", True)),
    )


def _end_token_id(settings: Mapping[str, Any], folder: Path) -> int | None:
    """Return the id of the tokenizer's end token; LLaMA's configurations of 2023 give another."""
    eos_token = settings.get("eos_token")
    name = eos_token.get("content") if isinstance(eos_token, dict) else eos_token
    file = folder / "tokenizer.json"
    if not isinstance(name, str) or not file.exists():
        return None
    added = read_json(file).get("added_tokens") or []
    return next((token["id"] for token in added if isinstance(token, dict) and token.get("content") == name), None)


def _check(processor: MmiclProcessor, config: MmiclConfig, folder: Path, saved: bool, size: int) -> None:
    image_size = config.vision_config.image_size
    if size != image_size:
        raise CheckpointError(f"{folder}: pictures are prepared at {size} pixels, but the model takes {image_size}")
    placeholder = processor.settings.placeholder_id
    if placeholder != config.image_token_id:
        raise CheckpointError(
            f"{folder}: the processor's placeholder is {placeholder}, the model's {config.image_token_id}"
        )
    if not saved and processor.tokenizer.size > placeholder:
        raise CheckpointError(
            f"{folder}: tokenizer.json has {processor.tokenizer.size} words, so {placeholder} cannot be the "
            "placeholder; it is another model's tokenizer"
        )
