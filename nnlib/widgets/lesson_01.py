"""The panels of lesson 01."""

from typing import Any

import ipywidgets
import numpy as np

from nnlib.experiments.lesson_01 import TOLERANCE, microscope, ways
from nnlib.landscapes import LANDSCAPES
from nnlib.plots.lesson_01 import draw_cosine, draw_gaps, draw_microscope, draw_ways
from nnlib.widgets.panel import Panel
from nnlib.words import two_decimals

REACH = 12  # how far from the middle of a landscape p may go
WAYS = """\
import numpy as np

from nnlib.experiments.lesson_01 import ways
from nnlib.landscapes import LANDSCAPES

landscape = LANDSCAPES[{landscape!r}]
found = ways(landscape, np.array([{x}, {y}]), {degrees})
print("slope along u", found.slope)
print("degrees from u to the gradient", found.theta)
print("degrees from steepest descent to the minimum", found.off)
"""
MICROSCOPE = """\
from nnlib.experiments.lesson_01 import microscope

view = microscope({step!r}, dtype={dtype!r}, central={central}, kink={kink}, bug={bug})
print(view.error)
print(view.verdict)
"""
KINKS = {
    "none (tanh)": None,
    "ReLU, 0.1 away": 0.1,
    "ReLU, 1e-3 away": 1e-3,
    "ReLU, 1e-5 away": 1e-5,
    "ReLU, 1e-7 away": 1e-7,
    "ReLU, exactly on it": 0.0,
}
BUGS = {"none": 1.0, "sign flipped": -1.0, "1 % too large": 1.01, "0.001 % too large": 1.00001}


class SteepestDescentPanel(Panel):
    """A point of a landscape and a direction to leave it by: the slope is a cosine.

    landscape   the one shown at first.

    >>> panel = SteepestDescentPanel("valley ½(x² + 100y²)")
    >>> panel.controls["degrees"].value = 0
    >>> panel.words.value[:63]
    'At (6, 6) the slope along u is 6.00, and ∇f lies 89.4° from u. '
    """

    def __init__(self, landscape: str = "bowl ½(x² + 3y²)") -> None:
        slider = ipywidgets.FloatSlider
        controls = {
            "landscape": ipywidgets.Dropdown(
                options=list(LANDSCAPES), value=landscape, description="landscape"
            ),
            "x": slider(6, min=-REACH, max=REACH, step=0.5, description="x"),
            "y": slider(6, min=-REACH, max=REACH, step=0.5, description="y"),
            "degrees": ipywidgets.IntSlider(
                30, min=0, max=360, step=5, description="direction of u, degrees"
            ),
        }
        controls["degrees"].layout.width = "440px"  # its label leaves little for the slider
        margins = {"left": 0.07, "right": 0.975, "bottom": 0.25, "top": 0.9, "wspace": 0.25}
        super().__init__(controls, width=9.0, height=4.4, margins=margins)

    def draw(self, figure: Any, landscape: str, x: float, y: float, degrees: int) -> str:
        p = np.array([x, y])
        found = ways(LANDSCAPES[landscape], p, degrees)
        left, right = figure.subplots(1, 2)
        draw_ways(LANDSCAPES[landscape], p, found, ax=left)
        draw_cosine(found, degrees, ax=right)
        here = f"At ({x:g}, {y:g}) the slope along u is {two_decimals(found.slope)}"
        if not found.gradient.any():
            return f"{here}: the gradient is 0, and no direction leads down at once."
        return (
            f"{here}, and ∇f lies {found.theta:.1f}° from u. "
            f"−∇f points {found.off:.1f}° away from the minimum."
        )

    def code(self, landscape: str, x: float, y: float, degrees: int) -> str:
        return WAYS.format(landscape=landscape, x=x, y=y, degrees=degrees)


class MicroscopePanel(Panel):
    """A gradient check at every step size: where it breaks, and why.

    >>> panel = MicroscopePanel()
    >>> panel.words.value
    'Agreed: the error is below 1e-07, all that is asked of float64.'
    >>> panel.controls["step"].value = 1e-12
    >>> panel.words.value[:10]
    'Round-off:'
    """

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
            "bug": ipywidgets.Dropdown(options=list(BUGS), description="bug in one entry"),
        }
        margins = {"left": 0.1, "right": 0.985, "bottom": 0.3, "top": 0.9, "wspace": 0.22}
        super().__init__(controls, width=9.0, height=4.5, margins=margins)

    def draw(self, figure: Any, step: float, dtype: str, central: bool, kink: str, bug: str) -> str:
        view, other = (
            microscope(step, dtype=dtype, central=kind, kink=KINKS[kink], bug=BUGS[bug])
            for kind in (central, not central)
        )
        names = ("central", "forward") if central else ("forward", "central")
        errors = dict(zip(names, (view.errors, other.errors)))
        left, right = figure.subplots(1, 2, width_ratios=(5, 4))
        bound = TOLERANCE[dtype]
        draw_microscope(step, view, errors, bound, ax=left)
        draw_gaps(view.gaps, bound, ax=right)
        return view.verdict

    def code(self, step: float, dtype: str, central: bool, kink: str, bug: str) -> str:
        settings = {"kink": KINKS[kink], "bug": BUGS[bug]}
        return MICROSCOPE.format(step=step, dtype=dtype, central=central, **settings)
