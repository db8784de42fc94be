"""What every optimiser refuses, by the name of the argument; what one alone refuses stands in its own file."""

import inspect
from functools import partial

import numpy as np
import pytest
from optimisers import OPTIMISERS, assert_refused

NAN = float("nan")
# By option: a value that is refused, the error and its message. One option means the same wherever it occurs.
REFUSED = {
    "lr": [
        (-0.1, ValueError, "lr must be at least 0, got -0.1"),
        (NAN, ValueError, "lr must be at least 0, got nan"),
        ("0.1", TypeError, "lr must be a number, got '0.1'"),
        (np.ones(2), TypeError, "lr must be a number, got array([1., 1.])"),
    ],
    "momentum": [(-0.5, ValueError, "momentum must be at least 0, got -0.5")],
    "dampening": [(NAN, ValueError, "dampening must be a number, got nan")],
    "nesterov": [("yes", TypeError, "nesterov must be True or False, got 'yes'")],
    "betas": [
        ((0.9, 1.0), ValueError, "betas[1] must be at least 0 and below 1, got 1"),
        ((-0.1, 0.9), ValueError, "betas[0] must be at least 0 and below 1, got -0.1"),
        (0.9, TypeError, "betas must be a pair of numbers, got 0.9"),
        ((0.9,), TypeError, "betas must be a pair of numbers, got (0.9,)"),
    ],
    "eps": [(-1e-8, ValueError, "eps must be at least 0, got -1e-08")],
    "weight_decay": [(-1, ValueError, "weight_decay must be at least 0, got -1")],
    "amsgrad": [(1, TypeError, "amsgrad must be True or False, got 1")],
    "maximize": [(None, TypeError, "maximize must be True or False, got None")],
    "decoupled_weight_decay": [(0.1, TypeError, "decoupled_weight_decay must be True or False, got 0.1")],
}
# Where an option of one optimiser means something else, and the options that one optimiser alone has.
OF_ONE = {
    ("nadam", "momentum_decay"): [(-0.1, ValueError, "momentum_decay must be at least 0, got -0.1")],
    ("adafactor", "beta2_decay"): [(0.8, ValueError, "beta2_decay must be at most 0, got 0.8")],
    ("adafactor", "eps"): [
        ((-1e-8, 1e-3), ValueError, "eps[0] must be at least 0, got -1e-08"),
        ((None, -1), ValueError, "eps[1] must be at least 0, got -1"),
        ((None, None), TypeError, "eps[1] must be a number, got None"),
        (1e-8, TypeError, "eps must be a pair of numbers, the first of which may be None, got 1e-08"),
    ],
    ("adafactor", "d"): [(0.5, ValueError, "d must be at least 1, got 0.5")],
    ("adan", "betas"): [
        ((0.9, 0.9, 1.0), ValueError, "betas[2] must be at least 0 and below 1, got 1"),
        ((0.9, 0.9), TypeError, "betas must be three numbers, got (0.9, 0.9)"),
    ],
    ("muon", "ns_coefficients"): [
        ((1.5, -0.5), TypeError, "ns_coefficients must be three numbers, got (1.5, -0.5)"),
        ((1.5, NAN, 0.0), ValueError, "ns_coefficients[1] must be a number, got nan"),
    ],
    ("muon", "ns_steps"): [
        (-1, ValueError, "ns_steps must be at least 0 and below 100, got -1"),
        (100, ValueError, "ns_steps must be at least 0 and below 100, got 100"),
        (2.5, TypeError, "ns_steps must be an integer, got 2.5"),
    ],
    ("muon", "adjust_lr_fn"): [
        ("none", ValueError, "adjust_lr_fn must be one of None, 'original', 'match_rms_adamw', got 'none'"),
    ],
    ("schedule_free_sgd", "momentum"): [
        (-0.5, ValueError, "momentum must be at least 0 and at most 1, got -0.5"),
        (1.5, ValueError, "momentum must be at least 0 and at most 1, got 1.5"),
    ],
    ("adadelta", "rho"): [
        (-0.1, ValueError, "rho must be at least 0 and at most 1, got -0.1"),
        (1.1, ValueError, "rho must be at least 0 and at most 1, got 1.1"),
    ],
    ("adagrad", "lr_decay"): [(-0.1, ValueError, "lr_decay must be at least 0, got -0.1")],
    ("adagrad", "initial_accumulator_value"): [
        (-0.1, ValueError, "initial_accumulator_value must be at least 0, got -0.1"),
        (None, TypeError, "initial_accumulator_value must be a number, got None"),
    ],
    ("asgd", "lambd"): [(-1e-4, ValueError, "lambd must be at least 0, got -0.0001")],
    ("asgd", "alpha"): [(-0.75, ValueError, "alpha must be at least 0, got -0.75")],
    ("asgd", "t0"): [(-1, ValueError, "t0 must be at least 0, got -1")],
    ("lars", "trust_coefficient"): [(-0.001, ValueError, "trust_coefficient must be at least 0, got -0.001")],
    ("lbfgs", "max_iter"): [
        (0, ValueError, "max_iter must be at least 1, got 0"),
        (2.0, TypeError, "max_iter must be an integer, got 2.0"),
    ],
    ("lbfgs", "max_eval"): [
        (0, ValueError, "max_eval must be at least 1, got 0"),
        (True, TypeError, "max_eval must be an integer, got True"),
    ],
    ("lbfgs", "tolerance_grad"): [(-1e-7, ValueError, "tolerance_grad must be at least 0, got -1e-07")],
    ("lbfgs", "tolerance_change"): [(NAN, ValueError, "tolerance_change must be at least 0, got nan")],
    ("lbfgs", "history_size"): [(0, ValueError, "history_size must be at least 1, got 0")],
    ("lbfgs", "line_search_fn"): [
        ("wolfe", ValueError, "line_search_fn must be one of None, 'strong_wolfe', got 'wolfe'"),
        (True, ValueError, "line_search_fn must be one of None, 'strong_wolfe', got True"),
    ],
    ("rmsprop", "alpha"): [
        (-0.1, ValueError, "alpha must be at least 0 and at most 1, got -0.1"),
        (1.1, ValueError, "alpha must be at least 0 and at most 1, got 1.1"),
    ],
    ("rmsprop", "centered"): [(1, TypeError, "centered must be True or False, got 1")],
    ("rprop", "etas"): [
        ((0.0, 1.2), ValueError, "etas[0] must be above 0 and below 1, got 0"),
        ((1.0, 1.2), ValueError, "etas[0] must be above 0 and below 1, got 1"),
        ((0.5, 1.0), ValueError, "etas[1] must be above 1, got 1"),
        (0.5, TypeError, "etas must be a pair of numbers, got 0.5"),
    ],
    ("rprop", "step_sizes"): [
        ((-1e-6, 50), ValueError, "step_sizes[0] must be at least 0, got -1e-06"),
        ((0.1, 0.01), ValueError, "step_sizes[1] must be at least 0.1, got 0.01"),
        ((0.1, 0.2, 0.3), TypeError, "step_sizes must be a pair of numbers, got (0.1, 0.2, 0.3)"),
    ],
    ("schedule_free_sgd", "warmup_steps"): [
        (-1, ValueError, "warmup_steps must be at least 0, got -1"),
        (1.5, TypeError, "warmup_steps must be an integer, got 1.5"),
    ],
    ("schedule_free_sgd", "r"): [(-1, ValueError, "r must be at least 0, got -1")],
    ("schedule_free_sgd", "weight_lr_power"): [(-2, ValueError, "weight_lr_power must be at least 0, got -2")],
}


