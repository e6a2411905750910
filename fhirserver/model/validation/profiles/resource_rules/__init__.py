"""Rules of single resource types that no invariant says, by the name of the type."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from fhirserver.kernel.json import JsonObject
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place

ResourceRule: TypeAlias = Callable[[JsonObject, Place, Run], None]

RESOURCE_RULES: dict[str, ResourceRule] = {}
