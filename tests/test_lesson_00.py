"""The pictures and the panel of lesson 00."""

import numpy as np
import pytest

from nnlib.blocks import sigmoid
from nnlib.plots.lesson_00 import draw_claims, draw_slope
from nnlib.widgets.lesson_00 import SlopePanel
from nnlib.words import minus


def test_claims_are_counted_in_the_title_and_every_bar_ends_at_its_total(ax):
    counts = {"A": {"wrong": 4, "ok": 5}, "B": {"ok": 3, "typo": 2, "wrong": 1}}
    assert draw_claims(counts, ax=ax) is None
    assert ax.get_title() == "15 claims, 5 of them wrong"
    ends = {}
    for bars in ax.containers:
        for k, bar in enumerate(bars):
            ends[k] = max(ends.get(k, 0), bar.get_x() + bar.get_width())
    assert ends == {0: 9, 1: 6}
    assert [text.get_text() for text in ax.texts] == ["5", "3", "4"]  # no number below three


def test_the_tangent_goes_through_the_point_with_the_slope(ax):
    x = np.linspace(-1, 1, 3)
    draw_slope(0.5, 2.0, 3.0, curve=(x, 4 * x), ax=ax)
    (x0, x1), (y0, y1) = ax.lines[1].get_data()
    assert (y1 - y0) / (x1 - x0) == pytest.approx(3)
    assert (y0 + y1) / 2 == pytest.approx(2)
    assert (x0 + x1) / 2 == pytest.approx(0.5)


def test_the_panel_follows_its_slider_over_the_whole_range(capsys):
    panel, pictures = SlopePanel(), set()
    slider = panel.controls["x"]
    for x in np.arange(slider.min, slider.max + slider.step, slider.step):
        slider.value = x
        y, pullback = sigmoid(np.array([x]))
        slope = pullback(np.ones(1))
        assert panel.message.value == ""
        assert panel.words.value == (
            minus(f"At x = {x:g} the sigmoid is {y[0]:.3f} and its slope is {slope[0]:.3f}.")
        )
        exec(panel.as_code.value, {})
        assert capsys.readouterr().out == f"x = {x}\ny = {y[0]}\nslope = {slope[0]}\n"
        pictures.add(panel.image.value)
    assert len(pictures) == 25
