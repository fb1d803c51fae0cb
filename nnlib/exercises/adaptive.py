"""Exercises on rules with a rate for each coordinate: the steps of RMSprop and of Adam."""

from collections.abc import Callable

import numpy as np

from nnlib.checks import Array
from nnlib.exercises.judge import Exercise
from nnlib.optimizers import Adam, RMSprop

THETA, G, ZERO = np.array([1.0, -2.0, 0.5]), np.array([0.3, -4.0, 2.0]), np.zeros(3)
M, V = np.array([0.1, 1.0, -0.5]), np.array([0.2, 5.0, 0.04])

# -- RMSprop ---------------------------------------------------------------------------------------

mean_square = lambda v, g, gamma: gamma * v + (1 - gamma) * g**2
root_and_eps = lambda v, eps: np.sqrt(v) + eps


def rmsprop_with(
    mean: Callable = mean_square,
    root: Callable = root_and_eps,
    kept: Callable = lambda old, new: new,
) -> Callable:
    """The step η g / root(v, eps) for the v that comes of (v, g, gamma), and what is kept of v."""

    def step(
        theta: Array, v: Array, g: Array, lr: float, gamma: float, eps: float
    ) -> tuple[Array, Array]:
        new = mean(v, g, gamma)
        return theta - lr * g / root(new, eps), kept(v, new)

    return step


rmsprop_step = rmsprop_with()

