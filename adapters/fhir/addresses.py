"""Which addresses may be asked: those below the EHR's base, and servers that the settings name beside it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import httpx

from fhirserver.ports.ehr import Permanent

Origin = tuple[str, str, int | None]


class Addresses:
    """The addresses of one EHR.

    ``base_url`` is its FHIR base. ``also_at`` are origins such as ``https://files.example.org`` to which its links
    may lead too; the token goes there as well.
    """

    def __init__(self, base_url: str, also_at: frozenset[str] = frozenset()):
        self.base = httpx.URL(base_url.rstrip("/") + "/")
        self._allowed = {_origin(self.base), *(_origin(httpx.URL(origin)) for origin in also_at)}

    def of(self, path: str, query: Mapping[str, str] | None = None) -> httpx.URL:
        """The address of ``path``, which is relative to the base or a link that the EHR gave.

        Raises :class:`~fhirserver.ports.ehr.Permanent` for one that leads elsewhere: the token would go there.
        """
        try:
            url = self.base.join(path)
        except (httpx.InvalidURL, ValueError):
            raise Permanent("the EHR's link is no address") from None
        if _origin(url) not in self._allowed:
            raise Permanent("the EHR's link leads to another server")
        return url.copy_with(query=urlencode(query, safe=":/|").encode()) if query else url


def _origin(url: httpx.URL) -> Origin:
    return url.scheme, url.host, url.port
