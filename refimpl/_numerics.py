"""Formulations that keep the digits, shared by the families. derivations/notation.md says what is measured."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ._validate import Array, IntArray


def choose(mask: Any, a: Any, b: Any) -> Any:
    """a where mask, else b, as np.where has it, for arrays of one floating dtype or numbers.

    By the bits of their difference: a mask without order costs np.where a wrong guess for every other element.
    """
    dtype = a.dtype if isinstance(a, np.ndarray) else b.dtype
    bits = np.dtype(f"i{dtype.itemsize}")
    b = np.asarray(b, dtype=dtype).view(bits)
    chosen = np.asarray(np.asarray(a, dtype=dtype).view(bits) ^ b)
    chosen *= mask
    chosen ^= b
    return chosen.view(dtype)


def above_zero(x: Any) -> Any:
    """max(x, 0), and NaN where x is none. NumPy clips in a third of the time that it takes for a maximum, and by the
    method of a small array in half the time of its function."""
    return x.clip(0, np.inf)


def below_zero(x: Any) -> Any:
    """min(x, 0), and NaN where x is none."""
    return x.clip(-np.inf, 0)


def two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """a + b as the rounded sum and its rounding error, exactly (Knuth, The Art of Computer Programming 2, 4.2.2)."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)


def two_prod(a: Any, b: Any) -> tuple[Any, Any]:
    """a * b as the rounded product and its rounding error, exactly, for arrays of one dtype (Dekker 1971).

    Where the error is no number, because a factor is too large to be halved, it counts as 0.
    """
    product = a * b
    a_high, a_low = halves(a)
    b_high, b_low = (a_high, a_low) if b is a else halves(b)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, _number_or_zero(error)


def halves(a: Any) -> tuple[Any, Any]:
    """a as the exact sum of two numbers of half its digits (Veltkamp), so that a product of two such is exact."""
    spread = a * a.dtype.type(2.0 ** (27 if a.dtype == np.float64 else 12) + 1)
    high = spread - (spread - a)
    return high, a - high


def two_scale(x: Array, factor: float, tail: float = 0.0) -> tuple[Any, Any]:
    """x * (factor + tail) as a rounded product and what it leaves out. float32 has a factor's last digits in the tail
    as well: they count where the product is the argument of an exponential."""
    high = x.dtype.type(factor)
    if tail == 0 and abs(math.frexp(factor)[0]) == 0.5:  # a power of two, which rounds nothing
        return x * high, np.zeros((), dtype=x.dtype)
    product, error = two_prod(x, high)
    error = error + x * x.dtype.type(factor - float(high) + tail)
    return product, _number_or_zero(error)


def _number_or_zero(error: Any) -> Any:
    """The error, and 0 where it is none. To look first costs a fraction of the choice, which is rarely needed."""
    finite = np.isfinite(error)
    return error if finite.all() else np.where(finite, error, 0)


