"""The voice: a line that hears and speaks, whatever carries its sound."""
