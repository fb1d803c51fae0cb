"""Document A, sections 3.2 to 3.6: the linear layer, ReLU, softmax and two losses."""

import numpy as np

from nnlib.blocks import relu
from nnlib.blocks import softmax as stable_softmax
from nnlib.calculus import complex_step
from nnlib.documents.analytic import derivative, softmax
from nnlib.documents.claims import convention, misprint, ok, overstated, page, reading, scan
from nnlib.losses import cross_entropy, mse


@page("3.2 Linear Layer", lessons="02")
def linear_layer(rng):
    """y = Wx + b with m = 3, n = 4, and a loss l(y)."""
    x, b, k = rng.standard_normal(4), rng.standard_normal(3), rng.standard_normal(3)
    W = rng.standard_normal((3, 4))
    y = lambda x=x, W=W, b=b: W @ x + b
    l = lambda y: np.sin(k * y).sum()
    dl_dy = complex_step(l, y())[:, None]  # the declared column, (3, 1)

    theta = np.concatenate([W.reshape(12), b, x])
    l_of_all = lambda theta: l(y(theta[15:], theta[:12].reshape(3, 4), theta[12:15]))
    dy_dall = np.hstack([np.kron(np.eye(3), x), np.eye(3), W])  # (3, 12 + 3 + 4)

    yield ok(
        "A-3.2-fwd",
        r"$y=Wx+b$, which is $y_i=x_1w_{i1}+\dots+x_nw_{in}+b_i$",
        lambda: W @ x + b,
        lambda: np.array([sum(x[j] * W[i, j] for j in range(4)) + b[i] for i in range(3)]),
        "What separates two classes is a hyperplane, in print a hyperparameter.",
    )
    yield ok(
        "A-3.2-dydW",
        r"$dy/dW\in\mathbb R^{m\times mn}$ has $x^\top$ in block $i$ of row $i$, else 0.",
        lambda: np.block([[x * (i == j) for j in range(3)] for i in range(3)]),
        lambda: complex_step(lambda w: y(W=w.reshape(3, 4)), W.reshape(12)),
        r"$I_m\otimes x^\top$, rows stacked. The size is printed as $m\times mT$.",
    )
    yield reading(
        "A-3.2-dydW-vec",
        r"With the columns of $W$ stacked, as the words of section 2.1 say, "
        r"$dy/dW=x^\top\otimes I_m$.",
        r"That is right too: the entries of $I_m\otimes x^\top$, printed for the rows, in another "
        "order.",
        lambda: np.kron(x, np.eye(3)),
        lambda: np.kron(np.eye(3), x).reshape(3, 3, 4).swapaxes(1, 2).reshape(3, 12),
        lambda: complex_step(lambda w: y(W=w.reshape(4, 3).T), W.T.reshape(12)),
    )
    yield ok(
        "A-3.2-tensor",
        r"(3.2) As a tensor $dy/dW$ has $m$ slices $m\times n$, slice $a$ with $x^\top$ in row "
        "$a$, else 0.",
        lambda: np.array([np.outer(row, x) for row in np.eye(3)]),
        lambda: complex_step(lambda W: y(W=W), W),
        r"$T_{aij}=\partial y_a/\partial w_{ij}$.",
    )
    yield ok(
        "A-3.2-dydb",
        r"(3.3) $dy/db=I_m$",
        lambda: np.eye(3),
        lambda: complex_step(lambda b: y(b=b), b),
        r"The $d$ of the numerators is missing, and the reference (1) is to (3.1).",
    )
    yield ok(
        "A-3.2-dydx",
        r"(3.4) $dy/dx=W$",
        lambda: W,
        lambda: complex_step(lambda x: y(x), x),
    )
    yield ok(
        "A-3.2-chain",
        r"$\frac{dl}{dw}=\frac{dl}{dy}\frac{dy}{dw}$, and so for $b$ and $x$",
        lambda: np.einsum("ai,ab->bi", dl_dy, dy_dall),
        lambda: complex_step(l_of_all, theta)[:, None],
        "A sum over the entries of $y$; the next lines write it out for the declared column.",
    )
    yield ok(
        "A-3.2-dW",
        r"$\frac{dl}{dW}=\frac{dl}{dy}x^\top$",
        lambda: dl_dy @ x[None],
        lambda: complex_step(lambda W: l(y(W=W)), W),
        "Both columns; for a batch, summed over its samples.",
    )
    yield ok(
        "A-3.2-db",
        r"$\frac{dl}{db}=\frac{dl}{dy}$",
        lambda: dl_dy,
        lambda: complex_step(lambda b: l(y(b=b)), b)[:, None],
    )
    yield ok(
        "A-3.2-dx",
        r"$\frac{dl}{dx}=\big((\frac{dl}{dy})^\top W\big)^\top=W^\top\frac{dl}{dy}$",
        lambda: np.hstack([(dl_dy.T @ W).T, W.T @ dl_dy]),
        lambda: np.tile(complex_step(lambda x: l(y(x)), x)[:, None], 2),
    )


