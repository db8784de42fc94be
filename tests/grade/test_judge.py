"""What is judged, and how: values, form and gradients, the diagnosis of each planted mistake, and the points."""

import pytest

from refimpl.grade import grade_file

LINEAR = """\
import numpy as np


def linear_forward(x, w, b=None):
    y = x @ w.T
    return y if b is None else y + b, (x, w, b)


def linear_backward(grad_output, cache):
    x, w, b = cache
    rows, g = x.reshape(-1, x.shape[-1]), grad_output.reshape(-1, w.shape[0] if w.ndim == 2 else 1)
    gradients = {"x": (g @ w.reshape(-1, x.shape[-1])).reshape(x.shape), "w": (g.T @ rows).reshape(w.shape)}
    if b is not None:
        gradients["b"] = g.sum(axis=0).reshape(b.shape)
    return gradients
"""
SOFTMAX = """\
import numpy as np


def softmax_forward(scores, dim):
    e = np.exp(scores - scores.max(axis=dim, keepdims=True))
    y = e / e.sum(axis=dim, keepdims=True)
    return y, (y, dim)


def softmax_backward(g, cache):
    y, dim = cache
    return y * (g - (g * y).sum(axis=dim, keepdims=True))
"""
COURSE = """\
import numpy as np


def batchnorm_forward(x, gamma, beta, bn_param):
    momentum, eps = bn_param.get("momentum", 0.9), bn_param.get("eps", 1e-5)
    running_mean = bn_param.get("running_mean", np.zeros(x.shape[1]))
    running_var = bn_param.get("running_var", np.zeros(x.shape[1]))
    cache = None
    if bn_param["mode"] == "train":
        mean, var = x.mean(axis=0), x.var(axis=0)
        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * var
        x_hat = (x - mean) / np.sqrt(var + eps)
        cache = x_hat, gamma, np.sqrt(var + eps)
    else:
        x_hat = (x - running_mean) / np.sqrt(running_var + eps)
    bn_param["running_mean"], bn_param["running_var"] = running_mean, running_var
    return gamma * x_hat + beta, cache


def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    d = dout * gamma
    dx = (d - d.mean(axis=0) - x_hat * (d * x_hat).mean(axis=0)) / std
    return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)


def svm_loss(x, y):
    rows = np.arange(len(y))
    margins = np.maximum(0, x - x[rows, y][:, None] + 1)
    margins[rows, y] = 0
    dx = (margins > 0).astype(float)
    dx[rows, y] = -dx.sum(axis=1)
    return margins.sum() / len(y), dx / len(y)


def sgd(w, dw, config=None):
    config = config or {}
    config.setdefault("learning_rate", 1e-2)
    w -= config["learning_rate"] * dw
    return w, config


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    i, f, o, g = np.split(x @ Wx + prev_h @ Wh + b, 4, axis=1)
    i, f, o, g = 1 / (1 + np.exp(-i)), 1 / (1 + np.exp(-f)), 1 / (1 + np.exp(-o)), np.tanh(g)
    next_c = f * prev_c + i * g
    return o * np.tanh(next_c), next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, np.tanh(next_c))


def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, t = cache
    dc = dnext_c + dnext_h * o * (1 - t**2)
    d = np.hstack([dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dnext_h * t * o * (1 - o), dc * i * (1 - g**2)])
    return d @ Wx.T, d @ Wh.T, dc * f, x.T @ d, prev_h.T @ d, d.sum(axis=0)
"""


@pytest.fixture
def graded(tmp_path):
    """The grades of a text by function."""

    def grade(text, **options):
        (tmp_path / "mine.py").write_text(text)
        return {g.name: g for g in grade_file(str(tmp_path / "mine.py"), **options)}

    return grade


def missing(grades):
    """What is short of full points: function, aspect."""
    return {(g.name, aspect) for g in grades.values() for aspect, made in g.made.items() if g.passed[aspect] != made}


def kinds(grade, aspect):
    return {flaw.diagnosis.kind for flaw in grade.flaws if flaw.aspect == aspect and flaw.diagnosis}


def test_a_right_file_has_full_points(graded):
    grades = graded(LINEAR + SOFTMAX.replace("import numpy as np\n", ""))
    assert missing(grades) == set()
    assert list(grades) == ["linear_forward", "linear_backward", "softmax_forward", "softmax_backward"]
    assert grades["linear_forward"].made == {"values": 7, "form": 7}
    assert grades["linear_backward"].made == {"values": 19, "form": 19, "gradient": 19}


