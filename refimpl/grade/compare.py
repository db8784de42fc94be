"""What a function returned beside what the reference returns: values, shapes, dtypes, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._structure import leaves
from ..gradcheck import Diagnosis, Facts, diagnose
from .reference import LOSS, UPDATE, Unit
from .results import FORM, VALUES

TOLERANCE = {"float16": 1e-2, "float32": 1e-5}  # of the largest entry, by the dtype that was returned
DOUBLE = 1e-8
NOTHING = 1e-12  # what counts as 0
OF_VALUES = {  # what a diagnosis of a gradient says, and what it says of a value
    "the derivative": "the right value",
    "this gradient": "this",
    ": the projection there is left out or wrong": "",
    ": backward lets through what forward stops": "",
}


@dataclass(frozen=True)
class Found:
    """One check: passed where it has no message."""

    aspect: str
    argument: str
    message: str = ""
    diagnosis: Diagnosis | None = None


def described(unit: Unit, returned: Any, updated: Mapping[str, Any]) -> dict[str, Any]:
    """What a call gave, by name: what it returned, and the arguments that it is to update in place.

    Raises TypeError where it is not as many things as it should be.
    """
    if unit.kind not in (LOSS, UPDATE):
        return {"output": returned, **updated}
    names = ("loss", f"d{unit.differentiable[0]}") if unit.kind == LOSS else ("next_w", "config")
    if not isinstance(returned, (tuple, list)) or len(returned) != 2:
        raise TypeError(f"must return ({', '.join(names)}), got {_form(returned)}")
    return dict(zip(names, returned, strict=True))


def compared(
    right: Mapping[str, Any],
    found: Mapping[str, Any],
    facts: Mapping[str, Mapping[str, Any]],
    values: bool,
    gradient: bool = False,
) -> Iterator[Found]:
    """The checks of everything that the reference has; what else was found does not matter.

    facts: what more is known, for the diagnosis: arguments, outputs and grad_outputs by name.
    values: whether the numbers are compared, and not the form alone.
    gradient: they are gradients, and are spoken of as such.
    """
    others = dict(leaves(found))
    flat = {fact: {p: leaf for key in named for p, leaf in leaves(named[key], key)} for fact, named in facts.items()}
    for path, leaf in leaves(right):
        if path not in others:
            top = path.split("[")[0].split(".")[0]
            message = f"{top} is {_form(found.get(top))}, and it must be {_form(right[top])}"
            yield Found(FORM, path, message)
            if values:
                yield Found(VALUES, path, message)
            continue
        value = others[path]
        yield Found(FORM, path, _form_flaw(path, value, leaf))
        if values:
            message, diagnosis = _value_flaw(path, value, leaf, flat, gradient)
            yield Found(VALUES, path, message, diagnosis)


def _form(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, (tuple, list, dict)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, str):
        return f"the text {value[:20]!r}"
    of = " of complex numbers" if np.asarray(value).dtype.kind == "c" else ""
    return f"an array of shape {np.shape(value)}{of}" if np.ndim(value) else f"a number{of}"


def _odd(value: Any) -> bool:
    """Whether it is neither an array of real numbers nor one: a text, a complex number, a huge integer."""
    return isinstance(value, str) or np.asarray(value).dtype.kind not in "biuf"


def _form_flaw(path: str, value: Any, right: Any) -> str:
    if _odd(value) or _odd(right):
        return (
            ""
            if isinstance(value, str) and isinstance(right, str)
            else f"{path} is {_form(value)}, and it must be {_form(right)}"
        )
    value, wanted = np.asarray(value), np.asarray(right)
    if value.shape != wanted.shape:
        return f"{path} has shape {value.shape}, and it must be {wanted.shape}"
    if value.dtype != wanted.dtype and not (isinstance(right, (int, float)) and value.dtype.kind in "iuf"):
        return f"{path} has dtype {value.dtype}, and it must be {wanted.dtype}"
    return ""


def _value_flaw(
    path: str, value: Any, right: Any, known: Mapping[str, Any], gradient: bool
) -> tuple[str, Diagnosis | None]:
    if _odd(value) or _odd(right):
        same = isinstance(value, str) and value == right
        return ("" if same else f"{path} is {_form(value)}, and it must be {_form(right)}"), None
    value, right = np.asarray(value), np.asarray(right)
    tolerance = TOLERANCE.get(str(value.dtype), DOUBLE)
    value, right = value.astype(np.float64), right.astype(np.float64)
    same_shape = value.shape == right.shape
    wrong = _apart(value, right, tolerance) if same_shape else np.ones(right.shape, dtype=bool)
    if same_shape and not wrong.any():
        return "", None
    facts = Facts(path, value, right, wrong=wrong, **known)
    diagnosis = _of_values(diagnose(facts), gradient) if right.size and np.isfinite(right).any() else None
    if not same_shape:
        return f"{path} has shape {value.shape}, and it must be {right.shape}", diagnosis
    with np.errstate(invalid="ignore"):
        distance = np.where(wrong, np.nan_to_num(np.abs(value - right), nan=np.inf), -1.0)
    index = tuple(int(i) for i in np.unravel_index(int(distance.argmax()), right.shape)) if right.ndim else ()
    place = f"{path}[{', '.join(map(str, index))}]" if index else path
    return f"{place} is {value[index]:.9g}, and it must be {right[index]:.9g}", diagnosis


def _apart(value: Any, right: Any, tolerance: float) -> Any:
    """The elements that differ by more than rounding. What is infinite or not a number must be so in both."""
    size = float(np.max(np.abs(right), initial=0.0, where=np.isfinite(right)))
    with np.errstate(invalid="ignore"):
        near = np.abs(value - right) <= tolerance * size + NOTHING
    return ~(near | (value == right) | (np.isnan(value) & np.isnan(right)))


def _of_values(diagnosis: Diagnosis | None, gradient: bool) -> Diagnosis | None:
    """In the words for a value, where it is none of a gradient."""
    if diagnosis is None or gradient:
        return diagnosis

    def told(message: str) -> str:
        for words, instead in OF_VALUES.items():
            message = message.replace(words, instead)
        return message

    also = tuple(fit._replace(message=told(fit.message)) for fit in diagnosis.also)
    return replace(diagnosis, message=told(diagnosis.message), also=also)
