"""Pictures of attention: what they show is what was found, and it can be read."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from pictures import assert_legible, placed, written

import nnlib.plots.attention as plots
from nnlib.experiments.attending import attended
from nnlib.plots.canvas import INK, ORANGE, SKY, new_figure, style
from nnlib.transformer import TokenClassifier
from nnlib.words import minus

X = np.random.default_rng(1).random((28, 28), np.float32)
NAMES = ["class", *(f"row {k}" for k in range(1, 29))]
PATCHED = np.random.default_rng(2).random((49, 16), np.float32)


@pytest.fixture
def ax():
    """Axes as the panel has them."""
    with style():
        yield new_figure(6.5, 5.4, arranged=False).add_subplot()


def found(**look):
    """What a network of new weights attends to; its scores are made large enough to differ."""
    model = TokenClassifier(28, 28, 10, layers=2, rng=3)
    for layer in model.layers():
        for name, values in layer.params.items():
            values *= 2 if name == "W" else 1
    return attended(model, X, 3, **look)


def luminance(colour):
    """How light a colour is, as the rules for contrast count it."""
    c = np.array(to_rgb(colour))
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_letters_on_every_cell_have_contrast():
    for share in np.linspace(-1, 1, 21):
        cell = plots.SIGNS((share + 1) / 2)
        assert (luminance(cell) + 0.05) / (luminance(INK) + 0.05) >= 4.5


# -- painted on an image --------------------------------------------------------------------------


def test_each_patch_is_tinted_by_its_own_weight():
    weights = np.array([0, 0.5, -1, 1])
    pixels = plots.painted(np.zeros((4, 6)), weights, (2, 3))
    assert np.allclose(pixels[:2, :3], 1)
    assert np.allclose(pixels[:2, 3:], (1 + np.array(to_rgb(SKY))) / 2)
    assert np.allclose(pixels[2:, :3], to_rgb(ORANGE))
    assert np.allclose(pixels[2:, 3:], to_rgb(SKY))


def test_ink_stays_ink_under_every_weight():
    image = np.array([[0, 255], [255, 0]], np.uint8)
    pixels = plots.painted(image, np.array([1.0, -1.0]), (1, 2))
    assert np.allclose(pixels[image > 0], to_rgb(INK))
    assert np.allclose(pixels[0, 0], to_rgb(SKY))


def test_the_class_token_has_its_box_and_the_largest_weight_is_deepest(ax):
    weights = np.linspace(0, 1, 29) / 29
    weights[0] = 2 / 29
    plots.draw_painted(np.zeros((28, 28)), weights, ax=ax)
    rows, (box,) = ax.images[0].get_array(), ax.patches
    assert np.allclose(box.get_facecolor()[:3], to_rgb(SKY))
    shares = weights[1:] * 29 / 2
    due = 1 + shares[:, None] * (np.array(to_rgb(SKY)) - 1)
    assert np.allclose(rows[:, 0], due)
    assert np.allclose(rows, rows[:, :1])


def test_without_a_class_token_there_is_no_box(ax):
    plots.draw_painted(np.zeros((28, 28)), np.ones(16) / 16, patch=(7, 7), ax=ax)
    assert (len(ax.images), len(ax.patches)) == (1, 0)


def test_heads_have_their_captions_below_them_and_what_is_hidden_is_white(ax):
    seen = found()
    weights = seen.everywhere.reshape(8, -1)
    captions = [f"head {k}" for k in range(8)]
    threshold = float(np.median(weights))
    look = {"columns": 4, "beside": ["layer 1", "layer 2"], "threshold": threshold}
    plots.draw_heads(np.zeros((28, 28)), weights, captions, **look, title="Eight", ax=ax)
    assert written(ax) == captions
    beside = dict(zip(ax.get_yticks(), (label.get_text() for label in ax.get_yticklabels())))
    due = {"layer 1": ax.images[0], "layer 2": ax.images[4]}
    for name, picture in due.items():
        top, bottom = sorted(picture.get_extent()[2:])
        assert top < next(y for y, text in beside.items() if text == name) < bottom
    boxes = [(box.get_y(), box.get_y() + box.get_height()) for box in ax.patches[::4]]
    named = sorted(y for y, text in beside.items() if text == "class")
    assert all(top < y < bottom for y, (top, bottom) in zip(named, boxes, strict=True))
    for head, (rows, own) in enumerate(zip(ax.images, ax.patches, strict=True)):
        shown = np.concatenate([[own.get_facecolor()[:3]], rows.get_array()[:, 0]])
        assert ((shown < 1).any(axis=1) == (weights[head] >= threshold)).all()
        left, right, below, _ = rows.get_extent()
        x, y = ax.texts[head].get_position()
        assert (left < x < right, y > below) == (True, True)


def test_heads_share_one_scale_so_that_the_same_weight_has_the_same_tint(ax):
    narrow, wide = np.zeros(28), np.full(28, 0.02)
    narrow[5], narrow[6], wide[9] = 0.8, 0.2, 0.2
    plots.draw_heads(np.zeros((28, 28)), np.stack([narrow, wide]), ["a", "b"], title="t", ax=ax)
    first, second = (picture.get_array()[:, 0] for picture in ax.images)
    np.testing.assert_allclose(first[5], to_rgb(SKY))
    np.testing.assert_allclose(second[9], first[6])
    np.testing.assert_allclose(1 - second[9], 0.25 * (1 - first[5]))


# -- one query ------------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [0.0, 0.03, 0.5])
def test_the_strip_writes_every_number_of_the_keys_that_are_not_hidden(ax, threshold):
    seen = found(head=1, query=2, masked=[9])
    plots.draw_strip(seen, X, NAMES, query=2, threshold=threshold, ax=ax)
    texts, due = written(ax), []
    weights = [(seen.weights, 2), (seen.plain_weights, 2)]
    for values, decimals in ((seen.raw, 1), (seen.scaled, 1), (seen.masked, 1), *weights):
        there = np.maximum(seen.weights, seen.plain_weights) >= threshold
        shown = there | np.isinf(values)
        due += [minus(f"{v:.{decimals}f}").replace("inf", "∞") for v in values[shown]]
    headings = ["▭ query", "q·k", "÷ √16", "mask", "softmax", "was", "× value"]
    assert sorted(texts) == sorted([*due, *headings, "sum over all keys, the output"])
    assert "−∞" in texts


def test_a_strip_at_rest_says_where_the_query_looks_and_has_no_weights_from_before(ax):
    seen = found(head=1, query=2)
    plots.draw_strip(seen, X, NAMES, query=2, ax=ax)
    best = int(seen.weights.argmax())
    title = f"Query row 2 looks most at {NAMES[best]}: {seen.weights[best]:.2f}"
    assert ax.get_title() == title
    assert "was" not in written(ax)


def test_a_mask_that_blocks_nothing_has_its_colours_but_repeats_no_number(ax):
    edges = np.linspace(*plots.CELLS, 5)
    seen = found(query=2)
    plots.draw_strip(seen, X, NAMES, query=2, ax=ax)
    columns = [
        [text for (x, _), text in placed(ax) if left < x < right] for left, right in pairwise(edges)
    ]
    assert [len(column) for column in columns] == [30, 30, 1, 30]
    assert [column[0] for column in columns] == ["q·k", "÷ √16", "mask", "softmax"]
    cells = ax.images[1].get_array()
    np.testing.assert_array_equal(cells[:, 2], cells[:, 1])


def test_weights_before_and_after_a_change_have_one_scale(ax):
    for added in (30.0, -30.0):
        seen = found(key=int(found().weights.argmax()), added=added)
        ax.clear()
        plots.draw_strip(seen, X, NAMES, query=0, ax=ax)
        cells = ax.images[1].get_array()
        largest = max(seen.weights.max(), seen.plain_weights.max())
        np.testing.assert_allclose(cells[:, 3], seen.weights / largest, rtol=1e-6)
        np.testing.assert_allclose(cells[:, 4], seen.plain_weights / largest, rtol=1e-6)


def test_the_title_says_which_of_the_others_pays_or_gains_most():
    names, finite = ["a", "b", "c", "d"], np.zeros(4)
    was = np.array([0.1, 0.4, 0.3, 0.2])

    def said(now, masked=finite, edited=None):
        changed = found()._replace(weights=np.array(now), plain_weights=was, masked=masked)
        return plots.who_pays(changed, names, edited)

    assert said(was) == ""
    assert said([0.91, 0.04, 0.03, 0.02], edited=0) == "B pays most: 0.40 → 0.04"
    assert said([0.15, 0.0, 0.45, 0.4], edited=1) == "D gains most: 0.20 → 0.40"
    blocked = np.array([0, -np.inf, 0, 0])
    assert said([0.2, 0.0, 0.45, 0.35], blocked) == "C gains most: 0.30 → 0.45"


def test_the_strip_s_colours_are_the_shares_of_the_largest_entry(ax):
    seen = found(masked=[9])
    plots.draw_strip(seen, X, NAMES, query=0, ax=ax)
    tokens, cells, mixed, output = (image.get_array() for image in ax.images)
    np.testing.assert_array_equal(tokens[1:], X)
    assert not tokens[0].any()
    scores = seen.scaled / np.abs(seen.scaled).max()
    np.testing.assert_allclose(cells[:, 1], scores, rtol=1e-6)
    np.testing.assert_allclose(cells[:, 2], np.where(np.arange(29) == 9, 0, scores), rtol=1e-6)
    np.testing.assert_allclose(cells[:, 3], seen.weights / seen.weights.max(), rtol=1e-6)
    np.testing.assert_allclose(mixed.sum(axis=0), output[0], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(output[0] / seen.o, output[0, 0] / seen.o[0], rtol=1e-6)


def test_an_edited_score_has_a_frame_and_is_written_whatever_its_weight(ax):
    seen = found(key=5, added=-40.0)
    plots.draw_strip(seen, X, NAMES, query=0, edited=5, threshold=0.01, ax=ax)
    assert seen.weights[5] < 0.01
    assert minus(f"{seen.raw[5]:.1f}") in written(ax)
    frames = [line.get_xydata() for line in ax.lines]
    assert [sorted(set(frame[:, 1])) for frame in frames] == [[-0.5, 0.5], [4.5, 5.5]]


def test_undivided_scores_are_said_to_be_so(ax):
    plots.draw_strip(found(scaled=False), X, NAMES, query=0, ax=ax)
    assert "÷ 1" in written(ax)


def test_where_there_is_no_room_for_all_keys_the_heaviest_are_shown(ax):
    model = TokenClassifier(16, 49, 10, rng=3)
    seen = attended(model, PATCHED, 3)
    names = ["class", *(f"patch {k}" for k in range(1, 50))]
    plots.draw_strip(seen, PATCHED, names, query=0, ax=ax)
    shown = [label.get_text() for label in ax.get_yticklabels()]
    heaviest = np.sort(np.argsort(-seen.weights, kind="stable")[: plots.MOST])
    assert shown == [names[key] for key in heaviest]


def test_bars_of_the_gradient_are_as_long_as_it_is_and_hang_on_their_keys(ax):
    seen = found(query=0)
    plots.draw_gradient(seen, X, NAMES, query=0, of="loss", threshold=0.04, ax=ax)
    weights, _, slopes, _ = ax.collections
    for bars, values, (zero, longest) in (
        (weights, np.where(seen.weights >= 0.04, seen.weights, 0), plots.WEIGHTS),
        (slopes, seen.dA[0], plots.SLOPES),
    ):
        ends = np.array([path.vertices[1, 0] for path in bars.get_paths()])
        due = zero + longest * values / np.abs(values).max()
        np.testing.assert_allclose(ends, due, rtol=1e-6)
        assert [path.vertices[0, 1] for path in bars.get_paths()] == list(range(29))


def test_the_title_says_which_way_weight_would_have_to_move():
    seen = found(query=0, layer=1)
    slopes = np.zeros_like(seen.dA)
    slopes[0, 4], slopes[0, 7] = 1.0, -1.0
    seen = seen._replace(dA=slopes)
    assert plots.what_to_move(seen, NAMES, 0, "loss") == "Less on row 4, more on row 7: less loss"
    assert (
        plots.what_to_move(seen, NAMES, 0, "score 3")
        == "Less on row 7, more on row 4: more score 3"
    )
    assert plots.what_to_move(seen, NAMES, 1, "loss") == "Nobody reads query row 1: no gradient"
    blocked = np.where(np.arange(29) == 7, -np.inf, 0.0)
    to_others = plots.what_to_move(seen._replace(masked=blocked), NAMES, 0, "loss")
    assert to_others == "Less on row 4, more on class: less loss"


def test_all_queries_are_shown_and_who_has_a_gradient_is_said(ax):
    seen = found(layer=1, query=3)
    plots.draw_queries(seen, NAMES, query=3, of="loss", threshold=0.03, ax=ax)
    A, dA = (image.get_array() for image in ax.images)
    shown = np.where(seen.A >= 0.03, seen.A, 0)
    np.testing.assert_allclose(A, shown / shown.max(), rtol=1e-6)
    np.testing.assert_allclose(dA, seen.dA / np.abs(seen.dA).max(), rtol=1e-6)
    assert ax.get_title() == "Only query class has a gradient"
    plots.draw_queries(found(layer=0), NAMES, query=3, of="loss", ax=ax)
    assert ax.get_title() == "29 queries have a gradient"


def test_headings_of_a_row_do_not_touch(ax):
    seen = found(key=5, added=20.0)
    for draw, more in ((plots.draw_strip, {}), (plots.draw_gradient, {"of": "score 3"})):
        ax.clear()
        draw(seen, X, NAMES, query=0, **more, ax=ax)
        ax.set_position([0.1, 0.015, 0.79, 0.92])  # as wide as in the panel
        ax.figure.canvas.draw()
        headings = [text for text in ax.texts if text.get_position()[1] == plots.HEAD]
        boxes = sorted(text.get_window_extent().extents[[0, 2]].tolist() for text in headings)
        assert all(left[1] < right[0] for left, right in pairwise(boxes))


# -- what comes of it -----------------------------------------------------------------------------


def test_a_change_stands_before_what_was_before(ax):
    before, now = np.array([0.2, 0.8]), np.array([0.9, -0.1])
    plots.draw_change(before, now, title="It turns", xlabel="digit", ylabel="p", ax=ax)
    for bars, values in zip(ax.collections, (before, now), strict=True):
        assert [path.vertices[1, 1] for path in bars.get_paths()] == list(values)
    behind, front = ax.collections
    assert behind.get_linewidths()[0] > front.get_linewidths()[0]
    assert behind.get_zorder() <= front.get_zorder()


@pytest.mark.parametrize(
    ("largest", "end"), [(0.9, 1), (1.0, 1), (1.1, 2), (-4.9, 5), (0.03, 0.05)]
)
def test_the_scale_of_a_change_goes_in_steps_and_nothing_leaves_it(ax, largest, end):
    values = np.array([0.0, largest]), np.array([largest / 3, 0.0])
    plots.draw_change(*values, title="t", xlabel="x", ylabel="y", ax=ax)
    assert ax.get_ylim() == pytest.approx((-end, end))
    assert list(ax.get_yticks()) == pytest.approx([-end, 0, end])


def test_all_of_it_can_be_read():
    with style():
        figure = new_figure(6.5, 5.4, arranged=False)
        for draw in (plots.draw_strip, plots.draw_gradient):
            figure.clear()
            more = {"of": "score 3"} if draw is plots.draw_gradient else {}
            draw(found(), X, NAMES, query=0, **more, ax=figure.add_subplot())
            assert_legible(figure)
