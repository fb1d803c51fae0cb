"""The exercises of lesson 04: the best rate of a quadratic, three rules, and a clipped gradient."""

from collections.abc import Callable
from math import inf

import numpy as np

from nnlib.checks import Array
from nnlib.exercises.judge import Exercise
from nnlib.optimizers import Adam, Momentum, RMSprop

THETA, G, ZERO = np.array([1.0, -2.0, 0.5]), np.array([0.3, -4.0, 2.0]), np.zeros(3)
M, V = np.array([0.1, 1.0, -0.5]), np.array([0.2, 5.0, 0.04])

# -- the best rate of a quadratic -----------------------------------------------------------------


def rate_of(rate: Callable) -> Callable:
    """What a rule makes of the curvatures of ½ pᵀHp, the smallest first."""
    return lambda H: rate(np.linalg.eigvalsh(H))


best_rate = rate_of(lambda curvatures: 2 / (curvatures[0] + curvatures[-1]))

BEST_RATE = Exercise(
    task="Return the rate at which the slowest direction of the quadratic shrinks fastest.",
    right=best_rate,
    samples={
        "in a straight ravine": (np.diag([1.0, 100.0]),),
        "in three dimensions": (np.diag([4.0, 1.0, 2.0]),),
        "in a turned ravine": (np.array([[4.0, 1.0, 1.0], [1.0, 3.0, 0.0], [1.0, 0.0, 2.0]]),),
    },
    results=("rate",),
    slips={
        "That is 2/L, the limit, at which the steep direction hops from side to side for ever.": (
            rate_of(lambda curvatures: 2 / curvatures[-1])
        ),
        "That is 1/L: safe, but the flat direction could go nearly twice as fast.": (
            rate_of(lambda curvatures: 1 / curvatures[-1])
        ),
        "That is half of it: solve 1 - ημ = ηL - 1 for η once more.": (
            rate_of(lambda curvatures: 1 / (curvatures[0] + curvatures[-1]))
        ),
        "It takes L - μ for L + μ.": (
            rate_of(lambda curvatures: 2 / (curvatures[-1] - curvatures[0]))
        ),
        "It adds all curvatures; only the largest and the smallest count.": (
            rate_of(lambda curvatures: 2 / curvatures.sum())
        ),
        "It reads the curvatures from the diagonal, where they stand in a straight ravine only: in "
        "general they are the eigenvalues.": lambda H: 2 / (np.diag(H).min() + np.diag(H).max()),
    },
    proved="The steepest and the flattest direction shrink equally fast, and any other rate slows "
    "one of them.",
)

# -- the steps of three rules ---------------------------------------------------------------------


def momentum_with(velocity: Callable, move: Callable = lambda v, lr: v) -> Callable:
    """The step θ - move(v, lr) for the velocity that comes of (v, g, lr, rho)."""

    def step(theta: Array, v: Array, g: Array, lr: float, rho: float) -> tuple[Array, Array]:
        v = velocity(v, g, lr, rho)
        return theta - move(v, lr), v

    return step


momentum_step = momentum_with(lambda v, g, lr, rho: rho * v + lr * g)

MOMENTUM = Exercise(
    task="Return the new θ and the new v: v ← ρv + ηg, then θ ← θ - v.",
    right=momentum_step,
    samples={
        "in full flight": (THETA, M, G, 0.1, 0.9),
        "at the first step": (THETA, ZERO, G, 0.5, 0.8),
    },
    results=("theta", "v"),
    slips={
        "That is document E's form, with 1 - ρ before the gradient and η outside.": momentum_with(
            lambda v, g, lr, rho: rho * v + (1 - rho) * g, lambda v, lr: lr * v
        ),
        "That is PyTorch's form, with η outside the velocity.": momentum_with(
            lambda v, g, lr, rho: rho * v + g, lambda v, lr: lr * v
        ),
        "η is missing: the gradient is no step yet.": momentum_with(
            lambda v, g, lr, rho: rho * v + g
        ),
        "η counts twice, in the velocity and in the step.": momentum_with(
            lambda v, g, lr, rho: rho * v + lr * g, lambda v, lr: lr * v
        ),
        "The sign is wrong: the velocity is subtracted.": momentum_with(
            lambda v, g, lr, rho: rho * v + lr * g, lambda v, lr: -v
        ),
        "θ moves by the old velocity: update v first.": (
            lambda theta, v, g, lr, rho: (theta - v, rho * v + lr * g)
        ),
        "The new velocity moves θ and is then forgotten: return it.": (
            lambda theta, v, g, lr, rho: (theta - rho * v - lr * g, v)
        ),
    },
    proved="Each step is the last one, shortened, and a new one.",
    shown=Momentum.update,
)


