"""Which of two models' responses a judge prefers: what factuality costs (arXiv 2508.05618)."""
