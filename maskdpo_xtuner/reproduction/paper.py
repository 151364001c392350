"""The experiments of the paper at its size: Llama-3.1-8B and InternLM2-7B on 8 GPUs of 80 GB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from maskdpo_xtuner.reproduction import readings
from maskdpo_xtuner.reproduction.commands import (
    ROOT,
    Recipe,
    beside_paper,
    by_hand,
    evaluate,
    sample,
    sample_alone,
    second_round,
    train,
    trained,
)
from maskdpo_xtuner.reproduction.pieces import (
    ANAH,
    HUB,
    JUDGE_OPTIONS,
    PROMPTS,
    TEMPERATURES,
    Pieces,
)
from maskdpo_xtuner.reproduction.plan import Cost, Experiment, PlannedStep
from maskdpo_xtuner.reproduction.rates import (
    QUESTIONS,
    TEST_QUESTIONS,
    facts,
    sampling,
)


class Paper(Pieces):
    """Builds the experiments.

    Args:
        scale: GPUs, seeds and the options of the data.
    """

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
        yield self.one_judge('judges', self.other_judges())
        yield self.rounds()
        yield self.affinity()
        yield self.perplexity()
        yield self.figure3()

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

    def scaled(self) -> dict[str, Recipe]:
        """Give the rows of Table 4."""
        rows = {
            f'{dimension}-{part}': self.subset(f'llama3_8b_{dimension}_{part}_of_3', part / 3)
            for dimension in ('topics', 'questions')
            for part in (1, 2)
        }
        return {**rows, 'all': self.maskdpo}

    def table5(self) -> Experiment:
        """Give both base models with three embeddings and two random halves."""
        steps: list[PlannedStep] = []
        for base, asked in (('llama3_8b', ANAH), ('internlm2_7b', 'internlm2_7b_anah')):
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
        tokens = PlannedStep(
            'sepo-tokens', (command,), out, (self.anah, oracle), Cost(0.3, 1, 'evaluate')
        )
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

    def other_judges(self) -> dict[str, Recipe]:
        """Give trainings on the same answers, as other judges label them."""
        cost = facts(32 * QUESTIONS)
        needs: tuple[PlannedStep, ...] = (self.anah, self.served)
        anah = (f'annotator.judges.0.prompts={PROMPTS}',)
        rows = {'ANAH-v2': self.maskdpo}
        for judge, options in (('factscore', ()), ('both', anah)):
            pairs = sample_alone(
                f'llama3_8b_{judge}', self.scale, cost, needs, options, judged=False
            )
            rows[judge] = self.recipe('llama3_8b_maskdpo', pairs, name=f'by_{judge}', reads=pairs)
            # What both asks of FActScore the judge before it has asked.
            cost, needs = Cost(0.5, 1, 'evaluate'), (*needs, pairs)
        return rows

    def rounds(self) -> Experiment:
        """Give one more on-policy round from the first seed."""
        cost = sampling(QUESTIONS, 32, max(self.scale.gpus, 1))
        hours = round(cost.hours + self.whole.hours + 0.1, 2)
        step, model = second_round(
            'round_2', 'llama3_8b_two_rounds', self.maskdpo, self.scale, replace(cost, hours=hours)
        )
        rows = {'base': None, 'round_1': replace(self.maskdpo, seeds=1), 'round_2': model}
        asked = evaluate('rounds', ANAH, rows, self.scale, Cost(0.3, 1, 'evaluate'), needs=(step,))
        return Experiment(
            'rounds', readings.TITLES['rounds'], (asked,), readings.READINGS['rounds']
        )

    def table10(self) -> Experiment:
        """Give the benchmarks by OpenCompass, which has an environment of its own."""
        folder, model = f'{ROOT}/table10', self.maskdpo.folder(1)
        hand_over = PlannedStep(
            'hand-over-table10',
            (
                f'maskdpo hand-over {folder} --to opencompass --models '
                f'base=meta-llama/Llama-3.1-8B-Instruct maskdpo={model}',
            ),
            f'{folder}/opencompass_benchmarks.py',
            trained(self.maskdpo, self.scale)[:1],
        )
        measured = PlannedStep(
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
        out, said = f'{ROOT}/affinity.json', f'{ROOT}/affinity.txt'
        command = (
            f'maskdpo affinity {self.anah.makes} --before meta-llama/Llama-3.1-8B-Instruct '
            f'--after {self.maskdpo.folder(1)} --dtype bfloat16 --out {out} | tee {said}'
        )
        first = trained(self.maskdpo, self.scale)[:1]
        cost = Cost(0.2, 1, 'evaluate')
        step = PlannedStep('affinity', (command,), out, first, cost, results=said)
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
