"""SMART backend services against the simulated EHR's authorization server, which verifies every signature."""

import asyncio
import json
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import ECKey, RSAKey

from adapters.fhir.ehr import FhirEhr, FhirSettings
from adapters.fhir.retries import RetryPolicy
from adapters.fhir.smart import (
    ClientSecret,
    InvalidKey,
    PrivateKeyJwt,
    SigningKeys,
    SmartTokens,
    TokenSettings,
)
from fhirserver.kernel.instants import FixedClock
from fhirserver.ports.ehr import Retryable, Throttled, Unanswered, Unauthorized, Unusable
from tests.unit.adapters.in_process import BASE, client, ehr_app, no_wait, tiny_bundles

EC = ECKey.generate_key("P-384", {"kid": "ec-1"})
EC_2 = ECKey.generate_key("P-384", {"kid": "ec-2"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa-1"})

with warnings.catch_warnings(action="ignore"):
    SHORT = json.dumps(RSAKey.generate_key(1024, {"kid": "short"}).as_dict(private=True))


def private(*keys):
    return json.dumps({"keys": [key.as_dict(private=True) for key in keys]})


def public(*keys):
    return {"keys": [key.as_dict(private=False) for key in keys]}


@pytest.fixture
async def app(tmp_path):
    app = ehr_app(bundles=tiny_bundles(tmp_path / "bundles"))
    yield app
    app.close()


class Passing(httpx.AsyncBaseTransport):
    """Passes requests on to the simulated EHR and keeps what was asked, in order."""

    def __init__(self, app):
        self.inner = httpx.ASGITransport(app=app)
        self.asked = []
        self.fail = []

    async def handle_async_request(self, request):
        self.asked.append(request.url.path)
        await asyncio.sleep(0)
        if self.fail and request.url.path.endswith("/token"):
            raise self.fail.pop(0)
        return await self.inner.handle_async_request(request)

    def count(self, path):
        return self.asked.count(path)


TOKEN = "/oauth/token"


def provider(app, credentials, **settings):
    transport = app if isinstance(app, httpx.AsyncBaseTransport) else Passing(app)
    options = {name: settings.pop(name) for name in ("clock", "monotonic") if name in settings}
    return SmartTokens(TokenSettings(BASE, **settings), credentials, transport=transport, **options)


def assertions(text, id="credence", kid="", **more):
    return PrivateKeyJwt(id, SigningKeys(lambda: text, kid), **more)


def register(app, **client):
    app.authority.register({"client_id": "credence", **client})


@pytest.mark.parametrize("key", [EC, RSA], ids=["ES384", "RS384"])
async def test_a_signed_assertion_gets_a_token_that_opens_the_ehr(app, key):
    register(app, jwks=public(key))
    tokens = provider(app, assertions(private(key)))
    ehr = FhirEhr(FhirSettings(BASE), tokens, transport=httpx.ASGITransport(app=app))
    pages = [page async for page in ehr.pull()]
    assert any(page.records for page in pages) and app.authority.issued == 1
    await ehr.close()


@pytest.mark.parametrize("key", [EC, RSA], ids=["ES384", "RS384"])
async def test_a_key_in_pem_signs_with_the_kid_of_the_settings_or_its_thumbprint(app, key):
    pem = key.as_pem(private=True).decode()
    register(app, jwks={"keys": [{**key.as_dict(private=False), "kid": "registered"}]})
    assert await provider(app, assertions(pem, kid="registered")).token()
    register(app, jwks={"keys": [{**key.as_dict(private=False), "kid": key.thumbprint()}]})
    assert await provider(app, assertions(pem)).token()


async def test_a_key_that_is_not_registered_is_refused_and_not_tried_again_at_once(app):
    register(app, jwks=public(EC))
    passing = Passing(app)
    tokens = provider(passing, assertions(private(ECKey.generate_key("P-384", {"kid": "ec-1"}))))
    for _ in range(5):
        with pytest.raises(Unauthorized, match="invalid_client"):
            await tokens.token()
    assert passing.count(TOKEN) == 1, "no storm of requests that are refused"


async def test_a_refusal_is_forgotten_after_its_pause(app):
    register(app, jwks=public(EC_2))
    now = [0.0]
    tokens = provider(app, assertions(private(EC)), monotonic=lambda: now[0], pause=15)
    with pytest.raises(Unauthorized):
        await tokens.token()
    register(app, jwks=public(EC))
    with pytest.raises(Unauthorized):
        await tokens.token()
    now[0] = 16
    assert await tokens.token()


async def test_keys_are_rotated_without_a_restart(app):
    """The EHR knows the old key, then the new one; the file has the new one first from the beginning."""
    text = [private(EC)]
    now = [0.0]
    register(app, jwks=public(EC))
    tokens = provider(app, PrivateKeyJwt("credence", SigningKeys(lambda: text[0])), monotonic=lambda: now[0])
    await tokens.token()
    text[0] = private(EC_2, EC)
    now[0] += 400
    assert await tokens.token(), "the old key still works"
    register(app, jwks=public(EC_2))
    now[0] += 400
    assert await tokens.token(), "the new one does from the moment the EHR has it"
    text[0] = private(EC_2)
    now[0] += 400
    assert await tokens.token()


async def test_of_several_keys_the_one_named_is_used(app):
    register(app, jwks=public(EC_2))
    passing = Passing(app)
    assert await provider(passing, assertions(private(EC, EC_2), kid="ec-2")).token()
    assert passing.count(TOKEN) == 1


async def test_a_published_key_set_is_named_by_jku(tmp_path, app):
    """The simulated EHR fetches the registered address; another jku is refused."""
    served = json.dumps(public(EC)).encode()

    async def publish(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(served) + served
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(publish, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks"
    register(app, jwks_uri=url)
    assert await provider(app, assertions(private(EC), jwks_url=url)).token()
    with pytest.raises(Unauthorized):
        await provider(app, assertions(private(EC), jwks_url="http://elsewhere.test/jwks")).token()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("in_form", [False, True], ids=["basic", "post"])
async def test_a_client_secret_is_sent_in_the_header_or_the_form(app, in_form):
    register(app, secret="s3cr3t:%& ü")
    assert await provider(app, ClientSecret("credence", "s3cr3t:%& ü", in_form)).token()
    with pytest.raises(Unauthorized):
        await provider(app, ClientSecret("credence", "wrong", in_form)).token()


@pytest.mark.parametrize("minutes", [-20, 20])
async def test_clocks_that_differ_are_allowed_for(app, minutes):
    register(app, jwks=public(EC))
    clock = FixedClock(datetime.now(UTC) + timedelta(minutes=minutes))
    passing = Passing(app)
    assert await provider(passing, assertions(private(EC)), clock=clock).token()
    assert passing.count(TOKEN) == 2, "the refusal told the EHR's time"


async def test_a_token_is_kept_and_renewed_before_it_ends(app):
    register(app, jwks=public(EC))
    now = [0.0]
    tokens = provider(app, assertions(private(EC)), monotonic=lambda: now[0], early=60)
    first = await tokens.token()
    now[0] = 239
    assert await tokens.token() == first
    now[0] = 241
    assert await tokens.token() != first


async def test_an_early_renewal_that_fails_leaves_the_token_that_still_holds(app):
    register(app, jwks=public(EC))
    now = [0.0]
    passing = Passing(app)
    tokens = provider(passing, assertions(private(EC)), monotonic=lambda: now[0])
    first = await tokens.token()
    passing.fail = [httpx.ConnectError("down"), httpx.ConnectError("down")]
    now[0] = 250
    assert await tokens.token() == first
    now[0] = 301
    with pytest.raises(Unanswered):
        await tokens.token()


async def test_many_requests_at_once_ask_for_one_token(app):
    register(app, jwks=public(EC))
    passing = Passing(app)
    tokens = provider(passing, assertions(private(EC)))
    given = await asyncio.gather(*(tokens.token() for _ in range(50)))
    assert len(set(given)) == 1 and passing.count(TOKEN) == 1
    again = await asyncio.gather(*(tokens.token(refused=given[0]) for _ in range(50)))
    assert set(again).isdisjoint(given) and len(set(again)) == 1 and passing.count(TOKEN) == 2


async def test_a_token_that_ends_in_the_middle_of_paging_is_renewed_there(app):
    register(app, jwks=public(EC))
    async with client(app) as http:
        for _ in range(30):
            await http.post("Patient", json={"resourceType": "Patient"})
    ehr = FhirEhr(
        FhirSettings(BASE, types=("Patient",), page_size=10, retries=RetryPolicy(attempts=1)),
        provider(app, assertions(private(EC))),
        transport=httpx.ASGITransport(app=app),
        sleep=no_wait,
    )
    records = []
    async for page in ehr.pull():
        records += page.records
        app.authority.expire_tokens()
    assert len({record.id for record in records}) == len(records) == 31
    assert app.authority.issued >= 4
    await ehr.close()


async def test_a_token_that_is_never_accepted_is_renewed_once_per_request():
    asked = []

    def handle(request):
        asked.append(request.url.path)
        if request.url.path == TOKEN:
            return httpx.Response(200, json={"access_token": f"t{len(asked)}", "expires_in": 300})
        return httpx.Response(401)

    tokens = SmartTokens(
        TokenSettings(BASE, token_url="http://ehr.test/oauth/token"),
        ClientSecret("a", "b"),
        transport=httpx.MockTransport(handle),
    )
    ehr = FhirEhr(FhirSettings(BASE), tokens, transport=httpx.MockTransport(handle))
    with pytest.raises(Unauthorized):
        await ehr.read("Patient", "1")
    assert asked == [TOKEN, "/fhir/Patient/1", TOKEN, "/fhir/Patient/1"]
    await ehr.close()


STATEMENT = {
    "resourceType": "CapabilityStatement",
    "rest": [
        {
            "mode": "server",
            "security": {
                "extension": [
                    {
                        "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                        "extension": [{"url": "token", "valueUri": "http://ehr.test/old/token"}],
                    }
                ]
            },
        }
    ],
}


async def test_an_ehr_older_than_discovery_says_it_in_its_capability_statement():
    def handle(request):
        if request.url.path.endswith("smart-configuration"):
            return httpx.Response(404, text="<html>not here</html>")
        if request.url.path.endswith("metadata"):
            return httpx.Response(200, json=STATEMENT)
        assert request.url.path == "/old/token"
        return httpx.Response(200, json={"access_token": "t", "token_type": "bearer"})

    assert await provider(httpx.MockTransport(handle), ClientSecret("a", "b")).token() == "t"


@pytest.mark.parametrize(
    ("status", "body", "headers", "error", "words"),
    [
        (400, {"error": "invalid_client"}, {}, Unauthorized, "invalid_client"),
        (401, {"error": "invalid_client", "error_description": "Maria"}, {}, Unauthorized, "invalid_client"),
        (400, {"error": "invalid_scope"}, {}, Unauthorized, "invalid_scope"),
        (400, {"error": "Maria Alvarez"}, {}, Unauthorized, "no reason given"),
        (400, {"error": "temporarily_unavailable"}, {}, Retryable, "could not"),
        (403, b"<html>", {}, Unauthorized, "no reason given"),
        (429, {}, {"Retry-After": "7"}, Throttled, "fewer"),
        (302, b"", {"Location": "http://login.test"}, Unusable, "redirects"),
        (500, b"", {}, Retryable, "could not"),
        (503, b"<html>", {"Retry-After": "9"}, Retryable, "could not"),
        (200, b"<html>", {}, Retryable, "without a token"),
        (200, {"access_token": ""}, {}, Retryable, "without a token"),
        (200, {"access_token": "a\nb"}, {}, Retryable, "without a token"),
        (200, [], {}, Retryable, "without a token"),
    ],
)
async def test_what_a_token_endpoint_says_becomes_an_error_of_the_port(status, body, headers, error, words):
    def handle(request):
        given = {"content": body} if isinstance(body, bytes) else {"json": body}
        return httpx.Response(status, headers=headers, **given)

    tokens = provider(httpx.MockTransport(handle), ClientSecret("a", "b"), token_url="http://ehr.test/t")
    with pytest.raises(error, match=words) as raised:
        await tokens.token()
    assert type(raised.value) is error and "Maria" not in str(raised.value)
    assert raised.value.status != 403, "403 would be laid to the change that met it"


async def test_a_token_endpoint_without_encryption_is_refused_where_the_ehr_has_it():
    def handle(request):
        return httpx.Response(200, json={"token_endpoint": "http://ehr.test/token"})

    tokens = SmartTokens(
        TokenSettings("https://ehr.test/fhir"), ClientSecret("a", "b"), transport=httpx.MockTransport(handle)
    )
    with pytest.raises(Unusable, match="not encrypted"):
        await tokens.token()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "neither PEM nor JSON"),
        ("{}", "no private key"),
        (json.dumps(public(EC)), "no private key"),
        (private(ECKey.generate_key("P-256")), "no private key"),
        (SHORT, "2048 bits"),
        ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----", "cannot be read"),
        ('{"kty": "EC", "crv": "P-384", "d": "x"}', "cannot be read"),
    ],
    # Keys are made anew in each process, and the names of tests must not hang on them.
    ids=("nothing", "no members", "public", "another curve", "short", "broken PEM", "broken JWK"),
)
def test_a_file_without_a_usable_key_is_named_so(text, words):
    with pytest.raises(InvalidKey, match=words):
        SigningKeys(lambda: text).all()


async def test_a_key_that_cannot_be_used_leaves_the_change_alone(app):
    with pytest.raises(Unusable, match="neither PEM nor JSON"):
        await provider(app, assertions("nonsense")).token()


def test_the_standard_s_own_example_keys_are_read():
    folder = Path(__file__).parents[4] / "shared" / "corpus" / "smart-app-launch"
    if not folder.exists():
        pytest.skip("no corpus here")
    for name, algorithm in (("ES384", "ES384"), ("RS384", "RS384")):
        (key,) = SigningKeys(lambda name=name: (folder / f"{name}.private.json").read_text()).all()
        assert key.algorithm == algorithm


def test_nothing_secret_is_in_a_repr(app):
    proof = next(ClientSecret("credence", "s3cr3t").proofs("http://t", 0.0))
    assert "s3cr3t" not in repr(proof) and "Basic" not in repr(proof)
