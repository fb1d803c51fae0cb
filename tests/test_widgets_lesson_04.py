"""The race's panel: what it shows is the library's, whatever its controls say."""

import html
import io
import json
import re
from base64 import b64decode

import ipywidgets
import numpy as np
import PIL.Image
import pytest
from panels import ends, run_code

from nnlib.experiments.commentary import comments
from nnlib.experiments.equations import number, update
from nnlib.experiments.grounds import DIGITS, WEIGHTS
from nnlib.experiments.presets import PRESETS
from nnlib.experiments.race import Runner, Setting, default_rate, race, runner, settings_of
from nnlib.experiments.slices import digits_slice
from nnlib.experiments.tricks import TRICKS, playable
from nnlib.experiments.tuning import GRID, at_rates, ranking
from nnlib.landscapes import GROUNDS
from nnlib.optimizers import OPTIMIZERS
from nnlib.plots.race import CHANNELS, MOST, faces, leads, names, scene
from nnlib.plots.race_views import VIEWS, ranks
from nnlib.widgets.lesson_04 import RacePanel
from nnlib.widgets.page import inside
from nnlib.widgets.race_canvas import RaceCanvas
from nnlib.widgets.race_controls import DEFAULT, OWN, SAME, TUNED, TYPED, YOURS
from nnlib.words import short

ON_WEIGHTS = Setting(
    (Runner("Adam", 0.05), Runner("GradientDescent", 0.5)), WEIGHTS, start=(1.0, 1.0), steps=50
)
FAST = Setting((Runner("GradientDescent", 0.05), Runner("Momentum", 90.0), Runner("Adam", 0.5)))


def check(panel):
    """It has nothing to complain about, and the canvas has what it needs for this race."""
    assert panel.message.value == ""
    found, canvas = race(panel.own.setting()), panel.canvas
    json.dumps(canvas.scene, allow_nan=False)  # which no page could read
    assert tracked(canvas).shape == (
        len(found.runs), len(canvas.scene["channels"]), found.setting.steps + 1
    )  # fmt: skip
    assert canvas.ground[1:4] == b"PNG"
    assert canvas.start == list(found.setting.start)
    return found


def tracked(canvas):
    """The tracks as the page reads them: runner, channel, step."""
    shape = len(canvas.scene["runners"]), len(canvas.scene["channels"]), canvas.scene["last"] + 1
    return np.frombuffer(canvas.tracks, np.float32).reshape(shape)


def options(control, rng):
    """One of the values that a control offers."""
    if hasattr(control, "options"):
        return control._options_values[rng.integers(len(control._options_values))]
    first, last = ends(control)
    return bool(rng.integers(2)) if isinstance(first, bool) else rng.integers(0, 10)


def put_at_random(panel, rng, grounds=(*GROUNDS, TYPED)):
    """Set all controls of a panel to something that they offer, on grounds that are fast."""
    panel.controls["ground"].options = list(grounds)
    moved = [name for name in panel.controls if name not in ("function", "step", "x", "y")]
    for name in rng.permutation(moved):
        control = panel.controls[name]
        control.value = type(control.value)(options(control, rng))
    panel.canvas.value = int(rng.integers(panel.canvas.max + 1))


# -- every setting --------------------------------------------------------------------------------


@pytest.mark.parametrize("ground", RacePanel().controls["ground"].options)
def test_every_ground_runs_in_every_view(ground):
    panel = RacePanel()
    panel.controls["ground"].value = ground
    for panel.controls["view"].value in VIEWS:
        for panel.controls["curve"].value in ("loss", "norm"):
            found = check(panel)
    assert found.setting.ground == (panel.controls["function"].value if ground == TYPED else ground)


def test_every_control_moves_to_both_ends_and_all_options():
    panel = RacePanel()
    for name, control in panel.controls.items():
        first = control.value
        values = getattr(control, "_options_values", None) or ends(control)
        for value in values if name != "function" else ("x*y", "abs(x) + y**2"):
            control.value = value
            check(panel)
        control.value = first


