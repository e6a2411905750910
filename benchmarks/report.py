"""What was measured, as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Figures
from fhirserver.kernel.json import pretty


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one server for one operation at one number of connections."""

    server: str
    op: str
    connections: int
    figures: Figures
    rss_mb: float | None

    def as_json(self) -> dict[str, Any]:
        row: dict[str, Any] = {"server": self.server, "op": self.op, "connections": self.connections}
        if self.figures.error:
            nothing = dict.fromkeys(("rps", "p50_ms", "p99_ms", "cpu_ms", "rss_mb"))
            return {**row, **nothing, "error": self.figures.error}
        return {
            **row,
            "rps": round(self.figures.rate, 1),
            "p50_ms": round(self.figures.percentile_ms(0.5), 3),
            "p99_ms": round(self.figures.percentile_ms(0.99), 3),
            "cpu_ms": None if self.figures.cpu_ms is None else round(self.figures.cpu_ms, 3),
            "rss_mb": None if self.rss_mb is None else round(self.rss_mb, 1),
        }


def write(rows: Sequence[Row], out: str) -> None:
    """Write the rows as a JSON list to the file ``out``."""
    Path(out).write_bytes(pretty([row.as_json() for row in rows]) + b"\n")


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the table; with a second server also how much faster the first one is."""
    servers = list(dict.fromkeys(row.server for row in rows))
    table = Table("operation", "conn.", "server", "req/s", "p50 ms", "p99 ms", "CPU ms", "RSS MB")
    if len(servers) > 1:
        table.add_column("× req/s")
        table.add_column("× p99")
    for row in rows:
        table.add_row(*_cells(row), *(_ratios(row, rows, servers) if len(servers) > 1 else ()))
    console.print(table)
    for row in rows:
        if row.figures.error:
            console.print(f"{row.server} {row.op} at {row.connections}: {row.figures.error}", markup=False)


def _cells(row: Row) -> list[str]:
    name = [row.op, str(row.connections), row.server]
    if row.figures.error:
        return [*name, "failed", "", "", "", ""]
    figures = row.figures
    memory = "" if row.rss_mb is None else f"{row.rss_mb:.0f}"
    latencies = [f"{figures.percentile_ms(share):.2f}" for share in (0.5, 0.99)]
    cpu = "" if figures.cpu_ms is None else f"{figures.cpu_ms:.3f}"
    return [*name, f"{figures.rate:,.1f}", *latencies, cpu, memory]


def _ratios(row: Row, rows: Sequence[Row], servers: Sequence[str]) -> list[str]:
    """How many times the peer's rate ours is, and what part of its p99 ours takes; on our own rows only."""
    if row.server != servers[0]:
        return ["", ""]
    other = next((one for one in rows if _pairs(row, one, servers[1])), None)
    if other is None or row.figures.error or other.figures.error:
        return ["", ""]
    ours, theirs = row.figures, other.figures
    return [
        f"{ours.rate / theirs.rate:.1f}",
        f"{ours.percentile_ms(0.99) / theirs.percentile_ms(0.99):.2f}",
    ]


def _pairs(row: Row, other: Row, peer: str) -> bool:
    return (other.server, other.op, other.connections) == (peer, row.op, row.connections)
