"""Whether two records are of one person (or practitioner, place, coverage): normalise, compare, score, grade. Pure."""
