"""Pack the official FHIR R4 4.0.1 definitions into ``fhirserver/model/data``.

    python scripts/pack_definitions.py CORPUS/fhir-r4 [fhirserver/model/data]

Two files are written, the same bytes for the same input:

* ``index.bin``: types, elements, search parameters, compartments and the codes of required value sets,
  digested so that the server starts without reading a single StructureDefinition;
* ``conformance.bin``: every conformance resource without its narrative, in small LZMA blocks with a catalogue
  by canonical url and by type and id, so that one of them is read without the rest.
"""

from __future__ import annotations

import json
import lzma
import re
import sys
import tarfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from fhirserver.model.definitions.unions import part_for

ARCHIVES = ("definitions.tar.xz", "core-operations-compartments-codesystems.tar.xz")
BLOCK = 192 * 1024
STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
FHIR_TYPE = STRUCTURE + "structuredefinition-fhir-type"
SYSTEM_STRING = "http://hl7.org/fhirpath/System.String"
REGEX = STRUCTURE + "regex"
SNOMED = "http://snomed.info/sct"
EXPANSION_LIMIT = 2000
SUMMARY, MODIFIER, CHOICE, XML_ATTRIBUTE = 1, 2, 4, 8

Resource = dict[str, Any]


def read_archives(folder: Path) -> tuple[list[Resource], list[Resource]]:
    """The conformance resources, and the value sets with their official expansions."""
    resources: list[Resource] = []
    expansions: list[Resource] = []
    for archive in ARCHIVES:
        with tarfile.open(folder / archive) as tar:
            for member in sorted(tar.getmembers(), key=lambda m: m.name):
                file = tar.extractfile(member) if member.isfile() else None
                if file is not None and member.name.endswith(".json"):
                    into = expansions if "expansions" in member.name else resources
                    into.extend(unbundle(json.load(file)))
    return resources, expansions


def unbundle(resource: Resource) -> Iterator[Resource]:
    if resource["resourceType"] != "Bundle":
        yield resource
        return
    for entry in resource["entry"]:
        yield entry["resource"]


def first_of_each(resources: Iterable[Resource]) -> list[Resource]:
    """One resource per type and id and per canonical url, in a fixed order."""
    kept: dict[tuple[str, str], Resource] = {}
    urls: set[tuple[str, str]] = set()
    for resource in resources:
        key = (resource["resourceType"], resource["id"])
        canonical = (resource["resourceType"], resource.get("url", key[1]))
        if key not in kept and canonical not in urls:
            kept[key] = resource
            urls.add(canonical)
    return [kept[key] for key in sorted(kept)]


# Types


def extension_value(holder: Resource, url: str) -> str:
    for extension in holder.get("extension", ()):
        if extension["url"] == url:
            return next(str(v) for k, v in extension.items() if k.startswith("value"))
    return ""


def profile_name(url: str) -> str:
    return url.removeprefix(STRUCTURE)


def type_of(code: Resource, path: str, kind: str) -> list[Any]:
    """``[type name, target types]``. The id of a resource is an ``id``, whatever its snapshot says."""
    name = extension_value(code, FHIR_TYPE) or code["code"].replace(SYSTEM_STRING, "string")
    if kind == "resource" and path.count(".") == 1 and path.endswith(".id"):
        name = "id"
    return [name, [profile_name(t) for t in code.get("targetProfile", ())]]


def element_types(element: Resource, kind: str, parents: set[str]) -> list[list[Any]]:
    if "contentReference" in element:
        return [[element["contentReference"].removeprefix("#"), []]]
    if element["path"] in parents:
        return [[element["path"], []]]
    return [type_of(code, element["path"], kind) for code in element["type"]]


def flags_of(element: Resource) -> int:
    flags = SUMMARY * element.get("isSummary", False) + MODIFIER * element.get("isModifier", False)
    flags += CHOICE * element["path"].endswith("[x]")
    return flags + XML_ATTRIBUTE * ("xmlAttr" in element.get("representation", ()))


def digest_element(element: Resource, kind: str, parents: set[str]) -> list[Any]:
    name = element["path"].rpartition(".")[2].removesuffix("[x]")
    maximum = -1 if element["max"] == "*" else int(element["max"])
    binding = element.get("binding", {})
    row = [name, element["path"], element["min"], maximum, flags_of(element)]
    row.append(element_types(element, kind, parents))
    return [*row, binding.get("strength", ""), binding.get("valueSet", "")]


