"""The experiments in small: the built-in model and table of elements on two CPU cores.

Three seeds of the recipes that are held against each other, one of the rows that take other data,
of beta 0.5 and 1, and of TDPO2 (see ``seeds=1``): about eight hours in all. All recipes have the
demo's likelihood term unless their names say no_nll.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from maskdpo_xtuner.reproduction.commands import (
    ROOT,
    Recipe,
    Scale,
    evaluate,
    pair_anew,
    path_option,
    sample,
    second_round,
    train,
    trained,
)
from maskdpo_xtuner.reproduction.plan import Experiment, PlannedStep
from maskdpo_xtuner.reproduction.rates import minutes
from maskdpo_xtuner.reproduction.readings import TITLES

ELEMENTS = 'smollm2_135m_elements'
ASKED = 'smollm2_135m_paper'
STEPS = 5.5  # minutes of a training of 33 steps
EVALUATED = 1.75  # minutes of 80 answers by both judges
TEMPERATURES = ('0_25', '0_5', '0_75', '1_0')


class Small:
    """Builds the experiments, each step once.

    Args:
        scale: seeds; ``gpus`` is 0.
    """

    def __init__(self, scale: Scale) -> None:
        self.scale = scale
        self._asked: set[str] = set()
        self.pairs = sample(ELEMENTS, scale, minutes(7))
        self.maskdpo = self.recipe('smollm2_135m_maskdpo')
        self.dpo = self.recipe('smollm2_135m_dpo')
        # 128 steps of an epoch at most; FactTune's pairs are many.
        many = sample('smollm2_135m_all_pairs', scale, minutes(1), (self.pairs,))
        self.facttune = self.recipe('smollm2_135m_facttune', many, share=1.5)

    def experiments(self) -> Iterator[Experiment]:
        """Give them in the order of the paper."""
        both = {'facttune': self.facttune, 'maskdpo': self.maskdpo}
        yield self.table('table1', both)
        yield self.table('table2', self.recipes())
        yield self.table('table3', self.sampling_strategies())
        yield self.table('table4', self.scaled())
        yield self.table('table5', self.clusters())
        yield self.table6()
        yield self.table('table7', {'sft_maskdpo': self.from_sft(), 'maskdpo': self.maskdpo})
        yield self.table('table8', self.objectives())
        yield self.table('table9', both)
        yield self.table('table11', self.temperatures())
        yield self.table('table12', self.halves('questions'))
        yield self.table('judges', self.other_judges())
        yield self.rounds()
        yield self.affinity()

    def recipe(
        self,
        config: str,
        *needs: PlannedStep,
        name: str = '',
        share: float = 1.0,
        seeds: int = 0,
        reads: PlannedStep | None = None,
    ) -> Recipe:
        """Give a training of ``share`` of the demo's steps.

        Args:
            config: by its name.
            needs: steps that come before; the demo's pairs if none.
            name: of the run.
            share: of 33 steps.
            seeds: of the training; 0 for those of the scale.
            reads: the step whose pairs are read, where the config does not say it.
        """
        options = (path_option(reads),) if reads else ()
        cost = minutes(1 + share * (STEPS - 1))
        return Recipe(config, needs or (self.pairs,), name, options, cost, seeds)

    def table(self, name: str, rows: dict[str, Recipe]) -> Experiment:
        """Give a table, its rows judged by both judges."""
        # What an earlier table has asked is in the store.
        new = [recipe for recipe in rows.values() if recipe.run not in self._asked]
        self._asked.update(recipe.run for recipe in new)
        cost = minutes(0.5 + EVALUATED * sum(recipe.number(self.scale) for recipe in new))
        asked = evaluate(
            f'small-{name}', ASKED, {'base': None, **rows}, self.scale, cost, needs=(self.pairs,)
        )
        return Experiment(name, TITLES[name], (asked,))

    def recipes(self) -> dict[str, Recipe]:
        """Give the objectives of the demo with and without the term, and other values of beta."""
        seeds = {'maskdpo_no_nll': 0, 'dpo_no_nll': 0, 'maskdpo_beta_0_5': 1, 'maskdpo_beta_1': 1}
        return {
            'sft': self.recipe('smollm2_135m_sft'),
            'dpo': self.dpo,
            'maskdpo': self.maskdpo,
            **{name: self.recipe(f'smollm2_135m_{name}', seeds=n) for name, n in seeds.items()},
        }

    def sampling_strategies(self) -> dict[str, Recipe]:
        """Give the rows of Table 3; another model is the built-in one trained on countries."""
        countries = sample('smollm2_135m_countries', self.scale, minutes(7))
        other = self.recipe(
            'smollm2_135m_maskdpo', countries, name='small_countries', reads=countries
        )
        model = train(other, 1, self.scale)
        sampled = {'non_policy': (model,), 'document': (self.pairs,)}
        rows = {
            name: self.on_sampled(
                name, sample(f'smollm2_135m_{name}', self.scale, minutes(7), needs)
            )
            for name, needs in sampled.items()
        }
        return {**rows, 'policy': self.maskdpo}

    def on_sampled(self, name: str, pairs: PlannedStep) -> Recipe:
        """Give one seed of the demo's recipe on other pairs."""
        return self.recipe(f'smollm2_135m_maskdpo_{name}', pairs, seeds=1)

    def subset(self, data: str, share: float) -> Recipe:
        """Give one seed of the demo's recipe on the pairs of a subset of the questions."""
        config = f'smollm2_135m_{data}'
        pairs = pair_anew(config, ELEMENTS, self.scale, (self.pairs,))
        return self.recipe(
            'smollm2_135m_maskdpo', pairs, name=f'on_{config}', share=share, seeds=1, reads=pairs
        )

    def scaled(self) -> dict[str, Recipe]:
        """Give the rows of Table 4."""
        rows = {
            f'{dimension}_{part}_of_7': self.subset(f'{dimension}_{part}_of_7', part / 7)
            for dimension in ('topics', 'questions')
            for part in (2, 4)
        }
        return {**rows, 'all': self.maskdpo}

    def halves(self, clusters: str) -> dict[str, Recipe]:
        """Give the far and the near half of a clustering."""
        names = [f'{half}_{clusters}' for half in ('far', 'near')]
        return {name: self.subset(name, 0.5) for name in names}

    def clusters(self) -> dict[str, Recipe]:
        """Give the rows of Table 5: the model's last hidden layer, its words, and chance."""
        random = {f'{half}_half': self.subset(f'{half}_half', 0.5) for half in ('first', 'second')}
        return {**self.halves('smollm2_135m'), **self.halves('words'), **random}

    def table6(self) -> Experiment:
        """Give the best of 1 to 8 answers before and after."""
        first = replace(self.maskdpo, seeds=1)
        rows = {'base': None, 'maskdpo': first}
        cost = minutes(2 * 8 * EVALUATED)
        asked = evaluate('small-table6', 'smollm2_135m_best_of_8', rows, self.scale, cost)
        return Experiment('table6', TITLES['table6'], (asked,))

    def from_sft(self) -> Recipe:
        """Give the demo's recipe from what XTuner fine-tuned on the chosen answers."""
        sft = self.recipe('smollm2_135m_xtuner_sft', share=0.5)
        model = train(sft, 1, self.scale)
        after = self.recipe('smollm2_135m_sft_maskdpo', self.pairs, model, seeds=1)
        return replace(after, own_model=True)

    def objectives(self) -> dict[str, Recipe]:
        """Give the rows of Table 8; the oracle of SePO is the built-in model after plain DPO."""
        oracle, out = train(self.dpo, 1, self.scale), 'work_dirs/smollm2_135m_sepo/pairs.jsonl'
        base = '"$(python -m maskdpo_xtuner.builtin.model)"'
        command = (
            f'mkdir -p {out.rpartition("/")[0]} && maskdpo select-tokens {self.pairs.makes} {out} '
            f'--oracle {self.dpo.folder(1)} --reference {base}'
        )
        tokens = PlannedStep('small-sepo-tokens', (command,), out, (oracle,), minutes(2))
        return {
            'dpo': self.dpo,
            'dpop': self.recipe('smollm2_135m_dpop'),
            'tdpo2': self.recipe('smollm2_135m_tdpo2', share=1.3, seeds=1),
            'sepo': self.recipe('smollm2_135m_sepo', tokens),
            'maskdpo': self.maskdpo,
        }

    def temperatures(self) -> dict[str, Recipe]:
        """Give the rows of Table 11."""
        rows = {}
        for value in TEMPERATURES:
            name = f'temperature_{value}'
            pairs = sample(f'smollm2_135m_{name}', self.scale, minutes(7))
            rows[name] = self.on_sampled(name, pairs)
        return {**rows, 'temperature_0_8': self.maskdpo}

    def other_judges(self) -> dict[str, Recipe]:
        """Give one seed on the demo's answers as words label them, and where both judges agree."""
        rows = {'by_table': self.maskdpo}
        for judge in ('lexical', 'both'):
            pairs = sample(f'smollm2_135m_{judge}', self.scale, minutes(1), (self.pairs,))
            rows[f'by_{judge}'] = self.recipe(
                'smollm2_135m_maskdpo', pairs, name=f'small_by_{judge}', seeds=1, reads=pairs
            )
        return rows

    def rounds(self) -> Experiment:
        """Give one more on-policy round from the first seed."""
        step, model = second_round(
            'small_round_2',
            'smollm2_135m_two_rounds',
            self.maskdpo,
            self.scale,
            minutes(7 + STEPS + 0.5),
        )
        rows = {'base': None, 'round_1': replace(self.maskdpo, seeds=1), 'round_2': model}
        cost = minutes(0.5 + EVALUATED)
        asked = evaluate('small-rounds', ASKED, rows, self.scale, cost, needs=(step,))
        return Experiment('rounds', TITLES['rounds'], (asked,))

    def affinity(self) -> Experiment:
        """Give the distances between topics and entities (C.1)."""
        out, said = f'{ROOT}/small-affinity.json', f'{ROOT}/small-affinity.txt'
        base = '"$(python -m maskdpo_xtuner.builtin.model)"'
        command = (
            f'maskdpo affinity {self.pairs.makes} --before {base} --after {self.maskdpo.folder(1)} '
            f'--out {out} | tee {said}'
        )
        first = trained(self.maskdpo, self.scale)[:1]
        step = PlannedStep('small-affinity', (command,), out, first, minutes(1), results=said)
        return Experiment('affinity', TITLES['affinity'], (step,))
