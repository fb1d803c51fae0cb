"""Sinusoids as positions: the rotation, what inner products tell, the pictures and the panel."""

import random

import numpy as np
import pytest
from pictures import assert_legible

from nnlib.experiments.positions import alike, hands, positions, rotation, wavelengths
from nnlib.plots.positions import draw_encoding, draw_hands, draw_products
from nnlib.transformer import positional_encoding
from nnlib.widgets.lesson_06 import PositionsPanel

WIDTHS = [1, 2, 3, 8, 15, 64]
BASES = [2.0, 100.0, 10000.0]
SHIFTS = [0, 1, 7, 100]
each_base = pytest.mark.parametrize("base", BASES)


# -- the rotation ---------------------------------------------------------------------------------


@each_base
@pytest.mark.parametrize("d", [d for d in WIDTHS if d % 2 == 0])
@pytest.mark.parametrize("shift", SHIFTS)
def test_one_rotation_takes_every_position_on(d, base, shift):
    PE = positional_encoding(200, d, base=base)
    R = rotation(shift, wavelengths(d, base=base))
    np.testing.assert_allclose(PE[: len(PE) - shift] @ R.T, PE[shift:], rtol=0, atol=1e-12)


@pytest.mark.parametrize("d", WIDTHS)
def test_rotations_keep_lengths_and_add_up(d):
    waves = wavelengths(d)
    R = rotation(5, waves)
    np.testing.assert_allclose(R @ R.T, np.eye(len(R)), atol=1e-12)
    np.testing.assert_allclose(R @ rotation(-3, waves), rotation(2, waves), atol=1e-12)


@each_base
@pytest.mark.parametrize("d", WIDTHS)
def test_after_its_wavelength_a_pair_begins_anew(d, base):
    PE = positional_encoding(2, d, base=base)
    steps = np.arcsin(PE[1, 0::2])  # no pair turns further than a radian
    np.testing.assert_allclose(2 * np.pi / steps, wavelengths(d, base=base), rtol=1e-12)


def test_the_longest_wavelength_of_a_width_of_four_is_a_hundred_times_the_shortest():
    np.testing.assert_allclose(wavelengths(4), [2 * np.pi, 200 * np.pi])


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"d": 0}, "wavelengths: d must be an integer >= 1; got 0."),
        ({"d": 4, "base": 1.0}, r"wavelengths: base must be a number in \(1, inf\); got 1.0."),
    ],
)
def test_a_width_or_a_base_that_gives_no_waves_is_refused(wrong, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        wavelengths(**wrong)


def test_hands_are_pairs_of_columns_and_a_lone_sine_lies_flat():
    PE = positional_encoding(6, 5)
    assert hands(PE).shape == (6, 3, 2)
    np.testing.assert_array_equal(hands(PE)[:, :2].reshape(6, 4), PE[:, :4])
    np.testing.assert_array_equal(hands(PE)[:, 2], np.c_[PE[:, 4], np.zeros(6)])


# -- inner products -------------------------------------------------------------------------------


@each_base
@pytest.mark.parametrize("d", [2, 8, 64])
def test_of_an_even_width_the_distance_alone_counts(d, base):
    PE = positional_encoding(90, d, base=base)
    np.testing.assert_allclose(np.linalg.norm(PE, axis=1), np.sqrt(d / 2))
    distance = np.abs(np.arange(90)[:, None] - np.arange(90))
    by_distance = np.cos(2 * np.pi * np.arange(90)[:, None] / wavelengths(d, base=base)).sum(axis=1)
    np.testing.assert_allclose(PE @ PE.T, by_distance[distance], atol=1e-12)


@pytest.mark.parametrize("d", [1, 3, 7])
def test_of_an_odd_width_the_place_counts_too_and_the_last_hand_alone_is_not_turned(d):
    found = positions(d=d, base=2.0)
    assert found.spread > 0.5
    gaps = np.abs(found.turned - found.there).max(axis=1)
    assert gaps[-1] > 0.1
    assert (gaps[:-1] < 1e-12).all()


@pytest.mark.parametrize("seed", range(8))
def test_all_that_is_found_is_the_library_s(seed):
    draw = random.Random(seed)
    T, d, base = draw.randint(1, 80), draw.randint(1, 20), draw.choice(BASES)
    position, shift = draw.randint(0, 99), draw.randint(0, T - 1)
    found = positions(T=T, d=d, base=base, position=position, shift=shift)
    PE = positional_encoding(300, d, base=base)
    there = position + shift
    np.testing.assert_array_equal(found.PE, PE[:T])
    np.testing.assert_array_equal(found.here, hands(PE)[position])
    np.testing.assert_array_equal(found.there, hands(PE)[there])
    np.testing.assert_allclose(found.from_start, PE[:T] @ PE[0], atol=1e-12)
    np.testing.assert_allclose(found.from_here, PE[position : position + T] @ PE[position])
    assert found.apart == pytest.approx(np.sqrt(((PE[position] - PE[there]) ** 2).sum()))
    from_all = [PE[pos] @ PE[pos + shift] for pos in range(T)]
    assert found.spread == pytest.approx(max(from_all) - min(from_all), abs=1e-9)
    assert (found.spread == 0) or d % 2 == 1
    assert (found.base, found.position, found.shift) == (base, position, shift)


def test_a_position_or_a_shift_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match=r"^positions: shift must be an integer in 0\.\.7; got 8"):
        positions(T=8, shift=8)
    with pytest.raises(ValueError, match="^positions: position must be an integer >= 0; got -1"):
        positions(position=-1)


