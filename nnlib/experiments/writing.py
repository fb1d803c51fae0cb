"""Models that write: how each is trained, what it then answers rightly and what it never learned.

The settings were chosen on validation splits. That of dates, with each of three seeds, is answered
without a mistake behind 2,500 steps and behind 4,000 (table ``steps``). A token costs some fifty
times less behind 4,000, which was taken: what is right by little may be wrong of other days.
The long runs are those of ``python -m benchmarks.writing_07``, which stores their tables and
weights.
"""

from collections.abc import Callable
from functools import cache, partial
from math import inf
from typing import Any, NamedTuple

import numpy as np

from nnlib.checkpoints import load_weights
from nnlib.checks import Array, one_of, whole_number
from nnlib.losses import softmax_cross_entropy
from nnlib.optimizers import Adam, cosine_decay, warmup
from nnlib.parameters import Model, parameter_vector
from nnlib.recurrent import RecurrentEncoderDecoder, RecurrentLanguageModel
from nnlib.tasks import Split, Task, copying, dates, names, reversing
from nnlib.training import Training
from nnlib.transformer import EncoderDecoder, LanguageModel

BATCH, RATE, WARM, BETA2 = 64, 4e-3, 100, 0.98  # examples, learning rate, steps until it is reached
CLIP = 0.3  # how long a gradient may be of a recurrent model that answers or keeps
LENGTHS = range(4, 13)  # of strings that are asked for; 8, 9 and 10 are trained
FORMAT, DECADE, FEW = "weekday", 1950, 1000  # never trained; so many pairs in place of 100,000
STRINGS, DATES, NAMES = 1000, 4000, 13_000  # steps
DECAY = 0.05  # of the weights of what is trained on names, which meets each some ten times
LACKING = 2500  # those of dates where something is left out: they suffice for the rest
SHOWN = 200  # examples of a kind never trained that a remedy shows
MORE = 800  # its steps, from what a job has reached


# -- models and runs ------------------------------------------------------------------------------


def training_of(
    model: Model,
    split: Split,
    *,
    steps: int,
    seed: int,
    lr: float = RATE,
    clip: float = inf,
    weight_decay: float = 0.0,
    batch_size: int = BATCH,
    workers: int = 1,
) -> Training:
    """A run of so many steps in which the right text is always what the model goes on from.

    Adam's rate rises to lr over the first 100 steps and falls to 0 along half a cosine, so the
    number of steps belongs to the run: ``training.run(steps)`` takes them all.

    Errors   as nnlib.training.Training and cosine_decay.

    >>> task = reversing(100, held_out=5)
    >>> training = training_of(writer(task, rng=0), task.train, steps=2, seed=0)
    >>> len(training.run(2)), training.optimizer.lr
    (2, 4e-05)
    """
    falling = cosine_decay(lr, steps=whole_number("training_of", "steps", steps, low=1))
    theta, _ = parameter_vector(model)
    optimizer = Adam(theta, lr=lr, beta2=BETA2, weight_decay=weight_decay)
    return Training(
        model,
        softmax_cross_entropy,
        optimizer,
        split.x,
        split.labels,
        keep=split.keep,
        batch_size=batch_size,
        seed=seed,
        schedule=warmup(falling, steps=WARM),
        clip=clip,
        workers=workers,
    )


def writer(task: Task, *, rng: Any, **options: Any) -> EncoderDecoder:
    """The encoder-decoder of all these runs: d 32, 4 heads, one layer each side.

    It has room for the longest that is asked of it, not for what its task holds alone.

    options   of nnlib.transformer.EncoderDecoder.

    >>> parameter_vector(writer(reversing(100), rng=0))[0].size
    24192
    """
    longest = max(task.longest, LENGTHS[-1] + 1)
    return EncoderDecoder(len(task.symbols), 32, 4, longest=longest, rng=rng, **options)


def recurrent_writer(task: Task, *, rng: Any, d: int = 70) -> RecurrentEncoderDecoder:
    """Two recurrent cells with as many parameters as the writer has.

    >>> parameter_vector(recurrent_writer(reversing(100), rng=0))[0].size
    23800
    """
    return RecurrentEncoderDecoder(len(task.symbols), d, rng=rng)


def name_writer(task: Task, *, rng: Any, **options: Any) -> LanguageModel:
    """The language model of surnames: d 64, 4 heads, d_ff 192, two layers of post-norm.

    options   of nnlib.transformer.LanguageModel.

    >>> parameter_vector(name_writer(names(), rng=0))[0].size
    86208
    """
    options = {"longest": task.longest, "norm_first": False} | options
    return LanguageModel(len(task.symbols), 64, 4, 192, 2, rng=rng, **options)


