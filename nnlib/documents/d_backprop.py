"""Document D, *Implementing Generative AI Transformer*: backpropagation by hand."""

import numpy as np

from nnlib import blocks, losses
from nnlib.calculus import complex_step
from nnlib.documents.analytic import dsigmoid, sigmoid
from nnlib.documents.claims import added, follows, misprint, note, ok, page, reading, scan, wrong


@page("Calculus Behind Backpropagation", lessons="05")
def one_neuron_page(rng):
    parameters = w, b, a_before = rng.standard_normal(3)
    y, n = rng.standard_normal(), 6
    inputs, targets = rng.standard_normal(n), rng.standard_normal(n)
    z = w * a_before + b
    a = sigmoid(z)

    def cost(w, b, a_before, y=y):
        return (sigmoid(w * a_before + b) - y) ** 2

    def library_cost():
        z = blocks.linear(np.array([[a_before]]), np.array([[w]]), np.array([b]))[0]
        return losses.mse(blocks.sigmoid(z)[0], target=np.array([[y]]))[0]

    gradient = lambda: complex_step(lambda theta: cost(*theta), np.array(parameters))

    yield ok(
        "D-bp-fwd",
        r"$z=wa^{(L-1)}+b$, $a=\sigma(z)$, $C_0=(a-y)^2$",
        lambda: (a - y) ** 2,
        library_cost,
    )
    yield ok(
        "D-bp-dCda",
        r"$\partial C/\partial a=2(a-y)$",
        lambda: 2 * (a - y),
        lambda: complex_step(lambda a: (a - y) ** 2, np.array(a)),
    )
    yield ok(
        "D-bp-w",
        r"$\partial C/\partial w=a^{(L-1)}\,\sigma'(z)\,2(a-y)$",
        lambda: a_before * dsigmoid(z) * 2 * (a - y),
        lambda: gradient()[0],
    )
    yield ok(
        "D-bp-avg",
        r"Over $n$ examples: $\partial C/\partial w=\frac1n\sum_k\partial C_k/\partial w$",
        lambda: (
            sum(
                a_k * dsigmoid(w * a_k + b) * 2 * (sigmoid(w * a_k + b) - y_k)
                for a_k, y_k in zip(inputs, targets)
            )
            / n
        ),
        lambda: complex_step(lambda w: cost(w, b, inputs, targets).mean(), np.array(w)),
    )
    yield ok(
        "D-bp-b",
        r"$\partial C/\partial b=1\cdot\sigma'(z)\,2(a-y)$",
        lambda: 1 * dsigmoid(z) * 2 * (a - y),
        lambda: gradient()[1],
    )
    yield ok(
        "D-bp-a",
        r"$\partial C/\partial a^{(L-1)}=w\,\sigma'(z)\,2(a-y)$",
        lambda: w * dsigmoid(z) * 2 * (a - y),
        lambda: gradient()[2],
    )