def test_what_falls_below_a_half_and_what_never_does():
    assert alike(np.array([2.0, 1.0, 0.9, 1.2])) == (2, 0.45, 0.6, 3)
    assert alike(np.array([2.0, 0.9, 0.3, 0.1])) == (1, 0.05, 0.45, 1)
    assert alike(np.array([2.0, 1.4, 1.6])) == (None, 0.7, 1.0, 0)


# -- pictures -------------------------------------------------------------------------------------


def test_the_picture_is_the_matrix_and_its_lines_are_rows(ax):
    PE = positional_encoding(20, 7)
    draw_encoding(PE, marked=[3, 12], title="t", ax=ax)
    np.testing.assert_array_equal(ax.images[0].get_array(), PE)
    assert [line.get_ydata() for line in ax.lines] == [[3, 3], [12, 12]]


def hands_drawn(ax):
    """The centres of the clocks; and the hands there, solid, dashed and rings."""
    solid, dashed = (np.array(lines.get_segments()) for lines in ax.collections)
    np.testing.assert_array_equal(solid[:, 0], dashed[:, 0])
    centres = solid[:, 0]
    return solid[:, 1] - centres, dashed[:, 1] - centres, ax.lines[-1].get_xydata() - centres


@pytest.mark.parametrize(
    ("d", "shown"), [(1, [0]), (6, [0, 1, 2]), (12, range(6)), (64, [0, 6, 12, 19, 25, 31])]
)
def test_clocks_show_the_hands_and_the_fastest_and_the_slowest_are_among_them(ax, d, shown):
    found = positions(d=d)
    four = found.here, found.there, found.turned, found.wavelengths
    draw_hands(*four, title="t", ax=ax)
    for drawn, due in zip(hands_drawn(ax), four):
        np.testing.assert_allclose(drawn, due[list(shown)], atol=1e-12)
    assert [text.get_text().split("\n")[0] for text in ax.texts] == [f"i = {i}" for i in shown]


def test_each_product_has_a_dot_and_many_have_small_ones(ax):
    sizes = []
    for T in (84, 256):
        found = positions(T=T)
        draw_products(found.from_start, found.from_here, title="t", ax=ax)
        dots = ax.lines[-1]
        assert (dots.get_marker(), dots.get_linestyle(), dots.get_markevery()) == (
            "o",
            "None",
            None,
        )
        np.testing.assert_array_equal(dots.get_ydata(), found.from_here)
        sizes.append(dots.get_markersize())
    assert sizes[1] < sizes[0]


def test_a_dot_stands_at_the_distance_on_the_products_from_here(ax):
    found = positions(d=3, base=2.0)
    draw_products(found.from_start, found.from_here, shift=7, title="t", ax=ax)
    zero, start, here, dot = (line.get_xydata() for line in ax.lines)
    np.testing.assert_array_equal(start[:, 1], found.from_start)
    np.testing.assert_array_equal(here[:, 1], found.from_here)
    assert dot.tolist() == [[7, found.from_here[7]]]


# -- the panel ------------------------------------------------------------------------------------


def values_of(control):
    """All values that a control can take."""
    if hasattr(control, "options"):
        return list(control._options_values)
    return list(range(control.min, control.max + 1))


