"""The checks of the course's notebooks: their inputs, the outputs they expect, and the errors they ask for.

The numbers expected are those printed in the notebooks FullyConnectedNets, BatchNormalization, Dropout,
ConvolutionalNetworks, and in test_cs231n_recurrent.py RNN_Captioning and LSTM_Captioning. Where a notebook asks for an
error "on the order of e-8 or less", below(8) takes any with that exponent; its numerical gradients are central
differences of step 1e-5.
"""

import numpy as np
import pytest
from course import below, error, gradient_errors, numeric, steps

from refimpl.compat.cs231n import (
    adam,
    affine_backward,
    affine_forward,
    affine_relu_backward,
    affine_relu_forward,
    batchnorm_backward,
    batchnorm_backward_alt,
    batchnorm_forward,
    conv_backward_naive,
    conv_bn_relu_backward,
    conv_bn_relu_forward,
    conv_forward_naive,
    conv_relu_backward,
    conv_relu_forward,
    conv_relu_pool_backward,
    conv_relu_pool_forward,
    dropout_backward,
    dropout_forward,
    layernorm_backward,
    layernorm_forward,
    max_pool_backward_naive,
    max_pool_forward_naive,
    relu_backward,
    relu_forward,
    rmsprop,
    sgd_momentum,
    softmax_loss,
    softmax_loss_naive,
    softmax_loss_vectorized,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
    spatial_groupnorm_backward,
    spatial_groupnorm_forward,
    svm_loss,
    svm_loss_naive,
    svm_loss_vectorized,
)

# FullyConnectedNets.


def test_affine_forward():
    out, _ = affine_forward(steps(-0.1, 0.5, 2, 4, 5, 6), steps(-0.2, 0.3, 120, 3), steps(-0.3, 0.1, 3))
    expected = np.array([[1.49834967, 1.70660132, 1.91485297], [3.25553199, 3.5141327, 3.77273342]])
    assert error(out, expected) < below(9)


def test_affine_backward(rand):
    arguments = rand.randn(10, 2, 3), rand.randn(6, 5), rand.randn(5)
    assert max(gradient_errors(affine_forward, affine_backward, arguments, rand.randn(10, 5), 3)) < below(10)


def test_relu():
    out, _ = relu_forward(steps(-0.5, 0.5, 3, 4))
    expected = np.array(
        [[0, 0, 0, 0], [0, 0, 0.04545455, 0.13636364], [0.22727273, 0.31818182, 0.40909091, 0.5]]
    )  # fmt: skip
    assert error(out, expected) < below(8)


def test_relu_backward(rand):
    x = rand.randn(10, 10)
    assert max(gradient_errors(relu_forward, relu_backward, (x,), rand.randn(10, 10), 1)) < below(12)


def test_affine_relu(rand):
    arguments = rand.randn(2, 3, 4), rand.randn(12, 10), rand.randn(10)
    assert max(gradient_errors(affine_relu_forward, affine_relu_backward, arguments, rand.randn(2, 10), 3)) < below(10)


def test_svm_and_softmax_loss(rand):
    x, y = 0.001 * rand.randn(50, 10), rand.randint(10, size=50)
    loss, dx = svm_loss(x, y)
    assert loss == pytest.approx(8.999602749096233, rel=1e-12)
    assert error(dx, numeric(lambda x: svm_loss(x, y)[0], (x,), 0, 1.0)) < below(9)
    loss, dx = softmax_loss(x, y)
    assert loss == pytest.approx(2.302545844500738, rel=1e-12)
    assert error(dx, numeric(lambda x: softmax_loss(x, y)[0], (x,), 0, 1.0)) < below(8)


