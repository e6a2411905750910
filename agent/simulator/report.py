"""The figures of simulated calls as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from rich.table import Table

from agent.simulator.calls import CallResult


def table(results: Sequence[CallResult]) -> Table:
    """One line for each call, and one for all; latencies in milliseconds."""
    made = Table(title="Calls (milliseconds, measured from the recordings)")
    for heading in (
        "call",
        "ring",
        "greeting",
        "replies p50 / p95",
        "barge-in p95",
        "longest silence",
        "late",
        "ended",
    ):
        made.add_column(heading, justify="left" if heading in ("call", "ended") else "right")
    for result in results:
        made.add_row(result.outcome.call[:10], *_row([result]), _ending(result))
    if len(results) > 1:
        made.add_section()
        made.add_row("all", *_row(results), "", style="bold")
    return made


def _row(results: Sequence[CallResult]) -> list[str]:
    latencies = [result.latencies for result in results]
    replies = [reply for each in latencies for reply in each.replies]
    return [
        _p95(result.outcome.ring for result in results),
        _p95(each.greeting for each in latencies if each.greeting is not None),
        f"{_percentile(replies, 50)} / {_percentile(replies, 95)}",
        _p95(barge_in for each in latencies for barge_in in each.barge_ins),
        _percentile([each.longest_silence for each in latencies], 100),
        _percentile([result.latest for result in results], 100),
    ]


def _p95(seconds: Iterable[float]) -> str:
    return _percentile(list(seconds), 95)


def _percentile(seconds: Sequence[float], share: float) -> str:
    return f"{float(np.percentile(seconds, share)) * 1000:.0f}" if len(seconds) else "–"


def _ending(result: CallResult) -> str:
    trouble = result.as_json()["trouble"]
    if trouble:
        return f"[red]{trouble}[/]"
    outcome = result.outcome
    return f"{outcome.ended_by}{f', handed to {outcome.dialled}' if outcome.dialled else ''}"
