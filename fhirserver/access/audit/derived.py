"""AuditEvents out of events, by the Basic Audit Log Patterns of IHE (https://profiles.ihe.net/ITI/BALP/).

Pure: the same event always makes the same AuditEvents. One event about several patients makes one for each, as BALP
asks: then each can be given to the patient it is about. A profile is claimed only where all that it asks for is known.
https://hl7.org/fhir/R4/auditevent.html
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fhirserver.access.audit.event import (
    BESIDE,
    DISCLOSURES,
    FORM,
    INTROSPECT,
    LISTEN,
    LIVE,
    LOGIN,
    LOGOUT,
    PAGE,
    PLATFORM,
    SOCKET,
    START,
    STOP,
    TOKEN,
    Event,
    Shown,
)
from fhirserver.kernel.ids import is_id
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.world.vocabulary import BASE

AUDIT = "AuditEvent"
_BALP = "https://profiles.ihe.net/ITI/BALP"
_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_REST = "http://hl7.org/fhir/restful-interaction"
_TYPES = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
_ACTS = f"{BASE}/CodeSystem/audited-act"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_READ, _QUERY = (
    frozenset({"read", "vread"}),
    frozenset({"search-type", "search-system", "search-compartment"}),
)
_PROFILES = {"C": "Create", "R": "Read", "U": "Update", "D": "Delete", "E": "Query"}
_ACTIONS = {"create": "C", "update": "U", "patch": "U", "delete": "D"}
_SUBTYPES = {"search-compartment": "search"}
_INTERACTIONS = frozenset(
    {
        *("read", "vread", "update", "patch", "delete", "create", "capabilities", "transaction", "batch"),
        *("history-instance", "history-type", "history-system", "search", "search-type", "search-system"),
    }
)
_SOURCE, _DESTINATION = ("110153", "Source Role ID"), ("110152", "Destination Role ID")


@dataclass(frozen=True, slots=True)
class Known:
    """What is worked out beside an event: ``server`` is the FHIR base, ``patients`` the ids of all who are concerned,
    ``owners`` those of each version shown."""

    server: str
    patients: Sequence[str] = ()
    owners: Mapping[Shown, frozenset[str]] | None = None


def audit_events(event: Event, known: Known) -> Iterator[JsonObject]:
    """The AuditEvents of an event without ``id`` and ``meta.lastUpdated``: one, or one for each patient."""
    for patient in known.patients or ("",):
        yield _audit_event(event, known, patient)


def _audit_event(event: Event, known: Known, patient: str) -> JsonObject:
    profile = _profile(event, patient)
    made: JsonObject = {"resourceType": AUDIT}
    if profile:
        made["meta"] = {"profile": [f"{_BALP}/StructureDefinition/IHE.BasicAudit.{profile}"]}
    type, subtypes = _kind(event)
    stated = {
        "type": type,
        "subtype": subtypes,
        "action": _action(event.what),
        "recorded": instant(_EPOCH + timedelta(microseconds=event.at)),
        "outcome": _outcome(event.status),
        "outcomeDesc": f"{event.status} {event.issue}".strip() if event.status >= 400 else "",
        "purposeOfEvent": [{"text": event.purpose}] if event.purpose else [],
        "agent": _agents(event, known.server),
        "source": {
            "observer": {"display": known.server},
            "type": [
                _coding(
                    "http://terminology.hl7.org/CodeSystem/security-source-type", "4", "Application Server"
                )
            ],
        },
        "entity": list(_entities(event, known, patient)),
    }
    return made | {name: value for name, value in stated.items() if value}


def _coding(system: str, code: str, display: str = "") -> JsonObject:
    return (
        {"system": system, "code": code, "display": display} if display else {"system": system, "code": code}
    )


def _profile(event: Event, patient: str) -> str:
    """The pattern that the AuditEvent follows; empty where it follows none."""
    if event.what in DISCLOSURES:
        known = patient and event.status < 400 and event.address
        return "PrivacyDisclosure.Source" if known else ""
    action = _action(event.what)
    fits = event.what in (_READ | _QUERY | _ACTIONS.keys()) and event.status < 400 and event.address
    if not fits or (action != "E" and not is_id(event.id)):
        return ""
    return f"{'Patient' if patient else ''}{_PROFILES[action]}"


def _action(what: str) -> str:
    """https://hl7.org/fhir/R4/valueset-audit-event-action.html"""
    if what in _READ or what in DISCLOSURES or what.startswith("history"):
        return "R"
    return _ACTIONS.get(what, "E")


