"""Commands run in a process of their own, into pipes and on terminals, and ops with known faults for it to judge."""

import os
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


def start(*arguments, module="refimpl", **options):
    """`python -m MODULE` in a process of its own, from the tree's root."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=ROOT, **(streams | options))


def on_a_terminal(*arguments, module="refimpl", **environment):
    """What the command writes to a terminal, stdout and stderr together."""
    import pty  # not on every system

    mine, theirs = pty.openpty()
    plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
    env = plain | {"TERM": "xterm-256color", "COLUMNS": "100"} | environment
    with start(*arguments, module=module, stdout=theirs, stderr=theirs, env=env) as process:
        os.close(theirs)
        written = b""
        while chunk := _read(mine):
            written += chunk
        os.close(mine)
    assert process.returncode == 0
    return written.decode()


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other end is closed
        return b""


def screen(written):
    """The lines that stay on the screen."""
    lines, row, column = [""], 0, 0
    for code, text in re.findall(r"(\x1b\[[0-9;?]*[A-Za-z]|[\r\n])|([^\x1b\r\n]+)", written):
        if code == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif code == "\r":
            column = 0
        elif code == "\x1b[1A":
            row -= 1
        elif code == "\x1b[2K":
            lines[row] = ""
        lines[row] = lines[row][:column].ljust(column) + text + lines[row][column + len(text) :]
        column += len(text)
    return [line.rstrip() for line in lines if line.strip()]


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
