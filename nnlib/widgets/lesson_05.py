"""The panels of lesson 05."""

from base64 import b64encode
from textwrap import fill
from typing import Any
from zlib import compress

import ipywidgets

from nnlib.checks import Array
from nnlib.experiments.lesson_05 import Reading, Watched, ink_size, read_drawing
from nnlib.experiments.watched import WatchedRun
from nnlib.layers import Model
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.optimizers import OPTIMIZERS
from nnlib.parameters import parameter_vector
from nnlib.plots.images import draw_digit
from nnlib.plots.lesson_05 import draw_learning, draw_probabilities
from nnlib.training import Training
from nnlib.widgets.advancing import Advancing
from nnlib.widgets.digit_pad import SCALE, SIDE, DigitPad
from nnlib.widgets.panel import WHOLE, Panel, row
from nnlib.words import counted

RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]
Settings = tuple[str, float, int]  # rule, rate, images a batch
MNIST = """\
from nnlib.data import load_mnist, scale

images = load_mnist()
x, labels = scale(images.x_train), images.labels_train
x_test, labels_test = scale(images.x_test), images.labels_test
"""
TRAIN = """
from nnlib.parameters import parameter_vector
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.optimizers import {optimizer}
from nnlib.training import Training, accuracy

model = MLP({widths}, rng=0)
rule = {optimizer}(parameter_vector(model)[0], lr={lr})
loss = softmax_cross_entropy
training = Training(model, loss, rule, x, labels, batch_size={batch_size}, seed=0)
training.run({steps})
print(accuracy(model, x_test, labels_test))
"""
DRAWN = -1  # the number of the test image when what is on the pad is none
LESSON = f"""\
# the network of lesson 05; a panel on another one is given the lines that make that
{MNIST}
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.optimizers import Adam
from nnlib.parameters import parameter_vector
from nnlib.training import Training

widths = [784, 40, 30, 20, 10]
model, epochs = MLP(*widths, rng=0), 100 if images.bundled else 10
rule, options = Adam(parameter_vector(model)[0]), {{"batch_size": 100, "seed": 0}}
training = Training(model, softmax_cross_entropy, rule, x, labels, **options)
training.run(epochs * training.steps_per_epoch)
"""
READ = """
from base64 import b64decode
from zlib import decompress

import numpy as np

from nnlib.experiments.lesson_05 import read_digit

drawn = \"\"\"
{drawn}
\"\"\"
image = np.frombuffer(decompress(b64decode(drawn)), np.uint8).reshape(28, 28)
p = read_digit(model, image)
print(p.argmax(), p.max())
"""


