"""The update of a rule with the numbers of a step in it, as TeX.

A rule's update is written once, as lines ``name = formula``. From the tree of a line come its
symbols, its numbers and its value, so what is shown is what was computed.
"""

import ast
from collections.abc import Callable, Mapping
from math import sqrt
from typing import Any, NamedTuple

from nnlib.experiments.race import Run, settings_of

Lines = list[tuple[str, str]]  # a name, and what it becomes

SYMBOLS = {
    "theta": r"\theta", "lr": r"\eta", "g": "g", "t": "t", "m": "m", "v": "v",
    "momentum": r"\rho", "decay": r"\gamma", "beta1": r"\beta_1", "beta2": r"\beta_2",
    "eps": r"\varepsilon", "m_hat": r"\hat m", "v_hat": r"\hat v", "weight_decay": r"\lambda",
}  # fmt: skip


def gradient_descent(s: Mapping[str, Any]) -> Lines:
    """θ ← θ - η g."""
    return [("theta", "theta - lr * g")]


def momentum(s: Mapping[str, Any]) -> Lines:
    """The velocity in the form that was chosen, and what it does to θ."""
    push = {"standard": "g", "lr_inside": "lr * g", "ema": "(1 - momentum) * g"}[s["form"]]
    ahead = f"(momentum * v + {push})" if s["nesterov"] else "v"
    delta = ahead if s["form"] == "lr_inside" else f"lr * {ahead}"
    return [("v", f"momentum * v + {push}"), ("theta", f"theta - {delta}")]


def scaled(top: str, squares: str, s: Mapping[str, Any]) -> str:
    """A step that is divided by the root of squares, with ε where the settings have it."""
    root = f"sqrt({squares} + eps)" if s["eps_inside"] else f"(sqrt({squares}) + eps)"
    return f"lr * {top} / {root}"


def adagrad(s: Mapping[str, Any]) -> Lines:
    """The sum of squares."""
    return [("v", "v + g**2"), ("theta", f"theta - {scaled('g', 'v', s)}")]


def rmsprop(s: Mapping[str, Any]) -> Lines:
    """The running mean of squares."""
    return [("v", "decay * v + (1 - decay) * g**2"), ("theta", f"theta - {scaled('g', 'v', s)}")]


def adam(s: Mapping[str, Any]) -> Lines:
    """Both running means, corrected or not."""
    lines = [
        ("m", "beta1 * m + (1 - beta1) * g"),
        ("v", "beta2 * v + (1 - beta2) * g**2"),
    ]
    m, v = "m", "v"
    if s["bias_correction"]:
        lines += [("m_hat", "m / (1 - beta1**t)"), ("v_hat", "v / (1 - beta2**t)")]
        m, v = "m_hat", "v_hat"
    lost = " - lr * weight_decay * theta" if s["weight_decay"] else ""
    return [*lines, ("theta", f"theta{lost} - {scaled(m, v, s)}")]


UPDATES: dict[str, Callable[[Mapping[str, Any]], Lines]] = {
    "GradientDescent": gradient_descent,
    "Momentum": momentum,
    "AdaGrad": adagrad,
    "RMSprop": rmsprop,
    "Adam": adam,
}


class Line(NamedTuple):
    """A line of an update in symbols, with its numbers, and what it comes to, each as TeX."""

    symbols: str
    numbers: str
    value: float

    def tex(self) -> str:
        """The whole line."""
        return f"{self.symbols} = {self.numbers} = {number(self.value)}"


