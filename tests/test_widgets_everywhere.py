"""What every panel promises: in old widgets and new ones, at both ends of every control."""

import re

import ipywidgets
import numpy as np
import pytest
from matplotlib.text import Text
from panels import (
    DIGITS,
    PANELS,
    attention_panel,
    digit_panel,
    moved,
    race_panel,
    run_code,
    training_panel,
)
from pictures import assert_legible

from nnlib.data import enlarged
from nnlib.experiments.lesson_90 import tried
from nnlib.widgets.lesson_01 import SteepestDescentPanel
from nnlib.widgets.lesson_02 import ActivationPanel, ApproximatorPanel, SoftmaxPanel
from nnlib.widgets.lesson_05 import DRAWN, LESSON, DigitPanel
from nnlib.widgets.lesson_90 import ClaimsPanel
from nnlib.widgets.page import VIEW, Keys, inside, live
from nnlib.widgets.panel import WHOLE, Panel
from tools import lessons

NEWER = {"ColorsInput", "DatetimePicker", "IntsInput", "FloatsInput", "NaiveDatetimePicker",
         "Stack", "TagsInput", "TimePicker"}  # than ipywidgets 7  # fmt: skip
each_panel = pytest.mark.parametrize("make", PANELS, ids=lambda make: make.__name__)


# -- wherever it is shown ----------------------------------------------------------------------


@each_panel
def test_a_widget_that_cannot_show_itself_is_shown_by_its_number(make):
    panel = make()

    class Old:  # as in ipywidgets 7
        _model_id, children = panel.box.model_id, ()

    panel.box = Old()
    data, metadata = panel._repr_mimebundle_(include=None, exclude=None)
    assert data[VIEW] == {"version_major": 2, "version_minor": 0, "model_id": Old._model_id}
    assert set(data) == {VIEW, "image/png", "text/plain"}
    assert metadata == {}


@each_panel
def test_what_a_hosted_front_end_must_be_told_is_passed_on(make, monkeypatch):
    told = {VIEW: {"colab": {"custom_widget_manager": {"url": "here"}}}}
    monkeypatch.setattr(Keys, "_repr_mimebundle_", lambda self, **options: ({}, told))
    data, metadata = make()._repr_mimebundle_()
    assert metadata == told
    assert set(data) == {VIEW, "image/png", "text/plain"}


def test_a_closed_widget_shows_nothing():
    slider = ipywidgets.IntSlider()
    slider.close()
    assert live(slider) == ({}, {})


@each_panel
def test_nothing_is_asked_of_a_widget_that_an_old_one_lacks(make):
    for widget in inside(make().box):
        assert type(widget).__name__ not in NEWER
        assert not isinstance(getattr(widget, "options", ()), dict)
        if isinstance(widget, ipywidgets.HTML | ipywidgets.HTMLMath | ipywidgets.Label):
            assert widget.style.font_size is None  # which is ignored there


@each_panel
def test_words_errors_and_cards_are_of_sixteen_pixels(make):
    panel = make()
    (style,) = (w.value for w in inside(panel.box) if "<style>" in str(getattr(w, "value", "")))
    named = set(re.findall(r"\.(nnlib-\w+) > \*", style.split("{")[0]))
    assert "font-size: 16px" in style
    texts = [panel.words, panel.message, *([panel.card] if hasattr(panel, "card") else [])]
    assert all(named & set(text._dom_classes) for text in texts)


@each_panel
def test_nothing_is_wider_than_the_page(make):
    for widget in inside(make().box):
        layout = getattr(widget, "layout", None)
        if layout is not None and (layout.width or "").endswith("px"):
            assert WHOLE in layout.max_width


@each_panel
def test_a_saved_notebook_stays_small(make):
    panel, size = make(), 0
    for widget in inside(panel.box):
        size += sum(len(value) for value in widget.get_state().values() if sized(value))
    pictures = {race_panel: 3, attention_panel: 2}.get(make, 1)  # several in one, or many numbers
    assert 0 < len(panel.image.value) < 60_000 + pictures * 60_000
    assert size < 160_000 + pictures * 60_000


