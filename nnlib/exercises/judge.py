"""What a student wrote, judged: not begun, right, or wrong in which entry, and by which slip."""

import inspect
from ast import Constant, Expr, parse
from collections.abc import Callable, Mapping
from textwrap import dedent
from traceback import extract_tb
from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import Array, no_pair

TOLERANCE, ROUNDING = 1e-7, 1e-12  # a share of the largest number that is due; what is as good as 0
UNUSUAL = "None of the usual slips gives this: go through it line by line."
UNSURE = "Asked again it answers otherwise: does it draw? What is due, one can be sure of."


class Exercise(NamedTuple):
    """What is to be written, and what the usual slips are.

    task      what to do, in a sentence, for who has not begun.
    right     the answer that is due; takes what the student's function takes.
    samples   the arguments of a call by the words that say where it stands: "at a generic point".
    results   the names of what the function returns.
    slips     a wrong version for each sentence that says what is wrong with it.
    proved    what a right answer has shown.
    shown     the library's function to compare with.
    block     whether the function returns a value and a pullback; both are judged, and the results
              name the value and the gradients.
    """

    task: str
    right: Callable
    samples: Mapping[str, tuple]
    results: tuple[str, ...]
    slips: Mapping[str, Callable]
    proved: str
    shown: Callable | None = None
    block: bool = False


class Wrong(Exception):
    """An answer that is judged by what it did, rather than by its numbers."""


def verdict(exercise: Exercise, answer: Callable) -> str:
    """What there is to say about an answer, in words.

    >>> due = Exercise("Return x squared.", lambda x: x * x, {"at 3": (np.array([3.0]),)}, ("y",),
    ...                {"That is twice x.": lambda x: 2 * x}, "So squares can be computed.")
    >>> print(verdict(due, lambda x: None))
    Not begun. Return x squared.
    >>> print(verdict(due, lambda x: x + x))
    Not yet: at 3, y[0] is 6, and 9 is due. That is twice x.
    >>> print(verdict(due, lambda x: x**2))
    Right: 1 number agrees. So squares can be computed.
    """
    count = 0
    for where, arguments in exercise.samples.items():
        due = found(exercise, exercise.right, arguments)
        try:
            got = found(exercise, answer, arguments)
            if got is None and not count:
                return f"Not begun. {exercise.task}"
            fault = first_fault(exercise.results, got, due)
        except Wrong as wrong:
            return f"Not yet: {where}, {wrong} {usual_reason(exercise, answer)}".rstrip()
        if fault:
            return f"Not yet: {where}, {fault} {usual_reason(exercise, answer) or UNUSUAL}"
        count += sum(np.size(array) for array in due)
    agree = "1 number agrees" if count == 1 else f"{count} numbers agree"
    words = f"Right: {agree}. {exercise.proved}"
    return f"{words}\n\n{lines_of(exercise.shown)}" if exercise.shown else words


def found(exercise: Exercise, function: Callable, arguments: tuple) -> Any:
    """The arrays that a function returns for copies of these arguments; None when it returns none.

    Errors   Wrong when it raises, changes an argument or returns no pair where one is due.
    """
    given = [np.array(a) if isinstance(a, np.ndarray) else a for a in arguments]
    try:
        with np.errstate(all="ignore"):
            value = function(*given)
            if exercise.block and value is not None:
                value = forth_and_back(value)
    except Wrong:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}".rstrip(".")
        raise Wrong(f"it raises {said}{place(error, function)}") from None
    for before, after in zip(arguments, given):
        if isinstance(before, np.ndarray) and not np.array_equal(before, after, equal_nan=True):
            raise Wrong("it changes an argument: work on a new array, such as x - m for x -= m.")
    count = len(exercise.results)
    numbers = isinstance(value, np.ndarray) and value.shape == (count,)
    if count > 1 and (isinstance(value, list) or numbers):
        value = tuple(value)  # [dx, dW] says the same, and an array of as many numbers
    return value if value is None else arrays(value)


def forth_and_back(result: Any) -> tuple:
    """A block's value, and its gradients for a dy without pattern."""
    if fault := no_pair(result):
        raise Wrong(f"the function {fault}")
    value, pullback = result
    dy = np.random.default_rng(0).uniform(0.5, 1.5, np.shape(value))
    gradients = pullback(dy if np.ndim(value) else float(dy))
    return (value, *(gradients if isinstance(gradients, tuple) else (gradients,)))


