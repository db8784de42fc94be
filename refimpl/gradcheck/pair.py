"""A pair at one set of arguments: called, held to its promises, and turned into scalar losses for the witness."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from .._structure import leaves, map_leaves, mismatch
from .._validate import Array
from .diagnosis import Diagnosis, Facts
from .report import ArgumentReport, says_it_all
from .styles import by_name

__tracebackhide__ = says_it_all
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)  # what can be given by name


class Pair:
    """forward and backward bound to arguments, every floating array in float64.

    Raises TypeError or ValueError where the pair cannot be checked at all. Promises broken on the way (an argument
    written to, a second call that differs) are collected in `problems`, and with their figures in `broken`.
    A forward that is not deterministic has no gradients to compare.
    """

    def __init__(
        self, forward: Callable[..., Any], backward: Callable[..., Any], args: Any, options: Any, seed: int
    ) -> None:
        self.forward, self.backward = forward, backward
        self.name = getattr(forward, "__name__", repr(forward))
        self.bound = _bind(forward, args, options)
        self.takes_names = all(p.kind in NAMED for p in self.bound.signature.parameters.values())
        self.problems: list[str] = []
        self.broken: list[Diagnosis] = []
        self.gradients: dict[str, Any] = {}
        if not self.floating():
            raise TypeError(f"gradcheck: {self.name} must be given a floating array to differentiate, got none")

        before = _copy(self.bound.arguments)
        self.output, cache = self._call()
        self.writes = not _same(before, self.bound.arguments)
        if self.writes:
            self._break("written", "forward writes to its arguments", before, self.bound.arguments)
            self.bound.arguments.update(_copy(before))
        again = _copy(self._call()[0])
        if self.writes:  # else the arguments stay those that the cache may hold: backward must not write to them
            self.bound.arguments.update(_copy(before))
        self.grad_output = random_like(self.output, seed)
        self.deterministic = _same(self.output, again)
        if self.deterministic:
            self.gradients = self._backward(cache)
        else:
            problem = (
                "forward is not deterministic: two outputs from the same arguments; "
                "a random op needs an integer seed, not a generator that moves on"
            )
            self._break("nondeterministic", problem, self.output, again, "output")

    def _break(self, kind: str, problem: str, before: Any, after: Any, name: str = "") -> None:
        """A promise is broken: say it, and what changed from one to the other."""
        self.problems.append(problem)
        places = _changes(before, after, name)
        message = "; ".join(f"{path or 'the gradient'} changed {text}" for path, text, _ in places)
        evidence = {"changed": {path: share for path, _, share in places}}
        self.broken.append(Diagnosis("", kind, message, evidence))

    def facts(self, report: ArgumentReport, reports: list[ArgumentReport]) -> Facts:
        """What is known of one gradient, for the diagnosis; `reports` are those of all arguments."""
        assert report.analytic is not None
        assert report.numeric is not None
        numeric = report.numeric.copy()
        for element in report.unsettled:
            numeric[element.index] = np.nan
        bound = inspect.BoundArguments(self.bound.signature, OrderedDict(self.bound.arguments))
        bound.apply_defaults()
        arguments = {path: leaf for name, value in bound.arguments.items() for path, leaf in leaves(value, name)}
        return Facts(
            report.name,
            report.analytic,
            numeric,
            wrong=report.wrong,
            kinks={e.index: e.slopes for e in report.unsettled if e.slopes and e.verdict == "fail"},
            arguments=arguments,
            outputs=dict(self._floats(self.output, "output")),
            grad_outputs=dict(self._floats(self.grad_output, "grad_output")),
            others={
                r.name: (r.analytic, r.numeric)
                for r in reports
                if r.name != report.name and r.analytic is not None and r.numeric is not None and r.numeric.size
            },
            sampled=report.method == "directions",
        )

    def floating(self) -> list[str]:
        """The names of the arguments that hold a floating array."""
        return [name for name, value in self.bound.arguments.items() if any(is_floating(v) for _, v in leaves(value))]

    def loss(self, argument: str, path: str) -> Callable[[Array], float]:
        """x -> <grad_output, forward(... x ...) - output>, for one array of one argument.

        It has `many`, for several x at once, where forward has: outputs for an iterable of bound arguments.
        """

        def loss(x: Array) -> float:
            return _contracted(self._differences(argument, path, x))

        many = getattr(self.forward, "many", None)
        if many is not None and not self.writes:

            def together(points: Iterable[Array]) -> Iterator[float]:
                moved = (self._moved(argument, path, x) for x in points)
                bound = (inspect.BoundArguments(self.bound.signature, m) for m in moved)
                return (_contracted(self._changes_to(output)) for output in many(bound))

            loss.many = together  # type: ignore[attr-defined]
        return loss

    def elementwise_loss(self, argument: str, path: str) -> Callable[[Array], Array]:
        """x -> the same before it is summed, for an output that is one array."""
        return lambda x: np.asarray(next(g * change for g, change in self._differences(argument, path, x)))

    def rounding(self, spread: float = 0.0) -> float:
        """How far the loss may be off because an output of size |y| + spread is rounded."""
        magnitude = sum(
            float(np.sum(np.abs(g) * np.where(np.isfinite(y), np.abs(y) + spread, 0))) for g, y in self.unmoved
        )
        return 8 * float(np.finfo(np.float64).eps) * magnitude

    def computes_in_single(self, argument: str, path: str, x: Array) -> bool:
        """Whether what changes in the outputs when x moves a little is all float32 numbers: then it was rounded so."""
        moved = dict(self.bound.arguments)
        moved[argument] = _put(moved[argument], argument, path, x * 1.0003 + 1e-4)
        try:
            output, _ = self._call(moved)
        except ValueError:  # it leaves the domain
            return False
        outputs = zip(self.unmoved, _floating_arrays(output), strict=True)
        changed = np.concatenate([y[y != y0] for (_, y0), y in outputs])
        with np.errstate(all="ignore"):
            return bool(changed.size and np.array_equal(changed, changed.astype(np.float32), equal_nan=True))

    def in_single(self, path: str) -> bool:
        """The same of the array at a path."""
        for argument in self.floating():
            x = dict(leaves(self.bound.arguments[argument], argument)).get(path)
            if x is not None:
                return self.computes_in_single(argument, path, x)
        return False

    def _moved(self, argument: str, path: str, x: Array) -> dict[str, Any]:
        return {**self.bound.arguments, argument: _put(self.bound.arguments[argument], argument, path, x)}

    def _differences(self, argument: str, path: str, x: Array) -> list[tuple[Array, Array]]:
        try:
            output, _ = self._call(self._moved(argument, path, x))
        except ValueError:  # a step out of the domain, such as a probability above 1: there is no value
            output = None
        return self._changes_to(output)

    def _changes_to(self, output: Any) -> list[tuple[Array, Array]]:
        """(g, output - the unperturbed one) for each floating array; NaN where there is no output."""
        if output is None:
            return [(g, np.full_like(y0, np.nan)) for g, y0 in self.unmoved]
        with np.errstate(invalid="ignore"):  # an output that stays infinite does not change
            return [
                (g, np.where(y == y0, 0.0, y - y0))
                for (g, y0), y in zip(self.unmoved, _floating_arrays(output), strict=True)
            ]

    @cached_property
    def unmoved(self) -> list[tuple[Array, Array]]:
        """(g, y) for each floating array of the output at the arguments as they are."""
        return list(zip([g for _, g in leaves(self.grad_output)], _floating_arrays(self.output), strict=True))

    def _floats(self, structure: Any, name: str) -> list[tuple[str, Array]]:
        found = [(path, np.asarray(leaf)) for path, leaf in leaves(structure, name)]
        return [(path, leaf) for path, leaf in found if leaf.dtype.kind == "f"]

    def _call(self, arguments: Mapping[str, Any] | None = None) -> tuple[Any, Any]:
        given = self.bound.arguments if arguments is None else _copy(arguments) if self.writes else arguments
        if self.takes_names:
            returned = self.forward(**given)
        else:
            bound = inspect.BoundArguments(self.bound.signature, given)  # type: ignore[arg-type]
            returned = self.forward(*bound.args, **bound.kwargs)
        if not (isinstance(returned, tuple) and len(returned) == 2):
            raise TypeError(f"gradcheck: {self.name} must return (output, cache), got {type(returned).__name__}")
        return returned

    def _backward(self, cache: Any) -> dict[str, Any]:
        name = getattr(self.backward, "__name__", repr(self.backward))
        given, arguments = _copy(self.grad_output), _copy(self.bound.arguments)
        first = _copy(self.backward(self.grad_output, cache))
        if not _same(arguments, self.bound.arguments):
            self._break("written", "backward writes to forward's arguments", arguments, self.bound.arguments)
            self.bound.arguments.update(arguments)
        if not _same(given, self.grad_output):
            self._break("written", "backward writes to grad_output", given, self.grad_output, "grad_output")
            self.grad_output = given
        second = _copy(self.backward(_copy(given), cache))
        if not _same(first, second):
            twice = _adds_up(first, second, self.backward(_copy(given), cache))
            because = "it adds to what it returned before" if twice else "it changes its cache"
            problem = f"backward called a second time answers differently: {because}"
            self._break("twice" if twice else "repeated", problem, first, second)
        gradients = by_name(name, first, self.bound, self.floating())
        self._check_form(name, gradients)
        return gradients

    def _check_form(self, name: str, gradients: Mapping[str, Any]) -> None:
        """Known keys, and for each the form of its argument; a wrong shape is for the report."""
        unknown = [key for key in gradients if key not in self.bound.signature.parameters]
        if unknown:
            known = ", ".join(self.bound.signature.parameters)
            raise ValueError(f"gradcheck: {name} must use forward's argument names ({known}) as keys, got {unknown[0]}")
        for key, gradient in gradients.items():
            if key not in self.floating():
                raise ValueError(f"gradcheck: {name} must give gradients of floating arguments only, got one of {key}")
            argument = map_leaves(lambda v: v if is_floating(v) else None, self.bound.arguments[key])
            difference = mismatch(argument, gradient, key)
            if difference:
                raise ValueError(f"gradcheck: {name} must return a gradient in its argument's form, got {difference}")
            for path, g in leaves(gradient, key):
                if np.asarray(g).dtype.kind != "f":
                    raise TypeError(
                        f"gradcheck: {name} must return floating gradients, got dtype {np.asarray(g).dtype} for {path}"
                    )


def _contracted(differences: list[tuple[Array, Array]]) -> float:
    return sum(float(np.vdot(g, change)) for g, change in differences)


def _bind(forward: Callable[..., Any], args: Any, options: Any) -> inspect.BoundArguments:
    name = getattr(forward, "__name__", repr(forward))
    try:
        bound = inspect.signature(forward).bind(*args, **options)
    except TypeError as error:
        raise TypeError(f"gradcheck: the arguments must fit {name}, got {error}") from None
    for key, value in bound.arguments.items():
        bound.arguments[key] = map_leaves(_in_float64, _list_as_array(value))
    return bound


def _list_as_array(value: Any) -> Any:
    """A list of floating numbers is an array-like; any other list is a structure or an option, and stays."""
    if isinstance(value, list) and not any(isinstance(leaf, np.ndarray) for _, leaf in leaves(value)):
        try:
            array = np.asarray(value)
        except ValueError:
            return value
        return array if array.dtype.kind == "f" else value
    return value


def _in_float64(leaf: Any) -> Any:
    return np.array(leaf, dtype=np.float64) if is_floating(leaf) else leaf


def is_floating(leaf: Any) -> bool:
    return isinstance(leaf, (np.ndarray, np.floating)) and leaf.dtype.kind == "f"


def holds_floating(value: Any) -> bool:
    """Whether an argument is or holds what a gradient can be taken of: a floating array, or a list of such numbers."""
    return any(is_floating(leaf) for _, leaf in leaves(_list_as_array(value)))


def random_like(output: Any, seed: int) -> Any:
    """Seeded normal numbers for each floating array of the output, 0 where it is infinite; None for an integer one.

    Not ones: they make the gradient of a softmax zero and hide every mistake of an axis.
    """
    rng = np.random.default_rng(seed)

    def draw(y: Any) -> Any:
        y = np.asarray(y)
        return np.where(np.isfinite(y), rng.standard_normal(y.shape), 0.0) if y.dtype.kind == "f" else None

    return map_leaves(draw, output)


def _floating_arrays(output: Any) -> list[Array]:
    arrays = (np.asarray(leaf) for _, leaf in leaves(output))
    return [array for array in arrays if array.dtype.kind == "f"]


def _put(structure: Any, name: str, path: str, x: Array) -> Any:
    """The structure with the leaf at `path` replaced."""
    if path == name:
        return x
    replaced = iter([x if leaf_path == path else leaf for leaf_path, leaf in leaves(structure, name)])
    return map_leaves(lambda _: next(replaced), structure)


def _copy(structure: Any) -> Any:
    return map_leaves(lambda leaf: leaf.copy() if isinstance(leaf, np.ndarray) else leaf, structure)


def _changes(before: Any, after: Any, name: str) -> list[tuple[str, str, float]]:
    """(path, words, share of the elements) for every array that changed."""
    others, found = dict(leaves(after, name)), []
    for path, x in leaves(before, name):
        x, y = np.asarray(x), np.asarray(others.get(path))
        if x.shape != y.shape or x.dtype.kind not in "fiub" or y.dtype.kind not in "fiub":
            if x.shape != y.shape or x != y:
                found.append((path, "its form", 1.0))
            continue
        changed = (x != y) & ~((x != x) & (y != y))
        if changed.any():
            with np.errstate(invalid="ignore"):
                most = float(np.abs(np.subtract(y, x, dtype=np.float64)[changed]).max())
            found.append((path, f"at {int(changed.sum())} of {x.size} elements, by up to {most:.3g}", changed.mean()))
    return found


def _adds_up(first: Any, second: Any, third: Any) -> bool:
    """Whether each answer is the first, 2 and 3 times: a sum is kept between the calls."""
    if mismatch(first, second) or mismatch(first, third):
        return False
    calls = [[np.asarray(leaf) for _, leaf in leaves(answer)] for answer in (first, second, third)]
    return all(
        a.shape == b.shape == c.shape and a.dtype.kind == "f" and (np.allclose(b, a) or _multiples(a, b, c))
        for a, b, c in zip(*calls, strict=True)
    )


def _multiples(a: Array, b: Array, c: Array) -> bool:
    return np.allclose(b, 2 * a) and np.allclose(c, 3 * a)


def _same(a: Any, b: Any) -> bool:
    """Bit for bit, with NaN equal to NaN."""
    if mismatch(a, b):
        return False
    others = dict(leaves(b))
    for path, x in leaves(a):
        y = others[path]
        if isinstance(x, np.ndarray) or isinstance(y, np.ndarray):
            if not (np.shape(x) == np.shape(y) and np.array_equal(x, y, equal_nan=np.asarray(x).dtype.kind == "f")):
                return False
        elif x is not y and x != y:
            return False
    return True
