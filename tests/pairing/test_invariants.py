"""What holds for whatever answers and settings, and the paper's rule against an oracle."""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from maskdpo_xtuner.masking import SIDES, labelled_response
from maskdpo_xtuner.pairing import DropReason, PairRules, factuality_score, make_pairs
from maskdpo_xtuner.records import AnnotatedResponse, FinishReason
from tests.pairing.responses import QUESTION, indices, response


@st.composite
def some_responses(draw: st.DrawFn) -> list[AnnotatedResponse]:
    """Up to seven answers, some of them cut, some with the same text."""
    sampled = st.tuples(st.text('+0-~?', max_size=5), st.sampled_from(get_args(FinishReason)))
    responses = []
    for index, (marks, finish_reason) in enumerate(draw(st.lists(sampled, max_size=7))):
        text = draw(st.sampled_from([None, 'abcd' * len(marks) or ' ']))
        responses.append(response(index, marks, finish_reason, text))
    return draw(st.permutations(responses))


numbers = st.integers(1, 4)
rules_of_choice = st.one_of(
    st.just({'rule': 'best_worst'}),
    st.builds(lambda n: {'rule': 'all', 'max_pairs': n}, st.none() | numbers),
    st.builds(lambda n: {'rule': 'top_bottom', 'top_bottom': n}, numbers),
)
other_settings = st.fixed_dictionaries(
    {
        'no_facts': st.sampled_from(['correct', 'ignored']),
        'ties': st.sampled_from(['first', 'most_facts']),
        'max_length_ratio': st.sampled_from([None, 1, 2, 3.5]),
        'truncated_chosen': st.booleans(),
        'truncated_rejected': st.booleans(),
        'max_without_verdict': st.sampled_from([0, 0.5, 1]),
    }
)


@hypothesis_settings(deadline=None, max_examples=150)
@given(some_responses(), rules_of_choice, other_settings)
def test_every_pair_keeps_to_the_settings(
    responses: list[AnnotatedResponse], rule: dict[str, Any], others: dict[str, Any]
) -> None:
    rules = PairRules(**rule, **others)
    made = make_pairs(QUESTION, responses, rules)
    if isinstance(made, str):
        return
    by_index = {each.sample_index: each for each in responses}
    assert 0 < len(made) <= (rules.most_pairs or len(made))
    assert len(set(indices(made))) == len(made)
    margins = []
    for pair in made:
        chosen, rejected = (
            by_index[item.sample_index or 0] for item in (pair.chosen_item, pair.rejected_item)
        )
        best, worst = (factuality_score(each, rules.no_facts) for each in (chosen, rejected))
        assert (best, worst) == (pair.chosen_item.score, pair.rejected_item.score)
        assert best is not None
        assert worst is not None
        assert best > worst
        margins.append(best - worst)
        assert chosen.text != rejected.text
        assert rules.truncated_chosen or chosen.finish_reason == 'stop'
        assert rules.truncated_rejected or rejected.finish_reason == 'stop'
        lengths = sorted([len(chosen.text), len(rejected.text)])
        assert rules.max_length_ratio is None or lengths[1] <= rules.max_length_ratio * lengths[0]
        # Both sides have something to train on.
        assert all(any(labelled_response(side, pair).weights) for side in SIDES)
    assert margins == sorted(margins, reverse=True)
    if rules.rule == 'top_bottom':
        used = [index for sides in indices(made) for index in sides]
        assert len(set(used)) == len(used)


@hypothesis_settings(deadline=None, max_examples=60)
@given(some_responses(), rules_of_choice, other_settings, st.randoms())
def test_the_order_of_the_answers_does_not_matter(
    responses: list[AnnotatedResponse], rule: dict[str, Any], others: dict[str, Any], random: Any
) -> None:
    rules = PairRules(**rule, **others)
    shuffled = random.sample(responses, len(responses))
    assert make_pairs(QUESTION, responses, rules) == make_pairs(QUESTION, shuffled, rules)


@hypothesis_settings(deadline=None, max_examples=60)
@given(some_responses())
def test_a_rule_of_one_pair_is_the_papers(responses: list[AnnotatedResponse]) -> None:
    one = [
        make_pairs(QUESTION, responses, rules)
        for rules in (
            PairRules(),
            PairRules(rule='all', max_pairs=1),
            PairRules(rule='top_bottom', top_bottom=1),
        )
    ]
    found = [each if isinstance(each, str) else indices(each) for each in one]
    assert found[0] == found[1] == found[2]


def oracle(responses: list[AnnotatedResponse], rules: PairRules) -> tuple[int, int] | str:
    """The paper's rule said once more: best against worst, ties to the lowest index, drops."""

    def score(each: AnnotatedResponse) -> float | None:
        labels = [s.label.value for s in each.sentences if s.label]
        missing = len(each.sentences) - len(labels)
        if not labels or missing > rules.max_without_verdict * len(each.sentences):
            return None
        good = [label for label in labels if label in ('no_hallucination', 'no_facts')]
        return len(good) / len(labels)

    scored = {each.sample_index: s for each in responses if (s := score(each)) is not None}
    whole = {each.sample_index for each in responses if each.finish_reason == 'stop'}
    text = {each.sample_index: each.text for each in responses}
    best = [i for i in scored if rules.truncated_chosen or i in whole]
    worst = [i for i in scored if rules.truncated_rejected or i in whole]
    if len(scored) < 2 or not best or not worst:
        return 'fewer_than_two_scored_responses'
    chosen = min(best, key=lambda i: (-scored[i], i))
    rejected = min(worst, key=lambda i: (scored[i], i))
    if scored[chosen] == 0:
        return 'chosen_without_correct_sentence'
    if scored[rejected] == 1:
        return 'rejected_without_hallucination'
    if scored[chosen] <= scored[rejected]:
        return 'equal_scores'
    return 'identical_responses' if text[chosen] == text[rejected] else (chosen, rejected)


@hypothesis_settings(deadline=None, max_examples=150)
@given(some_responses(), st.booleans(), st.booleans(), st.sampled_from([0, 0.5, 1]))
def test_the_defaults_do_what_the_paper_says(
    responses: list[AnnotatedResponse], chosen: bool, rejected: bool, share: float
) -> None:
    rules = PairRules(
        truncated_chosen=chosen, truncated_rejected=rejected, max_without_verdict=share
    )
    made = make_pairs(QUESTION, responses, rules)
    found = made.value if isinstance(made, DropReason) else indices(made)[0]
    assert found == oracle(responses, rules)
