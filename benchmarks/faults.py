"""Each planted fault before each diagnostic, in some minutes: python -m benchmarks.faults

The rules stand beside the diagnostics in nnlib/experiments/diagnoses.py. A diagnostic has seen a
fault if it does with each of three seeds, which draw the first weights and the batches; with
nothing wrong none may see anything.
"""

from math import isnan

from nnlib.experiments.diagnoses import DIAGNOSTICS, SEEDS, measured
from nnlib.experiments.faults import FAULTS, NOTHING
from nnlib.experiments.stored import outcome, store

SETTING = "digits, 20 images or 600 steps of 50"


def rows():
    """The rows of the table, printed as they are found."""
    for fault in FAULTS | NOTHING:
        for name, diagnostic in DIAGNOSTICS.items():
            values = [measured(fault, name, seed) for seed in SEEDS]
            seen = sum(isnan(value) or diagnostic.sees(value) for value in values) / len(SEEDS)
            print(f"{fault:32} {name:14} {seen:.2g}  {values}")
            yield outcome("faults", SETTING, fault, name, values) | {"seen": f"{seen:.2g}"}


if __name__ == "__main__":
    print(store("faults", rows()))
