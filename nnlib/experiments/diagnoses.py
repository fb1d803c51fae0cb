"""Which diagnostic sees which planted fault: every cell of the table is measured.

Sizes and rules were set on trial runs, so that nothing measured lies near the bound of its rule.
``python -m benchmarks.faults`` measures all cells with three seeds and stores what ``table`` reads.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from math import isnan, log, nan
from typing import Any, NamedTuple

from nnlib.calculus import check_vjp
from nnlib.checks import Array, one_of, whole_number
from nnlib.examples import called, cut
from nnlib.experiments.faults import CLASSES, FAULTS, NOTHING, Trial, without_fault
from nnlib.experiments.stored import stored
from nnlib.losses import softmax_cross_entropy
from nnlib.optimizers import Adam
from nnlib.parameters import objective, parameter_vector
from nnlib.training import Training, accuracy

SEEDS, FEW, BATCH = range(3), 20, 50
CHANCE = log(CLASSES)


class Diagnostic(NamedTuple):
    """What is measured, the rule by which that has seen a fault, and how the number is told.

    measure   raises ValueError where the run stops before there is a number.
    """

    rule: str
    measure: Callable[[Trial], float]
    sees: Callable[[float], bool]
    told: Callable[[float], str]


def few(trial: Trial) -> Trial:
    """The trial on twenty images, which are also those to be tested on."""
    x, labels = cut(trial.x, slice(FEW)), trial.labels[:FEW]
    return trial._replace(x=x, labels=labels, x_test=x, labels_test=labels)


def raises(trial: Trial) -> float:
    """1 where the way back raises, else 0."""
    z, pullback = called(trial.model, trial.x)
    _, loss_pullback = softmax_cross_entropy(z, labels=trial.labels)
    try:
        pullback(loss_pullback(1.0))
    except ValueError:
        return 1.0
    return 0.0


def first_loss(trial: Trial) -> float:
    """The loss on all images before the first step."""
    z, _ = called(trial.model, trial.x)
    return float(softmax_cross_entropy(z, labels=trial.labels)[0])


def after(trial: Trial, steps: int) -> Array:
    """The losses of so many steps."""
    rule = Adam(parameter_vector(trial.model)[0], **trial.rule)
    run = trial.model, softmax_cross_entropy, rule, trial.x, trial.labels
    batch_size = min(BATCH, len(trial.labels))
    return Training(*run, batch_size=batch_size, seed=trial.seed).run(steps).loss


def last_losses(trial: Trial) -> float:
    """The mean of the last hundred losses of six hundred."""
    return float(after(trial, 600)[-100:].mean())


def read_rightly(trial: Trial, steps: int) -> float:
    """The share of the test images that are read rightly after so many steps."""
    after(trial, steps)
    return accuracy(trial.model, trial.x_test, trial.labels_test)


def check_fails(trial: Trial, *, directions: int | None) -> float:
    """1 where the gradient check fails, else 0."""
    x, constants = ((), trial.x) if isinstance(trial.x, Mapping) else ((trial.x,), {})
    of_data: Any = {"constants": constants, "labels": trial.labels}
    loss = objective(trial.model, softmax_cross_entropy, *x, **of_data)
    theta = parameter_vector(trial.model)[0].copy()
    try:
        check_vjp(loss, theta, directions=directions)
    except AssertionError:
        return 1.0
    return 0.0


passes = lambda fails: "fails" if fails else "passes"

DIAGNOSTICS = {
    "shapes": Diagnostic(
        "one step raises",
        lambda trial: raises(few(trial)),
        bool,
        lambda m: "a step raises" if m else "a step runs",
    ),
    "first loss": Diagnostic(
        f"it is off ln {CLASSES} = {CHANCE:.2f} by more than 1",
        first_loss,
        lambda m: abs(m - CHANCE) > 1,
        lambda m: f"{m:.1f}",
    ),
    "twenty images": Diagnostic(
        "300 steps on them do not teach them all",
        lambda trial: read_rightly(few(trial), 300),
        lambda m: m < 1,
        lambda m: f"{100 * m:.0f} % learned",
    ),
    "loss curve": Diagnostic(
        f"the last 100 of 600 losses are above half of ln {CLASSES} on average",
        last_losses,
        lambda m: m > CHANCE / 2,
        lambda m: f"ends at {m:.1f}",
    ),
    "accuracy": Diagnostic(
        "fewer than 80 % of unseen images are read rightly",
        lambda trial: read_rightly(trial, 600),
        lambda m: m < 0.8,
        lambda m: f"{100 * m:.0f} % of unseen images",
    ),
    "one direction": Diagnostic(
        "check_vjp(loss, theta, directions=1) fails",
        lambda trial: check_fails(few(trial), directions=1),
        bool,
        passes,
    ),
    "whole check": Diagnostic(
        "check_vjp(loss, theta) fails",
        lambda trial: check_fails(few(trial), directions=None),
        bool,
        passes,
    ),
}


def measured(fault: str, diagnostic: str, seed: int) -> float:
    """What a diagnostic measures of a fault; nan where the run stops before.

    Errors   ValueError for a fault or a diagnostic that there is not.

    >>> measured("pixels unscaled", "first loss", 0) > 9
    True
    """
    one_of("measured", "fault", fault, tuple(FAULTS | NOTHING))
    one_of("measured", "diagnostic", diagnostic, tuple(DIAGNOSTICS))
    network, _, _, plant = (FAULTS | NOTHING)[fault]
    trial = plant(without_fault(network, seed))
    try:
        return DIAGNOSTICS[diagnostic].measure(trial)
    except ValueError:
        return nan


# -- the table -------------------------------------------------------------------------------------


class Cell(NamedTuple):
    """What a diagnostic made of a fault: "seen", "blind", "sometimes" or "stops", and what it told.

    told   from the mean over the seeds.
    """

    outcome: str
    told: str


@lru_cache
def table() -> dict[str, dict[str, Cell]]:
    """For each fault what each diagnostic made of it, as stored.

    >>> table()["labels shuffled"]["loss curve"]
    Cell(outcome='seen', told='ends at 2.3')
    """
    cells: dict[str, dict[str, Cell]] = {}
    for row in stored("faults"):
        mean, seen = float(row["mean"]), float(row["seen"])
        outcome = "seen" if seen == 1 else "sometimes" if seen else "blind"
        outcome = "stops" if isnan(mean) else outcome
        told = "never reached" if isnan(mean) else DIAGNOSTICS[row["measure"]].told(mean)
        cells.setdefault(row["arm"], {})[row["measure"]] = Cell(outcome, told)
    return cells


class Found(NamedTuple):
    """What the first so many diagnostics found of a fault.

    first   the first that sees it; "" where none of these does.
    """

    words: str
    of_gradient: bool
    cells: dict[str, Cell]
    first: str


def tried(fault: str, diagnostics: int) -> Found:
    """The first so many diagnostics, from the cheapest on, tried on a fault.

    Errors   ValueError for a fault that there is not, or a number beyond that of the diagnostics.

    >>> tried("σ for σ′", 3).first
    'twenty images'
    """
    one_of("tried", "fault", fault, tuple(FAULTS))
    whole_number("tried", "diagnostics", diagnostics, low=0, high=len(DIAGNOSTICS))
    cells = dict(list(table()[fault].items())[:diagnostics])
    first = next((name for name, cell in cells.items() if cell.outcome != "blind"), "")
    return Found(FAULTS[fault].words, FAULTS[fault].of_gradient, cells, first)


class Sheet(NamedTuple):
    """The table as far as a class has filled it.

    groups    the faults of the gradient, and the others: for each fault its outcomes, from the
              first diagnostic on; "" where none was tried.
    tallies   for each group, of how many of those tried each diagnostic leaves a trace.
    """

    groups: dict[str, dict[str, list[str]]]
    tallies: dict[str, list[str]]


OF_GRADIENT, OTHERS = "faults of the gradient", "other faults"


def sheet(opened: Mapping[str, int]) -> Sheet:
    """The table in which so many diagnostics have been tried on each of these faults.

    >>> sheet({"labels shuffled": 4}).tallies["other faults"]
    ['0 of 1', '0 of 1', '0 of 1', '1 of 1', '', '', '']
    """
    groups: dict[str, dict[str, list[str]]] = {OF_GRADIENT: {}, OTHERS: {}}
    for fault, count in opened.items():
        found = tried(fault, count)
        known = [cell.outcome for cell in found.cells.values()]
        group = OF_GRADIENT if found.of_gradient else OTHERS
        groups[group][fault] = known + [""] * (len(DIAGNOSTICS) - count)
    tallies = {
        group: [traces([row[k] for row in rows.values()]) for k in range(len(DIAGNOSTICS))]
        for group, rows in groups.items()
    }
    return Sheet(groups, tallies)


def traces(column: list[str]) -> str:
    """How many of the outcomes that are known are not blind; "" where none is known.

    >>> traces(["seen", "stops", "blind", ""]), traces([""])
    ('2 of 3', '')
    """
    known = [outcome for outcome in column if outcome]
    return f"{sum(one != 'blind' for one in known)} of {len(known)}" if known else ""


def finding(tallies: Mapping[str, list[str]]) -> str:
    """What a whole table says: which diagnostics miss no fault of the gradient.

    >>> finding(sheet(dict.fromkeys(FAULTS, len(DIAGNOSTICS))).tallies)
    'One direction, whole check: every fault of the gradient, no other'
    """
    never_blank = [k for k, told in enumerate(tallies[OF_GRADIENT]) if all_of(told)]
    no_other = all(tallies[OTHERS][k].startswith("0 ") for k in never_blank)
    names = ", ".join(list(DIAGNOSTICS)[k] for k in never_blank) or "none of them"
    return f"{names.capitalize()}: every fault of the gradient" + ", no other" * no_other


def all_of(told: str) -> bool:
    """Whether so many are all.

    >>> all_of("7 of 7"), all_of("1 of 7")
    (True, False)
    """
    some, every = told.split(" of ")
    return some == every
