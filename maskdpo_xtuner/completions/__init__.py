"""The memory of completions and the scheduler that fills it."""