def _outcome(status: int) -> str:
    """https://hl7.org/fhir/R4/valueset-audit-event-outcome.html"""
    if status < 400:
        return "0"
    return "8" if status in (401, 403) or status >= 500 else "4"


_AUTHENTICATION = (_DCM, "110114", "User Authentication")
_KINDS = {
    LOGIN: (_AUTHENTICATION, (_DCM, "110122", "Login")),
    LOGOUT: (_AUTHENTICATION, (_DCM, "110123", "Logout")),
    TOKEN: (_AUTHENTICATION, ("urn:ihe:event-type-code", "ITI-71", "Get Access Token")),
    INTROSPECT: (_AUTHENTICATION, ("urn:ihe:event-type-code", "ITI-102", "Introspect Token")),
    START: ((_DCM, "110100", "Application Activity"), (_DCM, "110120", "Application Start")),
    STOP: ((_DCM, "110100", "Application Activity"), (_DCM, "110121", "Application Stop")),
}


def _kind(event: Event) -> tuple[JsonObject, list[JsonObject]]:
    """Type and subtypes."""
    if event.what in _KINDS:
        type, subtype = _KINDS[event.what]
        return _coding(*type), [_coding(*subtype)]
    if event.what in DISCLOSURES:
        disclosed = _coding(_LIFECYCLE, "disclose", "Disclose Record Lifecycle Event")
        return _coding(_DCM, "110106", "Export"), [disclosed, _coding(_ACTS, event.what)]
    rest = _coding(_TYPES, "rest", "RESTful Operation")
    if event.what.startswith("$"):
        return rest, [_coding(_REST, "operation", "operation"), _coding(_ACTS, event.what)]
    code = _SUBTYPES.get(event.what, event.what)
    if code in _INTERACTIONS:
        return rest, [_coding(_REST, code, code)]
    if event.what in ("async", "request"):
        return rest, [_coding(_ACTS, event.what)]
    return _coding(_LIFECYCLE, "access", "Access/View Record Lifecycle Event"), [_coding(_ACTS, event.what)]


# --- agents


def _agents(event: Event, server: str) -> list[JsonObject]:
    """The client, the server and, where an app acts for one, the user."""
    if event.what in DISCLOSURES:
        return _disclosing(event, server)
    action = _action(event.what)
    if action == "D":
        client, ours = ("110150", "Application"), _coding(_PARTICIPANT, "custodian", "Custodian")
    else:
        flows_out = action == "R"
        client = _DESTINATION if flows_out else _SOURCE
        ours = _coding(_DCM, *(_SOURCE if flows_out else _DESTINATION))
    agents = [_client(event, _coding(_DCM, *client)), _ours(ours, server)]
    return [*agents, _user(event, action)] if event.user else agents


def _disclosing(event: Event, server: str) -> list[JsonObject]:
    """Who gave, who got, and on whose behalf. https://profiles.ihe.net/ITI/BALP/content.html#privacy-disclosure"""
    recipient = event.details.get("recipient", "")
    got: JsonObject = {
        "type": {"coding": [_coding(_DCM, *_DESTINATION)]},
        "who": {"identifier": {"value": recipient}, "display": recipient}
        if recipient
        else {"display": "unknown"},
        "requestor": False,
    }
    if event.address:
        is_uri = "://" in event.address or event.address.startswith("mailto:")
        got["network"] = {"address": event.address, "type": "5" if is_uri else "2"}
    name = event.client or event.principal
    asked: JsonObject = {
        "type": {"coding": [_coding(_DCM, "110150", "Application")]},
        "who": {"identifier": {"value": name}, "display": event.principal or name},
        "requestor": True,
    }
    if event.grant:
        asked["policy"] = [f"{BASE}/authorization/{event.grant}"]
    return [_ours(_coding(_DCM, *_SOURCE), server), got, asked]


def _ours(type: JsonObject, server: str) -> JsonObject:
    return {
        "type": {"coding": [type]},
        "who": {"display": server},
        "requestor": False,
        "network": {"address": server, "type": "5"},
    }


