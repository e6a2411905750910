"""Failure drills: what must hold when a process dies or many want the same thing."""
