"""The panels of lesson 01."""

from typing import Any

import ipywidgets

from nnlib.experiments.lesson_01 import BUGS, KINKS, TOLERANCE, View, Ways, look, ways_on
from nnlib.landscapes import LANDSCAPES
from nnlib.plots.lesson_01 import draw_cosine, draw_gaps, draw_microscope, draw_ways
from nnlib.widgets.panel import Panel
from nnlib.words import two_decimals

REACH = 12  # how far from the middle of a landscape p may go


class SteepestDescentPanel(Panel):
    """A point of a landscape and a direction to leave it by: the slope is a cosine.

    landscape   the one shown at first.

    >>> panel = SteepestDescentPanel("valley ½(x² + 100y²)")
    >>> panel.controls["degrees"].value = 0
    >>> panel.words.value[:63]
    'At (9, 3) the slope along u is 9.00, and ∇f lies 88.3° from u. '
    """

    measure = staticmethod(ways_on)

    def __init__(self, landscape: str = "bowl ½(x² + 3y²)") -> None:
        slider = ipywidgets.FloatSlider
        controls = {
            "landscape": ipywidgets.Dropdown(
                options=list(LANDSCAPES), value=landscape, description="landscape"
            ),
            "x": slider(9, min=-REACH, max=REACH, step=0.5, description="x"),
            "y": slider(3, min=-REACH, max=REACH, step=0.5, description="y"),
            "degrees": ipywidgets.IntSlider(
                30, min=0, max=360, step=5, description="direction of u, degrees"
            ),
        }
        controls["degrees"].layout.width = "440px"  # its label leaves little for the slider
        margins = {"left": 0.07, "right": 0.975, "bottom": 0.25, "top": 0.9, "wspace": 0.25}
        super().__init__(controls, width=9.0, height=4.4, margins=margins)

    def draw(self, figure: Any, found: Ways) -> str:
        left, right = figure.subplots(1, 2)
        draw_ways(LANDSCAPES[found.landscape], found.p, found, ax=left)
        draw_cosine(found, found.degrees, ax=right)
        x, y = found.p
        here = f"At ({x:g}, {y:g}) the slope along u is {two_decimals(found.slope)}"
        if not found.gradient.any():
            return f"{here}: the gradient is 0, and no direction leads down at once."
        return (
            f"{here}, and ∇f lies {found.theta:.1f}° from u. "
            f"−∇f points {found.off:.1f}° away from the minimum."
        )


class MicroscopePanel(Panel):
    """A gradient check at every step size: where it breaks, and why.

    It opens with a bug of 1 % in one entry.

    >>> panel = MicroscopePanel()
    >>> panel.words.value
    'Wrong gradient: no step brings the error below 1e-07. Here the worst entry is W[1, 4].'
    >>> panel.controls["bug"].value = "none"
    >>> panel.words.value
    'Agreed: the error is below 1e-07, all that is asked of float64.'
    >>> panel.controls["step"].value = 1e-12
    >>> panel.words.value[:10]
    'Round-off:'
    """

    measure = staticmethod(look)

    def __init__(self) -> None:
        controls = {
            "step": ipywidgets.FloatLogSlider(
                1e-6, min=-12, max=-1, step=0.25, description="step h", readout_format=".0e"
            ),
            "dtype": ipywidgets.Dropdown(options=list(TOLERANCE), description="numbers"),
            "central": ipywidgets.Dropdown(
                options=[("central", True), ("forward", False)], description="difference"
            ),
            "kink": ipywidgets.Dropdown(options=list(KINKS), description="kink"),
            "bug": ipywidgets.Dropdown(
                options=list(BUGS), value="1 % too large", description="bug in one entry"
            ),
        }
        margins = {"left": 0.1, "right": 0.985, "bottom": 0.3, "top": 0.9, "wspace": 0.22}
        super().__init__(controls, width=9.0, height=4.5, margins=margins)

    def draw(self, figure: Any, found: View) -> str:
        left, right = figure.subplots(1, 2, width_ratios=(5, 4))
        names = ("central", "forward") if found.central else ("forward", "central")
        errors, bound = dict(zip(names, (found.errors, found.others))), TOLERANCE[found.dtype]
        draw_microscope(found.step, found, errors, bound, ax=left)
        draw_gaps(found.gaps, bound, ax=right)
        return found.verdict
