"""Every panel: it follows its controls over their whole range, and says so when it cannot.

What a control sets off is called by the widget, and an exception there would vanish: these tests
look at the panel's message.
"""

import io
from base64 import b64decode
from pathlib import Path
from typing import NamedTuple

import ipywidgets
import numpy as np
import PIL.Image
import pytest
from panels import (
    BATCHES,
    CHUNK,
    DATA,
    DIGITS,
    STEPS,
    digit_panel,
    run_code,
    training_panel,
)
from pictures import assert_legible
from threads import no_thread_left

import nnlib.widgets
from nnlib.data import enlarged, load_mnist
from nnlib.experiments.lesson_05 import centred, ink_size, read_digit
from nnlib.mlp import MLP
from nnlib.optimizers import OPTIMIZERS
from nnlib.widgets.digit_pad import SIDE, DigitPad
from nnlib.widgets.lesson_05 import RATES, DigitPanel
from nnlib.widgets.page import inside
from nnlib.widgets.panel import Panel


class Squared(NamedTuple):
    """A number and its square."""

    x: int
    square: int


def squared(x):
    """The square of x."""
    return Squared(x, x * x)


class Square(Panel):
    """The square of x; 5 fails as a picture, 6 is interrupted, 7 fails as code."""

    measure = staticmethod(squared)

    def __init__(self):
        x = ipywidgets.IntSlider(2, 0, 9, description="x")
        super().__init__({"x": x}, width=6.4, height=3.6)

    def draw(self, figure, found):
        x, square = found
        figure.gca().plot([0, x], [0, square])
        figure.text(0, 0, "a picture of one line")
        self.words.value = "squaring ..."
        if x == 5:
            raise ValueError("5 < 6 & no number of ours")
        if x == 6:
            raise KeyboardInterrupt
        return f"{x} squared is {square} < 100"

    def code(self, x):
        if x == 7:
            raise RuntimeError("7 has no code")
        return super().code(x=x)


PANELS = [Square, training_panel, digit_panel]
each_panel = pytest.mark.parametrize("make", PANELS, ids=lambda make: make.__name__)


def check(panel):
    """The panel has drawn something that can be read, and has nothing to complain about."""
    assert panel.message.value == ""
    assert panel.words.value.strip()
    for ax in panel.figure.axes:
        titles = [ax.get_title(place) for place in ("left", "center", "right")]
        assert isinstance(panel, Square) or (any(titles) and ax.get_xlabel())
        for line in ax.lines:
            assert np.isfinite(np.asarray(line.get_xydata(), float)).all()
        for image in ax.images:
            assert np.isfinite(np.asarray(image.get_array(), float)).all()
    assert_legible(panel.figure)
    picture = PIL.Image.open(io.BytesIO(panel.image.value))
    assert picture.size == tuple(panel.figure.bbox.size.astype(int))


# -- what every panel does ---------------------------------------------------------------------


