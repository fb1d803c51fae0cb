"""A grid of runs: every combination of settings with every seed, in turn or on an executor."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future
from functools import partial
from itertools import product
from typing import Any, NamedTuple


class Swept(NamedTuple):
    """What one run gave, with the settings and the seed that it was given."""

    settings: dict[str, Any]
    seed: int
    result: Any


def sweep(
    run: Callable[..., Any],
    grid: Mapping[str, Iterable[Any]],
    *,
    seeds: Iterable[int],
    executor: Executor | None = None,
) -> list[Swept]:
    """Call run(**settings, seed=seed) for every combination of the grid and every seed.

    The list is in the grid's order, seeds last, whoever ended first.

    executor   any of concurrent.futures, which stays open; None: one after another. Processes
               need a run that can be pickled: a function of a module.
    Errors     TypeError or ValueError for a grid or seeds that hold no values; RuntimeError for a
               run that failed, with its settings; what has not begun by then is cancelled.

    >>> found = sweep(lambda lr, seed: lr * seed, {"lr": [1, 10]}, seeds=[2, 3])
    >>> [(one.settings["lr"], one.seed, one.result) for one in found]
    [(1, 2, 2), (1, 3, 3), (10, 2, 20), (10, 3, 30)]
    """
    if not callable(run):
        raise TypeError(f"sweep: run must be a function; got {type(run).__name__}.")
    if not isinstance(grid, Mapping):
        got = type(grid).__name__
        raise TypeError(f"sweep: grid must map names to their values; got {got}.")
    if "seed" in grid:
        raise ValueError("sweep: grid must leave seed out; got it. Say seeds=[...].")
    axes = [several(f"grid[{name!r}]", values) for name, values in grid.items()]
    jobs = [
        (dict(zip(grid, values)), seed) for *values, seed in product(*axes, several("seeds", seeds))
    ]
    calls = [partial(run, **settings, seed=seed) for settings, seed in jobs]
    if executor is None:
        return [Swept(*job, outcome(*job, call)) for job, call in zip(jobs, calls)]
    started: list[Future] = []
    try:
        started.extend(executor.submit(call) for call in calls)
        return [Swept(*job, outcome(*job, future.result)) for job, future in zip(jobs, started)]
    finally:
        for future in started:
            future.cancel()


def several(name: str, values: Any) -> list[Any]:
    """The values, when there are some."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        got = type(values).__name__
        raise TypeError(f"sweep: {name} must be a list of values; got {got}. Use [{values!r}].")
    found = list(values)
    if not found:
        raise ValueError(f"sweep: {name} must hold a value at least; got none.")
    return found


def outcome(settings: Mapping[str, Any], seed: int, result: Callable[[], Any]) -> Any:
    """What a run gives, or an error that says which run it was."""
    try:
        return result()
    except Exception as error:
        named = ", ".join(f"{k}={v!r}" for k, v in [*settings.items(), ("seed", seed)])
        raise RuntimeError(
            f"sweep: the run with {named} failed; {type(error).__name__}: {error}"
        ) from error
