"""Distances between topics and entities, with vectors made by hand and with a tiny model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from maskdpo_xtuner.embeddings.hidden_states import NameVectors
from maskdpo_xtuner.jsonl import write_records
from maskdpo_xtuner.records import PreferencePair
from maskdpo_xtuner.topics.affinity import (
    Distances,
    PairNames,
    affinity,
    distances,
    draw,
    names_of,
)
from maskdpo_xtuner.topics.entities import Capitals
from tests.models import tiny_llama
from tests.tokenizers import tokenizer_folder
from tools.affinity import main

PAIRS = [
    PairNames('Tin', {'chosen': ('Sn', 'Cornwall'), 'rejected': ('Gold',)}),
    PairNames('Tin', {'chosen': (), 'rejected': ('Gold', 'Sn')}),
    PairNames('Iron', {'chosen': ('Fe',), 'rejected': ()}),
]
BEFORE = {
    'Tin': (0, 0),
    'Iron': (0, 0),
    'Sn': (3, 4),
    'Cornwall': (0, 1),
    'Gold': (0, 2),
    'Fe': (6, 8),
}


def by_hand(names: Sequence[str]) -> NDArray[np.float64]:
    return np.array([BEFORE[name] for name in names], dtype=float)


def doubled(names: Sequence[str]) -> NDArray[np.float64]:
    return 2 * by_hand(names)


def test_a_side_is_the_mean_over_pairs_of_the_mean_over_entities() -> None:
    before, after = (distances(PAIRS, vectors, 'euclidean') for vectors in (by_hand, doubled))
    assert before == {'chosen': [3.0, None, 10.0], 'rejected': [2.0, 3.5, None]}
    found = affinity(PAIRS, before, after, 'euclidean')
    assert (found.pairs, found.topics) == (3, 2)
    chosen, rejected = found.sides['chosen'], found.sides['rejected']
    assert chosen is not None
    assert rejected is not None
    assert (chosen.pairs, chosen.entities, chosen.before.value) == (2, 3, 6.5)
    assert (rejected.pairs, rejected.entities, rejected.before.value) == (2, 3, 2.75)
    assert chosen.after.value == 13
    assert chosen.after.difference is not None
    assert chosen.after.difference.points == 6.5
    assert chosen.after.difference.interval is not None


def test_a_change_is_paired_by_topic_so_that_levels_do_not_widen_it() -> None:
    pairs = [PairNames(f't{n}', {'chosen': ('a',), 'rejected': ()}) for n in range(20)]
    before: Distances = {'chosen': [float(n) for n in range(20)], 'rejected': [None] * 20}
    after: Distances = {'chosen': [n - 2.0 for n in range(20)], 'rejected': [None] * 20}
    found = affinity(pairs, before, after, 'euclidean').sides
    assert found['rejected'] is None
    assert found['chosen'] is not None
    change = found['chosen'].after.difference
    assert change is not None
    assert change.interval is not None
    assert change.direction == 'lower'
    assert change.interval.low == pytest.approx(-2)


def test_cosine_distances_are_one_minus_the_cosine() -> None:
    pairs = [PairNames('x', {'chosen': ('y', 'x2'), 'rejected': ()})]
    vectors = {'x': (1, 0), 'y': (0, 3), 'x2': (5, 0)}

    def give(names: Sequence[str]) -> NDArray[np.float64]:
        return np.array([vectors[name] for name in names], dtype=float)

    assert list(distances(pairs, give, 'cosine')['chosen']) == pytest.approx([0.5])


def test_nothing_named_is_an_error() -> None:
    with pytest.raises(ValueError, match='none of 1 pairs names an entity beside its topic'):
        distances([PairNames('x', {'chosen': (), 'rejected': ()})], by_hand, 'euclidean')


def test_a_draw_is_that_of_its_seed_in_the_order_of_the_file() -> None:
    drawn = draw(range(100), 10, seed=1)
    assert drawn == draw(range(100), 10, seed=1) == sorted(set(drawn))
    assert drawn != draw(range(100), 10, seed=2)
    assert draw(range(3), 10, seed=1) == [0, 1, 2]


def pair(chosen: str, rejected: str, **fields: str) -> PreferencePair:
    item = {'sents': ['x'], 'type': ['hallucination']}
    return PreferencePair.model_validate(
        {
            'prompt': [{'role': 'user', 'content': 'What is tin?'}],
            'chosen': [{'role': 'assistant', 'content': chosen}],
            'rejected': [{'role': 'assistant', 'content': rejected}],
            'chosen_item': item,
            'rejected_item': item,
            'topic': 'Tin',
            'language': 'en',
            **fields,
        }
    )


def test_the_entities_of_a_pair_are_those_of_its_responses() -> None:
    found = names_of(pair('We mine Tin in Cornwall.', 'We mine it in Rome.'), Capitals(), 'p')
    assert found == PairNames('Tin', {'chosen': ('Cornwall',), 'rejected': ('Rome',)})


def test_a_pair_without_topic_or_in_another_language_is_named() -> None:
    whole = pair('a', 'b')
    with pytest.raises(ValueError, match='p.jsonl, pair 3: the pair has no "topic"; add it'):
        names_of(whole.model_copy(update={'topic': None}), Capitals(), 'p.jsonl, pair 3')
    with pytest.raises(ValueError, match='p.jsonl, pair 3: the entities "capitals" are for Engl'):
        names_of(whole.model_copy(update={'language': 'zh'}), Capitals(), 'p.jsonl, pair 3')


@pytest.fixture(scope='module')
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('models')
    return tiny_llama(folder / 'before', tokenizer_folder('smollm2'))


def test_a_vector_is_the_mean_over_the_tokens_of_the_name_behind_a_start_token(model: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForCausalLM.from_pretrained(model)
    names = ['Cornwall', 'Mohs', 'University of Oxford']
    for layer in (-1, 0, 1):
        found = NameVectors(str(model), layer=layer, device='cpu', batch_size=2)(names)
        for name, vector in zip(names, found, strict=True):
            ids = tokenizer.encode(name, add_special_tokens=False)
            with torch.inference_mode():
                states = network(
                    torch.tensor([[tokenizer.bos_token_id, *ids]]), output_hidden_states=True
                ).hidden_states[layer]
            expected = states[0, 1:].mean(dim=0).numpy()
            np.testing.assert_allclose(vector, expected, rtol=1e-4, atol=1e-6)


def test_a_layer_that_is_not_there_is_refused(model: Path) -> None:
    with pytest.raises(ValueError, match='the layer 3 is none of before: .* 1 to 2 its blocks'):
        NameVectors(str(model), layer=3, device='cpu')(['Tin'])


def test_the_command_prints_both_sides_and_a_model_against_itself_does_not_change(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / 'pairs.jsonl', tmp_path / 'out.json'
    pairs = [
        pair('It is mined in Cornwall.', 'It is mined in Rome.', topic=topic)
        for topic in ('Tin', 'Iron')
    ]
    write_records(file, pairs)
    options = [str(file), '--before', str(model), '--device', 'cpu', '--out', str(out)]
    assert main([*options, '--after', str(model)]) == 0
    said = capsys.readouterr().out
    assert (
        'mean euclidean distance between the topic and the entities of 2 pairs on 2 topics' in said
    )
    assert said.count('+0.00 [+0.00, +0.00]') == 2
    found = json.loads(out.read_text())
    assert found['sides']['chosen']['before']['value'] > 0
    assert found['settings']['before.layer'] == '-1'
    absent = str(tmp_path / 'no')
    with pytest.raises(ValueError, match=f'^{absent}: there is no such model folder'):
        main([*options, '--after', absent])
