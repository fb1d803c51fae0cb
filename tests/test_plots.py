"""Every drawing: it draws what it is given, on its own axes, and all of it can be read."""

import ast
import io
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import matplotlib
import numpy as np
import PIL.Image
import pytest
from matplotlib.text import Text

import nnlib.plots
from nnlib.experiments.lesson_05 import Fit
from nnlib.experiments.watched import Curves
from nnlib.plots import canvas, chains, curves, images, lesson_00, lesson_05, matrices
from nnlib.plots.canvas import PALE

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(256, size=(20, 28, 28), dtype=np.uint8)
IMAGES[1] = 60 + IMAGES[1] // 4  # a pale one, which must stay pale
COUNTS = RNG.integers(30, size=(10, 10)) + 900 * np.eye(10, dtype=int)
P = np.array([0.01, 0.9, 0.05, 0.04, 0, 0, 0, 0, 0, 0])
LINES = {f"rule {k}": np.exp(-k * RNG.random(21).cumsum()) for k in range(6)}
PAIR = {name: LINES[name] for name in ("rule 1", "rule 2")}
ARMS = {"right": RNG.random((2, 3)), "wrong": RNG.random((2, 3))}
NAMES = {"xlabel": "x", "ylabel": "y", "title": "A finding"}
TANGENT = (np.linspace(-6, 6), np.linspace(0, 1))

NOISES = {"at first": np.array([4.0, 2.1, 0.9]), "later": np.array([8.0, 4.0, 2.0])}
SMALL_NETWORK = (
    {"x": np.array([1.0, 2.0]), "a": np.array([1.0, 1.0, 0.0]), "z": np.array([2.0, 2.0])},
    [np.array([[1.0, 0.0], [-1.0, 1.0], [1.0, -1.0]]), np.array([[2.0, 0, 3], [-1, 3, 1]])],
    [np.array([-1.5, 1.5, -0.0]), np.array([-0.5, 0.5])],
)

DRAWINGS = [  # all there are, with arguments as in class
    partial(chains.draw_way_back, {"x": 3.0, "y": 9.0}, [("square", 6.0)], title="A square"),
    partial(lesson_00.draw_reading, IMAGES[0], P, P - 0.1, P, title="It says 1"),
    partial(lesson_00.draw_claims, {"A": {"ok": 9, "wrong": 4, "note": 3}}),
    partial(lesson_00.draw_slope, 0.5, 0.6, 0.2, curve=TANGENT),
    partial(curves.draw_lines, LINES, **NAMES, every=4, yscale="log"),
    partial(curves.draw_lines, PAIR, TANGENT[0][:21], **NAMES, legend="beside"),
    partial(curves.draw_means, [0.1, 1.0], ARMS, **NAMES),
    partial(matrices.draw_matrix, np.array([[0.0, 1.5], [-2.0, 1e-7]]), **NAMES),
    partial(images.draw_images, IMAGES, ["4 → 9"] * 20, title="mistakes"),
    partial(matrices.draw_confusion, COUNTS, title="Uneven"),
    partial(images.draw_digit, IMAGES[0]),
    partial(lesson_05.draw_probabilities, P),
    partial(lesson_05.draw_gradient_noise, [1, 4, 16], NOISES, title="Half"),
    partial(lesson_05.draw_fit, Fit(np.ones(5), np.ones(5) / 2), title="Half", ylim=(0, 1)),
    partial(lesson_05.draw_layers, [784, 40, 30, 20, 10], 100, title="Forward"),
    partial(lesson_05.draw_layers, [784, 40, 30, 20, 10], 100, back=True, title="Back"),
    partial(lesson_05.draw_units, *SMALL_NETWORK, title="By hand"),
    partial(
        lesson_05.draw_weights, RNG.standard_normal((30, 784)), range(30), columns=10, title="Units"
    ),
]
each_drawing = pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda d: d.func.__name__)
UNLABELLED = {  # pictures, and bars that bear their names
    images.draw_images: {"xlabel", "ylabel"},
    images.draw_digit: {"ylabel"},
    lesson_00.draw_claims: {"ylabel"},
    lesson_05.draw_layers: {"xlabel", "ylabel"},
    lesson_05.draw_units: {"xlabel", "ylabel"},
    lesson_05.draw_weights: {"xlabel", "ylabel"},
    lesson_00.draw_reading: {"xlabel", "ylabel"},
    chains.draw_way_back: {"xlabel", "ylabel"},
}