@pytest.mark.parametrize("seed", range(20))
def test_any_setting_is_shown_written_down_and_read_again(seed):
    panel, other = RacePanel(), RacePanel()
    put_at_random(panel, np.random.default_rng(seed))
    found = check(panel)
    assert said(panel) == [one.words for one in comments(found, panel.step(found))]
    other.text.value = panel.text.value
    check(other)
    assert other.own.setting() == panel.own.setting()
    assert other.text.value == panel.text.value


@pytest.mark.parametrize("seed", range(5))
def test_any_setting_on_all_weights_is_shown_written_down_and_read_again(seed):
    panel, other = RacePanel(ON_WEIGHTS), RacePanel(ON_WEIGHTS)
    panel.controls["steps"].options = [50]
    put_at_random(panel, np.random.default_rng(seed), [WEIGHTS])
    found = check(panel)
    assert said(panel) == [one.words for one in comments(found, panel.step(found))]
    other.text.value = panel.text.value
    assert check(other).setting == found.setting


def test_nobody_may_run():
    panel = RacePanel()
    for k in range(MOST):
        panel.controls[f"on {k}"].value = False
    for panel.controls["view"].value in VIEWS:
        check(panel)
    assert panel.canvas.scene["runners"] == []


# -- a network's own race, of which the map shows a part ------------------------------------------


def test_on_all_weights_the_map_is_the_slice_and_the_curves_are_the_network_s():
    panel, (run, _) = RacePanel(ON_WEIGHTS), race(ON_WEIGHTS).runs
    assert panel.canvas.ground == RacePanel(ON_WEIGHTS._replace(ground=DIGITS)).canvas.ground
    whole = digits_slice().whole
    start = digits_slice().lifted(np.array(ON_WEIGHTS.start))
    first = {"loss": whole.value(start), "norm": np.linalg.norm(whole.gradient(start))}
    for panel.controls["curve"].value, value in first.items():
        row = dict(zip(panel.canvas.scene["channels"], tracked(panel.canvas)[0]))
        assert row[panel.controls["curve"].value][0] == np.float32(value)
        np.testing.assert_array_equal(row["x"], run.path[:, 0].astype(np.float32))


def test_what_no_coordinate_of_the_map_has_is_said_in_words():
    panel = RacePanel(ON_WEIGHTS)
    panel.controls["view"].value = "effective rates"
    assert panel.canvas.scene["view"]["kind"] == "words"
    assert panel.canvas.scene["view"]["words"][0] == "Each of 610 weights"
    assert "Each of 610 weights has an update of its own" in panel.formula.value
    panel.controls["view"].value = "arrows of this step"
    assert panel.canvas.scene["view"]["title"] == "Directions on the map: Adam"
    panel.controls["ground"].value = DIGITS
    assert panel.canvas.scene["view"]["title"] == "Directions and lengths: Adam"
    assert "weights" not in panel.formula.value


def test_a_click_begins_with_the_weights_of_that_place():
    panel = RacePanel(ON_WEIGHTS)
    panel.canvas.start = [0.5, -1.0]
    for run in check(panel).runs:
        np.testing.assert_allclose(run.path[0], [0.5, -1.0], atol=1e-12)
        weights = digits_slice().lifted(np.array([0.5, -1.0]))
        assert run.values[0] == digits_slice().whole.value(weights)


def test_a_trick_that_needs_a_map_of_all_is_not_played_on_all_weights():
    panel = RacePanel(ON_WEIGHTS._replace(ground="bowl"))
    for trick in TRICKS:
        panel.controls[trick].value = True
    assert check(panel).setting.tricks == tuple(TRICKS)
    panel.controls["ground"].value = WEIGHTS
    assert check(panel).setting.tricks == tuple(playable(610))
    shown = [trick for trick in TRICKS if panel.controls[trick].layout.display != "none"]
    assert shown == playable(610)
    panel.controls["ground"].value = "bowl"
    assert check(panel).setting.tricks == tuple(TRICKS)