def sized(value):
    """Whether a piece of state can be long."""
    return isinstance(value, str | bytes | memoryview)


# -- at both ends of every control -------------------------------------------------------------


@each_panel
def test_words_and_pictures_read_well_at_every_end(make):
    panel = make()
    for where in moved(panel):
        for text in (panel.words.value, *texts_in(panel.figure)):
            assert not re.search(r"(?<![\w.-])-\d", text), (where, text)  # a hyphen for a minus
            assert not re.search(r"\de\+", text), (where, text)  # 1e+01 for 10
            assert not re.search(r"\b1 (units|layers|steps|claims|batches)\b", text), (where, text)
            assert not re.search(r"\d\.\d{7,}", text), (where, text)
        assert_legible(panel.figure)


def texts_in(figure):
    """All that is written in a picture but formulas."""
    texts = (text.get_text() for text in figure.findobj(Text))
    return [text for text in texts if not text.startswith("$")]


@each_panel
def test_the_code_of_every_end_prints_in_a_fresh_kernel_what_was_drawn(make, monkeypatch):
    panel, told = make(), {}
    present = panel.present

    def tell(found, words, picture, code):
        told[code] = "\n".join(f"{name} = {value}" for name, value in found._asdict().items())
        present(found, words, picture, code)

    monkeypatch.setattr(panel, "present", tell)
    panel.show()
    assert all(where and panel.as_code.value in told for where in moved(panel))
    generated = type(panel).code is Panel.code
    assert generated or make in (training_panel, digit_panel, race_panel, attention_panel)
    printed, error = run_code(f"for code in {list(told)!r}:\n    exec(code, {{}})")
    assert (bool(printed), error) == (True, "")
    if generated:
        words, numbers = taken_apart(printed)
        drawn_words, drawn_numbers = taken_apart("\n".join(told.values()))
        assert words == drawn_words
        np.testing.assert_allclose(numbers, drawn_numbers, rtol=1e-6, atol=1e-7)


def taken_apart(text):
    """The words of a text and its numbers: the last digits of sums are the processor's."""
    number = r"(?<![\w.])-?(?:\d+\.?\d*(?:e[-+]\d+)?|nan|inf)(?![\w.])"
    return re.sub(number, "", text).split(), [float(x) for x in re.findall(number, text)]


@each_panel
def test_what_is_found_prints_on_a_page_or_two(make):
    panel = make()
    if type(panel).code is not Panel.code:
        return  # it prints what it chooses
    found = panel.measure(**panel.values())
    assert sum(str(value).count("\n") + 1 for value in found) < 120


@each_panel
def test_what_a_slider_adds_up_to_is_rounded(make):
    panel = make()
    sliders = [c for c in panel.controls.values() if isinstance(c, ipywidgets.FloatSlider)]
    for slider in sliders:
        slider.value = 0.9000000000000001 if slider.min > -1 else 1.5000000000000009
        assert panel.message.value == ""
        assert not re.search(r"\d\.\d*0000000", panel.as_code.value), panel.as_code.value


def test_one_is_one_and_two_are_two():
    panel, words = ApproximatorPanel(), []
    for panel.controls["width"].value in (1, 2):
        words.append(panel.words.value[:17])
    assert words == ["1 unit ReLU comes", "2 units ReLU come"]
    panel = ActivationPanel()
    panel.controls["depth"].value = 1
    assert "Over 1 layer with" in panel.words.value
    panel = training_panel(chunk=1)
    panel.run(1)
    assert panel.words.value.startswith("After 1 step of Adam")
    assert panel.figure.axes[1].get_title("right").endswith("after 1 step")


def test_ten_is_not_one_e_plus_one():
    panel, words = ActivationPanel(), []
    panel.controls["activation"].value = "leaky ReLU"
    for panel.controls["leak"].value in (0.8, 0.9, 1.0):
        for panel.controls["gain"].value in (1.25, 1.5, 5):
            words.append(panel.words.value.split(" in each, by ")[1])
    assert not [text for text in words if "e" in text]
    assert [text for text in words if re.fullmatch(r"\d{2,4} in all.", text)]


