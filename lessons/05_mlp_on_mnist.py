# %% [markdown]
# # 5 · A network that reads digits
#
# Document E from its first page to its code, document D's backpropagation, document C's first network.
#
# **Objectives.** Build a network from four matrices; derive its way back line by line, and check each line; train it, see it overfit,
# and look at its mistakes.
#
# **Prerequisites.** [Blocks](02_blocks.ipynb), [cross-entropy](03_losses.ipynb), [gradient descent and Adam](04_optimizers.ipynb).
# **Minutes:** 126; a good place for a break is before the slip is raced.
#
# | letter | meaning |
# |---|---|
# | $a^0=x$, $z^l$, $a^l$ | the images; what layer $l$ computes, and what it passes on; a column for each image, as in E |
# | $W^l$, $b^l$ | the weights (out × in) and biases of layer $l$ |
# | $p$, $Y$, $L$ | probabilities; right answers, one-hot; the loss |
# | $\delta^l$ | $\partial L/\partial z^l$ |
# | $B$, $n$ | images in a batch; inputs of one unit |

# %% tags=["nbval-ignore-output"]
import matplotlib.pyplot as plt
import numpy as np

from nnlib.blocks import softmax
from nnlib.calculus import check_vjp, numerical_gradient
from nnlib.checks import raises
from nnlib.data import enlarged, load_digits, load_mnist, one_hot, scale
from nnlib.documents import claim, claims_table
from nnlib.exercises import exercise
from nnlib.experiments import diagnoses, lesson_05 as lab
from nnlib.initializers import constant, he_normal, xavier_normal
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP, TwoLayerNetwork
from nnlib.optimizers import Adam, GradientDescent
from nnlib.parameters import objective, parameter_vector
from nnlib.plots import canvas, curves, images as pictures, lesson_05 as plots, matrices
from nnlib.training import Training, accuracy
from nnlib.widgets import faults, lesson_05 as panels

canvas.use_style()
images, digits, widths = load_mnist(), load_digits(), [784, 40, 30, 20, 10]
x, labels = scale(images.x_train), images.labels_train
x_test, labels_test = scale(images.x_test), images.labels_test
x_few, labels_few = scale(enlarged(digits.x_train), np.float64), digits.labels_train
sample, sample_labels = x_few[:100], labels_few[:100]
fresh = MLP(*widths, rng=0, dtype="float64")  # random weights, never trained
off = lambda got, want: np.abs(got - want).max() / np.abs(want).max()  # a share of the largest

# %% [markdown] lecture={"ask": "Two networks learn; one has a bug in its way back. Which?", "board": "two axes, steps and accuracy; the votes beside them", "cut": "0 nothing", "expect": "Nearly all say B, the slower one", "jump": "setup", "minutes": 6, "misconception": "A network that learns faster has the better gradient"}
# ## Which one has the bug?
#
# Two networks, 64-30-10 with sigmoids, learn to read small digits: equal first weights, equal batches, equal rate. In one of them a line of the way back is wrong. Five runs of each, and their means:

# %%
reads = lambda hidden: [lab.learned(hidden, 0.03, seed=s, every=45).unseen for s in range(5)]
unseen = {f"network {name}": np.array(reads(hidden)) for name, hidden in lab.HIDDEN.items()}
assert (unseen["network A"][:, 2:] > unseen["network B"][:, 2:]).all()

# %%
_, ax = plt.subplots(figsize=(9, 4))
means, steps = {name: runs.mean(axis=0) for name, runs in unseen.items()}, np.arange(0, 451, 45)
names = {"xlabel": "step", "ylabel": "accuracy on unseen digits", "legend": "inside"}
curves.draw_lines(means, steps, **names, title="One of the two has a bug", every=1, ax=ax)
plt.show()

# %% [markdown]
# **Vote.** The bug is in (a) A, (b) B; (c) these curves cannot tell.
#
# Differences can. `check_vjp` compares a pullback with them, at a point:

# %%
point = np.array([-1.0, 0.5, 2.0])
assert check_vjp(lab.HIDDEN["B"], point) < 1e-7
raises(AssertionError, check_vjp, lab.HIDDEN["A"], point)

# %% [markdown]
# It is A, ahead in all five runs of 450 steps! (b) took the better curve for the better gradient. (c) was right.
#
# On the way back A multiplies by $\sigma(z)$, where the slope $\sigma'(z)=\sigma(1-\sigma)$ is due. Every shape fits. A set of lecture notes, E, has such a line of code. Just above
# it, its four equations say $\sigma'$, so a prime was probably lost in writing.
#
# What does it take to build a reader of digits, **and to know that it is right?**

# %%
claim("E-delta-code")

# %% [markdown] lecture={"ask": "How many unseen digits does one reach with ten mean images and no learning?", "board": "ten mean images; the nearest wins", "cut": "2 the trained linear layer: say 92 %", "expect": "Four in five", "jump": "setup", "minutes": 10, "misconception": "96 % is impressive; from 82 or 92 it is the last part of the way"}
# ## What is a good reader?
#
# An image is 28 × 28 bytes, 0 for paper and 255 for ink, with a label from 0 to 9. (Without MNIST, digits that come with the course take its place.)

# %%
_, ax = plt.subplots(figsize=(9, 3))
captions = [str(label) for label in labels[:20]]
pictures.draw_images(images.x_train[:20], captions, title="Twenty images to learn from", ax=ax)
plt.show()

# %% [markdown]
# Before any network, a **baseline**. For each digit take the mean of its training images; a new image is read as the nearest mean.
#
# *Predict:* of the unseen images that reads (a) one in five, (b) half, (c) four in five.

# %% tags=["nbval-ignore-output"]
digit_means = np.stack([x[labels == digit].mean(axis=0) for digit in range(10)])
scores = 2 * x_test @ digit_means.T - (digit_means**2).sum(axis=1)  # the largest: the nearest
nearest = (scores.argmax(axis=1) == labels_test).mean()
print(f"nearest mean: {nearest:.2f}")
assert 0.8 < nearest < 0.86

# %%
_, ax = plt.subplots(figsize=(9, 1.8))
title = "The mean of each digit; the nearest one is right four times in five"
pictures.draw_images(digit_means.reshape(-1, 28, 28), list("0123456789"), title=title, ax=ax)
plt.show()

# %% [markdown]
# (c). The code has no distance in it: $\lVert x-m\rVert^2=\lVert x\rVert^2-2\,m\cdot x+\lVert m\rVert^2$, and $\lVert x\rVert^2$ is the same for all ten. So the largest $2\,m\cdot x-\lVert m\rVert^2$ wins: a **linear
# layer** with $W=2m$, $b=-\lVert m\rVert^2$, which nobody trained. Trained, it does better:

