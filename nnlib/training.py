"""Training: one loop for notebooks, panels, sweeps and tests; saved and resumed bit for bit."""

import math
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from nnlib.checks import (
    Array,
    Rng,
    all_finite,
    callable_block,
    finite,
    number,
    whole_number,
)
from nnlib.contract import kindly
from nnlib.examples import (
    LEFT_OUT,
    as_matrix,
    called,
    classes_for,
    classes_of,
    converted,
    cut,
    data,
    each,
    entries,
    gathered,
    hits,
    one_number,
    order,
    parts_of,
    refuse_empty_batches,
    refuse_scores,
    unscaled,
)
from nnlib.fingerprints import digest
from nnlib.history import Record, as_history
from nnlib.losses import keyword_of, require_keep
from nnlib.machine import apart, keep_heap_warm, one_blas_thread, side_by_side
from nnlib.optimizers import Optimizer, Schedule
from nnlib.parameters import Model, parameter_vector, replica, require_current
from nnlib.progress import progress_bar
from nnlib.slopes import length

RUNAWAY: Any = {"over": "ignore", "invalid": "ignore", "divide": "ignore"}  # step() reports it


class Training:
    """A whole run: model, loss, optimizer and data, advanced by ``step()``.

    The batch order of epoch e is ``default_rng([seed, e]).permutation(N)``, so theta, the
    optimizer's state, seed and step say where a run stands, and a resumed run is the unbroken one
    bit for bit. The optimizer counts the steps: a run built with one that has taken some goes on
    behind them, as if all had been steps of this run.

    A pullback made before a step belongs to the parameters before it: call it before the step.

    x          (N, ...), converted to the parameters' type; or a mapping of names to such arrays,
               cut alike and given to the model by keyword, where only floats are converted.
    labels     (N, ...), given to the loss by its keyword.
    keep       boolean, of labels' shape, for a loss that takes it: loss and accuracy are means over
               the labels where it is True, whatever stands elsewhere. No batch may be without any.
    schedule   step -> learning rate, set before each step.
    clip       a longer gradient is shortened to this length; the record tells what it was before.
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
    >>> optimizer, loss = Adam(parameter_vector(model)[0], lr=0.05), softmax_cross_entropy
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
        keep: Any = None,
        batch_size: int,
        seed: int,
        schedule: Schedule | None = None,
        clip: float = math.inf,
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
        self.x, self.labels, self.keep = data("Training", model, x, labels, keep)
        count = len(self.labels)
        self.batch_size = whole_number("Training", "batch_size", batch_size, low=1, high=count)
        self.seed = whole_number("Training", "seed", seed, low=0)
        self.workers = whole_number("Training", "workers", workers, low=1)
        self.clip = number("Training", "clip", clip, "(0, inf]")
        self.model, self.loss, self.optimizer, self.schedule = model, loss, optimizer, schedule
        if schedule is not None:
            callable_block("Training", "schedule", schedule, "a function step -> learning rate")
        self.target_name = keyword_of("Training", loss)
        if self.keep is not None:
            require_keep("Training", loss)
            refuse_empty_batches("Training", self.keep, self.batch_size)
        if self.target_name != "labels" and self.labels.dtype.kind == "f":
            self.labels = converted("Training", "labels", self.labels, theta.dtype)
        with np.errstate(**RUNAWAY):  # the loss sees every label before anything moves
            z, _ = called(model, cut(self.x, slice(1)))
            scores = np.broadcast_to(np.nan_to_num(z), (count, *z.shape[1:]))
            one_number("Training", loss, loss(scores, **self.target(...)))
        self.classes = classes_for(loss, self.labels, scores.shape, self.keep)
        self.draws = any(layer.draws for layer in model.layers())
        self.begun = optimizer.t
        self.good: tuple[Array, dict[str, Any]] | None = None
        self.allocate()
        keep_heap_warm()

    def allocate(self) -> None:
        """The vectors of this run's own model, and room for a batch and for each worker."""
        self.theta, self.grad = parameter_vector(self.model)
        self.batch = each(lambda a: np.empty((self.batch_size, *a.shape[1:]), a.dtype), self.x)
        several = self.workers if self.workers > 1 else 0
        self.replicas = [replica(self.model) for _ in range(several)]

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
        arrays = entries(self.x) | {"labels": self.labels, "keep": self.keep}
        return {name: digest(a) for name, a in arrays.items() if a is not None}

    @property
    def steps(self) -> int:
        """How many steps have been taken; the optimizer counts, so the two cannot disagree."""
        return self.optimizer.t

    @property
    def steps_per_epoch(self) -> int:
        """How many batches cover the data once; the last may be smaller."""
        return math.ceil(len(self.labels) / self.batch_size)

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
        rows = order(self.seed, epoch, len(self.labels))[first : first + self.batch_size]
        if self.schedule is not None:
            rate = number("Training", f"schedule({step})", self.schedule(step), "[0, inf)")
            self.optimizer.lr = rate
        with np.errstate(**RUNAWAY):
            loss, accuracy = self.differentiate(rows, step)
            norm = math.sqrt(np.vdot(self.grad, self.grad))
            norm = norm if math.isfinite(norm) else length(self.grad)  # squares leave a type first
            if not (math.isfinite(loss) and math.isfinite(norm)):
                self.stop(step + 1, loss, "gradient")
            if norm > self.clip:
                self.grad *= self.clip / norm
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
        total = self.size(rows)
        if self.workers == 1:
            self.grad[:] = 0
            return self.shard(self.model, rows, slice(len(rows)), total, self.generator(step, 0))
        shares = [part for part in parts_of(len(rows), self.workers) if self.size(rows[part])]
        grads = [parameter_vector(twin)[1] for twin in self.replicas[: len(shares)]]

        def work(k: int) -> tuple[float, float]:
            grads[k][:] = 0
            rng = self.generator(step, k)
            with np.errstate(**RUNAWAY):  # a thread does not inherit it
                return self.shard(self.replicas[k], rows[shares[k]], shares[k], total, rng)

        parts = side_by_side(work, len(shares))
        np.sum(grads, axis=0, out=self.grad)
        return sum(loss for loss, _ in parts), sum(accuracy for _, accuracy in parts)

    def shard(
        self, model: Model, rows: Array, place: slice, total: int, rng: Rng | None
    ) -> tuple[float, float]:
        """Forward and back on rows with some of total labels: shares of their loss and accuracy."""
        x = gathered(self.x, rows, self.batch, place)
        z, model_pullback = called(model.on_data, x, rng=rng)
        try:
            loss, loss_pullback = self.loss(z, **self.target(rows))
        except (ValueError, FloatingPointError):
            if finite(z):
                raise
            return math.nan, math.nan  # a loss may refuse scores that ran away: advance() tells
        share = self.size(rows) / total
        model_pullback(loss_pullback(share))
        right = math.nan if self.classes is None else hits(z, self.classes[rows]) / total
        return share * loss, right

    def target(self, rows: Any) -> dict[str, Array]:
        """What the loss compares with the scores of some rows."""
        arrays = {self.target_name: self.labels, "keep": self.keep}
        return {name: a[rows] for name, a in arrays.items() if a is not None}

    def size(self, rows: Array) -> int:
        """How many labels of some rows count."""
        if self.keep is None:
            return self.labels[0].size * len(rows)
        return int(np.count_nonzero(self.keep[rows]))

    def generator(self, step: int, worker: int) -> Rng | None:
        """What layers draw from at this step, a function of the seed and the step alone."""
        return np.random.default_rng([self.seed, step, worker, 1]) if self.draws else None

    def stop(self, step: int, loss: float, found: str) -> None:
        """Say where and why the run diverged, and put the last good parameters back."""
        if self.good is not None:
            self.restore(*self.good)
        what = f"loss {loss:.4g}" + f", {found} not finite" * math.isfinite(loss)
        cause = f"{unscaled(self.x)}a learning rate of {self.optimizer.lr:g} is too large"
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
    keep: Any = None,
    epochs: int,
    batch_size: int,
    seed: int,
    schedule: Schedule | None = None,
    clip: float = math.inf,
    workers: int = 1,
    progress: bool = True,
) -> np.recarray:
    """Train for so many epochs, with a progress bar, and return the history.

    The run goes on where the optimizer stands: ``fit(epochs=1)`` three times is ``fit(epochs=3)``
    bit for bit, its history in three parts, and an interrupted fit is gone on with. The optimizer's
    steps are counted in batches of this call. To begin anew, build a new optimizer.

    Shapes   x (N, features) or named arrays (N, ...), labels and keep (N, ...) -> history: a record
             a step, with the columns step, epoch, loss, accuracy, gradient_norm.
    Errors   as Training; ValueError for one array x that is not (N, features) with the features
             that the model takes.

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

    Ids of tokens, with a label for each but the last, which is padding:

    >>> from nnlib.blocks import embedding; from nnlib.layers import Layer
    >>> model = Layer(embedding, E=np.zeros((3, 2)))  # scores of two classes, a row for each id
    >>> optimizer, keep = Adam(parameter_vector(model)[0], lr=0.1), [[True, True], [True, False]]
    >>> x, labels = {"ids": [[0, 1], [1, 2]]}, [[1, 0], [0, -1]]
    >>> history = fit(model, softmax_cross_entropy, optimizer, x, labels, keep=keep,
    ...               epochs=100, batch_size=2, seed=0, progress=False)
    >>> model.params["E"].argmax(axis=1), model.params["E"][2]
    (array([1, 0, 0]), array([0., 0.]))
    """
    epochs = whole_number("fit", "epochs", epochs, low=1)
    if not isinstance(x, Mapping):
        x = as_matrix("fit", x)
    how: Any = {"batch_size": batch_size, "schedule": schedule, "clip": clip, "workers": workers}
    training = Training(model, loss, optimizer, x, labels, keep=keep, seed=seed, **how)
    steps: Any = range(epochs * training.steps_per_epoch)
    if progress:
        steps = progress_bar(steps, desc="training", unit="step")
    return training.over(steps)


