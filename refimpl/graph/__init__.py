"""A dynamic graph over the pairs: what a framework's autograd does.

    W, b = Value(weight, requires_grad=True), Value(bias, requires_grad=True)
    hidden = apply(relu_forward, relu_backward, W @ x + b)
    loss = apply(mse_loss_forward, mse_loss_backward, hidden, target)
    loss.backward()
    W.grad, b.grad

Running the code records the graph: every value knows the op that made it. backward walks what was recorded once, in
reverse, and then forgets it. Derived: derivations/graph.md.
"""

from .drawing import save_svg, to_dot
from .value import Value, apply, data_of, gradients_of, no_grad, variables

__all__ = ["Value", "apply", "data_of", "gradients_of", "no_grad", "save_svg", "to_dot", "variables"]