# %% tags=["nbval-ignore-output"]
linear = lab.reader(784, 10, data=(x, labels), steps=3000)
print(f"one linear layer, trained: {accuracy(linear, x_test, labels_test):.2f}")
assert nearest + 0.03 < accuracy(linear, x_test, labels_test) < 0.94

# %% [markdown]
# So a reader with hidden layers is to be measured against that: 92 % on MNIST.
#
# E divides the pixels by 255. Guessing one in ten costs $\ln10=2.3$. *Predict:* a random network's first loss on raw pixels is (a) the same, (b) about ten, (c) about a hundred or more.

# %%
for factor in (1, 255):
    L_of = objective(fresh, softmax_cross_entropy, factor * sample, labels=sample_labels)
    value, pullback = L_of(parameter_vector(fresh)[0])
    print(f"pixels 0 to {factor}: loss {value:.3g}, gradient {np.linalg.norm(pullback(1.0)):.0f}")
quiet, loud = fresh(sample)[0], fresh(255 * sample)[0]
assert np.allclose(loud, 255 * quiet, rtol=1e-9)

# %% [markdown]
# (c). Its guesses are the same, so (a) sounds right, but they are 255 times as loud: ReLU and zero biases let a factor pass through. Loud wrong guesses are expensive, and a step of the first weights moves the scores 255 times as far.
#
# What is left of that after training, even with Adam, whose steps do not grow with the gradient? Stored runs (`python -m benchmarks.mlp_05`), five seeds; *spread* is the best of them less the worst:

# %%
runs = lab.stored_runs("pixels")
for row in runs:
    print(f"pixels {row['arm']:8} {row['setting']}: {row['mean']}, spread {row['spread']}")
assert float(runs[1]["mean"]) > float(runs[0]["mean"]) + 0.05
assert float(runs[0]["spread"]) > 10 * float(runs[1]["spread"])

# %% [markdown]
# Raw pixels cost ten points, and which network one gets is luck of the seed. So scale first.

# %% [markdown] lecture={"ask": "How many numbers does the network learn?", "board": "five boxes with their shapes, four arrows with W and its shape", "cut": "1 the shapes in rows", "expect": "33,460", "jump": "setup", "minutes": 9, "misconception": "What the units compute is learned; only W and b are"}
# ## E's network
#
# E's network has four layers. Layer $l$ multiplies by its weights, adds its biases and, but for the last, applies ReLU; the last makes probabilities of ten scores. (E leaves the activation open, "$\sigma$"; here it is ReLU, in the slip's race the sigmoid.)
#
# $$z^l=W^la^{l-1}+b^l,\qquad a^l=\max(z^l,0),\qquad p=\mathrm{softmax}(z^4)\text{ of each column}.$$

# %%
_, ax = plt.subplots(figsize=(9, 2.3))
title = "E's network on 100 images: values go forward, a column for each image"
plots.draw_layers(widths, 100, title=title, ax=ax)
plt.show()

# %% [markdown]
# *Predict:* how many numbers does it learn? (a) 884, one for each unit, (b) 33,460, (c) three million.

# %%
shapes = list(zip(widths[1:], widths))
in_weights, in_biases = sum(m * n for m, n in shapes), sum(m for m, n in shapes)
print(f"{in_weights} weights + {in_biases} biases = {in_weights + in_biases}")
theta, grad = parameter_vector(fresh)
assert theta.size == grad.size == in_weights + in_biases
assert sum(widths) == 884


# %% [markdown]
# (b). The units of (a) learn nothing: their values are computed anew for each image. `nnlib` keeps all 33,460 in **one vector** $\theta$, of which the layers hold views, so that a gradient is one vector too.
#
# **Your turn:** the forward pass, in E's columns. (A column $b$ of shape $m\times1$ is added to each of the columns.)


# %% tags=["exercise"]
def forward(weights, biases, a):
    """The probabilities (10, B) of the images a (784, B)."""


exercise("forward pass", forward)

# %% [markdown]
# <details><summary>A hint</summary>
#
# Loop over all layers but the last; softmax needs the sum of each column, `axis=0`.
# </details>
#
# <details><summary>A solution</summary>
#
# ```python
# def forward(weights, biases, a):
#     for W, b in zip(weights[:-1], biases[:-1]):
#         a = np.maximum(W @ a + b, 0)
#     e = np.exp(weights[-1] @ a + biases[-1])
#     return e / e.sum(axis=0)
# ```
# </details>
#
# The library keeps images as **rows**; transposed, each number is the same. E stores $z^l$ and $a^l$ for the way back:

# %%
logits, activations = lab.in_columns(fresh, sample)
print("z, columns:", *[z.shape for z in logits])
print("z, rows:   ", *[z.T.shape for z in logits])
W1, b1 = fresh.layers()[0].params.values()
assert np.allclose(logits[0], W1 @ sample.T + b1[:, None], rtol=0, atol=1e-12)
assert np.allclose(activations[1], np.maximum(logits[0], 0), rtol=0, atol=1e-12)

# %% [markdown] lecture={"ask": "Why not start with all weights equal?", "board": "two hidden units, equal lines in, equal lines out", "cut": "3 the table of depths", "expect": "All units of a layer get the same gradient, for ever", "jump": "setup", "minutes": 12, "misconception": "Random weights are needed to avoid zeros"}
# ## The first weights
#
# The simplest start on E's list is a constant. *Predict:* all weights are equal; after thirty steps the forty rows of $W^1$ are (a) all different, (b) a few groups, (c) still equal.

# %%
alike = MLP(*widths, init=constant, rng=0, dtype="float64")
slow = GradientDescent(parameter_vector(alike)[0], 0.1)
Training(alike, softmax_cross_entropy, slow, x_few, labels_few, batch_size=100, seed=0).run(30)
rows = alike.layers()[0].params["W"]
assert np.allclose(rows, rows[0], rtol=0, atol=1e-12)
assert np.abs(rows - constant((40, 784))).max() > 1e-4  # they have moved


# %% [markdown]
# (c): they have moved, all alike. Two units with equal inputs, weights and biases have equal $z$. If the weights *out* of them are equal too, the loss feels both alike: equal $\delta$. A row's gradient is
# $\delta$ times the inputs, so it is equal, and after the step all is as before. Forty units do the work of one.

