"""The views of a race, of which the reader chooses one: each describes itself for a scene."""

from collections.abc import Callable
from typing import Any

import numpy as np

from nnlib.experiments.grounds import NETWORKS
from nnlib.experiments.quadratic import phases
from nnlib.experiments.race import Race
from nnlib.experiments.tuning import ranking
from nnlib.plots.canvas import GREY, INK
from nnlib.plots.race import faces, memory, over_steps
from nnlib.plots.race_axes import fitting, linear, logarithmic
from nnlib.plots.race_fields import phase_picture

STARTS = 20  # of the ranking; fewer where a gradient is a network's
View = dict[str, Any]


def in_words(title: str, *words: str) -> View:
    """A view that says why it shows nothing."""
    return {"kind": "words", "title": title, "words": list(words)}


def nobody() -> View:
    """The view of one who does not run."""
    return in_words("Nobody to look at", "Switch the runner on,", "or look at another one.")


def effective_rates(found: Race, looked: int | None) -> View:
    """How far a unit of gradient moves each coordinate of one runner, over the steps.

    >>> from nnlib.experiments.race import Runner, Setting, race
    >>> found = race(Setting((Runner("Adam", 0.1),), steps=50))
    >>> [line["name"] for line in effective_rates(found, 0)["lines"]]
    ['along x', 'along y']
    """
    if looked is None:
        return nobody()
    if beside := found.runs[looked].beside:
        words = f"Each of {beside.size} weights", "has its own: x and y", "are none of them."
        return in_words("Step ÷ gradient", *words)
    face = faces([run.runner for run in found.runs])[looked]
    other = {"colour": INK, "text": INK, "dash": [8, 4], "marker": "s"}
    lines = [
        {"runner": looked, "channel": f"rate {axis}", **of, "name": f"along {axis}"}
        for axis, of in (("x", face | {"dash": []}), ("y", other))
    ]
    rates = [run.rates[:, k] for run in found.runs for k in (0, 1)]
    title = f"Step ÷ gradient: {face['name']}"
    return over_steps(found, title, lines, fitting(rates))


def arrows(found: Race, looked: int | None) -> View:
    """The gradient, the memory and the step of one runner, each at a scale of its own.

    >>> from nnlib.experiments.race import Runner, Setting, race
    >>> found = race(Setting((Runner("AdaGrad", 0.1),), steps=50))
    >>> [arrow["name"] for arrow in arrows(found, 0)["arrows"]]
    ['−gradient', 'step']
    """
    if looked is None:
        return nobody()
    face = faces([run.runner for run in found.runs])[looked]
    grey = {"colour": GREY, "text": "#555555", "width": 3, "dash": []}
    ink = {"colour": INK, "text": INK, "width": 3, "dash": [8, 4]}
    own = {"colour": face["colour"], "text": face["text"], "width": 5, "dash": []}
    looks = {"downhill": grey | {"name": "−gradient", "reach": 0.30}}
    if not np.isnan(memory(found.runs[looked])).all():
        looks["memory"] = ink | {"name": "−memory", "reach": 0.36}
    looks["step"] = own | {"name": "step", "reach": 0.42}
    drawn = [of | {"channels": [f"{name} x", f"{name} y"]} for name, of in looks.items()]
    seen = "Directions on the map" if found.runs[looked].beside else "Directions and lengths"
    return {"kind": "arrows", "title": f"{seen}: {face['name']}", "runner": looked, "arrows": drawn}


def phase_diagram(found: Race, looked: int | None) -> View:
    """Rate and momentum of the runners in the phase diagram of a quadratic; elsewhere words.

    The diagram is that of the form of the momentum that is looked at, or else of the first.

    >>> from nnlib.experiments.race import Runner, Setting, race
    >>> phase_diagram(race(Setting((Runner("Adam", 0.1),), "saddle")), 0)["words"]
    ['In closed form only', 'for a quadratic:', 'bowl or ravine.']
    """
    kappa = {"bowl": 1.0, "ravine": found.setting.kappa}.get(found.setting.ground)
    if kappa is None:
        words = "In closed form only", "for a quadratic:", "bowl or ravine."
        return in_words("The phase diagram", *words)
    rules: list[Any] = [run.runner.on(np.zeros(1)) for run in found.runs]
    balls = [rule for rule in rules if rule.name == "Momentum"]
    if looked is not None and rules[looked] in balls:
        balls.insert(0, rules[looked])
    of: dict[str, Any] = {"kappa": kappa, "form": "standard", "nesterov": False}
    of |= {"form": balls[0].form, "nesterov": balls[0].nesterov} if balls else {}
    points = [
        face | {"x": rule.lr, "y": getattr(rule, "momentum", 0.0)}
        for rule, face in zip(rules, faces([run.runner for run in found.runs]))
        if rule.name in ("GradientDescent", "Momentum")
    ]
    phase = phases(**of)
    return {
        "kind": "picture",
        "title": "What a step leaves (red: more)",
        "across": logarithmic(phase.rates[0], phase.rates[-1], "rate"),
        "up": linear(0, phase.momenta[-1], "momentum"),
        "points": points,
        "of": of,
    }


def inset(view: View) -> bytes:
    """The PNG under a view, empty where there is none."""
    return phase_picture(**view["of"]) if view["kind"] == "picture" else b""


def ranks(found: Race, looked: int | None) -> View:
    """The mean rank of each runner from random starts, and the middle half of its ranks.

    >>> from nnlib.experiments.race import Runner, Setting, race
    >>> two = Runner("GradientDescent", 0.001), Runner("GradientDescent", 0.03)
    >>> [(row["name"], row["mean"]) for row in ranks(race(Setting(two)), None)["rows"]]
    [('GradientDescent 0.03', 1.0), ('GradientDescent 0.001', 2.0)]
    """
    if not found.runs:
        return nobody()
    starts = 5 if found.setting.ground in NETWORKS else STARTS
    many = ranking(found.setting._replace(start=(0.0, 0.0)), starts=starts)  # kept for any start
    rows = [
        face | {"mean": float(mean), "spread": spread.tolist(), "lost": int(lost)}
        for face, mean, spread, lost in zip(
            faces(many.runners), many.mean, many.spread, many.diverged
        )
    ]
    for row in rows:
        row["name"] += f" ✕{row['lost']}" if row["lost"] else ""
    across = linear(0.5, len(rows) + 0.5, "rank: mean and middle half")
    across["ticks"] = [[k, str(k)] for k in range(1, len(rows) + 1)]
    title = f"Ranks from {starts} other starts" + " (✕ diverged)" * any(many.diverged)
    rows.sort(key=lambda row: row["mean"])
    return {"kind": "ranking", "title": title, "across": across, "rows": rows}


VIEWS: dict[str, Callable[[Race, int | None], View]] = {
    "random starts": ranks,
    "effective rates": effective_rates,
    "arrows of this step": arrows,
    "phase diagram": phase_diagram,
}
