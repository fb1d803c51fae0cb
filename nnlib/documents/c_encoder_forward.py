"""Document C, part 2, *Custom Neural Networks: one-layer transformer encoder*: the forward pass."""

import numpy as np

from nnlib import blocks
from nnlib.calculus import complex_step
from nnlib.documents.analytic import softmax, standardize
from nnlib.documents.claims import (
    convention,
    misprint,
    ok,
    overstated,
    page,
    reading,
    wrong,
)

CLASSES = 3


def product(A, B):
    """The matrix product, as the sum of the columns of A times the rows of B."""
    return sum(map(np.outer, A.T, B))


def draw(rng, n=4, d0=7, d1=6, d2=6):
    """An encoder, its data and its target; all sizes differ, and y sums to 1."""
    return {
        "X": rng.standard_normal((n, d0)),
        "W1": rng.standard_normal((d0, d1)) / np.sqrt(d0),
        "cls": rng.standard_normal((1, d1)),
        "Wq": rng.standard_normal((d1, d2)) / np.sqrt(2 * d1),  # scores of size 1
        "Wk": rng.standard_normal((d1, d2)) / np.sqrt(2 * d1),
        "Wv": rng.standard_normal((d1, d2)) / np.sqrt(d1),
        "W2": rng.standard_normal((d2, CLASSES)) / np.sqrt(d2),
        "y": rng.dirichlet(np.ones(CLASSES))[None],
    }


def embed(X, W1, cls, Wq, Wk, Wv, W2, y):
    """Equations (1) to (4): h0, h_pre2, Q, K, V; leading axes of X are samples."""
    h0 = standardize(X, axis=(-2, -1))
    h1 = h0 @ W1
    h_pre2 = np.concatenate([h1, np.broadcast_to(cls, (*h1.shape[:-2], *cls.shape))], axis=-2)
    return h0, h_pre2, h_pre2 @ Wq, h_pre2 @ Wk, h_pre2 @ Wv


def forward(net, c=1.0):
    """Equations (1) to (8), with scores c QK': h0, h_pre2, Q, K, V, S, h2, z."""
    h0, h_pre2, Q, K, V = embed(**net)
    S, _ = blocks.softmax(c * Q @ K.mT)
    h2 = S @ V + h_pre2
    return h0, h_pre2, Q, K, V, S, h2, h2[..., -1:, :] @ net["W2"]


def loss(X, W1, cls, Wq, Wk, Wv, W2, y, c=1.0, kappa=1 / CLASSES):
    """Equations (1) to (9) by the class token alone, since nothing else is read out."""
    rows = np.concatenate([standardize(X) @ W1, cls])
    weights = np.exp(c * (rows @ Wk) @ (cls[0] @ Wq))
    z = (weights @ rows @ Wv / weights.sum() + cls[0]) @ W2
    return kappa * (np.log(np.exp(z).sum()) - y[0] @ z)


