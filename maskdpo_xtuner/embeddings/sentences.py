"""Vectors of texts by a model of sentence-transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskdpo_xtuner.devices import find_device
from maskdpo_xtuner.engines.model_files import check_folder, name_and_revision


class SentenceVectors:
    """Encodes texts as the model was made to, by its own pooling and norm.

    Attributes:
        identity: name and revision of the model, and its prompt.

    Args:
        model: a folder, or a name on the hub.
        prompt: the name of one of its prompts.
        device: where it runs; None for what it finds.
        batch_size: texts that are read at once.

    Raises:
        ValueError: when there is no such model.
    """

    def __init__(
        self, model: str, prompt: str | None = None, device: str | None = None, batch_size: int = 64
    ) -> None:
        check_folder(model, 'embedding.model')
        name, commit = name_and_revision(model, None, False)
        self._model, self._device, self._batch_size = model, device, batch_size
        self._prompt = prompt
        self.identity: Mapping[str, str] = {
            'model': name,
            'revision': commit,
            **({'prompt': prompt} if prompt else {}),
        }

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Give (texts, width).

        Raises:
            ValueError: when the package is not installed, or the model cannot be loaded.
        """
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise ValueError(
                "embedding.type='sentence_transformers' needs a package: `pip install "
                "sentence-transformers`, or take embedding.type='hidden_states'"
            ) from error
        try:
            device = self._device and find_device(self._device)
            model: Any = SentenceTransformer(self._model, device=device)
        except (OSError, ValueError) as error:
            raise ValueError(f'embedding.model: {self._model} cannot be loaded: {error}') from error
        found = model.encode(
            list(texts),
            prompt_name=self._prompt,
            batch_size=self._batch_size,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        vectors: NDArray[np.float64] = np.asarray(found, dtype=np.float64)
        return vectors
