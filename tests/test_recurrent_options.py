"""Every combination of the options of the recurrent nets beside PyTorch's modules, in float64."""

from itertools import product

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch_reference  # noqa: E402
from agreement import relative_difference  # noqa: E402
from catalog_cases import random_like  # noqa: E402

from refimpl import OPS  # noqa: E402
from refimpl._structure import leaves, mismatch  # noqa: E402
from refimpl.cases._case import Draw  # noqa: E402
from refimpl.cases._recurrent import lengths_of, sample  # noqa: E402

TOLERANCE = 1e-10  # of the largest entry of an array
LENGTHS = lengths_of(2, 4, 1)
FLAGS = (False, True)
OWN = {
    "rnn": [{"nonlinearity": "tanh"}, {"nonlinearity": "relu"}],
    "lstm": [{}, {"proj_size": 2}],
    "gru": [{}],
}


@pytest.mark.parametrize("kind", ["batch", "lengths", "no batch"])
@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize(("op", "own"), [(op, own) for op in OWN for own in OWN[op]])
@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
def test_options(op, own, num_layers, kind):
    """Outputs, final states and all gradients, of random grad_outputs, with and without initial states."""
    draw = Draw(0)
    for bidirectional, bias, initial, batch_first in product(
        FLAGS, FLAGS, FLAGS, FLAGS if kind != "no batch" else [True]
    ):
        shape = (4, 2) if kind == "no batch" else (3, 4, 2) if batch_first else (4, 3, 2)
        lengths = {"lengths": LENGTHS} if kind == "lengths" else {}
        options = {"num_layers": num_layers, "bidirectional": bidirectional, "batch_first": batch_first, "bias": bias}
        case = sample(draw, op, "options", shape, 3, initial=initial, **options, **lengths, **own)
        expected, theirs = torch_reference.forward(OPS[op], case)
        output, cache = OPS[op].forward(**case.arguments)
        grad_output = random_like(expected, seed=1)
        gradients = OPS[op].backward(grad_output, cache)
        for ours, other in ((output, expected), (gradients, torch_reference.backward(grad_output, theirs))):
            assert mismatch(ours, other) is None, (options, initial)
            found = dict(leaves(ours))
            for path, value in leaves(other):
                assert relative_difference(found[path], value) <= TOLERANCE, (path, options, initial)


def test_evaluation_leaves_nothing_out():
    case = sample(Draw(0), "gru", "evaluation", (4, 3, 2), 3, num_layers=2, dropout=0.5, training=False)
    plain = {name: value for name, value in case.arguments.items() if name not in ("dropout", "training")}
    for (_, a), (_, b) in zip(
        leaves(OPS["gru"].forward(**case.arguments)[0]), leaves(OPS["gru"].forward(**plain)[0]), strict=True
    ):
        np.testing.assert_array_equal(a, b)
