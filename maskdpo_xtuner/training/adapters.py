"""Trainings that go on from a LoRA adapter, and the reference that they have then.

``model.peft_model`` names the adapter: a folder as peft writes it, whose own settings it keeps, or
a checkpoint file, as for XTuner, whose settings ``model.lora`` has. Where the policy starts, base
and adapter together, is the reference; with ``model.peft_reference='base'``, the base alone is.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

from mmengine.logging import print_log

from maskdpo_xtuner.engines.adapters import base_of, is_adapter
from maskdpo_xtuner.engines.model_files import digest_folder
from maskdpo_xtuner.hashing import file_sha256

PeftReference = Literal['start', 'base']
TRAINED, START = 'default', 'reference'
"""Names of the adapters in the model: the one that is trained, and one that stays as it started."""
FREE = frozenset({'type', 'task_type', 'lora_dropout', 'inference_mode', 'init_lora_weights'})
"""Settings of LoRA that may be others than the adapter's."""


def trains_adapter(model: Mapping[str, Any]) -> bool:
    """Tell whether a `MaskDPO` of this config trains LoRA."""
    return model.get('lora') is not None or model.get('peft_model') is not None


def refers_to_start(model: Mapping[str, Any]) -> bool:
    """Tell whether the reference of a `MaskDPO` has the adapter that its policy starts from."""
    return (
        model.get('peft_model') is not None
        and model.get('ref_llm') is None
        and model.get('peft_reference', 'start') == 'start'
    )


def check_adapter(peft_model: str | None, lora: Any, peft_reference: str) -> None:
    """Refuse an adapter that a training could not go on from.

    Args:
        peft_model: of `MaskDPO`.
        lora: of `MaskDPO`.
        peft_reference: of `MaskDPO`.

    Raises:
        ValueError: with what to write.
    """
    if peft_reference not in get_args(PeftReference):
        raise ValueError(f"model.peft_reference must be 'start' or 'base', not {peft_reference!r}")
    if peft_model is None or is_adapter(peft_model):
        return
    if not Path(peft_model).is_file():
        raise ValueError(
            f'{peft_model}: model.peft_model must be the folder of a LoRA adapter (with '
            'adapter_config.json; `maskdpo convert pth_to_hf CONFIG CHECKPOINT FOLDER` writes it) '
            'or a checkpoint file of XTuner'
        )
    if lora is None:
        raise ValueError(
            f'{peft_model}: a checkpoint does not say which LoRA it is of; set model.lora as it '
            'was, or name the folder of the adapter'
        )


def lora_to_train(lora: Any, peft_model: str | None, llm: Mapping[str, Any]) -> Any:
    """Give the LoRA to build: the config's, or that of the adapter's folder.

    Args:
        lora: of the config.
        peft_model: of the config.
        llm: of the config.

    Raises:
        ValueError: for what is not LoRA, and for a setting of the config that is not the adapter's.
    """
    if peft_model is None or not is_adapter(peft_model):
        return lora
    from peft import LoraConfig, PeftConfig

    found = PeftConfig.from_pretrained(peft_model)
    if not isinstance(found, LoraConfig):
        raise ValueError(f'{peft_model}: this adapter is {found.peft_type}, and only LoRA is known')
    _warn_of_another_base(peft_model, str(llm['pretrained_model_name_or_path']))
    for name, value in dict(lora or {}).items():
        own = getattr(found, name, None)
        if name not in FREE and _comparable(own) != _comparable(value):
            raise ValueError(
                f'model.lora.{name} is {value!r}, and {own!r} in the adapter {peft_model}, which '
                'is trained on as it is; set it so, or leave model.lora out'
            )
    found.inference_mode = False
    found.lora_dropout = float(dict(lora or {}).get('lora_dropout', found.lora_dropout))
    return found


def _comparable(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, (list, tuple, set)) else value


def _warn_of_another_base(adapter: str, llm: str) -> None:
    own, _ = base_of(adapter)
    same = Path(own).resolve() == Path(llm).resolve() if Path(llm).is_dir() else own == llm
    if not same:
        print_log(
            f'The adapter {adapter} is of the model {own}, and is put over {llm}',
            logger='current',
            level=logging.WARNING,
        )


def load_adapter(llm: Any, folder: str) -> None:
    """Load the weights of an adapter's folder into the LoRA of a model.

    Args:
        llm: a model of peft with the adapter's own settings.
        folder: of the adapter.

    Raises:
        ValueError: for weights of another model.
    """
    from peft import set_peft_model_state_dict
    from peft.utils import load_peft_weights

    weights = load_peft_weights(folder, device='cpu')
    try:
        found = set_peft_model_state_dict(llm, weights, adapter_name=TRAINED)
    except RuntimeError as error:
        raise ValueError(_misfit(folder, ' '.join(str(error).split())[:300])) from error
    lost = [name for name in found.missing_keys if 'lora_' in name and f'.{TRAINED}.' in name]
    if lost or found.unexpected_keys:
        raise ValueError(_misfit(folder, f'{(lost + found.unexpected_keys)[0]} is in one alone'))


def _misfit(folder: str, reason: str) -> str:
    return (
        f'{folder}: the adapter does not fit model.llm.pretrained_model_name_or_path ({reason}); '
        'name the model that it is of'
    )


def keep_start(llm: Any) -> None:
    """Put a second adapter beside the one that is trained, with the weights that it has now."""
    from peft import get_peft_model_state_dict, set_peft_model_state_dict

    llm.add_adapter(START, llm.peft_config[TRAINED])
    weights = get_peft_model_state_dict(llm, adapter_name=TRAINED, save_embedding_layers=False)
    set_peft_model_state_dict(llm, weights, adapter_name=START)
    llm.set_adapter(TRAINED)


@contextmanager
def reference_adapter(llm: Any) -> Iterator[Any]:
    """Make a model of peft its own reference in the block: as it started, or the base alone."""
    if START not in llm.peft_config:
        with llm.disable_adapter():
            yield llm
        return
    llm.set_adapter(START)
    try:
        yield llm
    finally:
        llm.set_adapter(TRAINED)


def name_base(llm: Any) -> None:
    """Have an adapter that is written name the folder of its base from wherever it is read."""
    settings = llm.peft_config[TRAINED]
    base = settings.base_model_name_or_path
    if base and Path(base).is_dir():
        settings.base_model_name_or_path = str(Path(base).resolve())


def adapter_identity(model: Mapping[str, Any]) -> Any:
    """Tell the adapter that a policy starts from by its content, wherever it lies.

    Args:
        model: config of a `MaskDPO` with ``peft_model``.
    """
    place = model['peft_model']
    if is_adapter(place):
        return digest_folder(Path(place))
    return [file_sha256(Path(place)), model['lora']]


def describe_adapter(model: Mapping[str, Any]) -> Iterator[str]:
    """Say which adapter a training goes on from, and what its reference is; nothing without one."""
    if model.get('peft_model') is None:
        return
    reference = (
        "the base with this adapter, where the policy starts (model.peft_reference='base': without)"
        if refers_to_start(model)
        else 'model.ref_llm'
        if model.get('ref_llm') is not None
        else 'the base without it'
    )
    yield f'the adapter {model["peft_model"]} is trained on; the reference is {reference}'
