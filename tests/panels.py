"""Every panel of the course, and what its controls can be set to."""

import os
import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules

import nnlib.widgets
from nnlib.data import enlarged, load_digits, scale
from nnlib.mlp import MLP
from nnlib.widgets.lesson_04 import RacePanel
from nnlib.widgets.lesson_05 import DigitPanel, TrainingPanel
from nnlib.widgets.lesson_06 import AttentionPanel
from nnlib.widgets.panel import Panel

DIGITS = load_digits()
DATA = """\
import numpy as np
from nnlib.data import load_digits, scale

digits = load_digits()
x, labels = scale(digits.x_train[:300], white=16), digits.labels_train[:300]
x_test, labels_test = scale(digits.x_test, white=16), digits.labels_test
"""
IMAGES = """\
from nnlib.data import enlarged, load_digits

digits = load_digits()
images = digits._replace(x_train=enlarged(digits.x_train), x_test=enlarged(digits.x_test))
"""
MODEL = """\
from nnlib.mlp import MLP

model = MLP(784, 16, 10, rng=3)
"""
STEPS, CHUNK, BATCHES = 40, 10, [10, 60]


def training_panel(**shape):
    """A panel on a small network and few images."""
    x, x_test = scale(DIGITS.x_train[:300], white=16), scale(DIGITS.x_test, white=16)
    data = x, DIGITS.labels_train[:300], x_test, DIGITS.labels_test
    shape = {"batch_sizes": BATCHES, "most": STEPS, "chunk": CHUNK} | shape
    return TrainingPanel([64, 12, 10], *data, **shape, data_as_code=DATA)


def digit_panel():
    """A panel on a network that has learned nothing, and enlarged test images."""
    model = MLP(784, 16, 10, rng=3)
    return DigitPanel(model, enlarged(DIGITS.x_test[:50]), model_as_code=MODEL)


def attention_panel(**shape):
    """A panel on the bundled digits, with a run of few steps."""
    images = DIGITS._replace(x_train=enlarged(DIGITS.x_train), x_test=enlarged(DIGITS.x_test))
    return AttentionPanel(images, images_as_code=IMAGES, **{"most": STEPS, "chunk": CHUNK} | shape)


def panels_of_the_course():
    """The class of every panel, in the order of the lessons."""
    for module in iter_modules(nnlib.widgets.__path__, "nnlib.widgets."):
        kinds = [x for x in vars(import_module(module.name)).values() if isinstance(x, type)]
        own = [kind for kind in kinds if kind.__module__ == module.name and kind is not Panel]
        yield from (kind for kind in own if issubclass(kind, Panel) and kind.draw is not Panel.draw)


def race_panel():
    """A race as it is where no canvas can be, for a canvas is drawn in the browser alone."""
    return RacePanel(canvas=False)


CLASSES = list(panels_of_the_course())
MADE_FROM_DATA = {  # others: from nothing
    TrainingPanel: training_panel,
    DigitPanel: digit_panel,
    RacePanel: race_panel,
    AttentionPanel: attention_panel,
}
PANELS = [MADE_FROM_DATA.get(panel, panel) for panel in CLASSES]


def moved(panel):
    """Set each control to both of its ends, one after the other; yield after each."""
    controls = dict(panel.controls)
    if isinstance(panel, DigitPanel):
        controls = {"choice": panel.choice}
    for name, control in controls.items():
        first = control.value
        for end in ends(control):
            control.value = end
            assert panel.message.value == ""
            yield name, end
        control.value = first


LINES = {  # of text, what can be written there
    "containing": ("softmax", ""),
    "f(x, y) =": ("x**2 + 3 * y**2", "sin(x) + cos(2 * y)"),
    "source": ("1/2/03", "wednesday, 30 september 1987"),
    "written": ("1987-03-01END", ""),
}


def ends(control):
    """The first and the last value of a control; of a line of text, two that it takes."""
    if isinstance(control.value, bool):
        return True, False
    if hasattr(control, "options"):
        return control._options_values[0], control._options_values[-1]
    if hasattr(control, "base"):
        return control.base**control.min, control.base**control.max
    return (control.min, control.max) if hasattr(control, "min") else LINES[control.description]


def run_code(code, **env):
    """What the code prints in a fresh kernel, and the last line of its error."""
    command, env = [sys.executable, "-W", "error", "-c", code], os.environ | env
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    return done.stdout.strip(), (done.stderr.strip().splitlines() or [""])[-1]
