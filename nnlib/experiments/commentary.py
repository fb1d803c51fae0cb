"""Who is where in a race, and why: in words, each of which rests on a number of the run."""

from typing import NamedTuple

import numpy as np

from nnlib.checks import Array
from nnlib.experiments.race import Race, Run, Runner
from nnlib.experiments.running import FAR, Beside
from nnlib.landscapes import Landscape
from nnlib.words import counted, minus, short, two_decimals

LAST = 10  # steps that are looked at
NEAR = 0.01  # of the map's width: at a minimum
STILL = 1e-3  # of the largest gradient of the race on the map: all but none
SLOW = 1000  # more steps at this pace to the minimum: creeping


class Comment(NamedTuple):
    """Where a runner is after a step, and why.

    place    1 for the lowest; state: diverged, there, hollow, ridge, flat, valley, swings, creeps
             or on; of who leaves the plane of the map only diverged or beside.
    """

    runner: Runner
    place: int
    value: float
    state: str
    words: str


def comments(found: Race, step: int | None = None) -> list[Comment]:
    """All runners after so many steps, the lowest first, who diverged last.

    step   None: at the end.

    >>> from nnlib.experiments.race import Setting, race, runner
    >>> shy, wild = runner("GradientDescent", 1e-4), runner("GradientDescent", 0.1)
    >>> for one in comments(race(Setting((shy, wild), steps=90))):
    ...     print(one.words)
    1. GradientDescent, rate 0.0001: f = 142, at (−11.89, 2.39). Creeps: about 2000 more steps at \
this pace.
    2. GradientDescent, rate 0.1: diverged at step 38, flung out to a distance of 10⁷.
    """
    step = found.setting.steps if step is None else step
    steepest = max((steepest_on_the_map(one, found.landscape) for one in found.runs), default=0.0)
    seen = [(one, *why(one, found.landscape, step, steepest)) for one in found.runs]
    seen.sort(key=lambda row: (row[1] == "diverged", float(row[0].values[step])))
    return [
        Comment(one.runner, k, float(one.values[step]), state, told(one, k, step, state, reason))
        for k, (one, state, reason) in enumerate(seen, start=1)
    ]


def told(one: Run, place: int, step: int, state: str, reason: str) -> str:
    """The comment as a sentence or two."""
    x, y = one.path[step]
    where = f"f = {short(one.values[step], 3)}, at ({two_decimals(x)}, {two_decimals(y)}). "
    return minus(f"{place}. {label(one.runner)}: {'' if state == 'diverged' else where}{reason}.")


def label(runner: Runner) -> str:
    """A runner in words.

    >>> label(Runner("Adam", 0.1, (("beta1", 0.8), ("eps_inside", True))))
    'Adam, rate 0.1, beta1 0.8, eps inside'
    """
    words = [runner.rule, f"rate {runner.lr:g}"]
    for name, value in runner.settings:
        name = name.replace("_", " ")
        if isinstance(value, bool):
            words.append(name if value else f"no {name}")
        else:
            words.append(
                f"{name} {value.replace('_', ' ') if isinstance(value, str) else f'{value:g}'}"
            )
    return ", ".join(words)


def steepest_on_the_map(one: Run, landscape: Landscape) -> float:
    """The largest gradient that a run has met while it was on the map."""
    low, high = np.transpose(landscape.domain)
    on = ((one.path[:-1] >= low) & (one.path[:-1] <= high)).all(axis=1) & np.isfinite(one.norms)
    return float(one.norms[on].max(initial=0.0))


def why(one: Run, landscape: Landscape, step: int, steepest: float) -> tuple[str, str]:
    """The state of a run after a step, and what it is told by."""
    if one.diverged and step >= one.ended:
        return "diverged", f"diverged at step {int(one.ended) + 1}, {cause(one)}"
    if one.beside:
        return "beside", unseen(one.beside, step)
    p, width = one.path[step], float(np.ptp(landscape.domain, axis=1).max())
    nearest = landscape.nearest(p)
    distance = float(np.linalg.norm(p - nearest))
    if distance <= NEAR * width:
        return "there", f"At the minimum ({', '.join(map(two_decimals, nearest))})"
    if found := standing(landscape, p, width, steepest):
        return found
    moves = one.moves[max(step - LAST, 0) : step]
    lengths = np.linalg.norm(moves, axis=1)
    for axis, name in enumerate("xy"):
        turns = int((moves[1:, axis] * moves[:-1, axis] < 0).sum())
        if turns > LAST / 2 and np.abs(moves[:, axis]).sum() > lengths.sum() / 4:
            return "swings", f"Swings across {name}: {counted(turns, 'turn')} in {LAST} steps"
    pace = float(lengths.mean()) if step else np.nan
    if distance > SLOW * pace > 0:
        return "creeps", f"Creeps: about {about(distance / pace)} more steps at this pace"
    return "on", "On its way"


def cause(one: Run) -> str:
    """Why a run could go no further from where it stands."""
    k = int(one.ended)
    if not np.isfinite(one.beyond).all() or np.linalg.norm(one.beyond) < FAR:
        return "where its step led to no number"
    if one.values[k] < one.values[0]:
        return "lower and lower beyond every bound"
    return f"flung out to a distance of {about(float(np.linalg.norm(one.beyond)))}"


def unseen(beside: Beside, step: int) -> str:
    """How little of the way of one who leaves the plane of the map can be seen there."""
    share = beside.shares[step]
    if np.isnan(share):
        return f"All {beside.size} weights stand where they began"
    return f"The map shows {100 * share:.0f} % of its way in {beside.size} weights"


def about(x: float) -> str:
    """A number to its first digit.

    >>> about(9731.0), about(2.6e7)
    ('10000', '3·10⁷')
    """
    return short(float(f"{x:.1g}"))


def standing(
    landscape: Landscape, p: Array, width: float, steepest: float
) -> tuple[str, str] | None:
    """What a place is like that one leaves slowly, by the gradient and the curvatures there."""
    h, g = 1e-4 * width, landscape.gradient(p)
    rows = [
        (landscape.gradient(p + d) - landscape.gradient(p - d)) / (2 * h) for d in h * np.eye(2)
    ]
    curvatures, axes = np.linalg.eigh(np.add(rows, np.transpose(rows)) / 2)
    size, (low, high) = float(np.linalg.norm(g)), curvatures
    small = f"the gradient is {short(size)}"
    with np.errstate(all="ignore"):
        off = np.linalg.norm((axes.T @ g) / curvatures)  # Newton's step: how far a flat point is
    if off <= NEAR * width and low > 0:
        return "hollow", f"In a hollow, whose floor is {short(float(off))} away"
    if off <= NEAR * width and low < 0 < high:
        return "ridge", f"On a saddle: {small}, it rises to two sides and falls to two"
    if size > STILL * steepest:
        return None
    if np.abs(curvatures).max() * width <= STILL * steepest:
        return "flat", f"On flat ground: {small}"
    if abs(low) < high / LAST:
        return "valley", f"On a valley's floor: {small}"
    return None