def refusals(name, option):
    return OF_ONE.get((name, option)) or REFUSED[option]


OPTIONS = [
    (name, option)
    for name, optimiser in OPTIMISERS.items()
    for option in [
        *list(inspect.signature(optimiser.init).parameters)[1:],
        *list(inspect.signature(optimiser.update).parameters)[3:],
    ]
]


def arguments(name):
    """init, update, and parameters and gradients that fit."""
    optimiser = OPTIMISERS[name]

    def update(parameters, gradients, state, **options):
        towards = (lambda parameters: (1.0, gradients)) if optimiser.by_closure else gradients
        return optimiser.update(parameters, towards, state, **options)

    return optimiser.init, update, *({key: np.ones(shape) for key, shape in optimiser.shapes.items()} for _ in range(2))


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_an_option_out_of_range(name, option):
    init, update, parameters, gradients = arguments(name)
    state = init(parameters)
    for value, error, rule in refusals(name, option):
        given = {option: value}
        if option in inspect.signature(init).parameters:
            assert_refused(partial(init, parameters, **given), error, f"{name}_init: {rule}")
        if option in inspect.signature(OPTIMISERS[name].update).parameters:
            assert_refused(partial(update, parameters, gradients, state, **given), error, f"{name}_update: {rule}")


@pytest.mark.parametrize("name", OPTIMISERS)
def test_parameters_that_are_none(name):
    init, *_ = arguments(name)
    for nothing in ({}, None, {"w": None}):
        rule = f"parameters must hold at least one array, got {nothing!r}"
        assert_refused(partial(init, nothing), ValueError, f"{name}_init: {rule}")
    rule = "parameters.layer.w must be a floating-point array (float16, float32, float64), got dtype int32"
    integers = {"layer": {"w": np.arange(4, dtype=np.int32).reshape(2, 2)}}
    assert_refused(partial(init, integers), TypeError, f"{name}_init: {rule}")


@pytest.mark.parametrize("name", OPTIMISERS)
def test_gradients_that_do_not_fit(name):
    init, update, parameters, gradients = arguments(name)
    first, shape = next((key, value.shape) for key, value in parameters.items())
    rest = {key: value for key, value in gradients.items() if key != first}
    form = " must have the form of parameters, got gradients"
    none = dict.fromkeys(gradients)
    for wrong, rule in (
        (rest, f"{form}: missing {first}, unknown nothing"),
        ({**gradients, "other": np.ones(2)}, f"{form}: missing nothing, unknown other"),
        ({**rest, first: None}, f"{form}.{first} is an array in one and None in the other"),
        ({**rest, first: np.ones((*shape, 2))}, f".{first} must have shape of its entry in parameters = {shape}, "),
        (none, f" must hold at least one array, got {none}"),
    ):
        got = f"got {(*shape, 2)}" if rule.endswith(", ") else ""
        call = partial(update, parameters, wrong, init(parameters))
        assert_refused(call, ValueError, f"{name}_update: gradients{rule}{got}")


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_state_that_does_not_fit(name):
    init, update, parameters, gradients = arguments(name)
    _, state = update(parameters, gradients, init(parameters))
    message = f"{name}_update: state must be the {type(state).__name__} that {name}_init or {name}_update returned, "
    for foreign in ({"step": 1}, None):
        call = partial(update, parameters, gradients, foreign)
        assert_refused(call, TypeError, f"{message}got {type(foreign).__name__}")
    for field, value in state._asdict().items():
        if isinstance(value, dict):
            wrong = state._replace(**{field: {"other": np.ones((2, 3))}})
            missing = ", ".join(value)
            rule = (
                f"state.{field} must have the form of parameters, got state.{field}: missing {missing}, unknown other"
            )
            assert_refused(partial(update, parameters, gradients, wrong), ValueError, f"{name}_update: {rule}")
