"""Document D, *Implementing Generative AI Transformer*: neurons, activations and losses."""

import numpy as np

from nnlib import blocks, losses
from nnlib.documents.analytic import dsigmoid, relu, sigmoid, slopes
from nnlib.documents.claims import added, misprint, note, ok, overstated, page, reading
from nnlib.recurrent import recurrent


def bce(y, p):
    """Binary cross-entropy of one prediction, as the document defines it."""
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


@page("Feedforward Neural Network", lessons="07")
def feedforward_page(rng):
    w, u, b, a_0 = rng.standard_normal(4)
    x, silence = rng.standard_normal(5), np.zeros(5)
    starts = (a_0, 0.0, 1.0)

    def looped(a_0=a_0):
        a = [a_0]
        for _ in x:
            a.append(sigmoid(w * a[-1] + b))
        return a[1:]

    def fed(x):
        a = [a_0]
        for x_t in x:
            a.append(sigmoid(w * a[-1] + u * x_t + b))
        return a[1:]

    def by_block(x, a_0=a_0):
        """The library's block, whose state h is a tanh: it is 2 a - 1."""
        W, U, bias = np.array([[u / 2]]), np.array([[w / 4]]), np.array([b / 2 + w / 4])
        h, _ = recurrent(x[:, None], np.array([2 * a_0 - 1]), W, U, bias)
        return (1 + h[:, 0]) / 2

    yield note(
        "D-ffdef",
        "A feedforward network passes information in one direction, without loops.",
        "A definition.",
        lessons="05",
    )
    yield overstated(
        "D-rnn",
        r"If a loop is included, it becomes a recurrent network: $a_{t+1}=\sigma(w_1a_t+b_1)$.",
        r"With an input at every step, $a_{t+1}=\sigma(w\,a_t+u\,x_{t+1}+b)$. Compared: five "
        "states.",
        looped,
        lambda: fed(x),
        lambda: by_block(x),
        defence="It illustrates the loop, of which alone the sentence speaks, claims no input and "
        "is a sound recurrence. A model without a bias still reads its input, though; this one "
        "reads nothing after $a_0$.",
        rests_on="a sequence with an input at every step",
        condition="no input comes after $a_0$",
        under=(
            lambda: [looped(start) for start in starts],
            lambda: [by_block(silence, start) for start in starts],
        ),
    )


@page("Types of Neural Networks", lessons="05")
def types_page(rng):
    yield note(
        "D-nettypes",
        "Convolutional networks suit images, LSTM networks suit speech.",
        "A rule of experience; no formula.",
    )


@page("Neuron and Activation", lessons="02")
def neuron_page(rng):
    z, big = rng.uniform(-36, 36, 7), rng.uniform(37, 700, 5)

    yield note(
        "D-neuron",
        "A neuron holds numbers; the activation of one layer drives the next.",
        "Prose.",
        lessons="05",
    )
    yield ok(
        "D-sigmoid",
        r"$\sigma(n)=1/(1+e^{-n})$",
        lambda: sigmoid(z),
        lambda: (1 + np.tanh(z / 2)) / 2,
    )
    yield note(
        "D-range",
        "An activation should be in range.",
        r"No range is named. That of the sigmoid, just above, is $(0,1)$; ReLU has no upper end.",
    )
    yield reading(
        "D-range-float",
        r"In float64 $\sigma(z)$ is exactly 1 from $z\approx37$ on, and the cross-entropy of a "
        "wrong label infinite.",
        r"Compute it from the logit: $\max(z,0)-zy+\ln(1+e^{-\lvert z\rvert})$.",
        lambda: bce(0, sigmoid(big)),
        lambda: np.maximum(big, 0) + np.log1p(np.exp(-np.abs(big))),
        lambda: np.logaddexp(0, big),
    )


@page("Learning Model and Propagation", lessons="05")
def propagation_page(rng):
    w, x, b = rng.standard_normal(4), rng.standard_normal(4), rng.standard_normal()

    yield ok(
        "D-preact",
        "The pre-activation is the weighted sum of the inputs.",
        lambda: np.append(w, b) @ np.append(x, 1),
        lambda: blocks.linear(x[None], w[None], np.array([b]))[0].item(),
        "The bias is the weight of an input that is always 1; the document's formulas have it.",
    )


