"""What bitsandbytes 0.45.0, which XTuner pins, lacks beside triton 3.2 and newer."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from typing import NoReturn

MODULES = ('triton.ops', 'triton.ops.matmul_perf_model')
FUNCTIONS = ('early_config_prune', 'estimate_matmul_time')


def supply_triton_ops() -> None:
    """Let bitsandbytes be imported, as peft does for every LoRA.

    It imports two functions of ``triton.ops``, a package that triton has dropped, for int8
    kernels that neither LoRA nor QLoRA uses. They are put in place and fail when called.
    """
    if find_spec('triton') is None or find_spec('triton.ops') is not None:
        return
    for name in MODULES:
        sys.modules[name] = module_from_spec(ModuleSpec(name, loader=None))
    for function in FUNCTIONS:
        setattr(sys.modules[MODULES[-1]], function, _fail)


def _fail(*args: object, **kwargs: object) -> NoReturn:
    raise NotImplementedError(
        'int8 kernels of bitsandbytes 0.45.0 need triton < 3.2; use load_in_4bit'
    )
