"""The pictures of lesson 07: they draw what they are given, and all of it can be read."""

import numpy as np
import pytest
from pictures import assert_legible

from nnlib.plots import lesson_07 as plots
from nnlib.plots.canvas import new_figure, style


@pytest.fixture
def ax():
    """Axes in the style of the course; at the end, all that is drawn can be read."""
    with style():
        figure = new_figure(9, 4.5)
        yield figure.add_subplot()
        assert_legible(figure)
    assert figure.axes[0].get_title()


def said(ax):
    """The texts in a picture."""
    return [text.get_text() for text in ax.texts if text.get_text()]


def test_each_state_has_what_was_read_above_and_its_gradient_below(ax):
    h, back = np.array([0, 0.25, -0.5]), np.array([1e-3, 0.02, 1])
    plots.draw_unrolled(["a", "b"], h, back, title="Two steps", ax=ax)
    at = {text.get_text(): text.get_position() for text in ax.texts if text.get_text()}
    for place, (state, slope) in enumerate((("0", "0.001"), ("0.25", "0.02"), ("−0.5", "1"))):
        assert at[state][0] == at[slope][0] == place
        assert at[state][1] > at[slope][1]
    factors = [text for text in ax.texts if text.get_text().startswith("U")]
    assert {text.get_position()[0] for text in factors} == {0.5, 1.5}  # between two states
    assert at["b"][0] == 2
    assert at["b"][1] > at["−0.5"][1]


def test_a_reach_is_a_median_and_the_range_of_its_seeds(ax):
    arms = {"one": np.array([[1.0, 1, 1], [0.1, 0.5, 0.2]]), "two": np.ones((2, 3))}
    plots.draw_reach(arms, title="Shrinks", ax=ax)
    first, second = ax.lines
    np.testing.assert_allclose(first.get_ydata(), [1, 0.2])
    np.testing.assert_allclose(second.get_ydata(), [1, 1])
    (low, high) = np.quantile(ax.collections[0].get_paths()[0].vertices[:, 1], [0, 1])
    assert (low, high) == (0.1, 1)
    assert ax.get_yscale() == "log"


def test_each_seed_is_a_dot_and_their_mean_a_line(ax):
    arms = {"loop": np.array([[1.0, 1, 1], [0.1, 0.5, 0.9]]), "attention": np.ones((2, 3))}
    names = {"title": "Luck", "xlabel": "letters", "ylabel": "share"}
    plots.draw_seeds([4, 40], arms, guess=0.125, ax=ax, **names)
    chance, *lines = ax.lines
    assert set(chance.get_ydata()) == {0.125}
    for k, values in enumerate(arms.values()):
        mean, *dots = lines[4 * k : 4 * k + 4]
        np.testing.assert_allclose(mean.get_ydata(), values.mean(axis=1))
        np.testing.assert_array_equal([dot.get_ydata() for dot in dots], values.T)
        assert {dot.get_linestyle() for dot in dots} == {"None"}
        assert {dot.get_color() for dot in dots} == {mean.get_color()}
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [*arms]


def test_the_machine_reads_writes_and_is_asked_what_comes_next(ax):
    plots.draw_machine("lamp", "pmal", title="At once", ax=ax)
    texts = said(ax)
    given, asked = ["START", *"pmal"], [*"pmal", "END"]
    joined = "|".join(texts)
    assert "|".join("lamp") + "|" + "|".join(given) + "|" + "|".join(asked) in joined
    at = [(text.get_text(), *text.get_position()) for text in ax.texts if text.get_text()]
    start = next(x for token, x, _ in at if token == "START")
    above = max((y, token) for token, x, y in at if x == start)
    assert above[1] == "p"  # what comes next


def test_where_it_looks_has_a_row_for_each_token_written(ax):
    A = np.array([[0.02, 0.98, 0], [1, 0, 0]])
    plots.draw_reading(A, "ba", "a b", title="Backwards", ax=ax)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "␣", "b"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["b", "a"]
    assert said(ax) == ["1.0", "1.0"]
    np.testing.assert_array_equal(ax.images[0].get_array(), A)


def test_long_sources_have_no_numbers(ax):
    plots.draw_reading(np.eye(13), "a" * 13, "b" * 13, title="Straight", ax=ax)
    assert not said(ax)


def test_the_likeliest_tokens_come_first_and_bars_are_their_probabilities(ax):
    p = np.array([0.1, 0.6, 0.3])
    plots.draw_next({"cold": p, "hot": p[::-1]}, ["a", "b", "c"], most=2, title="b, c", ax=ax)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["b", "c"]
    assert [bar.get_height() for bar in ax.patches] == [0.6, 0.3, 0.6, 0.1]
