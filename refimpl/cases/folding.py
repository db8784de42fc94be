"""Samples of unfolding and folding."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(19)

CASES: dict[str, tuple[Case, ...]] = {
    "fold": (
        case("unequal extents", input=draw.normal(2, 12, 4), output_size=(4, 3), kernel_size=(3, 2)),
        case("no batch", input=draw.normal(4, 6), output_size=(3, 4), kernel_size=2),
        case("windows side by side", input=draw.normal(1, 6, 4), output_size=(4, 6), kernel_size=(2, 3), stride=(2, 3)),
        case("gaps that no window meets", input=draw.normal(1, 2, 4), output_size=(5, 4), kernel_size=(2, 1), stride=3),
        case(
            "padding takes columns away", input=draw.normal(1, 6, 15), output_size=(3, 4), kernel_size=(3, 2), padding=1
        ),
        case("dilation", input=draw.normal(1, 4, 9), output_size=(5, 6), kernel_size=2, dilation=(2, 3)),
        case(
            "everything at once",
            input=draw.normal(2, 12, 12),
            output_size=(5, 6),
            kernel_size=(2, 3),
            dilation=(3, 1),
            padding=(1, 2),
            stride=(1, 3),
        ),
        case("an empty batch", input=np.zeros((0, 4, 4)), output_size=3, kernel_size=2),
    ),
    "unfold": (
        case("unequal extents", input=draw.normal(2, 2, 4, 3), kernel_size=(3, 2)),
        case("no batch", input=draw.normal(2, 3, 4), kernel_size=2),
        case("windows side by side", input=draw.normal(1, 2, 4, 6), kernel_size=(2, 3), stride=(2, 3)),
        case("gaps that no window meets", input=draw.normal(1, 1, 5, 4), kernel_size=(2, 1), stride=3),
        case("padding", input=draw.normal(1, 2, 3, 2), kernel_size=(3, 2), padding=(2, 1)),
        case("dilation", input=draw.normal(1, 1, 5, 6), kernel_size=2, dilation=(2, 3)),
        case(
            "everything at once",
            input=draw.normal(2, 2, 5, 6),
            kernel_size=(2, 3),
            dilation=(3, 1),
            padding=(1, 2),
            stride=(2, 3),
        ),
        case("an empty batch", input=np.zeros((0, 2, 3, 4)), kernel_size=2),
    ),
}


def bad_fold(name: str, rule: str, error: type[Exception] = ValueError, **options: Any) -> Refusal:
    arguments = {"input": np.ones((2, 12, 6)), "output_size": (3, 4), "kernel_size": 2, **options}
    return refused(name, error, f"fold_forward: {rule}", **arguments)


def bad_unfold(name: str, rule: str, error: type[Exception] = ValueError, **options: Any) -> Refusal:
    arguments = {"input": np.ones((2, 3, 4, 5)), "kernel_size": 2, **options}
    return refused(name, error, f"unfold_forward: {rule}", **arguments)


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "fold": (
        refused_integers("fold", "input", output_size=3, kernel_size=2),
        bad_fold(
            "four dimensions",
            "input must have shape (N, C K K', L) or (C K K', L), got (1, 2, 12, 6)",
            input=np.ones((1, 2, 12, 6)),
        ),
        bad_fold(
            "rows that are no multiple of the kernel's",
            "input must have rows in a multiple of the kernel's 4 positions, got (2, 13, 6)",
            input=np.ones((2, 13, 6)),
        ),
        bad_fold(
            "columns that do not match the windows",
            "input must have a column for each of the 6 windows, got (2, 12, 8)",
            input=np.ones((2, 12, 8)),
        ),
        bad_fold("an output of nothing", "output_size must be at least 1, got (3, 0)", output_size=(3, 0)),
        bad_fold("three extents", "output_size must hold 1 or 2 integers, got (3, 4, 5)", output_size=(3, 4, 5)),
        bad_fold("a kernel of nothing", "kernel_size must be at least 1, got 0", kernel_size=0),
        bad_fold("a stride of 0", "stride must be at least 1, got 0", stride=0),
        bad_fold("a dilation of 0", "dilation must be at least 1, got 0", dilation=0),
        bad_fold("a negative padding", "padding must be at least 0, got (0, -1)", padding=(0, -1)),
        bad_fold("a fractional size", "output_size must be an integer, got 3.0", TypeError, output_size=3.0),
        bad_fold(
            "a kernel larger than the output",
            "the kernel must fit into the padded input, got a reach of (5, 5) in (3, 4)",
            kernel_size=5,
        ),
    ),
    "unfold": (
        refused_integers("unfold", "input", kernel_size=2),
        bad_unfold(
            "two dimensions",
            "input must have shape (N, C, H, W) or (C, H, W), got (4, 5)",
            input=np.ones((4, 5)),
        ),
        bad_unfold("a kernel of nothing", "kernel_size must be at least 1, got (2, 0)", kernel_size=(2, 0)),
        bad_unfold(
            "a kernel for three axes", "kernel_size must hold 1 or 2 integers, got (2, 2, 2)", kernel_size=(2, 2, 2)
        ),
        bad_unfold("a stride of 0", "stride must be at least 1, got 0", stride=0),
        bad_unfold("a dilation of 0", "dilation must be at least 1, got 0", dilation=0),
        bad_unfold("a negative padding", "padding must be at least 0, got -1", padding=-1),
        bad_unfold("a fractional kernel", "kernel_size must be an integer, got 2.0", TypeError, kernel_size=2.0),
        bad_unfold(
            "a kernel larger than the padded image",
            "the kernel must fit into the padded input, got a reach of (7, 7) in (6, 7)",
            kernel_size=7,
            padding=1,
        ),
    ),
}
