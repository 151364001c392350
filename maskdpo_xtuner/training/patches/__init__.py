"""Patches of the pinned XTuner, DeepSpeed, mmengine and bitsandbytes: what they lack here."""

from importlib.util import find_spec

from maskdpo_xtuner.engines.triton_ops import supply_triton_ops
from maskdpo_xtuner.training.patches.chatter import keep_long_messages_in_files, quiet_libraries
from maskdpo_xtuner.training.patches.checkpoints import allow_checkpoint_types
from maskdpo_xtuner.training.patches.cpu import supply_cpu_support
from maskdpo_xtuner.training.patches.options import read_options_exactly


def apply_patches() -> None:
    """Apply all that the installed packages need; DeepSpeed may be missing."""
    supply_cpu_support()
    supply_triton_ops()
    allow_checkpoint_types()
    read_options_exactly()
    keep_long_messages_in_files()
    quiet_libraries()
    if find_spec('deepspeed') is not None:
        # XTuner's own reading of DeepSpeed's checkpoints imports DeepSpeed.
        from maskdpo_xtuner.training.patches import compiling, deepspeed

        deepspeed.keep_fp32_weights()
        deepspeed.register_zero_names()
        deepspeed.supply_single_process_world()
        deepspeed.skip_inference_extension()
        deepspeed.keep_offloaded_gradients()
        compiling.announce_compiles()
