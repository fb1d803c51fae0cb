"""The panels of lesson 00."""

from typing import Any

import ipywidgets

from nnlib.experiments.lesson_00 import (
    CURVE,
    REACH,
    STEPS,
    UNSEEN,
    Reading,
    Tangent,
    reading,
    tangent,
)
from nnlib.plots.lesson_00 import draw_reading, draw_slope
from nnlib.widgets.panel import Panel
from nnlib.words import counted


class ReaderPanel(Panel):
    """A network reads a digit: choose the image, and for how many steps the network has learned.

    >>> panel = ReaderPanel()
    >>> panel.controls["steps"].value = 0
    >>> panel.words.value.partition(";")[0]
    'After 0 steps it says 4, and the writer meant 3'
    """

    measure = staticmethod(reading)

    def __init__(self) -> None:
        steps = ipywidgets.SelectionSlider(options=STEPS, value=STEPS[-1], description="steps")
        image = ipywidgets.IntSlider(4, min=0, max=len(UNSEEN) - 1, description="image")
        super().__init__({"steps": steps, "image": image}, width=8.6, height=3.8)

    def draw(self, figure: Any, found: Reading) -> str:
        said = f"it says {found.answer}, and the writer meant {found.meant}"
        image, units, pushes, outputs, *_ = found
        title = said[0].upper() + said[1:]
        draw_reading(image, units, pushes, outputs, title=title, ax=figure.gca())
        steps = counted(self.controls["steps"].value, "step")
        return (
            f"After {steps} {said}; of {len(UNSEEN)} images that it never learned from, "
            f"it reads {found.share:.0%} right."
        )


class SlopePanel(Panel):
    """A point on the sigmoid: move it, and its pullback gives the slope of the tangent.

    >>> panel = SlopePanel()
    >>> panel.controls["z"].value = 0.0
    >>> panel.words.value
    'At z = 0 the sigmoid is 0.500 and its slope is 0.250.'
    """

    measure = staticmethod(tangent)

    def __init__(self) -> None:
        z = ipywidgets.FloatSlider(2.0, min=-REACH, max=REACH, step=0.5, description="z")
        super().__init__({"z": z}, width=6.4, height=3.6)

    def draw(self, figure: Any, found: Tangent) -> str:
        draw_slope(*found, curve=CURVE, ax=figure.gca())
        return (
            f"At z = {found.z:g} the sigmoid is {found.p:.3f} and its slope is {found.slope:.3f}."
        )
