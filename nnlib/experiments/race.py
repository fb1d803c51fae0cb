"""The race of lesson 04: update rules on a landscape, under conditions that are the same for all.

A ``Runner`` is a rule with its rate and its settings, ``runner("Adam", 0.1, beta1=0.8)``. ``run``
sends one from a start, or from many at once, and returns all that it did as arrays. What is fair
about it: every runner has the same start, the same number of gradients, each with the same noise at
the same step; the rate that is shown is the rate that is used; nothing is clipped, and who leaves
the range of numbers stands where it stood last, and is marked.

    path = run(GROUNDS["Rosenbrock"], runner("Adam", 0.1), (-1.5, 2.0), steps=500).path

A ``Setting`` is a whole race in plain values, ``race(setting)`` holds it. A runner that has run
under the same conditions before is not sent again. ``as_text`` and ``from_text`` write a setting
down and read it, ``as_code`` is a program that holds its race.
"""

import inspect
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import Array, all_finite, number, numeric, whole_number
from nnlib.experiments.grounds import ground
from nnlib.experiments.tricks import staged
from nnlib.landscapes import Landscape
from nnlib.machine import apart
from nnlib.optimizers import OPTIMIZERS, Optimizer

FAR = 1e6  # times the distance of the start from 0, at least 1: nobody comes back from there
STEEP = 1e100  # no gradient is followed that is larger: its square would leave the range
RATES = {"GradientDescent": 1e-3, "Momentum": 1e-3, "AdaGrad": 1e-2, "RMSprop": 1e-2}  # PyTorch's


Walk = tuple[Array, Array, dict[str, Array]]  # places, gradients there, moments by name


class Runner(NamedTuple):
    """A rule by its name, with its rate and those of its settings that are not the default.

    >>> Runner("Adam", 0.1, (("beta1", 0.8),)).on(np.zeros(2)).beta1
    0.8
    """

    rule: str
    lr: float
    settings: tuple[tuple[str, Any], ...] = ()

    def on(self, theta: Array) -> Optimizer:
        """The rule, about to move theta."""
        return OPTIMIZERS[self.rule](theta, lr=self.lr, **dict(self.settings))

    def __repr__(self) -> str:
        """The call that makes it."""
        named = "".join(f", {name}={value!r}" for name, value in self.settings)
        return f"runner({self.rule!r}, {self.lr!r}{named})"


def runner(rule: str, lr: float | None = None, **settings: Any) -> Runner:
    """A runner, when there is such a rule and it takes these settings.

    lr      None: the rule's default.
    Errors  ValueError for an unknown rule or setting, and what the rule says to its values.

    >>> runner("Adam", 0.1, beta1=0.8, beta2=0.999)
    runner('Adam', 0.1, beta1=0.8)
    >>> runner("GradientDescent", 0.1, momentum=0.9)
    Traceback (most recent call last):
    ...
    ValueError: runner: a setting of GradientDescent must be one of none; got 'momentum'.
    """
    if rule not in OPTIMIZERS:
        known = ", ".join(OPTIMIZERS)
        raise ValueError(f"runner: rule must be one of {known}; got {rule!r}.")
    defaults = settings_of(rule)
    for name in settings:
        if name not in defaults:
            due = ", ".join(defaults) or "none"
            raise ValueError(f"runner: a setting of {rule} must be one of {due}; got {name!r}.")
    chosen = tuple((k, settings[k]) for k, v in defaults.items() if settings.get(k, v) != v)
    made = Runner(rule, default_rate(rule) if lr is None else lr, chosen)
    made.on(np.zeros(1))
    return made


def settings_of(rule: str) -> dict[str, Any]:
    """The settings of a rule with their defaults, the rate left out.

    >>> settings_of("Momentum")["momentum"]
    0.9
    """
    parameters = inspect.signature(OPTIMIZERS[rule]).parameters
    return {name: p.default for name, p in parameters.items() if name not in ("theta", "lr")}


def default_rate(rule: str) -> float:
    """The rate that the rule has when none is chosen: the library's own, or else PyTorch's.

    >>> default_rate("Adam"), default_rate("AdaGrad")
    (0.001, 0.01)
    """
    default = inspect.signature(OPTIMIZERS[rule]).parameters["lr"].default
    return RATES.get(rule, 1e-2) if default is inspect.Parameter.empty else default