def test_two_layer_network():
    """TwoLayerNet: affine, relu, affine, softmax, and reg / 2 times the squares of both weights."""
    x, y = steps(-5.5, 4.5, 5, 3).T, np.array([0, 5, 1])
    w1, b1 = steps(-0.7, 0.3, 5, 50), steps(-0.1, 0.9, 50)
    w2, b2 = steps(-0.3, 0.4, 50, 7), steps(-0.9, 0.1, 7)
    hidden, _ = affine_relu_forward(x, w1, b1)
    scores, _ = affine_forward(hidden, w2, b2)
    expected = np.array(
        [
            [11.53165108, 12.2917344, 13.05181771, 13.81190102, 14.57198434, 15.33206765, 16.09215096],
            [12.05769098, 12.74614105, 13.43459113, 14.1230412, 14.81149128, 15.49994135, 16.18839143],
            [12.58373087, 13.20054771, 13.81736455, 14.43418138, 15.05099822, 15.66781506, 16.2846319],
        ]
    )
    assert np.abs(scores - expected).sum() < 1e-6
    loss, _ = softmax_loss(scores, y)
    assert abs(loss - 3.4702243556) < 1e-10
    assert abs(loss + 0.5 * ((w1**2).sum() + (w2**2).sum()) - 26.5948426952) < 1e-10


W, DW = steps(-0.4, 0.6, 4, 5), steps(-0.6, 0.4, 4, 5)


def test_sgd_momentum():
    config = {"learning_rate": 1e-3, "velocity": steps(0.6, 0.9, 4, 5)}
    next_w, returned = sgd_momentum(W, DW, config=config)
    expected_w = [
        [0.1406, 0.20738947, 0.27417895, 0.34096842, 0.40775789],
        [0.47454737, 0.54133684, 0.60812632, 0.67491579, 0.74170526],
        [0.80849474, 0.87528421, 0.94207368, 1.00886316, 1.07565263],
        [1.14244211, 1.20923158, 1.27602105, 1.34281053, 1.4096],
    ]
    expected_velocity = [
        [0.5406, 0.55475789, 0.56891579, 0.58307368, 0.59723158],
        [0.61138947, 0.62554737, 0.63970526, 0.65386316, 0.66802105],
        [0.68217895, 0.69633684, 0.71049474, 0.72465263, 0.73881053],
        [0.75296842, 0.76712632, 0.78128421, 0.79544211, 0.8096],
    ]
    assert returned is config
    assert error(next_w, np.array(expected_w)) < below(8)
    assert error(config["velocity"], np.array(expected_velocity)) < below(8)


def test_rmsprop():
    config = {"learning_rate": 1e-2, "cache": steps(0.6, 0.9, 4, 5)}
    next_w, returned = rmsprop(W, DW, config=config)
    expected_w = [
        [-0.39223849, -0.34037513, -0.28849239, -0.23659121, -0.18467247],
        [-0.132737, -0.08078555, -0.02881884, 0.02316247, 0.07515774],
        [0.12716641, 0.17918792, 0.23122175, 0.28326742, 0.33532447],
        [0.38739248, 0.43947102, 0.49155973, 0.54365823, 0.59576619],
    ]
    expected_cache = [
        [0.5976, 0.6126277, 0.6277108, 0.64284931, 0.65804321],
        [0.67329252, 0.68859723, 0.70395734, 0.71937285, 0.73484377],
        [0.75037008, 0.7659518, 0.78158892, 0.79728144, 0.81302936],
        [0.82883269, 0.84469141, 0.86060554, 0.87657507, 0.8926],
    ]
    assert returned is config
    assert error(next_w, np.array(expected_w)) < below(7)
    assert error(config["cache"], np.array(expected_cache)) < below(7)


