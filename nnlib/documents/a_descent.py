"""Document A, section 4: gradient descent, momentum, AdaGrad, RMSprop and Adam."""

from itertools import product

import numpy as np

from nnlib.documents.claims import convention, misprint, note, ok, overstated, page, reading
from nnlib.optimizers import AdaGrad, Adam, Momentum, RMSprop

STEPS, EPS = 12, 1e-8


def remembered(g, beta, share):
    """All a_t = beta a_{t-1} + share g_t from a_0 = 0, for the gradients g (steps, n)."""
    a = [np.zeros(g.shape[1])]
    for g_t in g:
        a.append(beta * a[-1] + share * g_t)
    return np.array(a[1:])


def weighted(g, beta):
    """The same for share 1, unrolled: the sums of beta^(t - s) g_s over s = 1..t."""
    t = np.arange(len(g))
    return np.tril(beta ** np.abs(t[:, None] - t)) @ g


def arrived(w, moves):
    """Where the weights are after all the moves, each of which is subtracted."""
    return w - moves.sum(axis=0)


def stepped(optimizer, g):
    """Where an optimizer of the library is after these gradients."""
    for g_t in g:
        optimizer.step(g_t)
    return optimizer.theta


def outside(v):
    """The epsilon that inside the root does what EPS does outside: a different one each time."""
    return EPS**2 + 2 * EPS * np.sqrt(v)


@page("4 Gradient Descent", lessons="04")
def direction(rng):
    """One step in a round bowl, f = L/2 (w - lowest)^2, with the rate 1/L."""
    w, lowest = rng.standard_normal((2, 3))
    L = rng.uniform(0.5, 2)
    g = L * (w - lowest)

    yield misprint(
        "A-4-direction",
        "Weights change to the direction of the gradient, as in section 2.",
        r"Against it, as all formulas do: in a round bowl of curvature $L$, $w-\eta g$ with "
        r"$\eta=1/L$ is the lowest point; along it the loss rises fourfold.",
        lambda: w + g / L,
        lambda: w - g / L,
        lambda: lowest,
        defence=r"Section 2, to which it points, walks along $-\nabla f$, and every update that "
        "follows has the minus sign; the word opposite is missing.",
    )


@page("4.1 Gradient Descent with momentum", lessons="04")
def momentum_page(rng):
    """v <- rho v + eta g, w <- w - v."""
    g, w = rng.standard_normal((STEPS, 3)), rng.standard_normal(3)
    rho, eta = rng.uniform(0.5, 0.95), rng.uniform(0.1, 1)
    growth = lambda: np.diff(remembered(np.tile(g[0], (6, 1)), rho, eta), axis=0)

    def heavy_ball():
        """Polyak's form: no velocity, the last displacement instead."""
        old, new = w, w
        for g_t in g:
            old, new = new, new - eta * g_t + rho * (new - old)
        return new

    yield ok(
        "A-4.1-momentum",
        r"$v_{t+1}=\rho v_t+\eta g_t$, $w_{t+1}=w_t-v_{t+1}$",
        lambda: arrived(w, remembered(g, rho, eta)),
        lambda: arrived(w, eta * weighted(g, rho)),
        r"$\eta$ inside $v$; document E has it outside.",
    )
    yield reading(
        "A-4.1-heavyball",
        r"It is the heavy ball $w_{t+1}=w_t-\eta g_t+\rho(w_t-w_{t-1})$.",
        "The same iterates.",
        lambda: arrived(w, remembered(g, rho, eta)),
        lambda: arrived(w, remembered(g, rho, eta)),
        heavy_ball,
    )
    yield ok(
        "A-4.1-exp",
        "While gradients agree, $v_t$ grows exponentially, up to a limit.",
        lambda: np.full((4, 3), rho),
        lambda: growth()[1:] / growth()[:-1],
        r"Loosely worded: what is exponential is the approach, for $v$ grows by less at each step, "
        r"$v_t=\frac{\eta g}{1-\rho}(1-\rho^t)$. Compared: how much of its growth it keeps from "
        r"step to step, always $\rho$.",
    )
    yield note("A-4.1-cut", "The section breaks off in its last sentence.", "Text is missing.")


