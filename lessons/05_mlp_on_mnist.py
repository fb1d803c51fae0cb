# %% [markdown]
# # 5 · A network that reads digits
#
# **Objectives.** Build the network of document E by hand; derive its four backward equations and see where each holds
# and fails; train it; look at its mistakes.
#
# **Prerequisites.** Derivatives, matrix products, the notation of [lesson 0](00_start_here.ipynb). **Minutes:** 85.
#
# Nothing is quoted that is not computed. Where a document prints something else than the truth, both are run.

# %% tags=["nbval-ignore-output"]
from functools import partial

import matplotlib.pyplot as plt
import numpy as np

import nnlib.plots.mlp_on_mnist as plots
from nnlib.blocks import sigmoid, softmax
from nnlib.calculus import check_vjp, numerical_gradient
from nnlib.checks import block, raises
from nnlib.data import enlarged, load_digits, load_mnist, one_hot, scale
from nnlib.experiments import confusion, gradient_noise, signal
from nnlib.initializers import constant, he_normal, he_uniform, normal, uniform, xavier_normal
from nnlib.layers import objective, parameter_vector
from nnlib.losses import cross_entropy, softmax_cross_entropy
from nnlib.mlp import MLP, TwoLayerNetwork
from nnlib.optimizers import Adam, GradientDescent
from nnlib.plots.canvas import use_style
from nnlib.training import Training, accuracy, fit
from nnlib.widgets.mlp_on_mnist import DigitPanel, TrainingPanel

use_style()
images, digits = load_mnist(), load_digits()
widths, sample_labels = [784, 40, 30, 20, 10], digits.labels_train[:100]
sample = scale(enlarged(digits.x_train[:100]), np.float64)


# %% [markdown]
# `images` is MNIST where it is installed, and otherwise the digits that come with the course, enlarged; every cell
# runs on both. `sample` is always the same hundred bundled digits, in float64: what we *derive* is checked on them.
#
# To measure a wrong formula we need one number, its largest error as a share of the largest true entry:


# %%
def off(got, want):
    return np.abs(got - want).max() / np.abs(want).max()


# %% [markdown] lecture={"ask": "What goes wrong if the pixels stay 0 to 255?", "expect": "The first outputs are 255 times as large, so a random network is very sure of random answers", "minutes": 9, "misconception": "scaling only matters for accuracy of the arithmetic"}
# ## What goes in
#
# An image is 28 × 28 bytes, 0 for paper and 255 for ink, and a label from 0 to 9.

# %%
few = images.x_train[:20]
_, ax = plt.subplots(figsize=(9, 3))
plots.draw_images(few, [str(label) for label in images.labels_train[:20]], ax=ax)
ax.set_title("Twenty images, each with its label")
plt.show()

# %% [markdown]
# Document E divides by 255 (`E-scale`) and does not say why. *Predict:* a network with random weights knows nothing, so
# its loss should be that of guessing among ten, $\ln 10 = 2.3$. What is it on raw pixels?

# %%
model = MLP(*widths, rng=0, dtype="float64")
for factor in (1, 255):
    loss, _ = softmax_cross_entropy(model(factor * sample)[0], labels=sample_labels)
    print(f"pixels 0 to {factor}: loss {loss:.3g}")

# %% [markdown]
# On raw pixels the network guesses just as blindly, but 255 times as loudly: its scores are 255 times as large, for ReLU
# passes any positive factor on. A loud wrong guess is expensive, and its gradient throws the weights about.
#
# So scale first: rows of 784 numbers in $[0, 1]$.

# %%
x, labels = scale(images.x_train), images.labels_train
x_test, labels_test = scale(images.x_test), images.labels_test
assert x.shape[1] == 784
assert x.min() == 0
assert x.max() == 1

# %% [markdown]
# The label 3 is not more than the label 2, so E writes it as a **one-hot** row: a one in column 3. It calls that necessary
# for the matrix product (`E-onehot`). *Predict:* is anything lost if we keep the number and just look up the
# probability of the true class?

# %%
z, _ = model(sample)
by_product, _ = cross_entropy(softmax(z)[0], target=one_hot(sample_labels, 10))
by_lookup, _ = softmax_cross_entropy(z, labels=sample_labels)
assert np.isclose(by_product, by_lookup, rtol=1e-12)

