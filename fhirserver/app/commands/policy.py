"""``credence policy``: check a policy file, explain a rule, say what another policy would change or has changed."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from fhirserver.app.commands.options import parser, settings
from fhirserver.app.settings import Settings
from fhirserver.store.store import Store
from fhirserver.world.policy import InvalidPolicy, Policy, default_policy, parse_policy, units_of
from fhirserver.world.rules import ANY, NO_CODES, Decay, Entry, Rule, named


def run(arguments: list[str]) -> int:
    """One of four actions. Exit 1 for a policy file that is wrong, 2 for what cannot be asked."""
    actions: dict[str, Callable[[list[str]], int]] = {
        "check": check,
        "explain": explain,
        "diff": diff,
        "report": report,
    }
    if arguments and arguments[0] in actions:
        try:
            return actions[arguments[0]](arguments[1:])
        except InvalidPolicy as error:
            print("\n".join(error.problems), file=sys.stderr)
            return 1
    usage = "usage: credence policy check FILE | explain TYPE[.UNIT] [--code CODE] | diff FILE | report"
    asked = bool(arguments) and arguments[0] in ("-h", "--help")
    print(usage, file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2


def check(arguments: list[str]) -> int:
    """Say what is wrong with a policy file, or that nothing is."""
    options = argparse.ArgumentParser(prog="credence policy check", description="Check a policy file.")
    options.add_argument("file", type=Path, metavar="FILE")
    policy = _read(options.parse_args(arguments).file)
    rules = len(policy.entries)
    print(f"{rules} rule{'s' if rules != 1 else ''}, all well; digest {policy.digest[:8]}")
    return 0


def _read(file: Path) -> Policy:
    try:
        return parse_policy(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise InvalidPolicy([f"{file}: cannot be read: {reason}"]) from None


def explain(arguments: list[str]) -> int:
    """Say what holds for a type or a unit, and by which rules."""
    made = parser("policy explain", "What holds for a type or a unit of it, and by which rule.")
    made.add_argument("what", metavar="TYPE[.UNIT]", help="such as Patient or Patient.telecom")
    made.add_argument("--code", default="", metavar="SYSTEM|CODE", help="of resources with this code")
    made.add_argument("--file", type=Path, help="a policy file, instead of the one of the settings")
    options = made.parse_args(arguments)
    if options.file:
        policy = _read(options.file)
    else:
        policy = settings(options).policy if options.config.exists() else default_policy()
    type, _, unit = options.what.partition(".")
    known = units_of(type)
    unit = next((one for one in (unit, f"{unit}[x]") if one in known), unit)
    if not known or (unit and unit not in known):
        text = f"'{type}' is no resource type of R4" if not known else f"'{unit}' is no element of {type}"
        print(f"credence policy: {text}", file=sys.stderr)
        return 2
    print("\n".join(explanation(policy, type, unit or ANY, options.code)))
    return 0


def explanation(policy: Policy, type: str, unit: str, code: str = "") -> Iterator[str]:
    """What holds, member by member, with the rule that says so."""
    codes = frozenset((code,)) if code else NO_CODES
    rule, applying = policy.rule(type, unit, codes), list(policy.applying(type, unit, codes))
    yield named(type, unit, code)
    for name in ("verification", "writeback", "review", "decay"):
        yield f"  {name:14}{_shown(name, rule):40}{_origin(applying, name)}"
    for kind, most in sorted(rule.ceiling.items()):
        yield f"  {'ceiling':14}{f'{kind}: at most {most}':40}{_origin(applying, 'ceiling', kind)}"
    if not rule.ceiling:
        yield f"  {'ceiling':14}none"
    if unit == ANY and (own := policy.units(type)):
        yield f"  elements with rules of their own: {', '.join(own)}"
    if not code and (coded := policy.codes(type)):
        yield f"  codes with rules of their own: {', '.join(sorted(coded))}"


def _shown(name: str, rule: Rule) -> str:
    value = getattr(rule, name)
    return _decay(value) if name == "decay" else str(value)


def _decay(decay: Decay | None) -> str:
    if decay is None:
        return "none"
    steps = ", ".join(f"{days} days: at most {to}" for days, to in decay.steps)
    text = steps or f"halves in {decay.half_life} days, to {decay.floor}"
    return f"{text} ({', '.join(sorted(decay.kinds))})" if decay.kinds else text


def _origin(applying: Sequence[Entry], name: str, kind: str = "") -> str:
    for entry in applying:
        if name in entry.stated and (not kind or kind in entry.stated[name]):
            return f"rule {entry.number}, line {entry.line}: {entry.name}"
    return "no rule: what holds without one"


def diff(arguments: list[str]) -> int:
    """Say what a policy would change, without changing anything."""
    made = parser("policy diff", "What another policy would change in what is stored. Nothing is changed.")
    made.add_argument("file", type=Path, metavar="FILE")
    options = made.parse_args(arguments)
    after = _read(options.file)
    return asyncio.run(_with_store(settings(options), lambda chosen, store: _diff(chosen, store, after)))


async def _diff(chosen: Settings, store: Store, after: Policy) -> int:
    from subscriptions.policy_changes import Change, recorded, summary, survey, table

    before = await recorded(store) or chosen.policy
    kinds = {id: source.kind for id, source in chosen.sources.items()}
    print("\n".join(_changed_rules(before, after)))
    counts = await survey(store, Change(before, after, kinds))
    print("\n".join([summary(counts), *table(counts)]))
    return 0


def _changed_rules(before: Policy, after: Policy) -> Iterator[str]:
    """The rules that are another in the two policies."""
    keys = sorted({*before.entries, *after.entries})
    for key in keys:
        one, other = (policy.entries.get(key) for policy in (before, after))
        name = named(*key)
        for member in sorted({*(one.stated if one else ()), *(other.stated if other else ())}):
            old, new = ((entry.stated.get(member) if entry else None) for entry in (one, other))
            if old != new:
                yield f"{name} {member}: {_value(old)} -> {_value(new)}"


def _value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{kind} {_value(most)}" for kind, most in sorted(value.items())) or "none"
    if isinstance(value, Decay):
        return _decay(value)
    return str(value) if isinstance(value, str | Decimal) else "not stated"


def report(arguments: list[str]) -> int:
    """Say which policy is in force, and what it changed when it came."""
    options = parser("policy report", "The policy in force, how far it is applied, what it changed.")
    return asyncio.run(_with_store(settings(options.parse_args(arguments)), _report))


async def _report(_: Settings, store: Store) -> int:
    from subscriptions.policy_changes import APPLYING, IN_FORCE, summary, table

    known, applying = await store.fact(*IN_FORCE), await store.fact(*APPLYING)
    if known is None or applying is None:
        print("no policy is on record yet: the server puts it there when it starts")
        return 0
    before = known.value["before"][:8] or "none"
    print(
        f"policy {known.value['digest'][:8]} is in force since commit {known.position}, instead of {before}"
    )
    word = (
        "applied"
        if applying.value["done"]
        else f"being applied, now at {applying.value['type'] or 'the start'}"
    )
    counts = applying.value["counts"]
    print("\n".join([f"{word}: {summary(counts)}", *table(counts)]))
    return 0


async def _with_store(chosen: Settings, act: Callable[[Settings, Store], Awaitable[int]]) -> int:
    from fhirserver.app.wiring import make_store

    store = make_store(chosen)
    await store.open()
    try:
        return await act(chosen, store)
    finally:
        await store.close()
