"""The exercises of lesson 04: the best rate of a quadratic, three rules, and a clipped gradient."""

from collections.abc import Callable

import numpy as np

from nnlib.checks import Array
from nnlib.exercises.adaptive import ADAM, RMSPROP, THETA, ZERO, G, M
from nnlib.exercises.judge import Exercise
from nnlib.optimizers import Momentum

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
        "That is 2/μ, far beyond the limit 2/L: the steep direction leaves.": (
            rate_of(lambda curvatures: 2 / curvatures[0])
        ),
        "That is the factor by which both shrink at the best rate, and not the rate.": rate_of(
            lambda curvatures: (curvatures[-1] - curvatures[0]) / (curvatures[-1] + curvatures[0])
        ),
        "That is 2/(1 + κ): the best rate only where μ is 1.": (
            rate_of(lambda curvatures: 2 / (1 + curvatures[-1] / curvatures[0]))
        ),
        "That is (2/(√L + √μ))², the rate that goes with the best momentum.": (
            rate_of(lambda curvatures: (2 / (curvatures[-1] ** 0.5 + curvatures[0] ** 0.5)) ** 2)
        ),
        "Its curvatures are not in order, as eigvals leaves them: eigvalsh sorts.": (
            lambda H: 2 / (np.linalg.eigvals(H)[0] + np.linalg.eigvals(H)[-1])
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

# -- a step of momentum ---------------------------------------------------------------------------


momentum_velocity = lambda v, g, lr, rho: rho * v + lr * g


def momentum_with(
    velocity: Callable = momentum_velocity, move: Callable = lambda v, g, lr, rho: v
) -> Callable:
    """The step θ - move(v, g, lr, rho) for the velocity that comes of (v, g, lr, rho)."""

    def step(theta: Array, v: Array, g: Array, lr: float, rho: float) -> tuple[Array, Array]:
        v = velocity(v, g, lr, rho)
        return theta - move(v, g, lr, rho), v

    return step


scaled = lambda v, g, lr, rho: lr * v
turned_round = lambda v, g, lr, rho: -v
momentum_step = momentum_with()

MOMENTUM = Exercise(
    task="Return the new θ and the new v: v ← ρv + ηg, then θ ← θ - v.",
    right=momentum_step,
    samples={
        "in full flight": (THETA, M, G, 0.2, 0.9),
        "at the first step": (THETA, ZERO, G, 0.5, 0.8),
    },
    results=("theta", "v"),
    slips={
        "That is document E's form, with 1 - ρ before the gradient and η outside.": momentum_with(
            lambda v, g, lr, rho: rho * v + (1 - rho) * g, scaled
        ),
        "That is PyTorch's form, with η outside the velocity.": momentum_with(
            lambda v, g, lr, rho: rho * v + g, scaled
        ),
        "That is right in the other sign, as Keras has it: here v is subtracted.": momentum_with(
            lambda v, g, lr, rho: rho * v - lr * g, turned_round
        ),
        "That is Nesterov's step, a look ahead: the plain one moves θ by v.": momentum_with(
            move=momentum_velocity
        ),
        "ρ is missing: nothing is ever forgotten.": momentum_with(lambda v, g, lr, rho: v + lr * g),
        "η and ρ are exchanged.": momentum_with(lambda v, g, lr, rho: lr * v + rho * g),
        "ρ shortens the new gradient too: it belongs to the old velocity alone.": momentum_with(
            lambda v, g, lr, rho: rho * (v + lr * g)
        ),
        "The gradient has the weight 1 - ρ, as in a mean, and η is missing.": momentum_with(
            lambda v, g, lr, rho: rho * v + (1 - rho) * g
        ),
        "The gradient has the weight 1 - ρ, as in a mean: here it counts in full.": momentum_with(
            lambda v, g, lr, rho: rho * v + (1 - rho) * lr * g
        ),
        "η is missing: the gradient is no step yet.": momentum_with(
            lambda v, g, lr, rho: rho * v + g
        ),
        "η counts twice, in the velocity and in the step.": momentum_with(move=scaled),
        "The sign is wrong: the velocity is to be subtracted.": momentum_with(move=turned_round),
        "The gradient is subtracted twice, in v and in the step: θ climbs.": momentum_with(
            lambda v, g, lr, rho: rho * v - lr * g
        ),
        "The velocity is kept and not used: it is to move θ.": momentum_with(
            move=lambda v, g, lr, rho: lr * g
        ),
        "θ and v are exchanged: return θ first.": (
            lambda theta, *rest: momentum_step(theta, *rest)[::-1]
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

# -- a gradient clipped by its norm ---------------------------------------------------------------


def shortened(share: Callable) -> Callable:
    """The gradient times share(its norm, the longest that is allowed)."""
    return lambda g, longest: g * share(np.linalg.norm(g), longest)


clipped = shortened(lambda norm, longest: longest / max(norm, longest))

CLIPPING = Exercise(
    task="Return g, shortened to the length given where it is longer, and else as it is.",
    right=clipped,
    samples={
        "on a long gradient": (G, 1.0),
        "on a short one": (0.3 * G, 2.0),
        "on a long one, where 2 is allowed": (G, 2.0),
        "on a gradient of 0": (ZERO, 1.0),
    },
    results=("g",),
    slips={
        "Each entry is clipped by itself, which turns the gradient.": (
            lambda g, longest: np.clip(g, -longest, longest)
        ),
        "Short gradients are stretched: only long ones are to change.": (
            shortened(lambda norm, longest: longest / norm)
        ),
        "Long gradients get the length 1, whatever length is allowed.": (
            shortened(lambda norm, longest: 1 / norm if norm > longest else 1.0)
        ),
        "It takes 1 for the length that is allowed.": (
            shortened(lambda norm, longest: 1 / max(norm, 1.0))
        ),
        "A gradient of 0 is divided by its length: only long ones are to be divided.": (
            lambda g, longest: g / np.linalg.norm(g) * min(longest, np.linalg.norm(g))
        ),
        "It changes nothing.": shortened(lambda norm, longest: 1.0),
        "The factor is upside down: it shortens the short.": (
            shortened(lambda norm, longest: min(1.0, norm / longest))
        ),
        "It returns the factor: multiply the gradient by it.": (
            lambda g, longest: longest / max(np.linalg.norm(g), longest)
        ),
        "It takes the largest entry for the norm, and without its sign at that.": (
            lambda g, longest: g * min(1.0, longest / g.max())
        ),
        "Entries above the length are cut off, each by itself; those far below 0 stay.": (
            lambda g, longest: np.minimum(g, longest)
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
        "That is right but for the 10⁻⁶ that PyTorch adds to the norm lest it divide by 0: here no "
        "0 is divided by.": shortened(lambda norm, longest: min(1.0, longest / (norm + 1e-6))),
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
