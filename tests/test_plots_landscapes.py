"""What the plane from above promises: every ground can be drawn, from any place on it."""

import numpy as np
import pytest

from nnlib.landscapes import GROUNDS, Landscape
from nnlib.plots.canvas import new_figure
from nnlib.plots.landscapes import draw_level_sets, draw_paths

SQUARE = ((-1, 1), (-1, 1))
NOWHERE = np.empty((2, 0))
CORNERS = {
    "plain": Landscape(lambda p: 0 * p[0] + 7, lambda p: 0 * p, SQUARE, NOWHERE),
    "half of it unknown": Landscape(
        lambda p: np.where(p[0] > 0, p[0], np.nan), np.sign, SQUARE, NOWHERE
    ),
    "unknown": Landscape(lambda p: np.nan * p[0], np.sign, SQUARE, NOWHERE),
    "a pole": Landscape(lambda p: np.where(p[0] == 0, np.inf, p[0]), np.sign, SQUARE, NOWHERE),
}


@pytest.fixture
def figure():
    """A figure in the style of the course."""
    return new_figure(9, 5)


def drawn_levels(ax):
    """The heights at which lines were drawn."""
    return [level for lines in ax.collections for level in lines.levels]


@pytest.mark.parametrize("ground", GROUNDS.values(), ids=list(GROUNDS))
@pytest.mark.parametrize("where", ["a minimum", "elsewhere"])
def test_every_ground_has_its_lines_of_height_and_its_minima(figure, ground, where):
    start = ground.minima[:, 0] if where == "a minimum" and ground.minima.size else np.ones(2)
    left, right = figure.subplots(1, 2)
    draw_level_sets(ground, start, ax=left)
    draw_paths(ground, {"still": np.array([start, start])}, title="still", ax=right)
    for ax in (left, right):
        assert len(set(drawn_levels(ax))) >= 6
        np.testing.assert_array_equal(ax.lines[0].get_xydata().T, ground.minima)


def test_where_there_is_no_minimum_the_lines_begin_at_the_lowest_that_was_seen(figure):
    ax = figure.add_subplot()
    draw_level_sets(GROUNDS["saddle"], np.ones(2), ax=ax)
    assert min(drawn_levels(ax)) < -3


@pytest.mark.parametrize("name", CORNERS)
def test_a_plain_and_what_is_not_a_number_can_be_drawn(figure, name):
    left, right = figure.subplots(1, 2)
    draw_level_sets(CORNERS[name], np.array([0.5, 0.5]), ax=left)
    draw_paths(CORNERS[name], {"still": np.full((2, 2), 0.5)}, title="still", ax=right)
    figure.canvas.draw()
    assert np.isfinite(drawn_levels(left)).all()
