"""Whether a resource is valid by R4 and by profiles. https://hl7.org/fhir/R4/validation.html"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from fhirserver.interactions.exchange import Context
from fhirserver.kernel.json import Json, JsonObject, loads
from fhirserver.kernel.outcomes import Category, Issue, Refusal
from fhirserver.model.validation.profiles import Rules
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Amend, Put, Write


async def conformance_issues(
    context: Context, resource: Json, profiles: Sequence[str] = (), at: str = "", rules: Rules | None = None
) -> list[Issue]:
    """Every issue of structure, invariants and profiles: those given, and those that the resource claims.

    ``at`` is where the resource stands in its wrapper, for ``expression``; ``rules`` are those of the settings
    where nothing else is said.
    """
    await context.conformance.catch_up()
    return await asyncio.to_thread(context.validator.validate, resource, profiles, at=at, rules=rules)


def rules_of_writes(context: Context) -> Rules:
    """What is stored may carry extensions that nobody here knows: a server must not refuse them.

    https://hl7.org/fhir/R4/extensibility.html
    """
    rules = context.validator.rules
    unknown = "warning" if rules.unknown_extensions == "error" else rules.unknown_extensions
    return replace(rules, unknown_extensions=unknown)


async def held_to_claims(context: Context, write: Write, common: Statement) -> tuple[Write, Sequence[Issue]]:
    """A write on which the profiles in ``meta.profile`` are enforced, or the issues to answer it with.

    ``[validation] profiles`` decides: with ``off`` nothing is looked at, with ``warn`` the write is done and the issues
    are in the OperationOutcome, with ``enforce`` an error refuses it (422). A partial statement is not checked, for
    what it leaves out may be there; of a patch the result is, where profiles are enforced.
    """
    if context.claims == "off" or not isinstance(write, Put | Amend):
        return write, ()
    if isinstance(write, Amend):
        await context.conformance.catch_up()
        return (await _guarded(context, write) if context.claims == "enforce" else write), ()
    if (write.statement or common).mode == "partial" or not claims(write.content):
        return write, ()
    found = await conformance_issues(context, write.content, rules=rules_of_writes(context))
    issues = [i for i in found if i.severity != "information"]
    if context.claims == "enforce" and any(map(_is_error, issues)):
        raise Refusal(Category.UNPROCESSABLE, issues)
    return write, issues


def claims(resource: JsonObject) -> Sequence[str]:
    """The profiles that a resource says it follows."""
    found: Sequence[str] = resource.get("meta", {}).get("profile", ())
    return found


async def _guarded(context: Context, write: Amend) -> Amend:
    """A patch whose result is held to what it claims, whatever it is made on.

    It is looked at now, in a thread, on the version that is there. Where that is the version which the patch is then
    made on, the verdict holds, for a version never changes; only where another came between is it looked at again.
    """
    rules = rules_of_writes(context)
    known: dict[str, list[Issue]] = {}

    def checked(after: JsonObject) -> list[Issue]:
        return context.validator.validate(after, rules=rules) if claims(after) else []

    def change(before: JsonObject) -> JsonObject:
        after = write.change(before)
        issues = known.get(_version(before))
        issues = checked(after) if issues is None else issues
        if any(map(_is_error, issues)):
            raise Refusal(Category.UNPROCESSABLE, [i for i in issues if i.severity != "information"])
        return after

    version = await context.store.read(write.type, write.id) if write.id else None
    if version is not None and not version.deleted:
        before: JsonObject = loads(version.content)
        number = _version(before)
        with suppress(Refusal):  # what is wrong with the patch is said when it is made
            known[number] = await asyncio.to_thread(lambda: checked(write.change(before)))
    return replace(write, change=change)


def _version(resource: JsonObject) -> str:
    """Which version a resource is, as it is read."""
    return str(resource["meta"]["versionId"])


def _is_error(issue: Issue) -> bool:
    return issue.severity in ("error", "fatal")
