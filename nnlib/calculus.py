"""Derivatives by differences, and the one checker of every pullback in the course."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnlib.checks import (
    Array,
    all_finite,
    finite,
    no_pair,
    no_subclass,
    number,
    plain,
    whole_number,
)
from nnlib.slopes import LEAVES, Line, Slopes

STEPS = "[1e-12, 0.1]"


def numerical_gradient(f: Callable, x: Array, *, eps: float = 1e-6) -> Array:
    """Differentiate a function of an array that returns one number, entry by entry.

    dL/dx_i = (f(x + h e_i) - f(x - h e_i)) / 2h with h = eps max(1, |x_i|), divided by the step
    that was really made, which is rounded. An error of order h² comes from truncation, one of
    1e-16 |f| / h from rounding.

    Shapes   x (...) -> gradient (...)
    Errors   TypeError for an x that is not a float64 array; ValueError for an x that is not finite,
             an eps outside 1e-12..0.1, and an f that returns an array, changes its input or answers
             twice differently.
    Source   A-2.1-gradrow, with the gradient in the shape of its variable.

    >>> numerical_gradient(lambda x: (x**2).sum(), np.array([1.0, 2.0])).round(6)
    array([2., 4.])
    """
    where = "numerical_gradient"
    if np.shape(value_of(where, f, x, eps)) != ():
        raise ValueError(f"{where}: f must return one number; got shape {np.shape(f(frozen(x)))}.")
    return differences(f, x, eps)


def numerical_jacobian(f: Callable, x: Array, *, eps: float = 1e-6) -> Array:
    """Differentiate a function from arrays to arrays: J[i, j] = dy_i/dx_j.

    Shapes   x (...) -> J (*y.shape, *x.shape); a matrix when x and y are vectors.
    Errors   as numerical_gradient, but any shape of f's value is welcome.
    Source   A-2.1-jac.

    >>> numerical_jacobian(lambda x: x[0] * x, np.array([3.0, 2.0])).round(6)
    array([[6., 0.],
           [2., 3.]])
    """
    value_of("numerical_jacobian", f, x, eps)
    return np.moveaxis(differences(f, x, eps), range(x.ndim), range(-x.ndim, 0))


def complex_step(f: Callable, x: Array, *, eps: float = 1e-30) -> Array:
    """Differentiate through complex numbers: J[i, j] = Im f(x + i eps e_j)[i] / eps.

    Nothing is subtracted, so nothing cancels: the result is exact to its last digits.
    f must be analytic: no abs, no maximum by size, no transposition that conjugates.

    Shapes   x (...) -> J (*y.shape, *x.shape); the gradient (...) when f returns one number.
    Errors   TypeError for an x that is not float64; ValueError for an eps outside 1e-100..0.1.
    Source   not in the documents.

    >>> complex_step(lambda x: (x**2).sum(), np.array([1.0, 2.0]))
    array([2., 4.])
    """
    where = "complex_step"
    need_function(where, f)
    need_float64(where, "x", x)
    number(where, "eps", eps, "[1e-100, 0.1]")
    numbers(where, f(x.astype(complex)))
    slopes = [np.imag(f(moved(x.astype(complex), j, 1j * eps))) / eps for j in np.ndindex(x.shape)]
    J = np.reshape(slopes, x.shape + np.shape(slopes[0] if slopes else f(x)))
    return np.moveaxis(J, range(x.ndim), range(-x.ndim, 0))


def directional_derivative(f: Callable, x: Array, u: Array, *, eps: float = 1e-6) -> float:
    """How fast f changes when x moves along u: the slope of t -> f(x + t u) at 0, which is u·∇f.

    x moves by eps to either side, whatever the length of u, or in proportion where all entries
    that move are larger than 1.

    Shapes   x (...), u (...) -> one number
    Errors   as numerical_gradient; ValueError when u has another shape than x or is not finite, and
             when the step is lost in the rounding of x.
    Source   A-2-cos.

    >>> x, u = np.array([1.0, 2.0]), np.array([0.0, 1.0])
    >>> round(directional_derivative(lambda x: (x**2).sum(), x, u), 6)
    4.0
    """
    where = "directional_derivative"
    u = np.asarray(no_subclass(where, "u", u), float)
    if u.shape != np.shape(x):
        raise ValueError(f"{where}: u must have the shape of x {np.shape(x)}; got {u.shape}.")
    all_finite(where, "u", u)
    if np.shape(value_of(where, f, x, eps)) != ():
        raise ValueError(f"{where}: f must return one number; got shape {np.shape(f(frozen(x)))}.")
    size = float(np.abs(u).max(initial=0))
    if not size:
        return 0.0
    unit = u / size / np.linalg.norm(u / size)
    step = eps * float(np.maximum(1, np.abs(x[u != 0])).min()) * unit
    way = (x + step) - (x - step)
    if np.abs(way - 2 * step).max() > max(1e-6, 1e-12 / eps) * np.abs(way).max():
        raise ValueError(
            f"{where}: x must not be so large that the step vanishes beside it; it reaches "
            f"{np.abs(x).max():g} where the step is {np.linalg.norm(step):.1g}. Use a larger eps."
        )
    slope = (f(x + step) - f(x - step)) / np.vdot(way, unit)
    return float(slope * size * np.linalg.norm(u / size))


def vec(X: Array) -> Array:
    """Stack the rows of a matrix into one vector, as NumPy stores it; vec(X.T) stacks the columns.

    Shapes   X (...) -> (n,)
    Source   A-2.1-vect: the document's words stack columns, its formula stacks rows; the formula
             is used.

    >>> vec(np.array([[1, 2], [3, 4]]))
    array([1, 2, 3, 4])
    """
    return np.asarray(no_subclass("vec", "X", X)).reshape(-1)


def check_vjp(
    f: Callable, *arrays: Array, tol: float = 1e-7, directions: int | None = None, **constants: Any
) -> float:
    """Assert that the pullback of f at these arrays is its Jacobian, transposed; return the error.

    f is a block, a loss or a whole model's objective:
    ``value, pullback = f(*arrays, **constants)``. The upstream gradient is drawn N(0, 1), and each
    entry of each gradient is compared with a central difference of step 1e-6. Where that does not
    tell an entry to a twentieth of its size, or disagrees with it, wider steps are tried as well.
    Also asserted: no input, constant or upstream gradient is changed; value and pullback answer
    twice with the same bytes, even when f was called elsewhere in between; every gradient has its
    argument's shape and type.

    The error is the largest over all entries of |pullback - difference|, relative to the
    difference, or, where rounding blurs that by more than tol of it, to blur / tol: more than tol
    is wrong. An entry too small to be seen proves nothing: when no entry of a gradient can be seen,
    that is said. A 0 where the value does not move is right.

    directions   None compares every coordinate; n compares n random directions through all
                 arguments at once, for models with many parameters.
    Errors       TypeError for arrays that are not float64; ValueError for arrays that are not
                 finite and a tol or directions out of range; AssertionError that names the
                 argument, the worst entry and both values, and says so when a kink or a jump
                 lies within the step, or when the gradient is too small to be checked.

    >>> from nnlib.blocks import sigmoid
    >>> check_vjp(sigmoid, np.array([0.5, -1.0])) < 1e-7
    True
    """
    where, names = f"check_vjp({name_of(f)})", names_of(f, len(arrays))
    need_function("check_vjp", f)
    number(where, "tol", tol, "(0, 1)")
    if directions is not None:
        whole_number(where, "directions", directions, low=1)
    if not arrays:
        raise TypeError(f"{where}: needs an array to differentiate by; got none.")
    for name, a in zip(names, arrays, strict=True):
        need_float64(where, name, a)
        all_finite(where, name, a)
    x, constants = [frozen(a) for a in arrays], {name: freeze(c) for name, c in constants.items()}

    def value(*x_moved: Array) -> Array:
        return np.asarray(call(where, f, x_moved, constants)[0])

    y, pullback = call(where, f, x, constants)
    got = np.asarray(y).dtype
    law(got == np.float64, f"{where}: the value must be float64; got {got}.")
    law(finite(np.asarray(y)), f"{where}: the value contains NaN or infinity: it has no slope.")
    dy = frozen(np.random.default_rng(0).standard_normal(np.shape(y)))
    kept, dx = np.array(y), gradients(where, pullback, dy, names, x)
    law(same(kept, y), f"{where}: the pullback changed the value returned.")
    assert_repeatable(where, f, x, constants, y, pullback, dy, dx)
    with np.errstate(all="ignore"):  # a step to where f is not defined is told in a sentence
        if directions is not None:
            slopes = Slopes(where, kept, dy, unit_of(value, x, kept), tol)
            return slopes.worst("the gradient", random_lines(value, x, dx, directions))
        worst = 0.0
        for k, name in enumerate(names):
            slopes = Slopes(where, kept, dy, unit_of(along(value, x, k), x[k : k + 1], kept), tol)
            lines = entries(value, x, k, name, dx[k])
            worst = max(worst, slopes.worst(f"the gradient of {name}", lines))
        return worst


def along(value: Callable, x: list[Array], k: int) -> Callable:
    """The value as a function of argument k alone."""
    return lambda there: value(*x[:k], there, *x[k + 1 :])


def entries(value: Callable, x: list[Array], k: int, name: str, dx: Array) -> Iterator[Line]:
    """A line for each entry of argument k, which alone moves."""
    alone = along(value, x, k)
    for i in np.ndindex(x[k].shape):

        def at(t: float, i: tuple = i) -> tuple[float, Array]:
            there = moved(x[k], i, t)
            return float(there[i] - x[k][i]), alone(there)

        entry = f"{name}[{', '.join(map(str, i))}]" if i else name
        size = max(1.0, abs(float(x[k][i])))
        yield Line(f"of {name}. Worst entry dL/d{entry}", float(np.asarray(dx)[i]), size, at)


def random_lines(value: Callable, x: list[Array], dx: tuple, count: int) -> Iterator[Line]:
    """Random directions of length 1 through all arguments at once; large entries move further."""
    rng = np.random.default_rng(1)
    if not sum(a.size for a in x):
        return
    for _ in range(count):
        drawn = [rng.standard_normal(a.shape) for a in x]
        length = np.sqrt(sum(np.vdot(b, b) for b in drawn))
        u = [b / length * np.maximum(1, np.abs(a)) for a, b in zip(x, drawn, strict=True)]

        def at(t: float, u: list[Array] = u) -> tuple[float, Array]:
            there = [a + t * b for a, b in zip(x, u, strict=True)]
            ways = sum(np.vdot(b, c - a) for a, b, c in zip(x, u, there, strict=True))
            return float(ways / sum(np.vdot(b, b) for b in u)), value(*there)

        slope = sum(float(np.vdot(d, b)) for d, b in zip(dx, u, strict=True))
        yield Line("along a random direction", slope, 1.0, at)


def unit_of(value: Callable, x: list[Array], y: Array) -> float:
    """1, or less for a function whose values are small, here and elsewhere."""
    rng, sizes = np.random.default_rng(2), [np.abs(y).max(initial=0)]
    for there in ([-a for a in x], [a + rng.standard_normal(a.shape) for a in x]):
        try:
            sizes.append(np.abs(value(*there)).max(initial=0))
        except LEAVES:
            return 1.0
    size = float(np.max(sizes))
    return size if 1e-290 < size < 1 else 1.0


def differences(f: Callable, x: Array, eps: float) -> Array:
    """The slope of f along every entry of x, stacked in front."""
    slopes = []
    for i in np.ndindex(x.shape):
        h = eps * max(1.0, abs(float(x[i])))
        up, down = moved(x, i, h), moved(x, i, -h)
        slopes.append(np.subtract(f(up), f(down)) / (up[i] - down[i]))
    return np.reshape(slopes, x.shape + np.shape(slopes[0] if slopes else f(x)))


def moved(x: Array, i: tuple, step: complex) -> Array:
    """A copy of x with entry i moved by step."""
    x = np.array(x)
    x[i] += step
    return x


def frozen(x: Array) -> Array:
    """A read-only copy: whoever writes to it gets an exception on the guilty line."""
    x = np.array(x)
    x.flags.writeable = False
    return x


def freeze(constant: Any) -> Any:
    """A read-only copy of an array; anything else as it is."""
    return frozen(constant) if isinstance(constant, np.ndarray) else constant


def value_of(where: str, f: Callable, x: Array, eps: float) -> Any:
    """f(x), after making sure that differences of f at x mean something."""
    need_function(where, f)
    need_float64(where, "x", x)
    all_finite(where, "x", x)
    number(where, "eps", eps, STEPS)
    try:
        first, second = f(frozen(x)), f(frozen(x))
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise ValueError(f"{where}: f changed its input; let it work on a copy.") from error
    numbers(where, first)
    if not np.array_equal(first, second, equal_nan=True):
        raise ValueError(f"{where}: f must be a function; two calls at one x differ. Fix its seed.")
    return first


def numbers(where: str, value: Any) -> None:
    """A function that returns nothing, or a block's pair, has no difference."""
    if value is None:
        raise TypeError(f"{where}: f must return numbers; got None. Is its return missing?")
    if isinstance(value, tuple) and value and callable(value[-1]):
        raise TypeError(
            f"{where}: f must return numbers; got the pair (value, pullback) of a block. "
            "Use lambda x: f(x)[0]."
        )


