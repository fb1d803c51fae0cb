"""Examples and labels: what a run and its accuracy take, and how scores are read as classes."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from nnlib.checks import Array, Shape, all_finite, class_numbers, finite, no_pair, numeric
from nnlib.contract import closest
from nnlib.layers import Linear, Sequential
from nnlib.parameters import Model, parameter_vector

Function = TypeVar("Function", bound=Callable)


def data(where: str, model: Model, x: Any, labels: Any) -> tuple[Array, Array]:
    """Examples and labels as arrays that belong together and, as far as can be told, to a model."""
    x, labels = numeric(where, "x", x), numeric(where, "labels", labels)
    if x.dtype == np.uint8:
        raise TypeError(f"{where}: x is uint8, 0..255; scale it first, with nnlib.data.scale(x).")
    first = model
    while isinstance(first, Sequential):
        first = first.parts[0]
    features = first.params["W"].shape[1] if isinstance(first, Linear) else None
    if features and x.shape[-1:] != (features,):
        advice = " Transposed? Use x.T." if x.shape[:1] == (features,) else ""
        raise ValueError(f"{where}: x must have {features} columns; got {x.shape}.{advice}")
    if x.ndim == 0 or not x.size:
        raise ValueError(f"{where}: x is empty: shape {x.shape}; at least one row is needed.")
    if labels.ndim == 0 or len(labels) != len(x):
        raise ValueError(f"{where}: x has {len(x)} rows but labels has shape {labels.shape}.")
    all_finite(where, "x", x)
    all_finite(where, "labels", labels)
    if features and x.dtype.kind in "iu" and x.max() > 100:
        raise TypeError(
            f"{where}: x is {x.dtype} and reaches {x.max()}; scale it first, as x / {x.max()}."
        )
    if features or x.dtype.kind == "f":
        x = converted(where, "x", x, parameter_vector(model)[0].dtype)
    return x, labels


def converted(where: str, name: str, a: Array, dtype: np.dtype) -> Array:
    """An array of finite numbers in the parameters' type, when that can hold them."""
    with np.errstate(over="ignore"):
        b = a.astype(dtype, copy=False)
    if b.dtype != a.dtype and not finite(b):
        raise ValueError(
            f"{where}: {name} must fit {dtype}, as the model is; got {np.abs(a).max():g}. Scale it."
        )
    return b


def hits(z: Array, classes: Array) -> int:
    """How many rows of scores name their class: the largest, or class 1 by a single one above 0.

    >>> hits(np.array([[0.1, 0.3], [0.2, 0.0]]), np.array([1, 1]))
    1
    >>> hits(np.array([[0.1], [-0.2]]), np.array([1.0, 0.0]))
    2
    """
    named = z.argmax(axis=-1) if z.shape[-1] > 1 else z[..., 0] > 0
    return int(np.count_nonzero(named == classes))


def as_classes(where: str, labels: Array, shape: Shape) -> Array:
    """The labels as class numbers, one for each row of scores of this shape.

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
        return class_numbers(where, "labels", labels, count)
    other = (labels != 0) & (labels != 1)
    if other.any():
        got = f"{labels[other][0]} at index {np.argwhere(other)[0].tolist()}"
        raise ValueError(f"{where}: labels must be 0 or 1 for a single score a row; got {got}.")
    return labels


def classes_for(loss: Callable, labels: Array, shape: Shape) -> Array | None:
    """The class numbers by which to count a loss's hits; None where scores name no class.

    A single number a row is cut at 0 when the loss takes it as a score, that is by the name of z.
    """
    first, *_ = inspect.signature(loss).parameters
    if shape[-1] == 1 and first != "z":
        return None
    try:
        return as_classes("Training", labels, shape)
    except (TypeError, ValueError):
        return None


def kindly(function: Function) -> Function:
    """A function that tells in a sentence of its own which argument is missing or is none of its.

    >>> @kindly
    ... def train(model, *, epochs): ...
    >>> train("a model", epoch=3)
    Traceback (most recent call last):
    ...
    TypeError: train: takes no epoch. Did you mean epochs?
    """
    signature, where = inspect.signature(function), function.__qualname__.split(".")[0]
    names = [name for name in signature.parameters if name != "self"]

    @wraps(function)
    def checked(*args: Any, **named: Any) -> Any:
        try:
            bound = signature.bind_partial(*args, **named).arguments
        except TypeError as error:
            unknown = next((name for name in named if name not in names), None)
            if unknown is None:
                raise TypeError(
                    f"{where}: {error}; its arguments are {', '.join(names)}."
                ) from None
            advice = closest(unknown, set(names))
            raise TypeError(f"{where}: takes no {unknown}.{advice}") from None
        for name in names:
            if name not in bound and signature.parameters[name].default is inspect.Parameter.empty:
                raise TypeError(f"{where}: {name} is missing; give it by keyword, {name}=...")
        return function(*args, **named)

    return checked  # type: ignore[return-value]


def one_number(where: str, loss: Callable, result: Any) -> None:
    """Refuse a loss by its result, when that is not one number and the way back."""
    if no_pair(result) or np.ndim(result[0]):
        got = getattr(loss, "__name__", type(loss).__name__)
        raise TypeError(f"{where}: loss must be a block such as nnlib.losses.mse; got {got}.")
