"""The race in a real browser: a start by click, finger and keys; play, scrub; every preset.

Without Chromium these tests are skipped, unless NNLIB_BROWSER=required.
"""

import numpy as np
import pytest
from pages import written

from nnlib.experiments.presets import PRESETS
from nnlib.experiments.race import Setting, as_text, race, runner
from nnlib.experiments.tuning import at_rates
from nnlib.optimizers import OPTIMIZERS
from nnlib.plots.race import names
from nnlib.words import short
from tools import browser

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("race")]  # they share a page

CELL = "from nnlib.widgets.lesson_04 import RacePanel\nRacePanel()"
SETTING = at_rates(Setting(tuple(map(runner, OPTIMIZERS))), "tuned")
# What the canvas last wrote, and how many pictures it has drawn.
WATCH = """() => {
    const pen = CanvasRenderingContext2D.prototype;
    const {clearRect, fillText} = pen;
    nnlib.drawn = {pictures: 0, texts: []};
    pen.clearRect = function (...box) {
        nnlib.drawn.pictures += 1;
        nnlib.drawn.texts = [];
        return clearRect.apply(this, box);
    };
    pen.fillText = function (text, ...place) {
        nnlib.drawn.texts.push(text);
        return fillText.call(this, text, ...place);
    };
}"""
TOUCH = """([x, y]) => {
    const canvas = document.querySelector(".nnlib-panel canvas");
    const at = {clientX: x, clientY: y, pointerId: 7, pointerType: "touch", isPrimary: true};
    canvas.setPointerCapture = () => {};  // there is no such finger
    for (const name of ["pointerdown", "pointermove", "pointerup"])
        canvas.dispatchEvent(new PointerEvent(name, {...at, bubbles: true, cancelable: true}));
}"""


@pytest.fixture(scope="module")
def opened(chromium, tmp_path_factory):
    """A page with the race."""
    race = written(tmp_path_factory.mktemp("race") / "made", CELL)
    with browser.lab(race.parent) as url:
        page = browser.opened(chromium, url, race.name)
        page.evaluate(WATCH)
        browser.run_all(page)
        yield page
        page.close()


@pytest.fixture
def page(opened):
    """The page, with the same race at its start and at the same speed for each test."""
    state = opened.locator(".nnlib-panel .widget-text", has_text="state").locator("input")
    state.fill(as_text(SETTING._replace(seed=1)))
    state.press("Enter")
    state.fill(as_text(SETTING))
    state.press("Enter")
    opened.get_by_title("speed", exact=True).select_option("1")
    pressed(opened, "Home")
    return opened


def field(page, label):
    """The number in a field of the panel."""
    box = page.locator(".nnlib-panel .widget-inline-hbox", has_text=label).locator("input").first
    return float(box.input_value())


def step(page):
    """The step that is shown."""
    return int(page.locator(".nnlib-panel output").inner_text().split()[1])


def words(page):
    """What there is to notice, and who is where."""
    return "\n".join(page.locator(".nnlib-panel .nnlib-words").all_inner_texts())


def canvas(page):
    """The canvas, and where it lies."""
    found = page.locator(".nnlib-panel canvas")
    return found, found.bounding_box()


def pressed(page, key, *, times=1):
    """Type a key on the canvas and let the kernel follow."""
    canvas(page)[0].focus()
    for _ in range(times):
        page.keyboard.press(key)
    browser.settle(page)


def wait_for_step(page, number):
    """Wait until a step is shown, or one after it."""
    page.wait_for_function(
        "n => document.querySelector('.nnlib-panel output').innerText.split(' ')[1] >= n",
        arg=number,
    )


def test_a_click_and_a_finger_set_the_start(page):
    _, box = canvas(page)
    for act, share in ((page.mouse.click, 0.2), (None, 0.4)):
        x, y = box["x"] + share * box["width"], box["y"] + 0.3 * box["height"]
        if act:
            act(x, y)
        else:
            page.evaluate(TOUCH, [x, y])
        browser.settle(page)
        assert -15 < field(page, "start x") < 15
        assert field(page, "start x") != SETTING.start[0]
        assert (field(page, "start x") > 0) == (share > 0.3)
        assert field(page, "start y") > 0
    assert browser.faults(page) == []


