"""Panels keep up with the hand: rough frames on the way, and at rest the picture of a new panel."""

import asyncio
import io
import random
from typing import NamedTuple

import ipywidgets
import numpy as np
import PIL.Image
import pytest
from panels import LINES, PANELS, DigitPanel

from nnlib.plots.kept import ROUGH, KeptFigure
from nnlib.widgets import panel as module
from nnlib.widgets.lesson_02 import ActivationPanel
from nnlib.widgets.lesson_90 import ClaimsPanel
from nnlib.widgets.page import inside
from nnlib.widgets.panel import FULL, Panel

each_panel = pytest.mark.parametrize("make", PANELS, ids=lambda make: make.__name__)


# -- at rest ------------------------------------------------------------------------------------


ANYWHERE = {  # of text, what can be written there whatever the other controls say
    "containing": ("", "softmax", "a", "nothing of this kind"),
    "source": ("may", "december"),
    "written": ("", "march", "mayEND"),
}


def values_of(control):
    """Values that a control can be set to, from end to end."""
    if isinstance(control.value, bool):
        return [True, False]
    if hasattr(control, "options"):
        return list(control._options_values)
    if hasattr(control, "min"):
        values = np.linspace(control.min, control.max, 9)
        base = getattr(control, "base", None)
        return [base**v if base else type(control.value)(v) for v in values]
    return ANYWHERE.get(control.description) or LINES[control.description]


def wander(panel, steps, rng):
    """Set controls at random, of those that a hand could set; yield after each step."""
    controls = {"choice": panel.choice} if isinstance(panel, DigitPanel) else panel.controls
    for _ in range(steps):
        control = rng.choice(
            [one for one in controls.values() if not getattr(one, "disabled", False)]
        )
        control.value = rng.choice(values_of(control))
        assert panel.message.value == ""
        yield


@each_panel
def test_at_rest_the_picture_is_that_of_a_new_figure(make):
    panel, rng = make(), random.Random(3)
    width, height = panel.figure.get_size_inches()
    for _ in wander(panel, 12, rng):
        if rng.random() < 0.5:
            panel.refresh(rough=True)
            panel.refresh()
        picture, kept = panel.image.value, panel.figure
        panel.figure = KeptFigure(width, height, arranged=panel.margins is None)
        Panel.show(panel)
        assert panel.image.value == picture
        panel.figure = kept


@each_panel
def test_the_axes_of_a_panel_outlast_its_drawings(make):
    panel = make()
    axes = panel.figure.axes
    for _ in wander(panel, 4, random.Random(4)):
        assert all(one is other for one, other in zip(panel.figure.axes, axes, strict=True))


