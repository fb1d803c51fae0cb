"""Document A, sections 2.1 to 3.1: derivatives of arrays, the chain rule."""

import numpy as np

from nnlib.blocks import linear, tanh
from nnlib.calculus import complex_step
from nnlib.documents.analytic import derivative
from nnlib.documents.claims import convention, follows, misprint, ok, overstated, page, reading


def degree_up_to_eight(f):
    """The degree of the polynomial that f is over [-4, 4]; 9 if it is none up to degree 8."""
    t = np.linspace(-4, 4, 201)
    y = f(t)
    rest = [np.polynomial.Legendre.fit(t, y, degree)(t) - y for degree in range(9)]
    exact = [np.abs(r).max() < 1e-9 * np.abs(y).max() for r in rest]
    return exact.index(True) if True in exact else 9


@page("2.1 Vector Calculus", lessons="01")
def vector_calculus(rng):
    """Derivatives of f(x) for vectors, then of numbers h(X) and vectors F(X) for matrices X."""
    x, dx = rng.standard_normal((2, 4))
    M, Q, c = rng.standard_normal((3, 4)), rng.standard_normal((3, 4, 4)), rng.standard_normal(3)
    f = lambda x: M @ x + Q @ x @ x
    J = lambda: np.array([derivative(f, x, e) for e in np.eye(4)]).T
    l = lambda y: np.sin(c * y).sum()
    row = lambda: complex_step(l, f(x))[None]  # (1, 3)

    X, dX, C = rng.standard_normal((3, 3, 4))
    P, R, S = rng.standard_normal((5, 3)), rng.standard_normal((2, 3)), rng.standard_normal((4, 2))
    h = lambda X: np.sin(C * X).sum() + (R @ X**2 @ S).sum()
    F = lambda X: np.sin(R @ X @ S).sum(axis=1)
    by_vect = lambda f: complex_step(lambda v: f(v.reshape(3, 4)), X.reshape(12))
    basis = np.eye(12).reshape(3, 4, 3, 4)
    by_entry = lambda f: np.array([[derivative(f, X, E) for E in row] for row in basis])
    folded = lambda: np.array(np.hsplit(by_vect(F), 3))  # (3, 2, 4)

    yield ok(
        "A-2.1-jac",
        r"$f:\mathbb R^n\to\mathbb R^m$ has the $m\times n$ Jacobian "
        r"$(dy/dx)_{ij}=\partial y_i/\partial x_j$.",
        J,
        lambda: M + Q @ x + Q.swapaxes(1, 2) @ x,
        r"One row for each output. Here $\nabla f$ is this matrix; before, it was a gradient.",
    )
    yield convention(
        "A-2.1-linear",
        r"$\nabla y=\frac{dy}{dx}\nabla x$, where $\nabla x$ and $\nabla y$ are small changes; the "
        r"error as printed is that of $\nabla$ as in the lines before, where $\nabla f$ is $J$.",
        r"To first order, $\delta y=J\,\delta x+O(\lVert\delta x\rVert^2)$; here changes have "
        r"$\delta$, gradients $\nabla$.",
        J,
        lambda: J() @ dx,
        lambda: derivative(f, x, dx),
        defence=r"The next sentence says that $\nabla$ stands for a small change here, and so read "
        "the formula is right; only the symbol meant something else before.",
    )
    yield misprint(
        "A-2.1-case",
        r"For $y\in\mathbb R$ and a tensor, called $y$ again, the derivative is a tensor too; for "
        r"$x\in\mathbb R^m$ it has $n$ entries, here with $m=3$, $n=4$.",
        r"It has those of $x\in\mathbb R^n$; and the tensor is $x$.",
        lambda: 4,
        lambda: 3,
        lambda: complex_step(l, c).size,
        defence="The display that follows takes the derivative by the entries of $x$ and ends with "
        "$x_n$, which shows both letters that were meant.",
        rests_on="$m=3$, $n=4$",
    )
    yield convention(
        "A-2.1-gradrow",
        r"For one number $y$ the derivative is a row, $[\partial y/\partial x_1\dots]$.",
        r"Section 3 makes it a column; $J^\top$ takes the row transposed. In the course a gradient "
        "has the shape of its variable.",
        lambda: J().T @ row(),
        lambda: J().T @ row().T,
        lambda: complex_step(lambda x: l(f(x)), x)[:, None],
        defence=r"It is the rule for $m\times n$ with $m=1$, and the head of section 3 announces "
        "the change to columns.",
    )
    yield misprint(
        "A-2.1-vect",
        r"$\mathrm{vect}(x)$ stacks each column of $x$, say the words; the formula beside them has "
        r"$x_{11},x_{12},\dots$, the rows.",
        r"The rows, as NumPy stores them and as all that follows needs it: "
        r"$\mathrm{vec}_{row}(X)=\mathrm{vec}_{col}(X^\top)$.",
        lambda: X.reshape(12, order="F"),
        lambda: X.T.reshape(12, order="F"),
        lambda: np.array([X[i, j] for i in range(3) for j in range(4)]),
        defence="The formula shows what is meant, and everything after it stacks rows; one word, "
        "column, stands for another.",
    )
    yield reading(
        "A-2.1-vect-kron",
        r"$d\,\mathrm{vec}(AXB)/d\,\mathrm{vec}(X)=B^\top\otimes A$, the rule for stacked columns, "
        "used on stacked rows",
        r"For stacked rows it is $A\otimes B^\top$.",
        lambda: np.kron(S.T, P),
        lambda: np.kron(P, S.T),
        lambda: by_vect(lambda X: (P @ X @ S).reshape(10)),
    )
    yield ok(
        "A-2.1-gradflat",
        r"$dy/d\,\mathrm{vect}(x)=[\partial y/\partial x_{11}\ \partial y/\partial x_{12}\dots]$",
        lambda: np.array([one for row in by_entry(h) for one in row]),
        lambda: by_vect(h),
        "Row by row.",
    )
    yield misprint(
        "A-2.1-gradfold",
        r"$dy/d\,\mathrm{vect}(x)$ is, after the row, also the $m\times n$ matrix of all "
        r"$\partial y/\partial x_{ij}$; taken as the factor of $\mathrm{vect}(\delta x)$ in "
        r"$\delta y$.",
        r"That matrix is $dy/dx$, the factor of $\delta x$ entry by entry: "
        r"$\delta y=\sum_{ij}\frac{\partial y}{\partial x_{ij}}\,\delta x_{ij}$.",
        lambda: by_entry(h) @ dX.reshape(12),
        lambda: (by_entry(h) * dX).sum(),
        lambda: derivative(h, X, dX),
        defence="The next paragraph speaks of going back to the original shape, so the matrix is "
        "meant as $dy/dx$; the label was kept from the line above.",
    )
    yield ok(
        "A-2.1-jacflat",
        r"For $y\in\mathbb R^k$ it is $k\times mn$, row $a$ holding all $\partial y_a/\partial "
        r"x_{ij}$.",
        lambda: by_entry(F).reshape(12, 2).T,
        lambda: by_vect(F),
        "In print the last row ends with its final column twice.",
    )
    yield convention(
        "A-2.1-tensor",
        r"The $k\times mn$ matrix folds, its blocks of $n$ columns one behind the other, to a "
        r"tensor $\frac{dy}{dx}=\mathbb R^{m\times k\times n}$.",
        r"$T_{iaj}=\partial y_a/\partial x_{ij}$, a legal order of the axes. This course has the "
        "output first, $(k,m,n)$: the first two change places. In (3.2), where $k=m$, both orders "
        "hold the same.",
        folded,
        lambda: folded().swapaxes(0, 1),
        lambda: complex_step(F, X),
        defence="The folding keeps every block together and puts each derivative in a place of its "
        "own; the text says itself that it goes by likeness and that there are better reasons.",
    )
    yield reading(
        "A-2.1-tensor-reshape",
        r"The $k\times mn$ matrix, reshaped to $(m,k,n)$ just so.",
        "That scrambles the entries: reshape to $(k,m,n)$, then swap the first two axes.",
        lambda: by_vect(F).reshape(3, 2, 4),
        lambda: by_vect(F).reshape(2, 3, 4).swapaxes(0, 1),
        lambda: np.array([[by_entry(F)[i, :, a] for a in range(2)] for i in range(3)]),
    )


