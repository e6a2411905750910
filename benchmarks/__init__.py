"""Measurements: `python -m benchmarks` over HTTP, `python -m benchmarks.hot_path` in process."""
