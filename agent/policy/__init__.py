"""The deterministic dialogue policy: a brain that needs no model and no key."""
