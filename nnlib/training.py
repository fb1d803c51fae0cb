"""Training: one loop for notebooks, panels, sweeps and tests; saved and resumed bit for bit."""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np

from nnlib.blocks import sigmoid
from nnlib.checks import (
    Array,
    Rng,
    all_finite,
    callable_block,
    finite,
    number,
    numeric,
    whole_number,
)
from nnlib.examples import (
    as_classes,
    classes_for,
    converted,
    data,
    hits,
    kindly,
    one_number,
)
from nnlib.fingerprints import digest
from nnlib.layers import Dropout
from nnlib.losses import keyword_of
from nnlib.machine import apart, keep_heap_warm, one_blas_thread, side_by_side
from nnlib.optimizers import Optimizer, Schedule
from nnlib.parameters import Model, parameter_vector, replica, require_current
from nnlib.progress import progress_bar

RUNAWAY: Any = {"over": "ignore", "invalid": "ignore", "divide": "ignore"}  # step() reports it


class Record(NamedTuple):
    """What one step saw before it moved: the loss, accuracy and gradient norm on its batch."""

    step: int
    epoch: int
    loss: float
    accuracy: float
    gradient_norm: float


class Training:
    """A whole run: model, loss, optimizer and data, advanced by ``step()``.

    The batch order of epoch e is ``default_rng([seed, e]).permutation(N)``, so theta, the
    optimizer's state, seed and step say where a run stands, and a resumed run is the unbroken one
    bit for bit. The optimizer counts the steps: a run built with one that has taken some goes on
    behind them, as if all had been steps of this run.

    A pullback made before a step belongs to the parameters before it: call it before the step.

    x          (N, ...), converted to the parameters' type; labels (N, ...), handed to the loss by
               its keyword.
    schedule   step -> learning rate, set before each step.
    workers    threads, each taking its share of every batch with gradients of its own.
    Errors     TypeError or ValueError for data, sizes, parameters or an optimizer that do not
               belong together, before anything changes. From step(): FloatingPointError when the
               run diverges, with the last good parameters in place; ValueError when another run
               has moved the optimizer on.

    >>> from nnlib.losses import softmax_cross_entropy
    >>> from nnlib.mlp import MLP
    >>> from nnlib.optimizers import Adam
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((60, 2)); labels = (x.sum(axis=1) > 0).astype(int)
    >>> model = MLP(2, 8, 2, rng=rng)
    >>> optimizer = Adam(parameter_vector(model)[0], lr=0.05)
    >>> loss = softmax_cross_entropy
    >>> training = Training(model, loss, optimizer, x, labels, batch_size=20, seed=0)
    >>> history = training.run(60)
    >>> len(history), bool(history.loss[-1] < history.loss[0])
    (60, True)
    """

    @kindly
    def __init__(
        self,
        model: Model,
        loss: Callable,
        optimizer: Optimizer,
        x: Any,
        labels: Any,
        *,
        batch_size: int,
        seed: int,
        schedule: Schedule | None = None,
        workers: int = 1,
    ) -> None:
        theta, _ = parameter_vector(model)
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                "Training: optimizer must be an Optimizer, as Adam(parameter_vector(model)[0]) is; "
                f"got {type(optimizer).__name__}."
            )
        if optimizer.theta is not theta:
            raise ValueError(
                "Training: optimizer must move this model's parameters; it holds another vector. "
                "Build it with parameter_vector(model)[0]."
            )
        all_finite("Training", "theta", theta)
        self.x, self.labels = data("Training", model, x, labels)
        count = len(self.x)
        self.batch_size = whole_number("Training", "batch_size", batch_size, low=1, high=count)
        self.seed = whole_number("Training", "seed", seed, low=0)
        self.workers = whole_number("Training", "workers", workers, low=1)
        self.model, self.loss, self.optimizer, self.schedule = model, loss, optimizer, schedule
        if schedule is not None:
            callable_block("Training", "schedule", schedule, "a function step -> learning rate")
        self.target_name = keyword_of("Training", loss)
        if self.target_name != "labels" and self.labels.dtype.kind == "f":
            self.labels = converted("Training", "labels", self.labels, theta.dtype)
        with np.errstate(**RUNAWAY):  # the loss sees every label before anything moves
            z, _ = model(self.x[:1])
            scores = np.broadcast_to(np.nan_to_num(z), (count, *z.shape[1:]))
            one_number("Training", loss, loss(scores, **{self.target_name: self.labels}))
        self.classes = classes_for(loss, self.labels, scores.shape)
        self.draws = any(isinstance(layer, Dropout) for layer in model.layers())
        self.begun = optimizer.t
        self.good: tuple[Array, dict[str, Any]] | None = None
        self.allocate()
        keep_heap_warm()

    def allocate(self) -> None:
        """The vectors of this run's own model, and room for a batch and for each worker."""
        self.theta, self.grad = parameter_vector(self.model)
        self.batch = np.empty((self.batch_size, *self.x.shape[1:]), self.x.dtype)
        several = range(self.workers if self.workers > 1 else 0)
        self.replicas = [replica(self.model) for _ in several]

    def __getstate__(self) -> dict[str, Any]:
        """All but what a copy, which has a model of its own, allocates anew."""
        self.place()
        own = ("theta", "grad", "batch", "replicas")
        return {name: value for name, value in vars(self).items() if name not in own}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.allocate()

    @cached_property
    def fingerprint(self) -> dict[str, str]:
        """By what the data are known again; taken when first asked for, in a second for a GB."""
        return {"x": digest(self.x), "labels": digest(self.labels)}

    @property
    def steps(self) -> int:
        """How many steps have been taken; the optimizer counts, so the two cannot disagree."""
        return self.optimizer.t

    @property
    def steps_per_epoch(self) -> int:
        """How many batches cover the data once; the last may be smaller."""
        return math.ceil(len(self.x) / self.batch_size)

    @apart
    def step(self) -> Record:
        """One update; the record tells what the batch looked like before it."""
        with one_blas_thread():
            return self.advance()

    def run(self, steps: int) -> np.recarray:
        """So many steps; their records as one array, the fields of Record as its columns."""
        return self.over(range(whole_number("run", "steps", steps, low=0)))

    @apart
    def over(self, steps: Iterable[int]) -> np.recarray:
        """A step for each of these."""
        with one_blas_thread():
            return as_history(self.advance() for _ in steps)

    def advance(self) -> Record:
        """One step, for a caller that has seen to one BLAS thread."""
        step = self.place()
        epoch, place = divmod(step, self.steps_per_epoch)
        first = place * self.batch_size
        rows = order(self.seed, epoch, len(self.x))[first : first + self.batch_size]
        if self.schedule is not None:
            rate = number("Training", f"schedule({step})", self.schedule(step), "[0, inf)")
            self.optimizer.lr = rate
        with np.errstate(**RUNAWAY):
            loss, accuracy = self.differentiate(rows, step)
            norm = length(self.grad)
            if not (math.isfinite(loss) and math.isfinite(norm)):
                self.stop(step + 1, loss, "gradient")
            self.good = self.theta.copy(), self.optimizer.state()
            self.begun = step + 1
            try:
                self.optimizer.advance(self.grad)  # which is known to fit and to be finite
            except FloatingPointError:
                self.stop(step + 1, loss, "step")
        return Record(step + 1, epoch + 1, loss, accuracy, norm)

    def place(self) -> int:
        """Where this run stands, when nobody has taken its parameters or moved its optimizer on."""
        require_current("Training", self.optimizer.home)
        step = self.steps
        if not self.begun - 1 <= step <= self.begun:  # a step that was begun may be interrupted
            raise ValueError(
                f"Training: optimizer must be where this run left it, at step {self.begun}; it is "
                f"at step {step}: another run moved it. Build a new Training, which goes on there."
            )
        return step

    def differentiate(self, rows: Array, step: int) -> tuple[float, float]:
        """Fill grad with the gradient on these rows; return the loss and the accuracy."""
        count = len(rows)
        if self.workers == 1:
            self.grad[:] = 0
            return self.shard(self.model, rows, self.batch[:count], count, self.generator(step, 0))
        shares = [share for share in np.array_split(np.arange(count), self.workers) if len(share)]
        grads = [parameter_vector(twin)[1] for twin in self.replicas[: len(shares)]]

        def work(k: int) -> tuple[float, float]:
            grads[k][:] = 0
            buffer = self.batch[shares[k][0] : shares[k][-1] + 1]
            rng = self.generator(step, k)
            with np.errstate(**RUNAWAY):  # a thread does not inherit it
                return self.shard(self.replicas[k], rows[shares[k]], buffer, count, rng)

        parts = side_by_side(work, len(shares))
        np.sum(grads, axis=0, out=self.grad)
        return sum(loss for loss, _ in parts), sum(accuracy for _, accuracy in parts)

    def shard(
        self, model: Model, rows: Array, buffer: Array, total: int, rng: Rng | None
    ) -> tuple[float, float]:
        """Forward and back on some of a batch's total rows: shares of its loss and accuracy."""
        x = np.take(self.x, rows, axis=0, out=buffer, mode="clip")
        labels, share = self.labels[rows], len(rows) / total
        z, model_pullback = model.on_data(x, rng=rng)
        try:
            loss, loss_pullback = self.loss(z, **{self.target_name: labels})
        except (ValueError, FloatingPointError):
            if finite(z):
                raise
            return math.nan, math.nan  # a loss may refuse scores that ran away: advance() tells
        model_pullback(loss_pullback(share))
        right = math.nan if self.classes is None else hits(z, self.classes[rows]) / labels.size
        return share * loss, share * right

    def generator(self, step: int, worker: int) -> Rng | None:
        """What dropout draws from at this step, a function of the seed and the step alone."""
        return np.random.default_rng([self.seed, step, worker, 1]) if self.draws else None

    def stop(self, step: int, loss: float, found: str) -> None:
        """Say where and why the run diverged, and put the last good parameters back."""
        if self.good is not None:
            self.restore(*self.good)
        what = f"loss {loss:.4g}" + f", {found} not finite" * math.isfinite(loss)
        cause = f"a learning rate of {self.optimizer.lr:g} is too large"
        largest = float(np.abs(self.x).max())
        if self.x.dtype.kind == "f" and largest > 20:
            scaling = f"scale it, for example by 1/{largest:g}"
            cause = f"the input reaches {largest:g} ({scaling}), or {cause}"
        raise FloatingPointError(
            f"Training: diverged at step {step}: {what}. Likely cause: {cause}. "
            f"The parameters are those after step {self.steps}."
        )

    def restore(self, theta: Array, state: dict[str, Any]) -> None:
        """Put theta and the optimizer's state back; interrupts fall before or after."""
        update = vars(self.optimizer).update
        self.begun, self.good = state["t"], None
        self.theta[:] = theta
        update(state)


