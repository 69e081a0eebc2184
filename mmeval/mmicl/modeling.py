"""MMICL: interleaved pictures and text through a vision encoder, a Q-Former and a language model.

The parts are transformers' own. MMICL adds how they connect: every picture becomes T visual tokens, which replace T
placeholders in the prompt (Zhao et al., MMICL, arXiv 2309.07915, section 2). To follow `forward`: `encode` the
pictures, `query` them, `merge` them into the text. The processor builds prompts and ids.
"""

import copy
import itertools
import math
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import (
    GenerationMixin,
    LlamaForCausalLM,
    OPTForCausalLM,
    PreTrainedModel,
    T5ForConditionalGeneration,
)
from transformers import initialization as init
from transformers.modeling_layers import GradientCheckpointingLayer as Block
from transformers.modeling_outputs import BaseModelOutputWithPooling, CausalLMOutputWithPast, Seq2SeqLMOutput
from transformers.models.blip_2.modeling_blip_2 import Blip2QFormerModel, Blip2VisionModel
from transformers.models.instructblip.modeling_instructblip import InstructBlipQFormerModel, InstructBlipVisionModel

from mmeval.mmicl.configuration import MmiclConfig
from mmeval.mmicl.context import PromptError


class UntiedT5(T5ForConditionalGeneration):  # type: ignore[no-untyped-call]
    """A T5 whose head is not tied to its embedding, as in Flan-T5; transformers 5 always ties them."""

    _tied_weights_keys = {  # noqa: RUF012
        "encoder.embed_tokens.weight": "shared.weight",
        "decoder.embed_tokens.weight": "shared.weight",
    }


class ConvolutionalStem(nn.Sequential):
    """Make patches with 3x3 convolutions of stride 2 [P, 3, H, W] -> [P, D, H/patch, W/patch].

    After Xiao et al., "Early convolutions help transformers see better" (2021). It uses group norm instead of batch
    norm, so a picture's patches do not depend on its batch.
    """

    def __init__(self, channels: tuple[int, ...], hidden_size: int) -> None:
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise((3, *channels)):
            norm = nn.GroupNorm(math.gcd(after, 8), after)
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), norm, nn.GELU()]
        super().__init__(*layers, nn.Conv2d(channels[-1], hidden_size, 1))

    @property
    def weight(self) -> Tensor:
        """The weight from which the vision embeddings take the patch embedding's dtype."""
        return cast(Tensor, self[-1].weight)


