from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, load_dataset
from mmengine.logging import MMLogger
from transformers import AutoTokenizer

from maskdpo_xtuner.jsonl import RecordError
from maskdpo_xtuner.masking import LabelledResponse, PairConverter
from maskdpo_xtuner.training import build_mask_preference_dataset, load_preference_pairs
from maskdpo_xtuner.training.data.tokenization import ITEM_COLUMNS, Tokenization
from tests.preference_pairs import CORRECT, WRONG, WritePairs, released_pair


def build(path: Path, tokenizer: Any, max_length: int = 512, **options: Any) -> Dataset:
    pairs = {'type': 'load_preference_pairs', 'path': str(path)}
    return build_mask_preference_dataset(pairs, tokenizer, max_length, **options)


def supervised_text(tokenizer: Any, labels: list[int]) -> str:
    found: str = tokenizer.decode([token for token in labels if token != -100])
    return found


@pytest.fixture(scope='session')
def tokenizer(smollm2: Path) -> Any:
    return AutoTokenizer.from_pretrained(smollm2)


def test_labels_are_the_correct_sentences_of_chosen_and_the_wrong_of_rejected(
    write_pairs: WritePairs, tokenizer: Any
) -> None:
    (item,) = build(write_pairs([released_pair()]), tokenizer, end_of_turn='never')
    assert set(item) == set(ITEM_COLUMNS)
    assert supervised_text(tokenizer, item['chosen_labels']) == CORRECT
    assert supervised_text(tokenizer, item['rejected_labels']) == WRONG
    assert CORRECT + ' ' + WRONG in tokenizer.decode(item['chosen_ids'])


def test_labels_are_ids_in_their_place(write_pairs: WritePairs, tokenizer: Any) -> None:
    (item,) = build(write_pairs([released_pair()]), tokenizer)
    for side in ('chosen', 'rejected'):
        ids, labels = item[f'{side}_ids'], item[f'{side}_labels']
        assert len(ids) == len(labels)
        assert all(label in (token, -100) for token, label in zip(ids, labels, strict=True))


def test_response_mask_supervises_whole_responses(write_pairs: WritePairs, tokenizer: Any) -> None:
    (item,) = build(
        write_pairs([released_pair()]),
        tokenizer,
        dataset_map_fn='response_mask_map_fn',
        end_of_turn='never',
    )
    assert supervised_text(tokenizer, item['chosen_labels']) == f'{CORRECT} {WRONG}'
    assert supervised_text(tokenizer, item['rejected_labels']) == f'{WRONG} {CORRECT}'


def test_an_answer_cut_at_the_token_limit_has_no_supervised_end_of_turn(
    write_pairs: WritePairs, tokenizer: Any
) -> None:
    finished = released_pair()
    cut = released_pair()
    cut['chosen_item']['finish_reason'] = 'length'
    items = build(write_pairs([finished, cut]), tokenizer, end_of_turn='always')
    ends = [item['chosen_labels'].count(tokenizer.eos_token_id) for item in items]
    assert ends == [1, 0]


def test_plain_json_data_sets_give_the_same_items(write_pairs: WritePairs, tokenizer: Any) -> None:
    path = write_pairs([released_pair(), released_pair(question='What is it?')])
    config = {'type': 'datasets.load_dataset', 'path': 'json', 'data_files': str(path)}
    plain = build_mask_preference_dataset(config, tokenizer, 512)
    ours = build(path, tokenizer)
    assert list(plain.remove_columns('place')) == list(ours.remove_columns('place'))


def test_an_item_says_where_its_pair_stands(write_pairs: WritePairs, tokenizer: Any) -> None:
    pairs = [released_pair(), released_pair(chosen=(WRONG,)), released_pair()]
    path = write_pairs(pairs)
    assert build(path, tokenizer)['place'][:] == [f'{path}:1', f'{path}:3']
    nameless = build_mask_preference_dataset(Dataset.from_list(pairs), tokenizer, 512)
    assert nameless['place'][:] == ['pair 0', 'pair 2']


