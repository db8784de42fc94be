"""A model that chains pairs by hand."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from . import _validate


class SequentialCache(NamedTuple):
    names: tuple[str, ...]  # the layers, in the order of forward
    caches: tuple[Any, ...]  # what each layer's forward returned beside its output


class Sequential:
    """Layers under their names, each a pair (forward, backward) or, with options, (forward, backward, options).

        model = Sequential({
            "hidden": (linear_forward, linear_backward),
            "activation": (relu_forward, relu_backward),
            "output": (linear_forward, linear_backward),
        })
        output, cache = model.forward(input, parameters)
        gradients = model.backward(grad_output, cache)

    A layer's first argument is the output of the layer before it. Its parameters are told with each call, as
    parameters[name], a dict of further arguments of its forward; its options stay the same. Whether the model trains,
    and where randomness comes from, is told as well, to the layers whose forward has an argument `training` or `rng`.
    The model holds nothing that changes: parameters and caches are in the caller's hands.
    """

    def __init__(self, layers: Mapping[str, tuple[Any, ...]]) -> None:
        self.layers = {name: _layer(name, layer) for name, layer in layers.items()}
        if not self.layers:
            raise ValueError("Sequential: layers must hold at least one pair, got none")

    def forward(
        self,
        input: Any,
        parameters: Mapping[str, Mapping[str, Any]] | None = None,
        training: bool | None = None,
        rng: Any = None,
    ) -> tuple[Any, SequentialCache]:
        """Chain the layers' forwards. An integer rng is a seed for the whole model: each layer draws on from it."""
        parameters = {} if parameters is None else parameters
        for name in parameters:
            if name not in self.layers:
                raise ValueError(
                    f"Sequential.forward: parameters must be named after layers ({', '.join(self.layers)}), got {name}"
                )
        told: dict[str, Any] = {} if training is None else {"training": training}
        if rng is not None:
            told["rng"] = _validate.generator("Sequential.forward", rng)
        output, caches = input, []
        for name, layer in self.layers.items():
            output, cache = layer.call(output, parameters.get(name, {}), told)
            caches.append(cache)
        return output, SequentialCache(tuple(self.layers), tuple(caches))

    def backward(self, grad_output: Any, cache: SequentialCache) -> dict[str, Any]:
        """Chain the layers' backwards, last to first.

        Returns the gradient of "input" (unless the first layer gives none: an embedding's input is integer), and
        under "parameters" a dict of gradients for each layer that has any.
        """
        cache = _validate.is_cache("Sequential.backward", cache, SequentialCache)
        if cache.names != tuple(self.layers):
            raise ValueError(
                f"Sequential.backward: cache must come from a model with the layers {', '.join(self.layers)}, "
                f"got one of {', '.join(cache.names)}"
            )
        grad, found = grad_output, {}
        for i, (name, layer) in reversed(list(enumerate(self.layers.items()))):
            gradients = dict(layer.backward(grad, cache.caches[i]))
            grad = gradients.pop(layer.input, None)
            if grad is None and i > 0:
                raise ValueError(
                    f"Sequential.backward: layer {name} must give a gradient of its {layer.input}, "
                    f"got gradients of {', '.join(gradients) or 'nothing'}"
                )
            if gradients:
                found[name] = gradients
        parameters = {name: found[name] for name in self.layers if name in found}
        return {"parameters": parameters} if grad is None else {"input": grad, "parameters": parameters}


class _Layer(NamedTuple):
    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    options: Mapping[str, Any]
    input: str  # the argument that takes the output of the layer before
    arguments: tuple[str, ...]  # the others
    required: tuple[str, ...]  # those of the others that have no default

    def call(self, input: Any, parameters: Mapping[str, Any], told: Mapping[str, Any]) -> tuple[Any, Any]:
        for argument in parameters:
            if argument not in self.arguments:
                raise ValueError(
                    f"Sequential.forward: parameters of layer {self.name} must be among "
                    f"{', '.join(self.arguments) or 'none'}, got {argument}"
                )
        told = {argument: value for argument, value in told.items() if argument in self.arguments}
        given = {**self.options, **told, **parameters}
        missing = [argument for argument in self.required if argument not in given]
        if missing:
            raise TypeError(
                f"Sequential.forward: layer {self.name} must be given {', '.join(missing)}, "
                f"got {', '.join(given) or 'nothing'}"
            )
        return self.forward(input, **given)


def _layer(name: str, layer: Any) -> _Layer:
    if not (isinstance(layer, tuple) and len(layer) in (2, 3) and callable(layer[0]) and callable(layer[1])):
        raise TypeError(
            f"Sequential: layer {name} must be (forward, backward) or (forward, backward, options), got {layer!r}"
        )
    parameters = inspect.signature(layer[0]).parameters
    first, *others = parameters
    required = tuple(other for other in others if parameters[other].default is inspect.Parameter.empty)
    return _Layer(name, layer[0], layer[1], layer[2] if len(layer) == 3 else {}, first, tuple(others), required)