def update(found: Run, step: int, axis: int) -> list[Line]:
    """The update that takes coordinate ``axis`` from its place after ``step`` steps to the next.

    A rule that has no lines here is told by what it remembers, and by its move.

    Errors   ValueError for a step that was not taken, a run from many starts, or one of which a
             map shows a part: its coordinates there have no update of their own.

    >>> from nnlib.experiments.race import run, runner
    >>> from nnlib.landscapes import bowl
    >>> found = run(bowl(1), runner("Momentum", 0.5), (8.0, 0.0), steps=2)
    >>> print(*(line.tex() for line in update(found, 1, 0)), sep="\\n")
    v \\leftarrow \\rho\\, v + g = 0.9 \\cdot 8 + 4 = 11.2
    \\theta \\leftarrow \\theta - \\eta\\, v = 4 - 0.5 \\cdot 11.2 = -1.6
    """
    if found.path.ndim != 2:
        raise ValueError("update: found must be a run from one start; got one from many.")
    if found.beside:
        got = f"got one of {found.beside.size} weights"
        raise ValueError(f"update: found must be a run in the plane; {got}.")
    if not 0 <= step < found.ended:
        taken = f"0..{int(found.ended) - 1}"
        raise ValueError(f"update: step must be one that was taken, {taken}; got {step}.")
    rule = found.runner.rule
    settings = settings_of(rule) | dict(found.runner.settings)
    known = {name: s for name, s in settings.items() if type(s) in (int, float)}
    known |= {"lr": found.runner.lr, "t": step + 1, "g": float(found.given[step, axis])}
    known |= {"theta": float(found.path[step, axis])}
    before, after = (
        {name: float(rows[k, axis]) for name, rows in found.state.items()} for k in (step, step + 1)
    )
    known |= before
    if rule not in UPDATES:
        move = float(found.path[step + 1, axis]) - known["theta"]
        kept = [Line(name, number(known[name]), value) for name, value in after.items()]
        numbers = f"{number(known['theta'])} + {bracketed(number(move))}"
        return [*kept, Line(r"\theta \leftarrow \theta + \Delta", numbers, known["theta"] + move)]
    lines = []
    for name, formula in UPDATES[rule](settings):
        tree = ast.parse(formula, mode="eval").body
        symbols = rf"{SYMBOLS[name]} \leftarrow {tex(tree, SYMBOLS.__getitem__)}"
        numbers = tex(tree, lambda n: number(known[n]), times=r" \cdot ")
        known[name] = value(tree, known)
        lines.append(Line(symbols, numbers, known[name]))
    return lines


def number(x: float, digits: int = 4) -> str:
    """A number as TeX, so many digits of it.

    >>> number(0.25), number(-3e-7), number(1e-8), number(123456.0), number(0.0)
    ('0.25', '-3 \\\\cdot 10^{-7}', '10^{-8}', '123456', '0')
    """
    text = f"{x:.{digits}g}" if abs(x) < 10**digits else f"{x:.0f}"
    if x == 0 or (1e-3 <= abs(x) < 1e7):
        return text if "e" not in text else f"{x:.0f}"
    leading, power = f"{x:.{digits - 1}e}".split("e")
    leading = leading.rstrip("0").rstrip(".") if "." in leading else leading
    ten = f"10^{{{int(power)}}}"
    return {"1": ten, "-1": f"-{ten}"}.get(leading, rf"{leading} \cdot {ten}")


def value(node: ast.expr, known: Mapping[str, float]) -> float:
    """What a tree comes to."""
    match node:
        case ast.Constant(value=int() | float() as constant):
            return constant
        case ast.Name(id=name):
            return known[name]
        case ast.Call(args=[inner]):
            return sqrt(value(inner, known))
        case ast.BinOp(left=left, op=op, right=right):
            a, b = value(left, known), value(right, known)
            return OPERATIONS[type(op)](a, b)
    raise TypeError(f"value: node must be a number, a name, a root or an operation; got {node}.")


OPERATIONS: dict[type, Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}


def tex(node: ast.expr, name: Callable[[str], str], *, times: str = r"\, ") -> str:
    """A tree as TeX, its names written as ``name`` says and its products with this sign.

    >>> tree = ast.parse("a * (1 - b) / (sqrt(c) + d)", mode="eval").body
    >>> tex(tree, str)
    '\\\\frac{a\\\\, (1 - b)}{\\\\sqrt{c} + d}'
    """
    write = lambda inner: tex(inner, name, times=times)
    match node:
        case ast.Constant(value=constant):
            return str(constant)
        case ast.Name(id=known):
            return name(known)
        case ast.Call(args=[inner]):
            return rf"\sqrt{{{write(inner)}}}"
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return rf"\frac{{{write(left)}}}{{{write(right)}}}"
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            base = write(left)
            return rf"{f'({base})' if set(base) & set('- ') else base}^{{{write(right)}}}"
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            a, b = write(left), write(right)
            return f"{f'({a})' if is_sum(left) else a}{times}{bracketed(b, is_sum(right))}"
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return f"{write(left)} + {bracketed(write(right))}"
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return f"{write(left)} - {bracketed(write(right), is_sum(right))}"
    raise TypeError(f"tex: node must be a number, a name, a root or an operation; got {node}.")


def is_sum(node: ast.expr) -> bool:
    """Whether a tree adds or subtracts at its top."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)


def bracketed(text: str, need: bool = False) -> str:
    """What stands behind a sign: in brackets when it needs them, or begins with a sign itself."""
    return f"({text})" if need or text.startswith("-") else text