@pytest.fixture
def figure():
    """A figure of the size and in the style of the lessons."""
    with canvas.style():
        yield canvas.new_figure(9, 4)


def frozen(value):
    """A copy of an argument whose arrays cannot be written to."""
    if isinstance(value, dict):
        return {name: frozen(part) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        value = value.copy()
        value.flags.writeable = False
    return value


def labels(ax):
    """What an axes says about itself; a title may stand on the left, right or in the middle."""
    title = "".join(ax.get_title(place) for place in ("left", "center", "right"))
    return {"xlabel": ax.get_xlabel(), "ylabel": ax.get_ylabel(), "title": title}


def numbers(ax):
    """All numbers that are drawn as lines, pixels, bars or places of a text."""
    drawn = [*(line.get_xydata() for line in ax.lines), *(bar.get_height() for bar in ax.patches)]
    drawn += [image.get_array().compressed() for image in ax.images]
    return np.concatenate([np.zeros(0), *map(np.ravel, drawn)])
    drawn += [text.get_position() for text in ax.texts]
    return np.concatenate([np.ravel(values) for values in drawn])


def out_of_view(ax):
    """The labels of ticks that are kept beyond the ends of an axis, or of an axis not drawn."""
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in axis.get_major_ticks():
            if not (ax.axison and low <= tick.get_loc() <= high):
                yield from (tick.label1, tick.label2)


def unreadable(figure):
    """Texts that are too small, or cut off by the edge of the figure."""
    figure.canvas.draw()
    width, height = figure.bbox.size + 1
    written = [text for text in figure.findobj(Text) if text.get_text().strip()]
    not_drawn = {label for ax in figure.axes for label in out_of_view(ax)}
    for text in set(written) - not_drawn:
        (left, bottom), (right, top) = text.get_window_extent().get_points()
        cut = min(left, bottom) < -1 or right > width or top > height
        if text.get_visible() and (cut or text.get_fontsize() < 12):
            yield f"{text.get_text()!r}: {text.get_fontsize()} points, {'cut' if cut else ''}"


# -- what holds for every drawing --------------------------------------------------------------


@pytest.mark.parametrize("topic", [curves, images], ids=lambda topic: topic.__name__)
def test_every_drawing_that_lessons_share_is_here(topic):
    own = {name for name in vars(topic) if name.startswith("draw_")}
    assert own <= {drawing.func.__name__ for drawing in DRAWINGS}


@each_drawing
def test_a_drawing_draws_on_its_own_axes_only_and_returns_nothing(drawing, figure):
    ax, other = figure.subplots(1, 2)
    before = len(other.get_children()), labels(other), other.get_xlim()
    arguments = [frozen(argument) for argument in drawing.args]
    keywords = {name: frozen(value) for name, value in drawing.keywords.items()}
    assert drawing.func(*arguments, **keywords, ax=ax) is None
    assert (len(other.get_children()), labels(other), other.get_xlim()) == before
    assert figure.axes == [ax, other]


@each_drawing
def test_a_drawing_is_labelled_and_readable(drawing, figure):
    ax = figure.add_subplot()
    drawing(ax=ax)
    missing = {name for name, text in labels(ax).items() if not text.strip()}
    assert missing == UNLABELLED.get(drawing.func, set())
    assert not list(unreadable(figure))
    assert np.isfinite(numbers(ax)).all()


@each_drawing
def test_named_lines_differ_by_more_than_colour(drawing, figure):
    ax = figure.add_subplot()
    drawing(ax=ax)
    named = [line for line in ax.lines if not line.get_label().startswith("_")]
    assert len({(line.get_linestyle(), line.get_marker()) for line in named}) == len(named)


def test_a_drawing_that_cannot_be_read_is_found(figure):
    figure.text(0, 0.5, "small", fontsize=11)
    figure.text(0.9, 0.5, "a long word that is cut off")
    assert len(list(unreadable(figure))) == 2


# -- what single drawings draw -----------------------------------------------------------------


def test_images_are_drawn_as_they_are_with_their_captions(figure):
    ax = figure.add_subplot()
    captions = [f"{k} → 9" for k in range(20)]
    images.draw_images(IMAGES, captions, ax=ax)
    assert [text.get_text() for text in ax.texts] == captions
    for image, shown in zip(IMAGES, ax.images, strict=True):
        np.testing.assert_array_equal(image, shown.get_array())
        assert shown.get_clim() == (0, IMAGES.max())
    with pytest.raises(ValueError, match="zip"):
        images.draw_images(IMAGES, captions[:-1], ax=ax)


def test_each_caption_is_below_its_image_and_above_the_next(figure):
    ax = figure.add_subplot()
    images.draw_images(IMAGES, ["9"] * 20, ax=ax)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    frames = [image.get_window_extent() for image in ax.images]
    assert all(box.y1 <= frame.y0 + 1 for box, frame in zip(boxes, frames))
    assert all(box.y0 >= frame.y1 - 1 for box, frame in zip(boxes, frames[10:]))


def test_the_table_of_confusions_shows_every_count(figure):
    ax = figure.add_subplot()
    matrices.draw_confusion(COUNTS, title="Uneven", ax=ax)
    shown = [text.get_text() for text in ax.texts]
    assert shown == [str(count or "·") for count in COUNTS.ravel()]
    assert (ax.texts[12].get_position()) == (2, 1)  # the column is what it was read as
    wrong = COUNTS - np.diag(np.diag(COUNTS))
    assert ax.get_title() == "Uneven"
    np.testing.assert_array_equal(ax.images[0].get_array().filled(0), wrong)


def test_a_table_without_mistakes_is_drawn_too(figure):
    ax = figure.add_subplot()
    matrices.draw_confusion(np.diag([3, 4]), title="None", ax=ax)
    assert [text.get_text() for text in ax.texts] == ["3", "·", "·", "4"]


def test_probabilities_are_bars_and_the_title_reads_the_largest(figure):
    ax = figure.add_subplot()
    lesson_05.draw_probabilities(P, ax=ax)
    assert [bar.get_height() for bar in ax.patches] == P.tolist()
    assert labels(ax)["title"] == "Read as 1 (0.90)"
    assert [bar.get_hatch() for bar in ax.patches].index("//") == 1
    assert len(ax.texts) == 4  # a probability that rounds to 0.00 is not written


@pytest.mark.parametrize("x", [None, np.geomspace(1, 9, 21)], ids=["positions", "x"])
def test_lines_are_drawn_as_given(x, figure):
    ax = figure.add_subplot()
    curves.draw_lines(LINES, x, **NAMES, every=4, ax=ax)
    for values, line in zip(LINES.values(), ax.lines, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), values)
        np.testing.assert_array_equal(line.get_xdata(), range(21) if x is None else x)
        assert line.get_markevery() == 4


