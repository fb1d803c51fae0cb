"""The panel of lesson 07: what it shows is what the library computes, and each button does its."""

import random
import re
from itertools import combinations

import numpy as np
import pytest
from matplotlib.text import Text
from panels import ends, moved
from pictures import assert_legible, written

from nnlib.experiments.next_token import (
    HELD_OUT,
    INVENTED,
    MODELS,
    TRAINED,
    next_token,
    one_more,
    writable,
)
from nnlib.plots.texts import Texts
from nnlib.plots.writing import share, visible
from nnlib.widgets.lesson_07 import ALL, EXAMPLES, VERDICTS, WritingPanel


@pytest.fixture(scope="module")
def panel():
    """One panel for all: each test sets what it needs."""
    return WritingPanel()


@pytest.fixture
def at(panel):
    """A function that sets controls, from what they are at first, and looks whether all is well."""

    def put(**values):
        for name, value in [*FIRST.items(), *values.items()]:
            panel.controls[name].value = value
        panel.offer(panel.controls["job"].value)  # the token to be forced is no control
        assert panel.message.value == ""
        return panel

    return put


FIRST = {name: control.value for name, control in WritingPanel().controls.items()}


def state(panel):
    """What is read and written."""
    return panel.controls["text"].value, panel.controls["written"].value


def press(panel, *buttons):
    for name in buttons:
        panel.buttons[name].click()
    return panel


def found_of(panel):
    return next_token(**panel.values())


def assert_good(panel):
    """No error, and all that is drawn and written is the library's; all can be read."""
    assert panel.message.value == ""
    found, (looks, coming, texts) = found_of(panel), panel.figure.axes
    (T, S), shown = found.cross.shape, looks.images[0].get_array()
    np.testing.assert_array_equal(shown[:, :S], found.cross)
    np.testing.assert_array_equal(shown[:, -T:], found.own)
    assert looks.images[0].get_clim() == (0, 1)
    ends = [path.vertices[1, 0] for path in coming.collections[-1].get_paths()]
    np.testing.assert_array_equal(ends, found.drawn)
    told = written(looks)
    assert {*map(visible, found.read), *map(visible, found.written)} <= set(told)
    assert {share(p) for p in found.sure} <= set(told)
    assert {share(p) for p in found.drawn} <= set(written(coming))
    assert {visible(token) for token in found.tokens} <= set(written(coming))
    assert {share(p) for p in found.texts_p} | {*found.judged} <= set(written(texts))
    assert all(ax.get_title("left") for ax in panel.figure.axes)
    assert_legible(panel.figure)
    boxes = list(boxes_of(panel.figure))
    inside = panel.figure.bbox.extents + [-1, -1, 1, 1]
    for text, box in boxes:
        assert (box[:2] >= inside[:2]).all(), text
        assert (box[2:] <= inside[2:]).all(), text
    for (one, a), (other, b) in combinations(boxes, 2):
        assert (a[2:] <= b[:2]).any() or (b[2:] <= a[:2]).any(), (one, other)


