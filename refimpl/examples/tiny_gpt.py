"""A GPT in miniature: some 100,000 parameters learn to write, letter by letter, from the project's own derivations.

Embedding, positions, two blocks of causal attention, a norm, and the embedding once more to score each next letter:
forward and backward are chained by hand from pairs. AdamW trains it in float32 with a warm-up, a cosine and clipped
gradients. What it is measured by stands beside it: letters guessed by their frequency, and by the letter before.
"""

from __future__ import annotations

import ast
import math
import sys
import textwrap
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import refimpl as ri
from refimpl import init
from refimpl._structure import leaves
from refimpl.examples._lesson import Lesson, at_least_one, open_lesson
from refimpl.optim import adamw_init, adamw_update, clip_grad_norm, cosine_annealing_lr, linear_lr, sequential_lr

FEATURES, HEADS, LAYERS, CONTEXT = 64, 2, 2, 64
BATCH, STEPS, HELD_OUT = 16, 1500, 64
REPORTS = 10  # while it trains
RATE, WEIGHT_DECAY, LARGEST_NORM = 8e-3, 0.01, 1.0
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


def own_text() -> str:
    """The derivations, where they stand beside the package; else what its docstrings say. ASCII, as they nearly are."""
    package = Path(ri.__file__).parent
    pages = sorted((package.parent / "derivations").rglob("*.md"))
    if pages:
        parts = [page.read_text(encoding="utf-8") for page in pages]
    else:
        trees = (ast.parse(module.read_text(encoding="utf-8")) for module in sorted(package.rglob("*.py")))
        nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, DOCUMENTED))
        parts = [text for node in nodes if (text := ast.get_docstring(node))]
    return "\n\n".join(parts).encode("ascii", "ignore").decode()


def encoded(text: str) -> tuple[list[str], Any]:
    """The letters that occur, in order, and the text as their numbers. A letter is any character, a space too."""
    letters, numbers = np.unique(np.array(list(text)), return_inverse=True)
    return letters.tolist(), numbers


def initial_weights(
    letters: int, rng: np.random.Generator, features: int = FEATURES, layers: int = LAYERS, context: int = CONTEXT,
    dtype: Any = np.float32,
) -> dict[str, Any]:  # fmt: skip
    """Small random matrices, those that write into the sum smaller with depth, as GPT-2 has them."""

    def draw(*shape: int, std: float = 0.02) -> Any:
        return init.normal(shape, std=std, rng=rng, dtype=dtype)

    def norm(name: str) -> dict[str, Any]:
        return {f"{name}.weight": np.ones(features, dtype), f"{name}.bias": np.zeros(features, dtype)}

    def product(name: str, rows: int, columns: int, std: float = 0.02) -> dict[str, Any]:
        return {f"{name}.weight": draw(rows, columns, std=std), f"{name}.bias": np.zeros(columns, dtype)}

    inner, last = 4 * features, 0.02 / math.sqrt(2 * layers)
    blocks = [
        {
            **norm("ln_1"),
            **product("attn.c_attn", features, 3 * features),
            **product("attn.c_proj", features, features, last),
            **norm("ln_2"),
            **product("mlp.c_fc", features, inner),
            **product("mlp.c_proj", inner, features, last),
        }
        for _ in range(layers)
    ]
    return {"letters": draw(letters, features), "positions": draw(context, features), "blocks": blocks, **norm("ln_f")}


def gpt_forward(weights: Any, tokens: Any, heads: int = HEADS) -> tuple[Any, Any]:
    """The score of each letter as the next one, after each letter of tokens (n, length): (n, length, letters)."""
    letters, picked = ri.embedding_forward(tokens, weights["letters"])
    x = letters + weights["positions"][: tokens.shape[1]]
    blocks = []
    for block in weights["blocks"]:
        x, cache = ri.gpt2_block_forward(x, block, heads, attn_pdrop=0.0, resid_pdrop=0.0)
        blocks.append(cache)
    x, norm = ri.layer_norm_forward(x, x.shape[2], weights["ln_f.weight"], weights["ln_f.bias"])
    scores, product = ri.linear_forward(x, weights["letters"])
    return scores, (picked, blocks, norm, product, weights["positions"])


