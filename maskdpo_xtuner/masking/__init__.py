"""From character spans to token masks, through the tokenizer's chat template."""
