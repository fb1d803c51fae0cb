"""The contract of a block, enforced at each call."""

import re
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, NoReturn

import numpy as np

from nnlib.checks import NUMBERS, Array, Dims, Pullback, Shape, float_array


def block(spec: str) -> Callable[[Callable], Callable]:
    """Declare a block's shapes: a line in its docstring, checked when it or its pullback is called.

    Before the semicolon stand the differentiable arrays, behind it keyword arrays that are
    constants. Equal letters are equal sizes; ``...`` is any number of leading axes, the same in
    every argument.

    Errors   TypeError for what is not a float array, ValueError for a shape that does not fit.

    >>> @block("x (..., n), w (n,) -> y (...)")
    ... def weighted_sum(x, w):
    ...     '''Weigh the entries of each row.'''
    ...     return x @ w, lambda dy: (dy[..., None] * w, np.tensordot(dy, x, dy.ndim))
    >>> weighted_sum(np.ones((2, 3)), np.ones(4))
    Traceback (most recent call last):
    ...
    ValueError: weighted_sum: w must have shape (3,) to go with x (2, 3); got (4,).
    """
    contract = Contract(spec)

    def decorate(function: Callable) -> Callable:
        where = function.__name__

        @wraps(function)
        def checked(*arrays: Array, **constants: Any) -> tuple[Any, Pullback]:
            shape = contract.output_shape(where, arrays, constants)
            y, pullback = function(*arrays, **constants)
            if shape is None:
                shape = y.shape
            elif getattr(y, "shape", ()) != shape:
                raise ValueError(
                    f"{where}: its value has shape {np.shape(y)}, its contract says {shape}."
                )

            def checked_pullback(dy: Any) -> Any:
                fits = getattr(dy, "shape", ()) == shape and (
                    dy.dtype.char == y.dtype.char if shape else isinstance(dy, NUMBERS | np.ndarray)
                )
                if not fits:
                    raise_for_upstream(where, dy, shape, y)
                return pullback(dy)

            return y, checked_pullback

        checked.__doc__ = with_shapes(function.__doc__, spec)
        checked.contract = contract  # type: ignore[attr-defined]
        return checked

    return decorate


class Contract:
    """The shapes of a block, read from ``"x (..., n), W (m, n); labels (...) -> y (..., m)"``."""

    def __init__(self, spec: str) -> None:
        before, self.output = spec.split("->")[0], read_dims(spec.split("->")[1])[0][1]
        differentiable, _, constants = before.partition(";")
        self.inputs, self.constants = read_dims(differentiable), read_dims(constants)
        self.match = lru_cache(maxsize=4096)(self._match)

    def output_shape(self, where: str, arrays: tuple, constants: dict) -> Shape | None:
        """The shape that the value must have (None: the contract leaves it open), or the error."""
        try:
            kinds = [(a.shape, a.dtype.char) for a in arrays]
            if self.constants:
                kinds += [(constants[name].shape, "") for name, _ in self.constants]
            return self.match(where, *kinds)
        except (AttributeError, KeyError, TypeError):
            pass  # raised anew below, so that the traceback shows the plain sentence alone
        return self.raise_for_types(where, arrays, constants)

    def _match(self, where: str, *kinds: tuple[Shape, str]) -> Shape | None:
        """Bind letters to sizes, argument by argument; pure in the shapes, hence cached."""
        chars = [char for _, char in kinds[: len(kinds) - len(self.constants)]]
        if len(chars) != len(self.inputs) or not set(chars) <= {"f", "d"} or len(set(chars)) > 1:
            raise TypeError("told in full by raise_for_types")
        sizes: dict[str, Any] = {}
        for position, (name, dims) in enumerate(self.inputs + self.constants):
            known, shape = dict(sizes), kinds[position][0]
            if not bind(dims, shape, sizes):
                first = f" to go with {self.inputs[0][0]} {kinds[0][0]}" if position else ""
                due, advice = expected(dims, known), hint(name, dims, known, shape)
                raise ValueError(
                    f"{where}: {name} must have shape {due}{first}; got {shape}.{advice}"
                )
        if set(self.output) <= set(sizes):
            return sum((sizes[d] if d == "..." else (sizes[d],) for d in self.output), ())
        return None

    def raise_for_types(self, where: str, arrays: tuple, constants: dict) -> NoReturn:
        """Say which argument is missing or no float array."""
        names = [name for name, _ in self.inputs]
        if len(arrays) != len(names):
            due = f"{len(names)} array{'s' * (len(names) > 1)} by position ({', '.join(names)})"
            due += "".join(f", {name} by keyword" for name, _ in self.constants)
            raise TypeError(f"{where}: needs {due}; got {len(arrays)} by position.")
        for name, a in zip(names, arrays, strict=True):
            float_array(where, name, a)
        for name, _ in self.constants:
            if constants.get(name) is None:
                raise TypeError(f"{where}: {name} is missing; give it by keyword, {name}=...")
            if not isinstance(constants[name], np.ndarray):
                got = type(constants[name]).__name__
                raise TypeError(
                    f"{where}: {name} must be an array; got {got}. Use np.asarray({name})."
                )
        kinds = ", ".join(f"{name} {a.dtype}" for name, a in zip(names, arrays, strict=True))
        raise TypeError(f"{where}: all arrays must have one float type; got {kinds}. Use astype.")


