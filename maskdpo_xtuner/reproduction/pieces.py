"""What the experiments at the size of the paper share: data, recipes, kinds of tables."""

from __future__ import annotations

from maskdpo_xtuner.reproduction import readings
from maskdpo_xtuner.reproduction.commands import (
    Recipe,
    Scale,
    beside_paper,
    by_hand,
    evaluate,
    pair_anew,
    path_option,
    sample,
    sample_alone,
)
from maskdpo_xtuner.reproduction.plan import Cost, Experiment, PlannedStep
from maskdpo_xtuner.reproduction.rates import (
    QUESTIONS,
    TEST_QUESTIONS,
    facts,
    sampling,
    training,
)

ANAH = 'llama3_8b_anah'
PROMPTS = 'anah_v2_prompts.json'
DATA_OPTIONS = (f'annotator.prompts={PROMPTS}',)
JUDGE_OPTIONS = (f'evaluation.judges.0.prompts={PROMPTS}',)
JUDGE_SERVED = 'work_dirs/paper/judge-is-served'
TEMPERATURES = ('0_25', '0_5', '0_75', '1_0')
HUB = {
    'Qwen2-7B': 'Qwen/Qwen2-7B-Instruct',
    'Yi1.5-6B': '01-ai/Yi-1.5-6B-Chat',
    'Yi1.5-9B': '01-ai/Yi-1.5-9B-Chat',
    'Yi1.5-34B': '01-ai/Yi-1.5-34B-Chat',
}


class Pieces:
    """Builds what several experiments share, each step once.

    Args:
        scale: GPUs, seeds and the options of the data.
    """

    def __init__(self, scale: Scale) -> None:
        self.scale = scale
        self.whole = training(QUESTIONS, max(scale.gpus, 1))
        self.inputs = (
            by_hand('questions', 'question_document.jsonl', readings.QUESTIONS_BY_HAND),
            by_hand('test-questions', 'test_question_document.jsonl', readings.TEST_BY_HAND),
            by_hand('anah-prompts', PROMPTS, readings.PROMPTS_BY_HAND),
        )
        self.served = by_hand('served-judge', JUDGE_SERVED, readings.SERVED_BY_HAND)
        cost = sampling(QUESTIONS, 32, max(scale.gpus, 1))
        self.anah = sample(ANAH, scale, cost, self.inputs)
        self.internlm = sample('internlm2_7b_anah', scale, cost, self.inputs)
        self.maskdpo = self.recipe('llama3_8b_maskdpo', self.anah)
        self.dpo = self.recipe('llama3_8b_dpo', self.anah)
        self.facttune = self.recipe('llama3_8b_facttune', self._facttune_pairs(), share=30.0)

    def recipe(
        self,
        config: str,
        *needs: PlannedStep,
        name: str = '',
        share: float = 1.0,
        reads: PlannedStep | None = None,
        seeds: int = 0,
    ) -> Recipe:
        """Give a training of ``share`` of the pairs that reads those of its first need.

        Args:
            config: by its name.
            needs: steps that come before.
            name: of the run.
            share: of the pairs of all questions.
            reads: the step whose pairs are read, where the config does not say it.
            seeds: of the training; 0 for those of the scale.
        """
        reads = reads or (needs[0] if needs[0] in (self.anah, self.internlm) else None)
        return Recipe(
            config,
            needs,
            name=name,
            options=(path_option(reads),) if reads else (),
            cost=training(share * QUESTIONS, max(self.scale.gpus, 1)),
            seeds=seeds,
            accumulated=4 if config.startswith('internlm2') else 1,
        )

    def one_judge(
        self, table: str, rows: dict[str, Recipe], config: str = ANAH, name: str = ''
    ) -> Experiment:
        """Give a table whose rows are judged by ANAH-v2."""
        cost = Cost(0.1 * (1 + sum(r.number(self.scale) for r in rows.values())), 1, 'evaluate')
        asked = evaluate(name or table, config, {'base': None, **rows}, self.scale, cost)
        printed = beside_paper(name or table, asked, table) if table.startswith('table') else asked
        return Experiment(table, readings.TITLES[table], (printed,), readings.READINGS[table])

    def two_judges(self, table: str, rows: dict[str, Recipe]) -> Experiment:
        """Give a table whose rows are judged by ANAH-v2 and by FActScore."""
        steps = (self._judged_twice(table, rows),)
        return Experiment(table, readings.TITLES[table], steps, readings.READINGS[table])

    def _judged_twice(self, table: str, rows: dict[str, Recipe]) -> PlannedStep:
        models = 1 + sum(recipe.number(self.scale) for recipe in rows.values())
        cost = facts(models * TEST_QUESTIONS)
        asked = evaluate(
            table,
            'llama3_8b_two_judges',
            {'base': None, **rows},
            self.scale,
            cost,
            JUDGE_OPTIONS,
            (self.served,),
        )
        return beside_paper(table, asked)

    def _facttune_pairs(self) -> PlannedStep:
        return sample_alone(
            'llama3_8b_facttune_pairs',
            self.scale,
            facts(10 * QUESTIONS),
            (self.anah, self.served),
            judged=False,
        )

    def subset(self, data: str, share: float, config: str = 'llama3_8b_maskdpo') -> Recipe:
        """Give a training on the pairs of a subset of the questions."""
        whole = self.internlm if data.startswith('internlm2') else self.anah
        source = 'internlm2_7b_anah' if whole is self.internlm else ANAH
        pairs = pair_anew(data, source, self.scale, (whole,))
        return self.recipe(config, pairs, name=f'on_{data}', share=share, reads=pairs)

    def halves(self, pattern: str, config: str = 'llama3_8b_maskdpo') -> dict[str, Recipe]:
        """Give the far and the near half of a clustering."""
        return {
            f'{half}-{pattern.rpartition("}_")[2]}': self.subset(
                pattern.format(half=half), 0.5, config
            )
            for half in ('far', 'near')
        }