def test_pairs_without_supervised_tokens_are_dropped_with_the_reason(
    write_pairs: WritePairs, tokenizer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    MMLogger.get_current_instance().addHandler(caplog.handler)
    long = tuple(f'Fact number {index} holds.' for index in range(99))
    path = write_pairs(
        [
            released_pair(),
            released_pair(chosen=(WRONG,)),
            released_pair(chosen=(WRONG, WRONG)),
            released_pair(rejected=(CORRECT,)),
            released_pair(rejected=(*long, WRONG)),
        ]
    )
    assert len(build(path, tokenizer, max_length=128)) == 1
    said = caplog.text
    assert '1 of 5 pairs are trained on' in said
    assert 'chosen: no sentence to supervise (2)' in said
    assert 'rejected: no sentence to supervise (1)' in said
    assert 'rejected: all supervised tokens lie beyond max_length (1)' in said


def test_dropped_pairs_may_be_kept_with_their_reason_and_tokens(
    write_pairs: WritePairs, tokenizer: Any
) -> None:
    path = write_pairs([released_pair(chosen=(WRONG,)), released_pair()])
    kept, item = build(path, tokenizer, keep_dropped=True)
    assert kept['drop_reason'] == 'chosen: no sentence to supervise'
    assert WRONG in tokenizer.decode(kept['chosen_ids'])
    assert item['drop_reason'] is None
    prompt = tokenizer.decode(item['chosen_ids'][: item['chosen_prompt_length']])
    assert prompt.endswith('<|im_start|>assistant\n')


def test_pairs_that_nobody_labelled_are_refused_by_name_and_trained_on_by_plain_dpo(
    write_pairs: WritePairs, tokenizer: Any
) -> None:
    text = f'{CORRECT} {WRONG}'
    unlabelled = {'sents': [text], 'type': ['hallucination'], 'labels': [None]}
    path = write_pairs([released_pair(), released_pair(chosen_item=unlabelled)])
    with pytest.raises(ValueError, match=rf'{path}:2: chosen_item.labels: no sentence is labelled'):
        build(path, tokenizer)
    assert len(build(path, tokenizer, dataset_map_fn='response_mask_map_fn')) == 2


def test_a_file_of_trl_is_trained_on_by_plain_dpo_alone(tmp_path: Path, tokenizer: Any) -> None:
    path = tmp_path / 'trl.jsonl'
    row = {'prompt': 'What is neon?', 'chosen': 'A gas.', 'rejected': 'A metal.'}
    path.write_text(json.dumps(row) + '\n')
    options: dict[str, Any] = {'dataset_map_fn': 'response_mask_map_fn', 'end_of_turn': 'never'}
    (item,) = build(path, tokenizer, **options)
    assert supervised_text(tokenizer, item['chosen_labels']) == 'A gas.'
    with pytest.raises(ValueError, match=rf'{path}:1: chosen_item.labels: no sentence is labelled'):
        build(path, tokenizer)
    path.write_text(json.dumps({**row, 'images': ['neon.png']}) + '\n')
    with pytest.raises(RecordError, match=rf'{path}:1: images: a pair of texts has no place'):
        build(path, tokenizer, **options)


def test_variables_of_the_chat_template_reach_it(write_pairs: WritePairs, smollm2: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(smollm2)
    tokenizer.chat_template += (
        '{%- if not add_generation_prompt %}{{- closing | default("") }}{%- endif %}'
    )
    pairs = write_pairs([released_pair()])
    (item,) = build(pairs, tokenizer, template_kwargs={'closing': 'Bye.'})
    assert tokenizer.decode(item['chosen_ids']).endswith('<|im_end|>\nBye.')


def test_a_work_dir_stands_for_its_pairs(write_pairs: WritePairs) -> None:
    path = write_pairs([released_pair()])
    assert load_preference_pairs(str(path.parent))['place'][:] == [f'{path}:1']


def test_no_pair_left_is_an_error_that_says_why(write_pairs: WritePairs, tokenizer: Any) -> None:
    path = write_pairs([released_pair(chosen=(WRONG,))])
    with pytest.raises(ValueError, match=r'0 of 1 .* chosen: no sentence to supervise \(1\)\. No'):
        build(path, tokenizer)


def test_tokens_are_memory_mapped_and_made_once(
    write_pairs: WritePairs, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_pairs([released_pair()])
    first = build(path, tokenizer)
    assert first.cache_files
    monkeypatch.setattr(Tokenization, '__call__', None)
    assert list(build(path, tokenizer)) == list(first)


@pytest.mark.parametrize(
    'changes',
    [
        {'max_length': 300},
        {'end_of_turn': 'never'},
        {'map_fn': build_mask_preference_dataset},
        {'chat_template': '{{ messages }}'},
        {'template_kwargs': {'enable_thinking': False}},
        {'data': 'other'},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_fingerprint_depends_on_what_the_tokens_depend_on(
    smollm2: Path, changes: dict[str, Any]
) -> None:
    def fingerprint(data: str = 'data', chat_template: str | None = None, **fields: Any) -> str:
        tokenizer = AutoTokenizer.from_pretrained(smollm2)
        tokenizer.chat_template = chat_template or tokenizer.chat_template
        values = {'map_fn': load_preference_pairs, 'max_length': 512, 'end_of_turn': 'always'}
        return Tokenization(PairConverter(tokenizer, **{**values, **fields})).fingerprint(data)

    assert fingerprint() == fingerprint()
    assert fingerprint(**changes) != fingerprint()


def test_fingerprint_forgets_how_the_tokenizer_was_used(smollm2: Path) -> None:
    used, fresh = (AutoTokenizer.from_pretrained(smollm2) for _ in range(2))
    used(['a', 'b c'], padding=True, truncation=True, max_length=4)
    converters = [PairConverter(each, load_preference_pairs, 512) for each in (used, fresh)]
    first, second = (Tokenization(each).fingerprint('x') for each in converters)
    assert first == second


def test_a_sentence_not_in_its_response_is_reported_with_file_and_line(
    write_pairs: WritePairs, tokenizer: Any
) -> None:
    stranger = released_pair()
    stranger['chosen_item']['sents'][1] = 'Never said.'
    path = write_pairs([released_pair(), stranger])
    with pytest.raises(ValueError, match=rf'{path}:2: .*Never said'):
        build(path, tokenizer)


def test_a_response_that_cannot_be_masked_is_reported_with_file_line_and_side(
    write_pairs: WritePairs, tokenizer: Any
) -> None:
    text = f'{WRONG} <|im_end|>'
    control = released_pair(rejected=(WRONG, '<|im_end|>'))
    assert control['rejected'][0]['content'] == text
    path = write_pairs([released_pair(), control])
    with pytest.raises(ValueError, match=rf'{path}:2: rejected: .*im_end'):
        build(path, tokenizer)


def test_a_bad_row_of_a_plain_data_set_is_reported_with_its_index(tokenizer: Any) -> None:
    rows = Dataset.from_list([released_pair(), released_pair(prompt=[])])
    with pytest.raises(ValueError, match='pair 1: not a preference pair'):
        build_mask_preference_dataset(rows, tokenizer, 512)


@pytest.mark.parametrize(
    ('line', 'problem'),
    [
        ('{"prompt": [', r'pairs\.jsonl:2: broken JSON'),
        (json.dumps({'prompt': []}), r'pairs\.jsonl:2: .*"chosen" is missing'),
        (
            json.dumps(released_pair(chosen_item={'sents': [CORRECT], 'type': ['maybe']})),
            r'pairs\.jsonl:2: field "chosen_item\.type\.0".*found "maybe"',
        ),
        (
            '{"prompt": "p", "chosen": "a \\ud800", "rejected": "b"}',
            r'pairs\.jsonl:2: field "chosen": .*one half of a character',
        ),
    ],
)
def test_a_bad_line_is_reported_with_file_and_line(
    write_pairs: WritePairs, line: str, problem: str
) -> None:
    path = write_pairs([released_pair()])
    path.write_text(path.read_text() + line + '\n')
    with pytest.raises(RecordError, match=problem):
        load_preference_pairs(str(path))


@pytest.mark.parametrize(('content', 'problem'), [(None, 'no such file'), ('', 'no records')])
def test_missing_and_empty_files_are_reported(
    tmp_path: Path, content: str | None, problem: str
) -> None:
    path = tmp_path / 'pairs.jsonl'
    if content is not None:
        path.write_text(content)
    with pytest.raises(RecordError, match=problem):
        load_preference_pairs(str(path))


def test_pairs_remember_where_they_stand(write_pairs: WritePairs, tmp_path: Path) -> None:
    path = write_pairs([released_pair()])
    path.write_text('\n' + path.read_text())
    other = tmp_path / 'other.jsonl'
    other.write_text(path.read_text())
    pairs = load_preference_pairs([str(path), str(other)])
    assert pairs['place'][:] == [f'{path}:2', f'{other}:2']


def test_a_changed_file_is_read_again(write_pairs: WritePairs) -> None:
    load_preference_pairs(str(write_pairs([released_pair()])))
    path = write_pairs([released_pair(question='What is argon?')])
    (pair,) = load_preference_pairs(str(path))
    assert pair['prompt'][0]['content'] == 'What is argon?'


def test_an_unknown_map_function_is_an_error_that_names_ours(
    write_pairs: WritePairs, tokenizer: Any
) -> None:
    with pytest.raises(ValueError, match='sentence_mask_map_fn, response_mask_map_fn'):
        build(write_pairs([released_pair()]), tokenizer, dataset_map_fn='sentence_map')


def first_words(row: dict[str, Any]) -> tuple[LabelledResponse, LabelledResponse]:
    texts = (row['chosen'][0]['content'], row['rejected'][0]['content'])
    chosen, rejected = (
        LabelledResponse(row['prompt'], text, [(0, text.index(' '))], [True]) for text in texts
    )
    return chosen, rejected


def test_any_function_may_choose_the_spans(write_pairs: WritePairs, tokenizer: Any) -> None:
    (item,) = build(
        write_pairs([released_pair()]), tokenizer, dataset_map_fn=first_words, end_of_turn='never'
    )
    assert supervised_text(tokenizer, item['chosen_labels']) == 'Neon'
    assert supervised_text(tokenizer, item['rejected_labels']) == 'It'


def test_a_tokenizer_folder_that_does_not_exist_is_named(write_pairs: WritePairs) -> None:
    config = {
        'type': 'transformers.AutoTokenizer.from_pretrained',
        'pretrained_model_name_or_path': '/no/such/model',
    }
    with pytest.raises(ValueError, match=r'/no/such/model: .*correct tokenizer\.pretrained'):
        build(write_pairs([released_pair()]), config)


def test_several_processes_tokenize_alike(write_pairs: WritePairs, tokenizer: Any) -> None:
    path = write_pairs([released_pair(question=f'What is element {i}?') for i in range(4)])
    several = list(build(path, tokenizer, max_length=500, num_proc=2))
    assert several == list(build(path, tokenizer, max_length=501))


def test_load_dataset_reads_the_released_format(write_pairs: WritePairs, tmp_path: Path) -> None:
    path = write_pairs([released_pair()])
    (row,) = load_dataset('json', data_files=str(path), cache_dir=str(tmp_path / 'hf'))['train']
    assert row['chosen_item']['type'] == ['no_hallucination', 'hallucination']
