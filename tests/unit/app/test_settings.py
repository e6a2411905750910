"""Settings: all documented, every wrong one named."""

from __future__ import annotations

import re
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from fhirserver.app.commands.init import configuration
from fhirserver.app.connectors.connector import COMMON
from fhirserver.app.connectors.registry import KINDS
from fhirserver.app.setting_tables import KNOWN
from fhirserver.app.settings import InvalidSettings, load_settings, parse_settings

DOCS = Path(__file__).parents[3] / "docs" / "settings.md"
MAIL = {"host": "mail.example", "from": "credence@clinic.example"}
PHONE = {"public_url": "https://voice.clinic.example"}
EHR = {"id": "ehr", "kind": "ehr"}
CLINIC = {"name": "clinic", "source": "ehr", "url": "https://ehr.example/fhir"}


def test_every_setting_is_documented_and_nothing_else() -> None:
    documented: dict[str, set[str]] = {}
    for line in DOCS.read_text().splitlines():
        if heading := re.match(r"## `\[+([\w.]+)\]+`", line):
            documented.setdefault(table := heading[1], set())
        elif row := re.match(r"\| `(\w+)` \|", line):
            documented[table].add(row[1])
    known = {table: set(settings) for table, settings in KNOWN.items()}
    known["connector"].update(*(kind.SETTINGS for kind in KINDS.values()))
    assert documented == known


def test_the_settings_of_each_kind_of_connector_are_documented_under_its_name() -> None:
    _, *sections = re.split(r"## `\[\[connector\]\]`(?: of kind `(\w+)`)?", DOCS.read_text())
    found = dict(zip(sections[::2], sections[1::2], strict=True))
    rows = {kind: set(re.findall(r"^\| `(\w+)` \|", text, re.M)) for kind, text in found.items()}
    assert rows.pop(None) == set(COMMON)
    assert rows == {name: set(kind.SETTINGS) for name, kind in KINDS.items()}
    assert all(
        set(kind.SETTINGS) >= kind.CLEAR and not set(kind.SETTINGS) & set(COMMON) for kind in KINDS.values()
    )


