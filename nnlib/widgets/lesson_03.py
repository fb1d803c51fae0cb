"""The panel of lesson 03."""

from collections.abc import Mapping
from typing import Any

import ipywidgets

from nnlib.experiments.lesson_03 import COMPARED, TARGETS, Explored, arrived, explore
from nnlib.plots.lesson_03 import draw_losses_at, draw_pulls, draw_ways_out
from nnlib.widgets.panel import Panel
from nnlib.words import counted, short


class LossPanel(Panel):
    """A prediction under several losses: value, pull, and the way that gradient descent takes.

    >>> panel = LossPanel()
    >>> panel.words.value[:67]
    'The class of the target has p = 3.4·10⁻⁴. Cross-entropy 8, with slo'
    """

    measure = staticmethod(explore)

    def __init__(self) -> None:
        outputs = ipywidgets.Dropdown(options=list(TARGETS), description="output")
        target = ipywidgets.Dropdown(options=list(TARGETS["one score"]), description="target")
        losses = ipywidgets.Dropdown(options=list(COMPARED), description="losses")
        scores = {
            name: ipywidgets.FloatSlider(value, min=-10, max=10, step=0.5, description=name)
            for name, value in (("z1", -8.0), ("z2", 0.0), ("z3", 0.0))
        }
        lr = ipywidgets.SelectionSlider(
            options=[0.1, 0.3, 1.0, 3.0], value=1.0, description="learning rate"
        )
        steps = ipywidgets.SelectionSlider(
            options=[10, 30, 100, 300], value=100, description="steps"
        )
        for control in scores.values():
            control.layout.width = "270px"
        for control in (outputs, target, losses, lr, steps):
            control.layout.width = "260px"
        for name in ("z2", "z3"):
            scores[name].disabled = True
            outputs.observe(
                lambda change, own=scores[name]: setattr(
                    own, "disabled", change["new"] == "one score"
                ),
                "value",
            )
        controls = {"outputs": outputs, "target": target, "losses": losses}
        controls |= scores | {"lr": lr, "steps": steps}
        margins = {"left": 0.07, "right": 0.985, "bottom": 0.28, "top": 0.84, "wspace": 0.36}
        super().__init__(controls, width=9.3, height=4.3, margins=margins)

    def draw(self, figure: Any, found: Explored) -> str:
        left, middle, right = figure.subplots(1, 3)
        names = ["z₁", "z₂", "z₃"][: len(found.z)]
        dearest = max(found.values, key=lambda name: found.values[name])
        strongest = max(found.gradients, key=lambda name: abs(found.gradients[name]).max())
        draw_losses_at(
            found.z[0],
            found.at,
            found.curves,
            name=names[0],
            title=f"Costs most:\n{dearest}",
            ax=left,
        )
        draw_pulls(found.gradients, names, title=f"Pulls hardest:\n{strongest}", ax=middle)
        goal = "Above ½" if found.goal == 1 else f"At {found.goal:g}"
        title = f"{goal} first:\n{first(found.paths, found.goal)}"
        draw_ways_out(found.paths, goal=found.goal, title=title, ax=right)
        handles, labels = right.get_legend_handles_labels()
        behind = {"squares": f"squares behind {'a sigmoid' if len(names) == 1 else 'softmax'}"}
        called = [behind.get(label, label) for label in labels]
        figure.legend(handles, called, loc="lower center", ncols=4)
        return in_words(found)


def first(paths: Mapping[str, Any], goal: float = 1.0) -> str:
    """The loss whose path is the first to arrive and stay, how many are, or none."""
    steps = {name: arrived(path, goal) for name, path in paths.items()}
    soonest = min((step for step in steps.values() if step is not None), default=None)
    if soonest is None:
        return "none"
    earliest = [name for name, step in steps.items() if step == soonest]
    if soonest == 0:
        return f"{earliest[0] if len(earliest) == 1 else len(earliest)} from the start"
    return f"{len(earliest)} at once" if len(earliest) > 1 else earliest[0]


def in_words(found: Explored) -> str:
    """What was found, a sentence for each loss."""
    told = [f"The class of the target has p = {short(found.p, 3)}."]
    place = "above ½" if found.goal == 1 else f"at {found.goal:g}"
    for name, path in found.paths.items():
        step = arrived(path, found.goal)
        when = (
            f"it is not {place} after {counted(len(path) - 1, 'step')}"
            if step is None
            else f"it stays {place} from step {step} on"
            if step
            else f"it is {place} from the start"
        )
        value, slope = short(found.values[name]), short(found.gradients[name][0])
        told.append(f"{name.capitalize()} {value}, with slope {slope} by z₁: {when}.")
    return " ".join(told)
