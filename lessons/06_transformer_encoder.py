# %% [markdown]
# # 6 · The transformer encoder
#
# A network that looks elsewhere: document C, part 2, and document D's transformer.
#
# **Objectives.** Derive attention from what it is needed for, and its way back line by line; check each part of an encoder against
# differences; train one that reads digits row by row; see where it looks.
#
# **Prerequisites.** [Softmax and the linear layer](02_blocks.ipynb), [cross-entropy](03_losses.ipynb), [an MLP on MNIST](05_mlp_on_mnist.ipynb).
# **Minutes:** 120; a good place for a break is before document C's encoder.
#
# | letter | meaning |
# |---|---|
# | $X$ | the tokens of one sample, a row each: $T$ rows of $d$ numbers |
# | $q,k,v$ | query, key, value; in capitals one row for each token |
# | $S$, $A$, $O$ | scores, weights, output of attention |
# | `dA`, $dA$ | $dL/dA$, and so for each letter |

# %% tags=["nbval-ignore-output"]
import inspect

import matplotlib.pyplot as plt
import numpy as np

import nnlib.experiments.lesson_06 as lab
import nnlib.plots.lesson_06 as plots
from nnlib.blocks import attention, attention_weights, dropout, layer_norm, softmax
from nnlib.calculus import check_vjp, numerical_gradient
from nnlib.checks import raises
from nnlib.data import load_mnist
from nnlib.documents import claim, claims_table
from nnlib.exercises import exercise
from nnlib.layers import Layer, Sequential
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP, flatten
from nnlib.optimizers import Adam, cosine_decay, warmup
from nnlib.parameters import objective, parameter_vector
from nnlib.plots.canvas import use_style
from nnlib.plots.curves import draw_lines, draw_means
from nnlib.plots.images import draw_images
from nnlib.plots.matrices import draw_matrix
from nnlib.training import Training, accuracy
from nnlib.transformer import EncoderLayer, MultiHeadAttention, TokenClassifier
from nnlib.transformer import causal_mask, positional_encoding

use_style()
images = load_mnist()


def off(got, want):
    """The largest error, as a share of the largest true entry."""
    return np.abs(got - want).max() / np.abs(want).max()


# %% [markdown] lecture={"ask": "How many of the new pages does the MLP get right? Over 90 %, two thirds, or a good third?", "board": "four boxes, a name over a digit in each; below them: a ?", "cut": "the larger MLP", "expect": "Most say over 90 %: it is a small task, and it knows all 2,000 pages by heart", "jump": "setup", "minutes": 6, "misconception": "A network that fits its examples has understood the task"}
# ## A page to look up
#
# A **page** holds four names, of eight, each with a digit, in any order. One of the names is asked. Which digit stands beside it?

# %%
pages = lab.random_pages(2000, rng=0)
first = pages.names[0], pages.digits[0], pages.asked[0]

# %%
_, ax = plt.subplots(figsize=(9, 3))
plots.draw_page(*first, title="Which digit stands beside the name that is asked?", ax=ax)
plt.show()

# %% [markdown]
# An MLP gets it all side by side, 90 numbers: the name asked, then the pairs, in one-hot rows. It learns from 2,000 pages until it knows every one.
#
# **Vote.** Of 2,000 *new* pages it answers rightly (a) more than nine in ten, (b) about two thirds, (c) a good third.


# %%
def mlp(seed, *hidden):
    return Sequential(Layer(flatten), MLP(90, *hidden, 10, rng=seed, dtype="float64"))


readers = [lab.taught(mlp(seed, 128), seed=seed) for seed in range(5)]
for name in ("seen", "unseen", "on_page"):
    shares = [getattr(reader, name) for reader in readers]
    print(f"{name:8} {min(shares):.0%} to {max(shares):.0%}")

# %% [markdown]
# (c). Its answer nearly always stands on the new page; but which of the four? Somebody who never reads a name, and says the digit that
# stands most often, is right as often:

# %%
for seed, reader in enumerate(readers):
    blind = lab.most_frequent(lab.new_pages(seed))
    assert reader.seen > 0.99
    assert reader.on_page > 0.97
    assert reader.unseen < blind + 0.02

# %% [markdown]
# It has not learned to look. Each of eight names, at each of four places, with each of ten digits, is a case of its own for it: 320 cases. A
# larger MLP with 25 times as many pages does find them:

# %%
large = lab.taught(mlp(0, 200, 200), pages=50_000, steps=2000, lr=2e-3, seed=0)
print(f"{large.numbers:,} numbers, 50,000 pages: {large.unseen:.0%} of the new ones")
assert large.unseen > 0.9

# %% [markdown]
# So it is no question of what an MLP *can* represent. We want a network for which "find the name" is one thing to learn, at whatever place.

# %% [markdown] lecture={"ask": "A query of b with strength 0: what comes out? And with strength 1000?", "board": "three keys, three values; scores 0, \u03b2, 0; weights; 23", "cut": "the picture over \u03b2", "expect": "The mean of all values; then the value beside b", "jump": "setup", "minutes": 9, "misconception": "Attention picks one token"}
# ## A soft look-up
#
# A program compares: is this the name? Yes or no has no slope, so nothing could be learned through it. Make each step soft:
#
# 1. **score** each key against the query by their product, $s_j=q\cdot k_j$;
# 2. share out by softmax, $a_j=e^{s_j}/\sum_ie^{s_i}$;
# 3. **mix** the values, $o=\sum_ja_jv_j$.
#
# By hand: names a, b, c are one-hot keys, with values 10, 20, 60. The query is b, $\beta$ strong: $q=(0,\beta,0)$, so the scores are $0,\beta,0$. For $e^\beta=8$ the weights are
# $\frac1{10},\frac8{10},\frac1{10}$, and $o=1+16+6=23$.

# %%
keys, values = np.eye(3), np.array([10.0, 20.0, 60.0])
look_up = lambda q: softmax(keys @ q)[0] @ values
assert np.isclose(look_up(np.array([0, np.log(8), 0])), 23)

# %% [markdown]
# *Predict:* what comes out for $\beta=0$, and for a very large $\beta$? (a) 0 and 20, (b) 30 and 20, (c) 20 and 60.

# %%
strengths = np.linspace(0, 8, 81)
mixed = {"o": np.array([look_up(np.array([0, beta, 0])) for beta in strengths])}
names = {"xlabel": "strength β of the query", "ylabel": "what comes out"}
assert np.isclose(mixed["o"][0], 30)
assert np.isclose(look_up(np.array([0, 1000.0, 0])), 20)

# %%
_, ax = plt.subplots(figsize=(9, 3.6))
draw_lines(mixed, strengths, **names, title="From the mean of all, 30, to the one looked up, 20", ax=ax)
plt.show()

# %% [markdown]
# (b): scores alike share alike, and the largest takes all. Between them there is a slope everywhere.
#
# Now the pages, *with nothing learned*: the query is the name asked, 20 strong, the keys are the names, the values the digits' one-hot rows.

# %%
x = lab.page_tokens(pages)  # (2000, 5, 18): the name asked, then the pairs; 8 for a name, 10 for a digit
q, k, v = 20 * x[:, :1, :8], x[:, 1:, :8], x[:, 1:, 8:]
A, _ = softmax(q @ k.mT)
o = A @ v
assert (o[:, 0].argmax(axis=1) == pages.answer).all()

# %% [markdown]
# All 2,000, whatever the order: the place of a pair enters nowhere. What we chose by hand is what of a token asks, what it is found by and
# what it hands over. Let three matrices choose:
#
# $$q=W_qx,\qquad k=W_kx,\qquad v=W_vx\qquad\text{(\textbf{query}, \textbf{key}, \textbf{value})}.$$

# %%
looks = [lab.LookUp(rng=seed) for seed in range(5)]
learned = [lab.taught(look, steps=200, lr=1e-2, seed=seed) for seed, look in enumerate(looks)]
print(f"{learned[0].numbers:,} numbers, new pages: {min(one.unseen for one in learned):.0%} or more")
assert min(one.unseen for one in learned) > 0.99

# %%
weights = looks[0].weights(x[:1])[0]
assert pages.names[0][weights.argmax()] == pages.asked[0]
assert weights.max() > 0.9

# %%
_, ax = plt.subplots(figsize=(9, 3.2))
title = "It has learned to look beside the name that is asked"
plots.draw_page(*first, weights=weights, title=title, ax=ax)
plt.show()

# %% [markdown]
# From the same 2,000 pages, a tenth of the numbers and a fifth of the steps. Comparing need not be learned: it is built in.

