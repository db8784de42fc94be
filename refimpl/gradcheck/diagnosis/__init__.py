"""What is wrong with a gradient, told from numbers alone: what backward returned beside the finite differences.

No code is looked at, so a pair in any language can be diagnosed. Each kind of mistake has a finder; those that agree
with the numbers are named, the most specific as the diagnosis.
"""

from __future__ import annotations

from collections.abc import Callable

from ._factors import argument, factor, grad_output, slices, twice
from ._facts import Diagnosis, Facts, Fit
from ._layout import axis, broadcast, exchanged, shape, transpose
from ._places import element, element_among_zeros, kink, masked, not_finite, region, unknown, zero
from ._rows import row_constant

__all__ = ["KINDS", "Diagnosis", "Facts", "Fit", "diagnose"]

KINDS = {
    "not_finite": "infinite or not a number where the derivative is finite",
    "broadcast": "a missing sum over an axis along which the argument is broadcast: a wrong shape",
    "shape": "another wrong shape",
    "kink": "wrong only at kinks or ties, where the slopes of the two sides differ",
    "element": "right up to one wrong element",
    "zero": "zero where it should not be",
    "twice": "accumulated twice: in one argument or a part of it, with another's gradient, or at a second call",
    "grad_output": "grad_output left out, or multiplied in twice",
    "factor": "a constant factor, and what it equals",
    "argument": "an argument or the output left out as a factor, or multiplied in twice",
    "transpose": "transposed, as a whole or in one of the matrices that it is a product of",
    "axis": "an axis swapped, reversed, shifted, or another one summed over",
    "exchanged": "the gradient of another argument",
    "row_constant": "a row constant left out: the projection of a softmax, a mean or a norm",
    "masked": "right only where a mask, an index or a condition selects",
    "slices": "a factor of its own for each row",
    "region": "wrong only in a part of the array",
    "unknown": "wrong, and none of the above",
    "float32": "the rounding of float32, and not an error",
    "nondeterministic": "a forward that answers differently when called again",
    "written": "an argument or grad_output written to",
    "repeated": "a backward that answers differently when called again",
}

Finders = tuple[Callable[[Facts], Fit | None], ...]

# The most specific first: of those that fit, the first is the diagnosis.
OF_A_WRONG_SHAPE: Finders = (broadcast, transpose, exchanged, axis, shape)
OF_WRONG_NUMBERS: Finders = (
    kink,
    element,
    zero,
    twice,
    grad_output,
    factor,
    argument,
    transpose,
    exchanged,
    axis,
    row_constant,
    masked,
    slices,
    region,
    element_among_zeros,
)
OF_KINKS: Finders = (kink, element)  # where nothing else is wrong
OF_A_SAMPLE: Finders = (zero, factor)
# What fits wherever another kind does, and adds nothing to it.
IMPLIED = {
    "slices": {"factor", "grad_output", "argument", "twice"},
    "element": {"element", "kink", "twice", "zero", "factor", "masked"},
    "region": {"element", "kink", "zero", "masked", "twice"},
    "axis": {"transpose", "broadcast"},
    "shape": {"broadcast", "transpose", "exchanged", "axis"},
}


def diagnose(facts: Facts) -> Diagnosis | None:
    """What is wrong with one gradient; None where nothing is.

    Its message is in words, its evidence in figures. The finders see numbers alone: nothing of the pair's code.
    """
    if not facts.right_shape:
        finders = OF_A_WRONG_SHAPE
    elif not facts.bad.any():
        return None
    elif (infinite := not_finite(facts)) is not None:
        return Diagnosis(facts.name, *infinite)
    elif not (facts.bad & facts.known).any():
        finders = OF_KINKS
    else:
        finders = OF_A_SAMPLE if facts.sampled else OF_WRONG_NUMBERS
    fits = [fit for finder in finders if (fit := finder(facts)) is not None] or [unknown(facts)]
    also = tuple(
        fit for i, fit in enumerate(fits) if i and not IMPLIED.get(fit.kind, set()) & {f.kind for f in fits[:i]}
    )
    return Diagnosis(facts.name, *fits[0], also=also)
