"""What the checks of the CS231n notebooks measure with."""

import numpy as np


def steps(start, stop, *shape):
    return np.linspace(start, stop, num=int(np.prod(shape))).reshape(shape)


def below(exponent):
    return 10.0 ** (1 - exponent)


def error(found, expected):
    """The notebooks' relative error: the largest |a - b| / (|a| + |b|), the sum being at least 1e-8."""
    return np.max(np.abs(found - expected) / np.maximum(1e-8, np.abs(found) + np.abs(expected)))


def numeric(function, arguments, position, dout):
    """The gradient of sum(function(*arguments) dout) by central differences, entry by entry."""
    arguments = [np.array(a) if isinstance(a, np.ndarray) else a for a in arguments]
    x = arguments[position]
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        old = x[index]
        x[index] = old + 1e-5
        above = function(*arguments)
        x[index] = old - 1e-5
        grad[index] = np.sum((above - function(*arguments)) * dout) / 2e-5
        x[index] = old
    return grad


def gradient_errors(forward, backward, arguments, dout, count):
    """For each of the first `count` arguments the error of backward against numerical gradients."""
    _, cache = forward(*arguments)
    grads = backward(dout, cache)
    grads = grads if isinstance(grads, tuple) else (grads,)
    assert len(grads) == count
    numbers = [numeric(lambda *a: forward(*a)[0], arguments, i, dout) for i in range(count)]
    return [error(grad, number) for grad, number in zip(grads, numbers, strict=True)]
