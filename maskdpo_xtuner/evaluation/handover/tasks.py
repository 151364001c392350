"""The benchmarks that are handed over, and what each harness calls them.

Table 10 of the paper is by OpenCompass; its prompts are not said. Its digits tell the question
sets: MATH whole, GPQA diamond, the sanitized MBPP (`maskdpo_xtuner.evaluation.paper`). The prompts
here are those of OpenCompass' chat leaderboard of September 2024, when the paper was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

OPENCOMPASS_VERSION = '0.5.4'
LM_EVAL_VERSION = '0.4.13'
SIMPLEQA = 'simpleqa'


@dataclass(frozen=True)
class Task:
    """A benchmark.

    Attributes:
        opencompass: module below ``opencompass.configs.datasets``.
        datasets: what that module calls its list of data sets.
        lm_eval: task of lm-eval; None where it has none.
        runs_code: whether what the model writes is executed.
    """

    opencompass: str
    datasets: str
    lm_eval: str | None
    runs_code: bool = False


TASKS: dict[str, Task] = {
    'gsm8k': Task('gsm8k.gsm8k_0shot_v2_gen_a58960', 'gsm8k_datasets', 'gsm8k_cot_llama'),
    'math': Task('math.math_0shot_gen_393424', 'math_datasets', 'minerva_math'),
    'gpqa': Task(
        'gpqa.gpqa_openai_simple_evals_gen_5aeece', 'gpqa_datasets', 'gpqa_diamond_cot_zeroshot'
    ),
    'humaneval': Task(
        'humaneval.humaneval_gen_8e312c', 'humaneval_datasets', 'humaneval_instruct', runs_code=True
    ),
    'mbpp': Task(
        'mbpp.sanitized_mbpp_mdblock_gen_a447ff',
        'sanitized_mbpp_datasets',
        'mbpp_instruct',
        runs_code=True,
    ),
    SIMPLEQA: Task('SimpleQA.simpleqa_gen_0283c3', 'simpleqa_datasets', None),
}
TABLE_10 = tuple(name for name in TASKS if name != SIMPLEQA)


def tasks_of(names: Sequence[str]) -> dict[str, Task]:
    """Give the tasks of some names, in their order.

    Raises:
        ValueError: for a name that no task has, with those that there are.
    """
    unknown = [name for name in names if name not in TASKS]
    if unknown:
        raise ValueError(f'there is no task {unknown[0]!r}; there are {", ".join(TASKS)}')
    return {name: TASKS[name] for name in names}