class TrainingPanel(Advancing):
    """Watch a network learn: press play, or set rule, rate and batch and see the same steps again.

    What is shown is a function of the controls alone: changing one trains a new network, from the
    same first weights, for as many steps. The run shown before it stays as grey dashed lines. In a
    kernel a long way is gone in slices, drawn after each, and the page is heard in between, so that
    a new setting ends it; elsewhere it is gone at once.

    batch_sizes    the choices, the last of them chosen at first.
    most, chunk    how far the steps go, and how many are taken, and then tested, at a time.
    data_as_code   lines that make x, labels, x_test and labels_test, for the state as code.

    >>> import numpy as np
    >>> x, labels = np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1])
    >>> panel = TrainingPanel([4, 2], x, labels, x, labels, batch_sizes=[2, 4], most=20, chunk=10)
    >>> panel.run(20)
    >>> panel.words.value[:35]
    'After 20 steps of Adam at rate 0.00'
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
        data_as_code: str = MNIST,
    ) -> None:
        self.widths, self.data, self.unseen = widths, (x, labels), (x_test, labels_test)
        self.data_as_code = data_as_code
        rule = ipywidgets.Dropdown(options=list(OPTIMIZERS), value="Adam", description="rule")
        rates = [(f"{rate:g}", rate) for rate in RATES]
        lr = ipywidgets.SelectionSlider(options=rates, value=0.001, description="rate")
        batch = ipywidgets.SelectionSlider(
            options=batch_sizes, value=batch_sizes[-1], description="images a batch"
        )
        for slider, width in ((lr, 300), (batch, 300), (rule, 220)):
            slider.layout.width = f"{width}px"
        for slider in (lr, batch):
            slider.continuous_update = False
        controls = {"optimizer": rule, "lr": lr, "batch_size": batch}
        margins = {"left": 0.12, "right": 0.97, "bottom": 0.16, "top": 0.9, "wspace": 0.2}
        shape: Any = {"width": 9, "height": 4, "margins": margins}
        super().__init__(controls, most=most, chunk=chunk, **shape)

    def layout(self) -> Any:
        """As in every panel, with play and steps in a row of their own."""
        box, (*settings, _) = super().layout(), self.controls.values()
        box.children = (self.play_row(), row(*settings), *box.children[1:])
        return box

    def run_now(self) -> WatchedRun:
        """The run that the controls ask for."""
        values = self.values()
        values.pop("steps")
        return self.run_for(tuple(values.values()))

    def measure(self, optimizer: str, lr: float, batch_size: int, steps: int) -> Watched:
        """Train as far as there is time for, and see what has come of it."""
        settings = optimizer, lr, batch_size
        run = self.run_for(settings)
        self.train(run, steps)
        earlier = [one for one in list(self.runs)[-2:-1] if self.runs[one].records]
        runs = {differs(settings, *earlier): run.curves(steps)}
        runs |= {differs(one, settings): self.runs[one].curves(steps) for one in earlier}
        return Watched(*settings, steps, run.training.steps, run.ended, runs)

    def draw(self, figure: Any, found: Watched) -> str:
        optimizer, lr, batch_size, steps, done, ended, runs = found
        going = f"Training ... {done} of {steps}" if done < steps and not ended else ""
        axes, now = figure.subplots(1, 2, width_ratios=(4, 5)), next(iter(runs.values()))
        draw_learning(runs, most=self.most, going=going, axes=axes)
        words = f"{optimizer} at rate {lr:g} on batches of {batch_size}"
        if now.diverged:
            return f"{words}: {ended}"
        at, right = now.tested_at[-1], now.test_accuracy[-1]
        when = f"After {counted(at, 'step')}" if at else "Before the first step"
        guessing = ", no better than guessing" if right < 1.5 / self.widths[-1] else ""
        seen = f"{when} of {words}, {right:.3f} of the unseen images are read rightly{guessing}."
        return f"{going} steps. {seen}" if going else seen

    def code(self, optimizer: str, lr: float, batch_size: int, steps: int) -> str:
        now = self.run_for((optimizer, lr, batch_size)).curves(steps)
        values = {"optimizer": optimizer, "lr": lr, "batch_size": batch_size}
        values["steps"] = steps if now.diverged else now.tested_at[-1]
        return self.data_as_code + TRAIN.format(widths=", ".join(map(str, self.widths)), **values)

    def new_run(self, optimizer: str, lr: float, batch_size: int) -> WatchedRun:
        """A run from the same first weights."""
        model = MLP(*self.widths, rng=0)
        rule = OPTIMIZERS[optimizer](parameter_vector(model)[0], lr=lr)
        loss = softmax_cross_entropy
        training = Training(model, loss, rule, *self.data, batch_size=batch_size, seed=0)
        return WatchedRun(training, *self.unseen, every=self.chunk)


def differs(settings: Settings, *other: Settings) -> str:
    """What tells these settings from the other ones, or all of them when there are none.

    >>> differs(("Adam", 0.1, 30), ("Adam", 0.3, 30))
    'rate 0.1'
    """
    optimizer, lr, batch_size = settings
    words = optimizer, f"rate {lr:g}", f"batches of {batch_size}"
    others = other[0] if other else (None, None, None)
    return ", ".join(word for word, a, b in zip(words, settings, others) if a != b)


class DigitPanel(Panel):
    """Draw a digit and see what a network takes it for, while you draw.

    A drawing is cropped, scaled and centred as the images were that the network learned from; what
    it then sees is shown beside the pad. Without a pad (no anywidget) test images can be chosen.

    model           takes rows of 784 pixels in [0, 1].
    images          test images, uint8 (N, 28, 28), to choose from; the first is shown at first.
    model_as_code   lines that make ``model``, for the state as code; without them, those of lesson
                    05, which train its network.

    >>> from numpy import eye, uint8
    >>> panel = DigitPanel(MLP(784, 10, rng=0), eye(28, dtype=uint8)[None] * 255)
    >>> panel.words.value[:23]
    'The network reads it as'
    """

    def __init__(
        self,
        model: Model,
        images: Array,
        *,
        model_as_code: str = LESSON,
    ) -> None:
        self.model, self.model_as_code = model, model_as_code
        kind = str(getattr(images, "dtype", type(images).__name__))
        shape = getattr(images, "shape", "without a shape")
        if kind != "uint8" or shape[-2:] != (28, 28):
            raise ValueError(
                f"DigitPanel: images must be uint8 of shape (N, 28, 28); got {kind} {shape}."
            )
        self.images = images.reshape(-1, 28, 28)
        self.size, self.pad = ink_size(self.images[:1000]), DigitPad()
        self.choice = ipywidgets.IntSlider(0, DRAWN, len(self.images) - 1)
        self.choice.description, self.choice.readout = "test image", False
        self.chosen = ipywidgets.Label("0")  # for a readout could only be a number
        self.choice.observe(lambda change: self.choose(change["new"]), "value")
        self.pad.observe(lambda change: self.look_whether_drawn(), "value")
        self.choose(0)
        margins = {"left": 0.02, "right": 0.985, "bottom": 0.17, "top": 0.89, "wspace": 0.3}
        super().__init__({"ink": self.pad}, width=6.2, height=3.4, margins=margins)

    def choose(self, k: int) -> None:
        """Put a test image on the pad, or leave it as it is when it is none of them."""
        self.chosen.value = "none" if k == DRAWN else f"{k}"
        if k != DRAWN:
            self.pad.value = self.inked(k)

    def inked(self, k: int) -> bytes:
        """A test image as the pad has it."""
        return self.images[k].repeat(SCALE, axis=0).repeat(SCALE, axis=1).tobytes()

    def look_whether_drawn(self) -> None:
        """Choose no test image once something else is on the pad."""
        k = self.choice.value
        if k != DRAWN and self.pad.value != self.inked(k):
            self.choice.value = DRAWN

    def layout(self) -> Any:
        """The pad, where there is one, and the choice of an image on the left of the picture."""
        left = [self.pad] if isinstance(self.pad, ipywidgets.Widget) else []
        left += [row(self.choice, self.chosen)] if len(self.images) > 1 else []
        self.choice.layout.width, picture = "235px", self.image.layout
        above = row(ipywidgets.VBox(left), self.image)
        above.layout.align_items = "flex-start"  # else the picture is stretched
        # beside the pad as long as its letters are of 12 points, else below it
        picture.flex, picture.min_width = "1 1 545px", "0"
        picture.max_width = f"min({picture.width}, {WHOLE})"
        return ipywidgets.VBox([above, self.words, self.message, self.folded()])

    def measure(self, ink: bytes) -> Reading:
        """What the network makes of what is on the pad."""
        return read_drawing(self.model, ink, side=SIDE, size=self.size)

    def draw(self, figure: Any, found: Reading) -> str:
        left, right = figure.subplots(1, 2, width_ratios=(2, 3))
        first, second, p, image = found
        draw_digit(image, title="What it sees" if p.any() else "Draw a digit", ax=left)
        draw_probabilities(p, ax=right)
        if not p.any():
            return "Draw a digit on the pad, or choose a test image."
        return (
            f"The network reads it as {first}, with probability {p[first]:.2f}; "
            f"next comes {second}, with {p[second]:.2f}."
        )

    def code(self, ink: bytes) -> str:
        image = self.measure(ink).image
        if not image.any():
            return "# nothing is drawn\n"
        text = fill(b64encode(compress(image.tobytes(), 9)).decode(), 90)
        return self.model_as_code + READ.format(drawn=text)
