"""The panels of lesson 06: what they show is what the library computes, over every control."""

import asyncio
import random
import re
from functools import cache
from itertools import count

import numpy as np
import pytest
from panels import CHUNK, STEPS, attention_panel
from pictures import assert_legible, written

from nnlib.experiments.attending import attended
from nnlib.experiments.encoder_on_mnist import as_tokens
from nnlib.experiments.filmed import USUAL, learning
from nnlib.losses import softmax_cross_entropy
from nnlib.plots.attention import SLOPES, WEIGHTS
from nnlib.widgets import advancing
from nnlib.widgets.advancing import SLICE
from nnlib.widgets.lesson_06 import GRADIENT, HEADS, LOOK, QUERIES, RUN, STRIP
from nnlib.words import minus


@pytest.fixture(scope="module")
def panel():
    """One panel for all: each test sets what it needs."""
    return attention_panel()


@pytest.fixture
def at(panel):
    """A function that sets controls, from what they are at first, and looks whether all is well."""

    def put(**values):
        for name, value in (FIRST | values).items():
            panel.controls[name].value = value
        assert panel.message.value == ""
        return panel

    return put


FIRST = {name: control.value for name, control in attention_panel().controls.items()}


def values_of(control):
    """All values that a control can take."""
    if isinstance(control.value, bool):
        return [True, False]
    if hasattr(control, "options"):
        return list(control._options_values)
    count = round((control.max - control.min) / control.step)
    return [control.min + k * control.step for k in range(count + 1)]


@cache
def trained_to(steps, *settings):
    """A network that is made and trained anew, apart from any panel."""
    images = attention_panel().images
    run = learning(images, most=STEPS, every=CHUNK, **dict(zip(RUN, settings, strict=True)))
    return run.upto(steps).model


