"""Panels that show a training run on its way: play, steps, and training in slices."""

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import ipywidgets

from nnlib.experiments.watched import WatchedRun
from nnlib.widgets.panel import Panel, event_loop, row

SLICE, PAUSE = 0.1, 0.01  # seconds to train before drawing, and for the page to be heard after it


class Advancing(Panel):
    """A panel on a run that is trained as far as its control ``steps`` says.

    Its ``measure`` asks ``train`` for that. In a kernel a long way is gone in slices, drawn after
    each, and the page is heard in between, so that a new setting ends it; elsewhere at once.

    most, chunk   how far the steps go, and how many are taken at a time.
    """

    def __init__(self, controls: Mapping[str, Any], *, most: int, chunk: int, **shape: Any) -> None:
        self.most, self.chunk = most, chunk
        self.runs: dict[Any, WatchedRun] = {}  # by their settings, the last one used at the end
        steps = ipywidgets.IntSlider(0, 0, most, chunk, description="steps")
        steps.continuous_update, steps.layout.width = False, "600px"
        self.play = ipywidgets.Play(max=most, step=chunk, interval=250, description="train")
        self.play.show_repeat = False
        ipywidgets.link((self.play, "value"), (steps, "value"))
        super().__init__({**controls, "steps": steps}, **shape)

    def play_row(self) -> Any:
        """Play and steps side by side."""
        return row(ipywidgets.Label("train"), self.play, self.controls["steps"])

    def run_now(self) -> WatchedRun:
        """The run that the controls ask for."""
        raise NotImplementedError

    def run_for(self, settings: Any) -> WatchedRun:
        """The run of these settings: one under way, or a new one at its start; eight are kept."""
        run = self.runs.pop(settings, None) or self.new_run(*settings)
        self.runs = dict(list(self.runs.items())[-7:]) | {settings: run}
        return run

    def new_run(self, *settings: Any) -> WatchedRun:
        """A run at its start."""
        raise NotImplementedError

    def run(self, steps: int) -> None:
        """Train on by so many steps and show them: what pressing play does, at once.

        Errors   those that the panel would only tell of.
        """
        slider = self.controls["steps"]
        steps = min(slider.value + steps, self.most)
        self.run_now().upto(steps)
        slider.value = steps
        if self.error is not None:
            raise self.error

    def refresh(self, *, rough: bool = False) -> None:
        """As in every panel; in a kernel, a slice of the way there, and the next one soon."""
        super().refresh(rough=rough)
        steps = self.controls["steps"].value
        if event_loop() is not None and self.error is None and behind(self.run_now(), steps):
            self.after(PAUSE, self.refresh)

    def train(self, run: WatchedRun, steps: int) -> None:
        """Take a run to so many steps; in a kernel, as far as it comes in a slice of time."""
        if event_loop() is None:
            run.upto(steps)
        end = perf_counter() + SLICE
        while behind(run, steps) and perf_counter() < end:
            run.upto(run.training.steps + 1)


def behind(run: WatchedRun, steps: int) -> bool:
    """Whether a run has still some way to go to so many steps."""
    return not run.ended and run.training.steps < steps