@page("2 1-layer Transformer Encoder, forward", lessons="06")
def forward_page(rng):
    net, wide, order = draw(rng), draw(rng, d2=8), rng.permutation(4)
    X, W1, cls, Wq, Wk, Wv, W2, y = net.values()
    h0, h_pre2, Q, K, V, S, h2, z = forward(net)
    n, d2, s = len(X), len(W2), softmax(z)
    _, h_wide, *QKV_wide = embed(**wide)
    attend = lambda h: softmax(h @ Wq @ (h @ Wk).mT) @ (h @ Wv)
    cross_entropy = lambda s: -np.mean(y * np.log(s))
    as_wide = [embed(**draw(rng, d1=width, d2=width))[1:] for width in (1, 2, 6)]
    flat = lambda arrays: np.concatenate([*arrays])
    weighed = lambda q, K, V: sum(w * v for w, v in zip(softmax(K @ q), V))
    row_by_row = lambda h, Q, K, V: [h_i + weighed(q, K, V) for h_i, q in zip(h, Q)]
    z_shuffled = lambda: forward(net | {"X": X[order]})[-1]

    yield convention(
        "C2-F1",
        r"$h_0=\frac{X-\mathbb E(X)}{\sqrt{\mathbb E(X-\mathbb EX)^2}}$, where $\mathbb E$ may run "
        "over the whole matrix or over each feature.",
        "As in C1-F1 the two readings differ; standardising the columns of either gives the one "
        "per feature.",
        lambda: standardize(X),
        lambda: standardize(standardize(X), axis=0),
        lambda: np.stack([(x - x.mean()) / x.std() for x in X.T], axis=1),
        defence="It repeats the first section, where the mean over all entries is the plain "
        "reading.",
    )
    yield ok(
        "C2-F2",
        r"$h_1=h_0W_1\in\mathbb R^{n\times d_1}$",
        lambda: h0 @ W1,
        lambda: product(h0, W1),
    )
    yield ok(
        "C2-F3",
        r"$h_{pre_2}=\mathrm{concat}(h_1,\mathrm{cls})\in\mathbb R^{(n+1)\times d_1}$",
        lambda: np.concatenate([h0 @ W1, cls]),
        lambda: [*(h0 @ W1), cls[0]],
        "The class token is the last row.",
    )
    yield ok(
        "C2-F4",
        r"$\{Q,K,V\}=h_{pre_2}W_{\{q,k,v\}}\in\mathbb R^{(n+1)\times d_2}$",
        lambda: QKV_wide,
        lambda: [product(h_wide, wide[name]) for name in ("Wq", "Wk", "Wv")],
    )
    yield convention(
        "C2-F5",
        r"$S=\mathrm{Softmax}(QK^\top)$, here seen in $SV$.",
        r"Document D divides by $\sqrt{d_k}$; with $W_q/\sqrt{d_k}$ the two are equal, so the "
        "functions are the same, the initialisation and the gradients are not.",
        lambda: softmax(Q @ K.T) @ V,
        lambda: softmax((h_pre2 @ (Wq / np.sqrt(d2))) @ K.T) @ V,
        lambda: blocks.attention(Q, K, V)[0],
        defence="Unscaled dot products are a model of their own, and the whole page keeps to it.",
    )
    yield reading(
        "C2-F5-axis",
        "The softmax, whose axis is left open, over the columns.",
        "Over each row: the weights that one query gives to all keys sum to 1.",
        lambda: softmax(Q @ K.T, axis=0) @ V,
        lambda: softmax(Q @ K.T, axis=1) @ V,
        lambda: blocks.attention(np.sqrt(d2) * Q, K, V)[0],
    )
    yield overstated(
        "C2-F6",
        r"$h_2=SV+h_{pre_2}\in\mathbb R^{(n+1)\times d_2}$, where $h_{pre_2}$ is $(n+1)\times "
        "d_1$.",
        "A residual adds what came in, so both need the same width.",
        lambda: softmax(QKV_wide[0] @ QKV_wide[1].T) @ QKV_wide[2] + h_wide,
        lambda: S @ V + h_pre2,
        lambda: row_by_row(h_pre2, Q, K, V),
        defence="Whoever adds a residual takes the widths to be equal; two letters for one width "
        "are no mistake, only the condition is not said.",
        rests_on="$d_1=6$ and $d_2=8$",
        condition="$d_1=d_2$",
        under=(
            lambda: flat((softmax(q @ k.T) @ v + h).ravel() for h, q, k, v in as_wide),
            lambda: flat(np.ravel(row_by_row(*one)) for one in as_wide),
        ),
    )
    yield ok(
        "C2-F7",
        r"$z=h_{2(n+1)}W_2\in\mathbb R^K$",
        lambda: h2[[n]] @ W2,
        lambda: product(h2, W2)[-1:],
        "The row of the class token.",
    )
    yield ok(
        "C2-F8",
        r"$s=\mathrm{Softmax}(z)$",
        lambda: softmax(z),
        lambda: [[1 / np.exp(z - z_i).sum() for z_i in z[0]]],
        "$s$ are the probabilities of the classes, $S$ the weights of the attention.",
    )
    yield misprint(
        "C2-F9",
        r"$\mathcal L=-\frac1K\mathbf 1_{d_2}(y\odot\ln s)^\top$",
        r"$\mathbf 1_K$: the sum runs over the $K$ classes, as in section 1.",
        lambda: -1 / CLASSES * np.ones((1, d2)) @ (y * np.log(s)).T,
        lambda: -1 / CLASSES * np.ones((1, CLASSES)) @ (y * np.log(s)).T,
        lambda: [[loss(**net)]],
        defence="Equation (8) of the first section has the ones as many as classes; the letter "
        "was taken from the width beside it.",
        rests_on=r"$d_2=6$ and $K=3$; any $d_2\ne K$ will do",
    )
    yield wrong(
        "C2-F9-K",
        r"The $1/K$ of the loss appears in no formula of the backward pass.",
        r"$\partial\mathcal L/\partial z=(s-y)/K$; with $s-y$ every gradient is $K$ times too big, "
        "in the right direction. Keep it everywhere or drop it from the loss. ($K$ classes; "
        "elsewhere $K$ are the keys.)",
        lambda: s - y,
        lambda: (s - y) / CLASSES,
        lambda: complex_step(lambda z: cross_entropy(softmax(z)), z),
        defence="Section 1 has no such factor, nor has any of the eight lines here that begin with "
        "$z-y$: $1/K$ is the odd one out, to be dropped from (9) or taken into the learning rate. "
        "But (9) is the loss that is stated, and they are not its gradient.",
        slips=(r"the $1/K$ of the loss dropped: the size alone is off",),
    )
    yield misprint(
        "C2-Fcomp",
        r"All at once, from $\mathrm{Softmax}(\mathrm{SelfAttention}(\mathrm{concat}((XW_1),"
        r"\mathrm{cls}),W_{\{q,k,v\}})[:,\mathrm{seq\_len}+1,:],W_2)$.",
        r"$h_0$ for $X$, with the residual, and $\mathrm{Softmax}(h_{2(n+1)}W_2)$, as in the "
        "equations above it; the parentheses do not match. The index is right: the document counts "
        "from 1, so that row is the class token's.",
        lambda: cross_entropy(softmax(attend(np.vstack([X @ W1, cls])[None])[:, n, :] @ W2)),
        lambda: cross_entropy(softmax((attend(h_pre2[None]) + h_pre2)[:, n, :] @ W2)),
        lambda: loss(**net),
        defence="It sums up nine numbered equations, which stand right above it and have all that "
        "it leaves out; nobody has to compute from it.",
    )
    yield reading(
        "C2-perm",
        "Without a positional encoding, the logits for the rows of $X$ in another order.",
        "They do not change.",
        z_shuffled,
        z_shuffled,
        lambda: z,
    )
