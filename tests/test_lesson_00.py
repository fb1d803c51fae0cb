"""The network that lesson 00 opens with, its pictures and its panels."""

from itertools import pairwise

import numpy as np
import pytest

import nnlib.experiments.lesson_00 as lab
from nnlib.blocks import sigmoid
from nnlib.calculus import check_vjp
from nnlib.data import load_digits, one_hot
from nnlib.losses import mse
from nnlib.plots.canvas import BLUE, RED
from nnlib.plots.chains import draw_way_back
from nnlib.plots.lesson_00 import draw_claims, draw_reading, draw_slope
from nnlib.widgets.lesson_00 import ReaderPanel, SlopePanel
from nnlib.words import minus

# -- the network -----------------------------------------------------------------------------------


def test_the_slopes_that_it_learns_by_are_those_of_the_loss():
    x, target = lab.pixels(lab.UNSEEN[:6]), one_hot(lab.MEANT[:6], 10)

    def loss(*parameters):
        network = lab.Network(*parameters)
        _, outputs = lab.units_and_outputs(network, x)
        gradients = lab.slopes(network, x, target)
        return mse(outputs, target=target)[0], lambda dL: tuple(dL * one for one in gradients)

    assert check_vjp(loss, *lab.after(30)) < 1e-7


def test_it_learns_from_no_image_that_it_is_asked_about():
    seen = {image.tobytes() for image in load_digits().x_train}
    assert not any(image.tobytes() in seen for image in lab.UNSEEN)


def test_the_longer_it_learns_the_more_it_reads_and_at_first_it_says_one_digit_to_all():
    shares = [(lab.answers(steps) == lab.MEANT).mean() for steps in lab.STEPS]
    assert all(before < after for before, after in pairwise(shares))
    assert shares[-1] > 0.88
    assert len(set(lab.answers(0))) == 1


@pytest.mark.parametrize("steps", lab.STEPS)
def test_a_reading_is_what_the_network_says_of_that_image(steps):
    found, network = lab.reading(steps, 7), lab.after(steps)
    assert (found.answer, found.meant) == (lab.answers(steps)[7], lab.MEANT[7])
    assert found.share == (lab.answers(steps) == lab.MEANT).mean()
    score = found.pushes.sum() + network.b2[found.answer]
    assert found.outputs.max() == pytest.approx(1 / (1 + np.exp(-score)), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: lab.after(7), r"^after: steps must be one of \(0, 10, .*\); got 7\.$"),
        (lambda: lab.reading(0, 297), r"^reading: image must be below 297; got 297\.$"),
        (lambda: lab.reading(0, -1), "^reading: image must be"),
    ],
)
def test_what_there_is_not_is_told(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


# -- pictures --------------------------------------------------------------------------------------


def test_a_reading_shows_every_output_and_what_pushes_the_answer(ax):
    outputs = np.array([0.2, 0.7, 0.1])
    draw_reading(np.eye(8), np.ones(4), np.array([1.0, -2, 0.5, 0]), outputs, title="t", ax=ax)
    assert [bar.get_width() / 6 for bar in ax.patches] == pytest.approx(outputs)
    assert [text.get_text() for text in ax.texts][3:] == ["0", "0.20", "1", "0.70", "2", "0.10"]
    (answer,) = (text for text in ax.texts if text.get_weight() == "bold")
    assert answer.get_text() == "1"
    ways = [line for line in ax.lines if line.get_color() in (BLUE, RED)]
    assert [line.get_color() for line in ways] == [BLUE, RED, BLUE, RED]
    thick = np.array([line.get_linewidth() for line in ways])
    assert thick / thick.max() == pytest.approx([0.5, 1, 0.25, 0])
    assert {line.get_ydata()[1] for line in ways} == {answer.get_position()[1]}


def test_the_way_back_multiplies_from_the_end(ax):
    values = {"z": -8.0, "p": 0.5, "L": 2.0}
    draw_way_back(values, [("f", 0.25), ("g", -4.0)], title="t", ax=ax)
    texts = [text.get_text() for text in ax.texts]
    assert {"dL/dz = −1", "dL/dp = −4", "dL/dL = 1", "0.25 ×", "−4 ×", "z = −8"} <= set(texts)


def test_claims_are_counted_in_the_title_and_every_bar_ends_at_its_total(ax):
    counts = {"A": {"wrong": 4, "ok": 5}, "B": {"ok": 3, "misprint": 2, "wrong": 1}}
    assert draw_claims(counts, ax=ax) is None
    assert ax.get_title() == "8 of 15 claims are right"
    ends = {}
    for bars in ax.containers:
        for k, bar in enumerate(bars):
            ends[k] = max(ends.get(k, 0), bar.get_x() + bar.get_width())
    assert ends == {0: 9, 1: 6}
    assert [text.get_text() for text in ax.texts] == ["5", "3", "4"]  # no number below three


def test_the_tangent_goes_through_the_point_with_the_slope(ax):
    x = np.linspace(-1, 1, 3)
    draw_slope(0.5, 2.0, 3.0, curve=(x, 4 * x), ax=ax)
    (x0, x1), (y0, y1) = ax.lines[1].get_data()
    assert (y1 - y0) / (x1 - x0) == pytest.approx(3)
    assert (y0 + y1) / 2 == pytest.approx(2)
    assert (x0 + x1) / 2 == pytest.approx(0.5)


# -- panels ----------------------------------------------------------------------------------------


def test_the_reader_says_what_the_network_says_at_every_step_and_of_other_images():
    panel, pictures = ReaderPanel(), set()
    for panel.controls["steps"].value in lab.STEPS:
        for panel.controls["image"].value in (0, 4, 296):
            found = lab.reading(**panel.values())
            assert panel.message.value == ""
            said = f"it says {found.answer}, and the writer meant {found.meant}"
            assert panel.words.value.startswith(f"After {panel.values()['steps']} steps {said};")
            assert f"it reads {found.share:.0%} right" in panel.words.value
            assert panel.figure.axes[0].get_title() == f"I{said[1:]}"
            pictures.add(panel.image.value)
    assert len(pictures) == 3 * len(lab.STEPS)


def test_the_panel_follows_its_slider_over_the_whole_range(capsys):
    panel, pictures = SlopePanel(), set()
    slider = panel.controls["z"]
    for z in np.arange(slider.min, slider.max + slider.step, slider.step):
        slider.value = z
        p, pullback = sigmoid(np.array([z]))
        slope = pullback(np.ones(1))
        assert panel.message.value == ""
        assert panel.words.value == (
            minus(f"At z = {z:g} the sigmoid is {p[0]:.3f} and its slope is {slope[0]:.3f}.")
        )
        exec(panel.as_code.value, {})
        assert capsys.readouterr().out == f"z = {z}\np = {p[0]}\nslope = {slope[0]}\n"
        pictures.add(panel.image.value)
    assert len(pictures) == 25
