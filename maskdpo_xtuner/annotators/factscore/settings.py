"""What a config says of the annotator `factscore`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator
from typing_extensions import Self

from maskdpo_xtuner.annotators.asking import AskingSettings
from maskdpo_xtuner.annotators.base import Annotator
from maskdpo_xtuner.annotators.factscore.annotator import FactScoreAnnotator, Wording
from maskdpo_xtuner.annotators.factscore.cutting import Cutter, TokenCutter, WordCutter
from maskdpo_xtuner.annotators.factscore.demonstrations import (
    Demonstrations,
    own_demonstrations,
    read_demonstrations,
)
from maskdpo_xtuner.annotators.factscore.relevance import BM25, relevance_of
from maskdpo_xtuner.annotators.factscore.retrieval import Retriever
from maskdpo_xtuner.annotators.factscore.two_engines import TwoEngines
from maskdpo_xtuner.annotators.prompt_files import Prompt, prompt_or_own
from maskdpo_xtuner.annotators.settings import SentenceSettings
from maskdpo_xtuner.engines.base import Engine
from maskdpo_xtuner.engines.settings import EngineChoice
from maskdpo_xtuner.identity import identity_of
from maskdpo_xtuner.knowledge import Knowledge
from maskdpo_xtuner.registry import ANNOTATORS

PROMPTS = Path(__file__).parent / 'prompts'
_BOTH = ('question', 'topic', 'language')
FACTS_VARIABLES = (*_BOTH, 'response', 'sentence', 'demonstrations')
VERDICT_VARIABLES = (*_BOTH, 'title', 'passages', 'fact')


@ANNOTATORS.register_module('factscore')
class FactScoreSettings(SentenceSettings, AskingSettings):
    """Atomic facts, verified one by one; see `maskdpo_xtuner.annotators.factscore`.

    Attributes:
        engine: what runs the model that breaks sentences down and verifies facts.
        knowledge: an SQLite file ``documents(title, text)`` whose titles are the topics of the
            questions: FActScore's, or one of ``maskdpo build-knowledge``. None for the document of
            each question as the page of its topic.
        facts_prompt: a jinja file with the variables `FACTS_VARIABLES`; None for our own wording.
        verdict_prompt: one with `VERDICT_VARIABLES`, where ``passages`` has the most relevant
            first; None for our own.
        demonstrations: the file that ``maskdpo import-factscore-demonstrations`` wrote, or one of
            yours; None for ours.
        fixed: how many demonstrations are always shown, the first ones; None for all.
        similar: how many more, the most like the sentence by BM25. FActScore's release shows 7 and
            1.
        passages: how many passages a fact is verified with.
        passage_length: their tokens, where the knowledge is not cut into passages already.
        tokenizer: hub name or folder of the tokenizer that counts them (the release's is
            ``roberta-large``); None to count words.
        retrieval: ``bm25``, or a model of sentence-transformers (the release's is
            ``sentence-transformers/gtr-t5-large``).
        device: where that model runs; None for what it finds.
    """

    engine: EngineChoice
    verifier: EngineChoice | None = None
    # What is in these files counts, and not where they lie.
    knowledge: Path | None = Field(default=None, exclude=True)
    facts_prompt: Path | None = Field(default=None, exclude=True)
    verdict_prompt: Path | None = Field(default=None, exclude=True)
    demonstrations: Path | None = Field(default=None, exclude=True)
    fixed: int | None = Field(default=None, ge=0)
    similar: int = Field(default=0, ge=0)
    passages: int = Field(default=5, ge=1)
    passage_length: int = Field(default=256, ge=1)
    tokenizer: str | None = None
    retrieval: str = BM25
    device: str | None = Field(default=None, exclude=True)

    @model_validator(mode='after')
    def _check_prompts(self) -> Self:
        self.read_facts_prompt()
        self.read_verdict_prompt()
        return self

    def read_facts_prompt(self) -> Prompt:
        """Read the prompt that asks for facts, or ours.

        Raises:
            ValueError: for one that cannot be filled, naming file, line and variable.
        """
        own, key = PROMPTS / 'facts.j2', 'annotator.facts_prompt'
        return prompt_or_own(self.facts_prompt, own, FACTS_VARIABLES, [('sentence',)], key)

    def read_verdict_prompt(self) -> Prompt:
        """Read the prompt that asks about a fact, or ours; errors as of `read_facts_prompt`."""
        own, key = PROMPTS / 'verdict.j2', 'annotator.verdict_prompt'
        return prompt_or_own(self.verdict_prompt, own, VERDICT_VARIABLES, [('fact',)], key)

    def build(self) -> tuple[Annotator, Engine]:
        """Open the knowledge, read prompts and demonstrations, build the engine.

        Raises:
            ValueError: for a file, a model or a package that is not there.
        """
        wording = Wording(
            self.read_facts_prompt(),
            self.read_verdict_prompt(),
            self._demonstrations(),
            self.fixed,
            self.similar,
        )
        retriever = self._retriever()
        engine = self._engine()
        annotator = FactScoreAnnotator(
            identity_of(engine), wording, retriever, self, self.passages, self.max_new_tokens
        )
        self.set_splitter(annotator)
        return annotator, engine

    def _engine(self) -> Engine:
        engine = self.engine.build()
        return engine if self.verifier is None else TwoEngines(engine, self.verifier.build())

    def _demonstrations(self) -> Demonstrations:
        path = self.demonstrations
        return own_demonstrations() if path is None else read_demonstrations(path)

    def _retriever(self) -> Retriever:
        knowledge = None if self.knowledge is None else Knowledge(self.knowledge)
        return Retriever(knowledge, self._cutter(), relevance_of(self.retrieval, self.device))

    def _cutter(self) -> Cutter:
        if self.tokenizer is None:
            return WordCutter(self.passage_length)
        return TokenCutter(self.passage_length, self.tokenizer)
