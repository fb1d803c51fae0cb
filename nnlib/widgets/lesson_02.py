"""The panels of lesson 02."""

from functools import lru_cache
from typing import Any

import ipywidgets
import numpy as np

from nnlib.blocks import leaky_relu
from nnlib.checks import Array
from nnlib.experiments.lesson_02 import (
    ACTIVATIONS,
    OUTSIDE,
    PRECISIONS,
    REPAIRS,
    TARGETS,
    constructed,
    factor_per_layer,
    identity,
    largest_error,
    random_features,
    repaired_gradient,
    repaired_softmax,
    square,
    through_depth,
)
from nnlib.plots.lesson_02 import (
    draw_beside_truth,
    draw_errors_by_width,
    draw_fits,
    draw_point_on_curve,
    draw_signal_and_gradient,
)
from nnlib.plots.matrices import draw_matrix
from nnlib.widgets.panel import Panel
from nnlib.words import counted, minus, short

ACTIVATION = """\
from functools import partial

import numpy as np

from nnlib.blocks import leaky_relu
from nnlib.experiments.lesson_02 import ACTIVATIONS, through_depth

activation = {activation}
x = {x} + np.array([-1.0, 0.0, 1.0])
y, pullback = activation(x)
print(y, np.diag(pullback(np.ones(3))), sep="\\n")
signal, gradient = through_depth(activation, depth={depth}, gain={gain})
print(signal[-1], gradient[0])
"""
SOFTMAX = """\
import numpy as np

from nnlib.experiments.lesson_02 import repaired_gradient, repaired_softmax

z = np.array({scores}) * {scale} / {temperature} + {offset}
print(repaired_softmax(z, {repair!r}, {precision!r}))
print(repaired_gradient(z, {label}, {repair!r}, {precision!r}))
"""
APPROXIMATOR = """\
from nnlib.experiments.lesson_02 import *

f, activation = TARGETS[{target!r}], {activation}
network = random_features(f, activation, {width})
print(largest_error(network, f), largest_error(network, f, OUTSIDE))
"""
NEAR = np.array([-1.0, 0.0, 1.0])
LEAKY = "leaky ReLU"  # the one activation that has a leak


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
        margins = {"left": 0.075, "right": 0.985, "bottom": 0.19, "top": 0.89, "wspace": 0.45}
        super().__init__(controls, width=9.3, height=3.2, margins=margins)

    def draw(
        self, figure: Any, activation: str, x: float, leak: float, depth: int, gain: float
    ) -> str:
        f = with_leak(leak) if activation == LEAKY else ACTIVATIONS[activation]
        everywhere = np.linspace(-6, 6, 241)
        y, pullback = f(everywhere)
        slopes = pullback(np.ones_like(y))
        here, near_pullback = f(x + NEAR)
        J = np.diag(near_pullback(np.ones(3)))
        signal, gradient = through_depth(f, depth=depth, gain=gain)
        left, middle, right = figure.subplots(1, 3)
        draw_point_on_curve(x, everywhere, y, slopes, name=activation, ax=left)
        names = [minus(f"{entry:g}") for entry in x + NEAR]
        draw_matrix(J, title="Jacobian: diagonal", rows=names, columns=names,
                    xlabel="input", ylabel="output at", ax=middle)  # fmt: skip
        draw_signal_and_gradient(signal, gradient, ax=right)
        factor = factor_per_layer(gradient)
        return (
            f"{activation} at {x:g} is {here[1]:.3g} with slope {J[1, 1]:.3g}. "
            f"Over {counted(depth, 'layer')} with weights × {gain:g} the gradient is multiplied "
            f"by {factor:.2f} in each, by {short(gradient[0] / gradient[-1])} in all."
        )

    def code(self, activation: str, x: float, leak: float, depth: int, gain: float) -> str:
        leaky = f"partial(leaky_relu, slope={leak})"
        f = leaky if activation == LEAKY else f"ACTIVATIONS[{activation!r}]"
        return ACTIVATION.format(activation=f, x=x, depth=depth, gain=gain)


def with_leak(leak: float) -> Any:
    """Leaky ReLU with this slope on the left."""
    return lambda x: leaky_relu(x, slope=leak)