def digest_type(definition: Resource) -> Iterator[tuple[str, Resource]]:
    """The type itself and its backbones, each ``(name, {k, b, a, r, e})``."""
    kind = definition["kind"]
    elements = definition["snapshot"]["element"]
    parents = {e["path"].rpartition(".")[0] for e in elements}
    children = defaultdict(list)
    for element in elements[1:]:
        if element["max"] != "0" and not is_value_of_primitive(element, kind):
            children[element["path"].rpartition(".")[0]].append(digest_element(element, kind, parents))
    own = {"k": kind, "b": profile_name(definition.get("baseDefinition", "")), "a": definition["abstract"]}
    for element in elements:
        path = element["path"]
        if path == definition["type"]:
            yield path, own | {"r": regex_of(elements), "e": children[path]}
        elif path in children:
            base = element["type"][0]["code"]
            yield path, {"k": "backbone", "b": base, "a": False, "r": "", "e": children[path]}


def is_value_of_primitive(element: Resource, kind: str) -> bool:
    return kind == "primitive-type" and element["path"].endswith(".value")


def regex_of(elements: list[Resource]) -> str:
    for element in elements:
        if element["path"].endswith(".value") and element["path"].count(".") == 1:
            return extension_value(element["type"][0], REGEX)
    return ""


def digest_types(resources: list[Resource]) -> Resource:
    types: Resource = {}
    for resource in resources:
        if resource["resourceType"] == "StructureDefinition" and is_type(resource):
            types.update(digest_type(resource))
    return types


def is_type(definition: Resource) -> bool:
    if not definition.get("url", "").startswith(STRUCTURE) or definition["kind"] == "logical":
        return False
    return bool(definition.get("derivation", "specialization") == "specialization")


# Search parameters


def expression_for(type_name: str, expression: str, types: Resource) -> str:
    """The part of a parameter's expression that is about ``type_name``."""
    return part_for(type_name, expression, lambda name: name in types and types[name]["k"] == "resource")


def digest_component(component: Resource, by_url: dict[str, Resource]) -> list[Any]:
    part = by_url[component["definition"]]
    return [
        part["code"],
        component["definition"],
        part["type"],
        component["expression"],
        part.get("target", []),
    ]


def digest_parameters(resources: list[Resource], types: Resource) -> Resource:
    """By base type: ``[code, url, type, expression, targets, components, comparators, usage]``."""
    found = [r for r in resources if r["resourceType"] == "SearchParameter"]
    by_url = {r["url"]: r for r in found}
    digested: dict[str, list[Any]] = defaultdict(list)
    for parameter in sorted(found, key=lambda p: (p["code"], p["url"])):
        for base in parameter["base"]:
            expression = expression_for(base, parameter.get("expression", ""), types)
            if parameter.get("expression") and not expression:
                raise ValueError(f"{parameter['url']} has no expression for {base}")
            row = [
                parameter["code"],
                parameter["url"],
                parameter["type"],
                expression,
                parameter.get("target", []),
            ]
            row.append([digest_component(c, by_url) for c in parameter.get("component", ())])
            row += [parameter.get("comparator", []), parameter.get("xpathUsage", "")]
            digested[base].append(row)
    return dict(sorted(digested.items()))


def digest_compartments(resources: list[Resource]) -> Resource:
    """``{def}`` is left out: it only says that a resource is in its own compartment, which goes for all."""
    compartments = {}
    for resource in resources:
        if resource["resourceType"] == "CompartmentDefinition" and resource["id"] != "example":
            members = {
                r["code"]: [p for p in r.get("param", ()) if p != "{def}"] for r in resource["resource"]
            }
            compartments[resource["code"]] = {code: params for code, params in members.items() if params}
    return dict(sorted(compartments.items()))


# Codes of required value sets


def required_value_sets(types: Resource) -> list[str]:
    return sorted({e[7] for t in types.values() for e in t["e"] if e[6] == "required" and e[7]})


def walk_contains(contains: Iterable[Resource]) -> Iterator[Resource]:
    for item in contains:
        yield item
        yield from walk_contains(item.get("contains", ()))


def codes_of(expansion: Resource) -> dict[str, list[str]] | None:
    """System to codes, or None where the official expansion is not the whole value set."""
    items = [i for i in walk_contains(expansion.get("contains", ())) if not i.get("abstract") and "code" in i]
    costly = any("toocostly" in e["url"] for e in expansion.get("extension", ()))
    if costly or not items or expansion.get("total", len(items)) > len(items) or len(items) > EXPANSION_LIMIT:
        return None
    codes = defaultdict(set)
    for item in items:
        codes[item["system"]].add(item["code"])
    return {system: sorted(values) for system, values in sorted(codes.items())}