@kindly
@apart
@np.errstate(**RUNAWAY)
def accuracy(
    model: Model, x: Any, labels: Any, *, keep: Any = None, batch_size: int = 4096
) -> float:
    """The share of rows whose largest score is the label's, with dropout off.

    A model with one score a row reads it as class 1 where it is above 0; the labels are then 0 and
    1, integers or floats, in a row or in a column. Only rows where keep is True are counted.

    Shapes   x (N, ...) or a mapping of names to such arrays, labels and keep (N, ...), one entry
             for each row of scores -> one number in [0, 1]
    Errors   TypeError or ValueError for data that the model cannot take; FloatingPointError for
             scores that count and are not finite.

    >>> from nnlib.layers import Linear
    >>> model = Linear(2, 2, init=lambda shape, rng: np.eye(2), rng=0)
    >>> x, labels = [[1.0, 0.0], [0.0, 1.0], [3.0, 2.0], [1.0, 2.0]], [0, 1, 0, 0]
    >>> accuracy(model, x, labels), accuracy(model, x, labels, keep=[True, True, False, True])
    (0.75, 0.6666666666666666)
    """
    x, labels, keep = data("accuracy", model, x, labels, keep)
    batch_size = whole_number("accuracy", "batch_size", batch_size, low=1)
    z, _ = called(model, cut(x, slice(1)))
    classes = classes_of("accuracy", model, labels, (len(labels), *z.shape[1:]), keep)
    right = 0
    for start in range(0, len(labels), batch_size):
        batch = slice(start, start + batch_size)
        z, _ = called(model, cut(x, batch))
        refuse_scores("accuracy", z, classes[batch], start)
        right += hits(z, classes[batch])
    return right / int(np.count_nonzero(classes != LEFT_OUT))
