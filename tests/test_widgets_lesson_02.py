"""The pictures and the panels of lesson 02: every control over its whole range."""

import random
import re

import numpy as np
import pytest
from pictures import assert_legible

import nnlib.plots.lesson_02 as plots
from nnlib.plots.canvas import new_figure, style
from nnlib.plots.matrices import draw_matrix
from nnlib.widgets.lesson_02 import ActivationPanel, ApproximatorPanel, SoftmaxPanel, off, percent

PANELS = [ActivationPanel, SoftmaxPanel, ApproximatorPanel]


def visible_titles_fit(figure):
    """Every title lies within the figure and clear of the next one."""
    ends = [0.0]
    for ax in figure.axes:
        box = ax.title.get_window_extent()
        assert box.x0 > ends[-1], ax.get_title()
        ends.append(box.x1)
    assert ends[-1] < figure.bbox.width


# -- pictures -------------------------------------------------------------------------------------


def test_a_matrix_shows_its_numbers_where_they_stand(ax):
    M = np.array([[0.0, -1.5], [1e-6, 250.0]])
    assert draw_matrix(M, title="t", rows="ab", columns="cd", ax=ax) is None
    cells = {text.get_position(): text.get_text() for text in ax.texts}
    assert cells == {(0, 0): "·", (1, 0): "−1.5", (0, 1): "10⁻⁶", (1, 1): "250"}


def test_a_matrix_of_zeros_can_be_drawn(ax):
    draw_matrix(np.zeros((2, 2)), title="t", ax=ax)
    assert {text.get_text() for text in ax.texts} == {"·"}


def test_a_network_has_its_numbers_in_its_circles_and_below(ax):
    x, W = np.array([1.0, -2.0, 0.5]), np.array([[1.0, 0.0, 4.0], [0.0, 3.0, 0.0]])
    values = {"x": x, "a": W @ x, "h": np.maximum(W @ x, 0)}
    slopes = {"x": [5.0, 0.0, 20.0], "a": [5.0, 0.0], "h": [5.0, 7.0]}
    plots.draw_network(values, [W, "relu"], slopes, title="t", ax=ax)
    written = {text.get_text() for text in ax.texts}
    assert {"x₁", "x₂", "x₃", "a₁", "a₂", "h₁", "h₂", "relu", "−6", "20", "7"} <= written
    assert [text.get_text() for text in ax.texts].count("relu") == 2  # no link across
    circles = [line for line in ax.lines if line.get_marker() == "o"]
    assert sorted(float(line.get_xdata()[0]) for line in circles) == [0, 0, 0, 1, 1, 2, 2]