@kindly
def fit(
    model: Model,
    loss: Callable,
    optimizer: Optimizer,
    x: Any,
    labels: Any,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    schedule: Schedule | None = None,
    workers: int = 1,
    progress: bool = True,
) -> np.recarray:
    """Train for so many epochs, with a progress bar, and return the history.

    The run goes on where the optimizer stands: ``fit(epochs=1)`` three times is ``fit(epochs=3)``
    bit for bit, its history in three parts, and an interrupted fit is gone on with. The optimizer's
    steps are counted in batches of this call. To begin anew, build a new optimizer.

    Shapes   x (N, features), labels (N, ...) -> history: a record a step, with the columns step,
             epoch, loss, accuracy, gradient_norm.
    Errors   as Training; ValueError for an x that is not (N, features) with the features that the
             model takes.

    >>> from nnlib.losses import softmax_cross_entropy
    >>> from nnlib.mlp import MLP
    >>> from nnlib.optimizers import Adam
    >>> model = MLP(2, 16, 2, rng=0)
    >>> optimizer = Adam(parameter_vector(model)[0], lr=0.1)
    >>> xor = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> history = fit(model, softmax_cross_entropy, optimizer, xor, [0, 1, 1, 0],
    ...               epochs=100, batch_size=4, seed=0, progress=False)
    >>> len(history), float(history.accuracy[-1])
    (100, 1.0)
    """
    epochs = whole_number("fit", "epochs", epochs, low=1)
    x = numeric("fit", "x", x)
    if x.ndim != 2:
        advice = "For one example use x[None, :]." if x.ndim == 1 else "Use x.reshape(len(x), -1)."
        raise ValueError(f"fit: x must be 2-D (N, features); got {x.shape}. {advice}")
    sizes = {"batch_size": batch_size, "seed": seed, "workers": workers}
    training = Training(model, loss, optimizer, x, labels, schedule=schedule, **sizes)
    steps: Any = range(epochs * training.steps_per_epoch)
    if progress:
        steps = progress_bar(steps, desc="training", unit="step")
    return training.over(steps)


