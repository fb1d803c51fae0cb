"""Axes of the race as plain values: label, ends, ticks with their texts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from nnlib.checks import Array
from nnlib.words import RAISED, short

DEEPEST = 1e-12  # of the first value: what lies lower is of no interest to the eye


def linear(low: float, high: float, label: str) -> dict[str, Any]:
    """An axis from one number to another, with ticks at round numbers.

    >>> linear(0, 10, "step")["ticks"]
    [[0.0, '0'], [5.0, '5'], [10.0, '10']]
    """
    places = [
        float(x)
        for x in MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(low, high)
        if low <= x <= high
    ]
    ticks = [[place, short(place, 4)] for place in places]
    return {"label": label, "low": float(low), "high": float(high), "log": False, "ticks": ticks}


def logarithmic(low: float, high: float, label: str) -> dict[str, Any]:
    """An axis with equal room for each power of ten, some four of them marked.

    >>> [text for _, text in logarithmic(1e-9, 30, "loss")["ticks"]]
    ['10⁻⁹', '10⁻⁶', '10⁻³', '1']
    """
    ends = int(np.ceil(np.log10(low) - 1e-9)), int(np.floor(np.log10(high) + 1e-9))
    powers = range(ends[0], ends[1] + 1, max(1, -(-(ends[1] - ends[0]) // 4)))
    ticks = [[10.0**k, f"10{str(k).translate(RAISED)}" if k else "1"] for k in powers]
    return {"label": label, "low": float(low), "high": float(high), "log": True, "ticks": ticks}


def fitting(rows: Sequence[Array], label: str = "") -> dict[str, Any]:
    """The axis on which all rows can be told apart; who leaves it far above, leaves it.

    >>> axis = fitting([np.array([8.0, 4.0, 1e-30]), np.array([8.0, 1e9, np.nan])], "loss")
    >>> axis["log"], f"{axis['low']:.0e}", f"{axis['high']:.0e}"
    (True, '5e-12', '1e+03')
    """
    values = np.concatenate([row[np.isfinite(row)] for row in rows] or [np.ones(1)])
    if not values.size:
        values = np.ones(1)
    first = np.max(np.abs([row[0] for row in rows if np.isfinite(row[:1]).all()]), initial=0.0)
    top = 100 * first if first else np.inf
    if values.min() < 0:
        low, high = max(values.min(), -top), min(values.max(), top)
        room = 0.06 * (high - low) or 1.0
        return linear(low - room, high + room, label)
    values = values[values > 0] if values.any() else np.ones(1)
    high = min(values.max(), top) * 1.5
    low = max(values.min(), DEEPEST * (first or high)) / 1.5
    return logarithmic(min(low, high / 20), high, label)
