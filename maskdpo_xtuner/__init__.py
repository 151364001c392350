"""Mask-DPO (ICLR 2025) as a plugin of XTuner and LMDeploy."""

__version__ = '0.1.0'