@page("3.3 ReLU", lessons="02")
def relu_page(rng):
    """Keep what is positive."""
    x, k = rng.standard_normal((2, 5))
    at_corner = np.append(x, 0.0)
    keep = lambda x: np.where(x.real >= 0, x, 0)
    l = lambda y: np.sin(k * y).sum()
    dl_dy = complex_step(l, keep(x))[:, None]  # (5, 1)

    yield ok(
        "A-3.3-fwd",
        r"$y=x$ where $x\ge0$, else 0",
        lambda: keep(x),
        lambda: (x + np.abs(x)) / 2,
    )
    yield ok(
        "A-3.3-deriv",
        r"$dy/dx$ is diagonal: 1 where $x>0$, undefined at 0, else 0.",
        lambda: np.diag(np.where(x > 0, 1, 0)),
        lambda: complex_step(keep, x),
        "Every number from 0 to 1 is a subgradient at 0.",
    )
    yield convention(
        "A-3.3-words",
        "The diagonal has 1 where the input is not negative, so at 0 too, say the words; the "
        "formula after them says undefined at 0.",
        "One value has to be set; in this course it is 0.",
        lambda: 1.0 * (at_corner >= 0),
        lambda: 1.0 * (at_corner > 0),
        lambda: relu(at_corner)[1](np.ones(6)),
        defence="The formula and the sentence beside it say that left and right slope differ at 0; "
        "the words part from them in that one point, where any code has to choose.",
        rests_on="the input 0",
    )
    yield ok(
        "A-3.3-chain",
        r"$\frac{dl}{dx}=\frac{dl}{dy}\frac{dy}{dx}$ is 0 where the input is negative.",
        lambda: np.einsum("ai,ab->bi", dl_dy, np.diag(np.where(x > 0, 1, 0))),
        lambda: complex_step(lambda x: l(keep(x)), x)[:, None],
        r"A sum over the entries of $y$, of which one is left: "
        r"$\frac{dl}{dx}=\frac{dl}{dy}\odot\mathbb 1[x>0]$.",
    )


def softmax_by_ratios(x):
    """y_i = 1 / (the sum of exp(x_j - x_i) over j)."""
    return 1 / np.exp(x - x[:, None]).sum(axis=1)