def recurrent_name_writer(task: Task, *, rng: Any, d: int = 200) -> RecurrentLanguageModel:
    """A recurrent cell with as many parameters as the language model of surnames.

    >>> parameter_vector(recurrent_name_writer(names(), rng=0))[0].size
    86000
    """
    return RecurrentLanguageModel(len(task.symbols), d, rng=rng)


# -- what is trained ------------------------------------------------------------------------------


class Job(NamedTuple):
    """What is trained: a model, on the examples of a task, so many steps.

    task    by its seed, which draws the texts and decides which of them are held out.
    model   by a task and the seed from which it is drawn.
    """

    task: Callable[..., Task]
    model: Callable[..., Model]
    steps: int
    lr: float = RATE
    clip: float = inf
    weight_decay: float = 0.0

    def begun(self, seed: int, model: Model | None = None) -> tuple[Model, Training]:
        """A model, new unless one is given, and its run, about to take its first step."""
        task = self.task(seed=seed)
        model = self.model(task, rng=seed) if model is None else model
        its: Any = {k: value for k, value in self._asdict().items() if k not in ("task", "model")}
        return model, training_of(model, task.train, seed=seed, **its)


def drawn(task: Callable[..., Task], *given: Any, **options: Any) -> Callable[..., Task]:
    """A task by its seed, drawn once and read by many."""
    return cache(partial(task, *given, **options))


without_positions = partial(writer, positions=None)
reversed_strings, copied_strings = drawn(reversing), drawn(copying)
all_dates, surnames = drawn(dates), drawn(names)
JOBS = {  # the file of each one's weights is called so, behind 07_
    "reversing": Job(reversed_strings, writer, STRINGS),
    "copying": Job(copied_strings, writer, STRINGS),
    "reversing_no_positions": Job(reversed_strings, without_positions, STRINGS),
    "copying_no_positions": Job(copied_strings, without_positions, STRINGS),
    "reversing_recurrent": Job(reversed_strings, recurrent_writer, 3 * STRINGS, 8e-3),
    "dates": Job(all_dates, writer, DATES),
    "dates_recurrent": Job(all_dates, recurrent_writer, 10_000, 2e-3, CLIP),
    "dates_format": Job(drawn(dates, without_format=FORMAT), writer, LACKING),
    "dates_decade": Job(drawn(dates, without_decade=DECADE), writer, LACKING),
    "dates_few": Job(drawn(dates, FEW), writer, LACKING),
    "names": Job(surnames, name_writer, NAMES, weight_decay=DECAY),
    "names_recurrent": Job(surnames, recurrent_name_writer, NAMES, RATE, 1.0, DECAY),
}
shown: Any = {  # what was never trained, a little of it: 200 examples of each kind
    "reversing": drawn(reversing, SHOWN * len(LENGTHS), lengths=LENGTHS),
    "dates_format": drawn(dates, 10 * SHOWN, without_format=FORMAT, but=SHOWN),
    "dates_decade": drawn(dates, 10 * SHOWN, without_decade=DECADE, but=SHOWN),
    "dates_few": drawn(dates, 10 * FEW),
}
REMEDIES = {name: Job(task, writer, MORE) for name, task in shown.items()}


def trained(name: str) -> Any:
    """The model of a job with the weights that its run from seed 0 has stored.

    Errors   ValueError for a name that no job has.

    >>> from nnlib.generation import greedy
    >>> model, task = trained("reversing"), JOBS["reversing"].task(seed=0)
    >>> task.decode(greedy(model, task.encode("notebook"), longest=11))
    ['koobeton']
    """
    one_of("trained", "name", name, tuple(JOBS))
    job = JOBS[name]
    return load_weights(f"07_{name}", job.model(job.task(seed=0), rng=0))


def untaught(name: str, task: Task, split: Split) -> Array:
    """Which rows are of a kind that a job of REMEDIES never saw, or not all of it: (N,) boolean.

    Errors   ValueError for another name.

    >>> task = JOBS["dates_decade"].task(seed=0)
    >>> out = untaught("dates_decade", task, task.test)
    >>> sorted({text[:3] for text in task.decode(task.test.labels[out])})
    ['195']
    """
    one_of("untaught", "name", name, tuple(REMEDIES))
    if name == "reversing":
        return ~np.isin(split.kinds, JOBS[name].task(seed=0).train.kinds)
    if name == "dates_format":
        return split.kinds == FORMAT
    if name == "dates_decade":
        decade = task.encode(str(DECADE)[:3])
        return (split.labels[:, : decade.shape[1]] == decade).all(axis=1)
    return np.ones(len(split), bool)
