"""The built-in default: a small model, questions with references, no GPU and no hub needed."""
