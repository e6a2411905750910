"""``Subscription/$get-ws-binding-token``: a token to bind a socket to subscriptions with.

https://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition-backport-subscription-get-ws-binding-token.html
"""

from __future__ import annotations

from datetime import UTC, datetime

from fhirserver.access.binding_tokens import MOST_SUBSCRIPTIONS, BindingTokens
from fhirserver.access.owners import owner_of
from fhirserver.access.principals import Principal
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.subscription.standing_now import Now, own_now, own_subscriptions
from fhirserver.kernel.instants import instant
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.parameters import inputs, parameters, part


async def subscription_binding_token(context: Context, request: Request) -> Result:
    """Parameters with ``token``, ``expiration``, ``subscription`` and ``websocket-url``.

    Only for subscriptions of the caller's own on the channel ``websocket``; who looks after all may have any. Refuses
    (403) others', (422) other channels, (501) where the server has no sockets.
    """
    if not context.channels.websocket_url:
        raise refuse(Category.NOT_SUPPORTED, "not-supported", "This server has no sockets")
    found = await _named(context, request)
    ids = [now.wanted.id for now in found]
    if len(ids) > MOST_SUBSCRIPTIONS:
        text = f"A token is for at most {MOST_SUBSCRIPTIONS} subscriptions; name them by id"
        raise refuse(Category.INVALID, "too-costly", text, "http.id")
    token, expires = BindingTokens(context.key, context.clock).issue(owner_of(request.principal), ids)
    given = [
        part("token", "String", token),
        part("expiration", "DateTime", instant(datetime.fromtimestamp(expires, UTC))),
        *(part("subscription", "String", id) for id in ids),
        part("websocket-url", "Url", context.channels.websocket_url),
    ]
    return Result(200, parameters(given))


async def _named(context: Context, request: Request) -> list[Now]:
    given = inputs(request).get("id", ())
    ids = [request.id] if request.id else [part for value in given for part in str(value).split(",")]
    if not ids:
        return await _own(context, request.principal)
    found = [await own_now(context, request.principal, id) for id in dict.fromkeys(ids)]
    for now in found:
        _check(now)
    return found


async def _own(context: Context, principal: Principal) -> list[Now]:
    """All of the caller's subscriptions on sockets. Refuses (404) where there is none."""
    found = await own_subscriptions(context, principal, strictly=True)
    own = [now for now in found if now.wanted.channel == "websocket"]
    if not own:
        text = "There is no subscription of yours on the channel websocket"
        raise refuse(Category.NOT_FOUND, "not-found", text, "http.id")
    return own


def _check(now: Now) -> None:
    if now.wanted.channel != "websocket":
        text = "The subscription is not on the channel websocket"
        raise refuse(Category.UNPROCESSABLE, "business-rule", text, "Subscription.channel.type")
