"""``credence terminology``: big code systems (SNOMED CT, LOINC …), imported from the files of their publishers."""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fhirserver.app.commands.options import parser, settings
from fhirserver.app.settings import Settings

if TYPE_CHECKING:
    from fhirserver.app.importing import Imported
    from fhirserver.app.loading import Target
    from fhirserver.kernel.json import JsonObject
    from fhirserver.storage.sqlite.releases.folder import ReleaseFolder
    from terminology.imports.kind import Import, Progress

_INTERRUPTED = 130


def run(arguments: list[str]) -> int:
    """Exit 1 where something could not be written or was not there, 2 where the files cannot be imported."""
    from fhirserver.app.loading import Unreachable
    from fhirserver.kernel.outcomes import Refusal
    from terminology.imports.kind import InvalidSource

    options = _options().parse_args(arguments)
    try:
        return int(options.act(options, settings(options)))
    except (InvalidSource, Unreachable) as error:
        return _failed(str(error))
    except Refusal as refusal:
        return _failed(refusal.issues[0].diagnostics)
    except (OSError, sqlite3.Error) as error:
        return _failed(f"the folder of the releases cannot be written: {error}")
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return _INTERRUPTED


def _failed(why: str) -> int:
    print(f"credence terminology: {why}", file=sys.stderr)
    return 2


def _options() -> argparse.ArgumentParser:
    from terminology.imports.all import IMPORTS

    made = parser("terminology", "Import, list and remove big code systems.")
    made.formatter_class = argparse.RawDescriptionHelpFormatter
    made.epilog = "kinds:\n" + "\n".join(f"  {one.kind:10} {one.title}" for one in IMPORTS)
    commands = made.add_subparsers(metavar="COMMAND", required=True)
    reading = commands.add_parser("import", help="import a release; goes on where it was interrupted")
    reading.set_defaults(act=_import)
    reading.add_argument(
        "kind", metavar="KIND", choices=[one.kind for one in IMPORTS], help="see credence terminology --help"
    )
    reading.add_argument("file", metavar="FILE", type=Path, help="file or folder, as it was published")
    reading.add_argument("--url", default="", help="of the code system, where the files do not say it")
    reading.add_argument("--version", default="", help="of the release, where the files do not say it")
    reading.add_argument("--again", action="store_true", help="also where this release was imported before")
    _to_server(reading)
    listing = commands.add_parser("list", help="the releases that are here")
    listing.set_defaults(act=_list)
    removing = commands.add_parser("remove", help="remove a release")
    removing.set_defaults(act=_remove)
    removing.add_argument("url", metavar="URL")
    removing.add_argument("version", metavar="VERSION")
    _to_server(removing)
    for command in commands.choices.values():  # also behind the command
        command.add_argument("--config", type=Path, default=argparse.SUPPRESS, help="the settings file")
        command.add_argument("--data", type=Path, default=argparse.SUPPRESS, help="the folder of the data")
    return made


def _to_server(made: argparse.ArgumentParser) -> None:
    text = "the FHIR base of a running server on this data, to which resources are written"
    made.add_argument("--server", metavar="URL", help=text)
    made.add_argument("--token", default="", help="bearer token of a principal there that may write")


# import


def _import(options: argparse.Namespace, chosen: Settings) -> int:
    from fhirserver.app.importing import import_content
    from fhirserver.app.storages import make_releases
    from terminology.imports.kind import Given

    one = _kind(options.kind, options.file)
    header = one.header(options.file, Given(options.url, options.version))
    url, version = header["url"], header["version"]
    releases = make_releases(chosen)
    if version in releases.versions(url) and not options.again:
        print(f"{url}|{version} was imported before; --again imports it anew", file=sys.stderr)
    else:
        with _progress() as progress:
            import_content(one, options.file, header, releases, progress, _tell)
    return asyncio.run(_write(options, chosen, one, header, releases))


def _kind(kind: str, path: Path) -> Import:
    from terminology.imports.all import IMPORTS, find_import
    from terminology.imports.kind import InvalidSource

    one = find_import(kind)
    assert one is not None  # argparse has looked
    if not path.exists():
        raise InvalidSource(path, "there is no such file or folder")
    if not one.recognise(path):
        others = [other.kind for other in IMPORTS if other.recognise(path)]
        if others:
            raise InvalidSource(path, f"this does not look like {kind}, but like {' or '.join(others)}")
    return one


async def _write(
    options: argparse.Namespace, chosen: Settings, one: Import, header: JsonObject, releases: ReleaseFolder
) -> int:
    from fhirserver.app.importing import write_resources

    release = releases.find(header["url"], header["version"])
    assert release is not None
    async with _target(options, chosen) as target:
        imported = await write_resources(one, options.file, header, release.size, target)
    print(_report(imported, release.size))
    return 1 if imported.failed else 0


def _report(imported: Imported, count: int) -> str:
    header = imported.header
    name = header.get("title") or header.get("name") or header["url"]
    lines = [
        f"{name}: {count:,} concepts as {header['url']}|{header['version']}, {imported.written} resources written",
        *(f"failed: {what}: {why}" for what, why in imported.failed),
    ]
    return "\n".join(lines)


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar for each step."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:
        tasks: dict[str, TaskID] = {}

        def told(step: str, done: int, of: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=None)
            bars.update(tasks[step], completed=done, total=of or None)

        yield told


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


@asynccontextmanager
async def _target(options: argparse.Namespace, chosen: Settings) -> AsyncIterator[Target]:
    """The running server, or else the store of the settings."""
    from fhirserver.app.loading import server_target
    from fhirserver.app.store_target import store_target

    if options.server:
        async with server_target(options.server, options.token) as target:
            yield target
    else:
        async with store_target(chosen, "credence terminology") as target:
            yield target


# list, remove


def _list(_: argparse.Namespace, chosen: Settings) -> int:
    from fhirserver.app.storages import make_releases

    releases = make_releases(chosen)
    for header in releases.all():
        release = releases.find(header["url"], header["version"])
        size = release.path.stat().st_size / 1e6 if release else 0
        title = header.get("title") or header.get("name") or ""
        print(f"{header['url']}|{header['version']}  {header['count']:,} concepts  {size:,.0f} MB  {title}")
    return 0


def _remove(options: argparse.Namespace, chosen: Settings) -> int:
    return asyncio.run(_removed(options, chosen))


async def _removed(options: argparse.Namespace, chosen: Settings) -> int:
    from fhirserver.app.importing import remove
    from fhirserver.app.loading import reasons
    from fhirserver.app.storages import make_releases

    async with _target(options, chosen) as target:
        removed, answer = await remove(options.url, options.version, make_releases(chosen), target)
    if not removed:
        print("no such release is here; 'credence terminology list' shows those that are", file=sys.stderr)
        return 1
    if answer is not None and answer.status not in (200, 204):
        print(f"its content is gone; its CodeSystem could not be deleted: {reasons(answer)}", file=sys.stderr)
        return 1
    print(f"removed {options.url}|{options.version}")
    return 0
