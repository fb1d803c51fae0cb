"""A run in a file: saved whole or not at all, and resumed bit for bit."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from nnlib.checks import Array, as_path, difference
from nnlib.parameters import named_parameters
from nnlib.training import Training

FORMAT = 1


def save(path: str | Path, training: Training) -> None:
    """Write all that a run needs to go on: theta, the optimizer's state, seed and step.

    One .npz, never pickle. The file appears under its name whole or not at all.

    Errors   OSError when it cannot be written; an older file of that name then stays as it is.

    >>> import tempfile, pathlib
    >>> from nnlib.layers import Linear
    >>> from nnlib.losses import mse
    >>> from nnlib.optimizers import Adam
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
    path, state = as_path("save", "path", path), training.optimizer.state()
    state |= {"theta": training.theta, "about": json.dumps(about(training))}
    part = Path(f"{path}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            np.savez(file, **state)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        reason = f"save: path must be a file that can be written; got {path}: {error.strerror}."
        raise type(error)(reason) from error
    finally:
        part.unlink(missing_ok=True)


def load(path: str | Path, training: Training) -> None:
    """Put a saved run into a Training built in the same way; it then goes on where the other stood.

    Errors   FileNotFoundError or IsADirectoryError with the path; ValueError for a file that is
             cut, changed, foreign or from another version, or that belongs to another model,
             optimizer or batch order. Nothing changes then.

    >>> load("no such run.npz", None)
    Traceback (most recent call last):
    ...
    FileNotFoundError: load: there is no file no such run.npz.
    """
    path = as_path("load", "path", path)
    saved, content = read(path)
    here = about(training)
    for key in ("format", "parameters", "optimizer", "seed", "batch_size", "samples"):
        if saved.get(key) != here[key]:
            raise ValueError(f"load: {path}: {difference(key, saved.get(key), here[key])}")
    due = training.optimizer.state() | {"theta": training.theta}
    kind = lambda a: (np.shape(a), np.asarray(a).dtype)
    if {k: kind(a) for k, a in content.items()} != {k: kind(a) for k, a in due.items()}:
        raise ValueError(f"load: {path}: its arrays do not fit the optimizer's state.")
    content = {name: value if value.ndim else value.item() for name, value in content.items()}
    training.restore(content.pop("theta"), content, content["t"] - saved["steps"])


def about(training: Training) -> dict[str, Any]:
    """What identifies a run: where it stands, and all that must agree before it can be resumed."""
    return {
        "format": FORMAT,
        "steps": training.steps,
        "parameters": {name: list(shape) for name, shape in named_parameters(training.model)},
        "optimizer": training.optimizer.settings() | {"dtype": str(training.theta.dtype)},
        "seed": training.seed,
        "batch_size": training.batch_size,
        "samples": len(training.x),
    }


def read(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """What a saved run says about itself, and its arrays, true to zip's checksums; no pickles."""
    if path.is_dir():
        raise IsADirectoryError(f"load: {path} is a folder; give the file.")
    if not path.exists():
        raise FileNotFoundError(f"load: there is no file {path}.")
    try:
        with open(path, "rb") as stored, np.load(stored, allow_pickle=False) as file:
            content = {name: file[name] for name in file.files}
        return dict(json.loads(str(content.pop("about")))), content
    except Exception as error:
        raise ValueError(f"load: {path} is not a saved run, or is damaged: {error}.") from error
