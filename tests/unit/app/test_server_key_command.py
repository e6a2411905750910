"""``credence server-key rotate``."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from fhirserver.access.owners import Owner
from fhirserver.access.server_key import signing_secret, signing_secrets
from fhirserver.app.cli import main
from fhirserver.app.server_key import key_path, server_key
from fhirserver.app.settings import InvalidSettings, load_settings

ANA = Owner("ana")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "credence.toml"
    path.write_text('[storage]\npath = "data/credence.db"\n')
    return path


def rotate(config: Path, *more: str) -> int:
    return main(["server-key", "rotate", "--config", str(config), *more])


def test_the_old_key_still_counts(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = load_settings(config)
    first = signing_secret(server_key(settings), "s", ANA)
    path = key_path(settings)
    before = path.read_text()
    assert rotate(config) == 0
    said = capsys.readouterr().out
    assert "Restart" in said and "24 hours" in said
    assert before not in said and path.read_text() not in said
    assert path.read_text() != before
    for file in (path, path.with_name("server.key.former")):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    now = signing_secrets(server_key(settings), "s", ANA)
    assert len(now) == 2 and now[1] == first != now[0]
    assert rotate(config, "--grace-hours", "1") == 0
    assert signing_secrets(server_key(settings), "s", ANA)[1:] == now
    assert sorted(one.name for one in path.parent.iterdir()) == ["server.key", "server.key.former"]


def test_after_a_theft_nothing_of_the_old_keys_counts(config: Path) -> None:
    settings = load_settings(config)
    server_key(settings)
    rotate(config)
    assert rotate(config, "--grace-hours", "0") == 0
    assert len(signing_secrets(server_key(settings), "s", ANA)) == 1


def test_a_spoilt_file_is_named(config: Path) -> None:
    settings = load_settings(config)
    server_key(settings)
    key_path(settings).with_name("server.key.former").write_text("nonsense\n")
    with pytest.raises(InvalidSettings, match=r"server\.key\.former is spoilt"):
        server_key(settings)


def test_without_a_key_nothing_is_made(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rotate(config) == 1
    assert "No such file" in capsys.readouterr().err
    assert rotate(config, "--grace-hours=-1") == 2
    config.write_text('[storage]\nkind = "memory"\n')
    assert rotate(config) == 2
