"""The control endpoint of the simulated EHR: faults, habits, clients, and what it has accepted."""

from __future__ import annotations

from adapters.simulator.answers import Answer, outcome, plain
from adapters.simulator.authority import Authority, InvalidClient
from adapters.simulator.call import Call
from adapters.simulator.export import Exports
from adapters.simulator.faults import FaultPlan, InvalidFaults
from adapters.simulator.habits import HabitBook, InvalidHabits
from adapters.simulator.records import Records
from fhirserver.kernel.json import InvalidJson, JsonObject, loads


class Control:
    """Answers requests under ``/admin``."""

    def __init__(
        self, records: Records, plan: FaultPlan, habits: HabitBook, authority: Authority, exports: Exports
    ):
        self.records, self.plan, self.habits = records, plan, habits
        self.authority, self.exports = authority, exports

    def answer(self, call: Call) -> Answer:
        try:
            return self._route(call)
        except (InvalidJson, InvalidFaults, InvalidHabits, InvalidClient) as error:
            return outcome(400, "invalid", str(error))

    def _route(self, call: Call) -> Answer:
        match (call.method, *call.path[1:]):
            case ("GET", "faults"):
                return plain(self.plan.as_json())
            case ("POST", "faults"):
                self.plan.change(_settings(call))
                return plain(self.plan.as_json())
            case ("GET", "habits"):
                return plain(self.habits.as_json())
            case ("POST", "habits"):
                self.habits.change(_settings(call))
                return plain(self.habits.as_json())
            case ("POST", "clients"):
                self.authority.register(_settings(call))
                return plain({})
            case ("DELETE", "tokens"):
                self.authority.expire_tokens()
                return plain({})
            case ("GET", "writes"):
                query = dict(call.query)
                limit = int(query.get("limit", "10000"))
                return plain({"writes": self.records.writes(int(query.get("after", "0")), limit)})
            case ("GET", "state"):
                return plain(self._state())
        return outcome(404, "not-found", "nothing is here")

    def _state(self) -> JsonObject:
        return {
            "records": self.records.counts(),
            "writes": self.records.write_count(),
            "repeated": self.records.repeated(),
            "faults": self.plan.as_json(),
            "habits": self.habits.as_json(),
            "tokens": self.authority.issued,
            "exports": self.exports.started,
        }


def _settings(call: Call) -> JsonObject:
    settings = loads(call.body)
    if not isinstance(settings, dict):
        raise InvalidFaults("settings must be a JSON object")
    return settings