class MmiclForConditionalGeneration(PreTrainedModel, GenerationMixin):  # type: ignore[no-untyped-call]
    """MMICL with either base (BLIP-2, InstructBLIP) over T5, LLaMA or OPT, with the published key names.

    In shapes: P distinct pictures, S shown pictures (a picture may be shown many times), B rows of L tokens with a
    maximum of N pictures each, T visual tokens per picture, Q tokens of Q-Former text, D the embeddings' width.
    """

    config: MmiclConfig
    config_class = MmiclConfig
    base_model_prefix = "mmicl"
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_attention_backend = True

    def __init__(self, config: MmiclConfig) -> None:
        """Initialize new weights; `checkpoints.load` loads those of a published model."""
        super().__init__(config)
        blip2 = config.beginning == "blip-2"
        vision, qformer, text = config.vision_config, config.qformer_config, config.text_config
        self.vision_model = (Blip2VisionModel if blip2 else InstructBlipVisionModel)(vision)
        if config.stem_channels:
            stem = ConvolutionalStem(tuple(config.stem_channels), vision.hidden_size)
            self.vision_model.embeddings.patch_embedding = stem  # type: ignore[assignment]
        self.query_tokens = nn.Parameter(torch.zeros(1, config.num_query_tokens, qformer.hidden_size))
        self.qformer = (Blip2QFormerModel if blip2 else InstructBlipQFormerModel)(qformer)
        self.language_projection = nn.Linear(qformer.hidden_size, text.hidden_size)
        t5 = T5ForConditionalGeneration if config.head_is_tied else UntiedT5
        language = {"t5": t5, "llama": LlamaForCausalLM, "opt": OPTForCausalLM}[config.family]
        self.language_model = language(text)
        self.post_init()  # type: ignore[no-untyped-call]
        # whole blocks: transformers also lists parts of blocks, and parts that only other models have
        self._no_split_modules = {type(part).__name__ for part in self.modules() if isinstance(part, Block)}

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)  # type: ignore[no-untyped-call]
        if module is self:  # equal queries would stay equal forever
            init.normal_(self.query_tokens, std=self.config.initializer_range)

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the language model's embedding."""
        self.language_model.set_input_embeddings(value)

    def get_output_embeddings(self) -> nn.Module | None:
        """Return the language model's head; code that shards the model also checks whether it is the embedding."""
        return cast("nn.Module | None", self.language_model.get_output_embeddings())

    def set_output_embeddings(self, new_embeddings: nn.Module) -> None:
        """Replace the language model's head."""
        self.language_model.set_output_embeddings(new_embeddings)

    def get_image_features(
        self,
        pixel_values: Tensor,
        qformer_input_ids: Tensor | None = None,
        qformer_attention_mask: Tensor | None = None,
    ) -> BaseModelOutputWithPooling:
        """Return vision states [P, V, Dv] (`last_hidden_state`) and visual tokens [P, T, D] (`pooler_output`)."""
        states = self.encode(pixel_values)
        visual = self.query(states, qformer_input_ids, qformer_attention_mask)
        return BaseModelOutputWithPooling(last_hidden_state=states, pooler_output=visual)

    def encode(self, pixel_values: Tensor) -> Tensor:
        """Encode distinct pictures [P, 3, H, W] as vision states [P, V, Dv]."""
        return cast(Tensor, self.vision_model(pixel_values=pixel_values).last_hidden_state)

    def query(
        self,
        vision_states: Tensor,
        qformer_input_ids: Tensor | None = None,
        qformer_attention_mask: Tensor | None = None,
    ) -> Tensor:
        """Make visual tokens [S, T, D] of vision states [S, V, Dv], one row per shown picture.

        `qformer_input_ids` [S, Q] is text for an InstructBLIP Q-Former; without it, the Q-Former sees only the queries.
        Raises PromptError if the text is too long or the Q-Former is BLIP-2's.
        """
        queries = self.query_tokens.expand(vision_states.shape[0], -1, -1)  # [S, T, Dq]
        text: dict[str, Tensor | None] = {} if self.config.beginning == "blip-2" else {"input_ids": None}
        if qformer_input_ids is not None:
            self._check_qformer_text(qformer_input_ids.shape[1])
            if qformer_attention_mask is None:
                qformer_attention_mask = torch.ones_like(qformer_input_ids)
            always = qformer_attention_mask.new_ones(queries.shape[:2])
            mask = torch.cat([always, qformer_attention_mask], dim=1)  # [S, T + Q]
            if self.qformer.config._attn_implementation == "sdpa":  # transformers would wait for a GPU to make this
                mask = mask.bool()[:, None, None]  # [S, 1, 1, T + Q]
            text = {"input_ids": qformer_input_ids, "attention_mask": mask}
        output = self.qformer(query_embeds=queries, encoder_hidden_states=vision_states, **text)
        states = output.last_hidden_state[:, : queries.shape[1]]  # [S, T, Dq]
        return cast(Tensor, self.language_projection(states))  # [S, T, D]

    def _check_qformer_text(self, length: int) -> None:
        if self.config.beginning == "blip-2":
            raise PromptError("the Q-Former of BLIP-2 reads no text; remove qformer_input_ids")
        limit = self.config.qformer_config.max_position_embeddings
        if length > limit:
            raise PromptError(f"the Q-Former reads texts of {limit} tokens, but was given {length}")

    def merge(self, input_ids: Tensor, visual: Tensor, counts: Tensor) -> Tensor:
        """Embed `input_ids` [B, L] as [B, L, D] with `visual` [S, T, D] in place of the placeholders.

        `counts` [B] holds the number of pictures that each row shows. If both are on the CPU, they are checked without
        waiting for a GPU. Raises PromptError naming the first row without exactly T placeholders per picture;
        such a row would silently be shown wrong pictures.
        """
        assert self.config.image_token_id is not None
        is_placeholder = torch.eq(input_ids, self.config.image_token_id)  # [B, L]
        tokens = self.config.num_query_tokens
        for row, (placeholders, picture_count) in enumerate(
            zip(is_placeholder.sum(1).tolist(), counts.tolist(), strict=True)
        ):
            if placeholders != tokens * picture_count:
                raise PromptError(
                    f"row {row} has {placeholders} placeholders (id {self.config.image_token_id}) for {picture_count} "
                    f"pictures of {tokens} visual tokens each; it needs {tokens * picture_count}"
                )
        table = self.language_model.get_input_embeddings()
        device = table.weight.device
        embeds = cast(Tensor, table(placed(input_ids, device)))  # [B, L, D]
        spots = is_placeholder.flatten().nonzero().squeeze(1)  # [S * T]
        if not len(spots):
            return embeds
        inserted = visual.to(embeds.dtype).reshape(-1, embeds.shape[-1])  # [S * T, D]
        return embeds.flatten(0, 1).index_copy(0, placed(spots, device), inserted).view_as(embeds)

    def embed(
        self,
        input_ids: Tensor,
        pixel_values: Tensor | None = None,
        pictures: Tensor | None = None,
        vision_states: Tensor | None = None,
        qformer_input_ids: Tensor | None = None,
        qformer_attention_mask: Tensor | None = None,
        shown: Tensor | None = None,
        places: Tensor | None = None,
    ) -> Tensor:
        """Embed prompts [B, L, D] with their pictures; arguments as in `forward`."""
        if shown is not None and places is not None:
            inputs = pixel_values if vision_states is None else vision_states
            if inputs is None:
                return cast(Tensor, self.language_model.get_input_embeddings()(input_ids))
            states = self.encode(inputs) if vision_states is None else inputs.to(self.query_tokens.dtype)
            if qformer_input_ids is None:
                visual = self.query(states).index_select(0, shown)  # [S, T, D]
            else:
                queried = shown if len(shown) else shown.new_zeros(1)  # a blank picture is queried, but not shown
                visual = self.query(states.index_select(0, queried), qformer_input_ids, qformer_attention_mask)
                visual = visual[: len(shown)]
            embeds = self.language_model.get_input_embeddings()(input_ids)  # [B, L, D]
            tokens = visual.to(embeds.dtype).flatten(0, 1)  # [S * T, D]
            return cast(Tensor, embeds.flatten(0, 1).index_copy(0, places, tokens).view_as(embeds))
        if pictures is None:
            pictures = input_ids.new_full((input_ids.shape[0], 0), -1)
        rows, _ = slots = torch.nonzero(pictures >= 0, as_tuple=True)  # [S], row-major
        shown = pictures[slots]  # [S]
        inputs = pixel_values if vision_states is None else vision_states  # [P, ...]
        count = 0 if inputs is None else len(inputs)
        if len(shown) and int(shown.max()) >= count:
            raise PromptError(f"picture {int(shown.max())} is shown, but only {count} pictures are given")
        if inputs is None:
            visual = self.query_tokens.new_zeros(0)
        else:
            encoded = vision_states is not None
            states = inputs.to(self.query_tokens.dtype) if encoded else self.encode(inputs)  # [P, V, Dv]
            if qformer_input_ids is None or not len(shown):  # the same visual tokens wherever a picture is shown
                visual = self.query(states)[shown]  # [S, T, D]
            else:
                mask = None if qformer_attention_mask is None else qformer_attention_mask[rows]
                visual = self.query(states[shown], qformer_input_ids[rows], mask)  # [S, T, D]
        return self.merge(input_ids, visual, (pictures >= 0).sum(1))

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        pixel_values: Tensor | None = None,
        pictures: Tensor | None = None,
        labels: Tensor | None = None,
        vision_states: Tensor | None = None,
        qformer_input_ids: Tensor | None = None,
        qformer_attention_mask: Tensor | None = None,
        shown: Tensor | None = None,
        places: Tensor | None = None,
        learned: Tensor | None = None,
        **language: Any,
    ) -> Seq2SeqLMOutput | CausalLMOutputWithPast:
        """Return logits of the language model, and its loss if `labels` are given.

        Indices are int64; pixels and states are floating-point.

        - `input_ids` [B, L]: prompts with T placeholders per shown picture.
        - `attention_mask` [B, L], 0 for padding, or for decoder-only models [B, 1, L, L], what is added to the scores.
        - `pixel_values` [P, 3, H, W]: each distinct picture once; or `vision_states` [P, V, Dv], an earlier output of
          `encode`.
        - `pictures` [B, N]: the index (of P) of the picture in slot n of row b, -1 for none; in row-major order
          they match the placeholders. None: no pictures.
        - `labels`: T5: [B, S] targets; decoder-only: [B, L], aligned with `input_ids`. -100 is not scored.
        - `qformer_input_ids`, `qformer_attention_mask` [B, Q]: a row's text for all its pictures.
        - `shown` [S], `places` [S * T]: instead of `pictures`: the index of each shown picture and the positions of its
          tokens in the flattened `input_ids`. A collator that computes them saves waiting for the GPU.
          `qformer_input_ids` then has a row for each of the S, or one if nothing is shown.
        - `learned` [K]: positions whose logits are wanted, in the flattened [B, S] of a T5's decoder or [B, L]. The
          logits are then [K, vocabulary]; the head is computed for these positions only.
        - `language`: other arguments of the language model (`decoder_input_ids`, ...).

        Raises PromptError if placeholders and `pictures` do not match, ValueError for both `labels` and `learned`.
        """
        if learned is not None and labels is not None:
            raise ValueError("`learned` gives only its logits; compute the loss from them, or leave out `learned`")
        text = (qformer_input_ids, qformer_attention_mask)
        embeds = self.embed(input_ids, pixel_values, pictures, vision_states, *text, shown, places)
        if learned is not None:
            return self._logits(embeds, attention_mask, learned, **language)
        output = self.language_model(inputs_embeds=embeds, attention_mask=attention_mask, labels=labels, **language)
        return cast(Seq2SeqLMOutput | CausalLMOutputWithPast, output)

    def _logits(
        self,
        embeds: Tensor,
        attention_mask: Tensor | None,
        learned: Tensor,
        decoder_input_ids: Tensor | None = None,
        **language: Any,
    ) -> Seq2SeqLMOutput | CausalLMOutputWithPast:
        """Run the language model without a cache, and its head only on the `learned` positions: logits [K, vocabulary].

        Prompts are padded on the right.
        """
        model: Any = self.language_model
        if self.config.decoder_only:
            if attention_mask is not None and attention_mask.dim() == 2:
                attention_mask = None  # no learned position sees the padding on its right
            output = model.model(inputs_embeds=embeds, attention_mask=attention_mask, use_cache=False, **language)
            states = output.last_hidden_state.flatten(0, 1).index_select(0, learned)  # [K, D]
            return CausalLMOutputWithPast(logits=model.lm_head(states))
        assert decoder_input_ids is not None
        # full masks: transformers would inspect the values of shorter ones, which waits for the GPU
        length, hidden = decoder_input_ids.shape[1], torch.finfo(embeds.dtype).min
        causal = torch.full((1, 1, length, length), hidden, dtype=embeds.dtype, device=embeds.device).triu(1)
        prompt_mask = None if attention_mask is None else additive(attention_mask, embeds.dtype)
        encoded = model.encoder(inputs_embeds=embeds, attention_mask=prompt_mask, **language).last_hidden_state
        output = model.decoder(
            input_ids=decoder_input_ids,
            attention_mask=causal,
            encoder_hidden_states=encoded,
            encoder_attention_mask=prompt_mask,
            use_cache=False,
            **language,
        )
        states = output.last_hidden_state.flatten(0, 1).index_select(0, learned)  # [K, D]
        if model.config.scale_decoder_outputs:
            states = states * model.model_dim**-0.5
        return Seq2SeqLMOutput(logits=model.lm_head(states))

    @torch.no_grad()
    def generate(  # type: ignore[override]
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        pixel_values: Tensor | None = None,
        pictures: Tensor | None = None,
        vision_states: Tensor | None = None,
        qformer_input_ids: Tensor | None = None,
        qformer_attention_mask: Tensor | None = None,
        **generation: Any,
    ) -> Tensor:
        """Generate new token ids [B, S]: T5's begin with its start token, decoder-only ones do not repeat the prompt.

        Arguments as in `forward`; decoder-only prompts must be padded on the left. `generation` goes to
        transformers' `generate`; give lengths as `max_new_tokens`.
        """
        embeds = self.embed(input_ids, pixel_values, pictures, vision_states, qformer_input_ids, qformer_attention_mask)
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        how = copy.deepcopy(generation.pop("generation_config", self.generation_config))
        others = how.update(**generation)  # what is not about decoding: streamer, synced_gpus, ...
        ids = self.language_model.generate(
            inputs_embeds=embeds, attention_mask=attention_mask, generation_config=how, **others
        )
        return cast(Tensor, ids)


def additive(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Return what a mask [B, L], 0 for padding, adds to the scores of attention: [B, 1, 1, L]."""
    return (mask == 0)[:, None, None].to(dtype) * torch.finfo(dtype).min


def placed(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy a tensor to a device; to a GPU from pinned memory, which does not wait."""
    pinned = tensor.pin_memory() if device.type == "cuda" and tensor.device.type == "cpu" else tensor
    return pinned.to(device, non_blocking=True)
