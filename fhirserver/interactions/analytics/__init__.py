"""What conversations come to, derived from the log: a row for each, and figures over rows."""
