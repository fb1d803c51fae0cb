"""One step of a control to its picture, in milliseconds of kernel time; a panel may take 60.

At rest a step is drawn in full, while a hand moves on at half the resolution.
"""

import importlib
import inspect
import pkgutil
import statistics
from time import process_time

import numpy as np

import nnlib.widgets
from nnlib.data import enlarged, load_digits, scale
from nnlib.mlp import MLP
from nnlib.widgets.lesson_05 import DigitPanel, TrainingPanel
from nnlib.widgets.lesson_06 import AttentionPanel
from nnlib.widgets.panel import Panel

digits = load_digits()


def training_panel():
    """Lesson 05's panel on the bundled digits."""
    x, x_test = (scale(images, white=16) for images in (digits.x_train, digits.x_test))
    data = x, digits.labels_train, x_test, digits.labels_test
    return TrainingPanel([64, 12, 10], *data, batch_sizes=[10, 100])


MAKERS = {  # the panels that need something to be made from; any other is made from nothing
    TrainingPanel: training_panel,
    DigitPanel: lambda: DigitPanel(MLP(784, 16, 10, rng=0), enlarged(digits.x_test[:50])),
    AttentionPanel: lambda: AttentionPanel(
        digits._replace(x_train=enlarged(digits.x_train), x_test=enlarged(digits.x_test))
    ),
}


def panels():
    """The classes of all panels of the course."""
    for module in pkgutil.iter_modules(nnlib.widgets.__path__, "nnlib.widgets."):
        for _, found in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            own = found.__module__ == module.name
            if own and issubclass(found, Panel) and found.draw is not Panel.draw:
                yield found


def settings(control, count=15):
    """Values that a control can take, no two in a row alike."""
    if hasattr(control, "_options_values"):
        return [*control._options_values] * 3
    if not hasattr(control, "min"):
        return []
    values, kind = np.linspace(control.min, control.max, count), type(control.value)
    return [kind(control.base**v if hasattr(control, "base") else v) for v in values]


def controls_of(panel):
    """The controls of a panel by name; a test image is chosen instead of drawn."""
    return {"choice": panel.choice} if isinstance(panel, DigitPanel) else panel.controls


def step(panel, control):
    """The median times from a new value of a control to the picture: at rest, and on the way.

    Afterwards the control is as it was: what one costs does not hang on what another did.
    """
    times, first = [], control.value
    for value in settings(control):
        start = process_time()
        control.value = value
        middle = process_time()
        Panel.show(panel, rough=True)
        times.append((middle - start, process_time() - middle))
    control.value = first
    return [1000 * statistics.median(column) for column in zip(*times)] if times else [0.0, 0.0]


def main():
    """Print a line for each panel: its slowest control."""
    print(f"{'':22} at rest  moving")
    for make in panels():
        panel = MAKERS.get(make, make)()
        times = {name: step(panel, control) for name, control in controls_of(panel).items()}
        slowest = max(times, key=times.get)
        rest, moving = times[slowest]
        print(f"{make.__name__:22} {rest:4.0f} ms {moving:4.0f} ms, by {slowest}", flush=True)


if __name__ == "__main__":
    main()
