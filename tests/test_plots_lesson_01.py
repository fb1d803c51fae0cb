"""The pictures of lesson 01: they draw what they are given, and all of it can be read."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from pictures import assert_legible

from nnlib.experiments.lesson_01 import STEPS, descend, microscope, ways
from nnlib.landscapes import LANDSCAPES, bowl
from nnlib.plots.canvas import new_figure, style
from nnlib.plots.landscapes import draw_paths
from nnlib.plots.lesson_01 import (
    draw_corner,
    draw_cosine,
    draw_fog,
    draw_gaps,
    draw_microscope,
    draw_remainder,
    draw_step_errors,
    draw_way_back,
    draw_ways,
)
from nnlib.plots.matrices import draw_entries

P = np.array([10.0, 1.0])


@pytest.fixture
def figure():
    """A figure in the style of the course; at the end, all that is drawn can be read."""
    with style():
        figure = new_figure(9, 5)
        yield figure
        figure.canvas.draw()
    assert_legible(figure)
    width, height = figure.bbox.size + 1
    for ax in figure.axes:
        assert "".join(ax.get_title(place) for place in ("left", "center", "right"))
        legend = ax.get_legend()
        texts = [ax.title, ax.xaxis.label, ax.yaxis.label, *(legend.get_texts() if legend else [])]
        for text in texts:
            (left, bottom), (right, top) = text.get_window_extent().get_points()
            assert min(left, bottom) > -1, text
            assert right <= width, text
            assert top <= height, text


@pytest.mark.parametrize("name", LANDSCAPES)
def test_arrows_start_at_the_point_and_have_their_directions(figure, name):
    landscape, ax = LANDSCAPES[name], figure.add_subplot()
    found = ways(landscape, P, 30)
    assert draw_ways(landscape, P, found, ax=ax) is None
    lines = {line.get_label(): line for line in ax.lines}
    for label, way in (("u", found.u), ("−∇f", -found.gradient)):
        tail, tip = lines[label].get_xydata()
        np.testing.assert_array_equal(tail, P)
        drawn = (tip - tail) / np.linalg.norm(tip - tail)
        np.testing.assert_allclose(drawn, way / np.linalg.norm(way), atol=1e-12)
    np.testing.assert_array_equal(lines["to the minimum"].get_xydata()[1], landscape.minima[:, 0])
    assert len({line.get_linestyle() for line in map(lines.get, ("u", "−∇f"))}) == 2
    exact = "round" in name
    assert ax.get_title().startswith("−∇f points" if exact else "−∇f misses")


def test_at_the_minimum_there_is_no_arrow_down(figure):
    left, right = figure.subplots(1, 2)
    found = ways(bowl(3), np.zeros(2), 30)
    draw_ways(bowl(3), np.zeros(2), found, ax=left)
    draw_cosine(found, 30, ax=right)
    assert "−∇f" not in [line.get_label() for line in left.lines]
    assert left.get_title() == "No way down: ∇f = 0"
    assert right.get_title() == "slope 0 in every direction"


def test_in_fog_the_way_down_is_not_told(figure):
    ax = figure.add_subplot()
    draw_fog(bowl(100)._replace(domain=((-13, 13), (-5, 5))), P, ax=ax)
    star, dot = (line.get_xydata().tolist() for line in ax.lines)
    assert (star, dot) == ([[0, 0]], [P.tolist()])


def test_the_cosine_has_its_lowest_point_where_it_says(figure):
    ax = figure.add_subplot()
    draw_cosine(ways(bowl(3), P, 30), 30, ax=ax)
    _, curve, down, here = (line.get_xydata() for line in ax.lines)
    assert abs(curve[curve[:, 1].argmin(), 0] - down[0, 0]) <= 2.5
    assert curve[:, 1].min() == pytest.approx(down[0, 1], rel=1e-2)
    assert here[0].tolist() == pytest.approx([30, np.interp(30, *curve.T)], rel=1e-6)
    assert ax.get_ylabel() == "slope along u"


def test_paths_are_drawn_step_by_step(figure):
    path = descend(bowl(100).gradient, P, rate=0.01, steps=5)
    ax = figure.add_subplot()
    draw_paths(bowl(100), {"1/L": path, "half": path / 2}, title="two", ax=ax)
    np.testing.assert_array_equal(ax.lines[1].get_xydata(), path)
    assert ax.lines[1].get_linestyle() != ax.lines[2].get_linestyle()


def test_the_remainder_and_its_square(figure):
    ax, sizes = figure.add_subplot(), np.array([1, 0.1])
    draw_remainder(sizes, np.array([3, 0.02]), ax=ax)
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [3, 0.03])


def test_the_way_back_shows_values_slopes_and_links_but_those_of_0(figure):
    W, x = np.array([[1.0, -1.0], [1.0, 0.0], [2.0, 5.0]]), np.array([2.0, 1.0])
    values, slopes = {"x": x, "y": W @ x}, [W.T @ [1, 2, 3], np.array([1, 2, 3])]
    ax = figure.add_subplot()
    draw_way_back(values, slopes, [W], title="three of two", ax=ax)
    texts = [text.get_text() for text in ax.texts]
    assert texts[:5] == ["1", "−1", "1", "2", "5"]
    assert len(ax.lines) == 5
    for said in ("x₁ = 2", "dx₁ = 9", "x₂ = 1", "dx₂ = 14", "y₁ = 1", "y₃ = 9", "dy₃ = 3"):
        assert said in texts


def test_lines_of_the_way_back_end_at_the_places_of_their_numbers(figure):
    ax = figure.add_subplot()
    layers, J = {"x": np.ones(2), "y": np.ones(2)}, np.array([[0.0, 7.0], [0.0, 0.0]])
    draw_way_back(layers, [np.ones(2), np.ones(2)], [J], title="y₁ by x₂ alone", ax=ax)
    (line,) = ax.lines
    heights = {text.get_text(): text.get_position()[1] for text in ax.texts}
    (x, start), (right, end) = line.get_xydata()
    assert (x, right) == (0, 1)
    assert heights["dx₂ = 1"] < start < heights["x₂ = 1"] < heights["dx₁ = 1"]
    assert heights["y₂ = 1"] < heights["dy₁ = 1"] < end < heights["y₁ = 1"]


def test_on_the_corner_the_chord_has_half_the_slope(figure):
    ax = figure.add_subplot()
    draw_corner(0.25, ax=ax)
    (left, low), (right, high) = ax.lines[1].get_xydata()
    assert (right - left, (high - low) / (right - left)) == (0.5, 0.5)


def test_entries_are_coloured_by_group(figure):
    words, groups = np.array([["a", "b"], ["c", "d"]]), np.array([[0, 1], [1, 0]])
    axes = figure.subplots(1, 1, squeeze=False)[0]
    draw_entries({"all": words}, {"all": groups}, axes=axes)
    assert [text.get_text() for text in axes[0].texts] == ["a", "b", "c", "d"]
    colours = [patch.get_facecolor() for patch in axes[0].patches]
    assert colours[0] == colours[3] != colours[1] == colours[2]


def test_an_error_of_0_is_drawn_at_the_bottom(figure):
    ax = figure.add_subplot()
    curves = {"forward": np.array([1e-2, 0]), "central": np.array([1e-4, 1e-8])}
    draw_step_errors(np.array([1e-2, 1e-4]), curves, title="errors", ax=ax)
    assert ax.lines[0].get_ydata().tolist() == [1e-2, 1e-17]


@pytest.mark.parametrize("step", [1e-12, 1e-6, 0.1])
def test_the_microscope_marks_its_place(figure, step):
    view, ax = microscope(step), figure.add_subplot()
    errors = {"central": view.errors, "forward": microscope(step, central=False).errors}
    draw_microscope(step, view, errors, 1e-7, ax=ax)
    assert ax.lines[-1].get_xydata().tolist() == [[step, view.error]]
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["round-off ∝ 1/h", "truncation ∝ h²", "central", "forward"]
    np.testing.assert_array_equal(ax.lines[2].get_xdata(), STEPS)


def test_failed_entries_are_boxed_and_counted(figure):
    ax = figure.add_subplot()
    draw_gaps(np.array([[1e-9, 0.5, 0.0], [np.nan, 1e-8, 1e-9]]), 1e-7, ax=ax)
    assert ax.get_title() == "2 of 6 entries fail"
    boxed = [line.get_xydata()[:4].mean(axis=0).round().tolist() for line in ax.lines]
    assert sorted(boxed) == [[0, 1], [1, 0]]
    assert sorted(text.get_text() for text in ax.texts) == ["0", "–"]


def test_the_worst_entry_has_its_number_even_when_none_fails(figure):
    ax = figure.add_subplot()
    draw_gaps(np.array([[1e-9, 1e-11]]), 1e-7, ax=ax)
    assert ax.get_title() == "none of 2 entries fails"
    assert [text.get_text() for text in ax.texts] == ["−9"]
    assert not ax.lines


def luminance(colour):
    """How light a colour is, from 0 to 1, as contrast is defined."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


@pytest.mark.parametrize("gap", [1e-12, 1e-6, 1e-3, 0.1, 1.0, 30.0, np.nan])
def test_the_number_in_a_cell_has_contrast(figure, gap):
    ax = figure.add_subplot()
    draw_gaps(np.array([[gap]]), 1e-7, ax=ax)
    (cells,), (text,) = ax.collections, ax.texts
    cell = luminance(cells.to_rgba(cells.get_array()).reshape(-1, 4)[0])
    number = luminance(to_rgb(text.get_color()))
    assert (max(cell, number) + 0.05) / (min(cell, number) + 0.05) >= 4.5
