"""The pictures and the panel of lesson 03: every control over its whole range."""

import random
import re

import numpy as np
import pytest
from matplotlib.colors import to_hex
from pictures import assert_legible

import nnlib.plots.lesson_03 as plots
from nnlib.experiments.calibration import reliability
from nnlib.experiments.lesson_03 import COMPARED, explore
from nnlib.widgets.lesson_03 import LossPanel, first

# -- pictures -------------------------------------------------------------------------------------


def test_reliability_is_pooled_over_the_seeds_and_rare_bins_are_left_out(ax):
    few = np.tile([0.85, 0.15], (200, 1))
    few[0] = 0.45, 0.55  # one image of two hundred
    found = [reliability(few, np.zeros(200, int)), reliability(few, np.ones(200, int))]
    plots.draw_reliability({"both": found}, title="t", ax=ax)
    assert ax.lines[-1].get_xydata().tolist() == [pytest.approx([0.85, 0.5])]


def test_the_area_of_a_dot_is_the_share_of_the_images(ax):
    p = np.array([[0.85, 0.15]] * 3 + [[0.55, 0.45]])
    plots.draw_reliability({"four": [reliability(p, np.zeros(4, int))]}, title="t", ax=ax)
    rare, frequent = ax.collections[-1].get_sizes()
    assert frequent == pytest.approx(3 * rare)


def test_a_loss_has_one_look_in_every_choice_and_picture():
    panel, colours = LossPanel(), {}
    for choice in panel.controls["losses"].options:
        panel.controls["losses"].value = choice
        names = COMPARED[choice]
        costs, pulls, ways = panel.figure.axes
        for name, line in zip(names, ways.lines):
            colours.setdefault(name, set()).add(line.get_color())
        for name, bar in zip(names, pulls.patches):
            colours[name].add(to_hex(bar.get_facecolor()))
        curves = [line for line in costs.lines if len(line.get_xdata()) == 81]
        for name, line in zip(names, curves):
            colours[name].add(line.get_color())
    assert [len({colour.lower() for colour in own}) for own in colours.values()] == [1, 1, 1, 1]


def test_marks_stand_where_the_score_is_and_arrows_where_a_loss_is_beyond_the_frame(ax):
    at = np.linspace(-10, 10, 81)
    curves = {"squares": np.abs(at), "hinge": at**2, "plain squares": 2 * at**2}
    plots.draw_losses_at(-4.0, at, curves, name="z", title="t", ax=ax)
    low, high, higher = [line for line in ax.lines if len(line.get_xdata()) == 1]
    assert low.get_xydata().tolist() == [[-4.0, 4.0]]
    assert {high.get_marker(), higher.get_marker()} == {r"$\uparrow$"}
    assert high.get_xydata()[0] == pytest.approx([-4.0, 9.4])
    assert higher.get_ydata() == high.get_ydata()
    assert higher.get_xdata() > high.get_xdata()  # beside it
    assert not low.get_clip_on()  # whole at the frame too


def test_what_settles_lies_above_what_walks_to_and_fro_and_the_goal_is_drawn(ax):
    paths = {"hinge": np.array([0.5, 0.8] * 9), "squares": np.full(18, 0.7)}
    plots.draw_ways_out(paths, goal=0.7, title="t", ax=ax)
    restless, settled, goal = ax.lines
    assert settled.get_zorder() > restless.get_zorder() > goal.get_zorder()
    assert goal.get_ydata() == [0.7, 0.7]


def test_a_ring_lets_another_be_seen(ax):
    found = [reliability(np.array([[0.85, 0.15]]), np.zeros(1, int))]
    plots.draw_reliability({"one": found, "same": found}, title="t", ax=ax)
    assert all(len(rings.get_facecolor()) == 0 for rings in ax.collections)


def test_pulls_go_against_the_gradient_and_say_what_they_cut_off(ax):
    gradients = {"a": np.array([-31.0, 3e-4]), "b": np.array([0.0, 1.0])}
    plots.draw_pulls(gradients, ["z₁", "z₂"], title="t", ax=ax)
    assert [bar.get_height() for bar in ax.patches] == [2.0, -3e-4, 0.0, -1.0]
    assert [text.get_text() for text in ax.texts if text.get_text()] == ["31", "≈0", "0"]


def test_what_is_nearly_0_is_said_on_the_side_on_which_the_other_bars_are_not(ax):
    gradients = {"a": np.array([-1.0, 1.0]), "b": np.array([-1e-4, 1e-4])}
    plots.draw_pulls(gradients, ["z₁", "z₂"], title="t", ax=ax)
    heights = [text.get_position()[1] for text in ax.texts if text.get_text()]
    assert heights[0] < 0 < heights[1]


# -- the panel ------------------------------------------------------------------------------------


def values_of(control):
    """All values that a control can take: its options, or its steps from end to end."""
    if hasattr(control, "options"):
        return list(control.options)
    count = round((control.max - control.min) / control.step)
    return [control.min + k * control.step for k in range(count + 1)]


