"""Examples and labels: what a run and its accuracy take, and how scores are read as classes.

Examples are one array, which a model takes by position, or named arrays, which it takes by keyword.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import accumulate
from typing import Any

import numpy as np

from nnlib.blocks import sigmoid
from nnlib.checks import Array, Shape, all_finite, class_numbers, finite, no_pair, numeric
from nnlib.layers import Linear, Sequential
from nnlib.losses import alone, positions
from nnlib.parameters import Model, parameter_vector

LEFT_OUT = -1  # the class of what is not to be counted; no scores name it


def each(function: Callable, *x: Any) -> Any:
    """What a function makes of an array of each x, or of those of each name.

    >>> each(len, np.zeros((2, 3))), each(len, {"ids": np.zeros(4), "mask": np.zeros(4)})
    (2, {'ids': 4, 'mask': 4})
    """
    if isinstance(x[0], dict):
        return {name: function(*(part[name] for part in x)) for name in x[0]}
    return function(*x)


def cut(x: Any, rows: slice) -> Any:
    """Some rows of x."""
    return each(lambda a: a[rows], x)


def gathered(x: Any, rows: Array, room: Any, place: slice) -> Any:
    """Rows of x in any order, written to a place in room that is kept for them."""

    def take(a: Array, its_room: Array) -> Array:
        return np.take(a, rows, axis=0, out=its_room[place], mode="clip")

    return each(take, x, room)


def called(model: Callable, x: Any, **options: Any) -> Any:
    """A model's answer to an array by position, or to named arrays by keyword."""
    return model(**x, **options) if isinstance(x, dict) else model(x, **options)


def entries(x: Any) -> dict[str, Array]:
    """The arrays of x by the names that they have in errors and in files.

    >>> list(entries({"ids": np.zeros(4), "mask": np.zeros(4)}))
    ["x['ids']", "x['mask']"]
    """
    return {f"x[{name!r}]": a for name, a in x.items()} if isinstance(x, dict) else {"x": x}


@lru_cache(maxsize=4)
def order(seed: int, epoch: int, count: int) -> Array:
    """In which order an epoch visits the rows."""
    permutation = np.random.default_rng([seed, epoch]).permutation(count)
    permutation.flags.writeable = False
    return permutation