def need_function(where: str, f: Any) -> None:
    """A name, or what a call gave, is no function."""
    if not callable(f):
        raise TypeError(f"{where}: f must be a function; got {type(f).__name__}.")


def need_float64(where: str, name: str, x: Any) -> None:
    """Steps of 1e-6 vanish in float32 and in integers."""
    array = isinstance(x, np.ndarray) and plain(type(x))
    if not array or x.dtype != np.float64:
        got = x.dtype if array else type(x).__name__
        raise TypeError(
            f"{where}: {name} must be a float64 array, since steps of 1e-6 vanish otherwise; "
            f"got {got}. Use np.asarray({name}, float)."
        )


def name_of(f: Callable) -> str:
    """The name of a function, or of the class of an object that is called like one."""
    return getattr(f, "__name__", type(f).__name__)


def names_of(f: Callable, count: int) -> list[str]:
    """The names of f's arguments as its signature says, or argument 0, argument 1, ..."""
    try:
        parameters = inspect.signature(f).parameters.values()
        names = [p.name for p in parameters if p.kind <= p.POSITIONAL_OR_KEYWORD]
    except (TypeError, ValueError):
        names = []
    return names[:count] if len(names) >= count else [f"argument {k}" for k in range(count)]


def law(holds: Any, broken: str) -> None:
    """An assertion that stays when Python is told to leave assertions out (-O)."""
    if not holds:
        raise AssertionError(broken)


