"""Cookies that hold the secrets of sessions, and whether a request comes from a page of ours.

https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis: ``__Host-`` keeps other hosts of the same site from
setting one. https://www.w3.org/TR/fetch-metadata/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

_FROM_HERE = ("same-origin", "none")


@dataclass(frozen=True, slots=True)
class SecretCookie:
    """One cookie of ours. Scripts never see it. ``path`` is where it goes without encryption; with it, everywhere.

    ``same_site``: ``lax`` where people come from pages of others, ``strict`` where they never do. ``alone``:
    whether it is the only one of its name on this host; one of several goes to its own path, always.
    """

    name: str
    path: str
    same_site: Literal["lax", "strict"]
    alone: bool = True

    def named(self, secure: bool) -> str:
        """Its name; ``secure``: the server is reached by https."""
        if not secure:
            return self.name
        return f"__Host-{self.name}" if self.alone else f"__Secure-{self.name}"

    def read(self, cookies: Mapping[str, str], secure: bool) -> str:
        """What a browser sent; empty where it sent none."""
        return cookies.get(self.named(secure), "")

    def kept(self, value: str, seconds: int, secure: bool) -> dict[str, Any]:
        """The arguments of ``Response.set_cookie``."""
        return {"value": value, "max_age": seconds, **self.gone(secure)}

    def gone(self, secure: bool) -> dict[str, Any]:
        """The arguments of ``Response.delete_cookie``."""
        return {
            "key": self.named(secure),
            "path": "/" if secure and self.alone else self.path,
            "secure": secure,
            "httponly": True,
            "samesite": self.same_site,
        }


def is_from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Whether the browser says that a page of another origin made this request.

    Older browsers say only the origin, and not even that where a page keeps its referrer to itself, as ours do.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in _FROM_HERE
    origin = headers.get("origin", "null")
    return origin != "null" and urlsplit(origin).netloc != headers.get("host")
