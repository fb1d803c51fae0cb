"""Document E, *MNIST MLP notes*: architecture, initialisers, activations and the softmax."""

from functools import partial

import numpy as np

from nnlib import blocks
from nnlib.calculus import complex_step
from nnlib.documents.analytic import sigmoid, slopes
from nnlib.documents.analytic import softmax as softmax_along
from nnlib.documents.claims import (
    added,
    convention,
    follows,
    misprint,
    note,
    ok,
    page,
    reading,
    wrong,
)
from nnlib.mlp import MLP
from nnlib.parameters import parameter_vector

WIDTHS = (784, 40, 30, 20, 10)
softmax = partial(softmax_along, axis=0)  # of a vector, or of every column: samples are columns


def one_hot(labels, classes):
    """A column of zeros and a single one for each label."""
    return np.eye(classes)[labels].T


@page("Model Architecture", lessons="05")
def architecture_page(rng):
    W, b, a = rng.standard_normal((4, 3)), rng.standard_normal((4, 1)), rng.standard_normal((3, 1))

    def shapes():
        layers = [layer.params for layer in MLP(*WIDTHS, rng=0).layers() if layer.params]
        return [[*params["W"].shape, len(params["b"]), 1] for params in layers]

    yield ok(
        "E-biasneuron",
        "A bias is one more neuron, concatenated to the row vector of the image.",
        lambda: np.hstack([W, b]) @ np.vstack([a, [[1.0]]]),
        lambda: [[sum(W[i, j] * a[j, 0] for j in range(3)) + b[i, 0]] for i in range(4)],
        r"$[W\;b]\,[a;1]=Wa+b$.",
    )
    yield ok(
        "E-shapes",
        r"$[784,40,30,20,10]$ has the weights $[40\times784,30\times40,20\times30,10\times20]$ "
        r"and the biases $[40\times1,30\times1,20\times1,10\times1]$.",
        lambda: [[40, 784, 40, 1], [30, 40, 30, 1], [20, 30, 20, 1], [10, 20, 10, 1]],
        shapes,
        rests_on="the widths 784, 40, 30, 20 and 10",
    )
    yield added(
        "E-count",
        "The number of its parameters: 33 360 weights and 100 biases.",
        lambda: 33_360 + 100,
        lambda: parameter_vector(MLP(*WIDTHS, rng=0))[0].size,
    )


def variance(bound):
    """Of U[-bound, bound]: the integral of its square by Gauss-Legendre, exact."""
    nodes, weights = np.polynomial.legendre.leggauss(3)
    return weights @ (bound * nodes) ** 2 / 2