# %% [markdown]
# So draw at random. How large? Weights of mean 0 and variance $v$, independent of each other and of the inputs; inputs of mean square 1: then
#
# * $z$ has mean square $n\,v$: squares of the $n$ products, $v\cdot1$ each; the mixed terms have mean 0;
# * if $w$ and $-w$ are equally likely, so are $z$ and $-z$: ReLU keeps half of that.
#
# The signal neither grows nor fades when
#
# $$\tfrac12\,n\,v=1,\qquad v=\frac2n\quad(\textbf{He}).$$
#
# **Your turn:** drawn uniformly from $[-b,b]$, a weight has the variance $b^2/3$. Which $b$ keeps the signal?


# %% tags=["exercise"]
def he_bound(n):
    """The b of a uniform on [-b, b], for units with n inputs, behind ReLU."""


exercise("He's bound", he_bound)

# %% [markdown]
# <details><summary>A hint</summary>
#
# $b^2/3=2/n$.
# </details>
#
# <details><summary>A solution</summary>
#
# ```python
# def he_bound(n):
#     return np.sqrt(6 / n)
# ```
# </details>
#
# E has He's normal right, and for the uniform prints $\sqrt{3/n}$: LeCun's bound, for layers without ReLU; half the variance. Xavier's rule, made for tanh, has half of it too where $n_{in}=n_{out}$.
#
# *Predict:* half the variance, twenty layers. At the end the signal is (a) half, (b) a twentieth, (c) a millionth.

# %%
started = {"√(6/n), He": lab.bounded(6), "√(3/n), as printed": lab.bounded(3)}
started |= {"He normal": he_normal, "Xavier normal": xavier_normal}
signals = {name: lab.signal(init, depth=20, width=256, rng=0) for name, init in started.items()}
last = [values[-1] for values in signals.values()]
assert all(0.1 < value < 10 for value in last[::2])
assert all(0.1 < value / 2.0**-20 < 10 for value in last[1::2])

# %%
_, ax = plt.subplots(figsize=(9, 4.4))
names = {"xlabel": "layers passed", "ylabel": "mean square of the signal", "yscale": "log"}
title = "With half the variance, each layer loses half of the signal"
curves.draw_lines(signals, **names, title=title, every=4, ax=ax)
plt.show()

# %%
claim("E-he-u")

# %% [markdown]
# (c): $2^{-20}$. (a) is one layer's loss, and losses multiply, (b) adds them.
#
# *Predict:* in E's own *four* layers, √(3/n) costs (a) nothing in the end, (b) ten points, (c) everything. And in twenty?

# %%
runs = lab.stored_runs("bounds")
for row in runs:
    print(f"{row['setting']:41} {row['arm']}: {row['mean']}, spread {row['spread']}")
reached = [float(row["mean"]) for row in runs]
assert reached[1] - reached[0] < float(runs[0]["spread"])
assert 0.01 < reached[3] - reached[2] < 0.05
assert reached[4] < 0.25 < 0.8 < reached[5]
assert 0.02 < reached[7] - reached[6] < 0.1

# %% [markdown]
# (a): after ten epochs less than seeds differ; plain gradient descent, at rate 0.03, is two points behind in its first 600 steps. In twenty layers (of forty units) it is (c) for gradient descent: *depth* makes the factor fatal. Adam, whose steps forget the gradient's size, loses some five points there.

# %% [markdown] lecture={"ask": "Three derivatives of one neuron: what do they share?", "board": "one neuron: a, w, b, z, \u03c3, L; below it the \u03b4; then the 2-3-2 network", "cut": "0 nothing", "expect": "dL/dz; so compute it once and call it \u03b4", "jump": "setup", "minutes": 10, "misconception": "Each weight needs a chain rule of its own"}
# ## Who is to blame?
#
# Now the way back, first for **one neuron**, as document D begins: $z=wa+b$, $L=(\sigma(z)-y)^2$. By hand, $w=2$, $a=\frac12$, $b=-1$, $y=1$: $z=0$, $\sigma=\frac12$, $\sigma'=\frac14$, and
#
# $$\delta=\frac{\partial L}{\partial z}=2\,(\sigma-y)\,\sigma'=2\cdot(-\tfrac12)\cdot\tfrac14=-\tfrac14 .$$

# %% [markdown]
# $w$, $b$ and $a$ reach the loss through $z$ alone, so all three derivatives are $\delta$ times what $z$ gains from each:
#
# $$\frac{\partial L}{\partial w}=\delta\,a=-\tfrac18,\qquad\frac{\partial L}{\partial b}=\delta=-\tfrac14,\qquad\frac{\partial L}{\partial a}=\delta\,w=-\tfrac12 .$$
#
# D has all three right. *Predict:* with $a=0$, what is certain to be 0? (a) $\partial L/\partial w$, (b) $\partial L/\partial b$, (c) all three.

# %%
s = lambda z: 1 / (1 + np.exp(-z))
L_neuron = lambda q: (s(q[0] * q[2] + q[1]) - 1.0) ** 2  # q: w, b, a
by_differences = numerical_gradient(L_neuron, np.array([2.0, -1.0, 0.5]))
assert np.allclose(by_differences, [-1 / 8, -1 / 4, -1 / 2], atol=1e-9)
silent = numerical_gradient(L_neuron, np.array([2.0, -1.0, 0.0]))
assert abs(silent[0]) < 1e-9 < abs(silent[1]) < abs(silent[2])

# %% [markdown]
# (a): a weight whose input is silent is not to blame, the bias is. (c) would need $\delta=0$.
#
# **A small network**: two inputs, three hidden units with ReLU, two classes, one image; the first class is right. Both scores are 2, so $p=(\frac12,\frac12)$. The last $\delta$ is $p-y=(-\frac12,\frac12)$; the next section says why.
#
# A hidden unit collects from the units that it went to, through the same weights (a line that is missing is a weight of 0): the first one $2\cdot(-\frac12)+(-1)\cdot\frac12=-1.5$.

# %%
W_1, W_2 = np.array([[1.0, 0], [-1, 1], [1, -1]]), np.array([[2.0, 0, 3], [-1, 3, 1]])
z_1 = W_1 @ [1.0, 2.0]
z_2 = W_2 @ np.maximum(z_1, 0)
delta_2 = softmax(z_2)[0] - [1.0, 0.0]
delta_1 = (W_2.T @ delta_2) * (z_1 > 0)  # what a unit that was off collects is lost
L_small = lambda z: -np.log(softmax(W_2 @ np.maximum(z, 0))[0][0])
assert np.allclose([*z_1, *z_2, *delta_1], [1, 1, -1, 2, 2, -1.5, 1.5, 0])
assert np.allclose(numerical_gradient(L_small, z_1), delta_1, atol=1e-9)