def digest_codes(types: Resource, expansions: list[Resource]) -> Resource:
    by_url = {e["url"]: e["expansion"] for e in expansions}
    digested = {}
    for url in required_value_sets(types):
        codes = codes_of(by_url.get(url.partition("|")[0], {}))
        if codes is None:
            print(f"not enumerable, so not checked: {url}")
        else:
            digested[url] = codes
    return digested


# Expansions


def with_expansions(resources: list[Resource], expansions: list[Resource]) -> list[Resource]:
    """Give a value set its official expansion where it draws on a code system that is not in the package.

    Not for SNOMED CT: those expansions are cut off at a limit, and the licence is not ours to hand on.
    """
    systems = {r["url"] for r in resources if r["resourceType"] == "CodeSystem" and r.get("concept")}
    by_url = {e["url"]: e["expansion"] for e in expansions}
    return [with_expansion(r, by_url, systems) if r["resourceType"] == "ValueSet" else r for r in resources]


def with_expansion(value_set: Resource, by_url: dict[str, Resource], systems: set[str]) -> Resource:
    parts = value_set.get("compose", {}).get("include", ())
    drawn = {p["system"] for p in parts if "system" in p and "concept" not in p} - systems
    expansion = by_url.get(value_set["url"], {})
    unclosed = any("unclosed" in e["url"] for e in expansion.get("extension", ()))
    if not drawn or SNOMED in drawn or unclosed or codes_of(expansion) is None:
        return value_set
    return value_set | {"expansion": expansion}


# Narrative


def digest_narrative(resources: list[Resource]) -> Resource:
    """The XHTML elements and attributes that constraint txt-1 of Narrative.div lists."""
    narrative = next(r for r in resources if r["id"] == "Narrative")
    constraints = (c for e in narrative["snapshot"]["element"] for c in e.get("constraint", ()))
    xpath = next(c["xpath"] for c in constraints if c["key"] == "txt-1")
    elements, attributes = (re.findall("'([^']*)'", part) for part in xpath.split("/@*"))
    return {"elements": elements, "attributes": attributes}


# Writing


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def lzma_bytes(data: bytes) -> bytes:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << 20}]
    return lzma.compress(data, lzma.FORMAT_XZ, check=lzma.CHECK_CRC32, filters=filters)


def without_narrative(resource: Resource) -> Resource:
    return {name: value for name, value in resource.items() if name != "text"}


def in_blocks(resources: list[Resource]) -> tuple[list[list[Any]], list[bytes]]:
    """Catalogue rows ``[type, id, url, version, block, start, length]`` and the blocks."""
    rows: list[list[Any]] = []
    blocks: list[bytes] = []
    block = bytearray()
    for resource in resources:
        data = compact(without_narrative(resource))
        if block and len(block) + len(data) > BLOCK:
            blocks.append(bytes(block))
            block.clear()
        names = [
            resource["resourceType"],
            resource["id"],
            resource.get("url", ""),
            resource.get("version", ""),
        ]
        rows.append([*names, len(blocks), len(block), len(data)])
        block += data
    return rows, [*blocks, bytes(block)]


def write_conformance(resources: list[Resource], path: Path) -> None:
    """``length of the catalogue (4 bytes, big endian) · catalogue · blocks``."""
    rows, blocks = in_blocks(resources)
    packed = [lzma_bytes(block) for block in blocks]
    catalogue = lzma_bytes(compact({"rows": rows, "blocks": [len(b) for b in packed]}))
    path.write_bytes(len(catalogue).to_bytes(4, "big") + catalogue + b"".join(packed))


def write_index(resources: list[Resource], expansions: list[Resource], path: Path) -> None:
    types = digest_types(resources)
    index = {
        "types": types,
        "parameters": digest_parameters(resources, types),
        "compartments": digest_compartments(resources),
        "codes": digest_codes(types, expansions),
        "narrative": digest_narrative(resources),
    }
    path.write_bytes(zlib.compress(compact(index), 9))


def main(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    resources, expansions = read_archives(source)
    kept = first_of_each(resources)
    write_index(kept, expansions, target / "index.bin")
    write_conformance(with_expansions(kept, expansions), target / "conformance.bin")
    for file in sorted(target.glob("*.bin")):
        print(f"{file.name}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    here = Path(__file__).resolve().parent.parent
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else here / "fhirserver/model/data")
