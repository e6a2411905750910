"""The canonical URLs and codes by which the world model shows in FHIR."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from fhirserver.world.outreach_codes import OUTREACH_CODES

BASE = "https://credence.health/fhir"

CONFIDENCE = f"{BASE}/StructureDefinition/confidence"
ASSERTION_METHOD = f"{BASE}/StructureDefinition/assertion-method"
ASSERTION_MODE = f"{BASE}/StructureDefinition/assertion-mode"
TRANSCRIPT_TURNS = f"{BASE}/StructureDefinition/transcript-turns"
AUDIO_OFFSET = f"{BASE}/StructureDefinition/audio-offset"
ENTRY_PROVENANCE = f"{BASE}/StructureDefinition/x-provenance"
CLAIMED_UNTIL = f"{BASE}/StructureDefinition/claimed-until"
REVIEW_TASK = f"{BASE}/StructureDefinition/review-task"
MATCH_EXPLANATION = f"{BASE}/StructureDefinition/match-explanation"
MATCH_GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
REPLACES = f"{BASE}/StructureDefinition/replaces"
REPLACED_BY = f"{BASE}/StructureDefinition/replaced-by"
REFUSED_BY_EHR = f"{BASE}/StructureDefinition/refused-by-ehr"
SAID_AGAIN = f"{BASE}/StructureDefinition/said-again"
OUTREACH_DUE = f"{BASE}/StructureDefinition/outreach-due"
PREFERRED_PHARMACY = f"{BASE}/StructureDefinition/preferred-pharmacy"
MAPPED_BY = f"{BASE}/StructureDefinition/mapped-by"
MAPPED_FROM = f"{BASE}/StructureDefinition/mapped-from"
MAPPING_EQUIVALENCE = f"{BASE}/StructureDefinition/mapping-equivalence"
CONNECTOR = f"{BASE}/StructureDefinition/connector"
CONNECTOR_NAME = f"{BASE}/identifier/connector"
TARGET_ELEMENT = "http://hl7.org/fhir/StructureDefinition/targetPath"

VERIFICATION_STATUS = f"{BASE}/CodeSystem/verification-status"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
TASK_CODE = f"{BASE}/CodeSystem/task-code"
TASK_INPUT = f"{BASE}/CodeSystem/task-input"
ACTIVITY = f"{BASE}/CodeSystem/activity"
REVIEW_KIND = f"{BASE}/CodeSystem/review-kind"
REVIEW_REASON = f"{BASE}/CodeSystem/review-reason"
REVIEW_OUTCOME = f"{BASE}/CodeSystem/review-outcome"

RECORDING = "urn:credence:recording"
OPERATOR_ACTION = f"{BASE}/CodeSystem/operator-action"
"""What operators do with calls: the subtype of AuditEvents that are written and do not follow from the trail."""
"""System of the identifier of a recording's Media; its value is the id of the call's Communication."""
CALLER_VOICE = f"{BASE}/CodeSystem/caller-voice"
"""Codes of how a caller's voice sounded, in an Observation; each component has its moment as an extension."""
MOMENT = f"{BASE}/StructureDefinition/moment"
CALL_QUALITY = f"{BASE}/CodeSystem/call-quality"
ESCALATION_STAGE = f"{BASE}/CodeSystem/escalation-stage"

ASSERTION_METHODS = f"{BASE}/ValueSet/assertion-method"
ASSERTION_MODES = f"{BASE}/ValueSet/assertion-mode"

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


@lru_cache(256)
def verification_status(confidence: Decimal) -> str:
    """The word for a confidence, by the ladder."""
    return next(code for floor, code, _ in _STATUS if confidence >= floor)


@dataclass(frozen=True, slots=True)
class CodeList:
    """The codes of one code system as (code, display, definition); an ``open`` one may be added to."""

    id: str
    title: str
    description: str
    concepts: tuple[tuple[str, str, str], ...]
    open: bool = False

    @property
    def url(self) -> str:
        return f"{BASE}/CodeSystem/{self.id}"


