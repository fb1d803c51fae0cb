"""Document C, part 1, *Custom Neural Networks: two-layer network*: its claims, executed."""

import numpy as np

from nnlib import blocks
from nnlib.calculus import complex_step
from nnlib.documents.analytic import relu, softmax, standardize
from nnlib.documents.claims import added, convention, misprint, ok, page, reading


def draw(rng, n=3, m=5, d=4, k=6):
    """A network, its data and its target; all sizes differ, and y sums to 1."""
    return {
        "X": rng.standard_normal((n, m)),
        "W1": rng.standard_normal((d, m)) / np.sqrt(m),
        "B1": rng.standard_normal((d, n)),
        "W2": rng.standard_normal((k, d * n)) / np.sqrt(d * n),
        "B2": rng.standard_normal(k),
        "y": rng.dirichlet(np.ones(k)),
    }


def forward(X, W1, B1, W2, B2, y):
    """Equations (1) to (7): pre1, a1, h1, pre2, a2, s."""
    pre1 = standardize(X)
    a1 = W1 @ pre1.T + B1
    h1 = relu(a1)
    pre2 = h1.ravel()
    a2 = W2 @ pre2 + B2
    return pre1, a1, h1, pre2, a2, softmax(a2)


def loss(X, W1, B1, W2, B2, y):
    """The same network and its loss, one row of X at a time: no flattening and no softmax.

    y may have any sum: the loss is -y ln s.
    """
    W2_of_rows = W2.reshape(len(W2), *B1.shape).transpose(2, 0, 1)
    rows = zip(W2_of_rows, standardize(X), B1.T)
    h2 = B2 + sum(W @ relu(W1 @ x + b) for W, x, b in rows)
    return y.sum() * np.log(np.exp(h2).sum()) - y @ h2


def gradient(net, name):
    """The truth of the backward pass: dL/d(name) by complex steps through the loss."""
    return complex_step(lambda value: loss(**net | {name: value}), net[name])


def flat(*arrays):
    """All entries of the arrays as one vector."""
    return np.concatenate([np.ravel(a) for a in arrays])


@page("1 Vanilla 2-layers NN, forward", lessons="05")
def forward_page(rng):
    net = draw(rng)
    X, W1, B1, W2, B2, y = net.values()
    pre1, a1, h1, pre2, a2, s = forward(**net)
    (d, n), k = B1.shape, len(y)
    pixels = rng.integers(0, 256, (4, 8)).astype(float)  # their mean is exact
    bordered = X * (np.arange(5) > 0)  # the first column is blank

    yield convention(
        "C1-F1",
        r"$pre_{a_1}=\frac{X-\mathbb E(X)}{\sqrt{\mathbb E(X-\mathbb EX)^2}}$, where $\mathbb E$ "
        "may run over the whole matrix or over each feature.",
        "The two readings differ; standardising the columns of either gives the one per feature.",
        lambda: standardize(X),
        lambda: standardize(standardize(X), axis=0),
        lambda: np.stack([(x - x.mean()) / x.std() for x in X.T], axis=1),
        lessons="05 06",
        defence="Read as it stands, the mean runs over all entries of $X$, and either reading "
        "serves to prepare an input.",
    )
    yield reading(
        "C1-F1-eps",
        r"No $\epsilon$ under the root: a constant column, the blank border of an image, is $0/0$.",
        r"With $\sqrt{\mathrm{var}+\epsilon}$ it becomes 0.",
        lambda: standardize(bordered, axis=0),
        lambda: blocks.standardize(bordered, axis=0, eps=1e-20)[0],
        lambda: np.stack([(x - x.mean()) / (x.std() or 1) for x in bordered.T], axis=1),
        lessons="05 06",
    )
    yield ok(
        "C1-F1-lit",
        r"The variance is written $\mathbb E(X-\mathbb EX)^2$.",
        lambda: (pixels - pixels.mean()) / np.sqrt(((pixels - pixels.mean()) ** 2).mean()),
        lambda: (pixels - pixels.mean()) / pixels.std(),
        r"As textbooks write it: $\mathbb E[(X-\mathbb EX)^2]$, since the square of the mean "
        "deviation would always be 0.",
    )
    yield ok(
        "C1-F2",
        r"$a_1=W_1\,pre_{a_1}^\top+B_1\in\mathbb R^{d\times n}$",
        lambda: W1 @ pre1.T + B1,
        lambda: [[W1[i] @ pre1[j] + B1[i, j] for j in range(n)] for i in range(d)],
        r"The $n$ rows of $X$ share $W_1$, but each has a column of $B_1$ of its own.",
    )
    yield ok(
        "C1-F3",
        r"$h_1=\mathrm{ReLU}(a_1)$",
        lambda: np.maximum(a1, 0),
        lambda: (a1 + np.abs(a1)) / 2,
    )
    yield convention(
        "C1-F4",
        r"$pre_{a_2}=\mathrm{Flatten}(h_1)\in\mathbb R^{dn}$, row by row or column by column.",
        "Any order will do if the way back undoes it; the columns are the rows of the transpose.",
        lambda: h1.ravel(order="F"),
        lambda: h1.T.ravel(order="F"),
        lambda: [h for row in h1 for h in row],
        defence=r"The way back is marked $dn\to d\times n$, so it undoes the flattening, whatever "
        "its order.",
    )
    yield ok(
        "C1-F5",
        r"$a_2=(W_2\,pre_{a_2}^\top)^\top+B_2$",
        lambda: (W2 @ pre2.T).T + B2,
        lambda: np.einsum("kij,ij->k", W2.reshape(k, d, n), h1) + B2,
    )
    yield ok(
        "C1-F6",
        r"$h_2=a_2I_k$",
        lambda: a2 @ np.eye(k),
        lambda: a2,
        "The identity as activation.",
    )
    yield ok(
        "C1-F7",
        r"$s=\mathrm{Softmax}(h_2)$",
        lambda: softmax(a2),
        lambda: [1 / np.exp(a2 - h).sum() for h in a2],
    )
    yield ok(
        "C1-F8",
        r"$\mathcal L=-(y\odot\ln s)\mathbf 1_k^\top$",
        lambda: -(y * np.log(s)) @ np.ones(k).T,
        lambda: sum(y_i * (np.log(np.exp(a2).sum()) - h) for y_i, h in zip(y, a2)),
        r"$\mathbf 1_k$ is a row.",
    )
    yield misprint(
        "C1-Fcomp",
        r"Eight numbered equations all at once: $\mathcal L(X,W_1,W_2,y)=\mathrm{CrossEntropy}(y,"
        r"\mathrm{Softmax}(W_2\,\mathrm{Flatten}(\mathrm{ReLU}(W_1X+B_1))+B_2))$.",
        r"$W_1\,pre_{a_1}^\top+B_1$: the standardisation and the transpose are missing (without it "
        r"the product exists for $n=m$ only), and so are the arguments $B_1,B_2$.",
        lambda: -y @ np.log(softmax(W2 @ relu(W1 @ X + B1).ravel() + B2)),
        lambda: -y @ np.log(softmax(W2 @ relu(W1 @ standardize(X).T + B1).ravel() + B2)),
        lambda: loss(**net),
        defence="A summary of the equations above it, which standardise, transpose and give every "
        "size; the gradients are taken from these.",
        rests_on="$n=3$ rows of $m=5$ features",
    )


