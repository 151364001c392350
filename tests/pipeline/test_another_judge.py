"""Pairs of the same answers by judge A, by judge B, and by both: nothing is asked twice."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.annotators.agreement.settings import AgreementSettings
from maskdpo_xtuner.annotators.base import Annotator
from maskdpo_xtuner.annotators.settings import AnnotatorSettings, LexicalSettings
from maskdpo_xtuner.engines.base import Engine, Request
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.engines.settings import TransformersSettings
from maskdpo_xtuner.evaluation.judges import judges_of
from maskdpo_xtuner.pipeline.run import run_pipeline
from maskdpo_xtuner.settings import Settings
from tests.pipeline.dialogues import anah_v2, judged
from tests.pipeline.work_dirs import TRUE, mixed_response, records, settings_of

ASKED: Counter[str] = Counter()


def contrary(request: Request) -> str:
    """Judge as `judged` does, but call what is true unverifiable in the second turn."""
    ASKED['b'] += 1
    is_second = len(request.messages) == 3 and TRUE in request.messages[0].content
    return '<No Reference Information>' if is_second else judged(request)


def plain(request: Request) -> str:
    ASKED['a'] += 1
    return judged(request)


class JudgeA(AnnotatorSettings):
    """The scripted ANAH-v2; it asks one at a time."""

    def build(self) -> tuple[Annotator, Engine | None]:
        return anah_v2(ScriptedEngine(plain, identity={'model': 'a'}))


class JudgeB(AnnotatorSettings):
    """One that disagrees on true sentences, and is asked in batches."""

    def build(self) -> tuple[Annotator, Engine | None]:
        return anah_v2(ScriptedEngine(contrary, identity={'model': 'b'}, batch_size=4))


A, B = ({'type': f'{__name__}.{name}'} for name in ('JudgeA', 'JudgeB'))
BOTH = {'type': 'agreement', 'judges': [A, B]}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> ScriptedEngine:
    engine = ScriptedEngine(mixed_response)
    monkeypatch.setattr(TransformersSettings, 'build', lambda self: engine)
    ASKED.clear()
    return engine


def run(folder: Path, name: str, annotator: dict[str, Any], **parts: Any) -> Path:
    """Run in a work dir of its own over one store; a run of the agreement may drop all."""
    settings = settings_of(folder, sampling={'num_samples': 6, 'max_new_tokens': 50})
    values = {'work_dir': folder / name, 'store': folder / 'store.sqlite', 'annotator': annotator}
    # What is judged matters here; two that disagree leave no pair.
    with suppress(ValueError):
        run_pipeline(Settings.model_validate({**dict(settings), **values, **parts}), quiet=True)
    assert (folder / name / 'summary.json').exists()
    return folder / name


@pytest.mark.parametrize('annotation', ['all', 'needed'])
def test_both_ask_nothing_that_each_was_asked(
    engine: ScriptedEngine, tmp_path: Path, annotation: str
) -> None:
    run(tmp_path, 'a', A)
    run(tmp_path, 'b', B)
    before, samples = dict(ASKED), len(engine.calls)
    assert before['a'] > 0
    assert before['b'] > 0
    run(tmp_path, 'both', BOTH, annotation=annotation)
    assert (dict(ASKED), len(engine.calls)) == (before, samples)


def test_one_of_them_is_asked_what_the_other_answered_before(
    engine: ScriptedEngine, tmp_path: Path
) -> None:
    run(tmp_path, 'a', A)
    before = ASKED['a']
    run(tmp_path, 'both', BOTH)
    asked = dict(ASKED)
    assert asked['a'] == before
    run(tmp_path, 'b', B)
    assert dict(ASKED) == asked


def test_only_sentences_that_both_agree_on_have_a_label(
    engine: ScriptedEngine, tmp_path: Path
) -> None:
    folder = run(tmp_path, 'both', BOTH)
    for response in records(folder / 'annotated.jsonl'):
        for each in response['sentences']:
            text = response['text'][each['start'] : each['end']].strip()
            if text == TRUE:
                reason = 'disagreed: anah_v2 no_hallucination, anah_v2 unverifiable'
                assert (each['label'], each['failure']) == (None, reason)
            else:
                assert each['label'] == 'contradictory'


def test_pairs_by_three_judges_of_the_same_answers_differ(
    engine: ScriptedEngine, tmp_path: Path
) -> None:
    lexical = {'type': 'lexical'}
    folders = [
        run(tmp_path, 'lexical', lexical),
        run(tmp_path, 'a', A),
        run(tmp_path, 'two', {'type': 'agreement', 'judges': [lexical, A]}),
    ]
    answers = [(folder / 'responses.jsonl').read_bytes() for folder in folders]
    assert len(set(answers)) == 1
    names = [records(f / 'pairs.jsonl')[0]['provenance']['annotator_name'] for f in folders]
    assert names == ['lexical', 'anah_v2', 'agreement']


def test_a_judge_that_had_to_agree_made_the_pairs(tmp_path: Path) -> None:
    judges = [{'type': 'lexical'}, A, {'type': 'lexical', 'min_coverage': 0.5}]
    settings = settings_of(
        tmp_path,
        annotator={'type': 'agreement', 'judges': judges[:2]},
        evaluation={'questions': {'type': 'jsonl', 'path': 'x'}, 'judges': judges},
    )
    assert [judge.made_pairs for judge in judges_of(settings)] == [True, True, False]


def test_cut_sentence_is_one_for_all() -> None:
    shared = {'type': 'agreement', 'cut_sentence': 'judged', 'judges': [{'type': 'lexical'}] * 2}
    found = AgreementSettings.model_validate(shared)
    assert [each.cut_sentence for each in found.judges] == ['judged', 'judged']
    with pytest.raises(ValueError, match='cut_sentence is one for all judges'):
        AgreementSettings(judges=(LexicalSettings(cut_sentence='judged'), LexicalSettings()))
