"""Document A, section 2: what a hidden layer is for, and which way is down."""

import numpy as np

from nnlib.calculus import complex_step
from nnlib.documents.analytic import derivative
from nnlib.documents.claims import misprint, note, ok, overstated, page
from nnlib.landscapes import rosenbrock


def unit(u):
    """The direction of a vector."""
    return u / np.sqrt(u @ u)


def angle(u, v):
    """Degrees between two directions, exact for small angles too."""
    u, v = unit(u), unit(v)
    return np.degrees(2 * np.arctan2(np.linalg.norm(u - v), np.linalg.norm(u + v)))


def floor_on_cube(units):
    """The least relative error on t^3 over [-1, 1] of any weights over units(t)."""
    t, weights = np.polynomial.legendre.leggauss(100)  # exact for polynomials
    features, target = np.sqrt(weights) * units(t), np.sqrt(weights) * t**3
    best = np.linalg.lstsq(features.T, target, rcond=1e-9)[0]
    return np.linalg.norm(best @ features - target) / np.linalg.norm(target)


def lower_and_nearer(f, start, end, alphas):
    """How many of the steps -alpha grad f lower f, and how many come nearer to the end."""
    steps = start - np.multiply.outer(alphas, complex_step(f, start))
    far = np.linalg.norm(steps - end, axis=1)
    return [sum(f(p) < f(start) for p in steps), (far < np.linalg.norm(start - end)).sum()]


