"""How often one user may have something kept."""

from __future__ import annotations

import math

from fhirserver.kernel.outcomes import Category, Issue, Refusal
from fhirserver.ports.chats import ChatUser
from fhirserver.rest.chat.chat import Chat


def paced(chat: Chat, user: ChatUser, what: str = "") -> None:
    """Count one more message of a user, or something else, which has a count of its own. Refuses (429) too many."""
    seconds = chat.pace.wait((user.service, user.key, what))
    if seconds:
        wait = str(math.ceil(seconds))
        issue = Issue("throttled", f"Too many messages; come again in {wait} s")
        raise Refusal(Category.TOO_MANY, (issue,), {"Retry-After": wait})