# %% [markdown]
# Nothing: in $-\sum_k y_k\ln p_k$ all terms but one are zero. And with two classes one score is enough, since softmax
# only sees differences (`E-2class`): $\mathrm{softmax}(z)_1=\sigma(z_1-z_0)$.

# %%
two = z[:, :2]
assert np.allclose(softmax(two)[0][:, 1], sigmoid(two[:, 1] - two[:, 0])[0], rtol=1e-12)

# %% [markdown] lecture={"ask": "How many numbers does the network learn?", "expect": "33,460", "minutes": 6, "misconception": "the layers' outputs are parameters too"}
# ## The network is 33,460 numbers
#
# Four linear layers, 784 → 40 → 30 → 20 → 10, with ReLU between them. A layer from $n$ to $m$ has a weight matrix
# $m\times n$ and $m$ biases (`E-shapes`), and that is all there is to learn (`E-count`):

# %%
shapes = [(m, n) for n, m in zip(widths[:-1], widths[1:])]
weights, biases = sum(m * n for m, n in shapes), sum(m for m, _ in shapes)
print(shapes, f"{weights} weights + {biases} biases = {weights + biases}")

# %% [markdown]
# `nnlib` keeps them in **one vector** $\theta$; the layers hold views of it. An optimizer then is one line on one vector,
# and "the gradient" is one vector too.

# %%
model = MLP(*widths, rng=0, dtype="float64")
theta, grad = parameter_vector(model)
assert theta.size == grad.size == 33_460
theta[0] = 7.0
assert model.layers()[0].params["W"][0, 0] == 7.0

# %% [markdown]
# E draws the bias as one more neuron that always says 1 (`E-biasneuron`). That is exact: $[W\;b]\,[a;1]=Wa+b$.

# %%
W, b = model.layers()[0].params.values()
with_bias_neuron = np.hstack([sample, np.ones((100, 1))]) @ np.hstack([W, b[:, None]]).T
assert np.allclose(with_bias_neuron, sample @ W.T + b, rtol=0, atol=1e-12)

# %% [markdown] lecture={"ask": "Why not start with all weights equal?", "expect": "All units of a layer get the same gradient for ever", "minutes": 10, "misconception": "random weights are needed to avoid zeros"}
# ## The first weights
#
# E lists five ways to start. The simplest is a constant (`E-const`). *Predict:* forty hidden units with forty equal rows
# of weights: how do their gradients differ?

# %%
model = MLP(*widths, init=constant, rng=0, dtype="float64")
_, pullback = objective(model, softmax_cross_entropy, sample, labels=sample_labels)(
    parameter_vector(model)[0]
)
pullback(1.0)
dW = model.layers()[0].grads["W"]
assert np.allclose(dW, dW[0], rtol=0, atol=1e-12)

# %% [markdown]
# They do not. Forty equal units get forty equal gradients and stay equal for ever: a network one unit wide, bought at the
# price of forty. So the weights must be random. How large?
#
# One layer sums $n$ products. With independent weights of variance $v$ and inputs of mean square 1, each sum has mean
# square $n\,v$, and ReLU halves it. To keep the signal we need
#
# $$\tfrac12\,n_{in}\,v=1\quad\Rightarrow\quad v=\frac{2}{n_{in}},$$
#
# which is He's choice.

# %% [markdown]
# A uniform on $[-b,b]$ has variance $b^2/3$, so He's uniform bound is $b=\sqrt{6/n_{in}}$. E prints
# $\sqrt{3/n_{in}}$ (`E-he-u`): half the variance. And for Xavier's normal it prints the variance $\frac2{n_{in}+n_{out}}$
# where the notation wants the standard deviation (`E-xavier-n`).
#
# *Predict:* what does half the variance do in twenty layers?

# %%
printed_he = partial(uniform, low=-np.sqrt(3 / 256), high=np.sqrt(3 / 256))
printed_xavier = partial(normal, std=2 / (256 + 256))
rules = {"He normal": he_normal, "He uniform": he_uniform, "He uniform as E prints it": printed_he}
rules |= {"Xavier normal": xavier_normal, "Xavier normal as E prints it": printed_xavier}
curves = {name: signal(rule, depth=20, width=256, rng=0) for name, rule in rules.items()}

# %%
_, ax = plt.subplots(figsize=(9, 4.5))
plots.draw_signal(curves, title="Half the variance: the signal halves at every layer", ax=ax)
ax.set_ylim(1e-9, 1e3)
plt.show()

