"""The panel of lesson 00."""

from typing import Any

import ipywidgets

from nnlib.experiments.lesson_00 import CURVE, REACH, Tangent, tangent
from nnlib.plots.lesson_00 import draw_slope
from nnlib.widgets.panel import Panel


class SlopePanel(Panel):
    """A point on the sigmoid: move it, and its pullback gives the slope of the tangent.

    >>> panel = SlopePanel()
    >>> panel.controls["x"].value = 0.0
    >>> panel.words.value
    'At x = 0 the sigmoid is 0.500 and its slope is 0.250.'
    """

    measure = staticmethod(tangent)

    def __init__(self) -> None:
        x = ipywidgets.FloatSlider(2.0, min=-REACH, max=REACH, step=0.5, description="x")
        super().__init__({"x": x}, width=6.4, height=3.6)

    def draw(self, figure: Any, found: Tangent) -> str:
        draw_slope(*found, curve=CURVE, ax=figure.gca())
        return (
            f"At x = {found.x:g} the sigmoid is {found.y:.3f} and its slope is {found.slope:.3f}."
        )
