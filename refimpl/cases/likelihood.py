"""Samples of the negative log likelihoods."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(24)


def _normal(*shape: int, var: tuple[int, ...] | None = None) -> dict[str, Any]:
    """A mean, an observation and a variance well above the default eps."""
    variance = draw.uniform(0.4, 3, *(shape if var is None else var))
    return {"input": draw.normal(*shape), "target": draw.normal(*shape), "var": variance}


def _gaussian() -> tuple[Case, ...]:
    options = list(product(("mean", "sum", "none"), (False, True)))
    below: dict[str, Any] = {"input": np.array([0.5, -1.0, 2.0]), "target": np.array([0.2, 0.5, 1.0])}
    return (
        *(
            case(f"{reduction}, full {full}", **_normal(3, 4), reduction=reduction, full=full)
            for reduction, full in options
        ),
        case("one variance per row", **_normal(3, 4, var=(3, 1)), reduction="sum"),
        case("one variance per column", **_normal(3, 4, var=(1, 4)), reduction="none"),
        case("one variance per row of images", **_normal(2, 3, 4, var=(2, 3))),
        case("an extent of 1 in the middle", **_normal(2, 3, 4, var=(2, 1, 4)), full=True),
        case("one variance for a row", **_normal(3, var=())),
        case("a square without its last axis", **_normal(3, 3, var=(3,)), reduction="none"),
        case("the variance as a number", input=draw.normal(2, 3), target=draw.normal(2, 3), var=0.7),
        case("a large eps that leaves the variance alone", **_normal(2, 3), eps=0.3),
        case("the best variance", input=np.array([1.0, 2.0]), target=np.array([2.0, 0.0]), var=np.array([1.0, 4.0])),
        case("a single number", **_normal()),
        case("an empty batch summed", **_normal(0, 3), reduction="sum"),
        case("an empty batch with one variance per row", **_normal(0, 3, var=(0, 1)), reduction="none"),
        case("an eps of 0", **_normal(4), eps=0.0),
        case("var at eps", at_kink=True, **below, var=np.array([0.5, 0.5, 1.5]), eps=0.5),
        case(
            "var below eps",
            departs="the clamp is passed straight through, as in PyTorch",
            **below,
            var=np.array([0.25, 0.01, 1.0]),
            eps=0.5,
        ),
    )


def _poisson() -> tuple[Case, ...]:
    def pair(log_input: bool, *shape: int) -> dict[str, Any]:
        """Targets on both sides of 1, where Stirling's term jumps, and not nearer to it than 0.2."""
        target = np.where(draw.rng.random(shape) < 0.3, draw.uniform(0.1, 0.8, *shape), draw.uniform(1.2, 6, *shape))
        return {"input": draw.normal(*shape) if log_input else draw.uniform(0.2, 5, *shape), "target": target}

    options = list(product((True, False), (False, True), ("mean", "sum", "none")))
    return (
        *(
            case(
                f"{'a log rate' if log_input else 'a rate'}, {reduction}, full {full}",
                **pair(log_input, 3, 4),
                log_input=log_input,
                full=full,
                reduction=reduction,
            )
            for log_input, full, reduction in options
        ),
        case("a large eps", **pair(False, 2, 3), log_input=False, eps=0.5, full=True),
        case("an eps of 0", **pair(False, 2, 3), log_input=False, eps=0.0),
        case("counts, some of them 0", input=draw.normal(5), target=np.array([0.0, 3.0, 0.0, 2.0, 7.0]), full=True),
        case(
            "counts, some of them 0, of a rate",
            input=draw.uniform(0.5, 3, 5),
            target=np.array([0.0, 3.0, 0.0, 2.0, 7.0]),
            log_input=False,
            full=True,
        ),
        case(
            "the best rate, and another",
            input=np.array([2.0, 0.5, 3.0]),
            target=np.array([2.0, 0.5, 5.0]),
            log_input=False,
            full=True,
            reduction="none",
        ),
        case(
            "around the changes of formula",
            input=np.array([0.49, 0.51, 1.49, 1.51, 1.0, 4.0]),
            target=np.array([2.0, 3.0, 3.05, 3.0, 2.02, 1.98]),
            log_input=False,
            full=True,
            reduction="none",
        ),
        case("a single number", **pair(True), full=True),
        case("an empty batch summed", **pair(True, 0, 3), reduction="sum"),
        case("an empty batch unreduced", **pair(False, 0, 3), log_input=False, full=True, reduction="none"),
    )


