"""Derivatives by differences, and the one checker of every pullback in the course."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnlib.checks import Array, number, whole_number

STEPS = "[1e-12, 0.1]"


def numerical_gradient(f: Callable, x: Array, *, eps: float = 1e-6) -> Array:
    """Differentiate a function of an array that returns one number, entry by entry.

    dL/dx_i = (f(x + eps e_i) - f(x - eps e_i)) / 2 eps, with an error of order eps² from truncation
    and 1e-16 |f| / eps from rounding.

    Shapes   x (...) -> gradient (...)
    Errors   TypeError for an x that is not float64; ValueError for an eps outside 1e-12..0.1, for
             an f that returns an array, changes its input or answers twice differently.
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
    Errors   TypeError for an x that is not float64.
    Source   not in the documents.

    >>> complex_step(lambda x: (x**2).sum(), np.array([1.0, 2.0]))
    array([2., 4.])
    """
    need_float64("complex_step", "x", x)
    slopes = [np.imag(f(moved(x.astype(complex), j, 1j * eps))) / eps for j in np.ndindex(x.shape)]
    J = np.reshape(slopes, x.shape + np.shape(slopes[0] if slopes else f(x)))
    return np.moveaxis(J, range(x.ndim), range(-x.ndim, 0))


def directional_derivative(f: Callable, x: Array, u: Array, *, eps: float = 1e-6) -> float:
    """How fast f changes when x moves along u: the slope of t -> f(x + t u) at 0, which is u·∇f.

    Shapes   x (...), u (...) -> one number
    Errors   as numerical_gradient; ValueError when u has another shape than x.
    Source   A-2-cos.

    >>> x, u = np.array([1.0, 2.0]), np.array([0.0, 1.0])
    >>> round(directional_derivative(lambda x: (x**2).sum(), x, u), 6)
    4.0
    """
    where = "directional_derivative"
    if np.shape(u) != np.shape(x):
        raise ValueError(f"{where}: u must have the shape of x {np.shape(x)}; got {np.shape(u)}.")
    if np.shape(value_of(where, f, x, eps)) != ():
        raise ValueError(f"{where}: f must return one number; got shape {np.shape(f(frozen(x)))}.")
    step = eps * np.asarray(u, float)
    return float((f(x + step) - f(x - step)) / (2 * eps))


def vec(X: Array) -> Array:
    """Stack the rows of a matrix into one vector, as NumPy stores it; vec(X.T) stacks the columns.

    Shapes   X (...) -> (n,)
    Source   A-2.1-vect: the document's words stack columns, its formula stacks rows; the formula
             is used.

    >>> vec(np.array([[1, 2], [3, 4]]))
    array([1, 2, 3, 4])
    """
    return np.asarray(X).reshape(-1)


def check_vjp(
    f: Callable, *arrays: Array, tol: float = 1e-7, directions: int | None = None, **constants: Any
) -> float:
    """Assert that the pullback of f at these arrays is its Jacobian, transposed; return the error.

    f is a block, a loss or a whole model's objective:
    ``value, pullback = f(*arrays, **constants)``. The upstream gradient is drawn N(0, 1), and each
    gradient is compared with central differences of step 1e-6: error = max|got - want| /
    max(1, max|want|). Also asserted: no input, constant or upstream gradient is changed; value and
    pullback answer twice with the same bytes, even when f was called elsewhere in between; every
    gradient has its argument's shape and type.

    directions   None compares every coordinate; n compares n random unit directions through all
                 arguments at once, for models with many parameters.
    Errors       TypeError for arrays that are not float64; ValueError for a tol or directions out
                 of range; AssertionError that names the argument, the worst entry and both values,
                 and says so when the point sits on a kink, where no derivative exists.

    >>> from nnlib.blocks import sigmoid
    >>> check_vjp(sigmoid, np.array([0.5, -1.0])) < 1e-7
    True
    """
    where, names = f"check_vjp({name_of(f)})", names_of(f, len(arrays))
    need_function("check_vjp", f)
    number(where, "tol", tol, "(0, 1)")
    for name, a in zip(names, arrays, strict=True):
        need_float64(where, name, a)
    x, constants = [frozen(a) for a in arrays], {name: freeze(c) for name, c in constants.items()}

    def value(*x_moved: Array) -> Array:
        return np.asarray(pair(where, f, x_moved, constants)[0])

    y, pullback = pair(where, f, x, constants)
    got = np.asarray(y).dtype
    assert got == np.float64, f"{where}: the value must be float64; got {got}."
    dy = frozen(np.random.default_rng(0).standard_normal(np.shape(y)))
    kept, dx = np.array(y), gradients(where, pullback, dy, names, x)
    assert same(kept, y), f"{where}: the pullback changed the value returned."
    assert_repeatable(where, f, x, constants, y, pullback, dy, dx)
    if directions is not None:
        whole_number(where, "directions", directions, low=1)
        return compare_directions(where, value, x, dy, dx, tol, directions)
    worst = 0.0
    for k, name in enumerate(names):
        worst = max(worst, compare_entries(where, value, x, k, name, dy, dx[k], tol))
    return worst


def differences(f: Callable, x: Array, eps: float) -> Array:
    """(f(x + eps e_i) - f(x - eps e_i)) / 2 eps for every entry i of x, stacked in front."""
    slopes = [
        np.subtract(f(moved(x, i, eps)), f(moved(x, i, -eps))) / (2 * eps)
        for i in np.ndindex(x.shape)
    ]
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
    number(where, "eps", eps, STEPS)
    try:
        first, second = f(frozen(x)), f(frozen(x))
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise ValueError(f"{where}: f changed its input; let it work on a copy.") from error
    if first is None:
        raise TypeError(f"{where}: f must return numbers; got None. Is its return missing?")
    if isinstance(first, tuple) and callable(first[-1]):
        raise TypeError(
            f"{where}: f must return numbers; got the pair (value, pullback) of a block. "
            "Use lambda x: f(x)[0]."
        )
    if not np.array_equal(first, second, equal_nan=True):
        raise ValueError(f"{where}: f must be a function; two calls at one x differ. Fix its seed.")
    return first


def need_function(where: str, f: Any) -> None:
    """A name, or what a call gave, is no function."""
    if not callable(f):
        raise TypeError(f"{where}: f must be a function; got {type(f).__name__}.")


def need_float64(where: str, name: str, x: Any) -> None:
    """Steps of 1e-6 vanish in float32 and in integers."""
    if not isinstance(x, np.ndarray) or x.dtype != np.float64:
        got = x.dtype if isinstance(x, np.ndarray) else type(x).__name__
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


def pair(where: str, f: Callable, x: Any, constants: dict) -> tuple[Any, Callable]:
    """``value, pullback = f(...)``, with a plain word for an f that writes to what it is given."""
    try:
        result = f(*x, **constants)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        message = f"{where}: the function changes one of its arguments ({error})."
        raise AssertionError(message) from error
    message = f"{where}: must return the pair (value, pullback); got {type(result).__name__}."
    assert isinstance(result, tuple), message
    assert len(result) == 2, message
    assert callable(result[1]), message
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
    assert len(dx) == len(x), f"{where}: {len(x)} arguments need as many gradients; got {len(dx)}."
    for name, x_k, dx_k in zip(names, x, dx, strict=True):
        got = np.shape(dx_k)
        assert got == x_k.shape, (
            f"{where}: d{name} must have {name}'s shape {x_k.shape}; got {got}."
        )
        dtype = np.asarray(dx_k).dtype
        assert dtype == np.float64, f"{where}: d{name} must be float64; got {dtype}."
    return dx


def assert_repeatable(where: str, f: Callable, x: list, constants: dict, y: Any, pullback: Callable,
                      dy: Array, dx: tuple) -> None:  # fmt: skip
    """The same bytes twice, and after f has been called elsewhere."""
    kept_y, kept_dx = np.array(y), [np.array(d) for d in dx]
    again, _ = pair(where, f, x, constants)
    assert same(kept_y, again), f"{where}: two calls with the same arguments give different values."
    elsewhere = [frozen(np.flip(a) * (1 - 2.0**-12)) for a in x]  # probabilities stay some
    with np.errstate(all="ignore"):
        pair(where, f, elsewhere, constants)[1](dy)
    assert same(kept_y, y), f"{where}: a later call changed the value returned."
    for d, d_kept in zip(dx, kept_dx, strict=True):
        assert same(d, d_kept), f"{where}: a later pullback changed the gradients returned."
    for d, d_again in zip(kept_dx, gradients(where, pullback, dy, [""] * len(x), x), strict=True):
        assert same(d, d_again), (
            f"{where}: the pullback called again, after a call elsewhere, differs."
        )


def same(a: Any, b: Any) -> bool:
    """Whether two values have the same bytes."""
    return np.asarray(a).tobytes() == np.asarray(b).tobytes()


def compare_entries(where: str, value: Callable, x: list[Array], k: int, name: str, dy: Array,
                    got: Array, tol: float, eps: float = 1e-6) -> float:  # fmt: skip
    """The scaled error of one gradient over all of its entries."""

    def along(x_k: Array) -> Array:
        return value(*x[:k], x_k, *x[k + 1 :])

    want = differences(along, x[k], eps).reshape(*x[k].shape, dy.size) @ dy.reshape(-1)
    gap = np.abs(got - want)
    error = float(gap.max() / max(1.0, np.abs(want).max())) if gap.size else 0.0
    if not error <= tol:
        i = np.unravel_index(np.argmax(np.where(np.isnan(gap), np.inf, gap)), gap.shape)
        entry = f"{name}[{', '.join(map(str, i))}]" if i else name
        left = float(np.vdot(dy, along(x[k]) - along(moved(x[k], i, -eps)))) / eps
        right = float(np.vdot(dy, along(moved(x[k], i, eps)) - along(x[k]))) / eps
        raise AssertionError(
            f"{where}: wrong gradient of {name}. Worst entry dL/d{entry}: pullback "
            f"{float(np.asarray(got)[i]):.6g}, central difference {float(want[i]):.6g}, "
            f"for a dL/dy drawn at random; scaled error {error:.1e} > {tol:.0e}.{kink(left, right)}"
        )
    return error


def compare_directions(where: str, value: Callable, x: list[Array], dy: Array, dx: tuple,
                       tol: float, directions: int, eps: float = 1e-6) -> float:  # fmt: skip
    """The scaled error of the slopes along random unit directions through all arguments."""
    worst = 0.0
    for u in unit_directions(x, directions):
        up, here, down = (
            value(*(a + step * b for a, b in zip(x, u, strict=True))) for step in (eps, 0.0, -eps)
        )
        want = float(np.vdot(dy, up - down)) / (2 * eps)
        got = sum(float(np.vdot(d, b)) for d, b in zip(dx, u, strict=True))
        error = abs(got - want) / max(1.0, abs(want))
        if not error <= tol:
            left, right = float(np.vdot(dy, here - down)) / eps, float(np.vdot(dy, up - here)) / eps
            raise AssertionError(
                f"{where}: wrong gradient along a random direction: pullback {got:.6g}, "
                f"central difference {want:.6g}; "
                f"scaled error {error:.1e} > {tol:.0e}.{kink(left, right)}"
            )
        worst = max(worst, error)
    return worst


def unit_directions(x: list[Array], count: int) -> Iterator[list[Array]]:
    """Random directions of length one in the space of all arguments together."""
    rng = np.random.default_rng(1)
    for _ in range(count):
        u = [rng.standard_normal(a.shape) for a in x]
        length = np.sqrt(sum(np.vdot(b, b) for b in u))
        yield [b / length for b in u]


def kink(left: float, right: float) -> str:
    """A word about a corner: there the slopes from the left and from the right differ."""
    if abs(left - right) <= 1e-3 * max(1.0, abs(left), abs(right)):
        return ""
    return (
        f" The slope is {left:.4g} from the left and {right:.4g} from the right: the point sits on "
        "a kink, where no derivative exists. Check at a generic point."
    )