@page("3.4 SoftMax", lessons="02")
def softmax_page(rng):
    """y = softmax(x), its Jacobian, and what clipping does."""
    x, k = rng.standard_normal((2, 5))
    e, S, y = np.exp(x), np.exp(x).sum(), softmax(x)
    J = lambda x=x: complex_step(softmax, x)
    others = ~np.eye(5, dtype=bool)  # the entries with j other than i

    far, true = np.array([60.0, 55.0, 0.0]), np.array([0.0, 1.0, 0.0])
    within = x, 50 * np.tanh(x), 50 * np.sign(x), np.array([50.0, 49, 0, -49, -50])
    loss_of_clipped = lambda x: -np.log(softmax(np.clip(x, -50, 50)) @ true)
    loss = lambda x: 60 + np.log(np.exp(x - 60).sum()) - x @ true

    l = lambda y: np.sin(k * y).sum()
    dl_dy = lambda: complex_step(l, y)[:, None]  # (5, 1)

    yield ok(
        "A-3.4-def",
        r"$y_i=e^{x_i}/\sum_je^{x_j}$",
        lambda: softmax(x),
        lambda: softmax_by_ratios(x),
    )
    yield scan(
        "A-3.4-vecform",
        r"As a vector, the numerators of $y$ are $e^x,e^x,\dots,e^{x_n}$, so that all of $e^x$ "
        "stands in each of the first two places.",
        r"$e^{x_1},e^{x_2},\dots,e^{x_n}$",
        lambda: np.array([e / S, e / S, *(e[2:] / S)]),
        lambda: e / S,
        lambda: softmax_by_ratios(x),
        defence=r"The next display, (3.4.1), has $e^{x_1}$ and $e^{x_2}$ in these places, and the "
        "last numerator has its subscript here; two may have been lost on the way to a text.",
    )
    yield overstated(
        "A-3.4-clip",
        r"Clipping the scores to $[-50,50]$ works well, so that no exponential becomes too large; "
        "another way is to subtract the largest.",
        "Only the other way is exact for all scores: subtract the largest. Clipping makes a tie of "
        "60 and 55. It does no harm either where all that it changes has no weight to speak of, or "
        "all of it, before and after: as in $(60,0,0)$.",
        lambda: softmax(np.clip(far, -50, 50)),
        lambda: softmax(far - 60),
        lambda: np.array([1, np.exp(-5), np.exp(-60)]) / (1 + np.exp(-5) + np.exp(-60)),
        defence="It stops overflow, it changes no score of usual size, and the exact way stands in "
        "the next sentence; but nothing says up to where it works.",
        rests_on="$(60,55,0)$",
        condition="no score lies outside $[-50,50]$",
        under=(
            lambda: [softmax(np.clip(scores, -50, 50)) for scores in within],
            lambda: [softmax_by_ratios(scores) for scores in within],
        ),
    )
    yield reading(
        "A-3.4-clip-shift",
        "Clipped, scores that have all risen by 1000 give equal probabilities.",
        "Subtracting the largest takes the 1000 out again.",
        lambda: softmax(np.clip(x + 1000, -50, 50)),
        lambda: softmax(x + 1000 - (x + 1000).max()),
        lambda: softmax_by_ratios(x),
    )
    yield reading(
        "A-3.4-clip-grad",
        "The cross-entropy of clipped scores has gradient 0 at both that are cut off.",
        "It is probability minus target, which pulls them back.",
        lambda: complex_step(loss_of_clipped, far),
        lambda: softmax(far - 60) - true,
        lambda: complex_step(loss, far),
        rests_on="$(60,55,0)$ with the second class the true one",
    )
    yield ok(
        "A-3.4-max",
        "Subtracting the largest element first is another way.",
        lambda: softmax(x - x.max()),
        lambda: softmax_by_ratios(x),
        "Exact: softmax does not feel a shift.",
    )
    yield ok(
        "A-3.4.1",
        r"(3.4.1) The Jacobian has $\partial y_i/\partial x_j$, the slope of "
        r"$e^{x_i}/\sum_ke^{x_k}$ along $x_j$, in row $i$, column $j$.",
        lambda: np.array([derivative(softmax, x, u) for u in np.eye(5)]).T,
        lambda: np.array([stable_softmax(x)[1](row) for row in np.eye(5)]),
    )
    yield ok(
        "A-3.4.2",
        r"(3.4.2) $\partial y_i/\partial x_i=y_i(1-y_i)$, by the quotient rule in four more lines",
        lambda: [
            (S * e - e * e) / S**2,
            S * e / S**2 - e * e / S**2,
            e / S - e * e / (S * S),
            e / S * (1 - e / S),
            y * (1 - y),
        ],
        lambda: np.tile(np.diag(J()), (5, 1)),
    )
    yield ok(
        "A-3.4.3",
        r"(3.4.3) $\partial y_i/\partial x_j=-e^{x_i}e^{x_j}/(\sum_ke^{x_k})^2=-y_iy_j$",
        lambda: [(-np.outer(e, e) / S**2)[others], -np.outer(y, y)[others]],
        lambda: np.tile(J()[others], (2, 1)),
        r"For $i\ne j$, the second of its two cases.",
    )
    yield ok(
        "A-3.4-matrix",
        r"The matrix with $y_i(1-y_i)$ on the diagonal and $-y_iy_j$ off it",
        lambda: np.array([[y[i] * ((i == j) - y[j]) for j in range(5)] for i in range(5)]),
        J,
        r"$\mathrm{diag}(y)-yy^\top$",
    )
    yield ok(
        "A-3.4-chain",
        r"$\frac{dl}{dx}=(\frac{dl}{dy})^\top\frac{dy}{dx}$, where $\frac{dl}{dy}$ is a column",
        lambda: dl_dy().T @ J(),
        lambda: complex_step(lambda x: l(softmax(x)), x)[None],
        r"A row, as in section 2.1; the column of section 3 is its transpose, "
        r"$\frac{dy}{dx}\frac{dl}{dy}$, since this Jacobian is symmetric.",
    )


