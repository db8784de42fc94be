"""The checks of the notebooks RNN_Captioning and LSTM_Captioning, in the terms of test_cs231n.py."""

import numpy as np
import pytest
from course import below, error, gradient_errors, numeric, steps

from refimpl.compat.cs231n import (
    affine_forward,
    lstm_backward,
    lstm_forward,
    lstm_step_backward,
    lstm_step_forward,
    rnn_backward,
    rnn_forward,
    rnn_step_backward,
    rnn_step_forward,
    temporal_affine_backward,
    temporal_affine_forward,
    temporal_softmax_loss,
    word_embedding_backward,
    word_embedding_forward,
)

# RNN_Captioning.


def test_rnn_step_forward():
    arguments = steps(-0.4, 0.7, 3, 10), steps(-0.2, 0.5, 3, 4), steps(-0.1, 0.9, 10, 4), steps(-0.3, 0.7, 4, 4)
    next_h, _ = rnn_step_forward(*arguments, steps(-0.2, 0.4, 4))
    expected = [
        [-0.58172089, -0.50182032, -0.41232771, -0.31410098],
        [0.66854692, 0.79562378, 0.87755553, 0.92795967],
        [0.97934501, 0.99144213, 0.99646691, 0.99854353],
    ]
    assert error(next_h, np.array(expected)) < below(8)


def test_rnn_step_backward(rand):
    arguments = rand.randn(4, 5), rand.randn(4, 6), rand.randn(5, 6), rand.randn(6, 6), rand.randn(6)
    assert max(gradient_errors(rnn_step_forward, rnn_step_backward, arguments, rand.randn(4, 6), 5)) < below(8)


def test_rnn_forward():
    arguments = steps(-0.1, 0.3, 2, 3, 4), steps(-0.3, 0.1, 2, 5), steps(-0.2, 0.4, 4, 5), steps(-0.4, 0.1, 5, 5)
    h, _ = rnn_forward(*arguments, steps(-0.7, 0.1, 5))
    expected = [
        [
            [-0.42070749, -0.27279261, -0.11074945, 0.05740409, 0.22236251],
            [-0.39525808, -0.22554661, -0.0409454, 0.14649412, 0.32397316],
            [-0.42305111, -0.24223728, -0.04287027, 0.15997045, 0.35014525],
        ],
        [
            [-0.55857474, -0.39065825, -0.19198182, 0.02378408, 0.23735671],
            [-0.27150199, -0.07088804, 0.13562939, 0.33099728, 0.50158768],
            [-0.51014825, -0.30524429, -0.06755202, 0.17806392, 0.40333043],
        ],
    ]
    assert error(h, np.array(expected)) < below(7)


def test_rnn_backward(rand):
    arguments = rand.randn(2, 10, 3), rand.randn(2, 5), rand.randn(3, 5), rand.randn(5, 5), rand.randn(5)
    assert max(gradient_errors(rnn_forward, rnn_backward, arguments, rand.randn(2, 10, 5), 5)) < below(6)


def test_word_embedding_forward():
    out, _ = word_embedding_forward(np.array([[0, 3, 1, 2], [2, 1, 0, 3]]), steps(0, 1, 5, 3))
    row = {
        0: [0.0, 0.07142857, 0.14285714],
        1: [0.21428571, 0.28571429, 0.35714286],
        2: [0.42857143, 0.5, 0.57142857],
        3: [0.64285714, 0.71428571, 0.78571429],
    }
    expected = [[row[k] for k in words] for words in ((0, 3, 1, 2), (2, 1, 0, 3))]
    assert error(out, np.array(expected)) < below(8)


def test_word_embedding_backward(rand):
    x, w = rand.randint(5, size=(50, 3)), rand.randn(5, 6)
    out, cache = word_embedding_forward(x, w)
    dout = rand.randn(*out.shape)
    number = numeric(lambda w: word_embedding_forward(x, w)[0], (w,), 0, dout)
    assert error(word_embedding_backward(dout, cache), number) < below(11)


def test_temporal_affine(rand):
    arguments, dout = (rand.randn(2, 3, 4), rand.randn(4, 5), rand.randn(5)), rand.randn(2, 3, 5)
    assert max(gradient_errors(temporal_affine_forward, temporal_affine_backward, arguments, dout, 3)) < below(9)


@pytest.mark.parametrize(
    ("samples", "length", "share", "low", "high"),
    [(100, 1, 1.0, 2.29, 2.31), (100, 10, 1.0, 22.9, 23.1), (5000, 10, 0.1, 2.2, 2.4)],
)
def test_temporal_softmax_loss_of_small_scores(rand, samples, length, share, low, high):
    x, y = 0.001 * rand.randn(samples, length, 10), rand.randint(10, size=(samples, length))
    loss, _ = temporal_softmax_loss(x, y, rand.rand(samples, length) <= share)
    assert low < loss < high


