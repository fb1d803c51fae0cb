"""The pictures of the lesson on every formula."""

import math
from itertools import combinations

import numpy as np
import pytest
from pictures import assert_legible

from nnlib.documents.verdicts import VERDICTS
from nnlib.plots.canvas import new_figure, png, style
from nnlib.plots.lesson_90 import (
    ABREAST,
    APART,
    BETWEEN,
    BLOCKS,
    block,
    draw_errors,
    draw_spread,
    finding,
    places,
)


@pytest.fixture
def ax():
    """Axes in the style of the course; at the end, all that is drawn can be read."""
    with style():
        figure = new_figure(9, 5)
        yield figure.gca()
        png(figure)
    assert_legible(figure)
    assert figure.gca().get_xlabel()


def test_every_error_has_its_block_in_order():
    errors = [math.nan, 0.0, 1e-6, 0.05, 0.5, 5.0, 50.0, 1e14, math.inf]
    assert [block(error) for error in errors] == list(range(len(BLOCKS)))
    assert [block(error) for error in (1e-12, 0.01, 1.0, 100.0)] == [1, BETWEEN, 4, 6]


def test_no_dot_hides_another_and_a_height_counts_dots_alone():
    rng = np.random.default_rng(0)
    printed = [math.nan] * 25 + [0.0] * 150 + [math.inf] * 40 + list(10 ** rng.uniform(-3, 4, 90))
    points = places(printed)
    gaps = np.abs(points[:, None] - points).sum(axis=-1) + 9 * np.eye(len(points))
    assert gaps.min() >= 1
    for which in range(len(BLOCKS)):
        own = points[[block(error) == which for error in printed]]
        assert (abs(own[:, 0] - APART * which) < APART / 2).all()
        assert own[:, 1].max() == (len(own) - 1) // ABREAST


def drawn(ax):
    """How many dots there are of each verdict, pale and full."""
    pale, full = ax.collections[::2], ax.collections[1::2]
    return {f.get_label(): (len(p.get_offsets()), len(f.get_offsets())) for p, f in zip(pale, full)}


def counts(ax):
    """The words on each block, by its place."""
    return {round(text.get_position()[0] / APART): text.get_text() for text in ax.texts}


def test_each_claim_is_one_dot_in_the_look_of_its_verdict(ax):
    status = ["ok", "wrong", "wrong", "added", "misprint"]
    printed = np.array([0.0, math.inf, 1.0, math.nan, 0.5])
    assert draw_errors(printed, status, title="Five claims", ax=ax) is None
    assert drawn(ax) == {"ok": (0, 1), "misprint": (0, 1), "wrong": (0, 2), "added": (0, 1)}
    assert counts(ax) == {0: "1", 1: "1", BETWEEN: "none", 4: "2", 8: "1"}
    assert ax.get_title() == "Five claims"
    assert not len(ax.get_yticks())  # a height has no unit but dots


def test_what_is_not_highlighted_is_pale_and_the_counts_say_how_many_are_not(ax):
    which = np.array([True, False, False, False])
    status = ["ok", "ok", "ok", "wrong"]
    draw_errors(np.array([0, 0, 0, 5.0]), status, highlighted=which, title="1 of 4", ax=ax)
    assert drawn(ax) == {"ok": (2, 1), "wrong": (1, 0)}
    assert counts(ax) == {1: "1 of 3", BETWEEN: "none"}


def test_the_empty_decades_are_called_empty_only_when_they_are(ax):
    draw_errors(np.array([1e-5, 2.0]), ["wrong"] * 2, title="1 is off by little", ax=ax)
    assert counts(ax) == {BETWEEN: "1", 5: "1"}


@pytest.mark.parametrize(
    ("printed", "corrected", "words"),
    [
        ([1.0, 1.0, 1e-5], [0.0, 1e-3, math.inf], "2 of 3 corrections are wrong"),
        ([1e-5, 1e-3], [0.0, 0.0], "2 of 2 forms are off by little"),
        ([1e-15, 0.5], [0.0, 0.0], "Right to round-off, or visibly off: nothing between"),
    ],
)
def test_the_title_hides_no_wrong_correction_and_no_small_error(printed, corrected, words):
    assert finding(np.array(printed), np.array(corrected)) == words


def lightness_and_hue(colour):
    """A colour in Lab, where distances are as large as they look."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])
    x, y, z = np.cbrt(xyz @ linear / [0.9505, 1, 1.0888])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_no_two_verdicts_can_be_taken_for_each_other():
    colours = [lightness_and_hue(verdict.colour) for verdict in VERDICTS.values()]
    assert min(np.linalg.norm(a - b) for a, b in combinations(colours, 2)) > 30


def test_the_spread_is_ordered_and_shows_every_draw(ax):
    errors = {"large": np.array([1.0, 10.0, 100.0]), "small": np.array([0.1, 0.2, 0.3])}
    assert draw_spread(errors, ax=ax) is None
    assert [label.get_text() for label in ax.get_yticklabels()] == ["small", "large"]
    assert ax.get_xscale() == "log"
    assert [dots.get_offsets()[:, 0].tolist() for dots in ax.collections] == [
        [0.1, 0.2, 0.3],
        [1.0, 10.0, 100.0],
    ]
    assert "3 draws" in ax.get_xlabel()