# %% [markdown]
# He's weights carry the signal through. At half the variance it halves twenty times, to a millionth; Xavier's rule, made
# for tanh, does the same here, since its $\frac2{n+n}$ is half of $\frac2n$. The misprinted Xavier leaves the picture
# in the second layer.

# %%
last = {name: curve[-1] for name, curve in curves.items()}
assert 0.1 < last["He normal"] < 10
assert 0.1 < last["He uniform"] < 10
assert 0.1 < last["He uniform as E prints it"] / 2.0**-20 < 10
assert last["Xavier normal as E prints it"] < 1e-40

# %% [markdown] lecture={"ask": "What must be kept for the way back?", "expect": "The input and, for ReLU, the sign of each pre-activation", "minutes": 8, "misconception": "the forward pass can be thrown away"}
# ## The forward pass
#
# E keeps samples as **columns**, so its batch is $784\times100$, and stores what each layer computes, before and after the
# activation. Here is its pass, line by line.

# %%
model = MLP(*widths, rng=0, dtype="float64")
linear_layers = [layer for layer in model.layers() if layer.params]
a, logits, activations = sample.T, [], [sample.T]
for layer in linear_layers:
    z = layer.params["W"] @ a + layer.params["b"][:, None]
    a = np.maximum(z, 0) if layer is not linear_layers[-1] else softmax(z, axis=0)[0]
    logits, activations = [*logits, z], [*activations, a]

# %%
print("logits     ", [z.shape for z in logits])
print("activations", [a.shape for a in activations])

# %% [markdown]
# E prints (40, 100) for the third entry of the logits (`E-logits-hist`); it is (20, 100). The library keeps samples as
# **rows**; transposed, every number is the same:

# %%
p, _ = softmax(model(sample)[0])
assert np.allclose(activations[-1], p.T, rtol=1e-12)
assert np.allclose(logits[1], model.values(sample)[2].T, rtol=0, atol=1e-12)

# %% [markdown]
# E calls the activation "element-wise" for all layers (`E-elementwise`). Not the last: softmax divides by a sum over a
# column, so moving one score moves all ten probabilities. Remember that; it breaks the first backward equation.

# %%
moved = logits[-1].copy()
moved[3] += 1
assert (softmax(moved, axis=0)[0] != activations[-1]).all()

# %% [markdown]
# The sum must run over each column, `axis=0` (`E-axis0`), and E insists on `keepdims=True` (`E-keepdims`). *Predict:* who
# notices if a class forgets it, with samples as columns, and as rows?

# %%
z = logits[-1][:, :10]  # ten samples: the dangerous case, as many as classes
e = np.exp(z - z.max())
columns, rows = e / e.sum(axis=0), e.T / e.T.sum(axis=1)
print("columns:", np.allclose(columns.sum(axis=0), 1), "  rows:", np.allclose(rows.sum(axis=1), 1))

# %% [markdown]
# As columns it is right anyway: NumPy lines shapes up from the right. As rows a batch of 100 raises an error, but a batch of
# ten divides each *column* by the wrong sums, and nothing complains. A safeguard in E's layout, a necessity in ours.

# %% [markdown] lecture={"ask": "Which of the four equations fails for this network, and why?", "expect": "The first: softmax is not elementwise", "minutes": 16, "misconception": "matching shapes prove a formula"}
# ## The way back: four equations
#
# Write $\delta^l=\partial C/\partial z^l$, one column for each sample. E gives four equations (`E-bp1`, `E-bp2`, `E-bp234`):
#
# $$\delta^L=\nabla_aC\odot\sigma'(z^L)\quad(1)\qquad \delta^l=(W^{l+1})^\top\delta^{l+1}\odot\sigma'(z^l)\quad(2)$$
#
# $$\frac{\partial C}{\partial b^l}=\sum_n\delta^l_n\quad(3)\qquad\frac{\partial C}{\partial W^l}=\delta^l\,(a^{l-1})^\top\quad(4)$$
#
# (It prints $L$ for $l$ in the second, and no sum in the third.)

