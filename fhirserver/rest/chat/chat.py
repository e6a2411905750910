"""What the endpoints of ``/chat`` are given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fhirserver.access.app_users import AppUserTokens
from fhirserver.access.audit.event import Audit, NoAudit
from fhirserver.access.principals import Principals
from fhirserver.ports.chats import Chats
from fhirserver.rest.chat.limits import Limits

if TYPE_CHECKING:
    from fhirserver.access.demo_users import DemoUsers
    from fhirserver.rest.platform.rights import Asked

PATH = "/chat"
_NOBODY = NoAudit()


@dataclass(frozen=True)
class Chat:
    """``fhir_base`` is how references to patients may begin; ``asked`` says who a token of the platform's side is, for
    what the practice begins. ``ending`` is set when the server is about to stop. ``attachment_bytes``: of one picture
    or document."""

    chats: Chats
    principals: Principals
    tokens: AppUserTokens
    asked: Callable[[str | None, Mapping[str, Any]], Awaitable[Asked]]
    ending: asyncio.Event
    fhir_base: str = ""
    audit: Audit = _NOBODY
    limits: Limits = field(default_factory=Limits)
    attachment_bytes: int = 6 * 1024 * 1024
    demo: DemoUsers | None = None
    """Who visits the demo page; None where there is none."""
    at: str = PATH
    """The path at which others find all this."""
