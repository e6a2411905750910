"""Calls under way, for operators: what happens on them, and what operators do."""
