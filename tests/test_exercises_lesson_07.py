"""The exercises of lesson 07 hear what students write: ways to the same, slips in own words."""

import numpy as np
import pytest
from answers import assert_recognised, said

from nnlib.exercises.greedy import AGAIN, MOST, Scores

BACK = "da = np.zeros_like(h); r = np.zeros_like(h0)\n    "
LOOP = "for t in reversed(range(len(x))):\n        "
STEP = "da[t] = (1 - h[t] ** 2) * (g[t] + r); r = U.T @ da[t]\n    "
SUMS = "p = np.vstack([h0, h[:-1]]); return da @ W, r, da.T @ x, da.T @ p, da.sum(0)"
TIED = "dE = dz.T @ h; "
MASK = "T = ids.shape[1]; "
WRITE = "ids = [1]\n    for _ in range(longest):\n        "
APPEND = "ids.append(int(np.argmax(scores_of(ids))))\n        "
STOP = "if ids[-1] == 2: break\n    "


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("recurrent cell's pullback", BACK + LOOP + STEP + SUMS),
        ("recurrent cell's pullback", "T = len(x); J = [np.diag(1 - a**2) for a in h]\n    "
         "da = []\n    for t in range(T):\n        one = np.zeros_like(h0)\n        "
         "for s in range(t, T):\n            way = np.eye(len(h0))\n            "
         "for k in range(t + 1, s + 1): way = J[k] @ U @ way\n            one += way.T @ g[s]\n"
         "        da.append(J[t] @ one)\n    da = np.array(da); p = np.vstack([h0[None], h])[:-1]\n"
         "    return [da @ W, da[0] @ U, np.einsum('ti,tj->ij', da, x), da.T @ p, da.sum(0)]"),
        ("gradient of two uses", "one = np.eye(dz.shape[1])[ids]; return one.T @ dx + dz.T @ h"),
        ("gradient of two uses", f"{TIED}\n    for i, g in zip(ids, dx): dE[i] += g\n"
         "    return dE"),
        ("mask of what is written", f"{MASK}i = np.arange(T); "
         "return (i[:, None] >= i) & (ids != pad)[:, None, :]"),
        ("mask of what is written", f"{MASK}return np.array([[[j <= i and row[j] != pad "
         "for j in range(T)] for i in range(T)] for row in ids])"),
        ("mask of what is written", f"{MASK}return np.tril(np.ones((T, T), bool)) * "
         "np.repeat((ids != pad)[:, None], T, axis=1)"),
        ("greedy writing", WRITE + APPEND + STOP + "return ids[1:]"),
        ("greedy writing", "ids = []\n    while len(ids) < longest and 2 not in ids: "
         "ids += [scores_of([1] + ids).argmax()]\n    return np.array(ids)"),
    ],
)  # fmt: skip
def test_another_way_to_the_same_is_right(name, lines):
    assert said(name, lines).startswith("Right")


