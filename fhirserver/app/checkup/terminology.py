"""Whether the other terminology server answers, and what it knows."""

from __future__ import annotations

import asyncio

from fhirserver.app.checkup.finding import Finding, error, good, warning
from fhirserver.app.connectors.secrets import MissingSecret
from fhirserver.app.settings import Settings


async def terminology(settings: Settings) -> list[Finding]:
    """Nothing where none is set."""
    return await asyncio.to_thread(_asked, settings)


def _asked(settings: Settings) -> list[Finding]:
    chosen = settings.terminology
    if chosen.remote is None:
        return []
    from fhirserver.app.remote_terminology import remote_server
    from terminology.remote.faults import NoAnswer, Unavailable

    subject = "[terminology] server"
    try:
        server = remote_server(chosen, settings.secrets)
    except MissingSecret as missing:
        return [error(subject, str(missing), "put the secret where it is looked for")]
    try:
        systems = server.systems()
    except Unavailable as fault:
        todo = "check [terminology] server and token; allow_private where it is inside, ca_file for its certificate"
        return [error(subject, f"does not answer: {fault}", todo)]
    except NoAnswer:
        return [good(subject, "answers, and does not say which code systems it has")]
    finally:
        server.close()
    absent = sorted(chosen.remote.systems - systems - {"*"})
    if absent:
        words = f"answers, and does not say that it has {', '.join(absent)}"
        return [warning(subject, words, "check [terminology] systems: its false is not believed about these")]
    return [good(subject, f"answers, {len(systems)} code systems")]
