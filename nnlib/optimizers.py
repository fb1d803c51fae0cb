"""Update rules on one parameter vector, in place, and learning-rate schedules.

Every step computes all it needs, then commits in a line without a call behind its first assignment.
"""

from collections.abc import Callable
from math import cos, pi, sqrt
from typing import Literal

import numpy as np

from nnlib.checks import Array, number, whole_number
from nnlib.stepping import Optimizer

Schedule = Callable[[int], float]


class GradientDescent(Optimizer):
    """θ ← θ - lr g.

    Source   A-2-step, A-4-direction.

    >>> theta = np.array([1.0, 2.0])
    >>> GradientDescent(theta, lr=0.5).step(np.array([1.0, 0.0]))
    >>> theta
    array([0.5, 2. ])
    """

    elementwise = True

    def update(self, g: Array) -> None:
        self.t, self.theta[:] = self.t + 1, self.theta - self.lr * g


class Momentum(Optimizer):
    """Follow a velocity v that remembers earlier gradients. Three forms are in use:

    "standard"    v ← ρ v + g,          θ ← θ - lr v   (PyTorch)
    "lr_inside"   v ← ρ v + lr g,       θ ← θ - v      (document A; the same while lr is constant)
    "ema"         v ← ρ v + (1 - ρ) g,  θ ← θ - lr v   (document E; steps 1/(1 - ρ) times smaller)

    nesterov   True follows what v will be after one more such gradient: in each form θ moves by
               ρ v + the share of g that has just gone into v.
    Errors   ValueError for a momentum outside [0, 1) or an unknown form.
    Source   A-4.1-momentum, E-momentum, E-momentum-conv.

    >>> theta = np.array([0.0])
    >>> optimizer = Momentum(theta, lr=1.0, momentum=0.5)
    >>> optimizer.step(np.array([1.0])); optimizer.step(np.array([1.0]))
    >>> theta, optimizer.v
    (array([-2.5]), array([1.5]))
    """

    moments, elementwise = ("v",), True

    def __init__(
        self,
        theta: Array,
        lr: float,
        momentum: float = 0.9,
        form: Literal["standard", "lr_inside", "ema"] = "standard",
        nesterov: bool = False,
    ) -> None:
        super().__init__(theta, lr)
        self.momentum = number("Momentum", "momentum", momentum, "[0, 1)")
        if form not in ("standard", "lr_inside", "ema"):
            raise ValueError(
                f"Momentum: form must be 'standard', 'lr_inside' or 'ema'; got {form!r}."
            )
        self.form, self.nesterov, self.v = form, bool(nesterov), np.zeros_like(theta)

    def update(self, g: Array) -> None:
        weight = {"standard": 1.0, "lr_inside": self.lr, "ema": 1 - self.momentum}[self.form]
        v = self.momentum * self.v + weight * g
        ahead = self.momentum * v + weight * g if self.nesterov else v
        delta = ahead if self.form == "lr_inside" else self.lr * ahead
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

    moments, elementwise = ("v",), True

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

    moments, elementwise = ("v",), True

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
    weight_decay      λ: θ loses lr λ θ besides, past both moments (Loshchilov and Hutter 2019).
    Errors            ValueError for betas outside [0, 1), an eps that is not positive or a λ < 0.
    Source            A-4.4-m, A-4.4-v, A-4.4-biascorr, A-4.4-update.

    >>> theta = np.array([0.0])
    >>> Adam(theta, lr=0.1).step(np.array([5.0]))
    >>> theta.round(6)
    array([-0.1])
    """

    moments, elementwise = ("m", "v"), True

    def __init__(
        self,
        theta: Array,
        lr: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        eps_inside: bool = False,
        bias_correction: bool = True,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(theta, lr)
        self.beta1 = number("Adam", "beta1", beta1, "[0, 1)")
        self.beta2 = number("Adam", "beta2", beta2, "[0, 1)")
        self.eps, self.eps_inside = number("Adam", "eps", eps, "(0, inf)"), bool(eps_inside)
        self.bias_correction = bool(bias_correction)
        self.weight_decay = number("Adam", "weight_decay", weight_decay, "[0, inf)")
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
        if self.weight_decay:
            delta += float(np.multiply(self.lr, self.weight_decay)) * self.theta
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