# -- every number is the library's ----------------------------------------------------------------


def test_the_canvas_has_the_runs_number_by_number():
    panel = RacePanel(FAST)
    for panel.controls["view"].value in VIEWS:
        rows = tracked(panel.canvas)
        for run, row in zip(race(FAST).runs, rows):
            for name, values in zip(panel.canvas.scene["channels"], row):
                with np.errstate(over="ignore"):
                    expected = CHANNELS[name](run).astype(np.float32)
                np.testing.assert_array_equal(values[: len(expected)], expected)
                assert np.isnan(values[len(expected) :]).all()


def said(panel):
    """The lines that say who is where."""
    head, *lines = html.unescape(panel.words.value).split("<br>")
    assert head == f"After step {panel.canvas.value}:"
    return lines


@pytest.mark.parametrize("step", [0, 1, 60, 200])
def test_the_words_say_where_each_runner_is(step):
    panel, found = RacePanel(FAST), race(FAST)
    panel.canvas.value = step
    assert said(panel) == [one.words for one in comments(found, step)]
    for run in found.runs:
        (line,) = (line for line in said(panel) if f" {run.runner.rule}, " in line)
        lost = f"diverged at step {run.ended + 1}" in line
        assert lost == (run.ended <= step and run.ended < 200)
        assert lost or f"f = {short(float(run.values[step]), 3)}" in line


def test_who_diverges_is_told_and_marked_and_stays():
    panel, found = RacePanel(FAST), race(FAST)
    lost = found.runs[1]
    assert lost.ended < 200
    assert "Momentum, rate 90: diverged at step" in panel.words.value
    assert panel.canvas.scene["runners"][1]["end"] == lost.ended
    assert panel.message.value == ""
    for view in VIEWS:
        panel.controls["view"].value, panel.controls["looked"].value = view, 1
        check(panel)


@pytest.mark.parametrize("rule", OPTIMIZERS)
@pytest.mark.parametrize("step", [0, 7, 200])
def test_the_formula_has_the_numbers_of_the_step(rule, step):
    panel = RacePanel()
    panel.controls["looked"].value, panel.canvas.value = list(OPTIMIZERS).index(rule), step
    (run,) = (run for run in check(panel).runs if run.runner.rule == rule)
    taken = min(step, 199)
    for axis, name in enumerate("xy"):
        assert f"<b>Step {taken + 1} of {rule}, coordinate {name}</b>" in panel.formula.value
        last = update(run, taken, axis)[-1]
        assert np.isclose(last.value, run.path[taken + 1, axis], rtol=1e-12, atol=1e-280)
        assert f"= {number(last.value)}$" in panel.formula.value


def test_the_rate_that_is_shown_is_the_rate_that_is_used():
    panel = RacePanel()
    for k, run in enumerate(check(panel).runs):
        slider = panel.controls[f"lr {k}"]
        assert (slider.value, float(slider.label)) == (run.runner.lr, run.runner.lr)


def test_the_ranking_is_the_library_s():
    setting = PRESETS["the same ravine, turned by 45°"].setting
    many = ranking(setting)
    drawn = {row["name"].split()[0]: row for row in ranks(race(setting), 0)["rows"]}
    assert any(first < third for first, third in many.spread)
    for one, mean, spread in zip(many.runners, many.mean, many.spread):
        assert drawn[one.rule]["mean"] == mean
        assert drawn[one.rule]["spread"] == spread.tolist()


def test_who_is_lowest_is_said_of_one_only_and_of_no_one_when_level():
    twice = Setting((Runner("Adam", 0.5), Runner("Momentum", 0.0)), steps=50)
    assert leads(race(twice))[1:] == [0] * 50
    assert leads(race(twice))[0] == -1
    assert leads(race(twice._replace(runners=()))) == [-1] * 51
    same = PRESETS["the forms of momentum"].setting
    outside, inside, *_ = (run.values for run in race(same).runs)
    assert (outside != inside).any()  # by rounding
    assert leads(race(same._replace(runners=same.runners[:2]))) == [-1] * (same.steps + 1)


