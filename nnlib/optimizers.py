"""Update rules on one parameter vector, in place, and learning-rate schedules.

Every step computes all it needs, then commits in a line without a call behind its first assignment.
"""

from collections.abc import Callable, Iterator
from math import cos, pi, sqrt
from typing import Any, Literal, NoReturn

import numpy as np

from nnlib.checks import Array, finite, float_array, no_subclass, number, whole_number
from nnlib.machine import apart
from nnlib.parameters import Home, require_current

Schedule = Callable[[int], float]
CONSTANT = str, bool, int, float, np.generic, type(None)


class Optimizer:
    """What update rules share: the vector they move, the learning rate, the steps taken.

    A rule computes all that is new and then commits it, ``self.t`` and ``self.theta[:]`` included.
    ``moments`` names what it remembers from step to step and replaces, never overwrites, at each.
    ``lr`` is read at each step, so a schedule is any function step -> lr and whoever steps sets it.

    Errors   TypeError or ValueError for a theta that is no vector, is read-only or that its model
             has left, or an lr that is no finite number >= 0; FloatingPointError for a step that
             would not end in finite numbers.
    """

    moments: tuple[str, ...] = ()

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


class GradientDescent(Optimizer):
    """θ ← θ - lr g.

    Source   A-2-step, A-4-direction.

    >>> theta = np.array([1.0, 2.0])
    >>> GradientDescent(theta, lr=0.5).step(np.array([1.0, 0.0]))
    >>> theta
    array([0.5, 2. ])
    """

    def update(self, g: Array) -> None:
        self.t, self.theta[:] = self.t + 1, self.theta - self.lr * g


class Momentum(Optimizer):
    """Follow a velocity v that remembers earlier gradients. Three forms are in use:

    "standard"    v ← ρ v + g,          θ ← θ - lr v   (PyTorch)
    "lr_inside"   v ← ρ v + lr g,       θ ← θ - v      (document A; the same while lr is constant)
    "ema"         v ← ρ v + (1 - ρ) g,  θ ← θ - lr v   (document E; steps 1/(1 - ρ) times smaller)

    Errors   ValueError for a momentum outside [0, 1) or an unknown form.
    Source   A-4.1-momentum, E-momentum, E-momentum-conv.

    >>> theta = np.array([0.0])
    >>> optimizer = Momentum(theta, lr=1.0, momentum=0.5)
    >>> optimizer.step(np.array([1.0])); optimizer.step(np.array([1.0]))
    >>> theta, optimizer.v
    (array([-2.5]), array([1.5]))
    """

    moments = ("v",)

    def __init__(
        self,
        theta: Array,
        lr: float,
        momentum: float = 0.9,
        form: Literal["standard", "lr_inside", "ema"] = "standard",
    ) -> None:
        super().__init__(theta, lr)
        self.momentum = number("Momentum", "momentum", momentum, "[0, 1)")
        if form not in ("standard", "lr_inside", "ema"):
            raise ValueError(
                f"Momentum: form must be 'standard', 'lr_inside' or 'ema'; got {form!r}."
            )
        self.form, self.v = form, np.zeros_like(theta)

    def update(self, g: Array) -> None:
        weight = {"standard": 1.0, "lr_inside": self.lr, "ema": 1 - self.momentum}[self.form]
        v = self.momentum * self.v + weight * g
        delta = v if self.form == "lr_inside" else self.lr * v
        self.t, self.v, self.theta[:] = self.t + 1, v, self.theta - delta