def test_adam():
    config = {"learning_rate": 1e-2, "m": steps(0.6, 0.9, 4, 5), "v": steps(0.7, 0.5, 4, 5), "t": 5}
    next_w, returned = adam(W, DW, config=config)
    expected_w = [
        [-0.40094747, -0.34836187, -0.29577703, -0.24319299, -0.19060977],
        [-0.1380274, -0.08544591, -0.03286534, 0.01971428, 0.0722929],
        [0.1248705, 0.17744702, 0.23002243, 0.28259667, 0.33516969],
        [0.38774145, 0.44031188, 0.49288093, 0.54544852, 0.59801459],
    ]
    expected_v = [
        [0.69966, 0.68908382, 0.67851319, 0.66794809, 0.65738853],
        [0.64683452, 0.63628604, 0.6257431, 0.61520571, 0.60467385],
        [0.59414753, 0.58362676, 0.57311152, 0.56260183, 0.55209767],
        [0.54159906, 0.53110598, 0.52061845, 0.51013645, 0.49966],
    ]
    expected_m = [
        [0.48, 0.49947368, 0.51894737, 0.53842105, 0.55789474],
        [0.57736842, 0.59684211, 0.61631579, 0.63578947, 0.65526316],
        [0.67473684, 0.69421053, 0.71368421, 0.73315789, 0.75263158],
        [0.77210526, 0.79157895, 0.81105263, 0.83052632, 0.85],
    ]
    assert returned is config
    assert config["t"] == 6
    assert error(next_w, np.array(expected_w)) < below(7)
    assert error(config["v"], np.array(expected_v)) < below(7)
    assert error(config["m"], np.array(expected_m)) < below(7)


# The linear classifiers.


@pytest.mark.parametrize(
    ("loss_function", "expected"),
    [
        (svm_loss_naive, 9.0),
        (svm_loss_vectorized, 9.0),
        (softmax_loss_naive, 2.302585),
        (softmax_loss_vectorized, 2.302585),
    ],
)
@pytest.mark.parametrize("reg", [0.0, 5e1])
def test_linear_classifiers(rand, loss_function, expected, reg):
    """Of hardly any weights the loss is that of equal scores: 9 terms of 1, or log 10."""
    w, x, y = 0.0001 * rand.randn(12, 10), rand.randn(40, 12), rand.randint(10, size=40)
    loss, dw = loss_function(w, x, y, reg)
    assert loss - reg * (w * w).sum() == pytest.approx(expected, rel=1e-3)
    assert error(dw, numeric(lambda w: loss_function(w, x, y, reg)[0], (w,), 0, 1.0)) < below(6)


# BatchNormalization.


def hidden_rows(rand):
    """What a net of two layers, 50 and 60 wide, makes of normal inputs: 200 rows of 3 features."""
    x, w1, w2 = rand.randn(200, 50), rand.randn(50, 60), rand.randn(60, 3)
    return np.maximum(0, x.dot(w1)).dot(w2)


@pytest.mark.parametrize(("gamma", "beta"), [((1.0, 1.0, 1.0), (0.0, 0.0, 0.0)), ((1.0, 2.0, 3.0), (11.0, 12.0, 13.0))])
def test_batchnorm_has_the_mean_and_deviation_it_is_told(rand, gamma, beta):
    out, _ = batchnorm_forward(hidden_rows(rand), np.array(gamma), np.array(beta), {"mode": "train"})
    np.testing.assert_allclose(out.mean(axis=0), beta, rtol=0, atol=1e-12)
    np.testing.assert_allclose(out.std(axis=0), gamma, rtol=1e-7)


def test_batchnorm_at_test_time(rand):
    w1, w2, bn_param = rand.randn(50, 60), rand.randn(60, 3), {"mode": "train"}
    gamma, beta = np.ones(3), np.zeros(3)
    for _ in range(50):
        batchnorm_forward(np.maximum(0, rand.randn(200, 50).dot(w1)).dot(w2), gamma, beta, bn_param)
    bn_param["mode"] = "test"
    out, _ = batchnorm_forward(np.maximum(0, rand.randn(200, 50).dot(w1)).dot(w2), gamma, beta, bn_param)
    assert np.abs(out.mean(axis=0)).max() < 0.2
    assert np.abs(out.std(axis=0) - 1).max() < 0.1


@pytest.mark.parametrize("backward", [batchnorm_backward, batchnorm_backward_alt])
def test_batchnorm_backward(rand, backward):
    arguments = 5 * rand.randn(4, 5) + 12, rand.randn(5), rand.randn(5), {"mode": "train"}
    assert max(gradient_errors(batchnorm_forward, backward, arguments, rand.randn(4, 5), 3)) < below(8)