# %%
_, ax = plt.subplots(figsize=(9, 4.4))
values = {"$x$": np.array([1, 2]), "$a^1$": np.maximum(z_1, 0), "$z^2$": z_2}
title = "Values go right, blame comes back; a unit that was off passes none on"
plots.draw_units(values, [W_1, W_2], [delta_1, delta_2], title=title, ax=ax)
plt.show()

# %% [markdown]
# So $W$ carries values forward and $W^\top$ carries $\delta$ back. This is lesson 1's $J^\top dy$, and no $J$ was ever written down. In E's network, with shapes (in the library's rows they are turned round, $100\times40$ for $40\times100$):

# %%
_, ax = plt.subplots(figsize=(9, 3.8))
title = "Each δ has the shape of its z"
plots.draw_layers(widths, 100, back=True, title=title, ax=ax)
plt.show()

# %% [markdown] lecture={"ask": "A score rises by one. How many of the image's probabilities change?", "board": "p with an arrow from one score to all ten; p \u2212 y", "cut": "2 the Jacobians in code", "expect": "All ten", "jump": "setup", "minutes": 8, "misconception": "Softmax has a slope p(1 \u2212 p), like the sigmoid"}
# ### The last δ
#
# The loss is $L=-\frac1B\sum Y\ln p$, so $\partial L/\partial p=-Y/(Bp)$. E's first equation says: times the slope, entry by entry. Softmax's own entry, $\partial p_j/\partial z_j$, is $p_j(1-p_j)$.
#
# *Predict:* that gives (a) the right $\delta^4$, (b) the right one for the true class only, (c) nothing right.

# %%
logits, activations = lab.in_columns(fresh, sample)
p, Y, B = softmax(logits[-1], axis=0)[0], one_hot(sample_labels, 10).T, 100
L_of_scores = lambda z: softmax_cross_entropy(z.T, labels=sample_labels)[0]
truth = numerical_gradient(L_of_scores, logits[-1])
dp = -Y / (B * p)
by_entry = dp * p * (1 - p)
print(f"off by {off(by_entry, truth):.2g}")
assert np.allclose(by_entry[Y == 1], truth[Y == 1], atol=1e-8)
assert (by_entry[Y == 0] == 0).all()
assert (truth[Y == 0] > 0).all()

# %% [markdown]
# (b): the other nine would never be pushed down. (a) holds for outputs that mind their own business, such as sigmoids. A score of a softmax moves *all* probabilities, $\partial p_k/\partial z_j=p_k(\mathbb 1_{jk}-p_j)$, with
# $\mathbb 1_{jk}=1$ if $j=k$, else 0. Add up all ways from $z_j$ to the loss, and much cancels, as the $Y_k$ of an image sum to 1:
#
# $$\delta_j=\sum_k-\frac{Y_k}{Bp_k}\,p_k(\mathbb 1_{jk}-p_j)=\frac1B\Big(p_j\sum_kY_k-Y_j\Big)=\frac{p_j-Y_j}{B}.$$

# %%
jacobians = [np.diag(q) - np.outer(q, q) for q in p.T]
through_all = np.stack([J.T @ g for J, g in zip(jacobians, dp.T)], axis=1)
assert off(through_all, truth) < 1e-6


# %% [markdown]
# E, deriving cross-entropy, puts $\sum_k$ back one step later and arrives here too; its code, `delta = -(Y - a)`, is exact, and the $\frac1B$ comes last.
#
# **Your turn**, for images in columns.


# %% tags=["exercise"]
def last_delta(p, Y):
    """dL/dz (10, B) of the last layer, L the mean loss of the B images."""


exercise("last delta", last_delta)

# %% [markdown]
# <details><summary>A hint</summary>
#
# How many images are there? `p.shape` says it.
# </details>
#
# <details><summary>A solution</summary>
#
# ```python
# def last_delta(p, Y):
#     return (p - Y) / p.shape[1]
# ```
# </details>

# %% [markdown] lecture={"ask": "Which W belongs in the way back: the one into the layer, or the one out of it?", "board": "z_j below, all z_k above it, a line to each with W_kj", "cut": "3 the slip of D", "expect": "The one out of it: \u03b4 comes back on the way that the values went", "jump": "setup", "minutes": 9, "misconception": "If the shapes fit, the formula is right"}
# ### One layer back
#
# $z^l_j$ reaches the loss through *every* unit $k$ of the next layer, $z^{l+1}_k=\sum_jW^{l+1}_{kj}f(z^l_j)+b_k$. Add up its ways:
#
# $$\delta^l_j=\sum_k\delta^{l+1}_k\,\frac{\partial z^{l+1}_k}{\partial z^l_j}=\sum_k\delta^{l+1}_k\,W^{l+1}_{kj}\,f'(z^l_j),\qquad\text{so}\qquad\delta^l=\big((W^{l+1})^\top\delta^{l+1}\big)\odot f'(z^l).$$
#
# ($\odot$: entry by entry.) For ReLU $f'$ is 1 where $z>0$, else 0 (at 0 itself either is a convention). It is E's second equation, and the one whose code lost a prime.

# %% [markdown]
# **Which $W$?** The one on the way *out* of the layer. Document D, in its matrix form (samples in rows), goes back through $w^{(1)}$, the weights into it.
#
# *Predict:* D states no widths. If all are equal, that gives (a) an error, (b) wrong numbers, (c) the right ones.

# %%
X, target, w1, w2 = np.random.default_rng(0).standard_normal((4, 3, 3))
s = lambda z: 1 / (1 + np.exp(-z))
half_squares = lambda w1: 0.5 * ((target - s(s(X @ w1) @ w2)) ** 2).sum()
a2, y_hat = s(X @ w1), s(s(X @ w1) @ w2)
delta3, by_w1 = -(target - y_hat) * y_hat * (1 - y_hat), numerical_gradient(half_squares, w1)
for name, w in {"w1, as printed": w1, "w2": w2}.items():
    back = X.T @ (delta3 @ w.T * a2 * (1 - a2))
    print(f"{name}: off by {off(back, by_w1):.2g}" if name != "w2" else "w2: right")
assert off(back, by_w1) < 1e-6

# %%
claim("D-im-w1m")


# %% [markdown]
# (b): in silence. (a) would be the lucky case.
#
# **Your turn**, with ReLU.


# %% tags=["exercise"]
def one_layer_back(W, delta, z):
    """δ (m, B) of a layer: z (m, B) is its own, W (k, m) and delta (k, B) are of the next one."""


exercise("one layer back", one_layer_back)


# %% [markdown]
# <details><summary>A hint</summary>
#
# `z > 0` is an array of True and False; in a product they count as 1 and 0.
# </details>
#
# <details><summary>A solution</summary>
#
# ```python
# def one_layer_back(W, delta, z):
#     return (W.T @ delta) * (z > 0)
# ```
# </details>

