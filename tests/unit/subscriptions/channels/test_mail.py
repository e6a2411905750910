"""email against an SMTP server that is a process of its own."""

from __future__ import annotations

import dataclasses
from email.utils import parsedate_to_datetime

import pytest

from fhirserver.kernel.json import loads
from fhirserver.model.xml import read_xml
from subscriptions.channels.channel import Delivery, Target, Undeliverable
from subscriptions.channels.mail import Mail, Smtp, attachment_of
from subscriptions.channels.mail_address import InvalidAddress, address_of, is_within
from tests.contracts.channel_contract import PHI, ChannelContract, OtherSide
from tests.mail_server_process import PASSWORD, USER, MailServerProcess

BASE = "https://credence.example/fhir"
BUNDLE = b'{"resourceType":"Bundle","type":"history","id":"%s"}' % PHI.encode()
PLAIN = Target("s1", "email", "mailto:ana@clinic.example", content_type="text/plain")
ATTACHED = "text/plain;attach=application/fhir+json"


def delivery(number: int = 1, **of_target: object) -> Delivery:
    target = dataclasses.replace(PLAIN, **of_target)  # type: ignore[arg-type]
    return Delivery(target, BUNDLE, "application/fhir+json", number, "event-notification", f"s1-{number}")


def smtp(process: MailServerProcess, **more: object) -> Smtp:
    return Smtp("127.0.0.1", process.port, **{"tls": "none", "sender": "credence@clinic.example", **more})  # type: ignore[arg-type]


class Mailbox(OtherSide):
    """The mail server as the contract wants it."""

    def __init__(self, process: MailServerProcess):
        self.process = process

    def delivery(self, number: int, **of_target: object) -> Delivery:
        return delivery(number, **{"content_type": ATTACHED, **of_target})

    def got(self) -> list[int]:
        return [int(one.mail["X-Credence-Event-Number"]) for one in self.process.mails()]

    def refuse_for_now(self) -> None:
        self.process.fault("450")

    def refuse_for_good(self) -> None:
        self.process.fault("550")

    def hang(self) -> None:
        self.process.fault("hang")

    def kill(self) -> None:
        self.process.kill()

    def start(self) -> None:
        self.process.start()

    def bad_targets(self) -> list[Target]:
        endpoints = ["", "ana@clinic.example", "https://clinic.example", "mailto:", *INJECTIONS]
        targets = [dataclasses.replace(PLAIN, endpoint=one) for one in endpoints]
        wrong = ["text/csv", "text/plain;attach=application/pdf"]
        targets += [dataclasses.replace(PLAIN, content_type=one) for one in wrong]
        return [*targets, dataclasses.replace(PLAIN, headers=("Bcc: ben@clinic.example",))]


INJECTIONS = [
    "mailto:ana@clinic.example%0d%0aBcc:ben@clinic.example",
    "mailto:ana@clinic.example\r\nBcc: ben@clinic.example",
    "mailto:ana@clinic.example%0aX: y",
    "mailto:ana@clinic.example?bcc=ben@clinic.example",
    "mailto:ana@clinic.example,ben@clinic.example",
    "mailto:ana@clinic.example%2Cben@clinic.example",
    "mailto:Ana<ana@clinic.example>",
    'mailto:"ana b"@clinic.example',
    "mailto:ana@clinic.example ",
    "mailto:ana@[127.0.0.1]",
    "mailto:ana@-x.example",
    "mailto:änn@clinic.example",
    "mailto:" + "a" * 65 + "@clinic.example",
    "mailto:a@" + "b." * 200 + "example",
]


@pytest.fixture
def server(tmp_path):
    with MailServerProcess(tmp_path / "mail") as process:
        yield process


@pytest.fixture
def other_side(server):
    return Mailbox(server)


@pytest.fixture
async def channel(server):
    channel = Mail(smtp(server, attachments=True), BASE)
    yield channel
    await channel.close()


class TestMail(ChannelContract):
    """The contract."""


async def failed(channel, one) -> Undeliverable:
    with pytest.raises(Undeliverable) as caught:
        await channel.deliver(one)
    return caught.value


@pytest.mark.parametrize("endpoint", [*INJECTIONS, "ana@clinic.example", "mailto:"])
def test_what_is_no_single_address(endpoint):
    with pytest.raises(InvalidAddress):
        address_of(endpoint)


