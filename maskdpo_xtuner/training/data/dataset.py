"""The data set of Mask-DPO training: preference pairs with labels on supervised tokens only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datasets import Dataset
from mmengine.logging import print_log
from mmengine.registry import DATASETS
from xtuner.dataset.huggingface import build_origin_dataset
from xtuner.registry import BUILDER

from maskdpo_xtuner.chat_templates import TemplateKwargs, pinned_date
from maskdpo_xtuner.engines.model_files import check_folder
from maskdpo_xtuner.masking import (
    EndOfTurn,
    MapFunction,
    PairConverter,
    Prompts,
    check_tokenizer,
    count_drops,
)
from maskdpo_xtuner.training.cache import cache_file
from maskdpo_xtuner.training.data.map_fns import find_map_fn
from maskdpo_xtuner.training.data.tokenization import FEATURES, ITEM_COLUMNS, Tokenization
from maskdpo_xtuner.training.distributed import first_rank_first

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


@DATASETS.register_module()  # type: ignore[untyped-decorator]
@BUILDER.register_module()  # type: ignore[untyped-decorator]
def build_mask_preference_dataset(
    dataset: Any,
    tokenizer: Any,
    max_length: int,
    dataset_map_fn: str | MapFunction = 'sentence_mask_map_fn',
    end_of_turn: EndOfTurn = 'always',
    template_kwargs: TemplateKwargs | None = None,
    prompts: Prompts = 'as_asked',
    num_proc: int | None = None,
    keep_dropped: bool = False,
) -> Dataset:
    """Build XTuner's preference data set with a token mask in its labels.

    Tokens are cached by `datasets` and memory-mapped; with several processes the first of each
    machine makes the cache and the others open it.

    Args:
        dataset: config of the pairs (``load_preference_pairs``, ``datasets.load_dataset``), or a
            `datasets` object.
        tokenizer: config of a fast tokenizer with a chat template, or the tokenizer.
        max_length: tokens of prompt and response; the rest is cut from the right.
        dataset_map_fn: a function, its name in ``MAP_FUNC`` or its dotted path.
        end_of_turn: whether the end-of-turn token is supervised: ``always`` as in the released
            trainer, ``never``, or ``last_sentence``: as the last span is.
        template_kwargs: variables of the chat template, such as ``dict(enable_thinking=False)``.
        prompts: ``as_asked`` refuses a prompt that is rendered otherwise than the model is asked
            with it (an empty thought before the response, say); ``as_rendered`` trains on it.
        num_proc: processes that tokenize; the tokenizer is fast enough alone for most data.
        keep_dropped: for the eyes: all pairs with all columns, of which ``drop_reason`` says what
            is not trained on.

    Returns:
        Items with ``chosen_ids``, ``chosen_labels``, ``rejected_ids``, ``rejected_labels``, as
        XTuner's preference data sets have them, the ``weights`` of the tokens, and ``place``,
        the place of the pair (``file:line``, or ``pair 12`` of a data set that names none).

    Raises:
        ValueError: for a bad pair (with its place), and when no pair is left.
    """
    converter = build_converter(
        tokenizer, max_length, dataset_map_fn, end_of_turn, template_kwargs, prompts
    )
    _say_date(converter)
    with first_rank_first():
        pairs = build_origin_dataset(dataset, split='train')
        tokenized = _tokenize(pairs, Tokenization(converter), num_proc)
    return tokenized if keep_dropped else _keep_supervised(tokenized)


def _say_date(converter: PairConverter) -> None:
    date = pinned_date(converter.tokenizer, converter.template_kwargs)
    if date is not None:
        print_log(
            f'The chat template prints the date: it is {date} here, and has to be where the model '
            'is asked; template_kwargs=dict(today=...) sets another',
            logger='current',
        )


def build_converter(
    tokenizer: Any,
    max_length: int | None = None,
    dataset_map_fn: str | MapFunction = 'sentence_mask_map_fn',
    end_of_turn: EndOfTurn = 'always',
    template_kwargs: TemplateKwargs | None = None,
    prompts: Prompts = 'as_asked',
) -> PairConverter:
    """Build what turns pairs into masked tokens; see `build_mask_preference_dataset`."""
    map_fn = find_map_fn(dataset_map_fn)
    return PairConverter(
        build_tokenizer(tokenizer), map_fn, max_length, end_of_turn, template_kwargs, prompts
    )


def _tokenize(pairs: Dataset, tokenization: Tokenization, num_proc: int | None) -> Dataset:
    fingerprint = tokenization.fingerprint(pairs._fingerprint)
    return pairs.map(
        tokenization,
        batched=True,
        with_indices=True,
        remove_columns=pairs.column_names,
        features=FEATURES,
        cache_file_name=str(cache_file(f'{fingerprint}.arrow')),
        new_fingerprint=fingerprint,
        num_proc=num_proc,
        desc='Tokenizing pairs',
    )


def _keep_supervised(tokenized: Dataset) -> Dataset:
    """Leave out the pairs with a reason to be dropped, and say how many for which reason."""
    reasons = tokenized['drop_reason'][:]
    kept = [index for index, reason in enumerate(reasons) if reason is None]
    summary = count_drops(reasons)
    if not kept:
        raise ValueError(
            f'{summary}. No pair is left: look at the labels of the pairs, or raise max_length'
        )
    print_log(summary, logger='current')
    return tokenized.select(kept).select_columns(ITEM_COLUMNS)


def build_tokenizer(tokenizer: Any) -> PreTrainedTokenizerFast:
    """Build a tokenizer from its config; one that is built passes."""
    if isinstance(tokenizer, dict):
        path = tokenizer['pretrained_model_name_or_path']
        check_folder(path, 'tokenizer.pretrained_model_name_or_path')
        tokenizer = BUILDER.build(tokenizer)
    check_tokenizer(tokenizer)
    return tokenizer
