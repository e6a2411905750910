"""Which stored resource a record from elsewhere is, where that is certain."""

from __future__ import annotations

from collections.abc import Iterator

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.search.expression import Expression, ReferenceIs, StringIs, conjunction, disjunction
from fhirserver.search.values import fold
from fhirserver.store.candidates import Free, blocked, candidates, identifier_tokens, sounding
from fhirserver.store.store import Store
from fhirserver.world.identity.entities import COMPARED, plain_name
from fhirserver.world.identity.person import person_of
from fhirserver.world.identity.scoring import Grade


async def counterparts(store: Store, content: JsonObject, free: Free | None = None) -> list[str]:
    """The ids of the stored resources that are certainly what the record is of, the surest first.

    References in the content are the world's. What is not ``free`` is left out.
    """
    type = str(content["resourceType"])
    if type == "Patient":
        found = await candidates(store, content, least=Grade.CERTAIN, free=free)
        return [one.version.id for one in found]
    compare = COMPARED[type]
    versions = await blocked(store, type, _blocks(content))
    others = {version.id: loads(version.content) for version in versions}
    if type == "Coverage":
        content = await _with_payers_named(store, content)
        others = {id: await _with_payers_named(store, other) for id, other in others.items()}
    same = sorted(id for id, other in others.items() if compare(content, other) is Grade.CERTAIN)
    return same if free is None or not same else list(await free(same))


async def _with_payers_named(store: Store, content: JsonObject) -> JsonObject:
    """The cover with the names of the organisations that pay: another source may know the payer by its name alone."""
    payers = [dict(payer) for payer in content.get("payor") or ()]
    for payer in payers:
        type, _, id = str(payer.get("reference") or "").partition("/")
        if payer.get("display") or type != "Organization" or not id:
            continue
        version = await store.read(type, id)
        if version is not None and not version.deleted and (name := loads(version.content).get("name")):
            payer["display"] = name
    return {**content, "payor": payers}


def _blocks(content: JsonObject) -> Iterator[Expression]:
    tokens: list[Expression] = [*identifier_tokens(content)]
    yield disjunction(tokens)
    match content["resourceType"]:
        case "Practitioner":
            yield from (conjunction(sounds) for sounds in sounding(person_of(content)))
        case "Organization" | "Location":
            word = plain_name(str(content.get("name") or "")).partition(" ")[0]
            yield disjunction([StringIs("name", f"{the}{word}") for the in ("", "the ") if word])
            codes = {fold(str(item.get("postalCode") or "")) for item in _addresses(content)} - {""}
            yield disjunction([StringIs("address-postalcode", code, "whole") for code in sorted(codes)])
        case "Coverage":
            type, _, id = str(content.get("beneficiary", {}).get("reference") or "").partition("/")
            yield ReferenceIs("beneficiary", type, id) if id else disjunction([])


def _addresses(content: JsonObject) -> list[JsonObject]:
    """An Organization has several addresses, a Location one."""
    value = content.get("address") or []
    return value if isinstance(value, list) else [value]