def test_the_phase_diagram_has_the_runners_at_their_rate_and_momentum():
    view = VIEWS["phase diagram"](race(FAST), 0)
    places = {point["name"]: (point["x"], point["y"]) for point in view["points"]}
    assert places == {"GradientDescent": (0.05, 0.0), "Momentum": (90.0, 0.9)}
    assert VIEWS["phase diagram"](race(FAST._replace(ground="saddle")), 0)["kind"] == "words"


def test_the_code_finds_the_same_in_a_fresh_kernel():
    panel = RacePanel(FAST._replace(noise=0.3, seed=5, ground="Himmelblau", start=(-1.0, 2.0)))
    printed, error = run_code(panel.as_code.value)
    assert error == ""
    for line, run in zip(printed.splitlines(), check(panel).runs):
        assert line == f"{run.runner} {run.path[-1]} {run.values[-1]}"


# -- what a control does --------------------------------------------------------------------------


def rates(panel):
    """The rates that the sliders show."""
    return [panel.controls[f"lr {k}"].value for k, _ in enumerate(OPTIMIZERS)]


def test_rates_are_tuned_by_default_alike_or_their_own():
    panel = RacePanel()
    menu = panel.controls["rates"]
    tuned = at_rates(panel.own.setting(), "tuned").runners
    assert rates(panel) == [one.lr for one in tuned]
    assert f"{len(GRID) * 200} gradients for each runner, " in panel.notice.value
    menu.value = DEFAULT
    assert panel.notice.value == ""
    assert rates(panel) == [default_rate(rule) for rule in OPTIMIZERS]
    menu.value = SAME
    panel.controls["lr 3"].value = 0.02
    assert set(rates(panel)) == {0.02}
    menu.value = TUNED
    panel.controls["lr 3"].value = 0.02
    assert menu.value == OWN
    assert sum(a != one.lr for a, one in zip(rates(panel), tuned)) == 1


def test_tuned_rates_follow_the_ground_and_the_settings_but_not_the_start():
    panel = RacePanel()
    panel.controls["looked"].value = 4
    for name, value in (("ground", "saddle"), ("steps", 50), ("Adam beta1", 0.0)):
        panel.controls[name].value = value
        assert panel.controls["rates"].value == TUNED
        assert rates(panel) == [one.lr for one in at_rates(panel.own.setting(), "tuned").runners]
    before = rates(panel)
    panel.canvas.start = [1.0, 0.5]
    assert (panel.own.setting().start, panel.controls["rates"].value) == ((1.0, 0.5), OWN)
    assert rates(panel) == before


def test_a_start_from_the_page_is_followed_once():
    panel = RacePanel()
    sent = []
    panel.canvas.observe(lambda change: sent.append(change), "tracks")
    panel.canvas.start = [3.0, -2.0]
    assert check(panel).setting.start == (3.0, -2.0)
    assert len(sent) == 1


def test_rule_and_settings_are_shown_of_the_runner_that_is_looked_at():
    panel = RacePanel()
    for k, rule in enumerate(OPTIMIZERS):
        panel.controls["looked"].value = k
        assert panel.controls["rule"].value == rule
        shown = [name for name, box in panel.own.of_rule.items() if box.layout.display == "flex"]
        assert shown == [rule]


def test_a_lane_can_have_another_rule_and_settings_of_its_own():
    panel = RacePanel()
    panel.controls["rates"].value = DEFAULT
    panel.controls["on 5"].value = True
    panel.controls["looked"].value = 5
    panel.controls["rule"].value = "Momentum"
    panel.controls["Momentum form"].value = "ema"
    two = [run.runner for run in check(panel).runs if run.runner.rule == "Momentum"]
    assert two == [Runner("Momentum", 1e-3), Runner("Momentum", 1e-3, (("form", "ema"),))]
    assert panel.controls["on 5"].description == "Momentum, ema"
    panel.controls["looked"].value = 1
    assert panel.controls["Momentum form"].value == "standard"


