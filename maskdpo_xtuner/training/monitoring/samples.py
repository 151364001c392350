"""What the model says before, while and after it is trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS
from torch import Tensor
from transformers import GenerationConfig

from maskdpo_xtuner.chat_templates import TemplateKwargs, encode_chat
from maskdpo_xtuner.jsonl import read_records, write_records
from maskdpo_xtuner.modeling.heads import causal_lm
from maskdpo_xtuner.records import Message, Record
from maskdpo_xtuner.training.data.dataset import build_tokenizer
from maskdpo_xtuner.training.data.prompts import sample_prompts
from maskdpo_xtuner.training.validation import complete_dataloader

FILE = 'samples.jsonl'
LOGGED = 200
"""Characters of a prompt that are logged, its last ones: it may hold a document."""


class ResponseSample(Record):
    """A line of ``samples.jsonl``.

    Attributes:
        iteration: iterations that ``answer_now`` has been trained for.
        prompt: the turns before the answer.
        answer_before: of the policy before its first iteration; None where that is not known.
        answer_now: of the policy.
    """

    iteration: int
    prompt: list[Message]
    answer_before: str | None
    answer_now: str

    def __str__(self) -> str:
        question = self.prompt[-1].content[-LOGGED:]
        return (
            f'sample after {self.iteration} iterations: {question}\n'
            f'    before: {self.answer_before}\n    now:    {self.answer_now}'
        )


@HOOKS.register_module()
class SamplesHook(Hook):  # type: ignore[misc]
    """Show a few answers before and after the training, in the log and in ``samples.jsonl``.

    How often, and how many, are ``sample_every`` and ``sample_prompts`` of `MaskDPOTrainLoop`. The
    prompts are held-out ones where the config has some (``val_dataloader``, or ``held_out`` of the
    pairs), else of the training. Answers are greedy. The file in the work directory has an
    `ResponseSample` a line. A run that resumes from a checkpoint keeps the answers from before the
    first iteration, by the file there or beside the checkpoint.

    The first process generates while the others wait. Not under ZeRO-3, where no process has the
    whole weights.

    Args:
        max_new_tokens: of an answer.
    """

    def __init__(self, max_new_tokens: int = 80) -> None:
        self.max_new_tokens = max_new_tokens
        self._prompts: list[list[Message]] = []
        self._tokenizer: Any = None
        self._template_kwargs: TemplateKwargs | None = None
        self._samples: list[ResponseSample] = []

    def before_train(self, runner: Any) -> None:
        """Choose the prompts; ask the policy as it is before its first iteration."""
        self._prompts = []
        if not _every(runner) or not is_main_process():
            return
        if _zero_stage(runner.model) == 3:
            runner.logger.info(
                'no samples of answers: under ZeRO-3 no process has the whole weights to generate'
            )
            return
        data = prompt_source(runner.cfg)
        self._tokenizer = build_tokenizer(data.get('tokenizer', runner.cfg.tokenizer))
        self._template_kwargs = data.get('template_kwargs')
        self._prompts = sample_prompts(data, runner.train_loop.sample_prompts)
        self._samples = _earlier_samples(runner) if runner.iter else []
        if not runner.iter:
            self._sample(runner, 0)

    def after_train_iter(self, runner: Any, *args: Any, **kwargs: Any) -> None:
        """Ask every ``sample_every`` iterations."""
        if self.every_n_train_iters(runner, _every(runner)):
            self._sample(runner, runner.iter + 1)

    def after_train(self, runner: Any) -> None:
        """Ask the trained policy."""
        if not self._samples or self._samples[-1].iteration != runner.iter:
            self._sample(runner, runner.iter)

    def _sample(self, runner: Any, iteration: int) -> None:
        """Note down, and log, what the policy answers after some iterations."""
        if not self._prompts:
            return
        before = {repr(sample.prompt): sample.answer_before for sample in self._samples}
        responses = greedy_responses(
            _unwrapped(runner.model),
            self._tokenizer,
            self._prompts,
            self.max_new_tokens,
            self._template_kwargs,
        )
        for prompt, response in zip(self._prompts, responses, strict=True):
            sample = ResponseSample(
                iteration=iteration,
                prompt=prompt,
                answer_before=before.get(repr(prompt)) if iteration else response,
                answer_now=response,
            )
            self._samples.append(sample)
            runner.logger.info(str(sample))
        write_records(Path(runner.work_dir) / FILE, self._samples)


def prompt_source(cfg: Any) -> dict[str, Any]:
    """The config of the data set that prompts are taken from: held-out pairs, if there are any.

    Args:
        cfg: the whole config.
    """
    if cfg.get('val_dataloader') is not None:
        held_out: dict[str, Any] = complete_dataloader(cfg.val_dataloader, cfg)['dataset']
        return held_out
    data = dict(cfg.train_dataloader.dataset)
    pairs = data['dataset']
    if isinstance(pairs, dict) and pairs.get('held_out'):
        data['dataset'] = {**pairs, 'part': 'held_out'}
    return data


@torch.no_grad()
def greedy_responses(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[Message]],
    max_new_tokens: int,
    template_kwargs: TemplateKwargs | None = None,
) -> list[str]:
    """Answer prompts as the policy would most likely begin; its mode is left as it was.

    Args:
        model: a `MaskDPO`.
        tokenizer: with a chat template.
        prompts: all of them are one batch.
        max_new_tokens: of an answer.
        template_kwargs: variables of the chat template beside the messages.
    """
    llm, training = model.llm, model.training
    model.eval()
    inputs = _left_padded(
        [
            encode_chat(tokenizer, [message.model_dump() for message in prompt], template_kwargs)
            for prompt in prompts
        ]
    )
    try:
        ids = llm.generate(
            **{name: value.to(llm.device) for name, value in inputs.items()},
            generation_config=_generation_config(llm, tokenizer, max_new_tokens),
        )
    finally:
        model.train(training)
    responses = ids[:, inputs['input_ids'].shape[1] :]
    decoded: list[str] = tokenizer.batch_decode(responses, skip_special_tokens=True)
    return decoded


def _generation_config(llm: Any, tokenizer: Any, max_new_tokens: int) -> GenerationConfig:
    """Ask for greedy decoding, whatever the model's own config says beside its ends of turn."""
    own = causal_lm(llm).generation_config
    ends = tokenizer.eos_token_id if own.eos_token_id is None else own.eos_token_id
    return GenerationConfig(
        max_new_tokens=max_new_tokens,
        do_sample=False,
        # XTuner switches it off in the model's config.
        use_cache=True,
        eos_token_id=ends,
        pad_token_id=ends[0] if isinstance(ends, list) else ends,
    )


def _left_padded(prompts: Sequence[Sequence[int]]) -> dict[str, Tensor]:
    length = max(map(len, prompts))
    ids = torch.zeros(len(prompts), length, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, length - len(prompt) :] = torch.tensor(prompt)
        mask[row, length - len(prompt) :] = 1
    return {'input_ids': ids, 'attention_mask': mask}


def _every(runner: Any) -> int:
    """Iterations between samples, 0 for none; XTuner's own loop has no such setting."""
    every = getattr(runner.train_loop, 'sample_every', 0)
    return runner.max_iters if every is None else every


def _earlier_samples(runner: Any) -> list[ResponseSample]:
    """The samples of a resumed run up to the iteration at which it resumes."""
    folders = [Path(runner.work_dir)]
    if runner._load_from is not None:
        folders.append(Path(runner._load_from).parent)
    for folder in folders:
        if (folder / FILE).is_file():
            samples = read_records(folder / FILE, ResponseSample)
            return [sample for sample in samples if sample.iteration <= runner.iter]
    return []


def _unwrapped(model: Any) -> Any:
    return model.module if is_model_wrapper(model) else model


def _zero_stage(model: Any) -> int:
    return model.zero_optimization_stage() if hasattr(model, 'zero_optimization_stage') else 0
