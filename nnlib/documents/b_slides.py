"""Document B, *Neural Nets From Scratch*: its claims, printed and corrected."""

import numpy as np

from nnlib.blocks import linear, log_softmax, relu
from nnlib.blocks import sigmoid as stable_sigmoid
from nnlib.calculus import complex_step
from nnlib.documents.analytic import derivative, slopes
from nnlib.documents.claims import added, convention, note, ok, page, reading


def by_entry(f, X):
    """The derivatives of a number by each entry of a matrix, laid out as the entries are."""
    basis = np.eye(X.size).reshape(X.shape + X.shape)
    return np.array([[derivative(f, X, E) for E in row] for row in basis])


@page("Sigmoid", lessons="02")
def sigmoid_page(rng):
    """S(x) = 1 / (1 + exp(-x))."""
    x = rng.standard_normal(5)
    e = np.exp(-x)
    S = lambda x: 1 / (1 + np.exp(-x))
    dS = lambda: slopes(S, x)

    yield ok(
        "B-sig",
        r"$S(x)=\frac1{1+e^{-x}}$",
        lambda: S(x),
        lambda: stable_sigmoid(x)[0],
    )
    yield ok(
        "B-sig-quot",
        r"$S'=\frac{(1+e^{-x})(0)-(1)(-e^{-x})}{(1+e^{-x})^2}$",
        lambda: ((1 + e) * 0 - 1 * -e) / (1 + e) ** 2,
        dS,
    )
    yield ok(
        "B-sig-exp",
        r"$S'=\frac{e^{-x}}{(1+e^{-x})^2}$",
        lambda: e / (1 + e) ** 2,
        dS,
    )
    yield ok(
        "B-sig-lines",
        r"$S'=\frac{1-1+e^{-x}}{(1+e^{-x})^2}=\dots=\frac1{1+e^{-x}}\big(1-\frac1{1+e^{-x}}\big)$ "
        "in four lines",
        lambda: [
            (1 - 1 + e) / (1 + e) ** 2,
            (1 + e) / (1 + e) ** 2 - 1 / (1 + e) ** 2,
            1 / (1 + e) - 1 / (1 + e) ** 2,
            1 / (1 + e) * (1 - 1 / (1 + e)),
        ],
        lambda: np.tile(dS(), (4, 1)),
    )
    yield ok(
        "B-sig-d",
        r"$S'=S(1-S)$",
        lambda: S(x) * (1 - S(x)),
        dS,
    )


@page("Tanh", lessons="02")
def tanh_page(rng):
    """tanh z = (exp(z) - exp(-z)) / (exp(z) + exp(-z))."""
    z = rng.standard_normal(5)
    up, down = np.exp(z), np.exp(-z)

    yield ok(
        "B-tanh",
        r"$\tanh z=\frac{e^z-e^{-z}}{e^z+e^{-z}}$",
        lambda: (up - down) / (up + down),
        lambda: np.tanh(z),
        r"Coded like this it overflows beyond $\lvert z\rvert\approx710$.",
    )
    yield ok(
        "B-tanh-lines",
        r"$\tanh'=\frac{(e^z+e^{-z})(e^z+e^{-z})-(e^z-e^{-z})(e^z-e^{-z})}{(e^z+e^{-z})^2}=\dots="
        r"1-\big(\frac{e^z-e^{-z}}{e^z+e^{-z}}\big)^2$",
        lambda: [
            ((up + down) * (up + down) - (up - down) * (up - down)) / (up + down) ** 2,
            ((up + down) ** 2 - (up - down) ** 2) / (up + down) ** 2,
            1 - ((up - down) / (up + down)) ** 2,
        ],
        lambda: np.tile(slopes(np.tanh, z), (3, 1)),
    )
    yield ok(
        "B-tanh-d",
        r"$\tanh'=1-\tanh^2$",
        lambda: 1 - np.tanh(z) ** 2,
        lambda: slopes(np.tanh, z),
    )


