"""`mmeval doctor`: readable sizes, and models that have no folder."""

import io
import json
from importlib import util
from pathlib import Path

import pytest
import transformers

from mmeval.models.chat import weights
from mmeval.models.doctor import BINARY, DECIMAL, of_model, scaled
from mmeval.types import InputError
from tests.models import chat_zoo as zoo


@pytest.mark.parametrize(
    ("number", "step", "units", "text"),
    [
        (0, 1024, BINARY, "0 bytes"),
        (999, 1000, DECIMAL, "999"),
        (4_820_000, 1000, DECIMAL, "4.82 M"),
        (999_600, 1000, DECIMAL, "1 M"),
        (7_615_616_512, 1000, DECIMAL, "7.62 B"),
        (9_640_000, 1024, BINARY, "9.19 MiB"),
        (1023 << 20, 1024, BINARY, "0.999 GiB"),
        (80 << 30, 1024, BINARY, "80 GiB"),
        (5 << 50, 1024, BINARY, "5.12e+03 TiB"),
    ],
)
def test_a_size_has_three_digits_and_a_fitting_unit(number: int, step: int, units: tuple[str, ...], text: str) -> None:
    assert scaled(number, step, units) == text


def test_a_server_needs_nothing_here_and_its_password_is_not_shown() -> None:
    lines, missing = of_model("server:http://user:word@host:8000/v1#org/tiny")
    assert lines == ["server:org-tiny: adapter server, from http://host:8000/v1#org/tiny"] and not missing


def test_a_constant_is_shown_with_its_answer() -> None:
    assert of_model("constant") == (["constant: adapter constant, always answers 'yes'"], [])
    assert of_model("constant:")[0] == ["constant:: adapter constant, always answers ''"]


def test_a_name_that_no_hub_has_is_one_sentence() -> None:
    with pytest.raises(InputError, match=r"^no/such/name: neither a folder nor a hub name"):
        of_model("chat:no/such/name")


@pytest.mark.parametrize(
    "header",
    [[1], 5, {"a": 3}, {"a": {"dtype": "F32", "shape": ["x"]}}, {"a": {"dtype": "F32", "shape": [-5]}},
     {"a": {"dtype": "F32", "shape": 7}}],
)  # fmt: skip
def test_a_damaged_header_of_weights_is_a_sentence(tmp_path: Path, header: object) -> None:
    written = json.dumps(header).encode()
    (tmp_path / "config.json").write_text('{"model_type": "blip-2"}')
    (tmp_path / "model.safetensors").write_bytes(len(written).to_bytes(8, "little") + written)
    with pytest.raises(InputError, match=r"model.safetensors: not a readable safetensors file"):
        of_model(str(tmp_path))


@pytest.mark.parametrize(
    ("method", "package"), [("awq", "gptqmodel"), ("gptq", "optimum"), ("compressed-tensors", "compressed-tensors")]
)
def test_a_quantized_checkpoint_needs_the_package_of_its_method(method: str, package: str, tmp_path: Path) -> None:
    zoo.save("llava", tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    quantization = {"quant_method": method, "bits": 4, "group_size": 128, "config_groups": {}}
    (tmp_path / "config.json").write_text(json.dumps(config | {"quantization_config": quantization}))
    lines, missing = of_model(str(tmp_path))
    assert any(line.startswith(f"quantized ({method}), ") for line in lines)  # a number on disk is several weights
    if not util.find_spec(package.replace("-", "_")):
        (sentence,) = missing
        assert "a package for the weights is not installed: " in sentence and package in sentence
    (tmp_path / "tokenizer.json").write_text("{")
    assert "its processor cannot be loaded" in of_model(str(tmp_path))[1][0]  # all that is missing, not the first alone
    assert len(of_model(str(tmp_path))[1]) == len(missing) + 1


def test_a_model_built_on_a_missing_package_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(config: object) -> None:
        raise ImportError("TimmWrapperModel requires the timm library")

    folder = str(zoo.save("llava", tmp_path))
    monkeypatch.setattr(weights.WEIGHTS, "from_config", build)
    assert "a package for the weights is not installed: TimmWrapperModel" in of_model(folder)[1][0]


def test_a_checkpoint_without_vision_is_one_sentence(tmp_path: Path) -> None:
    transformers.LlamaConfig().save_pretrained(tmp_path)
    _, (sentence,) = of_model(f"chat:{tmp_path}")
    assert "model type 'llama' is not a vision-language model" in sentence


def test_code_of_a_tokenizer_is_reported_and_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transformers.MllamaConfig().save_pretrained(tmp_path)  # a family without a tokenizer of its own
    (tmp_path / "preprocessor_config.json").write_text('{"image_processor_type": "MllamaImageProcessor"}')
    settings = {"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["own.Own", None]}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    ran = tmp_path / "ran"
    (tmp_path / "own.py").write_text(f"open({str(ran)!r}, 'w').close()\nclass Own: pass\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n" * 9))  # transformers would ask whether to run it
    _, (missing,) = of_model(f"chat:{tmp_path}")
    assert "the checkpoint's processor comes with Python code" in missing and "--trust-remote-code" in missing
    assert not ran.exists()
