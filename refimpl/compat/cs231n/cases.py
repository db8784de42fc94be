"""What the course's functions are called with, and what they give back: the table FUNCTIONS, and samples for each.

Whoever runs another file's functions of the same names, to compare them with these, needs no more than this.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...cases._case import Case, Draw, case


@dataclass(frozen=True)
class Function:
    """One of the course's functions.

    kind is what it returns and what belongs to it:
    - "pair": `outputs` arrays and a cache; each function named in `backward` takes as many gradients and the cache, and
      returns the gradients of the arguments named in `gradients`, as a tuple, or as a bare array where it is one;
    - "loss": the loss and the gradient of the one argument named in `gradients`;
    - "update": next_w and config.
    `updated` is the argument, a dict, that the call updates in place.
    """

    name: str
    kind: str
    gradients: tuple[str, ...]
    samples: tuple[Case, ...]  # arguments by the course's names, in its order; functions are called by position
    backward: tuple[str, ...] = ()
    outputs: int = 1
    updated: str = ""

    def cases(self) -> dict[str, tuple[Any, ...]]:
        """The samples by name, each as a tuple of arguments that are the caller's own to write to."""
        return {sample.name: tuple(copy.deepcopy(list(sample.arguments.values()))) for sample in self.samples}


draw = Draw(231)


def _pair(
    name: str, gradients: str, *samples: Case, backward: str = "", outputs: int = 1, updated: str = ""
) -> Function:
    backwards = tuple((backward or name.replace("forward", "backward")).split())
    return Function(name, "pair", tuple(gradients.split()), samples, backwards, outputs, updated)


def _loss(name: str, gradient: str, *samples: Case) -> Function:
    return Function(name, "loss", (gradient,), samples)


def _update(name: str, *samples: Case) -> Function:
    return Function(name, "update", (), samples, updated="config")


def _normalized(*shape: int) -> dict[str, Any]:
    """x off 0 and not of scale 1, and a gamma and a beta per feature or channel."""
    return {"x": 2 * draw.normal(*shape) + 3, "gamma": draw.normal(shape[1]), "beta": draw.normal(shape[1])}


def _running(size: int, **others: Any) -> dict[str, Any]:
    return {"running_mean": draw.normal(size), "running_var": draw.uniform(0.5, 2, size), **others}


def _convolved(*, x: tuple[int, ...], w: tuple[int, ...], stride: int, pad: int) -> dict[str, Any]:
    param = {"stride": stride, "pad": pad}
    return {"x": draw.normal(*x), "w": draw.normal(*w), "b": draw.normal(w[0]), "conv_param": param}


def _pooling(height: int, width: int, stride: int) -> dict[str, int]:
    return {"pool_height": height, "pool_width": width, "stride": stride}


def _recurrent(
    samples: int, *steps: int, features: int, size: int, gates: int, states: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "x": draw.normal(samples, *steps, features),
        **{name: draw.normal(samples, size) for name in states},
        "Wx": draw.normal(features, gates * size),
        "Wh": draw.normal(size, gates * size),
        "b": draw.normal(gates * size),
    }


def _classified(samples: int, features: int, classes: int, reg: float) -> dict[str, Any]:
    return {
        "W": draw.normal(features, classes),
        "X": draw.normal(samples, features),
        "y": draw.labels(classes, samples),
        "reg": reg,
    }


def _affine(*shape: int, out: int) -> dict[str, Any]:
    return {"x": draw.normal(*shape), "w": draw.normal(int(np.prod(shape[1:])), out), "b": draw.normal(out)}


def _weights() -> dict[str, Any]:
    return {"w": draw.normal(4, 5), "dw": draw.normal(4, 5)}


def _classifier_cases() -> tuple[Case, ...]:
    return (
        case("unequal extents", **_classified(6, 4, 3, 0.0)),
        case("a penalty", **_classified(5, 3, 4, 0.5)),
        case("two classes", **_classified(3, 2, 2, 0.01)),
    )


def _score_cases() -> tuple[Case, ...]:
    return (
        case("unequal extents", x=draw.normal(6, 4), y=draw.labels(4, 6)),
        case("a single sample", x=draw.normal(1, 3), y=np.array([2])),
        case("large scores", x=100 * draw.normal(5, 3), y=draw.labels(3, 5)),
    )


