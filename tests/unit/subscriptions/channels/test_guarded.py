"""What the guard of outgoing requests lets out, and where it connects to."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import httpx
import pytest

from fhirserver.kernel.addresses import Addresses
from subscriptions.channels import resolver
from subscriptions.channels.egress import Egress
from subscriptions.channels.guarded import Forbidden, guarded_client, read_some
from subscriptions.channels.resolver import Resolver
from tests.server_process import free_port
from tests.subscriber_process import SubscriberProcess
from tests.unit.subscriptions.channels.conftest import LOOPBACK

STRICT = Egress(allow_http=True)


class Names:
    """A resolver whose answers are written beforehand: one list for each time it is asked, the last for ever."""

    def __init__(self, *answers: Sequence[str]):
        self.answers, self.asked = list(answers), 0

    async def __call__(self, host: str) -> Sequence[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://hooks.example/x", "https"),
        ("ftp://hooks.example/x", "https"),
        ("file:///etc/passwd", "https"),
        ("mailto:a@b.example", "https"),
        ("https:///x", "https"),
        ("https://user:secret@hooks.example/", "user"),
        ("https://user@hooks.example/", "user"),
        ("https://hooks.example:22/", "port"),
        ("https://hooks.example:25/", "port"),
        ("https://hooks.example:6667/", "port"),
        ("https://127.0.0.1/", "loopback"),
        ("https://[::1]:8443/", "loopback"),
        ("https://[::ffff:10.0.0.1]/", "private"),
        ("https://169.254.169.254/latest/meta-data", "metadata"),
        ("https://2130706433/", "not an IP address"),
        ("https://hooks.example/" + "x" * 3000, "longer"),
        ("https://hooks.example:99999/", "port"),
        ("https://a b/", "https"),
        ("https://a%00b/", "https"),
        ("", "https"),
    ],
)
def test_urls_that_are_never_asked_for(url, word):
    assert word in (Egress().objection(url) or "")


@pytest.mark.parametrize(
    "url", ["https://hooks.example", "https://hooks.example:8443/a?b=c", "https://8.8.8.8/"]
)
def test_urls_that_may_be_asked_for(url):
    assert Egress().objection(url) is None


async def test_a_request_goes_to_the_address_that_was_judged_and_connections_are_kept(subscriber):
    names = Names(["127.0.0.1"])
    async with guarded_client(LOOPBACK, 5, names) as client:
        for number in range(3):
            answer = await client.post(f"http://hooks.example:{subscriber.port}/a", content=b"x%d" % number)
            assert answer.status_code == 200
    received = subscriber.received()
    assert [one.body for one in received] == [b"x0", b"x1", b"x2"]
    assert {one.headers["host"] for one in received} == {f"hooks.example:{subscriber.port}"}
    assert {one.connection for one in received} == {1} and names.asked == 1


@pytest.mark.parametrize(
    "host", ["hooks.example", "localhost", "127.1", "0x7f.1", "0177.1", "[::ffff:127.0.0.1]"]
)
async def test_a_name_that_stands_for_loopback_is_refused_before_anything_is_sent(subscriber, caplog, host):
    resolve = Names(["127.0.0.1"]) if host == "hooks.example" else None
    async with guarded_client(STRICT, 5, resolve) as client:
        with pytest.raises((Forbidden, httpx.ConnectError)):
            await client.post(f"http://{host}:{subscriber.port}/a", content=b"x")
    assert subscriber.received() == []
    if host == "hooks.example":
        assert "refused to connect to hooks.example: it is a loopback address" in caplog.text


async def test_of_several_addresses_only_those_that_are_open_are_tried(tmp_path):
    port = free_port()
    egress = Egress(Addresses(allowed=frozenset({"127.0.0.2"})), allow_http=True)
    inside = SubscriberProcess(tmp_path / "inside", host="127.0.0.1", port=port)
    outside = SubscriberProcess(tmp_path / "outside", host="127.0.0.2", port=port)
    with inside, outside:
        async with guarded_client(egress, 5, Names(["127.0.0.1", "::1", "127.0.0.2"])) as client:
            await client.post(f"http://hooks.example:{port}/", content=b"x")
        assert len(outside.received()) == 1 and inside.received() == []


async def test_a_name_that_is_bound_again_gains_nothing(tmp_path):
    """The second answer of the name server is judged when it is used, and the first one is used only once."""
    port = free_port()
    egress = Egress(Addresses(allowed=frozenset({"127.0.0.2"})), allow_http=True)
    inside = SubscriberProcess(tmp_path / "inside", host="127.0.0.1", port=port)
    outside = SubscriberProcess(tmp_path / "outside", host="127.0.0.2", port=port)
    names = Names(["127.0.0.2"], ["127.0.0.1"])
    with inside, outside:
        async with guarded_client(egress, 5, names) as client:
            outside.fault("drop", path="/second")
            url = f"http://rebinds.example:{port}"
            assert (await client.post(f"{url}/first")).status_code == 200
            assert names.asked == 1
            with pytest.raises(httpx.RemoteProtocolError):
                await client.post(f"{url}/second")
            with pytest.raises(Forbidden, match="loopback"):
                await client.post(f"{url}/third")
        assert [one.path for one in outside.received()] == ["/first", "/second"]
        assert inside.received() == []


async def test_a_redirect_into_the_inside_is_not_followed(tmp_path):
    port = free_port()
    egress = Egress(Addresses(allowed=frozenset({"127.0.0.2"})), allow_http=True)
    inside = SubscriberProcess(tmp_path / "inside", host="127.0.0.1", port=port)
    outside = SubscriberProcess(tmp_path / "outside", host="127.0.0.2", port=port)
    with inside, outside:
        for location in (f"http://127.0.0.1:{port}/", f"http://inside.example:{port}/"):
            outside.fault("redirect", location=location)
            async with guarded_client(egress, 5, Names(["127.0.0.2"], ["127.0.0.1"])) as client:
                url = f"http://hooks.example:{port}/"
                assert (await client.post(url)).status_code == 307
                with pytest.raises(Forbidden):  # nor where a client means to follow it
                    await client.post(url, follow_redirects=True)
        assert inside.received() == []


async def test_tls_is_for_the_name_and_not_for_the_address(tls_subscriber, authority):
    right = tls_subscriber("hooks.example")
    egress = Egress(Addresses(allow_private=True), ca_file=authority.file)
    async with guarded_client(egress, 5, Names(["127.0.0.1"])) as client:
        assert (await client.post(f"https://hooks.example:{right.port}/")).status_code == 200


@pytest.mark.parametrize(("name", "trusted"), [("other.example", True), ("hooks.example", False)])
async def test_a_wrong_certificate_is_refused_with_a_line_in_the_log(
    tls_subscriber, authority, caplog, name, trusted
):
    process = tls_subscriber(name)
    egress = Egress(Addresses(allow_private=True), ca_file=authority.file if trusted else None)
    async with guarded_client(egress, 5, Names(["127.0.0.1"])) as client:
        with pytest.raises(httpx.ConnectError, match="certificate"):
            await client.post(f"https://hooks.example:{process.port}/", content=b"x")
    assert process.received() == []
    assert "the certificate of hooks.example is not accepted: " in caplog.text


async def test_names_behind_one_address_have_connections_of_their_own(tls_subscriber, authority):
    """A connection that was made to one name says nothing about who answers to another name."""
    process = tls_subscriber("hooks.example")
    egress = Egress(Addresses(allow_private=True), ca_file=authority.file)
    async with guarded_client(egress, 5, Names(["127.0.0.1"])) as client:
        await client.post(f"https://hooks.example:{process.port}/")
        with pytest.raises(httpx.ConnectError, match="certificate"):
            await client.post(f"https://other.example:{process.port}/")


async def test_no_more_of_an_answer_is_read_than_asked_for(subscriber):
    subscriber.fault("huge")
    async with (
        guarded_client(LOOPBACK, 5) as client,
        client.stream("POST", f"{subscriber.url}/") as answer,
    ):
        assert len(await read_some(answer, 100_000)) == 100_000


async def test_a_proxy_of_the_environment_is_not_used(subscriber, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with guarded_client(LOOPBACK, 5) as client:
        assert (await client.post(f"{subscriber.url}/")).status_code == 200


async def test_a_name_that_is_not_there_is_no_address():
    async with guarded_client(STRICT, 5) as client:
        with pytest.raises(httpx.ConnectError, match="resolved"):
            await client.post("http://nowhere.invalid/")
        with pytest.raises(httpx.ConnectError, match="resolved"):
            await client.post(f"http://{'a' * 64}.example/")


async def test_a_name_server_that_hangs_holds_up_its_own_name_only(subscriber, monkeypatch):
    release, lookups = threading.Event(), []

    def addresses(host: str) -> Sequence[str]:
        lookups.append(host)
        if host == "hangs.example":
            release.wait(20)
        return ("127.0.0.1",)

    monkeypatch.setattr(resolver, "_addresses", addresses)
    shared = Resolver()
    async with guarded_client(LOOPBACK, 0.3, shared) as client:
        for _ in range(5):
            with pytest.raises(httpx.ConnectTimeout):
                await client.post(f"http://hangs.example:{subscriber.port}/")
        began = time.monotonic()
        assert (await client.post(f"http://other.example:{subscriber.port}/")).status_code == 200
        assert time.monotonic() - began < 1
    release.set()
    assert lookups.count("hangs.example") == 1
