"""Instances of FHIR Shorthand as JSON, as far as the backport's topics need it. https://hl7.org/fhir/uv/shorthand/"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_INSTANCE = re.compile(r"Instance:\s*(\S+)\s*\nInstanceOf:\s*(\S+)")
_RULE = re.compile(r"\*\s+(\S+)\s+=\s+(.+?)\s*$")
_STEP = re.compile(r"(\w+)(?:\[([^\]]*)\])?")
_LISTS = frozenset(
    {"extension", "modifierExtension", "resourceTrigger", "supportedInteraction", "canFilterBy", "modifier"}
    | {"notificationShape", "include"}
)


def instances(text: str, aliases: dict[str, str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Name, type and content of every instance."""
    found = list(_INSTANCE.finditer(text))
    for match, following in zip(found, [*found[1:], None], strict=True):
        block = text[match.end() : following.start() if following else len(text)]
        yield match[1], match[2], _content(match[2], block, aliases)


def aliases_of(text: str) -> dict[str, str]:
    """The aliases that a file defines."""
    return dict(re.findall(r"Alias:\s*(\$\S+)\s*=\s*(\S+)", text))


def _content(type: str, block: str, aliases: dict[str, str]) -> dict[str, Any]:
    content: dict[str, Any] = {"resourceType": type}
    for line in block.splitlines():
        rule = _RULE.match(line)
        if rule:
            path, value = rule[1], _value(rule[2], aliases)
            if path == "code":
                system, _, code = str(value).partition("|")
                value = {"coding": [{"system": system, "code": code}]}
            _put(content, path, value)
    return content


def _value(text: str, aliases: dict[str, str]) -> Any:
    if text.startswith('"'):
        return text.strip('"')
    if text in ("true", "false"):
        return text == "true"
    system, mark, code = text.partition("#")
    if mark:
        code, _, display = code.partition(" ")
        system = aliases.get(system, system)
        if display:
            return {"system": system, "code": code, "display": display.strip('"')}
        return f"{system}|{code}" if system else code
    return aliases.get(text, text)


def _put(content: dict[str, Any], path: str, value: Any) -> None:
    """Set a path: ``[+]`` is a new item, ``[=]`` the last, ``[0]`` the first."""
    holder: Any = content
    steps = [_STEP.fullmatch(step) for step in path.split(".")]
    for at, step in enumerate(steps):
        assert step is not None, path
        name, index, last = step[1], step[2], at == len(steps) - 1
        if name not in _LISTS:
            if last:
                holder[name] = value
            else:
                holder = holder.setdefault(name, {})
            continue
        items = holder.setdefault(name, [])
        if index == "+" or not items:
            items.append({})
        if last:
            items[-1] = value
        holder = items[-1]
