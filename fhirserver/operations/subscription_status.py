"""``Subscription/$status``: how subscriptions stand.

https://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition-backport-subscription-status.html
"""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.interactions.bundles import bundle
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.subscription.notification import status_parameters
from fhirserver.interactions.subscription.standing_now import Now, lag_now, own_now, own_subscriptions
from fhirserver.kernel.json import dumps
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.model.definitions import definitions
from fhirserver.operations.parameters import inputs

_STATUS = "http://hl7.org/fhir/subscription-status"


async def subscription_status(context: Context, request: Request) -> Result:
    """A searchset with one Parameters per subscription: of this one, of those named by ``id``, or of all.

    ``status`` keeps those that stand so. Refuses (404, 410) an id that is not there, (403) one that is somebody else's,
    and (400) a status that is none. All are the caller's own, to who looks after all of them every one.
    """
    who = request.principal
    if request.id:
        return await _answer(context, [await own_now(context, who, request.id)])
    given = inputs(request)
    wanted = {part for value in given.get("status", ()) for part in str(value).split(",")}
    _check(wanted)
    ids = [part for value in given.get("id", ()) for part in str(value).split(",")]
    named = dict.fromkeys(ids)
    found = (
        [await own_now(context, who, id) for id in named] if ids else await own_subscriptions(context, who)
    )
    return await _answer(context, [now for now in found if not wanted or now.wanted.status in wanted])


def _check(asked: set[str]) -> None:
    known = definitions().required_codes("http://hl7.org/fhir/ValueSet/subscription-status|4.0.1") or {}
    codes = known.get(_STATUS, frozenset({"requested", "active", "error", "off"}))
    if asked - set(codes):
        text = f"status is one of {', '.join(sorted(codes))}"
        raise refuse(Category.INVALID, "value", text, "http.status")


async def _answer(context: Context, found: Sequence[Now]) -> Result:
    entries = []
    for now in found:
        lag = await lag_now(context, now)
        status = status_parameters(context, now.wanted, "query-status", now.number, lag=lag)
        entries.append(
            dumps(
                {
                    "fullUrl": f"urn:uuid:{status['id']}",
                    "resource": status,
                    "search": {"mode": "match"},
                }
            )
        )
    return Result(200, bundle("searchset", entries, (), len(entries)))
