"""A tape: each block that is called is written down, and the way back is read off what it holds.

In the library every composite composes its pullbacks by hand. This is the part of the work that a
framework takes over, and all of it: the pullbacks themselves remain those of the blocks.
"""

from collections.abc import Callable
from typing import Any

from nnlib.arrays import native
from nnlib.checks import Array, Pullback, float_array, no_pair
from nnlib.contract import block


class Tape:
    """Writes down what is called through it, in order: what went in, what came out, the way back.

    Called as ``tape(block, *x, **constants)``, which returns the block's value. What is computed
    past it, and what is given by keyword, it takes for constant. An array that is overwritten
    before the way back gives wrong gradients.

    Errors   TypeError for what returns no pair; ValueError for the way back from a value that no
             call has returned, or to an array that it does not depend on as far as the tape knows.

    >>> import numpy as np
    >>> from nnlib.blocks import sigmoid
    >>> tape, x = Tape(), np.array([0.0])
    >>> y = tape(add, x, tape(sigmoid, x))
    >>> tape.back(y, np.ones(1), x)
    (array([1.25]),)
    """

    def __init__(self) -> None:
        self.calls: list[tuple[tuple, Any, Pullback]] = []

    def __call__(self, block: Callable, *x: Any, **constants: Any) -> Any:
        value = block(*x, **constants)
        if fault := no_pair(value):
            raise TypeError(f"Tape: {getattr(block, '__name__', 'a block')} {fault}")
        y, pullback = value
        self.calls.append((x, y, pullback))
        return y

    def back(self, y: Any, dy: Any, *arrays: Array) -> tuple[Array, ...]:
        """dL/da for each of these arrays, from dL/dy."""
        if not any(y is made for _, made, _ in self.calls):
            raise ValueError(
                "Tape: y must be what a recorded call has returned; go back from that."
            )
        d = {id(y): dy}  # dL/dvalue, by the value's identity, as far as it is known
        for x, made, pullback in reversed(self.calls):
            if id(made) in d:
                dx = pullback(d.pop(id(made)))
                for a, da in zip(x, dx if isinstance(dx, tuple) else (dx,), strict=True):
                    d[id(a)] = d[id(a)] + da if id(a) in d else da
        if missing := [k for k, a in enumerate(arrays) if id(a) not in d]:
            raise ValueError(
                f"Tape: y must depend on argument {missing[0]} by what is recorded; it does not. "
                "Was a step computed without the tape?"
            )
        return tuple(d[id(a)] for a in arrays)


def taped(forward: Callable) -> Callable:
    """The block whose forward pass this is: forward(tape, *x, **constants) -> y, and no more.

    Errors   as Tape, and TypeError for an x that is no float array.

    >>> import numpy as np
    >>> def multiply(x, y):
    ...     return x * y, lambda dz: (dz * y, dz * x)
    >>> @taped
    ... def cube(tape, x):
    ...     return tape(multiply, tape(multiply, x, x), x)
    >>> y, pullback = cube(np.array([2.0]))
    >>> y, pullback(np.ones(1))
    (array([8.]), array([12.]))
    """

    def taped_block(*x: Array, **constants: Any) -> tuple[Any, Pullback]:
        for k, a in enumerate(x):
            float_array("taped", f"argument {k}", a)
        own = [a.view() for a in x]  # one array that is given twice is two arguments
        tape = Tape()
        y = forward(tape, *own, **constants)

        def pullback(dy: Any) -> Any:
            dx = tape.back(y, dy, *own)
            return dx[0] if len(dx) == 1 else dx

        return y, pullback

    return taped_block


@block("x (...), a (...) -> y (...)")
def add(x: Array, a: Array) -> tuple[Array, Pullback]:
    """Add two arrays of one shape: y = x + a.

    Pullback   dx = da = dy.
    Source     N-residual.

    >>> import numpy as np
    >>> add(np.array([1.0]), np.array([2.0]))[0]
    array([3.])
    """
    return x + a, lambda dy: (native(dy), native(dy))
