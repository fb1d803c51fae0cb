"""One step of a model that writes: what may come next, where it looks, and what is in sight."""

from datetime import date, timedelta
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import Array, generator, one_of, whole_number
from nnlib.experiments.writing import JOBS, trained
from nnlib.generation import Steps, beam, distribution
from nnlib.machine import one_blas_thread
from nnlib.tasks import END, FIRST, FORMATS, LAST, MARKS, PAD, START, Split, Task, encode

MODELS = ("dates", "reversing", "names")
LIKELIEST, BEST = 8, 5  # tokens that may come next, and texts, that are told
MOST = 13  # tokens that may be written, without START and END
ENDED = MARKS[END]
RIGHT, WRONG, TRAINED, HELD_OUT, INVENTED = "right", "wrong", "trained", "held out", "invented"


class NextToken(NamedTuple):
    """What a model may write next, and where it looks for it.

    Where END is written, nothing comes next: all of this is then of the step that wrote END.

    read, written    the tokens of the source, and those that are written, END with them
    sure, likeliest  of each that is written, its probability, and the token that had the largest
    tokens, p        the likeliest that may come next, and their probabilities
    drawn            the probabilities by which each is drawn: at the temperature, of top_k alone
    cross, own       the weights with which each that is written, and the next one, was looked for:
                     in the source; and from START on in what stood before it
    texts, texts_p   the best whole texts that begin as what is written, and their probabilities,
                     given that beginning; "…" ends a text for which there was no room
    judged           of each of them: right or wrong; of a name whether it is in a list
    verdict          the same of what is written, once END is
    due              the right text, where there is one

    Shapes   sure (t,), p, drawn (8,), cross (T, S), own (T, T), texts_p (5,) or less
    """

    read: list[str]
    written: list[str]
    sure: Array
    likeliest: list[str]
    tokens: list[str]
    p: Array
    drawn: Array
    cross: Array
    own: Array
    texts: list[str]
    texts_p: Array
    judged: list[str]
    verdict: str
    due: str


def next_token(
    job: str,
    text: str,
    written: str,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    layer: int = 0,
    head: int | None = None,
) -> NextToken:
    """Look at a trained model that has read a text, and written something, not always its own.

    job       what the model was trained for: one of MODELS.
    text      what it has read; for names, whose model reads nothing, "".
    written   what stands behind START, such as "1987-0"; "END" at its end ends it.
    head      whose weights are told; None is the mean of all heads of the layer.
    Errors    TypeError or ValueError for a job that has no model here, characters that are not in
              its vocabulary, texts that are empty or too long, a layer or head that there is not,
              and a temperature or top_k that nothing can be drawn with.

    >>> found = next_token("reversing", "notebook", "koo")
    >>> found.tokens[0], found.texts[0], found.judged[0]
    ('b', 'koobeton', 'right')
    >>> found.read[found.cross[-1].argmax()]
    'b'
    """
    model, task = model_of(job)
    source, (ids, ended) = read(job, task, text), parsed(model, task, written)
    with one_blas_thread():  # for so little work others would only be waited for
        steps, p_each = Steps(model, source), []
        for k in ids:
            p_each.append(distribution(steps.scores)[0])
            steps.push([k])
        p = distribution(steps.scores)[0]
        p_each += [p] * ended
        drawn = distribution(steps.scores, temperature=temperature, top_k=top_k)[0]
        cross, own = looks(model, source, np.array([[START, *ids]]), layer, head)
        room = most(model) + 1 - len(ids)
        found = beam(Begun(model, ids), source, width=BEST, longest=room)
    ids_ended = [*ids, END][: len(p_each)]
    order = np.argsort(-p, kind="stable")[:LIKELIEST]
    there = np.isfinite(found.log_p[0])
    texts = [task.decode(ids) + task.decode(row) + "…" * (END not in row) for row in found.ids[0]]
    texts = [text for text, is_there in zip(texts, there) if is_there]
    right = due(job, text)
    return NextToken(
        read=list(text),
        written=names_of(task, ids_ended),
        sure=np.array([row[k] for row, k in zip(p_each, ids_ended)]),
        likeliest=names_of(task, [row.argmax() for row in p_each]),
        tokens=names_of(task, order),
        p=p[order],
        drawn=drawn[order],
        cross=cross,
        own=own,
        texts=texts,
        texts_p=np.exp(found.log_p[0, there]),
        judged=[judge(job, right, text) for text in texts],
        verdict=judge(job, right, task.decode(ids)) if ended else "",
        due=right,
    )


def one_more(
    job: str,
    text: str,
    written: str,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    seed: int = 0,
) -> str:
    """What is written with one token more, drawn from the distribution: top_k=1 is the likeliest.

    Padding and START, which no text has, are never drawn.

    Errors   as next_token; ValueError when END is written or no room is left.

    >>> one_more("reversing", "notebook", "koo", top_k=1)
    'koob'
    """
    model, task = model_of(job)
    source, (ids, ended) = read(job, task, text), parsed(model, task, written)
    if ended:
        raise ValueError(f"one_more: written must have no END; got {written!r}. Take it back.")
    scores = Steps(Begun(model, ids), source).scores.copy()
    scores[:, [PAD, START]] = -np.inf
    p = distribution(scores, temperature=temperature, top_k=top_k)[0]
    longer = written + task.symbols[generator("one_more", "seed", seed).choice(len(p), p=p)]
    parsed(model, task, longer)  # or refused
    return longer


