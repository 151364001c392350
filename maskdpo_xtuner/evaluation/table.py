"""The result of an evaluation as tables of text; the words are those of the verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from maskdpo_xtuner.columns import align
from maskdpo_xtuner.evaluation.agreement import CLASSES, Agreement
from maskdpo_xtuner.evaluation.ratios import Measure
from maskdpo_xtuner.evaluation.results import Evaluation, JudgeResult, ModelResult
from maskdpo_xtuner.evaluation.text_metrics import MEAN_PERPLEXITY, PERPLEXITY
from maskdpo_xtuner.evaluation.verdict import format_difference, format_interval, format_value

Row = dict[str, str]
"""Name of the column -> text; all rows of a table have the same columns."""


def verdict_rows(result: JudgeResult) -> list[Row]:
    """Give the table of verdicts: precision, what is said, and the verdict of every model."""
    return [_verdict_row(model) for model in result.models]


def score_rows(result: JudgeResult, level: float) -> list[Row]:
    """Give the table of the paper's score, with the columns of the paper's tables."""
    return [_score_row(result, model, level) for model in result.models]


def paper_counts(result: JudgeResult, model: ModelResult) -> tuple[float, float]:
    """Correct and incorrect units as the paper prints them (Table 1).

    Sentences in total over the set, facts an answer; both averaged over runs and trainings.
    """
    correct, incorrect, answers = (model.means[k] for k in ('correct', 'incorrect', 'answers'))
    per = answers if result.unit == 'facts' else 1
    return correct / per, incorrect / per


def recall_rows(result: JudgeResult, k: int) -> list[Row]:
    """Give the table of what silence costs: F1@K, and how many answers say something checkable."""
    return [
        {
            'model': model.name,
            f'F1@{k} %': _value(model.measures['f1_at_k'], 1),
            f'F1@{k} % where it answers': _value(model.measures['f1_at_k_responding'], 1),
            'response ratio %': _value(model.measures['response_ratio'], 1),
        }
        for model in result.models
    ]


REPLICATED = {
    'score': "paper's score %",
    'precision': 'precision %',
    'supported_per_answer': 'supported/answer',
    'f1_at_k': 'F1@{k} %',
}
"""The metrics of which the spread between trainings is shown; the files have it of all."""


def training_rows(result: JudgeResult, k: int, level: float) -> list[Row]:
    """Give the table of the models that were trained several times; empty when none was.

    Two spreads stand beside each other: between trainings (standard deviation), and between topics
    (the interval), which says nothing of another training.
    """
    return [
        {
            'model': model.name,
            'metric': title.format(k=k),
            'mean': '-' if found.value is None else f'{found.value:.2f}',
            'std between trainings': '-' if found.std is None else f'{found.std:.2f}',
            f'{level:.0%} interval between topics': format_interval(found.interval, 2),
            'trainings': ' '.join('-' if v is None else f'{v:.2f}' for v in found.trainings),
        }
        for model in result.models
        if len(model.trainings) > 1
        for key, title in REPLICATED.items()
        for found in [model.measures[key]]
    ]


def content_rows(result: JudgeResult) -> list[Row]:
    """Give the table of what the score hides: how much of what is said can be checked."""
    return [_content_row(result, model) for model in result.models]


def metric_rows(result: JudgeResult, metrics: Sequence[str]) -> list[Row]:
    """Give the table of the metrics that the config asked for beside those of the package."""
    return [
        {'model': model.name, **{name: _value(model.measures[name], 2) for name in metrics}}
        for model in result.models
    ]


def judged_tables(evaluation: Evaluation, result: JudgeResult) -> list[list[Row]]:
    """Give all tables of one judge, the verdicts first."""
    tables = [
        verdict_rows(result),
        score_rows(result, evaluation.bootstrap.level),
        recall_rows(result, evaluation.k),
        content_rows(result),
    ]
    if replicated := training_rows(result, evaluation.k, evaluation.bootstrap.level):
        tables.append(replicated)
    if evaluation.metrics:
        tables.append(metric_rows(result, evaluation.metrics))
    return tables


def text_rows(evaluation: Evaluation) -> list[Row]:
    """Give the table of the texts, which no judge decides: length, repetition, perplexity."""
    return [_text_row(model) for model in evaluation.judges[0].models]


def best_of_rows(result: JudgeResult) -> list[Row]:
    """Give the table of the best of N (the paper's Table 6): a row for each model and N.

    The score is the mean of the best answers' scores; the pooled one is that of their totals.
    """
    return [
        {
            'model': model.name,
            'best of': str(point.count),
            'score %': format_value(point.score, point.interval, 1),
            'correct': f'{point.correct:.1f}',
            'incorrect': f'{point.incorrect:.1f}',
            'pooled score %': '-' if point.pooled_score is None else f'{point.pooled_score:.1f}',
            'precision %': format_value(point.precision, point.precision_interval, 1),
        }
        for model in result.models
        for point in model.best_of
    ]


def agreement_rows(agreement: Agreement) -> list[Row]:
    """Give the classes of two judges: a row for each of the first one's, a column for the second's.

    Empty for two that do not judge the same sentences.
    """
    first, second = agreement.judges
    if agreement.obstacle:
        return []
    return [
        {f'{first} \\ {second}': name}
        | {column: str(count) for column, count in zip(CLASSES, counts, strict=True)}
        for name, counts in zip(CLASSES, agreement.table, strict=True)
    ]


def _verdict_row(model: ModelResult) -> Row:
    measures = model.measures
    return {
        'model': model.name,
        'precision %': _value(measures['precision'], 1),
        'supported/answer': _value(measures['supported_per_answer'], 2),
        'hallucinated/answer': _value(measures['hallucinated_per_answer'], 2),
        'verdict': model.verdict.label if model.verdict else '-',
    }


def _score_row(result: JudgeResult, model: ModelResult, level: float) -> Row:
    score = model.measures['score']
    correct, incorrect = paper_counts(result, model)
    per = '/answer' if result.unit == 'facts' else ''
    decimals = 2 if per else 1
    return {
        'model': model.name,
        f'correct{per}': f'{correct:.{decimals}f}',
        f'incorrect{per}': f'{incorrect:.{decimals}f}',
        "paper's score %": '-' if score.value is None else f'{score.value:.2f}',
        f'{level:.0%} interval': format_interval(score.interval),
        'difference': format_difference(score.difference, 2) or '-',
    }


def _content_row(result: JudgeResult, model: ModelResult) -> Row:
    measures = model.measures
    each = {name: model.means[name] / model.means['answers'] for name in ('sentences', 'units')}
    facts = {'facts/answer': f'{each["units"]:.1f}'} if result.unit == 'facts' else {}
    return {
        'model': model.name,
        'sentences/answer': f'{each["sentences"]:.1f}',
        **facts,
        'no facts': _percent(measures['no_facts']),
        'answers without checkable': _percent(measures['uncheckable_answers']),
        'distinct precision %': _value(measures['distinct_precision'], 1),
        'no verdict': f'{model.means["without_verdict"]:.1f}',
    }


def _text_row(model: ModelResult) -> Row:
    measures = model.measures
    tokens = measures['tokens_per_answer'].value  # None by servers that do not count them
    row = {
        'model': model.name,
        'tokens/answer': '-' if tokens is None else f'{tokens:.0f}',
        'cut': _percent(measures['truncated']),
        'empty': _percent(measures['empty']),
        'refusals': _percent(measures['refusals']),
        'rep-4': _percent(measures['rep_4']),
        'shared-4': _percent(measures['shared_4']),
        'distinct runs': _percent(measures['distinct_answers']),
    }
    return row | _perplexities(measures)


def _perplexities(measures: Mapping[str, Measure]) -> Row:
    """Perplexity pooled over tokens, and the mean of the answers' own: the paper says neither."""
    scorers = [key.removeprefix(PERPLEXITY) for key in measures if key.startswith(PERPLEXITY)]
    return {
        f'perplexity ({scorer})': f'{_value(measures[PERPLEXITY + scorer], 1)}'
        f', mean {_value(measures[MEAN_PERPLEXITY + scorer], 1)}'
        for scorer in scorers
    }


def _value(measure: Measure, decimals: int) -> str:
    return format_value(measure.value, measure.interval, decimals)


def _percent(measure: Measure) -> str:
    return '-' if measure.value is None else f'{measure.value:.0f}%'


def format_table(rows: Sequence[Row]) -> str:
    """Align rows for a terminal: the first column to the left, the others to the right."""
    return align([list(rows[0]), *(list(row.values()) for row in rows)], right=True)