# %% [markdown] lecture={"ask": "Where is the sum over the images in dW?", "board": "the four equations, E's beside ours", "break": 10, "cut": "2 where the sum belongs", "expect": "In the matrix product: it sums over the columns", "jump": "setup", "minutes": 11, "misconception": "Sum \u03b4 over the batch first: it is smaller"}
# ### Weights and biases
#
# With $\delta^l$ known, $W_{kj}$ and $b_k$ are the one neuron's again: $z_k$ gains $a_j$ from $W_{kj}$, and 1 from $b_k$. Each image $i$ has a column of its own, and the loss adds them up:
#
# $$\frac{\partial L}{\partial W_{kj}}=\sum_i\delta_{ki}\,a_{ji},\qquad\frac{\partial L}{\partial b_k}=\sum_i\delta_{ki}.$$
#
# **Your turn:** both without a loop. ($b$ is a column.)


# %% tags=["exercise"]
def layer_gradients(delta, a):
    """dW (m, n) and db (m, 1) of a layer: δ (m, B), and its input a (n, B)."""


exercise("layer's gradients", layer_gradients)


# %% [markdown]
# <details><summary>A hint</summary>
#
# A sum over the second index of both is a matrix product, one of them transposed.
# </details>
#
# <details><summary>A solution</summary>
#
# ```python
# def layer_gradients(delta, a):
#     return delta @ a.T, delta.sum(axis=1, keepdims=True)
# ```
# </details>
#
# **All four**, as E prints them ($C$ for $L$) and as they hold for a batch:
#
# | E | holds |
# |---|---|
# | $\delta^L=\nabla_aC\odot\sigma'(z^L)$ | where outputs do not mix; after softmax $\delta^4=(p-Y)/B$ |
# | $\delta^L=((W^{L+1})^\top\delta^{L+1})\odot\sigma'(z^L)$ | for each layer $l$ *before* the last: $l$ for $L$ |
# | $\partial C/\partial b^L=\delta^L$ | for one image; a batch is summed, and E's code does |
# | $\partial C/\partial W^L=\delta^L(a^{L-1})^\top$ | as printed: the product sums |
#
# From the last layer to the first:


# %%
def backward(delta, weights, logits, activations):
    deltas, gradients = [], []
    for W, a, z in zip(weights[::-1], activations[::-1], [*logits[-2::-1], None]):
        deltas, gradients = [delta, *deltas], [delta @ a.T, delta.sum(axis=1), *gradients]
        if z is not None:
            delta = (W.T @ delta) * (z > 0)
    return deltas, np.concatenate([g.ravel() for g in gradients])


# %% [markdown]
# Two witnesses. The library runs the pullbacks of its layers in reverse. Differences know no calculus: `objective` makes network, images and loss one function of $\theta$, and `check_vjp` compares slopes along fifty random directions; an error in any part would
# tilt nearly all of them.

# %%
logits, activations = lab.in_columns(fresh, sample)
p, Y = softmax(logits[-1], axis=0)[0], one_hot(sample_labels, 10).T
weights = [layer.params["W"] for layer in fresh.layers() if layer.params]
deltas, by_hand = backward((p - Y) / 100, weights, logits, activations)
print("δ, columns:", *[d.shape for d in deltas])
print("δ, rows:   ", *[d.T.shape for d in deltas])
L_of_theta = objective(fresh, softmax_cross_entropy, sample, labels=sample_labels)
theta, _ = parameter_vector(fresh)
assert np.allclose(by_hand, L_of_theta(theta)[1](1.0), rtol=0, atol=1e-12)
assert check_vjp(L_of_theta, theta, directions=50) < 1e-7

# %% [markdown]
# **Where the sum belongs.** E's formulas for the last $\delta$ have the sum over the images inside. *Predict:* if $\delta^4$ is summed first, of the last layer's gradients (a) both survive, (b) that of the bias, (c) that of the weights.

# %%
summed, mean_input = (p - Y).sum(axis=1) / 100, activations[-1].mean(axis=1)
L_of_theta(theta)[1](1.0)  # fills the layers' gradients
kept = fresh.layers()[-1].grads
assert np.allclose(summed, kept["b"], rtol=0, atol=1e-12)
print(f"weights: off by {off(np.outer(summed, mean_input), kept['W']):.2g}")

# %% [markdown]
# (b): it *is* the sum. The weights pair each image's error with that image's input; once the errors are summed, the pairs are lost. As an average that is taken last, E's sum is right, and its code keeps a column for each image.

# %% [markdown] lecture={"ask": "The slip, each at its best rate: how far behind?", "board": "rate below, accuracy up, a line at 10 %: guessing", "cut": "2 the units that are stuck", "expect": "With one hidden layer some ten points; in E's own depth it hardly learns", "jump": "setup", "minutes": 12, "misconception": "A wrong gradient shows as a network that does not learn"}
# ## The slip, raced
#
# Network A again, with its one hidden layer, now at six rates, five seeds each. The rule: the slip loses if, at the best rate of each, all of its seeds are behind all of the slope's.
#
# *Predict:* at its best rate the slip is (a) level, (b) some ten points behind, (c) at a guess, 10 %.

# %%
rates, raced = [0.03, 0.1, 0.3, 1.0, 3.0, 10.0], {}
for name, which in {"σ′, the slope": "B", "σ, the slip": "A"}.items():
    run = lambda rate, seed, which=which: lab.learned(lab.HIDDEN[which], rate, seed=seed)
    raced[name] = [[run(rate, seed) for seed in range(5)] for rate in rates]
arms = {name: np.array([[r.unseen[-1] for r in row] for row in raced[name]]) for name in raced}
slope, slip = arms.values()
best, least = slope.mean(axis=1).max(), slip.mean(axis=1).max()
finding = f"With one hidden layer the slip learns: {least:.0%} where {best:.0%} was due"
assert slope.mean(axis=1).argmax() == slip.mean(axis=1).argmax() == 4
assert slope[4].min() > slip[4].max()

# %%
_, ax = plt.subplots(figsize=(9, 4.5))
names = {"xlabel": "learning rate", "ylabel": "accuracy on unseen digits", "ylim": (0, 1)}
ax.axhline(0.1, color="grey", linestyle=":")
curves.draw_means(rates, arms, **names, title=finding, legend="below", ax=ax)
plt.show()

# %% [markdown]
# (b); bands are the range of the seeds, the dotted line is guessing. Without the upper curve you would see a network that reads four digits in five and blame the rate. At 10 the slip is ruined, (c). At 0.03 it leads: $\sigma>\sigma'$, its steps are longer.
#
# Why the dip at 0.3? Count the hidden values below 0.02 or above 0.98:

