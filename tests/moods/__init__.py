"""Voices in moods, synthesised: what the prosody is tried on where no recordings of people are."""
