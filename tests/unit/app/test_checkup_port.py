"""What ``credence doctor`` says of the server's port."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fhirserver.app.checkup.finding import Grade
from fhirserver.app.checkup.port import port
from fhirserver.app.settings import Settings
from fhirserver.app.tls import Tls
from tests.certificates import Authority

NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("changes", "grades"),
    [
        ({}, {"port": Grade.GOOD}),
        ({"host": "localhost"}, {"port": Grade.GOOD}),
        ({"host": "0.0.0.0"}, {"port": Grade.WARNING}),
        ({"base_url": "https://fhir.clinic.example/fhir"}, {"port": Grade.GOOD, "proxy": Grade.WARNING}),
        (
            {"base_url": "https://fhir.clinic.example/fhir", "trusted_proxies": ("127.0.0.1",)},
            {"port": Grade.GOOD},
        ),
    ],
)
def test_without_tls(changes: dict[str, object], grades: dict[str, Grade]) -> None:
    found = {finding.subject: finding.grade for finding in port(replace(Settings(), **changes), NOW)}
    assert found == grades


@pytest.mark.parametrize(("days", "grade"), [(-1, Grade.ERROR), (5, Grade.WARNING), (90, Grade.GOOD)])
def test_the_certificate_has_an_end(tmp_path: Path, days: int, grade: Grade) -> None:
    pair = Authority(tmp_path).sign("server", days)
    chosen = replace(Settings(), host="0.0.0.0", tls=Tls(pair.certificate, pair.key))
    (finding,) = port(chosen, NOW)
    assert finding.grade is grade, finding.words
