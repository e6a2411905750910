"""Calls judged by what is true in the world afterwards: scenarios, simulated callers, a runner and its report."""
