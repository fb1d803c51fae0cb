"""Exercises: what a student writes in a lesson, and a verdict that knows the usual slips.

A lesson's exercises stand in ``lesson_NN.py``, in a table ``EXERCISES`` of names to ``Exercise``.
"""

from collections.abc import Callable
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from nnlib.exercises.judge import Exercise, verdict


@lru_cache
def exercises() -> dict[str, Exercise]:
    """All exercises of the course by their names, which differ.

    >>> all(isinstance(one, Exercise) for one in exercises().values())
    True
    """
    modules = [name for _, name, _ in iter_modules(__path__) if name.startswith("lesson_")]
    tables = [import_module(f"nnlib.exercises.{name}").EXERCISES for name in sorted(modules)]
    return {name: one for table in tables for name, one in table.items()}


def exercise(name: str, answer: Callable) -> None:
    """Print what there is to say about an answer: what to do, what it proves, or which slip it is.

    A wrong answer raises nothing, so that the lesson goes on.

    Errors   ValueError for a name that no exercise has, TypeError for what is no function.
    """
    if name not in exercises():
        close = get_close_matches(str(name), exercises(), n=1) or list(exercises())[:1]
        raise ValueError(
            f"exercise: name must be that of an exercise, such as {close}; got {name!r}."
        )
    if not callable(answer):
        raise TypeError(
            f"exercise: answer must be the function that you wrote; got {type(answer).__name__}. "
            "Give it without brackets."
        )
    print(f"{name}. {verdict(exercises()[name], answer)}")
