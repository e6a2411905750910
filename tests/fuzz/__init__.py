"""Mutated resources and queries against a real server: no 5xx, no hang, every 4xx an OperationOutcome.

``make fuzz`` or ``python -m tests.fuzz --help``. A case is a pure function of the seed and its number.
"""
