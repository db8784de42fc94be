"""JSON for machines."""

from __future__ import annotations

import json
import math
from typing import Any

NUMBERS = "numbers that JSON has not are the strings 'NaN', 'Infinity' and '-Infinity'"


def print_json(value: Any) -> None:
    print(json.dumps(_plain(value), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    """Lists for tuples, and strings for the numbers that JSON has not."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
