"""Every gradient by hand, by the pairs, by the graph: the same numbers."""

import re

import numpy as np
import pytest

from refimpl.examples import two_layer_network as lesson

WAYS = (lesson.by_pairs, lesson.by_graph)


@pytest.mark.parametrize("seed", range(20))
def test_all_ways_give_the_same_numbers(seed):
    arrays, target = lesson.problem(seed)
    by_hand = lesson.by_hand(**arrays, target=target)
    assert list(by_hand) == list(lesson.RULES)
    for compute in WAYS:
        found = compute(**arrays, target=target)
        assert {"W1", "W2", "x"} <= set(found) <= set(by_hand)
        for name, gradient in found.items():
            assert gradient.any()
            np.testing.assert_allclose(gradient, by_hand[name], rtol=1e-13)
    differences = lesson.by_differences(**arrays, target=target)
    assert list(differences) == ["W1", "W2", "x"]
    for name, gradient in differences.items():
        np.testing.assert_allclose(gradient, by_hand[name], rtol=1e-6, atol=1e-8)


def test_the_graph_is_the_pairs_to_the_last_bit():
    """Both undo the same ops; only the error is squared as one op there and as a product here."""
    arrays, target = lesson.problem(0)
    by_pairs, by_graph = (compute(**arrays, target=target) for compute in WAYS)
    for name, gradient in by_graph.items():
        np.testing.assert_array_equal(gradient, by_pairs[name])


def test_what_is_printed_side_by_side_is_the_same(printed):
    lines = printed("two_layer_network").splitlines()
    rows = [re.split(r"  +", line) for line in lines if line.startswith("dL/d")]
    arrays, _ = lesson.problem(0)
    assert len(rows) == 2 + 2 + 2 + sum(array.size for array in arrays.values())
    for row in rows:
        by_hand, by_pairs, by_graph, by_differences = row[-4:]
        assert by_pairs == by_hand
        assert by_graph in (by_hand, "-")
        assert (by_graph == "-") == (by_differences == "-") == bool(re.match(r"dL/d[yhz]", row[0]))
    assert len(re.findall(r"^Largest difference by the (?:pairs|graph) from those by hand: \de-1[67]$|: 0e\+00$",
                          "\n".join(lines), re.M)) == 2  # fmt: skip
