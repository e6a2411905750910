"""Provenance resources, derived from the log: one for every command that touched a resource.

They are ordinary rows to reads, searches and history, written when somebody first asks (or when the
server is idle), so that a plain create does not pay for them. Numbers are negative positions, ids the
commits' ids.
"""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.kernel.json import JsonObject, dumps
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Change, Row, Version
from fhirserver.store.project import Extract
from fhirserver.world.render import confidence_extension
from fhirserver.world.units import member_of, split
from fhirserver.world.vocabulary import (
    ACTIVITY,
    ASSERTION_METHOD,
    SOURCE_PREFIX,
    TARGET_ELEMENT,
)

PROJECTED = ("provenance", "projected")
_LEDGER = dumps({"v": []})
_ACTIVITIES = {
    "asserted": "assert",
    "removed": "remove",
    "decided": "decide",
    "merged": "merge",
    "unmerged": "unmerge",
    "relinked": "relink",
}


def provenance_changes(commits: Sequence[Commit], extract: Extract) -> list[Change]:
    """The rows for the commits that touched resources."""
    made = [(commit, provenance(commit)) for commit in commits]
    return [_change(commit, resource, extract) for commit, resource in made if resource is not None]


def _change(commit: Commit, resource: JsonObject, extract: Extract) -> Change:
    version = Version("Provenance", commit.id, 1, commit.position, commit.recorded, False, dumps(resource))
    return Change(Row(-commit.position, version, _LEDGER), True, (), extract(resource))


def provenance(commit: Commit) -> JsonObject | None:
    """The Provenance of one commit; None where it touched no resource.

    https://hl7.org/fhir/R4/provenance.html
    """
    events = [event for event in commit.events if event["e"] != "noted"]
    if not events:
        return None
    statement = commit.statement
    confidences = {event["confidence"] for event in events if "confidence" in event}
    resource: JsonObject = {
        "resourceType": "Provenance",
        "id": commit.id,
        "meta": {"versionId": "1", "lastUpdated": commit.recorded},
    }
    extensions = [confidence_extension(confidence) for confidence in sorted(confidences)[-1:]]
    method = statement.method or next((event["method"] for event in events if event.get("method")), "")
    if method:
        extensions.append({"url": ASSERTION_METHOD, "valueCode": method})
    if extensions:
        resource["extension"] = extensions
    resource["target"] = _targets(events)
    if statement.effective:
        resource["occurredDateTime"] = statement.effective
    resource["recorded"] = commit.recorded
    resource["activity"] = statement.activity or _activity(events)
    resource["agent"] = _all_of("agent", statement.agent, events) or [_agent(commit)]
    entities = _all_of("entity", statement.entity, events)
    if entities:
        resource["entity"] = entities
    return resource


def _targets(events: Sequence[JsonObject]) -> list[JsonObject]:
    """One target per version; the paths of all that was stated in part about it."""
    paths: dict[str, list[str]] = {}
    whole: set[str] = set()
    for event in events:
        reference = f"{event['type']}/{event['id']}/_history/{event['version']}"
        stated = _paths(event)
        paths.setdefault(reference, []).extend(
            path for path in stated if path not in paths.get(reference, ())
        )
        if not stated:
            whole.add(reference)
    return [_target(reference, () if reference in whole else found) for reference, found in paths.items()]


def _target(reference: str, paths: Sequence[str]) -> JsonObject:
    target: JsonObject = {"reference": reference}
    if paths:
        target["extension"] = [{"url": TARGET_ELEMENT, "valueString": path} for path in paths]
    return target


def _paths(event: JsonObject) -> list[str]:
    """The elements stated, for statements that are not about the whole resource."""
    units: set[str] = set()
    if event["e"] == "decided":
        units = {decision["unit"] for decision in event["decisions"]}
    elif event["e"] == "asserted" and not event.get("full"):
        units = {*split(event["type"], event["content"]), *event.get("absent", ())}
    return sorted({f"{event['type']}.{member_of(unit).removesuffix('[x]')}" for unit in units})


def _activity(events: Sequence[JsonObject]) -> JsonObject:
    return {"coding": [{"system": ACTIVITY, "code": _ACTIVITIES[events[0]["e"]]}]}


def _agent(commit: Commit) -> JsonObject:
    who = commit.statement.principal or commit.statement.source
    return {
        "who": {
            "identifier": {"system": "urn:ietf:rfc:3986", "value": SOURCE_PREFIX + commit.statement.source},
            "display": who,
        }
    }


def _all_of(name: str, stated: Sequence[JsonObject], events: Sequence[JsonObject]) -> list[JsonObject]:
    """The agents or entities of the command, then those that single entries had of their own."""
    found = list(stated)
    for event in events:
        found += [one for one in event.get(name, ()) if one not in found]
    return found
