"""What the race shows, described once for the canvas in a page and for matplotlib's pictures.

A scene is plain values: the map with its axes and runners, a curve and a view, each with its title,
its axes and what stands in it. The runs themselves are tracks: for each runner and each channel of
the scene a number for each step.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from nnlib.checks import Array
from nnlib.experiments.grounds import NAMES
from nnlib.experiments.race import Race, Run, Runner, settings_of
from nnlib.optimizers import OPTIMIZERS
from nnlib.plots.canvas import COLOURS, MARKERS
from nnlib.plots.race_axes import fitting, linear

DASHES = [
    [],
    [10, 5],
    [10, 4, 2, 4],
    [2, 4],
    [10, 3, 2, 3, 2, 3],
    [2, 8],
]  # canvas.LINES, in pixels
MOST = len(COLOURS)  # runners that can be told apart
MEMORY = {"Momentum": "v"}  # the moment that is a direction, where it is not m
Face = dict[str, Any]  # how a runner looks: name, colour, text (a darker one), dash, marker
CHANNELS: dict[str, Callable[[Run], Array]] = {
    "x": lambda run: run.path[:, 0],
    "y": lambda run: run.path[:, 1],
    "loss": lambda run: run.values,
    "norm": lambda run: run.norms,
    "rate x": lambda run: run.rates[:, 0],
    "rate y": lambda run: run.rates[:, 1],
    "downhill x": lambda run: -run.given[:, 0],
    "downhill y": lambda run: -run.given[:, 1],
    "memory x": lambda run: -memory(run)[:, 0],
    "memory y": lambda run: -memory(run)[:, 1],
    "step x": lambda run: run.moves[:, 0],
    "step y": lambda run: run.moves[:, 1],
}
CURVES = {"loss": "The loss", "norm": "The length of the gradient"}


def memory(run: Run) -> Array:
    """The moment that says where a rule goes, as it was when each step was taken; else nan."""
    name = MEMORY.get(run.runner.rule, "m")
    return run.state[name][1:] if name in run.state else np.full_like(run.given, np.nan)


# -- how runners look ------------------------------------------------------------------------------


def faces(runners: Sequence[Runner]) -> list[Face]:
    """A name and a look for each runner, so that all differ.

    The first runner of each rule looks as that rule does in every race.

    >>> two = faces([Runner("Adam", 0.1), Runner("Adam", 0.1, (("eps_inside", True),))])
    >>> [face["name"] for face in two], two[0]["colour"], two[1]["colour"]
    (['Adam', 'Adam, eps inside'], '#CC79A7', '#0072B2')
    """
    own = {rule: k for k, rule in enumerate(OPTIMIZERS)}
    looks: list[int] = []
    for runner in runners:
        taken = {*looks, *(own[one.rule] for one in runners)} if own[runner.rule] in looks else ()
        free = [k for k in range(MOST) if k not in taken]
        looks.append(free[0] if taken else own[runner.rule])
    return [{"name": name, **look(k)} for name, k in zip(names(runners), looks)]


def look(k: int) -> Face:
    """Colour, pattern and marker of this number, and a colour that is dark enough to be read."""
    shades = (int(COLOURS[k][at : at + 2], 16) * 7 // 10 for at in (1, 3, 5))
    dark = "#" + "".join(f"{shade:02X}" for shade in shades)
    return {"colour": COLOURS[k], "text": dark, "dash": DASHES[k], "marker": MARKERS[k]}


def names(runners: Sequence[Runner]) -> list[str]:
    """The rule of each runner, with what tells it from others of the same rule.

    >>> names([Runner("Adam", 0.1), Runner("Momentum", 0.1), Runner("Momentum", 1.0)])
    ['Adam', 'Momentum 0.1', 'Momentum 1']
    """
    told = []
    for one in runners:
        same = [other for other in runners if other.rule == one.rule]
        alike = [other for other in same if other.settings == one.settings]
        rate = f" {one.lr:g}" if len(alike) > 1 else ""
        settings = [in_short(one.rule, *setting) for setting in one.settings if len(same) > 1]
        told.append(", ".join([one.rule + rate, *settings]))
    return told


def in_short(rule: str, name: str, value: Any) -> str:
    """A setting that is not the default, in a word or two."""
    words = name.replace("_", " ")
    if isinstance(value, bool):
        return words if value else f"no {words}"
    plain = isinstance(settings_of(rule)[name], str)
    return str(value).replace("_", " ") if plain else f"{words} {value:g}"


# -- scenes ----------------------------------------------------------------------------------------


def scene(found: Race, *, curve: str, view: dict[str, Any]) -> dict[str, Any]:
    """A race as it is shown: its map, a curve over the steps, a view.

    curve   "loss" or "norm".
    view    what one of ``race_views.VIEWS`` describes.

    >>> from nnlib.experiments.race import Setting, race
    >>> from nnlib.plots.race_views import effective_rates
    >>> found = race(Setting((Runner("Adam", 0.1),), steps=50))
    >>> drawn = scene(found, curve="loss", view=effective_rates(found, 0))
    >>> drawn["channels"], drawn["curve"]["title"]
    (['x', 'y', 'loss', 'rate x', 'rate y'], 'The loss at each step')
    """
    (left, right), (low, high) = found.landscape.domain
    runners = faces([run.runner for run in found.runs])
    rows = [CHANNELS[curve](run) for run in found.runs]
    lines = [{"runner": r, "channel": curve, **face} for r, face in enumerate(runners)]
    plot = over_steps(found, f"{CURVES[curve]} at each step", lines, fitting(rows))
    ground = found.setting.ground
    return {
        "last": found.setting.steps,
        "leads": leads(found),
        "channels": list(dict.fromkeys(["x", "y", *channels_of(plot), *channels_of(view)])),
        "runners": [face | {"end": int(run.ended)} for face, run in zip(runners, found.runs)],
        "map": {
            "title": ground if ground in NAMES else "your function",
            "across": linear(left, right, "x"),
            "up": linear(low, high, "y"),
        },
        "curve": plot,
        "view": view,
    }


def over_steps(
    found: Race, title: str, lines: list[dict[str, Any]], up: dict[str, Any]
) -> dict[str, Any]:
    """A plot of lines over the steps."""
    across = linear(0, found.setting.steps, "step")
    return {"kind": "lines", "title": title, "across": across, "up": up, "lines": lines}


def channels_of(plot: dict[str, Any]) -> list[str]:
    """The channels that a curve or a view is drawn from."""
    lines = [line["channel"] for line in plot.get("lines", ())]
    return lines + [name for arrow in plot.get("arrows", ()) for name in arrow["channels"]]


def leads(found: Race) -> list[int]:
    """Which runner has the lowest value at each step, -1 where several are level.

    Level is who lies no further apart than a millionth of the way from the start down to there.

    >>> from nnlib.experiments.race import Setting, race
    >>> runners = Runner("GradientDescent", 0.1), Runner("Momentum", 0.2)
    >>> leads(race(Setting(runners, "bowl", start=(8.0, 0.0), steps=3)))
    [-1, 1, 1, 1]
    """
    steps = np.arange(found.setting.steps + 1)
    values = [np.where(steps <= run.ended, run.values, np.inf) for run in found.runs]
    nobody = np.full((2, len(steps)), np.inf)
    lowest = np.sort([*values, *nobody], axis=0)
    with np.errstate(invalid="ignore"):
        clear = lowest[1] - lowest[0] > 1e-6 * np.abs(lowest[0, 0] - lowest[0])
    return np.where(clear, np.argmin([*values, *nobody], axis=0), -1).tolist()


def tracks(found: Race, channels: Iterable[str]) -> bytes:
    """The runs as float32: for each runner and channel a number for each step, nan where none is.

    >>> from nnlib.experiments.race import Setting, race
    >>> found = race(Setting((Runner("Adam", 0.1),), start=(8.0, 0.0), steps=2))
    >>> np.frombuffer(tracks(found, ["x", "norm"]), np.float32).reshape(2, 3).round(2)
    array([[8. , 7.9, 7.8],
           [8. , 7.9, nan]], dtype=float32)
    """
    steps, wanted = found.setting.steps, list(channels)
    rows = np.full((len(found.runs), len(wanted), steps + 1), np.nan, np.float32)
    with np.errstate(over="ignore"):  # what is too large for float32 lies beyond every picture
        for r, run in enumerate(found.runs):
            for c, name in enumerate(wanted):
                values = CHANNELS[name](run)
                rows[r, c, : len(values)] = values
    return rows.tobytes()
