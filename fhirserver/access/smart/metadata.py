"""What the server says of itself.

https://hl7.org/fhir/smart-app-launch/conformance.html, https://openid.net/specs/openid-connect-discovery-1_0.html,
https://www.rfc-editor.org/rfc/rfc8414
"""

from __future__ import annotations

from fhirserver.access.smart.client_jwks import ASSERTION_ALGORITHMS
from fhirserver.access.smart.clients import GRANT_TYPES, METHODS
from fhirserver.access.smart.keys import ALGORITHMS
from fhirserver.access.smart.settings import CLOSED, AuthorizationSettings
from fhirserver.kernel.json import JsonObject

CAPABILITIES = (
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-banner",
    "context-style",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "context-standalone-encounter",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
)
_SCOPES = (
    *("openid", "fhirUser", "profile", "launch", "launch/patient", "launch/encounter"),
    *("offline_access", "online_access", "patient/*.cruds", "user/*.cruds", "system/*.cruds"),
)
_SECURITY = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SERVICES = "http://terminology.hl7.org/CodeSystem/restful-security-service"


def _endpoints(settings: AuthorizationSettings) -> JsonObject:
    issuer = settings.addresses.issuer
    told = {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/auth/jwks",
        "authorization_endpoint": f"{issuer}/auth/authorize",
        "token_endpoint": settings.addresses.token,
        "introspection_endpoint": f"{issuer}/auth/introspect",
        "revocation_endpoint": f"{issuer}/auth/revoke",
    }
    if settings.registration.mode != CLOSED:
        told["registration_endpoint"] = f"{issuer}/auth/register"
    return told


def _abilities() -> JsonObject:
    return {
        "grant_types_supported": list(GRANT_TYPES),
        "token_endpoint_auth_methods_supported": list(METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "scopes_supported": list(_SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
    }


def smart_configuration(settings: AuthorizationSettings) -> JsonObject:
    """``[base]/.well-known/smart-configuration``."""
    told = {**_endpoints(settings), **_abilities(), "capabilities": list(CAPABILITIES)}
    if settings.management_url:
        told["management_endpoint"] = settings.management_url
    if settings.brands is not None:
        told["user_access_brand_bundle"] = f"{settings.addresses.issuer}/auth/brands"
        if settings.brand is not None:
            told["user_access_brand_identifier"] = settings.brand
    return told


def openid_configuration(settings: AuthorizationSettings) -> JsonObject:
    """``[issuer]/.well-known/openid-configuration``, and what :rfc:`8414` asks for."""
    claims = (
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "auth_time",
        "nonce",
        "at_hash",
        "fhirUser",
        "name",
        "profile",
    )
    return {
        **_endpoints(settings),
        **_abilities(),
        "userinfo_endpoint": f"{settings.addresses.issuer}/auth/userinfo",
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(reversed(ALGORITHMS)),
        "claims_supported": list(claims),
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": list(METHODS[1:]),
        "introspection_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
    }


def rest_security(settings: AuthorizationSettings) -> JsonObject:
    """What ``CapabilityStatement.rest.security`` says of it."""
    endpoints = _endpoints(settings)
    named = {
        "authorize": "authorization_endpoint",
        "token": "token_endpoint",
        "introspect": "introspection_endpoint",
        "revoke": "revocation_endpoint",
        "register": "registration_endpoint",
    }
    told = [
        {"url": name, "valueUri": endpoints[member]} for name, member in named.items() if member in endpoints
    ]
    return {
        "extension": [{"url": _SECURITY, "extension": told}],
        "service": [
            {
                "coding": [{"system": _SERVICES, "code": "SMART-on-FHIR", "display": "SMART-on-FHIR"}],
                "text": "OAuth2 using SMART-on-FHIR profile (see http://docs.smarthealthit.org)",
            }
        ],
    }
