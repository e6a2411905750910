"""Provenance resources, derived from the log: one for every command that touched a resource.

They are ordinary rows to reads, searches and history, written when somebody first asks (or when the
server is idle), so that a plain create does not pay for them. Numbers are negative positions, ids the
commits' ids.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.kernel.references import parse_reference
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Change, Key, Row, Storage, Version
from fhirserver.search.compartments import PATIENT, may_be_in
from fhirserver.search.compartments import patients as patients_of
from fhirserver.search.index import PROVENANCE_PATIENT
from fhirserver.store.project import Extract, touched_keys
from fhirserver.world.render import confidence_extension
from fhirserver.world.units import member_of, split
from fhirserver.world.vocabulary import (
    ACTIVITY,
    ASSERTION_METHOD,
    CONFIDENTIALITY,
    SAID_AGAIN,
    SOURCE_PREFIX,
    TARGET_ELEMENT,
)

DERIVED = "Provenance"
"""The type whose resources are derived from the log when asked for."""
PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
PROJECTED = ("provenance", "projected")
_LEDGER = dumps({"v": []})
_AGAIN = {"url": SAID_AGAIN, "valueBoolean": True}
_LABELLED = CONFIDENTIALITY.encode()
_ACTIVITIES = {
    "asserted": "assert",
    "removed": "remove",
    "withdrawn": "withdraw",
    "decided": "decide",
    "merged": "merge",
    "unmerged": "unmerge",
    "relinked": "relink",
}


Patients = Mapping[Key, frozenset[str]]
"""The ids of the patients in whose compartments resources are."""


class Touched(NamedTuple):
    """What is told of the resources that a commit touched: whose they are, and the codes of their confidentiality."""

    patients: Patients
    labels: Sequence[str] = ()


_NOTHING = Touched({})


def provenance_changes(
    commits: Sequence[Commit], touched: Mapping[int, Touched], extract: Extract
) -> list[Change]:
    """The rows for the commits that touched resources; ``touched`` by the commits' positions."""
    made = [(one, provenance(one, *touched.get(one.position, _NOTHING))) for one in commits]
    return [_change(commit, resource, extract) for commit, resource in made if resource is not None]


async def touched_by(storage: Storage, commit: Commit) -> Touched:
    """Whose compartments the resources that a commit touched are in, and how confidential they are. Of a deleted one,
    what it was."""
    spoken_of = touched_keys([commit]) | {_key_of(reference) for reference in commit.statement.again}
    found = await storage.versions_at(spoken_of, commit.position)
    gone = [key for key, one in found.items() if one.version.deleted]
    for key in gone:
        found.update(await storage.versions_at([key], found[key].version.position - 1))
    contents = {
        key: loads(one.version.content)
        for key, one in found.items()
        if may_be_in(key.type) or _LABELLED in one.version.content
    }
    patients = {
        key: await _whom(storage, commit, content) for key, content in contents.items() if may_be_in(key.type)
    }
    return Touched(patients, sorted({code for content in contents.values() for code in _labels(content)}))


def _labels(resource: JsonObject) -> Iterator[str]:
    """Its codes of confidentiality."""
    for label in resource.get("meta", {}).get("security", ()):
        if label.get("system") == CONFIDENTIALITY and label.get("code"):
            yield str(label["code"])


async def _whom(storage: Storage, commit: Commit, resource: JsonObject) -> frozenset[str]:
    """The patients that a resource is about; a Provenance that a client wrote is about those of its targets too."""
    whom = patients_of(resource)
    if resource["resourceType"] == DERIVED:
        for one in (await storage.versions_at(targets(resource), commit.position)).values():
            whom |= patients_of(loads(one.version.content)) if one.version.content else frozenset()
    return whom


def _change(commit: Commit, resource: JsonObject, extract: Extract) -> Change:
    version = Version(DERIVED, commit.id, 1, commit.position, commit.recorded, False, dumps(resource))
    return Change(Row(-commit.position, version, _LEDGER), True, (), extract(resource))


def provenance(
    commit: Commit, patients: Patients | None = None, labels: Sequence[str] = ()
) -> JsonObject | None:
    """The Provenance of one commit; None where it touched no resource.

    ``patients`` are those in whose compartments its targets are, ``labels`` the codes of their confidentiality: it is
    as confidential as what it tells of. https://hl7.org/fhir/R4/provenance.html
    """
    events = [event for event in commit.events if event["e"] != "noted"]
    if not events:
        return None
    statement = commit.statement
    confidences = {event["confidence"] for event in events if "confidence" in event}
    resource: JsonObject = {
        "resourceType": DERIVED,
        "id": commit.id,
        "meta": {"versionId": "1", "lastUpdated": commit.recorded},
    }
    if labels:
        resource["meta"]["security"] = [{"system": CONFIDENTIALITY, "code": code} for code in labels]
    extensions = [confidence_extension(confidence) for confidence in sorted(confidences)[-1:]]
    method = statement.method or next((event["method"] for event in events if event.get("method")), "")
    if method:
        extensions.append({"url": ASSERTION_METHOD, "valueCode": method})
    targets = [*_targets(events), *_again(statement.again, events)]
    extensions += _say_patients(targets, patients or {})
    if extensions:
        resource["extension"] = extensions
    more = statement.more or {}
    stated = {
        "target": targets,
        "occurredDateTime": _effective(commit, events),
        "recorded": commit.recorded,
        "policy": more.get("policy"),
        "location": more.get("location"),
        "reason": more.get("reason") or _reasons(events),
        "activity": statement.activity or _activity(events),
        "agent": _all_of("agent", statement.agent, events) or [_agent(commit, events)],
        "entity": _all_of("entity", statement.entity, events),
        "signature": more.get("signature"),
    }
    return resource | {name: value for name, value in stated.items() if value}


