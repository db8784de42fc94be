"""Context from far to the left: an LSTM and a transformer tag the same language, beside a guess from the word alone.

What a word is tagged depends on the last marker before it, up to forty words away. The LSTM has to carry the marker
along, step by step; the transformer looks back at it, and has to find out which one was the last. Both are chained by
hand from pairs, and trained with the negative log likelihood on a log-softmax. Sentences of different lengths are
padded, and the padding counts nowhere.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import refimpl as ri
from refimpl import init
from refimpl.examples._lesson import PALETTE, Lesson, at_least_one, open_lesson
from refimpl.optim import adam_init, adam_update, cosine_annealing_lr

PADDING = 0
MARKERS = np.arange(1, 4)
WORDS = np.arange(4, 12)
SIGNS = " ABCabcdefgh"  # how the tokens are printed
TAGS = 3
UNTAGGED = -100  # the tag of markers and padding, which the loss ignores
SHORTEST, LONGEST = 10, 40
MARKER_SHARE = 0.04
DTYPE = np.float32

FEATURES, HIDDEN, HEADS, LAYERS = 32, 64, 2, 2
BATCH, COUNTED, HELD_OUT = 32, 1000, 500
DISTANCES = ((1, 4), (5, 9), (10, 19), (20, 39))


class Sentences(NamedTuple):
    tokens: Any  # (n, length), PADDING after the end
    tags: Any  # (n, length), UNTAGGED at markers and padding
    lengths: Any  # (n,)
    distances: Any  # (n, length), how far to the left the marker stands that decides


class Model(NamedTuple):
    initial: Callable[[np.random.Generator], dict[str, Any]]
    forward: Callable[..., tuple[Any, Any]]  # of weights, tokens, lengths: scores (n, length, TAGS), and a cache
    backward: Callable[..., dict[str, Any]]  # of grad_scores, cache: like the weights
    rate: float
    steps: int


def language(rng: np.random.Generator) -> Any:
    """The tag of each word after each marker, all different for one word: (words, markers)."""
    return rng.permuted(np.tile(np.arange(TAGS), (len(WORDS), 1)), axis=1)


def sentences(table: Any, count: int, rng: np.random.Generator) -> Sentences:
    """Each begins with a marker; later tokens are markers now and then, else words."""
    lengths = rng.integers(SHORTEST, LONGEST + 1, count)
    shape = (count, lengths.max())
    is_marker = rng.random(shape) < MARKER_SHARE
    is_marker[:, 0] = True
    tokens = np.where(is_marker, rng.choice(MARKERS, shape), rng.choice(WORDS, shape))
    position = np.arange(shape[1])
    last = np.maximum.accumulate(np.where(is_marker, position, 0), axis=1)
    markers = np.take_along_axis(tokens, last, axis=1)
    padding = position >= lengths[:, None]
    tags = np.where(is_marker | padding, UNTAGGED, table[tokens - WORDS[0], markers - MARKERS[0]])
    return Sentences(np.where(padding, PADDING, tokens), tags, lengths, position - last)


# The two models. Their weights are dicts, and their gradients dicts of the same keys.


def lstm_weights(rng: np.random.Generator) -> dict[str, Any]:
    bound = HIDDEN**-0.5

    def draw(*shape: int) -> Any:
        return init.uniform(shape, -bound, bound, rng=rng, dtype=DTYPE)

    net = {
        "weight_ih_l0": draw(4 * HIDDEN, FEATURES), "weight_hh_l0": draw(4 * HIDDEN, HIDDEN),
        "bias_ih_l0": draw(4 * HIDDEN), "bias_hh_l0": draw(4 * HIDDEN),
    }  # fmt: skip
    embedding = init.normal((len(SIGNS), FEATURES), rng=rng, dtype=DTYPE)
    return {"embedding": embedding, "net": net, "tag": draw(TAGS, HIDDEN)}


def lstm_forward(weights: Any, tokens: Any, lengths: Any) -> tuple[Any, Any]:
    """Beyond its length a sentence is not read, and the scores there are 0."""
    x, picked = ri.embedding_forward(tokens, weights["embedding"])
    (h, _), recurrent = ri.lstm_forward(x, weights["net"], lengths=lengths, batch_first=True)
    scores, product = ri.linear_forward(h, weights["tag"])
    return scores, (picked, recurrent, product)


def lstm_backward(grad_scores: Any, cache: Any) -> dict[str, Any]:
    picked, recurrent, product = cache
    tag = ri.linear_backward(grad_scores, product)
    net = ri.lstm_backward((tag["input"], None), recurrent)
    embedding = ri.embedding_backward(net["input"], picked)
    return {"embedding": embedding["weight"], "net": net["weights"], "tag": tag["weight"]}


def transformer_weights(rng: np.random.Generator) -> dict[str, Any]:
    def draw(rows: int, columns: int) -> Any:
        return init.xavier_uniform((rows, columns), rng=rng, dtype=DTYPE)

    def zeros(size: int) -> Any:
        return init.zeros((size,), dtype=DTYPE)

    ones, layers = init.ones((FEATURES,), dtype=DTYPE), []
    for _ in range(LAYERS):
        attention = {
            "in_proj_weight": draw(3 * FEATURES, FEATURES), "in_proj_bias": zeros(3 * FEATURES),
            "out_proj.weight": draw(FEATURES, FEATURES), "out_proj.bias": zeros(FEATURES),
        }  # fmt: skip
        layers.append({
            **{f"self_attn.{name}": weight for name, weight in attention.items()},
            "linear1.weight": draw(HIDDEN, FEATURES), "linear1.bias": zeros(HIDDEN),
            "linear2.weight": draw(FEATURES, HIDDEN), "linear2.bias": zeros(FEATURES),
            "norm1.weight": ones, "norm1.bias": zeros(FEATURES), "norm2.weight": ones, "norm2.bias": zeros(FEATURES),
        })  # fmt: skip
    # Small beside the positions that are added: their sines must be heard.
    embedding = init.normal((len(SIGNS), FEATURES), std=0.3, rng=rng, dtype=DTYPE)
    return {"embedding": embedding, "layers": layers, "tag": draw(TAGS, FEATURES)}


def transformer_forward(weights: Any, tokens: Any, lengths: Any) -> tuple[Any, Any]:
    """No token looks at padding; what comes out where padding stands is of no meaning."""
    x, picked = ri.embedding_forward(tokens, weights["embedding"])
    x = x + ri.sinusoidal_positions(tokens.shape[1], FEATURES, dtype=x.dtype)
    padding = np.arange(tokens.shape[1]) >= lengths[:, None]
    layers = []
    for layer in weights["layers"]:
        x, cache = ri.transformer_encoder_layer_forward(
            x, layer, HEADS, src_key_padding_mask=padding, dropout=0.0, batch_first=True, norm_first=True
        )
        layers.append(cache)
    scores, product = ri.linear_forward(x, weights["tag"])
    return scores, (picked, layers, product)


def transformer_backward(grad_scores: Any, cache: Any) -> dict[str, Any]:
    picked, layers, product = cache
    tag = ri.linear_backward(grad_scores, product)
    g, grad_layers = tag["input"], []
    for layer in reversed(layers):
        grads = ri.transformer_encoder_layer_backward(g, layer)
        g = grads["src"]
        grad_layers.append(grads["weights"])
    # The positions are no parameters, and a sum hands g on as it is.
    embedding = ri.embedding_backward(g, picked)
    return {"embedding": embedding["weight"], "layers": grad_layers[::-1], "tag": tag["weight"]}


MODELS = {
    "LSTM": Model(lstm_weights, lstm_forward, lstm_backward, rate=0.01, steps=200),
    "transformer": Model(transformer_weights, transformer_forward, transformer_backward, rate=0.005, steps=500),
}


def loss_forward(scores: Any, tags: Any) -> tuple[Any, Any]:
    """The mean of -log p of the tag over what has one: the loss takes the classes on axis 1."""
    log_prob, normalised = ri.log_softmax_forward(scores.swapaxes(1, 2), 1)
    loss, likelihood = ri.nll_loss_forward(log_prob, tags, ignore_index=UNTAGGED)
    return loss, (normalised, likelihood)


def loss_backward(grad_output: Any, cache: Any) -> dict[str, Any]:
    normalised, likelihood = cache
    grad_log_prob = ri.nll_loss_backward(grad_output, likelihood)["input"]
    return {"scores": ri.log_softmax_backward(grad_log_prob, normalised)["input"].swapaxes(1, 2)}


def train(
    model: Model, table: Any, seed: int, steps: int, advance: Callable[[str], None] = lambda label: None
) -> tuple[dict[str, Any], list[float]]:
    """The weights after so many batches, none of which comes twice, and the loss of each."""
    rng = np.random.default_rng([seed, 1])
    weights, losses = model.initial(rng), []
    state = adam_init(weights)
    for step in range(steps):
        batch = sentences(table, BATCH, rng)
        scores, cache = model.forward(weights, batch.tokens, batch.lengths)
        loss, loss_cache = loss_forward(scores, batch.tags)

        grad_scores = loss_backward(1.0, loss_cache)["scores"]
        gradients = model.backward(grad_scores, cache)
        weights, state = adam_update(weights, gradients, state, lr=cosine_annealing_lr(step, model.rate, steps))
        losses.append(float(loss))
        advance(f"loss {loss:.3f}")
    return weights, losses


def most_frequent(table: Any, tokens: Any, rng: np.random.Generator) -> Any:
    """What can be told without context: the tag that each token has most often."""
    seen = sentences(table, COUNTED, rng)
    counts = np.zeros((len(SIGNS), TAGS), dtype=int)
    tagged = seen.tags != UNTAGGED
    np.add.at(counts, (seen.tokens[tagged], seen.tags[tagged]), 1)
    return counts.argmax(axis=1)[tokens]


def accuracy(tags: Any, expected: Sentences, nearest: int = 0, farthest: int = LONGEST) -> float:
    """The share of words tagged rightly, of those whose marker stands so far to the left."""
    counted = (expected.tags != UNTAGGED) & (nearest <= expected.distances) & (expected.distances <= farthest)
    return float((tags == expected.tags)[counted].mean())


def main(arguments: Sequence[str] | None = None) -> None:
    with open_lesson("sequence_labelling", __doc__, "the language and the weights", arguments, _options) as lesson:
        rng = np.random.default_rng(lesson.seed)
        table = language(rng)
        unseen = sentences(table, HELD_OUT, rng)
        tagged, losses = {"most frequent tag": most_frequent(table, unseen.tokens, rng)}, {}
        steps = {name: lesson.asked.steps or model.steps for name, model in MODELS.items()}
        with lesson.progress(sum(steps.values())) as advance:
            for name, model in MODELS.items():
                weights, losses[name] = train(model, table, lesson.seed, steps[name], partial(_named, advance, name))
                tagged[name] = model.forward(weights, unseen.tokens, unseen.lengths)[0].argmax(axis=2)

        lesson.heading(f"Accuracy on {HELD_OUT} sentences that were held out, by the distance to the marker")
        lesson.table(
            ("", "all words", *(f"{nearest}-{farthest} left" for nearest, farthest in DISTANCES)),
            [
                [name, *(f"{accuracy(tags, unseen, *span):.1%}" for span in ((), *DISTANCES))]
                for name, tags in tagged.items()
            ],
        )
        lesson.line()
        _show(lesson, unseen, tagged)
        lesson.plot(lambda figure: _draw(figure, unseen, tagged, losses), size=(8.0, 3.6))


def _options(parser: ArgumentParser) -> None:
    default = " and ".join(f"{model.steps} for the {name}" for name, model in MODELS.items())
    parser.add_argument("--steps", type=at_least_one, metavar="N", help=f"of training (default {default})")


def _named(advance: Callable[[str], None], name: str, label: str) -> None:
    advance(f"{name}: {label}")


def _show(lesson: Lesson, expected: Sentences, tagged: dict[str, Any]) -> None:
    """One sentence, and its tags; a dot where a model has the right one."""
    length, tags = expected.lengths[0], expected.tags[0]
    lesson.heading(f"One of them (markers {SIGNS[1:4]}), its tags, and the wrong ones of each")
    lesson.line(f"{'sentence':20}{''.join(SIGNS[token] for token in expected.tokens[0, :length])}")
    lesson.line(f"{'tags':20}{''.join(' ' if tag == UNTAGGED else str(tag) for tag in tags[:length])}")
    for name, found in tagged.items():
        signs = np.where(tags == UNTAGGED, " ", np.where(found[0] == tags, ".", found[0].astype(str)))
        lesson.line(f"{name:20}{''.join(signs[:length])}")


def _draw(figure: Any, expected: Sentences, tagged: dict[str, Any], losses: dict[str, list[float]]) -> None:
    left, right = figure.subplots(1, 2)
    left.set(xlabel="step", ylabel="loss", yscale="log")
    right.set(xlabel="distance to the marker", ylabel="accuracy", ylim=(0, 1.02))
    distances = range(1, 3 * LONGEST // 4)  # beyond there are few words, and one of them shows
    for (name, tags), color in zip(tagged.items(), PALETTE, strict=False):
        if name in losses:
            left.plot(losses[name], color=color)
        right.plot(distances, [accuracy(tags, expected, d, d) for d in distances], color=color, label=name)
    right.legend(frameon=False)


if __name__ == "__main__":
    main()
