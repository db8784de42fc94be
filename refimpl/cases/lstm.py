"""Samples of the long short-term memory over sequences."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, refused
from ._recurrent import good, lengths_of, refusals, sample, samples

draw = Draw(73)

CASES: dict[str, tuple[Case, ...]] = {
    "lstm": (
        *samples(draw, "lstm"),
        sample(draw, "lstm", "a projection", (3, 2, 2), 3, initial=True, proj_size=2),
        sample(
            draw, "lstm", "a projection, two layers in both directions, with lengths", (2, 2, 1), 2,
            initial=True, proj_size=1, num_layers=2, bidirectional=True, bias=False, lengths=lengths_of(1, 2),
        ),
    ),
}  # fmt: skip

ONES = np.ones((1, 2, 3))
STATE = "(num_layers * directions, N"
REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "lstm": (
        *refusals("lstm"),
        refused(
            "a state that is no pair",
            TypeError,
            "lstm_forward: hx must be a pair (h, c), got ndarray",
            **good("lstm", hx=ONES),
        ),
        refused(
            "a second state of another size",
            ValueError,
            f"lstm_forward: hx[1] must have shape {STATE}, H) = (1, 2, 3), got (1, 2, 2)",
            **good("lstm", hx=(ONES, np.ones((1, 2, 2)))),
        ),
        refused(
            "a first state of another batch",
            ValueError,
            f"lstm_forward: hx[0] must have shape {STATE}, H) = (1, 2, 3), got (1, 3, 3)",
            **good("lstm", hx=(np.ones((1, 3, 3)), ONES)),
        ),
        refused(
            "a projected state of the hidden size",
            ValueError,
            f"lstm_forward: hx[0] must have shape {STATE}, P) = (1, 2, 2), got (1, 2, 3)",
            **good(
                "lstm",
                change={"weight_hh_l0": np.ones((12, 2)), "weight_hr_l0": np.ones((2, 3))},
                hx=(ONES, ONES),
                proj_size=2,
            ),
        ),
        refused(
            "a projection of the wrong shape",
            ValueError,
            "lstm_forward: weights.weight_hr_l0 must have shape (P, H) = (2, 3), got (3, 2)",
            **good(
                "lstm",
                change={"weight_hh_l0": np.ones((12, 2)), "weight_hr_l0": np.ones((3, 2))},
                proj_size=2,
            ),
        ),
        refused(
            "a projection not below the hidden size",
            ValueError,
            "lstm_forward: proj_size must be from 0 to H - 1 = 2, got 3",
            **good("lstm", change={"weight_hr_l0": np.ones((3, 3))}, proj_size=3),
        ),
        refused(
            "a projection below 0",
            ValueError,
            "lstm_forward: proj_size must be from 0 to H - 1 = 2, got -1",
            **good("lstm", change={"weight_hr_l0": np.ones((3, 3))}, proj_size=-1),
        ),
    )
}