@page("4.2 AdaGrad", lessons="04")
def adagrad_page(rng):
    """G <- G + g g, w <- w - eta g / sqrt(G + epsilon)."""
    g, w = rng.standard_normal((STEPS, 3)), rng.standard_normal(3)
    eta = rng.uniform(0.1, 1)
    G = remembered(g * g, 1, 1)
    small, origin, none = 1e-6 * g, np.zeros(3), np.zeros(g.shape)
    library = lambda g, **settings: stepped(AdaGrad(w.copy(), eta, **settings), g)

    yield ok(
        "A-4.2-G",
        r"$G_t=G_{t-1}+g_t\odot g_t$",
        lambda: G,
        lambda: weighted(g**2, 1),
        r"From $G_0=0$.",
    )
    yield ok(
        "A-4.2-update",
        r"$w_{t+1}=w_t-\frac{\eta}{\sqrt{G_t+\epsilon}}\odot g_t$",
        lambda: arrived(w, eta / np.sqrt(G + EPS) * g),
        lambda: library(g, eps=EPS, eps_inside=True),
    )
    yield convention(
        "A-4.2-eps",
        r"$\epsilon$, such as $10^{-8}$, stands inside the root.",
        r"Keras has it there too for AdaGrad and RMSprop; PyTorch and the Adam paper have it "
        r"outside, $\sqrt G+\epsilon$. "
        r"Inside it is a floor of $10^{-4}$ under $\lvert g\rvert$; equal only for "
        r"$\epsilon_{in}=\epsilon^2+2\epsilon\sqrt G$.",
        lambda: arrived(origin, eta / np.sqrt(1e-12 * G + EPS) * small),
        lambda: arrived(origin, eta / np.sqrt(1e-12 * G + outside(1e-12 * G)) * small),
        lambda: stepped(AdaGrad(np.zeros(3), eta, eps=EPS), small),
        defence="It keeps the quotient finite, which is all that is asked of it here; on which "
        "side of the root it stands shows in tiny gradients alone.",
        rests_on="gradients near $10^{-6}$",
    )
    yield ok(
        "A-4.2-zero",
        r"$\epsilon$ prevents a division by zero.",
        lambda: arrived(w, eta / np.sqrt(remembered(none, 1, 1) + EPS) * none),
        lambda: w,
        "A weight that has had no gradient stays; without it, $0/0$.",
        rests_on="gradients of 0",
    )
    yield ok(
        "A-4.2-each",
        "Descent and momentum use one rate for all parameters, AdaGrad a rate of its own for each.",
        lambda: [np.full(3, eta), eta / np.sqrt(g[0] ** 2 + EPS)],
        lambda: [
            -stepped(Momentum(np.zeros(3), eta), g[:1]) / g[0],
            -stepped(AdaGrad(np.zeros(3), eta, EPS, eps_inside=True), g[:1]) / g[0],
        ],
        "Here that of the first step.",
    )
    yield ok(
        "A-4.2-rate",
        r"The rate of parameter $i$ goes like $\eta\big/\sqrt{\sum_{\tau\le t}g_{\tau,i}^2+"
        r"\epsilon}$.",
        lambda: eta / np.sqrt((g**2).sum(axis=0) + EPS),
        lambda: (
            (library(g[:-1], eps=EPS, eps_inside=True) - library(g, eps=EPS, eps_inside=True))
            / g[-1]
        ),
        "It is equal to that.",
    )


