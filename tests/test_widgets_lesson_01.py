"""The panels of lesson 01 follow their controls over the whole range."""

import contextlib
import io

import numpy as np
import pytest

from nnlib.experiments.lesson_01 import microscope
from nnlib.landscapes import LANDSCAPES
from nnlib.widgets.lesson_01 import BUGS, KINKS, MicroscopePanel, SteepestDescentPanel

PANELS = [SteepestDescentPanel, MicroscopePanel]
each_panel = pytest.mark.parametrize("make", PANELS, ids=lambda make: make.__name__)


def check(panel):
    """It has drawn what can be read, and has nothing to complain about."""
    assert panel.message.value == ""
    assert panel.words.value
    for ax in panel.figure.axes:
        assert ax.get_title()
        assert ax.get_xlabel()
        assert ax.get_ylabel()
        for line in ax.lines:
            assert np.isfinite(np.asarray(line.get_xydata(), float)).all()
        for drawn in ax.collections:
            values = drawn.get_array()
            assert values is None or np.isfinite(np.asarray(values, float)).all()


def choices(control, count=5):
    """All options of a menu, or values from one end of a slider to the other."""
    if hasattr(control, "options"):
        return list(control._options_values)
    values = np.linspace(control.min, control.max, count)
    return (
        list(control.base**values)
        if hasattr(control, "base")
        else [type(control.value)(v) for v in values]
    )


def run(code):
    """What the code prints in a fresh namespace."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(code, {})
    return out.getvalue()


@each_panel
def test_every_control_moves_to_both_ends_and_all_options(make):
    panel = make()
    for control in panel.controls.values():
        first = control.value
        for value in choices(control):
            control.value = value
            check(panel)
        control.value = first


@each_panel
def test_any_setting_is_drawn_and_its_code_runs(make):
    panel, rng = make(), np.random.default_rng(0)
    for _ in range(20):
        for control in panel.controls.values():
            options = choices(control, 21)
            control.value = options[rng.integers(len(options))]
        check(panel)
        printed = run(panel.as_code.value)
        assert make is not MicroscopePanel or f"verdict = {panel.words.value}\n" in printed


@each_panel
def test_every_control_is_labelled_and_the_same_setting_gives_the_same_picture(make):
    panel, other = make(), make()
    assert all(control.description for control in panel.controls.values())
    control = next(iter(panel.controls.values()))
    first = control.value
    control.value = choices(control)[-1]
    assert panel.image.value != other.image.value
    control.value = first
    assert panel.image.value == other.image.value


@pytest.mark.parametrize("name", LANDSCAPES)
def test_at_its_minimum_a_landscape_is_flat(name):
    panel, (x, y) = SteepestDescentPanel(name), LANDSCAPES[name].minima[:, 0]
    panel.controls["x"].value, panel.controls["y"].value = x, y
    check(panel)
    assert panel.words.value.endswith(
        "is 0.00: the gradient is 0, and no direction leads down at once."
    )


def test_the_words_and_the_code_say_the_same():
    panel = SteepestDescentPanel("valley ½(x² + 100y²)")
    for name, value in {"x": 10, "y": 1, "degrees": 90}.items():
        panel.controls[name].value = value
    assert panel.words.value == (
        "At (10, 1) the slope along u is 100, and ∇f lies 5.7° from u. "
        "−∇f points 78.6° away from the minimum."
    )
    lines = dict(line.split(" = ") for line in run(panel.as_code.value).splitlines() if "=" in line)
    slope, theta, off = (float(lines[name]) for name in ("slope", "theta", "off"))
    assert (round(slope), round(theta, 1), round(off, 1)) == (100, 5.7, 78.6)


@pytest.mark.parametrize("kink", KINKS)
@pytest.mark.parametrize("bug", BUGS)
def test_the_microscope_shows_what_is_computed(kink, bug):
    panel = MicroscopePanel()
    panel.controls["kink"].value, panel.controls["bug"].value = kink, bug
    check(panel)
    view = microscope(1e-6, kink=KINKS[kink], bug=BUGS[bug])
    assert panel.words.value == view.verdict
    failed = int((view.gaps > 1e-7).sum())
    assert panel.figure.axes[1].get_title().startswith(str(failed or "none"))
    assert f"error = {view.error}\n" in run(panel.as_code.value)


def test_the_step_is_marked_on_the_curve():
    panel = MicroscopePanel()
    for step in (1e-12, 1e-4, 0.1):
        panel.controls["step"].value = step
        here = panel.figure.axes[0].lines[-1].get_xydata()[0]
        assert here == pytest.approx([step, microscope(step, bug=1.01).error])


def test_where_all_digits_cancel_the_panel_says_so():
    panel = MicroscopePanel()
    panel.controls["bug"].value = "none"
    panel.controls["dtype"].value, panel.controls["step"].value = "float32", 1e-10
    check(panel)
    left, right = panel.figure.axes
    assert left.get_title().startswith("No digit left")
    assert "∞" in [text.get_text() for text in right.texts]
    assert panel.words.value.startswith("Round-off")
