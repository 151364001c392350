"""Where the vectors of texts come from, as a config names it.

An embedding of your own: a subclass of `EmbeddingSettings` in your file, registered in
`maskdpo_xtuner.registry.EMBEDDINGS`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, SerializeAsAny

from maskdpo_xtuner.embeddings.base import LAST, Embedding
from maskdpo_xtuner.parts import Choice, choice_of
from maskdpo_xtuner.registry import EMBEDDINGS, Registry


class EmbeddingSettings(Choice):
    """Settings of an embedding; subclasses add what it needs.

    What an embedding is known by is its identity, so nothing of the settings is written down.
    """

    registry: ClassVar[Registry[Any]] = EMBEDDINGS

    def build(self) -> Embedding:
        """Make it; a model is loaded when it is first asked.

        Raises:
            ValueError: for a model or a package that is not there.
        """
        raise NotImplementedError(f'{type(self).__name__}.build')


@EMBEDDINGS.register_module('hidden_states')
class HiddenStatesSettings(EmbeddingSettings):
    """A causal model of Hugging Face: the mean of a layer over the tokens of the text.

    Attributes:
        model: a folder or a name on the hub; None for the built-in model.
        layer: ``-1`` for the last hidden layer (paper, appendix A), 0 for the word embeddings,
            between them what that many blocks give.
        dtype: of the weights; means are taken in fp32.
        device: a torch device, or ``auto``.
        batch_size: texts that are read at once.
        trust_remote_code: whether Python files of the model may be executed.
    """

    model: str | None = Field(default=None, exclude=True)
    layer: int = Field(default=LAST, exclude=True)
    dtype: Literal['float32', 'bfloat16', 'float16'] = Field(default='float32', exclude=True)
    device: str = Field(default='auto', exclude=True)
    batch_size: int = Field(default=64, ge=1, exclude=True)
    trust_remote_code: bool = Field(default=False, exclude=True)

    def build(self) -> Embedding:
        """Find the model and its revision."""
        from maskdpo_xtuner.builtin.model import builtin_model
        from maskdpo_xtuner.embeddings.hidden_states import NameVectors

        options = {key: value for key, value in self if key not in ('type', 'model')}
        return NameVectors(self.model or str(builtin_model()), **options)


@EMBEDDINGS.register_module('sentence_transformers')
class SentenceTransformersSettings(EmbeddingSettings):
    """A model of the package sentence-transformers, which must be installed.

    Attributes:
        model: a folder or a name on the hub.
        prompt: the name of one of the model's prompts, for a model that has some.
        device: where it runs; None for what it finds.
        batch_size: texts that are read at once.
    """

    model: str = Field(exclude=True)
    prompt: str | None = Field(default=None, exclude=True)
    device: str | None = Field(default=None, exclude=True)
    batch_size: int = Field(default=64, ge=1, exclude=True)

    def build(self) -> Embedding:
        """Find the model."""
        from maskdpo_xtuner.embeddings.sentences import SentenceVectors

        return SentenceVectors(**{key: value for key, value in self if key != 'type'})


@EMBEDDINGS.register_module('openai')
class ServedSettings(EmbeddingSettings):
    """A server that speaks OpenAI's protocol of embeddings.

    Attributes:
        model: the name under which it is served; the paper's is ``text-embedding-3-large``.
        base_url: address of the server, such as ``https://api.openai.com/v1``.
        api_key_env: the environment variable that holds the key; None for a server without one.
        dimensions: of the vectors, for a model that can give shorter ones; None for all.
        batch_size: texts of one request.
        timeout: seconds for one answer.
        retries: how often a request that failed in a way that may pass is sent again.
    """

    model: str = Field(exclude=True)
    base_url: str = Field(exclude=True)
    api_key_env: str | None = Field(default=None, exclude=True)
    dimensions: int | None = Field(default=None, ge=1, exclude=True)
    batch_size: int = Field(default=256, ge=1, exclude=True)
    timeout: float = Field(default=120.0, gt=0, exclude=True)
    retries: int = Field(default=5, ge=0, exclude=True)

    def build(self) -> Embedding:
        """Check the address and read the key."""
        from maskdpo_xtuner.embeddings.served import ServedVectors

        return ServedVectors(**{key: value for key, value in self if key != 'type'})


EmbeddingChoice = Annotated[SerializeAsAny[EmbeddingSettings], choice_of(EmbeddingSettings)]
