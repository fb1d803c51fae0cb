"""What an argument must be: each refusal is one sentence that says what to put right."""

import difflib
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

Array = np.ndarray
Pullback = Callable[..., Any]
Rng = np.random.Generator
Shape = tuple[int, ...]
Dims = tuple[str, ...]
NUMBERS = int | float | np.integer | np.floating
PLAIN = (np.ndarray, np.memmap)


def plain(kind: type) -> bool:
    """Whether objects of this type compute as arrays do.

    A masked array leaves entries out, a matrix multiplies where entries are meant: subclasses of
    ndarray keep promises of their own. A memmap keeps an array's, a NumPy number an array's of ().

    >>> plain(np.memmap), plain(np.float64), plain(np.ma.MaskedArray)
    (True, True, False)
    """
    return kind in PLAIN or issubclass(kind, np.generic)


def use_asarray(name: str, a: Any, kind: str = "") -> str:
    """The advice that makes a plain array of what can become one."""
    if a is None or isinstance(a, str):
        return ""
    filled = " Fill what is masked," if isinstance(a, np.ma.MaskedArray) else ""
    use = " then use" if filled else " Use"
    return f"{filled}{use} np.asarray({name}{kind})."


def plain_array(where: str, name: str, a: Any, due: str = "an array") -> None:
    """Refuse what is no array, or more than one."""
    if not plain(type(a)):
        got = type(a).__name__
        raise TypeError(f"{where}: {name} must be {due}; got {got}.{use_asarray(name, a)}")


def no_subclass(where: str, name: str, a: Any) -> Any:
    """What can be read as an array without losing what it means."""
    if isinstance(a, np.ndarray):
        plain_array(where, name, a)
    return a


def float_array(where: str, name: str, a: Any) -> None:
    """Refuse anything but a float32 or float64 array."""
    if not plain(type(a)):
        got, advice = type(a).__name__, use_asarray(name, a, ", float")
        raise TypeError(f"{where}: {name} must be a float array; got {got}.{advice}")
    if a.dtype.char not in "fd":
        advice = use_asarray(name, a, ", float") if a.dtype.kind in "fiubmM" else ""
        raise TypeError(f"{where}: {name} must be float32 or float64; got {a.dtype}.{advice}")


def whole_number(where: str, name: str, value: Any, *, low: int, high: int | None = None) -> int:
    """The value as an int, when it is one within low..high.

    >>> whole_number("fit", "epochs", 0, low=1)
    Traceback (most recent call last):
    ...
    ValueError: fit: epochs must be an integer >= 1; got 0.
    """
    due = f"an integer >= {low}" if high is None else f"an integer in {low}..{high}"
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise TypeError(f"{where}: {name} must be {due}; got {value!r} ({type(value).__name__}).")
    if value < low or (high is not None and value > high):
        raise ValueError(f"{where}: {name} must be {due}; got {value}.")
    return int(value)


def number(where: str, name: str, value: Any, interval: str) -> float:
    """The value as a float, when it lies in the interval, written as in mathematics.

    >>> number("Adam", "beta1", 1.0, "[0, 1)")
    Traceback (most recent call last):
    ...
    ValueError: Adam: beta1 must be a number in [0, 1); got 1.0.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, NUMBERS):
        got = f"{value!r} ({type(value).__name__})"
        raise TypeError(f"{where}: {name} must be a number in {interval}; got {got}.")
    low, high = (float(end) for end in interval[1:-1].split(","))
    above = value >= low if interval[0] == "[" else value > low
    below = value <= high if interval[-1] == "]" else value < high
    if not (above and below):
        percent = f" Is it a percentage? Use {value / 100:g}." if high == 1 < value <= 100 else ""
        raise ValueError(f"{where}: {name} must be a number in {interval}; got {value}.{percent}")
    return float(value)


def one_of(where: str, name: str, value: Any, choices: tuple) -> Any:
    """The value, when it is one of the choices and not just equal to one, as 1 is to True.

    >>> one_of("TokenClassifier", "positions", "learnt", ("learned", "sinusoids", None))
    Traceback (most recent call last):
    ...
    ValueError: TokenClassifier: positions must be 'learned', 'sinusoids' or None; got 'learnt'. \