@page("Activation Functions", lessons="02")
def activation_page(rng):
    z, alpha = rng.standard_normal(7), rng.uniform(1.5, 3)
    symmetric, shifted = np.append(z, -z), 1 + np.abs(z)
    x, b = rng.standard_normal(2), [rng.standard_normal(n) for n in (3, 4, 5)]
    W = [rng.standard_normal(shape) for shape in ((3, 2), (4, 3), (5, 4))]
    near, far = rng.uniform(-1.6, 1.6, 9), rng.choice([-1, 1], 9) * rng.uniform(2.1, 6, 9)
    targets = rng.uniform(1.1, 3, 5)
    means = lambda x: [np.tanh(x).mean(), sigmoid(x).mean()]
    either = lambda: 2 * sigmoid(2 * z) - 1
    share_small = lambda z: np.mean(slopes(sigmoid, z) < 0.1)
    share_steeper = lambda z: np.mean(slopes(np.tanh, z) > slopes(sigmoid, z))
    in_range = targets, -targets / 3, np.array([0, 1e-9, -1e-9, 0.999, -0.999])

    def nearest(y):
        """The outputs of a ReLU or a tanh that come nearest to the targets."""
        by_relu, by_tanh = np.maximum(0, y), np.clip(y, -1, 1)
        return np.where(np.abs(by_relu - y) <= np.abs(by_tanh - y), by_relu, by_tanh)

    yield ok(
        "D-tanh",
        r"$\tanh z=(e^z-e^{-z})/(e^z+e^{-z})$",
        lambda: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
        lambda: np.tanh(z),
    )
    yield overstated(
        "D-tanh-mean",
        "tanh makes the mean activation close to 0.",
        r"It keeps the centre: to pre-activations about 0 it gives 0, where the sigmoid has "
        r"$\tfrac12$; to others it does not. Compared: the means of tanh and of the sigmoid.",
        lambda: [0, 0.5],
        lambda: [2 * sigmoid(2 * shifted).mean() - 1, (1 + np.tanh(shifted / 2)).mean() / 2],
        lambda: means(shifted),
        defence="With first weights as likely positive as negative it is so when training begins, "
        r"and a sigmoid's mean is $\tfrac12$ then.",
        rests_on="pre-activations of 1 and more",
        condition="the pre-activations are symmetric about 0",
        under=(
            lambda: [[0, 0.5]] * 3,
            lambda: [means(size * symmetric) for size in (0, 1, 10)],
        ),
    )
    yield overstated(
        "D-slope",
        "The slope of some functions, like the sigmoid, is very small, which slows the descent.",
        r"At $z=0$ it is $\frac14$, its largest; below $\frac1{10}$ only beyond "
        r"$\lvert z\rvert=2.06$. Compared: the share of slopes below $\frac1{10}$.",
        lambda: 1.0,
        lambda: np.mean(sigmoid(near) * (1 - sigmoid(near)) < 0.1),
        lambda: share_small(near),
        defence=r"Said beside ReLU, whose slope is 1; the sigmoid's is never above $\frac14$, and "
        r"slopes multiply: five layers pass on a thousandth at most, which is slow. But of one "
        "layer it is said, and near 0 a quarter is not very small.",
        rests_on=r"$\lvert z\rvert<1.6$",
        condition=r"$\lvert z\rvert$ is large, above 2.1 for a tenth of ReLU's slope",
        under=(
            lambda: [1, 1, 1],
            lambda: [share_small(x) for x in (far, np.array([-2.1, 2.1]), 5 * far)],
        ),
    )
    yield ok(
        "D-relu",
        r"$a=\max(0,z)$",
        lambda: np.maximum(0, z),
        lambda: (z + np.abs(z)) / 2,
    )
    yield overstated(
        "D-relu-half",
        "The slope of ReLU is 1 for half the time.",
        "For as much of the time as its input is positive. Compared: the mean slope.",
        lambda: 1 / 2,
        lambda: (shifted > 0).mean(),
        lambda: slopes(relu, shifted).mean(),
        defence="Half is what one meets with first weights as likely positive as negative, and it "
        "is said to make a rough comparison.",
        rests_on="pre-activations of 1 and more",
        condition="as many pre-activations are positive as negative",
        under=(
            lambda: [1 / 2] * 3,
            lambda: [slopes(relu, size * symmetric).mean() for size in (1e-9, 1, 100)],
        ),
    )
    yield overstated(
        "D-otherwise",
        "Rule of thumb: a sigmoid for the output if it is binary, otherwise ReLU or maybe tanh.",
        "An output takes the activation that its targets ask for: none for any number, softmax "
        "for several classes. Compared: targets below $-1$, and the outputs nearest to them.",
        lambda: nearest(-targets),
        lambda: blocks.linear(np.ones((1, 1)), -targets[:, None], np.zeros(5))[0][0],
        lambda: -targets,
        defence="A rule of thumb, and for all layers that are not the output, which the word may "
        "mean, a good one.",
        rests_on="an output layer with targets below $-1$",
        condition="the layer is hidden, or its targets lie in the range of its activation",
        under=(lambda: [nearest(y) for y in in_range], lambda: in_range),
    )
    yield overstated(
        "D-tanh-always",
        "In a list of pros and cons: tanh is always superior to the sigmoid, which one never uses "
        "except in specific cases. Before: in hidden layers, in many cases; the sigmoid is natural "
        "for a binary output.",
        r"$\tanh z=2\sigma(2z)-1$: the same function class. Beyond $\lvert z\rvert=1.663$ tanh has "
        "the smaller slope. Compared: the share of units in which tanh has the larger one.",
        lambda: 1.0,
        lambda: np.mean(4 * dsigmoid(2 * far) > dsigmoid(far)),
        lambda: share_steeper(far),
        lessons="02 05",
        defence="A rule of thumb with its exceptions, which stand beside it; for hidden units that "
        "are not saturated both reasons given, slope and mean, are on its side.",
        rests_on=r"units with $\lvert z\rvert>2.1$",
        condition=r"superior means a larger slope, and the units have $\lvert z\rvert<1.662$",
        under=(
            lambda: [1, 1, 1],
            lambda: [share_steeper(x) for x in (near, np.array([-1.662, 1.662]), np.zeros(1))],
        ),
    )
    yield reading(
        "D-tanh-sig",
        r"tanh is a rescaled sigmoid, $\tanh z=2\sigma(2z)-1$.",
        "An identity, so whatever one can represent the other can.",
        either,
        either,
        lambda: np.tanh(z),
        lessons="02 05",
    )
    yield ok(
        "D-leaky",
        r"Leaky ReLU: $a=\max(0.01z,z)$",
        lambda: np.maximum(0.01 * z, z),
        lambda: [v if v >= 0 else 0.01 * v for v in z],
        r"The maximum is right for slopes up to 1.",
    )
    yield reading(
        "D-leaky-gt1",
        r"$\max(\alpha z,z)$ with $\alpha>1$, which document E allows.",
        r"The maximum then picks the wrong branch on both sides: $\max(z,0)+\alpha\min(z,0)$.",
        lambda: np.maximum(alpha * z, z),
        lambda: np.maximum(z, 0) + alpha * np.minimum(z, 0),
        lambda: [v if v >= 0 else alpha * v for v in z],
    )
    yield ok(
        "D-nonlinear",
        "Complex learning needs a non-linear activation.",
        lambda: W[2] @ W[1] @ W[0] @ x + W[2] @ (W[1] @ b[0] + b[1]) + b[2],
        lambda: W[2] @ (W[1] @ (W[0] @ x + b[0]) + b[1]) + b[2],
        "Without one, layers are a single matrix and a single bias. Compared: three layers.",
    )


