"""The progress bar of everything that takes a while."""

from typing import Any


def progress_bar(steps: Any = None, **options: Any) -> Any:
    """tqdm's bar, around what is counted or moved by hand, without the thread that watches bars.

    That thread would outlive the bar, and all threads end with the call that made them.

    >>> [step for step in progress_bar(range(3), disable=True)]
    [0, 1, 2]
    """
    from tqdm.auto import tqdm

    class Bar(tqdm):
        monitor_interval = 0

    return Bar(steps, **options)