def signal_after_relu(std):
    """E relu(z)² for a normal z of this deviation, by Gauss-Hermite, exact."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(6)
    return weights @ np.maximum(std * nodes, 0) ** 2 / weights.sum()


@page("Initialisers", lessons="05")
def initialisers_page(rng):
    n_in, n_out, width, depth = 784, 40, 256, 20
    seed = rng.integers(2**32)
    x, W1, W2 = rng.standard_normal((4, 6)), np.full((5, 4), 0.3), np.full((3, 5), -0.2)
    y = rng.standard_normal((3, 6))
    loss = lambda W1: ((W2 @ sigmoid(W1 @ x) - y) ** 2).sum()

    def signal(bound):
        """The mean square after 20 ReLU layers of 256, relative to that of the input."""
        draw = np.random.default_rng(seed)
        first = h = draw.standard_normal(width)
        for _ in range(depth):
            h = np.maximum(draw.uniform(-bound, bound, (width, width)) @ h, 0)
        return (h @ h) / (first @ first)

    yield ok(
        "E-const",
        "Weights may start constant.",
        lambda: np.tile(complex_step(lambda w: loss(np.vstack([w, W1[1:]])), W1[0]), (5, 1)),
        lambda: complex_step(loss, W1),
        "But then all units of a layer get one gradient and stay equal. Compared: the gradient of "
        "the first unit, repeated, and that of all.",
        rests_on="weights that are all equal",
    )
    yield note(
        "E-random",
        r"Uniform $U[\min,\max]$ or normal $N[\mathrm{mean},\mathrm{std}]$.",
        "Notation: the second slot of the normal is the standard deviation.",
    )
    yield ok(
        "E-xavier-u",
        r"Xavier-Glorot, uniform: $U\big[\pm\sqrt{6/(n_{in}+n_{out})}\big]$",
        lambda: variance(np.sqrt(6 / (n_in + n_out))),
        lambda: 1 / np.mean([n_in, n_out]),
        r"Variance $2/(n_{in}+n_{out})$: $1/n_{in}$ would keep the signal, $1/n_{out}$ the "
        "gradient. Compared: the variance.",
        rests_on="the widths 784 and 40",
    )
    yield misprint(
        "E-xavier-n",
        r"Xavier-Glorot, normal: $N\big[0,\frac2{n_{in}+n_{out}}\big]$, after $N[\mathrm{mean},"
        r"\mathrm{std}]$.",
        r"The second slot is the deviation, and this is the variance: "
        r"$N\big[0,\sqrt{2/(n_{in}+n_{out})}\big]$. For 784 and 40: 0.0493, printed 0.00243.",
        lambda: 2 / (n_in + n_out),
        lambda: np.sqrt(2 / (n_in + n_out)),
        lambda: np.sqrt(variance(np.sqrt(6 / (n_in + n_out)))),
        defence="A root is missing that He's line has, and in the same spot $n_{in}$ is printed "
        "$n_m$; it may be lost in the scan.",
        rests_on="widths 784 and 40",
    )
    yield wrong(
        "E-he-u",
        r"He, uniform: $U\big[\pm\sqrt{3/n_{in}}\big]$",
        r"$U\big[\pm\sqrt{6/n_{in}}\big]$: the variance must be $2/n_{in}$, as ReLU halves the "
        "mean square. Compared: the mean square after a ReLU layer, relative to that before.",
        lambda: n_in * variance(np.sqrt(3 / n_in)) / 2,
        lambda: n_in * variance(np.sqrt(6 / n_in)) / 2,
        lambda: 1.0,
        defence=r"He's bound is a gain times $\sqrt{3/n}$, and the gain, $\sqrt2$ for ReLU, was "
        "left out. But no mark is lost, as in Xavier's line above, whose slot wants a deviation: "
        "this is a rule of its own, right without an activation, at half the variance of the "
        "normal beside it.",
        rests_on="ReLU layers of any width",
        slips=(r"$\sqrt3$ for $\sqrt6$ in He's uniform bound",),
    )
    yield reading(
        "E-he-u-signal",
        r"Twenty ReLU layers of 256 with $\sqrt{3/n}$: the signal dies out, by $2^{-20}$.",
        r"With $\sqrt{6/n}$ it stays of order one. Compared: the mean square at the end, relative "
        r"to the input's; the truth rescales weights from $U[-1,1]$, of variance $\frac13$.",
        lambda: signal(np.sqrt(3 / width)),
        lambda: signal(np.sqrt(6 / width)),
        lambda: signal(1) * (2 / width / variance(1)) ** depth,
    )
    yield ok(
        "E-he-n",
        r"He, normal: $N\big[0,\sqrt{2/n}\big]$",
        lambda: signal_after_relu(np.sqrt(n_in) * np.sqrt(2 / n_in)),
        lambda: 1.0,
        r"$n=n_{in}$. Compared: the mean square after a ReLU layer, relative to that before.",
        rests_on="784 inputs",
    )


@page("Images and Digits", lessons="05")
def data_page(rng):
    z, labels = rng.standard_normal((4, 6)), rng.integers(0, 4, 6)
    Y, a = one_hot(labels, 4), softmax(z)

    yield ok(
        "E-scale",
        r"Pixels divided by 255 lie in $[0,1]$.",
        lambda: [0, 1],
        lambda: [(np.arange(256) / 255).min(), (np.arange(256) / 255).max()],
        rests_on="the values 0 to 255",
    )
    yield ok(
        "E-onehot",
        "The digits become one-hot vectors, to support the matrix product at the softmax.",
        lambda: -(Y * np.log(a)).sum(axis=0),
        lambda: [-np.log(a[label, i]) for i, label in enumerate(labels)],
        r"One can, though the reason is doubtful: the gradient $a-y$ is taken entry by entry, and "
        r"$-\ln a_{label}$ is the same loss.",
    )
    yield ok(
        "E-2class",
        "Two classes need no encoding: a sigmoid at the last layer suffices.",
        lambda: sigmoid(z[1] - z[0]),
        lambda: softmax(z[:2])[1],
        r"$\mathrm{softmax}(z)_1=\sigma(z_1-z_0)$.",
        lessons="03 05",
    )


@page("Activation Functions", lessons="02")
def activation_page(rng):
    z, alpha = rng.standard_normal(6), rng.uniform(0, 3)
    with_0 = np.append(z, 0.0)
    e, s, t = np.exp(-z), sigmoid(z), np.tanh(z)
    up, down = np.exp(z) + np.exp(-z), np.exp(z) - np.exp(-z)
    large = z + 1000

    yield ok(
        "E-sig",
        r"$s(z)=1/(1+e^{-z})$",
        lambda: 1 / (1 + np.exp(-z)),
        lambda: (1 + np.tanh(z / 2)) / 2,
    )
    yield ok(
        "E-1msig",
        r"$1-s(z)=e^{-z}/(1+e^{-z})$",
        lambda: np.exp(-z) / (1 + np.exp(-z)),
        lambda: (1 - np.tanh(z / 2)) / 2,
    )
    yield ok(
        "E-sig-d",
        r"$s'=\frac{e^{-z}}{(1+e^{-z})^2}=s\odot(1-s)$, in four lines.",
        lambda: [
            (-1) * (1 / (1 + e)) ** 2 * (0 + (-1) * e),
            e / (1 + e) ** 2,
            (1 / (1 + e)) * (e / (1 + e)),
            s * (1 - s),
        ],
        lambda: [slopes(sigmoid, z)] * 4,
    )
    yield ok(
        "E-lrelu",
        r"Leaky ReLU: $z$ for $z\ge0$, $\alpha z$ for $z<0$, $\alpha\ge0$; $\alpha=0$ is ReLU.",
        lambda: np.where(z >= 0, z, alpha * z),
        lambda: np.maximum(z, 0) - alpha * np.maximum(-z, 0),
    )
    yield convention(
        "E-lrelu-d",
        r"Its derivative is 1 for $z\ge0$, $\alpha$ otherwise.",
        r"So 1 at $z=0$, where the course, with document B, takes $\alpha$. Compared: ReLU, "
        "at 0 too.",
        lambda: np.where(with_0 >= 0, 1.0, 0.0),
        lambda: np.where(with_0 > 0, 1.0, 0.0),
        lambda: blocks.relu(with_0)[1](np.ones(7)),
        defence="It matches the cases of the function above it; at a single point the value is a "
        "choice.",
        rests_on="$z=0$",
    )
    yield ok(
        "E-tanh",
        r"$\tanh z=(e^z-e^{-z})/(e^z+e^{-z})$",
        lambda: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
        lambda: np.tanh(z),
    )
    yield ok(
        "E-tanh-d",
        r"The quotient rule gives $\tanh'=1-\tanh^2$.",
        lambda: [(up * up - down * down) / up**2, (up**2 - down**2) / up**2, 1 - t**2],
        lambda: [slopes(np.tanh, z)] * 3,
    )
    yield misprint(
        "E-tanh-fact",
        r"After $\tanh'=1-\tanh^2$, once more: $[1-\tanh^2]\odot[1+\tanh]$",
        r"$[1-\tanh]\odot[1+\tanh]$",
        lambda: (1 - t**2) * (1 + t),
        lambda: (1 - t) * (1 + t),
        lambda: slopes(np.tanh, z),
        defence="It factors the line above, which is right; the square was carried over, by the "
        "pen or by the scan.",
    )
    yield ok(
        "E-softmax",
        r"$\phi(z)=e^z/\sum_ie^{z_i}=e^{z-\max z}/\sum_ie^{z_i-\max z}$",
        lambda: [np.exp(v) / np.exp(v).sum() for v in (z, z - z.max())],
        lambda: [[1 / sum(np.exp(z_j - z_i) for z_j in z) for z_i in z]] * 2,
    )
    yield ok(
        "E-stable",
        r"With $\max z$ subtracted it is numerically stable when $e^z$ is large.",
        lambda: softmax_along(large - large.max()),
        lambda: softmax_along(z),
        "Without it $e^z$ overflows from 710 on. Compared: scores of 1000 more, and the same ones "
        "small.",
        rests_on="scores of about 1000",
    )


@page("Derivative of Softmax", lessons="02")
def softmax_page(rng):
    z = rng.standard_normal(5)
    q, total, delta = softmax(z), np.exp(z).sum(), np.eye(5)
    shifted = lambda z, highest: np.exp(z - highest) / np.exp(z - highest).sum()
    log_softmax = lambda z: z - np.log(np.exp(z).sum())
    dq = lambda: complex_step(softmax, z)
    dlogq = lambda: complex_step(lambda z: np.log(softmax(z)), z)

    yield ok(
        "E-maxconst",
        r"$\max z$ counts as a constant and is ignored in the derivative.",
        lambda: complex_step(lambda z_: shifted(z_, z.max()), z),
        lambda: complex_step(lambda z_: shifted(z_, z_[np.argmax(z)]), z),
        "Right, for another reason: it is no constant, but a shift of all scores changes nothing, "
        "so its derivative cancels. Compared: held still, and moving.",
    )
    yield misprint(
        "E-jac",
        r"The Jacobian of softmax has the entries $\partial z_i/\partial z_j$, 'where' $q_i$ is "
        "softmax.",
        r"$\partial q_i/\partial z_j$; as printed it is the identity. A row belongs to one "
        r"$z$, in document A to one output: no difference, as it is symmetric.",
        lambda: complex_step(lambda z: z, z),
        lambda: np.diag(q) - np.outer(q, q),
        lambda: dq().T,
        defence="The same line says what $q$ is, and all that follows differentiates $q$; a $q$ "
        "is easily read as a $z$.",
    )
    yield ok(
        "E-logder",
        r"$\partial q_i=q_i\,\partial\ln q_i$",
        lambda: q[:, None] * dlogq(),
        dq,
        r"The printed $\frac{\partial z_j}{\partial z_i}$ stands for "
        r"$\frac{\partial}{\partial z_j}$, throughout.",
    )
    yield ok(
        "E-dsum",
        r"$\frac{\partial}{\partial z_j}\sum_ke^{z_k}=e^{z_j}$",
        lambda: np.exp(z),
        lambda: complex_step(lambda z: np.exp(z).sum(), z),
    )
    yield ok(
        "E-logq",
        r"$\ln q_i=z_i-\ln\sum_ke^{z_k}$",
        lambda: log_softmax(z),
        lambda: [-np.log(sum(np.exp(z_k - z_i) for z_k in z)) for z_i in z],
    )
    yield ok(
        "E-dlogq-mid",
        r"$\frac{\partial}{\partial z_j}\ln q_i=\delta_{ij}-\frac1{\sum_ke^{z_k}}"
        r"\frac{\partial}{\partial z_j}\sum_ke^{z_k}$",
        lambda: delta - 1 / total * complex_step(lambda z: np.exp(z).sum(), z)[None, :],
        dlogq,
    )
    yield misprint(
        "E-dlogq",
        r"$\dots=\delta_{ij}-\frac{e^{z_i}}{\sum_ke^{z_k}}q_j$",
        r"$\delta_{ij}-q_j$: the fraction is a factor $q_i$ too many.",
        lambda: delta - (np.exp(z) / total)[:, None] * q[None, :],
        lambda: delta - q[None, :],
        dlogq,
        defence="It seems that $q_j$ was written beside the fraction as its name, and then read "
        r"as a factor; the cross-entropy later has $\delta_{kj}-a_j$.",
    )
    yield follows(
        "E-dq",
        r"$\frac{\partial q_i}{\partial z_j}=q_i\big(\delta_{ij}-"
        r"\frac{e^{z_i}}{\sum_ke^{z_k}}q_j\big)$",
        r"$q_i(\delta_{ij}-q_j)$, as the document's own categorical cross-entropy then uses it.",
        lambda: q[:, None] * (delta - (np.exp(z) / total)[:, None] * q[None, :]),
        lambda: q[:, None] * (delta - q[None, :]),
        dq,
        defence=r"Only the line before is put in, and the product with $q_i$ is right.",
        follows="E-dlogq",
    )
