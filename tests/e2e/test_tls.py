"""TLS of the server's own port over real sockets: versions, client certificates, renewal, workers; word of proxies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from starlette.applications import Starlette
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from agent.live.board import LiveBoard
from agent.live.remote import RemoteBoard
from fhirserver.access.desk_passes import DeskPasses, DeskPrincipals
from fhirserver.access.principals import Principals
from fhirserver.access.server_key import ServerKey
from fhirserver.app.settled import SettledServer
from fhirserver.app.tls import InvalidTls, Renewal, Tls
from fhirserver.app.uvicorn_config import SafeConfig
from fhirserver.app.voice.application import VoiceApplication
from fhirserver.app.wiring import make_application
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.rest.live_calls import LiveRoutes
from fhirserver.rest.visits import Rates, Visits
from tests.facade import settings
from tests.server_process import ServerProcess

TOKEN = {"Authorization": "Bearer token-ehr"}


@dataclass
class Papers:
    """A certificate of the server's with its key, and the authority that signed it."""

    authority: trustme.CA
    folder: Path
    tls: Tls

    def renew(self) -> None:
        """Another certificate in the same files."""
        made = self.authority.issue_cert("127.0.0.1", "localhost")
        made.private_key_pem.write_to_path(self.tls.key)
        with self.tls.certificate.open("wb") as file:
            for pem in made.cert_chain_pems:
                file.write(pem.bytes())

    def trusting(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    made = Papers(trustme.CA(), tmp_path, Tls(tmp_path / "server.crt", tmp_path / "server.key"))
    made.renew()
    return made


@contextlib.asynccontextmanager
async def serving(folder: Path, **changes: Any) -> AsyncIterator[SettledServer]:
    """The whole server on a port of its own; its configuration has the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    chosen = replace(settings(folder), **changes)
    application = make_application(chosen)
    server = SettledServer(SafeConfig(chosen, application, port=port, log_level="error"))
    task = asyncio.create_task(server._serve())
    try:
        while not (server.started and server.servers):
            assert not task.done(), task.result()
            await asyncio.sleep(0.005)
        yield server
    finally:
        server.should_exit = True
        await task


def peer_serial(port: int, context: ssl.SSLContext) -> str:
    plain = socket.create_connection(("127.0.0.1", port))
    with plain, context.wrap_socket(plain, server_hostname="localhost") as secure:
        found = secure.getpeercert()
        assert found is not None
        return str(found["serialNumber"])


async def test_https_with_a_certificate_that_is_trusted(papers: Papers) -> None:
    async with serving(papers.folder, tls=papers.tls) as server:
        url = f"https://localhost:{server.config.port}"
        async with httpx.AsyncClient(verify=papers.trusting(), trust_env=False, headers=TOKEN) as http:
            answer = await http.get(f"{url}/fhir/Patient")
            assert answer.status_code == 200
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
            signed_in = await http.post(f"{url}/console/sign-in", data={"token": "token-ana"})
            flags = signed_in.headers["set-cookie"].lower()
            assert all(flag in flags for flag in ("secure", "httponly", "samesite=strict", "path=/"))
        async with httpx.AsyncClient(verify=ssl.create_default_context(), trust_env=False) as stranger:
            with pytest.raises(httpx.ConnectError):
                await stranger.get(f"{url}/healthz")
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"wss://localhost:{server.config.port}/live/calls/x/sound", ssl=papers.trusting())
        assert refused.value.response.status_code == 401
        assert refused.value.response.headers["strict-transport-security"] == "max-age=31536000"


async def test_plain_http_and_old_versions_get_nothing(papers: Papers) -> None:
    async with serving(papers.folder, tls=papers.tls) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.config.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP/1.1" not in await reader.read()
        writer.close()
        old = papers.trusting()
        old.set_ciphers("DEFAULT:@SECLEVEL=0")
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, OSError)):
            await asyncio.to_thread(peer_serial, server.config.port, old)
        newer = papers.trusting()
        newer.maximum_version = ssl.TLSVersion.TLSv1_2
        assert await asyncio.to_thread(peer_serial, server.config.port, newer)


async def test_a_client_must_show_its_certificate(papers: Papers) -> None:
    authority = trustme.CA()
    ca = papers.folder / "clients.pem"
    authority.cert_pem.write_to_path(ca)
    tls = replace(papers.tls, client_ca=ca)
    async with serving(papers.folder, tls=tls) as server:
        url = f"https://localhost:{server.config.port}/healthz"
        for theirs in (None, trustme.CA().issue_cert("stranger")):
            context = papers.trusting()
            if theirs is not None:
                theirs.configure_cert(context)
            async with httpx.AsyncClient(verify=context, trust_env=False) as http:
                with pytest.raises(httpx.TransportError):
                    await http.get(url)
        context = papers.trusting()
        authority.issue_cert("partner").configure_cert(context)
        async with httpx.AsyncClient(verify=context, trust_env=False) as http:
            assert (await http.get(url)).status_code == 200


async def test_a_renewed_certificate_is_taken_without_a_restart(
    papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fhirserver.app.uvicorn_config.LOOK_TICKS", 1)
    async with serving(papers.folder, tls=papers.tls) as server:
        port, context = server.config.port, papers.trusting()
        first = await asyncio.to_thread(peer_serial, port, context)
        papers.tls.certificate.write_text("not yet written whole")
        await asyncio.sleep(0.3)
        assert await asyncio.to_thread(peer_serial, port, context) == first, "a broken file changes nothing"
        papers.renew()
        deadline = time.monotonic() + 20
        while await asyncio.to_thread(peer_serial, port, context) == first:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


def test_only_a_pair_that_fits_is_taken(papers: Papers, caplog: pytest.LogCaptureFixture) -> None:
    context = papers.tls.server_context()
    renewal = Renewal(papers.tls, context)
    assert not renewal.look()
    papers.authority.issue_cert("localhost").private_key_pem.write_to_path(papers.tls.key)
    os.utime(papers.tls.key, (1, 1))
    assert not renewal.look()
    assert "was not renewed" in caplog.text
    assert "PRIVATE KEY" not in caplog.text
    papers.renew()
    assert renewal.look()


def test_the_server_asks_itself_and_nobody_else(papers: Papers) -> None:
    """The telephone's process asks the server by whatever address: its very certificate is trusted, no authority is."""
    other = papers.authority.issue_cert("127.0.0.1")
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    other.configure_cert(theirs)
    assert _shake_hands(papers.tls.server_context(), papers.tls.own_context())
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake_hands(theirs, papers.tls.own_context())


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> bool:
    """A handshake in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server)
    for _ in range(6):
        for end in (theirs, ours):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return theirs.version() in ("TLSv1.2", "TLSv1.3")


@pytest.mark.parametrize("content", ["", "nothing of the kind"])
def test_files_that_hold_no_certificate(papers: Papers, content: str) -> None:
    papers.tls.certificate.write_text(content)
    with pytest.raises(InvalidTls, match="tls_cert"):
        papers.tls.server_context()


@pytest.fixture
def workers(papers: Papers, tmp_path: Path) -> Iterator[ServerProcess]:
    lines = f'tls_cert = "{papers.tls.certificate}"\ntls_key = "{papers.tls.key}"\n'
    with ServerProcess(tmp_path / "server", workers=2, server=lines) as server:
        yield server


def test_several_workers_speak_tls_too(workers: ServerProcess, papers: Papers) -> None:
    with httpx.Client(verify=papers.trusting(), trust_env=False, headers=workers.headers) as http:
        body = {"resourceType": "Patient", "id": "p"}
        assert http.put(f"{workers.base}/Patient/p", json=body).status_code == 201
        assert http.get(f"{workers.base}/Patient/p").status_code == 200
    files = [path for path in workers.data.rglob("*") if path.is_file()]
    assert any(path.name == "credence.db" for path in files)
    for path in files:
        assert not path.stat().st_mode & 0o077, f"{path} is for the server's user alone"


async def test_word_of_a_proxy_counts_where_it_is_named(tmp_path: Path) -> None:
    rates = Rates(address_per_second=1)
    asked = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    async with (
        serving(tmp_path, rates=rates, trusted_proxies=("127.0.0.0/8",)) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.config.port}", trust_env=False) as http,
    ):
        statuses = [(await http.get("/healthz", headers=asked)).status_code for _ in range(7)]
        assert statuses[:5] == [200] * 5
        assert statuses[-1] == 429
        # What the client itself wrote there does not hide it: the last address is what the proxy saw.
        hidden = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7"}
        assert (await http.get("/healthz", headers=hidden)).status_code == 429
        other = await http.get("/healthz", headers={**asked, "X-Forwarded-For": "203.0.113.8"})
        assert other.status_code == 200
        assert "strict-transport-security" in other.headers


@pytest.mark.parametrize("proxies", [(), ("198.51.100.9",)])
async def test_word_of_nobody_else_counts(tmp_path: Path, proxies: tuple[str, ...]) -> None:
    asked = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    async with (
        serving(tmp_path, rates=Rates(address_per_second=1), trusted_proxies=proxies) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.config.port}", trust_env=False) as http,
    ):
        answers = [await http.get("/healthz", headers=asked) for _ in range(9)]
    assert {answer.status_code for answer in answers} == {200}
    assert "strict-transport-security" not in answers[0].headers


async def test_the_telephone_is_asked_over_tls_and_known_after_its_renewal(papers: Papers) -> None:
    """The server's process asks that of the telephone for its calls, by the loopback address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    chosen = replace(settings(papers.folder), tls=papers.tls)
    passes, ending = DeskPasses(ServerKey(b"k" * 32)), asyncio.Event()
    live = LiveRoutes(LiveBoard(), DeskPrincipals(Principals(()), passes), ending)
    telephone = VoiceApplication(Starlette(routes=live.router().routes), Visits(), ending)
    server = SettledServer(SafeConfig(chosen, telephone, port=port, log_level="error", lifespan="off"))
    task = asyncio.create_task(server._serve())
    while not getattr(server, "servers", None):
        await asyncio.sleep(0.005)
    board = RemoteBoard(f"https://127.0.0.1:{port}", passes.issue, tls=papers.tls.own_context())
    stranger = RemoteBoard(f"https://127.0.0.1:{port}", passes.issue)
    try:
        for renewed in (False, True):
            if renewed:
                papers.renew()
                assert isinstance(server.config, SafeConfig) and server.config.renewal is not None
                assert server.config.renewal.look()
            await board._http.aclose()
            board = RemoteBoard(f"https://127.0.0.1:{port}", passes.issue, tls=board._tls)
            await board.refresh()
            assert board._missed == 0
            with pytest.raises(Refusal) as refused:
                await board.sound("nobody", "ana")
            assert refused.value.category is Category.NOT_FOUND
        await stranger.refresh()
        assert stranger._missed == 1
    finally:
        await board._http.aclose()
        await stranger._http.aclose()
        server.should_exit = True
        await task
