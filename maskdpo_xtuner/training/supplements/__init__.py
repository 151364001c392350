"""What the pinned XTuner, DeepSpeed and mmengine lack on machines that they run on here."""
