"""Document E, *MNIST MLP notes*: three losses and their gradients; instances are columns."""

import numpy as np

from nnlib import losses
from nnlib.calculus import complex_step
from nnlib.documents.analytic import sigmoid
from nnlib.documents.claims import follows, misprint, ok, overstated, page, reading, scan
from nnlib.documents.e_layers import one_hot, softmax


@page("Loss Functions: Mean Squared Error", lessons="03")
def mse_page(rng):
    n = 5
    a_before, W, b = (rng.standard_normal(shape) for shape in ((4, n), (3, 4), (3, 1)))
    y, z = rng.uniform(0, 1, (3, n)), W @ a_before + b
    a = sigmoid(z)
    slopes = a * (1 - a)

    C = lambda a: ((y - a) ** 2).sum() / (2 * n)
    cost_of_one_output = lambda m: lambda a: ((y[:, :m].T - a) ** 2).sum() / (2 * m)
    delta = lambda: -1 / n * ((y - a) * slopes)
    delta_summed = lambda: -1 / n * ((y - a) * slopes).sum(axis=1, keepdims=True)
    dC_dW = lambda: complex_step(lambda W: C(sigmoid(W @ a_before + b)), W)

    yield ok(
        "E-mse",
        r"$C=\frac1{2n}\sum_i[(y-a)^2]_i$",
        lambda: C(a),
        lambda: losses.mse(a, target=y)[0] * 3 / 2,
        r"$n$ counts instances; the entries of one are summed.",
    )
    yield overstated(
        "E-mse-d",
        r"$\partial_aC=-\frac1n\sum_i[y-a]_i$, and so with every $\delta^L$ after it; $n$ counts "
        "the instances.",
        r"Each instance keeps its own, $\partial C/\partial a_i=-\frac1n(y_i-a_i)$; in $\delta "
        r"a^\top$ the sum comes with the product. Compared: the derivative by the first of five "
        "instances.",
        lambda: -1 / n * (y - a).sum(axis=1),
        lambda: -1 / n * (y - a)[:, 0],
        lambda: complex_step(C, a)[:, 0],
        defence=r"Read as an average around all that follows, $\frac1n\sum_i\delta_ia_i^\top$, it "
        "is exact, as is its sum for the bias, and the code keeps a column for each instance; but "
        r"it is written into $\delta^L$, which is then multiplied.",
        rests_on="a batch of several instances",
        condition="$n=1$, or one output $a$ is that of all instances",
        under=(
            lambda: [-1 / m * (y[:, :m] - a[:, :1]).sum(axis=1) for m in (1, 2, n)],
            lambda: [complex_step(cost_of_one_output(m), a[:, 0]) for m in (1, 2, n)],
        ),
    )
    yield follows(
        "E-mse-delta",
        r"$\delta^L=-\frac1n\sum_i[(y-a)\circ\partial_za]_i$",
        r"One column for each instance, $-\frac1n(y_i-a_i)\circ\partial_za_i$. Compared: the "
        "first.",
        lambda: -1 / n * ((y - a) * slopes).sum(axis=1),
        lambda: delta()[:, 0],
        lambda: complex_step(lambda z: C(sigmoid(z)), z)[:, 0],
        defence="The chain rule is right, and so is every term; the sum is taken over.",
        rests_on="a batch of several instances",
        follows="E-mse-d",
    )
    yield reading(
        "E-mse-db",
        r"The summed $\delta^L$ is right for the bias.",
        r"$\partial C/\partial b$ is the sum over instances.",
        delta_summed,
        lambda: delta() @ np.ones((n, 1)),
        lambda: complex_step(lambda b: C(sigmoid(W @ a_before + b)), b),
    )
    yield reading(
        "E-mse-dW",
        r"The summed $\delta^L$ in $\partial C/\partial W=\delta a^\top$.",
        "Undefined: keep one column for each instance.",
        lambda: delta_summed() @ a_before.T,
        lambda: delta() @ a_before.T,
        dC_dW,
    )
    yield reading(
        "E-mse-dW-mean",
        r"The summed $\delta^L$ times the mean activation.",
        "A product of sums is not the sum of the products.",
        lambda: delta_summed() @ a_before.mean(axis=1, keepdims=True).T,
        lambda: delta() @ a_before.T,
        dC_dW,
    )