@page("ReLU", lessons="02")
def relu_page(rng):
    """R(z) = z where z > 0, else 0."""
    z = np.append(rng.standard_normal(5), 0.0)

    yield ok(
        "B-relu",
        r"$R(z)=z$ for $z>0$, 0 for $z\le0$",
        lambda: np.where(z > 0, z, 0),
        lambda: (z + np.abs(z)) / 2,
    )
    yield convention(
        "B-relu-d",
        r"$R'(z)=1$ for $z>0$, 0 for $z\le0$; undefined at 0, says a note, and to be implemented "
        "so.",
        r"So it is in this course. Document E chooses 1 at 0: less $\mathbb 1[z=0]$, its form is "
        "this one. A's words choose 1 too, and its formula leaves it undefined.",
        lambda: np.where(z > 0, 1, 0),
        lambda: np.heaviside(z, 1.0) - (z == 0),
        lambda: relu(z)[1](np.ones(6)),
        defence="It declares its choice and says that there is none to derive; a code that follows "
        "it is as right as one that does not.",
        rests_on="the input 0",
    )


@page("Softmax Cross Entropy", lessons="03")
def cross_entropy_page(rng):
    """L = -log of the probability of the true class c, from the scores x."""
    x, c = rng.standard_normal(5), rng.integers(5)
    y = np.eye(5)[c]
    S, high = np.exp(x).sum(), x + 1000
    L = lambda: -log_softmax(x)[0][c]

    yield ok(
        "B-ce-example",
        r"For $\vec y=[0,1,0,0]$, $\vec p=[0.1,0.3,0.5,0.1]$ the loss is $-\sum_iy_i\log p_i$.",
        lambda: -(np.array([0, 1, 0, 0]) * np.log([0.1, 0.3, 0.5, 0.1])).sum(),
        lambda: np.log(10) - np.log(3),
        r"$-\ln0.3=1.2039728$",
        rests_on="the example",
    )
    yield ok(
        "B-ce-softmax",
        r"$L=-\sum_iy_i\log\big(e^{x_i}/\sum_ke^{x_k}\big)$",
        lambda: -(y * np.log(np.exp(x) / S)).sum(),
        L,
    )
    yield ok(
        "B-ce-true",
        r"$L=-y_c\log\big(e^{x_c}/\sum_ke^{x_k}\big)$ with the true class $c$",
        lambda: -y[c] * np.log(np.exp(x[c]) / S),
        L,
    )
    yield ok(
        "B-ce-split",
        r"$L=-(y_c\log e^{x_c}-y_c\log\sum_ke^{x_k})=-y_cx_c+y_c\log\sum_ke^{x_k}$",
        lambda: [
            -(y[c] * np.log(np.exp(x[c])) - y[c] * np.log(S)),
            -y[c] * x[c] + y[c] * np.log(S),
        ],
        lambda: [L(), L()],
    )
    yield ok(
        "B-ce-lse",
        r"LogSumExp: $L=-y_cx_c+y_c\big(a+\log\sum_ke^{x_k-a}\big)$",
        lambda: [-y[c] * x[c] + y[c] * (a + np.log(np.exp(x - a).sum())) for a in (x.max(), 0.3)],
        lambda: [L(), L()],
        r"For every $a$, which is not defined; stable for $a=\max_kx_k$.",
    )
    yield reading(
        "B-ce-naive",
        "Softmax first and its logarithm next, with scores near 1000.",
        r"LogSumExp with $a=\max_kx_k$ stays finite.",
        lambda: -(y * np.log(np.exp(high) / np.exp(high).sum())).sum(),
        lambda: -high[c] + high.max() + np.log(np.exp(high - high.max()).sum()),
        L,
    )
    yield ok(
        "B-ce-lse-c",
        r"$L=-x_c+a+\log\sum_ke^{x_k-a}$, since $y_c=1$",
        lambda: -x[c] + x.max() + np.log(np.exp(x - x.max()).sum()),
        L,
    )


