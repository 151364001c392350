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
from maskdpo_xtuner.masking import response_mask_map_fn, sentence_mask_map_fn
from maskdpo_xtuner.training.checkpoints import StepCheckpointHook
from maskdpo_xtuner.training.data.chosen import build_chosen_dataset
from maskdpo_xtuner.training.data.dataset import build_mask_preference_dataset
from maskdpo_xtuner.training.data.sources import load_preference_pairs
from maskdpo_xtuner.training.loops import MaskDPOTrainLoop
from maskdpo_xtuner.training.model import MaskDPO
from maskdpo_xtuner.training.monitoring.displacement import DisplacementHook
from maskdpo_xtuner.training.monitoring.hooks import MeanOverRanksHook, TrainingMetricsHook
from maskdpo_xtuner.training.monitoring.preflight import PreflightHook
from maskdpo_xtuner.training.monitoring.samples import SamplesHook
from maskdpo_xtuner.training.patches import apply_patches
from maskdpo_xtuner.training.samplers import LengthBalancedSampler
from maskdpo_xtuner.training.schedulers import WarmupLR
from maskdpo_xtuner.training.validation import MaskDPOValLoop

FUNCTIONS.register_module(module=mask_preference_collate_fn)
know_our_bases(Config)
know_our_names(cfgs_name_path)

apply_patches()

__all__ = [
    'DisplacementHook',
    'LengthBalancedSampler',
    'MaskDPO',
    'MaskDPOTrainLoop',
    'MaskDPOValLoop',
    'MeanOverRanksHook',
    'PreflightHook',
    'SamplesHook',
    'StepCheckpointHook',
    'TrainingMetricsHook',
    'WarmupLR',
    'build_chosen_dataset',
    'build_mask_preference_dataset',
    'load_preference_pairs',
    'mask_preference_collate_fn',
    'response_mask_map_fn',
    'sentence_mask_map_fn',
]
