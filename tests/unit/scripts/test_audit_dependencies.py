"""What the audit of dependencies makes of reports, of exceptions, and of silence."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from typing import Any

import pytest

from scripts import audit_dependencies as audit

REPORT = {
    "dependencies": [
        {"name": "sound", "version": "1.0", "vulns": []},
        {"name": "left", "skip_reason": "not on PyPI"},
        {
            "name": "Frail",
            "version": "2.0",
            "vulns": [{"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["2.1"]}],
        },
    ]
}
ENTRY = '[[ignored]]\nid = "CVE-2026-1"\npackage = "frail"\nreason = "not used so"\nuntil = 2026-12-31\n'


def test_what_is_vulnerable_is_found_and_named() -> None:
    (found,) = audit.findings(REPORT)
    assert str(found) == "Frail 2.0: PYSEC-2026-1, CVE-2026-1, fixed in 2.1"


def test_an_exception_has_an_end() -> None:
    found, ignored = list(audit.findings(REPORT)), audit.read_ignored(ENTRY)
    assert audit.standing(found, ignored, date(2026, 12, 31)) == []
    assert audit.standing(found, ignored, date(2027, 1, 1)) == found
    other = audit.read_ignored(ENTRY.replace("frail", "other"))
    assert audit.standing(found, other, date(2026, 12, 1)) == found


@pytest.mark.parametrize(
    "text",
    [ENTRY.replace('"not used so"', '" "'), ENTRY.replace("2026-12-31", '"soon"'), '[[ignored]]\nid = "x"\n'],
)
def test_an_exception_has_a_reason_and_a_date(text: str) -> None:
    with pytest.raises(ValueError, match=r"reason|date"):
        audit.read_ignored(text)


def test_ours_can_be_read() -> None:
    audit.read_ignored(audit.IGNORED.read_text("utf-8"))


@pytest.mark.parametrize("silence", ["", "Traceback", None])
def test_without_a_network_nothing_fails_and_it_is_said(
    silence: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        if silence is None:
            raise subprocess.TimeoutExpired(command, 1)
        return subprocess.CompletedProcess(command, 1, silence, "no route to pypi.org\n")

    monkeypatch.setattr(audit.subprocess, "run", run)
    assert audit.main() == 0
    assert "NOT ASKED FOR" in capsys.readouterr().out


def test_what_is_found_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(audit, "ask", lambda: REPORT)
    assert audit.main() == 1
    assert "vulnerable: Frail 2.0" in capsys.readouterr().out


def test_licences_are_those_of_what_is_needed() -> None:
    found = audit.needed("credence")
    assert {"credence", "fastapi", "starlette", "httpcore"} <= found.keys()
    assert "mypy" not in found
    assert "BSD" in audit.licence(found["starlette"])
    assert sys.version_info >= (3, 11)