def parts_of(count: int, parts: int) -> list[slice]:
    """So many rows in so many parts, as equal as they can be; some are empty when rows are few.

    >>> parts_of(5, 2)
    [slice(0, 3, None), slice(3, 5, None)]
    """
    sizes = [count // parts + (k < count % parts) for k in range(parts)]
    return [slice(stop - size, stop) for size, stop in zip(sizes, accumulate(sizes))]


def data(
    where: str, model: Model, x: Any, labels: Any, keep: Any
) -> tuple[Any, Array, Array | None]:
    """Examples, labels and which of these count, as arrays that belong together.

    What stands at labels that do not count is read as 0.
    """
    x = named_arrays(where, model, x) if isinstance(x, Mapping) else one_array(where, model, x)
    labels, (name, first) = numeric(where, "labels", labels), next(iter(entries(x).items()))
    if labels.ndim == 0 or len(labels) != len(first):
        raise ValueError(
            f"{where}: {name} has {len(first)} rows but labels has shape {labels.shape}."
        )
    if keep is not None:
        keep = positions(where, numeric(where, "keep", keep), labels.shape)
        labels = alone(labels, keep)
    all_finite(where, "labels", labels)
    return x, labels, keep


def one_array(where: str, model: Model, x: Any) -> Array:
    """Examples in one array that belongs, as far as can be told, to the model."""
    x, dtype, width = numeric(where, "x", x), parameter_vector(model)[0].dtype, columns(model)
    if x.dtype == np.uint8:
        raise TypeError(f"{where}: x is uint8, 0..255; scale it first, with nnlib.data.scale(x).")
    if width and x.shape[-1:] != (width,):
        advice = " Transposed? Use x.T." if x.shape[:1] == (width,) else ""
        raise ValueError(f"{where}: x must have {width} columns; got {x.shape}.{advice}")
    some_rows(where, "x", x)
    if width and x.dtype.kind in "iu" and x.max() > 100:
        raise TypeError(
            f"{where}: x is {x.dtype} and reaches {x.max()}; scale it first, as x / {x.max()}."
        )
    return converted(where, "x", x, dtype) if width or x.dtype.kind == "f" else x


def named_arrays(where: str, model: Model, x: Mapping) -> dict[str, Array]:
    """Examples in named arrays of equally many rows; only floats are converted."""
    dtype = parameter_vector(model)[0].dtype
    refuse_names(where, model, x)
    x = {name: numeric(where, f"x[{name!r}]", a) for name, a in x.items()}
    (first, rows), *others = entries(x).items()
    some_rows(where, first, rows)
    for name, a in others:
        some_rows(where, name, a)
        if len(a) != len(rows):
            raise ValueError(
                f"{where}: {name} must have {len(rows)} rows as {first}; got shape {a.shape}. "
                "What is the same for all rows belongs in the model."
            )
    return {
        name: converted(where, f"x[{name!r}]", a, dtype) if a.dtype.kind == "f" else a
        for name, a in x.items()
    }


def as_matrix(where: str, x: Any) -> Array:
    """Examples as a matrix, a row each."""
    x = numeric(where, "x", x)
    if x.ndim != 2:
        advice = "For one example use x[None, :]." if x.ndim == 1 else "Use x.reshape(len(x), -1)."
        raise ValueError(f"{where}: x must be 2-D (N, features); got {x.shape}. {advice}")
    return x


def some_rows(where: str, name: str, x: Array) -> None:
    """Refuse examples that are none, or not finite."""
    if x.ndim == 0 or not x.size:
        raise ValueError(f"{where}: {name} is empty: shape {x.shape}; at least one row is needed.")
    all_finite(where, name, x)


def columns(model: Model) -> int | None:
    """How many features a model takes that begins with a linear layer; None for another."""
    while isinstance(model, Sequential):
        model = model.parts[0]
    return model.params["W"].shape[1] if isinstance(model, Linear) else None


def refuse_names(where: str, model: Model, x: Mapping) -> None:
    """Refuse names by which a model does not take its data, before it is called with them."""
    got, takes = ", ".join(map(str, x)) or "none", type(model).__name__
    try:
        bound = inspect.signature(model).bind(**x).arguments
    except TypeError as error:
        raise TypeError(f"{where}: x must name what {takes} takes; got {got}: {error}.") from None
    if not x or "rng" in x:
        raise TypeError(f"{where}: x must name arrays, rng not among them; got {got}.")
    if columns(model) and "constants" in bound:  # which go on to a linear layer
        raise TypeError(f"{where}: x must be one array for {takes}; got arrays named {got}.")


def refuse_empty_batches(where: str, keep: Array, batch_size: int) -> None:
    """Refuse a batch size by which some batch may have nothing to keep, and so no mean.

    The rows come in any order: so there must be fewer that keep nothing than the last batch has.
    """
    smallest = len(keep) % batch_size or batch_size
    without = np.count_nonzero(~keep.reshape(len(keep), -1).any(axis=1))
    if without >= smallest:
        raise ValueError(
            f"{where}: keep must be True somewhere in every batch; got {without} rows without any, "
            f"enough for a batch of {smallest}. Take such rows out of the data."
        )


def converted(where: str, name: str, a: Array, dtype: np.dtype) -> Array:
    """An array of finite numbers in the parameters' type, when that can hold them."""
    with np.errstate(over="ignore"):
        b = a.astype(dtype, copy=False)
    if b.dtype != a.dtype and not finite(b):
        raise ValueError(
            f"{where}: {name} must fit {dtype}, as the model is; got {np.abs(a).max():g}. Scale it."
        )
    return b


def unscaled(x: Any) -> str:
    """What to say first about why a run diverged, when examples are large.

    >>> unscaled({"ids": np.array([99]), "pixels": np.array([0.0, 255.0])})
    "x['pixels'] reaches 255 (scale it, for example by 1/255), or "
    """
    for name, a in entries(x).items():
        largest = float(np.abs(a).max()) if a.dtype.kind == "f" else 0
        if largest > 20:
            what = "the input" if name == "x" else name
            return f"{what} reaches {largest:g} (scale it, for example by 1/{largest:g}), or "
    return ""


def refuse_scores(where: str, z: Array, classes: Array, start: int) -> None:
    """Refuse scores that are not finite, of rows from start on, when they are to be counted."""
    if finite(z):
        return
    bad = ~np.isfinite(z).all(axis=-1) & (classes != LEFT_OUT)
    if bad.any():
        row = start + int(np.argwhere(bad)[0][0])
        raise FloatingPointError(
            f"{where}: scores must be finite; got NaN or infinity in row {row}. "
            "Did the parameters run away?"
        )


def hits(z: Array, classes: Array) -> int:
    """How many rows of scores name their class: the largest, or class 1 by a single one above 0.

    >>> hits(np.array([[0.1, 0.3], [0.2, 0.0]]), np.array([1, 1]))
    1
    >>> hits(np.array([[0.1], [-0.2]]), np.array([1.0, 0.0]))
    2
    """
    named = z.argmax(axis=-1) if z.shape[-1] > 1 else z[..., 0] > 0
    return int(np.count_nonzero(named == classes))


def as_classes(where: str, labels: Array, shape: Shape, keep: Array | None = None) -> Array:
    """The labels as class numbers, one for each row of scores of this shape; LEFT_OUT if not kept.

    For a single score a row they are 0 and 1, integers or floats, in a row or in a column.

    >>> as_classes("accuracy", np.array([[0.0], [1.0]]), (2, 1))
    array([0., 1.])
    """
    if len(shape) < 2:
        raise ValueError(f"{where}: scores must have shape (N, classes); the model gives {shape}.")
    due, count = shape[:-1], shape[-1]
    if count == 1 and labels.shape == shape:
        labels = labels[..., 0]
    if labels.shape != due:
        advice = " One-hot? Use labels.argmax(axis=-1)." if labels.shape == shape else ""
        raise ValueError(f"{where}: labels must have shape {due}; got {labels.shape}.{advice}")
    if count > 1:
        class_numbers(where, "labels", labels, count)
    elif (other := (labels != 0) & (labels != 1)).any():
        got = f"{labels[other][0]} at index {np.argwhere(other)[0].tolist()}"
        raise ValueError(f"{where}: labels must be 0 or 1 for a single score a row; got {got}.")
    if keep is None:
        return labels
    return np.where(keep.reshape(due), labels, np.int64(LEFT_OUT))


def classes_of(where: str, model: Model, labels: Array, shape: Shape, keep: Array | None) -> Array:
    """The labels as class numbers for a model's scores of this shape, if they are scores."""
    if shape[-1] == 1 and model.layers()[-1].block is sigmoid:
        raise ValueError(
            f"{where}: model must end in a score, which is cut at 0; it ends in sigmoid. "
            "Leave that out, and train with binary_cross_entropy_with_logits."
        )
    return as_classes(where, labels, shape, keep)


def classes_for(loss: Callable, labels: Array, shape: Shape, keep: Array | None) -> Array | None:
    """The class numbers by which to count a loss's hits; None where scores name no class.

    A single number a row is cut at 0 when the loss takes it as a score, that is by the name of z.
    """
    first, *_ = inspect.signature(loss).parameters
    if shape[-1] == 1 and first != "z":
        return None
    try:
        return as_classes("Training", labels, shape, keep)
    except (TypeError, ValueError):
        return None


def one_number(where: str, loss: Callable, result: Any) -> None:
    """Refuse a loss by its result, when that is not one number and the way back."""
    if no_pair(result) or np.ndim(result[0]):
        got = getattr(loss, "__name__", type(loss).__name__)
        raise TypeError(f"{where}: loss must be a block such as nnlib.losses.mse; got {got}.")