def test_the_start_follows_a_hand_that_drags_it(page):
    _, box = canvas(page)
    page.mouse.move(box["x"] + 0.15 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    for share in (0.2, 0.3, 0.4):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.up()
    browser.settle(page)
    assert field(page, "start x") > 0
    assert browser.faults(page) == []


def test_it_plays_to_its_end_and_the_words_follow(page):
    before = page.evaluate("() => nnlib.drawn.pictures")
    began = page.evaluate("() => performance.now()")
    page.get_by_role("button", name="Play").click()
    wait_for_step(page, 200)
    seconds = (page.evaluate("() => performance.now()") - began) / 1000
    pictures = page.evaluate("() => nnlib.drawn.pictures") - before
    print(f"{pictures / seconds:.0f} pictures a second")
    page.get_by_role("button", name="Play").wait_for()  # it has come to rest
    browser.settle(page)
    assert pictures > 2
    assert "After step 200:" in words(page)
    assert browser.faults(page) == []


def test_it_is_scrubbed_and_its_speed_chosen(page):
    scrub = page.locator(".nnlib-panel input[type=range]")
    scrub.fill("120")
    assert step(page) == 120
    browser.settle(page)
    assert "After step 120:" in words(page)
    for speed in ("0.25", "4"):
        page.get_by_title("speed", exact=True).select_option(speed)
        page.get_by_role("button", name="Play").click()
        wait_for_step(page, 125 if speed == "0.25" else 200)
        pressed(page, "Home")


def test_the_keyboard_alone_will_do(page):
    pressed(page, "Home")
    pressed(page, ".", times=3)
    pressed(page, ",")
    assert step(page) == 2
    pressed(page, "End")
    assert step(page) == 200
    x, y = field(page, "start x"), field(page, "start y")
    pressed(page, "ArrowRight")
    pressed(page, "Shift+ArrowUp")
    assert (field(page, "start x") > x, field(page, "start y") > y) == (True, True)
    pressed(page, "Home")
    page.keyboard.press("-")  # slower, so that it does not end before it is paused
    page.keyboard.press("Space")
    page.wait_for_function(
        "() => document.querySelector('.nnlib-panel output').innerText.split(' ')[1] > 0"
    )
    page.keyboard.press("Space")
    page.get_by_role("button", name="Play").wait_for()
    page.keyboard.press("Tab")  # on to the buttons below the canvas, of which the second plays
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.innerText") == "Play"
    browser.settle(page)
    assert browser.faults(page) == []


def test_every_preset_is_chosen_by_keyboard_played_and_drawn(page):
    menu = page.locator(".nnlib-panel .widget-dropdown", has_text="preset").locator("select")
    pressed(page, "+", times=4)
    for name, preset in PRESETS.items():
        menu.focus()
        page.keyboard.press("ArrowDown")
        browser.settle(page)
        assert menu.evaluate("menu => menu.selectedOptions[0].text").split() == name.split()
        assert "Who will be first?" in words(page)
        pressed(page, "End")
        assert preset.notice in words(page)
        drawn = page.evaluate("() => nnlib.drawn.texts")
        assert all(text in drawn for text in names(preset.setting.runners))
        assert browser.faults(page) == []
        assert browser.collisions(page) == []


def test_the_lengths_beside_the_arrows_are_the_library_s(page):
    page.locator(".widget-dropdown", has_text="view").locator("select").select_option(
        "arrows of this step"
    )
    page.locator(".nnlib-panel input[type=range]").fill("7")
    browser.settle(page)
    run = race(SETTING).runs[0]
    drawn = page.evaluate("() => nnlib.drawn.texts")
    assert f"step  {short(float(np.hypot(*run.moves[7])), 3)}" in drawn
    assert f"−gradient  {short(float(np.hypot(*run.given[7])), 3)}" in drawn
