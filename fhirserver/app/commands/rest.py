"""``credence rest``: check a mapping file, explain what it makes of a record, test it by its fixtures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from adapters.rest.document import InvalidMapping
from adapters.rest.expressions import Unmappable
from adapters.rest.fixtures import InvalidFixture, fixture_files, made_of, read_fixture, run_fixture
from adapters.rest.inward import UNMAPPABLE, assemble
from adapters.rest.mapping import MappingFile
from adapters.rest.reading import load_mapping, shipped
from adapters.rest.rehearsal import Rehearsal, Sent, shown
from fhirserver.kernel.json import InvalidJson, Json, JsonObject, loads, pretty
from fhirserver.model.validation import validate
from fhirserver.ports.ehr import EhrError

_FILE = "a mapping file, or the name of a vendor that comes with Credence"


def run(arguments: list[str]) -> int:
    """One of three actions. Exit 1 for what is wrong with files, 2 for what cannot be asked."""
    actions: dict[str, Callable[[list[str]], int]] = {"check": check, "explain": explain, "test": test}
    if arguments and arguments[0] in actions:
        try:
            return actions[arguments[0]](arguments[1:])
        except (InvalidMapping, InvalidFixture, _Wrong) as error:
            print(error, file=sys.stderr)
            return 1
    usage = "usage: credence rest check FILE | explain FILE --record FILE --type TYPE | test FILE"
    asked = bool(arguments) and arguments[0] in ("-h", "--help")
    print(usage, file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2


class _Wrong(ValueError):
    """Something that was given is wrong."""


def _parser(name: str, description: str) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog=f"credence rest {name}", description=description)
    made.add_argument("file", metavar="FILE", help=_FILE)
    return made


def check(arguments: list[str]) -> int:
    """Say what is wrong with a mapping file, or what it has."""
    options = _parser("check", "Check a mapping file: every problem with its line.").parse_args(arguments)
    mapping = load_mapping(options.file)
    print(f"{mapping.name}: {len(mapping.resources)} resources, all well")
    for resource in mapping.resources.values():
        can = [
            name
            for name in ("list", "changes", "within", "read", "create", "update", "delete")
            if getattr(resource, name)
        ]
        print(f"  {resource.type:14} {len(resource.elements):3} elements  {' '.join(can)}")
    return 0


def explain(arguments: list[str]) -> int:
    """Show a record on its way in and out."""
    made = _parser("explain", "What a mapping makes of a record, and what it would send. Nothing is sent.")
    made.add_argument("--record", type=Path, required=True, help="the vendor's record, as JSON")
    made.add_argument("--type", required=True, help="the FHIR resource type")
    made.add_argument(
        "--parent", type=Path, help="the record that holds it, for a type that is within another"
    )
    made.add_argument("--change", type=Path, help="FHIR elements to change, as JSON: shows the update")
    made.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting")
    options = made.parse_args(arguments)
    mapping = load_mapping(options.file)
    if options.type not in mapping.resources:
        raise _Wrong(f"the mapping has no '{options.type}'; it has {', '.join(mapping.resources)}")
    try:
        rehearsal = Rehearsal(mapping, dict(_pair(text) for text in options.set))
    except ValueError as error:
        raise _Wrong(str(error)) from None
    record, parent = _json(options.record), _json(options.parent) if options.parent else None
    change = _json(options.change) if options.change else None
    print("\n".join(_explanation(rehearsal, options.type, record, parent, change)))
    return 0


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise _Wrong("--set takes NAME=VALUE")
    return name, value


def _json(path: Path) -> Any:
    try:
        return loads(path.read_bytes())
    except OSError as error:
        raise _Wrong(f"{path}: {error.strerror}") from None
    except InvalidJson as error:
        raise _Wrong(f"{path}: not JSON: {error}") from None


def _explanation(rehearsal: Rehearsal, type: str, record: Json, parent: Json, change: Json) -> Iterator[str]:
    elements = rehearsal.elements(type, record, parent)
    width = max(len(one.element.path) for one in elements)
    yield f"{type}, element by element"
    for one in elements:
        failed = isinstance(one.value, dict) and UNMAPPABLE in one.value
        value = "FAILED" if failed else "-" if one.value is None else shown(one.value)
        yield f"  {one.element.path:{width}} = {value}"
        yield f"  {'':{width}}   {one.element.expression.text}"
    content = assemble(type, elements)
    try:
        content = rehearsal.content(type, record, parent)
    except Unmappable as error:
        yield f"no id: {error}"
    yield f"\n{pretty(content).decode()}"
    problems = [issue for issue in validate(content) if issue.severity in ("error", "fatal")]
    yield (
        "valid FHIR R4" if not problems else "\n".join(f"not FHIR R4: {one.diagnostics}" for one in problems)
    )
    yield from _outward(rehearsal, content, change)


def _outward(rehearsal: Rehearsal, content: JsonObject, change: Json) -> Iterator[str]:
    """What would be sent to create the record, and to change it."""
    yield "\nsent to create it"
    yield from _requests(lambda: list(rehearsal.creates(content)))
    if isinstance(change, dict):
        changed = {name: value for name, value in {**content, **change}.items() if value is not None}
        yield "\nsent for the change"
        yield from _requests(lambda: list(rehearsal.updates(changed, content)))


def _requests(make: Callable[[], list[Sent]]) -> Iterator[str]:
    try:
        sent = make()
    except EhrError as error:
        yield f"  {error}"
        return
    for one in sent:
        query = "&".join(f"{name}={value}" for name, value in one.made.query.items())
        yield f"  {one.name}: {one.made.method} {one.made.path}{'?' + query if query else ''}"
        for name, value in (one.made.body or {}).items():
            yield f"    {name} = {shown(value)}"
    if not sent:
        yield "  nothing: the mapping has no way to"


def test(arguments: list[str]) -> int:
    """Run the tests that fixtures make."""
    made = _parser(
        "test", "Test a mapping by the fixtures beside it: FILE without its ending is their folder."
    )
    made.add_argument("--fixtures", type=Path, help="another folder of fixtures")
    made.add_argument("--accept", action="store_true", help="write what the mapping makes into the fixtures")
    options = made.parse_args(arguments)
    mapping = load_mapping(options.file)
    folder = options.fixtures or fixture_folder(options.file)
    files = fixture_files(folder)
    if not files:
        raise _Wrong(f"{folder}: no fixtures (*.json) there")
    if options.accept:
        return _accept(mapping, files)
    failed = count = 0
    for path in files:
        for result in run_fixture(mapping, path.stem, read_fixture(path)):
            count += 1
            failed += bool(result.problems)
            for problem in result.problems:
                print(f"{result.name} {result.part}: {problem}")
    print(f"{count} tests of {len(files)} fixtures, {failed} failed")
    return 1 if failed else 0


def fixture_folder(name: str) -> Path:
    """The folder of the fixtures of a shipped vendor, or of a mapping file."""
    if name in shipped():
        return Path(str(resources.files("adapters.rest") / "vendors" / name))
    return Path(name).with_suffix("")


def _accept(mapping: MappingFile, files: list[Path]) -> int:
    for path in files:
        path.write_bytes(pretty(made_of(mapping, read_fixture(path))) + b"\n")
    print(f"{len(files)} fixtures written: look at what changed before you keep it")
    return 0
