"""The training loop: XTuner's, with one tokenizer for the run and its data."""

from __future__ import annotations

from typing import Any

from mmengine.registry import LOOPS
from torch.utils.data import DataLoader
from xtuner.engine.runner import TrainLoop


@LOOPS.register_module()
class MaskDPOTrainLoop(TrainLoop):
    """XTuner's `TrainLoop`; a data set that names no tokenizer gets the config's ``tokenizer``.

    So a path given by ``--cfg-options tokenizer.pretrained_model_name_or_path=...`` need not be
    repeated for the data set.
    """

    def __init__(self, runner: Any, dataloader: DataLoader | dict[str, Any], **kwargs: Any) -> None:
        if isinstance(dataloader, dict):
            dataloader['dataset'].setdefault('tokenizer', runner.cfg.tokenizer)
        super().__init__(runner, dataloader, **kwargs)
