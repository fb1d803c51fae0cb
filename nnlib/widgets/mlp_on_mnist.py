"""The panels of lesson 05."""

from typing import Any

import ipywidgets
import numpy as np

from nnlib.checks import Array
from nnlib.experiments import WatchedRun
from nnlib.layers import parameter_vector
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.optimizers import Adam, AdaGrad, GradientDescent, Momentum, RMSprop
from nnlib.plots.mlp_on_mnist import draw_learning
from nnlib.training import Training
from nnlib.widgets.panel import Panel

OPTIMIZERS = {rule.__name__: rule for rule in (GradientDescent, Momentum, AdaGrad, RMSprop, Adam)}
CODE = """\
from nnlib.data import load_mnist, scale
from nnlib.layers import parameter_vector
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.optimizers import {optimizer}
from nnlib.training import Training, accuracy

images = load_mnist()
model = MLP({widths}, rng=0)
optimizer = {optimizer}(parameter_vector(model)[0], lr={lr!r})
training = Training(model, softmax_cross_entropy, optimizer, scale(images.x_train), images.labels_train,
                    batch_size={batch_size}, seed=0)
training.run({steps})
print(accuracy(model, scale(images.x_test), images.labels_test))
"""


class TrainingPanel(Panel):
    """Watch a network learn: press play, or set a rule, a rate and a batch size and see the same steps again.

    What is shown is a function of the controls alone: changing one trains a new network for as many steps.

    >>> x, labels = np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1])
    >>> panel = TrainingPanel([4, 2], x, labels, x, labels, batch_sizes=[2, 4], most=20, chunk=10)
    >>> panel.run(20)
    >>> panel.words.value[:30]
    'After 20 steps of Adam at rate'
    """

    def __init__(
        self,
        widths: list[int],
        x: Array,
        labels: Array,
        x_test: Array,
        labels_test: Array,
        *,
        batch_sizes: list[int],
        most: int = 3000,
        chunk: int = 100,
    ) -> None:
        self.widths, self.data, self.unseen = widths, (x, labels), (x_test, labels_test)
        self.chunk, self.run_of = chunk, {}
        steps = ipywidgets.IntSlider(
            0, 0, most, chunk, description="steps", continuous_update=False
        )
        self.play = ipywidgets.Play(min=0, max=most, step=chunk, interval=200)
        ipywidgets.link((self.play, "value"), (steps, "value"))
        rates = {"description": "rate", "continuous_update": False, "readout_format": ".1e"}
        controls = {
            "optimizer": ipywidgets.Dropdown(
                options=list(OPTIMIZERS), value="Adam", description="rule"
            ),
            "lr": ipywidgets.FloatLogSlider(1e-3, min=-4, max=1, step=0.25, **rates),
            "batch_size": ipywidgets.SelectionSlider(
                options=batch_sizes,
                value=batch_sizes[-1],
                description="batch",
                continuous_update=False,
            ),
            "steps": steps,
        }
        super().__init__(controls, width=9, height=4)
        self.box.children = (self.play, *self.box.children)

    def run(self, steps: int) -> None:
        """Train on by so many steps and show them: what pressing play does, at once."""
        self.controls["steps"].value += steps

    def draw(self, figure: Any, optimizer: str, lr: float, batch_size: int, steps: int) -> str:
        run = self.run_for(optimizer, lr, batch_size).upto(steps)
        records, tested = run.records[:steps], [k for k in run.tested_at if k <= steps]
        draw_learning(
            np.arange(1, len(records) + 1),
            np.array([record.loss for record in records]),
            tested,
            run.test_accuracy[: len(tested)],
            axes=figure.subplots(1, 2),
        )
        words = f"{optimizer} at rate {lr:.1e} on batches of {batch_size}"
        if run.ended and len(records) < steps:
            return f"{words}: {run.ended}"
        return f"After {steps} steps of {words}: {run.test_accuracy[len(tested) - 1]:.1%} of the unseen images right."

    def run_for(self, optimizer: str, lr: float, batch_size: int) -> WatchedRun:
        """The run for these settings: the one that is under way, or a new one from the same first weights."""
        key = optimizer, lr, batch_size
        if key not in self.run_of:
            model = MLP(*self.widths, rng=0)
            rule = OPTIMIZERS[optimizer](parameter_vector(model)[0], lr=lr)
            training = Training(
                model, softmax_cross_entropy, rule, *self.data, batch_size=batch_size, seed=0
            )
            self.run_of = {key: WatchedRun(training, *self.unseen, every=self.chunk)}
        return self.run_of[key]

    def code(self, **values: Any) -> str:
        return CODE.format(widths=", ".join(map(str, self.widths)), **values)