def test_what_init_writes_can_be_read(tmp_path: Path) -> None:
    text, tokens = configuration()
    (tmp_path / "credence.toml").write_text(text)
    settings = load_settings(tmp_path / "credence.toml")
    for name, token in tokens.items():
        assert settings.authenticator().authenticate(f"Bearer {token}").name == name
        assert token not in text


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"sever": {}}, "unknown setting 'sever'"),
        ({"telephony": {"public_url": "voice.example"}}, "[telephony] public_url is an address such as"),
        (
            {"telephony": {"public_url": "https://a.example?b"}},
            "[telephony] public_url is an address such as",
        ),
        ({"telephony": {**PHONE, "auth_token_file": "nowhere"}}, "auth_token_file: nowhere cannot be read"),
        ({"telephony": {**PHONE, "number": "555-0100"}}, "[telephony] number is a telephone number such as"),
        ({"telephony": {**PHONE, "account_sid": "AC1"}}, "[telephony] account_sid is AC and 32 digits"),
        ({"telephony": {**PHONE, "transfers": ["billing"]}}, "[telephony] transfers are such as"),
        ({"telephony": {**PHONE, "most_calls": 0}}, "[telephony] most_calls is above 0"),
        ({"telephony": {**PHONE, "call_hours": "9-20"}}, "[telephony] call_hours are such as"),
        ({"telephony": {**PHONE, "call_hours": "20:00-09:00"}}, "[telephony] call_hours are such as"),
        ({"telephony": {**PHONE, "call_any_number": "yes"}}, "[telephony]: call_any_number is true or false"),
        ({"telephony": {**PHONE, "recording": "yes"}}, "[telephony]: recording is true or false"),
        ({"server": {"prot": 1}}, "unknown setting 'prot'"),
        ({"server": {"port": "8080"}}, "[server]: port is a whole number"),
        ({"server": {"port": True}}, "[server]: port is a whole number"),
        ({"server": {"host": 5}}, "[server]: host is a text"),
        ({"storage": {"kind": "oracle"}}, "[storage] kind"),
        ({"storage": {"path": 5}}, "[storage]: path"),
        ({"policy": {"file": "none.toml"}}, "[policy] file"),
        ({"validation": {"unknown_extensions": "fatal"}}, "[validation] unknown_extensions is"),
        ({"safety": {"alert": 20}}, "[safety] monitor, alert and escalate must rise"),
        ({"safety": {"loop_limit": 1}}, "[safety] loop_limit is 2 or more"),
        ({"terminology": {"expansion_limit": 0}}, "[terminology] expansion_limit is at least 1"),
        ({"terminology": {"expansion_limit": "many"}}, "[terminology]: expansion_limit is a whole number"),
        ({"safety": {"wait_seconds": 0}}, "[safety] wait_seconds is more than 0"),
        ({"safety": {"escalate": "high"}}, "[safety]: escalate is a whole number"),
        ({"validation": {"lapses": ""}}, "[validation] lapses is"),
        ({"validation": {"extension_domains": "x"}}, "[validation]: extension_domains is a list"),
        ({"subscriptions": {"smtp": 5}}, "[subscriptions.smtp] must be a table"),
        ({"subscriptions": {"smtp": {"prt": 5}}}, "[subscriptions.smtp]: unknown setting 'prt'"),
        ({"subscriptions": {"smtp": {"port": "25"}}}, "[subscriptions.smtp]: port is a whole number"),
        ({"subscriptions": {"smtp": {"tls": "ssl"}}}, "[subscriptions.smtp] tls is one of"),
        ({"subscriptions": {"smtp": {"tls": "none"}}}, "[subscriptions.smtp] host is needed"),
        ({"subscriptions": {"smtp": {"host": "x"}}}, "[subscriptions.smtp] from is needed"),
        (
            {"subscriptions": {"smtp": {**MAIL, "from": "a@b\nBcc: c@d"}}},
            "[subscriptions.smtp] from is needed",
        ),
        ({"subscriptions": {"smtp": {**MAIL, "port": 0}}}, "[subscriptions.smtp] port is"),
        ({"subscriptions": {"smtp": {**MAIL, "user": "x"}}}, "[subscriptions.smtp] user and password_file"),
        (
            {"subscriptions": {"smtp": {**MAIL, "user": "x", "password_file": "none"}}},
            "[subscriptions.smtp] password_file: none is not there",
        ),
        (
            {"subscriptions": {"allowed_addresses": ["10.0.0.1/8"]}},
            "[subscriptions] allowed_addresses: '10.0.0.1/8'",
        ),
        ({"subscriptions": {"ca_file": "pyproject.toml"}}, "[subscriptions] ca_file: pyproject.toml"),
        ({"source": {"id": "x"}}, "[[source]]"),
        ({"source": [{}]}, "[[source]] 1: 'id' is needed"),
        ({"source": [EHR, {"id": "x", "kind": "oracle"}]}, "[[source]] 2: kind"),
        ({"source": [{**EHR, "base": 2}]}, "[[source]] 1 base"),
        ({"source": [{**EHR, "types": "Patient"}]}, "[[source]] 1: types is a list"),
        ({"source": [{**EHR, "authoritative": "yes"}]}, "[[source]] 1: authoritative is true or false"),
        ({"principal": [{"name": "x", "source": "none"}]}, "no [[source]] with id 'none'"),
        (
            {"source": [EHR], "principal": [{"name": "x", "source": "ehr"}]},
            "token_sha256 and token_file",
        ),
        (
            {"source": [EHR], "connector": [{"name": "x", "source": "ehr"}]},
            "[[connector]] 1: 'url' is needed",
        ),
        ({"connector": [{"pull_seconds": "often"}]}, "[[connector]] 1: pull_seconds is a number"),
        ({"source": [EHR], "connector": [{**CLINIC, "pull_seconds": 0}]}, "pull_seconds is more than 0"),
        ({"source": [EHR], "connector": [{**CLINIC, "concurrency": 0}]}, "concurrency is at least 1"),
        ({"source": [EHR], "connector": [{**CLINIC, "kind": "fax"}]}, "kind is one of fhir, hl7v2"),
        ({"source": [EHR], "connector": [{**CLINIC, "token_secret": "../x"}]}, "token_secret is the name"),
        ({"source": [EHR], "connector": [CLINIC, CLINIC]}, "[[connector]] 2: there is another one"),
        ({"connector": [CLINIC]}, "[[connector]] 1: there is no [[source]] with id 'ehr'"),
    ],
)
def test_a_wrong_setting_is_named(document: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as caught:
        parse_settings(document, tmp_path)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "origin", ["https://app.example/", "app.example", "https://*.example", "null", "HTTPS://A"]
)
def test_an_origin_is_scheme_host_and_port(origin: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="cors_origins"):
        parse_settings({"server": {"cors_origins": ["https://a.example:8443", origin]}}, tmp_path)


