"""What nnlib.tokens promises of positions and rows; the table of blocks tries its blocks."""

import numpy as np
import pytest

from nnlib.tokens import add_positions, add_sinusoids, read_out, with_token
from nnlib.transformer import positional_encoding

each_shape = pytest.mark.parametrize(
    ("T", "d", "base"),
    [(1, 1, 10000), (1, 2, 10000), (50, 8, 10000), (50, 7, 10000), (28, 64, 100), (30, 5, 2.5)],
)


@each_shape
def test_each_pair_of_columns_turns_at_its_own_rate(T, d, base):
    PE = positional_encoding(T, d, base=base)
    assert PE.shape == (T, d)
    assert PE.dtype == float
    for pos in range(T):
        for column in range(d):
            i = column // 2  # the index of the pair, not of the column
            wave = np.cos if column % 2 else np.sin
            assert abs(PE[pos, column] - wave(pos / base ** (2 * i / d))) <= 1e-13 * T


@each_shape
def test_a_step_of_k_places_turns_every_pair_by_the_same_angle_wherever_it_begins(T, d, base):
    PE = positional_encoding(T, d, base=base)
    for i in range(d // 2):
        pairs = PE[:, 2 * i : 2 * i + 2]
        for k in range(T):
            angle = k * base ** (-2 * i / d)
            R = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            np.testing.assert_allclose(pairs[k:], pairs[: T - k] @ R.T, rtol=0, atol=1e-12)


def test_an_odd_width_ends_in_a_sine_alone():
    PE = positional_encoding(40, 7)
    np.testing.assert_allclose(PE[:, 6], np.sin(np.arange(40) * 10000 ** (-6 / 7)), atol=1e-14)
    np.testing.assert_allclose((PE[:, :6].reshape(40, 3, 2) ** 2).sum(axis=-1), 1)


@pytest.mark.parametrize("d", [8, 64])
def test_how_alike_two_places_are_depends_on_their_distance_alone(d):
    PE = positional_encoding(30, d)
    alike = PE @ PE.T
    for k in range(30):
        np.testing.assert_allclose(np.diagonal(alike, k), alike[0, k], rtol=1e-12)
    assert (alike[0, 1:] < alike[0, 0] - 0.1).all()


def test_places_do_not_depend_on_the_length():
    np.testing.assert_array_equal(positional_encoding(50, 6)[:20], positional_encoding(20, 6))


def test_sinusoids_are_added_in_the_type_of_the_tokens():
    x = np.ones((2, 5, 6), np.float32)
    np.testing.assert_array_equal(
        add_sinusoids(x)[0] - 1, (1 + positional_encoding(5, 6).astype("f")) - 1 + 0 * x
    )


def test_more_tokens_than_places_are_refused():
    with pytest.raises(ValueError, match="add_positions: x must have at most 2 tokens; got 3"):
        add_positions(np.ones((1, 3, 4)), np.ones((2, 4)))


def test_a_token_is_put_first_or_last_and_collects_the_gradient_of_every_sample():
    x, token, dy = np.zeros((2, 3, 1)), np.ones(1), np.arange(8.0).reshape(2, 4, 1)
    for last, row in ((False, 0), (True, 3)):
        y, pullback = with_token(x, token, last=last)
        assert [a.ravel().tolist().index(1) for a in y] == [row, row]
        dx, dtoken = pullback(dy)
        assert dtoken == dy[0, row] + dy[1, row]
        np.testing.assert_array_equal(dx, np.delete(dy, row, axis=1))


@pytest.mark.parametrize(
    ("keep", "error", "words"),
    [
        (np.zeros((2, 3), bool), ValueError, "read_out: keep must be True for a token of each"),
        (np.ones((2, 3)), TypeError, "read_out: keep must be a boolean array; got float64"),
        (np.ones(3, bool), ValueError, "read_out: keep must have shape (2, 3)"),
    ],
)
def test_a_mean_of_no_tokens_is_refused(keep, error, words):
    with pytest.raises(error) as failure:
        read_out(np.ones((2, 3, 4)), keep=keep)
    assert str(failure.value).startswith(words)
