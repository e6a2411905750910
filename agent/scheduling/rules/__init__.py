"""The scheduling rules, one in each file. Each takes slots away for a reason that it gives in words."""