def rmsprop_with(mean: Callable, root: Callable) -> Callable:
    """The step η g / root(v, eps) for the v that comes of (v, g, gamma)."""

    def step(
        theta: Array, v: Array, g: Array, lr: float, gamma: float, eps: float
    ) -> tuple[Array, Array]:
        v = mean(v, g, gamma)
        return theta - lr * g / root(v, eps), v

    return step


mean_square = lambda v, g, gamma: gamma * v + (1 - gamma) * g**2
root_and_eps = lambda v, eps: np.sqrt(v) + eps
rmsprop_step = rmsprop_with(mean_square, root_and_eps)

RMSPROP = Exercise(
    task="Return the new θ and the new v: a running mean of g² in v, and ε outside the root.",
    right=rmsprop_step,
    samples={
        "in full flight": (THETA, V, G, 0.1, 0.9, 1e-8),
        "at the first step": (THETA, ZERO, G, 0.1, 0.99, 1e-8),
        "for tiny gradients": (ZERO, ZERO, 1e-8 * G, 0.1, 0.9, 1e-8),
    },
    results=("theta", "v"),
    slips={
        "ε stands inside the root, as in document A: a floor of √ε under the gradient.": (
            rmsprop_with(mean_square, lambda v, eps: np.sqrt(v + eps))
        ),
        "The root is forgotten: v has the unit of g².": (
            rmsprop_with(mean_square, lambda v, eps: v + eps)
        ),
        "That is AdaGrad: squares are summed and never forgotten.": (
            rmsprop_with(lambda v, g, gamma: v + g**2, root_and_eps)
        ),
        "γ and 1 - γ are exchanged: this forgets nearly all at each step.": (
            rmsprop_with(lambda v, g, gamma: mean_square(v, g, 1 - gamma), root_and_eps)
        ),
        "The new square lacks its weight 1 - γ: v grows to 1/(1 - γ) times the mean.": (
            rmsprop_with(lambda v, g, gamma: gamma * v + g**2, root_and_eps)
        ),
        "The gradient is averaged, and not its square.": (
            rmsprop_with(lambda v, g, gamma: gamma * v + (1 - gamma) * g, root_and_eps)
        ),
        "The old v divides: update v first.": (
            lambda theta, v, g, lr, gamma, eps: (
                theta - lr * g / (np.sqrt(v) + eps),
                mean_square(v, g, gamma),
            )
        ),
        "The sign is wrong: steps go against the gradient.": (
            lambda theta, v, g, lr, *settings: rmsprop_step(theta, v, g, -lr, *settings)
        ),
    },
    proved="A step is measured in units of the gradient's usual size, and the past fades.",
    shown=RMSprop.update,
)


def adam_with(ratio: Callable, kept: Callable = lambda m, v, a, b: (m, v)) -> Callable:
    """The step η ratio(m, v, 1 - β₁ᵗ, 1 - β₂ᵗ, ε), with t = 1 at the first."""

    def step(
        theta: Array, m: Array, v: Array, g: Array, t: float,
        lr: float, beta1: float, beta2: float, eps: float,
    ) -> tuple[Array, ...]:  # fmt: skip
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        a, b = 1 - beta1**t, 1 - beta2**t
        return theta - lr * ratio(m, v, a, b, eps), *kept(m, v, a, b)

    return step


adam_ratio = lambda m, v, a, b, eps: (m / a) / (np.sqrt(v / b) + eps)
adam_step = adam_with(adam_ratio)

