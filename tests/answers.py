"""What exercises say to lines that a student writes."""

import inspect

import numpy as np

from nnlib.exercises import exercises
from nnlib.exercises.judge import verdict


def said(name: str, lines: str) -> str:
    """What is said to who writes these lines as the body of the answer."""
    exercise, space = exercises()[name], {"np": np}
    exec(
        f"def answer({', '.join(inspect.signature(exercise.right).parameters)}):\n    {lines}",
        space,
    )
    return verdict(exercise, space["answer"])
