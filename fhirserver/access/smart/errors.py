"""Errors as OAuth 2.0 names them. https://www.rfc-editor.org/rfc/rfc6749#section-5.2"""

from __future__ import annotations


class OAuthError(Exception):
    """A request that is refused. ``code`` is one of the standards' error codes, ``status`` that of HTTP.

    ``description`` is for the developer of the client: it never holds a secret, a token or anything of a patient.
    """

    def __init__(self, code: str, description: str, status: int = 400):
        self.code, self.description, self.status = code, _plain(description), status
        super().__init__(f"{code}: {description}")


def _plain(text: str) -> str:
    """Only what an ``error_description`` may hold: %x20-21 / %x23-5B / %x5D-7E."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" if c == '"' else "?" for c in text)


def invalid_request(description: str) -> OAuthError:
    """A parameter is missing, twice there, or not what it must be."""
    return OAuthError("invalid_request", description)


def invalid_client(description: str) -> OAuthError:
    """The client is not known, or did not prove that it is the one."""
    return OAuthError("invalid_client", description, 401)


def invalid_grant(description: str) -> OAuthError:
    """The code or refresh token does not hold, or is another client's."""
    return OAuthError("invalid_grant", description)


def invalid_scope(description: str) -> OAuthError:
    """Nothing of what was asked for can be granted, or it cannot be read."""
    return OAuthError("invalid_scope", description)


def unauthorized_client(description: str) -> OAuthError:
    """The client may not use this grant type."""
    return OAuthError("unauthorized_client", description)