def test_batchnorm_backward_alt_is_batchnorm_backward(rand):
    x, gamma, beta, dout = 5 * rand.randn(100, 500) + 12, rand.randn(500), rand.randn(500), rand.randn(100, 500)
    _, cache = batchnorm_forward(x, gamma, beta, {"mode": "train"})
    for one, other in zip(batchnorm_backward(dout, cache), batchnorm_backward_alt(dout, cache), strict=True):
        np.testing.assert_array_equal(one, other)


def test_layernorm_has_the_mean_and_deviation_it_is_told(rand):
    x = hidden_rows(rand)[:4]
    out, _ = layernorm_forward(x, np.full(3, 3.0), np.full(3, 5.0), {})
    np.testing.assert_allclose(out.mean(axis=1), 5, rtol=1e-12)
    np.testing.assert_allclose(out.std(axis=1), 3, rtol=1e-6)


def test_layernorm_backward(rand):
    arguments = 5 * rand.randn(4, 5) + 12, rand.randn(5), rand.randn(5), {}
    assert max(gradient_errors(layernorm_forward, layernorm_backward, arguments, rand.randn(4, 5), 3)) < below(8)


# Dropout.


@pytest.mark.parametrize("p", [0.25, 0.4, 0.7])
def test_dropout_keeps_a_share_of_p(rand, p):
    x = rand.randn(500, 500) + 10
    out, _ = dropout_forward(x, {"mode": "train", "p": p, "seed": 231})
    at_test_time, _ = dropout_forward(x, {"mode": "test", "p": p})
    assert out.mean() == pytest.approx(10, rel=1e-2)
    assert (out == 0).mean() == pytest.approx(1 - p, rel=1e-2)
    np.testing.assert_array_equal(at_test_time, x)


def test_dropout_backward(rand):
    arguments = rand.randn(10, 10) + 10, {"mode": "train", "p": 0.2, "seed": 123}
    assert max(gradient_errors(dropout_forward, dropout_backward, arguments, rand.randn(10, 10), 1)) < below(10)


# ConvolutionalNetworks.


def test_conv_forward():
    arguments = steps(-0.1, 0.5, 2, 3, 4, 4), steps(-0.2, 0.3, 3, 3, 4, 4), steps(-0.1, 0.2, 3)
    out, _ = conv_forward_naive(*arguments, {"stride": 2, "pad": 1})
    expected = [
        [
            [[-0.08759809, -0.10987781], [-0.18387192, -0.2109216]],
            [[0.21027089, 0.21661097], [0.22847626, 0.23004637]],
            [[0.50813986, 0.54309974], [0.64082444, 0.67101435]],
        ],
        [
            [[-0.98053589, -1.03143541], [-1.19128892, -1.24695841]],
            [[0.69108355, 0.66880383], [0.59480972, 0.56776003]],
            [[2.36270298, 2.36904306], [2.38090835, 2.38247847]],
        ],
    ]
    assert error(out, np.array(expected)) < below(8)


def test_conv_backward(rand):
    arguments = rand.randn(4, 3, 5, 5), rand.randn(2, 3, 3, 3), rand.randn(2), {"stride": 1, "pad": 1}
    dout = rand.randn(4, 2, 5, 5)
    assert max(gradient_errors(conv_forward_naive, conv_backward_naive, arguments, dout, 3)) < below(8)


POOL = {"pool_width": 2, "pool_height": 2, "stride": 2}


def test_max_pool_forward():
    out, _ = max_pool_forward_naive(steps(-0.3, 0.4, 2, 3, 4, 4), POOL)
    expected = [
        [
            [[-0.26315789, -0.24842105], [-0.20421053, -0.18947368]],
            [[-0.14526316, -0.13052632], [-0.08631579, -0.07157895]],
            [[-0.02736842, -0.01263158], [0.03157895, 0.04631579]],
        ],
        [
            [[0.09052632, 0.10526316], [0.14947368, 0.16421053]],
            [[0.20842105, 0.22315789], [0.26736842, 0.28210526]],
            [[0.32631579, 0.34105263], [0.38526316, 0.4]],
        ],
    ]
    assert error(out, np.array(expected)) < below(8)