@page("3.5 Cross Entropy", lessons="03")
def cross_entropy_page(rng):
    """L = -sum A log P, for a target distribution A or the classes of 20 samples."""
    A, P = softmax(rng.standard_normal(5)), softmax(rng.standard_normal(5))
    predictions = np.array([softmax(z) for z in rng.standard_normal((20, 5))])
    classes = rng.integers(5, size=20)
    one_hot = np.eye(5)[classes]
    L = lambda P, A=A: -(A * np.log(P)).sum()
    losses = lambda: [L(p, one_hot[0]) for p in predictions]
    P_true = predictions @ one_hot[0]

    yield ok(
        "A-3.5-def",
        r"$L=-\sum_iA_i\log P_i$",
        lambda: L(P),
        lambda: cross_entropy(P, target=A)[0],
    )
    yield misprint(
        "A-3.5-maximise",
        r"We want to maximise this $L$, so that the true class becomes probable; a page later the "
        "minus sign turns maximising into minimising.",
        r"The likelihood is maximised and $L$ minimised: of 20 predictions the largest $L$ has the "
        r"smallest $P_{true}$.",
        lambda: P_true[np.argmax(losses())],
        lambda: P_true[np.argmin(losses())],
        lambda: P_true.max(),
        defence=r"What it wants large is $p(y\mid x)$, rightly, and the page after says why $L$ "
        "carries the minus; only the object of the verb is the wrong one.",
    )
    yield ok(
        "A-3.5-mle",
        "For a one-hot target it is the negative logarithm of the likelihood.",
        lambda: sum(L(p, a) for p, a in zip(predictions, one_hot)),
        lambda: -np.log(np.prod(predictions[range(20), classes])),
        r"What vanishes with $A_i$ is the term $A_i\log P_i$.",
    )
    yield ok(
        "A-3.5-grad",
        r"$dL/dP=[-A_1/P_1,\dots,-A_n/P_n]$",
        lambda: -A / P,
        lambda: complex_step(L, P),
        "A row, by section 2.1.",
    )
    yield reading(
        "A-3.5-gradsub",
        r"As printed, without commas: the one number $-A_1/P_1-A_2/P_2-\dots-A_n/P_n$.",
        r"$n$ entries.",
        lambda: [(-A / P).sum()],
        lambda: -A / P,
        lambda: complex_step(L, P),
    )
    yield ok(
        "A-3.5-onehot",
        r"With a one-hot target one entry is not 0: $-1/P_{true}$.",
        lambda: np.where(np.arange(5) == classes[0], -1 / P, 0),
        lambda: complex_step(lambda P: L(P, one_hot[0]), P),
    )


@page("3.6 MSE", lessons="03")
def mse_page(rng):
    """L = mean (P - A)^2 over the n components."""
    A, P = rng.standard_normal((2, 6))
    L = lambda P: ((P - A) ** 2).sum() / 6
    flipped = lambda P: ((A - P) ** 2).sum() / 6

    yield ok(
        "A-3.6-def",
        r"$L=\frac1n\sum_i(P_i-A_i)^2$",
        lambda: L(P),
        lambda: mse(P, target=A)[0],
        r"$n$ counts components; the other documents scale otherwise.",
    )
    yield ok(
        "A-3.6-sign",
        r"$A_i-P_i$ gives the same loss and the same gradient, if it is kept throughout.",
        lambda: np.append(-2 / 6 * (A - P), flipped(P)),
        lambda: np.append(complex_step(L, P), L(P)),
    )
    yield ok(
        "A-3.6-grad",
        r"$dL/dP=\frac2n(P-A)$",
        lambda: 2 / 6 * (P - A),
        lambda: complex_step(L, P),
        "In print first a row, then a column.",
    )