@page("Loss Functions: Binary Cross Entropy", lessons="03")
def bce_page(rng):
    n = 6
    z, y = rng.standard_normal((1, n)), rng.integers(0, 2, (1, n))
    a = sigmoid(z)
    C = lambda a: -1 / n * (y * np.log(a) + (1 - y) * np.log(1 - a)).sum()
    integrand = lambda: -n * complex_step(C, a)

    yield ok(
        "E-bce",
        r"$C=-\frac1n\sum_i[y\ln a+(1-y)\ln(1-a)]_i$",
        lambda: C(a),
        lambda: -np.log(np.prod(np.where(y == 1, a, 1 - a))) / n,
        r"$n$ counts instances.",
    )
    yield misprint(
        "E-bce-d1",
        r"$\partial_aC=-\frac1n\sum_i\big[\frac{y(1)}a+\frac{1-y(-1)}{1-a}\big]_i$",
        r"In the bracket $\frac{(1-y)(-1)}{1-a}$. Compared: the bracket of each instance.",
        lambda: y * 1 / a + (1 - y * (-1)) / (1 - a),
        lambda: y * 1 / a + (1 - y) * (-1) / (1 - a),
        integrand,
        defence="Parentheses lost, by the pen or by the scan: the next equality has the minus "
        "before $1-y$.",
    )
    yield follows(
        "E-bce-d2",
        r"$\dots=-\frac1n\sum_i\big[\frac ya-\frac{1-y}{1-a}\big]_i$",
        "The bracket of each instance for itself. Compared: the first.",
        lambda: -1 / n * (y / a - (1 - y) / (1 - a)).sum(axis=1),
        lambda: (-1 / n * (y / a - (1 - y) / (1 - a)))[:, 0],
        lambda: complex_step(C, a)[:, 0],
        defence="The bracket is right, and the parentheses are mended; the sum is that of the "
        "squares.",
        rests_on="a batch of several instances",
        follows="E-mse-d",
    )
    yield scan(
        "E-bce-d3",
        r"$\dots\big[y-\frac{ya-a+ay}{a(1-a)}\big]_i$",
        r"$\frac{y-ya-a+ay}{a(1-a)}$. Compared: the bracket of each instance.",
        lambda: y - (y * a - a + a * y) / (a * (1 - a)),
        lambda: (y - y * a - a + a * y) / (a * (1 - a)),
        integrand,
        defence="The bar of the fraction begins a term too late, as it may on its way to a text; "
        "the next equality has it all above the bar.",
    )
    yield follows(
        "E-bce-d4",
        r"$\dots=-\frac1n\sum_i\big[\frac{y-a}{a(1-a)}\big]_i$",
        "The bracket of each instance for itself. Compared: the first.",
        lambda: -1 / n * ((y - a) / (a * (1 - a))).sum(axis=1),
        lambda: (-1 / n * (y - a) / (a * (1 - a)))[:, 0],
        lambda: complex_step(C, a)[:, 0],
        defence="The bracket is right and as short as it gets; only the sum in front of it is "
        "carried on.",
        rests_on="a batch of several instances",
        follows="E-mse-d",
    )
    yield follows(
        "E-bce-delta",
        r"With a sigmoid: $\delta^L=-\frac1n\sum_i[y-a]_i$",
        r"For each instance $-\frac1n(y_i-a_i)$. Compared: the first.",
        lambda: -1 / n * (y - a).sum(axis=1),
        lambda: -1 / n * (y - a)[:, 0],
        lambda: complex_step(lambda z: C(sigmoid(z)), z)[:, 0],
        defence="The slope of the sigmoid cancels as it should, and the bracket is right.",
        rests_on="a batch of several instances",
        follows="E-mse-d",
    )


