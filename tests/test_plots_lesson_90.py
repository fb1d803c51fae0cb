"""The pictures of the lesson on every formula."""

import math

import numpy as np
import pytest
from pictures import assert_legible

from nnlib.plots.canvas import new_figure, png, style
from nnlib.plots.lesson_90 import (
    ABSENT,
    FLOOR,
    GAP,
    HUGE,
    ROWS,
    UNDEFINED,
    draw_errors,
    draw_spread,
    place,
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


def test_every_error_has_its_place_in_order():
    errors = [math.nan, 0.0, 1e-6, 0.01, 1.0, 100.0, 1e14, math.inf]
    spots = [place(error) for error in errors]
    assert spots == sorted(spots)
    assert spots == [ABSENT, FLOOR, GAP, -10, 0, 10, HUGE, UNDEFINED]


def test_no_dot_hides_another():
    rng = np.random.default_rng(0)
    printed = [math.nan] * 25 + [0.0] * 150 + [math.inf] * 40 + [1.0] * 24
    printed += list(10 ** rng.uniform(-1, 1, 60))
    points = places((error, 0.0) for error in printed)
    gaps = np.abs(points[:, None] - points).sum(axis=-1) + 9 * np.eye(len(points))
    assert gaps.min() > 0.3
    assert (points[:, 1] < ROWS).all()


def test_a_wrong_correction_leaves_the_floor():
    (_, low), (_, high), (_, higher) = places([(1.0, 1e-15), (1.0, 1e-3), (1.0, 0.5)])
    assert low == 0
    assert ROWS < high < higher


def drawn(ax):
    """How many dots there are of each verdict, pale and full."""
    pale, full = ax.collections[::2], ax.collections[1::2]
    return {f.get_label(): (len(p.get_offsets()), len(f.get_offsets())) for p, f in zip(pale, full)}


def test_each_claim_is_one_dot_in_the_look_of_its_verdict(ax):
    status = ["ok", "wrong", "wrong", "added", "misprint"]
    printed = np.array([0.0, math.inf, 1.0, math.nan, 0.5])
    assert draw_errors(printed, np.zeros(5), status, ax=ax) is None
    assert drawn(ax) == {"ok": (0, 1), "misprint": (0, 1), "wrong": (0, 2), "added": (0, 1)}
    assert ax.get_title() == "All 5 corrected forms are exact; 3 printed are not"
    assert any("none in" in text.get_text() for text in ax.texts)


def test_what_is_not_highlighted_is_pale(ax):
    status = ["ok", "ok", "wrong"]
    which = np.array([True, False, False])
    draw_errors(
        np.zeros(3), np.zeros(3), status, highlighted=which, title="1 claim chosen of 3", ax=ax
    )
    assert drawn(ax)["ok"] == (1, 1)
    assert drawn(ax)["wrong"] == (1, 0)
    assert ax.get_title() == "1 claim chosen of 3"


def test_the_title_does_not_hide_a_wrong_correction(ax):
    draw_errors(np.ones(3), np.array([0.0, 1e-3, math.inf]), ["misprint"] * 3, ax=ax)
    assert ax.get_title() == "2 of 3 corrections are wrong"


def test_the_empty_decades_are_claimed_only_when_they_are_empty(ax):
    draw_errors(np.array([1e-5]), np.zeros(1), ["wrong"], ax=ax)
    assert not any("none in" in text.get_text() for text in ax.texts)


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
