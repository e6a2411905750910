"""Forms: whether the sources are there that make them and answer them, and what these may say."""

from __future__ import annotations

from collections.abc import Iterator

from fhirserver.app.checkup.finding import Finding, good, warning
from fhirserver.app.forms import agent_source
from fhirserver.app.settings import Settings

MADE = ("Task", "Questionnaire")
CLAIMED = (
    "Patient",
    "Coverage",
    "QuestionnaireResponse",
    "DocumentReference",
    "Task",
    "Consent",
    "RelatedPerson",
    "AllergyIntolerance",
    "MedicationStatement",
    "Appointment",
)
ACTED = ("QuestionnaireResponse", "Task", "Appointment")


def forms(settings: Settings) -> Iterator[Finding]:
    """What an older configuration lacks."""
    if not settings.forms.enabled:
        yield good("forms", "off")
        return
    agent, source = agent_source(settings), settings.sources.get(settings.forms.source)
    if agent is None or source is None:
        lacking = "no source of the kind 'agent'" if agent is None else f"no source '{settings.forms.source}'"
        todo = "take [[source]] id = \"patient-form\" from a fresh 'credence init', or set [forms] enabled = false"
        yield warning("forms", f"none: there is {lacking}", todo)
        return
    faults = [
        *_lacking(agent.id, "types", [one for one in MADE if not agent.may_write(one)]),
        *_lacking(source.id, "types", [one for one in CLAIMED if not source.may_write(one)]),
        *_lacking(source.id, "acts_on", [one for one in ACTED if not source.acts(one)]),
    ]
    yield from faults
    if not faults:
        yield good("forms", f"answers count as '{source.id}'")


def _lacking(source: str, member: str, missing: list[str]) -> Iterator[Finding]:
    if missing:
        todo = f"add them to {member} of [[source]] id = \"{source}\", as a fresh 'credence init' has them"
        yield warning("forms", f"source '{source}' has not all in {member}: {', '.join(missing)}", todo)