# %% [markdown] lecture={"ask": "We exchange the first and the last token. What happens to the output?", "board": "X, then Q, K, V beside it; S with rows 'who asks' and columns 'who answers'", "cut": "nothing", "expect": "Its first and last row are exchanged, and no number changes", "jump": "setup", "minutes": 7, "misconception": "Attention knows the order of the tokens"}
# ## Every token asks
#
# Now all tokens ask and all answer (**self-attention**). With a row for each token and weights (out, in):
#
# $$Q=XW_q^\top,\quad K=XW_k^\top,\quad V=XW_v^\top,\qquad S=\frac{QK^\top}{\sqrt d},\qquad A=\text{softmax of each row of }S,\qquad O=AV .$$
#
# $S_{ij}$ says how well token $j$'s key answers token $i$'s query, and row $i$ of $A$ where token $i$ looks. Document D prints just this,
# $\mathrm{softmax}(QK^\top/\sqrt{d_k})V$, and it is right. (Why $\sqrt d$ comes next.)

# %%
X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
W_q, W_k, W_v = 2 * np.eye(2), np.eye(2)[::-1], np.diag([10.0, 20.0])
Q, K, V = X @ W_q.T, X @ W_k.T, X @ W_v.T
S = Q @ K.T / np.sqrt(2)
A, _ = softmax(S)
assert np.allclose(Q @ K.T, [[0, 2, 2], [2, 0, 2], [2, 2, 4]])
assert np.allclose(A.sum(axis=1), 1)

# %%
_, axes = plt.subplots(1, 4, figsize=(9, 3))
stages = {"QKᵀ": Q @ K.T, "S": S, "A": A, "O": A @ V}
title = "Token 1 looks away from itself: each row of A says where"
plots.draw_strip(stages, ["÷ √2", "softmax\nof rows", "times V"], title=title, axes=axes)
plt.show()

# %% [markdown]
# Here $W_k$ exchanges the two features, so tokens 1 and 2 look at who has what they lack. *Predict:* we exchange the first and the last row of $X$. Then (a) $O$ is the same, (b) its
# first and last row are exchanged, (c) all its numbers change.

# %%
swapped = X[[2, 1, 0]]
O, _ = attention(Q, K, V)
O_swapped, _ = attention(swapped @ W_q.T, swapped @ W_k.T, swapped @ W_v.T)
assert np.allclose(O, A @ V, rtol=1e-12)
assert np.allclose(O_swapped, O[[2, 1, 0]], rtol=1e-12)

# %% [markdown]
# (b). Each token sees the others as a *set*; (c) would be an MLP's answer. For a page that was what we wanted. For rows of an image, or words, order counts; positions, later, put it back.

# %% [markdown] lecture={"ask": "256 products of random numbers are added. How large is the sum: 1, 16 or 256?", "board": "Var(q\u00b7k) = d, so a typical score is \u221ad", "cut": "the proof of the variance", "expect": "16, and e\u00b9\u2076 is nine million: softmax has made up its mind", "jump": "setup", "minutes": 8, "misconception": "The factor only changes the unit of the scores"}
# ## Why √d
#
# D prints the root and gives no reason. A score is a sum, $q\cdot k=\sum_{i=1}^dq_ik_i$. Let the entries be independent, with mean 0 and variance 1. Then each product has
# mean 0 and variance 1, so the sum has variance $d$: a typical score is $\sqrt d$.

# %%
for d in (8, 256):
    q, k = np.random.default_rng(0).standard_normal((2, 100_000, d))
    assert np.isclose((q * k).sum(axis=1).var(), d, rtol=0.05)

# %% [markdown]
# *Predict:* at $d=256$, 28 tokens, no root: what is a row's largest weight, on average? (a) Hardly above 1/28. (b) A half. (c) Above 0.9.

# %%
sizes = [8, 16, 32, 64, 128, 256]
rows = lambda scaled: [[lab.first_rows(d, scaled=scaled, seed=s) for s in range(10)] for d in sizes]
arms = {"q·k": rows(False), "q·k / √d": rows(True)}
of_all = lambda name: {
    arm: np.array([[getattr(one, name) for one in seeds] for seeds in found])
    for arm, found in arms.items()
}
print({name: round(largest[-1].mean(), 1) for name, largest in of_all("largest").items()})

# %%
_, axes = plt.subplots(1, 2, figsize=(9, 3.8))
for ax, name, title in zip(axes, ("entropy", "gradient"), ("Rows made up", "No way back")):
    draw_means(sizes, of_all(name), xlabel="d", ylabel=name, title=title, legend="below", ax=ax)
