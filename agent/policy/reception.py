"""Before anything is served: what the caller wants, and who that is."""

from __future__ import annotations

from agent.effects import Escalate
from agent.hearing import Heard
from agent.memory import Done
from agent.policy import errands, replies
from agent.policy.ending import take_leave
from agent.policy.informing import Informing
from agent.policy.insurance import Insurance
from agent.policy.wishes import REASONS
from agent.records import PatientRecord
from agent.signals import UNREAD


class Reception(Informing):
    """Takes wishes, and serves none until the caller is identified."""

    def _identity_first(self, heard: Heard) -> bool:
        """Until the caller is identified nothing else is served; whether the utterance is dealt with."""
        if self.memory.patient is not None:
            return False
        if self._answers_us(heard):
            return True
        if self._identifying and self._takes_leave(heard):
            take_leave(self.desk)
            return True
        told = self.identity.listen(self.memory, heard)
        if self._identifying and (self.identity.hear(self.desk, heard) or told):
            self._identified()
            return True
        if self._identifying:
            return self._while_identifying(heard)
        if not self.waiting:
            return self._nothing_wanted(heard, told)
        if not self.identity.hear(self.desk, heard):
            self.identity.ask(self.desk)
        self._identified()
        return True

    def _look(self, heard: Heard) -> None:
        """A picture was shown: an insurance card, which is dealt with when it is its turn and it is known whose it is.

        Nothing in it says who that is, and none of its text is taken for the caller's words.
        """
        self.silences = 0
        if heard.text != UNREAD:  # what is typed in its place does not rest on it
            self.memory.pictures[heard.turn] = heard.picture
        if self.memory.ended:
            return
        if isinstance(self.current, Insurance) and self.current.state != "writing":
            self.current.look(self.desk, heard)
            return
        self.waiting = [one for one in self.waiting if one[0] != "insurance" or one[2] is not None]
        self.waiting.append(("insurance", heard, None))
        self.memory.reasons.append(REASONS["insurance"])
        if self.memory.patient is None:
            self.desk.say("picture_kept")
            if not self.identity.busy:
                self.identity.ask(self.desk)
        elif self.current is not None:
            self.desk.say("picture_kept")
            self.current.ask(self.desk)
        else:
            self._resume()

    def _answers_us(self, heard: Heard) -> bool:
        """An answer to what we reached out about, from somebody who is not identified: a bare yes by message is
        enough to confirm, everything else begins with who it is."""
        if not self.memory.outreach or self._identifying:
            return False
        errand = replies.answered_errand(self.memory)
        word = replies.keyword(heard) if self.memory.medium == "written" else ""
        if word == "yes" and errand is not None and errand.purpose == "confirm":
            return replies.BareYes(errand).begin(self.desk, heard)
        if word == "well" and errand is not None and errand.purpose == "follow_up":
            self.desk.say("glad_well")
            self.desk.done(Done("follow_up", "You are well after your visit", turns=(heard.turn,)))
            self.desk.end("well after the visit")
            return True
        if word == "person":
            self.memory.follow_up.append("Asked by message to be called.")
            self.desk.say("call_you")
            self.desk.effects.append(Escalate("asked by message to be called"))
            self.desk.end("asked to be called")
            return True
        wish = replies.wish_of(word, errand or self.memory.outreach[0])
        if wish:
            self._want(wish)
        if not wish and not heard.returning and not word:
            return False
        if not self.waiting or wish:
            self.identity.listen(self.memory, heard)
            self.identity.ask(self.desk)
        return not self.waiting or bool(wish)

    def _takes_leave(self, heard: Heard) -> bool:
        """A goodbye instead of a name; a new wish after ``never mind`` is none."""
        return (heard.goodbye or heard.never_mind) and not any(said is heard for _, said, _ in self.waiting)

    def _while_identifying(self, heard: Heard) -> bool:
        if heard.goodbye or heard.never_mind:
            take_leave(self.desk)
        elif heard.repeat or errands.says_hello(self.memory, heard):
            self.identity.ask(self.desk)
        else:
            self._not_understood(lambda: self.identity.ask(self.desk))
        return True

    def _nothing_wanted(self, heard: Heard, told: bool) -> bool:
        """An utterance without a wish before anybody is identified."""
        if self.question == "person":
            return self._offered_person(heard)
        if heard.goodbye or heard.never_mind:
            take_leave(self.desk)
        elif heard.beyond:
            self._beyond(heard)
        elif told or heard.third_party or heard.greeting:
            self.desk.say("how_help")
        else:
            self._not_understood(lambda: self.desk.say("how_help"))
        return True

    def _identified(self) -> None:
        """Identity has just been established: greet by name and go on with what was wanted."""
        patient = self.memory.patient
        if patient is None or self.memory.ended or self.stage == "served":
            return
        self.stage = "served"
        if self.memory.third_party:
            self.desk.say("identified_third")
        else:
            self.desk.say("identified", name=_first_name(patient, self.identity.name))
        if self.memory.setting.errand is not None:
            self._run_errand()
        elif self.memory.outreach and not self.waiting:
            self._want(errands.called_back(self.desk))
        self._resume()

    def _run_errand(self) -> None:
        """Say what the call is about; where it asks something of the patient, that is the first wish."""
        self._want(errands.begin(self.desk))

    def _want(self, wish: str) -> None:
        """What is asked of the patient is the first wish."""
        if wish and all(kind != wish for kind, _, _ in self.waiting):
            self.waiting.insert(0, (wish, errands.wished(), None))


def _first_name(patient: PatientRecord, said: str) -> str:
    """The first name as the caller said it; nothing is told that was not said."""
    first = said.split()[0] if said else ""
    return first.title() if first.isupper() or first.islower() else first
