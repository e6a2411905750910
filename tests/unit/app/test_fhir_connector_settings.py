"""The settings of the kind ``fhir``: what is wrong is named by its setting."""

from pathlib import Path

import pytest

from fhirserver.app.connectors import fhir
from fhirserver.app.connectors.connector import parse_connector
from fhirserver.app.connectors.secrets import Secrets
from fhirserver.app.setting_kinds import WrongSetting

PLAIN = {"name": "clinic", "source": "ehr", "url": "https://ehr.test/fhir"}


def parsed(**settings):
    return parse_connector({**PLAIN, **settings}, "[[connector]] 1", Path(), {"ehr"}).own


def test_what_is_not_said_is_as_the_adapter_has_it():
    own = parsed()
    assert own.reach.bulk.level == "auto" and own.reach.if_match and own.subscribe == "off"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"url": "ehr.test"}, "url"),
        ({"also_at": ["files.test"]}, "also_at"),
        ({"token_url": "ftp://x.test"}, "token_url"),
        ({"client_id": "a"}, "client_id"),
        ({"client_key_file": "k"}, "client_id"),
        ({"client_id": "a", "client_key_file": "k", "client_secret_file": "s"}, "client_secret"),
        ({"client_id": "a", "client_key_file": "k", "token_secret": "t"}, "token"),
        ({"client_auth": "digest"}, "client_auth"),
        ({"bulk": "all"}, "bulk"),
        ({"bulk": "group"}, "bulk_group"),
        ({"page_size": 0}, "page_size"),
        ({"overlap_seconds": -1}, "overlap_seconds"),
        ({"subscribe": "criteria"}, "subscribe"),
        ({"subscribe": "criteria", "notify_url": "https://us.test"}, "subscribe"),
        ({"subscribe": "topic", "notify_url": "https://us.test", "notify_secret_file": "x"}, "topics"),
    ],
)
def test_a_wrong_setting_is_named(settings, named):
    with pytest.raises(WrongSetting) as wrong:
        parsed(**settings)
    assert wrong.value.setting == named


def test_the_address_of_notifications_has_the_name_of_the_connector():
    own = parsed(subscribe="criteria", notify_url="https://us.test/", notify_secret_file="x")
    assert fhir.wanted_of(own, "clinic", "x" * 16).address == "https://us.test/notify/clinic"


@pytest.mark.parametrize("secret", ["", "short"])
def test_a_secret_that_can_be_guessed_is_none(secret, tmp_path):
    from fhirserver.app.connectors.hearing import Incoming
    from fhirserver.ports.ehr import NotHeard

    incoming = Incoming("POST", "", {"authorization": f"Bearer {secret}"}, b"")
    file = tmp_path / "secret"
    file.write_text(secret)
    with pytest.raises(NotHeard):
        fhir.heard(parsed(notify_secret_file=str(file)), Secrets(), incoming)
