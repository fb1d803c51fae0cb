"""The pictures of lesson 04: they draw what they are given, and all of it can be read."""

import numpy as np
import pytest
from pictures import assert_legible

from nnlib.plots.canvas import new_figure, style
from nnlib.plots.lesson_04 import draw_best_momentum, draw_factors, draw_reached


@pytest.fixture
def ax():
    """Axes in the style of the course; at the end, all that is drawn can be read."""
    with style():
        figure = new_figure(9, 4.5)
        yield figure.add_subplot()
        assert_legible(figure)
    assert figure.axes[0].get_title()
    assert figure.axes[0].get_xlabel()


@pytest.mark.parametrize(("flat", "steep"), [(1, 5), (1, 100), (0.5, 0.6)])
def test_the_best_rate_is_where_the_lines_cross(ax, flat, steep):
    draw_factors(flat, steep, ax=ax)
    lines = {line.get_label(): line.get_xydata() for line in ax.lines}
    for curvature, name in ((flat, f"flat, λ = {flat}"), (steep, f"steep, λ = {steep}")):
        rates, factors = lines[name].T
        np.testing.assert_allclose(factors, np.abs(1 - rates * curvature), atol=1e-12)
    ((rate, factor),) = lines["best: both shrink equally"]
    assert rate == pytest.approx(2 / (flat + steep))
    assert factor == pytest.approx((steep - flat) / (steep + flat))


def test_the_best_momenta_are_marked_where_they_are_given(ax):
    factors = {"κ = 9": [0.8, 0.5, 0.7], "κ = 16": [0.9, 0.8, 0.6]}
    best = {"κ = 9": (0.25, 0.5), "κ = 16": (0.36, 0.6)}
    draw_best_momentum(factors, [0, 0.25, 0.36], best, ax=ax)
    lines = {line.get_label(): line.get_xydata().tolist() for line in ax.lines}
    assert lines["κ = 16"] == [[0, 0.9], [0.25, 0.8], [0.36, 0.6]]
    assert lines["by the formula"] == [[0.25, 0.5], [0.36, 0.6]]


def test_what_was_reached_is_a_median_between_quarters(ax):
    values = np.array([1e-4, 1e-3, 1e-2, 1e-1, 1.0])
    reached = {
        "ravine": {"Adam": values, "AdaGrad": np.full(5, 1e-40)},
        "noise": {"Adam": np.ones(5), "AdaGrad": np.array([1, 1, 1, 1, np.inf])},
    }
    draw_reached(reached, title="who", ax=ax)
    marks = {line.get_label(): line.get_xdata().tolist() for line in ax.lines}
    assert marks == {"ravine": [1e-2, 1e-12], "noise": [1, 1]}
    rows = np.array([line.get_ydata() for line in ax.lines])
    assert (np.abs(rows[0] - rows[1]) > 0.15).all()  # no mark hides another
    (bar, edge) = (segment[:, 0].tolist() for segment in ax.collections[0].get_segments())
    assert bar == [1e-3, 1e-1]
    assert edge == [1e-12, 1e-12]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["Adam", "AdaGrad"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top