plt.show()

# %% [markdown]
# (c). *Entropy* says how many tokens a row spreads over, at most $\ln28=3.3$; *gradient* is the length of $dL/dS$ in the middle row, for random $dL/dA$. Without the root a large $d$ has
# chosen before anything is learned, and softmax's slope $A(1-A)$ is nearly 0. With it, nothing depends on $d$.

# %%
entropy, gradient = of_all("entropy"), of_all("gradient")
assert (of_all("largest")["q·k"][-1] > 0.85).all()
assert (entropy["q·k / √d"] > 2.6).all()
assert (entropy["q·k"][-1] < 0.5).all()
assert (gradient["q·k"][-1] < 0.2 * gradient["q·k / √d"][-1]).all()
assert np.allclose(gradient["q·k / √d"].mean(axis=1), gradient["q·k / √d"].mean(), rtol=0.1)


# %% [markdown] lecture={"ask": "Which lines of the forward pass does dV have to cross?", "board": "the three lines forward; under them, from below, the three lines back", "cut": "the library's source", "expect": "The last only: O = AV", "jump": "setup", "minutes": 13, "misconception": "Softmax's derivative is A(1 \u2212 A)"}
# ## The way back
#
# Three lines forward, $S=QK^\top/\sqrt d$, $A=\mathrm{softmax}(S)$, $O=AV$; three lines back, from the last. Given is $dO$.
#
# **The mixing.** $O_{ic}=\sum_jA_{ij}V_{jc}$. The entry $V_{jc}$ reaches the loss through every query $i$, with the factor $A_{ij}$; the entry $A_{ij}$ through every column $c$, with $V_{jc}$:
#
# $$dV_{jc}=\sum_iA_{ij}\,dO_{ic},\quad dA_{ij}=\sum_cdO_{ic}V_{jc},\qquad\text{so}\qquad dV=A^\top dO,\quad dA=dO\,V^\top .$$

# %%
rng = np.random.default_rng(0)
(Q, K), V = rng.standard_normal((2, 4, 3)), rng.standard_normal((4, 5))  # T = 4, d = 3
S = Q @ K.T / np.sqrt(3)
(A, _), dO = softmax(S), rng.standard_normal((4, 5))
dV, dA = A.T @ dO, dO @ V.T
assert off(dV, numerical_gradient(lambda V: (dO * (A @ V)).sum(), V)) < 1e-7
assert off(dA, numerical_gradient(lambda A: (dO * (A @ V)).sum(), A)) < 1e-7

# %% [markdown]
# **Softmax**, row by row ([lesson 2](02_blocks.ipynb)): the weights of a row sum to 1, so what one gains the others lose,
#
# $$dS_{ij}=A_{ij}\Big(dA_{ij}-\sum_lA_{il}\,dA_{il}\Big).$$
#
# *Predict:* a $dA$ that is the same for all keys of a row, say 1. What is $dS$ there?

# %%
dS = A * (dA - (A * dA).sum(axis=1, keepdims=True))
assert off(dS, numerical_gradient(lambda S: (dA * softmax(S)[0]).sum(), S)) < 1e-7
same = np.ones((4, 4))
assert np.allclose(A * (same - (A * same).sum(axis=1, keepdims=True)), 0, atol=1e-12)

# %% [markdown]
# Zero: to raise all weights is not possible. In general each row of $dS$ sums to 0: attention can only be *moved*.
#
# **The scores.** $S_{ij}=\frac1{\sqrt d}\sum_cQ_{ic}K_{jc}$. A query has row $i$ of $dS$; a key is seen by every query, which is column $j$:
#
# $$dQ=\frac{dS\,K}{\sqrt d},\qquad dK=\frac{dS^\top Q}{\sqrt d}.$$

# %%
dQ, dK = dS @ K / np.sqrt(3), dS.T @ Q / np.sqrt(3)
loss = lambda Q, K: (dO * (softmax(Q @ K.T / np.sqrt(3))[0] @ V)).sum()
assert off(dQ, numerical_gradient(lambda Q: loss(Q, K), Q)) < 1e-7
assert off(dK, numerical_gradient(lambda K: loss(Q, K), K)) < 1e-7
assert np.allclose(dS.sum(axis=1), 0, atol=1e-12)