@page("Case of Multiple Neurons in Each Layer", lessons="05")
def many_neurons_page(rng):
    w, b, y = rng.standard_normal((4, 3)), rng.standard_normal(4), rng.standard_normal(4)
    a_before = rng.standard_normal(3)
    z = w @ a_before + b
    a = sigmoid(z)

    def cost(w, b, a_before):
        return ((sigmoid(w @ a_before + b) - y) ** 2).sum()

    def one_by_one():
        Z = [sum(w[j, k] * a_before[k] for k in range(3)) + b[j] for j in range(4)]
        return sum(((1 + np.tanh(Z[j] / 2)) / 2 - y[j]) ** 2 for j in range(4))

    yield ok(
        "D-mn-fwd",
        r"$Z_j=\sum_kw_{jk}a_k+b_j$, $C=\sum_j(a_j-y_j)^2$",
        lambda: cost(w, b, a_before),
        one_by_one,
        r"$Z$ and $z$ are the same; there is no $1/n$.",
    )
    yield ok(
        "D-mn-w",
        r"$\partial C/\partial w_{jk}=a_k\,\sigma'(Z_j)\,2(a_j-y_j)$",
        lambda: a_before[None, :] * dsigmoid(z)[:, None] * 2 * (a - y)[:, None],
        lambda: complex_step(lambda w: cost(w, b, a_before), w),
    )
    yield added(
        "D-mn-b",
        r"The bias of many neurons: $\partial C/\partial b_j=\sigma'(Z_j)\,2(a_j-y_j)$.",
        lambda: dsigmoid(z) * 2 * (a - y),
        lambda: complex_step(lambda b: cost(w, b, a_before), b),
    )
    yield ok(
        "D-mn-a",
        r"$\partial C/\partial a_k=\sum_jw_{jk}\,\sigma'(z_j)\,2(a_j-y_j)$",
        lambda: (w * dsigmoid(z)[:, None] * 2 * (a - y)[:, None]).sum(axis=0),
        lambda: complex_step(lambda a_before: cost(w, b, a_before), a_before),
    )


@page("Implementing a Complete Neural Network: Gradient of Loss", lessons="05")
def chain_page(rng):
    """One unit in every layer, six examples: what the document writes before its matrices."""
    x, y = rng.standard_normal(6), rng.uniform(0, 1, 6)
    w1, w2 = np.array(rng.standard_normal()), np.array(rng.standard_normal())
    f, df = sigmoid, dsigmoid
    z2 = x * w1
    a2 = f(z2)
    z3 = a2 * w2
    y_hat = f(z3)
    da2_dw1 = df(z2) * x

    predict = lambda w1, w2: f(f(x * w1) * w2)
    J = lambda w1, w2: ((y - predict(w1, w2)) ** 2).sum() / 2
    dJ_dw1 = lambda: complex_step(lambda w1: J(w1, w2), w1)
    dJ_dw2 = lambda: complex_step(lambda w2: J(w1, w2), w2)

    yield ok(
        "D-im-J",
        r"$J=\tfrac12\sum(y-\hat y)^2$",
        lambda: 1 / 2 * np.sum((y - y_hat) ** 2),
        lambda: 6 / 2 * losses.mse(y_hat, target=y)[0],
    )
    yield misprint(
        "D-im-w3",
        r"$\partial J/\partial w^{(3)}=\sum-(y-\hat y)\,\partial\hat y/\partial z^{(3)}$; the next "
        r"line, for $w^{(2)}$, has $\partial z^{(3)}/\partial w^{(2)}$ as well.",
        r"$\partial J/\partial z^{(3)}$ on the left; without the sum it is the $\delta^{(3)}$ "
        "that follows. Compared: the derivative by the weight that leads to $z^{(3)}$, and by "
        "$z^{(3)}$.",
        dJ_dw2,
        lambda: np.sum(-(y - y_hat) * df(z3)),
        lambda: complex_step(lambda t: ((y - f(z3 + t)) ** 2).sum() / 2, np.zeros(())),
        defence="There is no third weight; one letter, which the page may have lost on its way to "
        "a text, makes the line right and the next one its continuation.",
    )
    yield ok(
        "D-im-w2",
        r"$\partial J/\partial w^{(2)}=\sum-(y-\hat y)f'(z^{(3)})\,"
        r"\partial z^{(3)}/\partial w^{(2)}$",
        lambda: np.sum(-(y - y_hat) * df(z3) * a2),
        dJ_dw2,
    )
    yield scan(
        "D-im-w1a",
        r"$\partial J/\partial w^{(1)}=2\sum\tfrac12(y-\hat y)^2=-(y-\hat y)\,"
        r"\partial\hat y/\partial w^{(1)}$",
        r"$\frac\partial{\partial w^{(1)}}\sum\frac12(y-\hat y)^2$ in the middle. Compared: it, "
        "and the chain that it leads to.",
        lambda: 2 * np.sum((y - y_hat) ** 2 / 2),
        lambda: np.sum(-(y - y_hat) * df(z3) * w2 * da2_dw1),
        dJ_dw1,
        defence=r"A $\partial$ read as a 2, it seems: what follows after the second equals sign "
        "is the derivative, and right.",
    )
    yield ok(
        "D-im-w1a2",
        r"$\dots=-(y-\hat y)\,\partial\hat y/\partial w^{(1)}$",
        lambda: np.sum(-(y - y_hat) * complex_step(lambda w1: predict(w1, w2), w1)),
        dJ_dw1,
        r"With the $\sum$ put back.",
    )
    yield misprint(
        "D-im-w1b",
        r"$\dots=-(y-\hat y)\,\partial a^{(2)}/\partial w^{(1)}$; the next line has $f'(z^{(3)})$ "
        "and a factor in the middle.",
        r"The factor $\partial\hat y/\partial a^{(2)}=f'(z^{(3)})(w^{(2)})^\top$ is missing.",
        lambda: np.sum(-(y - y_hat) * da2_dw1),
        lambda: np.sum(-(y - y_hat) * df(z3) * w2 * da2_dw1),
        dJ_dw1,
        defence="A step skipped between two lines: the next puts $f'(z^{(3)})$ and the middle "
        "factor back, so no result rests on it.",
    )
    yield wrong(
        "D-im-w1c",
        r"$\dots=-(y-\hat y)f'(z^{(3)})\,\frac{\partial z^{(2)}}{\partial a^{(2)}}\,"
        r"\frac{\partial a^{(2)}}{\partial w^{(1)}}$",
        r"$\partial z^{(3)}/\partial a^{(2)}=(w^{(2)})^\top$ in the middle; $z^{(2)}$ comes before "
        r"$a^{(2)}$ and not after it. Compared: with $(w^{(1)})^\top$, as the matrix form has it.",
        lambda: np.sum(-(y - y_hat) * df(z3) * w1 * da2_dw1),
        lambda: np.sum(-(y - y_hat) * df(z3) * w2 * da2_dw1),
        dJ_dw1,
        defence=r"The chain is complete, and the other factors are right. Two lines up a "
        r"$\partial$ became a 2, so this 2 for a 3 might be the scan's too; but the result itself "
        r"has $(w^{(1)})^\top$, which no line after it puts right.",
        slips=(r"a layer too low in the chain, $\partial z^{(2)}$ for $\partial z^{(3)}$",),
    )


