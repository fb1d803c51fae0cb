"""Tables that experiments of some minutes have stored, for the lessons to read."""

import csv
from pathlib import Path

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