def read_dims(text: str) -> tuple[tuple[str, Dims], ...]:
    """``"x (..., n), b (m,)"`` as ``(("x", ("...", "n")), ("b", ("m",)))``."""
    found = re.findall(r"(\w+) \(([^)]*)\)", text)
    return tuple((name, tuple(re.findall(r"\.\.\.|\w+", dims))) for name, dims in found)


def bind(dims: Dims, shape: Shape, sizes: dict[str, Any]) -> bool:
    """Give each letter of dims its size in shape; False where it does not fit what is bound.

    A size of 0 is for leading axes alone: the mean of no features is no number.
    """
    parts: tuple = shape
    if dims[:1] == ("...",):
        leading = len(shape) - len(dims) + 1
        if leading < 0:
            return False
        parts = (shape[:leading], *shape[leading:])
    if len(parts) != len(dims):
        return False
    pairs = zip(dims, parts, strict=True)
    return all(size != 0 and sizes.setdefault(d, size) == size for d, size in pairs)


def expected(dims: Dims, sizes: dict[str, Any]) -> str:
    """The shape that is due, with the sizes known so far: ``(..., 3)``, ``(64,)``, ``(m, 3)``."""
    parts: list[str] = []
    for d in dims:
        parts += map(str, sizes[d]) if d == "..." and d in sizes else [str(sizes.get(d, d))]
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


def hint(name: str, dims: Dims, known: dict[str, Any], shape: Shape) -> str:
    """What to do about a shape that is wrong in one of the usual ways, or nothing."""
    if 0 in shape[len(shape) - len([d for d in dims if d != "..."]) :]:
        return " Only leading axes may be empty."
    if len(shape) == 2 and bind(dims, shape[::-1], dict(known)):
        return f" Transposed? Use {name}.T."
    if not shape or not set(dims) <= set(known):
        return ""
    sizes: Shape = sum((known[d] if d == "..." else (known[d],) for d in dims), ())
    if shape == (*sizes, 1):
        return f" Use {name}[..., 0]."
    if shape[:-1] == sizes:
        return f" It looks one-hot: use {name}.argmax(axis=-1)."
    if (*shape, 1) == sizes:
        return f" Use {name}[..., None]."
    if shape == sizes[:-1]:
        return f" Class numbers? Use one_hot({name}, {sizes[-1]})."
    return ""


def with_shapes(doc: str | None, spec: str) -> str:
    """The docstring with the contract as a paragraph of its own behind the first line."""
    first, _, rest = (doc or "").partition("\n")
    return f"{first}\n\n    Shapes   {spec}\n{rest}"


def raise_for_upstream(where: str, dy: Any, shape: Shape, y: Any) -> NoReturn:
    """Refuse a gradient that does not belong to the value."""
    if hasattr(dy, "shape") and dy.shape != shape:
        raise ValueError(f"{where}: dy must have the output's shape {shape}; got {dy.shape}.")
    due = f"be an array of the output's type {y.dtype}" if shape else "be one number"
    got = getattr(dy, "dtype", type(dy).__name__)
    raise TypeError(f"{where}: dy must {due}; got {got}.")
