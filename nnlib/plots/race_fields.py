"""What paths and points of the race lie on: the ground, and the phase diagram of the quadratic."""

from functools import lru_cache

import numpy as np
from matplotlib.axes import Axes

from nnlib.experiments.grounds import ground
from nnlib.experiments.quadratic import phases
from nnlib.plots.canvas import GREEN, GREY, new_figure, png
from nnlib.plots.landscapes import grid

LEFT = [0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0]  # of the distance, where the shade changes


def draw_ground(name: str, kappa: float, *, ax: Axes) -> None:
    """Draw the level sets of a ground, the lower the darker, and its minima.

    >>> ax = new_figure(4, 4).add_subplot()
    >>> draw_ground("saddle", 1.0, ax=ax)
    >>> ax.get_xlim()
    (np.float64(-3.0), np.float64(3.0))
    """
    landscape = ground(name, kappa=kappa).map
    across, up = landscape.domain
    x, y = grid(landscape.domain)
    with np.errstate(all="ignore"):
        heights = np.asarray(landscape.value(np.stack([x, y])), float) + 0 * x
    heights[~np.isfinite(heights)] = np.nan
    levels = np.unique(np.nanquantile(heights, np.linspace(0, 1, 12) ** 1.6))
    if len(levels) > 1:
        shades = np.linspace(0.8, 1, len(levels) - 1)
        ax.contourf(x, y, heights, levels, colors=[str(shade) for shade in shades])
        thin = {"linewidths": 0.5, "linestyles": "-", "antialiased": False}  # for a small PNG
        ax.contour(x, y, heights, levels[1:-1:2], colors=GREY, **thin)
    ax.plot(*landscape.minima, "*", color=GREEN, markersize=16, markeredgecolor="white")
    ax.set(xlim=across, ylim=up)
    ax.grid(False)


@lru_cache(maxsize=16)
def ground_picture(name: str, kappa: float) -> bytes:
    """A ground to the edges of a square PNG, which the canvas puts under its paths.

    >>> ground_picture("ravine", 25.0)[1:4]
    b'PNG'
    """
    figure = new_figure(4, 4, arranged=False)
    ax = figure.add_axes((0, 0, 1, 1))
    draw_ground(name, kappa, ax=ax)
    ax.set_axis_off()
    return png(figure)


def draw_phases(*, kappa: float, form: str, nesterov: bool, ax: Axes) -> None:
    """Draw what is left of the distance a step, the darker the less, and where it grows in red.

    >>> ax = new_figure(4, 3).add_subplot()
    >>> draw_phases(kappa=25.0, form="standard", nesterov=False, ax=ax)
    >>> ax.get_xscale()
    'log'
    """
    phase = phases(kappa, form=form, nesterov=nesterov, points=141)
    shades = [str(shade) for shade in np.linspace(0.45, 0.95, len(LEFT) - 1)]
    field = phase.rates, phase.momenta, phase.contraction
    ax.contourf(*field, [*LEFT, np.inf], colors=[*shades, "#F4C8B4"])
    ax.set_xscale("log")
    ax.grid(False)


@lru_cache(maxsize=16)
def phase_picture(kappa: float, form: str, nesterov: bool) -> bytes:
    """The phase diagram to the edges of a PNG, which the canvas puts under its points."""
    figure = new_figure(3, 2.2, arranged=False)
    ax = figure.add_axes((0, 0, 1, 1))
    draw_phases(kappa=kappa, form=form, nesterov=nesterov, ax=ax)
    ax.set_axis_off()
    return png(figure)
