"""Document C, part 2, *Custom Neural Networks: one-layer transformer encoder*: its claims.

This is the backward pass; the forward pass and the truth, its loss, are in c_encoder_forward.
"""

import numpy as np

from nnlib.calculus import complex_step
from nnlib.documents.analytic import softmax
from nnlib.documents.c_encoder_forward import CLASSES, draw, forward, loss
from nnlib.documents.claims import added, ok, page, reading, wrong


def gradient(net, name, **how):
    """The truth of the backward pass: dL/d(name) by complex steps through the loss."""
    return complex_step(lambda value: loss(**net | {name: value}, **how), net[name])


def signals(net, c=1.0, kappa=1 / CLASSES):
    """What the corrected backward pass is made of: delta, g, alpha, u, beta."""
    _, h_pre2, Q, K, V, S, _, z = forward(net, c)
    delta = kappa * (softmax(z) - net["y"])
    g = delta @ net["W2"].T
    alpha = np.diag(S[-1]) - np.outer(S[-1], S[-1])
    beta = K @ net["Wq"].T
    beta[-1] += net["Wk"] @ Q[-1]
    return delta, g, alpha, c * g @ V.T @ alpha, beta


def closed(net, c=1.0, kappa=1 / CLASSES):
    """The corrected backward pass: dL/d(name) of all parameters."""
    h0, h_pre2, Q, K, _, S, h2, _ = forward(net, c)
    delta, g, _, u, beta = signals(net, c, kappa)
    gWv, n = g @ net["Wv"].T, len(h0)
    return {
        "W2": h2[[n]].T @ delta,
        "Wv": h_pre2.T @ S[[n]].T @ g,
        "Wk": h_pre2.T @ u.T @ Q[[n]],
        "Wq": h_pre2[[n]].T @ u @ K,
        "cls": g + S[n, n] * gWv + u @ beta,
        "W1": h0.T @ (S[[n], :n].T @ gWv + u[:, :n].T @ Q[[n]] @ net["Wk"].T),
    }