class AdaGrad(Optimizer):
    """Divide by the root of all squared gradients so far: v ← v + g²,  θ ← θ - lr g / (√v + ε).

    eps_inside   True is document A's √(v + ε), a floor of √ε on |g|.
    Errors       ValueError for an eps that is not positive.
    Source       A-4.2-G, A-4.2-update, A-4.2-eps.

    >>> theta = np.array([0.0])
    >>> AdaGrad(theta, lr=0.1).step(np.array([5.0]))
    >>> theta.round(6)
    array([-0.1])
    """

    moments = ("v",)

    def __init__(
        self, theta: Array, lr: float, eps: float = 1e-10, eps_inside: bool = False
    ) -> None:
        super().__init__(theta, lr)
        self.eps, self.eps_inside = number("AdaGrad", "eps", eps, "(0, inf)"), bool(eps_inside)
        self.v = np.zeros_like(theta)

    def update(self, g: Array) -> None:
        v = self.v + g * g
        delta = self.lr * g / root(v, self.eps, self.eps_inside)
        self.t, self.v, self.theta[:] = self.t + 1, v, self.theta - delta


class RMSprop(Optimizer):
    """Divide by the root of a running mean of squared gradients.

    v ← γ v + (1 - γ) g²,  θ ← θ - lr g / (√v + ε).

    eps_inside   True is document A's √(v + ε).
    Errors       ValueError for a decay outside [0, 1) or an eps that is not positive.
    Source       A-4.3-avg, A-4.3-update.

    >>> theta = np.array([0.0])
    >>> RMSprop(theta, lr=0.1).step(np.array([5.0]))
    >>> theta.round(6)
    array([-1.])
    """

    moments = ("v",)

    def __init__(
        self,
        theta: Array,
        lr: float,
        decay: float = 0.99,
        eps: float = 1e-8,
        eps_inside: bool = False,
    ) -> None:
        super().__init__(theta, lr)
        self.decay = number("RMSprop", "decay", decay, "[0, 1)")
        self.eps, self.eps_inside = number("RMSprop", "eps", eps, "(0, inf)"), bool(eps_inside)
        self.v = np.zeros_like(theta)

    def update(self, g: Array) -> None:
        v = mixed(self.v, g * g - self.v, 1 - self.decay)
        delta = self.lr * g / root(v, self.eps, self.eps_inside)
        self.t, self.v, self.theta[:] = self.t + 1, v, self.theta - delta


class Adam(Optimizer):
    """Momentum over RMSprop, both corrected for their start at zero (Kingma and Ba 2015, Alg. 1).

    m ← β₁ m + (1 - β₁) g,  v ← β₂ v + (1 - β₂) g²,
    m̂ = m / (1 - β₁ᵗ),  v̂ = v / (1 - β₂ᵗ),  θ ← θ - lr m̂ / (√v̂ + ε).

    eps_inside        True is document A's √(v̂ + ε): a floor of √ε on |g|.
    bias_correction   False leaves m and v as they are: the first step is then √10 times too large,
                      not too small.
    Errors            ValueError for betas outside [0, 1) or an eps that is not positive.
    Source            A-4.4-m, A-4.4-v, A-4.4-biascorr, A-4.4-update.

    >>> theta = np.array([0.0])
    >>> Adam(theta, lr=0.1).step(np.array([5.0]))
    >>> theta.round(6)
    array([-0.1])
    """

    moments = ("m", "v")

    def __init__(
        self,
        theta: Array,
        lr: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        eps_inside: bool = False,
        bias_correction: bool = True,
    ) -> None:
        super().__init__(theta, lr)
        self.beta1 = number("Adam", "beta1", beta1, "[0, 1)")
        self.beta2 = number("Adam", "beta2", beta2, "[0, 1)")
        self.eps, self.eps_inside = number("Adam", "eps", eps, "(0, inf)"), bool(eps_inside)
        self.bias_correction = bool(bias_correction)
        self.m, self.v = np.zeros_like(theta), np.zeros_like(theta)

    @property
    def m_hat(self) -> Array:
        """The first moment corrected for its start at zero."""
        return self.m / self.corrections(self.t)[0]

    @property
    def v_hat(self) -> Array:
        """The second moment corrected for its start at zero."""
        return self.v / self.corrections(self.t)[1]

    def corrections(self, t: int) -> tuple[float, float]:
        """1 - β₁ᵗ and 1 - β₂ᵗ, or 1 and 1 without the correction and before the first step."""
        return (1 - self.beta1**t, 1 - self.beta2**t) if self.bias_correction and t else (1.0, 1.0)

    def update(self, g: Array) -> None:
        t = self.t + 1
        m = mixed(self.m, g - self.m, 1 - self.beta1)
        v = mixed(self.v, g * g - self.v, 1 - self.beta2)
        # The corrections as two scalars: lr m̂ / (√v̂ + ε) = rate m / (√v + ...).
        m_scale, v_scale = self.corrections(t)
        delta = root(v, self.eps, self.eps_inside, v_scale)
        np.divide(m, delta, out=delta)
        delta *= float(np.multiply(self.lr, sqrt(v_scale) / m_scale))  # a product that may overflow
        self.t, self.m, self.v, self.theta[:] = t, m, v, self.theta - delta


