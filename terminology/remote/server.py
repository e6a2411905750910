"""The other server as one asks it from a thread: each question once, its answer kept.

Every method raises :class:`terminology.remote.faults.NoAnswer`. What goes out is codes, systems, canonical urls and
definitions of value sets: a display is compared here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar, cast

import httpx

from fhirserver.kernel.json import Json, JsonObject, dumps
from fhirserver.ports.terminology import Concept, Expansion, Validation
from terminology.remote import figures, forwarding, reading
from terminology.remote.background import Background
from terminology.remote.exchange import Exchange, Tokens
from terminology.remote.faults import Unknown
from terminology.remote.keeping import NOTHING, Kept
from terminology.remote.settings import RemoteSettings

Answer = TypeVar("Answer")
_LONGEST_CODE = 1_000
_AT_ONCE = 500
"""How many codes one question about a value set lists."""
_DEFINING = ("resourceType", "url", "version", "status", "compose", "expansion")
"""The elements of a value set that say what is in it."""


class RemoteServer:
    """``connect`` makes the HTTP client, ``tokens`` are for a server that asks for some. Safe between threads."""

    def __init__(
        self, settings: RemoteSettings, connect: Callable[[], httpx.AsyncClient], tokens: Tokens | None = None
    ):
        self.settings = settings
        self._exchange = Exchange(settings, connect, tokens)
        self._background = Background("terminology-remote")
        self._kept = Kept(settings.most_kept, settings.kept)
        self._asking: dict[Hashable, asyncio.Task[Any]] = {}
        figures.begin()

    def close(self) -> None:
        self._background.close(self._exchange.close)

    def forget(self) -> None:
        """Ask everything anew."""
        self._kept.clear()

    @property
    def is_paused(self) -> bool:
        """Whether it failed so often that it is left alone."""
        return self._exchange.breaker.is_open

    # Questions

    def validate_code(
        self, value_set: str | JsonObject, system: str, code: str, version: str = ""
    ) -> Validation:
        """Whether the value set (empty: the system) has the code."""
        _check(code)
        key = ("validate", _name(value_set), system, version, code)
        return self._known("validate-code", key, lambda: self._validate(value_set, system, code, version))

    async def _validate(
        self, value_set: str | JsonObject, system: str, code: str, version: str
    ) -> Validation:
        type_name = "ValueSet" if value_set else "CodeSystem"
        given: dict[str, Any] = _value_set(value_set) if value_set else {"url": ("Uri", system)}
        given["code"] = ("Code", code)
        if value_set and system:
            given["system"] = ("Uri", system)
        if value_set and not system:
            given["inferSystem"] = ("Boolean", True)
        if version:
            given["systemVersion" if value_set else "version"] = ("String", version)
        answer = await self._exchange.ask("validate-code", f"{type_name}/$validate-code", _parameters(given))
        found, is_sure = reading.validation(answer, system, code, bool(value_set))
        if not is_sure and system and not await self._knows(system):
            raise Unknown("the terminology server does not say that it knows the code system")
        return found

    def lookup(self, system: str, code: str) -> Concept:
        """What it says of a code. Raises :class:`Unknown` also where the system has no such code."""
        _check(code)
        given = {"system": ("Uri", system), "code": ("Code", code)}

        async def ask() -> Concept:
            answer = await self._exchange.ask("lookup", "CodeSystem/$lookup", _parameters(given))
            return reading.concept(answer, system, code)

        return self._known("lookup", ("lookup", system, code), ask)

    def subsumes(self, system: str, code: str, other: str) -> str:
        _check(code)
        _check(other)
        given = {"system": ("Uri", system), "codeA": ("Code", code), "codeB": ("Code", other)}

        async def ask() -> str:
            return reading.outcome(
                await self._exchange.ask("subsumes", "CodeSystem/$subsumes", _parameters(given))
            )

        return self._known("subsumes", ("subsumes", system, code, other), ask)

    def related(self, system: str, code: str, direction: Literal["above", "below"]) -> Sequence[str]:
        """Asked as the expansion of a value set that is made for it."""
        _check(code)
        condition = {
            "property": "concept",
            "op": "is-a" if direction == "below" else "generalizes",
            "value": code,
        }
        found = self.expand(_of({"system": system, "filter": [condition]}))
        return list(dict.fromkeys([code, *(one.code for one in found.concepts)]))

    def expand(
        self, value_set: str | JsonObject, text: str = "", offset: int = 0, count: int | None = None
    ) -> Expansion:
        key = ("expand", _name(value_set), text, offset, count)
        given = _expanding(value_set, text, offset, count)

        async def ask() -> Expansion:
            return reading.expansion(await self._expanded(given), offset)

        return self._known("expand", key, ask)

    def systems_of(self, value_set: str | JsonObject) -> Sequence[str]:
        async def ask() -> Sequence[str]:
            return reading.used_systems(await self._expanded(_expanding(value_set, "", 0, 1)))

        return self._known("expand", ("systems", _name(value_set)), ask)

    async def _expanded(self, given: Mapping[str, Any]) -> JsonObject:
        return await self._exchange.ask("expand", "ValueSet/$expand", _parameters(given))

    def members(self, value_set: str | JsonObject, system: str, codes: Iterable[str]) -> frozenset[str]:
        """Those of the codes that the value set has. What is not kept is asked, many at a time."""
        asked = sorted({code for code in codes if _is_code(code)})
        known = {code: self._kept.get(("member", _name(value_set), system, code)) for code in asked}
        fresh = [code for code, answer in known.items() if answer is NOTHING]
        for start in range(0, len(fresh), _AT_ONCE):
            lot = fresh[start : start + _AT_ONCE]
            held = self._run(lambda lot=lot: self._among(value_set, system, lot))  # type: ignore[misc]
            for code in lot:
                known[code] = code in held
                self._kept.put(("member", _name(value_set), system, code), code in held)
        return frozenset(code for code, answer in known.items() if answer is True)

    async def _among(self, value_set: str | JsonObject, system: str, codes: Sequence[str]) -> frozenset[str]:
        """By the expansion of what both have, for a value set with a name; else, and where that is refused, one by
        one."""
        if isinstance(value_set, str):
            listed = {"system": system, "concept": [{"code": one} for one in codes], "valueSet": [value_set]}
            try:
                answer = await self._expanded(_expanding(_of(listed), "", 0, None))
                found = {one.code for one in reading.expansion(answer, 0).concepts if one.system == system}
                return frozenset(found & set(codes))
            except Unknown:
                pass
        few = asyncio.Semaphore(self.settings.at_once)

        async def holds(code: str) -> bool:
            async with few:
                return (await self._validate(value_set, system, code, "")).result

        answers = await asyncio.gather(*(holds(code) for code in codes))
        return frozenset(code for code, held in zip(codes, answers, strict=True) if held)

    def translate(
        self, system: str, code: str, concept_map: str = "", system_wanted: str = "", target: str = ""
    ) -> JsonObject:
        """The answer of ``$translate``, as it came: ``Parameters`` with ``result`` and ``match``."""
        _check(code)
        given: dict[str, Any] = {"system": ("Uri", system), "code": ("Code", code)}
        if concept_map:
            given["url"] = ("Uri", concept_map)
        if system_wanted:
            given["targetsystem"] = ("Uri", system_wanted)
        if target:
            given["target"] = ("Uri", target)

        async def ask() -> JsonObject:
            answer = await self._exchange.ask("translate", "ConceptMap/$translate", _parameters(given))
            if answer["resourceType"] != "Parameters":
                raise Unknown("the terminology server's answer has no translation")
            return answer

        return self._known("translate", ("translate", system, code, concept_map, system_wanted, target), ask)

    def forward(self, operation: str, given: Mapping[str, Sequence[Json]], language: str = "") -> JsonObject:
        """The answer of an operation, as it came, to parameters as they are: without displays and what only we
        understand. Raises :class:`Unknown` for one that the standard does not have."""
        path = forwarding.PATHS.get(operation)
        if path is None:
            raise Unknown("the terminology server has no such operation", "not-supported")
        parameters = forwarding.told(given, language)

        async def ask() -> JsonObject:
            return await self._exchange.ask(operation, path, parameters)

        return self._known(operation, ("forward", operation, dumps(parameters)), ask)

    # What it knows

    def systems(self) -> frozenset[str]:
        """The code systems that it says it has."""
        return self._known("capabilities", ("capabilities",), self._stated)

    async def _stated(self) -> frozenset[str]:
        answer = await self._exchange.ask("capabilities", "metadata", None, {"mode": "terminology"})
        return reading.statement_systems(answer)

    async def _knows(self, system: str) -> bool:
        """Whether it says that it has a code system: in its statement, or by a search."""
        key = ("knows", system)
        found = self._kept.get(key)
        if found is NOTHING:
            found = await self._looked_for(system)
            self._kept.put(key, found)
        return bool(found)

    async def _looked_for(self, system: str) -> bool:
        try:
            if system in await self._shared(("capabilities",), self._stated):
                return True
            query = {"url": system, "_summary": "count"}
            answer = await self._exchange.ask("capabilities", "CodeSystem", None, query)
        except Unknown:
            return False
        total = answer.get("total")
        return isinstance(total, int) and total > 0

    # Once, and kept

    def _known(self, operation: str, key: Hashable, ask: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        found = self._kept.get(key)
        if found is NOTHING:
            return self._run(lambda: self._shared(key, ask))
        figures.count(operation, "kept")
        return cast(Answer, _given(found))

    def _run(self, work: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        return self._background.run(work, self.settings.timeout * 3)

    async def _shared(self, key: Hashable, ask: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """The answer to a question that others may be asking just now."""
        kept = self._kept.get(key)
        if kept is not NOTHING:
            return cast(Answer, _given(kept))
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._asked(key, ask))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        return cast(Answer, _given(await asyncio.shield(task)))

    async def _asked(self, key: Hashable, ask: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer | Unknown:
        try:
            found: Answer | Unknown = await ask()
        except Unknown as fault:
            found = fault
        self._kept.put(key, found)
        return found


def _given(found: Any) -> Any:
    if isinstance(found, Unknown):
        raise Unknown(str(found), found.code)
    return found


def _is_code(code: str) -> bool:
    return 0 < len(code) <= _LONGEST_CODE and code.isprintable()


def _check(code: str) -> None:
    """What is no code is not sent anywhere."""
    if not _is_code(code):
        raise Unknown("what is no code is asked of nobody", "value")


def _name(value_set: str | JsonObject) -> str:
    return value_set if isinstance(value_set, str) else dumps(_defined(value_set)).decode()


def _defined(value_set: JsonObject) -> JsonObject:
    return {name: value_set[name] for name in _DEFINING if name in value_set}


def _of(include: JsonObject) -> JsonObject:
    return {"resourceType": "ValueSet", "status": "active", "compose": {"include": [include]}}


def _value_set(value_set: str | JsonObject) -> dict[str, Any]:
    if isinstance(value_set, dict):
        return {"valueSet": ("resource", _defined(value_set))}
    url, bar, version = value_set.partition("|")
    given: dict[str, Any] = {"url": ("Uri", url)}
    return {**given, "valueSetVersion": ("String", version)} if bar else given


def _expanding(value_set: str | JsonObject, text: str, offset: int, count: int | None) -> dict[str, Any]:
    given = _value_set(value_set)
    if text:
        given["filter"] = ("String", text)
    if offset:
        given["offset"] = ("Integer", offset)
    if count is not None:
        given["count"] = ("Integer", count)
    return given


def _parameters(given: Mapping[str, Any]) -> JsonObject:
    """``name`` → (type, value) as a Parameters resource."""
    parts = [
        {"name": name, "resource" if kind == "resource" else f"value{kind}": value}
        for name, (kind, value) in given.items()
    ]
    return {"resourceType": "Parameters", "parameter": parts}
