"""The settings of each engine, as a config names them, and how they build it.

Fields that say where and how fast a model runs, and not what it answers, are left out when the
settings are written down: a work dir may go on with other servers or another number of GPUs.

An engine of your own: a subclass of `EngineSettings` in your file, registered in
`maskdpo_xtuner.registry.ENGINES`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, SerializeAsAny, field_serializer

from maskdpo_xtuner.engines.base import Engine
from maskdpo_xtuner.engines.lmdeploy import LMDeployEngine, decisive
from maskdpo_xtuner.parts import Choice, choice_of
from maskdpo_xtuner.registry import ENGINES, Registry

__all__ = [
    'EngineChoice',
    'EngineSettings',
    'LMDeploySettings',
    'OpenAISettings',
    'TransformersSettings',
]


class EngineSettings(Choice):
    """Settings of an engine; subclasses add what it needs.

    Attributes:
        model: hub name, folder or served name. `tools/evaluate.py` puts each of its models here.
        template_kwargs: variables of the chat template, such as ``dict(enable_thinking=False)``;
            ``chat_template`` among them is one to use in place of the tokenizer's own, as for a
            base model that has none: ``dict(chat_template=open('chat.jinja').read())``.
    """

    registry: ClassVar[Registry[Any]] = ENGINES

    model: str | None = None
    template_kwargs: dict[str, Any] = {}

    def build(self) -> Engine:
        """Make the engine; what is wrong with the settings is found here and not when it is asked.

        Raises:
            ValueError: for a model that is not there.
        """
        raise NotImplementedError(f'{type(self).__name__}.build')

    def tokenizer_source(self) -> tuple[str, str | None, bool] | None:
        """Name, revision and trust in its code of the tokenizer whose chat template is used.

        None when it is not known here.
        """
        return None


@ENGINES.register_module('transformers')
class TransformersSettings(EngineSettings):
    """A model run by transformers; without ``model`` it is the built-in one.

    Attributes:
        batch_size: most requests that are decoded at once; each row that ends is replaced.
        memory_gib: most memory for their keys and values, by which long prompts and answers make
            fewer rows. Both decide on the last bits of the logits, so a work dir keeps them.
    """

    dtype: Literal['float32', 'bfloat16', 'float16'] = 'float32'
    device: str = 'auto'
    batch_size: int = Field(default=256, ge=1)
    memory_gib: float = Field(default=4.0, gt=0)
    trust_remote_code: bool = False
    revision: str | None = None

    def build(self) -> Engine:
        """Load the model; the built-in one is made first when it is not there."""
        from maskdpo_xtuner.builtin.model import builtin_model
        from maskdpo_xtuner.engines.transformers import TransformersEngine

        return TransformersEngine(
            self.model or str(builtin_model()), **self.model_dump(exclude={'type', 'model'})
        )

    def tokenizer_source(self) -> tuple[str, str | None, bool] | None:
        """Give the model's own; None for the built-in one."""
        return (self.model, self.revision, self.trust_remote_code) if self.model else None


@ENGINES.register_module('lmdeploy')
class LMDeploySettings(EngineSettings):
    """A model run by LMDeploy in this process; see `maskdpo_xtuner.engines.lmdeploy`."""

    model: str
    backend: Literal['turbomind', 'pytorch'] = 'turbomind'
    revision: str | None = None
    trust_remote_code: bool = False
    timeout: float = Field(default=600.0, gt=0, exclude=True)
    options: dict[str, Any] = {}

    @field_serializer('options')
    def _decisive_options(self, options: dict[str, Any]) -> dict[str, Any]:
        return decisive(options)

    def build(self) -> Engine:
        """Read the tokenizer; the model is loaded when it is first asked."""
        return LMDeployEngine(**{key: value for key, value in self if key != 'type'})

    def tokenizer_source(self) -> tuple[str, str | None, bool]:
        """Give the model's own."""
        return self.model, self.revision, self.trust_remote_code


@ENGINES.register_module('openai')
class OpenAISettings(EngineSettings):
    """A model that servers answer for; see `maskdpo_xtuner.engines.openai`."""

    model: str
    base_urls: list[str] = Field(exclude=True)
    revision: str | None = None
    tokenizer: str | None = None
    trust_remote_code: bool = False
    concurrency_per_endpoint: int = Field(default=128, ge=1, exclude=True)
    timeout: float = Field(default=600.0, gt=0, exclude=True)
    max_response_bytes: int = Field(default=1 << 20, ge=1 << 10, exclude=True)
    patience: float = Field(default=300.0, ge=0, exclude=True)
    api_key_env: str | None = Field(default=None, exclude=True)
    extra_body: dict[str, Any] = {}
    dialect: str = Field(default='auto', exclude=True)

    def build(self) -> Engine:
        """Prepare the requests; the first connection is made with the first of them."""
        from maskdpo_xtuner.engines.openai import OpenAIEngine

        return OpenAIEngine(**{key: value for key, value in self if key != 'type'})

    def tokenizer_source(self) -> tuple[str, str | None, bool]:
        """That of ``tokenizer``, or of the served name if it is a hub name or a folder."""
        return self.tokenizer or self.model, self.revision, self.trust_remote_code


EngineChoice = Annotated[SerializeAsAny[EngineSettings], choice_of(EngineSettings)]
