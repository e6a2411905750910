"""What a campaign had done before a scenario begins: it wrote to the patient."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from agent.campaigns.members import new_member
from agent.communication import OUTCOME, called_out
from agent.errand import Errand
from agent.evaluation.practice import practice
from agent.tools.client import FhirClient
from agent.tools.provenance import Speaker

if TYPE_CHECKING:
    from agent.evaluation.runner import Server
    from agent.evaluation.scenario import Scenario


async def wrote_to(scenario: Scenario, server: Server) -> list[str]:
    """Put a message of two hours ago on record; the references of what that is."""
    client = FhirClient(server.base, server.tokens["voice-agent"], server.transport)
    now = scenario.now.astimezone(UTC)
    patient, about = (
        f"Patient/{scenario.patient}",
        (f"Appointment/{scenario.visit}",) if scenario.visit else (),
    )
    made = new_member("reminder", "Task/none", scenario.texted, patient, about, now, now)
    made["basedOn"] = [{"display": "a run"}]
    made["occurrenceDateTime"] = (now + timedelta(days=1)).isoformat()
    try:
        request = await _create(client, made)
        errand = Errand(
            scenario.texted, patient, id="reminder.1", request=request, contact=f"{scenario.patient}.1",
            channel="sms", about=about,
        )  # fmt: skip
        digits = "".join(c for c in practice().people[scenario.patient].phone if c.isdigit())
        sent = called_out(errand, f"+1{digits}", Speaker(), now - timedelta(hours=2))
        sent |= {"status": "completed", "statusReason": {"coding": [{"system": OUTCOME, "code": "sent"}]}}
        return [request, await _create(client, sent)]
    finally:
        await client.close()


async def _create(client: FhirClient, resource: dict[str, object]) -> str:
    type = str(resource["resourceType"])
    answer = await client.send("POST", type, resource)
    if not answer.ok:
        raise RuntimeError(f"the scenario's {type} was refused: HTTP {answer.status}")
    return f"{type}/{answer.headers['location'].split(f'{type}/')[-1].split('/')[0]}"