def test_mongodb_needs_a_url_from_the_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, _ = configuration("mongo")
    file = tmp_path / "credence.toml"
    file.write_text(text)
    monkeypatch.delenv("MONGODB_URL", raising=False)
    with pytest.raises(InvalidSettings, match="MONGODB_URL"):
        load_settings(file)
    monkeypatch.setenv("MONGODB_URL", "mongodb://db.example/?replicaSet=rs0")
    settings = load_settings(file)
    assert (settings.storage, settings.mongodb_url) == ("mongo", "mongodb://db.example/?replicaSet=rs0")


def test_the_mail_server(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("let me in\n")
    table = {**MAIL, "user": "credence", "password_file": "secret", "domains": ["clinic.example"]}
    smtp = parse_settings({"subscriptions": {"smtp": table, "attempts": 3}}, tmp_path).smtp
    assert smtp is not None
    assert (smtp.host, smtp.port, smtp.tls, smtp.sender) == ("mail.example", 587, "starttls", MAIL["from"])
    assert (smtp.user, smtp.password, smtp.attachments) == ("credence", "let me in", False)
    assert "let me in" not in repr(smtp)
    assert parse_settings({}, tmp_path).smtp is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({}, (time(9), time(20))),
        ({"call_hours": "08:30-18:00"}, (time(8, 30), time(18))),
        ({"call_hours": "10:00-24:00"}, (time(10), time.max)),
        ({"call_hours": "00:00-24:00"}, (time(0), time(0))),
    ],
)
def test_calls_go_out_by_day_unless_told_otherwise(
    written: dict[str, str], read: tuple[time, time], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "of the environment")
    telephony = parse_settings({"telephony": {**PHONE, **written}}, tmp_path).telephony
    assert telephony is not None
    assert telephony.call_hours == read and not telephony.call_any_number


def test_the_telephone_has_its_token_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TWILIO_AUTH_TOKEN", raising=False)
    assert parse_settings({}, tmp_path).telephony is None
    with pytest.raises(InvalidSettings, match="an auth token is needed"):
        parse_settings({"telephony": PHONE}, tmp_path)
    (tmp_path / "token").write_text("of the file\n")
    table = {**PHONE, "auth_token_file": "token", "transfers": ["billing=+15555550101"]}
    read = parse_settings({"telephony": {**table, "transfer_number": "+15555550102"}}, tmp_path).telephony
    assert read is not None
    assert (read.auth_token, read.socket_base) == ("of the file", "wss://voice.clinic.example")
    assert "of the file" not in repr(read)
    assert read.target("Billing: a question") == "+15555550101"
    assert read.target("asked for a person") == "+15555550102"
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "of the environment")
    other = parse_settings({"telephony": PHONE}, tmp_path).telephony
    assert other is not None
    assert other.auth_token == "of the environment"