@page("3 Blocks used in NN", lessons="01")
def columns(rng):
    """All vectors stand upright."""
    x, W, c = rng.standard_normal((4, 1)), rng.standard_normal((3, 4)), rng.standard_normal((3, 1))
    l = lambda y: np.sin(c * y).sum()
    dl_dy = complex_step(l, W @ x)  # (3, 1)

    yield convention(
        "A-3-column",
        r"Every vector and every derivative such as $dl/dy$ is a column, from here on; rows would "
        "do as well.",
        r"As a product of matrices the chain $\frac{dl}{dy}\frac{dy}{dx}$ needs the row of section "
        "2.1: transpose the column, and the result back.",
        lambda: dl_dy @ W,
        lambda: (dl_dy.T @ W).T,
        lambda: complex_step(lambda x: l(W @ x), x),
        defence="It is settled before the blocks begin, rows are allowed for, and 3.2 keeps to it, "
        "with a transpose where its product needs one.",
    )


@page("3.1 Chain Rule", lessons="01")
def chain_rule(rng):
    """L = g(f(x)), and the network with one hidden layer."""
    x, b1, b2 = (rng.standard_normal(n) for n in (4, 3, 2))
    W1, W2 = rng.standard_normal((3, 4)), rng.standard_normal((2, 3))
    f, g = lambda x: np.tanh(W1 @ x), lambda y: np.sin(W2 @ y)
    square = lambda y: (y**2).sum()
    J = lambda: complex_step(f, x)
    dL_df = lambda: complex_step(square, f(x))[:, None]  # (3, 1)
    dL_dx = lambda: complex_step(lambda x: square(f(x)), x)[:, None]  # (4, 1)
    rank = np.linalg.matrix_rank
    units = lambda t: W1[:, :1] * (t - np.array([[-2], [0], [2]]))
    network = lambda g: lambda t: W2[0] @ g(units(t))  # of one number t, with 3 units g

    yield ok(
        "A-3.1-chain",
        r"$L=g(f(x))$ has $\frac{dL}{dx}=\frac{dg}{df}\frac{df}{dx}$",
        lambda: complex_step(g, f(x)) @ J(),
        lambda: complex_step(lambda x: g(f(x)), x),
        "Jacobians, in this order. In print $g$ looks like $q$, and the arguments of $f$ and $g$ "
        "are exchanged.",
    )
    yield ok(
        "A-3.1-mlp",
        r"$W^{(2)}g(W^{(1)}x+b^{(1)})+b^{(2)}$ is the composition $L^{(2)}(g(L^{(1)}(x)))$",
        lambda: W2 @ np.tanh(W1 @ x + b1) + b2,
        lambda: linear(tanh(linear(x, W1, b1)[0])[0], W2, b2)[0],
        r"So $dy/dx=W^{(2)}\,\mathrm{diag}(g')\,W^{(1)}$.",
    )
    yield follows(
        "A-3.1-nonpoly",
        "A network is a non-polynomial approximation; here one of three units $z^2$ is no "
        "polynomial up to degree 8, and 9 stands for that.",
        "With squares for activations it is a parabola, of degree 2; with ReLU it is none, though "
        "linear piece by piece.",
        lambda: 9,
        lambda: 2,
        lambda: degree_up_to_eight(network(np.square)),
        lessons="02",
        defence="It is true of every activation that the notes name, here and in section 2; only "
        "the words of section 2, any that is not linear, let the square in.",
        rests_on="units $z^2$",
        follows="A-2-uat",
    )
    yield overstated(
        "A-3.1-cols",
        "In higher dimensions each derivative in the chain can be fixed to be a column vector; "
        "here $dL/df$ and $df/dx$.",
        r"The links between are matrices: that of $f:\mathbb R^4\to\mathbb R^3$ has rank 3. With "
        r"columns the chain reads backwards, $\frac{dL}{dx}=J_f^\top\frac{dL}{df}$. Compared: "
        "their ranks; that of a column is 1.",
        lambda: [1, 1],
        lambda: [1, min(3, 4)],
        lambda: [rank(dL_df()), rank(J())],
        defence="Of the derivatives of the loss it is true, and 3.2 hands just these columns from "
        "layer to layer. That a vector stands upright is free to choose, as section 3 does; that "
        "each derivative is a vector is not, and (3.4), $dy/dx=W$, is a matrix.",
        rests_on=r"$f:\mathbb R^4\to\mathbb R^3$ inside $L$",
        condition="it is the derivative of one number, such as the loss",
        under=(
            lambda: [1, 1, 1],
            lambda: [rank(dL_df()), rank(dL_dx()), rank(complex_step(square, x[:1])[:, None])],
        ),
    )
    yield reading(
        "A-3.1-cols-order",
        r"$\frac{dL}{df}\frac{df}{dx}$ as a product of matrices, with the column $dL/df$",
        r"$J_f^\top\frac{dL}{df}$",
        lambda: dL_df() @ J(),
        lambda: J().T @ dL_df(),
        dL_dx,
    )
