"""A scene of the race at one step as matplotlib draws it: where no canvas is, and for paper."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from nnlib.experiments.race import Race
from nnlib.plots.canvas import INK, SMALL
from nnlib.plots.race import CHANNELS
from nnlib.plots.race_fields import draw_ground, draw_phases
from nnlib.words import short

HALO = [withStroke(linewidth=4, foreground="white")]
AXES = "across", "up"
Label = tuple[str, float, float, str]  # text, x, y, colour


def draw_scene(
    scene: dict[str, Any], found: Race, step: int, *, words: str = "", figure: Figure
) -> None:
    """Draw the map on the left, the curve and the view on the right, as they are at a step.

    words   written below them.

    >>> from nnlib.experiments.race import Runner, Setting, race
    >>> from nnlib.plots.canvas import new_figure
    >>> from nnlib.plots.race import scene
    >>> from nnlib.plots.race_views import effective_rates
    >>> found = race(Setting((Runner("Adam", 0.1),), steps=50))
    >>> drawn = scene(found, curve="loss", view=effective_rates(found, 0))
    >>> figure = new_figure(9, 5)
    >>> draw_scene(drawn, found, 20, figure=figure)
    >>> [ax.get_title("left") for ax in figure.axes]
    ['ravine: Adam is lowest', 'The loss at each step', 'Step ÷ gradient: Adam']
    """
    spec = figure.add_gridspec(2, 2, width_ratios=(6, 5))
    draw_map(scene, found, step, ax=figure.add_subplot(spec[:, 0]))
    for k, plot in enumerate((scene["curve"], scene["view"])):
        ax = figure.add_subplot(spec[k, 1])
        DRAWERS[plot["kind"]](plot, found, step, ax=ax)
        ax.set_title(plot["title"], fontsize=SMALL, loc="left")
    figure.text(0.01, 0.01, words, fontsize=12, va="bottom", wrap=True)


def draw_map(scene: dict[str, Any], found: Race, step: int, *, ax: Axes) -> None:
    """Draw the paths as far as the step; a cross marks the start and who has diverged."""
    setting, of = found.setting, scene["map"]
    draw_ground(setting.ground, setting.kappa, ax=ax)
    set_axes(of, ax=ax)
    ax.set_box_aspect(1)
    labels = []
    for run, runner in zip(found.runs, scene["runners"]):
        path = run.path[: min(step, runner["end"]) + 1]
        ax.plot(*path.T, **line(runner), marker="")
        lost = runner["end"] < step
        marker = "x" if lost else runner["marker"]
        ax.plot(*path[-1], marker, color=runner["colour"], markersize=10, markeredgewidth=3 * lost)
        name = f"{runner['name']} diverged" if lost else runner["name"]
        labels.append((name, *path[-1], runner["text"]))
    ax.plot(*setting.start, "x", color=INK, markersize=8)
    leader = scene["leads"][step]
    lowest = f": {scene['runners'][leader]['name']} is lowest" if leader >= 0 else ""
    ax.set_title(of["title"] + lowest, fontsize=SMALL, loc="left")
    write_names(labels, ax=ax)


def draw_over_steps(plot: dict[str, Any], found: Race, step: int, *, ax: Axes) -> None:
    """Draw lines as far as the step, their names at their ends."""
    set_axes(plot, ax=ax)
    labels = []
    for one in plot["lines"]:
        run = found.runs[one["runner"]]
        values = CHANNELS[one["channel"]](run)[: min(step, int(run.ended)) + 1]
        values = values[np.isfinite(values)]
        if not values.size:
            continue
        ax.plot(values, **line(one), marker="")
        end = len(values) - 1, values[-1]
        ax.plot(*end, one["marker"], color=one["colour"], markersize=8)
        below = " ↓" if values[-1] < plot["up"]["low"] else ""  # its height says nothing
        labels.append((one["name"] + below, *end, one["text"]))
    write_names(labels, ax=ax)


def draw_arrows(plot: dict[str, Any], found: Race, step: int, *, ax: Axes) -> None:
    """Draw the directions of one runner's step, each as long as there is room, with its length."""
    run = found.runs[plot["runner"]]
    k = min(step, int(run.ended) - 1)
    labels = []
    for one in plot["arrows"]:
        way = np.array([CHANNELS[name](run)[k] for name in one["channels"]])
        length = float(np.linalg.norm(way))
        tip = one["reach"] * way / length if length else 0 * way
        ax.plot(*np.transpose([0 * tip, tip]), **line(one), marker="")
        head = (3, 0, np.degrees(np.arctan2(tip[1], tip[0])) - 90)
        ax.plot(*tip, marker=head, color=one["colour"], markersize=12)
        labels.append((f"{one['name']}  {short(length, 3)}", *tip, one["text"]))
    ax.set(xlim=(-1, 1), ylim=(-0.5, 0.5), xticks=[], yticks=[], aspect="equal")
    write_names(labels, ax=ax)