def _batchnorm_cases(*shape: int) -> tuple[Case, ...]:
    size = shape[1]
    return (
        case("the first batch", **_normalized(*shape), bn_param={"mode": "train"}),
        case("a later batch", **_normalized(*shape), bn_param=_running(size, mode="train", momentum=0.75)),
        case("a large eps", **_normalized(*shape), bn_param=_running(size, mode="train", eps=0.5)),
        case("test time", **_normalized(*shape), bn_param=_running(size, mode="test", eps=1e-3)),
    )


def _groupnorm(*shape: int) -> dict[str, Any]:
    arguments = _normalized(*shape)
    return {name: array if name == "x" else array.reshape(1, -1, 1, 1) for name, array in arguments.items()}


STEP = {"features": 4, "size": 3}
SEQUENCE = {"features": 3, "size": 4}

_ROWS = (
    _pair(
        "affine_forward",
        "x w b",
        case("images", **_affine(3, 2, 4, 3, out=5)),
        case("rows", **_affine(4, 3, out=2)),
        case("one feature in, one out", **_affine(3, 1, out=1)),
    ),
    _pair(
        "relu_forward",
        "x",
        case("both signs", x=draw.away_from_zero(4, 5)),
        case("four axes", x=draw.away_from_zero(2, 3, 2, 4)),
    ),
    _loss("svm_loss", "x", *_score_cases()),
    _loss("softmax_loss", "x", *_score_cases()),
    _pair(
        "batchnorm_forward",
        "x gamma beta",
        *_batchnorm_cases(6, 4),
        backward="batchnorm_backward batchnorm_backward_alt",
        updated="bn_param",
    ),
    _pair(
        "layernorm_forward",
        "x gamma beta",
        case("unequal extents", **_normalized(4, 6), ln_param={}),
        case("a large eps", **_normalized(3, 5), ln_param={"eps": 0.5}),
    ),
    _pair(
        "dropout_forward",
        "x",
        case("training", x=draw.normal(6, 5), dropout_param={"mode": "train", "p": 0.25, "seed": 123}),
        case("most are kept", x=draw.normal(4, 5), dropout_param={"mode": "train", "p": 0.8, "seed": 7}),
        case("test time", x=draw.normal(4, 5), dropout_param={"mode": "test", "p": 0.25, "seed": 123}),
    ),
    _pair(
        "conv_forward_naive",
        "x w b",
        case("padded", **_convolved(x=(2, 3, 5, 4), w=(4, 3, 3, 3), stride=1, pad=1)),
        case("strided", **_convolved(x=(2, 2, 4, 6), w=(3, 2, 4, 2), stride=2, pad=1)),
        case("no padding", **_convolved(x=(1, 3, 4, 5), w=(2, 3, 1, 2), stride=1, pad=0)),
    ),
    _pair(
        "max_pool_forward_naive",
        "x",
        case("apart", x=draw.distinct(2, 3, 4, 6), pool_param=_pooling(1, 3, 3)),
        case("squares", x=draw.distinct(3, 2, 4, 4), pool_param=_pooling(2, 2, 2)),
        case("overlapping", x=draw.distinct(2, 2, 5, 5), pool_param=_pooling(3, 3, 1)),
    ),
    _pair("spatial_batchnorm_forward", "x gamma beta", *_batchnorm_cases(3, 2, 2, 4), updated="bn_param"),
    _pair(
        "spatial_groupnorm_forward",
        "x gamma beta",
        case("two groups", **_groupnorm(2, 6, 3, 4), G=2, gn_param={}),
        case("one group", **_groupnorm(2, 3, 2, 4), G=1, gn_param={}),
        case("a group per channel", **_groupnorm(3, 4, 2, 3), G=4, gn_param={"eps": 0.5}),
    ),
    _pair("affine_relu_forward", "x w b", case("images", **_affine(3, 2, 4, out=5))),
    _pair("conv_relu_forward", "x w b", case("padded", **_convolved(x=(2, 3, 4, 5), w=(2, 3, 3, 3), stride=1, pad=1))),
    _pair(
        "conv_bn_relu_forward",
        "x w b gamma beta",
        case(
            "training",
            x=draw.normal(2, 2, 3, 4),
            w=draw.normal(3, 2, 3, 3),
            b=draw.normal(3),
            gamma=draw.normal(3),
            beta=draw.normal(3),
            conv_param={"stride": 1, "pad": 1},
            bn_param={"mode": "train"},
        ),
        updated="bn_param",
    ),
    _pair(
        "conv_relu_pool_forward",
        "x w b",
        case(
            "training",
            **_convolved(x=(2, 2, 4, 6), w=(2, 2, 3, 3), stride=1, pad=1),
            pool_param=_pooling(2, 2, 2),
        ),
    ),
    _update(
        "sgd",
        case("an empty config", **_weights(), config={}),
        case("a rate", **_weights(), config={"learning_rate": 0.3}),
    ),
    _update(
        "sgd_momentum",
        case("the first update", **_weights(), config={"learning_rate": 0.1}),
        case(
            "a later update",
            **_weights(),
            config={"learning_rate": 0.1, "momentum": 0.7, "velocity": draw.normal(4, 5)},
        ),
    ),
    _update(
        "rmsprop",
        case("the first update", **_weights(), config={"learning_rate": 0.1}),
        case(
            "a later update",
            **_weights(),
            config={"learning_rate": 0.1, "decay_rate": 0.8, "epsilon": 0.1, "cache": draw.uniform(0.5, 2, 4, 5)},
        ),
    ),
    _update(
        "adam",
        case("the first update", **_weights(), config={"learning_rate": 0.1}),
        case(
            "a later update",
            **_weights(),
            config={
                "learning_rate": 0.1,
                "beta1": 0.8,
                "beta2": 0.95,
                "epsilon": 0.1,
                "m": draw.normal(4, 5),
                "v": draw.uniform(0.5, 2, 4, 5),
                "t": 5,
            },
        ),
    ),
    _pair(
        "rnn_step_forward",
        "x prev_h Wx Wh b",
        case("unequal extents", **_recurrent(2, **STEP, gates=1, states=("prev_h",))),
        case("a single sample", **_recurrent(1, **STEP, gates=1, states=("prev_h",))),
    ),
    _pair(
        "rnn_forward",
        "x h0 Wx Wh b",
        case("three steps", **_recurrent(2, 3, **SEQUENCE, gates=1, states=("h0",))),
        case("a single step", **_recurrent(3, 1, **SEQUENCE, gates=1, states=("h0",))),
    ),
    _pair(
        "lstm_step_forward",
        "x prev_h prev_c Wx Wh b",
        case("unequal extents", **_recurrent(2, **STEP, gates=4, states=("prev_h", "prev_c"))),
        case("a single sample", **_recurrent(1, **STEP, gates=4, states=("prev_h", "prev_c"))),
        outputs=2,
    ),
    _pair(
        "lstm_forward",
        "x h0 Wx Wh b",
        case("three steps", **_recurrent(2, 3, **SEQUENCE, gates=4, states=("h0",))),
        case("a single step", **_recurrent(3, 1, **SEQUENCE, gates=4, states=("h0",))),
    ),
    _pair(
        "word_embedding_forward",
        "W",
        case("words that come again", x=np.array([[0, 3, 1, 3], [3, 1, 0, 3]]), W=draw.normal(5, 3)),
        case("a single word", x=np.array([[2]]), W=draw.normal(3, 4)),
    ),
    _pair(
        "temporal_affine_forward",
        "x w b",
        case("unequal extents", x=draw.normal(2, 3, 4), w=draw.normal(4, 5), b=draw.normal(5)),
    ),
    _loss(
        "temporal_softmax_loss",
        "x",
        case("all words count", x=draw.normal(2, 3, 4), y=draw.labels(4, 2, 3), mask=np.ones((2, 3), dtype=np.bool_)),
        case(
            "captions of two lengths",
            x=draw.normal(2, 4, 5),
            y=draw.labels(5, 2, 4),
            mask=np.array([[True, True, False, False], [True, True, True, False]]),
        ),
    ),
    _loss("svm_loss_naive", "W", *_classifier_cases()),
    _loss("svm_loss_vectorized", "W", *_classifier_cases()),
    _loss("softmax_loss_naive", "W", *_classifier_cases()),
    _loss("softmax_loss_vectorized", "W", *_classifier_cases()),
)

FUNCTIONS: dict[str, Function] = {function.name: function for function in _ROWS}