# %% [markdown]
# That is all of it. **Your turn**, without looking up: attention's pullback. `A` is given.


# %% tags=["exercise"]
def attention_back(q, k, v, A, do):
    """dq, dk and dv."""


exercise("attention's pullback", attention_back)

# %% [markdown]
# <details><summary>A hint</summary>
#
# Five lines, from below: `dv`, `dA`, `dS` (mind the row's sum and the root), `dq`, `dk`. The shapes decide where to transpose, unless they are square.
# </details>
#
# <details><summary>A solution</summary>
#
# ```python
# def attention_back(q, k, v, A, do):
#     dA = do @ v.T
#     dS = A * (dA - (A * dA).sum(axis=1, keepdims=True)) / np.sqrt(q.shape[1])
#     return dS @ k, dS.T @ q, A.T @ do
# ```
# </details>

# %% [markdown]
# The library has two blocks, the weights and the mixing; `.mT` exchanges the last two axes, so that samples and heads may stand in front.

# %%
print(inspect.getsource(attention.__wrapped__).split('"""')[2])

# %%
_, pullback = attention(Q, K, V)
for got, want in zip(pullback(dO), (dQ, dK, dV)):
    assert np.allclose(got, want, rtol=0, atol=1e-12)
assert check_vjp(attention, Q, K, V) < 1e-7


# %% [markdown] lecture={"ask": "A token needs what stands at token 1 and what stands at token 2. What does one head give it?", "board": "a matrix of 3 rows, a line down its middle", "cut": "the loop over heads", "expect": "Their mean, from which neither can be told", "jump": "setup", "minutes": 6, "misconception": "More heads are more parameters"}
# ## Several heads
#
# A row of $A$ is *one* softmax. A token that needs two things, the value 10 from one place and 60 from another, gets their mean: 35, as from 30 and 40. So let it ask twice. Each **head**
# takes its own columns of $Q$, $K$ and $V$, attends by itself, and a last matrix mixes what all found.

# %%
_, ax = plt.subplots(figsize=(8, 3))
plots.draw_heads([4, 4], 3, title="Three tokens of width 8: two heads of 4 columns each", ax=ax)
plt.show()

# %% [markdown]
# *Predict:* the layer has four matrices of $d\times d$. With eight heads for two, how many numbers does it learn? (a) Four times as many. (b) As many. (c) A quarter.

# %%
x = np.random.default_rng(0).standard_normal((1, 3, 8))
two, eight = MultiHeadAttention(8, 2, rng=0), MultiHeadAttention(8, 8, rng=0)
assert parameter_vector(two)[0].size == parameter_vector(eight)[0].size == 4 * (8 * 8 + 8)
to_q, to_k, to_v, to_y = two.parts
(q, _), (k, _), (v, _) = to_q(x), to_k(x), to_v(x)
found = [attention(*(a[..., c] for a in (q, k, v)))[0] for c in (slice(0, 4), slice(4, 8))]
assert np.allclose(to_y(np.concatenate(found, axis=-1))[0], two(x, x)[0], rtol=0, atol=1e-12)

# %% [markdown]
# (b): heads share the columns out. (D's title says multi-head, its formula has one.) The cell above loops over them; the library moves them to an axis of their own, so that one product does all. **Your turn.**


# %% tags=["exercise"]
def split(x, heads):
    """The rows x (T, d) as (heads, T, d/heads)."""


exercise("split into heads", split)

# %% [markdown]
# <details><summary>A hint</summary>
#
# `reshape` to `(T, heads, d // heads)` first: it cuts each row. Then exchange two axes.
# </details>
#
# <details><summary>A solution</summary>
#
# ```python
# def split(x, heads):
#     T, d = x.shape
#     return x.reshape(T, heads, d // heads).swapaxes(0, 1)
# ```
# </details>

# %% [markdown] lecture={"ask": "Somebody sets the unwanted weights to 0 after softmax. What breaks?", "board": "a triangle of ticks; \u2212\u221e in the rest", "cut": "the bit-equal cell", "expect": "The rows no longer sum to 1, and blocked scores still steer the others", "jump": "setup", "minutes": 7, "misconception": "A large negative number is as good as -\u221e"}
# ## Who may look where
#
# Who writes a text must not read ahead; and a short sentence in a batch of long ones is filled up with padding. A **mask** says who may look where: in `nnlib` it is boolean, and True means *may attend*.
#
# *Predict:* somebody attends to all and sets the unwanted weights to 0 afterwards. What is wrong with that?

