"""Tables that experiments of some minutes have stored, for the lessons to read."""

import csv
import datetime
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parents[1] / "assets" / "results"


def stored(name: str) -> list[dict[str, str]]:
    """The rows of a stored table; ``python -m benchmarks.claims_NN`` writes it anew.

    Errors   ValueError for a name that no table has.

    >>> stored("02_claims")[0]["claim"]
    'A-c2'
    """
    names = sorted(path.stem for path in RESULTS.glob("*.csv"))
    if name not in names:
        raise ValueError(f"stored: name must be one of {', '.join(names)}; got {name!r}.")
    with open(RESULTS / f"{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def outcome(claim: str, setting: str, arm: str, measure: str, values: Any) -> dict[str, Any]:
    """A row of a table: the mean of what the seeds gave, and the largest less the smallest.

    values   one for each seed; where all are infinite, the arm was refused.

    >>> row = outcome("A-c2", "rings", "trained", "accuracy", [0.5, 0.75, 1.0])
    >>> row["seeds"], row["mean"], row["spread"]
    (3, '0.75', '0.5')
    """
    values = np.atleast_1d(np.asarray(values, float))
    refused = bool(np.isinf(values).all())
    return {
        "claim": claim,
        "setting": setting,
        "arm": arm,
        "measure": measure,
        "seeds": len(values),
        "mean": "refused" if refused else f"{values.mean():.4g}",
        "spread": "0" if refused else f"{np.ptp(values):.2g}",
        "date": datetime.date.today().isoformat(),
    }


def store(name: str, rows: Iterable[dict[str, Any]]) -> Path:
    """Write a table for ``stored``; a table that stands there is replaced when all rows are known.

    Errors   ValueError when there is no row.
    """
    rows = list(rows)
    if not rows:
        raise ValueError("store: rows must hold one at least; got none. The old table stays.")
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path = RESULTS / f"{name}.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return path
