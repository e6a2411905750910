"""Wiring of the voice: what answers the telephone, in a process of its own."""
