"""An OperationOutcome is valid whatever the names in it come from."""

from __future__ import annotations

import pytest

from fhirserver.kernel.outcomes import Issue, operation_outcome
from fhirserver.model.validation import validate


@pytest.mark.parametrize("name", ["a\x00b", "\x1b[31m", "\ud800", "é \n x", "\u202e"])
def test_it_is_valid_with_any_name_in_it(name: str) -> None:
    made = operation_outcome([Issue("invalid", f"No parameter {name}", (f"http.{name}",))])
    assert [issue for issue in validate(made) if issue.severity == "error"] == []
    str(made).encode()
