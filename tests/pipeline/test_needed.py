"""Runs that annotate no more than the pairs need."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.annotators.base import Annotator, Dialogue
from maskdpo_xtuner.annotators.settings import LexicalSettings
from maskdpo_xtuner.engines.base import Engine, Failure, Request, Sampling
from maskdpo_xtuner.engines.scripted import Script, ScriptedEngine
from maskdpo_xtuner.engines.settings import TransformersSettings
from maskdpo_xtuner.pipeline.merging import merge_shards
from maskdpo_xtuner.pipeline.pairing_anew import pair_anew
from maskdpo_xtuner.pipeline.run import run_pipeline
from maskdpo_xtuner.pipeline.shards import Shard
from maskdpo_xtuner.records import NOT_NEEDED, Label, Message, Question, Response, Sentence
from maskdpo_xtuner.settings import Settings
from tests.pipeline.dialogues import anah_v2, judged_by_chance
from tests.pipeline.work_dirs import FALSE, contents, many_claims, records, settings_of

PAIRS = ('pairs.jsonl', 'dropped.jsonl', 'responses.jsonl')
LABELS = (Label.NO_HALLUCINATION, Label.CONTRADICTORY)
Use = Callable[..., ScriptedEngine]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Answer by scripts from here on; gives the annotator's engine."""

    def use_them(
        judge: Script = judged_by_chance,
        make: Callable[[Engine], tuple[Annotator, Engine]] = anah_v2,
        **how: Any,
    ) -> ScriptedEngine:
        engine = ScriptedEngine(judge, **{'concurrency': 4, **how})
        policy = ScriptedEngine(many_claims, concurrency=3)
        monkeypatch.setattr(TransformersSettings, 'build', lambda self: policy)
        monkeypatch.setattr(LexicalSettings, 'build', lambda self: make(engine))
        return engine

    return use_them


def settings(folder: Path, annotation: str = 'needed', **changes: Any) -> Settings:
    sampling = {'num_samples': 8, 'max_new_tokens': 50}
    folder.mkdir(exist_ok=True)
    return settings_of(folder, **{'sampling': sampling, 'annotation': annotation, **changes})


def turns(engine: ScriptedEngine) -> int:
    return sum(map(len, engine.calls))


def kinds(work_dir: Path) -> list[str | None]:
    """Labels or failures of all sentences."""
    found = records(work_dir / 'annotated.jsonl')
    return [s['label'] or s['failure'] for each in found for s in each['sentences']]


def run(of: Settings) -> dict[str, bytes]:
    run_pipeline(of, quiet=True)
    return contents(of.work_dir)


@pytest.mark.parametrize(
    'pairs',
    [{}, {'rule': 'top_bottom', 'top_bottom': 2}, {'ties': 'most_facts', 'no_facts': 'ignored'}],
)
def test_the_pairs_are_those_of_annotating_all_and_fewer_turns_are_asked(
    tmp_path: Path, use: Use, pairs: dict[str, Any]
) -> None:
    every = use()
    of_all = run(settings(tmp_path / 'all', 'all', pairs=pairs))
    few = use()
    of_needed = run(settings(tmp_path / 'needed', pairs=pairs))
    for name in PAIRS:
        assert of_needed[name] == of_all[name]
    assert turns(few) < turns(every)
    before, now = kinds(tmp_path / 'all/work'), kinds(tmp_path / 'needed/work')
    assert {b for a, b in zip(before, now, strict=True) if a != b} == {NOT_NEEDED}


def test_what_was_not_asked_is_no_label_and_no_failure(tmp_path: Path, use: Use) -> None:
    use()
    summary = run_pipeline(settings(tmp_path), quiet=True)
    found = kinds(tmp_path / 'work')
    saved = found.count(NOT_NEEDED)
    assert 0 < saved == summary.not_needed == summary.to_dict()['sentences_not_needed']
    assert summary.labels.total() == len(found) - saved
    assert NOT_NEEDED not in summary.failures
    assert summary.exit_status == 0
    assert (tmp_path / 'work/failures.jsonl').read_text() == ''
    about = round(saved * summary.turns.expected / (len(found) - saved))
    assert (
        f'{len(found) - saved}, saved {saved} ({saved / len(found):.1%}), about {about} turns'
        in (summary.table())
    )


