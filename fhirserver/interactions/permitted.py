"""Where permissions are enforced: every interaction and operation of a principal with permissions passes here once.

What it then reads and writes goes through the principal's view of the store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fhirserver.access.guarded import GuardedStore
from fhirserver.access.owners import owner_of
from fhirserver.access.permissions import Permissions, Reading
from fhirserver.access.principals import Principal
from fhirserver.access.visibility import forbidden
from fhirserver.interactions.exchange import Context, Request
from fhirserver.interactions.subscription.ownership import OwnSubscriptions
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.search.coded import LISTED_AT_MOST
from fhirserver.search.expression import Expression
from fhirserver.search.parse import parse

_LETTERS = {
    "read": "r",
    "vread": "r",
    "history-instance": "r",
    "search-type": "s",
    "history-type": "s",
    "create": "c",
    "update": "cu",
    "patch": "u",
    "delete": "d",
}
"""By the code of an interaction, of which letters one is needed on its type. Those of the system ask each type."""
BREAK_GLASS = "x-break-glass"
"""The header with the reason for which somebody looks at what is hidden from them. Each such access is audited."""
_LEAST_WORDS = 2
_MOST_REASON = 500
_MOST_VIEWS = 1024
"""Views that are kept, of principals who come again and again."""
_OPERATION_LETTERS = {"read": "rs", "write": "cud"}


def known_view(context: Context, request: Request) -> Context | None:
    """What :func:`guarded` answers where that is known from before: on the way of every request of an app."""
    principal = request.principal
    known = context.views.get((id(principal), _letters(request)))
    if known is None or known[0] is not principal or BREAK_GLASS in request.headers:
        return None
    return known[1]


async def guarded(context: Context, request: Request) -> Context:
    """The context with the store as the principal sees it."""
    if isinstance(context.store, GuardedStore):
        return context
    permissions, letters = _opened(request), _letters(request)
    if permissions.follows_parameters:
        await context.store.parameters.refresh()
        return narrowed(context, request.principal, permissions, letters)
    view = narrowed(context, request.principal, permissions, letters)
    if len(context.views) >= _MOST_VIEWS:
        context.views.clear()
    context.views[id(request.principal), letters] = (request.principal, view)
    return view


def narrowed(
    context: Context, principal: Principal, permissions: Permissions, letters: str = "rs"
) -> Context:
    """The context with the store as far as permissions of the principal go."""
    owned = OwnSubscriptions(context.store, owner_of(principal), context.base_url)
    store = GuardedStore(context.store, permissions, _reading(context), owned, letters)
    narrow = replace(context, store=store)
    object.__setattr__(narrow, "topics", context.topics)
    return narrow


def _opened(request: Request) -> Permissions:
    """The permissions of who asks; with a reason for it, also to what is hidden from them otherwise (break-glass).

    Raises a refusal (403) for a reason by somebody who may not give one, (400) for one that says nothing.
    """
    principal, reason = request.principal, request.headers.get(BREAK_GLASS)
    assert principal.permissions is not None
    if reason is None or principal.permissions.broken:
        return principal.permissions
    if not principal.permissions.opens:
        raise forbidden("You may not see what is confidential by giving a reason")
    if len(reason.split()) < _LEAST_WORDS or len(reason) > _MOST_REASON:
        text = f"The reason is said in {_LEAST_WORDS} words or more, and {_MOST_REASON} characters at most"
        raise refuse(Category.INVALID, "value", text, f"http.{BREAK_GLASS}")
    permissions = principal.permissions.opened(reason)
    request.principal = replace(principal, permissions=permissions)
    return permissions


def _letters(request: Request) -> str:
    """By which permission resources are read one by one: a read of one resource, or its versions, is by ``r``."""
    reads_one = request.id and request.method in ("GET", "HEAD") and not request.operation.startswith("$")
    return "r" if reads_one else "rs"


def _reading(context: Context) -> Reading:
    """Reads the criteria of grants by the parameters there are now. What cannot be read any more is refused (403)."""

    def reading(type: str, pairs: Sequence[tuple[str, str]]) -> Expression:
        known = context.store.parameters.current
        try:
            return parse(
                type,
                pairs,
                base=context.base_url,
                terminology=context.terminology,
                known=known,
                listed=LISTED_AT_MOST,
            ).where
        except Refusal:
            raise forbidden(f"A scope of yours restricts {type} by what cannot be searched by") from None

    return reading


def check_interaction(permissions: Permissions, code: str, type: str) -> None:
    """Refuse (403) an interaction that is not permitted with any resource of the type."""
    letters = _LETTERS.get(code)
    if letters is not None and type and type not in ("*", "metadata") and not permissions.may(letters, type):
        raise forbidden(f"{code} of {type} is not among your scopes")


def check_operation(permissions: Permissions, role: str, type: str) -> None:
    """Refuse (403) an operation on a type of which nothing is permitted."""
    letters = _OPERATION_LETTERS.get(role)
    if letters is None:
        raise forbidden("Operations for reviewers and administrators are not given to apps")
    if type and not permissions.may(letters, type):
        raise forbidden(f"Operations on {type} are not among your scopes")
