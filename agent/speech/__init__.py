"""Hearing and speaking: ports, and what stands behind them."""
