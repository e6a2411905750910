"""Redirection URIs: which may be registered, and which one is meant.

https://www.rfc-editor.org/rfc/rfc6749#section-3.1.2, https://www.rfc-editor.org/rfc/rfc8252#section-7,
https://www.rfc-editor.org/rfc/rfc9700#section-2.1
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from urllib.parse import SplitResult, urlencode, urlsplit, urlunsplit

_MOST_CHARACTERS = 2000
_ALLOWED = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+\Z")
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+\-]*(\.[a-z0-9+\-]+)+\Z")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def redirect_problem(uri: str) -> str | None:
    """Why a URI may not be registered to redirect to; None where it may.

    It is https; or http on the loopback interface, for what runs on the user's own machine; or of a private-use
    scheme that is a reversed domain name (``com.example.app:/callback``), for native apps.
    """
    if len(uri) > _MOST_CHARACTERS or not _ALLOWED.match(uri):
        return "it is longer than 2000 characters, or holds one that a URI without a fragment cannot have"
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return "it is not a URI"
    if parts.scheme in ("http", "https"):
        return _web_problem(parts)
    if not _PRIVATE_SCHEME.match(parts.scheme):
        return "its scheme is neither https nor a reversed domain name such as com.example.app"
    return None if parts.path else "it has no path"


def _web_problem(parts: SplitResult) -> str | None:
    if not parts.hostname:
        return "it has no host"
    if "@" in parts.netloc:
        return "it holds a user or password"
    if any(
        segment in (".", "..") for segment in parts.path.replace("%2e", ".").replace("%2E", ".").split("/")
    ):
        return "its path has dot segments"
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        return "it is http, which is for the loopback interface only"
    return None


def matches(registered: Collection[str], uri: str) -> bool:
    """Whether a URI is one of those registered: character by character the same."""
    return uri in registered


def with_parameters(uri: str, parameters: Mapping[str, str]) -> str:
    """The URI with parameters added to its query."""
    parts = urlsplit(uri)
    query = "&".join(part for part in (parts.query, urlencode(parameters)) if part)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def origin_of(uri: str) -> str:
    """The origin of a web page, as browsers send it; empty for what is no page of the web."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.scheme in ("http", "https") else ""
