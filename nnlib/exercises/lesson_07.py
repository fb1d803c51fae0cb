"""The exercises of lesson 07: back through time, a gradient of two uses, a mask; and writing."""

from collections.abc import Callable, Sequence

import numpy as np

from nnlib.checks import Array
from nnlib.encoder_decoder import written_mask
from nnlib.exercises.greedy import GREEDY
from nnlib.exercises.judge import Exercise
from nnlib.recurrent import recurrent

RNG = np.random.default_rng(7)

# -- the recurrent cell's pullback ----------------------------------------------------------------


def run(seed: int, T: int, n: int, d: int) -> tuple[Array, ...]:
    """x, h0, W, U, the states h and a random g: what the pullback is computed from."""
    rng = np.random.default_rng(seed)
    x, h0, W, U, b, g = (
        rng.standard_normal(shape) for shape in ((T, n), d, (d, n), (d, d), d, (T, d))
    )
    h, _ = recurrent(x, h0, W, U, b)
    return x, h0, W, U, h, g


def back_through_time(
    x: Array, h0: Array, W: Array, U: Array, h: Array, g: Array
) -> tuple[Array, ...]:
    """The recurrent cell's pullback, from its states h and what each of them gets directly, g."""
    da, reaches = np.zeros_like(h), np.zeros_like(h0)
    for t in reversed(range(len(x))):
        da[t] = (1 - h[t] ** 2) * (g[t] + reaches)
        reaches = U.T @ da[t]  # what h_{t-1} gets through this step
    before = np.vstack([h0, h[:-1]])
    return da @ W, reaches, da.T @ x, da.T @ before, da.sum(axis=0)


def through_time(
    slope: Callable = lambda h, before: 1 - h * h,
    carry: Callable = lambda U, da: U.T @ da,
    direct: Callable = lambda g, t: g[t],
    joined: Callable = lambda slope, direct, reaches: slope * (direct + reaches),
    source: Callable = lambda x, t: x[t],
    state: Callable = lambda h, before: before,
    sums: Callable = lambda parts: sum(parts),
    start: Callable = lambda h0: h0,
) -> Callable:
    """The same step by step, a line of which may be another."""

    def pullback(x: Array, h0: Array, W: Array, U: Array, h: Array, g: Array) -> tuple[Array, ...]:
        dx, reaches, each = np.zeros_like(x), np.zeros_like(h0), []
        for t in reversed(range(len(x))):
            before = h[t - 1] if t else start(h0)
            da = joined(slope(h[t], before), direct(g, t), reaches)
            dx[t], reaches = W.T @ da, carry(U, da)
            each.append((np.outer(da, source(x, t)), np.outer(da, state(h[t], before)), da))
        return dx, reaches, *(sums(parts) for parts in zip(*each))

    return pullback


def forwards(x: Array, h0: Array, W: Array, U: Array, h: Array, g: Array) -> tuple[Array, ...]:
    """The same from the first step to the last."""
    dx, reaches, each = np.zeros_like(x), np.zeros_like(h0), []
    for t in range(len(x)):
        da = (1 - h[t] ** 2) * (g[t] + reaches)
        dx[t], reaches = W.T @ da, U.T @ da
        each.append((np.outer(da, x[t]), np.outer(da, h[t - 1] if t else h0), da))
    return dx, reaches, *(sum(parts) for parts in zip(*each))


def without_carry(*given: Array) -> tuple[Array, ...]:
    """Each step by itself, dh0 what the first sends back."""
    dx, _, *sums = through_time(carry=lambda U, da: 0 * da)(*given)
    U, h, g = given[3], given[4], given[5]
    return dx, U.T @ ((1 - h[0] ** 2) * g[0]), *sums


def past_the_slope(
    x: Array, h0: Array, W: Array, U: Array, h: Array, g: Array
) -> tuple[Array, ...]:
    """What is carried back comes from the state, not from what goes into its tanh."""
    reaches = g.copy()
    for t in reversed(range(1, len(x))):
        reaches[t - 1] += U.T @ reaches[t]
    dx, _, *sums = through_time(carry=lambda U, da: 0 * da)(x, h0, W, U, h, reaches)
    return dx, U.T @ reaches[0], *sums


def one_step_short(*given: Array) -> tuple[Array, ...]:
    """What the first step gives back, taken before U."""
    dx, dh0, *sums = through_time()(*given)
    return dx, np.linalg.solve(given[3].T, dh0), *sums