class Run(NamedTuple):
    """What a runner did. Row k of an array belongs to step k, that of a place to the place before.

    path       (steps + 1, 2, ...) where it was; where it can go no further, it stands.
    values     (steps + 1, ...) of the landscape there.
    gradients  (steps, 2, ...) of the landscape there, nan where no step was taken.
    given      (steps, 2, ...) the gradients with their noise, which the rule was given.
    rates      (steps, 2, ...) effective rate of each coordinate: |move| / |given|, nan for 0 / 0.
    state      for each moment of the rule (steps + 1, 2, ...): what it remembered.
    ended      (...) how many steps were taken; where that is fewer than asked, it diverged.
    beyond     (2, ...) where the step led that was not taken, nan for who did not diverge.
    calls      how many gradients of each start were computed: one a step, whoever runs.
    """

    runner: Runner
    path: Array
    values: Array
    gradients: Array
    given: Array
    rates: Array
    state: dict[str, Array]
    ended: Array
    beyond: Array
    calls: int

    @property
    def moves(self) -> Array:
        """(steps, 2, ...): the step taken from each place."""
        return np.diff(self.path, axis=0)

    @property
    def norms(self) -> Array:
        """(steps, ...): the length of the landscape's gradient at each place."""
        return np.linalg.norm(self.gradients, axis=1)

    @property
    def diverged(self) -> Array:
        """(...): whether it could go no further."""
        return self.ended < len(self.gradients)

    @property
    def reached(self) -> Array:
        """(...): the value of the landscape at the end, infinite for who diverged."""
        return np.where(self.diverged, np.inf, self.values[-1])


@apart
def run(
    landscape: Landscape,
    runner: Runner,
    start: Any,
    *,
    steps: int,
    noise: float = 0.0,
    seed: int = 0,
) -> Run:
    """Send a runner down a landscape.

    start    (2,), or (2, starts) for many at once; each goes as it would alone.
    noise    σ of the normal noise on each coordinate of each gradient, drawn from the seed: the
             same for all runners, and for a start whatever stands beside it.
    Errors   ValueError or TypeError for a start that is no finite point, steps < 1, noise < 0.

    >>> from nnlib.landscapes import bowl
    >>> found = run(bowl(1), Runner("GradientDescent", 0.5), (8.0, 0.0), steps=3)
    >>> found.path[:, 0], found.values
    (array([8., 4., 2., 1.]), array([32. ,  8. ,  2. ,  0.5]))
    >>> run(bowl(1), Runner("GradientDescent", 12.0), (8.0, 0.0), steps=50).ended
    array(5)
    """
    start = numeric("run", "start", start).astype(float)
    if start.ndim not in (1, 2) or len(start) != 2 or not start.size:
        raise ValueError(f"run: start must have shape (2,) or (2, starts); got {start.shape}.")
    all_finite("run", "start", start)
    steps = whole_number("run", "steps", steps, low=1)
    noise = number("run", "noise", noise, "[0, inf)")
    pushes = noise * noise_of(whole_number("run", "seed", seed, low=0), steps, start.shape)
    if start.ndim == 1 or OPTIMIZERS[runner.rule].elementwise:
        walked = walk(landscape.gradient, runner, start, pushes)
    else:
        each = zip(start.T, np.moveaxis(pushes, -1, 0))
        walked = side_by_side([walk(landscape.gradient, runner, *one) for one in each])
    return seen(landscape, runner, pushes, *walked)


def noise_of(seed: int, steps: int, shape: tuple[int, ...]) -> Array:
    """Standard normal noise for each step, from a generator of its own for each start.

    Shapes   (n,) -> (steps, n), (n, starts) -> (steps, n, starts)

    >>> bool((noise_of(0, 5, (2,)) == noise_of(0, 9, (2, 3))[:5, :, 0]).all())
    True
    """
    draws = [
        np.random.default_rng([seed, k]).standard_normal((steps, shape[0]))
        for k in range(shape[1] if len(shape) > 1 else 1)
    ]
    return np.stack(draws, axis=-1).reshape(steps, *shape)


