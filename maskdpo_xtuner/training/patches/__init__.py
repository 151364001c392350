"""Patches of the pinned XTuner, DeepSpeed, mmengine and bitsandbytes: what they lack here."""
