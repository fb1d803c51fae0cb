"""The formulas that the course needs and no document prints, against complex steps."""

import numpy as np

from nnlib.calculus import complex_step
from nnlib.documents.analytic import relu, softmax
from nnlib.documents.claims import added, page


def attend(Q, K, V, bias=0.0):
    """Scaled attention; the bias is added to the scores."""
    return softmax(Q @ K.T / np.sqrt(Q.shape[1]) + bias) @ V


def attend_backward(Q, K, V, G, bias=0.0):
    """dQ, dK, dV and the gradient of the bias, for an upstream gradient G."""
    scale = 1 / np.sqrt(Q.shape[1])
    P, dP = softmax(scale * Q @ K.T + bias), G @ V.T
    dbias = P * (dP - (dP * P).sum(axis=1, keepdims=True))
    dS = scale * dbias
    return dS @ K, dS.T @ Q, P.T @ G, dbias


def linear_backward(X, W, G):
    """dX, dW, db of X W + b."""
    return G @ W.T, X.T @ G, G.sum(axis=0)


def token_losses(Z, labels):
    """The cross-entropy of each row of scores."""
    return np.log(np.exp(Z).sum(axis=1)) - Z[range(len(Z)), labels]


def flat(*arrays):
    """All entries of the arrays as one vector."""
    return np.concatenate([np.ravel(a) for a in arrays])


def slopes(f, *arrays):
    """The gradient of f, one number, by each of its arrays, as one vector."""
    gradients = []
    for k, a in enumerate(arrays):
        along = lambda moved, k=k: f(*arrays[:k], moved, *arrays[k + 1 :])
        gradients.append(complex_step(along, a))
    return flat(*gradients)


@page("Linear layer and softmax", lessons="02")
def linear_page(rng):
    X, W, b = rng.standard_normal((3, 5)), rng.standard_normal((5, 4)), rng.standard_normal(4)
    Z, G = rng.standard_normal((2, 3, 4))
    p = softmax(Z)

    yield added(
        "N-linear",
        r"$Y=XW+b$, samples as rows: $dX=GW^\top$, $dW=X^\top G$, $db=\sum_{rows}G$",
        lambda: flat(*linear_backward(X, W, G)),
        lambda: slopes(lambda X, W, b: (G * (X @ W + b)).sum(), X, W, b),
    )
    yield added(
        "N-softmax-vjp",
        r"$P=\mathrm{softmax}(Z)$: $dZ=P\odot(G-\sum_jG_jP_j)$ in each row",
        lambda: p * (G - (G * p).sum(axis=1, keepdims=True)),
        lambda: complex_step(lambda Z: (G * softmax(Z)).sum(), Z),
    )


@page("Losses of logits", lessons="03")
def losses_page(rng):
    Z, labels = rng.standard_normal((5, 3)), rng.integers(0, 3, 5)
    t, y = 9 * rng.standard_normal(7), rng.random(7)

    yield added(
        "N-softmax-ce",
        r"Mean cross-entropy of $p=\mathrm{softmax}(Z)$ over $n$ rows: $dZ=\frac1n(p-Y)$",
        lambda: (softmax(Z) - np.eye(3)[labels]) / 5,
        lambda: complex_step(lambda Z: token_losses(Z, labels).mean(), Z),
    )
    yield added(
        "N-bce-logit",
        r"Binary cross-entropy of $\sigma(t)$: $\max(t,0)-ty+\log(1+e^{-\lvert t\rvert})$",
        lambda: np.maximum(t, 0) - t * y + np.log1p(np.exp(-np.abs(t))),
        lambda: -(y * np.log(1 / (1 + np.exp(-t))) + (1 - y) * np.log(1 / (1 + np.exp(t)))),
        r"The truth, the definition with $1-\sigma(t)=\sigma(-t)$, overflows for large $t$.",
    )


@page("Attention", lessons="06 07")
def attention_page(rng):
    Q, K = rng.standard_normal((3, 5)), rng.standard_normal((4, 5))
    V, G = rng.standard_normal((4, 2)), rng.standard_normal((3, 2))
    mask = np.where(rng.random((3, 4)) < 0.5, -np.inf, 0.0)
    mask[range(3), rng.integers(0, 4, 3)] = 0  # every query keeps a key
    x = rng.standard_normal((4, 2))
    causal = np.where(np.tri(4), 0.0, -np.inf)

    yield added(
        "N-attn-bwd",
        r"$P=\mathrm{softmax}(QK^\top/\sqrt d)$, $O=PV$, any lengths: $dV=P^\top G$, "
        r"$dS=P\odot(GV^\top-\mathrm{rowsum}(GV^\top\odot P))/\sqrt d$, $dQ=dS\,K$, $dK=dS^\top Q$",
        lambda: flat(*attend_backward(Q, K, V, G)[:3]),
        lambda: slopes(lambda *qkv: (G * attend(*qkv)).sum(), Q, K, V),
    )
    yield added(
        "N-attn-mask",
        r"With a mask of 0 and $-\infty$ added to the scores: the same formulas.",
        lambda: flat(*attend_backward(Q, K, V, G, mask)),
        lambda: slopes(lambda *qkv_mask: (G * attend(*qkv_mask)).sum(), Q, K, V, mask),
        "Masked entries receive 0, as the gradient of the mask itself shows.",
        lessons="07",
    )
    yield added(
        "N-causal",
        r"Causal mask: $\partial out_i/\partial in_j=0$ for $j>i$; which row depends on which.",
        lambda: np.tri(4),
        lambda: np.any(complex_step(lambda x: attend(x, x, x, causal), x), axis=(1, 3)).astype(int),
        lessons="07",
    )