@pytest.mark.parametrize('batch', [1, 8])
def test_the_bytes_do_not_depend_on_how_many_are_asked_at_once(
    tmp_path: Path, use: Use, batch: int
) -> None:
    files = []
    for workers in (1, 3, 64):
        use(concurrency=workers, batch_size=batch)
        files.append(run(settings(tmp_path / str(workers))))
    for other in files[1:]:
        assert {**other, 'settings.json': b''} == {**files[0], 'settings.json': b''}


def test_annotating_all_afterwards_asks_for_what_is_missing_in_the_same_work_dir(
    tmp_path: Path, use: Use
) -> None:
    every = use()
    of_all = run(settings(tmp_path / 'all', 'all'))
    first = use()
    of_needed = run(settings(tmp_path / 'one'))
    rest = use()
    assert run(settings(tmp_path / 'one', 'all')) == of_all
    assert turns(first) + turns(rest) == turns(every)
    none = use()
    assert run(settings(tmp_path / 'one')) == of_needed
    assert turns(none) == 0


def test_other_settings_are_still_refused_in_the_work_dir(tmp_path: Path, use: Use) -> None:
    use()
    run(settings(tmp_path))
    with pytest.raises(ValueError, match='pairs.ties'):
        run(settings(tmp_path, 'all', pairs={'ties': 'most_facts'}))


def test_one_store_serves_both(tmp_path: Path, use: Use) -> None:
    every, store = use(), tmp_path / 'store.sqlite'
    run(settings(tmp_path / 'all', 'all', store=store))
    assert turns(every) > 0
    none = use()
    run(settings(tmp_path / 'needed', store=store))
    assert turns(none) == 0


def test_shards_merge_into_the_files_of_an_undivided_run(tmp_path: Path, use: Use) -> None:
    use()
    whole = run(settings(tmp_path / 'whole'))
    divided = settings(tmp_path / 'parts')
    for index in range(2):
        run_pipeline(divided, Shard(index, 2), quiet=True)
    merge_shards(divided, 'command')
    shutil_free = {k: v for k, v in files_of(divided.work_dir).items() if k != 'shards'}
    assert shutil_free == whole


def files_of(work_dir: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in work_dir.iterdir()
        if path.is_file() and not path.name.startswith('completions.sqlite')
    }


def test_a_failed_sentence_is_asked_again_and_the_files_are_those_without_failure(
    tmp_path: Path, use: Use
) -> None:
    use()
    expected = run(settings(tmp_path / 'undisturbed'))

    def failing(request: Request) -> str | Failure:
        fails = '1 of' in request.messages[0].content
        return Failure('HTTP 500') if fails else judged_by_chance(request)

    use(failing)
    summary = run_pipeline(settings(tmp_path / 'one'), quiet=True)
    assert summary.failures['no_answer'] > 0
    assert {f['stage'] for f in records(tmp_path / 'one/work/failures.jsonl')} == {'annotation'}
    use()
    assert run(settings(tmp_path / 'one')) == expected


