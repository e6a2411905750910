"""Where an EHR hands out tokens. https://hl7.org/fhir/smart-app-launch/conformance.html"""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from adapters.fhir.bodies import ENCODING, whole
from adapters.fhir.refusals import refusal, unanswered
from fhirserver.kernel.instants import Clock
from fhirserver.kernel.json import InvalidJson, Json, JsonObject, loads
from fhirserver.ports.ehr import EhrError, Retryable, Unusable

MOST_BYTES = 1024 * 1024
_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The token endpoint."""

    url: str


async def ask(
    http: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    form: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, httpx.Headers, bytes]:
    """Status, headers and body of one request without a token. Raises the port's errors where there is no answer."""
    own = {"Accept": "application/json", "Accept-Encoding": ENCODING, **(headers or {})}
    try:
        request = http.build_request(method, url, data=form, headers=own)
        response = await http.send(request, stream=True)
        try:
            return response.status_code, response.headers, await whole(response, MOST_BYTES)
        finally:
            await response.aclose()
    except httpx.InvalidURL:
        raise Unusable("the address of the token endpoint is no address") from None
    except httpx.HTTPError as error:
        raise unanswered(error) from None


async def discover(http: httpx.AsyncClient, base_url: str, clock: Clock) -> Endpoint:
    """The token endpoint of the EHR at ``base_url``: as SMART says, or else as its CapabilityStatement does."""
    base = base_url.rstrip("/")
    status, headers, body = await ask(http, "GET", f"{base}/.well-known/smart-configuration")
    if status == 200:
        return Endpoint(_checked(base, _object(body).get("token_endpoint")))
    if status not in (400, 401, 403, 404, 405):
        raise _failed(status, headers, body, clock)
    status, headers, body = await ask(
        http, "GET", f"{base}/metadata", headers={"Accept": "application/fhir+json"}
    )
    if status != 200:
        raise _failed(status, headers, body, clock)
    return Endpoint(_checked(base, _stated(_object(body))))


def _failed(status: int, headers: httpx.Headers, body: bytes, clock: Clock) -> EhrError:
    error = refusal(status, headers, body, clock.now())
    if isinstance(error, Retryable | Unusable):
        return error
    return Unusable("the EHR does not say where its tokens come from", status=status)


def _checked(base: str, url: Json) -> str:
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise Unusable("the EHR does not say where its tokens come from")
    if base.startswith("https://") and not url.startswith("https://"):
        raise Unusable("the EHR's token endpoint is not encrypted")
    return url


def _object(body: bytes) -> JsonObject:
    try:
        found = loads(body)
    except InvalidJson:
        raise Retryable("the answer is not JSON") from None
    return found if isinstance(found, dict) else {}


def _stated(statement: JsonObject) -> Json:
    """The token endpoint in a CapabilityStatement, as SMART had it before it had discovery."""
    for rest in _dicts(statement.get("rest")):
        security = rest.get("security")
        for extension in _dicts(security.get("extension") if isinstance(security, dict) else None):
            if extension.get("url") == _OAUTH_URIS:
                for each in _dicts(extension.get("extension")):
                    if each.get("url") == "token":
                        return each.get("valueUri")
    return None


def _dicts(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