@each_panel
def test_a_rough_picture_has_half_the_resolution(make):
    panel = make()
    full = size(panel)
    Panel.show(panel, rough=True)
    assert size(panel) == tuple(side * ROUGH // FULL for side in full)
    panel.refresh()
    assert size(panel) == full


def size(panel):
    """Width and height of the picture shown, in pixels."""
    return PIL.Image.open(io.BytesIO(panel.image.value)).size


# -- on the way -----------------------------------------------------------------------------------


class Doubled(NamedTuple):
    """A number and twice it."""

    x: int
    twice: int


class Double(Panel):
    """Twice x; 5 fails, 6 is interrupted. Remembers what it has shown."""

    measure = staticmethod(lambda x: Doubled(x, 2 * x))

    def __init__(self):
        self.shown = []
        x = ipywidgets.IntSlider(0, 0, 99, description="x")
        super().__init__({"x": x}, width=2, height=2)

    def draw(self, figure, found):
        figure.gca().plot([0, found.x], [0, found.twice])
        if found.x == 6:
            raise KeyboardInterrupt
        return f"twice {found.x} is {found.twice // (found.x != 5)}"

    def present(self, found, words, picture, code):
        super().present(found, words, picture, code)
        self.shown.append((found.x, PIL.Image.open(io.BytesIO(picture)).width))
        assert words == f"twice {found.x} is {found.twice}"
        assert f"(x={found.x})" in code


class Clock:
    """The time of a panel, which stands still until it is moved: nothing depends on the machine."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """A clock that says that no time has gone by since the last drawing."""
    monkeypatch.setattr(module, "monotonic", clock := Clock())
    return clock


def in_a_kernel(moving, make=Double):
    """Run ``moving(panel)``, a coroutine, where an event loop runs."""

    async def main():
        panel = make()
        await moving(panel)
        return panel

    return asyncio.run(main())


def move(panel, *values):
    """What messages of the page do while a hand moves the slider."""
    for x in values:
        panel.controls["x"].set_state({"value": x})


async def rest():
    """Wait until every drawing to come has come."""
    while len(handles := asyncio.get_running_loop()._scheduled) and not all(
        handle.cancelled() for handle in handles
    ):
        await asyncio.sleep(module.SOON)


FINE, HALF = 2 * FULL, 2 * ROUGH


def test_frames_that_are_overtaken_are_left_out_and_the_last_is_drawn_in_full(clock):
    async def drag(panel):
        clock.now = 1.0  # at rest
        move(panel, *range(1, 50))
        await rest()

    assert in_a_kernel(drag).shown == [(0, FINE), (1, FINE), (49, HALF), (49, FINE)]


def test_a_single_step_is_drawn_in_full_at_once(clock):
    async def step(panel):
        for clock.now, x in ((1.0, 1), (2.0, 2)):
            move(panel, x)
            assert panel.shown[-1] == (x, FINE)
            assert panel.words.value == f"twice {x} is {2 * x}"
        assert not asyncio.get_running_loop()._scheduled

    in_a_kernel(step)


def test_a_hand_that_moves_on_sees_frames_on_the_way(clock):
    async def drag(panel):
        for x in range(1, 4):
            move(panel, x)
            while panel.shown[-1][0] != x:
                await asyncio.sleep(module.SOON)
        await rest()

    frames = [frame for frame in in_a_kernel(drag).shown if frame[1] == HALF]
    assert [x for x, _ in frames] == [1, 2, 3]


def test_a_hand_that_never_pauses_does_not_put_off_the_next_frame(clock):
    async def drag(panel):
        move(panel, 1)
        due = panel.next
        move(panel, 2, 3)
        assert panel.next is due
        assert not due.cancelled()

    in_a_kernel(drag)


def test_what_a_cell_sets_is_drawn_in_full_at_once(clock):
    async def cell(panel):
        move(panel, 1, 2)
        for x in (3, 4):
            panel.controls["x"].value = x
            assert panel.shown[-1] == (x, FINE)
        await rest()
        assert panel.shown[-1] == (4, FINE)
        assert HALF not in dict(map(reversed, panel.shown))

    in_a_kernel(cell)


def test_without_a_loop_every_change_is_drawn_in_full_at_once(clock):
    panel = Double()
    move(panel, 1, 2, 3)
    assert panel.shown == [(x, FINE) for x in range(4)]


def test_what_is_shown_elsewhere_is_the_full_picture(clock):
    async def display(panel):
        move(panel, 1)
        while panel.shown[-1][0] != 1:
            await asyncio.sleep(module.SOON)
        assert size(panel)[0] == HALF
        panel._repr_mimebundle_()
        assert size(panel)[0] == FINE

    in_a_kernel(display)


def test_an_error_on_the_way_is_told_and_the_next_good_frame_clears_it(clock):
    async def drag(panel):
        move(panel, 5)
        await rest()
        assert "ZeroDivisionError" in panel.message.value
        assert (panel.shown, panel.words.value) == ([(0, FINE)], "twice 0 is 0")
        move(panel, 7)
        await rest()
        assert panel.message.value == ""

    assert in_a_kernel(drag).shown[-1] == (7, FINE)


def test_an_interrupt_on_the_way_is_told_and_leaves_the_loop_running(clock):
    async def drag(panel):
        move(panel, 6)
        await rest()
        assert "KeyboardInterrupt" in panel.message.value
        move(panel, 8)
        await rest()

    panel = in_a_kernel(drag)
    assert (panel.shown[-1], panel.message.value) == ((8, FINE), "")


@pytest.mark.parametrize("close", [Panel.close, lambda panel: panel.box.close()])
def test_nothing_comes_once_a_panel_is_closed(clock, close):
    async def drag(panel):
        move(panel, 1)
        close(panel)
        assert panel.next.cancelled() or close is not Panel.close
        await rest()

    assert in_a_kernel(drag).shown == [(0, FINE)]


def test_a_closed_panel_has_no_part_left_on_the_page():
    panel = Double()
    parts = [part for part in inside(panel.box) if isinstance(part, ipywidgets.Widget)]
    panel.close()
    assert not [part for part in parts if part.comm is not None]


@pytest.mark.parametrize("make", [ActivationPanel, ClaimsPanel])
def test_at_rest_nothing_tells_how_the_hand_came_there(clock, make):
    menu = {ActivationPanel: "activation", ClaimsPanel: "status"}[make]

    async def drag(panel):
        for k in (1, 2, 3):
            panel.controls[menu].set_state({"index": k})
            await asyncio.sleep(2 * module.SOON)
        await rest()

    moved, set_at_once = in_a_kernel(drag, make), make()
    set_at_once.controls[menu].index = 3
    assert moved.image.value == set_at_once.image.value
    assert moved.words.value == set_at_once.words.value
    assert moved.as_code.value == set_at_once.as_code.value


def test_a_card_turned_on_the_way_stays_turned(clock):
    async def turn(panel):
        panel.controls["status"].set_state({"index": 1})
        while not panel.rough:
            await asyncio.sleep(module.SOON)
        panel.controls["card"].set_state({"value": 3})
        await rest()

    panel = in_a_kernel(turn, ClaimsPanel)
    assert panel.card.value.startswith("3 of ")
    assert not panel.rough