def call(where: str, f: Callable, x: Any, constants: dict) -> tuple[Any, Callable]:
    """``value, pullback = f(...)``, with a plain word for an f that writes to what it is given."""
    try:
        result = f(*x, **constants)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        message = f"{where}: the function changes one of its arguments ({error})."
        raise AssertionError(message) from error
    law(not no_pair(result), f"{where}: {no_pair(result)}")
    return result


def gradients(where: str, pullback: Callable, dy: Array, names: list[str], x: list[Array]) -> tuple:
    """The pullback's answer as a tuple, every gradient of its argument's shape and type."""
    try:
        dx = pullback(dy)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        message = f"{where}: the pullback changes dy or an argument ({error})."
        raise AssertionError(message) from error
    dx = dx if isinstance(dx, tuple) else (dx,)
    law(len(dx) == len(x), f"{where}: {len(x)} arguments need as many gradients; got {len(dx)}.")
    for name, x_k, dx_k in zip(names, x, dx, strict=True):
        due, got = x_k.shape, np.shape(dx_k)
        law(got == due, f"{where}: d{name} must have {name}'s shape {due}; got {got}.")
        dtype = np.asarray(dx_k).dtype
        law(dtype == np.float64, f"{where}: d{name} must be float64; got {dtype}.")
    return dx


