"""A long way of training in a kernel: in slices that are drawn, ended by a newer setting."""

import asyncio
from itertools import count, pairwise

import pytest
from panels import CHUNK, STEPS, training_panel

from nnlib.widgets import advancing
from nnlib.widgets.advancing import PAUSE, SLICE

STEP = 0.04  # seconds that a step takes by the clock of these tests


@pytest.fixture
def clock(monkeypatch):
    """A clock on which every look takes as long as a step: nothing depends on the machine."""
    ticks = count()
    monkeypatch.setattr(advancing, "perf_counter", lambda: STEP * next(ticks))


def in_a_kernel(doing):
    """Run ``doing(panel)``, a coroutine, where an event loop runs, and wait until it is at rest."""

    async def main():
        panel = training_panel()
        await doing(panel)
        await rest(panel)
        return panel

    return asyncio.run(main())


async def rest(panel):
    """Wait until the panel has come as far as its controls say."""
    while panel.words.value.startswith("Training"):
        await asyncio.sleep(PAUSE)


def done(panel):
    """How many steps the run shown has done."""
    return panel.run_now().training.steps


def test_a_slice_is_bounded_and_drawn(clock):
    seen = []

    async def jump(panel):
        first = panel.image.value
        panel.controls["steps"].value = STEPS
        while panel.words.value.startswith("Training"):
            seen.append((done(panel), panel.words.value, panel.image.value))
            assert (
                panel.figure.axes[0].get_title("left") == f"Training ... {done(panel)} of {STEPS}"
            )
            await asyncio.sleep(PAUSE)
        assert first not in [picture for _, _, picture in seen]

    panel = in_a_kernel(jump)
    steps = [0, *(step for step, _, _ in seen)]
    assert max(b - a for a, b in pairwise(steps)) * STEP <= SLICE + STEP < 0.2
    assert len({picture for _, _, picture in seen}) == len(seen) >= STEPS * STEP / SLICE - 1
    assert seen[0][1].startswith(f"Training ... {steps[1]} of {STEPS} steps. Before the first step")
    assert panel.words.value.startswith(f"After {STEPS} steps of Adam")


def test_at_rest_nothing_tells_how_it_came_there(clock):
    async def jump(panel):
        panel.controls["steps"].value = STEPS

    in_slices, at_once = in_a_kernel(jump), training_panel()
    at_once.run(STEPS)
    assert in_slices.image.value == at_once.image.value
    assert in_slices.words.value == at_once.words.value
    assert in_slices.as_code.value == at_once.as_code.value


def test_a_newer_setting_ends_an_older_run(clock):
    left = []

    async def change(panel):
        panel.controls["steps"].value = STEPS
        older = panel.run_now()
        left.append(done(panel))
        panel.controls["lr"].value = 0.1
        await rest(panel)
        left.append(older.training.steps)

    panel = in_a_kernel(change)
    assert 0 < left[0] == left[1] < STEPS
    assert panel.words.value.startswith(f"After {STEPS} steps of Adam at rate 0.1")


def test_going_back_ends_it_too_and_going_on_goes_on_from_there(clock):
    async def back(panel):
        panel.controls["steps"].value = STEPS
        panel.controls["steps"].value = 0
        assert panel.words.value.startswith("Before the first step")
        await asyncio.sleep(5 * PAUSE)
        assert 0 < done(panel) < CHUNK
        panel.controls["steps"].value = STEPS

    assert in_a_kernel(back).words.value.startswith(f"After {STEPS} steps")


def test_no_step_is_left_to_come_when_all_is_done(clock):
    async def jump(panel):
        panel.controls["steps"].value = STEPS
        await rest(panel)
        pending = panel.next
        await asyncio.sleep(5 * PAUSE)
        assert panel.next is pending

    in_a_kernel(jump)


def test_run_goes_all_the_way_at_once_in_a_kernel_too(clock):
    async def run(panel):
        panel.run(STEPS)
        assert panel.words.value.startswith(f"After {STEPS} steps")

    in_a_kernel(run)


def test_an_error_on_the_way_is_told_and_ends_it(clock, monkeypatch):
    async def fail(panel):
        panel.controls["steps"].value = STEPS
        monkeypatch.setattr(panel.run_now(), "upto", lambda steps: 1 / 0)
        while not panel.message.value:
            await asyncio.sleep(PAUSE)
        assert "ZeroDivisionError" in panel.message.value
        monkeypatch.undo()
        panel.controls["steps"].value = 0
        assert panel.message.value == ""

    in_a_kernel(fail)


def test_an_interrupt_between_two_cells_ends_the_run_and_not_the_kernel(clock, monkeypatch):
    def interrupt(steps):
        raise KeyboardInterrupt

    async def stop(panel):
        panel.controls["steps"].value = STEPS
        with monkeypatch.context() as patch:
            patch.setattr(panel.run_now(), "upto", interrupt)
            while not panel.message.value:
                await asyncio.sleep(PAUSE)
        assert "KeyboardInterrupt" in panel.message.value
        panel.controls["steps"].value = CHUNK

    assert in_a_kernel(stop).words.value.startswith(f"After {CHUNK} steps")


def test_a_run_that_diverges_on_the_way_ends_there(clock):
    async def diverge(panel):
        panel.data = 1e18 * panel.data[0], panel.data[1]
        panel.controls["optimizer"].value, panel.controls["lr"].value = "GradientDescent", 10.0
        panel.controls["steps"].value = STEPS

    panel = in_a_kernel(diverge)
    assert "diverged at step" in panel.words.value
    assert panel.message.value == ""
