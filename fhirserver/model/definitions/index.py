"""The digested index of types, search parameters and compartments, decoded piece by piece on demand."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec

from fhirserver.model.definitions.records import (
    Binding,
    ElementDef,
    SearchComponent,
    SearchParameter,
    TypeDef,
)

SUMMARY, MODIFIER, CHOICE, XML_ATTRIBUTE = 1, 2, 4, 8

PackedTypes: TypeAlias = list[tuple[str, tuple[str, ...]]]


class PackedElement(msgspec.Struct, array_like=True):
    name: str
    path: str
    min: int
    max: int
    flags: int
    types: PackedTypes
    strength: str
    value_set: str


class PackedType(msgspec.Struct):
    k: str
    b: str
    a: bool
    r: str
    e: list[PackedElement]


class PackedComponent(msgspec.Struct, array_like=True):
    code: str
    url: str
    type: str
    expression: str
    targets: tuple[str, ...]


class PackedParameter(msgspec.Struct, array_like=True):
    code: str
    url: str
    type: str
    expression: str
    targets: tuple[str, ...]
    components: list[PackedComponent]
    comparators: tuple[str, ...]
    usage: str


class TypeHead(msgspec.Struct):
    k: str
    b: str
    a: bool


class PackedNarrative(msgspec.Struct):
    elements: frozenset[str]
    attributes: frozenset[str]


class Index(msgspec.Struct):
    """The packed index; the values are still JSON text until they are asked for."""

    types: dict[str, msgspec.Raw]
    parameters: dict[str, msgspec.Raw]
    compartments: dict[str, dict[str, tuple[str, ...]]]
    codes: dict[str, msgspec.Raw]
    narrative: PackedNarrative


# All made at import, which is done once: msgspec crashes where two threads are the first to need one type.
_index_decoder = msgspec.json.Decoder(Index)
_type_decoder = msgspec.json.Decoder(PackedType)
_head_decoder = msgspec.json.Decoder(TypeHead)
_parameter_decoder = msgspec.json.Decoder(list[PackedParameter])
_codes_decoder = msgspec.json.Decoder(dict[str, frozenset[str]])


def load_index(path: Path) -> Index:
    return _index_decoder.decode(zlib.decompress(path.read_bytes()))


def head(raw: msgspec.Raw) -> TypeHead:
    return _head_decoder.decode(raw)


def unpack_type(name: str, raw: msgspec.Raw) -> TypeDef:
    packed = _type_decoder.decode(raw)
    elements = {e.json_name: e for row in packed.e for e in unpack_element(row)}
    return TypeDef(name, packed.k, packed.b, packed.a, packed.r, elements)


def unpack_element(row: PackedElement) -> list[ElementDef]:
    binding = Binding(row.strength, row.value_set) if row.strength else None
    choice = f"{row.name}[x]" if row.flags & CHOICE else ""
    return [
        ElementDef(
            path=row.path,
            name=row.name,
            json_name=row.name + type_name[:1].upper() + type_name[1:] if choice else row.name,
            type=type_name,
            choice=choice,
            min=row.min,
            max=None if row.max < 0 else row.max,
            targets=targets,
            binding=binding,
            is_summary=bool(row.flags & SUMMARY),
            is_modifier=bool(row.flags & MODIFIER),
            xml_attribute=bool(row.flags & XML_ATTRIBUTE),
        )
        for type_name, targets in row.types
    ]


def unpack_parameters(raw: msgspec.Raw) -> Mapping[str, SearchParameter]:
    return {row.code: unpack_parameter(row) for row in _parameter_decoder.decode(raw)}


def unpack_parameter(row: PackedParameter) -> SearchParameter:
    components = tuple(
        SearchComponent(c.code, c.url, c.type, c.expression, c.targets) for c in row.components
    )
    return SearchParameter(
        row.code, row.url, row.type, row.expression, row.targets, components, row.comparators, row.usage
    )


def unpack_codes(raw: msgspec.Raw) -> Mapping[str, frozenset[str]]:
    return _codes_decoder.decode(raw)
