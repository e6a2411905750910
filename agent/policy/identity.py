"""Who is calling: full name and birth date, before anything of a record is said.

Until both match, no sentence of the agent depends on what any record holds, not even on whether there is one. Before
the last attempt the last name is to be spelled, for it is what is misheard most, whatever it was that did not match.
"""

from __future__ import annotations

import re
from datetime import date

from agent.hearing import Heard
from agent.memory import Memory
from agent.policy.desk import Desk
from agent.records import PatientRecord
from agent.requests import FindByBirthDate, FindPatients, LoadContext
from agent.results import Failed, PatientsFound, Result
from fhirserver.world.spoken.answers import versions
from fhirserver.world.spoken.dates import birth_dates, dates
from fhirserver.world.spoken.identifiers import digit_strings
from fhirserver.world.spoken.names import introduced_names, says_family, says_given
from fhirserver.world.spoken.spelling import spelled
from fhirserver.world.spoken.words import plain

_PARENT = re.compile(r"\b(?:mother|father|mom|mum|dad|guardian|parent|grandmother|grandfather)\b")


def _is_minor(memory: Memory, record: PatientRecord) -> bool:
    born, today = record.birth_date, memory.today
    if born is None:
        return False
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day)) < memory.setting.adult


def _looking_up(desk: Desk) -> bool:
    return any(isinstance(p.request, FindPatients) for p in desk.pending.values())


def matches(record: PatientRecord, name: str, birth_date: date) -> bool:
    """Whether one of the record's names is heard in ``name``, whole, and the birth date is the very day."""
    if record.birth_date != birth_date:
        return False
    return any(says_given(name, given) and says_family(name, family) for given, family in record.names)


def _exactly(record: PatientRecord, name: str) -> bool:
    said = plain(name).split()
    return any(plain(g).split()[:1] == said[:1] for given, _ in record.names for g in given[:1])


def choose(records: tuple[PatientRecord, ...], name: str, birth_date: date) -> tuple[PatientRecord, ...]:
    """Those that match; where several do, those whose first name is the very one said."""
    found = tuple(r for r in records if matches(r, name, birth_date))
    exact = tuple(r for r in found if _exactly(r, name))
    return exact if len(found) > 1 and exact else found


