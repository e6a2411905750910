"""The brain that asks a language model: the model proposes, deterministic code decides and does."""
