"""Document A, sections 2 to 3.1: steepest descent, derivatives of arrays, the chain rule."""

import numpy as np

from nnlib.blocks import linear, tanh
from nnlib.calculus import complex_step
from nnlib.documents.analytic import derivative
from nnlib.documents.claims import convention, misprint, note, ok, overstated, page, reading, wrong
from nnlib.landscapes import rosenbrock


def unit(u):
    """The direction of a vector."""
    return u / np.sqrt(u @ u)


def angle(u, v):
    """Degrees between two directions, exact for small angles too."""
    u, v = unit(u), unit(v)
    return np.degrees(2 * np.arctan2(np.linalg.norm(u - v), np.linalg.norm(u + v)))


def floor_on_cube(units):
    """The least relative error on t^3 over [-1, 1] of any weights over units(t), which end in 1."""
    t, weights = np.polynomial.legendre.leggauss(8)  # exact for these polynomials
    features, target = np.sqrt(weights) * units(t), np.sqrt(weights) * t**3
    best = np.linalg.lstsq(features.T, target, rcond=1e-9)[0]
    return np.linalg.norm(best @ features - target) / np.linalg.norm(target)


@page("2 Gradient Descent and Neural Network", lessons="01")
def gradient_descent(rng):
    """What hidden layers are for, which way is down, and how far to go."""
    w, b = rng.standard_normal((2, 30, 1))
    squares = lambda t: np.vstack([(w * t + b) ** 2, np.ones_like(t)])

    corners, xor = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    V, c = rng.standard_normal((2, 1000)), rng.standard_normal(1000)
    rules = lambda: corners @ V + c > 0  # a thousand linear rules, a column each
    hidden = lambda: np.maximum(corners.sum(axis=1)[:, None] - [0, 1], 0)

    x, u, k = rng.standard_normal((3, 4))
    f = lambda x: (k * np.sin(x)).sum() + np.exp(x @ k / 4)
    gradient = complex_step(f, x)
    length = np.linalg.norm(gradient)
    directions = [unit(v) for v in [*rng.standard_normal((50, 4)), -gradient]]

    lowest, away, H = rng.standard_normal(2), np.array([10.0, 1.0]), np.diag([1.0, 100.0])
    valley = lambda x: (x - lowest) @ H @ (x - lowest) / 2
    one, bowl = np.ones(2), lambda x: (x[0] ** 2 + 3 * x[1] ** 2) / 2
    steepness = lambda x: np.sqrt(x[0] ** 2 + 9 * x[1] ** 2)  # the norm of its gradient

    bent, start, end = rosenbrock().value, np.array([-0.5, 1.5]), np.ones(2)
    uphill, alphas = complex_step(bent, start), 10.0 ** -np.arange(3, 9)
    steps = [start - alpha * uphill for alpha in alphas]
    far = lambda p: np.linalg.norm(p - end)

    yield wrong(
        "A-2-uat",
        "One hidden layer with a non-linear activation comes as close as wanted to any "
        r"continuous function, so units $z^2$ reach $t^3$ on $[-1,1]$ with error floor 0.",
        "The activation must not be a polynomial and the domain must be compact; $z^2$ units, "
        "however many, span the parabolas, and 2/5 of $t^3$ lies outside.",
        lambda: 0.0,
        lambda: 2 / 5,
        lambda: floor_on_cube(squares),
        lessons="02 05",
    )
    yield ok(
        "A-2-xor",
        "No linear rule computes XOR, and over a hidden layer one does: the best is 3/4, and "
        r"$h_1-2h_2$ with $h=\mathrm{relu}(x_1+x_2,\,x_1+x_2-1)$ gets all four right.",
        lambda: np.append(hidden() @ [1, -2], 3 / 4),
        lambda: np.append(xor, (xor == rules().T).mean(axis=1).max()),
        "Linear in the features, not in the input.",
        lessons="02",
    )
    yield note(
        "A-2-kernel",
        "The hidden layers act as a kernel function.",
        r"They are a feature map $\phi$; the kernel is $\phi(x)^\top\phi(x')$.",
        lessons="02",
    )
    yield note(
        "A-2-localmin",
        "Training mostly ends in local minima, and wider networks have better ones.",
        "An observation, to be tried; the document itself says that nothing is proven.",
        lessons="05",
    )
    yield ok(
        "A-2-cos",
        r"$u\cdot\nabla f=\lVert u\rVert\,\lVert\nabla f\rVert\cos\theta$ is the slope along $u$",
        lambda: np.linalg.norm(u) * length * np.cos(np.radians(angle(u, gradient))),
        lambda: derivative(f, x, u),
    )
    yield ok(
        "A-2-steepest",
        r"The least slope along a unit vector is $-\lVert\nabla f\rVert$, at "
        r"$u=-\nabla f/\lVert\nabla f\rVert$.",
        lambda: -length,
        lambda: min(derivative(f, x, u) for u in directions),
        r"Where $\nabla f\ne0$.",
    )
    yield overstated(
        "A-2-tomin",
        r"$-\nabla f$ gives the direction in which the minimum lies.",
        r"In one dimension and in round bowls. Else steepest decrease is local: in the valley "
        r"$\frac12(x^2+100y^2)$ at $(10,1)$ it is $78.6^\circ$ off. On a quadratic "
        r"$-H^{-1}\nabla f$ points there.",
        lambda: 0.0,
        lambda: angle(H @ away, np.linalg.solve(H, H @ away)),
        lambda: angle(-complex_step(valley, lowest + away), -away),
        lessons="01 04",
    )
    yield misprint(
        "A-2-decrease",
        r"We go where the gradient decreases most, $0^\circ$ from where the function does.",
        r"The function is meant. Where $\lVert\nabla f\rVert$ decreases most is another direction, "
        r"$12.1^\circ$ off for $\frac12(x^2+3y^2)$ at $(1,1)$.",
        lambda: 0.0,
        lambda: np.degrees(np.arctan(9) - np.arctan(3)),
        lambda: angle(complex_step(bowl, one), complex_step(steepness, one)),
    )
    yield overstated(
        "A-2-step",
        r"Each step $-\alpha\nabla f$ with a very small $\alpha$ comes closer to the minimum.",
        r"If $f$ is convex and $\alpha<2/L$, $L$ its largest curvature. In Rosenbrock's valley, at "
        r"$(-0.5,1.5)$, a step lowers $f$ and leads away from $(1,1)$, however small: of six "
        r"$\alpha$ from $10^{-8}$ to $10^{-3}$ none comes closer.",
        lambda: [6, 6],  # steps that lower f, steps that come closer
        lambda: [6, (2 * uphill @ (start - end) > alphas * (uphill @ uphill)).sum()],
        lambda: [
            sum(bent(p) < bent(start) for p in steps),
            sum(far(p) < far(start) for p in steps),
        ],
        lessons="01 04",
    )
    yield note(
        "A-2-learnstep",
        r"The step size can be learned, as is shown later.",
        "It is shown nowhere in the document.",
        lessons="04",
    )
    yield note(
        "A-2-autodiff",
        "Backpropagation generalises to what is called automatic differential.",
        "Automatic differentiation; backpropagation is its reverse mode.",
    )


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

    yield ok(
        "A-2.1-jac",
        r"$f:\mathbb R^n\to\mathbb R^m$ has the $m\times n$ Jacobian "
        r"$(dy/dx)_{ij}=\partial y_i/\partial x_j$.",
        J,
        lambda: M + Q @ x + Q.swapaxes(1, 2) @ x,
        r"One row for each output. Here $\nabla f$ is this matrix; before, it was a gradient.",
    )
    yield misprint(
        "A-2.1-linear",
        r"$\nabla y=\frac{dy}{dx}\nabla x$ for small changes $\nabla x$ and $\nabla y$",
        r"$\delta y=J\,\delta x+O(\lVert\delta x\rVert^2)$: $\nabla$ is the gradient, and the "
        r"rest counts when $\delta x$ has size 1; for the quadratic $f$ here it is $Q(\delta x)$.",
        lambda: J() @ dx,
        lambda: J() @ dx + Q @ dx @ dx,
        lambda: f(x + dx) - f(x),
    )
    yield misprint(
        "A-2.1-case",
        r"For one number $y$ and $x\in\mathbb R^m$ the derivative has $n$ entries; here $m=3$, "
        r"$n=4$.",
        r"It has those of $x\in\mathbb R^n$; and the tensor in question is $x$, not $y$.",
        lambda: 4,
        lambda: 3,
        lambda: complex_step(l, c).size,
    )
    yield convention(
        "A-2.1-gradrow",
        r"For one number $y$ the derivative is a row, $[\partial y/\partial x_1\dots]$.",
        r"Section 3 makes it a column; $J^\top$ takes the row transposed. In the course a gradient "
        "has the shape of its variable.",
        lambda: J().T @ row(),
        lambda: J().T @ row().T,
        lambda: complex_step(lambda x: l(f(x)), x)[:, None],
    )
    yield convention(
        "A-2.1-vect",
        r"$\mathrm{vect}(x)$ stacks the columns of $x$, by the words of the document.",
        r"Its formula stacks the rows, as NumPy stores them and as all that follows needs it: "
        r"$\mathrm{vec}_{row}(X)=\mathrm{vec}_{col}(X^\top)$.",
        lambda: X.reshape(12, order="F"),
        lambda: X.T.reshape(12, order="F"),
        lambda: np.array([X[i, j] for i in range(3) for j in range(4)]),
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
        r"$dy/d\,\mathrm{vect}(x)$ is the $m\times n$ matrix of all $\partial y/\partial x_{ij}$, "
        r"the factor of $\mathrm{vect}(\delta x)$ in $\delta y$.",
        r"That matrix is $dy/dx$, the factor of $\delta x$ entry by entry: "
        r"$\delta y=\sum_{ij}\frac{\partial y}{\partial x_{ij}}\,\delta x_{ij}$.",
        lambda: by_entry(h) @ dX.reshape(12),
        lambda: (by_entry(h) * dX).sum(),
        lambda: derivative(h, X, dX),
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
        r"The $k\times mn$ matrix folds to a tensor $\frac{dy}{dx}=\mathbb R^{m\times k\times n}$; "
        "here by a plain reshape.",
        r"$T_{iaj}=\partial y_a/\partial x_{ij}$: the reshape goes to $(k,m,n)$, the order of "
        r"(3.2); then the axes change places.",
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
        r"Every vector and every derivative of a number is a column, $dl/dy$ too.",
        r"The chain $\frac{dl}{dy}\frac{dy}{dx}$ of sections 2.1 and 3.2 needs the row: "
        "transpose it, and the result back.",
        lambda: dl_dy @ W,
        lambda: (dl_dy.T @ W).T,
        lambda: complex_step(lambda x: l(W @ x), x),
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
    yield wrong(
        "A-3.1-cols",
        "Each derivative in the chain can be fixed to be a column vector.",
        r"The inner ones are matrices, and with columns the chain runs backwards: "
        r"$\frac{dL}{dx}=J_f^\top\frac{dL}{df}$.",
        lambda: dL_df() @ J(),
        lambda: J().T @ dL_df(),
        lambda: complex_step(lambda x: square(f(x)), x)[:, None],
    )
