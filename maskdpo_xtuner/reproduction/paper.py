"""The experiments of the paper at its size: Llama-3.1-8B and InternLM2-7B on 8 GPUs of 80 GB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from maskdpo_xtuner.reproduction import readings
from maskdpo_xtuner.reproduction.commands import (
    ROOT,
    Recipe,
    Scale,
    beside_paper,
    by_hand,
    evaluate,
    pair_anew,
    path_option,
    sample,
    sample_alone,
    train,
    trained,
)
from maskdpo_xtuner.reproduction.rates import (
    QUESTIONS,
    TEST_QUESTIONS,
    facts,
    sampling,
    training,
)
from maskdpo_xtuner.reproduction.steps import Cost, Experiment, Step

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


class Paper:
    """Builds the experiments, each step once.

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

    def experiments(self) -> Iterator[Experiment]:
        """Give them in the order of the paper."""
        yield self.table1()
        yield self.two_judges('table2', {'dpo': self.dpo, 'maskdpo': self.maskdpo})
        yield self.two_judges('table3', self.sampling_strategies())
        yield self.one_judge('table4', self.scaled())
        yield self.table5()
        yield self.table6()
        yield self.one_judge('table7', {'sft-maskdpo': self.from_sft(), 'maskdpo': self.maskdpo})
        yield self.one_judge('table8', self.objectives())
        yield self.one_judge('table9', self.methods())
        yield self.table10()
        yield self.one_judge('table11', self.temperatures())
        yield self.one_judge('table12', self.halves('llama3_8b_{half}_questions'))
        yield self.affinity()
        yield self.perplexity()
        yield self.figure3()

    def recipe(
        self,
        config: str,
        *needs: Step,
        name: str = '',
        share: float = 1.0,
        reads: Step | None = None,
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
        return Experiment(
            table,
            readings.TITLES[table],
            (beside_paper(name or table, asked, table),),
            readings.READINGS[table],
        )

    def two_judges(self, table: str, rows: dict[str, Recipe]) -> Experiment:
        """Give a table whose rows are judged by ANAH-v2 and by FActScore."""
        steps = (self._judged_twice(table, rows),)
        return Experiment(table, readings.TITLES[table], steps, readings.READINGS[table])

    def _judged_twice(self, table: str, rows: dict[str, Recipe]) -> Step:
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

    def table1(self) -> Experiment:
        """Give open models, FactTune and Mask-DPO on both sets."""
        rows = {'facttune': self.facttune, 'maskdpo': self.maskdpo}
        needs = (*self.inputs, self.served)
        cost = facts(10 * 183)
        open_models = evaluate(
            'table1-open', 'open_models_two_judges', {}, self.scale, cost, JUDGE_OPTIONS, needs
        )
        pages = by_hand('biography', '.cache/factscore/enwiki-20230401.db', readings.PAGES_BY_HAND)
        biography = evaluate(
            'table1-biography',
            'llama3_8b_biography',
            {'base': None, **HUB, **rows},
            self.scale,
            cost,
            needs=(pages, self.served),
        )
        steps = (
            beside_paper('table1-open', open_models, 'table1'),
            self._judged_twice('table1', rows),
            beside_paper('table1-biography', biography, 'table1'),
        )
        return Experiment('table1', readings.TITLES['table1'], steps, readings.READINGS['table1'])

    def _facttune_pairs(self) -> Step:
        return sample_alone(
            'llama3_8b_facttune_pairs',
            self.scale,
            facts(10 * QUESTIONS),
            (self.anah, self.served),
            judged=False,
        )

    def sampling_strategies(self) -> dict[str, Recipe]:
        """Give the rows of Table 3."""
        gpus = max(self.scale.gpus, 1)
        rows = {}
        for row, data, answers in (('InternLM', 'non_policy', 32), ('Llama-Doc', 'document', 64)):
            own_store = ('store=None',) if data == 'document' else ()
            pairs = sample(
                f'llama3_8b_{data}',
                self.scale,
                sampling(QUESTIONS, answers, gpus),
                self.inputs,
                own_store,
            )
            rows[row] = self.recipe(f'llama3_8b_maskdpo_{data}', pairs)
        return {**rows, 'Llama': self.maskdpo}

    def subset(self, data: str, share: float, config: str = 'llama3_8b_maskdpo') -> Recipe:
        """Give a training on the pairs of a subset of the questions."""
        whole = self.internlm if data.startswith('internlm2') else self.anah
        source = 'internlm2_7b_anah' if whole is self.internlm else ANAH
        pairs = pair_anew(data, source, self.scale, (whole,))
        return self.recipe(config, pairs, name=f'on_{data}', share=share, reads=pairs)

    def scaled(self) -> dict[str, Recipe]:
        """Give the rows of Table 4."""
        rows = {
            f'{dimension}-{part}': self.subset(f'llama3_8b_{dimension}_{part}_of_3', part / 3)
            for dimension in ('topics', 'questions')
            for part in (1, 2)
        }
        return {**rows, 'all': self.maskdpo}

    def halves(self, pattern: str, config: str = 'llama3_8b_maskdpo') -> dict[str, Recipe]:
        """Give the far and the near half of a clustering."""
        return {
            f'{half}-{pattern.rpartition("}_")[2]}': self.subset(
                pattern.format(half=half), 0.5, config
            )
            for half in ('far', 'near')
        }

    def table5(self) -> Experiment:
        """Give both base models with three embeddings and two random halves."""
        steps = []
        for base, asked in (('llama3_8b', ANAH), ('internlm2_7b', 'internlm2_7b')):
            config = f'{base}_maskdpo'
            rows: dict[str, Recipe] = {}
            for vectors in ('internlm2_7b', 'llama3_8b', 'openai'):
                rows |= self.halves(f'{base}_{{half}}_{vectors}', config)
            for half in ('first', 'second'):
                rows[f'random-{half}'] = self.subset(f'{base}_{half}_half', 0.5, config)
            steps += self.one_judge('table5', rows, asked, f'table5-{base}').steps
        return Experiment(
            'table5', readings.TITLES['table5'], tuple(steps), readings.READINGS['table5']
        )

    def table6(self) -> Experiment:
        """Give the best of 1 to 256 answers before and after."""
        first = replace(self.maskdpo, seeds=1)
        asked = evaluate(
            'table6',
            'llama3_8b_best_of_256',
            {'base': None, 'maskdpo': first},
            self.scale,
            sampling(2 * TEST_QUESTIONS, 256, max(self.scale.gpus, 1), needed=1),
            ('store=None',),
            sharded=True,
        )
        return Experiment(
            'table6',
            readings.TITLES['table6'],
            (beside_paper('table6', asked),),
            readings.READINGS['table6'],
        )

    def from_sft(self) -> Recipe:
        """Give Mask-DPO from the base model that XTuner fine-tuned on the chosen answers."""
        base = replace(self.recipe('llama3_8b_base_sft', self.anah), own_model=True)
        sft = train(base, 1, self.scale)
        return replace(self.recipe('llama3_8b_base_sft_maskdpo', self.anah, sft), own_model=True)

    def objectives(self) -> dict[str, Recipe]:
        """Give the rows of Table 8."""
        oracle = by_hand('sepo-oracle', 'sepo_oracle/config.json', readings.ORACLE_BY_HAND)
        out = 'work_dirs/llama3_8b_sepo/pairs.jsonl'
        command = (
            f'mkdir -p {out.rpartition("/")[0]} && maskdpo select-tokens {self.anah.makes} {out} '
            '--oracle sepo_oracle --reference sepo_reference --device cuda --dtype bfloat16'
        )
        tokens = Step('sepo-tokens', (command,), out, (self.anah, oracle), Cost(0.3, 1, 'evaluate'))
        return {
            'DPO': self.dpo,
            'DPOP': self.recipe('llama3_8b_dpop', self.anah),
            'TDPO': self.recipe('llama3_8b_tdpo2', self.anah, share=1.4),
            'SePO': self.recipe('llama3_8b_sepo', tokens, reads=tokens),
            'Mask-DPO': self.maskdpo,
        }

    def methods(self) -> dict[str, Recipe]:
        """Give the rows of Table 9."""
        before = sample_alone(
            'llama3_8b_flame_sft_pairs',
            self.scale,
            facts(10 * QUESTIONS),
            (*self.inputs, self.served),
            judged=False,
        )
        tuned = train(self.recipe('llama3_8b_flame_sft', before, share=0.7), 1, self.scale)
        pairs = sample_alone(
            'llama3_8b_flame_pairs',
            self.scale,
            facts(10 * QUESTIONS),
            (tuned, self.served),
            judged=False,
        )
        flame = replace(self.recipe('llama3_8b_flame', pairs, tuned), own_model=True)
        return {'FactTune': self.facttune, 'Flame': flame, 'Mask-DPO': self.maskdpo}

    def temperatures(self) -> dict[str, Recipe]:
        """Give the rows of Table 11."""
        rows = {}
        for value in TEMPERATURES:
            name = f'temperature_{value}'
            cost = sampling(QUESTIONS, 32, max(self.scale.gpus, 1))
            pairs = sample(f'llama3_8b_{name}', self.scale, cost, self.inputs)
            rows[value.replace('_', '.')] = self.recipe(f'llama3_8b_maskdpo_{name}', pairs)
        return {**rows, '0.8': self.maskdpo}

    def table10(self) -> Experiment:
        """Give the benchmarks by OpenCompass, which has an environment of its own."""
        folder, model = f'{ROOT}/table10', self.maskdpo.folder(1)
        hand_over = Step(
            'hand-over-table10',
            (
                f'maskdpo hand-over {folder} --to opencompass --models '
                f'base=meta-llama/Llama-3.1-8B-Instruct maskdpo={model}',
            ),
            f'{folder}/opencompass_benchmarks.py',
            trained(self.maskdpo, self.scale)[:1],
        )
        measured = Step(
            'opencompass-table10',
            (f'oc/bin/opencompass {hand_over.makes} -w {folder}/opencompass',),
            f'{folder}/opencompass',
            (hand_over, by_hand('opencompass', 'oc/bin/opencompass', readings.HARNESS_BY_HAND)),
            Cost(4.0, 1, 'harness'),
        )
        return Experiment(
            'table10', readings.TITLES['table10'], (measured,), readings.READINGS['table10']
        )

    def affinity(self) -> Experiment:
        """Give the distances between topics and entities (C.1)."""
        out = f'{ROOT}/affinity.json'
        command = (
            f'maskdpo affinity {self.anah.makes} --before meta-llama/Llama-3.1-8B-Instruct '
            f'--after {self.maskdpo.folder(1)} --dtype bfloat16 --out {out}'
        )
        first = trained(self.maskdpo, self.scale)[:1]
        step = Step('affinity', (command,), out, first, Cost(0.2, 1, 'evaluate'))
        return Experiment(
            'affinity', readings.TITLES['affinity'], (step,), readings.READINGS['affinity']
        )

    def perplexity(self) -> Experiment:
        """Give the perplexity of the answers under GPT-2 (C.2)."""
        asked = evaluate(
            'perplexity',
            ANAH,
            {'base': None, 'maskdpo': self.maskdpo},
            self.scale,
            Cost(0.6, 1, 'evaluate'),
            ("evaluation.perplexity=['openai-community/gpt2']",),
        )
        return Experiment(
            'perplexity', readings.TITLES['perplexity'], (asked,), readings.READINGS['perplexity']
        )

    def figure3(self) -> Experiment:
        """Give the answers before and after, which the page of Table 2 shows."""
        asked = self.two_judges('table2', {'dpo': self.dpo, 'maskdpo': self.maskdpo})
        return Experiment(
            'figure3', readings.TITLES['figure3'], asked.steps, readings.READINGS['figure3']
        )