@kindly
@apart
@np.errstate(**RUNAWAY)
def accuracy(model: Model, x: Any, labels: Any, *, batch_size: int = 4096) -> float:
    """The share of rows whose largest score is the label's, with dropout off.

    A model with one score a row reads it as class 1 where it is above 0; the labels are then 0 and
    1, integers or floats, in a row or in a column.

    Shapes   x (N, ...), labels (N,) -> one number in [0, 1]
    Errors   TypeError or ValueError for data that the model cannot take; FloatingPointError for
             scores that are not finite.

    >>> from nnlib.layers import Linear
    >>> model = Linear(2, 2, init=lambda shape, rng: np.eye(2), rng=0)
    >>> accuracy(model, [[1.0, 0.0], [0.0, 1.0], [3.0, 2.0], [1.0, 2.0]], [0, 1, 0, 0])
    0.75
    """
    x, labels = data("accuracy", model, x, labels)
    batch_size = whole_number("accuracy", "batch_size", batch_size, low=1)
    z, _ = model(x[:1])
    if z.shape[-1] == 1 and model.layers()[-1].block is sigmoid:
        raise ValueError(
            "accuracy: model must end in a score, which is cut at 0; it ends in sigmoid. "
            "Leave that out, and train with binary_cross_entropy_with_logits."
        )
    classes = as_classes("accuracy", labels, (len(x), *z.shape[1:]))
    right = 0
    for start in range(0, len(x), batch_size):
        z, _ = model(x[start : start + batch_size])
        if not finite(z):
            row = start + int(np.argwhere(~np.isfinite(z))[0][0])
            raise FloatingPointError(
                f"accuracy: scores must be finite; got NaN or infinity in row {row}. "
                "Did the parameters run away?"
            )
        right += hits(z, classes[start : start + batch_size])
    return right / classes.size


def length(g: Array) -> float:
    """The Euclidean norm, also where the squares leave the type's range."""
    norm = math.sqrt(np.vdot(g, g))
    if math.isfinite(norm):
        return norm
    largest = np.abs(g).max()
    return float(largest) * math.sqrt(np.vdot(g / largest, g / largest))


def as_history(records: Iterator[Record]) -> np.recarray:
    """Records as one array with named columns."""
    kinds = list(Record.__annotations__.items())
    return np.array(list(records), dtype=kinds).view(np.recarray)


@lru_cache(maxsize=4)
def order(seed: int, epoch: int, count: int) -> Array:
    """In which order an epoch visits the rows."""
    permutation = np.random.default_rng([seed, epoch]).permutation(count)
    permutation.flags.writeable = False
    return permutation