def walk(gradient: Callable, runner: Runner, start: Array, pushes: Array) -> Walk:
    """The places, the gradients there and the moments, step by step, for as long as they are due.

    Who leaves the range of numbers takes gradients to the end as all do, but follows none.
    """
    theta = start.reshape(-1).copy()
    p, rule = theta.reshape(start.shape), runner.on(theta)
    path, gradients = [theta.copy()], []
    state = {name: [getattr(rule, name)] for name in rule.moments}
    with np.errstate(all="ignore"):
        for push in pushes:
            gradients.append(np.array(gradient(p), float))
            g = (gradients[-1] + push).reshape(-1)
            if not np.vdot(g, g) <= STEEP**2:
                g = np.where(np.abs(g) <= STEEP, g, 0.0)
            try:
                rule.advance(g)
            except FloatingPointError:
                theta[:] = np.nan
            path.append(theta.copy())
            for name, rows in state.items():
                rows.append(getattr(rule, name))
    shaped = lambda rows: np.reshape(rows, (len(rows), *start.shape))
    moments = {k: shaped(v) for k, v in state.items() if np.size(v[0]) == theta.size}
    return shaped(path), np.array(gradients), moments


def side_by_side(walks: list[Walk]) -> Walk:
    """Walks from several starts, for rules that must take each by itself."""
    paths, gradients, states = zip(*walks)
    joined = lambda arrays: np.stack(arrays, axis=-1)
    state = {name: joined([one[name] for one in states]) for name in states[0]}
    return joined(paths), joined(gradients), state


def seen(
    landscape: Landscape,
    runner: Runner,
    pushes: Array,
    path: Array,
    gradients: Array,
    state: dict[str, Array],
) -> Run:
    """What there is to see of a walk: up to the last step between two places that are sound."""
    steps, far = len(gradients), FAR * np.maximum(1.0, np.abs(path[0]).max(axis=0))
    with np.errstate(all="ignore"):
        given, values = gradients + pushes, landscape.value(np.moveaxis(path, 1, 0))
        sound = np.isfinite(values) & (np.abs(path).max(axis=1) <= far)
        sound = sound[:-1] & sound[1:] & (np.abs(given).max(axis=1) <= STEEP)
        taken = np.logical_and.accumulate(sound, axis=0)
        ended = np.asarray(taken.sum(axis=0))
        last = np.minimum(np.arange(steps + 1).reshape(-1, *[1] * ended.ndim), ended)
        stand = lambda rows: np.take_along_axis(rows, last[:, None], axis=0)
        going = lambda rows: np.where(taken[:, None], rows, np.nan)
        beyond = np.take_along_axis(path, np.minimum(ended + 1, steps)[None, None], axis=0)[0]
        beyond = np.where(ended < steps, beyond, np.nan)
        path, values = stand(path), np.take_along_axis(values, last, axis=0)
        gradients, given = going(gradients), going(given)
        rates = np.abs(np.diff(path, axis=0)) / np.abs(given)
    state = {name: stand(rows) for name, rows in state.items()}
    for array in (path, values, gradients, given, rates, *state.values(), ended, beyond):
        array.flags.writeable = False  # runs are kept, and handed out again
    return Run(runner, path, values, gradients, given, rates, state, ended, beyond, steps)


class Setting(NamedTuple):
    """A whole race in plain values; ``ground`` and ``kappa`` are those of ``grounds.ground``.

    tricks   names of ``tricks.TRICKS``, by which the race ceases to be fair; none.

    >>> Setting((Runner("Adam", 0.1),), steps=50)
    Setting(runners=(runner('Adam', 0.1),), ground='ravine', kappa=25.0, start=(-12.0, 3.0), \
steps=50, noise=0.0, seed=0, tricks=())
    """

    runners: tuple[Runner, ...]
    ground: str = "ravine"
    kappa: float = 25.0
    start: tuple[float, float] = (-12.0, 3.0)
    steps: int = 200
    noise: float = 0.0
    seed: int = 0
    tricks: tuple[str, ...] = ()