def assert_repeatable(where: str, f: Callable, x: list, constants: dict, y: Any, pullback: Callable,
                      dy: Array, dx: tuple) -> None:  # fmt: skip
    """The same bytes twice, and after f has been called elsewhere."""
    kept_y, kept_dx = np.array(y), [np.array(d) for d in dx]
    again, _ = call(where, f, x, constants)
    law(same(kept_y, again), f"{where}: two calls with the same arguments give different values.")
    elsewhere = [frozen(np.flip(a) * (1 - 2.0**-12)) for a in x]  # probabilities stay some
    with np.errstate(all="ignore"):
        call(where, f, elsewhere, constants)[1](dy)
    law(same(kept_y, y), f"{where}: a later call changed the value returned.")
    for d, d_kept in zip(dx, kept_dx, strict=True):
        law(same(d, d_kept), f"{where}: a later pullback changed the gradients returned.")
    broken = f"{where}: the pullback called again, after a call elsewhere, differs."
    for d, d_again in zip(kept_dx, gradients(where, pullback, dy, [""] * len(x), x), strict=True):
        law(same(d, d_again), broken)


def same(a: Any, b: Any) -> bool:
    """Whether two values have the same bytes."""
    return np.asarray(a).tobytes() == np.asarray(b).tobytes()
