"""Samples of local response normalization."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(22)
image = draw.normal(2, 5, 3, 2)

CASES: dict[str, tuple[Case, ...]] = {
    "local_response_norm": (
        case("images", input=image, size=3),
        case("a strong response", input=image, size=3, alpha=2.0, beta=0.6, k=0.5),
        case("an even window, which reaches further back", input=image, size=2, alpha=2.0),
        case("four channels", input=image, size=4, alpha=2.0),
        case("a window of one channel", input=image, size=1, alpha=2.0),
        case("a window beyond all channels", input=image, size=12, alpha=2.0),
        case("a sequence", input=draw.normal(2, 4, 3), size=3, alpha=1.0, beta=1.5),
        case("a volume", input=draw.normal(1, 3, 2, 1, 2), size=2, alpha=1.0),
        case("beta 0", input=image, size=3, alpha=1.0, beta=0.0),
        case("k 0", input=draw.away_from_zero(1, 4, 2), size=3, alpha=0.7, k=0.0),
        case("a negative alpha", input=image, size=3, alpha=-0.05),
        case("zeros", input=np.zeros((1, 3, 2)), size=3, alpha=1.0),
        case("one channel", input=draw.normal(2, 1, 3), size=3, alpha=1.0),
        case("no samples", input=np.zeros((0, 3, 2)), size=3),
        case("no positions", input=np.zeros((2, 3, 0)), size=3),
    )
}
REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "local_response_norm": (
        refused_integers("local_response_norm", "input", size=2),
        refused(
            "two dimensions",
            ValueError,
            "local_response_norm_forward: input must have at least 3 dimensions, got shape (2, 5)",
            input=np.ones((2, 5)),
            size=2,
        ),
        refused(
            "an empty window",
            ValueError,
            "local_response_norm_forward: size must be at least 1, got 0",
            input=image,
            size=0,
        ),
        refused(
            "a size that is no integer",
            TypeError,
            "local_response_norm_forward: size must be an integer, got 2.0",
            input=image,
            size=2.0,
        ),
        refused(
            "a beta that is no number",
            ValueError,
            "local_response_norm_forward: beta must be a number, got nan",
            input=image,
            size=2,
            beta=float("nan"),
        ),
    )
}
