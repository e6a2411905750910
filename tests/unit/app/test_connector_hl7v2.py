"""The settings of a connector of kind ``hl7v2``: what they mean, and that a wrong one is named."""

from __future__ import annotations

import ipaddress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.hl7v2.mllp.limits import Limits
from fhirserver.app.connectors.connector import parse_connector
from fhirserver.app.connectors.hl7v2 import Hl7v2Connector
from fhirserver.app.setting_kinds import WrongSetting
from tests.certificates import Authority

LAB = {"name": "lab", "source": "ehr", "kind": "hl7v2"}


def _parsed(folder: Path, **more: Any) -> Hl7v2Connector:
    found = parse_connector(
        {**LAB, "listen": "127.0.0.1:2575", **more}, "[[connector]] 1", folder, {"ehr"}
    ).own
    assert isinstance(found, Hl7v2Connector)
    return found


def test_an_address_is_enough(tmp_path: Path) -> None:
    assert _parsed(tmp_path) == Hl7v2Connector("127.0.0.1", 2575, Limits())
    assert _parsed(tmp_path, listen="[::1]:2576").host == "::1"


def test_everything_that_can_be_set(tmp_path: Path) -> None:
    found = _parsed(
        tmp_path,
        listen="0.0.0.0:2575",
        allow=["10.1.0.0/16", "10.2.3.4"],
        charset="8859/1",
        processing_ids=["P"],
        reuse_control_ids=True,
        remarks=True,
        answer="stored",
        message_bytes=1000,
        connections=5,
        connections_per_peer=2,
        message_seconds=3,
        idle_seconds=Decimal("4.5"),
    )
    allowed = (ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("10.2.3.4/32"))
    assert found.limits == Limits(1000, 5, 2, 3.0, 4.5, allowed=allowed)
    assert (found.encoding, found.reuse_control_ids, found.remarks) == ("iso8859_1", True, True)
    assert found.processing_ids == {"P"} and found.stores


def test_how_long_an_answer_is_waited_for(tmp_path: Path) -> None:
    sent = _parsed(tmp_path, send="127.0.0.1:2576")
    assert sent.receiver is not None and sent.receiver.answer_seconds == 30
    sent = _parsed(tmp_path, send="127.0.0.1:2576", answer_seconds=Decimal("1.5"))
    assert sent.receiver is not None and sent.receiver.answer_seconds == 1.5


def test_certificates_are_from_the_folder_of_the_settings(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.sign("server")
    files = {"tls_certificate": "server.crt", "tls_key": "server.key", "tls_client_ca": "authority.pem"}
    assert _parsed(tmp_path, listen="0.0.0.0:2575", **files).tls is not None


@pytest.mark.parametrize(
    ("more", "setting"),
    [
        ({"listen": ""}, "listen"),
        ({"listen": "2575"}, "listen"),
        ({"listen": "127.0.0.1:70000"}, "listen"),
        ({"listen": "127.0.0.1:²"}, "listen"),
        ({"listen": "0.0.0.0:2575"}, "listen"),
        ({"listen": "hospital.example:2575"}, "listen"),
        ({"allow": ["10.1.0.0/8"]}, "allow"),
        ({"charset": "EBCDIC"}, "charset"),
        ({"message_bytes": 0}, "message_bytes"),
        ({"idle_seconds": -1}, "idle_seconds"),
        ({"answer_seconds": 5}, "answer_seconds"),
        ({"send": "127.0.0.1:2576", "answer_seconds": 0}, "answer_seconds"),
        ({"tls_key": "x"}, "tls_certificate"),
        ({"tls_certificate": "missing.pem"}, "tls_certificate"),
        ({"answer": "later"}, "answer"),
        ({"url": "http://x"}, "url"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, more: dict[str, Any], setting: str) -> None:
    with pytest.raises(WrongSetting) as caught:
        _parsed(tmp_path, **more)
    assert caught.value.setting == setting


def test_a_site_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "hospital.toml").write_text('time_zone = "Europe/Vienna"')
    assert _parsed(tmp_path, site="hospital.toml").site.time_zone == "Europe/Vienna"
    for text, wrong in (('time_zone = "Nowhere"', "line 1"), (None, "cannot be read")):
        file = tmp_path / "other.toml"
        file.unlink(missing_ok=True)
        if text:
            file.write_text(text)
        with pytest.raises(WrongSetting, match=wrong):
            _parsed(tmp_path, site="other.toml")