RECURRENT = Exercise(
    task="Return dx, dh0, dW, dU, db from x, h0, W, U, the states h and g: from the last step on.",
    right=back_through_time,
    samples={
        "with four steps": run(0, 4, 2, 3),
        "with one step": run(1, 1, 2, 3),
        "with as many inputs as states": run(2, 3, 2, 2),
    },
    results=("dx", "dh0", "dW", "dU", "db"),
    slips={
        "The slope of tanh is missing: da = (1 - h²) times what reaches h.": through_time(
            slope=lambda h, before: 1
        ),
        "The slope of tanh at a is 1 - h², and that of this step's h, not of the one before.": (
            through_time(slope=lambda h, before: 1 - before**2)
        ),
        "The slope of tanh is 1 - h², not 1 - h.": through_time(slope=lambda h, before: 1 - h),
        "h (1 - h) is the slope of a sigmoid; this is a tanh, 1 - h².": through_time(
            slope=lambda h, before: h * (1 - h)
        ),
        "What is carried is added behind the slope: it, too, has come through this step's tanh.": (
            through_time(joined=lambda slope, direct, reaches: slope * direct + reaches)
        ),
        "What is carried back is Uᵀ da, behind the slope, not Uᵀ of what reaches the state.": (
            past_the_slope
        ),
        "The state before the first step is h0, not 0.": through_time(start=np.zeros_like),
        "Nothing is carried from step to step: a state acts through all later ones.": without_carry,
        "Back goes Uᵀ: forward, U took the state.": through_time(carry=lambda U, da: U @ da),
        "What is carried back lacks Uᵀ.": through_time(carry=lambda U, da: da),
        "It goes from the first step to the last; what reaches a state comes from later ones.": (
            forwards
        ),
        "Only the last step's g is used: each state may reach the loss directly, too.": (
            lambda x, h0, W, U, h, g: through_time(
                direct=lambda g, t: g[t] if t == len(g) - 1 else 0 * g[t]
            )(x, h0, W, U, h, g)
        ),
        "dU meets the state before the step, h_{t-1}: that is what U was multiplied with.": (
            through_time(state=lambda h, before: h)
        ),
        "One step's part is kept: W, U and b are used in every step, so their parts are summed.": (
            through_time(sums=lambda parts: parts[-1])
        ),
        "The last step's part alone is kept: W, U and b are used in every step, so sum.": (
            through_time(sums=lambda parts: parts[0])
        ),
        "db has an entry for each of b: sum over the steps alone, da.sum(axis=0).": lambda *given: (
            *through_time()(*given)[:-1],
            through_time()(*given)[-1].sum(),
        ),
        "db has an entry for each of b: sum over the steps, axis 0, not over the entries.": (
            through_time(
                sums=lambda parts: sum(parts) if parts[0].ndim > 1 else np.sum(parts, axis=1)[::-1]
            )
        ),
        "The parts of the steps are summed, not averaged.": through_time(
            sums=lambda parts: sum(parts) / len(parts)
        ),
        "dh0 is one Uᵀ further back: Uᵀ da of the first step.": one_step_short,
        "The order is dx, dh0, dW, dU, db, that of the arguments.": lambda *given: tuple(
            through_time()(*given)[place] for place in (0, 2, 3, 4, 1)
        ),
        "dW and dU are transposed: W has a row for each entry of the state.": lambda *given: tuple(
            a.T if k in (2, 3) else a for k, a in enumerate(through_time()(*given))
        ),
    },
    proved="A loop is a deep network that has the same weights in each layer.",
    shown=back_through_time,
)

# -- one array, used twice ------------------------------------------------------------------------


def of_both_uses(ids: Array, dx: Array, h: Array, dz: Array) -> Array:
    """dE of an E that embeds the ids and scores h."""
    embedding = np.zeros((dz.shape[1], dx.shape[1]))
    np.add.at(embedding, ids, dx)  # x = E[ids]: each row that was read, each time
    unembedding = dz.T @ h  # z = h Eᵀ: as the W of any linear layer
    return embedding + unembedding


def two_uses(ids: Array, dx: Array, h: Array, dz: Array) -> tuple[Array, Array]:
    """The same before the sum: of embedding the ids, and of scoring h."""
    return of_both_uses(ids, dx, h, 0 * dz), dz.T @ h


def once_each(ids: Array, dx: Array, h: Array, dz: Array) -> Array:
    """dE where a token that stands twice counts once."""
    dE = dz.T @ h
    dE[ids] += dx
    return dE


def overwritten(ids: Array, dx: Array, h: Array, dz: Array) -> Array:
    """dE where the row of a token that is read is not added to but replaced."""
    dE = dz.T @ h
    dE[ids] = dx
    return dE


def by_place(ids: Array, dx: Array, h: Array, dz: Array) -> Array:
    """dE where what reaches a place is put into the row of its number."""
    dE = dz.T @ h
    dE[: len(ids)] += dx
    return dE


def of_text(ids: Sequence[int], v: int, d: int) -> tuple[Array, ...]:
    """ids, dx, h and dz of a text in a vocabulary of v tokens, rows of width d."""
    return np.array(ids), *(RNG.standard_normal((len(ids), width)) for width in (d, d, v))