@page("Optimization Problem", lessons="05")
def optimization_page(rng):
    yield note(
        "D-bpterm",
        "The weights are updated by the backpropagation of error.",
        "Backpropagation computes the gradient; the optimizer updates. Terminology.",
    )


@page("Maximum Likelihood and Cross Entropy", lessons="03")
def likelihood_page(rng):
    w, x = rng.standard_normal(4), rng.standard_normal(4)

    yield ok(
        "D-yhat",
        r"$\hat y=\sigma(w\cdot x)$",
        lambda: sigmoid(w @ x),
        lambda: (1 + np.tanh(sum(w * x) / 2)) / 2,
        "A model without a bias, which can be the weight of a constant input 1.",
    )


@page("What about Least Squares?", lessons="03")
def least_squares_page(rng):
    y, p, grid = rng.standard_normal(6), rng.standard_normal(6), np.linspace(0, 1, 101)
    z = np.array([-8.0])  # confidently wrong, as the truth is y = 1
    s = sigmoid(z)
    ls = lambda y, p: (y - p) ** 2 / 2
    at_logit = lambda loss: slopes(lambda z: loss(1, sigmoid(z)), z)
    logit_gradients = lambda: [-(1 - s) * s * (1 - s), s - 1]

    yield ok(
        "D-ls",
        r"$J^{LS}=\tfrac12(y-\hat y)^2$",
        lambda: ls(y, p),
        lambda: [losses.mse(p_i, target=y_i)[0] / 2 for y_i, p_i in zip(y[:, None], p[:, None])],
        r"Its derivative by $\hat y$ is $-(y-\hat y)$.",
    )
    yield ok(
        "D-ls-low",
        "Least squares costs a misclassification little.",
        lambda: 1 / 2,
        lambda: np.maximum(ls(0, grid), ls(1, grid)).max(),
        r"At most $\tfrac12$, where cross-entropy has no bound.",
        rests_on=r"$\hat y$ from 0 to 1",
    )
    yield note(
        "D-ls-used",
        "Least squares is not a good cost function; all of the backpropagation then differentiates "
        "it.",
        r"It is said of classes, and for regression the document advises least squares. Nothing "
        r"contradicts, but who takes the formulas over for classes takes $f'(z)$ with them.",
    )
    yield reading(
        "D-ls-vanish",
        r"Confidently wrong, $z=-8$ for $y=1$: the gradient by the logit is $-3.4\cdot10^{-4}$ for "
        r"least squares, $-0.9997$ for cross-entropy.",
        r"$(\hat y-y)\,\hat y(1-\hat y)$ against $\hat y-y$.",
        logit_gradients,
        logit_gradients,
        lambda: [at_logit(ls), at_logit(bce)],
    )


