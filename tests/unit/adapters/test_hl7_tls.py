"""MLLP over TLS: who may connect with which certificate, and what the log says of who may not."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

import pytest

from adapters.hl7v2.message import parse
from adapters.hl7v2.mllp.limits import Limits
from adapters.hl7v2.mllp.tls import InvalidTls, client_context, server_context
from fhirserver.ports.ehr import Unanswered
from tests.certificates import Authority
from tests.unit.adapters.test_hl7_mllp import Answering, adt, ended, listening, sending

MESSAGE = parse(adt("1").decode())


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def test_messages_go_over_tls(authority: Authority) -> None:
    own = authority.sign("server")
    tls = server_context(own.certificate, own.key)
    long = parse(adt("1").decode() + "NTE|1||" + "x" * 3_000_000 + "\r")
    async with (
        listening(Answering(), tls=tls) as listener,
        sending(listener, tls=client_context(authority.file)) as client,
    ):
        for message in (MESSAGE, long, MESSAGE):
            found = await client.send(message)
            assert found is not None and found.code == "AA"


async def test_a_server_of_another_authority_is_not_believed(authority: Authority, tmp_path: Path) -> None:
    own = authority.sign("server")
    other = Authority(tmp_path, "other")
    async with (
        listening(Answering(), tls=server_context(own.certificate, own.key)) as listener,
        sending(listener, tls=client_context(other.file)) as client,
    ):
        with pytest.raises(Unanswered, match="certificate"):
            await client.send(MESSAGE)


async def test_an_expired_server_is_not_believed(authority: Authority) -> None:
    own = authority.sign("server", days=-1)
    async with (
        listening(Answering(), tls=server_context(own.certificate, own.key)) as listener,
        sending(listener, tls=client_context(authority.file)) as client,
    ):
        with pytest.raises(Unanswered, match="expired"):
            await client.send(MESSAGE)


@pytest.mark.parametrize("shown", ["none", "other", "expired", "right"])
async def test_a_client_must_show_a_certificate_of_the_authority(
    shown: str, authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "credence.hl7")
    own, other = authority.sign("server"), Authority(tmp_path, "other")
    pair = {
        "none": None,
        "other": other.sign("stranger"),
        "expired": authority.sign("old", days=-1),
        "right": authority.sign("client"),
    }[shown]
    theirs = client_context(authority.file, pair.certificate if pair else None, pair.key if pair else None)
    receiver = Answering()
    async with (
        listening(receiver, tls=server_context(own.certificate, own.key, authority.file)) as listener,
        sending(listener, tls=theirs) as client,
    ):
        if shown == "right":
            assert await client.send(MESSAGE) is not None
            return
        with pytest.raises(Unanswered):
            await client.send(MESSAGE)
        await asyncio.sleep(0.05)
    assert receiver.seen == []
    assert "127.0.0.1: TLS handshake refused: " in caplog.text


async def test_who_speaks_no_tls_is_refused_and_others_go_on(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    own = authority.sign("server")
    tls = server_context(own.certificate, own.key)
    limits = Limits(handshake_seconds=0.5)
    async with (
        listening(Answering(), limits, tls=tls) as listener,
        sending(listener, tls=client_context(authority.file)) as client,
    ):
        silent = await asyncio.open_connection("127.0.0.1", listener.port)
        plain = await asyncio.open_connection("127.0.0.1", listener.port)
        plain[1].write(b"\x0b" + adt("1"))
        assert await client.send(MESSAGE) is not None
        for reader, writer in (plain, silent):
            assert await ended(reader)
            writer.close()
    assert caplog.text.count("TLS handshake refused") >= 1


def test_files_that_are_no_certificates_are_named(authority: Authority, tmp_path: Path) -> None:
    own, broken = authority.sign("server"), tmp_path / "broken.pem"
    broken.write_text("nothing")
    with pytest.raises(InvalidTls, match=r"broken\.pem"):
        server_context(broken, own.key)
    with pytest.raises(InvalidTls, match=r"broken\.pem"):
        server_context(own.certificate, own.key, broken)
    with pytest.raises(InvalidTls, match=r"missing\.pem"):
        client_context(tmp_path / "missing.pem")


def test_old_versions_of_tls_are_not_spoken(authority: Authority) -> None:
    own = authority.sign("server")
    assert server_context(own.certificate, own.key).minimum_version == ssl.TLSVersion.TLSv1_2
    assert client_context().minimum_version == ssl.TLSVersion.TLSv1_2
    assert client_context().verify_mode == ssl.CERT_REQUIRED
