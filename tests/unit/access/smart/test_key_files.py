"""Signing keys in files: for the server's user only, the same for all processes."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fhirserver.access.smart import keys
from fhirserver.access.smart.key_files import KeyFiles, UnreadableKey
from fhirserver.access.smart.keys import ES256, KeyRing, made_key
from tests.unit.access.smart.kit import Moment


def test_files_are_for_the_servers_user_only(tmp_path: Path) -> None:
    KeyRing(KeyFiles(tmp_path / "keys")).signing(ES256)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    files = [*(tmp_path / "keys").iterdir()]
    assert files and all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)


def test_another_process_has_the_same_key(tmp_path: Path) -> None:
    one, other = KeyRing(KeyFiles(tmp_path)), KeyRing(KeyFiles(tmp_path))
    assert one.signing(ES256)[0] == other.signing(ES256)[0]


def test_of_many_that_make_the_first_at_once_one_does(tmp_path: Path) -> None:
    made = [made_key(ES256, 1000 + number) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        [*pool.map(lambda key: KeyFiles(tmp_path).first(key), made)]
    assert len(KeyFiles(tmp_path).all()) == 1
    assert {KeyRing(KeyFiles(tmp_path)).signing(ES256)[0] for _ in range(3)} == {
        KeyFiles(tmp_path).all()[0].kid
    }


def test_what_another_process_rotates_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_REREAD_SECONDS", 0.0)
    now = Moment()
    server, command = KeyRing(KeyFiles(tmp_path), now), KeyRing(KeyFiles(tmp_path), now)
    old, _ = server.signing(ES256)
    now.pass_(5)
    (fresh,) = command.rotate([ES256])
    assert server.signing(ES256)[0] == fresh.kid != old
    assert server.verifying(old, ES256) is not None


def test_the_first_key_does_not_come_back(tmp_path: Path) -> None:
    ring = KeyRing(KeyFiles(tmp_path))
    old, _ = ring.signing(ES256)
    ring.rotate([ES256])
    for file in tmp_path.glob("*.json"):
        file.unlink()
    assert KeyRing(KeyFiles(tmp_path)).signing(ES256)[0] != old


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"jwk": 1}'])
def test_a_file_that_is_no_key_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.json").write_text(text)
    with pytest.raises(UnreadableKey, match=r"odd\.json"):
        KeyFiles(tmp_path).all()
