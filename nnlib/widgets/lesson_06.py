"""The panels of lesson 06."""

from typing import Any

import ipywidgets

from nnlib.experiments.positions import Positions, alike, positions
from nnlib.plots.positions import draw_encoding, draw_hands, draw_products
from nnlib.widgets.choices import choice
from nnlib.widgets.panel import Panel
from nnlib.words import counted, short

BASES = [2.0, 10.0, 100.0, 1000.0, 10000.0, 100000.0]


class PositionsPanel(Panel):
    """Positions as sinusoids: the matrix, its pairs as hands that turn, and who looks like whom.

    >>> panel = PositionsPanel()
    >>> panel.controls["shift"].value = 0
    >>> panel.words.value[:58]
    '84 positions, width 12, base 10000: wavelengths λ 6.28 to '
    """

    measure = staticmethod(positions)

    def __init__(self) -> None:
        length = ipywidgets.IntSlider(84, 8, 256, description="length T")
        width = ipywidgets.IntSlider(12, 1, 64, description="width d")
        base = choice(BASES, 10000.0, "base")
        position = ipywidgets.IntSlider(5, 0, length.value - 1, description="position")
        shift = ipywidgets.IntSlider(7, 0, length.value - 1, description="steps on δ")
        for control in (length, width, base, position, shift):
            control.layout.width = "300px"

        def shorten(change: Any) -> None:
            shift.max = position.max = change["new"] - 1  # set from left to right

        length.observe(shorten, "value")
        controls = {"T": length, "d": width, "base": base, "position": position, "shift": shift}
        margins = {"left": 0.085, "right": 0.985, "bottom": 0.135, "top": 0.885, "wspace": 0.2}
        super().__init__(controls, width=8.9, height=4.8, margins=margins)

    def draw(self, figure: Any, found: Positions) -> str:
        grid = figure.add_gridspec(2, 2, width_ratios=[1, 2.1], height_ratios=[1.5, 1], hspace=0.55)
        parts = grid[:, 0], grid[0, 1], grid[1, 1]
        matrix, clocks, curves = (figure.add_subplot(part) for part in parts)
        pair = [found.position, found.position + found.shift]
        draw_encoding(found.PE, marked=pair, title=fitting(found), ax=matrix)
        hands = found.here, found.there, found.turned, found.wavelengths
        draw_hands(*hands, title=turning(found), ax=clocks)
        products = found.from_start, found.from_here
        draw_products(*products, shift=found.shift, title=likeness(found), ax=curves)
        return in_words(found)


def even(found: Positions) -> bool:
    """Whether every sine has its cosine."""
    return found.PE.shape[1] % 2 == 0


def fitting(found: Positions) -> str:
    """How many wavelengths fit into the length."""
    T, n = len(found.PE), len(found.wavelengths)
    return f"{sum(found.wavelengths <= T - 1)} of {n} wavelengths\nfit into {T} positions"


def turning(found: Positions) -> str:
    """What the steps do to the hands."""
    if even(found):
        return f"{counted(found.shift, 'step')}: {found.shift}/λ of a turn, anywhere"
    return "Odd width: the last sine has no cosine"


def likeness(found: Positions) -> str:
    """How the inner product goes with distance."""
    if found.spread:
        return f"It depends on where, too: by up to {short(found.spread)}"
    told = alike(found.from_start)
    if told.half is None:
        return f"Never less than {told.least:.0%} alike"
    return f"Half as alike {counted(told.half, 'step')} on, later up to {told.later:.0%}"


def in_words(found: Positions) -> str:
    """What was found."""
    (T, d), shift = found.PE.shape, found.shift
    product = short(found.from_here[shift], 3)
    first, last = (short(found.wavelengths[i], 3) for i in (0, -1))
    anywhere = (
        f"from other positions up to {short(found.spread)} more or less"
        if found.spread
        else "the same from every position"
    )
    alone = "" if even(found) else ", but for the last sine, which has no cosine to turn with"
    return (
        f"{T} positions, width {d}, base {short(found.base)}: wavelengths λ {first} to {last}. "
        f"Each hand turns by {shift}/λ of a circle in {counted(shift, 'step')}{alone}. Positions "
        f"{found.position} and {found.position + shift}: inner product {product} of at most "
        f"{len(found.wavelengths)}, {anywhere}; distance {short(found.apart, 3)}."
    )
