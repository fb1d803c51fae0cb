"""The pictures of document C's encoder: they draw what they are given, and it can be read."""

import numpy as np

from nnlib.plots.one_layer import draw_vote, draw_ways


def test_a_way_by_which_nothing_comes_back_is_crossed_out(ax):
    of_all, of_the_last = np.full((3, 2), -1.0), np.array([[0, 0], [0, 0], [0, 0.5]])
    ways = {"queries": of_the_last, "keys": of_all, "values": of_all, "residual": 0 * of_all}
    draw_ways(ways, ax=ax)
    closed = {line.get_label() for line in ax.lines if line.get_linestyle() == "--"}
    assert closed == {"a token, query", "a token, residual", "the class token, residual"}
    assert sum(line.get_marker() == "X" for line in ax.lines) == 3
    words = {text.get_text() for text in ax.texts}
    assert {"a token", "the class token", "query", "key", "value", "residual", "loss"} <= words


def test_a_vote_shows_the_mean_on_the_way_and_every_seed_at_the_end(ax):
    curves = {"A": np.array([[0.1, 0.5, 0.9], [0.1, 0.7, 0.5]]), "B": np.full((2, 3), 0.2)}
    draw_vote(curves, np.array([0, 150, 300]), title="Which?", ax=ax)
    mean, ends, *_ = (line.get_xydata() for line in ax.lines)
    np.testing.assert_allclose(mean, [[0, 0.1], [150, 0.6], [300, 0.7]])
    assert ends[:, 1].tolist() == [0.9, 0.5]
    assert ends[:, 0].min() > 300
    assert [text.get_text() for text in ax.texts] == ["A", "B"]
    assert ax.get_title() == "Which?"