def assert_good(panel):
    """No error; what is drawn is finite, labelled and legible, and agrees with the words."""
    assert panel.message.value == ""
    for ax in panel.figure.axes:
        assert ax.get_xlabel()
        assert ax.get_ylabel()
        assert ax.get_title()
        for line in ax.lines:
            assert np.isfinite(np.asarray(line.get_ydata(), float)).all()
    assert_legible(panel.figure)
    found = explore(**panel.values())
    middle = panel.figure.axes[1]
    pulls = [-gradient for gradient in found.gradients.values()]
    assert np.allclose([bar.get_height() for bar in middle.patches], np.clip(pulls, -2, 2).ravel())


def test_each_control_moves_to_both_ends_and_through_all_options():
    panel, pictures = LossPanel(), set()
    panel.controls["outputs"].value = "three scores"
    for control in panel.controls.values():
        first, values = control.value, values_of(control)
        for value in values if hasattr(control, "options") else (values[0], values[-1]):
            control.value = value
            assert_good(panel)
            pictures.add(panel.image.value)
        control.value = first
    assert len(pictures) > len(panel.controls)


def test_twenty_random_settings():
    panel, draw = LossPanel(), random.Random(0)
    for _ in range(20):
        for control in panel.controls.values():
            control.value = draw.choice(values_of(control))
        assert_good(panel)


def test_the_state_as_code_runs_alone_and_gives_the_panel_s_numbers(capsys):
    panel, draw = LossPanel(), random.Random(1)
    for _ in range(4):
        for control in panel.controls.values():
            control.value = draw.choice(values_of(control))
        capsys.readouterr()
        exec(panel.as_code.value, {})
        out = capsys.readouterr().out
        for value in explore(**panel.values()).values.values():
            assert str(value) in out


def test_scores_that_there_are_not_cannot_be_moved():
    panel = LossPanel()
    z2, outputs = panel.controls["z2"], panel.controls["outputs"]
    assert z2.disabled
    outputs.value = "three scores"
    assert not z2.disabled
    outputs.value = "one score"
    assert z2.disabled


def test_the_unit_that_is_sure_and_wrong_by_hand():
    words = LossPanel().words.value
    assert "Cross-entropy 8, with slope −1 by z₁: it stays above ½ from step 9 on." in words
    assert "Squares 0.5, with slope −3·10⁻⁴ by z₁: it is not above ½ after 100 steps." in words


def test_the_titles_say_who_costs_pulls_and_arrives():
    panel = LossPanel()
    panel.controls["losses"].value = "both kinds of squares"
    titles = [ax.get_title().split("\n")[1] for ax in panel.figure.axes]
    assert titles == ["plain squares"] * 3
    panel.controls["losses"].value = "cross-entropy, squares"
    panel.controls["target"].value = "class 2"  # which it is sure of, and right
    assert "above ½ from the start" in panel.words.value
    panel.controls["z1"].value, panel.controls["steps"].value = 10.0, 10
    assert panel.figure.axes[2].get_title() == "Above ½ first:\nnone"
    assert re.search(r"not above ½ after 10 steps", panel.words.value)


def test_the_first_above_a_half_is_the_one_that_stays_there_soonest():
    slow, never = np.array([0.1, 0.6, 0.4, 0.9]), np.array([0.1, 0.2, 0.3, 0.4])
    fast = np.array([0.1, 0.2, 0.6, 0.7])
    assert first({"slow": slow, "never": never, "fast": fast}) == "fast"
    assert first({"never": never}) == "none"
    assert first({"one": fast, "two": fast}) == "2 at once"


def test_who_is_there_from_the_start_does_not_arrive():
    there, leaves = np.array([0.7, 0.8, 0.9]), np.array([0.7, 0.4, 0.3])
    assert first({"one": there, "two": there, "lost": leaves}) == "2 from the start"
    assert first({"one": there, "lost": leaves}) == "one from the start"


def test_a_soft_target_is_settled_at_and_not_passed():
    panel = LossPanel()
    for name, value in {"outputs": "three scores", "target": "soft: 0.7", "losses": "all four",
                        "z1": 0.0, "steps": 300}.items():  # fmt: skip
        panel.controls[name].value = value
    assert panel.figure.axes[2].get_title() == "At 0.7 first:\ncross-entropy"
    assert panel.words.value.count("it stays at 0.7 from step") == 2
    assert panel.words.value.count("it is not at 0.7 after 300 steps") == 2


@pytest.mark.parametrize(
    ("outputs", "behind"), [("one score", "a sigmoid"), ("three scores", "softmax")]
)
def test_squares_are_called_by_what_they_stand_behind(outputs, behind):
    panel = LossPanel()
    panel.controls["outputs"].value = outputs
    called = [text.get_text() for text in panel.figure.legends[0].get_texts()]
    assert called == ["cross-entropy", f"squares behind {behind}"]