@page("Loss Functions: Categorical Cross Entropy", lessons="03")
def cce_page(rng):
    n, classes = 5, 4
    z, labels = rng.standard_normal((classes, n)), rng.integers(0, classes, n)
    y, a, same = one_hot(labels, classes), softmax(z), np.eye(classes)[:, :, None]
    C = lambda a: -1 / n * (y * np.log(a)).sum()
    dC_dz = lambda: complex_step(lambda z: C(softmax(z)), z)

    def through_jacobian():
        J = [np.diag(a_i) - np.outer(a_i, a_i) for a_i in a.T]
        return np.stack([J_i.T @ g_i for J_i, g_i in zip(J, (-1 / n * y / a).T)], axis=1)

    def brackets():
        first = ((y / a * a)[:, None] * (same - a[None])).sum(axis=0)
        return first, (y[:, None] * same).sum(axis=0) - a * y.sum(axis=0), y - a

    yield ok(
        "E-cce",
        r"$C=-\frac1n\sum_i\big[\sum_ky_k\ln a_k\big]_i$",
        lambda: C(a),
        lambda: -np.log(np.prod([a[label, i] for i, label in enumerate(labels)])) / n,
    )
    yield misprint(
        "E-cce-d",
        r"$\partial_{a_k}C=-\frac1n\sum_i\big[\sum_k\frac{y_k}{a_k}\,\partial_{a_k}a_k\big]_i$",
        r"$\partial_{a_j}$ twice, since $k$ is summed over: "
        r"$\sum_k\frac{y_k}{a_k}\,\partial_{a_j}a_k=\frac{y_j}{a_j}$. Compared: the bracket of "
        "each instance.",
        lambda: np.broadcast_to((y / a * 1).sum(axis=0), a.shape),  # by itself a_k has slope 1
        lambda: ((y / a)[None] * same).sum(axis=1),
        lambda: -n * complex_step(C, a),
        defence=r"A $k$ for a $j$: the line below has $\partial_{a_j}a_k$ in its place, 1 for "
        "$k=j$ and 0 otherwise.",
    )
    yield misprint(
        "E-cce-elem",
        r"A first equality, $\delta_j=\partial_{a_j}C\cdot\partial_{z_j}a_j$, with softmax named "
        r"just above; the next has $\sum_k\frac{y_k}{a_k}\,\partial_{z_j}a_k$.",
        r"$\delta_j=\sum_k\partial_{a_k}C\,\partial_{z_j}a_k$: the sum over $k$ is missing, and "
        "the next equality has it. Taken by itself, the start is $-y_j(1-a_j)/n$.",
        lambda: -1 / n * y / a * (a * (1 - a)),
        through_jacobian,
        dC_dz,
        defence="The sum comes back at once, and the result is right: one step is written short.",
        rests_on="a softmax output",
    )
    yield follows(
        "E-cce-lines",
        r"$-\frac1n\sum_i$ of $\sum_k\frac{y_k}{a_k}a_k(\delta_{kj}-a_j)=\sum_ky_k\delta_{kj}-a_j"
        r"\sum_ky_k=y_j-a_j$",
        r"The bracket of each instance for itself; its last step needs $\sum_ky_k=1$. Compared: "
        "the first.",
        lambda: [-1 / n * bracket.sum(axis=1) for bracket in brackets()],
        lambda: [-1 / n * bracket[:, 0] for bracket in brackets()],
        lambda: [dC_dz()[:, 0]] * 3,
        defence="All three brackets are right, from the whole Jacobian of softmax on; the sum in "
        "front of them is that of the squares.",
        rests_on="a batch of several instances",
        follows="E-mse-d",
    )
    yield follows(
        "E-cce-delta",
        r"$\delta^L=-\frac1n\sum_i[y-a]_i$",
        r"For each instance $-\frac1n(y_i-a_i)$, as the code has it. Compared: the first.",
        lambda: -1 / n * (y - a).sum(axis=1),
        lambda: -1 / n * (y - a)[:, 0],
        lambda: dC_dz()[:, 0],
        defence=r"The way through the whole Jacobian of softmax, down to $y-a$, is right.",
        rests_on="a batch of several instances",
        follows="E-mse-d",
    )
