"""Canonical URLs and codes of topic-based subscriptions in R4.

https://hl7.org/fhir/uv/subscriptions-backport/
"""

from __future__ import annotations

from typing import Final

BACKPORT: Final = "http://hl7.org/fhir/uv/subscriptions-backport"
_DEFINITION: Final = f"{BACKPORT}/StructureDefinition"
PROFILE: Final = f"{_DEFINITION}/backport-subscription"
NOTIFICATION_PROFILE: Final = f"{_DEFINITION}/backport-subscription-notification-r4"
STATUS_PROFILE: Final = f"{_DEFINITION}/backport-subscription-status-r4"
TOPIC_CANONICAL: Final = f"{_DEFINITION}/capabilitystatement-subscriptiontopic-canonical"
GUIDE: Final = f"{BACKPORT}/ImplementationGuide/hl7.fhir.uv.subscriptions-backport"
SERVER: Final = f"{BACKPORT}/CapabilityStatement/backport-subscription-server-r4"

FILTER: Final = f"{_DEFINITION}/backport-filter-criteria"
PAYLOAD_CONTENT: Final = f"{_DEFINITION}/backport-payload-content"
HEARTBEAT: Final = f"{_DEFINITION}/backport-heartbeat-period"
TIMEOUT: Final = f"{_DEFINITION}/backport-timeout"
MAX_COUNT: Final = f"{_DEFINITION}/backport-max-count"
CHANNEL_TYPE: Final = f"{_DEFINITION}/backport-channel-type"
RELATED_QUERY: Final = f"{_DEFINITION}/backport-related-query"

TOPIC_TYPE: Final = "SubscriptionTopic"
FHIR_TYPES: Final = "http://hl7.org/fhir/fhir-types"
CONTENTS: Final = ("empty", "id-only", "full-resource")
