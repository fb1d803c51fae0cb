"""Trained weights in a small file, for a model that is built in the same way; never pickled."""

import math
import os
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from nnlib.archives import Archive, Kind, only_damage, packed, put, refuse_place
from nnlib.checks import Shape, all_finite, as_path, difference
from nnlib.contract import kindly
from nnlib.parameters import Model, named_parameters, parameter_vector

M = TypeVar("M", bound=Model)
CHECKPOINTS = Path(__file__).parent / "assets" / "checkpoints"
TYPES = ("float16", "float32", "float64")


@kindly
def store_weights(path: str | os.PathLike, model: Model, *, dtype: str = "float16") -> None:
    """Write a model's parameters, and nothing else, to a file for ``load_weights``.

    float16 keeps three digits of each, in half the room of float32: whether a figure still holds
    is seen by loading and measuring it again. The file appears whole or not at all.

    Errors   TypeError for what is no model; ValueError for another type, and for a parameter that
             is not finite or too large for the type; OSError when the file cannot be written.

    >>> import tempfile
    >>> from nnlib.layers import Linear
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model = Linear(2, 1, init=lambda shape, rng: [[1, 2]], rng=0)
    ...     store_weights(f"{folder}/two.npz", model)
    ...     load_weights(f"{folder}/two.npz", Linear(2, 1, rng=1)).params["W"]
    array([[1., 2.]])
    """
    path = as_path("store_weights", "path", path)
    shapes = shapes_of("store_weights", model)
    if dtype not in TYPES:
        raise ValueError(f"store_weights: dtype must be one of {', '.join(TYPES)}; got {dtype!r}.")
    theta, _ = parameter_vector(model)
    all_finite("store_weights", "theta", theta)
    with np.errstate(over="ignore"):
        weights = theta.astype(dtype)
    if not np.isfinite(weights).all():
        raise ValueError(
            f"store_weights: theta must fit {dtype}; it reaches {np.abs(theta).max():g}. "
            f"Use dtype={TYPES[TYPES.index(dtype) + 1]!r}."
        )
    parts = np.split(weights, np.cumsum([math.prod(shape) for shape in shapes.values()])[:-1])
    arrays = {name: part.reshape(shapes[name]) for name, part in zip(shapes, parts, strict=True)}
    put("store_weights", path, packed(arrays))


@kindly
def load_weights(name_or_path: str | os.PathLike, model: M) -> M:
    """Copy stored weights into a model with the same parameters, and return it.

    A name is that of a file in nnlib/assets/checkpoints; what ends in .npz is a path. Names and
    shapes of the parameters are compared; what has no parameters, such as the number of heads, a
    file does not know.

    Errors   TypeError for what is no model or no path; ValueError for a name that there is not, for
             a file that is damaged or foreign, and for weights of another model;
             FileNotFoundError, or another OSError, with the path. Nothing changes then.

    >>> from nnlib.layers import Linear
    >>> load_weights("no_such_model", Linear(2, 1, rng=0))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: load_weights: name_or_path must be a path that ends in .npz, or one of ...
    """
    path = place_of(as_path("load_weights", "name_or_path", name_or_path))
    due, where = shapes_of("load_weights", model), f"load_weights: {path}"
    refuse_place("load_weights", path)
    with open(path, "rb") as file:
        with only_damage("load_weights", path, "a file of weights"):
            archive = Archive(file)
        refuse_kinds(where, archive.kinds, due)
        with only_damage("load_weights", path, "a file of weights"):
            weights = [archive[name].ravel() for name in due]
    theta, _ = parameter_vector(model)
    with np.errstate(over="ignore"):
        new = np.concatenate(weights).astype(theta.dtype)
    all_finite(where, "theta", new)
    theta[:] = new
    return model


def place_of(name_or_path: Path) -> Path:
    """The file that a name or a path means."""
    if name_or_path.suffix == ".npz":
        return name_or_path
    names = sorted(path.stem for path in CHECKPOINTS.glob("*.npz"))
    if str(name_or_path) not in names:
        raise ValueError(
            "load_weights: name_or_path must be a path that ends in .npz, or one of "
            f"{', '.join(names)}; got {str(name_or_path)!r}."
        )
    return CHECKPOINTS / f"{name_or_path}.npz"


def shapes_of(where: str, model: Any) -> dict[str, Shape]:
    """The shapes of a model's parameters by their names, in the order of theta."""
    if not isinstance(model, Model):
        raise TypeError(f"{where}: model must be a layer or model; got {type(model).__name__}.")
    return dict(named_parameters(model))


def refuse_kinds(where: str, kinds: dict[str, Kind], due: dict[str, Shape]) -> None:
    """Refuse arrays that are not the parameters that are due, and name three at most."""
    found = {name: kind.shape for name, kind in kinds.items()}
    names = [name for name in due | found if found.get(name) != due.get(name)][:3]
    if names:
        have, want = ({name: d[name] for name in names if name in d} for d in (found, due))
        advice = " A saved run? Use nnlib.saving.load." if "about" in found else ""
        raise ValueError(f"{where}: {difference('weights', have, want)}{advice}")
    for name, kind in kinds.items():
        if str(kind.dtype) not in TYPES:
            got = f"{', '.join(TYPES)}; got {kind.dtype}"
            raise ValueError(f"{where}: {name} must be one of {got}.")