@pytest.mark.parametrize('rule', ['all', 'tests.pairing.test_needed:own_rule'])
def test_a_rule_that_needs_every_score_annotates_all_and_says_so(
    tmp_path: Path, use: Use, rule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    use()
    if rule == 'all':
        run(settings(tmp_path, pairs={'rule': rule}))
    else:
        with pytest.raises(ValueError, match='never'):
            run(settings(tmp_path, pairs={'rule': rule}))
    assert 'all sentences are judged: ' in capsys.readouterr().err
    assert NOT_NEEDED not in kinds(tmp_path / 'work')
    assert 'annotation' not in json.loads((tmp_path / 'work/settings.json').read_text())


def test_a_judge_that_asks_nothing_annotates_all_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = ScriptedEngine(lambda r: many_claims(r) + ('' if r.seed % 2 else ' ' + FALSE))
    monkeypatch.setattr(TransformersSettings, 'build', lambda self: policy)
    with pytest.raises(ValueError, match='dropped'):
        run(settings(tmp_path))
    assert 'the judge asks no engine' in capsys.readouterr().err
    assert NOT_NEEDED not in kinds(tmp_path / 'work')


def test_other_pairs_are_made_of_it_only_where_it_was_judged_far_enough(
    tmp_path: Path, use: Use
) -> None:
    use()
    source = settings(tmp_path)
    of_source = run(source)
    again = source.model_copy(update={'work_dir': tmp_path / 'again'})
    pair_anew(again, source.work_dir)
    assert contents(again.work_dir)['pairs.jsonl'] == of_source['pairs.jsonl']
    for pairs in ({'rule': 'all'}, {'rule': 'top_bottom', 'top_bottom': 4}):
        other = settings(tmp_path, pairs=pairs).model_copy(update={'work_dir': tmp_path / 'other'})
        with pytest.raises(ValueError, match="annotation='all' first"):
            pair_anew(other, source.work_dir)
    run(settings(tmp_path, 'all'))
    pair_anew(other, source.work_dir)


class WholeResponses:
    """A judge that answers for a response at once, and does not say how it splits it."""

    def __init__(self, engine: Engine) -> None:
        self.identity = {'name': 'whole', **engine.identity}

    def annotate(self, question: Question, response: Response) -> Sequence[Dialogue]:
        text = response.text
        return [self._judge(text, start, len(text) // 2 + start) for start in (0, len(text) // 2)]

    def _judge(self, text: str, start: int, end: int) -> Dialogue:
        asked = Request((Message(role='user', content=text[start:end]),), Sampling(9), 1)
        outcome = yield asked
        assert not isinstance(outcome, Failure)
        label = LABELS[zlib.crc32(text[start:end].encode()) % 2]
        return (Sentence(start=start, end=end, label=label),)


@pytest.mark.parametrize('ties', ['first', 'most_facts'])
def test_a_judge_of_whole_responses_takes_part_with_whole_responses(
    tmp_path: Path, use: Use, ties: str
) -> None:
    def make(engine: Engine) -> tuple[Annotator, Engine]:
        return WholeResponses(engine), engine

    files = []
    for annotation in ('all', 'needed'):
        use(make=make)
        files.append(run(settings(tmp_path / annotation, annotation, pairs={'ties': ties})))
    for name in PAIRS:
        assert files[0][name] == files[1][name]
    found = records(tmp_path / 'needed/work/annotated.jsonl')
    saved = [each for each in found if each['sentences'][0]['failure'] == NOT_NEEDED]
    # How many sentences there are is not known before: any may be the one with the most facts.
    assert saved or ties == 'most_facts'
    for each in saved:
        assert [(s['start'], s['end']) for s in each['sentences']] == [(0, len(each['text']))]


def test_an_annotator_that_does_not_keep_to_its_splitter_is_refused(
    tmp_path: Path, use: Use
) -> None:
    def make(engine: Engine) -> tuple[Annotator, Engine]:
        annotator, engine = anah_v2(engine)
        judge = annotator.judge  # type: ignore[attr-defined]

        def shorter(question: Question, text: str, span: tuple[int, int]) -> Any:
            return judge(question, text, (span[0], span[1] - 1))

        annotator.judge = shorter  # type: ignore[attr-defined]
        return annotator, engine

    use(make=make)
    with pytest.raises(ValueError, match="than its splitter gives; set annotation='all'"):
        run(settings(tmp_path))
