"""Texts that are kept as images look as they do when they are set anew."""

import numpy as np
import pytest

from nnlib.plots import kept
from nnlib.plots.canvas import RED, new_figure, png, style
from nnlib.plots.kept import KeptFigure


def written(figure, *texts, **look):
    """The pixels of a figure with texts at places, from white 0 to black 1."""
    figure.clear()
    ax = figure.add_subplot()
    ax.axis("off")
    for x, y, text in texts:
        ax.text(x, y, text, **look)
    figure.canvas.draw()
    return 1 - np.asarray(figure.canvas.buffer_rgba())[:, :, :3] / 255.0


@pytest.mark.parametrize("look", [{}, {"rotation": 90}, {"color": RED, "weight": "bold"}])
@pytest.mark.parametrize("text", ["−0.25", "÷ √16", "two\nlines", "$q_1$", "gy"])
def test_a_kept_text_has_the_ink_and_the_place_of_one_that_is_set(text, look):
    with style():
        plain = written(new_figure(3, 2, arranged=False), (0.3, 0.4, text), **look)
        figure = KeptFigure(3, 2)
        first = written(figure, (0.3, 0.4, text), **look)
        again = written(figure, (0.3, 0.4, text), **look)
    np.testing.assert_array_equal(first, again)
    assert first.sum() == pytest.approx(plain.sum(), rel=0.03)
    for axis in (0, 1):
        assert abs(middle(first, axis) - middle(plain, axis)) < 1  # pixel


def middle(ink, axis):
    """The mean place of the ink along an axis."""
    return np.average(np.arange(ink.shape[axis]), weights=ink.sum(axis=(1 - axis, 2)))


def test_a_text_is_told_from_others_by_all_of_its_look():
    with style():
        figure = KeptFigure(3, 2)
        looks = [{}, {"color": RED}, {"fontsize": 20}, {"rotation": 30}, {"alpha": 0.5}]
        shown = [written(figure, (0.3, 0.4, "0.25"), **look) for look in [*looks, {}]]
    assert len({picture.tobytes() for picture in shown}) == len(looks)
    np.testing.assert_array_equal(shown[0], shown[-1])
    assert shown[4].max() < 0.6


def test_ticks_and_grid_look_as_they_were_set_last():
    def drawn(figure, size, grid):
        figure.clear()
        ax = figure.add_subplot()
        ax.tick_params(labelsize=size)
        ax.grid(grid)
        return png(figure)

    kept_figure, pictures = KeptFigure(3, 2), set()
    for look in ((12, True), (12, True), (20, True), (20, False), (12, False), (12, True)):
        picture = drawn(kept_figure, *look)
        assert picture == drawn(KeptFigure(3, 2), *look)
        pictures.add(picture)
    assert len(pictures) == 4


def test_no_more_texts_are_kept_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(kept, "MOST_TEXTS", 3)
    figure = KeptFigure(3, 2)
    with style():
        first = written(figure, *((0.1 * k, 0.5, f"{k}") for k in range(9)))
        again = written(figure, *((0.1 * k, 0.5, f"{k}") for k in range(9)))
    np.testing.assert_array_equal(first, again)
    assert len(figure.canvas.get_renderer().texts) <= 4
    assert png(figure)
