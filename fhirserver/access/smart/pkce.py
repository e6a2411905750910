"""Proof Key for Code Exchange, by S256 alone. https://www.rfc-editor.org/rfc/rfc7636"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from fhirserver.access.smart.errors import invalid_grant, invalid_request

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}\Z")


def check_challenge(challenge: str, method: str) -> None:
    """Raises OAuthError where an authorization request has no S256 challenge. ``plain``, the default, is none."""
    if not challenge:
        raise invalid_request("code_challenge is needed (PKCE with S256)")
    if method != "S256":
        raise invalid_request("code_challenge_method is S256")
    if not _CHALLENGE.match(challenge):
        raise invalid_request("code_challenge is a SHA-256 in base64url, which has 43 characters")


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def check_verifier(verifier: str, challenge: str) -> None:
    """Raises OAuthError where the verifier is not the one that the challenge was made of."""
    if not verifier:
        raise invalid_request("code_verifier is needed")
    if not _VERIFIER.match(verifier) or not hmac.compare_digest(challenge_of(verifier), challenge):
        raise invalid_grant("code_verifier is not the one of this authorization")