# %%
stuck = [np.mean([[(r.off, r.on) for r in row] for row in runs], axis=1) for runs in raced.values()]
for rate, true, slipped in zip(rates[:5], *stuck):
    print(f"rate {rate:<5} slope: off {true[0]:4.0%} on {true[1]:4.0%}", end="   ")
    print(f"slip: off {slipped[0]:4.0%} on {slipped[1]:4.0%}")
assert stuck[0][:5].sum(axis=1).max() < 0.1
assert stuck[1][1:].sum(axis=1).min() > 0.6
assert stuck[1][2, 1] > 0.8 > 0.6 > stuck[1][4, 1] > 0.3
assert (slip[0] > slope[0]).all()
assert slip[5].max() < 0.2
assert slip[2].max() < slip[3].min() < slip[3].mean() < slip[4].mean()

# %% [markdown]
# Where a unit is stuck, the true slope is nearly 0. So is $\sigma$ where it is *off*; *on*, $\sigma$ is nearly 1 and pushes on. From 0.1 to 1 most of the slip's are stuck on, at 3 on or off.
#
# The last layer's gradient is right; from 0.3 to 3, a larger rate gets it farther in 450 steps.
#
# *Predict:* in E's own depth, three hidden layers, at its best rate, the slip is (a) ten points behind again, (b) level, (c) far below half.

# %%
deeper = lab.stored_runs("slip")
by_arm = {arm: [float(r["mean"]) for r in deeper if r["arm"] == arm] for arm in ("A", "B")}
for arm, (sprint, *deep) in by_arm.items():
    print(
        f"{arm}: one hidden layer, 4500 steps at 0.03: {sprint:.2f}; three, the best: {max(deep):.2f}"
    )
assert by_arm["A"][0] < 0.7 < 0.85 < by_arm["B"][0]
assert max(by_arm["A"][1:]) < 0.4 < 0.88 < max(by_arm["B"][1:])
assert by_arm["A"][0] < slip[0].min()

# %% [markdown]
# (c). Why does a wrong gradient learn at all? $\sigma$ is $\sigma'$ times $1/(1-\sigma)$, above 0: with *one* hidden layer, each entry of one image's gradient keeps its sign, so a small step goes downhill. Below that, $W^\top$ adds up entries that grew by unlike factors, and some signs turn.
#
# And the vote: A won the sprint only. In ten times as many steps B passes it, and A reads worse than after 450.

# %% [markdown]
# `check_vjp` has caught this fault. Does it catch every one? Nine are planted in a small network; **bet** on who sees each first.
#
# *Predict:* the labels are shuffled, so each image learns another one's digit. It is seen first by (a) the gradient check, (b) learning twenty images by heart, (c) the loss curve.

# %%
faults.FaultsPanel(encoder=False)

# %%
shuffled = diagnoses.table()["labels shuffled"]
for name in ("whole check", "twenty images"):
    assert shuffled[name].outcome == "blind"
assert shuffled["loss curve"].outcome == "seen"

# %% [markdown]
# (c). Not (a): the gradient is right, of the wrong labels. Not (b): twenty wrong labels are learned by heart as well. A check answers one question, whether the way back belongs to the way forward.

# %% [markdown] lecture={"ask": "How much better is the gradient of 100 images than that of 25?", "board": "B arrows and their mean; \u221a(v/B)", "cut": "4 the sum and the mean", "expect": "Half the noise", "jump": "setup", "minutes": 10, "misconception": "It is four times as good"}
# ## Batches
#
# The gradient is an average over the images. A batch, drawn at random, measures it with noise: the typical distance of its gradient from that of all images, as a share of the latter's length.
#
# *Predict:* with four times as many images the noise is (a) a quarter, (b) half, (c) the same.

# %%
sizes, later = [1, 4, 16, 64, 256], MLP(*widths, rng=0, dtype="float64")
descent = GradientDescent(parameter_vector(later)[0], 0.1)
Training(later, softmax_cross_entropy, descent, x_few, labels_few, batch_size=100, seed=0).run(300)
given = softmax_cross_entropy, x_few, labels_few
measure = lambda model, sizes: lab.gradient_noise(model, *given, sizes, draws=50, rng=0)
noises = {"random weights": measure(fresh, sizes), "after 300 steps": measure(later, sizes)}
halvings = np.log2(noises["random weights"][:-1] / noises["random weights"][1:])
assert np.abs(halvings - 1).max() < 0.4

# %%
_, ax = plt.subplots(figsize=(9, 4.6))
title = "Four times the images, half the noise; later the gradient shrinks faster"
plots.draw_gradient_noise(sizes, noises, title=title, ax=ax)
plt.show()

# %% [markdown]
# (b). A mean of $B$ independent draws, each of variance $v$, has the variance $B\cdot v/B^2=v/B$; its root is $\sqrt{v/B}$. (a) is the variance.
#
# That was one seed. Five, stored, of 80 batches each; downhill: a small step down the batch's loss is one down that of all.

# %%
apart, downhill = lab.stored_runs("noise", "distance /"), lab.stored_runs("noise", "share")
for far, down in zip(apart, downhill):
    print(f"{far['setting']:14} {far['arm']:15}", end=" ")
    print(
        f"noise {float(far['mean']):4.1f}, spread {far['spread']:4}; downhill {float(down['mean']):.0%}"
    )
lengths, distances = lab.stored_runs("noise", "length"), lab.stored_runs("noise", "distance")[::2]
fallen = [float(rows[3]["mean"]) / float(rows[1]["mean"]) for rows in (lengths, distances)]
assert fallen[0] < 0.3 < 0.5 < fallen[1] < 0.7

# %% [markdown]
# At random weights one image in four points uphill. But what they share is large, and a hundred of them show it. After 300 steps the gradient is a quarter as long, its noise more than half: for a hundred images it is on average as much noise as gradient, though seeds differ, and nearly all still point downhill.

# %% [markdown]
# **Sum or mean?** E adds up the gradients of a batch and warns: divide by its size, or accuracy will not improve.
#
# *Predict:* the mean learns well at rate 0.3. The sum at 0.3 (a) as well, (b) faster, (c) not at all? And at 0.003?

# %%
x_small, tries = scale(digits.x_train, np.float64, white=16), []
mean, total = softmax_cross_entropy, lab.summed_cross_entropy
for cost, rate in (mean, 0.3), (total, 0.3), (total, 0.003):
    network = MLP(64, 30, 10, rng=0, dtype="float64")
    down = GradientDescent(parameter_vector(network)[0], rate)
    trial = Training(network, cost, down, x_small, labels_few, batch_size=100, seed=0).run(150)
    tries.append((trial.accuracy[-15:].mean(), down.theta))
