"""The XTuner plugin: importing this package registers everything a training config names.

A config does so by ``custom_imports = dict(imports=['maskdpo_xtuner.training'])``, which mmengine
runs while it loads the file, before XTuner looks up ``--deepspeed NAME``. This is the only
package that imports xtuner, mmengine or deepspeed.
"""

from mmengine.config import Config
from mmengine.registry import FUNCTIONS
from xtuner.configs import cfgs_name_path

from maskdpo_xtuner.batches import mask_preference_collate_fn
from maskdpo_xtuner.config_files import know_our_bases, know_our_names
from maskdpo_xtuner.engines.triton_ops import supply_triton_ops
from maskdpo_xtuner.masking import response_mask_map_fn, sentence_mask_map_fn
from maskdpo_xtuner.training.data.dataset import build_mask_preference_dataset
from maskdpo_xtuner.training.data.sources import load_preference_pairs
from maskdpo_xtuner.training.loops import MaskDPOTrainLoop
from maskdpo_xtuner.training.model import MaskDPO
from maskdpo_xtuner.training.monitoring.displacement import DisplacementHook
from maskdpo_xtuner.training.monitoring.hooks import MeanOverRanksHook, TrainingMetricsHook
from maskdpo_xtuner.training.monitoring.preflight import PreflightHook
from maskdpo_xtuner.training.monitoring.samples import SamplesHook
from maskdpo_xtuner.training.patches.checkpoints import (
    allow_checkpoint_types,
    keep_fp32_weights,
)
from maskdpo_xtuner.training.patches.cpu import supply_cpu_support
from maskdpo_xtuner.training.patches.deepspeed import (
    keep_offloaded_gradients,
    register_zero_names,
    supply_single_process_world,
)
from maskdpo_xtuner.training.samplers import LengthBalancedSampler
from maskdpo_xtuner.training.schedulers import WarmupLR
from maskdpo_xtuner.training.validation import MaskDPOValLoop

FUNCTIONS.register_module(module=mask_preference_collate_fn)
know_our_bases(Config)
know_our_names(cfgs_name_path)

supply_cpu_support()
supply_triton_ops()
allow_checkpoint_types()
keep_fp32_weights()
register_zero_names()
supply_single_process_world()
keep_offloaded_gradients()

__all__ = [
    'DisplacementHook',
    'LengthBalancedSampler',
    'MaskDPO',
    'MaskDPOTrainLoop',
    'MaskDPOValLoop',
    'MeanOverRanksHook',
    'PreflightHook',
    'SamplesHook',
    'TrainingMetricsHook',
    'WarmupLR',
    'build_mask_preference_dataset',
    'load_preference_pairs',
    'mask_preference_collate_fn',
    'response_mask_map_fn',
    'sentence_mask_map_fn',
]