# %%
mask = causal_mask(4)
late = np.where(mask, A, 0)
print("sums of the rows", late.sum(axis=1).round(2))
assert (late.sum(axis=1)[:-1] < 1).all()

# %% [markdown]
# The rows no longer sum to 1, and what was blocked has still taken its share. So block *before* softmax, with the score $-\infty$: $e^{-\infty}=0$, and the rest share everything.

# %%
A_causal, _ = attention_weights(Q, K, mask=mask)
assert (A_causal[~mask] == 0).all()
assert np.allclose(A_causal.sum(axis=1), 1)

# %%
_, ax = plt.subplots(figsize=(7, 3.6))
names = {"xlabel": "key: who is looked at", "ylabel": "query: who looks"}
draw_matrix(A_causal, title="Each token looks at itself and back; · is exactly 0", **names, ax=ax)
plt.show()

# %% [markdown]
# "Exactly" means that nothing of a blocked token arrives, neither forward nor back. We give the last token a value of $10^{30}$:

# %%
wild = V.copy()
wild[3] = 1e30
(calm, pullback), (stormy, _) = (attention(Q, K, v, mask=mask) for v in (V, wild))
assert (calm[:3] == stormy[:3]).all()
_, dk, dv = pullback(np.where(np.arange(4)[:, None] < 3, dO, 0))  # a loss of tokens 1 to 3
assert (dk[3] == 0).all()
assert (dv[3] == 0).all()

# %% [markdown]
# A query that may look nowhere has no softmax at all, 0/0. The library says so:

# %%
raises(ValueError, lambda: attention(Q, K, V, mask=np.zeros((4, 4), bool)))


# %% [markdown]
# **Your turn.** A causal mask for any number of tokens, without a loop.


# %% tags=["exercise"]
def causal(T):
    """The boolean mask (T, T); True = may attend."""


exercise("causal mask", causal)

# %% [markdown]
# <details><summary>A hint</summary>
#
# `i = np.arange(T)[:, None]` numbers the queries down the rows, `j = np.arange(T)` the keys.
# </details>
#
# <details><summary>A solution</summary>
#
# ```python
# def causal(T):
#     return np.arange(T)[:, None] >= np.arange(T)
# ```
# </details>

#@@C@@

#@@POS@@

# %% [markdown] lecture={"ask": "Attention has 4d\u00b2 weights. How many has an MLP from d to 4d and back?", "board": "d, 4d, d; an arrow through each token alone", "cut": "all of it", "expect": "8d\u00b2: two thirds of the layer", "jump": "setup", "minutes": 3, "misconception": "Attention is where most of the numbers are"}
# ## Each token by itself
#
# Attention mixes, but what it mixes is linear in the values. So behind it each token goes through the same MLP, which D prints rightly: $\max(0,xW_1+b_1)W_2+b_2$, usually from $d$ to $4d$ and back.
#
# *Predict:* we change token 3. Which outputs change?

# %%
think = MLP(8, 32, 8, rng=0, dtype="float64")
x = np.random.default_rng(0).standard_normal((4, 8))
moved = x.copy()
moved[3] += 1
changed = (think(x)[0] != think(moved)[0]).any(axis=1)
print("changed:", changed.tolist())
assert changed.tolist() == [False, False, False, True]
assert check_vjp(objective(think, lambda z: (z.sum(), lambda dL: dL * np.ones_like(z)), x), parameter_vector(think)[0]) < 1e-7

# %% [markdown] lecture={"ask": "We double all entries of a row. What does its layer norm do?", "board": "g, the direction of x\u0302, the right angle", "cut": "the training with the slip", "expect": "Nothing changes; so no gradient can point along x\u0302", "jump": "setup", "minutes": 11, "misconception": "The deviation is a number one divides by"}
# ## Layer norm
#
# D names it without a formula. Every row $x$ of $n$ numbers, by itself, gets mean 0 and variance 1, and then a learned scale and shift:
#
# $$\mu=\overline x,\qquad s=\sqrt{\overline{(x-\mu)^2}+\epsilon},\qquad\hat x=\frac{x-\mu}s,\qquad y=\gamma\odot\hat x+\beta .$$
#
# By hand: $(1,3)$ has $\mu=2$, $s=1$, so $\hat x=(-1,1)$; and $(10,30)$? The same. The bar is the mean over the row.

