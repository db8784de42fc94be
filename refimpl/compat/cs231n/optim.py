"""The course's optim.py: update rules (w, dw, config) -> (next_w, config).

A config that is None is a new dict; one that is given is updated in place, with the defaults it lacks and with the
state for the next update. w itself stays as it is: next_w is a new array.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

import numpy as np

from ... import _validate
from ... import optim as rules
from ..._validate import Array
from ...optim.adam import AdamState
from ...optim.rmsprop import RmspropState
from ...optim.sgd import SgdState
from ._terms import dictionary, refusing_as

__all__ = ["adam", "rmsprop", "sgd", "sgd_momentum"]

Config = MutableMapping[str, Any]


def sgd(w: Any, dw: Any, config: Any = None) -> tuple[Array, Config]:
    """w - learning_rate dw: optim.sgd_update.

    config: learning_rate = 1e-2.
    """
    op = "sgd"
    w, dw, config, settings = _arguments(op, w, dw, config, {"learning_rate": 1e-2})
    with refusing_as(op, _names(lr="learning_rate")):
        next_w, _ = rules.sgd_update(w, dw, SgdState(None), lr=settings["learning_rate"])
    return next_w, _updated(config, settings)


def sgd_momentum(w: Any, dw: Any, config: Any = None) -> tuple[Array, Config]:
    """v = momentum v - learning_rate dw; w + v: optim.sgd_update, whose velocity is -v / learning_rate.

    config: learning_rate = 1e-2, momentum = 0.9, velocity v = 0.
    """
    op = "sgd_momentum"
    w, dw, config, settings = _arguments(op, w, dw, config, {"learning_rate": 1e-2, "momentum": 0.9})
    velocity = _state(op, settings, "velocity", w)
    rate = _validate.number(op, "config['learning_rate']", settings["learning_rate"], at_least=0)
    with np.errstate(all="ignore"):
        step = rate * dw  # in the gradient's place, so that the velocity carries the rate, as the course's does
    with refusing_as(op, _names(momentum="momentum")):
        next_w, state = rules.sgd_update(w, step, SgdState(-velocity), lr=1.0, momentum=settings["momentum"])
    return next_w, _updated(config, settings, velocity=-(state.velocity if settings["momentum"] else step))


def rmsprop(w: Any, dw: Any, config: Any = None) -> tuple[Array, Config]:
    """s = decay_rate s + (1 - decay_rate) dw^2; w - learning_rate dw / (sqrt(s) + epsilon): optim.rmsprop_update.

    config: learning_rate = 1e-2, decay_rate = 0.99, epsilon = 1e-8, cache s = 0.
    """
    op = "rmsprop"
    defaults = {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8}
    w, dw, config, settings = _arguments(op, w, dw, config, defaults)
    nothing = np.zeros_like(w)
    state = RmspropState(_state(op, settings, "cache", w), nothing, nothing)
    lr, alpha, eps = (settings[key] for key in defaults)
    with refusing_as(op, _names(lr="learning_rate", alpha="decay_rate", eps="epsilon")):
        next_w, state = rules.rmsprop_update(w, dw, state, lr=lr, alpha=alpha, eps=eps)
    return next_w, _updated(config, settings, cache=state.square)


def adam(w: Any, dw: Any, config: Any = None) -> tuple[Array, Config]:
    """t = t + 1, m = beta1 m + (1 - beta1) dw, v = beta2 v + (1 - beta2) dw^2;
    w - learning_rate m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon): optim.adam_update.

    config: learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, m = 0, v = 0, t = 0.
    """
    op = "adam"
    defaults = {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "t": 0}
    w, dw, config, settings = _arguments(op, w, dw, config, defaults)
    t = _validate.integer(op, "config['t']", settings["t"], at_least=0)
    mean, square = (_state(op, settings, key, w) for key in ("m", "v"))
    lr, beta1, beta2, eps, _ = (settings[key] for key in defaults)
    betas = {"betas[0]": "config['beta1']", "betas[1]": "config['beta2']"}
    with refusing_as(op, {**_names(lr="learning_rate", eps="epsilon"), **betas}):
        state = AdamState(t, mean, square, square)  # the last, the largest so far, is for amsgrad alone
        next_w, state = rules.adam_update(w, dw, state, lr=lr, betas=(beta1, beta2), eps=eps)
    return next_w, _updated(config, settings, m=state.mean, v=state.square, t=state.step)


# What the rules share.


def _arguments(
    op: str, w: Any, dw: Any, config: Any, defaults: Mapping[str, Any]
) -> tuple[Array, Array, Config, dict[str, Any]]:
    """Weights and gradient as arrays of one shape, the config to update, and its entries with the defaults."""
    w, dw = _validate.floating(op, "w", w), _validate.floating(op, "dw", dw)
    _validate.has_shape(op, "dw", dw, "of w", w.shape)
    config = {} if config is None else dictionary(op, "config", config)
    return w, dw, config, {**defaults, **config}


def _state(op: str, settings: Mapping[str, Any], key: str, w: Array) -> Array:
    """An array of the config with the shape of w; zeros before the first update."""
    found = _validate.floating(op, f"config[{key!r}]", settings.get(key, np.zeros_like(w)))
    _validate.has_shape(op, f"config[{key!r}]", found, "of w", w.shape)
    return found


def _updated(config: Config, settings: Mapping[str, Any], **state: Any) -> Config:
    config.update(settings)
    config.update(state)
    return config


def _names(**options: str) -> dict[str, str]:
    """refimpl's names of options as entries of config."""
    return {name: f"config[{key!r}]" for name, key in options.items()}
