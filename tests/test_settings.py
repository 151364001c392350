"""Reading configs: what they become, and how a wrong one is answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.annotators.settings import LexicalSettings
from maskdpo_xtuner.questions import JsonlQuestions, TableSplit
from maskdpo_xtuner.settings import SamplingSettings, guard_work_dir, load_settings

CONFIGS = Path(__file__).parents[1] / 'configs'
LEAST = "work_dir = 'work'\nquestions = dict(type='jsonl', path='q.jsonl')\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / 'config.py'
    path.write_text(LEAST)
    return path


@pytest.mark.parametrize(
    'path', sorted(CONFIGS.glob('data/**/*.py')), ids=lambda p: str(p.relative_to(CONFIGS))
)
def test_the_configs_of_the_project_can_be_read(path: Path) -> None:
    assert load_settings(path).questions


def test_what_is_not_said_is_the_papers(config: Path) -> None:
    settings = load_settings(config)
    assert settings.work_dir == Path('work')
    assert settings.questions == JsonlQuestions(path=Path('q.jsonl'))
    assert settings.annotator == LexicalSettings()
    assert settings.sampling == SamplingSettings(
        num_samples=32, max_new_tokens=1024, temperature=0.8, top_k=40, top_p=1.0, seed=0
    )


def test_options_and_work_dir_replace_what_the_config_says(config: Path) -> None:
    config.write_text(LEAST + 'sampling = dict(num_samples=4, seed=1)\n')
    settings = load_settings(config, {'sampling.num_samples': 8, 'work_dir': 'a'}, work_dir='b')
    assert (settings.sampling.num_samples, settings.sampling.seed) == (8, 1)
    assert settings.work_dir == Path('b')


def test_a_config_inherits(config: Path) -> None:
    child = config.with_name('child.py')
    child.write_text("_base_ = ['config.py']\nsampling = dict(seed=3)\n")
    settings = load_settings(child)
    assert (settings.sampling.seed, settings.work_dir) == (3, Path('work'))


def test_a_name_with_an_underscore_is_a_variable_of_the_config(config: Path) -> None:
    config.write_text(f'_seed = 3\n{LEAST}sampling = dict(seed=_seed)\n')
    assert load_settings(config).sampling.seed == 3


@pytest.mark.parametrize(
    ('added', 'problem'),
    [
        ('samplng = dict()', 'there is no setting samplng; did you mean "sampling"?'),
        ('sampling = dict(num_sample=3)', 'setting sampling.num_sample; did you mean "num_samples'),
        ('zzz = 1', 'there is no setting zzz'),
        (
            "sampling = dict(num_samples='many')",
            'sampling.num_samples: Input should be a valid int',
        ),
        ('sampling = dict(num_samples=0)', 'sampling.num_samples: Input should be greater than or'),
        ('sampling = dict(top_p=0)', 'sampling.top_p: Input should be greater than 0'),
        ('sampling = dict(temperature=-1)', 'sampling.temperature: Input should be greater'),
        ('pairs = dict(max_without_verdict=2)', 'pairs.max_without_verdict: Input should be less'),
        (
            "annotator = dict(type='oracle')",
            'annotator: there is no annotator "oracle"; registered are lexical, table',
        ),
        ("policy = dict(model='m')", 'policy.type is missing'),
        (
            "evaluation = dict(questions=dict(type='jsonl', path='q'), "
            "models=dict(a=['f1', dict(type='openai', model='m', base_url='x')]))",
            'there is no setting evaluation.models.a.base_url; did you mean "base_urls"?',
        ),
        (
            "evaluation = dict(questions=dict(type='jsonl', path='q'), "
            "judges=[dict(type='lexical', min_covrage=1, name='strict')])",
            'setting evaluation.judges.0.min_covrage; did you mean "min_coverage"?',
        ),
        ('evaluation = dict(num_runs=1)', 'evaluation: name what to evaluate on: either questions'),
        ('questions = 3', 'questions: Input should be a valid dictionary'),
        ('work_dir = None', 'work_dir: Input is not a valid path'),
        ('work_dir = (', "not a config that can be read: '(' was never closed"),
        ("_base_ = ['nowhere.py']", 'nowhere.py'),
    ],
)
def test_a_wrong_config_is_answered_with_file_and_key(
    config: Path, added: str, problem: str
) -> None:
    config.write_text(f'{LEAST}{added}\n')
    with pytest.raises(ValueError, match='config') as caught:
        load_settings(config)
    assert str(caught.value).startswith(f'{config}: ')
    assert problem in str(caught.value)
    assert '\n' not in str(caught.value)


def test_all_that_is_wrong_is_named(config: Path) -> None:
    config.write_text('sampling = dict(seed=None)\n')
    with pytest.raises(ValueError, match='sampling.seed: .*') as caught:
        load_settings(config)
    for key in ('work_dir: Field required', 'questions: Field required'):
        assert f'{config}: {key}' in str(caught.value)


@pytest.mark.parametrize(
    ('options', 'problem'),
    [
        ({'sampling.sed': 1}, 'there is no setting sampling.sed; did you mean "seed"?'),
        ({'work_dir.x': 1}, '--cfg-options: .*work_dir'),
        ({'questions': 5}, 'questions: Input should be a valid dictionary'),
    ],
)
def test_a_wrong_option_is_named(config: Path, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        load_settings(config, options)


def test_a_missing_config_is_named_with_where_others_are(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r'nowhere\.py: there is no such config; `maskdpo list-cfg` lists'
    ):
        load_settings(tmp_path / 'nowhere.py')


def test_a_question_file_in_place_of_a_config_is_refused(tmp_path: Path) -> None:
    path = tmp_path / 'questions.jsonl'
    path.write_text('{}\n')
    with pytest.raises(ValueError, match=r'questions\.jsonl: not a config that can be read'):
        load_settings(path)


def test_a_limit_takes_the_first_questions(tmp_path: Path) -> None:
    path = tmp_path / 'q.jsonl'
    line = '{"question": "%d?", "document": "D", "language": "en"}\n'
    path.write_text(''.join(line % n for n in range(3)))
    assert [q.question for q in JsonlQuestions(path=path, limit=2).load()] == ['0?', '1?']
    assert len(JsonlQuestions(path=path).load()) == 3


def test_topics_are_taken_whole_from_the_first_on() -> None:
    all_questions = TableSplit(type='table', table='elements', split='train').load()
    some = TableSplit(type='table', table='elements', split='train', topics=2).load()
    assert len({question.topic for question in some}) == 2
    assert some == all_questions[: len(some)]
    assert all_questions[len(some)].topic not in {question.topic for question in some}


# -- a work dir holds one experiment


def test_the_guard_names_what_was_added_and_removed(config: Path, tmp_path: Path) -> None:
    settings = load_settings(config)
    guard_work_dir(tmp_path / 'work', settings.flat(['sampling']))
    guard_work_dir(tmp_path / 'work', settings.flat(['sampling']))
    with pytest.raises(ValueError, match=r'pairs\.truncated_chosen: None -> True.*--work-dir'):
        guard_work_dir(tmp_path / 'work', settings.flat(['sampling', 'pairs']))
    other = load_settings(config, {'sampling.seed': 9})
    with pytest.raises(ValueError, match=r'\(sampling\.seed: 0 -> 9\)'):
        guard_work_dir(tmp_path / 'work', other.flat(['sampling']))
    written = json.loads((tmp_path / 'work' / 'settings.json').read_text())
    assert written == settings.flat(['sampling'])
    assert written['sampling.seed'] == 0
