"""Whether a notification may be heard, and what it names.

Nothing is heard without the secret. Its content is not believed either way: it only says where to look.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from adapters.fhir.notices import InvalidNotice, read_notice
from fhirserver.ports.ehr import NotHeard


def heard(
    secret: str, in_path: bool, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> tuple[tuple[str, str], ...]:
    """Type and id of the records that a notification names, maybe none.

    ``path`` is what follows the connector's own address. Raises :class:`~fhirserver.ports.ehr.NotHeard` with the status
    to answer: 401 where the secret is missing or wrong, 404 where none is set, 400 for what is no notification.
    """
    if not secret:
        raise NotHeard(404)
    scheme, _, given = headers.get("authorization", "").partition(" ")
    given = given if scheme.lower() == "bearer" else ""
    if in_path:
        given, _, path = path.partition("/")
    if not hmac.compare_digest(given.encode(), secret.encode()):
        raise NotHeard(401)
    try:
        return read_notice(method, path, body).references
    except InvalidNotice:
        raise NotHeard(400) from None
