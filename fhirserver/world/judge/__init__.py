"""The deterministic judge: what was really said, by rules over the transcript. Pure."""
