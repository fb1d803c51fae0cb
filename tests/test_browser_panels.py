"""Every panel in a real browser, beside the list of files, as `make lab` opens.

Without Chromium these tests are skipped, unless NNLIB_BROWSER=required.
"""

import pytest
from pages import open_copy, written
from panels import CLASSES

from nnlib.widgets.lesson_04 import RacePanel
from nnlib.widgets.lesson_05 import DigitPanel, TrainingPanel
from nnlib.widgets.lesson_06 import AttentionPanel
from nnlib.widgets.lesson_90 import ClaimsPanel
from tools import browser

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("panels")]  # they share a page

MADE_FROM_DATA = {  # as readers meet them
    TrainingPanel: """\
from nnlib.data import load_mnist, scale

images = load_mnist()
data = scale(images.x_train), images.labels_train, scale(images.x_test), images.labels_test
TrainingPanel([784, 40, 30, 20, 10], *data, batch_sizes=[10, 30, 100, 300])""",
    DigitPanel: """\
from nnlib.data import load_mnist
from nnlib.mlp import MLP

DigitPanel(MLP(784, 16, 10, rng=3), load_mnist().x_test[:100])""",
    AttentionPanel: """\
from nnlib.data import load_mnist

AttentionPanel(load_mnist())""",
}
CELLS = [
    f"from {panel.__module__} import {panel.__name__}\n"
    + MADE_FROM_DATA.get(panel, f"{panel.__name__}()")
    for panel in CLASSES
]
TRAINING, DIGIT = CLASSES.index(TrainingPanel), CLASSES.index(DigitPanel)
PAGES = [
    browser.SIZE,
    {"width": 1920, "height": 1080},
    {"width": 640, "height": 400},  # the first one at 200 % of zoom
    {"width": 960, "height": 540},  # the second one
]
CELL_COUNT = "() => nnlib.panel.content.widgets.length"
COMMAND_MODE = "() => jupyterapp.commands.execute('notebook:enter-command-mode')"
DIRTY = "() => nnlib.panel.context.model.dirty"
PICTURE = "k => document.querySelectorAll('.nnlib-panel')[k].querySelector('img').src"
WORDS = "k => document.querySelectorAll('.nnlib-panel')[k].querySelector('.nnlib-words').innerText"
FULL_SIZE = """k => {
    const image = document.querySelectorAll(".nnlib-panel")[k].querySelector("img");
    return image.naturalWidth === 1.5 * parseFloat(image.closest("[style*=width]").style.width);
}"""
SHOWN = """() => [...document.querySelectorAll(".nnlib-panel")].filter(
    panel => [...panel.querySelectorAll("img, canvas")].some(
        picture => picture.complete !== false && picture.offsetWidth > 0)).length"""


@pytest.fixture(scope="module")
def panels(chromium, tmp_path_factory):
    """A page with every panel, the list of files beside it."""
    made = written(tmp_path_factory.mktemp("panels") / "made", *CELLS)
    yield from open_copy(chromium, made, tmp_path_factory.mktemp("copy"), view="lab")


def labelled(page, k, label):
    """The handle of a slider of the panel with this number."""
    row = page.locator(".nnlib-panel").nth(k).locator(".widget-inline-hbox", has_text=label)
    return row.locator(".noUi-handle").first


def wait_for_words(page, k, test):
    """Wait until the words of the panel with this number pass a test in JavaScript."""
    page.wait_for_function(f"k => ({test})(({WORDS})(k))", arg=k, polling=20)


def test_no_part_of_a_panel_lies_on_another(panels):
    assert panels.locator(".jp-DirListing").first.is_visible()
    for size in PAGES:
        panels.set_viewport_size(size)
        panels.wait_for_function("w => innerWidth === w", arg=size["width"])
        assert panels.evaluate(SHOWN) == len(CELLS)
        assert browser.collisions(panels) == [], size
    panels.set_viewport_size(browser.SIZE)
    moved = "position: relative; top: -60px; left: 300px"
    style = panels.add_style_tag(content=f".nnlib-panel img {{ {moved} }}")
    found = "\n".join(browser.collisions(panels))  # so that it can be seen to be wrong
    assert "share" in found
    assert "ends at" in found
    style.evaluate("style => style.remove()")