def test_max_pool_backward(rand):
    arguments, dout = (rand.randn(3, 2, 8, 8), POOL), rand.randn(3, 2, 4, 4)
    assert max(gradient_errors(max_pool_forward_naive, max_pool_backward_naive, arguments, dout, 1)) < below(12)


CONV = {"stride": 1, "pad": 1}


def test_conv_relu_pool(rand):
    x, w, b, dout = rand.randn(2, 3, 8, 8), rand.randn(3, 3, 3, 3), rand.randn(3), rand.randn(2, 3, 4, 4)
    arguments = x, w, b, CONV, POOL
    assert max(gradient_errors(conv_relu_pool_forward, conv_relu_pool_backward, arguments, dout, 3)) < below(8)


def test_conv_relu(rand):
    arguments, dout = (rand.randn(2, 3, 8, 8), rand.randn(3, 3, 3, 3), rand.randn(3), CONV), rand.randn(2, 3, 8, 8)
    assert max(gradient_errors(conv_relu_forward, conv_relu_backward, arguments, dout, 3)) < below(8)


def test_conv_bn_relu(rand):
    parts = rand.randn(2, 3, 4, 4), rand.randn(3, 3, 3, 3), rand.randn(3), rand.randn(3), rand.randn(3)
    dout = rand.randn(2, 3, 4, 4)
    _, cache = conv_bn_relu_forward(*parts, CONV, {"mode": "train"})
    for i, grad in enumerate(conv_bn_relu_backward(dout, cache)):
        number = numeric(lambda *a: conv_bn_relu_forward(*a, CONV, {"mode": "train"})[0], parts, i, dout)
        if i == 2:  # the mean that the normalization takes out takes a bias out with it
            np.testing.assert_allclose(grad, 0, atol=1e-13)
            np.testing.assert_allclose(number, 0, atol=1e-8)
        else:
            assert error(grad, number) < below(7)


def test_spatial_batchnorm_has_the_mean_and_deviation_it_is_told(rand):
    x, gamma, beta = 4 * rand.randn(2, 3, 4, 5) + 10, np.array([3.0, 4.0, 5.0]), np.array([6.0, 7.0, 8.0])
    out, _ = spatial_batchnorm_forward(x, gamma, beta, {"mode": "train"})
    np.testing.assert_allclose(out.mean(axis=(0, 2, 3)), beta, rtol=1e-12)
    np.testing.assert_allclose(out.std(axis=(0, 2, 3)), gamma, rtol=1e-5)


def test_spatial_batchnorm_backward(rand):
    arguments = 5 * rand.randn(2, 3, 4, 5) + 12, rand.randn(3), rand.randn(3), {"mode": "train"}
    pair, dout = (spatial_batchnorm_forward, spatial_batchnorm_backward), rand.randn(2, 3, 4, 5)
    assert max(gradient_errors(*pair, arguments, dout, 3)) < below(6)


def test_spatial_groupnorm_has_mean_0_and_deviation_1(rand):
    x = 4 * rand.randn(2, 6, 4, 5) + 10
    out, _ = spatial_groupnorm_forward(x, np.ones((1, 6, 1, 1)), np.zeros((1, 6, 1, 1)), 2, {})
    groups = out.reshape(4, -1)
    np.testing.assert_allclose(groups.mean(axis=1), 0, atol=1e-14)
    np.testing.assert_allclose(groups.std(axis=1), 1, rtol=1e-5)


def test_spatial_groupnorm_backward(rand):
    x, gamma, beta = 5 * rand.randn(2, 6, 4, 5) + 12, rand.randn(1, 6, 1, 1), rand.randn(1, 6, 1, 1)
    pair, dout = (spatial_groupnorm_forward, spatial_groupnorm_backward), rand.randn(2, 6, 4, 5)
    assert max(gradient_errors(*pair, (x, gamma, beta, 2, {}), dout, 3)) < below(7)