@each_panel
def test_a_panel_shows_a_picture_where_widgets_do_not_live(make):
    panel = make()
    bundle, metadata = panel._repr_mimebundle_()
    assert metadata == {}
    assert bundle["text/plain"] == f"<{type(panel).__name__}>"
    assert b64decode(bundle["image/png"]) == panel.image.value
    view = bundle["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == panel.box.model_id


@each_panel
def test_the_picture_has_a_fixed_width_and_three_pixels_for_two(make):
    panel = make()
    shown = int(panel.image.layout.width.removesuffix("px"))
    assert 600 <= shown <= 900
    assert panel.figure.bbox.width == 1.5 * shown


@each_panel
def test_every_control_has_a_label_that_is_not_cut_off(make):
    controls = (ipywidgets.ValueWidget, ipywidgets.Button, ipywidgets.Play)
    texts = (ipywidgets.HTML, ipywidgets.Label, ipywidgets.Image, ipywidgets.Textarea)
    for widget in inside(make().box):
        if isinstance(widget, controls) and not isinstance(widget, texts):
            assert widget.description
            if not isinstance(widget, ipywidgets.ToggleButton | ipywidgets.Play):
                assert widget.style.description_width == "initial"


@each_panel
def test_the_code_is_folded_and_a_button_unfolds_it(make):
    panel = make()
    (button,) = (w for w in inside(panel.box) if isinstance(w, ipywidgets.ToggleButton))
    assert panel.as_code.layout.display == "none"
    button.value = True
    assert panel.as_code.layout.display == "flex"
    assert panel.as_code.rows > panel.as_code.value.count("\n")


@each_panel
def test_no_thread_outlives_a_panel(make):
    with no_thread_left():
        panel = make()
        for control in panel.controls.values():
            control.notify_change({"name": "value", "new": control.value, "type": "change"})
        panel.refresh()
    assert panel.message.value == ""


@pytest.mark.parametrize(
    ("x", "told"),
    [(5, "ValueError: 5 &lt; 6 &amp; no number of ours"), (7, "RuntimeError: 7 has no code")],
)
def test_an_error_is_told_and_the_last_good_picture_stays(x, told):
    panel = Square()
    slider, picture, words = panel.controls["x"], panel.image.value, panel.words.value
    slider.value = x
    assert told in panel.message.value
    assert (panel.image.value, panel.words.value) == (picture, words)
    assert "found = squared(x=2)" in panel.as_code.value
    slider.value = 4
    assert panel.message.value == ""
    assert panel.words.value == "4 squared is 16 &lt; 100"
    assert panel.image.value != picture


def test_an_interrupt_reaches_the_user_and_the_panel_goes_on():
    panel = Square()
    slider, picture, words = panel.controls["x"], panel.image.value, panel.words.value
    with pytest.raises(KeyboardInterrupt):
        slider.value = 6
    assert (panel.image.value, panel.words.value) == (picture, words)
    slider.value = 8
    assert panel.words.value == "8 squared is 64 &lt; 100"
    assert panel.message.value == ""


def test_an_error_in_the_first_picture_is_the_cell_s():
    class Never(Square):
        def draw(self, figure, found):
            raise ValueError("no picture")

    with pytest.raises(ValueError, match="no picture"):
        Never()


@pytest.mark.parametrize("found", [7, (7, 49), {"x": 7}, None])
def test_what_is_found_has_names(found):
    class Nameless(Square):
        measure = staticmethod(lambda x: found)

    with pytest.raises(TypeError) as caught:
        Nameless()
    assert str(caught.value) == (
        f"Nameless: measure must return a NamedTuple; got {type(found).__name__}. "
        "Give a name to each thing that it finds."
    )


def test_a_long_call_has_a_line_for_each_argument():
    assert "\nfound = squared(x=2)\n" in Square().code(x=2)
    long = "a" * 100
    assert f"\nfound = squared(\n    x={long!r},\n)\n" in Square().code(x=long)


def test_a_picture_is_not_drawn_over_the_one_before():
    panel = Square()
    first = panel.image.value
    panel.controls["x"].value = 9
    assert len(panel.figure.axes) == len(panel.figure.texts) == 1
    assert len(panel.figure.axes[0].lines) == 1
    panel.controls["x"].value = 2
    assert panel.image.value == first


# -- watching a network learn ------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_follows_every_rule_at_every_rate_and_batch(optimizer):
    panel = training_panel()
    controls = panel.controls
    controls["optimizer"].value, controls["steps"].value = optimizer, 2 * CHUNK
    pictures = {panel.image.value}
    for rate in RATES:
        controls["lr"].value = rate
        check(panel)
        pictures.add(panel.image.value)
    for size in BATCHES:
        controls["batch_size"].value = size
        check(panel)
        pictures.add(panel.image.value)
    assert len(pictures) == 1 + len(RATES) + len(BATCHES)  # every change is to be seen
    assert optimizer in panel.words.value


def test_training_follows_its_steps_to_both_ends_and_back():
    panel = training_panel()
    steps, words = panel.controls["steps"], []
    for value in [0, CHUNK, STEPS, 2 * CHUNK, 0]:
        steps.value = value
        check(panel)
        words.append(panel.words.value)
    assert words[0] == words[-1]
    assert words[0].startswith("Before the first step of Adam at rate 0.001 on batches of 60, 0.")
    assert words[2].startswith(f"After {STEPS} steps of Adam at rate 0.001 on batches of 60, 0.")
    assert len(set(words)) == 4


def test_training_follows_any_controls():
    panel, rng = training_panel(), np.random.default_rng(0)
    for _ in range(20):
        name = rng.choice(list(panel.controls))
        options = getattr(panel.controls[name], "options", range(0, STEPS + 1, CHUNK))
        value = options[rng.integers(len(options))]
        panel.controls[name].value = value[1] if name == "lr" else value
        check(panel)


def test_what_is_shown_depends_on_the_controls_alone():
    panel, other = training_panel(), training_panel()
    panel.run(STEPS)
    panel.controls["optimizer"].value = "RMSprop"
    panel.controls["optimizer"].value = "Adam"
    panel.controls["steps"].value = 2 * CHUNK
    other.run(2 * CHUNK)
    assert panel.words.value == other.words.value
    assert panel.as_code.value == other.as_code.value


def test_the_run_before_stays_to_be_compared_with():
    panel = training_panel()
    panel.run(STEPS)
    adam = panel.figure.axes[1].lines[-1].get_ydata()
    panel.controls["optimizer"].value = "Momentum"
    before, now = panel.figure.axes[1].lines
    np.testing.assert_array_equal(before.get_ydata(), adam)
    assert (before.get_label(), now.get_label()) == ("Adam", "Momentum")
    assert len(now.get_ydata()) == len(adam)


def test_play_and_steps_move_together():
    panel = training_panel()
    panel.play.value = 2 * CHUNK
    assert panel.controls["steps"].value == 2 * CHUNK
    assert panel.words.value.startswith(f"After {2 * CHUNK} steps")
    panel.controls["steps"].value = CHUNK
    assert panel.play.value == CHUNK
    assert panel.play.step == CHUNK
    assert not panel.play.playing


def test_a_run_beyond_the_last_step_ends_there():
    panel = training_panel()
    panel.run(10 * STEPS)
    assert panel.controls["steps"].value == STEPS
    check(panel)


def test_a_run_stops_the_cell_with_its_error():
    panel = training_panel()
    panel.data = panel.data[0], panel.data[1][:-1]
    panel.controls["lr"].value = 0.1
    assert "ValueError: Training: x has 300 rows" in panel.message.value
    with pytest.raises(ValueError, match="Training: x has 300 rows"):
        panel.run(CHUNK)


def diverging():
    """A panel whose run diverges within a few steps."""
    panel = training_panel()
    panel.data = 1e18 * panel.data[0], panel.data[1]
    panel.data_as_code = DATA.replace("x, labels = ", "x, labels = np.float32(1e18) * ")
    panel.controls["optimizer"].value, panel.controls["lr"].value = "GradientDescent", 10.0
    panel.run(STEPS)
    return panel


def test_a_run_that_diverges_is_told_and_drawn():
    panel = diverging()
    check(panel)
    told = "GradientDescent at rate 10 on batches of 60: diverged at step"
    assert told in panel.words.value
    assert panel.figure.axes[0].get_title("left").startswith("Diverged at step")
    panel.controls["lr"].value = 0.0001
    panel.controls["steps"].value = 0
    assert "diverged" not in panel.words.value


@pytest.mark.parametrize("steps", [0, STEPS])
def test_training_as_code_gives_the_panel_s_number(steps):
    panel = training_panel()
    panel.run(steps)
    chosen = {"optimizer": "RMSprop", "lr": 0.01, "batch_size": BATCHES[0]}
    for name, value in chosen.items():
        panel.controls[name].value = value
    printed, error = run_code(panel.as_code.value)
    shown = panel.figure.axes[1].get_title("right").split()[2]
    assert error == ""
    assert f"{float(printed):.3f}" == shown
    assert f" {shown} of the unseen images" in panel.words.value


def test_divergence_as_code_diverges():
    panel = diverging()
    _, error = run_code(panel.as_code.value)
    told = error.removeprefix("FloatingPointError: Training: ")
    assert told != error
    assert told in panel.words.value


# -- reading a drawn digit ---------------------------------------------------------------------


def test_digits_follow_the_choice_of_an_image():
    panel = digit_panel()
    for k in [1, 2, 3, 5, 7, panel.choice.max, 0]:
        panel.choice.value = k
        check(panel)
        image = centred(panel.images[k], size=ink_size(panel.images))
        p = read_digit(panel.model, image)
        left, right = panel.figure.axes
        np.testing.assert_array_equal(left.images[0].get_array(), image)
        np.testing.assert_array_equal([bar.get_height() for bar in right.patches], p)
        assert right.get_title() == f"Read as {p.argmax()} ({p.max():.2f})"
        assert panel.words.value.startswith(f"The network reads it as {p.argmax()}, ")


def test_a_drawing_comes_as_the_browser_sends_it():
    panel, ink = digit_panel(), np.zeros((SIDE, SIDE), np.uint8)
    ink[40:240, 130:150] = 255
    panel.pad.value = memoryview(ink.tobytes())
    check(panel)
    image = panel.figure.axes[0].images[0].get_array()
    np.testing.assert_array_equal(image, centred(ink, size=24))


def test_the_images_of_mnist_are_left_as_they_are():
    images = load_mnist()
    if images.bundled:
        pytest.skip("MNIST is not on this computer")
    assert ink_size(images.x_test[:1000]) == 20
    same = [np.array_equal(centred(image), image) for image in images.x_test[:2000]]
    assert np.mean(same) > 0.998  # so a network reads them as rightly as before


def test_an_empty_pad_asks_for_a_digit():
    panel = digit_panel()
    picture = panel.image.value
    panel.pad.value = bytes(SIDE**2)
    check(panel)
    assert panel.words.value == "Draw a digit on the pad, or choose a test image."
    assert [ax.get_title() for ax in panel.figure.axes] == ["Draw a digit", "Nothing to read yet"]
    assert run_code(panel.as_code.value) == ("", "")
    panel.choice.value = 1
    panel.choice.value = 0
    assert panel.image.value == picture


def test_a_broken_message_of_the_pad_is_told_and_forgotten():
    panel = digit_panel()
    panel.pad.value = b"1234"
    assert "ValueError" in panel.message.value
    panel.choice.value = 3
    check(panel)


def test_a_digit_as_code_gives_the_panel_s_number():
    panel = digit_panel()
    panel.choice.value = 7
    printed, error = run_code(panel.as_code.value)
    assert error == ""
    digit, p = printed.split()
    assert panel.figure.axes[1].get_title() == f"Read as {digit} ({float(p):.2f})"


def test_one_image_needs_no_slider():
    panel = DigitPanel(MLP(784, 10, rng=0), enlarged(DIGITS.x_test[:1])[0])
    assert panel.choice not in inside(panel.box)
    check(panel)


@pytest.mark.parametrize("images", [DIGITS.x_test, np.zeros((2, 28, 28)), [[1.0]]])
def test_other_images_are_refused(images):
    with pytest.raises(
        ValueError, match=r"DigitPanel: images must be uint8 of shape \(N, 28, 28\)"
    ):
        DigitPanel(MLP(784, 10, rng=0), images)


def test_the_network_may_be_of_either_precision():
    panel = DigitPanel(MLP(784, 10, rng=0, dtype="float64"), enlarged(DIGITS.x_test[:2]))
    check(panel)


def test_the_pad_is_one_module_that_calls_nobody():
    pad = DigitPad()
    assert pad._esm == Path(nnlib.widgets.__file__).with_name("digit_pad.js").read_text("utf-8")
    assert "export default { render }" in pad._esm
    assert not [word for word in ("import", "http", "fetch(", "eval") if word in pad._esm]
    assert repr(pad) == "DigitPad()"
    assert pad.side == SIDE == 280


# -- without what they need --------------------------------------------------------------------


@pytest.mark.parametrize("module", ["panel", "lesson_05", "lesson_00", "digit_pad"])
def test_without_ipywidgets_one_sentence_says_what_to_install(module):
    blocked = "import sys; sys.modules['ipywidgets'] = None\n"
    _, error = run_code(f"{blocked}import nnlib.widgets.{module}")
    assert error == (
        "ImportError: Panels need ipywidgets: pip install ipywidgets. "
        "Their pictures are plain functions in nnlib.plots."
    )


def test_without_anywidget_test_images_can_still_be_chosen():
    code = """
import sys
sys.modules["anywidget"] = None
import ipywidgets, numpy as np
from nnlib.data import enlarged, load_digits
from nnlib.mlp import MLP
from nnlib.widgets.lesson_05 import DigitPanel
panel = DigitPanel(MLP(784, 10, rng=0), enlarged(load_digits().x_test[:5]))
words = panel.words.value
panel.choice.value = 3
assert panel.words.value != words and panel.message.value == "", panel.message.value
data, metadata = panel._repr_mimebundle_()
assert isinstance(data["image/png"], str) and not metadata
print(isinstance(panel.pad, ipywidgets.Widget))
"""
    assert run_code(code) == ("False", "")