def test_a_line_has_marks_only_where_they_are_asked_for(figure):
    ax = figure.add_subplot()
    curves.draw_lines(PAIR, **NAMES, ax=ax)
    assert [line.get_marker() for line in ax.lines] == ["", ""]


def test_means_stand_in_the_range_of_their_seeds(figure):
    ax = figure.add_subplot()
    curves.draw_means([0.1, 1.0], ARMS, **NAMES, ax=ax)
    for runs, line, band in zip(ARMS.values(), ax.lines, ax.collections, strict=True):
        np.testing.assert_allclose(line.get_ydata(), runs.mean(axis=1))
        ends = band.get_datalim(ax.transData).intervaly
        np.testing.assert_allclose(ends, [runs.min(), runs.max()])
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0.1", "1"]


def test_noise_stands_at_its_size_and_the_dashed_line_falls_as_the_root(figure):
    ax = figure.add_subplot()
    lesson_05.draw_gradient_noise([1, 4, 16], NOISES, title="Half", ax=ax)
    measured, fallen = ax.lines[0].get_ydata(), ax.lines[1].get_ydata()
    np.testing.assert_array_equal(measured, NOISES["at first"])
    np.testing.assert_allclose(fallen[:-1] / fallen[1:], 2)
    np.testing.assert_allclose(np.log(measured / fallen).sum(), 0, atol=1e-12)