CODES = (
    CodeList(
        "verification-status",
        "Verification status",
        "How far a resource is verified, from its confidence.",
        tuple(
            (code, code.replace("-", " ").capitalize(), f"{text}: confidence from {max(floor, REJECTED)}")
            for floor, code, text in _STATUS
        ),
    ),
    CodeList(
        "task-code",
        "Kinds of Tasks",
        "What a Task of the server is about.",
        (
            (
                "review",
                "Review of claims",
                "An operator decides on what sources claim, or whether two patients are one",
            ),
            ("writeback", "Writeback", "A change on its way to an EHR"),
            ("intake", "Intake of a record", "A record of an EHR that could not be taken in"),
            (
                "call-back",
                "Call back",
                "The patient is to be called: an EHR did not take an appointment, or nobody took a call",
            ),
            ("merge", "Merge", "References that follow a merge, or lead back after it was undone"),
            ("escalation", "Escalation", "A call for which an operator is wanted"),
            ("campaign", "Campaign", "A campaign that is under way, or was"),
            ("campaign-run", "Run of a campaign", "One firing of a campaign's trigger"),
            (
                "outreach-follow-up",
                "Follow-up of an outreach",
                "Whom a campaign did not reach is left to people",
            ),
            ("form", "Form", "A form that a patient is asked to fill in"),
        ),
    ),
    CodeList(
        "form-status",
        "Why a form is closed",
        "What else is to be said of a form's Task than its status.",
        (
            ("locked", "Locked", "Too many wrong birth dates were given"),
            ("nothing-missing", "Nothing missing", "All that it asked for became known meanwhile"),
            ("expired", "Expired", "Its link is too old"),
        ),
    ),
    *(CodeList(*one) for one in OUTREACH_CODES),
    CodeList(
        "task-input",
        "Inputs of Tasks",
        "What an input of one of the server's Tasks is.",
        (
            ("claims", "Claims", "The claims to decide on, as a contained Parameters resource"),
            ("unit", "Unit", "An element to write, with its confidence"),
            ("record", "Record", "The record that could not be taken in"),
            ("alternative", "Alternative", "A free slot to offer instead"),
            ("merged", "Merged", "The resource that was merged, as it was then"),
            ("match", "Match", "Two patients and the score, as a contained Parameters resource"),
        ),
    ),
    CodeList(
        "review-kind",
        "Kinds of review items",
        "What deciding an item means.",
        (
            ("claims", "Claims", "Rulings on what sources say, or a correction"),
            ("duplicate", "Duplicate", "Whether two records are about one person"),
        ),
    ),
    CodeList(
        "review-reason",
        "Reasons for a review",
        "Why an item waits for an operator.",
        (
            ("contradicted", "Contradicted", "The conversation says something else than the claim"),
            ("refused-by-sink", "Refused by a sink", "An EHR did not take what was to be written"),
            ("disagreement", "Disagreement", "Sources that are nearly equally sure say different things"),
            ("doubtful", "Doubtful", "The judge did not find the claim in the conversation"),
            ("expired-verification", "Verification expired", "The conversation's transcript never came"),
            ("unverified", "Unverified", "There is nothing to verify the claim by"),
            (
                "below-gate",
                "Below its gate",
                "The claim is verified as far as a machine can; its gate is higher",
            ),
            ("duplicate", "Duplicate", "Two records are probably about one person"),
        ),
    ),
    CodeList(
        "review-outcome",
        "Outcomes of a review",
        "What became of an item.",
        (
            ("approved", "Approved", "All claims were approved, or two patients are one"),
            ("rejected", "Rejected", "All claims were rejected, or two patients are two people"),
            ("corrected", "Corrected", "All claims were corrected"),
            ("mixed", "Mixed", "Claims were decided in different ways"),
            ("reopened", "Reopened", "A decision was taken back"),
            ("expired", "Expired", "It was not decided in time"),
            ("moot", "Moot", "Nothing was left to decide"),
            ("merged", "Merged", "Its claims went into another item about the same resource"),
        ),
    ),
    CodeList(
        "activity",
        "Activities",
        "What a commit did, where its author did not say.",
        (
            ("assert", "Assertion", "A source stated a resource or parts of it"),
            ("remove", "Removal", "A source said that a resource is no more"),
            ("withdraw", "Withdrawal", "A source took back what it had said, or an operator did for it"),
            ("merge", "Merge", "Two resources that are the same in the world became one"),
            ("unmerge", "Unmerge", "A merge was undone"),
            ("relink", "Relinking", "References followed a merge, or lead back after it was undone"),
            ("decide", "Decision", "A judge or reviewer ruled on claims"),
            ("approve", "Approval", "A reviewer confirmed claims"),
            ("reject", "Rejection", "A reviewer rejected claims"),
            ("correct", "Correction", "A reviewer stated the right values"),
            ("claim", "Claiming", "A reviewer took an item"),
            ("release", "Release", "A reviewer gave an item back"),
            ("undo", "Undoing", "A reviewer took a decision back"),
        ),
    ),
    CodeList(
        "log-event",
        "Events of the log",
        "What a topic's eventTrigger may name: kinds of events about a resource.",
        (
            ("asserted", "Asserted", "A source stated the resource or parts of it"),
            ("removed", "Removed", "A source said that it is no more"),
            ("withdrawn", "Withdrawn", "A source took back what it had said"),
            ("decided", "Decided", "A judge or reviewer ruled on claims"),
            ("merged", "Merged", "Another resource became part of it"),
            ("replaced", "Replaced", "It became part of another"),
            ("unmerged", "Unmerged", "What had become part of it was parted from it"),
            ("restored", "Restored", "It was parted from what it had become part of"),
            ("relinked", "Relinked", "Its references followed a merge"),
        ),
    ),
    CodeList(
        "assertion-method",
        "Assertion methods",
        "How a statement was made. Sources may have methods of their own.",
        (
            ("confirmed", "Confirmed", "Said outright, or read back and confirmed"),
            ("self-reported", "Self-reported", "Written by the person it is about, on a form"),
            ("inferred", "Inferred", "Concluded, never said outright"),
            ("mentioned", "Mentioned", "Said in passing, not confirmed"),
            (
                "picture",
                "Read from a picture",
                "Read from a picture, and confirmed by the person who showed it",
            ),
            ("pull", "Pulled", "Read from an EHR"),
            ("intake", "Intake", "Recorded because a record could not be taken in"),
            ("writeback", "Writeback", "Recorded while writing to an EHR"),
            ("review", "Review", "Decided by a reviewer"),
            ("judge", "Judged", "Checked by machine against the evidence"),
            ("package", "Package", "Taken from a FHIR package"),
        ),
        open=True,
    ),
    CodeList(
        "assertion-mode",
        "Assertion modes",
        "Whether a statement is about the whole resource.",
        (
            ("full", "Full", "What is absent is stated absent"),
            ("partial", "Partial", "What is absent is not spoken of"),
        ),
    ),
    CodeList(
        "document-kind",
        "Kinds of documents",
        "What a document about a conversation is, or one that a patient sent.",
        (
            ("transcript", "Transcript", "Every turn of the conversation"),
            ("summary", "Summary", "What the conversation was about and came to"),
            ("insurance-card", "Insurance card", "A picture of the patient's insurance card"),
        ),
    ),
    CodeList(
        "call-quality",
        "Measures of a call",
        "What the quality of a call is made of.",
        (
            ("score", "Score", "100 less the points that the measures cost"),
            (
                "dead-air",
                "Dead air",
                "Seconds of silence that was the agent's turn, beyond 2.5 seconds each time",
            ),
            (
                "reply-latency-p95",
                "Reply latency",
                "Caller stops to agent starts, 95th percentile, in seconds",
            ),
            ("barge-ins", "Barge-ins", "How often the caller spoke over the agent"),
            ("loops", "Loops", "Turns in which a question was asked for the third time or more"),
            ("tool-failures", "Tool failures", "Look-ups and writes that failed"),
            ("identity-attempts", "Identity attempts", "Failed attempts to identify the caller"),
            ("unanswered-wishes", "Unanswered wishes", "Wishes that were understood and not served"),
            ("missed-escalations", "Missed escalations", "A person was asked for and nobody came"),
            ("points-lost", "Points lost", "What a measure cost of the score"),
        ),
    ),
    CodeList(
        "escalation-stage",
        "Stages of an escalation",
        "How far an operator has come with a call.",
        (
            ("requested", "Requested", "An operator is wanted"),
            ("connected", "Connected", "An operator has taken the call over"),
            ("handback", "Handed back", "The agent has the call again"),
            ("completed", "Completed", "An operator has wrapped it up"),
        ),
    ),
    CodeList(
        "escalation-reason",
        "Reasons for an escalation",
        "Why an operator is wanted on a call.",
        (
            ("high_risk", "High risk", "The risk score has reached its threshold"),
            ("long_wait", "Long wait", "The caller waits for replies, or for an operator"),
            ("negative_emotion", "Negative emotion", "The caller is or sounds unhappy"),
            ("safety_concern", "Safety concern", "Emergency, self-harm, a threat, or a child on the line"),
            ("looping", "Looping", "The conversation goes in circles"),
            ("asked", "Asked for", "The caller, or an operator, wanted it"),
        ),
    ),
    CodeList(
        "escalation-disposition",
        "Dispositions of an escalation",
        "What came of it.",
        (
            ("resolved", "Resolved", "Nothing is left to do"),
            ("call_back", "Call back", "The caller is to be called back"),
            ("sent_to_emergency", "Sent to emergency services", "The caller was sent to emergency services"),
            ("no_action", "No action", "Nothing was to be done"),
        ),
    ),
    CodeList(
        "operator-action",
        "Acts of operators",
        "What an operator did on a call.",
        (
            ("listen", "Listen", "Listened to the call"),
            ("guide", "Guide", "Gave the agent words to say"),
            ("take_over", "Take over", "Took the call from the agent"),
            ("say", "Say", "Spoke to the caller by typing"),
            ("hand_back", "Hand back", "Gave the call back to the agent"),
            ("finish", "Finish", "Ended the call"),
            ("wrap_up", "Wrap up", "Left a note on what came of it"),
            ("call_out", "Call out", "Had a patient called"),
            ("text_out", "Message out", "Had a message sent to a patient"),
            ("campaign_start", "Start a campaign", "Had a campaign carried out"),
            ("campaign_pause", "Pause a campaign", "Had a campaign wait"),
            ("campaign_resume", "Resume a campaign", "Had a campaign go on"),
            ("campaign_cancel", "Cancel a campaign", "Ended a campaign"),
            ("campaign_stop_patient", "Stop reaching a patient", "Took a patient out of a campaign"),
        ),
    ),
    CodeList(
        "audited-act",
        "Audited acts",
        "What was done, where it was no interaction of FHIR's REST API; of an operation its name with its $.",
        (
            ("authorize", "Authorize", "An app asked for an authorization"),
            ("consent", "Consent", "A user decided on an authorization"),
            ("revoke", "Revoke", "An authorization or a token was taken back"),
            ("register", "Register", "A client was registered"),
            ("listen", "Listen", "The recording of a call was listened to"),
            ("live", "Live call", "A call under way was followed or acted on"),
            ("form", "Form", "A patient's form was opened, saved or sent by its link"),
            ("page", "Page", "A page of the console was asked for"),
            ("platform", "Platform", "A request to the platform API"),
            ("socket", "Socket", "A websocket was opened"),
            ("beside", "Beside FHIR", "Something that is served beside FHIR was refused"),
            ("async", "Asynchronous request", "An answer that comes later was asked for"),
            ("request", "Request", "Something that was no request of the REST API"),
            ("run", "Run", "A command was run on the server's machine"),
            ("notification", "Notification", "A subscriber was sent what it had subscribed to"),
            ("writeback", "Writeback", "An EHR was sent a change"),
            (
                "key-changed",
                "Key changed",
                "The server has another key, and the audit trail is sealed with it",
            ),
        ),
        open=True,
    ),
)
"""Every code that the server itself gives out, by code system."""
