"""The official example resources, each valid by R4 and by the profiles of R4 that it claims.

Structure, invariants, bindings, extensions by their definitions and the rules of single types. One case per
example.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fhirserver.kernel.json import loads
from fhirserver.model.validation.profiles import Validator
from terminology.service import TerminologyService
from tests.corpus.fhir_r4_examples import read_archive
from tests.corpus.loaded import Loaded
from tests.corpus.suite import Case


def run(archive: Path) -> Iterator[Case]:
    """Validate all of them with one validator."""
    known = Loaded()
    validator = Validator(known, TerminologyService(known.find))
    for name, content in read_archive(archive):
        errors = [i for i in validator.validate(loads(content)) if i.severity in ("error", "fatal")]
        yield name, not errors, "; ".join(issue.diagnostics for issue in errors[:3])
