"""Refused inputs: the kind of the error and its whole message."""

import numpy as np
import pytest
from catalog_cases import ALL, random_like

from refimpl import OPS
from refimpl._structure import leaves, map_leaves
from refimpl.cases import CASES, REFUSALS

REFUSED = [pytest.param(OPS[name], refusal, id=f"{name}-{refusal.name}") for name in OPS for refusal in REFUSALS[name]]


@pytest.mark.parametrize(("op", "refusal"), REFUSED)
def test_refused_with_the_whole_message(op, refusal):
    with pytest.raises(refusal.error) as caught:
        op.forward(**refusal.arguments)
    assert type(caught.value) is refusal.error
    assert str(caught.value) == refusal.message
    assert refusal.message.startswith(f"{op.name}_forward: ")


@pytest.mark.parametrize("op", [pytest.param(op, id=op.name) for op in OPS.values()])
def test_backward_refuses_another_ops_cache(op):
    output, cache = op.forward(**CASES[op.name][0].arguments)
    message = f"{op.name}_backward: cache must be the {type(cache).__name__} that {op.name}_forward returned, got dict"
    with pytest.raises(TypeError) as caught:
        op.backward(random_like(output), {})
    assert str(caught.value) == message


@pytest.mark.parametrize(("op", "case"), ALL)
def test_backward_refuses_a_grad_output_of_another_shape(op, case):
    output, cache = op.forward(**case.arguments)
    wrong = map_leaves(lambda g: np.ones((*g.shape, 2)), random_like(output))
    shape = next(g.shape for _, g in leaves(random_like(output)))
    with pytest.raises(ValueError, match=r"^\w+_backward: ") as caught:
        op.backward(wrong, cache)
    facts = f"must have shape of output = {shape}, got {(*shape, 2)}"
    assert str(caught.value).startswith(f"{op.name}_backward: grad_output")
    assert str(caught.value).endswith(facts)


@pytest.mark.parametrize("op", [pytest.param(op, id=op.name) for op in OPS.values()])
def test_backward_refuses_an_integer_grad_output(op):
    output, cache = op.forward(**CASES[op.name][0].arguments)
    wrong = map_leaves(lambda g: np.ones(g.shape, dtype=np.int64), random_like(output))
    with pytest.raises(TypeError) as caught:
        op.backward(wrong, cache)
    assert str(caught.value).startswith(f"{op.name}_backward: grad_output")
    assert str(caught.value).endswith(
        "must be a floating-point array (float16, float32, float64), got dtype int64"
    )  # fmt: skip