@pytest.mark.parametrize(
    ("name", "lines", "sentence"),
    [
        ("recurrent cell's pullback", BACK + LOOP + STEP.replace("(1 - h[t] ** 2) * ", "") + SUMS,
         "The slope of tanh is missing"),
        ("recurrent cell's pullback", BACK + LOOP + STEP.replace("U.T @ da[t]", "U @ da[t]") + SUMS,
         "Back goes Uᵀ"),
        ("recurrent cell's pullback", BACK + LOOP + STEP.replace("U.T @ da[t]", "da[t]") + SUMS,
         "lacks Uᵀ"),
        ("recurrent cell's pullback", BACK + LOOP.replace("reversed", "") + STEP + SUMS,
         "from the first step to the last"),
        ("recurrent cell's pullback", BACK + LOOP + STEP + SUMS.replace("da.T @ p", "da.T @ h"),
         "h_{t-1}"),
        ("recurrent cell's pullback", BACK + LOOP + STEP.replace("g[t] + r", "g[t]") + SUMS,
         "Nothing is carried"),
        ("recurrent cell's pullback", BACK + LOOP + STEP + SUMS.replace("r, da.T", "da[0], da.T"),
         "one Uᵀ further back"),
        ("recurrent cell's pullback", BACK + LOOP + STEP + "p = np.vstack([h0, h[:-1]]); "
         "return da @ W, r, x.T @ da, p.T @ da, da.sum(0)", "transposed"),
        ("recurrent cell's pullback", BACK + LOOP +
         STEP.replace("(g[t] + r)", "g[t] + r") + SUMS, "added behind the slope"),
        ("recurrent cell's pullback", BACK + LOOP + STEP + SUMS.replace("sum(0)", "sum()"),
         "sum over the steps alone"),
        ("recurrent cell's pullback", BACK + LOOP + STEP + SUMS.replace("sum(0)", "sum(axis=1)"),
         "not over the entries"),
        ("recurrent cell's pullback", BACK + LOOP + "dh = g[t] + r; da[t] = (1 - h[t] ** 2) * dh; "
         "r = U.T @ dh\n    " + SUMS, "not Uᵀ of what reaches the state"),
        ("recurrent cell's pullback", BACK + LOOP + STEP + SUMS.replace("[h0,", "[0 * h0,"),
         "is h0, not 0"),
        ("gradient of two uses", "return dz.T @ h", "E also embeds"),
        ("gradient of two uses", f"{TIED}\n    for t in range(len(ids)): dE[t] += dx[t]\n"
         "    return dE", "not row t"),
        ("gradient of two uses", "dE = np.zeros((dz.shape[1], dx.shape[1])); "
         "np.add.at(dE, ids, dx); return dE", "E also scores"),
        ("gradient of two uses", f"{TIED}dE[ids] += dx; return dE", "adds once"),
        ("gradient of two uses", f"{TIED}dE[ids] = dx; return dE", "replaces"),
        ("gradient of two uses", "return h.T @ dz", "a row for each feature"),
        ("gradient of two uses", f"{TIED}np.add.at(dE, ids, dx / len(ids)); return dE",
         "dx is not divided"),
        ("gradient of two uses", f"{TIED}\n    for k in set(ids): dE[k] += dx[ids == k].mean(0)\n"
         "    return dE", "not averaged: who is used twice"),
        ("mask of what is written", f"{MASK}return np.tri(T, dtype=bool)", "a mask of its own"),
        ("mask of what is written", f"{MASK}return (np.tri(T) > 0) & (ids != pad)[:, :, None]",
         "blocks queries"),
        ("mask of what is written", f"{MASK}return np.tri(T, dtype=bool).T & (ids != pad)[:, None]",
         "transposed"),
        ("mask of what is written", f"{MASK}return np.tri(T, dtype=bool) | (ids != pad)[:, None]",
         "& for |"),
        ("mask of what is written", f"{MASK}return np.tri(T, dtype=bool) & (ids == pad)[:, None]",
         "padding part is inverted"),
        ("mask of what is written", f"{MASK}return np.tri(T, dtype=bool) & (ids != pad)",
         "axis of the queries"),
        ("mask of what is written", f"{MASK}return np.tri(T, dtype=bool) & (ids != 0)[:, None]",
         "need not be 0"),
        ("mask of what is written", f"{MASK}return np.tri(T) * (ids != pad)[:, None]",
         "True or False is due"),
        ("greedy writing", WRITE + APPEND + STOP + "return ids", "START is not part"),
        ("greedy writing", "rng = globals().setdefault('rng', np.random.default_rng(0)); " +
         WRITE + "p = np.exp(scores_of(ids)); ids.append(rng.choice(7, p=p / p.sum()))\n        " +
         STOP +
         "return ids[1:]", "does it draw?"),
        ("greedy writing", WRITE + APPEND.replace("argmax", "max") + STOP + "return ids[1:]",
         "cut to an integer"),
        ("greedy writing", WRITE + "ids.append(np.max(scores_of(ids)))\n        " + STOP +
         "return ids[1:]", "max is the largest score; the token"),
        ("greedy writing", WRITE + APPEND + "pass\n    return ids[1:]", "goes on behind END"),
        ("greedy writing", WRITE + "k = int(np.argmax(scores_of(ids)))\n        "
         "if k == 2: break\n        ids.append(k)\n    return ids[1:]", "END belongs"),
        ("greedy writing", WRITE + APPEND.replace("of(ids)", "of(ids[-1:])") + STOP +
         "return ids[1:]", "only the last token"),
        ("greedy writing", "ids = [1]\n    while len(ids) < longest and ids[-1] != 2: "
         "ids.append(int(np.argmax(scores_of(ids))))\n    return ids[1:]", "one token too few"),
        ("greedy writing", "ids = [1]\n    while ids[-1] != 2: "
         "ids.append(int(np.argmax(scores_of(ids))))\n    return ids[1:]", "would never end"),
        ("greedy writing", "t = 1\n    while t != 2: t = np.argmax(scores_of([1]))\n    return [t]",
         "would never end"),
    ],
)  # fmt: skip
def test_a_slip_in_the_student_s_own_lines_is_recognised(name, lines, sentence):
    assert_recognised(name, lines, sentence)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("recurrent cell's pullback", "da = (1 - h**2) * g; p = np.vstack([h0, h[:-1]]); "
         "return da @ W, U.T @ da[0], da.T @ x, da.T @ p, da.sum(0)"),
        ("gradient of two uses", f"{TIED}dE[3] += dx[0] + dx[2]; dE[0] += dx[1]; dE[2] += dx[3]; "
         "return dE"),
        ("mask of what is written", "return np.tri(4, dtype=bool) & (ids != 0)[:, None]"),
        ("greedy writing", "return [5, 3, 3, 6, 2]"),
    ],
)  # fmt: skip
def test_what_is_right_for_one_sample_only_is_not_right(name, lines):
    assert said(name, lines).startswith("Not yet")


@pytest.mark.parametrize("seed", range(20))
def test_a_draw_by_these_scores_is_told_from_the_likeliest(seed):
    draw = (
        f"rng = np.random.default_rng({seed})\n    {WRITE}p = np.exp(scores_of(ids)); "
        f"ids.append(int(rng.choice(7, p=p / p.sum())))\n        {STOP}return ids[1:]"
    )
    assert said("greedy writing", draw).startswith("Not yet")


def test_a_right_answer_shows_both_uses_and_their_sum():
    shown = said("gradient of two uses", f"{TIED}np.add.at(dE, ids, dx); return dE")
    lines = shown.partition("def ")[2]
    assert "np.add.at(embedding, ids, dx)" in lines
    assert "unembedding = dz.T @ h" in lines
    assert "return embedding + unembedding" in lines


def test_scores_depend_on_all_that_is_written_and_on_nothing_else():
    scores_of = Scores({(1,): 4})
    first = scores_of([1])
    assert first.argmax() == 4
    other = scores_of([1, 4])
    np.testing.assert_array_equal(scores_of(np.array([1])), first)
    np.testing.assert_array_equal(scores_of((1, 4)), other)
    assert (scores_of([1, 5]) != other).any()


def test_who_asks_for_ever_is_told_and_may_try_again():
    scores_of = Scores({})
    with pytest.raises(RuntimeError, match="would never end"):
        scores_of([1] * (MOST + 1))
    with pytest.raises(RuntimeError, match="would never end"):
        all(scores_of([1]).size for _ in range(AGAIN + 2))
    assert scores_of([1]).shape == (7,)
