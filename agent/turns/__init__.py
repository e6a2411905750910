"""Turn-taking of a telephone call: who has the floor, when a turn ends, what interrupts. Pure: no clock, no tasks."""
