"""Access tokens from an EHR's authorization server. https://hl7.org/fhir/smart-app-launch/backend-services.html"""

from adapters.fhir.smart.credentials import ClientSecret, Credentials, PrivateKeyJwt
from adapters.fhir.smart.keys import InvalidKey, SigningKeys
from adapters.fhir.smart.tokens import SmartTokens, TokenSettings

__all__ = [
    "ClientSecret",
    "Credentials",
    "InvalidKey",
    "PrivateKeyJwt",
    "SigningKeys",
    "SmartTokens",
    "TokenSettings",
]
