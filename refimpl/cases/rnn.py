"""Samples of the plain recurrent net over sequences."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, case, refused
from ._recurrent import good, refusals, refused_states, sample, samples

draw = Draw(74)

CASES: dict[str, tuple[Case, ...]] = {
    "rnn": (
        *samples(draw, "rnn"),
        sample(draw, "rnn", "rectifiers", (3, 2, 3), 2, initial=True, nonlinearity="relu"),
        sample(
            draw, "rnn", "rectifiers, two layers in both directions", (2, 1, 2), 2, num_layers=2, bidirectional=True,
            nonlinearity="relu",
        ),
        case(
            "rectifiers, an activation of 0 in the second step",
            at_kink=True,
            input=np.array([[[1.0]], [[2.0]]]),
            weights={"weight_ih_l0": np.array([[1.0], [0.5]]), "weight_hh_l0": np.array([[-2.0, 0.0], [1.0, 1.0]])},
            bias=False,
            nonlinearity="relu",
        ),
    )
}  # fmt: skip

REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "rnn": (
        *refusals("rnn"),
        *refused_states("rnn"),
        refused(
            "an unknown nonlinearity",
            ValueError,
            "rnn_forward: nonlinearity must be one of 'tanh', 'relu', got 'gelu'",
            **good("rnn", nonlinearity="gelu"),
        ),
    )
}
