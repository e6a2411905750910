"""Domain events straight from the log: what happened, where to read of it, and never what it says."""