ADAM = Exercise(
    task="Return the new θ, m and v, with m̂ and v̂ in the step and ε outside the root.",
    right=adam_step,
    samples={
        "at step 5": (THETA, M, V, G, 5, 0.1, 0.9, 0.999, 1e-8),
        "at step 1": (THETA, ZERO, ZERO, G, 1, 0.1, 0.9, 0.999, 1e-8),
        "for tiny gradients": (ZERO, ZERO, ZERO, 1e-8 * G, 1, 0.1, 0.9, 0.999, 1e-8),
    },
    results=("theta", "m", "v"),
    slips={
        "m and v are not corrected: the first step is then √10 times too large.": (
            lambda theta, m, v, g, t, *settings: adam_step(theta, m, v, g, inf, *settings)
        ),
        "It is corrected with t - 1: steps are counted from 1.": (
            lambda theta, m, v, g, t, *settings: adam_step(theta, m, v, g, t - 1, *settings)
        ),
        "β₁ and β₂ are exchanged: the gradient is averaged over ten steps, its square over a "
        "thousand.": (
            lambda theta, m, v, g, t, lr, beta1, beta2, eps: adam_step(
                theta, m, v, g, t, lr, beta2, beta1, eps
            )
        ),
        "ε stands inside the root, as in document A: a floor of √ε under the gradient.": (
            adam_with(lambda m, v, a, b, eps: (m / a) / np.sqrt(v / b + eps))
        ),
        "ε is added to v before it is corrected, and inside the root.": (
            adam_with(lambda m, v, a, b, eps: (m / a) / np.sqrt((v + eps) / b))
        ),
        "m is corrected, and v is not.": (
            adam_with(lambda m, v, a, b, eps: (m / a) / (np.sqrt(v) + eps))
        ),
        "v is corrected, and m is not.": (
            adam_with(lambda m, v, a, b, eps: m / (np.sqrt(v / b) + eps))
        ),
        "The root is forgotten: v̂ has the unit of g².": (
            adam_with(lambda m, v, a, b, eps: (m / a) / (v / b + eps))
        ),
        "It returns m̂ and v̂, which would be corrected again at the next step: return m and v.": (
            adam_with(adam_ratio, lambda m, v, a, b: (m / a, v / b))
        ),
        "The sign is wrong: steps go against the gradient.": (
            lambda theta, m, v, g, t, lr, *settings: adam_step(theta, m, v, g, t, -lr, *settings)
        ),
    },
    proved="Its first step is η in every coordinate, whatever the gradient's size.",
    shown=Adam.update,
)

# -- a gradient clipped by its norm ---------------------------------------------------------------


def shortened(share: Callable) -> Callable:
    """The gradient times share(its norm, the longest that is allowed)."""
    return lambda g, longest: g * share(np.linalg.norm(g), longest)


clipped = shortened(lambda norm, longest: min(1.0, longest / norm))

CLIPPING = Exercise(
    task="Return g, shortened to the length given where it is longer, and else as it is.",
    right=clipped,
    samples={"on a long gradient": (G, 1.0), "on a short one": (0.1 * G, 1.0)},
    results=("g",),
    slips={
        "Each entry is clipped by itself, which turns the gradient.": (
            lambda g, longest: np.clip(g, -longest, longest)
        ),
        "Short gradients are stretched: only long ones are to change.": (
            shortened(lambda norm, longest: longest / norm)
        ),
        "It divides by the square of the norm: the root is missing.": (
            shortened(lambda norm, longest: min(1.0, longest / norm**2))
        ),
        "It takes the largest entry for the norm.": (
            lambda g, longest: g * min(1.0, longest / np.abs(g).max())
        ),
        "It takes the sum of the entries' sizes for the norm; that is another norm.": (
            lambda g, longest: g * min(1.0, longest / np.abs(g).sum())
        ),
        "A long gradient is thrown away: it is to be shortened.": (
            shortened(lambda norm, longest: norm <= longest)
        ),
        "The long are kept and the short shortened: it takes the larger of the two factors.": (
            shortened(lambda norm, longest: max(1.0, longest / norm))
        ),
    },
    proved="A long gradient is shortened, and points where it pointed.",
)

EXERCISES = {
    "best rate": BEST_RATE,
    "momentum step": MOMENTUM,
    "RMSprop step": RMSPROP,
    "Adam step": ADAM,
    "clipping": CLIPPING,
}