def test_temporal_softmax_loss_backward(rand):
    x, y, mask = rand.randn(7, 8, 9), rand.randint(9, size=(7, 8)), rand.rand(7, 8) > 0.5
    _, dx = temporal_softmax_loss(x, y, mask, verbose=False)
    assert error(dx, numeric(lambda x: temporal_softmax_loss(x, y, mask)[0], (x,), 0, 1.0)) < below(7)


@pytest.mark.parametrize(
    ("forward", "gates", "first", "last", "expected"),
    [(rnn_forward, 1, -1.5, 0.3, 9.83235591003), (lstm_forward, 4, -0.5, 1.7, 9.82445935443)],
)
def test_captioning(forward, gates, first, last, expected):
    """CaptioningRNN's loss: image features to h0, words to vectors, the net, and scores of the words that follow."""
    captions = (np.arange(10 * 13) % 3).reshape(10, 13)

    def parameter(*shape):
        return steps(-1.4, 1.3, *shape)

    h0, _ = affine_forward(steps(first, last, 10, 20), parameter(20, 40), parameter(40))
    vectors, _ = word_embedding_forward(captions[:, :-1], parameter(3, 30))
    h, _ = forward(vectors, h0, parameter(30, gates * 40), parameter(40, gates * 40), parameter(gates * 40))
    scores, _ = temporal_affine_forward(h, parameter(40, 3), parameter(3))
    loss, _ = temporal_softmax_loss(scores, captions[:, 1:], captions[:, 1:] != 0)
    assert abs(loss - expected) < 1e-10


# LSTM_Captioning.


def test_lstm_step_forward():
    x, prev_h, prev_c = steps(-0.4, 1.2, 3, 4), steps(-0.3, 0.7, 3, 5), steps(-0.4, 0.9, 3, 5)
    weights = steps(-2.1, 1.3, 4, 20), steps(-0.7, 2.2, 5, 20), steps(0.3, 0.7, 20)
    next_h, next_c, _ = lstm_step_forward(x, prev_h, prev_c, *weights)
    expected_h = [
        [0.24635157, 0.28610883, 0.32240467, 0.35525807, 0.38474904],
        [0.49223563, 0.55611431, 0.61507696, 0.66844003, 0.7159181],
        [0.56735664, 0.66310127, 0.74419266, 0.80889665, 0.858299],
    ]
    expected_c = [
        [0.32986176, 0.39145139, 0.451556, 0.51014116, 0.56717407],
        [0.66382255, 0.76674007, 0.87195994, 0.97902709, 1.08751345],
        [0.74192008, 0.90592151, 1.07717006, 1.25120233, 1.42395676],
    ]
    assert error(next_h, np.array(expected_h)) < below(8)
    assert error(next_c, np.array(expected_c)) < below(8)


def test_lstm_step_backward(rand):
    arguments = (
        *(rand.randn(4, 5), rand.randn(4, 6), rand.randn(4, 6)),
        *(rand.randn(5, 24), rand.randn(6, 24), rand.randn(24)),
    )
    _, _, cache = lstm_step_forward(*arguments)
    dnext_h, dnext_c = rand.randn(4, 6), rand.randn(4, 6)
    grads = lstm_step_backward(dnext_h, dnext_c, cache)
    for i, grad in enumerate(grads):
        of_h = numeric(lambda *a: lstm_step_forward(*a)[0], arguments, i, dnext_h)
        of_c = numeric(lambda *a: lstm_step_forward(*a)[1], arguments, i, dnext_c)
        assert error(grad, of_h + of_c) < below(7)


def test_lstm_forward():
    arguments = steps(-0.4, 0.6, 2, 3, 5), steps(-0.4, 0.8, 2, 4), steps(-0.2, 0.9, 5, 16), steps(-0.3, 0.6, 4, 16)
    h, _ = lstm_forward(*arguments, steps(0.2, 0.7, 16))
    expected = [
        [
            [0.01764008, 0.01823233, 0.01882671, 0.0194232],
            [0.11287491, 0.12146228, 0.13018446, 0.13902939],
            [0.31358768, 0.33338627, 0.35304453, 0.37250975],
        ],
        [
            [0.45767879, 0.4761092, 0.4936887, 0.51041945],
            [0.6704845, 0.69350089, 0.71486014, 0.7346449],
            [0.81733511, 0.83677871, 0.85403753, 0.86935314],
        ],
    ]
    assert error(h, np.array(expected)) < below(7)


def test_lstm_backward(rand):
    """The notebook allows dWh an error of e-6; its smallest entries are lost in the differences."""
    arguments = rand.randn(2, 10, 3), rand.randn(2, 6), rand.randn(3, 24), rand.randn(6, 24), rand.randn(24)
    errors = gradient_errors(lstm_forward, lstm_backward, arguments, rand.randn(2, 10, 6), 5)
    for name, found in zip(("x", "h0", "Wx", "Wh", "b"), errors, strict=True):
        assert found < below(6 if name == "Wh" else 7), name