TIED = Exercise(
    task="Return dE (v, d): E embeds the ids, x = E[ids], and scores h, z = h Eᵀ.",
    right=of_both_uses,
    samples={
        "with a token that stands twice": of_text([3, 0, 3, 2], 5, 2),
        "with as many tokens as features": of_text([1, 1, 0], 3, 3),
    },
    results=("dE",),
    slips={
        "E also scores: the second use, dzᵀ h, is missing.": lambda *given: two_uses(*given)[0],
        "E also embeds: dx belongs into the rows of the tokens that were read.": (
            lambda *given: two_uses(*given)[1]
        ),
        "dE[ids] += dx adds once where a token stands twice: np.add.at(dE, ids, dx) adds each.": (
            once_each
        ),
        "dE[ids] = dx replaces what the other use has left in that row: add to it.": overwritten,
        "dx[t] belongs into the row of the token that stands there, ids[t], not row t.": by_place,
        "Two uses add their gradients; they are not averaged.": (
            lambda *given: sum(two_uses(*given)) / 2
        ),
        "Two uses add their gradients; they are not multiplied.": (
            lambda *given: np.prod(two_uses(*given), axis=0)
        ),
        "The second use is dzᵀ h: E was multiplied with h, not with what was embedded.": (
            lambda ids, dx, h, dz: two_uses(ids, dx, h, dz)[0] + dz.T @ dx
        ),
        "hᵀ dz has a row for each feature; a row of E is a token's: dzᵀ h.": (
            lambda ids, dx, h, dz: h.T @ dz
        ),
        "The second use is transposed: a row of E is a token's.": (
            lambda ids, dx, h, dz: two_uses(ids, dx, h, dz)[0] + h.T @ dz
        ),
        "The sign of one use is turned.": lambda *given: np.subtract(*two_uses(*given)),
        "A token's rows of dx are added, not averaged: who is used twice collects twice.": (
            lambda ids, dx, h, dz: of_both_uses(ids, dx / np.bincount(ids)[ids, None], h, dz)
        ),
        "dx is not divided by the number of tokens: each place adds all that reaches it.": (
            lambda ids, dx, h, dz: of_both_uses(ids, dx / len(ids), h, dz)
        ),
        "It divides by the number of tokens; dz has that share already.": (
            lambda *given: sum(two_uses(*given)) / len(given[0])
        ),
    },
    proved="Whoever uses an array twice gets two gradients and adds them: weights that are tied.",
    shown=of_both_uses,
)

# -- who may look at what is written --------------------------------------------------------------


def masked(
    causal: Callable = lambda T: np.tri(T) > 0,
    there: Callable = lambda ids, pad: (ids != pad)[:, None, :],
    both: Callable = np.logical_and,
) -> Callable:
    """The mask of a batch of texts, a part of which may be another."""
    return lambda ids, pad: both(causal(ids.shape[1]), there(ids, pad))


MASK = Exercise(
    task="Return the boolean mask (B, T, T): query i may attend to key j <= i that is no padding.",
    right=masked(),
    samples={
        "with padding behind": (np.array([[1, 5, 4, 3], [1, 6, 0, 0]]), 0),
        "with padding in between": (np.array([[1, 0, 5], [1, 7, 7], [1, 2, 0]]), 0),
        "with as many texts as tokens": (np.array([[1, 9, 9], [1, 9, 4], [1, 4, 4]]), 9),
    },
    results=("mask",),
    slips={
        "Padding is not blocked: a key that is padding is looked at by nobody.": (
            lambda ids, pad: np.broadcast_to(np.tri(ids.shape[1]) > 0, (*ids.shape, ids.shape[1]))
        ),
        "Padding is not blocked, and each text needs a mask of its own: (B, T, T).": (
            lambda ids, pad: np.tri(ids.shape[1]) > 0
        ),
        "It lets everyone look ahead: only keys j <= i.": (
            lambda ids, pad: np.broadcast_to((ids != pad)[:, None], (*ids.shape, ids.shape[1]))
        ),
        "It is that of padding alone, (B, 1, T): and with the causal one.": (
            lambda ids, pad: (ids != pad)[:, None]
        ),
        "It blocks queries that are padding, with a row of nothing; blocked are keys.": masked(
            there=lambda ids, pad: (ids != pad)[:, :, None]
        ),
        "It blocks padding as query, too: a row of nothing is 0/0. Block keys alone.": masked(
            there=lambda ids, pad: (ids != pad)[:, :, None] & (ids != pad)[:, None, :]
        ),
        "The causal part is transposed: a row is a query, and it looks back, to the left.": masked(
            causal=lambda T: np.tri(T).T > 0
        ),
        "It leaves out the diagonal: a token may look at itself, and the first has nobody else.": (
            masked(causal=lambda T: np.tri(T, k=-1) > 0)
        ),
        "It lets a token see one place ahead: the answer that it is to find.": masked(
            causal=lambda T: np.tri(T, k=1) > 0
        ),
        "PAD need not be 0: compare with `pad`.": lambda ids, pad: masked()(ids, 0),
        "Both must hold: & for |.": masked(both=np.logical_or),
        "The padding part is inverted: True means may attend.": masked(
            there=lambda ids, pad: (ids == pad)[:, None]
        ),
        "It is inverted: True means may attend.": lambda ids, pad: ~masked()(ids, pad),
        "The axis of the queries is missing: (ids != pad)[:, None] is (B, 1, T).": (
            masked(there=lambda ids, pad: ids != pad)
        ),
    },
    proved="START is in every text, so each query has a key.",
    shown=written_mask,
)

EXERCISES = {
    "recurrent cell's pullback": RECURRENT,
    "gradient of two uses": TIED,
    "mask of what is written": MASK,
    "greedy writing": GREEDY,
}
