"""Document E, *MNIST MLP notes*: forward and backward; instances are columns."""

from itertools import pairwise

import numpy as np

from nnlib import blocks
from nnlib.calculus import complex_step
from nnlib.documents.analytic import dsigmoid, sigmoid
from nnlib.documents.claims import misprint, note, ok, overstated, page, reading
from nnlib.documents.e_layers import WIDTHS, one_hot, softmax


def network(widths, rng):
    """Weights (out, in) and biases (out, 1), shaped as the document says."""
    weights = [rng.standard_normal((n, m)) / np.sqrt(m) for m, n in pairwise(widths)]
    return weights, [rng.standard_normal((n, 1)) for n in widths[1:]]


def forward(x, weights, biases):
    """Both histories: sigmoid in the hidden layers, softmax in the last."""
    logits, activations = [], [x]
    for W, b in zip(weights, biases):
        logits.append(W @ activations[-1] + b)
        activations.append((softmax if W is weights[-1] else sigmoid)(logits[-1]))
    return logits, activations


def backward(y, weights, logits, activations):
    """The deltas of the summed cross-entropy, layer by layer from the last."""
    deltas = [activations[-1] - y]
    for W, z in zip(weights[:0:-1], logits[-2::-1]):
        deltas.insert(0, W.T @ deltas[0] * dsigmoid(z))
    return deltas


def cost(y, a):
    """The summed cross-entropy."""
    return -(y * np.log(a)).sum()


@page("Forward Propagation", lessons="05")
def forward_page(rng):
    z, seed = rng.standard_normal((4, 6)), rng.integers(2**32)
    stable = lambda z, **how: np.exp(z - z.max(**how)) / np.exp(z - z.max(**how)).sum(**how)
    by_column = lambda: np.transpose([[1 / np.exp(c - c_i).sum() for c_i in c] for c in z.T])

    def batch():
        """The document's network and a hundred images, as rows."""
        draw = np.random.default_rng(seed)
        return draw.uniform(0, 1, (100, 784)), *network(WIDTHS, draw)

    def two_logits():
        x, w, b = batch()
        z_1 = w[0] @ x.T + b[0]
        return np.vstack([z_1, w[1] @ sigmoid(z_1) + b[1]])

    def by_blocks():
        x, w, b = batch()
        z_1 = blocks.linear(x, w[0], b[0][:, 0])[0]
        z_2 = blocks.linear(blocks.sigmoid(z_1)[0], w[1], b[1][:, 0])[0]
        return np.hstack([z_1, z_2]).T  # (40 + 30, 100)

    def history(k):
        """The shapes of the logits, k = 0, or of the activations, k = 1."""
        x, w, b = batch()
        return [values.shape for values in forward(x.T, w, b)[k]]

    yield note(
        "E-flow",
        "Logits and activations are stored for the backward pass.",
        "Prose. Four slots are announced for the activations, five are stored.",
    )
    yield ok(
        "E-fwd",
        r"With instances as columns $z_1=w_0a_0+b_0$ is $(40,100)$ and $z_2=w_1a_1+b_1$ "
        r"$(30,100)$; the biases spread over the batch.",
        two_logits,
        by_blocks,
        "Indices start at 0 here, at 1 in the architecture.",
        rests_on="100 images and the widths 784, 40 and 30",
    )
    yield misprint(
        "E-logits-hist",
        r"The logits stored are $(40,100)$, $(30,100)$, $(40,100)$, $(10,100)$.",
        r"The third is $(20,100)$, as the backward pass has it.",
        lambda: [(40, 100), (30, 100), (40, 100), (10, 100)],
        lambda: [(40, 100), (30, 100), (20, 100), (10, 100)],
        lambda: history(0),
        defence="The activations, listed right below, have (20, 100) in this place, and so has "
        "the backward pass.",
        rests_on="the widths 784, 40, 30, 20 and 10",
    )
    yield ok(
        "E-elementwise",
        "An activation only acts on each entry of the logits; the last layer has a softmax, for "
        "each column.",
        lambda: np.diag(dsigmoid(z[:, 0])),
        lambda: complex_step(sigmoid, z[:, 0]),
        "In the hidden layers, as the next line implies: softmax mixes the entries of a column. "
        "Compared: the Jacobian of the sigmoid.",
    )
    yield ok(
        "E-act-hist",
        r"The activations stored are $(784,100)$, $(40,100)$, $(30,100)$, $(20,100)$, $(10,100)$.",
        lambda: [(784, 100), (40, 100), (30, 100), (20, 100), (10, 100)],
        lambda: history(1),
        rests_on="100 images and the widths 784, 40, 30, 20 and 10",
    )
    yield ok(
        "E-axis-default",
        "By default max and sum would reduce the dimension.",
        lambda: [0, 1, 2],
        lambda: [z.max().ndim, z.max(axis=0).ndim, z.max(axis=0, keepdims=True).ndim],
        "To one number for the whole batch. Compared: the axes left by default, with axis=0, and "
        "with keepdims=True too.",
    )
    yield ok(
        "E-keepdims",
        "So set keepdims=True.",
        lambda: stable(z, axis=0, keepdims=True),
        by_column,
        "Right, though (classes, batch) with axis=0 spreads without it too.",
    )
    yield reading(
        "E-keepdims-not",
        "Without keepdims, on (classes, batch) with axis=0.",
        "Right as well: here keepdims is a safeguard.",
        lambda: stable(z, axis=0),
        lambda: stable(z, axis=0, keepdims=True),
        by_column,
    )
    yield reading(
        "E-keepdims-rows",
        "Without keepdims, on (batch, classes) with axis=1.",
        "Undefined: here keepdims is a necessity.",
        lambda: stable(z.T, axis=1),
        lambda: stable(z.T, axis=1, keepdims=True),
        lambda: by_column().T,
    )
    yield ok(
        "E-axis0",
        "max and sum run over each column separately: axis=0.",
        lambda: stable(z, axis=0, keepdims=True),
        by_column,
    )


