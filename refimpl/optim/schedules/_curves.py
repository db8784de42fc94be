"""What several schedules are made of: the way from one rate to another, and the checks of a step."""

from __future__ import annotations

import math

from ... import _validate


def between(start: float, end: float, part: float) -> float:
    """From start at part 0 to end at part 1, both to the last bit."""
    return (1 - part) * start + part * end


def cosine(start: float, end: float, rest: float) -> float:
    """From start to end along half a wave of the cosine, of which `rest` is still to come, from 1 to 0.

    The weight of start, (1 + cos(pi (1 - rest))) / 2, is sin(pi rest / 2)^2, which keeps its digits near the end. Both
    ends are met to the last bit.
    """
    angle = math.pi / 2 * rest
    return math.sin(angle) ** 2 * start + math.cos(angle) ** 2 * end


def check_step(op: str, step: int) -> int:
    return count(op, "step", step, 0)


def count(op: str, name: str, value: int, at_least: int = 1) -> int:
    value = _validate.integer(op, name, value)
    if value < at_least:
        raise ValueError(f"{op}: {name} must be at least {at_least}, got {value}")
    return value


def rate(op: str, name: str, value: float) -> float:
    """A learning rate, a momentum, or a factor of one."""
    return _validate.number(op, name, value, at_least=0)


def function(op: str, name: str, value: object) -> None:
    if not callable(value):
        raise TypeError(f"{op}: {name} must be a function of a number, got {value!r}")