def assert_good(panel):
    """No error; all is labelled, legible, inside the picture, and no title on another."""
    assert panel.message.value == ""
    assert_legible(panel.figure)  # which draws it
    for ax in panel.figure.axes:
        assert ax.get_xlabel()
        assert ax.get_ylabel()
        assert ax.get_title()
    titles = [ax.title for ax in panel.figure.axes]
    labels = [axis.label for ax in panel.figure.axes for axis in (ax.xaxis, ax.yaxis)]
    pairs = panel.figure.axes[1].texts
    for text in (*titles, *labels, *pairs):
        (left, bottom), (right, top) = text.get_window_extent().get_points()
        assert min(left, bottom) > -1, text
        assert right < panel.figure.bbox.width + 1, text
        assert top < panel.figure.bbox.height + 1, text
    boxes = [text.get_window_extent() for text in (*titles, *pairs)]
    assert not [a for k, a in enumerate(boxes) for b in boxes[:k] if a.overlaps(b)]
    found, (matrix, clocks, curves) = positions(**panel.values()), panel.figure.axes
    np.testing.assert_array_equal(matrix.images[0].get_array(), found.PE)
    assert curves.lines[-1].get_xydata().tolist() == [[found.shift, found.from_here[found.shift]]]
    assert found.here.shape[0] < 7 or len(clocks.texts) == 6


def test_each_control_moves_to_both_ends_and_on_the_way():
    panel, pictures = PositionsPanel(), set()
    for name, control in panel.controls.items():
        first, values = control.value, values_of(control)
        for control.value in (values[0], values[len(values) // 3], values[-1]):
            assert_good(panel)
            pictures.add(panel.image.value)
        control.value = first
        assert_good(panel), name
    assert len(pictures) > 2 * len(panel.controls)


def test_eight_random_settings():
    panel, draw = PositionsPanel(), random.Random(0)
    for _ in range(8):
        for control in panel.controls.values():
            control.value = draw.choice(values_of(control))
        assert_good(panel)


def test_the_state_as_code_runs_alone_and_gives_the_panel_s_numbers(capsys):
    panel, draw = PositionsPanel(), random.Random(1)
    for _ in range(3):
        for control in panel.controls.values():
            control.value = draw.choice(values_of(control))
        capsys.readouterr()
        exec(panel.as_code.value, {})
        assert f"apart = {positions(**panel.values()).apart}" in capsys.readouterr().out


def test_a_shorter_length_takes_position_and_shift_along_and_never_complains(monkeypatch):
    panel, said = PositionsPanel(), []
    monkeypatch.setattr(panel, "say", said.append)
    panel.controls["position"].value = panel.controls["shift"].value = 83
    panel.controls["T"].value = 10
    assert (panel.controls["position"].value, panel.controls["shift"].value) == (9, 9)
    panel.controls["T"].value = 256
    assert panel.controls["position"].max == panel.controls["shift"].max == 255
    assert not said


def test_titles_and_words_say_what_was_found():
    panel = PositionsPanel()
    matrix, clocks, curves = panel.figure.axes
    assert matrix.get_title() == "2 of 6 wavelengths\nfit into 84 positions"
    assert clocks.get_title() == "7 steps: 7/λ of a turn, anywhere"
    assert "inner product 4.76 of at most 6, the same from every position" in panel.words.value
    assert PE_product(12, 5, 12) == pytest.approx(4.76, abs=5e-3)
    panel.controls["d"].value = 11
    assert clocks.get_title() == "Odd width: the last sine has no cosine"
    assert "more or less" in panel.words.value
    panel.controls["d"].value, panel.controls["T"].value = 12, 8
    assert curves.get_title() == "Never less than 63% alike"
    panel.controls["shift"].value = 1
    assert clocks.get_title() == "1 step: 1/λ of a turn, anywhere"


def PE_product(d, p, q, base=10000.0):
    """The inner product of two positions, from the definition."""
    rates = [base ** (-2 * i / d) for i in range(d // 2)]
    return sum(np.sin(p * r) * np.sin(q * r) + np.cos(p * r) * np.cos(q * r) for r in rates)


def test_beyond_the_longest_wavelength_a_position_has_a_look_alike():
    panel = PositionsPanel()
    panel.controls["d"].value, panel.controls["T"].value = 4, 256
    panel.controls["base"].value = 2.0
    matrix, _, curves = panel.figure.axes
    assert matrix.get_title() == "2 of 2 wavelengths\nfit into 256 positions"
    assert curves.get_title() == "Half alike by 2 steps, 99% again at 151"
    assert PE_product(4, 0, 151, 2.0) == pytest.approx(0.99 * 2, abs=0.01)
    panel.controls["T"].value = 16
    assert max(PE_product(4, 0, k, 2.0) for k in range(2, 16)) < 1
    assert curves.get_title() == "Half alike by 2 steps, less beyond"


def test_a_position_beyond_the_matrix_is_said_to_be_there():
    panel, sentence = PositionsPanel(), "Position 84 lies beyond the 84 that are drawn."
    panel.controls["position"].value, panel.controls["shift"].value = 80, 3
    assert "beyond" not in panel.words.value
    panel.controls["shift"].value = 4
    assert panel.words.value.endswith(sentence)