def sum_of_rows(a: Any) -> tuple[Any, Any]:
    """The sum of each row of (rows, n), n >= 1, as a number and what its rounding left out, both (rows, 1)."""
    error = np.zeros((len(a), 1), dtype=a.dtype)
    while a.shape[1] > 1:  # the second half onto the first, and again
        half = a.shape[1] // 2
        folded, rounding = two_sum(a[:, :half], a[:, half : 2 * half])
        error += rounding.sum(axis=1, keepdims=True)
        a = np.concatenate([folded, a[:, 2 * half :]], axis=1)
    return a, error


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)) with full relative precision in both tails."""
    # From 40 on the quotient is 1 in every digit; below, the exponential keeps its digits where the quotient is small.
    e = np.exp(x.clip(-np.inf, 40))
    return e / (1 + e)


def softplus(x: Any) -> Any:
    """log(1 + exp(x)) with full relative precision in both tails."""
    return above_zero(x) + np.log1p(np.exp(-np.abs(x)))


def normal_tail(a: Any) -> Any:
    """Phi(-a) exp(a^2 / 2) for a >= 0: the upper tail of the normal distribution, without its exponential.

    (a + 1) times it lies between 0.39 and 0.53 for all a, and is a polynomial of (a - 4) / (a + 4) to the last digits.
    SciPy's ndtr loses digits in the tail as fast as a^2 grows, and its erfcx up to five units of the last place.
    """
    t = (a - 4) / (a + 4)
    p = np.full_like(a, NORMAL_TAIL[-1])
    for coefficient in NORMAL_TAIL[-2::-1]:
        p *= t
        p += coefficient
    return p / (a + 1)


def times_gaussian(a: Any, x: Any) -> Any:
    """a exp(-x^2 / 2). The rounding of x^2 would count as often as x^2 is large: x = h + k in halves, and
    x^2 = h^2 + k (x + h) with h^2 exact. Far out exp(64) is lent, exactly, so that nothing underflows before a is in.
    float64 has the digits and the range that float32 needs.
    """
    if x.dtype == np.float32:
        e = np.exp(np.square(x.astype(np.float64)) / -2)
        return (a * e).astype(x.dtype)
    h, k = halves(x)
    far = np.abs(x) > 8
    e = np.exp(far * x.dtype.type(64) - h * h / 2)
    e += e * np.expm1(-k * (x + h) / 2)
    return a * e * np.where(far, np.exp(x.dtype.type(-64)), x.dtype.type(1))


# The polynomial of normal_tail, lowest power first: Chebyshev interpolation at 60 digits, as derivations/self_gated.md
# redoes it.
NORMAL_TAIL = (
    0.47205320650984467,
    -0.09670347732652607,
    0.013999634724424333,
    0.02860036405357749,
    -0.03219783742802203,
    0.01793609747886859,
    -0.005002378592511494,
    -0.00028562308680939413,
    0.0006948971219073166,
    -9.443033944152223e-05,
    -8.785330394797745e-05,
    2.1250446856208376e-05,
    1.3627395285352675e-05,
    -3.433372216853275e-06,
    -2.6144101706596144e-06,
    4.067173012515441e-07,
    5.54834046220778e-07,
    -1.2371533669917223e-09,
    -1.1446850712757966e-07,
    -1.7932121916642764e-08,
    2.0257667136860796e-08,
    5.474708632048835e-09,
    -2.6180348731252313e-09,
    -6.763267210562716e-10,
    1.7873545221847226e-10,
)


def excess(d: Any) -> Any:
    """exp(-d) - 1 + d by its power series, d^2 / 2 and on, for |d| <= 1; beyond it is that of 1 or -1."""
    d = d.clip(-1, 1)
    total = np.full_like(d, 1 / 20)
    for k in range(19, 2, -1):  # the term after 20 is below the last digit of the sum
        total = (1 - d * total) / k
    return d * d * (1 - d * total) / 2


class ShiftedRow(NamedTuple):
    """The exponentials of rows with their maximum taken out; the maximum itself counts as exactly 1, held apart.

    With k the first position of the maximum, exp(x - x[k]) sums to 1 + rest. What is near 1 in a softmax is then known
    by its distance from 1, which is where the digits of a confident row are.
    """

    top: IntArray  # (rows, 1): k
    difference: Array  # (rows, n): x - x[k], rounded
    error: Array  # (rows, n): what that rounding left out
    others: Array  # (rows, n): exp(x - x[k]), 0 at k
    rest: Array  # (rows, 1): the sum of others

    def probability(self) -> Array:
        """softmax."""
        probability = self.others / (1 + self.rest)
        probability[_each(self.top)] = 1 / (1 + self.rest)
        return probability

    def complement(self) -> Array:
        """1 - softmax: at the maximum the sum of the other probabilities, not a difference."""
        complement = 1 - self.probability()
        complement[_each(self.top)] = self.rest / (1 + self.rest)
        return complement

    def log_probability(self) -> Array:
        """log softmax."""
        return self.difference - (np.log1p(self.rest) - self.error)

    def log_sum(self, x: Array) -> Array:
        """log(sum_j exp(x_j)) of each row of the x that it was made from, (rows,)."""
        maximum = x[_each(self.top)]
        total = np.where(np.isinf(maximum), maximum, maximum + np.log1p(self.rest))
        return np.asarray(total[:, 0])

    def probability_vjp(self, g: Array) -> Array:
        """p_i (g_i - sum_j g_j p_j), with g measured from its entry at the maximum: a confident row has g there nearly
        all in the sum, and what is left of the difference would be rounding."""
        p = self.probability()
        c = g - g[_each(self.top)].astype(p.dtype, copy=False)
        c -= (c * p).sum(axis=1, keepdims=True)
        c *= p
        return np.asarray(c)

    def log_probability_vjp(self, g: Array) -> Array:
        """g_i - p_i sum_j g_j, as g_i (1 - p_i) - p_i (the sum of the other g): for g of float32, whose digits a
        difference in float64 leaves whole, only at the maximum, where p_i may be near 1."""
        total = g.sum(axis=1, keepdims=True, dtype=self.rest.dtype)
        if g.dtype == self.rest.dtype:
            return g * self.complement() - self.probability() * (total - g)
        pulled = self.others * (total / -(1 + self.rest))
        pulled += g
        at_top = g[_each(self.top)]
        pulled[_each(self.top)] = (at_top * self.rest - (total - at_top)) / (1 + self.rest)
        return pulled


def _each(column: IntArray) -> tuple[IntArray, IntArray]:
    """The index of one entry of each row, for a column that says which. NumPy's take_along_axis does the same in ten
    times the time that a short row is worth."""
    return np.arange(len(column))[:, None], column


def shifted_rows(x: Array, temperature: float = 1.0) -> ShiftedRow:
    """x / temperature as rows (rows, n), n >= 1. A row that holds NaN or +inf, or only -inf, comes out as NaN."""
    single = x.dtype == np.float32
    with np.errstate(all="ignore"):
        top = x.argmax(axis=1)[:, None]
        maximum = x[_each(top)].astype(np.float64, copy=False)  # it has the digits that float32 needs an error for
        if single:
            difference, error = x - maximum, np.zeros((1, 1))
        else:
            difference, error = two_sum(x, -maximum)
            error = _number_or_zero(error)
        if temperature != 1:
            difference, error = _quotient(difference, error, temperature)
        others = np.exp(difference)
        if error.any():
            others *= 1 + error
        others[_each(top)] = 0
        rest = others.sum(axis=1, keepdims=True) + (maximum - maximum)  # + 0, or + NaN where there is no maximum
    return ShiftedRow(top, difference, error, others, rest)


def three_sum(a: Any, b: Any, c: Any) -> tuple[Any, Any]:
    """a + b + c as a rounded sum and what it leaves out, itself rounded once: where a + b nearly cancels c, the
    rounding of a + b would else be all that is left. Where the rest is no number it counts as 0."""
    partial, partial_error = two_sum(a, b)
    total, error = two_sum(partial, c)
    total, error = two_sum(total, partial_error + error)
    kept = np.isfinite(total) & np.isfinite(error)
    if kept.all():  # to look first costs a fraction of the choice
        return total, error
    return np.where(kept, total, partial + c), np.where(kept, error, 0)


def _quotient(high: Array, low: Array, divisor: float) -> tuple[Any, Any]:
    """(high + low) / divisor as a rounded quotient and what it leaves out, with all digits of the divisor."""
    rounded = high.dtype.type(divisor)
    quotient = high / rounded
    product, error = two_prod(quotient, np.full_like(quotient, rounded))
    rest = ((high - product) - error + low - quotient * high.dtype.type(divisor - float(rounded))) / rounded
    return quotient, np.where(np.isfinite(rest), rest, 0)
