"""Merges, moves and changes of identifiers (A18, A30, A34–A36, A39–A51) as facts; carrying them out is the world's.

https://www.hl7.eu/HL7v2x/v251/std251/ch03.html (3.3.40 and following)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from adapters.hl7v2.convert.context import Context
from adapters.hl7v2.convert.drafts import Draft, Json, finished
from adapters.hl7v2.convert.nodes import nodes
from adapters.hl7v2.convert.programs import Library
from adapters.hl7v2.message import Segment

Kind = Literal["merge", "move", "change"]
Subject = Literal["patient", "account", "visit"]


@dataclass(frozen=True, slots=True)
class MergeFact:
    """``merge``: the prior one is the surviving one from now on; ``move``: what belonged to the prior patient
    belongs to the surviving; ``change``: the same one has new identifiers.

    ``surviving`` and ``prior`` are FHIR Identifiers of the ``subject``. Of accounts and visits ``patient`` are the
    identifiers of the patient that they belong to now, ``prior_patient`` of the one before (MRG-1).
    ``visits_move``: the visits named by ``prior`` go over to ``patient``. ``place`` is the MRG segment.
    """

    kind: Kind
    subject: Subject
    surviving: tuple[Json, ...]
    prior: tuple[Json, ...]
    patient: tuple[Json, ...]
    prior_patient: tuple[Json, ...]
    visits_move: bool
    place: str


_EVENTS: dict[str, tuple[Kind, Subject]] = {
    "A18": ("merge", "patient"), "A30": ("merge", "patient"), "A34": ("merge", "patient"),
    "A35": ("merge", "account"), "A36": ("merge", "patient"), "A39": ("merge", "patient"),
    "A40": ("merge", "patient"), "A41": ("merge", "account"), "A42": ("merge", "visit"),
    "A43": ("move", "patient"), "A44": ("move", "account"), "A45": ("move", "visit"),
    "A46": ("change", "patient"), "A47": ("change", "patient"), "A48": ("change", "patient"),
    "A49": ("change", "account"), "A50": ("change", "visit"), "A51": ("change", "visit"),
}  # fmt: skip
_PATIENT, _ACCOUNT, _VISIT, _ALTERNATE_VISIT = 1, 3, 5, 6
_SURVIVING = {"patient": ("PID", (2, 3)), "account": ("PID", (18,)), "visit": ("PV1", (19,))}
_PRIOR = {"patient": (_PATIENT, 4), "account": (_ACCOUNT,), "visit": (_VISIT,)}
_ALTERNATE = {"A51": (("PV1", (50,)), (_ALTERNATE_VISIT,))}


def merges(context: Context, library: Library) -> Iterator[MergeFact]:
    """One fact for each MRG; of A36 also that of the account."""
    event = context.message.event
    if event not in _EVENTS:
        return
    patient: Segment | None = None
    visit: Segment | None = None
    segments = context.message.segments
    for index, segment in enumerate(segments):
        if segment.name == "PID":
            patient, visit = segment, None
        elif segment.name == "MRG":
            following = segments[index + 1] if index + 1 < len(segments) else None
            visit = following if following is not None and following.name == "PV1" else None
            yield from _facts(context, library, event, patient, segment, visit)


def _facts(
    context: Context,
    library: Library,
    event: str,
    patient: Segment | None,
    mrg: Segment,
    visit: Segment | None,
) -> Iterator[MergeFact]:
    kind, subject = _EVENTS[event]
    subjects: tuple[Subject, ...] = (subject, "account") if event == "A36" else (subject,)
    for one in subjects:
        (name, fields), prior_fields = _ALTERNATE.get(event, (_SURVIVING[one], _PRIOR[one]))
        holder = patient if name == "PID" else visit
        surviving = _identifiers(context, library, holder, fields)
        prior = _identifiers(context, library, mrg, prior_fields)
        if not prior:
            continue
        yield MergeFact(
            kind,
            one,
            surviving,
            prior,
            _identifiers(context, library, patient, (2, 3)),
            _identifiers(context, library, mrg, (_PATIENT,)),
            event in ("A43", "A44", "A45"),
            mrg.place,
        )


def _identifiers(
    context: Context, library: Library, segment: Segment | None, fields: tuple[int, ...]
) -> tuple[Json, ...]:
    if segment is None:
        return ()
    program = library.data_type("CX[Identifier]")
    found: list[Json] = []
    for field in fields:
        for node in nodes(segment, field):
            made: Json = {}
            if not node.is_null:
                program.fill(context, node, _into(made))
            value = finished(made)
            if value is not None and "value" in value and value not in found:
                found.append(value)
    return tuple(found)


def _into(made: Json) -> Callable[[int], tuple[Draft, Json]]:
    draft = Draft("Identifier")
    return lambda group: (draft, made)