def test_addresses():
    assert address_of("mailto:ana@clinic.example") == "ana@clinic.example"
    assert address_of("MAILTO:ana+fhir%2Balerts@clinic.example") == "ana+fhir+alerts@clinic.example"
    assert is_within("ana@Clinic.example", ["clinic.example"]) and is_within("ana@x.example", [])
    assert not is_within("ana@evilclinic.example", ["clinic.example"])


def test_what_is_attached():
    assert [attachment_of(one) for one in ("", "text/plain", "text/html;charset=utf-8")] == ["", "", ""]
    assert attachment_of(ATTACHED) == "application/fhir+json"
    assert attachment_of('text/html; attach="application/fhir+xml"') == "application/fhir+xml"
    assert attachment_of("application/fhir+xml") == "application/fhir+xml"


async def test_a_mail_without_attachment_tells_where_to_ask_and_nothing_else(channel, server):
    await channel.deliver(delivery(7))
    [came] = server.mails()
    assert came.recipients == ("ana@clinic.example",) and came.sender == "credence@clinic.example"
    assert came.mail.get_content_type() == "text/plain"
    assert f"{BASE}/Subscription/s1/$events?eventsSinceNumber=7" in came.mail.get_content().replace("\n", "")
    assert PHI not in came.mail.as_string()
    assert came.mail["Auto-Submitted"] == "auto-generated" and parsedate_to_datetime(came.mail["Date"])


async def test_a_notification_is_attached_where_it_is_asked_for(channel, server):
    await channel.deliver(delivery(7, content_type=ATTACHED))
    [came] = server.mails()
    body, attachment = came.mail.iter_parts()
    assert PHI not in body.get_content()
    assert attachment.get_content() == BUNDLE and attachment.get_content_type() == "application/fhir+json"
    assert attachment.get_filename() == "notification-7.json"


async def test_an_attachment_is_xml_where_that_is_asked_for(channel, server):
    await channel.deliver(delivery(7, content_type="text/plain;attach=application/fhir+xml"))
    [came] = server.mails()
    _, attachment = came.mail.iter_parts()
    assert read_xml(attachment.get_content()) == loads(BUNDLE)
    assert attachment.get_filename() == "notification-7.xml"


async def test_html_where_it_is_asked_for(channel, server):
    await channel.deliver(delivery(7, content_type="text/html"))
    [came] = server.mails()
    assert came.mail.get_content_type() == "text/html" and "<p>There is news" in came.mail.get_content()


async def test_two_attempts_at_one_delivery_have_one_id(channel, server):
    for number in (1, 1, 2):
        await channel.deliver(delivery(number))
    ids = [one.mail["Message-ID"] for one in server.mails()]
    assert ids[0] == ids[1] != ids[2]


async def test_settings_bound_who_is_written_to_and_what_is_attached(server):
    channel = Mail(smtp(server, domains=["hospital.example"]), BASE)
    assert "domain" in (await failed(channel, delivery())).reason
    assert "attachments" in (
        channel.refusal(delivery(content_type=ATTACHED, endpoint="mailto:a@hospital.example").target) or ""
    )
    assert server.mails() == []


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_mail_is_encrypted_and_the_certificate_checked(tmp_path, authority, tls):
    certificate = authority.certificate("127.0.0.1")
    with MailServerProcess(tmp_path / "tls", tls=tls, certificate=certificate, login=True) as server:
        login = {"tls": tls, "user": USER, "password": PASSWORD, "ca_file": authority.file}
        await Mail(smtp(server, **login), BASE).deliver(delivery())
        [came] = server.mails()
        assert came.encrypted and came.user == USER
        wrong = await failed(Mail(smtp(server, **{**login, "password": "wrong"}), BASE), delivery())
        assert wrong.retryable and "535" in wrong.reason
        unknown = await failed(Mail(smtp(server, **{**login, "ca_file": None}), BASE), delivery())
        assert unknown.retryable and "certificate" in unknown.reason
        assert len(server.mails()) == 1


async def test_a_server_without_starttls_gets_no_mail_in_clear(server):
    error = await failed(Mail(smtp(server, tls="starttls"), BASE), delivery())
    assert error.retryable and server.mails() == []
