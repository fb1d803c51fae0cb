"""What a run is made of, as plain data: a saved run goes on only in one that is made the same."""

import hashlib
import inspect
from collections.abc import Iterable, Mapping
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np

from nnlib.checks import Array
from nnlib.optimizers import Schedule

LOOKED_AT = (0, *(2**k for k in range(20)))  # the steps by which schedules are told apart


def described(value: Any, name: str, above: tuple[int, ...] = ()) -> dict[str, Any]:
    """A value and all that it holds, as leaves of plain data, each under the path that leads to it.

    A model is its type, its parts, blocks and constants; its parameters are not told. A function is
    its name and the constants in it.

    >>> from nnlib.blocks import tanh
    >>> from nnlib.layers import Dropout, Layer, Sequential
    >>> leaves = described(Sequential(Layer(tanh), Dropout(0.1)), "model")
    >>> leaves["model.parts.0.block"], leaves["model.parts.1.p"]
    ('tanh', 0.1)
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return {name: value}
    own, held = taken_apart(value)
    leaves: dict[str, Any] = {name: own}
    for key, part in held:
        if id(part) not in above:  # a part may know the whole
            leaves |= described(part, f"{name}.{key}", (*above, id(value)))
    return leaves


def taken_apart(value: Any) -> tuple[str, Iterable[tuple[Any, Any]]]:
    """What a value is by itself, and what it holds, by name."""
    function = inspect.unwrap(value) if callable(value) else None
    if isinstance(value, np.ndarray):
        return digest(value), ()
    if isinstance(value, Mapping):
        return f"a mapping of {len(value)}", value.items()
    if isinstance(value, list | tuple):
        return f"{len(value)} in a row", enumerate(value)
    if isinstance(value, partial):
        return "partial", (("of", value.func), *enumerate(value.args), *value.keywords.items())
    if isinstance(function, FunctionType):
        return function.__qualname__, constants_of(function).items()
    held = {} if isinstance(value, type) else getattr(value, "__dict__", {})
    public = [(k, v) for k, v in held.items() if k[0] != "_" and k not in ("params", "grads")]
    return getattr(value, "__qualname__", type(value).__qualname__), public


def constants_of(function: FunctionType) -> dict[Any, Any]:
    """The defaults and outer variables of a function, and the numbers in it if it is not ours."""
    code, cells = function.__code__, function.__closure__ or ()
    held: dict[Any, Any] = dict(enumerate(function.__defaults__ or ()))
    held |= function.__kwdefaults__ or {}
    held |= {name: cell.cell_contents for name, cell in zip(code.co_freevars, cells, strict=True)}
    if not function.__module__.startswith("nnlib."):
        numbers = [c for c in code.co_consts if isinstance(c, int | float)]
        held |= {"numbers": numbers, "names": code.co_names}
    return held


def rates(schedule: Schedule | None) -> dict[str, Any]:
    """The learning rates by which a schedule is known, or that there is none.

    >>> rates(lambda step: 0.1 / (1 + step))["step 4"]
    0.02
    """
    found: dict[str, Any] = {}
    for step in LOOKED_AT:
        try:
            found[f"step {step}"] = None if schedule is None else float(schedule(step))
        except Exception as error:  # a table of rates may end
            found[f"step {step}"] = type(error).__name__
    return found


def digest(a: Array) -> str:
    """Type, shape and a checksum of an array, the same for all types of integer.

    >>> digest(np.arange(3, dtype=np.int8)) == digest(np.arange(3))
    True
    """
    if a.dtype.kind in "iub":
        a = a.astype(np.int64)
    checksum = hashlib.sha256(np.ascontiguousarray(a).data).hexdigest()
    return f"{a.dtype} {a.shape} {checksum[:16]}"
