"""The race of lesson 04: update rules on a landscape, under conditions that are the same for all.

A ``Runner`` is a rule with its rate and its settings, ``runner("Adam", 0.1, beta1=0.8)``. ``run``
sends one from a start, or from many at once, and returns all that it did as arrays; what makes
that fair is said in ``running``.

    path = run(GROUNDS["Rosenbrock"], runner("Adam", 0.1), (-1.5, 2.0), steps=500).path

A ``Setting`` is a whole race in plain values, ``race(setting)`` holds it. A runner that has run
under the same conditions before is not sent again. ``as_text`` and ``from_text`` write a setting
down and read it, ``as_code`` is a program that holds its race.
"""

import inspect
import json
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import numeric
from nnlib.experiments.grounds import ground
from nnlib.experiments.running import Run, Runner, run
from nnlib.experiments.tricks import staged
from nnlib.landscapes import Landscape
from nnlib.machine import apart
from nnlib.optimizers import OPTIMIZERS

RATES = {"GradientDescent": 1e-3, "Momentum": 1e-3, "AdaGrad": 1e-2, "RMSprop": 1e-2}  # PyTorch's


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
    """What came of a setting: the landscape of the map, and a run for each runner in order."""

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
    same = conditions(setting)
    runs = tuple(kept_run(one, same) for one in setting.runners)
    return Race(setting, ground(setting.ground, kappa=setting.kappa).map, runs)


def conditions(setting: Setting) -> Setting:
    """What is the same for all runners: the setting without them, by which runs can be kept.

    >>> conditions(Setting((Runner("Adam", 0.1),), start=[1, 2])).start
    (1.0, 2.0)
    """
    start = numeric("race", "start", setting.start).astype(float)
    return setting._replace(runners=(), start=tuple(start.tolist()), tricks=tuple(setting.tricks))


@lru_cache(maxsize=128)
def kept_run(who: Runner, same: Setting) -> Run:
    """The run of one runner under these conditions."""
    _, name, kappa, start, steps, noise, seed, tricks = same
    on = ground(name, kappa=kappa)
    whole, runner, pace = staged(on.whole, who, tricks)
    begin = on.lifted(np.array(start))
    found = on.seen(run(whole, runner, begin, steps=pace * steps, noise=noise, seed=seed))
    return shown(found, who, pace) if tricks else found


@apart
def shown(found: Run, who: Runner, pace: int) -> Run:
    """A run under tricks as it is shown: the runner's own name, every so many steps."""
    places = {name: getattr(found, name)[::pace] for name in ("path", "values")}
    steps = {name: getattr(found, name)[::pace] for name in ("gradients", "given")}
    state = {name: rows[::pace] for name, rows in found.state.items()}
    beside = found.beside and found.beside.every(pace)
    with np.errstate(all="ignore"):
        rates = np.abs(np.diff(places["path"], axis=0)) / np.abs(steps["given"])
    rates.flags.writeable = False
    return found._replace(
        runner=who,
        **places,
        **steps,
        rates=rates,
        state=state,
        ended=found.ended // pace,
        beside=beside,
    )


# -- a setting written down ----------------------------------------------------------------------


def as_text(setting: Setting) -> str:
    """The setting in one line that can be pasted back.

    >>> as_text(Setting((Runner("Adam", 0.1, (("beta1", 0.8),)),), steps=50))[:58]
    '{"runners": [{"rule": "Adam", "lr": 0.1, "beta1": 0.8}], "'
    """
    runners = [{"rule": one.rule, "lr": one.lr, **dict(one.settings)} for one in setting.runners]
    start = [float(coordinate) for coordinate in setting.start]
    return json.dumps({**setting._asdict(), "runners": runners, "start": start})


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
