"""The form of index.json: schema.json, and as much of JSON Schema as it uses."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Any

NAME = "schema.json"

TYPES: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}


def text() -> str:
    return resources.files(__package__).joinpath(NAME).read_text(encoding="utf-8")


@cache
def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(text())
    return loaded


def violation(value: Any, rule: dict[str, Any] | None = None, where: str = "index") -> str | None:
    """Where `value` breaks the rule, by default the whole schema, and how; None where it does not."""
    if rule is None:
        rule = schema()
    if "$ref" in rule:
        return violation(value, schema()["$defs"][rule["$ref"].removeprefix("#/$defs/")], where)
    if "const" in rule and value != rule["const"]:
        return f"{where} must be {rule['const']!r}, got {_short(value)}"
    if "enum" in rule and value not in rule["enum"]:
        return f"{where} must be one of {', '.join(map(repr, rule['enum']))}, got {_short(value)}"
    if "type" in rule:
        kinds = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
        if not any(_is(value, kind) for kind in kinds):
            return f"{where} must be {' or '.join(kinds)}, got {_short(value)}"
    if "pattern" in rule and not re.search(rule["pattern"], value):
        return f"{where} must match {rule['pattern']}, got {_short(value)}"
    if "minimum" in rule and value < rule["minimum"]:
        return f"{where} must be at least {rule['minimum']}, got {value}"
    if "anyOf" in rule and all(violation(value, choice, where) for choice in rule["anyOf"]):
        return f"{where} is of no form that the schema has, got {_short(value)}"
    if isinstance(value, dict):
        return _in_object(value, rule, where)
    if isinstance(value, list) and "items" in rule:
        return _first(violation(entry, rule["items"], f"{where}[{i}]") for i, entry in enumerate(value))
    return None


def _in_object(value: dict[str, Any], rule: dict[str, Any], where: str) -> str | None:
    missing = [key for key in rule.get("required", ()) if key not in value]
    if missing:
        return f"{where} lacks {missing[0]}"
    known, others = rule.get("properties", {}), rule.get("additionalProperties", True)
    unknown = [key for key in value if key not in known]
    if unknown and others is False:
        return f"{where} has {_short(unknown[0])}, which the schema has not"
    if "propertyNames" in rule and (found := _first(violation(k, rule["propertyNames"], where) for k in value)):
        return found
    rules = {**dict.fromkeys(unknown, others if isinstance(others, dict) else {}), **known}
    return _first(violation(value[key], rules[key], f"{where}.{key}") for key in value)


def _first(found: Any) -> str | None:
    return next((problem for problem in found if problem), None)


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
