"""What lesson 03 measures: ways out of a mistake, three precisions, what comparisons gave."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from nnlib.blocks import sigmoid, softmax
from nnlib.checks import Array, generator, number, whole_number
from nnlib.experiments.score_losses import ONE, SEVERAL
from nnlib.experiments.stored import stored

# -- The way out of a mistake ----------------------------------------------------------------------


def gradient_at(loss: Callable, z: Array, target: Array) -> Array:
    """The gradient of a loss by the scores.

    >>> gradient_at(ONE["squares"], np.zeros(1), np.ones(1))
    array([-0.125])
    """
    _, pullback = loss(z, target=target)
    return pullback(1.0)


def descend(loss: Callable, z: Any, target: Any, *, lr: float = 1.0, steps: int = 100) -> Array:
    """The scores at the start and after each step of gradient descent on the scores themselves.

    Shapes   z (...), target (...) -> (steps + 1, ...)

    >>> descend(ONE["plain squares"], [3.0], [1.0], lr=0.5, steps=2)[:, 0]
    array([3. , 2. , 1.5])
    """
    z, target = np.asarray(z, float), np.asarray(target, float)
    path = [z]
    for _ in range(whole_number("descend", "steps", steps, low=0)):
        path.append(path[-1] - lr * gradient_at(loss, path[-1], target))
    return np.array(path)


def steps_to_escape(loss: Callable, z: float, *, lr: float = 1.0, most: int = 300_000) -> int:
    """How many steps of gradient descent take a score to 0 from below, where the target is 1.

    Errors   ValueError where it has not arrived after the most steps.

    >>> steps_to_escape(ONE["cross-entropy"], -8.0)
    9
    """
    score: Array = np.array([z])
    target = np.ones(1)
    for step in range(most):
        if score[0] >= 0:
            return step
        score = score - lr * gradient_at(loss, score, target)
    raise ValueError(f"steps_to_escape: lr must take z to 0 within {most} steps; it did not.")


def predicted_steps(loss: Callable, z: float, *, lr: float = 1.0, points: int = 4001) -> float:
    """The same from the slope alone: steps are short, so their number is ∫ dz / (-lr L'(z)) to 0.

    >>> round(predicted_steps(ONE["cross-entropy"], -8.0), 2)
    9.0
    """
    at = np.linspace(z, 0, points)
    scores = at[:, None]
    slopes = gradient_at(loss, scores, np.ones_like(scores))[:, 0] * points  # of a mean over points
    return float(np.trapezoid(-1 / slopes, at)) / lr


# -- What a loss should do -------------------------------------------------------------------------


class Properties(NamedTuple):
    """What a loss of one score does as that runs from far left to far right.

    least      its smallest value.
    where      the first score and the last that have it.
    wrong      its value at the far left.
    push       how hard it pushes the score there: -dL/dz.
    """

    least: float
    where: tuple[float, float]
    wrong: float
    push: float


def properties(loss: Callable, target: float, *, reach: float = 30.0) -> Properties:
    """How a loss of one score treats a target, hard or soft.

    >>> properties(ONE["hinge"], 1.0)
    Properties(least=0.0, where=(1.0, 30.0), wrong=31.0, push=1.0)
    >>> properties(ONE["cross-entropy"], 0.7).where
    (0.85, 0.85)
    """
    z, y = np.linspace(-reach, reach, 1201)[:, None], np.array([target])
    values = np.array([loss(score, target=y)[0] for score in z])
    least = z[values == values.min(), 0].round(2)
    push = -gradient_at(loss, z[0], y)
    return Properties(
        float(values.min()),
        (float(least[0]), float(least[-1])),
        float(values[0]),
        float(push[0]),
    )


# -- Cross-entropy in three precisions -------------------------------------------------------------

PRECISIONS = ("float64", "float32", "float16")


def plain_log_sum_exp(z: Array) -> Array:
    """ln Σ exp(z) over the last axis as it stands."""
    return np.log(np.exp(z).sum(axis=-1))


def shifted_log_sum_exp(a: Callable[..., Array]) -> Callable[[Array], Array]:
    """ln Σ exp(z) with a(z) taken out of the exponents: B-ce-lse."""

    def form(z: Array) -> Array:
        shift = a(z, axis=-1, keepdims=True)
        return shift[..., 0] + plain_log_sum_exp(z - shift)

    return form


def of_true(z: Array, labels: Array) -> Array:
    """The entry of the true class in each row.

    >>> of_true(np.array([[1.0, 2.0]]), np.array([1]))
    array([2.])
    """
    return z[np.arange(len(z)), labels]


def log_of_softmax(prepare: Callable[[Array], Array]) -> Callable[[Array, Array], Array]:
    """-ln of the true class's softmax, in two steps, for scores that are prepared first."""

    def form(z: Array, labels: Array) -> Array:
        e = np.exp(prepare(z))
        return -np.log(of_true(e, labels) / e.sum(axis=-1))

    return form


def less_true(log_sum_exp: Callable[[Array], Array]) -> Callable[[Array, Array], Array]:
    """-x_c + ln Σ exp(x): B-ce-lse-c."""
    return lambda z, labels: log_sum_exp(z) - of_true(z, labels)


FORMS: dict[str, Callable[[Array, Array], Array]] = {
    "softmax, then -ln": log_of_softmax(lambda z: z),
    "clipped to ±50": log_of_softmax(lambda z: np.clip(z, -50, 50)),
    "softmax less the largest, then -ln": log_of_softmax(
        lambda z: z - z.max(axis=-1, keepdims=True)
    ),
    "log-sum-exp, a = 0": less_true(plain_log_sum_exp),
    "log-sum-exp, a the mean": less_true(shifted_log_sum_exp(np.mean)),
    "log-sum-exp, a the largest": less_true(shifted_log_sum_exp(np.max)),
    "a taken off every score first": lambda z, labels: less_true(plain_log_sum_exp)(
        z - z.max(axis=-1, keepdims=True), labels
    ),
}


def losses_as(form: str, z: Array, labels: Array, dtype: Any = "float64") -> Array:
    """The loss of each row by this form, every step in this precision; nan or inf where it fails.

    >>> losses_as("softmax, then -ln", np.array([[1000.0, 0.0]]), np.array([0]))
    array([nan])
    """
    with np.errstate(all="ignore"):
        return FORMS[form](np.asarray(z, dtype), labels)


def rows_of_scores(seed: int) -> tuple[Array, Array]:
    """Two hundred rows of ten normal scores, and a random label for each.

    >>> [a.shape for a in rows_of_scores(0)]
    [(200, 10), (200,)]
    """
    rng = generator("rows_of_scores", "seed", seed)
    return rng.standard_normal((200, 10)), rng.integers(0, 10, 200)


def first_failure(
    form: str, dtype: Any, *, seed: int, scales: Sequence[float], share: float = 0.01
) -> float:
    """The first scale of the scores at which a form fails; inf where it never does.

    On rows_of_scores times the scale, rounded to the precision. It fails where a loss is not
    finite, or off by more than this share of the larger of it and 1.

    >>> first_failure("softmax, then -ln", "float64", seed=0, scales=[1, 10, 100, 1000])
    1000
    """
    rows, labels = rows_of_scores(seed)
    for size in scales:
        z = (size * rows).astype(dtype)
        truth = FORMS["log-sum-exp, a the largest"](z.astype(float), labels)
        gap = np.abs(losses_as(form, z, labels, dtype) - truth)
        if not (gap <= share * np.maximum(1, truth)).all():  # nan is no small gap
            return size
    return np.inf


# -- Squares in several scalings -------------------------------------------------------------------


def largest_rate(gradient: Callable[[Array], Array], start: Array, *, steps: int = 1000) -> float:
    """The largest rate at which gradient descent does not leave, by bisection to half a percent.

    >>> round(largest_rate(lambda w: 5 * w, np.ones(1)), 2)
    0.4
    """
    low, high = 1e-4, 1e2
    first = np.linalg.norm(gradient(start))
    while high / low > 1.002:
        rate, w = float(np.sqrt(low * high)), start
        for _ in range(steps):
            g = gradient(w)
            if not np.linalg.norm(g) < 1e3 * first:
                break
            w = w - rate * g
        low, high = (low, rate) if np.linalg.norm(g) >= first else (rate, high)
    return low


# -- Stored comparisons ----------------------------------------------------------------------------


class Duel(NamedTuple):
    """Two losses in one setting, as stored: their means, the larger of their spreads, their pairs.

    ahead   with how many of the five seeds the second has more; both start from the same weights.
    """

    setting: str
    first: float
    second: float
    spread: float
    ahead: int

    @property
    def counts(self) -> bool:
        """Whether they differ by more than the seeds do."""
        return abs(self.first - self.second) > self.spread


def duels(measure: str, second: str) -> list[Duel]:
    """How cross-entropy and another loss fared in every setting of the stored runs.

    >>> duels("test accuracy after 3 epochs", "squares behind sigmoids")[0].setting
    'digits, 0% wrong labels'
    """
    rows = {
        (row["setting"], row["arm"], row["measure"].split(",")[0]): row
        for row in stored("03_claims")
    }
    found = []
    for setting in dict.fromkeys(setting for setting, _, _ in rows):
        pair = [rows[setting, arm, measure] for arm in ("cross-entropy", second)]
        above = rows[setting, second, f"{measure} above cross-entropy's"]
        mean, other = (float(row["mean"]) for row in pair)
        spread = max(float(row["spread"]) for row in pair)
        found.append(Duel(setting, mean, other, spread, round(5 * float(above["mean"]))))
    return found


# -- The loss explorer -----------------------------------------------------------------------------

TARGETS: dict[str, dict[str, list[float]]] = {
    "one score": {"class 1": [1.0], "class 2": [0.0], "soft: 0.7": [0.7]},
    "three scores": {
        "class 1": [1.0, 0.0, 0.0],
        "class 2": [0.0, 1.0, 0.0],
        "soft: 0.7": [0.7, 0.2, 0.1],
    },
}
COMPARED = {
    "cross-entropy, squares": ("cross-entropy", "squares"),
    "cross-entropy, hinge": ("cross-entropy", "hinge"),
    "both kinds of squares": ("squares", "plain squares"),
    "all four": ("cross-entropy", "squares", "hinge", "plain squares"),
}


class Explored(NamedTuple):
    """What losses say of a prediction, and where gradient descent takes it from there.

    z           the scores.
    p           the probability of the target's likeliest class.
    goal        what the target wants it to be.
    at          values of the first score, for the curves.
    curves      each loss over these, the other scores as they are.
    values      each loss at the scores.
    gradients   each loss's gradient there.
    paths       p at the start and after each step, by the loss descended on.
    """

    z: Array
    p: float
    goal: float
    at: Array
    curves: dict[str, Array]
    values: dict[str, float]
    gradients: dict[str, Array]
    paths: dict[str, Array]


def explore(
    *,
    outputs: str = "one score",
    z1: float = -8.0,
    z2: float = 0.0,
    z3: float = 0.0,
    target: str = "class 1",
    losses: str = "cross-entropy, squares",
    lr: float = 1.0,
    steps: int = 100,
) -> Explored:
    """One score behind a sigmoid for two classes, or three behind softmax.

    outputs, target   names of TARGETS; class 2 is the other one where there is one score.
    losses            a name of COMPARED.

    >>> found = explore(steps=9)
    >>> {name: round(float(path[-1]), 2) for name, path in found.paths.items()}
    {'cross-entropy': 0.55, 'squares': 0.0}
    """
    y = np.array(TARGETS[outputs][target])
    z = np.array([z1, z2, z3][: len(y)], float)
    table, probability = (ONE, sigmoid) if len(y) == 1 else (SEVERAL, softmax)
    number("explore", "lr", lr, "(0, inf)")
    at = np.linspace(-10, 10, 81)
    moved = np.tile(z, (len(at), 1))
    moved[:, 0] = at
    chosen = {name: table[name] for name in COMPARED[losses]}
    paths = {
        name: of_target(probability(descend(loss, z, y, lr=lr, steps=steps))[0], y)
        for name, loss in chosen.items()
    }
    return Explored(
        z,
        float(of_target(probability(z)[0], y)),
        float(of_target(y, y)),
        at,
        {
            name: np.array([loss(row, target=y)[0] for row in moved])
            for name, loss in chosen.items()
        },
        {name: loss(z, target=y)[0] for name, loss in chosen.items()},
        {name: gradient_at(loss, z, y) for name, loss in chosen.items()},
        paths,
    )


def of_target(p: Array, target: Array) -> Array:
    """The probability of the target's likeliest class, from those of the classes or of class 1."""
    if len(target) > 1:
        return p[..., target.argmax()]
    return p[..., 0] if target[0] >= 0.5 else 1 - p[..., 0]


def arrived(path: Array, goal: float = 1.0) -> int | None:
    """The step from which on a probability stays above a half; None where it does not end there.

    Where the goal is soft, less than 1, from which on it stays within 0.01 of the goal.

    >>> arrived(np.array([0.1, 0.6, 0.4, 0.7, 0.9])), arrived(np.array([0.1, 0.2]))
    (3, None)
    >>> arrived(np.array([0.1, 0.8, 0.705, 0.695]), goal=0.7)
    2
    """
    there = path > 0.5 if goal == 1 else np.abs(path - goal) < 0.01
    away = np.flatnonzero(~there)
    first = int(away[-1]) + 1 if away.size else 0
    return first if first < len(path) else None