def test_scores_that_meet_are_said_to(ax):
    rows = {"apart": np.array([60.0, 55.0, 0.0]), "met": np.array([50.0, 50.0, 0.0])}
    plots.draw_moved_scores(rows, title="t", ax=ax)
    assert [text.get_text() for text in ax.texts] == ["z₁", "z₂", "z₃", "z₁ = z₂", "z₃"]
    assert [text.get_position()[0] for text in ax.texts[3:]] == [50, 0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["apart", "met"]


def test_points_that_meet_in_the_hidden_layer_are_both_named_there():
    points, labels = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    features = np.array([[0.0, 0], [1, 0], [1, 0], [2, 1]])
    with style():
        figure = new_figure(9, 4)
        axes = figure.subplots(1, 2)
        plots.draw_two_planes(points, features, labels, axes=axes, line=lambda h: (h - 0.5) / 2)
        assert_legible(figure)
    assert sorted(text.get_text() for text in axes[0].texts) == [
        "(0, 0)", "(0, 1)", "(1, 0)", "(1, 1)", "0", "0", "1", "1"
    ]  # fmt: skip
    assert "(0, 1)\n(1, 0)" in [text.get_text() for text in axes[1].texts]


def test_bars_stand_beside_the_truth_and_nan_is_written(ax):
    got, truth = np.array([0.5, np.nan]), np.array([0.9, 0.1])
    plots.draw_beside_truth(got, truth, labels="ab", ylabel="p", title="t", ax=ax)
    assert [bar.get_height() for bar in ax.patches] == [0.9, 0.1, 0.5, 0.0]
    assert [text.get_text() for text in ax.texts] == ["nan"]


def test_the_band_of_the_seeds_holds_their_mean(ax):
    errors = {"a": np.array([[0.1, 0.3], [0.01, 0.02]])}
    plots.draw_errors_by_width([4, 8], errors, title="t", at=8, ax=ax)
    assert np.allclose(ax.lines[0].get_ydata(), [0.2, 0.015])


# -- panels ---------------------------------------------------------------------------------------


def values_of(control):
    """All values that a control can take: its options, or its steps from end to end."""
    if hasattr(control, "options"):
        return [option[1] if isinstance(option, tuple) else option for option in control.options]
    count = round((control.max - control.min) / control.step)
    return [type(control.min)(control.min + k * control.step) for k in range(count + 1)]


def assert_good(panel):
    """No error; what is drawn is finite, labelled and legible."""
    assert panel.message.value == ""
    assert panel.words.value
    for ax in panel.figure.axes:
        assert ax.get_xlabel()
        assert ax.get_ylabel()
        assert ax.get_title()
        for line in ax.lines:
            assert np.isfinite(np.asarray(line.get_ydata(), float)).all()
        for bar in ax.patches:
            assert np.isfinite(bar.get_window_extent().bounds).all()
    assert_legible(panel.figure)
    visible_titles_fit(panel.figure)


@pytest.mark.parametrize("make", PANELS)
def test_each_control_moves_to_both_ends_and_through_all_options(make):
    panel, pictures = make(), set()
    for control in panel.controls.values():
        first, values = control.value, values_of(control)
        chosen = values if hasattr(control, "options") else [values[0], values[-1]]
        for value in chosen:
            control.value = value
            assert_good(panel)
            pictures.add(panel.image.value)
        control.value = first
    assert len(pictures) > len(panel.controls)


@pytest.mark.parametrize("make", PANELS)
def test_twenty_random_settings(make):
    panel, draw = make(), random.Random(0)
    for _ in range(20):
        for control in panel.controls.values():
            control.value = draw.choice(values_of(control))
        assert_good(panel)


@pytest.mark.parametrize("make", PANELS)
def test_the_state_as_code_runs_alone_and_gives_the_panel_s_numbers(make, capsys):
    panel, draw = make(), random.Random(1)
    for _ in range(6):
        for control in panel.controls.values():
            control.value = draw.choice(values_of(control))
        capsys.readouterr()
        exec(panel.as_code.value, {})
        assert capsys.readouterr().out.strip()


def printed_by(panel, capsys, *names):
    """The numbers that the state as code prints under these names."""
    capsys.readouterr()
    exec(panel.as_code.value, {})
    fields = dict(
        re.findall(r"^(\w+) = (.*?)(?=\n\w+ = |\Z)", capsys.readouterr().out, re.M | re.S)
    )
    number = r"-?(?:\d+\.?\d*(?:e[-+]\d+)?|nan)"
    return [float(x) for name in names for x in re.findall(number, fields[name])]


def test_the_activation_panel_by_hand(capsys):
    panel = ActivationPanel()
    panel.controls["activation"].value, panel.controls["leak"].value = "leaky ReLU", 0.5
    panel.controls["x"].value, panel.controls["depth"].value = -2.0, 1
    assert panel.words.value.startswith("leaky ReLU at −2 is −1 with slope 0.5. Over 1 layer ")
    assert printed_by(panel, capsys, "near") == [-3.0, -2.0, -1.0]
    assert printed_by(panel, capsys, "y", "slope") == [-1.0, 0.5]
    middle = panel.figure.axes[1]
    assert sum(text.get_text() == "0.5" for text in middle.texts) == 3


def test_a_leak_of_one_is_no_activation():
    panel = ActivationPanel()
    panel.controls["activation"].value, panel.controls["leak"].value = "leaky ReLU", 1.0
    factor = float(re.search(r"multiplied by ([\d.]+)", panel.words.value)[1])
    assert factor == pytest.approx(1, abs=0.03)


def test_the_softmax_panel_by_hand(capsys):
    panel = SoftmaxPanel()
    assert "nothing pulls it up" in panel.words.value  # 60 and 54 are both clipped to 50
    panel.controls["scale"].value = 1
    assert "probabilities right, gradient right" in panel.words.value
    panel.controls["offset"].value = 100  # all four clipped to 50
    assert printed_by(panel, capsys, "p", "gradient") == [0.25] * 4 + [0.0] * 4
    assert "nothing pulls it up" in panel.words.value
    panel.controls["repair"].value = "subtract the largest"
    assert "probabilities right, gradient right" in panel.words.value
    panel.controls["repair"].value, panel.controls["offset"].value = "as defined", 1000
    assert "probabilities undefined, gradient undefined" in panel.words.value


def test_a_high_temperature_flattens():
    panel, chances = SoftmaxPanel(), []
    panel.controls["label"].value, panel.controls["scale"].value = 0, 1
    for temperature in (0.1, 1.0, 10.0):
        panel.controls["temperature"].value = temperature
        chances.append(float(re.search(r"true class has ([\d.]+\d)", panel.words.value)[1]))
    assert chances == sorted(chances, reverse=True)


def test_the_approximator_panel_by_hand(capsys):
    panel = ApproximatorPanel()
    panel.controls["target"].value, panel.controls["activation"].value = "cubic", "none"
    (inside,) = printed_by(panel, capsys, "inside")
    t = np.linspace(-1, 1, 401)
    line = np.polyval(np.polyfit(t, t**3, 1), t)
    assert inside == pytest.approx(np.abs(line - t**3).max(), rel=1e-6)
    assert panel.figure.axes[1].get_title() == "The error stays"


def test_an_error_appears_in_the_panel_and_the_next_good_change_clears_it(monkeypatch):
    panel = SoftmaxPanel()
    monkeypatch.setattr("nnlib.experiments.lesson_02.repaired_softmax", lambda *a: 1 / 0)
    panel.controls["offset"].value = 50
    assert "ZeroDivisionError" in panel.message.value
    monkeypatch.undo()
    panel.controls["offset"].value = 100
    assert panel.message.value == ""


def test_errors_in_words():
    assert off(np.array([0.2, np.nan]), np.zeros(2)) == "undefined"
    assert off(np.array([0.004]), np.zeros(1)) == "right"
    assert [percent(error) for error in (0.5, 0.005, 1e-4, 12.0)] == [
        "50%",
        "0.5%",
        "less than 0.1%",
        "1200%",
    ]
