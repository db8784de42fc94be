"""Samples of weights that are measured by a norm of their own."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(23)
matrix = draw.normal(3, 4)
kernel = draw.normal(3, 4, 2)
u, v = draw.normal(3), draw.normal(4)
left, _, right = np.linalg.svd(matrix)

CASES: dict[str, tuple[Case, ...]] = {
    "weight_norm": (
        case("rows", v=matrix, g=draw.away_from_zero(3, 1)),
        case("columns", v=matrix, g=draw.away_from_zero(1, 4), dim=1),
        case("a kernel", v=kernel, g=draw.away_from_zero(3, 1, 1)),
        case("a kernel's middle axis", v=kernel, g=draw.away_from_zero(1, 4, 1), dim=1),
        case("a kernel's last axis", v=kernel, g=draw.away_from_zero(1, 1, 2), dim=2),
        case("all axes", v=kernel, g=np.array(-1.5), dim=None),
        case("a vector, entry by entry", v=draw.away_from_zero(4), g=draw.away_from_zero(4)),
        case("a vector as a whole", v=draw.normal(4), g=np.array(2.0), dim=None),
        case("a length of 0", v=matrix, g=np.array([[0.0], [1.0], [2.0]])),
    ),
    "spectral_norm": (
        case("singular vectors", weight=matrix, u=left[:, 0].copy(), v=right[0].copy()),
        case("any vectors", weight=matrix, u=u, v=v),
        case("the second axis first", weight=matrix, u=v, v=u, dim=1),
        case("a kernel", weight=kernel, u=u, v=draw.normal(8)),
        case("a kernel's middle axis", weight=kernel, u=v, v=draw.normal(6), dim=1),
        case("a kernel's last axis, counted from the end", weight=kernel, u=draw.normal(2), v=draw.normal(12), dim=-1),
        case("one row", weight=matrix[:1], u=np.ones(1), v=v),
        case("one number", weight=np.array([[-1.5]]), u=np.ones(1), v=np.ones(1)),
    ),
}
REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "weight_norm": (
        refused_integers("weight_norm", "v", g=np.ones(3)),
        refused_integers("weight_norm", "g", v=matrix),
        refused(
            "a g without axes",
            ValueError,
            "weight_norm_forward: g must have shape of v with 1 on all axes but dim = (3, 1), got (3,)",
            v=matrix,
            g=np.ones(3),
        ),
        refused(
            "a g of several numbers for all axes",
            ValueError,
            "weight_norm_forward: g must have shape of a single number = (), got (1,)",
            v=matrix,
            g=np.ones(1),
            dim=None,
        ),
        refused(
            "the last axis by -1, which is None in PyTorch",
            ValueError,
            "weight_norm_forward: dim must be from 0 to 1 for 2 dimensions or None, got -1",
            v=matrix,
            g=np.ones((1, 4)),
            dim=-1,
        ),
        refused(
            "an axis out of range",
            ValueError,
            "weight_norm_forward: dim must be from 0 to 1 for 2 dimensions or None, got 2",
            v=matrix,
            g=np.ones((1, 4)),
            dim=2,
        ),
        refused(
            "a number",
            ValueError,
            "weight_norm_forward: v must have at least 1 dimension, got shape ()",
            v=np.array(1.0),
            g=np.array(1.0),
        ),
    ),
    "spectral_norm": (
        refused_integers("spectral_norm", "u", weight=matrix, v=v),
        refused_integers("spectral_norm", "v", weight=matrix, u=u),
        refused(
            "integer weight",
            TypeError,
            "spectral_norm_forward: weight must be a floating-point array (float16, float32, float64), got dtype int64",
            weight=np.ones((3, 4), dtype=np.int64),
            u=u,
            v=v,
        ),
        refused(
            "a vector",
            ValueError,
            "spectral_norm_forward: weight must have at least 2 dimensions, got shape (3,)",
            weight=np.ones(3),
            u=u,
            v=v,
        ),
        refused(
            "a u of another length",
            ValueError,
            "spectral_norm_forward: u must have shape (weight.shape[dim],) = (4,), got (3,)",
            weight=matrix,
            u=u,
            v=v,
            dim=1,
        ),
        refused(
            "a v of another length",
            ValueError,
            "spectral_norm_forward: v must have shape (the product of the other extents,) = (8,), got (4,)",
            weight=kernel,
            u=u,
            v=v,
        ),
        refused(
            "an axis out of range",
            ValueError,
            "spectral_norm_forward: dim must be from -2 to 1 for 2 dimensions, got 2",
            weight=matrix,
            u=u,
            v=v,
            dim=2,
        ),
    ),
}
