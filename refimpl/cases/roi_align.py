"""Samples of the means over regions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(54)

# Sample, x1, y1, x2, y2 in a picture of 6 x 5: within it, across a border, all of it, out of order of the samples.
TABLE = np.array(
    [[1.0, 0.7, 1.2, 3.4, 4.9], [0.0, 2.1, 0.3, 6.8, 2.2], [1.0, -1.4, -0.6, 2.3, 1.9], [0.0, 0.0, 0.0, 5.0, 6.0]]
)


def _case(name: str, boxes: Any = TABLE, output_size: Any = (2, 3), **options: Any) -> Case:
    return case(name, input=draw.normal(2, 3, 6, 5), boxes=boxes, output_size=output_size, **options)


CASES: dict[str, tuple[Case, ...]] = {
    "roi_align": (
        _case("by default"),
        _case("aligned", aligned=True),
        _case("two points a bin", sampling_ratio=2),
        _case("one point a bin, aligned", sampling_ratio=1, aligned=True),
        _case("a coarser picture", TABLE * np.array([1, 4, 4, 4, 4]), spatial_scale=0.25, aligned=True),
        _case("one number for both axes", output_size=2),
        _case("one bin", output_size=1, sampling_ratio=3),
        _case("boxes for each sample", [TABLE[:1, 1:], TABLE[1:, 1:]]),
        _case("a sample without boxes", [np.zeros((0, 4)), TABLE[:, 1:]], aligned=True),
        _case("no boxes", np.zeros((0, 5))),
        _case("thinner than a pixel", TABLE * np.array([1, 1, 1, 0, 0]) + np.array([0, 0, 0, 1.0, 2.0])),
        _case("without a side, aligned", np.array([[0, 1.0, 2.0, 1.0, 4.0]]), aligned=True),
        _case("more than a pixel beyond the border", np.array([[0, -9.0, -3.0, 7.5, 12.0]]), sampling_ratio=3),
        _case("whole boxes", np.array([[0, 1, 0, 4, 3], [1, 2, 2, 5, 6]]), aligned=True),
        case(
            "one pixel",
            input=draw.normal(1, 2, 1, 1),
            boxes=np.array([[0, -0.3, 0.2, 0.9, 0.8]]),
            output_size=2,
            sampling_ratio=2,
        ),
    ),
}


def _refused(name: str, error: type[Exception], message: str, **arguments: Any) -> Refusal:
    given = {"input": np.ones((2, 3, 6, 5)), "boxes": TABLE, "output_size": 2, **arguments}
    return refused(name, error, f"roi_align_forward: {message}", **given)


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "roi_align": (
        refused_integers("roi_align", "input", boxes=TABLE, output_size=2),
        _refused(
            "an input of three dimensions",
            ValueError,
            "input must have shape (N, C, H, W), got (3, 6, 5)",
            input=np.ones((3, 6, 5)),
        ),
        _refused(
            "no pixels",
            ValueError,
            "input must have spatial extents of at least 1, got shape (2, 3, 6, 0)",
            input=np.ones((2, 3, 6, 0)),
        ),
        _refused(
            "a table without samples",
            ValueError,
            "boxes must have shape (K, 5), or be one (K, 4) per sample, got (4, 4)",
            boxes=TABLE[:, 1:],
        ),
        _refused(
            "boxes for one sample of two",
            ValueError,
            "boxes must have one array per sample = 2, got 1",
            boxes=[TABLE[:, 1:]],
        ),
        _refused(
            "a sample in a sample's own boxes",
            ValueError,
            "boxes[1] must have shape (K, 4), got (4, 5)",
            boxes=[TABLE[:, 1:], TABLE],
        ),
        _refused(
            "a sample that is not there",
            ValueError,
            "boxes[:, 0] must hold samples from 0 to 1, got 2 at index (1,)",
            boxes=np.array([[1.0, 0, 0, 1, 1], [2, 0, 0, 1, 1]]),
        ),
        _refused(
            "a sample between two",
            ValueError,
            "boxes[:, 0] must hold samples from 0 to 1, got 0.5 at index (0,)",
            boxes=np.array([[0.5, 0, 0, 1, 1]]),
        ),
        _refused(
            "an infinite box",
            ValueError,
            "boxes must hold finite numbers, got inf at index (0, 3)",
            boxes=np.array([[0.0, 0, 0, np.inf, 1]]),
        ),
        _refused(
            "boxes in words",
            TypeError,
            "boxes must be a floating-point or an integer array, got dtype <U3",
            boxes=np.array([["all"]]),
        ),
        _refused("no bins", ValueError, "output_size must be at least 1, got (2, 0)", output_size=(2, 0)),
        _refused(
            "three axes of bins",
            ValueError,
            "output_size must be a number or (height, width), got (2, 2, 2)",
            output_size=(2, 2, 2),
        ),
        _refused("broken bins", TypeError, "output_size must be an integer, got 2.0", output_size=2.0),
        _refused("a scale of 0", ValueError, "spatial_scale must be above 0 and below inf, got 0", spatial_scale=0),
        _refused("broken points", TypeError, "sampling_ratio must be an integer, got 1.5", sampling_ratio=1.5),
        _refused("aligned that is no choice", TypeError, "aligned must be True or False, got 1", aligned=1),
    ),
}