# %%
model = MLP(*widths, rng=0, dtype="float64")
theta, grad = parameter_vector(model)
values = model.values(sample)  # the outputs of linear, relu, linear, relu, ...
logits, activations = [z.T for z in values[::2]], [sample.T, *(a.T for a in values[1::2])]
weights = [layer.params["W"] for layer in model.layers() if layer.params]
p, Y, n = softmax(logits[-1], axis=0)[0], one_hot(sample_labels, 10).T, 100

# %% [markdown]
# **Equation 1 fails.** The cost is $C=-\frac1n\sum Y\ln p$, so $\nabla_pC=-Y/(np)$, and softmax has $\partial p_j/\partial z_j=p_j(1-p_j)$.
# *Predict:* is their product the gradient?

# %%
truth = numerical_gradient(
    lambda z: softmax_cross_entropy(z.T, labels=sample_labels)[0], logits[-1]
)
dp = -Y / (n * p)
print(f"equation 1 as printed is off by {off(dp * p * (1 - p), truth):.2g}")

# %% [markdown]
# It is not. Each score moves *all* probabilities, so $\delta_j=\sum_k\frac{\partial C}{\partial p_k}\frac{\partial p_k}{\partial z_j}$: the
# whole Jacobian, $J=\mathrm{diag}(p)-pp^\top$, transposed (`E-cce-elem`). E itself uses it two lines later. With it:
#
# $$\delta_j=\sum_k-\frac{Y_k}{np_k}\,p_k(\mathbb 1_{jk}-p_j)=\frac1n\Big(p_j\sum_kY_k-Y_j\Big)=\frac{p_j-Y_j}{n}$$

# %%
jacobians = [np.diag(q) - np.outer(q, q) for q in p.T]
delta = np.stack([J.T @ g for J, g in zip(jacobians, dp.T)], axis=1)
assert off(delta, truth) < 1e-6
assert np.allclose(delta, (p - Y) / n, rtol=0, atol=1e-12)


# %% [markdown]
# **Equations 2 to 4 hold.** Backwards through the layers: ReLU's slope is 1 where $z>0$, else 0. Each line of the loop is one of the equations.


# %%
def four_equations(delta):
    gradients = []
    for l in reversed(range(4)):
        gradients = [delta @ activations[l].T, delta.sum(axis=1), *gradients]  # (4), (3)
        if l > 0:
            delta = (weights[l].T @ delta) * (logits[l - 1] > 0)  # (2)
    return np.concatenate([g.ravel() for g in gradients])


by_hand = four_equations((p - Y) / n)

# %% [markdown]
# Is it the gradient? Two witnesses: the library, which composes pullbacks, and differences, which know no calculus at all.
# `objective` is the network, its data and its loss as one function of $\theta$; `check_vjp` compares it with differences
# along fifty random directions.

# %%
loss = objective(model, softmax_cross_entropy, sample, labels=sample_labels)
_, pullback = loss(theta)
assert np.allclose(by_hand, pullback(1.0), rtol=0, atol=1e-12)
print("agrees with differences to 1e-7:", check_vjp(loss, theta, directions=50) < 1e-7)

# %% [markdown]
# The library's whole backward pass is shorter still: every layer returned its own way back, and the chain rule is the list
# of them, reversed.

# %%
import inspect

print(inspect.getsource(type(model).chain))

# %% [markdown]
# **Where the sum over samples belongs.** E writes the sum inside: $\delta^L=-\frac1n\sum_i[y-a]_i$ (`E-cce-delta`; also `E-mse-delta`, `E-bce-delta`). *Predict:* which
# of its gradients survive that?

# %%
summed = ((p - Y) / n).sum(axis=1)
pullback(1.0)
last_layer = model.layers()[-1].grads
assert np.allclose(summed, last_layer["b"], rtol=0, atol=1e-12)
with_mean_input = np.outer(summed, activations[-1].mean(axis=1))
print(
    f"bias: right.  weights, with the mean input: off by {off(with_mean_input, last_layer['W']):.2g}"
)

# %% [markdown]
# The bias alone, for it is the sum. The weights pair each sample's error with *its own* input; once the errors are summed
# that is lost. One column for each sample, and sum last.

# %% [markdown]
# **One neuron, and a transposed slip.** Document D starts with a single neuron, $z=wa+b$, $C=(\sigma(z)-y)^2$. Its three derivatives share
# $\sigma'(z)\,2(\sigma(z)-y)$ (`D-bp-w`, `D-bp-b`, `D-bp-a`), and they are right:

# %%
s = lambda z: 1 / (1 + np.exp(-z))
w, b, a, y = 0.7, -0.2, 0.4, 1.0
shared = s(w * a + b) * (1 - s(w * a + b)) * 2 * (s(w * a + b) - y)
truth = numerical_gradient(lambda q: (s(q[0] * q[2] + q[1]) - y) ** 2, np.array([w, b, a]))
assert np.allclose([a * shared, shared, w * shared], truth, atol=1e-9)

# %% [markdown]
# Then it stacks two layers and prints $X^\top\delta^{(3)}(w^{(1)})^\top f'(z^{(2)})$ for the first weights (`D-im-w1m`). The way back from
# layer 3 leads through the weights that were used on the way there, $w^{(2)}$. With layers of different widths NumPy
# refuses. *Predict:* and with equal widths?

# %%
X, target, w1, w2 = np.random.default_rng(0).standard_normal((4, 3, 3))
cost = lambda w1: 0.5 * ((target - s(s(X @ w1) @ w2)) ** 2).sum()
a2, y_hat = s(X @ w1), s(s(X @ w1) @ w2)
delta3 = -(target - y_hat) * y_hat * (1 - y_hat)
for name, w in {"as printed, w1": w1, "corrected, w2": w2}.items():
    got = X.T @ (delta3 @ w.T * a2 * (1 - a2))
    print(f"{name}: {'agrees' if off(got, numerical_gradient(cost, w1)) < 1e-6 else 'wrong'}")


# %% [markdown] lecture={"ask": "A network learns. Is its gradient right?", "expect": "Not necessarily: any direction within 90 degrees of the gradient goes downhill", "minutes": 9, "misconception": "falling loss proves the backward pass"}
# ## The wrong gradient that learns
#
# In E's code, equation 2 has $\sigma(z)$ where $\sigma'(z)$ is meant (`E-delta-code`). Every shape fits. *Predict:* does such
# a network learn?


# %%
@block("x (...) -> y (...)")
def sigma_for_slope(x):
    y, _ = sigmoid(x)
    return y, lambda dy: dy * y  # σ, where the slope σ′ = y (1 - y) is meant


# %% [markdown]
# The rules of the race, set before it is run: the bundled 8 × 8 digits, a network 64 → 30 → 10, 450 steps; five learning
# rates for each arm, three seeds for each rate, the same first weights and batches for both arms. Expect the right slope to
# win at its best rate; watch what happens at the smallest.


# %%
def accuracy_after(activation, rate, seed):
    x, x_test = (scale(part, np.float64, white=16) for part in (digits.x_train, digits.x_test))
    network = MLP(64, 30, 10, activation=activation, init=xavier_normal, rng=seed, dtype="float64")
    rule = GradientDescent(parameter_vector(network)[0], rate)
    run = Training(
        network, softmax_cross_entropy, rule, x, digits.labels_train, batch_size=100, seed=seed
    )
    run.run(450)
    return accuracy(network, x_test, digits.labels_test)


# %%
rates, arms = (
    [0.03, 0.1, 0.3, 1.0, 3.0],
    {"σ′, the slope": sigmoid, "σ, as E's code has it": sigma_for_slope},
)
results = {
    name: np.array(
        [[accuracy_after(activation, rate, seed) for seed in range(3)] for rate in rates]
    )
    for name, activation in arms.items()
}

# %%
_, ax = plt.subplots(figsize=(9, 4.5))
plots.draw_rates(rates, results, ax=ax)
plt.show()

# %%
right, wrong = (result.mean(axis=1) for result in results.values())
for rate, r, w in zip(rates, right, wrong):
    print(f"rate {rate:<5} slope {r:.3f}   as printed {w:.3f}")
assert right.max() > wrong.max() > 0.7
assert wrong[0] > right[0]

# %% [markdown]
# It learns, and at the smallest rate it is *ahead*: $\sigma$ is larger than $\sigma'$, so its steps are longer. Only at its best rate does
# the true gradient pull away. Nobody who watches shapes or losses would notice. Differences notice at once:

# %%
point = np.array([-1.0, 0.5, 2.0])
assert check_vjp(sigmoid, point) < 1e-7
raises(AssertionError, check_vjp, sigma_for_slope, point)