class Race(NamedTuple):
    """What came of a setting: the landscape, and a run for each runner in order."""

    setting: Setting
    landscape: Landscape
    runs: tuple[Run, ...]


def race(setting: Setting) -> Race:
    """Hold a race. Runners that have run under the same conditions are not sent again.

    Errors   ValueError or TypeError for a setting of which no race can be made.

    >>> found = race(Setting((runner("Momentum", 0.01), runner("Adam", 0.5)), steps=300))
    >>> [float(one.values[-1].round(3)) for one in found.runs]
    [0.0, 0.0]
    """
    _, name, kappa, *_ = setting
    runs = tuple(kept_run(one, setting._replace(runners=())) for one in setting.runners)
    return Race(setting, ground(name, kappa=kappa), runs)


@lru_cache(maxsize=128)
def kept_run(who: Runner, conditions: Setting) -> Run:
    """The run of one runner under the conditions of a setting, which has no runners."""
    _, name, kappa, start, steps, noise, seed, tricks = conditions
    landscape, runner, pace = staged(ground(name, kappa=kappa), who, tricks)
    found = run(landscape, runner, start, steps=pace * steps, noise=noise, seed=seed)
    return shown(found, who, pace) if tricks else found


@apart
def shown(found: Run, who: Runner, pace: int) -> Run:
    """A run under tricks as it is shown: the runner's own name, every so many steps."""
    places = {name: getattr(found, name)[::pace] for name in ("path", "values")}
    steps = {name: getattr(found, name)[::pace] for name in ("gradients", "given")}
    state = {name: rows[::pace] for name, rows in found.state.items()}
    with np.errstate(all="ignore"):
        rates = np.abs(np.diff(places["path"], axis=0)) / np.abs(steps["given"])
    rates.flags.writeable = False
    return found._replace(
        runner=who, **places, **steps, rates=rates, state=state, ended=found.ended // pace
    )


# -- a setting written down ----------------------------------------------------------------------


def as_text(setting: Setting) -> str:
    """The setting in one line that can be pasted back.

    >>> as_text(Setting((Runner("Adam", 0.1, (("beta1", 0.8),)),), steps=50))[:58]
    '{"runners": [{"rule": "Adam", "lr": 0.1, "beta1": 0.8}], "'
    """
    runners = [{"rule": one.rule, "lr": one.lr, **dict(one.settings)} for one in setting.runners]
    return json.dumps({**setting._asdict(), "runners": runners})


def from_text(text: str) -> Setting:
    """The setting that was written down.

    Errors   ValueError for a text that is none, or of which no race can be held.

    >>> setting = Setting((Runner("Adam", 0.1),), "x**2 + y**4", noise=0.5)
    >>> from_text(as_text(setting)) == setting
    True
    """
    try:
        told = json.loads(text)
        runners = tuple(runner(**one) for one in told.pop("runners"))
        plain: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in told.items()
        }
        setting = Setting(runners, **plain)
        race(setting)  # which says what is wrong with its values
    except (TypeError, KeyError, AttributeError, json.JSONDecodeError) as error:
        must = "from_text: text must be a setting as as_text writes it"
        raise ValueError(f"{must}; got {str(text)[:60]!r} ({error}).") from None
    return setting


def as_code(setting: Setting) -> str:
    """A program that holds the race of this setting in a fresh kernel.

    >>> print(as_code(Setting((Runner("Adam", 0.1),), steps=50)))
    from nnlib.experiments.race import Setting, race, runner
    <BLANKLINE>
    found = race(Setting(
        runners=(runner('Adam', 0.1),),
        ground='ravine',
        kappa=25.0,
        start=(-12.0, 3.0),
        steps=50,
        noise=0.0,
        seed=0,
        tricks=(),
    ))
    for run in found.runs:
        print(run.runner, run.path[-1], run.values[-1])
    """
    values = "".join(f"    {name}={value!r},\n" for name, value in setting._asdict().items())
    return (
        "from nnlib.experiments.race import Setting, race, runner\n\n"
        f"found = race(Setting(\n{values}))\n"
        "for run in found.runs:\n"
        "    print(run.runner, run.path[-1], run.values[-1])"
    )
