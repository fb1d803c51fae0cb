"""What update rules share: the vector that they move, and steps that are whole or not at all."""

from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np

from nnlib.checks import Array, finite, float_array, no_subclass, number
from nnlib.machine import apart
from nnlib.parameters import Home, require_current

CONSTANT = str, bool, int, float, np.generic, type(None)


class Optimizer:
    """What update rules share: the vector they move, the learning rate, the steps taken.

    A rule computes all that is new and then commits it, ``self.t`` and ``self.theta[:]`` included.
    ``moments`` names what it remembers from step to step and replaces, never overwrites, at each.
    ``lr`` is read at each step, so a schedule is any function step -> lr and whoever steps sets it.
    ``elementwise`` says that each entry moves by its own gradients alone.

    Errors   TypeError or ValueError for a theta that is no vector, is read-only or that its model
             has left, or an lr that is no finite number >= 0; FloatingPointError for a step that
             would not end in finite numbers.
    """

    moments: tuple[str, ...] = ()
    elementwise = False

    def __init__(self, theta: Array, lr: float) -> None:
        self.name = type(self).__name__
        float_array(self.name, "theta", theta)
        if theta.ndim != 1 or not theta.size:
            got = f"got shape {theta.shape}"
            raise ValueError(f"{self.name}: theta must be a vector of parameters; {got}.")
        self.theta, self.home, self.t = theta, Home.of(theta), 0
        require_current(self.name, self.home)
        if not theta.flags.writeable:
            raise ValueError(f"{self.name}: theta must be writeable; got a read-only array.")
        self.lr = lr

    @property
    def lr(self) -> float:
        """The learning rate: a finite number >= 0, where 0 moves nothing."""
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self._lr = number(self.name, "lr", lr, "[0, inf)")

    @apart
    def step(self, g: Array) -> None:
        """Move theta by one step for the gradient g; nothing changes when g is refused."""
        self.advance(self.checked(g))

    def advance(self, g: Array) -> None:
        """A step for a gradient that is known to fit theta and to be finite.

        The processor notes an overflow and x/0 as it computes: all that is not finite begins there.
        """
        require_current(self.name, self.home)
        try:
            with np.errstate(over="raise", invalid="raise", divide="raise"):
                self.update(g)
        except FloatingPointError as error:
            raise FloatingPointError(
                f"{self.name}: step {self.t + 1} leaves the range of {self.theta.dtype} ({error}); "
                f"parameters unchanged. Is the gradient (up to {np.abs(g).max():.3g}) or the "
                f"learning rate ({self.lr:g}) too large, or eps too small?"
            ) from None

    def update(self, g: Array) -> None:
        """The rule itself, for a gradient that has been checked."""
        raise NotImplementedError

    def checked(self, g: Array) -> Array:
        """The gradient, when it fits theta and is finite."""
        theta, must = self.theta, f"{self.name}: g must have theta's"
        if getattr(no_subclass(self.name, "g", g), "shape", None) != theta.shape:
            got = getattr(g, "shape", type(g).__name__)
            raise ValueError(f"{must} shape {theta.shape}; got {got}.")
        if g.dtype.char != theta.dtype.char:
            raise TypeError(f"{must} type {theta.dtype}; got {g.dtype}.")
        if not finite(g):
            bad = f"{int((~np.isfinite(g)).sum())} entries that are NaN or infinite"
            raise FloatingPointError(
                f"{self.name}: g has {bad} at step {self.t + 1}; parameters unchanged. "
                "Is the learning rate too large?"
            )
        return g

    def state(self) -> dict[str, Any]:
        """All that changes from step to step besides theta: t, the learning rate and the moments.

        Arrays that ``moments`` does not name are there as copies, since a rule may write into them.
        """
        named = {name: getattr(self, name) for name in ("t", "_lr", *self.moments)}
        return named | {k: a.copy() for k, a in self.loose() if isinstance(a, np.ndarray)}

    def settings(self) -> dict[str, Any]:
        """What was chosen once: the rule's name and its constants, as plain Python values."""
        named, own = ("t", "_lr", "home", *self.moments), vars(self).items()
        for name, value in self.loose():
            if not isinstance(value, np.ndarray):
                self.cannot_keep(name, value)
        constants = {k: c for k, c in own if k not in named and isinstance(c, CONSTANT)}
        return {k: c.item() if isinstance(c, np.generic) else c for k, c in constants.items()}

    def loose(self) -> Iterator[tuple[str, Any]]:
        """The attributes that are neither constants nor named, theta and views of it left out."""
        for name, value in vars(self).items():
            if isinstance(value, CONSTANT) or name in self.moments or value is self.home:
                continue
            if isinstance(value, list | tuple | dict):
                held = value.values() if isinstance(value, dict) else value
                if any(isinstance(a, np.ndarray) for a in held):
                    self.cannot_keep(name, value)
            elif isinstance(value, np.ndarray) and np.may_share_memory(value, self.theta):
                continue
            yield name, value

    def cannot_keep(self, name: str, value: Any) -> NoReturn:
        """Say which attribute is in the way of saving a rule or putting it back where it stood."""
        raise TypeError(
            f"{self.name}: attribute {name!r} must be a number, text or one array; "
            f"got {type(value).__name__}. Keep each array in an attribute of its own."
        )

    def __getstate__(self) -> dict[str, Any]:
        """A view forgets its vector when it is copied; its place in it does not."""
        return vars(self) | ({"theta": self.home.place(self.theta)} if self.home else {})

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if self.home:
            self.theta = self.home.view(*state["theta"])
