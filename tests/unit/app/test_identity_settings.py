"""The settings of signing in: every wrong one is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fhirserver.access.upstream import RoleRule
from fhirserver.app.settings import InvalidSettings, Settings, parse_settings

SOURCE = {"id": "operator", "kind": "operator"}
OIDC = {"issuer": "https://login.example/realms/a", "client_id": "credence"}
ROLE = {"value": "desk", "roles": ["operator", "read"], "source": "operator"}


def parsed(folder: Path, **tables: Any) -> Settings:
    return parse_settings({"source": [SOURCE], **tables}, folder)


def test_without_them_people_sign_in_here_only(tmp_path: Path) -> None:
    settings = parsed(tmp_path)
    assert settings.oidc is None and settings.sign_in.password_characters == 15
    assert (settings.sign_in.limits.idle, settings.sign_in.limits.whole) == (3600, 8 * 3600)


def test_a_provider_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    table = {**OIDC, "client_secret_file": "secret", "role": [ROLE, {"value": "audit", "roles": ["privacy"]}]}
    settings = parsed(
        tmp_path, oidc=table, sign_in={"idle_minutes": 15, "hours": 2, "password_characters": 8}
    )
    assert settings.oidc is not None
    assert settings.oidc.secret == "s3cret" and settings.oidc.label == "login.example"
    assert "s3cret" not in repr(settings.oidc)
    assert settings.oidc.rules("https://fhir.example/fhir").rules == (
        RoleRule("desk", frozenset({"operator", "read"}), "operator"),
        RoleRule("audit", frozenset({"privacy"})),
    )
    assert (settings.sign_in.limits.idle, settings.sign_in.limits.whole) == (900, 7200)


def test_the_secret_may_be_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENCE_OIDC_SECRET", "of the environment")
    settings = parsed(tmp_path, oidc={**OIDC, "role": [ROLE]})
    assert settings.oidc is not None and settings.oidc.secret == "of the environment"


def test_a_provider_on_this_machine_may_be_without_encryption(tmp_path: Path) -> None:
    assert parsed(tmp_path, oidc={**OIDC, "issuer": "http://127.0.0.1:9000", "role": [ROLE]}).oidc is not None


@pytest.mark.parametrize(
    ("oidc", "words"),
    [
        ({"client_id": "x"}, r"\[oidc\] 'issuer' is needed"),
        ({"issuer": "https://login.example"}, "'client_id' is needed"),
        ({**OIDC, "issuer": "http://login.example"}, "issuer is an https address"),
        ({**OIDC, "issuer": "login.example"}, "issuer is an https address"),
        (OIDC, "nobody could sign in"),
        ({**OIDC, "role": [ROLE], "scope": "profile"}, "'openid'"),
        ({**OIDC, "role": [ROLE], "client_secret_file": "none"}, "client_secret_file: none is not there"),
        ({**OIDC, "role": [ROLE], "ca_file": "none"}, "ca_file: none is not there"),
        ({**OIDC, "role": [ROLE], "secret": "s3cret"}, "unknown setting 'secret'"),
        ({**OIDC, "role": [{"value": "desk"}]}, "role 1: value and roles are needed"),
        ({**OIDC, "role": [{**ROLE, "roles": ["root"]}]}, "role 1: roles are of"),
        ({**OIDC, "role": [ROLE, {**ROLE, "source": "none"}]}, "role 2: there is no"),
        ({**OIDC, "role": [{"value": "desk", "roles": ["operator"]}]}, "role 1: whoever writes"),
        ({**OIDC, "role": [{**ROLE, "rolls": []}]}, r"\[\[oidc.role\]\] 1: unknown setting 'rolls'"),
        ({**OIDC, "role": ROLE}, r"write \[\[oidc.role\]\]"),
    ],
)
def test_what_is_wrong_about_a_provider_is_named(tmp_path: Path, oidc: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidSettings, match=words) as wrong:
        parsed(tmp_path, oidc=oidc)
    assert "s3cret" not in str(wrong.value)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"hours": 25}, "hours"),
        ({"hours": 0}, "hours"),
        ({"idle_minutes": 0}, "idle_minutes"),
        ({"idle_minutes": 121, "hours": 2}, "idle_minutes"),
        ({"password_characters": 7}, "password_characters"),
    ],
)
def test_what_is_wrong_about_signing_in_is_named(tmp_path: Path, table: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidSettings, match=rf"\[sign_in\] {words}"):
        parsed(tmp_path, sign_in=table)