OPTIMIZERS = {rule.__name__: rule for rule in (GradientDescent, Momentum, AdaGrad, RMSprop, Adam)}


def mixed(old: Array, change: Array, share: float) -> Array:
    """old + share change, written into change: (1 - share) old + share new for new - old."""
    change *= share
    change += old
    return change


def root(v: Array, eps: float, eps_inside: bool, scale: float = 1.0) -> Array:
    """(√(v / scale) + ε) √scale, or √(v / scale + ε) √scale, in one new array and no extra pass."""
    if eps_inside:
        r = v + eps * scale
        return np.sqrt(r, out=r)
    r = np.sqrt(v)
    r += eps * sqrt(scale)
    return r


def step_decay(lr: float, *, factor: float = 0.1, every: int) -> Schedule:
    """The rate falls by a factor after every so many steps.

    >>> schedule = step_decay(1.0, factor=0.5, every=10)
    >>> schedule(9), schedule(10), schedule(25)
    (1.0, 0.5, 0.25)
    """
    lr = number("step_decay", "lr", lr, "[0, inf)")
    factor = number("step_decay", "factor", factor, "(0, 1]")
    every = whole_number("step_decay", "every", every, low=1)
    return lambda step: lr * factor ** (step // every)


def exponential_decay(lr: float, *, factor: float) -> Schedule:
    """The rate falls by a factor at every step.

    >>> exponential_decay(1.0, factor=0.5)(3)
    0.125
    """
    return step_decay(lr, factor=factor, every=1)


def cosine_decay(lr: float, *, steps: int) -> Schedule:
    """The rate falls from lr to 0 along half a cosine, and stays there.

    >>> schedule = cosine_decay(1.0, steps=100)
    >>> schedule(0), round(schedule(50), 6), schedule(100), schedule(200)
    (1.0, 0.5, 0.0, 0.0)
    """
    lr = number("cosine_decay", "lr", lr, "[0, inf)")
    steps = whole_number("cosine_decay", "steps", steps, low=1)
    return lambda step: lr * (1 + cos(pi * min(step, steps) / steps)) / 2


def warmup(schedule: Schedule, *, steps: int) -> Schedule:
    """The rate of another schedule, reached in equal stairs over the first steps.

    >>> schedule = warmup(lambda step: 1.0, steps=4)
    >>> [schedule(step) for step in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """
    steps = whole_number("warmup", "steps", steps, low=1)
    return lambda step: schedule(step) * min(1.0, (step + 1) / steps)


def inverse_sqrt(lr: float, *, steps: int) -> Schedule:
    """Rise linearly to lr over the first steps, then fall as 1/√step: the transformer's schedule.

    >>> schedule = inverse_sqrt(1.0, steps=4)
    >>> schedule(1), schedule(3), schedule(15)
    (0.5, 1.0, 0.5)
    """
    lr = number("inverse_sqrt", "lr", lr, "[0, inf)")
    steps = whole_number("inverse_sqrt", "steps", steps, low=1)
    return lambda step: lr * min((step + 1) / steps, sqrt(steps / (step + 1)))
