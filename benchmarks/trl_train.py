"""One run of TRL's DPOTrainer, for `train_step.py`; prints one line of JSON.

It needs an environment of its own, since TRL asks for another transformers than XTuner:

    python -m venv ENV && ENV/bin/pip install trl==1.16.0 torch==2.8.0
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoTokenizer, TrainerCallback
from trl import DPOConfig, DPOTrainer  # type: ignore[import-not-found]


class Clock(TrainerCallback):  # type: ignore[misc]
    """Seconds of each step, from its first forward pass to the end of the optimizer's step."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
        """Start."""
        self._start = time.perf_counter()

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        """Stop; a GPU has to have finished."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.seconds.append(time.perf_counter() - self._start)


def read_pairs(path: str, tokenizer: Any) -> Dataset:
    """Prompts and responses as text, to which TRL adds the end-of-turn token.

    Given turns, TRL supervises also what templates write after that token, such as a line break.
    """
    with open(path, encoding='utf-8') as file:  # noqa: PTH123
        rows = [json.loads(line) for line in file]
    return Dataset.from_list([_texts(row, tokenizer) for row in rows])


def _texts(row: dict[str, Any], tokenizer: Any) -> dict[str, str]:
    prompt = tokenizer.apply_chat_template(
        row['prompt'], add_generation_prompt=True, tokenize=False
    )
    if tokenizer('')['input_ids']:  # It begins every text with a token that is in the template.
        prompt = prompt.removeprefix(tokenizer.bos_token)
    sides = {side: row[side][0]['content'] for side in ('chosen', 'rejected')}
    return {'prompt': prompt, **sides}


def main() -> None:
    """Train, print."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('pairs', help='all of them are one batch')
    parser.add_argument('model')
    parser.add_argument('--steps', type=int, required=True)
    parser.add_argument('--lr', type=float, required=True)
    parser.add_argument('--dtype', default='float32')
    parser.add_argument('--no-checkpointing', action='store_true')
    parser.add_argument('--precompute', action='store_true', help='the reference once, before')
    options = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    pairs, clock = read_pairs(options.pairs, tokenizer), Clock()
    with tempfile.TemporaryDirectory() as work:
        config = DPOConfig(
            output_dir=work,
            per_device_train_batch_size=len(pairs),
            max_steps=options.steps,
            learning_rate=options.lr,
            lr_scheduler_type='constant',
            weight_decay=0.0,
            max_grad_norm=1.0,
            beta=0.1,
            max_length=1024,
            bf16=False,  # the weights' own dtype, without autocast
            use_cpu=not torch.cuda.is_available(),
            model_init_kwargs={'dtype': options.dtype},
            gradient_checkpointing=not options.no_checkpointing,
            precompute_ref_log_probs=options.precompute,
            logging_steps=1,
            save_strategy='no',
            report_to='none',
            dataloader_pin_memory=False,
        )
        trainer = DPOTrainer(
            model=options.model,
            args=config,
            train_dataset=pairs,
            processing_class=tokenizer,
            callbacks=[clock],
        )
        start = time.perf_counter()
        trainer.train()
        total = time.perf_counter() - start
    logs = [log for log in trainer.state.log_history if 'grad_norm' in log]
    result = {
        'seconds': clock.seconds,
        'losses': [log['loss'] for log in logs],
        'grad_norms': [log['grad_norm'] for log in logs],
        # What is not a step: the reference's pass, if there is one.
        'before': total - sum(clock.seconds),
    }
    if torch.cuda.is_available():
        result['memory'] = torch.cuda.max_memory_allocated()
    print(json.dumps(result))


if __name__ == '__main__':
    main()
