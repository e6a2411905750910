"""Redirection URIs: which may be registered, and which one is meant.

https://www.rfc-editor.org/rfc/rfc6749#section-3.1.2, https://www.rfc-editor.org/rfc/rfc8252#section-7,
https://www.rfc-editor.org/rfc/rfc9700#section-2.1
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import SplitResult, urlencode, urlsplit, urlunsplit

_MOST_CHARACTERS = 2000
_ALLOWED = re.compile(r"(?:[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+\Z")
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9\-.]+)(?::[0-9]{1,5})?\Z")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?\Z")
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)\Z")
_LONGEST_HOST = 253
_STANDARD_PORTS = {"http": ":80", "https": ":443"}
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+\-]*(\.[a-z0-9+\-]+)+\Z")
_NO_HOST = "its host is no domain name and no IP address"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def redirect_problem(uri: str) -> str | None:
    """Why a URI may not be registered to redirect to; None where it may.

    It is https; or http on the loopback interface, for what runs on the user's own machine; or of a private-use
    scheme that is a reversed domain name (``com.example.app:/callback``), for native apps. A host is a domain name of
    letters, digits and hyphens, or an IP address: it goes into headers, where ``;`` begins something else.
    """
    if len(uri) > _MOST_CHARACTERS or not _ALLOWED.match(uri):
        return "it is longer than 2000 characters, or holds one that a URI without a fragment cannot have"
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return "it is not a URI"
    if "[" in parts.path + parts.query or "]" in parts.path + parts.query:
        return "it holds a bracket outside of its host"
    if parts.scheme in ("http", "https"):
        return _web_problem(parts)
    if parts.netloc and not _is_authority(parts.netloc):
        return _NO_HOST
    if not _PRIVATE_SCHEME.match(parts.scheme):
        return "its scheme is neither https nor a reversed domain name such as com.example.app"
    return None if parts.path else "it has no path"


def _web_problem(parts: SplitResult) -> str | None:
    if not parts.hostname:
        return "it has no host"
    if "@" in parts.netloc:
        return "it holds a user or password"
    if not _is_authority(parts.netloc):
        return _NO_HOST
    if any(
        segment in (".", "..") for segment in parts.path.replace("%2e", ".").replace("%2E", ".").split("/")
    ):
        return "its path has dot segments"
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        return "it is http, which is for the loopback interface only"
    return None


def _is_authority(netloc: str) -> bool:
    """Whether this is a host that there can be, with a port or without."""
    found = _AUTHORITY.match(netloc.lower())
    if found is None:
        return False
    host = found[1]
    try:
        if host.startswith("["):
            IPv6Address(host[1:-1])
        elif _NUMBER.match(host.rpartition(".")[2]):  # browsers take it for an IPv4 address, or for nothing
            IPv4Address(host)
    except ValueError:
        return False
    labels = () if host.startswith("[") else host.split(".")
    return len(host) <= _LONGEST_HOST and all(map(_LABEL.match, labels))


def matches(registered: Collection[str], uri: str) -> bool:
    """Whether a URI is one of those registered: character by character the same."""
    return uri in registered


def with_parameters(uri: str, parameters: Mapping[str, str]) -> str:
    """The URI with parameters added to its query."""
    parts = urlsplit(uri)
    query = "&".join(part for part in (parts.query, urlencode(parameters)) if part)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def origin_of(uri: str) -> str:
    """The origin of a web page, as browsers send it; empty for what is no page of the web.

    https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin
    """
    parts = urlsplit(uri)
    if parts.scheme not in _STANDARD_PORTS:
        return ""
    return f"{parts.scheme}://{parts.netloc}".lower().removesuffix(_STANDARD_PORTS[parts.scheme])
