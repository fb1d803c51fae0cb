"""Functions of the plane that someone types: read, and differentiated, without running any text.

``formula("(x**2 + y - 11)**2 + sin(x)")`` parses the text and refuses what is not on a short list.
What is left is built of functions (x, y) -> (u, dx, dy): a value and its derivatives along x and y,
None where it does not depend on them. Each operation is written down with its derivative, as a
block is, so the gradient is exact.
"""

import ast
import re
from collections.abc import Callable
from math import e, isfinite, pi
from typing import Any, NoReturn

import numpy as np

from nnlib.checks import Array
from nnlib.landscapes import Domain, Landscape
from nnlib.machine import apart

Dual = tuple[Any, Any, Any]  # a value, its derivative along x, that along y

LONGEST = 300  # characters
DEEPEST = 60  # operations on what operations give
HIGHEST = 100  # exponent
FUNCTIONS: dict[str, tuple[Callable, Callable]] = {  # each with its derivative at u, where it is v
    "sin": (np.sin, lambda u, v: np.cos(u)),
    "cos": (np.cos, lambda u, v: -np.sin(u)),
    "tan": (np.tan, lambda u, v: 1 + v * v),
    "exp": (np.exp, lambda u, v: v),
    "log": (np.log, lambda u, v: 1 / u + 0 * v),  # none where log has no value
    "sqrt": (np.sqrt, lambda u, v: 0.5 / v),
    "tanh": (np.tanh, lambda u, v: 1 - v * v),
    "abs": (np.abs, lambda u, v: np.sign(u)),
}
CONSTANTS = {"pi": np.float64(pi), "e": np.float64(e)}  # NumPy's, which overflow to infinity
ALLOWED = (
    f"Allowed are numbers, x, y, {', '.join(CONSTANTS)}, + - * / **, brackets, "
    f"{' '.join(FUNCTIONS)}."
)


@apart
def formula(text: str, *, domain: Domain = ((-5, 5), (-5, 5))) -> Landscape:
    """The function of x and y that is written here, with its gradient; minima are not looked for.

    Where it has no value, as log(x) for x < 0, value and gradient are nan or infinite.

    Errors   TypeError for what is no text; ValueError, with the column, for a text that says more
             than numbers, x, y and what is on the list, or is too long, too deep or too high.

    >>> ground = formula("(x**2 + y - 11)**2 + sin(x)")
    >>> ground.value(np.array([0.0, 1.0])), ground.gradient(np.array([0.0, 1.0]))
    (np.float64(100.0), array([  1., -20.]))
    >>> formula("x**2 + cot(y)")
    Traceback (most recent call last):
    ...
    ValueError: formula: text must be a function of x and y; got 'cot' at column 8. Allowed are \
numbers, x, y, pi, e, + - * / **, brackets, sin cos tan exp log sqrt tanh abs.
    """
    if not isinstance(text, str):
        raise TypeError(f"formula: text must be a str such as 'x**2 + y'; got {text!r}.")
    with np.errstate(all="ignore"):
        dual = built(parsed(text))

    @apart
    def value(p: Array) -> Any:
        x, y = np.asarray(p, float)
        with np.errstate(all="ignore"):
            return dual(x, y)[0] + np.zeros(np.shape(x))  # a constant has the shape of p, too

    @apart
    def gradient(p: Array) -> Array:
        p = np.asarray(p, float)
        with np.errstate(all="ignore"):
            _, *slopes = dual(*p)
        g = np.zeros(p.shape)
        for row, slope in enumerate(slopes):
            if slope is not None:
                g[row] = slope
        return g

    return Landscape(value, gradient, domain, np.empty((2, 0)))


# -- reading --------------------------------------------------------------------------------------


def refuse(got: str, column: int, advice: str = ALLOWED) -> NoReturn:
    """Say what stands where in the text, and what to do."""
    must = "formula: text must be a function of x and y"
    raise ValueError(f"{must}; got {got} at column {column}. {advice}")


def parsed(text: str) -> ast.expr:
    """The tree of a text that holds nothing but letters, digits and + - * / ( ) . and spaces.

    >>> type(parsed(" x + 1").op)
    <class 'ast.Add'>
    """
    if len(text) > LONGEST:
        refuse(f"{len(text)} characters, the first too many", LONGEST + 1, "Write a shorter one.")
    if foreign := re.search(r"[^A-Za-z0-9 +\-*/().]", text):
        advice = "For a power write **." if foreign[0] == "^" else ALLOWED
        refuse(repr(foreign[0]), foreign.start() + 1, advice)
    if joined := re.search(r"(?<![A-Za-z\d.])[\d.]++(?:[eE][+-]?\d++)?+(?=[A-Za-z(])", text):
        refuse(f"{joined[0]!r} without a sign behind it", joined.start() + 1, "For 2x write 2*x.")
    spaces = len(text) - len(text.lstrip())
    try:
        # spaces before it would be an indent, and columns are told as in the text
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        column = spaces + (error.offset or len(text.strip()) + 1)  # 0 says: at the end
        rest = text[column - 1 :].split(" ")[0]
        refuse(repr(rest) if rest else "its end", column, "Is a sign or a bracket missing there?")
    for node in ast.walk(tree):
        if hasattr(node, "col_offset"):
            node.col_offset += spaces + 1
    return tree


