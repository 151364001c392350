"""The policy of a `MaskDPO` and its reference, built by XTuner's DPO and of what it makes."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from transformers import AutoConfig
from transformers.integrations import is_deepspeed_zero3_enabled
from typing_extensions import Self
from xtuner.model.dpo import DPO, create_reference_model, disable_grad

from maskdpo_xtuner.engines.adapters import is_adapter
from maskdpo_xtuner.engines.model_files import check_model
from maskdpo_xtuner.modeling.recomputation import recompute_layers
from maskdpo_xtuner.training.adapters import (
    TRAINED,
    load_adapter,
    lora_to_train,
    name_base,
    reference_adapter,
)
from maskdpo_xtuner.training.saving import mend_generation_config, say_format


class PolicyAndReference(DPO):  # type: ignore[misc]
    """The part of a `MaskDPO` that holds the models, loads and writes them."""

    def _build_policy(
        self, llm: Mapping[str, Any], lora: Any, peft_model: str | None, share: float, **kwargs: Any
    ) -> None:
        """Build what XTuner builds before its DPO makes a reference, in any case."""
        folder = peft_model if peft_model and is_adapter(peft_model) else None
        super(DPO, self).__init__(
            copy.deepcopy(llm),
            lora=lora_to_train(lora, folder, llm),
            peft_model=None if folder else peft_model,
            use_activation_checkpointing=share > 0,
            **kwargs,
        )
        if folder:
            load_adapter(self.llm, folder)
        if share:
            recompute_layers(self.llm, share)
        self.recomputed_share = share
        mend_generation_config(self.llm)

    def _build_reference(
        self,
        llm: Mapping[str, Any],
        ref_llm: Mapping[str, Any] | None,
        use_varlen_attn: bool = False,
        max_position_embeddings: int | None = None,
        **kwargs: Any,
    ) -> nn.Module | None:
        """The reference model without gradients; None with LoRA, within which it is."""
        if ref_llm is None and self.use_lora:
            return None
        if ref_llm is None and not is_deepspeed_zero3_enabled():
            copied: nn.Module = create_reference_model(self.llm)
            return copied
        # Parameters that ZeRO-3 has partitioned cannot be copied: load the model once more.
        config = copy.deepcopy(llm if ref_llm is None else ref_llm)
        loaded: nn.Module = disable_grad(
            self.build_llm_from_cfg(config, use_varlen_attn, max_position_embeddings)
        )
        return loaded

    @contextmanager
    def _reference(self) -> Iterator[nn.Module]:
        """The reference model for as long as the block lasts."""
        if self.ref_llm is not None:
            yield self.ref_llm
        else:
            with reference_adapter(self.llm) as reference:
                yield reference

    def train(self, mode: bool = True) -> Self:
        """Set the mode of the policy; the reference stays in evaluation mode, without dropout."""
        super().train(mode)
        if self.ref_llm is not None:
            self.ref_llm.eval()
        return self

    def state_dict(self, *args: Any, **kwargs: Any) -> OrderedDict[str, Tensor]:
        """Give the policy only: the reference is rebuilt from its config, also when resuming."""
        state = super().state_dict(*args, **kwargs)
        return OrderedDict((key, value) for key, value in state.items() if 'ref_llm.' not in key)

    def to_hf(self, cfg: Any, save_dir: str, fp32: bool = False, **kwargs: Any) -> None:
        """Write a model of transformers in the format of its base; XTuner's own would make it fp16.

        Args:
            cfg: the whole config.
            save_dir: folder of the model.
            fp32: what XTuner's ``--fp32`` sets; here nothing is rounded without it, either.
            kwargs: of XTuner's.
        """
        say_format(self.llm, fp32)
        if self.use_lora:
            name_base(self.llm)
            saving = kwargs.get('save_pretrained_kwargs', {})
            kwargs['save_pretrained_kwargs'] = {**saving, 'selected_adapters': [TRAINED]}
        super().to_hf(cfg, save_dir, fp32=True, **kwargs)

    def _dispatch_lm_model_cfg(self, cfg: Any, max_position_embeddings: int | None = None) -> Any:
        """Do as XTuner's, which trusts remote code whatever the config says."""
        check_model(cfg.pretrained_model_name_or_path, 'model.llm.pretrained_model_name_or_path')
        cfg.setdefault('trust_remote_code', False)
        cfg = self._prepare_for_qlora_zero3(cfg)
        llm_cfg = AutoConfig.from_pretrained(
            cfg.pretrained_model_name_or_path, trust_remote_code=cfg.trust_remote_code
        )
        cfg = self._prepare_for_flash_attn(cfg, llm_cfg)
        if max_position_embeddings is not None:
            cfg = self._prepare_for_long_context_training(cfg, llm_cfg, max_position_embeddings)
        return cfg