def draw_ranking(plot: dict[str, Any], found: Race, step: int, *, ax: Axes) -> None:
    """Draw the mean rank of each runner and the middle half of its ranks, the best on top."""
    rows = plot["rows"][::-1]
    for y, of in enumerate(rows):
        ax.plot(of["spread"], [y, y], "-", color=of["colour"], alpha=0.4, linewidth=9)
        ax.plot(of["mean"], y, of["marker"], color=of["colour"], markersize=11)
    up = {"low": -0.6, "high": len(rows) - 0.4, "log": False, "label": "", "ticks": []}
    set_axes({"across": plot["across"], "up": up}, ax=ax)
    at = plot["across"]["high"]
    write_names([(of["name"], at, y, of["text"]) for y, of in enumerate(rows)], ax=ax)


def draw_phase_diagram(plot: dict[str, Any], found: Race, step: int, *, ax: Axes) -> None:
    """Draw the diagram and the runners in it, held at its edges where they lie outside."""
    draw_phases(**plot["of"], ax=ax)
    set_axes(plot, ax=ax)
    labels = []
    for of in plot["points"]:
        x, y = (min(max(of[k], plot[a]["low"]), plot[a]["high"]) for k, a in zip("xy", AXES))
        ax.plot(x, y, of["marker"], color=of["colour"], markersize=11, clip_on=False)
        labels.append((of["name"], x, y, of["text"]))
    write_names(labels, ax=ax)


def draw_words(plot: dict[str, Any], found: Race, step: int, *, ax: Axes) -> None:
    """Write lines of words where there is nothing to draw."""
    ax.set(xticks=[], yticks=[])
    text = "\n".join(plot["words"])
    ax.text(0.04, 0.92, text, va="top", fontsize=SMALL, transform=ax.transAxes)


def line(of: dict[str, Any]) -> dict[str, Any]:
    """Colour and pattern as keywords of matplotlib's."""
    dash = (0, [part / 3 for part in of["dash"]]) if of["dash"] else "-"
    return {"color": of["colour"], "linestyle": dash, "linewidth": 2.5}


def set_axes(plot: dict[str, Any], *, ax: Axes) -> None:
    """Set limits, scales, ticks and labels as a scene has them."""
    for name, axis in (("x", plot["across"]), ("y", plot["up"])):
        scale = "log" if axis["log"] else "linear"
        limits = {f"{name}lim": (axis["low"], axis["high"]), f"{name}scale": scale}
        ax.set(**limits, **{f"{name}label": axis["label"]})
        places, texts = zip(*axis["ticks"]) if axis["ticks"] else ((), ())
        getattr(ax, f"set_{name}ticks")(places, texts, fontsize=12)
    ax.minorticks_off()


def write_names(labels: Iterable[Label], *, ax: Axes) -> None:
    """Write names beside their places, moved apart where they would lie on each other.

    From a name that was moved a thin line leads to its place.
    """
    labels = sorted(labels, key=lambda label: -share(label, ax=ax)[1])
    places = [share(label, ax=ax) for label in labels]
    gap = 17 / 72 * ax.figure.dpi / ax.get_window_extent().height  # a line of letters
    heights = spaced([y for _, y in places], gap)
    turned = ax.get_subplotspec().colspan.start == 0  # on the map there is nothing beside the axes
    for (text, *_, colour), (x, at), y in zip(labels, places, heights):
        way, side = (-1, "right") if turned and x > 0.6 else (1, "left")
        look = {"va": "center", "fontsize": 12, "color": colour, "path_effects": HALO}
        ax.text(x + 0.07 * way, y, text, ha=side, transform=ax.transAxes, **look)
        if abs(y - at) > gap / 4:
            ends = x + 0.03 * way, x + 0.06 * way
            thin = {"linewidth": 1, "linestyle": "-", "marker": "", "clip_on": False}
            ax.plot(ends, (at, y), color=colour, transform=ax.transAxes, **thin)


def spaced(heights: list[float], gap: float) -> list[float]:
    """Falling heights between 1 and 0, moved as little as a gap between them asks for.

    >>> [round(y, 2) for y in spaced([0.5, 0.45, 0.0], 0.2)]
    [0.5, 0.3, 0.1]
    """
    above, places = 1 + gap / 2, []
    for height in heights:
        above = min(height, above - gap)
        places.append(above)
    floor = -gap / 2
    for k in reversed(range(len(places))):
        places[k] = floor = max(places[k], floor + gap)
    return places


def share(label: Label, *, ax: Axes) -> tuple[float, float]:
    """Where a label's place lies in the axes, held within them."""
    at = ax.transAxes.inverted().transform(ax.transData.transform(label[1:3]))
    x, y = np.clip(np.nan_to_num(at, nan=0.5, posinf=1, neginf=0), 0.02, 0.98)
    return float(x), float(y)


DRAWERS = {
    "lines": draw_over_steps,
    "arrows": draw_arrows,
    "picture": draw_phase_diagram,
    "ranking": draw_ranking,
    "words": draw_words,
}