print(f"mean at 0.3: {tries[0][0]:.2f}, sum at 0.003: {tries[2][0]:.2f}")
print("sum at 0.3, no better than guessing:", tries[1][0] < 0.2)
assert np.allclose(tries[0][1], tries[2][1], rtol=0, atol=1e-8)

# %% [markdown]
# (c): E saw that rightly. But the cause is the rate, a hundred times too large. At a hundredth of it, the sum's network is the mean's, number for number.

# %%
claim("E-normalise")

# %% [markdown] lecture={"ask": "A thousand images, learned until all are right. And the unseen?", "board": "two curves over epochs, seen and unseen, and the gap", "cut": "3 the weights as images", "expect": "They stay well below: it has learned the thousand, not the digits", "jump": "setup", "minutes": 11, "misconception": "More steps are always better"}
# ## Training, live
#
# Press play. Then change the rule, the rate or the batch size: as many steps are taken anew, from the same first weights. Find a rate that diverges, and one that is too shy.

# %% tags=["nbval-ignore-output"]
panel = panels.TrainingPanel(widths, x, labels, x_test, labels_test, batch_sizes=[10, 30, 100, 300])
panel.run(600)
panel

# %% [markdown]
# In earnest: Adam at its usual rate 0.001, batches of 100, ten epochs (of the few bundled digits, a hundred).
#
# *Predict* the accuracy on unseen MNIST: (a) 92 %, as one linear layer, (b) 97 %, (c) 99.9 %.

# %% tags=["nbval-ignore-output"]
model, epochs = MLP(*widths, rng=0), 100 if images.bundled else 10
rule, options = Adam(parameter_vector(model)[0]), {"batch_size": 100, "seed": 0}
training = Training(model, softmax_cross_entropy, rule, x, labels, **options)
fits = {"All images": lab.accuracy_by_epoch(training, x_test, labels_test, epochs=epochs)}
on_seen, on_unseen = (accuracies[-1] for accuracies in fits["All images"])
print(f"{on_seen:.3f} of the images it trained on, {on_unseen:.3f} of the unseen")
assert on_seen > on_unseen > (0.85 if images.bundled else 0.96)

# %% [markdown]
# (b): on MNIST less than half of the linear layer's mistakes are left. It reads the images that it trained on better than new ones: part of what it learned is these images, not digits. That is **overfitting**.
#
# *Predict:* the same with a *thousand* images, sixty epochs. Seen and unseen are (a) both 97 %, (b) 100 % and below 92 %, (c) both below 90 %.

# %% tags=["nbval-ignore-output"]
learner, few = MLP(*widths, rng=0), (x[:1000], labels[:1000])
mover = Adam(parameter_vector(learner)[0])
part = Training(learner, softmax_cross_entropy, mover, *few, **options)
fits["A thousand"] = lab.accuracy_by_epoch(part, x_test, labels_test, epochs=60)
gaps = [found.seen[-1] - found.unseen[-1] for found in fits.values()]
few_unseen = fits["A thousand"].unseen
assert fits["A thousand"].seen[-1] == 1 > 0.92 > few_unseen[-1] > few_unseen.max() - 0.02
assert few_unseen[30:].max() < few_unseen[:30].max() + 0.01
assert gaps[0] < gaps[1]

# %%
_, axes = plt.subplots(1, 2, figsize=(9, 4.4), sharey=True)
for ax, (name, found) in zip(axes, fits.items()):
    title = f"{name}: {found.unseen[-1]:.1%} unseen"
    plots.draw_fit(found, title=title, ylim=(0.75, 1.01), ax=ax)
plt.show()

# %% [markdown]
# (b): it knows the thousand by heart, and on the unseen it had stopped rising by half of the way. More images narrow the gap.
#
# **What do units look for?** A row of $W^1$ has a weight for each pixel: an image. *Predict:* which weights are *exactly* what they were before training? (a) none, (b) those of pixels that are never inked, (c) those in the middle.

# %%
now, before = (network.layers()[0].params["W"] for network in (model, MLP(*widths, rng=0)))
linear, inked = lab.reader(784, 10, data=(x, labels), steps=3000), x.max(axis=0) > 0
assert images.bundled or 2 * (1 - on_unseen) < 1 - accuracy(linear, x_test, labels_test)
assert (now[:, ~inked] == before[:, ~inked]).all()
assert (now[:, inked] != before[:, inked]).any(axis=0).all()
died = np.flatnonzero((model.values(x)[1] > 0).mean(axis=0)[:20] < 0.001)
assert ((now == before)[died][:, inked].mean(axis=1) > 0.05).all()
names = ", ".join(str(unit + 1) for unit in died) or "none"

# %%
_, ax = plt.subplots(figsize=(9, 4.2))
both = np.vstack([linear.layers()[0].params["W"], now[:20]])
title = f"The linear layer's ten digits; twenty hidden units (died: {names})"
plots.draw_weights(both, [*"0123456789", *range(1, 21)], columns=10, title=title, ax=ax)
plt.show()


# %% [markdown]
# (b): $\partial L/\partial W_{kj}$ sums $\delta_k a_j$, and $a_j$ is 0 in every image, so the corners are as random as at first. (a) forgets that factor; in the middle (c) there is ink: each such pixel has moved in some unit. (Purple is above 0, orange below.)
#
# A unit that is plain noise may have **died**: off for (nearly) every image, so ReLU's slope is 0, no blame reaches it, and its weights rest. Many of them are just what they were at first.

# %% [markdown] lecture={"ask": "What does a table of mistakes tell that accuracy does not?", "board": "a table of digits: true down, read as across", "cut": "2 the twenty surest", "expect": "Which digits are taken for which", "jump": "setup", "minutes": 11, "misconception": "Mistakes are spread evenly"}
# ## Its mistakes
#
# What does it take for what? **Your turn:** a **confusion matrix** counts, for each true digit (row), as what it was read (column).


# %% tags=["exercise"]
def confusion(labels, read):
    """The counts (10, 10), from the true digits and what each was read as."""


exercise("confusion", confusion)

# %% [markdown]
# <details><summary>A hint</summary>
#
# Start from `np.zeros((10, 10))`, and loop over `zip(labels, read)`.
# </details>
#
# <details><summary>A solution</summary>
#
# ```python
# def confusion(labels, read):
#     counts = np.zeros((10, 10))
#     for true, taken in zip(labels, read):
#         counts[true, taken] += 1
#     return counts
# ```
# </details>
#
# *Predict:* which pair is confused most? (a) 1 and 7, (b) 4 and 9, (c) 0 and 1.

