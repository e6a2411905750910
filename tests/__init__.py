"""What must hold, as programs."""
