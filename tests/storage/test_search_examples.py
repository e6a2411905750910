"""Each official example is found again by every value it is indexed by."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fhirserver.kernel.json import loads
from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath.ucum import unit
from fhirserver.search.escapes import escape
from fhirserver.search.index import extract
from fhirserver.search.parse import parse
from fhirserver.search.values import (
    BEGIN,
    FOREVER,
    INFINITE,
    CompositeValue,
    DateValue,
    IndexValue,
    NumberValue,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    UriValue,
)
from tests.storage.test_search_sqlite import Sqlite

CORPUS = Path(os.environ.get("CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")
EXAMPLES = CORPUS / "fhir-r4" / "examples-half.tar.xz"

pytestmark = pytest.mark.skipif(not EXAMPLES.exists(), reason="the examples are not here")

# By the parameter itself: in any unit of the kind, with versions, and along chains.
_ASKED_OTHERWISE = (":ucum", ":version", ":canonical", ":contained")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def examples() -> Iterator[dict[str, Any]]:
    with tarfile.open(EXAMPLES) as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(".json"):
                file = archive.extractfile(member)
                assert file is not None
                yield loads(file.read())


def _instant(microseconds: int) -> str:
    at = _EPOCH + timedelta(microseconds=microseconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _quantity(value: QuantityValue) -> list[str]:
    prefix = "" if value.low == value.high else "le" if value.low == -INFINITE else "ge"
    number = f"{prefix}{value.value!r}"
    measured = f"|{escape(value.system)}|{escape(value.code)}" if value.code else ""
    if value.param.endswith(":ucum"):  # under the name of the kind where it has no unit of its own
        return [] if unit(value.code) is None else [f"{number}{measured}"]
    return [f"{number}{measured}", number, *([f"{number}||{escape(value.unit)}"] if value.unit else [])]


def written(value: IndexValue) -> list[str]:
    """Search literals for a value."""
    match value:
        case TokenValue(param=param, system=system, code=code) if param.endswith(":of-type"):
            kind, _, text = code.partition("|")
            return [f"{escape(system)}|{escape(kind)}|{escape(text)}"]
        case TokenValue(system="", code=code):
            return [escape(code), f"|{escape(code)}"] if code else []
        case TokenValue(system=system, code=code):
            return [f"{escape(system)}|{escape(code)}", *([escape(code)] if code else [])]
        case StringValue(text=text):
            return [escape(text), escape(text).upper()]
        case ReferenceValue(type="", target=target):
            return [escape(target)] if target else []
        case ReferenceValue(type=type_name, target=target):
            return [f"{type_name}/{target}", target]
        case DateValue(low=low, high=high):
            ends = [f"lt{_instant(low + 1)}"] if low != BEGIN else []
            ends += [f"gt{_instant(high - 2)}"] if high != FOREVER else []
            whole = _instant(low)[:10] if high - low == 86_400_000_000 else ""
            return [*ends, whole] if whole else ends
        case NumberValue(low=low, high=high):
            return [repr(low)] if low == high else [f"le{high!r}"]
        case QuantityValue():
            return _quantity(value)
        case UriValue(uri=uri):
            return [escape(uri)]
        case CompositeValue(parts=parts):
            each = [written(part) for part in parts]
            return ["$".join(texts[0] for texts in each)] if all(each) else []


async def test_every_example_is_found_by_every_value() -> None:
    sqlite = Sqlite()
    found_by, missed = 0, []
    resources = list(examples())
    for pk, resource in enumerate(resources, 1):
        await sqlite.put(pk, resource, 1_600_000_000_000_000 + pk)
    for resource in resources:
        for value in extract(resource):
            if value.param.endswith(_ASKED_OTHERWISE):
                continue
            for text in (
                [] if value.param.startswith("near:") else written(value)
            ):  # two values for one parameter
                name = value.param.removesuffix(":ucum")
                query = parse(resource["resourceType"], [(name, text), ("_count", "1000")])
                ids, _ = await sqlite.search(query)
                found_by += 1
                if resource["id"] not in ids:
                    missed.append((resource["resourceType"], resource["id"], value.param, text))
    sqlite.connection.close()
    assert missed == []
    assert found_by > 5 * len(resources)


async def test_missing_says_for_every_parameter_whether_there_is_a_value() -> None:
    sqlite = Sqlite()
    resources = list(examples())
    for pk, resource in enumerate(resources, 1):
        await sqlite.put(pk, resource, pk)
    for resource in resources[::7]:
        there = {value.param for value in extract(resource)}
        for code, parameter in definitions().search_parameters(resource["resourceType"]).items():
            if not parameter.expression or parameter.type == "special" or code in ("_id", "_lastUpdated"):
                continue
            query = parse(resource["resourceType"], [(f"{code}:missing", "false"), ("_count", "1000")])
            ids, _ = await sqlite.search(query)
            assert (resource["id"] in ids) == (code in there), (resource["id"], code)
    sqlite.connection.close()
