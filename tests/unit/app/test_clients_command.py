"""``credence clients`` and ``credence keys``."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from fhirserver.app.commands import clients, keys
from fhirserver.ports.access_records import AccessRecord
from fhirserver.storage.sqlite.access_records import SqliteAccessRecords

_SETTINGS = """
[[source]]
id = "ehr"
kind = "ehr"

[[client]]
id = "fixed"
source = "ehr"
scopes = "patient/*.rs"
redirect_uris = ["https://app.example/cb"]
"""
_APP = ("--source", "ehr", "--scopes", "patient/*.rs", "--redirect", "https://app.example/cb")


async def kept(records: SqliteAccessRecords) -> Sequence[AccessRecord]:
    return await records.find("")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "credence.toml").write_text(_SETTINGS)
    return tmp_path / "credence.toml"


def test_a_client_is_added_listed_and_removed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--config", str(config)]
    assert clients.run(["add", "mine", *_APP, "--secret", *where]) == 0
    said = dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())
    assert said["client_id"] == "mine"
    file = config.parent / "var" / "credence.db-access"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert said["client_secret"].encode() not in file.read_bytes()
    assert clients.run(["list", *where]) == 0
    listed = capsys.readouterr().out
    assert "fixed  public  settings" in listed and "mine  secret  operator" in listed
    assert clients.run(["add", "mine", *_APP, *where]) == 1
    assert clients.run(["add", "fixed", *_APP, *where]) == 1
    assert clients.run(["remove", "fixed", *where]) == 1
    assert clients.run(["remove", "mine", *where]) == 0
    assert clients.run(["remove", "mine", *where]) == 1
    records = SqliteAccessRecords(file)
    assert [one.key for one in asyncio.run(kept(records))] == ["revoked/client/mine"]
    records.close()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--source", "nobody"), "no [[source]]"),
        (("--scopes", "patient/Nothing.rs"), "Nothing"),
        (("--redirect", "http://app.example/cb"), "loopback"),
        (("--redirect", "https://odd;script-src/cb"), "no domain name"),
        (("--launch-url", "https://odd;script-src/launch"), "launch_uri"),
        (("--jwks-file", "/no/such/file"), "cannot be read"),
        (("--jwks-url", "http://app.example/jwks"), "only https"),
        (("--jwks-url", "https://169.254.169.254/jwks"), "metadata"),
    ],
)
def test_what_is_wrong_is_said(
    config: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, str], words: str
) -> None:
    assert clients.run(["add", "mine", *_APP, *more, "--config", str(config)]) == 2
    assert words in capsys.readouterr().err


def test_a_storage_in_memory_has_no_clients_from_outside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "credence.toml").write_text('[storage]\nkind = "memory"\n')
    for command in (clients, keys):
        assert command.run(["list", "--config", str(tmp_path / "credence.toml")]) == 2
        assert "memory" in capsys.readouterr().err


def test_keys_are_listed_and_rotated(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--config", str(config)]
    assert keys.run(["list", *where]) == 0 and "no keys yet" in capsys.readouterr().out
    assert keys.run(["rotate", "--algorithm", "ES256", *where]) == 0
    (first,) = capsys.readouterr().out.splitlines()
    assert "ES256" in first and first.endswith("signs")
    assert keys.run(["rotate", "--algorithm", "ES256", *where]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and sum("retired" in line for line in lines) == 1
    (config.parent / "var" / "keys" / "odd.json").write_text("{")
    assert keys.run(["list", *where]) == 2
    assert "odd.json" in capsys.readouterr().err
