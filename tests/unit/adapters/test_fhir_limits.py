"""What an EHR sends that it should not: bombs, other formats, other servers, wrong certificates."""

import asyncio
import gzip
import ssl
import zlib
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.fhir.bodies import TooLarge
from adapters.fhir.ehr import FhirEhr, FhirSettings
from adapters.fhir.retries import RetryPolicy
from adapters.fhir.tokens import StaticToken
from fhirserver.ports.ehr import Permanent, Retryable, Unanswered, Unauthorized, Unusable
from tests.unit.adapters.in_process import adapter, ehr_app, tiny_bundles

PATIENT = b'{"resourceType":"Patient","id":"a"}'


class Streamed(httpx.AsyncByteStream):
    """A body that is counted as it is read."""

    def __init__(self, content, size=16 * 1024):
        self.content, self.size, self.sent = content, size, 0

    async def __aiter__(self):
        for start in range(0, len(self.content), self.size):
            self.sent += self.size
            yield self.content[start : start + self.size]


def answering(stream, **headers):
    class Transport(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            return httpx.Response(200, headers=headers, stream=stream)

    return Transport()


async def test_a_gzip_bomb_is_not_unpacked():
    bomb = Streamed(gzip.compress(b" " * 300_000_000))  # 290 KB on the wire
    ehr = adapter(None, answering(bomb, **{"content-encoding": "gzip"}), answer_bytes=1_000_000)
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TooLarge, match="larger than 1000000 bytes"):
        await ehr.read("Patient", "a")
    assert bomb.sent <= 2 * bomb.size
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "kilobytes"
    await ehr.close()


async def test_an_endless_answer_is_left():
    endless = Streamed(b"x" * 50_000_000)
    ehr = adapter(None, answering(endless), answer_bytes=1_000_000)
    with pytest.raises(TooLarge):
        await ehr.read("Patient", "a")
    assert endless.sent < 2_000_000
    await ehr.close()


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd", "compress"])
async def test_other_packings_than_the_one_we_asked_for_are_refused(encoding):
    packed = Streamed(gzip.compress(gzip.compress(PATIENT)))
    ehr = adapter(None, answering(packed, **{"content-encoding": encoding}))
    with pytest.raises(Unusable, match="compresses"):
        await ehr.read("Patient", "a")
    await ehr.close()


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
async def test_what_is_packed_well_is_read(pack):
    name = "gzip" if pack is gzip.compress else "deflate"
    ehr = adapter(None, answering(Streamed(pack(PATIENT), 7), **{"content-encoding": name}))
    assert (await ehr.read("Patient", "a")).id == "a"
    await ehr.close()


async def test_what_is_packed_wrongly_is_asked_for_again():
    ehr = adapter(None, answering(Streamed(b"\x1f\x8bnonsense"), **{"content-encoding": "gzip"}))
    with pytest.raises(Retryable, match="packed wrongly"):
        await ehr.read("Patient", "a")
    await ehr.close()


@pytest.mark.parametrize("deep", [500, 200_000])
async def test_json_nested_too_deeply_is_refused_and_breaks_nothing(deep):
    nested = b'{"resourceType":"Patient","id":"a","x":' + b"[" * deep + b"]" * deep + b"}"
    ehr = adapter(None, answering(Streamed(nested)))
    with pytest.raises((Permanent, Retryable)):
        await ehr.read("Patient", "a")
    await ehr.close()


async def test_pages_too_large_are_asked_for_in_smaller_ones(tmp_path):
    app = ehr_app(bundles=tiny_bundles(tmp_path / "bundles"))
    for _ in range(60):
        app.records.put({"resourceType": "Patient", "name": [{"text": "x" * 1000}]}, app.clinic.new_id())
    ehr = adapter(app, types=("Patient",), page_size=50, answer_bytes=30_000)
    records = [record async for page in ehr.pull() for record in page.records]
    assert len({record.id for record in records}) == 61
    await ehr.close()
    app.close()


async def test_an_ehr_that_only_speaks_xml_is_named_so(tmp_path):
    app = ehr_app(bundles=tiny_bundles(tmp_path / "bundles"))
    app.habits.change({"xml": True})
    ehr = adapter(app)
    with pytest.raises(Unusable, match="XML"):
        await anext(ehr.pull())
    assert (await ehr.health()).problem == "Unusable"
    await ehr.close()
    app.close()


async def test_redirects_of_reads_are_followed_at_home_only():
    def handle(request):
        moved = {
            "/fhir/Patient/near": "/fhir/Patient/a",
            "/fhir/Patient/far": "http://elsewhere.test/Patient/a",
            "/fhir/Patient/round": "/fhir/Patient/round",
        }
        if place := moved.get(request.url.path):
            return httpx.Response(307, headers={"Location": place})
        assert request.url.host == "ehr.test", "the token must not go elsewhere"
        return httpx.Response(200, content=PATIENT)

    ehr = adapter(None, httpx.MockTransport(handle))
    assert (await ehr.read("Patient", "near")).id == "a"
    for id in ("far", "round"):
        with pytest.raises(Unusable, match="redirects"):
            await ehr.read("Patient", id)
    await ehr.close()


def certificate(folder, *, days=1, name="localhost"):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=10))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "ehr.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


async def test_a_certificate_that_is_not_valid_is_told_and_makes_no_storm(tmp_path):
    met = []

    async def serve(reader, writer):
        met.append(1)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=certificate(tmp_path))
    port = server.sockets[0].getsockname()[1]
    settings = FhirSettings(f"https://localhost:{port}/fhir", retries=RetryPolicy(attempts=10))
    ehr = FhirEhr(settings, StaticToken("t"))
    with pytest.raises(Unusable, match=r"certificate is not valid: self.signed"):
        await anext(ehr.pull())
    assert (await ehr.health()).problem == "Unusable"
    assert issubclass(Unusable, Unauthorized), "what waits is not laid to it"
    assert not met, "no request was sent"
    await ehr.close()
    server.close()
    await server.wait_closed()


async def test_nobody_there_is_no_wrong_certificate():
    ehr = FhirEhr(FhirSettings("https://localhost:9/fhir", retries=RetryPolicy(attempts=1)), StaticToken("t"))
    with pytest.raises(Unanswered):
        await ehr.read("Patient", "a")
    await ehr.close()


@pytest.mark.parametrize("link", ["http://ehr.test:99999999/fhir", "http://[::1", "//", "javascript:1"])
async def test_a_link_that_is_no_address_is_refused(link):
    def handle(request):
        if request.url.path.endswith("metadata"):
            return httpx.Response(200, json={"resourceType": "CapabilityStatement"})
        page = {"resourceType": "Bundle", "link": [{"relation": "next", "url": link}]}
        return httpx.Response(200, json=page)

    ehr = adapter(None, httpx.MockTransport(handle), types=("Patient",))
    with pytest.raises(Permanent):
        async for _ in ehr.pull():
            pass
    await ehr.close()
