"""The canonical URLs and codes by which the world model shows in FHIR."""

from __future__ import annotations

from decimal import Decimal

BASE = "https://credence.health/fhir"

CONFIDENCE = f"{BASE}/StructureDefinition/confidence"
ASSERTION_METHOD = f"{BASE}/StructureDefinition/assertion-method"
ASSERTION_MODE = f"{BASE}/StructureDefinition/assertion-mode"
TRANSCRIPT_TURNS = f"{BASE}/StructureDefinition/transcript-turns"
ENTRY_PROVENANCE = f"{BASE}/StructureDefinition/x-provenance"
TARGET_ELEMENT = "http://hl7.org/fhir/StructureDefinition/targetPath"

VERIFICATION_STATUS = f"{BASE}/CodeSystem/verification-status"
TASK_CODE = f"{BASE}/CodeSystem/task-code"
TASK_INPUT = f"{BASE}/CodeSystem/task-input"
ACTIVITY = f"{BASE}/CodeSystem/activity"

SOURCE_PREFIX = "urn:credence:source:"

REJECTED = Decimal("0.0")
INFERRED = Decimal("0.2")
MENTIONED = Decimal("0.3")
CONFIRMED = Decimal("0.5")
VERIFIED = Decimal("0.7")
CLINICIAN = Decimal("0.9")
APPROVED = Decimal("0.95")
CERTAIN = Decimal("1.0")

_STATUS = (
    (CERTAIN, "authoritative", "Said by an authoritative source or corrected by an operator"),
    (APPROVED, "approved", "Approved by an operator"),
    (CLINICIAN, "stated-by-clinician", "Stated by a clinician"),
    (VERIFIED, "machine-verified", "Verified by machine against the evidence"),
    (CONFIRMED, "confirmed", "Confirmed by the person it is about, or self-reported"),
    (Decimal("-1"), "unverified", "Mentioned or inferred, not confirmed"),
)
STATUS_CODES = tuple((code, display) for _, code, display in _STATUS)


def verification_status(confidence: Decimal) -> str:
    """The word for a confidence, by the ladder."""
    return next(code for floor, code, _ in _STATUS if confidence >= floor)