def chain(dL, *links):
    """dL/du du/dv dv/dw ...: a product runs over the whole shape of the variable in between."""
    for link in links:
        dL = np.tensordot(dL, link, axes=dL.ndim)
    return dL


def factors(net, order="C"):
    """The three of equation (5): (s - y) W2 folded to d x n, the slopes of ReLU, and pre1."""
    pre1, a1, *_, s = forward(**net)
    return ((s - net["y"]) @ net["W2"]).reshape(a1.shape, order=order), a1 > 0, pre1


@page("1 Vanilla 2-layers NN, backward", lessons="05")
def backward_page(rng):
    net, square = draw(rng), draw(rng, n=5, m=5)
    shared = net | {"B1": np.tile(net["B1"][:, :1], 3)}
    _, W1, B1, W2, B2, y = net.values()
    pre1, a1, h1, pre2, h2, s = forward(**net)
    k, two = len(y), np.eye(len(y))[:2].sum(axis=0)
    dh1, slopes, _ = factors(net)
    square_dh1, square_slopes, square_pre1 = factors(square)
    shared_dh1, shared_slopes, _ = factors(shared)
    G = dh1 * slopes
    dW1 = lambda: gradient(net, "W1")
    dW2 = lambda: gradient(net, "W2")

    yield ok(
        "C1-B1",
        r"$\frac{d\mathcal L}{dW_2}=\frac{\partial\mathcal L}{\partial s}\frac{\partial s}"
        r"{\partial h_2}\frac{\partial h_2}{\partial a_2}\frac{\partial a_2}{\partial W_2}$",
        lambda: chain(
            complex_step(lambda s: -y @ np.log(s), s),
            complex_step(softmax, h2),
            np.eye(k),
            complex_step(lambda W: W @ pre2 + B2, W2),
        ),
        dW2,
        "Products of tensors, over all axes of the variable in between.",
    )
    yield ok(
        "C1-B2",
        r"$\frac{d\mathcal L}{dW_2}=\frac{\partial\mathcal L}{\partial h_2}\frac{\partial h_2}"
        r"{\partial a_2}\frac{\partial a_2}{\partial W_2}$",
        lambda: chain(
            complex_step(lambda h: -y @ np.log(softmax(h)), h2),
            np.eye(k),
            complex_step(lambda W: W @ pre2 + B2, W2),
        ),
        dW2,
    )
    yield ok(
        "C1-B3",
        r"$\frac{d\mathcal L}{dW_2}=((s-y)\odot\mathbf 1_k)^\top pre_{a_2}$",
        lambda: ((s - y) * np.ones(k))[None].T @ pre2[None],
        dW2,
        r"For $y$ that sums to 1, as probabilities do. $\odot\mathbf 1_k$, the slope of the "
        "identity activation, changes nothing.",
    )
    yield reading(
        "C1-B3-sum",
        r"The same for two labels at once: $y$ sums to 2.",
        r"$\big(\sum_iy_i\big)s-y$ in place of $s-y$, in (5), (6) and (7) too.",
        lambda: np.outer(s - two, pre2),
        lambda: np.outer(two.sum() * s - two, pre2),
        lambda: gradient(net | {"y": two}, "W2"),
    )
    yield ok(
        "C1-B4",
        r"$\frac{d\mathcal L}{dW_1}=\frac{\partial\mathcal L}{\partial h_2}\frac{\partial h_2}"
        r"{\partial a_2}\frac{\partial a_2}{\partial pre_{a_2}}\frac{\partial pre_{a_2}}"
        r"{\partial h_1}\frac{\partial h_1}{\partial a_1}\frac{\partial a_1}{\partial W_1}$",
        lambda: chain(
            complex_step(lambda h: -y @ np.log(softmax(h)), h2),
            np.eye(k),
            complex_step(lambda pre: W2 @ pre + B2, pre2),
            complex_step(np.ravel, h1),
            complex_step(relu, a1),
            complex_step(lambda W: W @ pre1.T + B1, W1),
        ),
        dW1,
        "Products of tensors, over all axes of the variable in between.",
    )
    yield ok(
        "C1-B5",
        r"$\frac{d\mathcal L}{dW_1}=((s-y)\odot\mathbf 1_kW_2)_{dn\to d\times n}\odot"
        r"\mathrm{ReLU}'(a_1)\,pre_{a_1}$",
        lambda: ((s - y) * np.ones(k) @ W2).reshape(a1.shape) * (a1 > 0) @ pre1,
        dW1,
        r"Only as $[((s-y)W_2)_{dn\to d\times n}\odot\mathrm{ReLU}'(a_1)]\,pre_{a_1}$, with the "
        "inverse of the forward flattening; $y$ sums to 1.",
    )
    yield reading(
        "C1-B5-prec",
        r"The matrix product $\mathrm{ReLU}'(a_1)\,pre_{a_1}$ first, as such products usually go.",
        r"The Hadamard product first; the other order is undefined for $n\ne m$.",
        lambda: dh1 * (slopes @ pre1),
        lambda: G @ pre1,
        dW1,
    )
    yield reading(
        "C1-B5-prec-sq",
        "The same for as many rows as features, $n=m$.",
        "The wrong order runs and gives wrong numbers.",
        lambda: square_dh1 * (square_slopes @ square_pre1),
        lambda: (square_dh1 * square_slopes) @ square_pre1,
        lambda: gradient(square, "W1"),
    )
    yield reading(
        "C1-B5-order",
        r"$dn\to d\times n$ column after column, where the forward pass flattened the rows.",
        "The way back undoes the flattening of the way there.",
        lambda: (factors(net, order="F")[0] * slopes) @ pre1,
        lambda: G @ pre1,
        dW1,
    )
    yield ok(
        "C1-B6",
        r"$\frac{d\mathcal L}{dB_2}=(s-y)\odot\mathbf 1_k$",
        lambda: (s - y) * np.ones(k),
        lambda: gradient(net, "B2"),
        "For $y$ that sums to 1.",
    )
    yield ok(
        "C1-B7",
        r"$\frac{d\mathcal L}{dB_1}=((s-y)\odot\mathbf 1_kW_2)_{dn\to d\times n}\odot"
        r"\mathrm{ReLU}'(a_1)$",
        lambda: ((s - y) * np.ones(k) @ W2).reshape(a1.shape) * (a1 > 0),
        lambda: gradient(net, "B1"),
        r"$B_1$ has a column for each row of $X$; $y$ sums to 1.",
    )
    yield reading(
        "C1-B7-shared",
        r"The same for a bias $d\times1$ that the rows share, as they share $W_1$.",
        "Sum the columns.",
        lambda: shared_dh1 * shared_slopes,
        lambda: (shared_dh1 * shared_slopes).sum(axis=1, keepdims=True),
        lambda: complex_step(lambda b: loss(**shared | {"B1": np.tile(b, 3)}), B1[:, :1]),
    )
    yield added(
        "C1-CLOSED",
        r"$G=((s-y)W_2)_{dn\to d\times n}\odot\mathbf 1[a_1>0]$, $dW_1=G\,pre_{a_1}=\sum_j"
        r"G_{:j}\,pre_{a_1,j:}$, $dB_1=G$, $dW_2=(s-y)^\top pre_{a_2}$, $dB_2=s-y$",
        lambda: flat(sum(map(np.outer, G.T, pre1)), G, np.outer(s - y, pre2), s - y),
        lambda: flat(*(gradient(net, name) for name in ("W1", "B1", "W2", "B2"))),
        r"$W_1$ is shared by the rows of $X$, hence the sum over them.",
    )
