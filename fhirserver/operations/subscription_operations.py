"""The operations on subscriptions, as they are advertised.

https://hl7.org/fhir/uv/subscriptions-backport/
"""

from __future__ import annotations

from fhirserver.interactions.registry import Operation, Parameter
from fhirserver.interactions.subscription.vocabulary import BACKPORT
from fhirserver.operations.subscription_ask_again import subscription_ask_again
from fhirserver.operations.subscription_binding_token import subscription_binding_token
from fhirserver.operations.subscription_events import subscription_events
from fhirserver.operations.subscription_signing_secret import SIGNING_SECRET
from fhirserver.operations.subscription_status import subscription_status
from fhirserver.operations.subscription_switch_off import subscription_switch_off
from fhirserver.world.vocabulary import BASE

_TYPES = ("Subscription",)
_DEFINED = f"{BACKPORT}/OperationDefinition/backport-subscription"
_NOW = Parameter("return", "Subscription", "The Subscription as it is now", 1, use="out")

SUBSCRIPTIONS = (
    Operation(
        "status",
        "type instance",
        _TYPES,
        "read",
        subscription_status,
        f"{_DEFINED}-status",
        parameters=(
            Parameter("id", "id", "On the type: which; without, all", max="*"),
            Parameter("status", "code", "On the type: only those that stand so", max="*"),
            Parameter("return", "Bundle", "A searchset of status Parameters", 1, use="out"),
        ),
    ),
    Operation(
        "events",
        "instance",
        _TYPES,
        "read",
        subscription_events,
        f"{_DEFINED}-events",
        parameters=(
            Parameter("eventsSinceNumber", "string", "The first event; 1 without"),
            Parameter("eventsUntilNumber", "string", "The last event; the last there is without"),
            Parameter("eventUntilNumber", "string", "The same, as some editions of the guide have it"),
            Parameter("content", "code", "empty, id-only or full-resource; the subscription's own without"),
            Parameter("return", "Bundle", "A notification of the type query-event", 1, use="out"),
        ),
    ),
    Operation(
        "get-ws-binding-token",
        "type instance",
        _TYPES,
        "read",
        subscription_binding_token,
        f"{_DEFINED}-get-ws-binding-token",
        parameters=(
            Parameter("id", "id", "On the type: which; without, all of the caller's on sockets", max="*"),
            Parameter("token", "string", "What the socket is bound with", 1, use="out"),
            Parameter("expiration", "dateTime", "Until when it may be", 1, use="out"),
            Parameter("subscription", "string", "The subscriptions it is for", 0, "*", "out"),
            Parameter("websocket-url", "url", "Where the socket is opened", 1, use="out"),
        ),
    ),
    SIGNING_SECRET,
    Operation(
        "ask-again",
        "instance",
        _TYPES,
        "operator",
        subscription_ask_again,
        f"{BASE}/OperationDefinition/ask-again",
        affects_state=True,
        description="Ask the subscriber again, whatever went wrong before.",
        parameters=(_NOW,),
    ),
    Operation(
        "switch-off",
        "instance",
        _TYPES,
        "operator",
        subscription_switch_off,
        f"{BASE}/OperationDefinition/switch-off",
        affects_state=True,
        description="Send nothing to the subscriber any more.",
        parameters=(_NOW,),
    ),
)
