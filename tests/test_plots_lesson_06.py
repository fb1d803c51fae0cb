"""The pictures of lesson 06: they draw what they are given, and all of it can be read."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyArrowPatch
from pictures import assert_legible

from nnlib.plots.canvas import new_figure, style
from nnlib.plots.lesson_06 import (
    draw_depths,
    draw_page,
    draw_projection,
    draw_stream,
    draw_strip,
)
from nnlib.plots.matrices import draw_matrix

NAMES, DIGITS = np.array([2, 0, 5, 7]), np.array([7, 1, 1, 3])


@pytest.fixture
def figure():
    """A figure in the style of the course; at the end, all that is drawn can be read."""
    with style():
        figure = new_figure(9, 4.5)
        yield figure
        assert_legible(figure)


@pytest.fixture
def ax(figure):
    """The figure's only axes, which have a title at the end."""
    ax = figure.add_subplot()
    yield ax
    assert ax.get_title()


def words(ax):
    """What is written in axes."""
    return [text.get_text() for text in ax.texts if text.get_text()]


def luminance(colour):
    """How light a colour is, 0 to 1, as for contrast."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return np.dot(linear, [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("M", [np.array([[1.0, -1.0, 0.2, 0.0]]), np.array([[3.0]])])
def test_numbers_on_the_strongest_cells_can_be_read(ax, M):
    draw_matrix(M, title="strong", ax=ax)
    image = ax.images[0]
    for text, value in zip(ax.texts, M.ravel()):
        light = sorted([luminance(text.get_color()), luminance(image.to_rgba(value)[:3])])
        assert (light[1] + 0.05) / (light[0] + 0.05) >= 4.5


def test_a_page_shows_its_pairs_and_what_is_asked(ax):
    draw_page(NAMES, DIGITS, 0, title="A page", ax=ax)
    assert words(ax) == ["c\n7", "a\n1", "f\n1", "h\n3", "a ?"]
    assert not ax.lines


def test_a_line_is_as_thick_as_its_weight(ax):
    weights = np.array([0.05, 0.8, 0.1, 0.05])
    draw_page(NAMES, DIGITS, 0, weights=weights, title="A page", ax=ax)
    widths = np.array([line.get_linewidth() for line in ax.lines])
    np.testing.assert_allclose(widths / widths.sum(), weights)
    assert [line.get_xdata()[1] for line in ax.lines] == [0, 1, 2, 3]
    assert words(ax)[1:8:2] == ["0.05", "0.80", "0.10", "0.05"]


def test_a_strip_shows_every_stage_and_what_lies_between(figure):
    axes = figure.subplots(1, 3)
    stages = {"S": np.array([[1.0, 2.0]]), "A": np.array([[0.3, 0.7]]), "O": np.array([[5.0]])}
    draw_strip(stages, ["softmax", "times V"], title="On the way", axes=axes)
    assert [ax.get_title() for ax in axes] == ["S", "A", "O"]
    assert words(axes[0]) == ["1", "2"]
    assert words(axes[1]) == ["0.3", "0.7", "softmax\n→"]
    assert words(axes[2]) == ["5", "times V\n→"]
    assert figure.get_suptitle() == "On the way"
    with pytest.raises(ValueError, match="zip"):
        draw_strip(stages, ["softmax"], title="One is missing", axes=axes)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_what_remains_is_upright(ax, side):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(8)
    x_hat = (x - x.mean()) / x.std()
    g = rng.standard_normal(8) + side * x_hat
    draw_projection(g, x_hat, title="Upright", ax=ax)
    (whole, along, upright) = (text.xy for text in ax.texts if text.get_text() == "")
    centred = g - g.mean()
    assert np.hypot(*whole) == pytest.approx(np.linalg.norm(centred))
    assert along[0] == pytest.approx(g @ x_hat / np.linalg.norm(x_hat))
    assert along[1] == 0
    assert upright == pytest.approx(whole)
    (start,) = [t.xyann for t in ax.texts if t.get_text() == ""][2:]
    assert start == pytest.approx(along)


@pytest.mark.parametrize(("norm_first", "pieces"), [(True, 1), (False, 3)])
def test_norms_stand_in_the_way_in_post_norm_alone(ax, norm_first, pieces):
    draw_stream(norm_first, title="A layer", ax=ax)
    norms = [text.get_position()[0] for text in ax.texts if text.get_text() == "norm"]
    on_the_line = [x for x in norms if x == 0]
    assert len(norms) == 2
    assert len(on_the_line) == (0 if norm_first else 2)
    arrows = [text.arrow_patch for text in ax.texts if text.get_text() == ""]
    assert len(arrows) == pieces
    assert all(isinstance(arrow, FancyArrowPatch) for arrow in arrows)
    widths = [arrow.get_linewidth() for arrow in arrows]
    assert widths == sorted(widths, reverse=True)


def test_depths_are_the_seeds_middle_between_their_ends(ax):
    lengths = np.array([[0.1, 0.2, 0.4], [0.5, 0.6, 0.7], [1, 1, 1.0]])
    draw_depths({"a": lengths, "b": np.ones((3, 3))}, title="Down", ax=ax)
    assert ax.lines[0].get_xydata().tolist() == [[0, 0.2], [1, 0.6], [2, 1.0]]
    ends = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (ends.min(), ends.max()) == (0.1, 1.0)
    assert ax.get_yscale() == "log"


def test_heights_on_the_way_down_can_be_read_as_numbers(ax):
    draw_depths({"a": np.full((3, 2), 2.0)}, title="Down", yticks=[0.3, 1, 6], ax=ax)
    ax.figure.canvas.draw()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0.3", "1", "6"]