@page("2 Gradient Descent and Neural Network", lessons="01")
def gradient_descent(rng):
    """What hidden layers are for, which way is down, and how far to go."""
    w, b = rng.standard_normal((2, 30, 1))
    squares = lambda t: np.vstack([(w * t + b) ** 2, np.ones_like(t)])
    corners_at = lambda t: t - np.linspace(-2, 1, 90, endpoint=False)[:, None]
    ramps = lambda t: np.maximum(corners_at(t), 0)
    steps = lambda t: np.tanh(2 * corners_at(t))
    nearly_squares = lambda t: corners_at(t) ** 2 + ramps(t) / 100
    wanted = 1e-3

    corners, xor = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    V, c = rng.standard_normal((2, 1000)), rng.standard_normal(1000)
    rules = lambda: corners @ V + c > 0  # a thousand linear rules, a column each
    hidden = lambda: np.maximum(corners.sum(axis=1)[:, None] - [0, 1], 0)

    x, u, k = rng.standard_normal((3, 4))
    f = lambda x: (k * np.sin(x)).sum() + np.exp(x @ k / 4)
    gradient = complex_step(f, x)
    length = np.linalg.norm(gradient)
    directions = [unit(v) for v in [*rng.standard_normal((50, 4)), -gradient]]

    lowest, H = rng.standard_normal(2), np.diag([1.0, 100.0])
    high = lowest + [10.0, 1.0]
    valley = lambda x: (x - lowest) @ H @ (x - lowest) / 2
    round_bowl = lambda x: ((x - lowest) ** 2).sum() / 2
    quartic, near = lambda t: (t - lowest[:1]) ** 4 @ np.ones(1), lowest + [1e-6, -1e-6]
    smooth = lambda x: np.log(np.cosh(x - lowest)).sum()  # of curvature 1 at most
    one, bowl = np.ones(2), lambda x: (x[0] ** 2 + 3 * x[1] ** 2) / 2
    steepness = lambda x: np.sqrt(x[0] ** 2 + 9 * x[1] ** 2)  # the norm of its gradient

    bent, start, end = rosenbrock().value, np.array([-0.5, 1.5]), np.ones(2)
    uphill, alphas = complex_step(bent, start), 10.0 ** -np.arange(3, 9)
    shares = np.array([0.001, 0.2, 0.4, 0.6, 0.8, 0.999])  # of the longest step allowed

    yield overstated(
        "A-2-uat",
        "One hidden layer with a non-linear activation, such as ReLU, softmax or tanh, "
        "approximates any continuous function with non-zero accuracy; here with an error of 0.001, "
        "if that is wanted.",
        "It is the error that can be as near to 0 as wanted. Units $z^2$, however many, span the "
        "parabolas, and 2/5 of $t^3$, in root mean square, is none; compared is what exceeds "
        "the 0.001.",
        lambda: 0.0,
        lambda: 2 / 5 - wanted,
        lambda: max(floor_on_cube(squares) - wanted, 0),
        lessons="02 05",
        defence="It is the theorem of the book that it cites, misquoted, and holds for ReLU and "
        "tanh, which the section names; as worded it admits all that is not linear, and with a "
        "square no width helps.",
        rests_on="$t^3$ on $[-1,1]$ with units $z^2$",
        condition="the activation is no polynomial and the inputs are from a closed bounded set",
        under=(
            lambda: [0, 0, 0],
            lambda: [
                max(floor_on_cube(units) - wanted, 0) for units in (ramps, steps, nearly_squares)
            ],
        ),
    )
    yield ok(
        "A-2-xor",
        "No linear rule computes XOR, and over a hidden layer one does: the best is 3/4, and "
        r"$h_1-2h_2$ with $h=\mathrm{relu}(x_1+x_2,\,x_1+x_2-1)$ gets all four right.",
        lambda: np.append(hidden() @ [1, -2], 3 / 4),
        lambda: np.append(xor, (xor == rules().T).mean(axis=1).max()),
        "Linear in the features, not in the input.",
        lessons="02",
        rests_on="the four points of XOR",
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
        r"$-\nabla f$, the direction of steepest descent, is where the minimum lies, even if it is "
        "a local one.",
        r"Steepest decrease is local: in the valley $\frac12(x^2+100y^2)$ at $(10,1)$ it is "
        r"$78.6^\circ$ off. On a quadratic $-H^{-1}\nabla f$ points there.",
        lambda: unit(-complex_step(valley, high)),
        lambda: unit(-np.linalg.solve(H, complex_step(valley, high))),
        lambda: unit(lowest - high),
        lessons="01 04",
        defence="It is derived as the steepest way down, and meant for many small steps, each with "
        "a direction of its own; but off its axes a long valley has no point from which that "
        "direction meets the minimum.",
        rests_on=r"the valley $\frac12(x^2+100y^2)$ at $(10,1)$",
        condition="$f$ is a round bowl, or convex in one variable",
        under=(
            lambda: [
                *(unit(-complex_step(round_bowl, x)) for x in (high, near)),
                np.append(unit(-complex_step(quartic, high[:1])), 0),
            ],
            lambda: [unit(lowest - high), unit(lowest - near), [-1, 0]],
        ),
    )
    yield misprint(
        "A-2-decrease",
        r"We go where our gradient decreases most, which is to minimise $u\cdot\nabla f$: the two "
        r"directions are $0^\circ$ apart.",
        r"The function is meant. Where $\lVert\nabla f\rVert$ decreases most is another direction, "
        r"$12.1^\circ$ off for $\frac12(x^2+3y^2)$ at $(1,1)$.",
        lambda: 0.0,
        lambda: np.degrees(np.arctan(9) - np.arctan(3)),
        lambda: angle(complex_step(bowl, one), complex_step(steepness, one)),
        defence=r"The very next display minimises $u\cdot\nabla f$, the slope of the function "
        "itself: gradient is written where the function is meant.",
        rests_on=r"$\frac12(x^2+3y^2)$ at $(1,1)$",
    )
    yield overstated(
        "A-2-step",
        r"Each step $-\alpha\nabla f$ with a very small $\alpha$ comes closer to the minimum.",
        r"In Rosenbrock's valley, at $(-0.5,1.5)$, a step lowers $f$ and leads away from $(1,1)$, "
        r"however small: of six $\alpha$ from $10^{-8}$ to $10^{-3}$ none comes closer.",
        lambda: [6, 6],  # steps that lower f, steps that come closer
        lambda: [6, (2 * uphill @ (start - end) > alphas * (uphill @ uphill)).sum()],
        lambda: lower_and_nearer(bent, start, end, alphas),
        lessons="01 04",
        defence="The step is said to be very small, and so small a step does lower $f$; but lower "
        "is not nearer, for along a bent valley the way down leads round.",
        rests_on="Rosenbrock's valley at $(-0.5,1.5)$",
        condition=r"$f$ is convex and $\alpha<2/L$, with $L$ its largest curvature",
        under=(
            lambda: [[6, 6]] * 3,
            lambda: [
                lower_and_nearer(valley, high, lowest, shares * 2 / 100),
                lower_and_nearer(round_bowl, high, lowest, shares * 2),
                lower_and_nearer(smooth, lowest + [2.5, 0.25], lowest, shares * 2),
            ],
        ),
    )
    yield note(
        "A-2-learnstep",
        r"The step size can be learned, as is shown later.",
        "A rate that is learned is not shown; the adaptive rates of section 4 may be meant.",
        lessons="04",
    )
    yield note(
        "A-2-autodiff",
        "Backpropagation generalises to what is called automatic differential.",
        "Automatic differentiation; backpropagation is its reverse mode.",
    )
