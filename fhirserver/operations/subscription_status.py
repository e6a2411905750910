"""``Subscription/$status``: how subscriptions stand.

https://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition-backport-subscription-status.html
"""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.interactions.bundles import bundle
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.subscription.notification import status_parameters
from fhirserver.interactions.subscription.standing_now import Now, lag_now, of_version, subscription_now
from fhirserver.kernel.json import dumps
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.model.definitions import definitions
from fhirserver.operations.parameters import inputs
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Query

_STATUS = "http://hl7.org/fhir/subscription-status"


async def subscription_status(context: Context, request: Request) -> Result:
    """A searchset with one Parameters per subscription: of this one, of those named by ``id``, or of all.

    ``status`` keeps those that stand so. Refuses (404, 410) an id that is not there, and (400) a status that is none.
    """
    if request.id:
        return await _answer(context, [await subscription_now(context, request.id)])
    given = inputs(request)
    wanted = {part for value in given.get("status", ()) for part in str(value).split(",")}
    _check(wanted)
    ids = [part for value in given.get("id", ()) for part in str(value).split(",")]
    found = [await subscription_now(context, id) for id in dict.fromkeys(ids)] if ids else await _all(context)
    return await _answer(context, [now for now in found if not wanted or now.wanted.status in wanted])


def _check(asked: set[str]) -> None:
    known = definitions().required_codes("http://hl7.org/fhir/ValueSet/subscription-status|4.0.1") or {}
    codes = known.get(_STATUS, frozenset({"requested", "active", "error", "off"}))
    if asked - set(codes):
        text = f"status is one of {', '.join(sorted(codes))}"
        raise refuse(Category.INVALID, "value", text, "http.status")


async def _all(context: Context) -> list[Now]:
    query, found = Query("Subscription", count=200), list[Now]()
    while True:
        page = await context.store.search(query)
        found += [await of_version(context, version) for version in page.versions]
        if not page.cursor:
            return found
        query = Query("Subscription", count=200, cursor=decode(page.cursor, ()))


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