@page("2 1-layer Transformer Encoder, backward", lessons="06")
def backward_page(rng):
    net = draw(rng)
    X, W1, cls, Wq, Wk, Wv, W2, y = net.values()
    h0, h_pre2, Q, K, V, S, h2, z = forward(net)
    n, s, c = len(X), softmax(z), 1 / np.sqrt(len(Wq))
    S_cls, Q_cls, h_pre2_cls, h2_cls = (rows[[n]] for rows in (S, Q, h_pre2, h2))

    _, g, alpha, u, beta = signals(net)
    g_printed = (z - y) @ W2.T
    alpha_printed = np.diag(S_cls[0]) - (Q_cls @ K.T).T @ (Q_cls @ K.T)
    beta_printed = lambda: Q_cls @ Wk.T + Wq @ K.T
    by_values = S_cls[:, :n].T @ g @ Wv.T
    by_keys = u[:, :n].T @ Q_cls @ Wk.T

    true = lambda name: lambda: gradient(net, name)
    jacobian = lambda: complex_step(softmax, (Q_cls @ K.T)[0])
    scores = lambda cls: np.vstack([h0 @ W1, cls]) @ Wk @ (cls @ Wq)
    dscores = lambda: complex_step(scores, cls[0])

    yield wrong(
        "C2-B1",
        r"$\frac{d\mathcal L}{dW_2}=h_{2(n+1)}^\top(z-y)$",
        r"$h_{2(n+1)}^\top(s-y)/K$: $z$ are logits, $s$ probabilities. The gradient of "
        r"$\frac12\lVert z-y\rVert^2$ is what is printed, so it even trains, to a worse model. The "
        "same slip is in (2) to (12).",
        lambda: h2_cls.T @ (z - y),
        lambda: h2_cls.T @ (s - y) / CLASSES,
        true("W2"),
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
    yield wrong(
        "C2-B2",
        r"$\frac{d\mathcal L}{dW_v}=h_{pre_2}^\top S_{(n+1)}^\top(z-y)W_2^\top$",
        r"The structure is right; $(s-y)/K$ for $z-y$.",
        lambda: h_pre2.T @ S_cls.T @ (z - y) @ W2.T,
        lambda: h_pre2.T @ S_cls.T @ (s - y) / CLASSES @ W2.T,
        true("Wv"),
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
        r"$\mathrm{diag}(S_{(n+1)})-S_{(n+1)}^\top S_{(n+1)}$: probabilities, not raw scores.",
        lambda: np.diag(S_cls[0]) - (Q_cls @ K.T).T @ (Q_cls @ K.T),
        lambda: np.diag(S_cls[0]) - S_cls.T @ S_cls,
        jacobian,
    )
    yield ok(
        "C2-B4-id",
        r"$\alpha=\mathrm{diag}(S_{(n+1)})-KQ_{(n+1)}^\top Q_{(n+1)}K^\top$, from (3).",
        lambda: np.diag(S_cls[0]) - K @ Q_cls.T @ Q_cls @ K.T,
        lambda: alpha_printed,
        "Correct algebra of the wrong (3).",
    )
    yield wrong(
        "C2-B5",
        r"$\alpha=\frac{\partial S_{(n+1)}}{\partial Q_{(n+1)}K^\top}$",
        r"True of the corrected $\alpha$; of $\alpha/\sqrt d$ when the scores are scaled.",
        lambda: alpha_printed,
        lambda: alpha,
        jacobian,
    )
    yield wrong(
        "C2-B6",
        r"$\frac{d\mathcal L}{dW_k}=((((z-y)W_2^\top)^\top V^\top\alpha)^\top Q_{(n+1)}"
        r"h_{pre_2})^\top$, with one parenthesis supplied.",
        r"$h_{pre_2}^\top u^\top Q_{(n+1)}$ with $u=\frac{s-y}KW_2^\top V^\top\alpha$: one "
        "transpose too many, and the factors in another order.",
        lambda: ((g_printed.T @ V.T @ alpha_printed).T @ Q_cls @ h_pre2).T,
        lambda: h_pre2.T @ u.T @ Q_cls,
        true("Wk"),
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
    yield wrong(
        "C2-B7",
        r"$\frac{d\mathcal L}{dW_k}=h_{pre_2}^\top Q_{(n+1)}^\top((z-y)W_2^\top)^\top V^\top"
        r"\alpha$",
        r"$h_{pre_2}^\top u^\top Q_{(n+1)}$; what is printed is not even the transpose of (6).",
        lambda: h_pre2.T @ Q_cls.T @ g_printed.T @ V.T @ alpha_printed,
        lambda: h_pre2.T @ u.T @ Q_cls,
        true("Wk"),
    )
    yield wrong(
        "C2-B8",
        r"$\frac{d\mathcal L}{dW_q}=((((z-y)W_2^\top)^\top V^\top\alpha K)^\top h_{pre_2(n+1)}"
        r")^\top$",
        r"$h_{pre_2(n+1)}^\top uK$",
        lambda: ((g_printed.T @ V.T @ alpha_printed @ K).T @ h_pre2_cls).T,
        lambda: h_pre2_cls.T @ u @ K,
        true("Wq"),
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
        lambda: closed(net, c)["Wq"] / c,
        lambda: closed(net, c)["Wq"],
        lambda: gradient(net, "Wq", c=c),
    )
    yield wrong(
        "C2-B9",
        r"$\frac{d\mathcal L}{dW_q}=h_{pre_2(n+1)}^\top((z-y)W_2^\top)^\top V^\top\alpha K$",
        r"$h_{pre_2(n+1)}^\top uK$: the transpose of $(z-y)W_2^\top$ must go.",
        lambda: h_pre2_cls.T @ g_printed.T @ V.T @ alpha_printed @ K,
        lambda: h_pre2_cls.T @ u @ K,
        true("Wq"),
    )
    yield wrong(
        "C2-B10",
        r"$\beta=Q_{(n+1)}W_k^\top+W_qK^\top$",
        r"$KW_q^\top+e_{n+1}Q_{(n+1)}W_k^\top$, the derivative of the scores $Q_{(n+1)}K^\top$ by "
        r"cls. Printed is a sum of shapes $1\times d$ and $d\times(n+1)$, which NumPy would carry "
        "out for $d=n+1$.",
        beta_printed,
        lambda: K @ Wq.T + np.eye(n + 1)[:, [n]] @ Q_cls @ Wk.T,
        dscores,
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
        r"$g+S_{n+1,n+1}\,gW_v^\top+u\beta$ with $g=\frac{s-y}KW_2^\top$.",
        lambda: (g_printed.T @ (S_cls @ Wv + alpha_printed @ beta_printed() @ V + 1)).T,
        lambda: g + S[n, n] * g @ Wv.T + u @ beta,
        true("cls"),
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
        lambda: (g_printed.T @ (S_cls @ Wv @ h0 + alpha_printed @ beta_printed() @ h0 @ V + h0)).T,
        lambda: h0.T @ (by_values + by_keys),
        true("W1"),
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


@page("2 1-layer Transformer Encoder, the corrected backward pass", lessons="06")
def corrected_page(rng):
    net = draw(rng)
    cases = [(c, kappa) for c in (1, 1 / np.sqrt(6)) for kappa in (1, 1 / CLASSES)]
    formulas = {
        "W2": r"$dW_2=h_{2(n+1)}^\top\delta$",
        "Wv": r"$dW_v=h_{pre_2}^\top S_{(n+1)}^\top g$",
        "Wk": r"$dW_k=h_{pre_2}^\top u^\top Q_{(n+1)}$",
        "Wq": r"$dW_q=h_{pre_2(n+1)}^\top uK$",
        "cls": r"$d\,\mathrm{cls}=g+S_{n+1,n+1}\,gW_v^\top+u\beta$",
        "W1": r"$dW_1=h_0^\top[S_{n+1,1:n}^\top\,gW_v^\top+u_{1:n}^\top Q_{(n+1)}W_k^\top]$",
    }
    for name, formula in formulas.items():
        yield added(
            f"C2-CLOSED-{name}",
            formula,
            lambda name=name: [closed(net, *case)[name] for case in cases],
            lambda name=name: [gradient(net, name, c=c, kappa=kappa) for c, kappa in cases],
            r"For scores $c\,QK^\top$ and a loss $-\kappa\,y\cdot\ln s$: $\delta=\kappa(s-y)$, "
            r"$g=\delta W_2^\top$, $u=c\,gV^\top\alpha$, with the corrected $\alpha$ and $\beta$.",
        )
