"""What every block and every loss promises, tried on each line of the table."""

import importlib
import inspect
from collections import defaultdict
from pkgutil import iter_modules

import numpy as np
import pytest
from blocks_table import (
    TABLE,
    arguments_of,
    as_float32,
    bytes_of,
    changed,
    each_block,
    each_loss,
    each_row,
    gradients,
    results,
    scaled_error,
    upstream,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from stored_values import golden_of

import nnlib
from nnlib.calculus import check_vjp

each_precision = pytest.mark.parametrize(
    ("precision", "tolerance"), [(np.asarray, 1e-12), (as_float32, 1e-5)], ids=["f64", "f32"]
)


def assert_equal(got, want, tolerance):
    """Every value and gradient within the tolerance, scaled."""
    assert len(got) == len(want)
    for g, w in zip(got, want):
        assert scaled_error(g, w) <= tolerance


@pytest.mark.parametrize("name", [m.name for m in iter_modules(nnlib.__path__) if not m.ispkg])
def test_every_block_is_in_the_table(name):
    module = importlib.import_module(f"nnlib.{name}")
    contracts = [f for _, f in inspect.getmembers(module, lambda f: hasattr(f, "contract"))]
    own = {f.__name__ for f in contracts if f.__module__ == module.__name__}
    assert own <= {row.name for row in TABLE}


# -- the pullback is the true transposed Jacobian (law L1) -------------------------------------


@each_row
@settings(max_examples=200)
@given(data=st.data())
def test_the_pullback_is_the_transposed_jacobian(row, data):
    arrays, constants = data.draw(arguments_of(row))
    assert check_vjp(row.block, *arrays, **constants, **row.options) <= 1e-7


@each_row
@pytest.mark.parametrize(("leading", "size"), [(1, 1), (1, 3), (3, 1)], ids=str)
def test_the_pullback_is_right_for_a_batch_of_one_and_for_size_one(row, leading, size):
    for axes in range(row.leading_axes[0], row.leading_axes[1] + 1):
        arrays, constants = row.sample((leading,) * axes, (size,), seed=axes)
        assert check_vjp(row.block, *arrays, **constants, **row.options) <= 1e-7


# -- the same numbers as PyTorch ---------------------------------------------------------------


@pytest.fixture(scope="module")
def golden():
    """The arrays that PyTorch left for each row."""
    rows = defaultdict(dict)
    for name, values in golden_of("blocks").items():
        row, _, argument = name.rpartition("/")
        rows[row][argument] = values
    return rows


def test_there_are_golden_values_of_the_rows_that_pytorch_has_and_of_no_other(golden):
    due = {str(row) for row in TABLE if row.torch}
    assert golden.keys() == due, "PYTHONPATH=.:tests python tests/golden/make_golden.py"


@each_precision
@pytest.mark.parametrize("row", [row for row in TABLE if row.torch], ids=str)
def test_values_and_gradients_are_those_of_pytorch(golden, row, precision, tolerance):
    stored = golden[str(row)]
    constants = {name: precision(stored[name]) for name in row.dims}
    arrays = [constants.pop(name) for name, _ in row.inputs]
    y, pullback = row(arrays, constants)
    dy = float(stored["dy"]) if row.is_loss else precision(stored["dy"])
    want = [stored["y"], *(stored[f"d{name}"] for name, _ in row.inputs)]
    assert_equal([y, *gradients(pullback, dy)], want, tolerance)


# -- types and shapes are kept or refused (laws L6, L7) ----------------------------------------


@each_row
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_and_gradients_keep_the_type_of_the_arguments(row, dtype):
    def to_dtype(a):
        return a.astype(dtype) if a.dtype.kind == "f" else a

    y, *dx = results(row, *changed(to_dtype, *row.sample()))
    assert type(y) is float if row.is_loss else y.dtype == dtype
    assert [d.dtype for d in dx] == [dtype] * len(row.inputs)


@each_row
@pytest.mark.parametrize(
    ("wrong", "got"),
    [
        (lambda a: a.tolist(), r"list\. Use np\.asarray\({}, float\)"),
        (lambda a: a.astype(int), r"int64\. Use np\.asarray\({}, float\)"),
        (lambda a: a > 0, r"bool\. Use np\.asarray\({}, float\)"),
        (lambda a: a.astype(np.float16), "float16"),
        (lambda a: a.astype(complex), "complex128"),
        (lambda a: a.astype(object), "object"),
        (lambda a: a.astype(str), "<U"),
        (lambda a: None, "NoneType"),
        (np.ma.masked_array, r"MaskedArray\..* np\.asarray\({}, float\)"),
        (lambda a: np.rec.array(a, a.dtype), r"recarray\. Use np\.asarray\({}, float\)"),
    ],
    ids="list int bool float16 complex object string None masked rec".split(),
)
def test_what_is_no_float_array_is_refused_by_name(row, wrong, got):
    arrays, constants = row.sample()
    for k, (name, _) in enumerate(row.inputs):
        mistaken = [*arrays[:k], wrong(arrays[k]), *arrays[k + 1 :]]
        message = f"^{row.name}: {name} must be .*; got {got.format(name)}"
        with pytest.raises(TypeError, match=message):
            row(mistaken, constants)


@each_row
def test_a_constant_is_no_subclass_of_an_array_and_not_forgotten(row):
    arrays, constants = row.sample()
    names = row.block.contract.required & row.dims.keys()
    for name in names | set(row.also.split()[:1]):
        masked = constants | {name: np.ma.masked_array(constants[name])}
        with pytest.raises(TypeError, match=rf"^\w+: {name} must be an? .*array; got MaskedArray"):
            row(arrays, masked)
    for name in row.block.contract.required:
        without = {n: c for n, c in (constants | row.options).items() if n != name}
        with pytest.raises(TypeError, match=rf"^{row.name}: {name} is missing; give it by keyword"):
            row.block(*arrays, **without)


@each_row
def test_a_keyword_that_a_block_has_not_is_refused(row):
    arrays, constants = row.sample()
    with pytest.raises(TypeError, match=f"^{row.name}: takes no temperature"):
        row(arrays, constants | {"temperature": 1.0})


@each_row
def test_mixed_precision_is_refused(row):
    arrays, constants = row.sample()
    if len(arrays) > 1:
        with pytest.raises(TypeError, match=f"^{row.name}: all arrays must have one float type"):
            row([arrays[0].astype(np.float32), *arrays[1:]], constants)


@each_row
def test_constants_go_by_keyword(row):
    arrays, constants = row.sample()
    with pytest.raises(TypeError, match=rf"^{row.name}: needs .* by position"):
        row([*arrays, arrays[0]], constants)


# -- the upstream gradient ---------------------------------------------------------------------


@each_block
def test_an_upstream_gradient_that_does_not_fit_is_refused(row):
    y, pullback = row(*row.sample())
    dy = upstream(y)
    for wrong in (dy[None], dy[..., :-1], dy[..., None], 1.0 * dy.sum()):
        with pytest.raises(ValueError, match=rf"^{row.name}: dy must have the output's shape \("):
            pullback(wrong)
    for wrong in (dy.astype(np.float32), dy.astype(int), dy.tolist(), None, 1.0):
        with pytest.raises(TypeError, match=f"^{row.name}: dy must be an array of .* float64; got"):
            pullback(wrong)
    assert bytes_of(gradients(pullback, dy)) == bytes_of(gradients(pullback, dy))


@each_loss
def test_the_upstream_gradient_of_a_loss_is_one_number(row):
    _, pullback = row(*row.sample())
    for wrong in (np.ones(1), np.ones((4, 2))):
        with pytest.raises(ValueError, match=rf"^{row.name}: dy must have the output's shape \(\)"):
            pullback(wrong)
    for wrong in ([1.0], None, "1"):
        with pytest.raises(TypeError, match=f"^{row.name}: dy must be one number; got"):
            pullback(wrong)
    same = [pullback(one) for one in (1.0, 1, np.float32(1), np.float64(1), np.array(1.0))]
    assert len(set(bytes_of(same))) == 1


# -- nothing is changed, nothing is remembered (laws L3, L4, L5, L8) ---------------------------


def read_only(a):
    a = np.array(a)
    a.flags.writeable = False
    return a


@each_row
def test_read_only_arguments_give_the_same_bytes(row):
    arrays, constants = row.sample()
    y, pullback = row(*changed(read_only, arrays, constants))
    dy = upstream(y) if row.is_loss else read_only(upstream(y))
    assert bytes_of([y, *gradients(pullback, dy)]) == bytes_of(results(row, arrays, constants))


@each_row
def test_no_argument_is_changed(row):
    arrays, constants = row.sample()
    y, pullback = row(arrays, constants)
    dy = upstream(y)
    before = bytes_of([*arrays, *constants.values(), y, dy])
    pullback(dy)
    row(arrays, constants)
    assert bytes_of([*arrays, *constants.values(), y, dy]) == before
    assert bytes_of([*arrays, *constants.values()]) == bytes_of(
        [*row.sample()[0], *row.sample()[1].values()]
    )


@each_row
def test_a_pullback_called_twice_gives_the_same_bytes(row):
    y, pullback = row(*row.sample())
    first = bytes_of(gradients(pullback, upstream(y)))
    pullback(upstream(y, seed=2))
    assert bytes_of(gradients(pullback, upstream(y))) == first


@each_row
def test_a_pullback_stays_right_when_the_block_is_called_elsewhere(row):
    want = bytes_of(results(row, *row.sample()))
    y, pullback = row(*row.sample())
    for elsewhere in (row.sample(seed=5), row.sample((2, 2), (2, 3), seed=6)):
        there, back = row(*elsewhere)
        back(upstream(there))
        assert bytes_of([y, *gradients(pullback, upstream(y))]) == want


@each_row
@pytest.mark.parametrize("size", [1, 3])
def test_no_result_shares_memory_with_another_or_with_an_argument(row, size):
    for seed in range(5):
        arrays, constants = row.sample((size, size), (size,), seed)
        first, second = row(arrays, constants), row(arrays, constants)
        dy = upstream(first[0])
        own = [first[0], *gradients(first[1], dy)]
        others = [*arrays, *constants.values(), dy, *second[:1], *gradients(second[1], dy)]
        assert not any(np.shares_memory(a, b) for a in own for b in others)


@each_row
def test_what_happens_to_the_results_of_one_call_does_not_touch_the_next(row):
    arrays, constants = row.sample()
    want = bytes_of(results(row, arrays, constants))
    first, second = row(arrays, constants), row(arrays, constants)
    dy = upstream(first[0])
    for result in (*gradients(first[1], dy), *([] if row.is_loss else [first[0]])):
        result[...] = np.nan
    assert bytes_of([second[0], *gradients(second[1], dy)]) == want
    assert bytes_of(results(row, arrays, constants)) == want


# -- how an array lies in memory ---------------------------------------------------------------


def every_other(a):
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    wide[..., ::2] = a
    return wide[..., ::2]


def repeated(a):
    """The first row again and again, with a stride of 0; probabilities stay some."""
    return np.broadcast_to(a[:1], a.shape)


def on_disk(a, folder):
    memory = np.memmap(folder / f"{id(a)}.bin", a.dtype, "w+", shape=a.shape)
    memory[...] = a
    return memory


LAYOUTS = {
    "every other": every_other,
    "columns first": np.asfortranarray,
    "backwards": lambda a: np.flip(np.flip(a).copy()),
    "repeated": repeated,
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
}


@each_row
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
def test_how_an_array_lies_in_memory_changes_nothing(row, layout):
    arrays, constants = changed(layout, *row.sample())
    y, pullback = row(arrays, constants)
    dy = upstream(y) if row.is_loss else layout(upstream(y))
    plain = changed(lambda a: np.array(a, a.dtype.newbyteorder("="), order="C"), arrays, constants)
    want, plain_pullback = row(*plain)
    plain_dy = dy if row.is_loss else np.array(dy, float, order="C")
    got = [y, *gradients(pullback, dy)]
    assert_equal(got, [want, *gradients(plain_pullback, plain_dy)], 1e-12)
    assert all(np.asarray(result).dtype.isnative for result in got)


@each_row
def test_an_array_on_disk_serves_as_well(row, tmp_path):
    arrays, constants = row.sample()
    on_file = changed(lambda a: on_disk(a, tmp_path), arrays, constants)
    assert_equal(results(row, *on_file), results(row, arrays, constants), 1e-12)


# -- batches -----------------------------------------------------------------------------------


@each_block
@pytest.mark.parametrize("leading", [(0,), (2, 0)], ids=str)
def test_empty_leading_axes_give_an_empty_value_and_zero_gradients(row, leading):
    arrays, constants = row.sample((*leading, *(1,) * row.least)[-row.leading_axes[1] :])
    y, *dx = results(row, *changed(LAYOUTS["big-endian"], arrays, constants))
    assert y.size == 0
    assert all(result.dtype.isnative for result in (y, *dx))
    for a, d in zip(arrays, dx):
        assert d.shape == a.shape
        assert not d.any()


@each_loss
def test_a_loss_of_nothing_is_refused(row):
    with pytest.raises(ValueError, match=rf"^{row.name}: .* must have at least one .*\(0,"):
        row(*row.sample((0,)))


def of_samples(row, arrays, constants, which):
    """The arguments of some samples: what has leading axes is cut, parameters stay."""

    def cut(name, a):
        return a[which] if row.dims[name][:1] == ("...",) else a

    names = [name for name, _ in row.inputs]
    kept = {name: cut(name, c) for name, c in constants.items()}
    return [cut(name, a) for name, a in zip(names, arrays)], kept


by_sample = pytest.mark.parametrize(
    "row", [row for row in TABLE if row.by_sample and not row.is_loss], ids=str
)


@by_sample
@each_precision
def test_a_sample_alone_gives_what_it_gives_in_a_batch(row, precision, tolerance):
    arrays, constants = changed(precision, *row.sample())
    y, pullback = row(arrays, constants)
    dy = upstream(y)
    parameter_gradients = [0.0 * d for d in gradients(pullback, dy)]
    for i in range(len(y)):
        alone, pullback_alone = row(*of_samples(row, arrays, constants, slice(i, i + 1)))
        assert scaled_error(alone, y[i : i + 1]) <= tolerance
        for k, d in enumerate(gradients(pullback_alone, dy[i : i + 1])):
            if row.inputs[k][1][0] == "...":
                parameter_gradients[k][i : i + 1] = d
            else:
                parameter_gradients[k] += d
    assert_equal(parameter_gradients, gradients(pullback, dy), tolerance)


@each_loss
@each_precision
def test_a_loss_is_the_mean_over_the_samples(row, precision, tolerance):
    """Each counts by how many positions of it are kept, if some are left out."""
    arrays, constants = changed(precision, *row.sample())
    L, pullback = row(arrays, constants)
    samples = [of_samples(row, arrays, constants, slice(i, i + 1)) for i in range(4)]
    kept = np.array([1 if "keep" not in own else own["keep"].sum() for _, own in samples])
    shares, alone = kept / kept.sum(), [row(*sample) for sample in samples]
    assert scaled_error(shares @ [L_i for L_i, _ in alone], L) <= tolerance
    rows_of_dx = [pullback_i(share) for share, (_, pullback_i) in zip(shares, alone)]
    assert scaled_error(np.concatenate(rows_of_dx), pullback(1.0)) <= tolerance


@by_sample
@each_precision
def test_the_order_of_the_samples_does_not_matter(row, precision, tolerance):
    arrays, constants = changed(precision, *row.sample())
    order = np.array([2, 0, 3, 1])
    y, pullback = row(arrays, constants)
    y_ordered, pullback_ordered = row(*of_samples(row, arrays, constants, order))
    dy = upstream(y)
    dx, _ = of_samples(row, gradients(pullback, dy), {}, order)
    got = [y_ordered, *gradients(pullback_ordered, dy[order])]
    assert_equal(got, [y[order], *dx], tolerance)