def _reasons(events: Sequence[JsonObject]) -> list[JsonObject]:
    """Why a source took something back, where it said so."""
    reasons = dict.fromkeys(event["reason"] for event in events if event.get("reason"))
    return [{"text": reason} for reason in reasons]


def _effective(commit: Commit, events: Sequence[JsonObject]) -> str:
    """Since when it holds: as the command says, or as all that it states says alike."""
    own = {str(event.get("effective", "")) for event in events}
    return commit.statement.effective or (own.pop() if len(own) == 1 else "")


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


def _again(references: Sequence[str], events: Sequence[JsonObject]) -> Iterator[JsonObject]:
    """What was only said again, of whichever version was the current one: no event is about it."""
    told = {f"{event['type']}/{event['id']}" for event in events}
    for reference in references:
        if reference not in told:
            yield {"reference": reference, "extension": [dict(_AGAIN)]}


def is_said_again(resource: JsonObject, key: Key) -> bool:
    """Whether a Provenance names a resource only as said again, or not at all: no event is about it."""
    mine = (target for target in resource["target"] if key in _local(target))
    return all(_AGAIN in target.get("extension", ()) for target in mine)


def _say_patients(targets: Sequence[JsonObject], patients: Patients) -> list[JsonObject]:
    """Extensions for the only patient that the targets are about; where there are more, they go on the targets."""
    about = [patients.get(_key(target), frozenset()) for target in targets]
    everybody = frozenset().union(*about)
    if len(everybody) == 1:
        whose = f"{PATIENT}/{min(everybody)}"
        only_itself = all(str(_key(target)) == whose for target in targets)
        return [] if only_itself else [_patient(min(everybody))]
    for target, whom in zip(targets, about, strict=True):
        named = [_patient(id) for id in sorted(whom) if str(_key(target)) != f"{PATIENT}/{id}"]
        if named:
            target["extension"] = [*target.get("extension", ()), *named]
    return []


def _patient(id: str) -> JsonObject:
    return {"url": PROVENANCE_PATIENT, "valueReference": {"reference": f"{PATIENT}/{id}"}}


def _key(target: JsonObject) -> Key:
    return _key_of(target["reference"])


def _key_of(reference: str) -> Key:
    type, id, *_ = reference.split("/")
    return Key(type, id)


def targets_about(resource: JsonObject, patient: str) -> Iterator[Key]:
    """The targets of a Provenance that may be in a patient's compartment."""
    mine = _patient(patient)
    everything = mine in resource.get("extension", ())
    for target in resource["target"]:
        for key in _local(target):
            if everything or mine in target.get("extension", ()) or key == (PATIENT, patient):
                yield key


def without_others(resource: JsonObject, patients: Collection[str]) -> JsonObject:
    """A Provenance without the targets that are about other patients alone; itself where there are none.

    One command may state things of several patients: its Provenance names them all.
    """
    mine = [_patient(id) for id in patients]
    if any(one in resource.get("extension", ()) for one in mine):
        return resource  # all of it is about the one
    kept = [target for target in resource["target"] if not _of_others(target, mine, patients)]
    return resource if len(kept) == len(resource["target"]) else {**resource, "target": kept}


def _of_others(target: JsonObject, mine: Sequence[JsonObject], patients: Collection[str]) -> bool:
    named = [one for one in target.get("extension", ()) if one.get("url") == PROVENANCE_PATIENT]
    people = [key.id for key in _local(target) if key.type == PATIENT]
    about = bool(named or people)
    return about and not any(one in named for one in mine) and not any(id in patients for id in people)


def targets(resource: JsonObject) -> Iterator[Key]:
    """The targets of a Provenance on this server."""
    for target in resource["target"]:
        yield from _local(target)


def _local(target: JsonObject) -> Iterator[Key]:
    literal = parse_reference(target.get("reference", ""))
    if literal is not None and not literal.base:
        yield Key(literal.type, literal.id)


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
    elif event["e"] == "withdrawn":
        units = set(event.get("units", ()))
    elif event["e"] == "asserted" and not event.get("full"):
        units = {*split(event["type"], event["content"]), *event.get("absent", ())}
    return sorted({f"{event['type']}.{member_of(unit).removesuffix('[x]')}" for unit in units})


def _activity(events: Sequence[JsonObject]) -> JsonObject:
    return {"coding": [{"system": ACTIVITY, "code": _ACTIVITIES[events[0]["e"]]}]}


def _agent(commit: Commit, events: Sequence[JsonObject]) -> JsonObject:
    who = commit.statement.principal or commit.statement.source
    part = "verifier" if events[0]["e"] == "decided" else "author"
    return {
        "type": {"coding": [{"system": PARTICIPANT, "code": part}]},
        "who": {
            "identifier": {"system": "urn:ietf:rfc:3986", "value": SOURCE_PREFIX + commit.statement.source},
            "display": who,
        },
    }


def _all_of(name: str, stated: Sequence[JsonObject], events: Sequence[JsonObject]) -> list[JsonObject]:
    """The agents or entities of the command, then those that single entries had of their own."""
    found = list(stated)
    for event in events:
        found += [one for one in event.get(name, ()) if one not in found]
    return found