def model_of(panel):
    """The network that the panel is to show."""
    values = panel.values()
    return trained_to(values["steps"] // CHUNK * CHUNK, *(values[name] for name in RUN))


def found_of(panel):
    """What the experiment finds for what the controls say."""
    values = panel.values()
    image, look = values["image"], {name: values[name] for name in LOOK}
    label = panel.images.labels_test[image]
    return attended(model_of(panel), panel.x[image], label, **look)


def assert_good(panel):
    """No error; the bars on the right are the library's, all can be read, and words agree."""
    assert panel.message.value == ""
    found, (_, upper, lower) = found_of(panel), panel.figure.axes
    for ax, pair in ((upper, (found.plain_p, found.p)), (lower, (found.plain_o, found.o))):
        for bars, values in zip(ax.collections, pair, strict=True):
            heights = [path.vertices[1, 1] for path in bars.get_paths()]
            np.testing.assert_allclose(heights, values, rtol=1e-5, atol=1e-6)
    now = found.p.argmax()
    assert f"is read as {now}, with probability {found.p[now]:.2f}" in panel.words.value
    assert upper.get_title().endswith(f"{found.p[now]:.2f}")
    assert all(ax.get_title() for ax in panel.figure.axes)
    assert_legible(panel.figure)


# -- every control --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FIRST)
def test_a_control_can_be_set_to_both_ends_and_between(name, at):
    view = GRADIENT if name == "of" else STRIP
    panel, pictures = at(masked=3, added=10.0, layers=2, layer=1, view=view), set()
    values = values_of(panel.controls[name])
    for value in dict.fromkeys([values[0], values[len(values) // 2], values[-1]]):
        panel.controls[name].value = value
        assert_good(panel)
        pictures.add(panel.image.value.tobytes())
    assert len(pictures) > 1


def test_random_settings(at):
    panel, draw = at(), random.Random(0)
    for _ in range(6):
        for name, control in panel.controls.items():
            if name != "steps":
                control.value = draw.choice(values_of(control))
        assert_good(panel)


def test_all_of_a_picture_stays_inside_it(at):
    for view in (STRIP, HEADS, GRADIENT, QUERIES):
        for layers in (1, 2):
            figure = at(view=view, layers=layers, masked=3, added=-10.0, of=9).figure
            figure.canvas.draw()
            for ax in figure.axes:
                for text in [*ax.texts, ax.title, ax.xaxis.label, *ax.get_yticklabels()]:
                    box = text.get_window_extent()
                    assert min(box.x0, box.y0) >= -1, text
                    assert box.x1 <= figure.bbox.x1 + 1, text
                    assert box.y1 <= figure.bbox.y1 + 1, text


# -- what is seen ---------------------------------------------------------------------------------


def test_the_strip_has_the_numbers_of_the_library(at):
    panel = at(head=1, query=3, threshold=0.0, key=5, added=12.0, masked=2, first=20)
    model, x = model_of(panel), panel.x[panel.controls["image"].value]
    there = np.ones((1, 1, 28), bool)
    there[..., 19:21] = False
    found, texts = found_of(panel), written(panel.figure.axes[0])
    for values, form in ((found.raw, ".1f"), (found.scaled, ".1f"), (found.weights, ".2f")):
        assert {minus(f"{value:{form}}") for value in values} <= set(texts)
    assert texts.count("−∞") == 2
    untouched = np.arange(29) != 3  # queries whose scores are as they were
    np.testing.assert_allclose(
        found.A[untouched], model.weights(x[None], there)[0][0, 1][untouched], rtol=1e-4, atol=1e-7
    )


def test_heads_are_painted_with_the_model_s_weights(at):
    panel = at(view=HEADS, layers=2, query=0, threshold=0.0)
    model, x = model_of(panel), panel.x[panel.controls["image"].value]
    weights = np.concatenate([A[0, :, 0] for A in model.weights(x[None])])
    nats = -(weights * np.log(weights)).sum(axis=1)
    told = zip(weights.max(axis=1), nats)
    captions = [f"head {k % 4 + 1}\nto {m:.2f}\n{n:.1f} nats" for k, (m, n) in enumerate(told)]
    assert written(panel.figure.axes[0]) == captions
    for own, picture in zip(weights, panel.figure.axes[0].images, strict=True):
        edge = picture.get_array()[:, 0, 0]  # where there is never ink
        np.testing.assert_allclose(1 - edge, (1 - 0x56 / 255) * own[1:] / weights.max(), atol=1e-4)
    layer, head = divmod(nats.argmin(), 4)
    title = f"Narrowest: head {head + 1} of layer {layer + 1}, {nats.min():.1f} nats"
    assert panel.figure.axes[0].get_title() == title


def test_entropy_is_told_beside_the_largest_that_the_mask_leaves(at):
    for masked, keys in ((0, 29), (13, 16)):
        panel = at(masked=masked, first=10)
        nats = found_of(panel).entropy[0, 0]
        told = f"its entropy is {nats:.1f} of at most {np.log(keys):.1f} nats."
        assert told in panel.words.value


def test_weights_stand_beside_the_gradient_of_what_is_asked_for(at):
    for of in ("loss", 7):
        panel = at(view=GRADIENT, of=of, threshold=0.0)
        found, (weights, _, slopes, _) = found_of(panel), panel.figure.axes[0].collections
        for bars, values, (zero, longest) in (
            (weights, found.weights, WEIGHTS),
            (slopes, found.dA[0], SLOPES),
        ):
            ends = np.array([path.vertices[1, 0] for path in bars.get_paths()])
            due = zero + longest * values / np.abs(values).max()
            np.testing.assert_allclose(ends, due, rtol=1e-4)
        assert f"d {'loss' if of == 'loss' else 'score 7'} / dA" in written(panel.figure.axes[0])


def test_the_gradient_tells_how_the_loss_moves_with_a_score(at):
    panel = at()
    model, image = model_of(panel), panel.controls["image"].value
    label, slope = panel.images.labels_test[image], 0.0
    found, by = found_of(panel), 0.5
    pull = found.weights[9] * (found.dA[0, 9] - found.weights @ found.dA[0]) / 4
    losses = []
    for panel.controls["added"].value in (-by, by):
        p = found_of(panel).p[label]
        losses.append(-np.log(p))
    slope = (losses[1] - losses[0]) / (2 * by)
    assert panel.controls["key"].value == 9
    assert slope == pytest.approx(float(pull), rel=0.05, abs=1e-5)
    z, _ = model(panel.x[image][None])
    assert softmax_cross_entropy(z, labels=np.array([label]))[0] > 0


def test_a_masked_row_has_no_weight_and_the_words_say_what_it_does(at):
    panel = at(masked=3, first=9)
    found = found_of(panel)
    assert not found.A[:, 9:12].any()
    assert panel.words.value.startswith("3 rows masked: This ")
    before = found.plain_p.argmax()
    assert (
        f"with nothing changed as {before}, with {found.plain_p[before]:.2f}" in panel.words.value
    )


def test_rows_are_masked_down_to_the_last_one(at):
    panel = at(masked=14, first=28)
    assert panel.values()["masked"] == [28]
    assert panel.words.value.startswith("1 row masked")


def test_an_edited_score_moves_the_output(at):
    o, still = found_of(at()).o, at().figure.axes[2].get_title()
    panel = at(added=40.0)
    found = found_of(panel)
    far = np.linalg.norm(found.o - found.plain_o) / np.linalg.norm(found.plain_o)
    assert still == f"Largest: entry {max(range(len(o)), key=lambda k: abs(o[k]))}"
    assert panel.figure.axes[2].get_title() == f"Moved by {far:.0%}"
    assert "+40 on the score of row 9" in panel.words.value.lower()


def test_the_first_image_is_the_one_that_the_network_is_least_sure_of(panel):
    x, labels = panel.x, panel.images.labels_test[: len(panel.x)]
    z, _ = learning(panel.images, stored=True, **USUAL).model(x)
    losses = [softmax_cross_entropy(one[None], labels=own[None])[0] for one, own in zip(z, labels)]
    assert FIRST["image"] == np.argmax(losses)


# -- the network ----------------------------------------------------------------------------------


def test_weights_that_are_not_stored_are_new_and_the_words_say_so(at):
    assert "With stored weights, " in at(norm_first=False).words.value
    assert "With new weights, " in at(norm_first=False, layers=2).words.value
    assert "With new weights, " in at(positions="sinusoids").words.value
    assert "With new weights, " in at(stored=False).words.value


def test_a_layer_can_be_chosen_where_there_are_several(at):
    layer = at().controls["layer"]
    assert layer.disabled
    panel = at(layers=2, layer=1)
    assert not layer.disabled
    assert "of layer 2 looks most" in panel.words.value
    panel.controls["layers"].value = 1
    assert (panel.message.value, layer.disabled) == ("", True)
    assert "of layer 1 looks most" in panel.words.value


def test_training_moves_the_attention_and_can_be_taken_back(at):
    panel = at(stored=False, view=HEADS)
    first = panel.image.value
    panel.run(CHUNK)
    assert f"With new weights after {CHUNK} steps" in panel.words.value
    assert panel.image.value != first
    assert_good(panel)
    panel.controls["steps"].value = 0
    assert panel.image.value == first
    assert "With new weights, " in panel.words.value


def test_stored_weights_are_trained_on(at):
    panel = at()
    panel.run(STEPS)
    assert f"With stored weights after {STEPS} steps" in panel.words.value
    assert_good(panel)
    x = as_tokens(panel.images.x_test[:300])
    right = (model_of(panel)(x)[0].argmax(axis=1) == panel.images.labels_test[: len(x)]).mean()
    assert f"{right:.3f} of the first {len(x)} unseen images are read rightly" in panel.words.value


def test_in_a_kernel_a_long_way_is_gone_in_slices_that_are_drawn(monkeypatch):
    ticks = count()
    monkeypatch.setattr(advancing, "perf_counter", lambda: SLICE / 2 * next(ticks))  # two steps

    async def play():
        panel, seen = attention_panel(), []
        panel.controls["stored"].value = False
        panel.controls["steps"].value = STEPS
        while panel.words.value.startswith("Training"):
            seen.append(panel.words.value)
            await asyncio.sleep(0.01)
        return panel, seen

    panel, seen = asyncio.run(play())
    assert len(seen) > 1
    at_once = attention_panel()
    at_once.controls["stored"].value = False
    at_once.run(STEPS)
    assert panel.words.value == at_once.words.value
    assert panel.image.value == at_once.image.value


# -- as code --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"layers": 2, "layer": 1, "head": 3, "query": 5, "of": 7, "masked": 3, "added": 6.0},
        {"stored": False, "positions": "none", "norm_first": False, "scaled": False},
        {"steps": CHUNK, "image": 3},
    ],
)
def test_the_state_as_code_finds_the_numbers_of_the_panel(values, at, capsys):
    panel, found = at(**values), found_of(at(**values))
    capsys.readouterr()
    exec(panel.as_code.value, {})
    printed = capsys.readouterr().out
    numbers = [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e[-+]\d+)?", printed)]
    query = panel.values()["query"]
    due = np.concatenate([found.p, found.weights, found.o, found.dA[query]])
    np.testing.assert_allclose(numbers, due, rtol=1e-4, atol=1e-6)


def test_what_goes_wrong_is_said_in_the_panel(at, monkeypatch):
    panel = at()
    values, picture = panel.values(), panel.image.value
    monkeypatch.setattr(panel, "values", lambda: values | {"head": 9})
    panel.refresh()
    assert "attended: head must be an integer in 0..3; got 9" in panel.message.value
    assert panel.image.value == picture
    monkeypatch.undo()
    panel.refresh()
    assert panel.message.value == ""