def gpt_backward(grad_scores: Any, cache: Any) -> dict[str, Any]:
    """The gradient of the table of letters comes twice: from where letters are scored, and from where they are read."""
    picked, blocks, norm, product, positions = cache
    scored = ri.linear_backward(grad_scores, product)
    ln_f = ri.layer_norm_backward(scored["input"], norm)
    g, grad_blocks = ln_f["input"], []
    for block in reversed(blocks):
        grads = ri.gpt2_block_backward(g, block)
        g = grads["hidden_states"]
        grad_blocks.append(grads["weights"])
    grad_positions = np.zeros_like(positions)
    grad_positions[: g.shape[1]] = g.sum(axis=0)
    read = ri.embedding_backward(g, picked)
    weights = {
        "letters": read["weight"] + scored["weight"], "positions": grad_positions, "blocks": grad_blocks[::-1],
        "ln_f.weight": ln_f["weight"], "ln_f.bias": ln_f["bias"],
    }  # fmt: skip
    return {"weights": weights}


def loss_forward(scores: Any, following: Any) -> tuple[Any, Any]:
    """The mean of -log p of the letters that follow."""
    loss, cache = ri.cross_entropy_forward(scores.reshape(-1, scores.shape[2]), following.reshape(-1))
    return loss, (cache, scores.shape)


def loss_backward(grad_output: Any, cache: Any) -> dict[str, Any]:
    cross_entropy, shape = cache
    return {"scores": ri.cross_entropy_backward(grad_output, cross_entropy)["input"].reshape(shape)}


