"""The panels of lesson 02."""

from math import isfinite
from typing import Any

import ipywidgets

from nnlib.experiments.lesson_02 import (
    ACTIVATIONS,
    EVERYWHERE,
    LEAKY,
    PRECISIONS,
    REPAIRS,
    SCORES,
    TARGETS,
    UNITS,
    WIDTHS,
    Activated,
    Approximation,
    Repaired,
    activated,
    approximation,
    repaired,
)
from nnlib.plots.lesson_02 import (
    draw_approximations,
    draw_beside_truth,
    draw_errors_by_width,
    draw_point_on_curve,
    draw_signal_and_gradient,
)
from nnlib.plots.matrices import draw_matrix
from nnlib.widgets.panel import Panel
from nnlib.words import counted, minus, short


def sliders(width: str, *controls: Any) -> None:
    """Make controls as wide as their labels and numbers need."""
    for control in controls:
        control.layout.width = width


class ActivationPanel(Panel):
    """An activation at a point, its Jacobian, and what many layers of it do to a signal.

    >>> panel = ActivationPanel()
    >>> panel.controls["activation"].value = "ReLU"
    >>> panel.words.value[:40]
    'ReLU at 1 is 1 with slope 1. Over 20 lay'
    """

    measure = staticmethod(activated)

    def __init__(self) -> None:
        menu = ipywidgets.Dropdown(options=list(ACTIVATIONS), description="activation")
        x = ipywidgets.FloatSlider(1.0, min=-6, max=6, step=0.25, description="x")
        leak = ipywidgets.FloatSlider(0.1, min=0, max=1, step=0.05, description="leak (leaky ReLU)")
        depth = ipywidgets.IntSlider(20, 1, 30, description="layers")
        gain = ipywidgets.FloatSlider(1.0, min=0.25, max=5, step=0.25, description="weights ×")
        sliders("290px", x, leak, depth, gain)
        sliders("220px", menu)
        menu.observe(lambda change: setattr(leak, "disabled", change["new"] != LEAKY), "value")
        leak.disabled = menu.value != LEAKY
        controls = {"activation": menu, "x": x, "leak": leak, "depth": depth, "gain": gain}
        margins = {"left": 0.075, "right": 0.985, "bottom": 0.19, "top": 0.89, "wspace": 0.55}
        super().__init__(controls, width=9.3, height=3.2, margins=margins)

    def draw(self, figure: Any, found: Activated) -> str:
        left, middle, right = figure.subplots(1, 3)
        name, x, gradient = found.activation, found.x, found.gradient
        draw_point_on_curve(x, EVERYWHERE, found.curve, found.slopes, name=name, ax=left)
        names = [minus(f"{entry:g}") for entry in found.near]
        draw_matrix(found.jacobian, title="Jacobian: diagonal", rows=names, columns=names,
                    xlabel="input", ylabel="output at", ax=middle)  # fmt: skip
        draw_signal_and_gradient(found.signal, gradient, ax=right)
        return (
            f"{name} at {x:g} is {found.y:.3g} with slope {found.slope:.3g}. "
            f"Over {counted(found.depth, 'layer')} with weights × {found.gain:g} the gradient is "
            f"multiplied by {found.factor:.2f} in each, by {short(gradient[0] / gradient[-1])} "
            "in all."
        )


