"""Vectors of names in a language model: the mean of a layer over the tokens of the name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskdpo_xtuner.chat_templates import load_tokenizer
from maskdpo_xtuner.embeddings.base import LAST
from maskdpo_xtuner.engines.model_files import (
    check_model,
    load_causal_lm,
    model_source,
    name_and_revision,
)

if TYPE_CHECKING:
    from torch import Tensor


class NameVectors:
    """Reads names by a causal model, each by itself, and averages over the tokens of the name.

    The start token of the model stands before every name and is not in the mean: what stands first
    has a vector like no other (attention sinks, Xiao et al. 2024, arXiv 2309.17453). No blank
    stands before the name, and no chat template around it.

    Args:
        model: a folder, or a name on the hub.
        layer: `LAST` for what the model's head reads, after its last norm; 0 for the word
            embeddings; between them what that many blocks give.
        dtype: name of the torch dtype of the weights; means are taken in fp32.
        device: a torch device, or ``auto``.
        batch_size: names that are read at once.
        trust_remote_code: whether Python files of the model may be executed.

    Attributes:
        identity: name, revision, dtype, layer.

    Raises:
        ValueError: when there is no such model.
    """

    def __init__(
        self,
        model: str,
        *,
        layer: int = LAST,
        dtype: str = 'float32',
        device: str = 'auto',
        batch_size: int = 64,
        trust_remote_code: bool = False,
    ) -> None:
        check_model(model)
        name, commit = name_and_revision(model, None, trust_remote_code)
        self.identity: Mapping[str, str] = {
            'model': name,
            'revision': commit,
            'dtype': dtype,
            'layer': str(layer),
        }
        self._source = model_source(model, commit, trust_remote_code)
        self._layer, self._dtype, self._device = layer, dtype, device
        self._batch_size = batch_size

    @cached_property
    def _model(self) -> Any:
        return load_causal_lm(self._source, self._dtype, self._device)

    @cached_property
    def _tokenizer(self) -> Any:
        return load_tokenizer(self._source)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Give (texts, width).

        Raises:
            ValueError: for a layer that the model does not have, a name without a token, and
                numbers that are not finite.
        """
        self._check_layer()
        ids = [self._ids(name) for name in texts]
        batches = list(_slices(ids, self._batch_size))
        vectors: NDArray[np.float64] = np.concatenate([self._means(batch) for batch in batches])
        if not np.isfinite(vectors).all():
            raise ValueError(
                f'{self.identity["model"]} ({self._dtype}) gives numbers that are not finite; try '
                'dtype="float32", or look whether its weights are whole'
            )
        return vectors

    def _check_layer(self) -> None:
        count = self._model.config.num_hidden_layers
        if not LAST <= self._layer <= count:
            raise ValueError(
                f'the layer {self._layer} is none of {self.identity["model"]}: 0 are the word '
                f'embeddings, 1 to {count} its blocks, {LAST} is the last'
            )

    def _ids(self, name: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(name, add_special_tokens=False)
        if not ids:
            raise ValueError(f'{name!r} has no token of {self.identity["model"]}')
        tokenizer = self._tokenizer
        starts = (tokenizer.bos_token_id, tokenizer.eos_token_id)
        start = next((token for token in starts if token is not None), None)
        if start is None:
            raise ValueError(
                f'{self.identity["model"]}: its tokenizer names neither bos_token nor eos_token, '
                'so nothing can stand before a name; add "bos_token" to its tokenizer_config.json'
            )
        return [int(start), *ids]

    def _means(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float64]:
        import torch
        from torch.nn.utils.rnn import pad_sequence

        rows = [torch.tensor(ids) for ids in batch]
        ids = pad_sequence(rows, batch_first=True).to(self._model.device)
        mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
        with torch.inference_mode():
            states = self._states(ids, mask.to(ids.device)).float().cpu()
        counted = mask.float()
        counted[:, 0] = 0  # the start token
        sums = (states * counted[..., None]).sum(dim=1)
        means: NDArray[np.float64] = (sums / counted.sum(dim=1, keepdim=True)).double().numpy()
        return means

    def _states(self, ids: Tensor, mask: Tensor) -> Tensor:
        output = self._model(
            input_ids=ids, attention_mask=mask, output_hidden_states=True, use_cache=False
        )
        states: Tensor = output.hidden_states[self._layer]
        return states


def _slices(items: Sequence[list[int]], size: int) -> Iterator[Sequence[list[int]]]:
    return (items[start : start + size] for start in range(0, len(items), size))
