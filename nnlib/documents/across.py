"""Conventions across the documents: where they clash, and how to go from one to the other."""

import numpy as np

from nnlib.calculus import complex_step
from nnlib.documents.claims import convention, note, page


@page("Rows and columns", lessons="01 02")
def layout_page(rng):
    samples, b, g = rng.standard_normal((5, 3)), rng.standard_normal(4), rng.standard_normal(4)
    W, x = rng.standard_normal((4, 3)), rng.standard_normal(3)  # A's W, output by input
    jacobian_of_E = W.T * (1 - np.tanh(W @ x) ** 2)  # of tanh(W x)

    yield convention(
        "X-layout",
        "Samples are columns in A, E and the first part of C, rows in B and in its second. D has "
        r"columns in $\sum_kw_{jk}a_k$ and $W_oh_T$, rows in its matrix form and FFN.",
        r"Transposes of each other: $XW+b\leftrightarrow W^\top X^\top+b$.",
        lambda: W @ samples + b[:, None],
        lambda: (W @ samples.T + b[:, None]).T,
        lambda: [[W[j] @ sample + b[j] for j in range(4)] for sample in samples],
        defence="Nobody errs: each formula keeps to one layout, and its shapes say to which.",
    )
    yield convention(
        "X-jac-layout",
        "A row of the Jacobian is an output in A, an input in E.",
        "Transpose one of them.",
        lambda: g @ jacobian_of_E,
        lambda: g @ jacobian_of_E.T,
        lambda: complex_step(lambda x: g @ np.tanh(W @ x), x),
        lessons="01",
        defence="Both are in use, and for softmax, the one Jacobian that E writes out, the two are "
        "the same matrix.",
    )


@page("Factors of the losses", lessons="03")
def losses_page(rng):
    target, prediction = rng.standard_normal((2, 6))
    r, n = prediction - target, 6
    squares = lambda a: ((a - target) ** 2).sum()
    halves = lambda a: squares(a) / 2
    mse_losses = (lambda a: squares(a) / n), squares, halves, (lambda a: halves(a) / n)

    z, Y = rng.standard_normal((5, 3)), np.eye(3)[rng.integers(0, 3, 5)]
    residual, (instances, classes) = np.exp(z) / np.exp(z).sum(1, keepdims=True) - Y, z.shape
    summed = lambda z: (np.log(np.exp(z).sum(axis=1)) - (Y * z).sum(axis=1)).sum()
    ce_losses = (summed, lambda z: summed(z) / classes, lambda z: summed(z) / instances)

    yield convention(
        "X-mse",
        r"$\frac1n\sum_i(P_i-A_i)^2$ over components in A; in D $(a-y)^2$ for one example, then "
        r"the average over the $n$ examples, and $\frac12\sum(y-\hat y)^2$; in E "
        r"$\frac1{2n}\sum_i(y-a)_i^2$ over instances.",
        r"With $r=a-y$ the gradients are $\frac2nr$; $2r$ for one example, on average $\frac2nr$, "
        r"and $r$; $\frac1nr$. The first error is that of $r$ for all.",
        lambda: 4 * [r],
        lambda: [2 / n * r, 2 * r, r, r / n],
        lambda: [complex_step(loss, prediction) for loss in mse_losses],
        defence="Each document takes the gradient of the loss that it states; a constant factor "
        "moves no minimum.",
    )
    yield convention(
        "X-ce",
        "The cross-entropy is summed over classes; C, part 2, divides it by $K$ as well, E by the "
        "number $n$ of instances.",
        r"The gradients are $p-y$, $\frac1K(p-y)$, $\frac1n(p-y)$. The first error is that of the "
        "second for all.",
        lambda: 3 * [residual / classes],
        lambda: [residual, residual / classes, residual / instances],
        lambda: [complex_step(loss, z) for loss in ce_losses],
        defence="All three losses are stated with their factors, and all have the same minimum; a "
        "learning rate takes a factor in.",
    )


@page("Names", lessons="02")
def names_page(rng):
    yield note(
        "X-sigma",
        r"$\sigma$ is the softmax in B, the sigmoid in D, any activation in E.",
        "Names, nothing numeric: here each function has a name of its own.",
    )
    yield note(
        "X-index",
        "Layers are numbered from 0, from 1, or by a place in a list.",
        "Names, nothing numeric: here layers are $1..L$, and $a^0$ is the input.",
        lessons="05",
    )
