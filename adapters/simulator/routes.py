"""The FHIR interactions of the simulated EHR."""

from __future__ import annotations

from urllib.parse import parse_qsl

from adapters.simulator import answers
from adapters.simulator.answers import Answer, outcome
from adapters.simulator.call import Call
from adapters.simulator.clinic import TYPES, Clinic, Refused
from adapters.simulator.export import GROUP, Exports
from adapters.simulator.habits import HabitBook
from adapters.simulator.keys import date_range
from adapters.simulator.options import Options
from adapters.simulator.records import Records
from adapters.simulator.search import InvalidSearch, next_link, parse, run
from fhirserver.kernel.json import InvalidJson, JsonObject, loads


class Routes:
    """Answers requests under ``/fhir``."""

    def __init__(
        self, options: Options, records: Records, clinic: Clinic, habits: HabitBook, exports: Exports
    ):
        self.options, self.records, self.clinic, self.habits = options, records, clinic, habits
        self.exports = exports

    def answer(self, call: Call) -> Answer:
        try:
            return self._route(call)
        except Refused as refused:
            return outcome(refused.status, refused.code, refused.text)
        except (InvalidSearch, InvalidJson, ValueError) as error:
            return outcome(400, "invalid", str(error))

    def _route(self, call: Call) -> Answer:
        if call.path[-1] == "$export" or (len(call.path) > 1 and call.path[1].startswith("$export-")):
            return self._export(call)
        match (call.method, *call.path[1:]):
            case ("GET", "metadata"):
                return answers.capability_statement(
                    "Simulated EHR", "2026-11-22", not self.options.bare, self.habits.now
                )
            case ("GET", "_history") if self.habits.now.history == "system":
                return self._history(call, None, None)
            case (_, type, *_) if not self._keeps(type):
                return outcome(404, "not-supported", "this EHR does not keep that resource type")
            case ("GET", type):
                return self._search(call, type, call.query)
            case ("POST", type, "_search"):
                return self._search(call, type, [*call.query, *parse_qsl(call.body.decode())])
            case ("POST", type):
                return self._create(call, type)
            case ("GET", type, "_history") if self.habits.now.history == "type":
                return self._history(call, type, None)
            case (method, type, id):
                return self._instance(call, method, type, id)
            case ("GET", type, id, "_history"):
                return self._history(call, type, id)
            case ("GET", type, id, "_history", version):
                return self._version(type, id, version)
        return outcome(405, "not-supported", "that interaction is not offered")

    def _keeps(self, type: str) -> bool:
        return type in TYPES or (type == "Subscription" and self.habits.now.subscriptions != "none")

    def _export(self, call: Call) -> Answer:
        level = self.habits.now.export
        match (call.method, *call.path[1:]):
            case ("GET", "$export") if level == "system":
                return self.exports.kick_off(call, sorted(TYPES))
            case ("GET", "Patient", "$export") if level == "patient":
                return self.exports.kick_off(call, sorted(TYPES))
            case ("GET", "Group", id, "$export") if level == "group" and id == GROUP:
                return self.exports.kick_off(call, sorted(TYPES))
            case ("GET", "$export-status", id):
                return self.exports.status(call, id)
            case ("DELETE", "$export-status", id):
                return self.exports.cancel(id)
            case ("GET", "$export-file", id, number):
                return self.exports.file(id, number)
        return outcome(404, "not-supported", "that export is not offered")

    def _instance(self, call: Call, method: str, type: str, id: str) -> Answer:
        if method == "GET":
            return self._read(type, id)
        if method == "PUT":
            stored = self.clinic.update(id, _body(call, type, id), call.headers)
            return answers.record(stored, bare=self.options.bare)
        if method == "DELETE":
            self.clinic.delete(type, id, call.headers)
            return Answer(204)
        return outcome(405, "not-supported", "that interaction is not offered")

    def _search(self, call: Call, type: str, query: list[tuple[str, str]]) -> Answer:
        habits = self.habits.now
        if habits.last_updated != "searched":
            if habits.last_updated == "refused" and any(name == "_lastUpdated" for name, _ in query):
                raise InvalidSearch(f"unknown search parameter _lastUpdated for {type}")
            query = [(name, text) for name, text in query if name != "_lastUpdated"]
        if habits.sort == "refused" and any(name == "_sort" for name, _ in query):
            raise InvalidSearch("unknown search parameter _sort")
        search = parse(type, query, self.options.page_size, habits)
        found, total, more = run(self.records, search)
        links = {"next": next_link(call.base, query, search, found[-1])} if more else {}
        return answers.bundle("searchset", call.base, found, total, links)

    def _create(self, call: Call, type: str) -> Answer:
        headers = {n: v for n, v in call.headers.items() if n != "if-none-exist" or not self.options.bare}
        stored, created = self.clinic.create(_body(call, type), headers)
        return answers.record(stored, 201 if created else 200, call.base, self.options.bare)

    def _read(self, type: str, id: str) -> Answer:
        stored = self.records.current(type, id)
        if stored is None:
            return outcome(404, "not-found", f"there is no such {type}")
        if stored.deleted:
            return outcome(410, "deleted", f"the {type} was deleted")
        return answers.record(stored)

    def _version(self, type: str, id: str, version: str) -> Answer:
        stored = self.records.version(type, id, int(version)) if version.isdigit() else None
        if stored is None:
            return outcome(404, "not-found", "there is no such version")
        if stored.deleted:
            return outcome(410, "deleted", "it is deleted in that version")
        return answers.record(stored)

    def _history(self, call: Call, type: str | None, id: str | None) -> Answer:
        query = dict(call.query)
        since = date_range(query["_since"])[0] if "_since" in query else ""
        most = self.habits.now.most_on_a_page or 10_000
        count = max(1, min(int(query.get("_count", "1000")), most))
        found = self.records.history(type, id, since, query.get("_before", ""), count + 1)
        if id and not found and not since:
            return outcome(404, "not-found", f"there is no such {type}")
        page = found[:count]
        links = {}
        if len(found) > count:
            kept = [(name, text) for name, text in call.query if name != "_before"]
            links["next"] = answers.link(call, [*kept, ("_before", page[-1].updated)])
        return answers.bundle("history", call.base, page, len(page), links)


def _body(call: Call, type: str, id: str = "") -> JsonObject:
    """The resource in the body, checked as far as this EHR looks. Raises :class:`Refused`."""
    body = loads(call.body)
    if not isinstance(body, dict) or body.get("resourceType") != type:
        raise Refused(400, "invalid", f"the body must be a {type}")
    if id and body.get("id", id) != id:
        raise Refused(400, "invalid", "the id in the body is not that of the URL")
    for name in ("identifier", "telecom", "slot", "participant"):
        items = body.get(name, [])
        if not all(isinstance(item, dict) for item in (items if isinstance(items, list) else [items])):
            raise Refused(422, "structure", f"{type}.{name} is malformed")
    if not isinstance(body.get("meta", {}), dict):
        raise Refused(422, "structure", f"{type}.meta is malformed")
    return body
