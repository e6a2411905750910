"""``Subscription/[id]/$signing-secret``: with what notifications of a subscription are signed.

Only its owner is told. The secret is derived from the server's key, the subscription and its owner, so it can be asked
for again at any time, and whoever takes a subscription over has another one.
"""

from __future__ import annotations

from fhirserver.access.owners import owner_of
from fhirserver.access.server_key import signing_secret
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.read import current
from fhirserver.interactions.registry import Operation, Parameter
from fhirserver.interactions.subscription.ownership import is_own
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.parameters import parameters, part
from fhirserver.world.vocabulary import BASE


async def subscription_signing_secret(context: Context, request: Request) -> Result:
    """Parameters with ``secret``: a text whose UTF-8 bytes are the key of the HMAC-SHA256 over ``<t>.<body>``.

    Refuses (403) others than the owner, an admin too.
    """
    owner = owner_of(request.principal)
    version = await current(context, "Subscription", request.id)
    if not await is_own(context, owner, version):
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
