"""Samples of the gated recurrent unit over sequences."""

from __future__ import annotations

from ._case import Case, Draw, Refusal
from ._recurrent import refusals, refused_states, samples

draw = Draw(72)

CASES: dict[str, tuple[Case, ...]] = {"gru": samples(draw, "gru")}
REFUSALS: dict[str, tuple[Refusal, ...]] = {"gru": (*refusals("gru"), *refused_states("gru"))}
