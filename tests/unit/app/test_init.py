"""The configuration that ``credence init`` writes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fhirserver.access.principals import token_digest
from fhirserver.app.cli import main
from fhirserver.app.commands.init import configuration, run
from fhirserver.app.settings import load_settings


def test_no_token_looks_like_an_option_of_a_command() -> None:
    """One in 64 did: then ``--token <token>`` was refused."""
    for _ in range(60):
        _, tokens = configuration()
        assert not [token for token in tokens.values() if not token[0].isalpha()]


def test_there_are_no_default_credentials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each first run has tokens of its own, prints them once, keeps only their digests, and makes no user."""
    printed = []
    for name in ("one", "other"):
        config = tmp_path / name / "credence.toml"
        assert run(["--config", str(config)]) == 0
        tokens = re.findall(r"^ {2}\w[\w-]*=(crd_\S{43})$", capsys.readouterr().out, re.M)
        assert len(tokens) == 4 and not any(token in config.read_text() for token in tokens)
        assert config.stat().st_mode & 0o077 == 0
        settings = load_settings(config)
        assert {digest for digest, _ in settings.principals} == {token_digest(token) for token in tokens}
        assert run(["--config", str(config)]) == 2 and not capsys.readouterr().out
        printed += tokens
        assert main(["users", "--config", str(config), "list"]) == 0
        assert capsys.readouterr().out == "no users\n"
    assert len(set(printed)) == 8