def learning_rate(step: int, steps: int) -> float:
    """Up in a line for the first tenth, then down along half a wave of the cosine."""
    warm = max(1, steps // 10)
    return sequential_lr(
        step,
        [
            lambda t: linear_lr(t, RATE, start_factor=0.05, total_iters=warm),
            lambda t: cosine_annealing_lr(t, RATE, max(1, steps - warm), eta_min=RATE / 20),
        ],
        [warm],
    )


def windows(text: Any, count: int, context: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Pieces of the text from anywhere, and the same shifted by one letter: what follows."""
    starts = rng.integers(0, len(text) - context, count)
    pieces = text[starts[:, None] + np.arange(context + 1)]
    return pieces[:, :-1], pieces[:, 1:]


def train(
    weights: Any, text: Any, steps: int, rng: np.random.Generator, batch: int = BATCH
) -> Iterator[tuple[Any, float, float]]:
    """After each step the weights, the loss that they had before it, and the learning rate."""
    state = adamw_init(weights)
    for step in range(steps):
        tokens, following = windows(text, batch, len(weights["positions"]), rng)
        scores, cache = gpt_forward(weights, tokens)
        loss, loss_cache = loss_forward(scores, following)

        grad_scores = loss_backward(1.0, loss_cache)["scores"]
        gradients, _ = clip_grad_norm(gpt_backward(grad_scores, cache)["weights"], LARGEST_NORM)
        rate = learning_rate(step, steps)
        weights, state = adamw_update(weights, gradients, state, lr=rate, weight_decay=WEIGHT_DECAY)
        yield weights, float(loss), rate


def write(weights: Any, start: Any, count: int, temperature: float, rng: np.random.Generator) -> list[int]:
    """So many letters more, each drawn from the softmax of the scores over the temperature."""
    tokens, context = list(start), len(weights["positions"])
    for _ in range(count):
        scores, _ = gpt_forward(weights, np.array([tokens[-context:]]))
        p, _ = ri.softmax_forward(scores[0, -1].astype(float) / temperature, 0)
        tokens.append(int(rng.choice(len(p), p=p)))
    return tokens[len(start) :]


def frequency_losses(text: Any, unseen: Any, letters: int) -> tuple[float, float]:
    """The mean of -log p where p is the letter's share of the text, and its share after the letter before it.

    Each count begins at 1, lest what was never seen be impossible.
    """
    pairs = np.ones((letters, letters))
    np.add.at(pairs, (text[:-1], text[1:]), 1)
    shares = 1 + np.bincount(text, minlength=letters)
    alone = -np.log(shares / shares.sum())[unseen[1:]]
    after = -np.log(pairs / pairs.sum(axis=1, keepdims=True))[unseen[:-1], unseen[1:]]
    return float(alone.mean()), float(after.mean())


def main(arguments: Sequence[str] | None = None) -> None:
    with open_lesson("tiny_gpt", __doc__, "the weights, the batches and what it writes", arguments, _options) as lesson:
        asked = lesson.asked
        letters, numbers = encoded(asked.text or own_text())
        text, unseen = np.split(numbers, [len(numbers) * 9 // 10])
        weights = initial_weights(len(letters), np.random.default_rng(lesson.seed))
        guesses = frequency_losses(text, unseen, len(letters))
        lesson.line(f"{len(numbers)} letters of text, {len(letters)} different ones; the last tenth is held out")
        lesson.line(f"{sum(array.size for _, array in leaves(weights))} parameters")
        lesson.line(f"Loss on what is held out, guessing by how frequent a letter is: {guesses[0]:.3f}")
        lesson.line(f"The same, by how frequent it is after the letter before: {guesses[1]:.3f}")
        lesson.line()

        weights, curves = _train_and_report(lesson, weights, text, unseen, letters)
        lesson.line()
        lesson.heading(f"What it writes at temperature {asked.temperature:g}")
        sample = write(weights, text[:1], asked.length, asked.temperature, np.random.default_rng([lesson.seed, 2]))
        for line in _shown(letters, sample).splitlines():
            for piece in textwrap.wrap(line, 100) or [""]:
                lesson.line(piece)
        lesson.plot(lambda figure: _draw(figure, curves, guesses), size=(8.0, 3.6))


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--steps", type=at_least_one, default=STEPS, metavar="N", help=f"of training (default {STEPS})")
    parser.add_argument("--text", type=_text_file, metavar="FILE", help="learn from this instead (UTF-8)")
    parser.add_argument("--length", type=at_least_one, default=500, metavar="N", help="of the sample (default 500)")
    parser.add_argument(
        "--temperature", type=_temperature, default=0.7, metavar="T",
        help="below 1 it writes what is likelier, above 1 what is less so (default 0.7)",
    )  # fmt: skip


def _train_and_report(lesson: Lesson, weights: Any, text: Any, unseen: Any, letters: list[str]) -> tuple[Any, Any]:
    """The trained weights; and, at each report, the step, the mean loss since the last one and that held out."""
    steps, rng = lesson.asked.steps, np.random.default_rng([lesson.seed, 1])
    tokens, following = windows(unseen, HELD_OUT, CONTEXT, rng)
    lesson.heading(f"{'step':>5}  {'rate':>7}  {'loss':>6}  {'held out':>8}  writes")
    losses: list[float] = []
    curves = []
    with lesson.progress(steps) as advance:
        for step, (trained, loss, rate) in enumerate(train(weights, text, steps, rng), 1):
            losses.append(loss)
            advance(f"loss {loss:.3f}")
            if step * REPORTS // steps > (step - 1) * REPORTS // steps:
                held_out = float(loss_forward(gpt_forward(trained, tokens)[0], following)[0])
                curves.append((step, float(np.mean(losses)), held_out))
                losses.clear()
                sample = write(trained, text[:1], 48, lesson.asked.temperature, np.random.default_rng(lesson.seed))
                row = f"{step:5}  {rate:.1e}  {curves[-1][1]:6.3f}  {held_out:8.3f}"
                lesson.line(f"{row}  {' '.join(_shown(letters, sample).split())}")
    return trained, curves


def _shown(letters: list[str], numbers: list[int]) -> str:
    """As the output can take it: a file may be in an alphabet that the terminal does not know."""
    encoding = sys.stdout.encoding or "ascii"
    return "".join(letters[number] for number in numbers).encode(encoding, "replace").decode(encoding)


def _text_file(name: str) -> str:
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentTypeError(f"must be a file of text in UTF-8, got {error}") from None
    text = "".join(letter for letter in text if letter.isprintable() or letter == "\n")
    least = 10 * (CONTEXT + 1)
    if len(text) < least:
        raise ArgumentTypeError(f"must hold at least {least} letters, got {len(text)}")
    return text


def _temperature(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value < math.inf:
        raise ArgumentTypeError(f"must be a number of at least 0.01, got {text!r}")
    return value


def _draw(figure: Any, curves: list[tuple[int, float, float]], guesses: tuple[float, float]) -> None:
    left, right = figure.subplots(1, 2)
    left.set(xlabel="step", ylabel="loss")
    right.set(xlabel="step", ylabel="learning rate")
    steps, losses, held_out = zip(*curves, strict=True)
    for guess, name in zip(guesses, ("by the letters' frequency", "and the letter before"), strict=True):
        left.axhline(guess, color="#999999", linewidth=0.8)
        left.annotate(name, (steps[-1], guess), ha="right", va="bottom", color="#666666")
    left.plot(steps, losses, marker=".", label="training")
    left.plot(steps, held_out, marker=".", label="held out")
    right.plot([learning_rate(step, steps[-1]) for step in range(steps[-1])])
    left.legend(frameon=False)


if __name__ == "__main__":
    main()
