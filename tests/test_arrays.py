"""What blocks do with arrays gives what NumPy gives."""

import numpy as np
import pytest

from nnlib.arrays import largest, mean, native, rows, sum_of_rows


def test_rows_are_the_last_axis_and_their_sum_runs_over_all_others():
    x = np.arange(24.0).reshape(2, 3, 4)
    assert np.array_equal(rows(x)[4], x[1, 1])
    assert np.array_equal(sum_of_rows(rows(x)), x.sum(axis=(0, 1)))
    assert rows(np.zeros(3)).shape == (1, 3)
    assert np.array_equal(sum_of_rows(np.zeros((0, 3))), np.zeros(3))


@pytest.mark.parametrize("width", [1, 31, 32, 33])
def test_the_largest_is_the_maximum_however_the_array_lies(width):
    z = np.random.default_rng(0).normal(size=(3, 4, width))
    for view in (z, z[::-1, :, ::-1], np.asfortranarray(z), np.moveaxis(z, -1, 0), z.astype(">f8")):
        before = view.tobytes()
        for axis in range(-3, 3):
            assert np.array_equal(largest(view, axis), view.max(axis=axis, keepdims=True))
        assert view.tobytes() == before


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)], ids=str)
def test_the_mean_is_numpys_and_its_axes_stay(axis):
    x = np.random.default_rng(0).standard_normal((3, 4, 5))
    np.testing.assert_allclose(mean(x, axis), x.mean(axis, keepdims=True), rtol=0, atol=1e-15)


def test_a_native_copy_has_the_numbers_and_shares_no_memory():
    x = np.arange(3.0)
    for a in (x, x.astype(">f8")):
        assert native(a).dtype.isnative
        assert np.array_equal(native(a), x)
        assert not np.shares_memory(native(a), a)