class Begun:
    """A model that has begun a text: whoever writes with it goes on from there.

    >>> model, task = model_of("reversing")
    >>> steps = Steps(Begun(model, task.encode("koo")[0]), task.encode("notebook"))
    >>> task.decode(steps.ids), task.decode(steps.scores.argmax(axis=-1))
    (['koo'], 'b')
    """

    def __init__(self, model: Any, ids: Array) -> None:
        self.begin_anew, self.step, self.ids = model.begin, model.step, ids
        self.vocabulary, self.longest = model.vocabulary, model.longest

    def begin(self, source: Array) -> tuple[Any, Array]:
        """What is known before a token is written, and what is to be written first."""
        state, prefix = self.begin_anew(source)
        begun = np.broadcast_to(self.ids, (len(prefix), len(self.ids)))
        return state, np.concatenate([prefix, begun], axis=1)


# -- what is read and written ---------------------------------------------------------------------


@cache
def model_of(job: str) -> tuple[Any, Task]:
    """The trained model of this job, and its task; loaded once."""
    one_of("next_token", "job", job, MODELS)
    return trained(job), JOBS[job].task(seed=0)


def depth(job: str) -> int:
    """How many layers write.

    >>> [depth(job) for job in MODELS]
    [1, 1, 2]
    """
    parts = model_of(job)[0].parts
    return parts[3 if reads(job) else 1].depth


def writable(job: str) -> tuple[str, ...]:
    """The tokens that can be written: all but padding and the start.

    >>> writable("names")[:3]
    ('END', 'a', 'b')
    """
    return model_of(job)[1].symbols[END:]


def reads(job: str) -> bool:
    """Whether a model reads a source: the one that writes names does not."""
    return job != "names"


def read(job: str, task: Task, text: str) -> Array:
    """The source as ids, (1, S)."""
    if reads(job):
        return task.encode(text)
    if text:
        raise ValueError(
            f"next_token: text must be '' for {job}, which read none; got {text!r}. "
            "Give it as written."
        )
    return np.zeros((1, 0), int)


def parsed(model: Any, task: Task, written: str) -> tuple[Array, bool]:
    """The ids of what is written, without END, and whether there was one."""
    ended = written.endswith(ENDED)
    characters = written.removesuffix(ENDED)
    if len(characters) > most(model):
        raise ValueError(
            f"next_token: written must have at most {most(model)} characters; "
            f"got {len(characters)}. Take some back."
        )
    ids = encode(task.symbols, [characters])[0] if characters else np.zeros(0, int)
    return ids, ended


def most(model: Any) -> int:
    """As many characters as may be written: START has a place, too."""
    return min(model.longest - 1, MOST)


def names_of(task: Task, ids: Any) -> list[str]:
    """Each token by its name."""
    return [task.symbols[k] for k in ids]


def looks(
    model: Any, source: Array, target: Array, layer: int, head: int | None
) -> tuple[Array, Array]:
    """The weights of a head, or the mean of all: in the source (T, S), and in the target (T, T)."""
    if hasattr(model, "encode"):
        weights = model.weights(source, target)
        cross, own = weights.cross, weights.target
    else:
        own = model.weights(target)
        cross = [A[..., :0] for A in own]
    heads = own[0].shape[1]
    layer = whole_number("next_token", "layer", layer, low=0, high=len(own) - 1)
    if head is None:
        return cross[layer][0].mean(axis=0), own[layer][0].mean(axis=0)
    head = whole_number("next_token", "head", head, low=0, high=heads - 1)
    return cross[layer][0, head], own[layer][0, head]


# -- what is right --------------------------------------------------------------------------------


def due(job: str, text: str) -> str:
    """The right answer, or "" where there is none: for a name, and for no day in a known form.

    >>> due("dates", "sunday, 1 march 1987"), due("dates", "monday, 1 march 1987")
    ('1987-03-01', '')
    """
    if job == "reversing":
        return text[::-1]
    if job == "names" or not text[-2:].isdecimal():
        return ""
    return days_of(int(text[-2:])).get(text, "")


@cache
def days_of(year: int) -> dict[str, str]:
    """What each form of each day of a year, by its last two digits, is to be written as."""
    year += 100 * (FIRST.year // 100) + (100 if year < FIRST.year % 100 else 0)
    first, last = date(year, 1, 1), min(date(year, 12, 31), LAST)
    days = [first + timedelta(k) for k in range((last - first).days + 1)]
    return {form(day): day.isoformat() for day in days for form in FORMATS.values()}


def judge(job: str, right: str, text: str) -> str:
    """Whether a text is right, "" where nobody knows; of a name in which list it is.

    >>> judge("reversing", "cba", "abc"), judge("names", "", "smith"), judge("names", "", "zzz")
    ('wrong', 'trained', 'invented')
    """
    if job == "names":
        return listed(text)
    return "" if not right else RIGHT if text == right else WRONG


def listed(text: str) -> str:
    """In which list of the names a text is."""
    _, task = model_of("names")
    if has(task.train, task, text):
        return TRAINED
    held_out = has(task.validation, task, text) or has(task.test, task, text)
    return HELD_OUT if held_out else INVENTED


def has(split: Split, task: Task, text: str) -> bool:
    """Whether a text is one of the split's."""
    if not text or text.endswith("…"):
        return False
    ids = [*encode(task.symbols, [text])[0], END]
    return bool((split.labels[:, : len(ids)] == ids).all(axis=1).any())