class SoftmaxPanel(Panel):
    """Softmax with a repair in a precision: its probabilities, and what its loss's gradient does.

    >>> panel = SoftmaxPanel()
    >>> panel.controls["scale"].value, panel.controls["label"].value = 30, 1
    >>> panel.words.value[:65]
    'clip to ±50 in float64: probabilities off by 0.50, gradient off b'
    """

    scores = (2.0, 1.8, 0.0, -1.0)

    def __init__(self) -> None:
        sizes = [1, 2, 5, 10, 20, 30, 50, 100, 300, 1000]
        scale = ipywidgets.SelectionSlider(options=sizes, value=1, description="scale")
        temperature = ipywidgets.SelectionSlider(
            options=[0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0], value=1.0, description="temperature"
        )
        offset = ipywidgets.IntSlider(0, -1000, 1000, 50, description="offset")
        repair = ipywidgets.Dropdown(
            options=list(REPAIRS), value="clip to ±50", description="repair"
        )
        precision = ipywidgets.Dropdown(options=list(PRECISIONS), description="precision")
        classes = [(f"z{k + 1}", k) for k in range(len(self.scores))]
        label = ipywidgets.Dropdown(options=classes, value=1, description="true class")
        sliders("290px", scale, temperature, offset)
        sliders("260px", repair, precision, label)
        controls = {"scale": scale, "temperature": temperature, "offset": offset}
        controls |= {"repair": repair, "precision": precision, "label": label}
        margins = {"left": 0.09, "right": 0.99, "bottom": 0.25, "top": 0.88, "wspace": 0.26}
        super().__init__(controls, width=7.8, height=3.2, margins=margins)

    def draw(
        self,
        figure: Any,
        scale: float,
        temperature: float,
        offset: float,
        repair: str,
        precision: str,
        label: int,
    ) -> str:
        z = np.array(self.scores) * scale / temperature + offset
        best, double = "subtract the largest", z.astype(precision).astype(float)
        p, true_p = repaired_softmax(z, repair, precision), repaired_softmax(double, best)
        g = repaired_gradient(z, label, repair, precision)
        true_g = repaired_gradient(double, label, best)
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

    def code(self, **values: Any) -> str:
        return SOFTMAX.format(scores=list(self.scores), **values)


def off(got: Array, truth: Array) -> str:
    """How far numbers are from the truth, in words.

    >>> one = np.ones(1)
    >>> off(one / 2, one), off(one, one), off(np.nan * one, one)
    ('off by 0.50', 'right', 'undefined')
    """
    gap = np.max(np.abs(got - truth))
    return "undefined" if not np.isfinite(gap) else "right" if gap < 0.005 else f"off by {gap:.2f}"


UNITS = {**ACTIVATIONS, "x²": square, "none": identity}
SOURCES = {"x²": "square", "none": "identity"}
WIDTHS = [1, 2, 4, 8, 16, 32, 64, 128, 256]


@lru_cache(maxsize=64)
def fitted(target: str, activation: str, width: int) -> tuple[Any, float]:
    """The network of random units of that width, and its largest error."""
    network = random_features(TARGETS[target], UNITS[activation], width)
    return network, largest_error(network, TARGETS[target])


class ApproximatorPanel(Panel):
    """One hidden layer against a function: random units, their output weights by least squares.

    With ReLU, the network whose weights are written down instead is drawn too.

    >>> panel = ApproximatorPanel()
    >>> panel.controls["activation"].value = "x²"
    >>> panel.words.value[:43]
    '32 units x² come within 95% of the smooth t'
    """

    def __init__(self) -> None:
        target = ipywidgets.Dropdown(options=list(TARGETS), description="target")
        menu = ipywidgets.Dropdown(options=list(UNITS), value="ReLU", description="activation")
        width = ipywidgets.SelectionSlider(options=WIDTHS, value=32, description="hidden units")
        sliders("330px", width)
        sliders("220px", target, menu)
        controls = {"target": target, "activation": menu, "width": width}
        margins = {"left": 0.09, "right": 0.985, "bottom": 0.33, "top": 0.91, "wspace": 0.3}
        super().__init__(controls, width=8.2, height=3.8, margins=margins)

    def draw(self, figure: Any, target: str, activation: str, width: int) -> str:
        f = TARGETS[target]
        network, inside = fitted(target, activation, width)
        outside = largest_error(network, f, OUTSIDE)
        fits = {"random units": network}
        errors = {"random units": np.array([fitted(target, activation, w)[1] for w in WIDTHS])}
        if activation == "ReLU":
            fits["written down"] = constructed(f, width)
            by_hand = [largest_error(constructed(f, w), f) for w in WIDTHS]
            errors["written down"] = np.array(by_hand)
        left, right = figure.subplots(1, 2, width_ratios=(5, 4))
        draw_fits(f, fits, title=f"Inside: within {percent(inside)}", ax=left)
        trend = "falls" if errors["random units"][-1] < 0.05 else "stays"
        draw_errors_by_width(WIDTHS, errors, title=f"The error {trend}", at=width, ax=right)
        come, they = ("comes", "it misses") if width == 1 else ("come", "they miss")
        return (
            f"{counted(width, 'unit')} {activation} {come} within {percent(inside)} of the "
            f"{target} target on the shaded interval; beyond it, up to t = 2, {they} by up to "
            f"{percent(outside)}."
        )

    def code(self, target: str, activation: str, width: int) -> str:
        unit = SOURCES.get(activation, f"ACTIVATIONS[{activation!r}]")
        return APPROXIMATOR.format(target=target, activation=unit, width=width)


def percent(error: float) -> str:
    """A relative error for reading: percent, or a bound where it is small.

    >>> percent(0.123), percent(0.004), percent(1e-7), percent(250.0)
    ('12%', '0.4%', 'less than 0.1%', '25000%')
    """
    if error < 1e-3:
        return "less than 0.1%"
    return f"{100 * error:.1g}%" if error < 0.01 else f"{100 * error:.0f}%"
