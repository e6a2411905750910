"""The runner of the suites."""
