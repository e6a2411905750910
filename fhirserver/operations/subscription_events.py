"""``Subscription/[id]/$events``: events of the past once more.

https://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition-backport-subscription-events.html
"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.subscription.notification import happenings, notification, versions_told
from fhirserver.interactions.subscription.record import events
from fhirserver.interactions.subscription.sight import sight_of_request
from fhirserver.interactions.subscription.standing_now import own_now
from fhirserver.interactions.subscription.vocabulary import CONTENTS
from fhirserver.kernel.json import Json, dumps
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.parameters import inputs, one


async def subscription_events(context: Context, request: Request) -> Result:
    """A notification of the events from ``eventsSinceNumber`` to ``eventUntilNumber``, both included.

    At most as many as a page may have; what was left out is seen by the numbers. What the caller may not read is not
    told. Refuses (400) numbers and content that are none, (403) others than the owner and who looks after all.
    """
    given = inputs(request)
    now = await own_now(context, request.principal, request.id)
    since = _number(one(given, "eventsSinceNumber"), "eventsSinceNumber", 1)
    last = one(given, "eventsUntilNumber") or one(given, "eventUntilNumber")
    until = min(_number(last, "eventsUntilNumber", now.number), now.number)
    content = str(one(given, "content") or now.wanted.content)
    if content not in CONTENTS:
        text = f"content is {', '.join(CONTENTS)}"
        raise refuse(Category.INVALID, "value", text, "http.content")
    found = await events(context.store, request.id, since - 1, until, context.limits.max_count)
    told = await happenings(sight_of_request(context, request.principal), now.topic, found)
    body = dumps(notification(context, now.wanted, "query-event", now.number, told, content=content))
    return Result(200, body, shown=versions_told(told, content))


def _number(value: Json, name: str, otherwise: int) -> int:
    if value is None:
        return otherwise
    text = str(value)
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise refuse(Category.INVALID, "value", f"{name} is a whole number", f"http.{name}")
    return int(text)
