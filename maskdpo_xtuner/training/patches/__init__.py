"""Patches of the pinned XTuner, DeepSpeed and mmengine: what they lack here."""
