"""Many texts as one artist look as they would one by one, and stand where they are to."""

import numpy as np
import pytest

from nnlib.plots.canvas import RED, new_figure, style
from nnlib.plots.kept import KeptFigure
from nnlib.plots.texts import Texts

AT, SHOWN = np.array([[0.25, 0.7], [0.6, 0.3]]), ["−0.25", "8"]
FIGURES = {"kept": KeptFigure, "new": lambda *size: new_figure(*size, arranged=False)}


@pytest.fixture(params=FIGURES)
def ax(request):
    """Empty axes of a panel's figure, or of another one."""
    with style():
        ax = FIGURES[request.param](3, 2).add_subplot()
        ax.axis("off")
        yield ax


def ink(ax):
    """What is drawn, from white 0 to black 1, the lowest row first."""
    ax.figure.canvas.draw()
    return 1 - np.asarray(ax.figure.canvas.buffer_rgba())[::-1, :, :3] / 255.0


def add(ax, at, texts, **look):
    """Texts on axes."""
    return ax.add_artist(Texts(at, texts, transform=ax.transData, **look))


@pytest.mark.parametrize("ha", ["left", "center", "right"])
def test_they_look_as_they_do_one_by_one(ax, ha):
    look = {"ha": ha, "color": RED, "fontsize": 12}
    for (x, y), text in zip(AT, SHOWN):
        ax.text(x, y, text, va="center_baseline", **look)
    one_by_one = ink(ax)
    for text in list(ax.texts):
        text.remove()
    add(ax, AT, SHOWN, **look)
    at_once = ink(ax)
    assert at_once.sum() == pytest.approx(one_by_one.sum(), rel=0.03)
    for half in (slice(0, 150), slice(150, 300)):  # one text is above, and one below
        for axis in (0, 1):
            assert abs(middle(at_once[half], axis) - middle(one_by_one[half], axis)) < 2  # pixels


def middle(ink, axis):
    """The mean place of the ink along an axis."""
    return np.average(np.arange(ink.shape[axis]), weights=ink.sum(axis=(1 - axis, 2)))


def test_a_digit_has_its_middle_at_its_place(ax):
    add(ax, [(0.6, 0.3)], ["8"], ha="center", fontsize=20)
    x, y = ax.transData.transform((0.6, 0.3))
    seen = ink(ax)
    assert middle(seen, 1) == pytest.approx(x, abs=1)
    assert middle(seen, 0) == pytest.approx(y, abs=1)


def test_their_box_holds_all_of_their_ink_and_little_more(ax):
    many = add(ax, AT, SHOWN, ha="right", fontsize=14)
    rows, columns = np.nonzero(ink(ax).sum(axis=2))
    box = many.get_window_extent()
    due = columns.min(), rows.min(), columns.max(), rows.max()
    assert np.abs(np.subtract(box.extents, due)).max() <= 5


def test_no_texts_are_nothing(ax):
    add(ax, [], [])
    assert not ink(ax).any()