@page("Implementing a Complete Neural Network: Matrix Form Representation", lessons="05")
def matrix_page(rng):
    """The document states no widths: 2-3-1 here, with five examples as rows."""
    f, df = sigmoid, dsigmoid
    X, Y = rng.standard_normal((5, 2)), rng.uniform(0, 1, (5, 1))
    W1, W2 = rng.standard_normal((2, 3)), rng.standard_normal((3, 1))
    X3, Y3, V1, V2 = rng.standard_normal((4, 3, 3))  # all widths 3, three examples
    x = rng.standard_normal(5)
    up = np.exp(x)

    def forward(X, W1, W2):
        z2 = X @ W1
        z3 = f(z2) @ W2
        return z2, f(z2), z3, f(z3)

    def J(X, W1, W2, Y):
        return ((Y - forward(X, W1, W2)[-1]) ** 2).sum() / 2

    def dJ_dW1(X, W1, W2, Y):
        return complex_step(lambda W1: J(X, W1, W2, Y), W1)

    z2, a2, z3, Y_hat = forward(X, W1, W2)
    delta3 = -(Y - Y_hat) * df(z3)
    z2_, _, z3_, Y_hat_ = forward(X3, V1, V2)
    delta3_ = -(Y3 - Y_hat_) * df(z3_)

    yield ok(
        "D-im-z3",
        r"$z^{(3)}=a^{(2)}w^{(2)}$",
        lambda: a2 @ W2,
        lambda: [[sum(a_h * w_h for a_h, w_h in zip(row, W2[:, 0]))] for row in a2],
        "Rows are examples; no bias.",
    )
    yield ok(
        "D-im-delta3",
        r"$\delta^{(3)}_i=-(y_i-\hat y_i)f'(z^{(3)}_i)$",
        lambda: -(Y - Y_hat) * df(z3),
        lambda: complex_step(lambda z3: ((Y - f(z3)) ** 2).sum() / 2, z3),
    )
    yield ok(
        "D-im-w2m",
        r"$\partial J/\partial w^{(2)}=(a^{(2)})^\top\delta^{(3)}$",
        lambda: a2.T @ delta3,
        lambda: complex_step(lambda W2: J(X, W1, W2, Y), W2),
    )
    yield follows(
        "D-im-w1m",
        r"$\partial J/\partial w^{(1)}=X^\top\delta^{(3)}(w^{(1)})^\top f'(z^{(2)})$, with the "
        r"$\odot$ before $f'$ supplied.",
        r"$X^\top\big[\delta^{(3)}(w^{(2)})^\top\odot f'(z^{(2)})\big]$",
        lambda: X.T @ (delta3 @ W1.T * df(z2)),
        lambda: X.T @ (delta3 @ W2.T * df(z2)),
        lambda: dJ_dW1(X, W1, W2, Y),
        defence=r"What the chain before it says is written down faithfully, and $\odot$ is often "
        r"left out. But its $\delta^{(3)}$ has one entry for each example, and with one output "
        "these weights, of the wrong layer, fit a single hidden unit and no more.",
        rests_on="widths 2, 3 and 1",
        follows="D-im-w1c",
    )
    yield reading(
        "D-im-w1m-sq",
        r"The same with all layers equally wide and the last product entrywise: $(w^{(1)})^\top$ "
        "fits, and the numbers are wrong.",
        r"$(w^{(2)})^\top$ in its place.",
        lambda: X3.T @ (delta3_ @ V1.T * df(z2_)),
        lambda: X3.T @ (delta3_ @ V2.T * df(z2_)),
        lambda: dJ_dW1(X3, V1, V2, Y3),
    )
    yield reading(
        "D-im-w1m-prod",
        r"$(w^{(2)})^\top$ put right, but $f'(z^{(2)})$ a matrix factor, as printed.",
        r"Entrywise, $\odot f'(z^{(2)})$, before $X^\top$ is applied.",
        lambda: X3.T @ delta3_ @ V2.T @ df(z2_),
        lambda: X3.T @ (delta3_ @ V2.T * df(z2_)),
        lambda: dJ_dW1(X3, V1, V2, Y3),
    )
    yield ok(
        "D-im-sig1",
        r"A fraction that stands alone: $e^x/(1+e^x)^2$",
        lambda: up / (1 + up) ** 2,
        lambda: np.diag(complex_step(sigmoid, x)),
        r"It is $\sigma'(x)$.",
    )
    yield note(
        "D-im-sig2",
        r"A product that stands alone: "
        r"$\frac{e^x}{1+e^x}\big(\frac{e^x}{1+e^x}\big)(1+e^{-x})e^{-x}$",
        r"Nothing is said of it. It is $1-\sigma(x)$; without $(1+e^{-x})$ it is $\sigma'(x)$.",
    )


@page("Limitations of Neural Networks", lessons="05")
def limitations_page(rng):
    yield note(
        "D-limits",
        "Nothing guarantees a good solution, one within a number of steps, or one at all.",
        "To be tried, not computed.",
    )


@page("Relationship Between Neural Nets and Mathematical Optimization", lessons="")
def relationship_page(rng):
    yield note(
        "D-intersect",
        r"Training is the intersection of neural nets and mathematical optimization.",
        "A slogan.",
    )