def test_the_gap_between_seen_and_unseen_is_filled(figure):
    ax = figure.add_subplot()
    found = Fit(np.array([0.1, 0.9, 1.0]), np.array([0.1, 0.8, 0.7]))
    lesson_05.draw_fit(found, title="A gap", ylim=(0, 1), ax=ax)
    for line, accuracy in zip(ax.lines, found, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), accuracy)
    (gap,) = ax.collections
    assert gap.get_datalim(ax.transData).intervaly.tolist() == [0.1, 1.0]


def test_layers_say_the_shapes_of_values_weights_and_deltas(figure):
    forth, back = figure.subplots(1, 2)
    lesson_05.draw_layers([4, 3, 2], 5, title="Forward", ax=forth)
    lesson_05.draw_layers([4, 3, 2], 5, back=True, title="Back", ax=back)
    shapes = ["4 × 5", "3 × 5", "3 × 4", "2 × 5", "2 × 3"]
    said = [[t.get_text() for t in ax.texts if "×" in t.get_text()] for ax in (forth, back)]
    assert said[0] == shapes
    assert sorted(said[1]) == sorted([*shapes, "3 × 5", "2 × 5"])
    assert sum("delta" in text.get_text() for text in back.texts) == 2
    assert not any("delta" in text.get_text() for text in forth.texts)


def test_units_bear_their_numbers_their_weights_and_their_deltas(figure):
    ax = figure.add_subplot()
    lesson_05.draw_units(*SMALL_NETWORK, title="By hand", ax=ax)
    said = [text.get_text() for text in ax.texts]
    assert [word for word in said if "δ" in word] == [
        "δ = −1.5", "δ = 1.5", "δ = 0", "δ = −0.5", "δ = 0.5",
    ]  # fmt: skip
    lines = [
        line for line in ax.lines if line.get_linestyle() == "-" and len(line.get_xdata()) == 2
    ]
    assert sum(line.get_color() == PALE for line in lines) == 10  # two weights are 0


def test_weights_are_images_each_on_a_scale_of_its_own(figure):
    ax = figure.add_subplot()
    W = np.array([[1.0, -2, 0, 0], [0.1, 0, 0, 0]])
    lesson_05.draw_weights(W, ["a", "b"], columns=2, title="Two", ax=ax)
    for row, image in zip(W, ax.images, strict=True):
        np.testing.assert_array_equal(image.get_array(), row.reshape(2, 2))
        assert image.get_clim() == (-np.abs(row).max(), np.abs(row).max())


def test_more_lines_than_can_be_told_apart_are_refused(figure):
    seven = {str(k): np.ones(3) for k in range(7)}
    with pytest.raises(ValueError, match="at most 6 lines can be told apart; got 7"):
        curves.draw_lines(seven, **NAMES, ax=figure.add_subplot())


def test_the_legend_covers_no_line(figure):
    ax = figure.add_subplot()
    curves.draw_lines(LINES, **NAMES, ax=ax)
    figure.canvas.draw()
    assert ax.get_legend().get_window_extent().y1 < ax.xaxis.label.get_window_extent().y0


# -- training, live ----------------------------------------------------------------------------

MEANS = np.arange(20, 601, 20)
RUN = Curves(0.1 + RNG.random(600), MEANS, 0.1 + RNG.random(30), [0, 600], [0.1, 0.952], False)
UNTRAINED = Curves(np.zeros(0), np.zeros(0, int), np.zeros(0), [0], [0.098], False)
DIVERGED = Curves(np.array([2.3, 1e30]), np.array([2]), np.array([5e29]), [0], [0.1], True)
AT_ONCE = UNTRAINED._replace(diverged=True)


@pytest.fixture
def axes(figure):
    """The two axes that training is drawn on; at the end all that is written can be read."""
    axes = figure.subplots(1, 2)
    yield axes
    assert not list(unreadable(figure))
    assert all(all(labels(ax).values()) for ax in axes)


def titles(axes):
    """What the two titles say."""
    return [labels(ax)["title"] for ax in axes]


