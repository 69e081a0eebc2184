"""The adapters by name, and what is known of each before a model is loaded."""

from dataclasses import dataclass

from mmeval import engine

_IN_PROCESS = "mmeval.engine.loading:load"


@dataclass(frozen=True)
class Adapter:
    """The facts known before a model is loaded: what the adapter accepts, and what its answers depend on."""

    load: str
    """`module:function` that loads a model; imported only when needed."""
    contexts: tuple[str, ...]
    """Its named ways to introduce pictures; the first is the default."""
    max_images: int | None = None
    """Maximum pictures in one prompt, including demonstrations and video frames; None for any number."""
    likelihoods: bool = True
    """Whether it can compute log-likelihoods of candidates."""
    reads_instructions: bool = False
    """Whether a Q-Former reads the question along with every picture."""
    version: int = engine.VERSION
    """Changes whenever the same request may get a different answer."""
    first_token: bool = False
    """Whether it can compute the likelihood of an answer's first token."""
    packages: tuple[str, ...] = ("torch", "transformers")
    """Packages whose major versions can also change answers."""
    options: tuple[str, ...] = ()
    """Fields of RunSpec that not every adapter accepts, and this one does; others refuse all but the default value."""


_SAMPLING = ("temperature", "top_p", "top_k", "presence_penalty", "samples")
_CHAT = ("system", *_SAMPLING, "thinking", "thinking_tokens")
_LOADING = ("model_args", "quantize", "trust_remote_code")
_DECODING = ("min_new_tokens", "length_penalty", "repetition_penalty")

ADAPTERS = {
    "mmicl": Adapter(
        _IN_PROCESS,
        ("declaration", "mme-authors", "readme", "winoground-authors", "tags", "plain"),
        max_images=20,
        options=_DECODING,
    ),
    "blip2": Adapter(_IN_PROCESS, ("plain", "side-by-side"), max_images=1, options=_DECODING),
    "instructblip": Adapter(
        _IN_PROCESS, ("plain", "side-by-side"), max_images=1, reads_instructions=True, options=_DECODING
    ),
    # the language model alone: whatever it gets right is given away by the words
    "text": Adapter(_IN_PROCESS, ("blind",), options=_DECODING),
    "chat": Adapter(
        "mmeval.models.chat.loading:load",
        ("template", "numbered", "video"),
        version=1,
        options=(*_CHAT, *_LOADING),
    ),
    "python": Adapter(
        "mmeval.models.python:load",
        ("plain",),
        version=1,
        packages=(),
        options=(*_CHAT, *_LOADING, *_DECODING),
    ),
    "server": Adapter(
        "mmeval.models.server:load",
        ("template", "numbered"),
        version=1,
        packages=(),
        options=(*_CHAT, "model_args"),
        first_token=True,
    ),
    "constant": Adapter("mmeval.models.constant:load", ("plain",), version=1, packages=()),
}
"""The adapters by name."""
