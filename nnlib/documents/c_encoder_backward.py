"""Document C, part 2, *Custom Neural Networks: one-layer transformer encoder*: its claims.

This is the backward pass as printed; what holds is in c_encoder_corrected.
"""

import numpy as np

from nnlib.calculus import complex_step
from nnlib.documents.analytic import softmax
from nnlib.documents.c_encoder_corrected import Backward, gradient
from nnlib.documents.c_encoder_forward import CLASSES, draw, forward
from nnlib.documents.claims import follows, ok, page, reading, wrong


def times(*factors):
    """The matrix product, in which those that do not fit are told apart by their sizes."""
    left, *rest = factors
    for right in rest:
        if left.shape[-1] != right.shape[-2]:
            raise ValueError(f"{size(left)} times {size(right)}")
        left = left @ right
    return left


def plus(a, b):
    """The sum as NumPy takes it, which spreads a row over all rows; else the sizes are told."""
    try:
        return a + b
    except ValueError:
        raise ValueError(f"{size(a)} plus {size(b)}") from None


def size(matrix):
    """Rows and columns, as one says them."""
    return "{} × {}".format(*matrix.shape[-2:])


@page("2 1-layer Transformer Encoder, backward", lessons="06")
def backward_page(rng):
    net = draw(rng)
    X, W1, cls, Wq, Wk, Wv, W2, y = net.values()
    h0, h_pre2, Q, K, V, S, h2, z = forward(net)
    n, s, c = len(X), softmax(z), 1 / np.sqrt(len(Wq))
    S_cls, Q_cls, h_pre2_cls, h2_cls = (rows[[n]] for rows in (S, Q, h_pre2, h2))

    holds = Backward(net)
    g, alpha, u, beta = holds.g, holds.alpha, holds.u, holds.beta
    by_values, by_keys = holds.by_values()[:n], holds.by_keys()[:n]
    g_printed = (z - y) @ W2.T
    alpha_printed = np.diag(S_cls[0]) - (Q_cls @ K.T).T @ (Q_cls @ K.T)
    beta_printed = lambda: plus(Q_cls @ Wk.T, Wq @ K.T)

    true = lambda name: lambda: gradient(net, name)
    jacobian = lambda: complex_step(softmax, (Q_cls @ K.T)[0])
    scores = lambda cls: np.vstack([h0 @ W1, cls]) @ Wk @ (cls @ Wq)
    dscores = lambda: complex_step(scores, cls[0])

    yield wrong(
        "C2-B1",
        r"$\frac{d\mathcal L}{dW_2}=h_{2(n+1)}^\top(z-y)$",
        r"$h_{2(n+1)}^\top(s-y)/K$: $z$ are logits, $s$ probabilities, $y$ sums to 1. Section 1 "
        r"has $s-y$; here $z$ stands in (1), (2), (6) to (9), (11) and (12). Printed is the "
        r"gradient of another loss, $\frac12\lVert z-y\rVert^2$.",
        lambda: h2_cls.T @ (z - y),
        lambda: h2_cls.T @ (s - y) / CLASSES,
        true("W2"),
        defence="The first section has $s-y$, so a letter slipped; but (7) and (8) define $z$ as "
        "the logits, and eight lines of this page are built on them.",
        slips=("logits for probabilities, $z-y$ for $s-y$",),
    )
    yield reading(
        "C2-B1-noK",
        "The same with $1/K$ dropped from the loss.",
        r"$h_{2(n+1)}^\top(s-y)$",
        lambda: h2_cls.T @ (z - y),
        lambda: h2_cls.T @ (s - y),
        lambda: gradient(net, "W2", kappa=1),
    )
    yield ok(
        "C2-B1-id",
        r"$((z-y)^\top h_{2(n+1)})^\top=h_{2(n+1)}^\top(z-y)$",
        lambda: ((z - y).T @ h2_cls).T,
        lambda: h2_cls.T @ (z - y),
    )
    yield follows(
        "C2-B2",
        r"$\frac{d\mathcal L}{dW_v}=h_{pre_2}^\top S_{(n+1)}^\top(z-y)W_2^\top$",
        r"Follows C2-B1: with $(s-y)/K$ for $z-y$ it is right.",
        lambda: h_pre2.T @ S_cls.T @ (z - y) @ W2.T,
        lambda: h_pre2.T @ S_cls.T @ (s - y) / CLASSES @ W2.T,
        true("Wv"),
        defence="Value path, order and transposes are exact: a single letter is off, and it was "
        "off in (1).",
        follows="C2-B1",
    )
    yield ok(
        "C2-B2-id",
        r"$(((z-y)W_2^\top)^\top S_{(n+1)}h_{pre_2})^\top=h_{pre_2}^\top S_{(n+1)}^\top"
        r"(z-y)W_2^\top$",
        lambda: (((z - y) @ W2.T).T @ S_cls @ h_pre2).T,
        lambda: h_pre2.T @ S_cls.T @ (z - y) @ W2.T,
    )
    yield wrong(
        "C2-B3",
        r"$\alpha=\mathrm{diag}(S_{(n+1)})-(Q_{(n+1)}K^\top)^\top(Q_{(n+1)}K^\top)$",
        r"$\mathrm{diag}(S_{(n+1)})-S_{(n+1)}^\top S_{(n+1)}$: probabilities, not raw scores. The "
        "first term is right.",
        lambda: np.diag(S_cls[0]) - (Q_cls @ K.T).T @ (Q_cls @ K.T),
        lambda: np.diag(S_cls[0]) - S_cls.T @ S_cls,
        jacobian,
        defence="Two lines on, (5) says exactly what is wanted, and the diagonal is right; but "
        "(4) goes on computing with the scores, so it is no slip of the pen.",
        slips=("scores for probabilities in the Jacobian of softmax",),
    )
    yield ok(
        "C2-B4-id",
        r"$\alpha=\mathrm{diag}(S_{(n+1)})-KQ_{(n+1)}^\top Q_{(n+1)}K^\top$, from (3).",
        lambda: np.diag(S_cls[0]) - K @ Q_cls.T @ Q_cls @ K.T,
        lambda: alpha_printed,
        "Right as algebra: it is (3) written out, and is off as (3) is.",
    )
    yield ok(
        "C2-B5",
        r"$\alpha=\frac{\partial S_{(n+1)}}{\partial Q_{(n+1)}K^\top}$, said of (3) and (4).",
        jacobian,
        lambda: alpha,
        r"It says what $\alpha$ is, and with this $\alpha$ one can go on; it is (3) that is not "
        r"it. With scaled scores it is $\alpha/\sqrt d$.",
    )
    yield wrong(
        "C2-B6",
        r"$\frac{d\mathcal L}{dW_k}=((((z-y)W_2^\top)^\top V^\top\alpha)^\top Q_{(n+1)}"
        r"h_{pre_2})^\top$, with one parenthesis supplied.",
        r"$h_{pre_2}^\top u^\top Q_{(n+1)}$ with $u=\frac{s-y}KW_2^\top V^\top\alpha$. All factors "
        r"are there; the inner transpose, around $(z-y)W_2^\top$, is one too many, and $Q_{(n+1)}$ "
        r"stands before $h_{pre_2}$.",
        lambda: times(times(g_printed.T, V.T, alpha_printed).T, Q_cls, h_pre2).T,
        lambda: h_pre2.T @ u.T @ Q_cls,
        true("Wk"),
        defence=r"Every factor of the key path is named. The transpose around $(z-y)W_2^\top$ is "
        "needed in (2), from where it was carried over; here, with one token or more, no sizes "
        "fit.",
        slips=(
            r"a surplus transpose, $((z-y)W_2^\top)^\top$ as in (2)",
            r"$Q_{(n+1)}$ before $h_{pre_2}$",
        ),
    )
    yield reading(
        "C2-B6-char",
        r"The shapes put right; the printed $\alpha$ and $z-y$ kept.",
        r"$\alpha$ of probabilities, and $(s-y)/K$.",
        lambda: h_pre2.T @ (g_printed @ V.T @ alpha_printed).T @ Q_cls,
        lambda: h_pre2.T @ u.T @ Q_cls,
        true("Wk"),
    )
    yield reading(
        "C2-B6-alpha",
        r"The shapes and $(s-y)/K$ put right; the printed $\alpha$ kept.",
        r"$\alpha$ of probabilities.",
        lambda: h_pre2.T @ (g @ V.T @ alpha_printed).T @ Q_cls,
        lambda: h_pre2.T @ u.T @ Q_cls,
        true("Wk"),
    )
    yield follows(
        "C2-B7",
        r"$\frac{d\mathcal L}{dW_k}=h_{pre_2}^\top Q_{(n+1)}^\top((z-y)W_2^\top)^\top V^\top"
        r"\alpha$",
        r"Follows C2-B6, which it transposes letter by letter: $h_{pre_2}^\top u^\top Q_{(n+1)}$.",
        lambda: times(h_pre2.T, Q_cls.T, g_printed.T, V.T, alpha_printed),
        lambda: h_pre2.T @ u.T @ Q_cls,
        true("Wk"),
        defence="It is (6) transposed, factor by factor, without a fault of its own.",
        follows="C2-B6",
    )
    yield follows(
        "C2-B8",
        r"$\frac{d\mathcal L}{dW_q}=((((z-y)W_2^\top)^\top V^\top\alpha K)^\top h_{pre_2(n+1)}"
        r")^\top$",
        r"Follows C2-B6 in its surplus transpose; the order is right. Without it, and with the "
        r"right $\alpha$ and $(s-y)/K$: $h_{pre_2(n+1)}^\top uK$.",
        lambda: times(times(g_printed.T, V.T, alpha_printed, K).T, h_pre2_cls).T,
        lambda: h_pre2_cls.T @ u @ K,
        true("Wq"),
        defence="The order of the factors is right here; nothing is off that was not off in (1), "
        "(3) or (6).",
        follows="C2-B6",
    )
    yield reading(
        "C2-B8-char",
        r"The shapes put right; the printed $\alpha$ and $z-y$ kept.",
        r"$\alpha$ of probabilities, and $(s-y)/K$.",
        lambda: h_pre2_cls.T @ g_printed @ V.T @ alpha_printed @ K,
        lambda: h_pre2_cls.T @ u @ K,
        true("Wq"),
    )
    yield reading(
        "C2-B8-alpha",
        r"The shapes and $(s-y)/K$ put right; the printed $\alpha$ kept.",
        r"$\alpha$ of probabilities.",
        lambda: h_pre2_cls.T @ g @ V.T @ alpha_printed @ K,
        lambda: h_pre2_cls.T @ u @ K,
        true("Wq"),
    )
    yield reading(
        "C2-B8-scale",
        r"The formula of the unscaled scores, where the forward pass divides by $\sqrt d$.",
        r"$u$ is divided by $\sqrt d$ too.",
        lambda: Backward(net, c).dWq() / c,
        lambda: Backward(net, c).dWq(),
        lambda: gradient(net, "Wq", c=c),
    )
    yield follows(
        "C2-B9",
        r"$\frac{d\mathcal L}{dW_q}=h_{pre_2(n+1)}^\top((z-y)W_2^\top)^\top V^\top\alpha K$",
        r"Follows C2-B6: it is (8) transposed, rightly, and keeps the surplus transpose. "
        r"$h_{pre_2(n+1)}^\top uK$.",
        lambda: times(h_pre2_cls.T, g_printed.T, V.T, alpha_printed, K),
        lambda: h_pre2_cls.T @ u @ K,
        true("Wq"),
        defence="Taking the transpose of (8) is done without a fault.",
        follows="C2-B6",
    )
    yield wrong(
        "C2-B10",
        r"$\beta=Q_{(n+1)}W_k^\top+W_qK^\top$",
        r"$KW_q^\top+e_{n+1}Q_{(n+1)}W_k^\top$, the derivative of the scores $Q_{(n+1)}K^\top$ by "
        r"cls. Both terms of the product rule are named; the second is transposed, and the first, "
        r"$1\times d$, belongs into the row of the class token alone.",
        beta_printed,
        lambda: K @ Wq.T + np.eye(n + 1)[:, [n]] @ Q_cls @ Wk.T,
        dscores,
        defence="Both terms of the product rule are there, one for the query and one for the "
        r"keys; but their sizes, $1\times d_1$ and $d_1\times(n+1)$, do not add, and only one key "
        "is the class token's.",
        slips=(r"in $\beta$ the query's term transposed, the key's not kept to the class row",),
    )
    yield reading(
        "C2-B10-char",
        r"The shapes put right; $Q_{(n+1)}W_k^\top$ in every row.",
        "In the row of the class token only: no other key depends on cls.",
        lambda: K @ Wq.T + Q_cls @ Wk.T,
        lambda: K @ Wq.T + np.eye(n + 1)[:, [n]] @ Q_cls @ Wk.T,
        dscores,
    )
    yield wrong(
        "C2-B11",
        r"$\frac{d\mathcal L}{d\mathrm{cls}}=(((z-y)W_2^\top)^\top(S_{(n+1)}W_v+\alpha\beta V"
        r"+\mathbf 1))^\top$",
        r"$g+S_{n+1,n+1}\,gW_v^\top+u\beta$ with $g=\frac{s-y}KW_2^\top$. The ways through value, "
        r"scores and residual are all there; the row $S_{(n+1)}$ stands for its last entry, $V$ "
        r"and $W_v$ lack their transposes, and $V$ belongs before $\alpha$.",
        lambda: (
            times(g_printed.T, times(S_cls, Wv) + times(alpha_printed, beta_printed(), V) + 1).T
        ),
        lambda: g + S[n, n] * g @ Wv.T + u @ beta,
        true("cls"),
        defence="All three ways are seen, and the residual is the plain 1 it should be; with the "
        r"right $\alpha$ and $\beta$ it still adds a row for an entry and multiplies in no order "
        "that exists.",
        slips=(
            "for the class token a row of $S$ instead of its entry, and $W_v$ and $V$ out of "
            "place and not transposed",
        ),
    )
    yield reading(
        "C2-B11-char",
        r"All put right but $Q_{(n+1)}W_k^\top$, which stands in every row of $\beta$.",
        r"In the class row only; added to all scores alike it cancels, since $u\mathbf 1=0$.",
        lambda: g + S[n, n] * g @ Wv.T + u @ (K @ Wq.T + Q_cls @ Wk.T),
        lambda: g + S[n, n] * g @ Wv.T + u @ beta,
        true("cls"),
    )
    yield reading(
        "C2-B11-nosm",
        r"The whole row $S_{(n+1)}$, which sums to 1, on the way through the values.",
        "Its last entry only: the class token is one of the values.",
        lambda: g + S[n].sum() * g @ Wv.T + u @ beta,
        lambda: g + S[n, n] * g @ Wv.T + u @ beta,
        true("cls"),
    )
    yield reading(
        "C2-B11-resonly",
        "Only the ways through the query and through the residual.",
        "The class token has a key and a value as well.",
        lambda: g + u @ K @ Wq.T,
        lambda: g + S[n, n] * g @ Wv.T + u @ beta,
        true("cls"),
    )
    yield wrong(
        "C2-B12",
        r"$\frac{d\mathcal L}{dW_1}=(((z-y)W_2^\top)^\top(S_{(n+1)}W_vh_0+\alpha\beta h_0V+h_0)"
        r")^\top$",
        r"$h_0^\top[S_{n+1,1:n}^\top\,gW_v^\top+u_{1:n}^\top Q_{(n+1)}W_k^\top]$: the tokens reach "
        "the loss through values and keys only, so neither a residual nor a query is theirs.",
        lambda: (
            times(
                g_printed.T,
                times(S_cls, Wv, h0) + times(alpha_printed, beta_printed(), h0, V) + h0,
            ).T
        ),
        lambda: h0.T @ (by_values + by_keys),
        true("W1"),
        defence="The chain rule from (11), as if all rows were alike: a factor $h_0$ in every "
        "term. But only the class row is read out, and no letter, transpose or index explains the "
        "added ways.",
        slips=("tokens given the residual and the query of the class token",),
    )
    yield reading(
        "C2-B12-char",
        r"The shapes put right; the tokens keep a residual and a query, $+h_0$ and $W_qK^\top$.",
        "Only the class token is read out, so only its row has them.",
        lambda: h0.T @ (by_values + by_keys + g + u @ K @ Wq.T),
        lambda: h0.T @ (by_values + by_keys),
        true("W1"),
    )
    yield reading(
        "C2-B12-res",
        "Of these, only the residual kept.",
        "No residual.",
        lambda: h0.T @ (by_values + by_keys + g),
        lambda: h0.T @ (by_values + by_keys),
        true("W1"),
    )
    yield reading(
        "C2-B12-vonly",
        "Only the way through the values.",
        "Through the keys as well.",
        lambda: h0.T @ by_values,
        lambda: h0.T @ (by_values + by_keys),
        true("W1"),
    )
