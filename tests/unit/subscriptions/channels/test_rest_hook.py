"""rest-hook against a subscriber that is a process of its own."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import hmac
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from fhirserver.kernel.addresses import Addresses
from subscriptions.channels.answers import MOST_PATIENCE, retry_after
from subscriptions.channels.channel import Delivery, Target, Undeliverable
from subscriptions.channels.egress import Egress
from subscriptions.channels.rest_hook import RestHook, endpoint_with
from subscriptions.channels.sending import Sender
from tests.contracts.channel_contract import PHI, ChannelContract, OtherSide
from tests.subscriber_process import SubscriberProcess
from tests.unit.subscriptions.channels.conftest import LOOPBACK

SECRET = b"whsec_0123456789abcdef"
BUNDLE = b'{"resourceType":"Bundle","type":"history","id":"%s"}' % PHI.encode()


class Hook(OtherSide):
    """The subscriber process as the contract wants it."""

    def __init__(self, process: SubscriberProcess):
        self.process = process

    def target(self, **changes: object) -> Target:
        target = Target(
            "s1", "rest-hook", f"{self.process.url}/hook", content_type="application/fhir+json", secret=SECRET
        )
        return dataclasses.replace(target, **changes)  # type: ignore[arg-type]

    def delivery(self, number: int, **of_target: object) -> Delivery:
        target = self.target(**of_target)
        return Delivery(target, BUNDLE, "application/fhir+json", number, "event-notification", f"s1-{number}")

    def got(self) -> list[int]:
        taken = [one for one in self.process.received() if one.status == 200]
        return [int(one.headers["x-credence-event-number"]) for one in taken]

    def refuse_for_now(self) -> None:
        self.process.fault("status", status=503)

    def refuse_for_good(self) -> None:
        self.process.fault("status", status=400)

    def hang(self) -> None:
        self.process.fault("hang")

    def kill(self) -> None:
        self.process.kill()

    def start(self) -> None:
        self.process.start()

    def bad_targets(self) -> list[Target]:
        port = self.process.port
        urls = [
            "",
            "x",
            "mailto:a@b.example",
            "ws://127.0.0.1/",
            f"http://u:p@127.0.0.1:{port}/",
            "http://127.0.0.1:22/",
        ]
        lines = [
            "Host: x",
            "X",
            "A: b\r\nC: d",
            "Content-Length: 3",
            "transfer-encoding: chunked",
            "X-Credence-Signature: x",
        ]
        return [
            *(self.target(endpoint=url) for url in urls),
            *(self.target(headers=(line,)) for line in lines),
        ]


@pytest.fixture
async def channel():
    channel = RestHook(Sender(LOOPBACK, "Credence/1"))
    yield channel
    await channel.close()


@pytest.fixture
def other_side(subscriber):
    return Hook(subscriber)


class TestRestHook(ChannelContract):
    """The contract."""


async def failed(channel, delivery) -> Undeliverable:
    with pytest.raises(Undeliverable) as caught:
        await channel.deliver(delivery)
    return caught.value


async def test_a_notification_comes_as_the_specification_has_it(channel, other_side):
    lines = ("Authorization: Bearer abc", "X-Site:  clinic 7 ")
    await channel.deliver(other_side.delivery(7, headers=lines))
    [came] = other_side.process.received()
    assert (came.method, came.path, came.body) == ("POST", "/hook", BUNDLE)
    assert came.headers["content-type"] == "application/fhir+json"
    assert came.headers["authorization"] == "Bearer abc" and came.headers["x-site"] == "clinic 7"
    assert came.headers["user-agent"] == "Credence/1"
    assert came.headers["x-credence-subscription"] == "s1"
    assert came.headers["x-credence-event-number"] == "7"
    assert came.headers["x-credence-notification-type"] == "event-notification"
    assert came.headers["idempotency-key"] == "s1-7"


async def test_the_signature_is_verified_in_a_few_lines(channel, other_side):
    await channel.deliver(other_side.delivery(1))
    [came] = other_side.process.received()
    # What a subscriber does, on its own:
    parts = dict(part.split("=", 1) for part in came.headers["x-credence-signature"].split(","))
    expected = hmac.new(SECRET, parts["t"].encode() + b"." + came.body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(parts["v1"], expected)
    assert abs(time.time() - int(parts["t"])) < 60
    forged = hmac.new(SECRET, parts["t"].encode() + b"." + came.body + b" ", hashlib.sha256).hexdigest()
    assert parts["v1"] != forged


async def test_without_a_secret_there_is_no_signature(channel, other_side):
    await channel.deliver(other_side.delivery(1, secret=b""))
    assert "x-credence-signature" not in other_side.process.received()[0].headers


async def test_an_r4_subscription_without_payload_is_told_by_an_empty_post(channel, other_side):
    target = other_side.target(content_type="")
    await channel.deliver(Delivery(target, b"", "", 3, "event-notification", "s1-3"))
    [came] = other_side.process.received()
    assert (came.method, came.path, came.body) == ("POST", "/hook", b"")
    assert came.headers["content-length"] == "0" and "content-type" not in came.headers


async def test_an_r4_payload_is_put_at_the_endpoint(channel, other_side):
    delivery = other_side.delivery(4, endpoint=f"{other_side.process.url}/fhir/?key=1")
    await channel.deliver(dataclasses.replace(delivery, method="PUT", path="Patient/p1"))
    [came] = other_side.process.received()
    assert (came.method, came.path) == ("PUT", "/fhir/Patient/p1?key=1")


def test_paths_stand_behind_the_path_of_the_endpoint():
    assert str(endpoint_with("https://h.example", "Patient/1")) == "https://h.example/Patient/1"
    assert str(endpoint_with("https://h.example/a/#x", "")) == "https://h.example/a/"
    assert str(endpoint_with("https://h.example/a?b=c", "/Patient/1")) == "https://h.example/a/Patient/1?b=c"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_what_may_be_tried_again(channel, other_side, status):
    other_side.process.fault("status", status=status, headers={"Retry-After": "7"})
    error = await failed(channel, other_side.delivery(1))
    assert error.retryable and error.after == 7 and str(status) in error.reason and not error.gone


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 422, 501])
async def test_what_is_refused_for_good(channel, other_side, status):
    other_side.process.fault("status", status=status)
    error = await failed(channel, other_side.delivery(1))
    assert not error.retryable and not error.gone and str(status) in error.reason


async def test_410_means_that_nothing_more_is_wanted(channel, other_side):
    other_side.process.fault("status", status=410)
    error = await failed(channel, other_side.delivery(1))
    assert error.gone and not error.retryable


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(channel, other_side, status):
    other_side.process.fault("redirect", "/hook", status=status, location=f"{other_side.process.url}/other")
    error = await failed(channel, other_side.delivery(1))
    assert not error.retryable and "redirect" in error.reason
    assert [one.path for one in other_side.process.received()] == ["/hook"]


@pytest.mark.parametrize("kind", ["drop", "garbage", "huge_head", "slow_head"])
async def test_what_is_no_answer_may_be_tried_again(channel, other_side, kind):
    other_side.process.fault(kind)
    assert (await failed(channel, other_side.delivery(1, timeout=1.5))).retryable


@pytest.mark.parametrize("kind", ["huge", "slow_body"])
async def test_an_answer_that_does_not_end_is_an_answer(channel, other_side, kind):
    """2xx says that it was taken; what follows is nobody's business, and holds up nothing for long."""
    other_side.process.fault(kind)
    began = time.monotonic()
    await channel.deliver(other_side.delivery(1))
    assert time.monotonic() - began < 4
    other_side.process.heal()
    await channel.deliver(other_side.delivery(2))
    assert other_side.got() == [1, 2]