# %% [markdown] lecture={"ask": "How much better is the gradient of 100 images than that of 25?", "expect": "Half the noise", "minutes": 8, "misconception": "it is four times as good"}
# ## Batches
#
# The gradient of the whole set is an average over its images (`D-bp-avg`), so that of a random batch is a noisy measurement of
# it. Averages of $B$ independent draws have noise $\propto1/\sqrt B$. We measure it: the typical distance to the whole gradient,
# as a share of its length.

# %%
model, sizes = MLP(*widths, rng=0, dtype="float64"), [1, 4, 16, 64, 256]
x_all = scale(enlarged(digits.x_train), np.float64)
noise = gradient_noise(
    model, softmax_cross_entropy, x_all, digits.labels_train, sizes, draws=50, rng=0
)
assert np.all(np.abs(np.log2(noise[:-1] / noise[1:]) - 1) < 0.35)

# %%
_, ax = plt.subplots(figsize=(9, 4.5))
plots.draw_gradient_noise(sizes, noise, ax=ax)
plt.show()


# %% [markdown]
# Sixteen times the work buys a quarter of the noise, and one image's gradient is mostly noise. So we take a hundred at a
# time: enough to point downhill, cheap enough to take thousands of steps.

# %% [markdown]
# E adds: divide by the batch size, or the accuracy will not improve (`E-normalise`). *Predict:* train on the **sum** of the
# losses with a rate of 0.003, and on their mean with 0.3.


# %%
@block("z (..., c); labels (...) -> L ()")
def summed_cross_entropy(z, *, labels):
    L, pullback = softmax_cross_entropy(z, labels=labels)
    return len(z) * L, lambda dL: pullback(len(z) * dL)


# %%
ends = []
for loss, rate in ((softmax_cross_entropy, 0.3), (summed_cross_entropy, 0.003)):
    network = MLP(*widths, rng=0, dtype="float64")
    rule = GradientDescent(parameter_vector(network)[0], rate)
    Training(network, loss, rule, x_all, digits.labels_train, batch_size=100, seed=0).run(30)
    ends.append(rule.theta)
assert np.allclose(*ends, rtol=0, atol=1e-9)

# %% [markdown]
# The same network, number for number: a hundred times the gradient at a hundredth of the rate. What the mean buys is a rate
# that need not be chosen again when the batch size changes.

# %% [markdown] lecture={"ask": "What does a confusion matrix tell that accuracy does not?", "expect": "Which digits are taken for which", "minutes": 12, "misconception": "the mistakes are spread evenly"}
# ## Training, live
#
# All the parts are there. Press play; then change the rule, the rate or the batch size and watch the same number of steps
# again, from the same first weights. Find a rate that diverges, and one that is too shy.

# %% tags=["nbval-ignore-output"]
x, labels = scale(images.x_train), images.labels_train
x_test, labels_test = scale(images.x_test), images.labels_test
panel = TrainingPanel(widths, x, labels, x_test, labels_test, batch_sizes=[10, 30, 100, 300])
panel.run(600)
panel

# %% [markdown]
# Now in earnest: He's weights, Adam at its usual rate 0.001, batches of 100, ten passes over MNIST (a hundred over the
# bundled digits, which are few). *Predict* the accuracy on images that it has never seen.

# %% tags=["nbval-ignore-output"]
model, epochs = MLP(*widths, rng=0), 100 if images.bundled else 10
rule = Adam(parameter_vector(model)[0])
history = fit(model, softmax_cross_entropy, rule, x, labels, epochs=epochs, batch_size=100, seed=0)
unseen = accuracy(model, x_test, labels_test)
per_epoch = history.accuracy.reshape(epochs, -1).mean(axis=1)
print(f"{unseen:.3f} of the unseen images are read rightly")
assert per_epoch[-1] > unseen > (0.85 if images.bundled else 0.96)

# %%
_, ax = plt.subplots(figsize=(9, 4))
plots.draw_epochs(per_epoch, unseen, ax=ax)
plt.show()

# %% [markdown]
# The network reads images that it trained on better than new ones. That gap is memory, not skill. What does it get wrong?

# %%
_, ax = plt.subplots(figsize=(8, 7))
plots.draw_confusion(confusion(model, x_test, labels_test, 10), ax=ax)
plt.show()

# %% [markdown]
# Accuracy is one number; the table is where to look. And the images themselves are where to understand. These are the twenty
# on which the network gave the true digit the least probability:

# %%
p, _ = softmax(model(x_test)[0])
wrong = np.flatnonzero(p.argmax(axis=1) != labels_test)
worst = wrong[np.argsort(p[wrong, labels_test[wrong]])][:20]
captions = [f"{labels_test[i]} → {p[i].argmax()}" for i in worst]
assert len(worst) == 20

# %%
_, ax = plt.subplots(figsize=(9, 3.4))
plots.draw_images(images.x_test[worst], captions, ax=ax)
ax.set_title("Its surest mistakes: true digit → what it read")
plt.show()

# %% [markdown]
# Some of these no one would read rightly. Others are plain, and the network is sure, and wrong: it knows how often pixels go
# together, not what a stroke is.
#
# Write one yourself. Then write it small, in a corner, or as you were taught abroad.

# %% tags=["nbval-ignore-output"]
DigitPanel(model, images.x_test[:100])

# %% [markdown] lecture={"ask": "Which bracket matters in document C's formula?", "expect": "The elementwise product comes before the matrix product", "minutes": 9, "misconception": "if it runs, the brackets were right"}
# ## The two-layer network of document C
#
# Document C does not flatten first. An image is $n$ rows of $m$ pixels, standardised (`C1-F1`); one $W_1$ serves all rows, each row
# has its own bias; then ReLU, flatten, and a second layer:
#
# $$a_1=W_1X^\top+B_1,\quad h_1=\mathrm{ReLU}(a_1),\quad s=\mathrm{softmax}(W_2\,\mathrm{flat}(h_1)+B_2)$$

# %%
network = TwoLayerNetwork(8, 8, 6, 10, rng=0, dtype="float64")
theta, _ = parameter_vector(network)
one, one_label = digits.x_train[:1].astype(float), digits.labels_train[:1]
loss = objective(network, softmax_cross_entropy, one, labels=one_label)
assert check_vjp(loss, theta + 0.1, directions=50) < 1e-7

# %% [markdown]
# Its gradient for $W_1$ (`C1-B5`) is a product with two readings. With $G=\mathrm{unflat}\big((s-y)W_2\big)$ and the mask
# $M=\mathbb 1[a_1>0]$:
#
# $$(G\odot M)\,X\qquad\text{or}\qquad G\odot(M\,X)\,?$$
#
# Precedence says the second. Our images are 8 × 8, so $n=m$, and *both* run.

# %%
_, pullback = loss(theta)
dW1 = pullback(1.0)[:48].reshape(6, 8)
X, a1, _, h, z = (value[0] for value in network.values(one))
G = ((softmax(z)[0] - one_hot(one_label, 10)[0]) @ network.layers()[-1].params["W"]).reshape(6, 8)
assert np.allclose((G * (a1 > 0)) @ X, dW1, rtol=0, atol=1e-12)
print(f"matrix product first: off by {off(G * ((a1 > 0) @ X), dW1):.2g}")

# %% [markdown]
# Elementwise first, or silently wrong; on images that are not square the second reading would at least have raised an error.
# The other gradients are as printed (`C1-B3`, `C1-B6`, `C1-B7`). Does the network read?

# %% tags=["nbval-ignore-output"]
network = TwoLayerNetwork(28, 28, 16, 10, rng=0)
theta, _ = parameter_vector(network)
squares, squares_test = x.reshape(-1, 28, 28), x_test.reshape(-1, 28, 28)
Training(network, softmax_cross_entropy, Adam(theta), squares, labels, batch_size=100, seed=0).run(
    600
)
right = accuracy(network, squares_test, labels_test)
print(f"{theta.size} numbers, 600 steps: {right:.3f} of the unseen images")
assert right > 0.85

# %% [markdown]
# With a sixth of the numbers it reads nearly as well: one $W_1$ for all rows is a first taste of sharing weights, which is
# what a transformer will do with every token.

# %% [markdown]
# ## What to remember
#
# * Scale the input, draw the weights with variance $2/n_{in}$, and the signal arrives.
# * $\delta=(p-Y)/n$ for softmax with cross-entropy, *because* its Jacobian is not diagonal. Sum over samples last.
# * A gradient can be wrong, fit every shape, and learn. Only differences tell.
# * A batch of $B$ has noise $1/\sqrt B$; sum or mean is a choice of rate.
# * Look at the mistakes.
#
# Back to [the start](00_start_here.ipynb).