def test_a_right_file_of_the_course_has_full_points(graded):
    grades = graded(COURSE.replace("cache = None", "cache = None, None, None"), against="cs231n")
    short = missing(grades)
    flaws = [flaw for grade in grades.values() for flaw in grade.flaws]
    assert {flaw.case for flaw in flaws} <= {"test time"}  # the course's own backward is only for training
    assert short <= {("batchnorm_backward", aspect) for aspect in ("values", "form", "gradient")}
    assert list(grades) == [
        "svm_loss", "batchnorm_forward", "batchnorm_backward", "sgd", "lstm_step_forward", "lstm_step_backward",
    ]  # fmt: skip
    assert grades["svm_loss"].made == {"values": 6, "form": 6, "gradient": 3}


BACKWARD = {  # planted in a backward alone: both comparisons see it, the form stays
    "a factor": (SOFTMAX, "return y *", "return 2 * y *", "factor"),
    "a sign": (SOFTMAX, "return y *", "return -y *", "factor"),
    "a projection": (SOFTMAX, " - (g * y).sum(axis=dim, keepdims=True)", "", "row_constant"),
    "grad_output": (SOFTMAX, "return y *", "return g * y *", "grad_output"),
    "zero": (LINEAR, "(g @ w.reshape(-1, x.shape[-1])).reshape(x.shape)", "0 * x", "zero"),
}


@pytest.mark.parametrize("fault", BACKWARD)
def test_a_mistake_in_backward_is_named(graded, fault):
    text, right, wrong, kind = BACKWARD[fault]
    assert right in text
    grades = graded(text.replace(right, wrong))
    backward = next(name for name in grades if name.endswith("backward"))
    assert missing(grades) == {(backward, "values"), (backward, "gradient")}
    assert kind in kinds(grades[backward], "values")
    assert kind in kinds(grades[backward], "gradient")


def test_a_right_backward_of_a_wrong_forward_has_its_points_for_the_gradient(graded):
    grades = graded(SOFTMAX.replace("y = e / e.sum(axis=dim, keepdims=True)", "y = 3 * e"))
    assert grades["softmax_forward"].passed["form"] == grades["softmax_forward"].made["form"]
    assert not grades["softmax_forward"].passed["values"]
    text = SOFTMAX.replace("return y, (y, dim)", "return 3 * y, (y, dim)").replace("return y *", "return 3 * y *")
    grades = graded(text)
    assert missing(grades) == {("softmax_forward", "values"), ("softmax_backward", "values")}
    assert "factor" in kinds(grades["softmax_forward"], "values")
    assert grades["softmax_forward"].flaws[0].diagnosis.message.startswith("3 times the right value")


def test_a_lost_factor_in_both_is_one_of_each(graded):
    """The loss without its 1/N, and the gradient with it: finite differences of that loss differ by N."""
    text = COURSE.replace("return margins.sum() / len(y)", "return margins.sum()")
    loss = graded(text, against="cs231n", names=["svm_loss"])["svm_loss"]
    assert (loss.passed["values"], loss.passed["form"], loss.passed["gradient"]) == (4, 6, 1)  # one sample: N = 1
    assert kinds(loss, "gradient") == {"factor"}


FORM = {
    "a shape": ("return y, (y", "return y[None], (y", "output has shape (1, "),
    "a dtype": ("return y, (y", "return y.astype(np.float32), (y", "output has dtype float32, and it must be float64"),
    "a list": ("return y, (y", "return y.tolist(), (y", "output is a list of "),
    "nothing": ("return y, (y", "return None, (y", "output is None, and it must be an array of shape "),
    "an argument": ("    y = e /", "    scores += 1\n    y = e /", "writes to its argument input"),
    "complex": ("return y, (y", "return y + 0j, (y", "of complex numbers"),
}


@pytest.mark.parametrize("fault", FORM)
def test_a_wrong_form_is_told(graded, fault):
    right, wrong, message = FORM[fault]
    assert right in SOFTMAX
    grade = graded(SOFTMAX.replace(right, wrong), names=["softmax_forward"])["softmax_forward"]
    assert grade.passed["form"] < grade.made["form"]
    assert any(message in flaw.message for flaw in grade.flaws if flaw.aspect == "form")