@page("Backpropagation", lessons="05")
def backpropagation_page(rng):
    """Four layers as in the document, small: 8-6-5-4-3, and seven instances."""
    weights, biases = network((8, 6, 5, 4, 3), rng)
    x, target = rng.standard_normal((8, 7)), rng.uniform(0, 1, (3, 7))
    actual_output = one_hot(rng.integers(0, 3, 7), 3).T  # an instance in each row
    y, L, seed = actual_output.T, 3, rng.integers(2**32)  # the layers are 0, 1, 2 and L
    logits, activations = forward(x, weights, biases)
    deltas = backward(y, weights, logits, activations)
    z, a, delta = logits[-1], activations[-1], deltas[-1]
    identity = lambda z: z
    squares_behind = lambda f: lambda z: ((f(z) - target) ** 2).sum() / 2
    of_each_logit = {
        sigmoid: dsigmoid,
        np.tanh: lambda z: 1 - np.tanh(z) ** 2,
        identity: np.ones_like,
    }

    def replaced(arrays, l, new):
        return [*arrays[:l], new, *arrays[l + 1 :]]

    def by_weight(l):
        c = lambda W: cost(y, forward(x, replaced(weights, l, W), biases)[1][-1])
        return complex_step(c, weights[l])

    def by_bias(l):
        c = lambda b: cost(y, forward(x, weights, replaced(biases, l, b))[1][-1])
        return complex_step(c, biases[l])

    def by_logit(l):
        after = weights[l + 1 :], biases[l + 1 :]
        return complex_step(lambda z: cost(y, forward(sigmoid(z), *after)[1][-1]), logits[l])

    def by_last_logit():
        return complex_step(lambda z: cost(y, softmax(z)), z)

    def through_jacobian():
        J = [np.diag(a_i) - np.outer(a_i, a_i) for a_i in a.T]
        return np.stack([J_i.T @ g_i for J_i, g_i in zip(J, (-y / a).T)], axis=1)

    def shapes_of_gradients():
        draw = np.random.default_rng(seed)
        weights, biases = network(WIDTHS, draw)
        logits, activations = forward(draw.uniform(0, 1, (784, 100)), weights, biases)
        deltas = backward(one_hot(draw.integers(0, 10, 100), 10), weights, logits, activations)
        bias = [delta.sum(axis=1, keepdims=True).shape for delta in deltas]
        return bias + [(delta @ a.T).shape for delta, a in zip(deltas, activations)]

    yield overstated(
        "E-bp1",
        r"The first of four equations: $\delta^L=\nabla_aC\odot\sigma'(z^L)$",
        r"For softmax $J^\top\nabla_aC$, column by column. Compared: cross-entropy behind softmax, "
        "with the diagonal of its Jacobian for the slope.",
        lambda: -y / a * (a * (1 - a)),
        through_jacobian,
        by_last_logit,
        defence="The equation as it is widely known, exact for a sigmoid output; where the network "
        r"has its softmax, the code starts from $a-y$, rightly.",
        rests_on="a softmax output, which the document's network has",
        condition="the output acts on each logit alone",
        under=(
            lambda: [(f(z) - target) * slope(z) for f, slope in of_each_logit.items()],
            lambda: [complex_step(squares_behind(f), z) for f in of_each_logit],
        ),
    )
    yield misprint(
        "E-bp2",
        r"$\delta^L=\big((W^{L+1})^\top\delta^{L+1}\big)\odot\sigma'(z^L)$",
        r"A layer $l$ before the last; there is no layer $L+1$.",
        lambda: weights[L + 1].T @ deltas[L + 1] * dsigmoid(logits[L]),
        lambda: np.vstack(
            [weights[l + 1].T @ deltas[l + 1] * dsigmoid(logits[l]) for l in range(L)]
        ),
        lambda: np.vstack([by_logit(l) for l in range(L)]),
        defence="Any layer before the last is meant; by hand a small $l$ is easily taken for a "
        "large one.",
    )
    yield ok(
        "E-bp234",
        r"$\partial C/\partial b^l=\delta^l$, $\partial C/\partial W^l=\delta^l(a^{l-1})^\top$",
        lambda: np.concatenate(
            [(delta @ a.T).ravel() for delta, a in zip(deltas, activations)]
            + [delta.sum(axis=1) for delta in deltas]
        ),
        lambda: np.concatenate([by(l).ravel() for by in (by_weight, by_bias) for l in range(4)]),
        "For each instance; sum over the batch. Compared: the gradient of all parameters.",
    )
    yield ok(
        "E-gradshapes",
        r"The gradients have the shapes of the biases, $[40\times1,\dots,10\times1]$, and of the "
        r"weights, $[40\times784,\dots,10\times20]$.",
        lambda: [(40, 1), (30, 1), (20, 1), (10, 1), (40, 784), (30, 40), (20, 30), (10, 20)],
        shapes_of_gradients,
        rests_on="its widths and 100 images",
    )
    yield ok(
        "E-delta-last",
        "delta = -(actual_output.T - activation_history[-1])",
        lambda: -(actual_output.T - activations[-1]),
        by_last_logit,
        "For the summed, not the mean, loss: divide by the batch size later.",
    )
    yield ok(
        "E-delta-all",
        "So it goes on with delta till the input layer.",
        lambda: np.vstack(backward(y, weights, logits, activations)[:-1]),
        lambda: np.vstack([by_logit(l) for l in range(L)]),
        r"Till the first hidden layer, with $\sigma'$; the input has no logits and needs none.",
    )
    yield ok(
        "E-input-kept",
        "The input among the stored activations serves the last step of the way back.",
        lambda: deltas[0] @ activations[0].T,
        lambda: by_weight(0),
        "The gradient of the first weights needs it, and nothing else does.",
    )
    yield ok(
        "E-gradb-code",
        "grad_bias[-1] has the sums of the rows of delta.",
        lambda: [[sum(delta[j])] for j in range(3)],
        lambda: by_bias(L),
    )
    yield misprint(
        "E-gradw-code",
        r"grad_weights[-1] = delta * activation_history$^\top$[-2].T",
        "Transposed twice: delta @ activation_history[-2].T",
        lambda: delta @ activations[-2].T.T,
        lambda: delta @ activations[-2].T,
        lambda: by_weight(L),
        defence="A stray mark: the shape that is given for the result, (10, 20), wants a single "
        "transpose.",
    )
    yield reading(
        "E-gradw-star",
        "The * of the code taken as NumPy's, transposed once.",
        "It is the matrix product, @ in NumPy.",
        lambda: delta * activations[-2].T,
        lambda: delta @ activations[-2].T,
        lambda: by_weight(L),
    )
    yield misprint(
        "E-delta-code",
        r"delta = (weights[-1].T * delta) $\odot\,\sigma$(logits[-2]), below four "
        r"equations with $\sigma'$.",
        r"$\sigma'$(logits[-2]). All shapes agree, so only the numbers show it; with a sigmoid "
        "each entry keeps its sign here, so one hidden layer learns, badly.",
        lambda: (weights[-1].T @ delta) * sigmoid(logits[-2]),
        lambda: (weights[-1].T @ delta) * dsigmoid(logits[-2]),
        lambda: by_logit(L - 1),
        defence=r"The equations that it puts to use have $\sigma'$; a prime is easily lost, by "
        "the pen or by the scan.",
    )