@page("4.3 RMSprop", lessons="04")
def rmsprop_page(rng):
    """E <- gamma E + (1 - gamma) g g, w <- w - eta g / sqrt(E + epsilon)."""
    g, w = rng.standard_normal((STEPS, 3)), rng.standard_normal(3)
    gamma, eta = rng.uniform(0.8, 0.9), rng.uniform(0.1, 1)
    E = remembered(g**2, gamma, 1 - gamma)
    steady, none = g[0] * (-1.0) ** np.arange(500)[:, None], np.zeros((500, 3))
    constant = np.tile(g[:1, :1], (1600, 1))
    bursts = [
        constant * np.where(np.arange(1600) < length, 1e13, 1)[:, None] for length in (1, 20, 400)
    ]

    def rate(*phases):
        """RMSprop's rate after all these gradients."""
        return eta / np.sqrt(remembered(np.vstack(phases) ** 2, gamma, 1 - gamma)[-1] + EPS)

    def further(g):
        """How far AdaGrad comes in 1600 steps, over how far in 400; it needs no epsilon here."""
        way = np.cumsum(eta / np.sqrt(remembered(g**2, 1, 1)) * g)
        return way[1599] / way[399]

    # the sum of 1 / sqrt(k) over k = 1..t, by Euler and Maclaurin
    sum_of_rates = lambda t: 2 * t**0.5 - 1.4603545088095868 + t**-0.5 / 2 - t**-1.5 / 24

    yield ok(
        "A-4.3-avg",
        r"$E[g^2]_t=\gamma E[g^2]_{t-1}+(1-\gamma)g_t^2$",
        lambda: E,
        lambda: (1 - gamma) * weighted(g**2, gamma),
        r"From $E_0=0$, and not corrected for it.",
    )
    yield ok(
        "A-4.3-update",
        r"$w_{t+1}=w_t-\frac{\eta}{\sqrt{E[g^2]_t+\epsilon}}\,g_t$, entry by entry",
        lambda: arrived(w, eta / np.sqrt(E + EPS) * g),
        lambda: stepped(RMSprop(w.copy(), eta, decay=gamma, eps=EPS, eps_inside=True), g),
    )
    yield ok(
        "A-4.3-increase",
        r"AdaGrad's $G_t$ always increases: here in 33 of 33 entries and steps.",
        lambda: 33,
        lambda: (np.diff(remembered(g**2, 1, 1), axis=0) > 0).sum(),
        r"Where $g\ne0$; it never falls.",
    )
    yield overstated(
        "A-4.3-stall",
        "AdaGrad's rate shrinks and shrinks, until training stalls.",
        r"While gradients keep their size it shrinks like $\eta/\sqrt t$, whose sum is endless: "
        "1600 steps of a constant gradient come 2.04 times as far as 400, and not, as for one that "
        "has stalled, as far.",
        lambda: 1.0,
        lambda: sum_of_rates(1600) / sum_of_rates(400),
        lambda: further(constant),
        defence="The rate does fall at every step and never recovers, so after a burst of large "
        "gradients hardly any movement is left; but steady ones carry it on without end.",
        rests_on="1600 steps of a constant gradient",
        condition="an early gradient is so large that all later ones, added up, are nothing beside "
        "it",
        under=(lambda: [1, 1, 1], lambda: [further(burst) for burst in bursts]),
    )
    yield overstated(
        "A-4.3-stable",
        "RMSprop's rate remains stable and non-zero, where AdaGrad's shrinks; here over 500 more "
        "steps.",
        r"It is never 0; but as gradients vanish it grows, up to $\eta/\sqrt\epsilon$, that is "
        r"$10^4\eta$.",
        lambda: rate(steady),
        lambda: np.full(3, eta / np.sqrt(EPS)),
        lambda: rate(steady, none),
        defence="It is said against a rate that can only fall, and at gradients of steady size "
        "this one settles; near a minimum, where they fade, it rises without being asked to.",
        rests_on="500 steps without a gradient",
        condition="gradients keep their size",
        under=(
            lambda: [rate(size * steady) for size in (1e-6, 1, 1e6)],
            lambda: [rate(size * steady, size * steady) for size in (1e-6, 1, 1e6)],
        ),
    )
    yield note(
        "A-4.3-gamma",
        r"$\gamma$ is mainly set to 0.9 or 0.99.",
        "A habit, rightly told: Keras takes 0.9, PyTorch 0.99, a memory of some 10 and 100 steps.",
    )