@page("Binary Cross-Entropy Cost Function", lessons="03")
def cross_entropy_page(rng):
    z, y = rng.standard_normal(6), rng.integers(0, 2, 6)
    p, soft = sigmoid(z), rng.uniform(0.1, 0.9)
    likelihood = np.where(y == 1, p, 1 - p)
    both, last = np.array([0.0, 1.0]), np.nextafter(1.0, 0.0)  # the last number below 1, 1 - 2⁻⁵³

    yield ok(
        "D-bce",
        r"$J=-[y\ln\hat y+(1-y)\ln(1-\hat y)]$",
        lambda: bce(y, p),
        lambda: -np.log(likelihood),
    )
    yield misprint(
        "D-bce-range",
        r"$\hat y\in(0,1]$",
        r"$(0,1)$, where a sigmoid stays: at $\hat y=1$ the cost of $y=0$ is infinite. That of "
        r"$y=1$, $0\cdot\ln0$, is 0 as a limit, as $J=0$ for $y=\hat y$ wishes. Compared: both at "
        r"the largest $\hat y$ allowed.",
        lambda: bce(both, 1.0),
        lambda: bce(both, last),
        lambda: [53 * np.log(2), 2.0**-53],
        defence=r"In floating point a sigmoid does reach 1, and $J=0$ at $y=\hat y=1$ asks for "
        "it; but the line above says sigmoid, and a bracket is easily mistaken for a parenthesis.",
        rests_on=r"$\hat y=1$, the largest value allowed",
    )
    yield added(
        "D-bce-logit",
        r"The gradient of binary cross-entropy at the logit: $\hat y-y$.",
        lambda: p - y,
        lambda: slopes(lambda z: bce(y, sigmoid(z)), z),
    )
    yield ok(
        "D-props-hard",
        r"$J=0$ for $y=\hat y$.",
        lambda: [0, 0, np.log(2), np.log(2)],
        lambda: [bce(0, 1e-15), bce(1, 1 - 1e-15), bce(0, 0.5), bce(1, 0.5)],
        r"In the limit and for $y\in\{0,1\}$. Compared: beside $\ln2$ at $\hat y=\tfrac12$.",
        rests_on=r"$\hat y$ within $10^{-15}$ of $y$",
    )
    yield ok(
        "D-props-high",
        "$J$ should be really high for a misclassification.",
        lambda: bce(1, 10.0 ** -np.arange(1, 16)),
        lambda: np.arange(1, 16) * np.log(10),
        r"Cross-entropy is, without a bound; least squares is at most $\frac12$.",
        rests_on=r"$\hat y$ down to $10^{-15}$ for $y=1$",
    )
    yield reading(
        "D-props-soft",
        r"For a soft target $J(y,y)$ is the entropy $H(y)$, not 0.",
        r"Subtract it: $y\ln\frac y{\hat y}+(1-y)\ln\frac{1-y}{1-\hat y}$.",
        lambda: bce(soft, soft),
        lambda: soft * np.log(soft / soft) + (1 - soft) * np.log((1 - soft) / (1 - soft)),
        lambda: 0.0,
    )
    yield ok(
        "D-props-pos",
        r"$J\ge0$",
        lambda: np.abs(bce(y, p)),
        lambda: bce(y, p),
        r"Compared: $\lvert J\rvert$ and $J$.",
    )
    yield note(
        "D-task",
        "Least squares for regression, binary cross-entropy for classification.",
        "A rule of design. Binary means two classes or independent sigmoids; more need softmax.",
    )
