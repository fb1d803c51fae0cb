"""A run in a file: saved whole or not at all, and resumed bit for bit."""

import json
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from nnlib.archives import Archive, kind_of, only_damage, packed, put, refuse_place
from nnlib.checks import Array, all_finite, as_path, difference, number, whole_number
from nnlib.contract import kindly
from nnlib.fingerprints import described, rates
from nnlib.optimizers import Optimizer
from nnlib.parameters import Model, named_parameters, require_current
from nnlib.training import Training

FORMAT = 2
LONGEST = 1 << 20  # letters that a file may say about itself


@kindly
def save(path: str | Path, training: Training) -> None:
    """Write all that a run needs to go on: theta, the optimizer's state, seed and step.

    One .npz, never pickle. The file appears under its name whole or not at all; a link is followed.

    Errors   TypeError for what is no Training, and for an array of the optimizer that is not part
             of its state; OSError when the file cannot be written. An older file then stays.

    >>> import tempfile, pathlib
    >>> from nnlib.layers import Linear
    >>> from nnlib.losses import mse
    >>> from nnlib.optimizers import Adam
    >>> from nnlib.parameters import parameter_vector
    >>> def run():
    ...     model = Linear(1, 1, rng=0)
    ...     x = np.linspace(0, 1, 8)[:, None]
    ...     optimizer = Adam(parameter_vector(model)[0])
    ...     return Training(model, mse, optimizer, x, 2 * x, batch_size=4, seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "run.npz")
    ...     first = run(); _ = first.run(3); save(path, first); _ = first.run(3)
    ...     second = run(); load(path, second); _ = second.run(3)
    >>> bool((first.theta == second.theta).all())
    True
    """
    path = checked("save", path, training)
    training.place()
    text = json.dumps(about(training))
    if len(text) > LONGEST:
        raise ValueError(f"save: training must be told in {LONGEST} letters; it takes {len(text)}.")
    content = packed(content_of("save", training) | {"about": text})
    put("save", path, content)


@kindly
def load(path: str | Path, training: Training) -> None:
    """Put a saved run into a Training built in the same way; it then goes on where the other stood.

    Errors   TypeError for what is no Training; FileNotFoundError, IsADirectoryError or another
             OSError with the path; ValueError for a file that is cut, changed, foreign or from
             another version, or of a run made otherwise: its model, loss, optimizer, schedule,
             batch order, clip, workers or data. Nothing changes then.

    >>> load("run.npz", "a run")
    Traceback (most recent call last):
    ...
    TypeError: load: training must be a Training; got str.
    """
    path = checked("load", path, training)
    require_current("load", training.optimizer.home)
    refuse_place("load", path)
    with open(path, "rb") as file:
        with only_damage("load", path, "a saved run"):
            archive = Archive(file)
            saved = read_about(archive)
        due, here = content_of("load", training), about(training)
        for key in here:
            if key != "steps":
                refuse(path, key, saved.get(key), here[key])
        kinds = {name: str(kind_of(value)) for name, value in due.items()}
        found = {name: str(kind) for name, kind in archive.kinds.items() if name != "about"}
        refuse(path, "arrays", found, kinds)
        with only_damage("load", path, "a saved run"):
            content = {name: archive[name] for name in due}
    refuse_values(path, saved.get("steps"), content)
    state = {name: like(due[name], value) for name, value in content.items()}
    training.restore(state.pop("theta"), state)


def about(training: Training) -> dict[str, Any]:
    """What identifies a run: where it stands, and all that must agree before it can be resumed."""
    return {
        "format": FORMAT,
        "steps": training.steps,
        "parameters": {name: list(shape) for name, shape in named_parameters(training.model)},
        "optimizer": training.optimizer.settings() | {"dtype": str(training.theta.dtype)},
        "seed": training.seed,
        "batch_size": training.batch_size,
        "samples": len(training.labels),
        "clip": training.clip if isfinite(training.clip) else None,
        "workers": training.workers,
        "model": described(training.model, "model"),
        "loss": described(training.loss, "loss"),
        "schedule": rates(training.schedule),
        "data": training.fingerprint,
    }


def content_of(where: str, training: Training) -> dict[str, Any]:
    """What a step changes: the optimizer's state and theta."""
    state = training.optimizer.state()
    for name, value in state.items():
        plain = isinstance(value, np.ndarray) or not np.ndim(value)
        if not plain or np.asarray(value).dtype.kind not in "fiub":
            raise TypeError(
                f"{where}: optimizer must keep its state in arrays and numbers; {name!r} is "
                f"{type(value).__name__}."
            )
    return state | {"theta": training.theta}


def like(here: Any, value: Array) -> Any:
    """A number or array from a file as what stands in its place."""
    return value if isinstance(here, np.ndarray) else type(here)(value.item())


def checked(where: str, path: Any, training: Any) -> Path:
    """The path, when the arguments are of their types and in their order."""
    if isinstance(path, Training):
        raise TypeError(f"{where}: path must be a path; got Training. Use {where}(path, training).")
    path = as_path(where, "path", path)
    if not isinstance(training, Training):
        advice = " It is in a Training." if isinstance(training, Model | Optimizer) else ""
        got = type(training).__name__
        raise TypeError(f"{where}: training must be a Training; got {got}.{advice}")
    if "\0" in str(path):
        raise ValueError(
            f"{where}: path must be a path; got {str(path)!r}, which holds a zero byte."
        )
    return path


def read_about(archive: Archive) -> dict[str, Any]:
    """What a saved run says about itself."""
    kind = archive.kinds.get("about")
    if kind is None or kind.shape or kind.dtype.kind != "U" or kind.dtype.itemsize > 4 * LONGEST:
        raise ValueError("it does not say what run it is")
    return dict(json.loads(archive["about"].item()))


def refuse(path: Path, key: str, saved: Any, here: Any) -> None:
    """Refuse what a file has otherwise, and name three things at most."""
    if saved == here:
        return
    if isinstance(saved, dict) and isinstance(here, dict):
        both = {name: saved[name] for name in saved if name in here and saved[name] == here[name]}
        names = [name for name in here | saved if name not in both][:3]
        saved, here = ({name: d[name] for name in names if name in d} for d in (saved, here))
    elif len(str(saved)) > 60:
        saved = f"{str(saved)[:60]}..."
    raise ValueError(f"load: {path}: {difference(key, saved, here)}")


def refuse_values(path: Path, steps: Any, content: dict[str, Array]) -> None:
    """Refuse numbers that no run comes to."""
    where, t = f"load: {path}", content["t"].item()
    whole_number(where, "t", t, low=0)
    if type(steps) is not int or steps != t:
        raise ValueError(f"{where}: steps is {str(steps)[:60]}, but t is {t}.")
    number(where, "lr", content["_lr"].item(), "[0, inf)")
    for name, value in content.items():
        all_finite(where, name, value)