_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


def _client(event: Event, type: JsonObject) -> JsonObject:
    name = event.client or event.principal
    who: JsonObject = {"display": name or "unknown"}
    if name:
        who["identifier"] = {"value": name}
    agent: JsonObject = {"type": {"coding": [type]}, "who": who, "requestor": not event.user}
    if event.source:
        agent["altId"] = event.source
    if event.address:
        agent["network"] = {"address": event.address, "type": "2"}
    if _action(event.what) == "D":
        agent.pop("altId", None)  # the pattern of deletions forbids it
    return agent


def _user(event: Event, action: str) -> JsonObject:
    writes = action in ("C", "U", "D")
    part = ("AUT", "author (originator)") if writes else ("IRCP", "information recipient")
    agent: JsonObject = {
        "type": {"coding": [_coding(_PARTICIPATION, *part)]},
        "who": {"reference": event.user, "display": event.principal or event.user},
        "requestor": True,
    }
    if event.grant:
        agent["policy"] = [f"{BASE}/authorization/{event.grant}"]
    if event.purpose:
        agent["purposeOfUse"] = [{"text": event.purpose}]
    return agent


# --- entities


def _entities(event: Event, known: Known, patient: str) -> Iterator[JsonObject]:
    if event.request:
        type = _coding(f"{_BALP}/CodeSystem/BasicAuditEntityType", "XrequestId")
        yield {"type": type, "what": {"identifier": {"value": event.request}}}
    if patient:
        yield {
            "type": _coding(_ENTITY, "1", "Person"),
            "role": _coding(_ROLE, "1", "Patient"),
            "what": {"reference": f"Patient/{patient}"},
        }
    if _names_resource(event):
        yield _data(event)
    if event.what in _QUERY or event.query or not _names_resource(event):
        query = _query(event, known.server)
        if query:
            yield query
    yield from _shown(event, known, patient)
    if event.details:
        yield _details(event.details)


def _names_resource(event: Event) -> bool:
    return event.type in definitions().resource_types and is_id(event.id)


def _data(event: Event) -> JsonObject:
    place = f"{event.type}/{event.id}"
    if event.version.isdigit() and event.version != "0":
        place += f"/_history/{event.version}"
    made: JsonObject = {
        "type": _coding(_ENTITY, "2", "System Object"),
        "role": _coding(_ROLE, "4", "Domain Resource"),
        "what": {"reference": place},
    }
    if event.commits and event.what != "delete":
        commits = ",".join(map(str, event.commits))
        made["detail"] = [{"type": "commit", "valueString": commits}]
    return made


def _query(event: Event, server: str) -> JsonObject | None:
    """What was asked, as it came and in base64: it may be anything."""
    parts = (event.details.get("compartment", ""), event.type, event.id if not _names_resource(event) else "")
    path = "/".join(part for part in parts if part)
    if not path and not event.query:
        return None
    text = f"{server}/{path}{'?' if event.query else ''}{event.query}"
    if event.what in (PAGE, LIVE, PLATFORM, FORM, LISTEN, SOCKET, BESIDE):
        text = event.query
    return {
        "type": _coding(_ENTITY, "2", "System Object"),
        "role": _coding(_ROLE, "24", "Query"),
        "query": b64encode(text.encode("utf-8", "replace")).decode(),
    }


def _shown(event: Event, known: Known, patient: str) -> Iterator[JsonObject]:
    """What was given out, as far as it is about the patient, or about none. Their type tells them from the query."""
    owners = known.owners or {}
    for version in event.shown:
        whose = owners.get(version, frozenset())
        if patient and whose and patient not in whose:
            continue
        type, id, number = version
        yield {
            "type": _coding("http://hl7.org/fhir/resource-types", type),
            "role": _coding(_ROLE, "4", "Domain Resource"),
            "what": {"reference": f"{type}/{id}/_history/{number}"},
        }


def _details(details: Mapping[str, str]) -> JsonObject:
    stated = [{"type": name, "valueString": value} for name, value in details.items() if value]
    return (
        {"type": _coding(_ENTITY, "4", "Other"), "detail": stated}
        if stated
        else {"type": _coding(_ENTITY, "4", "Other")}
    )