# %%
enough = 1500 if images.bundled else 6000
model = lab.reader(*widths, data=(x, labels), steps=enough)  # that of the last section
counts = lab.confusion(model, x_test, labels_test, 10)
assert counts.trace() == round(accuracy(model, x_test, labels_test) * len(x_test))
wrong_cells = np.sort(counts[~np.eye(10, dtype=bool)])[::-1]
in_ten = wrong_cells[:10].sum() / wrong_cells.sum()
assert in_ten > 0.3

# %%
_, ax = plt.subplots(figsize=(8, 6.6))
title = f"Ten of ninety wrong cells hold {in_ten:.0%} of the mistakes"
matrices.draw_confusion(counts, title=title, ax=ax)
plt.show()

# %% [markdown]
# One run is luck: which cell is largest changes with the seed. Five stored runs, both directions added:

# %%
often = {row["arm"]: float(row["mean"]) for row in lab.stored_runs("confused", "test images")}
first = {row["arm"]: float(row["mean"]) for row in lab.stored_runs("confused", "share of seeds")}
for pair in sorted(often, key=often.get)[::-1][:5]:
    print(f"{pair}: {often[pair]:4.1f} of 10,000; among the first four in {first[pair]:.0%}")
assert first["4 and 9"] == first["3 and 5"] == 1
assert often["0 and 1"] < 1 < often["1 and 7"] < often["4 and 9"] / 3

# %% [markdown]
# (b), and 3 with 5: in all five runs both pairs are among the first four. 4 and 9 differ by a gap at the top, 3 and 5 by where one stroke stands. (a) comes far behind, (c) is nearly never confused.
#
# What do mistakes look like? The twenty of which it was surest:

# %%
p_test, _ = softmax(model(x_test)[0])
read = p_test.argmax(axis=1)
wrong = np.flatnonzero(read != labels_test)
surest = wrong[np.argsort(-p_test[wrong].max(axis=1))][:20]
captions = [f"{labels_test[i]} → {read[i]}" for i in surest]

# %%
_, ax = plt.subplots(figsize=(9, 3.4))
title = f"Wrong, and at least {p_test[surest].max(axis=1).min():.0%} sure: true digit → answer"
pictures.draw_images(images.x_test[surest], captions, title=title, ax=ax)
plt.show()

# %% [markdown]
# Some you would misread too; others not at all. A probability near 1 is no promise ([lesson 3](03_losses.ipynb) measures how far to trust it).
#
# **Ask it yourself.** Your drawing is cropped and centred, as MNIST's makers did. Try a crossed 7, a 1 with a foot, a letter, your signature: it has ten answers, and none of them is "I do not know".

# %% tags=["nbval-ignore-output"]
panels.DigitPanel(model, images.x_test[:100])

# %% [markdown] lecture={"ask": "Which product comes first in document C's gradient?", "board": "G, M, X with their shapes, all square", "cut": "7 all of it", "expect": "The entry-by-entry one", "jump": "setup", "minutes": 7, "misconception": "If it runs, the brackets were right"}
# ## Document C's first network
#
# C keeps an image as $n$ rows of $m$ pixels, standardised, and reads each row with the *same* $W_1$ ($d\times m$), but with biases of its own; then ReLU, all in one column, and a second layer. (Letters of this section are C's; $s$ is what E calls $p$.)
#
# $$a_1=W_1X^\top+B_1,\qquad h_1=\mathrm{ReLU}(a_1),\qquad s=\mathrm{softmax}\big(W_2\,\mathrm{flat}(h_1)+B_2\big)$$

# %%
shared = TwoLayerNetwork(8, 8, 6, 10, rng=0, dtype="float64")  # n = m = 8, d = 6
image, its_label = digits.x_train[:1].astype(float), digits.labels_train[:1]
L_shared = objective(shared, softmax_cross_entropy, image, labels=its_label)
assert check_vjp(L_shared, parameter_vector(shared)[0], directions=50) < 1e-7

# %% [markdown]
# Its gradient for $W_1$ is printed without brackets. Let $G=\mathrm{unflat}\big((s-y)W_2\big)$ and $M=\mathbb 1[a_1>0]$:
#
# $$(G\odot M)\,X\qquad\text{or}\qquad G\odot(M\,X)\,?$$
#
# By habit the matrix product comes first. Images are square, so *both* run. *Predict:* (a) the left, (b) the right, (c) they are equal.

# %%
L_shared(parameter_vector(shared)[0])[1](1.0)
_, by_rows, _, _, second = shared.parts
X_s, a_1, _, _, z_s = (value[0] for value in shared.values(image))
G = ((softmax(z_s)[0] - one_hot(its_label, 10)[0]) @ second.params["W"]).reshape(6, 8)
print(f"matrix product first: off by {off(G * ((a_1 > 0) @ X_s), by_rows.grads['W']):.2g}")
assert np.allclose((G * (a_1 > 0)) @ X_s, by_rows.grads["W"], rtol=0, atol=1e-12)

# %% [markdown]
# (a), as C's line reads from left to right: it is right. (b) is wrong in silence.
#
# On MNIST, with $d=16$: $W_1$ has 448 numbers for all rows, $B_1$ another 448, the second layer 4,490. *Predict:* against E's network, six times as large, after 600 steps of Adam it is (a) far behind, (b) level within the seeds' spread, (c) ahead.

# %%
assert parameter_vector(TwoLayerNetwork(28, 28, 16, 10, rng=0))[0].size == 2 * 448 + 4490
runs = lab.stored_runs("C")
for row in runs:
    print(f"{row['arm']:17} {row['mean']}, spread {row['spread']}")
ours, *others = (float(row["mean"]) for row in runs)
assert max(others) - ours < float(runs[0]["spread"])

# %% [markdown]
# (b), over five seeds: 0.2 points behind, less than seeds differ. But its input alone is standardised; E's network given the same is 0.4 points ahead, still less than seeds differ.

# %%
claims_table("05")

# %% [markdown]
# ## What to remember
#
# * Measure against a baseline: ten mean images read 82 %, a linear layer 92 %, this 97 %.
# * Scale the input; draw weights with variance $2/n$.
# * $\delta$ goes back through $W^\top$ and the slope; a gradient is $\delta$ times an input, summed over images last. After softmax, $\delta=(p-Y)/B$.
# * A wrong gradient can fit every shape, and learn. Differences tell.
# * Noise falls as $1/\sqrt B$; sum or mean is a choice of rate.
# * The gap between seen and unseen is overfitting. Look at the mistakes.
#
# Next: [the transformer encoder](06_transformer_encoder.ipynb).