# %%
plain = lambda x: layer_norm(np.array([x]), np.ones(2), np.zeros(2))[0]
assert np.allclose(plain([1.0, 3.0]), [-1, 1], atol=1e-4)
assert np.allclose(plain([10.0, 30.0]), [-1, 1], atol=1e-4)

# %% [markdown]
# **Back.** $x_i$ reaches $\hat x_j$ in three ways: directly, through $\mu$ and through $s$. From $\frac{\partial\mu}{\partial x_i}=\frac1n$ and, since $2s\,\partial s=\frac2n(x_i-\mu)\,\partial x_i$, $\frac{\partial s}{\partial x_i}=\frac{\hat x_i}n$:
#
# $$\frac{\partial\hat x_j}{\partial x_i}=\frac1s\Big(\mathbb 1_{ij}-\frac1n-\frac{\hat x_i\hat x_j}n\Big).$$
#
# With $g=\gamma\odot dy$, summed over $j$:
#
# $$dx=\frac1s\Big(g-\overline g-\hat x\;\overline{g\odot\hat x}\Big).$$

# %%
rng, mean = np.random.default_rng(0), lambda a: a.mean(axis=-1, keepdims=True)
x, dy, gamma = rng.standard_normal((5, 16)), rng.standard_normal((5, 16)), rng.uniform(1, 2, 16)
s = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
x_hat, g = (x - mean(x)) / s, gamma * dy
dx = (g - mean(g) - x_hat * mean(g * x_hat)) / s
value = lambda x: (dy * layer_norm(x, gamma, np.zeros(16))[0]).sum()
assert off(dx, numerical_gradient(value, x)) < 1e-7

# %% [markdown]
# Read it as geometry. The row of ones and $\hat x$ are directions in which nothing can be gained: to raise or to stretch a row changes no output (but for $\epsilon$). The two terms take off just what points there.

# %%
assert np.allclose(dx.sum(axis=1), 0, atol=1e-12)
assert np.abs((dx * x_hat).sum(axis=1)).max() < 1e-4

# %%
_, ax = plt.subplots(figsize=(8, 3.6))
title = "What remains of g stands at right angles to x̂"
plots.draw_projection(x_hat[1] + dy[1], x_hat[1], title=title, ax=ax)
plt.show()


# %% [markdown]
# **A well-known slip** takes $s$ for a constant. The last term is gone, and every shape still fits.
#
# *Predict:* for a random $dy$, how wrong is $dx$, in rows of 16, 64 and 256? (a) A quarter each time, (b) less the longer the row, (c) more. And for a $dy$ that points mostly along $\hat x$?


# %%
def slipped(x, gamma, beta):
    y, right_pullback = layer_norm(x, gamma, beta)
    s = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)

    def pullback(dy):
        return (gamma * dy - mean(gamma * dy)) / s, *right_pullback(dy)[1:]

    return y, pullback


# %%
for n in (16, 64, 256):
    x, dy = np.random.default_rng(0).standard_normal((2, 1000, n))
    (x_hat, right), (_, wrong) = (norm(x, np.ones(n), np.zeros(n)) for norm in (layer_norm, slipped))
    error = lambda dy: np.linalg.norm(wrong(dy)[0] - right(dy)[0]) / np.linalg.norm(right(dy)[0])
    print(f"n = {n:3}  random {error(dy):.2f}, mostly along x̂ {error(x_hat + 0.3 * dy):.1f}")
    assert np.isclose(error(dy), 1 / np.sqrt(n), rtol=0.15)
    assert error(x_hat + 0.3 * dy) > 3

# %% [markdown]
# (b): a random direction lies along $\hat x$ with a share of $1/\sqrt n$, a quarter for 16. Along $\hat x$, where nothing should come back, all of it does. Does training tell? An MLP with three normed layers on the digits, both ways, five seeds:

# %%
runs = {
    norm.__name__: [lab.trained_with(norm, seed=seed) for seed in range(5)]
    for norm in (layer_norm, slipped)
}
losses = {name: np.mean([one[0] for one in found], axis=0) for name, found in runs.items()}
right, wrong = ([one[1] for one in found] for found in runs.values())
print(f"new digits: right {min(right):.2f} to {max(right):.2f}, slipped {min(wrong):.2f} to {max(wrong):.2f}")