RMSPROP = Exercise(
    task="Return the new θ and the new v: a running mean of g² in v, and ε outside the root.",
    right=rmsprop_step,
    samples={
        "in full flight": (THETA, V, G, 0.3, 0.8, 1e-2),
        "at the first step": (THETA, ZERO, G, 0.1, 0.99, 1e-8),
        "for tiny gradients": (ZERO, ZERO, 1e-8 * G, 0.5, 0.9, 1e-7),
    },
    results=("theta", "v"),
    slips={
        "ε stands inside the root, as in document A: a floor of √ε under the gradient.": (
            rmsprop_with(root=lambda v, eps: np.sqrt(v + eps))
        ),
        "ε is missing: where all gradients were 0, it divides by 0.": (
            rmsprop_with(root=lambda v, eps: np.sqrt(v))
        ),
        "Brackets are missing: ε belongs to the root, and is added to θ.": (
            lambda theta, v, g, lr, gamma, eps: (
                theta - lr * g / np.sqrt(mean_square(v, g, gamma)) + eps,
                mean_square(v, g, gamma),
            )
        ),
        "η is missing.": (
            lambda theta, v, g, lr, *settings: rmsprop_step(theta, v, g, 1.0, *settings)
        ),
        "The step lacks the gradient: it has a length and no direction.": (
            lambda theta, v, g, lr, gamma, eps: (
                theta - lr / root_and_eps(mean_square(v, g, gamma), eps),
                mean_square(v, g, gamma),
            )
        ),
        "g @ g adds the squares of all coordinates: each has its own.": (
            rmsprop_with(lambda v, g, gamma: gamma * v + (1 - gamma) * (g @ g))
        ),
        "It returns the root of v: what is remembered is v.": (
            rmsprop_with(kept=lambda old, new: np.sqrt(new))
        ),
        "It returns the old v: nothing is remembered.": rmsprop_with(kept=lambda old, new: old),
        "It divides v by 1 - γ, a correction of the start that Adam has and RMSprop has not.": (
            lambda theta, v, g, lr, gamma, eps: (
                theta - lr * g / root_and_eps(mean_square(v, g, gamma) / (1 - gamma), eps),
                mean_square(v, g, gamma),
            )
        ),
        "The root is forgotten: v has the unit of g².": rmsprop_with(root=lambda v, eps: v + eps),
        "That is AdaGrad: squares are summed and never forgotten.": (
            rmsprop_with(lambda v, g, gamma: v + g**2)
        ),
        "γ and 1 - γ are exchanged: this forgets nearly all at each step.": (
            rmsprop_with(lambda v, g, gamma: mean_square(v, g, 1 - gamma))
        ),
        "The new square lacks its weight 1 - γ: v grows to 1/(1 - γ) times the mean.": (
            rmsprop_with(lambda v, g, gamma: gamma * v + g**2)
        ),
        "The gradient is averaged, and not its square.": (
            rmsprop_with(lambda v, g, gamma: gamma * v + (1 - gamma) * g)
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

# -- Adam ------------------------------------------------------------------------------------------

adam_ratio = lambda m, v, a, b, eps: (m / a) / (np.sqrt(v / b) + eps)


def adam_with(
    ratio: Callable = adam_ratio,
    kept: Callable = lambda m, v, a, b: (m, v),
    share: Callable = lambda beta, t: 1 - beta**t,
    weight: Callable = lambda beta: 1 - beta,
) -> Callable:
    """The step η ratio(m, v, share(β₁, t), share(β₂, t), ε), with t = 1 at the first.

    weight   of the new gradient in m, and of its square in v.
    """

    def step(
        theta: Array, m: Array, v: Array, g: Array, t: float,
        lr: float, beta1: float, beta2: float, eps: float,
    ) -> tuple[Array, ...]:  # fmt: skip
        m = beta1 * m + weight(beta1) * g
        v = beta2 * v + weight(beta2) * g**2
        a, b = share(beta1, t), share(beta2, t)
        return theta - lr * ratio(m, v, a, b, eps), *kept(m, v, a, b)

    return step


adam_step = adam_with()


def of_the_old(
    theta: Array, m: Array, v: Array, g: Array, t: float,
    lr: float, beta1: float, beta2: float, eps: float,
) -> tuple[Array, ...]:  # fmt: skip
    """The step by the old m and v, corrected, which then go into the new."""
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    _, m, v = adam_step(theta, m_hat, v_hat, g, t, lr, beta1, beta2, eps)
    return theta - lr * m_hat / (np.sqrt(v_hat) + eps), m, v


ADAM = Exercise(
    task="Return the new θ, m and v, with m̂ and v̂ in the step and ε outside the root.",
    right=adam_step,
    samples={
        "at step 5": (THETA, M, V, G, 5, 0.3, 0.8, 0.99, 1e-2),
        "at step 1": (THETA, ZERO, ZERO, G, 1, 0.5, 0.9, 0.999, 1e-8),
        "for tiny gradients": (ZERO, ZERO, ZERO, 1e-8 * G, 1, 0.2, 0.9, 0.99, 1e-7),
    },
    results=("theta", "m", "v"),
    slips={
        "m and v are not corrected: with 0.9 and 0.999 the first step is then √10 times too "
        "large.": adam_with(share=lambda beta, t: 1.0),
        "It is corrected with t - 1: steps are counted from 1.": (
            adam_with(share=lambda beta, t: 1 - beta ** (t - 1))
        ),
        "It is corrected with t + 1: t is 1 at the first step already.": (
            adam_with(share=lambda beta, t: 1 - beta ** (t + 1))
        ),
        "It divides by 1 - β without the power t: that is right at the first step only.": (
            adam_with(share=lambda beta, t: 1 - beta)
        ),
        "It takes β times t for β to the power t.": adam_with(share=lambda beta, t: 1 - beta * t),
        "The power is of β alone: 1 - beta**t, and not (1 - beta)**t.": (
            adam_with(share=lambda beta, t: (1 - beta) ** t)
        ),
        "It multiplies by 1 - βᵗ: m and v are too small at first, so divide.": (
            adam_with(lambda m, v, a, b, eps: m * a / (np.sqrt(v * b) + eps))
        ),
        "v is corrected with β₁, as m is: it has its own, β₂.": (
            lambda theta, m, v, g, t, lr, beta1, beta2, eps: adam_with(
                share=lambda beta, t: 1 - beta1**t
            )(theta, m, v, g, t, lr, beta1, beta2, eps)
        ),
        "The old m and v are corrected and used: update them first.": of_the_old,
        "The step takes g for m̂, as RMSprop's does.": (
            lambda theta, m, v, g, t, lr, beta1, beta2, eps: adam_with(
                lambda m, v, a, b, eps: g / (np.sqrt(v / b) + eps)
            )(theta, m, v, g, t, lr, beta1, beta2, eps)
        ),
        "The new gradient and its square lack their weights 1 - β₁ and 1 - β₂.": (
            adam_with(weight=lambda beta: 1.0)
        ),
        "Brackets are missing: ε belongs to the root, and is added to the whole.": (
            lambda theta, m, v, g, t, lr, beta1, beta2, eps: adam_with(
                lambda m, v, a, b, eps: (m / a) / np.sqrt(v / b) - eps / lr
            )(theta, m, v, g, t, lr, beta1, beta2, eps)
        ),
        "Brackets are missing: ε belongs to the root, and is added to the ratio.": (
            adam_with(lambda m, v, a, b, eps: (m / a) / np.sqrt(v / b) + eps)
        ),
        "ε is missing: where all gradients were 0, it divides by 0.": (
            adam_with(lambda m, v, a, b, eps: (m / a) / np.sqrt(v / b))
        ),
        "η is missing.": (
            lambda theta, m, v, g, t, lr, *settings: adam_step(theta, m, v, g, t, 1.0, *settings)
        ),
        "It returns the old m and v: nothing is remembered.": (
            lambda theta, m, v, *rest: (adam_step(theta, m, v, *rest)[0], m, v)
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
            adam_with(kept=lambda m, v, a, b: (m / a, v / b))
        ),
        "The sign is wrong: steps go against the gradient.": (
            lambda theta, m, v, g, t, lr, *settings: adam_step(theta, m, v, g, t, -lr, *settings)
        ),
    },
    proved="Its first step is η in every coordinate whose gradient is far larger than ε.",
    shown=Adam.update,
)
