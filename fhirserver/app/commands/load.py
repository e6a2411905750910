"""``credence load``: the conformance resources of a FHIR package into a data folder or a running server."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fhirserver.app.commands.options import parser, settings
from fhirserver.app.settings import Settings

if TYPE_CHECKING:
    from fhirserver.app.loading import Summary
    from fhirserver.app.packages import Package


def run(arguments: list[str]) -> int:
    """Load a package. Exit 1 where something of it could not be loaded, 2 where nothing could be tried."""
    from fhirserver.app.loading import Unreachable
    from fhirserver.app.packages import InvalidPackage, open_package

    options = _options().parse_args(arguments)
    try:
        package = open_package(options.package, options.examples)
        summary = asyncio.run(_load(options, package))
    except (InvalidPackage, Unreachable) as error:
        print(f"credence load: {error}", file=sys.stderr)
        return 2
    print(report(package, summary))
    return 1 if summary.failed else 0


def _options() -> argparse.ArgumentParser:
    made = parser(
        "load", "Load a FHIR package (.tgz): its profiles, value sets, search parameters and the rest."
    )
    made.add_argument("package", type=Path, metavar="PACKAGE.tgz", help="the package file")
    made.add_argument("--examples", action="store_true", help="load the package's examples too")
    made.add_argument(
        "--server", metavar="URL", help="the FHIR base of a running server, instead of the data"
    )
    made.add_argument("--token", default="", help="bearer token of a principal there that may write")
    return made


async def _load(options: argparse.Namespace, package: Package) -> Summary:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(package.title, total=package.size)

        def done() -> None:
            progress.advance(task)

        if options.server:
            return await _into_server(options.server, options.token, package, done)
        return await _into_store(settings(options), package, done)


async def _into_server(url: str, token: str, package: Package, done: Callable[[], None]) -> Summary:
    from fhirserver.app.loading import load, server_target

    async with server_target(url, token) as target:
        return await load(package, target, done)


async def _into_store(chosen: Settings, package: Package, done: Callable[[], None]) -> Summary:
    from fhirserver.app.loading import load
    from fhirserver.app.store_target import store_target

    async with store_target(chosen, "credence load") as target:
        return await load(package, target, done)


def report(package: Package, summary: Summary) -> str:
    """What was loaded, what was not and why, what the package needs beside itself."""
    lines = [
        f"{package.title}: {summary.added} added, {summary.updated} updated, {summary.unchanged} unchanged, "
        f"{len(summary.failed)} failed"
    ]
    lines += [f"  {count:5} {type}" for type, count in sorted(summary.counts.items())]
    lines += [f"failed: {file}: {why}" for file, why in summary.failed]
    if summary.missing:
        names = ", ".join(f"{name} {version}" for name, version in sorted(summary.missing.items()))
        lines.append(f"it depends on packages that are not loaded (as far as their guides tell): {names}")
    return "\n".join(lines)
