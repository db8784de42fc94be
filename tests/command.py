"""The command `refimpl` run in a process of its own, and ops with known faults for it to judge."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from refimpl.cases import case
from refimpl.catalog import OPS

ROOT = Path(__file__).parent.parent
ORIGINAL = dict(OPS)
TWO = [case("ones", input=np.ones((2, 3))), case("a row", input=np.array([1.0, -2.0]))]


def start(*arguments, **options):
    """The command in a process of its own, from the tree's root."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-m", "refimpl", *arguments], cwd=ROOT, **(streams | options))


def without_figures(text):
    """Differences and seconds vary with the machine; everything else must not."""
    return re.sub(r"\b\d\.\de-\d\d\b", "<1e-8  ", re.sub(r"in \d+\.\d s", "in * s", text))


def numbered(count):
    """Cases of linear whose outcome is known."""
    draw = np.random.default_rng(0)
    shapes = {"input": (3, 4), "weight": (2, 4), "bias": (2,)}
    return [
        case(f"number {i}", **{k: draw.standard_normal(shape) for k, shape in shapes.items()}) for i in range(count)
    ]


def backward_with(name, change):
    """The op's backward, with change(gradients) made to what it returns."""

    def backward(grad_output, cache):
        gradients = {key: gradient.copy() for key, gradient in ORIGINAL[name].backward(grad_output, cache).items()}
        change(gradients)
        return gradients

    return backward


def one_wrong_element(gradients):
    if gradients["input"].ndim == 2 and gradients["input"].size:
        gradients["input"][1, 2] *= 1.001