@page("Softmax Cross Entropy Derivative", lessons="03")
def derivative_page(rng):
    """dL/dx for any target y whose entries sum to 1, and for one that has two ones."""
    x, scores = rng.standard_normal((2, 5))
    y = np.exp(scores) / np.exp(scores).sum()
    e, S = np.exp(x), np.exp(x).sum()
    log_sum = lambda x: np.log(np.exp(x).sum())
    dL = lambda y=y: complex_step(lambda x: (y * (log_sum(x) - x)).sum(), x)
    two_hot = np.array([1.0, 0.0, 1.0, 0.0, 0.0])

    yield ok(
        "B-ce-d-lines1",
        r"$\frac{\partial L}{\partial x_j}=\frac\partial{\partial x_j}\big(-\sum_iy_i\log"
        r"\frac{e^{x_i}}{\sum_ke^{x_k}}\big)=\dots=\frac\partial{\partial x_j}\big(\sum_i-y_ix_i+"
        r"\sum_iy_i\log\sum_ke^{x_k}\big)$",
        lambda: [
            complex_step(lambda x: -(y * np.log(np.exp(x) / np.exp(x).sum())).sum(), x),
            complex_step(lambda x: -(y * (np.log(np.exp(x)) - log_sum(x))).sum(), x),
            complex_step(lambda x: (-y * np.log(np.exp(x))).sum() + (y * log_sum(x)).sum(), x),
            complex_step(lambda x: (-y * x).sum() + (y * log_sum(x)).sum(), x),
        ],
        lambda: np.tile(log_softmax(x)[1](-y), (4, 1)),
        "The classes, $M$ before, are $K$ here.",
    )
    yield ok(
        "B-ce-d-lines2",
        r"$\frac\partial{\partial x_j}(-y_jx_j)+\frac\partial{\partial x_j}\log\sum_ke^{x_k}=\dots="
        r"-y_j+\frac{e^{x_j}}{\sum_ke^{x_k}}$",
        lambda: [
            slopes(lambda x: -y * x, x) + complex_step(log_sum, x),
            -y + 1 / S * complex_step(lambda x: np.exp(x).sum(), x),
            -y + 1 / S * e,
            -y + e / S,
        ],
        lambda: np.tile(dL(), (4, 1)),
        r"With $\sum_iy_i=1$, tacitly; else $(\sum_iy_i)\,\hat y_j-y_j$.",
    )
    yield ok(
        "B-ce-d",
        r"$\partial L/\partial x_j=\hat y_j-y_j$",
        lambda: e / S - y,
        dL,
        r"With $\sum_iy_i=1$, as for its one true class.",
    )
    yield reading(
        "B-ce-sumy",
        r"$\hat y_j-y_j$ for a target with two ones",
        r"$(\sum_iy_i)\,\hat y_j-y_j$",
        lambda: e / S - two_hot,
        lambda: two_hot.sum() * e / S - two_hot,
        lambda: dL(two_hot),
    )
    yield ok(
        "B-ce-sigma",
        r"$\partial L/\partial x_j=-y_j+\sigma(x_j)$",
        lambda: -y + e / S,
        dL,
        r"This $\sigma(x_j)$ is $\mathrm{softmax}(x)_j$, as the lines beside it say, and depends "
        r"on all of $x$; in document D $\sigma$ is the sigmoid, in E any activation.",
    )


