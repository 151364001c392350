"""Short names for the DeepSpeed settings that XTuner ships."""

from __future__ import annotations

from xtuner.configs import cfgs_name_path

ZERO_NAMES = ('zero1', 'zero2', 'zero2_offload', 'zero3', 'zero3_offload')


def register_zero_names() -> None:
    """Let ``--deepspeed zero2`` mean XTuner's ``deepspeed_zero2``, and so on."""
    for name in ZERO_NAMES:
        cfgs_name_path[name] = cfgs_name_path[f'deepspeed_{name}']