class Identity:
    """Collects a name and a birth date, and compares."""

    kind = "identity"
    state = "identity"

    def __init__(self) -> None:
        self.name = ""
        self.birth_date: date | None = None
        self.fresh = False
        self.asked = ""
        self.searching = False
        self.finished = False
        self.held: PatientRecord | None = None
        """Matched, and something is still to be known: who calls for a child, or whose number this is."""

    def listen(self, memory: Memory, heard: Heard) -> bool:
        """Take what an utterance says of name and birth date; whether it said anything of them."""
        birth = self._birth(memory, heard)
        name = self._name(heard)
        self.birth_date = birth or self.birth_date
        if name:
            self.name = name if " " in name or not self.name else f"{self.name.split()[0]} {name}"
        self.fresh = self.fresh or bool(birth or name)
        return bool(birth or name)

    def _birth(self, memory: Memory, heard: Heard) -> date | None:
        """The one birth date in what was said; bare digits count only after a question for it."""
        meant = bool(self.asked) or "born" in heard.plain or "birth" in heard.plain
        for version in versions(heard.text):
            if meant:
                found = {f.value for f in birth_dates(version.text, memory.today)}
            else:
                named = (f.value.as_birth(memory.today) for f in dates(version.text))
                found = {d for d in named if d and d.year < memory.today.year - 1}
            past = {d for d in found if d < memory.today}
            if len(past) == 1:
                return past.pop()
        return None

    def _name(self, heard: Heard) -> str:
        explicit = any(
            f"{w} " in f"{heard.plain} "
            for w in ("name", "this is", "i'm", "i am", "speaking", "it's", "last")
        )
        if not (self.asked or explicit):
            return ""
        if self.asked == "spelling":
            return self._spelled(heard)
        for version in versions(heard.text):
            names = [f.value for f in introduced_names(version.text, bare=bool(self.asked))]
            spelt = [f.value for f in spelled(version.text)]
            if names or spelt:
                parts = names if len(names) == 2 and not any(" " in n for n in names) else names[-1:]
                return " ".join(dict.fromkeys([*parts, *spelt]))
        return ""

    def _spelled(self, heard: Heard) -> str:
        """The name whose last part was spelled, the first as it was said now or before; else a full name said again."""
        for version in versions(heard.text):
            spelt = [f.value for f in spelled(version.text, least=2)]
            whole = [f.value for f in introduced_names(version.text, bare=True) if " " in f.value]
            if spelt:
                first = spelt[0] if len(spelt) > 1 else (whole or [self.name])[0].split()[0]
                return f"{first} {spelt[-1]}"
            if whole:
                return whole[-1]
        return ""

    def ask(self, desk: Desk) -> None:
        """Ask for what is missing."""
        third = "_third" if desk.memory.third_party else ""
        if self.asked in ("guardian", "spelling"):
            desk.say(f"ask_{self.asked}")
        elif not self.name and not self.birth_date:
            self.asked = "both"
            desk.say("ask_identity" + third)
        elif not self.birth_date:
            self.asked = "birth"
            desk.say("ask_birth" + third)
        else:
            self.asked = "name"
            desk.say("ask_name" + third)

    def hear(self, desk: Desk, heard: Heard) -> bool:
        """Take an utterance that was already listened to; False when it was of no use."""
        if self.asked == "guardian":
            return self._heard_guardian(desk, heard)
        if self.searching or self.held is not None:
            desk.say("still_working")
            return True
        if self.birth_date and self.name and " " in self.name and self.fresh:
            self._check(desk, desk.memory.candidates, final=False)
            return True
        if self.fresh and self.asked:
            self.fresh = False
            self._ask_rest(desk, heard)
            return True
        return False

    def _ask_rest(self, desk: Desk, heard: Heard) -> None:
        if self.asked == "spelling":
            self.asked = "birth"
        half_a_date = dates(heard.text) or digit_strings(heard.text, 4)
        if not self.birth_date and half_a_date:
            desk.say("ask_birth_again")
        elif self.birth_date and self.name and " " not in self.name:
            self.asked = "name"
            desk.say("ask_name" + ("_third" if desk.memory.third_party else ""))
        else:
            self.ask(desk)

    def _check(self, desk: Desk, records: tuple[PatientRecord, ...], final: bool) -> None:
        self.fresh = False
        if self.birth_date is None:
            return
        found = choose(records, self.name, self.birth_date)
        if len(found) == 1:
            self._settle(desk, found[0])
        elif not final and not found:
            self.searching = True
            desk.fill("loading")
            desk.run(FindByBirthDate(self.birth_date), self)
        else:
            self._fail(desk)

    def _settle(self, desk: Desk, record: PatientRecord) -> None:
        memory = desk.memory
        known = any(record.id == c.id for c in memory.candidates)
        if not memory.third_party and _is_minor(memory, record):
            self.held, self.asked = record, "guardian"
            desk.say("ask_guardian")
            return
        if memory.third_party and not known and _looking_up(desk):
            self.held = record
            desk.fill("loading")
            return
        self.held = None
        if memory.third_party and not (known and memory.setting.third_party == "known_phone"):
            desk.hand_over("third_party_person", "third party calling for a patient")
            return
        memory.patient, self.finished = record, True
        if record.reference not in memory.contexts:
            desk.run(LoadContext(record.reference), self)

    @property
    def busy(self) -> bool:
        """Whether a record is being looked up or loaded, so that nothing is asked now."""
        return self.searching or (self.held is not None and self.asked != "guardian")

    def proved(self, desk: Desk, record: PatientRecord) -> None:
        """The channel knows who this is; where it does not know who speaks for a child, that is still asked."""
        if desk.memory.setting.proxy:
            self._proved_proxy(desk, record)
        elif _is_minor(desk.memory, record):
            self.held, self.asked = record, "guardian"
        else:
            desk.memory.patient, self.finished = record, True

    def _proved_proxy(self, desk: Desk, record: PatientRecord) -> None:
        """Somebody speaks for the patient, of whom the practice's record says that they may."""
        memory = desk.memory
        memory.third_party = memory.third_party or "related person"
        if memory.setting.third_party == "person":
            desk.hand_over("third_party_person", "third party calling for a patient")
            return
        memory.patient, self.finished = record, True

    def resume(self, desk: Desk) -> None:
        """What was waited for is known now."""
        if self.held is not None and self.asked != "guardian":
            self._settle(desk, self.held)

    def _heard_guardian(self, desk: Desk, heard: Heard) -> bool:
        """Whether a parent or guardian speaks for the child."""
        guardian = (
            heard.third_party or (heard.yes and "patient" not in heard.plain) or _PARENT.search(heard.plain)
        )
        if guardian and self.held is not None:
            desk.memory.third_party, self.asked = "parent or guardian", "both"
            self._settle(desk, self.held)
        elif heard.no or heard.for_self or "patient" in heard.plain:
            desk.hand_over("minor", "a minor called alone")
        else:
            return False
        return True

    def _fail(self, desk: Desk) -> None:
        memory = desk.memory
        memory.identity_failures += 1
        if memory.identity_failures >= memory.setting.identity_attempts:
            desk.hand_over("identity_person", "identity not established")
            return
        if memory.identity_failures == memory.setting.identity_attempts - 1:
            self.asked, self.birth_date = "spelling", None
            desk.say("ask_spelling")
            return
        self.asked = "both"
        desk.say("identity_failed")

    def result(self, desk: Desk, result: Result) -> None:
        """Patients born on the day named."""
        self.searching = False
        if isinstance(result, PatientsFound):
            self._check(desk, result.patients, final=True)
        elif isinstance(result, Failed):
            desk.hand_over("trouble", "records could not be searched")
