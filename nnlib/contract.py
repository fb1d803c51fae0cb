"""The contract of a block: eight laws, of which the shapes are enforced at each call.

A block is a pure function that returns its value and the way back, ``y, pullback = f(x, ...)``.

L1  The pullback multiplies by the transposed Jacobian of the value returned, and of no neighbour.
L2  What is differentiated goes by position, what is not by keyword. The pullback answers with one
    array for one argument, with a tuple in their order for several; dx has the shape of x.
L3  Nothing is changed that came from outside: no argument, no constant, no upstream gradient.
L4  A pullback that is called twice gives the same bytes.
L5  Nothing is hidden: what is random, or data, is an argument.
L6  float32 gives float32 and float64 gives float64, in value and gradients, in native byte order.
L7  The shapes stand in one line, ``@block("x (..., n), w (n,) -> y (...)")``. Whatever does not fit
    is refused in one sentence; nothing is broadcast.
L8  A pullback stays right when the block is called elsewhere in between, and what is done to one
    result does not reach an argument or another result.

L7 is enforced here, at each call, for some 2 µs. All of them are asserted by check_vjp, at the
point that it is given, but for L6 in single precision, where differences show nothing.
"""

import difflib
import inspect
import re
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, NoReturn, TypeVar

import numpy as np

from nnlib.checks import (
    NUMBERS,
    PLAIN,
    Array,
    Dims,
    Pullback,
    Shape,
    float_array,
    pair,
    plain,
    plain_array,
    use_asarray,
)

Function = TypeVar("Function", bound=Callable)


def block(spec: str) -> Callable[[Callable], Callable]:
    """Declare a block's shapes: a line in its docstring, checked when it or its pullback is called.

    Before the semicolon stand the differentiable arrays, behind it keyword arrays that are
    constants. Equal letters are equal sizes; ``...`` is any number of leading axes, the same in
    every argument.

    Errors   TypeError for what is not a float array, for a keyword that is missing or unknown and
             for a result that is no pair; ValueError for a shape that does not fit.

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
        contract.read_keywords(function)

        @wraps(function)
        def checked(*arrays: Array, **constants: Any) -> tuple[Any, Pullback]:
            shape = contract.output_shape(where, arrays, constants)
            y, pullback = pair(where, function(*arrays, **constants))
            if shape is None:
                shape = np.shape(y)
            elif getattr(y, "shape", ()) != shape:
                raise ValueError(
                    f"{where}: its value has shape {np.shape(y)}, its contract says {shape}."
                )

            def checked_pullback(dy: Any) -> Any:
                fits = (
                    type(dy) in PLAIN and dy.shape == shape and dy.dtype.char == y.dtype.char
                    if shape
                    else is_number(dy)
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
        self.required, self.keywords = set[str](), set[str]()
        self.match = lru_cache(maxsize=4096)(self._match)

    def read_keywords(self, function: Callable) -> None:
        """Learn from its signature which keywords the block takes and which it needs."""
        parameters = inspect.signature(function).parameters.values()
        named = [p for p in parameters if p.kind == p.KEYWORD_ONLY]
        self.keywords = {p.name for p in named}
        self.required = {p.name for p in named if p.default is p.empty}

    def output_shape(self, where: str, arrays: tuple, constants: dict) -> Shape | None:
        """The shape that the value must have (None: the contract leaves it open), or the error."""
        try:
            kinds = [(a.shape, a.dtype.char, type(a)) for a in arrays]
            if self.constants:
                given = [constants[name] for name, _ in self.constants]
                kinds += [(c.shape, "", type(c)) for c in given]
            return self.match(where, (*constants,), *kinds)
        except (AttributeError, KeyError, TypeError):
            pass  # raised anew below, so that the traceback shows the plain sentence alone
        return self.raise_for_types(where, arrays, constants)

    def _match(
        self, where: str, keywords: tuple[str, ...], *kinds: tuple[Shape, str, type]
    ) -> Shape | None:
        """Bind letters to sizes, argument by argument; pure in what it is given, hence cached."""
        chars = [char for _, char, _ in kinds[: len(kinds) - len(self.constants)]]
        fits = len(chars) == len(self.inputs) and set(chars) in ({"f"}, {"d"})
        fits = fits and all(plain(kind) for _, _, kind in kinds)
        if not (fits and self.required <= set(keywords) <= self.keywords):
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
        needed = [name for name, _ in self.constants]
        missing = [name for name in needed if constants.get(name) is None]
        for name in missing + sorted(self.required - constants.keys()):
            raise TypeError(f"{where}: {name} is missing; give it by keyword, {name}=...")
        for name in sorted(constants.keys() - self.keywords):
            raise TypeError(f"{where}: takes no {name}.{closest(name, self.keywords)}")
        for name in needed:
            plain_array(where, name, constants[name])
        kinds = ", ".join(f"{name} {a.dtype}" for name, a in zip(names, arrays, strict=True))
        raise TypeError(f"{where}: all arrays must have one float type; got {kinds}. Use astype.")


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


def closest(name: str, keywords: set[str]) -> str:
    """Which keyword may be meant, or which there are.

    >>> closest("slop", {"slope"}), closest("axis", {"eps", "slope"}), closest("axis", set())
    (' Did you mean slope?', ' Its keywords are eps, slope.', '')
    """
    near = difflib.get_close_matches(name, keywords, n=1)
    if near:
        return f" Did you mean {near[0]}?"
    return f" Its keywords are {', '.join(sorted(keywords))}." if keywords else ""


def is_number(dy: Any) -> bool:
    """Whether an upstream gradient is one number, as Python's or as an array of shape ()."""
    if isinstance(dy, np.ndarray):
        return plain(type(dy)) and dy.shape == () and dy.dtype.kind in "fiu"
    return isinstance(dy, NUMBERS)


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
    if plain(type(dy)) and dy.shape != shape:
        raise ValueError(f"{where}: dy must have the output's shape {shape}; got {dy.shape}.")
    due = f"be an array of the output's type {y.dtype}" if shape else "be one number"
    got = dy.dtype if plain(type(dy)) else type(dy).__name__
    raise TypeError(f"{where}: dy must {due}; got {got}.{use_asarray('dy', dy)}")