def test_all_runners_of_a_race_look_different():
    runners = [Runner("Adam", lr) for lr in (0.1, 0.2, 0.3)] + [Runner("Momentum", 0.1)] * 3
    for one in (runners, runners[::-1]):
        assert len({face["colour"] for face in faces(one)}) == len(runners) == MOST
    assert len(set(names(runners[:3]))) == 3
    alone = [face["colour"] for face in faces([Runner(rule, 0.1) for rule in OPTIMIZERS])]
    assert faces([Runner("Adam", 0.1)])[0]["colour"] == alone[list(OPTIMIZERS).index("Adam")]


def test_more_runners_than_can_be_told_apart_are_refused():
    crowd = FAST._replace(runners=(Runner("Adam", 0.1),) * (MOST + 1))
    with pytest.raises(ValueError, match=f"runners must be at most {MOST}, .*; got {MOST + 1}"):
        RacePanel(crowd)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_shown_from_its_start_with_what_to_notice_after_it(name):
    panel = RacePanel()
    panel.controls["preset"].value = name
    for run, shown in zip(race(PRESETS[name].setting).runs, check(panel).runs, strict=True):
        np.testing.assert_array_equal(run.path, shown.path)
    assert panel.canvas.value == 0
    assert panel.notice.value == "<b>Who will be first?</b> Play."
    panel.canvas.value = panel.canvas.max
    assert PRESETS[name].notice in html.unescape(panel.notice.value)
    assert panel.controls["preset"].value == name
    panel.controls["seed"].value += 1
    assert (panel.controls["preset"].value, panel.notice.value) == (YOURS, "")


def test_every_setting_of_every_rule_has_a_control():
    for rule in OPTIMIZERS:
        for name, default in settings_of(rule).items():
            assert RacePanel().controls[f"{rule} {name}"].value == default


def test_tricks_are_put_and_taken_away():
    panel = RacePanel()
    panel.put(FAST._replace(tricks=tuple(TRICKS)))
    assert check(panel).setting.tricks == tuple(TRICKS)
    assert panel.own.tricks.layout.display == "flex"
    for trick in TRICKS:
        panel.controls[trick].value = False
    assert check(panel) == race(FAST)


@pytest.mark.parametrize(
    ("text", "told"),
    [("?", "from_text: text must be"), ('{"runners": [{"rule": "Adm"}]}', "rule must be one of")],
)
def test_a_text_that_is_no_race_is_told_and_forgotten(text, told):
    panel = RacePanel()
    setting = panel.own.setting()
    panel.text.value = text
    assert told in panel.message.value
    assert panel.own.setting() == setting
    panel.controls["on 0"].value = False
    check(panel)


def test_a_function_that_cannot_be_read_is_told_and_the_last_race_stays():
    panel = RacePanel()
    panel.controls["ground"].value = TYPED
    scene_before, words = panel.canvas.scene, panel.words.value
    panel.controls["function"].value = "__import__('os')"
    assert "ValueError" in panel.message.value
    assert (panel.canvas.scene, panel.words.value) == (scene_before, words)
    panel.controls["function"].value = "x**4 + y**2"
    assert check(panel).setting.ground == "x**4 + y**2"


# -- the canvas, and where there is none ----------------------------------------------------------


def test_what_belongs_together_is_sent_in_one_message(monkeypatch):
    canvas, sent = RaceCanvas(), []
    monkeypatch.setattr(canvas, "send_state", lambda key: sent.append(set(key)))
    canvas.put(scene={"last": 3}, tracks=b"1234", start=[1.0, 2.0])
    assert sent == [{"scene", "tracks", "start"}]


def test_the_canvas_calls_nobody():
    assert "export default { render }" in RaceCanvas._esm
    assert not [word for word in ("import", "http", "fetch(", "eval") if word in RaceCanvas._esm]


