"""Whether a resource is valid by R4 and by profiles. https://hl7.org/fhir/R4/validation.html"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fhirserver.interactions.exchange import Context
from fhirserver.kernel.json import Json
from fhirserver.kernel.outcomes import Issue


async def conformance_issues(context: Context, resource: Json, profiles: Sequence[str] = ()) -> list[Issue]:
    """Every issue of structure, invariants and profiles: those given, and those that the resource claims."""
    await context.conformance.catch_up()
    return await asyncio.to_thread(context.validator.validate, resource, profiles)