@page("4.4 Adam", lessons="04")
def adam_page(rng):
    """Two running averages, corrected for their start, and their ratio."""
    g, w = rng.standard_normal((STEPS, 3)), rng.standard_normal(3)
    eta, beta1, beta2 = rng.uniform(0.1, 1), 0.9, 0.999
    t, ones = np.arange(1, STEPS + 1)[:, None], np.ones((STEPS, 1))
    m, v = remembered(g, beta1, 1 - beta1), remembered(g**2, beta2, 1 - beta2)
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    small, v_small, origin = 1e-5 * g, 1e-10 * v_hat, np.zeros(3)
    curvature = rng.uniform(0.2, 0.9, 3)

    def late(beta1, beta2, w=1.0):
        """The largest distance from the minimum of w^2/2 in the last 250 of 1000 steps."""
        m = v = farthest = 0.0
        for t in range(1, 1001):
            m, v = beta1 * m + (1 - beta1) * w, beta2 * v + (1 - beta2) * w * w
            w -= 0.1 * m / (1 - beta1**t) / (v / (1 - beta2**t) + EPS) ** 0.5
            farthest = max(farthest, abs(w)) if t > 750 else 0.0
        return farthest

    def descended(steps):
        """Gradient descent in a bowl: the gradient is taken where the step starts."""
        new = w
        for _ in range(steps):
            new = new - eta * (curvature * new)
        return new

    yield ok(
        "A-4.4-m",
        r"$m_t=\beta_1m_{t-1}+(1-\beta_1)g_t$",
        lambda: m,
        lambda: (1 - beta1) * weighted(g, beta1),
    )
    yield ok(
        "A-4.4-v",
        r"$v_t=\beta_2v_{t-1}+(1-\beta_2)(g_t\odot g_t)$",
        lambda: v,
        lambda: (1 - beta2) * weighted(g**2, beta2),
    )
    yield misprint(
        "A-4.4-betas",
        r"$\beta_1$ and $\beta_2$ are set to 0.9 or 0.999; taken as a choice for each, the worst "
        "of the four.",
        r"Respectively: $\beta_1=0.9$ and $\beta_2=0.999$. The other way round, at $\eta=0.1$ on "
        r"$w^2/2$, $w$ keeps swinging; error: the largest $\lvert w\rvert$ in the last 250 of 1000 "
        "steps.",
        lambda: max(late(*betas) for betas in product((0.9, 0.999), repeat=2)),
        lambda: late(0.9, 0.999),
        lambda: 0.0,
        defence="The values come in the order of the two names, and they are the usual ones, so "
        "respectively is meant; the word or allows more.",
        rests_on=r"$w^2/2$ from $w=1$ at $\eta=0.1$",
    )
    yield ok(
        "A-4.4-bias",
        r"$m$ and $v$ start at 0 and are biased to it: after $t$ equal gradients $m=(1-\beta_1^t)g$"
        r" and $v=(1-\beta_2^t)g^2$.",
        lambda: np.hstack([1 - beta1**t, 1 - beta2**t]),
        lambda: np.hstack([remembered(ones, beta, 1 - beta) for beta in (beta1, beta2)]),
        rests_on="equal gradients",
    )
    yield reading(
        "A-4.4-bias-step",
        r"Without the correction the first step is $m_1/\sqrt{v_1}$ times $\eta$.",
        r"That is $0.1/\sqrt{0.001}=3.16$, too large and not too small: $v$ is the more biased "
        "one. Corrected it is 1.",
        lambda: m[0] / np.sqrt(v[0]),
        lambda: m_hat[0] / np.sqrt(v_hat[0]),
        lambda: np.sign(g[0]),
    )
    yield ok(
        "A-4.4-biascorr",
        r"$\hat m_t=m_t/(1-\beta_1^t)$, $\hat v_t=v_t/(1-\beta_2^t)$ correct the bias.",
        lambda: [m_hat, v_hat],
        lambda: [
            weighted(g, beta1) / weighted(ones, beta1),
            weighted(g**2, beta2) / weighted(ones, beta2),
        ],
        "Then they are weighted means, exact when all gradients are equal; the first $t$ is 1.",
    )
    yield convention(
        "A-4.4-update",
        r"$w_t=w_{t-1}-\frac{\eta}{\sqrt{\hat v_t+\epsilon}}\,\hat m_t$",
        r"With $\epsilon$ inside the root, as in AdaGrad above. Adam as published has "
        r"$\sqrt{\hat v}+\epsilon$. With $\lvert g\rvert=10^{-5}$ the first "
        r"step is $0.0995\,\eta$ against $0.999\,\eta$; equal for "
        r"$\epsilon_{in}=\epsilon^2+2\epsilon\sqrt{\hat v}$.",
        lambda: arrived(origin, eta / np.sqrt(v_small + EPS) * (1e-5 * m_hat)),
        lambda: arrived(origin, eta / np.sqrt(v_small + outside(v_small)) * (1e-5 * m_hat)),
        lambda: stepped(Adam(np.zeros(3), eta, beta1, beta2, eps=EPS), small),
        defence="It keeps to the form that AdaGrad and RMSprop have in this document, and differs "
        "from the published rule for tiny gradients alone.",
        rests_on="gradients near $10^{-5}$",
    )
    yield convention(
        "A-4.4-index",
        r"The step $t$ leads from $w_{t-1}$ to $w_t$; in the sections before, from $w_t$ to "
        "$w_{t+1}$.",
        r"The same weights, numbered from $w_0$ here and from $w_1$ there; $g_t$, the gradient for "
        r"iteration $t$, is taken at the old ones in both. So $w_t$ here is $w_{t+1}$ there.",
        lambda: descended(STEPS - 1),
        lambda: descended(STEPS),
        lambda: w * (1 - eta * curvature) ** STEPS,
        defence="It is printed just as in the paper on Adam, and each step has the same gradient "
        "as before; only the numbers on the weights moved.",
    )