@page("The other parts of a transformer", lessons="06")
def parts_page(rng):
    X, G, (gamma, beta) = (rng.standard_normal(shape) for shape in ((3, 4), (3, 4), (2, 4)))
    Wq, Wk, Wv, Wo, W = rng.standard_normal((5, 4, 4)) / 2
    W1, b1, W2, b2 = (rng.standard_normal(shape) for shape in ((4, 6), 6, (6, 4), 4))
    heads = slice(0, 2), slice(2, 4)

    def normalized(X):
        centred = X - X.mean(axis=1, keepdims=True)
        sd = np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
        return centred / sd, sd

    def layer_norm_backward():
        (X_hat, sd), g = normalized(X), G * gamma
        mean = lambda a: a.mean(axis=1, keepdims=True)
        return (g - mean(g) - X_hat * mean(g * X_hat)) / sd, (G * X_hat).sum(0), G.sum(0)

    def heads_of(Q, K, V):
        return np.hstack([attend(Q[:, h], K[:, h], V[:, h]) for h in heads])

    def multi_head(X, Wq, Wk, Wv, Wo):
        return (G * (heads_of(X @ Wq, X @ Wk, X @ Wv) @ Wo)).sum()

    def multi_head_backward():
        Q, K, V = X @ Wq, X @ Wk, X @ Wv
        dO = G @ Wo.T
        parts = [attend_backward(Q[:, h], K[:, h], V[:, h], dO[:, h])[:3] for h in heads]
        dQ, dK, dV = map(np.hstack, zip(*parts))
        dX = dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T
        return dX, X.T @ dQ, X.T @ dK, X.T @ dV, heads_of(Q, K, V).T @ G

    def feed_forward(X, W1, b1, W2, b2):
        return (G * (relu(X @ W1 + b1) @ W2 + b2)).sum()

    def feed_forward_backward():
        a = X @ W1 + b1
        dh, dW2, db2 = linear_backward(relu(a), W2, G)
        return *linear_backward(X, W1, dh * (a > 0)), dW2, db2

    yield added(
        "N-layernorm",
        r"$\hat x=(x-\mu)/sd$, $sd=\sqrt{\mathrm{var}+\epsilon}$, $y=\gamma\hat x+\beta$: with "
        r"$g=G\gamma$, $dx=\frac1{sd}(g-\overline g-\hat x\,\overline{g\hat x})$, "
        r"$d\gamma=\sum G\hat x$, $d\beta=\sum G$",
        lambda: flat(*layer_norm_backward()),
        lambda: slopes(lambda X, c, d: (G * (c * normalized(X)[0] + d)).sum(), X, gamma, beta),
    )
    yield added(
        "N-residual",
        r"$y=x+F(x)$: $dx=G+J_F^\top G$",
        lambda: G + (G * (1 - np.tanh(X @ W) ** 2)) @ W.T,
        lambda: complex_step(lambda X: (G * (X + np.tanh(X @ W))).sum(), X),
        r"Here $F(x)=\tanh(xW)$.",
    )
    yield added(
        "N-mha-bwd",
        r"Several heads, joined by $W^O$: $dO=GW^{O\top}$, $dW^O=O^\top G$, and attention's own "
        "formulas on the columns of each head.",
        lambda: flat(*multi_head_backward()),
        lambda: slopes(multi_head, X, Wq, Wk, Wv, Wo),
    )
    yield added(
        "N-ffn-bwd",
        r"$\max(0,xW_1+b_1)W_2+b_2$: the linear layer's formulas twice, with "
        r"$\odot\mathbf 1[xW_1+b_1>0]$ in between.",
        lambda: flat(*feed_forward_backward()),
        lambda: slopes(feed_forward, X, W1, b1, W2, b2),
    )


@page("Sequences of tokens", lessons="07")
def tokens_page(rng):
    E, ids, G = rng.standard_normal((4, 3)), rng.integers(0, 4, 5), rng.standard_normal((5, 3))
    Z, labels = rng.standard_normal((5, 4)), rng.integers(0, 4, 5)
    m = np.arange(5) < rng.integers(1, 5)  # padding behind

    def scatter_add():
        dE = np.zeros(E.shape)
        np.add.at(dE, ids, G)
        return dE

    yield added(
        "N-embed",
        r"Embedding $y_t=E_{id_t}$: every $G_t$ is added to row $id_t$ of $dE$.",
        scatter_add,
        lambda: complex_step(lambda E: (G * E[ids]).sum(), E),
        "Added, not written: tokens repeat (here five of four words).",
    )
    yield added(
        "N-seqloss",
        r"Cross-entropy of the tokens that are no padding, $m$ of 0 and 1: "
        r"$dZ=m\odot(p-Y)/\sum m$",
        lambda: m[:, None] * (softmax(Z) - np.eye(4)[labels]) / m.sum(),
        lambda: complex_step(lambda Z: token_losses(Z[m], labels[m]).mean(), Z),
    )