def _refusals(op: str, **others: Any) -> tuple[Refusal, ...]:
    three = np.ones(3)

    def option(what: str, name: str, value: Any, error: type[Exception], rule: str) -> Refusal:
        arguments: dict[str, Any] = {"input": three, "target": three, **others, name: value}
        return refused(what, error, f"{op}_forward: {name} must be {rule}", **arguments)

    return (
        refused_integers(op, "input", target=three, **others),
        refused_integers(op, "target", input=three, **others),
        refused(
            "a target that would be broadcast",
            ValueError,
            f"{op}_forward: target must have shape of input = (3, 1), got (3,)",
            input=np.ones((3, 1)),
            target=three,
            **others,
        ),
        option("a full that is no truth value", "full", 1, TypeError, "True or False, got 1"),
        option("a negative eps", "eps", -1e-3, ValueError, "at least 0, got -0.001"),
        option("an eps that is no number", "eps", None, TypeError, "a number, got None"),
        option("an unknown reduction", "reduction", "avg", ValueError, "one of 'none', 'mean', 'sum', got 'avg'"),
    )


def _refused_variance(what: str, error: type[Exception], rule: str, var: Any) -> Refusal:
    message = f"gaussian_nll_loss_forward: var must {rule}"
    return refused(what, error, message, input=np.ones((2, 3)), target=np.ones((2, 3)), var=var)


_VARIANCE_SHAPE = "have shape of input = (2, 3), or extent 1 on one axis, or be without the last axis, got"

CASES: dict[str, tuple[Case, ...]] = {"gaussian_nll_loss": _gaussian(), "poisson_nll_loss": _poisson()}
REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "gaussian_nll_loss": (
        *_refusals("gaussian_nll_loss", var=np.ones(3)),
        refused_integers("gaussian_nll_loss", "var", input=np.ones(3), target=np.ones(3)),
        _refused_variance(
            "a negative variance",
            ValueError,
            "be at least 0, got -0.5 at index (1, 0)",
            np.array([[1.0] * 3, [-0.5, 1, 1]]),
        ),
        _refused_variance("a negative number", ValueError, "be at least 0, got -2", -2.0),
        _refused_variance("no variance", TypeError, "be given, got None", None),
        _refused_variance("a variance without the first axis", ValueError, f"{_VARIANCE_SHAPE} (3,)", np.ones(3)),
        _refused_variance(
            "a variance with extent 1 on two axes", ValueError, f"{_VARIANCE_SHAPE} (1, 1)", np.ones((1, 1))
        ),
        _refused_variance("a variance without axes", ValueError, f"{_VARIANCE_SHAPE} ()", np.ones(())),
        _refused_variance("a variance of another length", ValueError, f"{_VARIANCE_SHAPE} (2, 2)", np.ones((2, 2))),
    ),
    "poisson_nll_loss": (
        *_refusals("poisson_nll_loss"),
        refused(
            "a negative rate",
            ValueError,
            "poisson_nll_loss_forward: input must be at least -eps = -1e-08, as a rate, got -0.5 at index (1,)",
            input=np.array([1.0, -0.5]),
            target=np.ones(2),
            log_input=False,
        ),
        refused(
            "a log_input that is no truth value",
            TypeError,
            "poisson_nll_loss_forward: log_input must be True or False, got 'yes'",
            input=np.ones(2),
            target=np.ones(2),
            log_input="yes",
        ),
    ),
}