def test_a_notebook_s_shortcuts_do_not_reach_a_panel(panels):
    before = panels.evaluate(CELL_COUNT)
    panels.evaluate(COMMAND_MODE)
    for control in ("select", ".noUi-handle", "button"):
        for panel in panels.locator(".nnlib-panel").all():
            if panel.locator(control).count():
                panel.locator(control).first.focus()
                for key in "bddx":
                    panels.keyboard.press(key)
    browser.settle(panels)
    assert panels.evaluate(CELL_COUNT) == before
    panels.locator(".jp-Notebook .jp-InputPrompt").first.click()
    panels.keyboard.press("b")  # outside of panels they work
    panels.wait_for_function(f"n => ({CELL_COUNT})() === n", arg=before + 1)
    panels.keyboard.press("d")
    panels.keyboard.press("d")
    panels.wait_for_function(f"n => ({CELL_COUNT})() === n", arg=before)


def test_a_notebook_is_saved_from_within_a_panel(panels):
    panels.evaluate("() => { nnlib.panel.context.model.dirty = true; }")
    panels.locator(".nnlib-panel select").first.focus()
    panels.keyboard.press("Control+s")
    panels.wait_for_function(f"() => !({DIRTY})()")


def test_a_jump_of_the_steps_is_drawn_on_the_way_and_ended_by_a_new_setting(panels):
    before = panels.evaluate(PICTURE, TRAINING)
    labelled(panels, TRAINING, "steps").press("End")
    wait_for_words(panels, TRAINING, "words => words.startsWith('Training ...')")
    assert panels.evaluate(PICTURE, TRAINING) != before
    wait_for_words(panels, TRAINING, "words => /After \\d+ steps/.test(words)")
    labelled(panels, TRAINING, "rate").press("ArrowRight")
    wait_for_words(panels, TRAINING, "words => words.includes('rate 0.003')")
    words = panels.evaluate(WORDS, TRAINING)
    assert words.startswith("Training ..."), "the older run went on to its end"
    labelled(panels, TRAINING, "steps").press("Home")
    wait_for_words(panels, TRAINING, "words => words.startsWith('Before the first step')")
    browser.settle(panels)
    assert panels.evaluate(WORDS, TRAINING).startswith("Before the first step")
    assert not browser.faults(panels)


def test_a_click_on_the_pad_is_a_dot(panels):
    pad = panels.locator(".nnlib-panel").nth(DIGIT)
    labelled(panels, DIGIT, "test image").press("End")
    pad.locator(".jupyter-widgets.widget-label", has_text="99").wait_for()
    pad.get_by_role("button", name="Clear").click()
    wait_for_words(panels, DIGIT, "words => words.startsWith('Draw a digit')")
    pad.locator(".jupyter-widgets.widget-label", has_text="none").wait_for()
    pad.locator("canvas").click()
    wait_for_words(panels, DIGIT, "words => words.startsWith('The network')")


def test_a_panel_keeps_up_with_the_hand(panels, capsys):
    for k, panel in enumerate(CLASSES):
        if panel in (ClaimsPanel, RacePanel):  # their sliders turn cards, and play in the page
            continue
        handles = panels.locator(".nnlib-panel").nth(k).locator(".noUi-handle")
        handle = handles.last if panel is DigitPanel else handles.first
        wait = browser.key_to_picture(panels, k, handle)
        rate = browser.pictures_while_dragging(panels, k, handle)
        with capsys.disabled():
            print(f"\n{panel.__name__:22} {wait:4.0f} ms from key to picture, {rate:4.1f} a second")
        panels.wait_for_function(FULL_SIZE, arg=k)  # the picture at rest
    assert not browser.faults(panels)
