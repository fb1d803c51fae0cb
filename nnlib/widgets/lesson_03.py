"""The panel of lesson 03."""

from collections.abc import Mapping
from typing import Any

import ipywidgets

from nnlib.experiments.lesson_03 import COMPARED, TARGETS, Explored, escaped, explore
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
        draw_ways_out(found.paths, title=f"Above ½ first:\n{first(found.paths)}", ax=right)
        handles, labels = right.get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower center", ncols=4)
        return in_words(found)


def first(paths: Mapping[str, Any]) -> str:
    """The loss whose path is the first to stay above a half, how many are, or none."""
    steps = {name: escaped(path) for name, path in paths.items()}
    arrived = {name: step for name, step in steps.items() if step is not None}
    earliest = [name for name, step in arrived.items() if step == min(arrived.values())]
    return f"{len(earliest)} at once" if len(earliest) > 1 else (earliest or ["none"])[0]


def in_words(found: Explored) -> str:
    """What was found, a sentence for each loss."""
    told = [f"The class of the target has p = {short(found.p, 3)}."]
    for name, path in found.paths.items():
        step = escaped(path)
        when = (
            f"it is not above ½ after {counted(len(path) - 1, 'step')}"
            if step is None
            else f"it stays above ½ from step {step} on"
            if step
            else "it is above ½ from the start"
        )
        value, slope = short(found.values[name]), short(found.gradients[name][0])
        told.append(f"{name.capitalize()} {value}, with slope {slope} by z₁: {when}.")
    return " ".join(told)
