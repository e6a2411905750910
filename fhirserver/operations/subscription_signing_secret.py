"""``Subscription/[id]/$signing-secret``: with what notifications of a subscription are signed.

Only its owner is told. The secret is derived from the server's key, the subscription and its owner, so it can be asked
for again at any time, and whoever takes a subscription over has another one.
"""

from __future__ import annotations

from fhirserver.access.server_key import signing_secret
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.registry import Operation, Parameter
from fhirserver.interactions.subscription.standing_now import subscription_now
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.parameters import parameters, part
from fhirserver.world.vocabulary import BASE


async def subscription_signing_secret(context: Context, request: Request) -> Result:
    """Parameters with ``secret``: a text whose UTF-8 bytes are the key of the HMAC-SHA256 over ``<t>.<body>``.

    Refuses (403) others than the owner, an admin too, and (503) while the server has not taken the subscription up.
    """
    now = await subscription_now(context, request.id)
    owner = now.standing.owner
    if not owner:
        text = "The subscription was made this instant: ask again"
        refusal = refuse(Category.BUSY, "transient", text, "Subscription")
        refusal.headers["Retry-After"] = "1"
        raise refusal
    if owner != request.principal.name:
        raise refuse(Category.FORBIDDEN, "forbidden", "The subscription is somebody else's", "Subscription")
    secret = part("secret", "String", signing_secret(context.key, request.id, owner))
    answer = Result(200, parameters([secret]))
    answer.headers["Cache-Control"] = "no-store"
    return answer


SIGNING_SECRET = Operation(
    "signing-secret",
    "instance",
    ("Subscription",),
    "read",
    subscription_signing_secret,
    f"{BASE}/OperationDefinition/signing-secret",
    affects_state=True,
    description="With what the notifications of one's own subscription are signed: the key of the HMAC-SHA256 in"
    " X-Credence-Signature.",
    parameters=(Parameter("secret", "string", "Its UTF-8 bytes are the key", 1, use="out"),),
)