def test_learning_shows_every_loss_and_the_accuracy(axes):
    lesson_05.draw_learning({"Adam": RUN, "rate 0.1": RUN}, most=3000, axes=axes)
    assert titles(axes) == [f"Loss {RUN.mean_loss[-1]:.2f}", "Test accuracy 0.952 after 600 steps"]
    np.testing.assert_array_equal(axes[0].lines[-1].get_ydata(), RUN.losses)
    np.testing.assert_array_equal(axes[0].lines[0].get_xdata(), MEANS)
    np.testing.assert_array_equal(axes[1].lines[-1].get_ydata(), RUN.test_accuracy)
    named = [text.get_text() for text in axes[1].get_legend().get_texts()]
    assert named == ["Adam", "rate 0.1"]
    assert axes[1].lines[0].get_linestyle() != axes[1].lines[1].get_linestyle()


def test_before_the_first_step_the_frame_stands_and_says_so(axes):
    lesson_05.draw_learning({"Adam": UNTRAINED}, most=3000, axes=axes)
    assert titles(axes) == ["No step taken yet", "Test accuracy 0.098 before training"]
    assert axes[0].get_xlim() == axes[1].get_xlim() == (-60, 3060)


@pytest.mark.parametrize(("run", "step"), [(DIVERGED, 3), (AT_ONCE, 1)])
def test_where_a_run_diverged_is_a_cross(run, step, axes):
    lesson_05.draw_learning({"Adam": run}, most=3000, axes=axes)
    assert titles(axes)[0] == f"Diverged at step {step}"
    assert axes[1].lines[-1].get_marker() == "X"
    low, high = axes[0].get_ylim()
    assert low == 0.01
    assert 10 <= high <= 1000
    crosses = [line for line in axes[0].lines if line.get_marker() == "X"]
    assert len(crosses) == 1
    assert all(low <= loss <= high for loss in crosses[0].get_ydata())


# -- the canvas --------------------------------------------------------------------------------


def test_a_png_has_the_pixels_of_the_figure():
    figure = canvas.new_figure(3, 2, dpi=50)
    figure.add_subplot().plot([0, 1], [0, 1], color=canvas.RED)
    picture = np.asarray(PIL.Image.open(io.BytesIO(canvas.png(figure))))
    np.testing.assert_array_equal(picture, np.asarray(figure.canvas.buffer_rgba())[:, :, :3])
    assert picture.shape == (100, 150, 3)
    assert (picture != 255).any()


def test_the_style_holds_inside_only_and_whatever_the_user_has_set():
    before = dict(matplotlib.rcParams)
    with matplotlib.rc_context({"font.size": 5}):
        with canvas.style():
            assert matplotlib.rcParams["font.size"] == 14
        assert matplotlib.rcParams["font.size"] == 5
    assert dict(matplotlib.rcParams) == before


def test_a_png_does_not_depend_on_what_the_user_has_set():
    def picture():
        figure = canvas.new_figure(3, 2)
        with canvas.style():
            figure.add_subplot().set(title="title", xlabel="x")
        return canvas.png(figure)

    plain = picture()
    with matplotlib.rc_context({"font.size": 5, "axes.grid": False, "figure.dpi": 30}):
        assert picture() == plain


def test_the_colours_differ_in_lightness_or_the_patterns_do():
    assert len(canvas.COLOURS) == len(set(map(str, canvas.LINES))) == len(set(canvas.MARKERS)) == 6


# -- pyplot ------------------------------------------------------------------------------------


def test_nothing_imports_pyplot():
    files = Path(nnlib.__file__).parent.rglob("*.py")
    trees = {path: ast.walk(ast.parse(path.read_text(encoding="utf-8"))) for path in files}
    imports = (ast.Import, ast.ImportFrom)
    found = {
        path.name
        for path, nodes in trees.items()
        for node in nodes
        if isinstance(node, imports) and "pyplot" in ast.unparse(node)
    }
    assert not found


def test_drawing_loads_no_pyplot():
    code = """
import sys
from nnlib.plots.canvas import new_figure, png
from nnlib.plots.lesson_05 import draw_probabilities
import numpy as np
figure = new_figure(4, 3)
draw_probabilities(np.array([0.5, 0.5]), ax=figure.add_subplot())
png(figure)
print("matplotlib.pyplot" in sys.modules)
"""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert (done.stdout, done.stderr) == ("False\n", "")