class SoftmaxPanel(Panel):
    """Softmax with a repair in a precision: its probabilities, and what its loss's gradient does.

    >>> panel = SoftmaxPanel()
    >>> panel.words.value[:65]
    'clip to ±50 in float64: probabilities off by 0.50, gradient off b'
    """

    measure = staticmethod(repaired)

    def __init__(self) -> None:
        sizes = [1, 2, 5, 10, 20, 30, 50, 100, 300, 1000]
        scale = ipywidgets.SelectionSlider(options=sizes, value=30, description="scale")
        temperature = ipywidgets.SelectionSlider(
            options=[0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0], value=1.0, description="temperature"
        )
        offset = ipywidgets.IntSlider(0, -1000, 1000, 50, description="offset")
        repair = ipywidgets.Dropdown(
            options=list(REPAIRS), value="clip to ±50", description="repair"
        )
        precision = ipywidgets.Dropdown(options=list(PRECISIONS), description="precision")
        classes = [(f"z{k + 1}", k) for k in range(len(SCORES))]
        label = ipywidgets.Dropdown(options=classes, value=1, description="true class")
        sliders("290px", scale, temperature, offset)
        sliders("260px", repair, precision, label)
        controls = {"scale": scale, "temperature": temperature, "offset": offset}
        controls |= {"repair": repair, "precision": precision, "label": label}
        margins = {"left": 0.09, "right": 0.99, "bottom": 0.25, "top": 0.88, "wspace": 0.26}
        super().__init__(controls, width=7.8, height=3.2, margins=margins)

    def draw(self, figure: Any, found: Repaired) -> str:
        repair, precision, label, z, p, g, true_p, true_g = found
        left, right = figure.subplots(1, 2)
        names = [minus(f"{entry:.6g}") for entry in z]
        names[label] += "\ntrue class"
        draw_beside_truth(p, true_p, labels=names, ylabel="probability",
                          title=f"Probabilities: {off(p, true_p)}", ax=left)  # fmt: skip
        draw_beside_truth(g, true_g, labels=names, ylabel="gradient dL/dz",
                          title=f"Gradient: {off(g, true_g)}", ax=right)  # fmt: skip
        stuck = bool(g[label] == 0) and off(g[label], true_g[label]) != "right"
        return (
            f"{repair} in {precision}: probabilities {off(p, true_p)}, gradient {off(g, true_g)}. "
            f"The true class has {true_p[label]:.3f}"
            + f", and nothing pulls it up: its gradient is 0, not {true_g[label]:.2f}" * stuck
            + "."
        )


def off(got: Any, truth: Any) -> str:
    """How far numbers are from the truth, in words.

    >>> from numpy import array, nan
    >>> off(array([0.5]), array([1.0])), off(array([1.0]), 1.0), off(array([nan]), 1.0)
    ('off by 0.50', 'right', 'undefined')
    """
    gap = abs(got - truth).max()
    return "undefined" if not isfinite(gap) else "right" if gap < 0.005 else f"off by {gap:.2f}"


class ApproximatorPanel(Panel):
    """One hidden layer against a function: random units, their output weights by least squares.

    With ReLU, the network whose weights are written down instead is drawn too.

    >>> panel = ApproximatorPanel()
    >>> panel.controls["activation"].value = "x²"
    >>> panel.words.value[:43]
    '32 units x² come within 95% of the smooth t'
    """

    measure = staticmethod(approximation)

    def __init__(self) -> None:
        target = ipywidgets.Dropdown(options=list(TARGETS), description="target")
        menu = ipywidgets.Dropdown(options=list(UNITS), value="ReLU", description="activation")
        width = ipywidgets.SelectionSlider(options=WIDTHS, value=32, description="hidden units")
        sliders("330px", width)
        sliders("220px", target, menu)
        controls = {"target": target, "activation": menu, "width": width}
        margins = {"left": 0.09, "right": 0.985, "bottom": 0.33, "top": 0.91, "wspace": 0.3}
        super().__init__(controls, width=8.2, height=3.8, margins=margins)

    def draw(self, figure: Any, found: Approximation) -> str:
        left, right = figure.subplots(1, 2, width_ratios=(5, 4))
        width, inside = found.width, percent(found.inside)
        t, target, *curves = found.curves
        fits, errors = dict(zip(found.ways, curves)), dict(zip(found.ways, found.errors))
        draw_approximations(t, target, fits, title=f"Inside: within {inside}", ax=left)
        trend = "falls" if found.errors[0, -1] < 0.05 else "stays"
        draw_errors_by_width(WIDTHS, errors, title=f"The error {trend}", at=width, ax=right)
        come, they = ("comes", "it misses") if width == 1 else ("come", "they miss")
        return (
            f"{counted(width, 'unit')} {found.activation} {come} within {inside} of the "
            f"{found.target} target on the shaded interval; beyond it, up to t = 2, {they} by up "
            f"to {percent(found.outside)}."
        )


def percent(error: float) -> str:
    """A relative error for reading: percent, or a bound where it is small.

    >>> percent(0.123), percent(0.004), percent(1e-7), percent(250.0)
    ('12%', '0.4%', 'less than 0.1%', '25000%')
    """
    if error < 1e-3:
        return "less than 0.1%"
    return f"{100 * error:.1g}%" if error < 0.01 else f"{100 * error:.0f}%"
