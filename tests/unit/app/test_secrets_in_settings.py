"""No secret stands in the settings, and none is shown by what the settings became."""

from __future__ import annotations

import logging
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhirserver.app.connectors.registry import KINDS
from fhirserver.app.secret_files import secret_in, warn_of_readers
from fhirserver.app.server_key import server_key
from fhirserver.app.setting_tables import KNOWN
from fhirserver.app.settings import InvalidSettings, Settings, parse_settings

MARK = "hunter2-hunter2-hunter2-hunter2-hunter2"
EHR = {"id": "ehr", "kind": "ehr"}

TABLES: dict[str, dict[str, Any]] = {
    **KNOWN,
    **{f"connector {name}": dict(kind.SETTINGS) for name, kind in KINDS.items()},
}
IN_CLEAR = sorted(
    (table, name.removesuffix("_file"))
    for table, settings in TABLES.items()
    for name in settings
    if name.endswith("_file") and name.removesuffix("_file") not in settings and "ca_file" not in name
    and "mapping" not in name and "jwks" not in name
)  # fmt: skip


def test_the_places_are_found() -> None:
    assert ("principal", "token") in IN_CLEAR
    assert ("telephony", "auth_token") in IN_CLEAR
    assert ("connector fhir", "client_secret") in IN_CLEAR
    assert len(IN_CLEAR) >= 12


@pytest.mark.parametrize(("table", "setting"), IN_CLEAR)
def test_a_secret_in_clear_is_refused_with_what_to_do(table: str, setting: str, tmp_path: Path) -> None:
    name, _, kind = table.partition(" ")
    entry: dict[str, Any] = {setting: MARK}
    document: dict[str, Any] = {name: entry}
    if name == "connector":
        document = {"source": [EHR], "connector": [{"name": "x", "source": "ehr", "kind": kind, **entry}]}
    elif name == "principal":
        document = {"source": [EHR], "principal": [{"name": "x", "source": "ehr", **entry}]}
    elif name == "client":
        document = {"source": [EHR], "client": [{"id": "x", "source": "ehr", **entry}]}
    elif name == "subscriptions.smtp":
        document = {"subscriptions": {"smtp": {"host": "x", "from": "a@b.example", **entry}}}
    with pytest.raises(InvalidSettings) as caught:
        parse_settings(document, tmp_path)
    said = str(caught.value)
    assert f"{setting}_file" in said and "only the server's user may read" in said
    assert MARK not in said


@pytest.mark.parametrize(
    "url", [f"mongodb://credence:{MARK}@mongo:27017/", f"mongodb://c:{MARK}@a:1,b:2/?replicaSet=rs0"]
)
def test_a_url_with_a_password_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="url_file") as caught:
        parse_settings({"storage": {"kind": "mongo", "url": url}}, tmp_path)
    assert MARK not in str(caught.value)
    (tmp_path / "url").write_text(f"{url}\n")
    settings = parse_settings({"storage": {"kind": "mongo", "url_file": "url"}}, tmp_path)
    assert settings.mongodb_url == url
    assert MARK not in repr(settings)


@pytest.mark.parametrize("kind", ["fhir", "rest"])
def test_the_address_of_an_ehr_holds_no_password(kind: str, tmp_path: Path) -> None:
    entry: dict[str, Any] = {
        "name": "x",
        "source": "ehr",
        "kind": kind,
        "url": f"https://u:{MARK}@ehr.example/",
    }
    if kind == "rest":
        entry |= {"mapping": "elation", "options": ["practice=1", "physician=2"]}
    with pytest.raises(InvalidSettings, match="user or password") as caught:
        parse_settings({"source": [EHR], "connector": [entry]}, tmp_path)
    assert MARK not in str(caught.value)


FULL = """
[storage]
kind = "mongo"
url_file = "secret-url"
[openai]
key_file = "secret"
[llm]
enabled = true
key_file = "secret"
[verification]
agreement = "both"
model_key_file = "secret"
[speech]
providers = ["openai"]
[telephony]
public_url = "https://voice.example"
auth_token_file = "secret"
[voice]
token_file = "secret"
[subscriptions]
key_file = "secret"
[subscriptions.smtp]
host = "mail.example"
from = "a@b.example"
user = "u"
password_file = "secret"
[secrets]
folder = "."
[[source]]
id = "ehr"
kind = "ehr"
[[principal]]
name = "ehr"
source = "ehr"
token_file = "{folder}/secret"
[[connector]]
name = "one"
source = "ehr"
url = "https://ehr.example/fhir"
client_id = "us"
client_secret_file = "{folder}/secret"
"""


def full(folder: Path) -> Settings:
    (folder / "secret").write_text(MARK)
    (folder / "secret-url").write_text(f"mongodb://c:{MARK}@mongo/")
    document = tomllib.loads(FULL.format(folder=folder), parse_float=Decimal)
    return parse_settings(document, folder)


def test_no_settings_show_a_secret(tmp_path: Path) -> None:
    settings = full(tmp_path)
    from fhirserver.access.principals import token_digest

    shown = [
        repr(settings),
        str(settings),
        repr(settings.llm),
        repr(settings.speech),
        repr(settings.speech.openai()),
        repr(settings.verification),
        repr(settings.smtp),
        repr(settings.telephony),
        repr(settings.voice),
        repr(settings.connectors),
        repr(settings.secrets),
        repr(server_key(settings)),
        repr(settings.authenticator()),
    ]
    for text in shown:
        assert MARK not in text
        assert token_digest(MARK) not in text
    assert settings.smtp is not None and settings.smtp.password == MARK, "it is known all the same"


def test_a_secret_that_everybody_may_read_is_complained_about_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fhirserver.app.secret_files._is_kept_in", lambda path: False)  # as under /etc
    for name, mode in (("open", 0o644), ("group", 0o640), ("own", 0o600)):
        path = tmp_path / name
        path.write_text(MARK)
        path.chmod(mode)
    warn_of_readers.cache_clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert secret_in(tmp_path / "open") == MARK
            secret_in(tmp_path / "group")
            secret_in(tmp_path / "own")
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1 and str(tmp_path / "open") in said[0] and "chmod 600" in said[0]
    assert MARK not in caplog.text


def test_a_folder_that_keeps_others_out_is_enough(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o700)
    (folder / "secret").write_text(MARK)
    (folder / "secret").chmod(0o644)
    warn_of_readers.cache_clear()
    secret_in(folder / "secret")
    assert not caplog.records
