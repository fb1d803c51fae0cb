"""Contestants that race, each a process of its own, in turn: a busy machine slows all alike.

A script names its contestants. Each is a function without arguments that sets up and returns
another, which prepares one burst: it returns the burst, to be timed, and how many steps that has.
"""

import os
import statistics
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from time import perf_counter

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
ONE_THREAD = dict.fromkeys(THREADS, "1")


def compete(contestant):
    """In a process of its own: for each line read, do a burst and write the µs of a step."""
    try:
        with redirect_stdout(StringIO()):
            prepare = contestant()
            prepare()[0]()  # to warm up
    except ImportError as error:
        print(error, flush=True)
        return
    print("ready", flush=True)
    for _ in sys.stdin:
        burst, steps = prepare()
        start = perf_counter()
        burst()
        print(1e6 * (perf_counter() - start) / steps, flush=True)


def started(script, name, settings):
    """The process of a contestant, or None if what it needs is not installed."""
    process = subprocess.Popen(
        [sys.executable, script, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | settings,
    )
    answer = process.stdout.readline().strip()
    if answer == "ready":
        return process
    print(f"{name} does not take part: {answer}")
    process.communicate()
    return None


def race(script, names, turns, settings=None):
    """The µs of a step in each turn, a list for each contestant that is installed.

    settings: environment variables by contestant, beside one thread each.
    """
    of = lambda name: ONE_THREAD | (settings or {}).get(name, {})
    processes = {name: p for name in names if (p := started(script, name, of(name)))}
    times = {name: [] for name in processes}
    for _ in range(turns):
        for name, process in processes.items():
            print(file=process.stdin, flush=True)
            times[name].append(float(process.stdout.readline()))
    for process in processes.values():
        process.communicate()
    return times


def show(times, title, heads, others):
    """Print each contestant's µs a step, and its ratios to others: of the least and the median.

    Medians of ratios are over the turns.
    """
    width = max(map(len, [title, *times])) + 2
    print(f"{title:{width}}", *(f"{head:>16}" for head in ("µs a step", *heads)))
    print(" " * width + f" {'least':>8} {'median':>7}" * (len(heads) + 1))
    for name, own in times.items():
        numbers = [f"{min(own):8.0f} {statistics.median(own):7.0f}"]
        for other in (times[other] for other in others):
            typical = statistics.median(a / b for a, b in zip(own, other))
            numbers += [f"{min(own) / min(other):8.2f} {typical:7.2f}"]
        print(f"{name:{width}}", *numbers)
