"""An agent's document: how the practice is called, what is offered, how it is put, and along which ways.

What is not said in it is as the settings have it (``[voice]``). The settings are a floor: a document may ask for more
care with identity than they do, never for less (docs/platform/agents.md).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from fhirserver.world.configured.parts import ID_OR_NONE, Name, Part, ZoneOrNone

Business = Literal["reschedule", "book", "cancel", "confirm", "insurance", "phone", "address"]
OFFERS: tuple[Business, ...] = ("reschedule", "book", "cancel", "confirm", "insurance", "phone", "address")
"""What the agent can do for a caller; what is not offered is the staff's."""
StateName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
StateNameOrNone = Annotated[str, StringConstraints(pattern=r"^(?:[a-z][a-z0-9_-]{0,39})?$")]
LineName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
SentenceOrNone = Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)]
IdOrNone = Annotated[str, StringConstraints(pattern=ID_OR_NONE)]
ONWARD = "onward"
"""After a state of one's own: wherever the conversation was going."""
MAX_TURNS, FORM_AFTER = 10, 6
"""What a state that collects something has where a document names it and does not say."""


class Identity(Part):
    """How a caller is made sure of. ``attempts``: after so many a person takes over. ``third_party``: who calls for a
    patient is served from a number on the patient's record (``known_phone``), or a person takes over (``person``).
    ``adult``: who is younger needs a parent or guardian on the line. ``infer_phone``: whether a number that an
    identified patient calls from is noted."""

    attempts: int = Field(default=3, ge=1, le=3)
    third_party: Literal["known_phone", "person"] = "known_phone"
    adult: int = Field(default=18, ge=18, le=25)
    infer_phone: bool = True


class Voice(Part):
    """How fast is spoken (1: as the voice does), and how long the pauses between sentences are."""

    rate: float = Field(default=1.0, ge=0.75, le=1.25)
    pause: float = Field(default=1.0, ge=0.5, le=2.0)


class Escalation(Part):
    """When a person is offered or takes over: after so many misunderstandings in a row, so many outbursts, so many
    offers of times that did not suit."""

    misunderstandings: int = Field(default=3, ge=1, le=3)
    outbursts: int = Field(default=3, ge=1, le=3)
    offers: int = Field(default=8, ge=2, le=8)


PATIENT = Escalation()


class Route(Part):
    """One way out of a decision, taken where it holds: that a question's answer ``is`` this, or what an expression says
    (FHIRPath on the Patient, with ``%appointments`` and ``%coverages``)."""

    answer: StateNameOrNone = ""
    equals: SentenceOrNone = Field(default="", alias="is")
    when: SentenceOrNone = ""
    to: StateName


class State(Part):
    """What differs from the ordinary graph in one state, or a state of one's own between the built ones:

    * an ``annotation``: a sentence that is said once when the conversation comes by (``says``), or a hint to a language
      model that leads (``guides``);
    * a ``data_collection``: a question (``asks``) with the kind of its answer (``expects``; a ``choice`` has
      ``choices``, each with the words that mean it). The answer is noted in the summary, or claimed under ``claims``,
      the URL of an extension of Patient;
    * a ``decision``: the first of ``routes`` that holds, else ``otherwise``;
    * an ``action``: ``says`` something, and what it ``does``.

    ``after``: which states may follow; for a state that there is, without it those of the ordinary graph. ``onward``
    after a state of one's own is wherever the conversation was going. ``max_turns``: utterances after which a person
    takes over; ``form_after``: after which a form is offered instead.
    """

    name: StateName
    kind: Literal["action", "decision", "data_collection", "annotation"] | None = None
    after: list[StateName] | None = Field(default=None, max_length=40)
    needs_identity: bool | None = None
    max_turns: int | None = Field(default=None, ge=2, le=20)
    form_after: int | None = Field(default=None, ge=1, le=19)
    says: SentenceOrNone = ""
    guides: SentenceOrNone = ""
    asks: SentenceOrNone = ""
    expects: Literal["text", "yes_no", "number", "date", "phone", "choice"] | None = None
    choices: dict[StateName, Annotated[list[Sentence], Field(min_length=1, max_length=20)]] = Field(
        default_factory=dict, max_length=20
    )
    claims: Annotated[str, StringConstraints(pattern=r"^(?:https?://[^\s{}]{3,240})?$")] = ""
    routes: list[Route] = Field(default_factory=list, max_length=20)
    otherwise: StateName = ONWARD
    does: Literal["say", "call_back", "handover", "end"] | None = None


class Graph(Part):
    """The context graph: the ordinary one as far as what is offered needs it, with what ``states`` say of it."""

    states: list[State] = Field(default_factory=list, max_length=60)


def _language(given: object) -> object:
    if given != "en":
        raise ValueError(
            "conversations are held in English ('en') alone; Spanish there is in campaigns' texts and forms' pages"
        )
    return given


class Agent(Part):
    """The whole document. ``wording``: lines by name, each with one or more variants; ``brain``: empty for what the
    settings say; ``scheduling_rules``: the id of a rule set, empty for the ordinary rules."""

    practice: Name = "the clinic"
    zone: ZoneOrNone = ""
    language: Annotated[Literal["en"], BeforeValidator(_language)] = "en"
    voice: Voice = Voice()
    identity: Identity = Identity()
    offers: list[Business] = Field(default_factory=lambda: list(OFFERS), max_length=len(OFFERS))
    wording: dict[LineName, Annotated[list[Sentence], Field(min_length=1, max_length=6)]] = Field(
        default_factory=dict, max_length=120
    )
    graph: Graph = Graph()
    escalation: Escalation = Escalation()
    brain: Literal["", "policy", "llm"] = ""
    scheduling_rules: IdOrNone = ""


class PhoneNumber(Part):
    """Which agent answers a number of ours: calls, text messages, or both. ``agent`` empty: as the settings say."""

    number: Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
    agent: IdOrNone = ""
    calls: bool = True
    texts: bool = True