@page("Linear Layer Derivative", lessons="02")
def linear_page(rng):
    """Y = XW with 2 samples in the rows of X, and a loss L(Y)."""
    X, W, C = rng.standard_normal((2, 2)), rng.standard_normal((2, 3)), rng.standard_normal((2, 3))
    Y, L = X @ W, lambda Y: np.sin(C * Y).sum()
    of_X, of_W = lambda X: L(X @ W), lambda W: L(X @ W)
    dY, dX = complex_step(L, Y), lambda: complex_step(of_X, X)
    dY_dX, dY_dW = complex_step(lambda X: X @ W, X), complex_step(lambda W: X @ W, W)
    dY_dx11, dY_dx12 = dY_dX[:, :, 0, 0], dY_dX[:, :, 0, 1]
    over_zeros = lambda row: np.array([row, [0, 0, 0]])

    yield ok(
        "B-lin-fwd",
        r"(1)-(3) $Y=XW$ with $y_{ij}=x_{i1}w_{1j}+x_{i2}w_{2j}$",
        lambda: [[X[i, 0] * W[0, j] + X[i, 1] * W[1, j] for j in range(3)] for i in range(2)],
        lambda: linear(X, W.T, np.zeros(3))[0],
        "Samples are rows; there is no bias.",
    )
    yield ok(
        "B-lin-5-shape",
        r"(4), (6) $\partial L/\partial Y$ and $\partial L/\partial X$ have the shape of $Y$, $X$, "
        "and in each place the derivative with respect to the entry there.",
        lambda: np.hstack([by_entry(L, Y), by_entry(of_X, X)]),
        lambda: np.hstack([dY, dX()]),
        lessons="01 02",
    )
    yield ok(
        "B-lin-5",
        r"(5) $\frac{\partial L}{\partial X}=\frac{\partial L}{\partial Y}"
        r"\frac{\partial Y}{\partial X}$ and $\frac{\partial L}{\partial W}="
        r"\frac{\partial L}{\partial Y}\frac{\partial Y}{\partial W}$",
        lambda: np.hstack([np.einsum("ij,ijkl", dY, dY_dX), np.einsum("ij,ijkl", dY, dY_dW)]),
        lambda: np.hstack([dX(), complex_step(of_W, W)]),
        r"Sums over both indices of $Y$, not matrix products.",
    )
    yield ok(
        "B-lin-7",
        r"(7) $\frac{\partial L}{\partial x_{11}}=\sum_{ij}\frac{\partial L}{\partial y_{ij}}"
        r"\frac{\partial y_{ij}}{\partial x_{11}}=\frac{\partial L}{\partial Y}\cdot"
        r"\frac{\partial Y}{\partial x_{11}}$",
        lambda: sum(dY[i, j] * dY_dx11[i, j] for i in range(2) for j in range(3)),
        lambda: dX()[0, 0],
        "The dot is the Frobenius product, entry by entry.",
    )
    yield ok(
        "B-lin-8",
        r"(8) $\partial Y/\partial x_{11}$ is row 1 of $W$ over zeros.",
        lambda: over_zeros(W[0]),
        lambda: dY_dx11,
    )
    yield ok(
        "B-lin-9",
        r"(9), (12) $\frac{\partial L}{\partial x_{11}}=\frac{\partial L}{\partial Y}"
        r"\frac{\partial Y}{\partial x_{11}}$, and so for $x_{12}$",
        lambda: [np.einsum("ij,ij", dY, dY_dx11), np.einsum("ij,ij", dY, dY_dx12)],
        lambda: dX()[0],
        "The product of (5) and (7), a sum over all entries; the dot of (7) is back in (10) and "
        "(13). As a product of matrices it would not exist.",
    )
    yield ok(
        "B-lin-11",
        r"(10), (11) $\frac{\partial L}{\partial x_{11}}="
        r"\sum_j\frac{\partial L}{\partial y_{1j}}w_{1j}$",
        lambda: [(dY * over_zeros(W[0])).sum(), sum(dY[0, j] * W[0, j] for j in range(3))],
        lambda: [dX()[0, 0]] * 2,
    )
    yield ok(
        "B-lin-13",
        r"(13) $\partial Y/\partial x_{12}$ is row 2 of $W$ over zeros.",
        lambda: over_zeros(W[1]),
        lambda: dY_dx12,
    )
    yield ok(
        "B-lin-14",
        r"(14) $\frac{\partial L}{\partial x_{12}}=\sum_j\frac{\partial L}{\partial y_{1j}}w_{2j}$",
        lambda: [(dY * over_zeros(W[1])).sum(), sum(dY[0, j] * W[1, j] for j in range(3))],
        lambda: [dX()[0, 1]] * 2,
    )
    yield ok(
        "B-lin-22",
        r"(22) $\frac{\partial L}{\partial x_{ik}}=\sum_j\frac{\partial L}{\partial y_{ij}}w_{kj}$ "
        "in all four places",
        lambda: [[sum(dY[i, j] * W[k, j] for j in range(3)) for k in range(2)] for i in range(2)],
        dX,
        "The numbers jump from (14) to (22).",
    )
    yield ok(
        "B-lin-24",
        r"(23), (24) $\frac{\partial L}{\partial X}=\frac{\partial L}{\partial Y}W^\top$",
        lambda: dY @ W.T,
        dX,
    )
    yield added(
        "B-lin-dW",
        r"$\frac{\partial L}{\partial W}=X^\top\frac{\partial L}{\partial Y}$",
        lambda: X.T @ dY,
        lambda: complex_step(of_W, W),
        "Announced in (5), never derived.",
    )


@page("MLP", lessons="05")
def mlp_page(rng):
    """Two slides without text."""
    yield note("B-mlp", "MLP forward and MLP backward.", "Figures alone; the text has no formula.")