Did you mean 'learned'?
    """
    if any(type(value) is type(choice) and value == choice for choice in choices):
        return value
    *others, last = map(repr, choices)
    due, words = f"{', '.join(others)} or {last}", [c for c in choices if isinstance(c, str)]
    near = difflib.get_close_matches(str(value), words, n=1)
    advice = f" Did you mean {near[0]!r}?" if near else ""
    error = ValueError if type(value) in map(type, choices) else TypeError
    raise error(f"{where}: {name} must be {due}; got {value!r}.{advice}")


def class_numbers(where: str, name: str, labels: Any, classes: int) -> Array:
    """The labels, when they are integers in 0..classes-1.

    >>> class_numbers("one_hot", "labels", np.array([1, 10]), 10)
    Traceback (most recent call last):
    ...
    ValueError: one_hot: labels must lie in 0..9; got 10 at index 1. Do they start at 1?
    """
    plain_array(where, name, labels, "an integer array")
    if labels.dtype.kind not in "iu":
        raise_for_kind(where, name, labels)
    unsigned = labels.astype(np.uint64)  # one look at the largest finds both: -1 becomes huge
    if labels.size and unsigned.max() >= classes:
        index = np.argwhere((labels < 0) | (labels >= classes))[0].tolist()
        position = index[0] if len(index) == 1 else tuple(index)
        worst = labels[tuple(index)]
        advice = " Do they start at 1?" if worst == classes and labels.min() == 1 else ""
        raise ValueError(
            f"{where}: {name} must lie in 0..{classes - 1}; got {worst} at index {position}."
            f"{advice}"
        )
    return labels


def raise_for_kind(where: str, name: str, labels: Array) -> NoReturn:
    """Say what to do about class numbers that are no integers."""
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        raise ValueError(
            f"{where}: {name} must be integers; got NaN at index {int(np.isnan(labels).argmax())}."
        )
    advice = {
        "f": f" Use {name}.astype(int).",
        "b": f" Use {name}.astype(int), or binary cross-entropy.",
    }.get(labels.dtype.kind, no_numbers(name, labels))
    raise TypeError(f"{where}: {name} must be integers; got {labels.dtype}.{advice}")


def no_numbers(name: str, x: Array) -> str:
    """What to do about an array that holds something else than real numbers.

    >>> no_numbers("labels", np.array(["cat", 3], object))
    ' Map the names to 0, 1, 2, ... first.'
    """
    entries = list(x.flat) if x.dtype == object and x.ndim else []
    if x.dtype.kind in "SUT" or any(isinstance(entry, str | bytes) for entry in entries):
        return " Map the names to 0, 1, 2, ... first."
    if any(isinstance(entry, list | tuple | np.ndarray) for entry in entries):
        return " Do all rows have the same length?"
    numbers = entries and all(isinstance(entry, NUMBERS) for entry in entries)
    return f" Use np.asarray({name}, float)." if numbers else ""


def float_dtype(where: str, dtype: Any) -> np.dtype:
    """float32 or float64 as a dtype."""
    text = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", str(dtype))
    if text not in ("float32", "float64"):
        near = difflib.get_close_matches(text, ["float32", "float64"], n=1)
        advice = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{where}: dtype must be 'float32' or 'float64'; got {text!r}.{advice}")
    return np.dtype(text)


def generator(where: str, name: str, seed: Any) -> Rng:
    """A generator from a seed, or the generator given; never the global one."""
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(None if seed is None else whole_number(where, name, seed, low=0))


def generator_given(where: str, rng: Any) -> Rng:
    """The generator that a layer draws from; of a seed, each would draw the same.

    >>> generator_given("Dropout", 0)
    Traceback (most recent call last):
    ...
    TypeError: Dropout: rng must be a Generator; got 0. Use np.random.default_rng(seed).
    """
    if not isinstance(rng, np.random.Generator):
        advice = "Use np.random.default_rng(seed)."
        raise TypeError(f"{where}: rng must be a Generator; got {rng!r}. {advice}")
    return rng


def axis_of(where: str, axis: Any, dimensions: int) -> int:
    """An axis that an array of so many dimensions has."""
    if not dimensions:
        raise ValueError(f"{where}: needs an array with an axis; got shape ().")
    return whole_number(where, "axis", axis, low=-dimensions, high=dimensions - 1)


def finite(value: Array) -> bool:
    """Whether every entry is finite; one dot product where that suffices."""
    return math.isfinite(np.vdot(value, value)) or bool(np.isfinite(value).all())


def callable_block(
    where: str, name: str, block: Any, due: str = "a block such as nnlib.blocks.relu"
) -> Callable:
    """The block, when it is a function."""
    if not callable(block) or isinstance(block, np.ufunc):
        raise TypeError(f"{where}: {name} must be {due}; got {type(block).__name__}.")
    return block


def pair(where: str, result: Any) -> tuple[Any, Pullback]:
    """What a block returned, when it is a value with its pullback.

    >>> pair("Layer", np.maximum(1, 0))
    Traceback (most recent call last):
    ...
    TypeError: Layer: must return the pair (value, pullback); got int64. See nnlib.blocks.relu.
    """
    if fault := no_pair(result):
        raise TypeError(f"{where}: {fault}")
    return result


def no_pair(result: Any) -> str:
    """What to say about a result that is no pair; nothing when it is one."""
    if isinstance(result, tuple) and len(result) == 2 and callable(result[1]):
        return ""
    got = type(result).__name__
    if isinstance(result, tuple) and len(result) != 2:
        got = f"tuple of {len(result)}"
    return f"must return the pair (value, pullback); got {got}. See nnlib.blocks.relu."


def difference(key: str, saved: Any, here: Any) -> str:
    """One sentence on what a file has and the run has not."""
    if not (isinstance(saved, dict) and isinstance(here, dict)):
        return f"{key} is {saved}, here {here}."
    parts = [f"{name} is missing" for name in here.keys() - saved.keys()]
    parts += [f"{name} is unexpected" for name in saved.keys() - here.keys()]
    shared = [name for name in here if name in saved and saved[name] != here[name]]
    parts += [f"{name} is {saved[name]}, here {here[name]}" for name in shared]
    return f"{key}: {', '.join(sorted(parts))}."


def numeric(where: str, name: str, x: Any) -> Array:
    """Whatever is an array or can be read as one, when it holds real numbers.

    >>> numeric("fit", "x", [[1, 2], [3]])
    Traceback (most recent call last):
    ...
    TypeError: fit: x must be a numeric array; got list. Do all rows have the same length?
    """
    got = type(x).__name__
    if isinstance(x, str | bytes | os.PathLike) or x is None:
        advice = " Did you mean nnlib.data.read_idx?" if x is not None else ""
        raise TypeError(f"{where}: {name} must be an array; got {got}.{advice}")
    for part in (x, *(x if isinstance(x, list | tuple) else ())):
        no_subclass(where, name, part)
    try:
        x = np.asarray(x)
    except ValueError as error:  # ragged rows have no shape, and NumPy says so in its own words
        x = np.fromiter(x, object)
        raise TypeError(
            f"{where}: {name} must be a numeric array; got {got}.{no_numbers(name, x)}"
        ) from error
    if x.dtype.kind not in "fiub":
        got = got if x.dtype == object and not x.ndim else str(x.dtype)
        raise TypeError(f"{where}: {name} must be a numeric array; got {got}.{no_numbers(name, x)}")
    return x


def all_finite(where: str, name: str, x: Array) -> None:
    """Refuse NaN and infinity, and say where they are."""
    if x.dtype.kind == "f" and not finite(x):
        bad = np.argwhere(~np.isfinite(x))
        first, kind = ", ".join(map(str, bad[0])), "NaN" if np.isnan(x).any() else "infinity"
        raise ValueError(f"{where}: {name} contains {kind}: first at [{first}], {len(bad)} in all.")


def boolean(where: str, name: str, mask: Any) -> None:
    """Refuse a mask that is not a boolean array: numbers would multiply instead of choose."""
    if plain(type(mask)) and mask.dtype == bool:
        return
    got = mask.dtype if plain(type(mask)) else type(mask).__name__
    additive = plain(type(mask)) and mask.dtype.kind == "f" and np.isinf(mask).any()
    advice = f" Use {name} == 0." if additive else use_asarray(name, mask, ", bool")
    raise TypeError(f"{where}: {name} must be a boolean array; got {got}.{advice}")


def raises(error: type[BaseException], call: Callable, *args: Any, **kwargs: Any) -> None:
    """Show an error that is meant: print its sentence, and fail when the call succeeds.

    >>> raises(ZeroDivisionError, lambda: 1 / 0)
    ZeroDivisionError: division by zero
    """
    try:
        call(*args, **kwargs)
    except error as raised:
        print(f"{type(raised).__name__}: {raised}")
        return
    raise AssertionError(f"{error.__name__} was due, but the call succeeded.")


def as_path(where: str, name: str, value: Any) -> Path:
    """The value as a path, ~ expanded."""
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{where}: {name} must be a path; got {type(value).__name__}.")
    return Path(os.path.expanduser(value))
