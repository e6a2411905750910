"""The settings of ``[llm]``, and ``credence call --brain llm``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.memory import Setting
from fhirserver.app.commands import call
from fhirserver.app.settings import InvalidSettings, parse_settings


def test_a_table_becomes_a_brain_with_its_limits(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret\n")
    table = {"enabled": True, "key_file": "key", "first_seconds": 1, "failures": 2, "call_tokens": 5000}
    read = parse_settings({"llm": table}, tmp_path).llm
    assert read.key() == "secret"
    brain = read.brain(Setting(), datetime(2026, 11, 24, tzinfo=UTC))
    assert brain.limits.failures == 2
    assert brain.limits.call_tokens == 5000
    assert brain.limits.budget.first_seconds == 1
    assert "secret" not in repr(read)


def test_without_a_table_no_model_leads(tmp_path: Path) -> None:
    assert not parse_settings({}, tmp_path).llm.enabled


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"enabled": True}, "key_file"),
        ({"enabled": True, "key_file": "nowhere"}, "nowhere"),
        ({"failures": 0}, "failures is at least 1"),
        ({"effort": "heroic"}, "effort is one of none"),
        ({"first_seconds": 9, "whole_seconds": 3}, "first_seconds"),
        ({"first_seconds": 0}, "first_seconds"),
        ({"retries": -1}, "retries"),
        ({"modell": "x"}, "unknown setting 'modell'"),
        ({"call_tokens": "many"}, "whole number"),
    ],
)
def test_a_wrong_table_is_named(
    table: dict[str, Any], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InvalidSettings, match=r"\[llm\]") as caught:
        parse_settings({"llm": table}, tmp_path)
    assert words in str(caught.value)


def test_a_call_with_a_model_needs_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    file = tmp_path / "credence.toml"
    file.write_text('[storage]\nkind = "memory"\n')
    given = ["--token", "t", "--from", "+15555550123", "--brain", "llm", "--config", str(file)]
    assert call.run(given) == 2
    assert "OPENAI_API_KEY" in capsys.readouterr().err