def boxes_of(figure):
    """Each text that stands in the picture by itself, and its box."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    for text in figure.findobj(Text):
        if isinstance(text, Texts):
            for one, (x, y) in zip(text.texts, text.corners(renderer)):
                width, height, descent = text.size(one, renderer)
                yield one, np.array([x, y - descent, x + width, y - descent + height])
        elif text.get_text():
            yield text.get_text(), text.get_window_extent(renderer).extents


# -- every control --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FIRST)
def test_a_control_can_be_set_to_both_ends(name, at):
    panel, pictures = at(**({"job": "names"} if name == "layer" else {})), set()
    control = panel.controls[name]
    for end in ends(control):
        control.value = end
        assert_good(panel)
        pictures.add(panel.image.value.tobytes())
    assert len(pictures) == 2


def test_random_settings(at):
    panel, draw = at(), random.Random(0)
    for _ in range(10):
        panel.controls["job"].value = draw.choice(MODELS)
        for name in ("temperature", "top_k", "layer", "head"):
            panel.controls[name].value = draw.choice(panel.controls[name]._options_values)
        for _ in range(draw.randrange(5)):
            panel.token.value = draw.choice(panel.token._options_values[1:])
            press(panel, draw.choice(["write", "draw", "force"]))
            if panel.buttons["write"].disabled:
                press(panel, "back")
        assert_good(panel)


def test_long_sources_and_long_answers_have_room(at):
    panel = at(text="wednesday, 30 september 1987")
    for panel.controls["written"].value in ("", "1987-09-30END", "1111111111111", "wwwwwwwwwwwww"):
        assert_good(panel)
    for panel.controls["text"].value in ("1", "w" * 28):
        assert_good(panel)


# -- token by token -------------------------------------------------------------------------------


def test_the_first_picture_is_of_a_month_that_is_looked_up(panel, at):
    found = found_of(at())
    text, begun = EXAMPLES["dates"]
    assert state(panel) == (text, begun)
    assert text[found.cross[-1].argmax()] == "m"
    assert panel.figure.axes[0].get_title("left").startswith("For “3” it looks most at “m”: ")
    assert "“m” in the source, character 11, weight " in panel.words.value


@pytest.mark.parametrize("job", MODELS)
def test_the_likeliest_are_written_to_the_end_and_taken_back(job, at):
    panel, seen = at(job=job), []
    press(panel, "anew")
    while not panel.buttons["write"].disabled:
        seen.append((state(panel)[1], panel.words.value, panel.image.value.tobytes()))
        press(panel, "write")
    assert state(panel)[1].endswith("END")
    assert [panel.buttons[name].disabled for name in ("draw", "force", "back")] == [1, 1, 0]
    for before in reversed(seen):
        press(panel, "back")
        assert (state(panel)[1], panel.words.value, panel.image.value.tobytes()) == before
    assert panel.buttons["back"].disabled
    assert panel.buttons["anew"].disabled


def test_another_token_is_forced_and_gone_on_from(at):
    panel = at()
    assert panel.token.value == "7"
    press(panel, "force")
    assert state(panel)[1] == "1987-07"
    found = found_of(panel)
    assert f"“7”, token 7, had {share(found.sure[-1])}: “3” was the likeliest." in panel.words.value
    assert panel.words.value.endswith("is wrong: “1987-03-01” is right.")
    red = [t.texts for t in panel.figure.axes[0].texts if t.get_color() == "#D55E00"]
    assert red == [["7"], [share(found.sure[-1])]]
    press(panel, *["write"] * 4)
    assert state(panel)[1] == "1987-07-01END"
    assert panel.words.value.endswith("This is wrong: “1987-03-01” is right.")
    panel.controls["written"].value = "1987-03-01END"
    assert panel.words.value.endswith("This is right.")


def test_a_token_is_drawn_from_the_distribution_and_another_each_time():
    def drawn():
        panel, seen = WritingPanel(), []
        panel.controls["job"].value = "names"
        panel.controls["temperature"].value, panel.controls["top_k"].value = 2.0, 3
        for _ in range(12):
            press(panel, "draw")
            seen.append(state(panel)[1])
            press(panel, "back")
        return seen

    first = drawn()
    begun = EXAMPLES["names"][1]
    options = {"temperature": 2.0, "top_k": 3}
    assert first == [one_more("names", "", begun, **options, seed=k + 1) for k in range(12)]
    assert {text[-1] for text in first} == set(next_token("names", "", begun).tokens[:3])
    assert drawn() == first


def test_a_best_text_without_a_character_is_called_nothing(at):
    panel = at(job="reversing", text="cat")  # too short for what it was trained on
    assert found_of(panel).texts[0] == ""
    assert "The best whole text from here, nothing, with 1.00, is wrong: “tac”" in panel.words.value
    assert panel.figure.axes[2].get_title("left") == "Wrong: nothing"
    assert written(panel.figure.axes[2])[0] == "nothing"


def test_what_may_be_forced_is_the_model_s_vocabulary(at):
    for job in MODELS:
        panel = at(job=job)
        assert panel.token._options_values == writable(job)
        assert panel.token.value in writable(job)


# -- a source of one's own ------------------------------------------------------------------------


def test_a_new_source_begins_anew_and_its_answer_is_judged(at):
    panel = at()
    panel.controls["text"].value = "12/31/29"
    assert state(panel) == ("12/31/29", "")
    assert "written nothing" in panel.words.value
    assert panel.words.value.endswith("is right.")
    assert panel.figure.axes[2].get_title("left") == "Right: 2029-12-31"
    panel.controls["text"].value = "1987-03-01"
    assert panel.figure.axes[2].get_title("left").startswith("Not judged: ")
    assert panel.words.value.endswith(f"{VERDICTS['']}.")


def test_characters_that_it_never_saw_are_refused_and_nothing_changes(at):
    panel = at()
    before = panel.words.value, panel.image.value, panel.as_code.value, state(panel)[1]
    panel.controls["text"].value = "1 März 1987"
    assert "got &#x27;M&#x27; and &#x27;ä&#x27;" in panel.message.value
    assert (panel.words.value, panel.image.value, panel.as_code.value, state(panel)[1]) == before
    press(panel, "write")
    assert "got &#x27;M&#x27;" in panel.message.value
    assert (panel.words.value, panel.image.value, panel.as_code.value, state(panel)[1]) == before
    panel.controls["text"].value = FIRST["text"]
    assert panel.message.value == ""
    assert (panel.words.value, panel.image.value, panel.as_code.value, state(panel)[1]) == before


def test_another_model_brings_its_example(at):
    panel = at()
    for job in (*MODELS, *MODELS):
        panel.controls["job"].value = job
        assert panel.message.value == ""
        assert state(panel) == EXAMPLES[job]
        assert panel.controls["text"].disabled == (job == "names")
        assert panel.controls["layer"].disabled == (job != "names")


def test_of_a_layer_that_a_model_has_not_the_last_one_is_shown(at):
    panel = at(job="names", layer=1)
    assert "of layer 2 looks most" in panel.words.value
    panel.controls["job"].value = "dates"
    assert panel.message.value == ""
    assert "of layer 1 looks most" in panel.words.value


# -- in words, and as code ------------------------------------------------------------------------


def test_words_say_what_temperature_and_top_k_change(at):
    panel = at()
    assert "Temperature 1 and top-k all draw by just these." in panel.words.value
    panel = at(temperature=10.0, top_k=3)
    found = found_of(panel)
    changed = f"top-k 3 leaves 3 tokens: “3” is drawn with {share(found.drawn[0])}."
    assert f"Temperature 10 evens out and {changed}" in panel.words.value
    assert panel.figure.axes[1].get_title("left") == f"“3”: 1.00 becomes {share(found.drawn[0])}"
    panel = at(temperature=0.5, top_k=1)
    assert "Temperature 0.5 sharpens and top-k 1 leaves 1 token: " in panel.words.value


@pytest.mark.parametrize(
    ("name", "judged"), [("smith", TRAINED), ("smither", HELD_OUT), ("smithqqq", INVENTED)]
)
def test_words_say_whether_a_name_is_one(name, judged, at):
    panel = at(job="names")
    panel.controls["written"].value = f"{name}END"
    assert panel.words.value.endswith(f"This {VERDICTS[judged]}.")
    assert panel.figure.axes[2].get_title("left") == f"{judged.capitalize()}: {name}"


def test_words_tell_a_head_from_the_mean_of_all(at):
    heads = [at(head=head).words.value for head in range(5)]
    assert "the mean of 4 heads of layer 1 looks most" in heads[0]
    for k, words in enumerate(heads[1:]):
        weights = next_token("dates", *EXAMPLES["dates"], head=k).cross[-1]
        told = f"head {k + 1} of layer 1 looks most at “{visible(FIRST['text'][weights.argmax()])}”"
        assert told in words
        assert f"weight {weights.max():.2f};" in words


def test_the_state_as_code_finds_the_same(at, capsys):
    for panel in (at(), at(job="names", temperature=2.0, top_k=5, layer=1, head=3)):
        capsys.readouterr()
        exec(panel.as_code.value, {})
        printed = capsys.readouterr().out
        assert f"texts = {found_of(panel).texts}" in printed
        assert f"drawn = {found_of(panel).drawn}" in printed


def test_every_end_of_every_control_leaves_words_and_code_that_agree(panel):
    for name, _ in moved(panel):
        job, (text, begun) = panel.controls["job"].value, state(panel)
        assert f"job={job!r}" in panel.as_code.value, name
        assert f"written={begun!r}" in panel.as_code.value
        assert not text or f"text={text!r}" in panel.as_code.value
        verdicts = "|".join(map(re.escape, filter(None, VERDICTS.values())))
        assert re.search(f"({verdicts})(: “.*” is right)?\\.$", panel.words.value)
    assert panel.controls["top_k"].value == ALL
