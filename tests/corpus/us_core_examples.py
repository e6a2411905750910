"""The examples of the US Core package, each valid against the profiles it claims.

Profiles, extensions, value sets and code systems come from the package itself. One case per example.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fhirserver.kernel.json import JsonObject
from fhirserver.model.validation.profiles import Validator
from terminology.service import TerminologyService
from tests.corpus.loaded import Loaded, package
from tests.corpus.suite import Case

_OWN = "http://hl7.org/fhir/us/core/"
"""A profile of another guide may be unknown; one of these may not."""


def run(archive: Path) -> Iterator[Case]:
    """Load the definitions of the package, then validate its examples."""
    content = list(package(archive))
    loaded = Loaded(resource for name, resource in content if "/example" not in name)
    validator = Validator(loaded, TerminologyService(loaded.find))
    for name, resource in content:
        if "/example" in name:
            yield (Path(name).name, *_verdict(validator, resource))


def _verdict(validator: Validator, resource: JsonObject) -> tuple[bool, str]:
    issues = validator.validate(resource)
    unknown = [i for i in issues if i.code == "not-found" and f"the profile {_OWN}" in i.diagnostics]
    errors = [i for i in issues if i.severity in ("error", "fatal")]
    wrong = [*errors, *unknown]
    return not wrong, "; ".join(issue.diagnostics for issue in wrong[:3])
