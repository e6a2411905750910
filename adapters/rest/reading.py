"""Reading mapping files: text → document → checked → :class:`~adapters.rest.mapping.MappingFile`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from pathlib import Path as FilePath
from typing import Any, TypeVar

from adapters.rest import checking
from adapters.rest.codes import CodeMap, make_code_map
from adapters.rest.document import Document, InvalidMapping, Path, Problem, dotted, read_document
from adapters.rest.expressions import Expression, InvalidExpression, compile_expression
from adapters.rest.mapping import (
    Action,
    Auth,
    Changes,
    Create,
    Element,
    ErrorRule,
    Find,
    Id,
    Listing,
    Look,
    MappingFile,
    Paging,
    Read,
    Request,
    Resource,
    Server,
    Setting,
    Signature,
    Topics,
    WebhookRules,
    Within,
)
from adapters.rest.templates import BodyTemplate, Template, Templates, compile_body, compile_template

VENDORS = "vendors"
_Made = TypeVar("_Made")
_Member = dict[str, Any]


def shipped() -> list[str]:
    """The names of the vendors that come with Credence."""
    folder = resources.files(__package__) / VENDORS
    return sorted(one.name.removesuffix(".yaml") for one in folder.iterdir() if one.name.endswith(".yaml"))


def shipped_text(name: str) -> str:
    """The mapping file of a shipped vendor. Raises ``KeyError``."""
    if name not in shipped():
        raise KeyError(name)
    return (resources.files(__package__) / VENDORS / f"{name}.yaml").read_text("utf-8")


def load_mapping(name: str, folder: FilePath = FilePath()) -> MappingFile:
    """A shipped vendor by its name, or a file. Raises :class:`InvalidMapping`."""
    return parse_mapping(name, mapping_text(name, folder))


def mapping_text(name: str, folder: FilePath = FilePath()) -> str:
    """Raises :class:`InvalidMapping` where there is no such file or vendor."""
    if name in shipped():
        return shipped_text(name)
    try:
        return (folder / name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        known = ", ".join(shipped())
        raise InvalidMapping(
            name, [Problem(1, f"cannot be read: {reason}; shipped mappings are {known}")]
        ) from None


def parse_mapping(name: str, text: str) -> MappingFile:
    """Raises :class:`InvalidMapping` with all that is wrong."""
    document = read_document(name, text)
    if problems := checking.schema_problems(document):
        raise InvalidMapping(name, problems)
    reader = _Reader(document)
    mapping = reader.mapping()
    if reader.problems:
        raise InvalidMapping(name, reader.problems)
    return mapping


class _Reader:
    """Makes the parts of a mapping, and goes on after a problem so that all are found at once."""

    def __init__(self, document: Document):
        self._document = document
        self._root: _Member = document.value
        self.problems: list[Problem] = []

    def _problem(self, path: Path, text: str) -> None:
        self.problems.append(self._document.problem(path, text))

    def _compiled(self, path: Path, make: Callable[[Any, str], _Made], value: Any, empty: _Made) -> _Made:
        try:
            return make(value, dotted(path))
        except InvalidExpression as error:
            self._problem(path, str(error))
            return empty

    def _checked(self, path: Path, expressions: list[Expression]) -> None:
        for expression in expressions:
            for call in expression.calls:
                if problem := checking.function_problem(call):
                    self._problem(path, problem)
            for name in re.findall(r"\b(?:vendor_)?code\('([^']*)'", expression.text):
                if name not in self._root.get("codes", {}):
                    self._problem(path, f"no code map {checking.meant(name, self._root.get('codes', {}))}")

    def expression(self, path: Path, text: str) -> Expression:
        made = self._compiled(path, compile_expression, text, compile_expression("null", ""))
        self._checked(path, [made])
        return made

    def _optional(self, path: Path, member: _Member, name: str) -> Expression | None:
        return self.expression((*path, name), member[name]) if name in member else None

    def _template(self, path: Path, text: Any) -> Template:
        made = self._compiled(path, compile_template, text, Template(("",)))
        self._checked(path, made.expressions)
        return made

    def _templates(self, path: Path, member: Mapping[str, Any]) -> Templates:
        return {name: self._template((*path, name), text) for name, text in member.items()}

    def _body(self, path: Path, tree: _Member) -> BodyTemplate:
        made = self._compiled(path, compile_body, tree, BodyTemplate({}))
        self._checked(path, made.expressions)
        return made

    # The parts

    def mapping(self) -> MappingFile:
        root = self._root
        codes = {name: self._codes(member) for name, member in root.get("codes", {}).items()}
        return MappingFile(
            name=root["name"],
            about=root.get("about", ""),
            server=self._server(("server",), root["server"]),
            settings={name: Setting(**member) for name, member in root.get("settings", {}).items()},
            codes=codes,
            errors=[
                self._error(("errors", n, "body"), member) for n, member in enumerate(root.get("errors", []))
            ],
            resources=dict(self._resources(root["resources"])),
            webhook=self._webhook(("webhook",), root["webhook"]) if "webhook" in root else None,
        )

    def _codes(self, member: _Member) -> CodeMap:
        return make_code_map(member.get("in", {}), member.get("out"))

    def _error(self, path: Path, member: _Member) -> ErrorRule:
        pattern = None
        if "body" in member:
            try:
                pattern = re.compile(member["body"], re.IGNORECASE)
            except re.error as error:
                self._problem(path, f"no regular expression: {error}")
        return ErrorRule(member["is"], frozenset(member.get("status", ())), pattern)

    def _server(self, path: Path, member: _Member) -> Server:
        plain = {name: member[name] for name in ("body", "date_format", "time_format") if name in member}
        return Server(
            url=member["url"],
            auth=Auth(**member["auth"]),
            path=self._template((*path, "path"), member.get("path", "")),
            time_zone=self._template((*path, "time_zone"), member.get("time_zone", "UTC")),
            headers=self._templates((*path, "headers"), member.get("headers", {})),
            query=self._templates((*path, "query"), member.get("query", {})),
            health=self._template((*path, "health"), member["health"]) if "health" in member else None,
            visible_within=float(member.get("visible_within", 0)),
            failed=self._optional(path, member, "failed"),
            message=self._optional(path, member, "message"),
            **plain,
        )

    def _webhook(self, path: Path, member: _Member) -> WebhookRules:
        return WebhookRules(
            signature=Signature(**member["signature"]),
            event=self.expression((*path, "event"), member["event"]),
            type=self.expression((*path, "type"), member["type"]),
            id=self.expression((*path, "id"), member["id"]),
            replay_seconds=float(member.get("replay_seconds", 300)),
            subscribe=self._topics((*path, "subscribe"), member["subscribe"])
            if "subscribe" in member
            else None,
        )

    def _topics(self, path: Path, member: _Member) -> Topics:
        return Topics(
            path=self._template((*path, "path"), member["path"]),
            records=self.expression((*path, "records"), member["records"]),
            topics=member["topics"],
            topic=member["topic"],
            target=member["target"],
            key=self._optional(path, member, "key"),
        )

    def _resources(self, member: _Member) -> Iterator[tuple[str, Resource]]:
        for type, inner in member.items():
            path: Path = ("resources", type)
            if problem := checking.type_problem(type):
                self._problem(path, problem)
            else:
                yield type, self._resource(path, type, inner)

    def _resource(self, path: Path, type: str, member: _Member) -> Resource:
        self._refers(path, member)
        parts = {
            name: getattr(self, f"_{name}")((*path, name), member[name])
            for name in ("within", "list", "changes", "read", "create", "delete")
            if name in member
        }
        finds = member.get("find", {})
        return Resource(
            type=type,
            id=self._id((*path, "id"), member["id"]),
            elements=list(self._elements((*path, "fhir"), type, member["fhir"])),
            keep=member.get("keep", False),
            updated=self._optional(path, member, "updated"),
            skip=self._optional(path, member, "skip"),
            deleted=self._optional(path, member, "deleted"),
            moved_to=self._optional(path, member, "moved_to"),
            find={system: self._find((*path, "find", system), inner) for system, inner in finds.items()},
            update=[
                self._action((*path, "update", n), inner) for n, inner in enumerate(member.get("update", []))
            ],
            **parts,
        )

    def _refers(self, path: Path, member: _Member) -> None:
        """That what the resource takes from others is there, and can be read."""
        known: _Member = self._root["resources"]
        holder = member.get("within", {}).get("resource")
        each = member.get("list", {}).get("each")
        for name, where in ((holder, (*path, "within", "resource")), (each, (*path, "list", "each"))):
            if name is not None and name not in known:
                self._problem(where, f"no resource here {checking.meant(name, known)}")
        if each in known and not known[each].get("keep"):
            self._problem((*path, "list", "each"), f"{each} is not kept: it needs 'keep: true'")
        if holder is None and "list" not in member:
            self._problem(path, "says neither 'list' nor 'within': nothing could be pulled")
        for name in ("moved_to", "update"):
            if name in member and "read" not in member:
                self._problem((*path, name), "needs 'read'")

    def _id(self, path: Path, value: Any) -> Id:
        if isinstance(value, str):
            return {"": self.expression(path, value)}
        return {name: self.expression((*path, name), text) for name, text in value.items()}

    def _elements(self, path: Path, type: str, member: Mapping[str, str]) -> Iterator[Element]:
        for name, text in member.items():
            where = (*path, name)
            steps = checking.parse_steps(name)
            problem = "no path of an element" if steps is None else checking.element_problem(type, steps)
            if steps is None or problem:
                self._problem(where, str(problem))
            else:
                yield Element(name, steps, self.expression(where, text))

    def _within(self, path: Path, member: _Member) -> Within:
        return Within(
            member["resource"], self.expression((*path, "at"), member["at"]), member.get("first", False)
        )

    def _request(self, path: Path, member: _Member, method: str = "GET") -> Request:
        return Request(
            member.get("method", method),
            self._template((*path, "path"), member["path"]),
            self._templates((*path, "query"), member.get("query", {})),
            self._body((*path, "body"), member.get("body", {})),
            self._optional(path, member, "failed"),
        )

    def _records(self, path: Path, member: _Member, name: str = "records") -> Expression:
        return self.expression((*path, name), member.get(name, "@"))

    def _paging(self, path: Path, member: _Member) -> Paging:
        plain = {name: value for name, value in member.items() if name not in ("next", "total")}
        return Paging(
            next=self._optional(path, member, "next"), total=self._optional(path, member, "total"), **plain
        )

    def _list(self, path: Path, member: _Member) -> Listing:
        return Listing(
            self._request(path, member),
            self._records(path, member),
            self._paging((*path, "paging"), member.get("paging", {})),
            each=member.get("each", ""),
            every=float(member.get("every", 0)),
            absent=member.get("absent", "ignore"),
            day=self._optional(path, member, "day"),
        )

    def _changes(self, path: Path, member: _Member) -> Changes:
        again, subscribe = member.get("again"), member.get("subscribe")
        return Changes(
            self._request(path, member),
            self._records(path, member),
            self._paging((*path, "paging"), member.get("paging", {})),
            overlap=float(member.get("overlap", 60)),
            consuming=member.get("consuming", False),
            again=self._templates((*path, "again"), again) if again is not None else None,
            subscribe=self._request((*path, "subscribe"), subscribe, "POST") if subscribe else None,
        )

    def _read(self, path: Path, member: _Member) -> Read:
        return Read(self._request(path, member), self._records(path, member, "record"))

    def _find(self, path: Path, member: _Member) -> Find:
        return Find(self._request(path, member), self._records(path, member))

    def _create(self, path: Path, member: _Member) -> Create:
        look = self._look((*path, "look"), member["look"]) if "look" in member else None
        return Create(self._request(path, member), self._id((*path, "id"), member["id"]), look)

    def _look(self, path: Path, member: _Member) -> Look:
        return Look(
            self._request(path, member),
            self._records(path, member),
            self._paging((*path, "paging"), member.get("paging", {})),
            id=self._id((*path, "id"), member["id"]) if "id" in member else None,
            ours=self._optional(path, member, "ours"),
            same=self._optional(path, member, "same"),
            taken=self._optional(path, member, "taken"),
        )

    def _action(self, path: Path, member: _Member) -> Action:
        return Action(
            member["name"],
            self._request(path, member),
            when=self._optional(path, member, "when"),
            alone=member.get("alone", False),
            only_changed=member.get("only_changed", False),
            always=tuple(member.get("always", ())),
        )

    def _delete(self, path: Path, member: _Member) -> Request:
        return self._request(path, member)