def test_single_precision_costs_the_form_alone(graded):
    text = SOFTMAX.replace("return y, (y", "return y.astype(np.float32), (y")
    assert missing(graded(text, names=["softmax_forward"])) == {("softmax_forward", "form")}


def test_a_gradient_of_another_shape_and_one_that_is_missing(graded):
    text = LINEAR.replace("g.sum(axis=0).reshape(b.shape)", "g")
    grade = graded(text)["linear_backward"]
    assert {flaw.argument for flaw in grade.flaws} == {"bias"}
    assert "broadcast" in kinds(grade, "gradient")
    grade = graded(LINEAR.replace('gradients["b"] =', "_ ="))["linear_backward"]
    assert {flaw.message for flaw in grade.flaws} == {"gives no gradient of bias"}
    assert {flaw.aspect for flaw in grade.flaws} == {"values", "form", "gradient"}


def test_a_loss_may_leave_out_the_gradient_of_its_target(graded):
    text = "def mse_loss_forward(p, t):\n    return ((p - t)**2).mean(), p - t\n"
    text += "def mse_loss_backward(g, d):\n    return 2 * g * d / d.size\n"
    grades = graded(text)
    assert missing(grades) == set()
    assert "have arguments that it does not take" in grades["mse_loss_forward"].notes[0]


def test_broken_promises(graded):
    """A backward that adds up, and a forward that is not deterministic."""
    text = SOFTMAX.replace("    return y * (g", "    y += 0.1\n    return y * (g")
    grade = graded(text)["softmax_backward"]
    assert kinds(grade, "gradient") & {"repeated", "written"}
    text = SOFTMAX.replace("    return y, (y", "    y = y * (1 + 1e-3 * np.random.random())\n    return y, (y")
    assert kinds(graded(text)["softmax_backward"], "gradient") == {"nondeterministic"}


def test_running_statistics_are_values(graded):
    text = COURSE.replace("(1 - momentum) * mean", "(1 + momentum) * mean")
    grade = graded(text, against="cs231n", names=["batchnorm_forward"])["batchnorm_forward"]
    assert {flaw.argument for flaw in grade.flaws} == {"bn_param.running_mean"}
    text = COURSE.replace('    bn_param["running_mean"], bn_param["running_var"] = running_mean, running_var\n', "")
    grade = graded(text, against="cs231n", names=["batchnorm_forward"])["batchnorm_forward"]
    assert {flaw.argument for flaw in grade.flaws} == {"bn_param.running_mean", "bn_param.running_var"}


def test_an_update_rule(graded):
    text = COURSE.replace("w -= config", "w = w + config")
    grade = graded(text, against="cs231n", names=["sgd"])["sgd"]
    assert {(flaw.aspect, flaw.argument) for flaw in grade.flaws} == {("values", "next_w")}
    grade = graded(COURSE.replace("return w, config", "return w"), against="cs231n", names=["sgd"])["sgd"]
    assert {flaw.message.partition(", got")[0] for flaw in grade.flaws} == {"must return (next_w, config)"}


def test_a_step_of_an_lstm_with_two_gradients_swapped(graded):
    text = COURSE.replace("return d @ Wx.T, d @ Wh.T, dc * f,", "return d @ Wx.T, dc * f, d @ Wh.T,")
    grade = graded(text, against="cs231n", names=["lstm_step_backward"])["lstm_step_backward"]
    assert {flaw.argument for flaw in grade.flaws} == {"prev_h", "prev_c"}
    assert "exchanged" in kinds(grade, "gradient")


def test_a_backward_for_a_forward_that_fails(graded):
    text = SOFTMAX.replace("    e = np", "    assert dim == 0\n    e = np")
    grades = graded(text)
    forward, backward = grades["softmax_forward"], grades["softmax_backward"]
    assert 0 < forward.passed["values"] < forward.made["values"]
    assert 0 < backward.passed["gradient"] < backward.made["gradient"]
    assert any(flaw.message == "forward at this case: raised AssertionError: (line 5)" for flaw in backward.flaws)


def test_weights_are_shared_out_over_the_checks(graded):
    grade = graded(SOFTMAX.replace("    e = np", "    assert dim == 0\n    e = np"))["softmax_forward"]
    weights = {"values": 6.0, "form": 0.0, "gradient": 100.0}
    assert grade.possible(weights) == 6
    assert grade.total(weights) == 6 * grade.passed["values"] / grade.made["values"]