def built(node: ast.expr, depth: int = 0) -> Callable[[Any, Any], Dual]:
    """The function (x, y) -> (u, dx, dy) of a tree."""
    if depth > DEEPEST:
        refuse(f"more than {DEEPEST} operations on one another", node.col_offset, "Write less.")
    match node:
        case ast.Constant(value=number) if type(number) in (int, float):
            return constant(number, node)
        case ast.Name(id=name) if name in CONSTANTS:
            return constant(CONSTANTS[name], node)
        case ast.Name(id="x"):
            return lambda x, y: (x, 1.0, None)
        case ast.Name(id="y"):
            return lambda x, y: (y, None, 1.0)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=inner):
            factor = -1.0 if isinstance(sign, ast.USub) else 1.0
            return composed(lambda u: factor * u, lambda u, v: factor, built(inner, depth + 1))
        case ast.Call(func=ast.Name(id=name), args=[inner], keywords=[]) if name in FUNCTIONS:
            return composed(*FUNCTIONS[name], built(inner, depth + 1))
        case ast.BinOp(left=left, op=ast.Pow(), right=right) if not names(right):
            return raised(built(left, depth + 1), built(right, depth + 1)(0.0, 0.0)[0], right)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATIONS:
            return joined(OPERATIONS[type(op)], built(left, depth + 1), built(right, depth + 1))
    return told(node)


def told(node: ast.expr) -> NoReturn:
    """Say what is wrong with a piece that is not on the list."""
    match node:
        case ast.Name(id=name) if name in FUNCTIONS:
            refuse(f"{name!r} without brackets", node.col_offset, f"Write {name}(x).")
        case ast.Name(id=name):
            refuse(repr(name), node.col_offset)
        case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
            refuse(f"{name!r} of nothing", node.col_offset, f"Write {name}(x).")
        case ast.Call(func=ast.Name(id="x" | "y" | "pi" | "e" as name)):
            refuse(f"'{name}('", node.col_offset, f"Write {name}*( for a product.")
        case ast.Call(func=ast.Name() as function):
            told(function)
    refuse(repr(ast.unparse(node)), node.col_offset)


def names(node: ast.expr) -> set[str]:
    """Which of x and y a tree depends on.

    >>> sorted(names(parsed("x + y*pi"))), names(parsed("2 + pi"))
    (['x', 'y'], set())
    """
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} & {"x", "y"}


# -- computing ------------------------------------------------------------------------------------


def constant(number: Any, node: ast.expr) -> Callable:
    """A number; one that is too large for a float would be infinite."""
    u = np.float64(number)
    if not isfinite(u):
        refuse("a number that is too large", node.col_offset, "Use one below 10**308.")
    return lambda x, y: (u, None, None)


def times(factor: Any, slope: Any) -> Any:
    """A factor times a derivative that may not be there: then there is none, whatever the factor.

    >>> times(2.0, 3.0), times(float("inf"), None)
    (6.0, None)
    """
    return None if slope is None else factor * slope


def plus(a: Any, b: Any) -> Any:
    """The sum of two derivatives, each of which may not be there."""
    return b if a is None else a if b is None else a + b


def composed(f: Callable, slope: Callable, inner: Callable) -> Callable:
    """f of what is inside: the chain rule."""

    def dual(x: Any, y: Any) -> Dual:
        u, dx, dy = inner(x, y)
        v = f(u)
        factor = slope(u, v)
        return v, times(factor, dx), times(factor, dy)

    return dual


def joined(operation: Callable, left: Callable, right: Callable) -> Callable:
    """An operation on two pieces: the value, and the share that each has in its derivative."""

    def dual(x: Any, y: Any) -> Dual:
        a, a_dx, a_dy = left(x, y)
        b, b_dx, b_dy = right(x, y)
        u, of_a, of_b = operation(a, b)
        dx = plus(times(of_a, a_dx), times(of_b, b_dx))
        return u, dx, plus(times(of_a, a_dy), times(of_b, b_dy))

    return dual


def raised(base: Callable, exponent: float, node: ast.expr) -> Callable:
    """A piece to the power of a number, whatever the sign of the piece."""
    if not abs(exponent) <= HIGHEST:
        advice = f"Use an exponent between -{HIGHEST} and {HIGHEST}."
        refuse(f"an exponent of {exponent:g}", node.col_offset, advice)
    if exponent == 0:
        return lambda x, y: (1.0, None, None)
    slope = lambda u, v: exponent * u ** (exponent - 1)
    return composed(lambda u: u**exponent, slope, base)


def power(a: Any, b: Any) -> Dual:
    """aᵇ where x or y stands in b: only for a > 0 has it a derivative along b, or where it is 0."""
    u = a**b
    return u, b * a ** (b - 1), np.where(u == 0, 0.0, np.log(a) * u)


OPERATIONS: dict[type, Callable[[Any, Any], Dual]] = {
    ast.Add: lambda a, b: (a + b, 1.0, 1.0),
    ast.Sub: lambda a, b: (a - b, 1.0, -1.0),
    ast.Mult: lambda a, b: (a * b, b, a),
    ast.Div: lambda a, b: (a / b, 1 / b, -a / b / b),
    ast.Pow: power,
}
