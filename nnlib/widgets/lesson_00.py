"""The panel of lesson 00."""

from typing import Any

import ipywidgets
import numpy as np

from nnlib.blocks import sigmoid
from nnlib.plots.lesson_00 import draw_slope
from nnlib.widgets.panel import Panel

CODE = """\
import numpy as np

from nnlib.blocks import sigmoid

y, pullback = sigmoid(np.array([{x}]))
print(y, pullback(np.ones(1)))
"""


class SlopePanel(Panel):
    """A point on the sigmoid: move it, and its pullback gives the slope of the tangent.

    >>> panel = SlopePanel()
    >>> panel.controls["x"].value = 0.0
    >>> panel.words.value
    'At x = 0 the sigmoid is 0.500 and its slope is 0.250.'
    """

    def __init__(self) -> None:
        x = ipywidgets.FloatSlider(2.0, min=-6, max=6, step=0.5, description="x")
        super().__init__({"x": x}, width=6.4, height=3.6)

    def draw(self, figure: Any, x: float) -> str:
        everywhere = np.linspace(-6, 6, 241)
        y, pullback = sigmoid(np.array(x))
        slope = pullback(np.ones(()))
        draw_slope(x, y, slope, curve=(everywhere, sigmoid(everywhere)[0]), ax=figure.gca())
        return f"At x = {x:g} the sigmoid is {y:.3f} and its slope is {slope:.3f}."

    def code(self, x: float) -> str:
        return CODE.format(x=x)
