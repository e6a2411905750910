"""The headers that every answer has, so that a browser does nothing with it that was not meant.

https://owasp.org/www-project-secure-headers/, https://www.rfc-editor.org/rfc/rfc6797 (HSTS)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

Headers = list[tuple[bytes, bytes]]

HSTS: Final = (b"strict-transport-security", b"max-age=31536000")
ALWAYS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""Those of every answer, whatever it is."""
POLICY: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
"""Of what is no page: nothing in it may run, load or be framed."""
NO_STORE: Final = (b"cache-control", b"no-store")
_CONSOLE: Final = "/console"
_ALONE: Final = (b"cross-origin-opener-policy", b"same-origin")
"""Of the console's pages. An app that opens a window to sign in must be able to hear from it, so others have it not."""
_UNCHANGING: Final = ("/console/static/",)
"""Files of the program, which browsers may keep as long as they ask whether they are still the same."""
_REVALIDATED: Final = (b"cache-control", b"no-cache")


def completed(headers: Iterable[tuple[bytes, bytes]], scope: Mapping[str, Any]) -> Headers:
    """The headers of an answer, and those that it lacks."""
    found = list(headers)
    there = {name.lower() for name, _ in found}
    path = str(scope.get("path", ""))
    wanted = [*ALWAYS, POLICY, _REVALIDATED if path.startswith(_UNCHANGING) else NO_STORE]
    if path.startswith(_CONSOLE):
        wanted.append(_ALONE)
    if is_secure(scope):
        wanted.append(HSTS)
    return found + [header for header in wanted if header[0] not in there]


def is_secure(scope: Mapping[str, Any]) -> bool:
    """Whether a request came over TLS, to us or to a proxy that is trusted."""
    return scope.get("scheme") in ("https", "wss")


def as_text(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Lines of a response's head."""
    return "".join(f"{name.decode()}: {value.decode()}\r\n" for name, value in headers)
