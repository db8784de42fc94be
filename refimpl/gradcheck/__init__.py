"""The checker: a pair's gradients against SciPy's finite differences.

What is compared is the vector-Jacobian product for a seeded, random grad_output, argument by argument, over every
element. The tolerance is relative to the largest entry of the gradient: an absolute one lets real mistakes pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .compare import compare_argument
from .pair import Pair
from .report import FAIL, INCONCLUSIVE, PASS, ArgumentReport, ElementReport, GradientReport

__all__ = [
    "FAIL",
    "INCONCLUSIVE",
    "PASS",
    "ArgumentReport",
    "ElementReport",
    "GradientReport",
    "assert_gradients",
    "gradcheck",
]


def gradcheck(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *args: Any,
    wrt: str | Sequence[str] | None = None,
    seed: int = 0,
    at_kink: bool = False,
    elementwise: bool = False,
    **options: Any,
) -> GradientReport:
    """Compare the gradients of any pair with finite differences, and report; nothing is printed.

    forward(*args, **options) must return (output, cache), and backward(grad_output, cache) a dict of gradients keyed
    by forward's argument names. Floating arrays are checked in float64, whatever their dtype. An argument may be a
    structure (dicts, lists, tuples of arrays); its gradient then has the same structure.

    wrt: the arguments to check, a name or several; by default all that backward returns.
    seed: of the random grad_output.
    at_kink: the arguments lie on a kink on purpose; a gradient between the two one-sided slopes is then right.
    elementwise: element i of the output depends on element i of the first argument alone, which is then checked in a
        single vectorised call.

    Raises TypeError or ValueError where there is nothing to compare: no floating argument, unknown keys or wrong
    shapes from backward, a forward that is not deterministic, a name in wrt that backward returns no gradient for.
    """
    pair = Pair(forward, backward, args, options, seed)
    names = [wrt] if isinstance(wrt, str) else list(pair.gradients) if wrt is None else list(wrt)
    for name in names:
        if name not in pair.gradients:
            raise ValueError(
                f"gradcheck: backward must return a gradient of every argument in wrt, "
                f"got none of {name} (keys: {', '.join(pair.gradients) or 'none'})"
            )
    if not names:
        raise ValueError("gradcheck: backward must return at least one gradient, got an empty dict")
    reports = [report for name in names for report in compare_argument(pair, name, at_kink, elementwise)]
    unchecked = tuple(name for name in pair.floating() if name not in pair.gradients)
    return GradientReport(pair.name, tuple(reports), tuple(pair.problems), unchecked, seed)


def assert_gradients(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *args: Any,
    wrt: str | Sequence[str] | None = None,
    seed: int = 0,
    at_kink: bool = False,
    elementwise: bool = False,
    **options: Any,
) -> None:
    """gradcheck for use in a test: raises AssertionError with the report unless every gradient passed."""
    report = gradcheck(
        forward, backward, *args, wrt=wrt, seed=seed, at_kink=at_kink, elementwise=elementwise, **options
    )
    if not report.passed:
        raise AssertionError(str(report))