async def test_a_slow_subscriber_delays_no_other(channel, other_side):
    """Twenty deliveries are through while two hundred others still wait for their answers."""
    other_side.process.fault("slow", "/slow", seconds=8.0)
    url = other_side.process.url
    slow = [other_side.delivery(n, endpoint=f"{url}/slow", timeout=30.0) for n in range(1, 201)]
    waiting = [asyncio.create_task(channel.deliver(one)) for one in slow]
    await asyncio.sleep(0.2)
    for number in range(20):
        await channel.deliver(other_side.delivery(number, endpoint=f"{url}/quick"))
    assert not any(task.done() for task in waiting)
    await asyncio.gather(*waiting)


async def test_connections_are_used_again(channel, other_side):
    for number in range(10):
        await channel.deliver(other_side.delivery(number))
    assert len({one.connection for one in other_side.process.received()}) == 1


async def test_loopback_is_refused_unless_it_is_allowed(other_side):
    strict = RestHook(Sender(Egress(allow_http=True)))
    for host in ("127.0.0.1", "[::1]", "localhost"):
        endpoint = f"http://{host}:{other_side.process.port}/hook"
        error = await failed(strict, other_side.delivery(1, endpoint=endpoint))
        assert not error.retryable and "loopback" in error.reason, error.reason
    assert strict.refusal(other_side.target()) is not None
    assert other_side.process.received() == []
    await strict.close()


async def test_http_is_refused_unless_it_is_allowed(other_side):
    strict = RestHook(Sender(Egress(Addresses(allow_private=True))))
    assert "https" in (strict.refusal(other_side.target()) or "")
    await strict.close()


async def test_a_wrong_certificate_is_said_and_may_be_mended(tls_subscriber, authority, caplog):
    process = tls_subscriber("other.example")
    channel = RestHook(Sender(Egress(Addresses(allow_private=True), ca_file=authority.file)))
    hook = Hook(process)
    error = await failed(channel, hook.delivery(1))
    assert error.retryable and "certificate" in error.reason
    assert "the certificate of 127.0.0.1 is not accepted" in caplog.text
    assert process.received() == []
    await channel.close()


async def test_logs_say_nothing_of_the_payload_the_path_or_the_secret(channel, other_side, caplog):
    caplog.set_level("DEBUG", "credence")
    other_side.process.fault("status", status=500)
    url = f"{other_side.process.url}/{PHI}?token=abc"
    await failed(channel, other_side.delivery(1, endpoint=url))
    assert PHI not in caplog.text and "abc" not in caplog.text and SECRET.decode() not in caplog.text


NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("9" * 40, MOST_PATIENCE),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0),
        (format_datetime(NOW + timedelta(days=900), usegmt=True), MOST_PATIENCE),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("1.5", None),
        ("²", None),
    ],
)
def test_retry_after(value, seconds):
    assert retry_after(value, NOW) == seconds
