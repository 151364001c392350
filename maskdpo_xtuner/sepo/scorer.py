"""Scores of response tokens from two causal language models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from maskdpo_xtuner.deprecations import keep_quiet_about_torch_dtype
from maskdpo_xtuner.devices import find_device, find_dtype
from maskdpo_xtuner.masking import MaskingError, Prompt, Rendering, check_tokenizer, render_batch
from maskdpo_xtuner.sepo.spans import ScoredToken, scored_tokens

if TYPE_CHECKING:
    from torch import Tensor


class LogRatioScorer:
    """Scores tokens by log pi_oracle - log pi_reference, in the oracle's own tokens.

    Args:
        oracle: name or folder of the oracle, a small model aligned with DPO.
        reference: name or folder of the model that the oracle was aligned from.
        device: where both models run.
        dtype: name of the torch dtype of both; log-probabilities are fp32 at least.

    Raises:
        ValueError: for a dtype or device that is none, a model that cannot be loaded, models of
            different tokenizers, and a tokenizer without character offsets or chat template.
    """

    def __init__(
        self, oracle: str, reference: str, *, device: str = 'cpu', dtype: str = 'float32'
    ) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        device, options = find_device(device), {'torch_dtype': find_dtype(dtype)}
        self._tokenizer, other = (_load(AutoTokenizer, name) for name in (oracle, reference))
        check_tokenizer(self._tokenizer)
        if self._tokenizer.get_vocab() != other.get_vocab():
            raise ValueError(
                f'the oracle {oracle} and its reference {reference} have different tokenizers; '
                'the reference has to be the model that the oracle was aligned from'
            )
        keep_quiet_about_torch_dtype()
        self._oracle, self._reference = (
            _load(AutoModelForCausalLM, name, **options).to(device).eval()
            for name in (oracle, reference)
        )

    def __call__(self, conversations: Sequence[tuple[Prompt, str]]) -> list[list[ScoredToken]]:
        """Score the responses of ``(prompt, response)`` pairs as one batch.

        Raises:
            MaskingError: with ``index`` set, for a conversation that can not be rendered exactly
                or is longer than the oracle reads.
        """
        renderings = render_batch(self._tokenizer, conversations)
        limit = self._oracle.config.max_position_embeddings
        for index, rendering in enumerate(renderings):
            if len(rendering.ids) > limit:
                problem = f'{len(rendering.ids)} tokens, but the oracle reads {limit}'
                raise MaskingError(f'{problem}; leave the pair out or take another oracle', index)
        inputs, mask = _pad(renderings)
        scores = self._logps(self._oracle, inputs, mask) - self._logps(
            self._reference, inputs, mask
        )
        return [
            scored_tokens(rendering, row[: len(rendering.ids)])
            for rendering, row in zip(renderings, scores.tolist(), strict=True)
        ]

    def _logps(self, model: Any, inputs: dict[str, Tensor], mask: Tensor) -> Tensor:
        """(batch, length), 0 outside of ``mask``."""
        import torch
        from torch.nn.functional import pad

        from maskdpo_xtuner.objectives import token_logps

        with torch.inference_mode():
            logits = model(
                **{name: value.to(model.device) for name, value in inputs.items()}
            ).logits
            # The logits at position t are the distribution over the token at t + 1.
            wanted = mask[:, 1:].to(model.device)
            targets = inputs['input_ids'][:, 1:].to(model.device)
            logps = token_logps(logits[:, :-1][wanted], targets[wanted])
            rows = logps.new_zeros(wanted.shape).masked_scatter(wanted, logps)
            return pad(rows, (1, 0)).cpu()


def _load(loader: Any, name: str, **options: Any) -> Any:
    try:
        return loader.from_pretrained(name, **options)
    except (OSError, ValueError) as error:
        raise ValueError(f'{name} cannot be loaded: {error}') from error


def _pad(renderings: Sequence[Rendering]) -> tuple[dict[str, Tensor], Tensor]:
    """The models' inputs, padded on the right, and a mask, (batch, length), of the responses."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    ids = [torch.tensor(rendering.ids) for rendering in renderings]
    inputs = {
        'input_ids': pad_sequence(ids, batch_first=True),
        'attention_mask': pad_sequence([torch.ones_like(row) for row in ids], batch_first=True),
    }
    masks = [
        torch.tensor(
            [
                end > rendering.response_start and start < rendering.response_end
                for start, end in rendering.offsets
            ]
        )
        for rendering in renderings
    ]
    return inputs, pad_sequence(masks, batch_first=True)