def place(error: Exception, function: Callable) -> str:
    """The student's line in which an error arose."""
    code = getattr(function, "__code__", None)
    own = [
        frame
        for frame in extract_tb(error.__traceback__)
        if code and frame.filename == code.co_filename
    ]
    return f", in the line `{own[-1].line}`." if own and own[-1].line else "."


def arrays(value: Any) -> tuple[Array, ...]:
    """What a function returned, as arrays of numbers or of True and False."""
    values = value if isinstance(value, tuple) else (value,)
    try:
        found = map(np.asarray, values)
        return tuple(a if a.dtype == bool else np.asarray(a, float) for a in found)
    except (TypeError, ValueError):
        kinds = ", ".join(type(one).__name__ for one in values)
        raise Wrong(f"it returns no numbers but {kinds}.") from None


def first_fault(names: tuple[str, ...], got: Any, due: tuple[Array, ...]) -> str:
    """The first thing in which results differ from those due: a shape, an entry.

    Errors   Wrong for another count, or for numbers where True or False is due.
    """
    if got is None or len(got) != len(names):
        count = 0 if got is None else len(got)
        raise Wrong(f"it must return {', '.join(names)}; it returns {count or 'nothing'}.")
    for name, one, want in zip(names, got, due):
        if one.shape != want.shape:
            return f"{name} has shape {one.shape}, and {want.shape} is due."
        truth = want.dtype == np.bool_
        if truth and one.dtype != np.bool_:
            raise Wrong(f"{name} holds numbers, and True or False is due: compare, such as > 0.")
        one, want = one.astype(float), want.astype(float)
        gap = np.where(one == want, 0, np.abs(one - want))
        largest = np.abs(want[np.isfinite(want)]).max(initial=0)
        if not (gap <= TOLERANCE * largest + ROUNDING).all():
            at = np.unravel_index(np.where(np.isnan(gap), np.inf, gap).argmax(), gap.shape)
            entry = f"{name}[{', '.join(map(str, at))}]" if at else name
            pair = one[at], want[at]
            got, right = map(bool, pair) if truth else told_apart(*pair)
            return f"{entry} is {got}, and {right} is due."
    return ""


def told_apart(a: float, b: float) -> tuple[str, str]:
    """Two numbers with four digits, or as many as it takes to see that they differ.

    >>> told_apart(2.0, 9.0), told_apart(1.000004, 1.0)
    (('2', '9'), ('1.000004', '1'))
    """
    for digits in range(4, 18):
        said = f"{a:.{digits}g}", f"{b:.{digits}g}"
        if said[0] != said[1]:
            break
    return said


def usual_reason(exercise: Exercise, answer: Callable) -> str:
    """The sentence of the slip that does the same as the answer at every sample; or nothing."""
    first, *_ = exercise.samples.values()
    if not same(*(outcome(exercise, answer, first) for _ in "ab")):
        return UNSURE
    for sentence, slip in exercise.slips.items():
        if all(
            same(outcome(exercise, slip, arguments), outcome(exercise, answer, arguments))
            for arguments in exercise.samples.values()
        ):
            return sentence
    return ""


def outcome(exercise: Exercise, function: Callable, arguments: tuple) -> Any:
    """What a function returns, or in what way it fails."""
    try:
        return found(exercise, function, arguments)
    except Wrong as wrong:
        return str(wrong).partition(",")[0].rstrip(".")  # wherever it fails


def same(a: Any, b: Any) -> bool:
    """Whether two outcomes are the same but for rounding."""
    if not (isinstance(a, tuple) and isinstance(b, tuple)):
        return a is b or (isinstance(a, str) and a == b)
    return len(a) == len(b) and all(
        x.shape == y.shape and np.allclose(x, y, rtol=1e-9, atol=1e-12, equal_nan=True)
        for x, y in zip(a, b)
    )


def lines_of(function: Callable) -> str:
    """The source of a function without its docstring.

    >>> print(lines_of(same).splitlines()[0])
    def same(a: Any, b: Any) -> bool:
    """
    source = dedent(inspect.getsource(inspect.unwrap(function)))
    lines, (definition,) = source.splitlines(), parse(source).body
    first = definition.body[0]  # type: ignore[attr-defined]
    if isinstance(first, Expr) and isinstance(first.value, Constant):
        del lines[first.lineno - 1 : first.end_lineno]
    return "\n".join(lines)
