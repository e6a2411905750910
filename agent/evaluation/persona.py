"""A simulated caller: hears what the agent asks and answers from what the caller knows, in the caller's own style.

Text in, acts out, so that it serves a written line as well as the simulated telephone. The same seed gives the same
words.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from agent.evaluation.facts import Facts
from agent.evaluation.phrases import ANSWERS, CLOSERS, HESITATIONS, OPENERS, THEIRS, WISHES
from agent.evaluation.questions import question
from agent.evaluation.scenario import Scenario
from agent.evaluation.values import slot_forms, spelled, spelled_name, visit_forms
from fhirserver.world.spoken.days import WEEKDAYS

_PATIENCE = 3
"""Times an offer is refused before the caller gives up."""


@dataclass(frozen=True, slots=True)
class Act:
    """What the caller does: ``say``, ``silence``, ``hangup``, ``keys``, or ``barge`` (``text`` is what was heard)."""

    kind: str
    text: str = ""


class Persona:
    """One caller on one call."""

    def __init__(self, scenario: Scenario, seed: int):
        self.scenario = scenario
        self.facts = Facts(scenario)
        self._rng = random.Random(f"{scenario.name}/{seed}")  # noqa: S311 - words, not secrets
        self._left = list(scenario.wants)
        self._wish = ""
        self._asked: Counter[str] = Counter()
        self._used: Counter[str] = Counter()
        self._refused = 0
        self._lines = list(scenario.script)
        self._last = ""

    # what the caller does

    def reply(self, said: str) -> list[Act]:
        """What the caller does after the agent said ``said`` (empty: the agent was silent)."""
        if self.scenario.script:
            return self.acts(self._lines.pop(0)) if self._lines else [Act("hangup")]
        kind = question(said)
        if not kind:
            return [Act("silence")] if not self._over(said) else [Act("hangup")]
        self._asked[kind] += 1
        fixed = self._fixed(kind)
        if fixed is not None:
            if kind == "open" and self._left:
                self._wish = self._left.pop(0)
            return self.acts(fixed, said)
        words, heard = self._interrupted(kind, said)
        said = heard or said
        answer = getattr(self, f"_to_{kind}")(said)
        return [*words, Act("say", self._styled(kind, answer))]

    def _over(self, said: str) -> bool:
        return "goodbye" in said.lower() and not self._left

    def _fixed(self, kind: str) -> str | None:
        """The scenario's own answer to this kind of question, each used once; ``default`` is the caller's usual."""
        answers = self.scenario.answers.get(kind, ())
        if self._used[kind] >= len(answers):
            return None
        chosen = answers[self._used[kind]]
        self._used[kind] += 1
        picked = str(self._rng.choice(chosen) if isinstance(chosen, list) else chosen)
        return None if picked == "default" else picked

    def acts(self, line: str, said: str = "") -> list[Act]:
        """``[silence]``, ``[hangup]``, ``[keys 1]``, ``[barge 3] words``, or plain words with ``{facts}``."""
        match = re.match(r"\[(\w+)(?: ([^\]]+))?\]\s*(.*)", line)
        if not match:
            return [Act("say", self.facts.fill(line, self._rng))]
        kind, value, rest = match[1], match[2] or "", self.facts.fill(match[3], self._rng)
        if kind == "barge":
            heard = " ".join(said.split()[: int(value or 3)])
            return [Act("barge", heard), Act("say", rest)]
        return [Act(kind, value), *([Act("say", rest)] if rest else [])]

    def _interrupted(self, kind: str, said: str) -> tuple[list[Act], str]:
        """Somebody who interrupts has heard only part of it: mostly of what is known already."""
        if "interrupts" not in self.scenario.style or kind in ("open", "read_back", "offer", "which_visit"):
            return [], ""
        if len(said.split()) < 6 or self._rng.random() > 0.5:
            return [], ""
        words = said.split()
        return [Act("barge", " ".join(words[: len(words) * 2 // 3]))], said

    # style

    def _styled(self, kind: str, text: str) -> str:
        style = self.scenario.style
        if "hesitates" in style and self._rng.random() < 0.6:
            text = self._rng.choice(HESITATIONS) + text[:1].lower() + text[1:] if text[:1] != "I" else text
        if "chatty" in style and kind not in ("still_there", "member", "group", "phone"):
            opener = self._rng.choice(OPENERS) if self._rng.random() < 0.5 else ""
            text = f"{opener}{text}{self._rng.choice(CLOSERS)}"
        self._last = text
        return text

    def _pick(self, key: str, **values: str) -> str:
        variants = ANSWERS[key]
        chosen = variants[0] if "terse" in self.scenario.style else self._rng.choice(variants)
        return chosen.format(**values)

    # what the caller answers

    def _to_open(self, said: str) -> str:
        if not self._left:
            if self._wish and self._asked["open"] <= 4 and not self._finished:
                return self._wished(self._wish)
            return self._pick("done")
        if self.scenario.at_once:
            wishes, self._left = self._left, []
            self._wish = wishes[0]
            return ", and ".join(self._wished(w) for w in wishes)
        self._wish = self._left.pop(0)
        return self._wished(self._wish)

    @property
    def _finished(self) -> bool:
        return self._asked["anything_else"] > 0

    def _to_anything_else(self, said: str) -> str:
        return self._to_open(said) if self._left else self._pick("done")

    def _wished(self, wish: str) -> str:
        kin = self.facts.kin
        said = THEIRS[wish] if kin and wish in THEIRS else WISHES[wish]
        chosen = said[0] if "terse" in self.scenario.style else self._rng.choice(said)
        return self.facts.fill(chosen, self._rng)

    def _to_identity(self, said: str) -> str:
        key = "identity_theirs" if self.facts.kin else "identity"
        return self._pick(key, name=self._name(), birth=self._birth())

    def _to_spelling(self, said: str) -> str:
        return f"{spelled(self.facts.name)}, {self._birth()}"

    def _name(self) -> str:
        name = self.facts.name
        return spelled_name(name) if "spells" in self.scenario.style else name

    def _birth(self) -> str:
        right = self.facts.birth(self._rng)
        if "corrects" in self.scenario.style and self._rng.random() < 0.7:
            return f"{self.facts.wrong_birth(self._rng)}, no, sorry, {right}"
        return right

    def _to_name(self, said: str) -> str:
        return self.facts.name if self.facts.kin else self._pick("name", name=self._name())

    def _to_birth(self, said: str) -> str:
        return self._birth() if self.facts.kin else self._pick("birth", birth=self._birth())

    def _to_still_there(self, said: str) -> str:
        return self._pick("here")

    def _to_person(self, said: str) -> str:
        return self._pick("yes" if self.facts.person else "no")

    def _to_guardian(self, said: str) -> str:
        return "Yes, I am" if self.facts.kin else "No, I'm the patient"

    def _to_when(self, said: str) -> str:
        if self.facts.text("instead", "") == "cancel":
            return "I don't want another time, please just cancel it"
        return self._pick("when", when=self.facts.when(self._rng))

    def _to_offer(self, said: str) -> str:
        slot = self.facts.offered(said)
        if slot is None:
            self._refused += 1
            if self._refused > _PATIENCE:
                return "Never mind then, forget it"
            return self._pick("none_fits", when=self.facts.when(self._rng))
        form = self._rng.choice(slot_forms(slot, self.facts.days_in(said)))
        if "corrects" in self.scenario.style and self._rng.random() < 0.5:
            other = self.facts.another(said, slot)
            if other is not None:
                wrong = self._rng.choice(slot_forms(other, self.facts.days_in(said)))
                return f"{wrong}, no wait, sorry, {form}"
        return self._pick("choose", slot=form)

    def _to_which_visit(self, said: str) -> str:
        slot = self.facts.offered(said)
        if slot is not None and "have" not in said.lower():
            return self._pick("choose", slot=self._rng.choice(slot_forms(slot, self.facts.days_in(said))))
        visit = self.facts.visit
        if visit is None:
            return self._pick("what")
        alone = said.lower().count(WEEKDAYS[visit.weekday()]) == 1
        return self._pick("visit", visit=self._rng.choice(visit_forms(visit, alone)))

    def _to_reason(self, said: str) -> str:
        return self._pick("reason", reason=self.facts.text("reason", "something came up"))

    def _to_attend(self, said: str) -> str:
        if self.facts.text("attends", "yes") == "no":
            return "No, I can't make it"
        return self._pick("attend")

    def _to_move_or_cancel(self, said: str) -> str:
        return self._pick("move" if self.facts.text("instead", "") == "reschedule" else "cancel_it")

    def _to_book_instead(self, said: str) -> str:
        return self._pick("yes" if self.facts.text("book_instead", "no") == "yes" else "no")

    def _to_read_back(self, said: str) -> str:
        """Yes only to what is true; a wrong value is put right; what was not heard is asked for."""
        wrong = self.facts.wrong_in(said, self._rng)
        if wrong is None:
            return self._pick("yes")
        return self._pick("wrong", value=wrong) if wrong else self._pick("what")

    def _to_which_part(self, said: str) -> str:
        return "The member ID"

    def _value(self, key: str) -> Callable[[str], str]:
        return lambda said: self._pick(key, **{key: self.facts.spoken(key, self._rng)})

    def _to_payer(self, said: str) -> str:
        return self._value("payer")(said)

    def _to_member(self, said: str) -> str:
        return self._value("member")(said)

    def _to_group(self, said: str) -> str:
        return self._value("group")(said) if self.facts.text("group", "") else self._pick("no_group")

    def _to_phone(self, said: str) -> str:
        return self._value("phone")(said)

    def _to_address(self, said: str) -> str:
        return self._value("address")(said)

    def _to_line(self, said: str) -> str:
        return self._value("line")(said)

    def _to_city(self, said: str) -> str:
        return self._value("city")(said)

    def _to_postal(self, said: str) -> str:
        return self._value("postal")(said)

    def _to_go_on(self, said: str) -> str:
        return self._last

    def _to_again(self, said: str) -> str:
        """Asked to say it again: whatever the value under discussion is."""
        for key in ("phone", "address", "insurance"):
            if key == self._wish:
                return self._value("member" if key == "insurance" else key)(said)
        return self._to_identity(said)