def test_the_longest_race_is_saved_small():
    panel, size = RacePanel(), 0
    panel.controls["steps"].value = 500
    for panel.controls["view"].value in ("effective rates", "arrows of this step"):
        states = [widget.get_state() for widget in inside(panel.box)]
        values = [value for state in states for value in state.values()]
        size = sum(len(v) for v in values if isinstance(v, str | bytes | memoryview))
        assert 0 < size < 300_000


def test_without_anywidget_the_same_is_drawn_as_pictures():
    code = """
import sys
sys.modules["anywidget"] = None
import ipywidgets
from nnlib.widgets.lesson_04 import RacePanel
from nnlib.widgets.page import inside
panel = RacePanel()
(play,) = (one for one in inside(panel.box) if isinstance(one, ipywidgets.Play))
pictures = {panel.image.value}
for play.value in (0, 50, 100):
    pictures.add(panel.image.value)
    assert panel.words.value.startswith(f"After step {play.value}:"), panel.words.value
assert panel.message.value == "", panel.message.value
print(len(pictures), panel.image in inside(panel.box), panel.canvas in inside(panel.box))
"""
    assert run_code(code) == ("4 True False", "")


def test_what_is_stored_is_a_picture_of_all_rules_at_their_tuned_rates():
    panel = RacePanel()
    assert panel.image not in list(inside(panel.box))
    bundle, _ = panel._repr_mimebundle_()
    picture = b64decode(bundle["image/png"])
    assert PIL.Image.open(io.BytesIO(picture)).size == (1350, 990)
    assert [text.get_text() for text in panel.figure.texts] == ["\n".join(said(panel))]
    texts = [text.get_text() for ax in panel.figure.axes for text in ax.texts]
    assert {rule: texts.count(rule) >= 2 for rule in OPTIMIZERS} == dict.fromkeys(OPTIMIZERS, True)


def test_nothing_of_the_stored_picture_is_cut_and_a_line_leads_to_a_name_that_was_moved():
    five = tuple(runner(rule, 0.01) for rule in OPTIMIZERS)
    setting = Setting(five, "Rosenbrock", start=(-1.5, 2.0))
    panel = RacePanel(at_rates(setting, "tuned"))
    panel._repr_mimebundle_()
    width = panel.figure.bbox.width
    everything = [panel.figure, *panel.figure.axes]
    for text in [text for one in everything for text in one.texts]:
        assert 0 <= text.get_window_extent().x0 < text.get_window_extent().x1 < width, text
    curve = panel.figure.axes[1]
    ends = [run.reached for run in race(at_rates(setting, "tuned")).runs]
    thin = [line.get_ydata() for line in curve.lines if line.get_linewidth() == 1]
    heights = {text.get_text(): text.get_position()[1] for text in curve.texts}
    for rule in ("AdaGrad", "RMSprop"):  # which end where Adam does
        at = curve.transAxes.inverted().transform(
            curve.transData.transform((0, ends[list(OPTIMIZERS).index(rule)]))
        )[1]
        assert any(np.allclose(line, (at, heights[rule])) for line in thin)


@pytest.mark.parametrize("view", VIEWS)
def test_a_picture_shows_what_the_canvas_does(view):
    panel = RacePanel(FAST, canvas=False)
    panel.controls["view"].value = view
    on_map, curve, other = panel.figure.axes
    drawn = scene(race(FAST), curve="loss", view=VIEWS[view](race(FAST), 0))
    assert curve.get_title("left") == drawn["curve"]["title"]
    assert other.get_title("left") == drawn["view"]["title"]
    assert on_map.get_title("left").startswith("ravine")
    paths = [line.get_xydata() for line in on_map.lines if len(line.get_xydata()) > 1]
    assert any(np.array_equal(path, race(FAST).runs[0].path) for path in paths)


def test_every_control_has_a_label():
    for widget in inside(RacePanel().box):
        if isinstance(widget, ipywidgets.ValueWidget) and not isinstance(widget, RaceCanvas):
            named = getattr(widget, "description", "")
            text = isinstance(widget, ipywidgets.HTML | ipywidgets.HTMLMath | ipywidgets.Textarea)
            assert text or re.search(r"\w", named)