def test_a_negative_place_has_the_minus_of_its_slope():
    panel = SteepestDescentPanel()
    panel.controls["x"].value = -12
    assert panel.words.value.startswith("At (−12, 3) the slope along u is −5.89")


# -- what a control does -----------------------------------------------------------------------


def test_a_leak_can_be_set_where_there_is_one():
    panel = ActivationPanel()
    for name in panel.controls["activation"].options:
        panel.controls["activation"].value = name
        assert panel.controls["leak"].disabled == (name != "leaky ReLU")


@pytest.mark.parametrize(
    ("scale", "label", "stuck"), [(1, 1, False), (30, 1, True), (30, 0, False)]
)
def test_the_softmax_panel_says_when_nothing_pulls_the_true_class_up(scale, label, stuck):
    panel = SoftmaxPanel()
    panel.controls["scale"].value, panel.controls["label"].value = scale, label
    assert ("nothing pulls it up: its gradient is 0, not −" in panel.words.value) == stuck


def test_one_gradient_of_many_that_is_zero_is_enough():
    panel = SoftmaxPanel()  # scores 60, 54, 0 and −30: two of four are clipped
    panel.controls["scale"].value = 30
    shown = [bar.get_height() for bar in panel.figure.axes[1].patches[4:]]
    assert shown[1] == 0
    assert any(shown)
    assert "nothing pulls it up: its gradient is 0, not −1.00." in panel.words.value


def test_the_lessons_to_choose_from_are_there():
    there = {path.name[:2] for path in lessons.NOTEBOOKS.glob("*.ipynb")}
    panel = ClaimsPanel()
    claimed = {lesson for one in tried() for lesson in one.lessons}
    offered = [value for _, value in panel.controls["lesson"].options]
    assert offered == ["", *sorted(there & claimed)]


def test_no_title_of_a_menu_is_cut():
    for make in PANELS:
        for menu in inside(make().box):
            if isinstance(menu, ipywidgets.Dropdown):
                longest = max(len(str(label)) for label in menu._options_labels)
                room = int((menu.layout.width or "300px").removesuffix("px"))
                assert 7 * (longest + len(menu.description)) + 45 <= room, menu.description


def test_a_single_card_cannot_be_turned():
    panel = ClaimsPanel()
    assert not panel.controls["card"].disabled
    panel.controls["containing"].value = "nothing of this kind"
    assert panel.controls["card"].disabled


def test_what_is_drawn_is_no_test_image():
    panel = digit_panel()
    panel.choice.value = 10
    assert panel.chosen.value == "10"
    panel.pad.value = bytes(len(panel.pad.value) - 1) + b"\xff"
    assert (panel.choice.value, panel.chosen.value) == (DRAWN, "none")
    assert panel.words.value.startswith("The network reads it")
    panel.choice.value = 10
    assert (panel.chosen.value, panel.pad.value) == ("10", panel.inked(10))


# -- the digit panel's network -----------------------------------------------------------------


def test_without_lines_of_its_own_a_digit_s_network_is_that_of_lesson_05(monkeypatch):
    monkeypatch.setenv("NNLIB_MNIST", "")
    _, *made_as, run = LESSON.split("\n\n")[-1].splitlines()
    lesson = next(lessons.LESSONS.glob("05_*.py")).read_text(encoding="utf-8")
    assert "\n".join(made_as) in lesson
    assert run == "training.run(epochs * training.steps_per_epoch)"  # there an epoch at a time
    made = {}
    exec(LESSON, made)
    panel = DigitPanel(made["model"], enlarged(DIGITS.x_test[:9]))
    panel.choice.value = 7
    printed, error = run_code(panel.as_code.value)
    assert "Error" not in error  # the bar of the training is no error
    digit, p = printed.splitlines()[-1].split()
    assert f"reads it as {digit}, with probability {float(p):.2f}" in panel.words.value