# %%
_, ax = plt.subplots(figsize=(9, 3.8))
names = {"xlabel": "step", "ylabel": "loss on the batch", "legend": "inside"}
draw_lines(losses, **names, title="Alone, the wrong curve would look fine", ax=ax)
plt.show()

# %% [markdown]
# Both fall, and the slipped one alone would raise no suspicion. It costs accuracy with each seed; only differences tell *that* it is wrong:

# %%
assert all(one[0][-20:].mean() < 0.5 * one[0][0] for one in runs["slipped"])
assert all(b < a for a, b in zip(right, wrong))
point = np.random.default_rng(0).standard_normal((3, 6)), np.ones(6), np.zeros(6)
assert check_vjp(layer_norm, *point) < 1e-7
raises(AssertionError, lambda: check_vjp(slipped, *point))


# %% [markdown]
# **Your turn**, with $\gamma$:


# %% tags=["exercise"]
def norm_back(x, gamma, dy):
    """dx of a layer norm of the rows of x, with 1e-5 beside the variance."""


exercise("layer norm's dx", norm_back)

# %% [markdown]
# <details><summary>A hint</summary>
#
# First $s$, $\hat x$ and $g=\gamma\odot dy$; then three terms, divided by $s$. Each mean runs over a row: `axis=-1, keepdims=True`.
# </details>
#
# <details><summary>A solution</summary>
#
# ```python
# def norm_back(x, gamma, dy):
#     mean = lambda a: a.mean(axis=-1, keepdims=True)
#     s = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
#     x_hat, g = (x - mean(x)) / s, gamma * dy
#     return (g - mean(g) - x_hat * mean(g * x_hat)) / s
# ```
# </details>

# %% [markdown] lecture={"ask": "Nothing comes back through attention and MLP. How much of the gradient arrives at the bottom of twelve layers?", "board": "both drawings; the straight line, and the one with norms on it", "cut": "the second picture", "expect": "Pre-norm: all. Post-norm: hardly anything", "jump": "setup", "minutes": 8, "misconception": "Where the norm stands is a matter of taste"}
# ## The stream
#
# A layer *adds* to what it was given, $y=x+f(x)$, so back it goes two ways: $dx=dy+J_f^\top dy$. Whatever $f$ does, $dy$ itself arrives. D names this **residual** connection, without a formula, and leaves open where the norm stands:

# %%
_, axes = plt.subplots(1, 2, figsize=(9, 5.5))
titles = {True: "Pre-norm: a free way down", False: "Post-norm: through every norm"}
for ax, (norm_first, title) in zip(axes, titles.items()):
    plots.draw_stream(norm_first, title=title, ax=ax)
plt.show()

# %% [markdown]
# *Predict:* twelve layers at their first weights. We let nothing back through attention and MLP, only along the additions. How much of the gradient arrives at the bottom, in each? (a) All, all. (b) All, a half. (c) All, less than a thousandth.

# %%
depth, seeds = np.arange(13), range(8)
sent = lambda **which: np.array([lab.sent_back(seed=seed, **which) for seed in seeds]).T
around = {"pre-norm": sent(norm_first=True, around_only=True)}
around["post-norm"] = sent(norm_first=False, around_only=True)
assert (around["pre-norm"] == 1).all()
assert (around["post-norm"][0] < 1e-3).all()

# %% [markdown]
# (c). In pre-norm exactly all: nothing stands on the line. In post-norm each of 24 norms divides by the deviation of a sum, which is larger than 1. And the whole gradient, branches included?

# %%
whole = {"pre-norm": sent(norm_first=True), "post-norm": sent(norm_first=False)}
panels = {"Around the branches": around, "All of it": whole}

# %%
_, axes = plt.subplots(1, 2, figsize=(9, 4))
for ax, (title, arms) in zip(axes, panels.items()):
    plots.draw_depths(arms, title=title, ax=ax)
plt.show()

# %% [markdown]
# Pre-norm's grows evenly toward the bottom, much the same for each seed. Post-norm's comes down through the branches alone, and how much arrives is a matter of the draw. That is a reason why post-norm is trained with care at the start (warm-up); it does not say that it cannot be.

# %%
bottom = {name: found[0] for name, found in whole.items()}
assert bottom["pre-norm"].max() < 2 * bottom["pre-norm"].min()
assert bottom["post-norm"].max() > 3 * bottom["post-norm"].min()
