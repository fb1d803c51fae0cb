# %% [markdown]
# # 3 · Losses
#
# A loss is a choice about which mistakes hurt.
#
# **Objectives.** Say why $-\ln p$ and not squares; derive both; compute
# cross-entropy so that no score is too large; tell a network that is right from one that knows how often it is.
#
# **Prerequisites.** [Lesson 1](01_vector_calculus.ipynb) and the [blocks](02_blocks.ipynb) sigmoid and softmax.
# **Minutes:** 100; a break fits before *Two classes, one score*.
#
# | sign | meaning |
# |---|---|
# | A to E | five sets of lecture notes; [lesson 0](00_start_here.ipynb) lists them |
# | pullback | takes a block's derivative from its output back to its inputs; `check_vjp` holds it against differences |
# | `claim` | what a document prints, beside what was found |
# | $z$, in B $x$ | scores: what a network gives |
# | $p$ or $\hat y$; in A $P$, in E $a$ | the prediction, for class 1 or each class |
# | $y$, in A $A$ | the target |
# | $L$; in D $J$, in E $C$ | the loss |
# | $c$; $n$ | the true class; how many components or instances |
# | $\eta$ | the learning rate |
#
# *Spread*: the seeds' largest value less the smallest. A difference *counts* if it exceeds both spreads.

# %%
import matplotlib.pyplot as plt
import numpy as np

import nnlib.experiments.lesson_03 as lab
import nnlib.plots.lesson_03 as plots
from nnlib.blocks import sigmoid, softmax
from nnlib.calculus import check_vjp, numerical_gradient
from nnlib.checks import raises
from nnlib.data import load_digits, one_hot, scale
from nnlib.documents import claim, claims_table
from nnlib.exercises import exercise
from nnlib.experiments.calibration import read_digits
from nnlib.experiments.score_losses import ONE, SEVERAL
from nnlib.losses import binary_cross_entropy, binary_cross_entropy_with_logits
from nnlib.losses import cross_entropy, mse, softmax_cross_entropy
from nnlib.optimizers import Adam
from nnlib.plots.canvas import use_style
from nnlib.plots.chains import draw_way_back
from nnlib.plots.curves import draw_lines
from nnlib.widgets.lesson_03 import LossPanel

use_style()


def agree(a, b):
    assert np.shape(a) == np.shape(b)
    assert np.allclose(a, b, rtol=1e-6, atol=1e-8)


# %% [markdown] lecture={"ask": "How many times as many steps does the unit need with squares? Vote: as many, ten times, hundreds of times", "board": "z, an arrow to p, an arrow to L; the two derivatives back under the arrows", "cut": "2 The lower drawing", "expect": "Most say about as many: both losses fall as z rises", "jump": "setup", "minutes": 8, "misconception": "Any loss that falls toward the right answer will do; only the rate differs"}
# ## Sure, and wrong
#
# A unit gives class 1 the probability $p=\sigma(z)$, the sigmoid of its score. At $z=-8$ that is one
# chance in 3,000. But class 1 it is.
#
# Two losses race to free it, $-\ln p$ and $\frac12(1-p)^2$: gradient descent on $z$, rate 1, until $p\ge\frac12$.
#
# *Vote.* Do the squares need (a) as many steps as $-\ln p$, (b) ten times as many, (c) hundreds of times? (`ONE` holds losses of one score.)

# %%
rivals = {name: ONE[name] for name in ("cross-entropy", "squares")}
for name, loss in rivals.items():
    print(f"{name:13} {lab.steps_to_escape(loss, -8.0):5} steps")
paths = {name: lab.descend(f, [-8.0], [1.0], steps=5000)[1:, 0] for name, f in rivals.items()}
paths["finish"] = np.zeros(5000)

# %%
_, ax = plt.subplots(figsize=(8, 3.6))
names = {"xlabel": "step", "ylabel": "score z", "xscale": "log"}
title = "At the finish, z = 0, after 9 steps and after 3,000"
draw_lines(paths, np.arange(1, 5001), **names, title=title, ax=ax)
plt.show()

# %% [markdown]
# Both losses fall all the way, so (a) sounds right. But a step is as long as the *slope*, by the chain rule
# $\frac{dL}{dz}=\frac{dL}{dp}\frac{dp}{dz}$ with $\frac{dp}{dz}=p(1-p)$:
#
# $$-\ln p:\quad-\frac1p\cdot p(1-p)=p-1\qquad\qquad\tfrac12(1-p)^2:\quad-(1-p)\cdot p(1-p)$$

# %%
p = 1 / (1 + np.exp(8.0))
slopes = {"cross-entropy": p - 1, "squares": -(1 - p) * p * (1 - p)}
for name, loss in rivals.items():
    value = lambda z, loss=loss: loss(z, target=np.ones(1))[0]
    agree(numerical_gradient(value, np.array([-8.0])), [slopes[name]])
print("slopes", *(f"{slope:.2g}" for slope in slopes.values()))
outer = {"−ln": (-np.log(p), -1 / p), "½(1 − p)²": ((1 - p) ** 2 / 2, p - 1)}
titles = ["−ln gives back what σ took away", "Squares leave the slope as small as σ made it"]

# %%
_, axes = plt.subplots(2, 1, figsize=(9, 4.8))
for ax, title, (name, (L, dp)) in zip(axes, titles, outer.items()):
    links = [("σ", p * (1 - p)), (name, dp)]
    draw_way_back({"z": -8, "p": p, "L": L}, links, title=title, ax=ax)
plt.show()

# %% [markdown]
# The sigmoid is flat out there: its slope is 0.0003. $-\ln p$ is as steep as the sigmoid is flat, and the product is $-1$. The
# square has a slope of $-1$, and the product stays 3,000 times as small. On the way up it grows, so the steps are hundreds of times as many, (c), and far more than the ten of (b).
#
# Nobody chose $-\ln p$ for its slope. Where does it come from?

# %% [markdown] lecture={"ask": "Two forecasters gave what happened 0.9, 0.7, 0.2 and 0.6, 0.6, 0.6. Who was better?", "board": "A bar of length 1 for each day, the share given to what happened shaded", "cut": "3 The soft targets", "expect": "The second: 0.216 against 0.126. One near miss costs more than two hits gain", "jump": "setup", "minutes": 12, "misconception": "The likelihood is the probability that the model is right"}
# ## The likelihood of what happened
#
# Document A, section 3.5, asks the network for $p(y\mid x)$, the probability of each class given the input. Such a
# forecast is judged by the share that it gave to what then happened.
#
# *Predict.* On three days, two forecasters gave what happened 0.9, 0.7, 0.2 and 0.6, 0.6, 0.6. Who did better?

# %%
first, second = np.array([0.9, 0.7, 0.2]), np.array([0.6, 0.6, 0.6])
for said in (first, second):
    print(f"mean {said.mean():.2f}   product {said.prod():.3f}")

# %% [markdown]
# Independent events multiply: the first gave these three days 0.126, the second 0.216. That
# product is the **likelihood**. The mean sees no difference; in a product the 0.2 hurts.
#
# *Predict.* A thousand images, each true class given 0.4: what is the likelihood in float64?

# %%
print("product", np.prod(np.full(1000, 0.4)), "  sum of -ln p", round(-np.log(0.4) * 1000, 1))
agree(-np.log(first.prod()), -np.log(first).sum())

# %% [markdown]
# Zero: too small for a float. The logarithm makes the product a sum and keeps the order; a minus makes the likeliest the
# smallest: the **negative log-likelihood**, 0 for a sure hit, without bound for a sure miss.
#
# A writes the true distribution as $A$, the predicted one as $P$:
#
# $$L=-\sum_iA_i\ln P_i,\qquad\frac{dL}{dP}=\Big[-\frac{A_1}{P_1},\dots,-\frac{A_n}{P_n}\Big]$$
#
# With a **one-hot** $A$, a single 1, $L=-\ln P_{true}$. B's example, the second class true:

# %%
P, A = np.array([[0.1, 0.3, 0.5, 0.1]]), np.array([[0.0, 1.0, 0.0, 0.0]])
L, pullback = cross_entropy(P, target=A)
print(f"L = {L:.7f},  -ln 0.3 = {-np.log(0.3):.7f},  dL/dP =", pullback(1.0).round(2) + 0.0)
agree(pullback(1.0), -A / P)
agree(-A / P, numerical_gradient(lambda P: -(A * np.log(P)).sum(), P))

# %% [markdown]
# Only the true class is pushed, up, the harder the smaller its share. The others are softmax's business, below.
#
# The notes say that this $L$ is to be maximised; a page later, rightly, that the minus turns that into minimising. A slip of
# the pen; taken at its word:

# %%
claim("A-3.5-maximise")

# %% [markdown]
# *Predict.* A **soft** target, $A=(.7,.2,.1)$: which $P$ has the smallest $L$, and is it 0?

# %%
A = np.array([0.7, 0.2, 0.1])
others = np.random.default_rng(0).dirichlet(np.ones(3), size=100)
at_target, elsewhere = -(A * np.log(A)).sum(), -(A * np.log(others)).sum(axis=1)
print(f"at P = A {at_target:.3f}, the best of 100 others {elsewhere.min():.3f}")
assert elsewhere.min() > at_target


# %% [markdown]
# $P=A$, and it is not 0 but the **entropy** of $A$: what remains uncertain for who knows $A$. And not only against these hundred,
# for $\ln u\le u-1$,
#
# $$\sum_iA_i\ln\frac{P_i}{A_i}\le\sum_iA_i\Big(\frac{P_i}{A_i}-1\Big)=\sum_iP_i-\sum_iA_i=0$$
#
# **Your turn.** The slope of $-\ln\sigma(z)$, the way out that took nine steps:


# %% tags=["exercise"]
def slope(z):
    """The derivative of -ln sigmoid(z) by z, for an array of scores."""


exercise("slope of -ln sigmoid", slope)

# %% [markdown]
# <details><summary>A hint</summary>Two factors: the derivative of the logarithm by p, and σ′ = p (1 − p). One p cancels.</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def slope(z):
#     return sigmoid(z)[0] - 1
# ```
#
# </details>

# %% [markdown] lecture={"ask": "E's loss is half of D's average. Which of them bears the larger rate?", "board": "One parabola drawn three times, stretched; the same ball on each", "cut": "2 Where squares come from", "expect": "E's, twice as large: a flatter bowl bears longer steps", "jump": "setup", "minutes": 10, "misconception": "The scaling of a loss changes what is learned"}
# ## Squares, in four scalings
#
# Squares have a likelihood too. If a *number* $A$ is the prediction $P$ plus normal noise,
#
# $$-\ln\Big(\tfrac{1}{\sqrt{2\pi}}\,e^{-\frac12(A-P)^2}\Big)=\tfrac12(A-P)^2+\text{a constant}$$
#
# So least squares fits measurements; a class is none. A's mean squared error:
#
# $$L=\frac1n\sum_i(A_i-P_i)^2,\qquad\frac{dL}{dP}=\frac2n(P-A)$$

# %%
P, A = np.array([0.5, 2.0, -1.0, 0.0]), np.array([1.0, 0.0, 0.0, 0.5])
minus_log = -np.log(np.exp(-((A - P) ** 2) / 2) / np.sqrt(2 * np.pi))
agree(minus_log - (A - P) ** 2 / 2, np.full(4, np.log(2 * np.pi) / 2))
agree(mse(P, target=A)[1](1.0), 2 / 4 * (P - A))
agree(2 / 4 * (P - A), numerical_gradient(lambda P: ((A - P) ** 2).mean(), P))

# %% [markdown]
# The documents' factors differ, and none is wrong. With $r$ for prediction less target:
#
# | where | loss | gradient |
# |---|---|---|
# | A | $\frac1n\sum r^2$, over the $n$ components | $\frac2nr$ |
# | D, least squares | $\frac12r^2$, and $\frac12\sum r^2$ for its whole network | $r$ |
# | D, in backpropagation | $\sum r^2$, over the outputs of one example | $2r$ |
# | …, averaged over $n$ examples, as it goes on | | $\frac2nr$ |
# | E | $\frac1{2n}\sum r^2$, over $n$ instances | $\frac1nr$ |
#
# The factor changes the rate. For a linear fit, $r=Xw-t$ at fifty points, the largest curvature is $2k\lambda$, $k$ the
# factor and $\lambda$ the largest eigenvalue of $X^\top X$; rates beyond $2/(2k\lambda)$ leave ([lesson 1](01_vector_calculus.ipynb)).
#
# *Predict.* D's average bears a rate of at most $\rho$. What does E's loss bear?

# %%
n, factors = 50, {"D's whole network": 1 / 2, "D's average": 1 / 50, "E": 1 / (2 * 50)}
X, t = np.random.default_rng(1).standard_normal((n, 3)), np.ones(n)
curvature = np.linalg.eigvalsh(X.T @ X).max()
for name, k in factors.items():
    gradient = lambda w, k=k: 2 * k * X.T @ (X @ w - t)
    loss = lambda w, k=k: k * ((X @ w - t) ** 2).sum()
    agree(gradient(np.zeros(3)), numerical_gradient(loss, np.zeros(3)))
    found = lab.largest_rate(gradient, np.zeros(3))
    print(f"{name:17}  largest usable rate {found:.2g},  1/(kλ) = {1 / (k * curvature):.2g}")
    assert np.isclose(found, 1 / (k * curvature), rtol=0.01)

# %% [markdown]
# $2\rho$. If the rate makes up for the factor, every step of gradient descent is the
# same. A rule that divides by the gradient's size, such as Adam ([lesson 4](04_optimizers.ipynb)), does not even need that.
#
# Once that is checked it is **your turn**: the library takes A's form over *all* entries of any shape. Write its gradient.

# %%
ends, adam_ends = [], []
for k in factors.values():
    w, v = np.zeros(3), np.zeros(3)
    adam = Adam(v, 0.1)
    for _ in range(20):
        w = w - 0.1 / (2 * k * n) * 2 * k * X.T @ (X @ w - t)
        adam.step(2 * k * X.T @ (X @ v - t))
    ends.append(w)
    adam_ends.append(v)
agree(np.array(ends), np.tile(ends[0], (3, 1)))
assert np.allclose(adam_ends, adam_ends[0], rtol=1e-4)


# %% tags=["exercise"]
def mse_gradient(prediction, target):
    """The gradient by the prediction of the mean of (prediction - target)² over all entries."""


exercise("gradient of squares", mse_gradient)

# %% [markdown]
# <details><summary>A hint</summary>prediction.size counts all entries.</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def mse_gradient(prediction, target):
#     return 2 * (prediction - target) / prediction.size
# ```
#
# </details>

# %% [markdown] lecture={"ask": "Scores of 300 in float32: which step fails first, the exponential or the logarithm?", "board": "Scores as points on a line, slid until the largest stands at 0", "cut": "1 The table's float16 column", "expect": "The exponential: beyond 88 it is infinite", "jump": "setup", "minutes": 12, "misconception": "Softmax that subtracts the largest score is safe, so its logarithm is"}
# ## From the scores
#
# B walks from softmax to a form without it, $c$ the true class:
#
# $$L=-\ln\frac{e^{z_c}}{\sum_ke^{z_k}}=-z_c+\ln\sum_ke^{z_k}=-z_c+a+\ln\sum_ke^{z_k-a}$$
#
# The last step takes $e^a$ out of every term. Each equality, and for any $a$:

# %%
z, c = np.array([2.0, -1.0, 0.5]), 2
L = -np.log(softmax(z)[0][c])
agree(L, -z[c] + np.log(np.exp(z).sum()))
for a in (0.0, 5.0, -3.0, z.max()):
    agree(L, -z[c] + a + np.log(np.exp(z - a).sum()))

# %% [markdown]
# The last is the **log-sum-exp**. On paper $a$ does not matter, and B does not say which. *Predict.* Scores $(1000, 998, -2000)$; the second class is true, or the third. Which forms give
# the losses, 2.1269 and 3000.1?

# %%
z = np.array([[1000.0, 998.0, -2000.0]])
for form in lab.FORMS:
    second, third = (lab.losses_as(form, z, np.array([c]))[0] for c in (1, 2))
    print(f"{form:36} {second:9.4f} {third:9.1f}")

# %% [markdown]
# Clipping, a usual repair, makes 1000 and 998 equal. Softmax less the largest finds the first loss; for the second it rounds to 0, just where the network is most
# wrong: never compute a probability to take its logarithm.
#
# **On trial: the trick is needed.** 200 rows of ten normal scores, scaled; five seeds. *Rule*, worded after a first look:
# all forms fail (not finite, or off by 1 % of $\max(1,L)$) but those that take out the largest without a probability. *Predict.* Where does softmax, then ln, fail first?

# %%
scales = [m * 10.0**k for k in range(4) for m in (1, 2, 5)] + [1e4]
fails = lambda *form: [lab.first_failure(*form, seed=s, scales=scales) for s in range(10, 15)]
table = {form: [fails(form, dtype) for dtype in lab.PRECISIONS] for form in lab.FORMS}
said = lambda scale: "not to 10⁴" if np.isinf(scale) else f"{scale:.0f}"
print(f"{'first failure, least of five seeds':36}", *[f"{dtype:>10}" for dtype in lab.PRECISIONS])
for form, found in table.items():
    print(f"{form:36}", *[f"{said(min(seeds)):>10}" for seeds in found])
for end in ("max", "smallest_subnormal"):
    ends = [np.log(float(getattr(np.finfo(dtype), end))) for dtype in lab.PRECISIONS]
    print(f"{'ln of ' + end:36}", *[f"{value:10.1f}" for value in ends])

# %%
*others, printed, ours = (np.min(found, axis=1) for found in table.values())
assert np.isfinite(others).all()
assert np.min(others) > 1
assert np.isinf(printed).tolist() == [True, True, False]
assert np.isinf(ours).all()
assert np.float16(60) + np.float16(0.01) == 60
beyond = lambda value, end: next(scale for scale in scales if scale * value > end)
for k, seed in enumerate(range(10, 15)):
    rows, true_class = lab.rows_of_scores(seed)
    depth = (rows.max(axis=1) - lab.of_true(rows, true_class)).max()
    assert table["log-sum-exp, a = 0"][0][k] == beyond(rows.max(), 709.8)
    assert table["softmax less the largest, then -ln"][0][k] == beyond(depth, 744.4)
sooner = {
    "log-sum-exp, a = 0": [709.5, 709.5],
    "softmax less the largest, then -ln": [-744.3] + 6 * [0],
}
assert all(np.isinf(lab.losses_as(form, np.array([z]), [0])) for form, z in sooner.items())


# %% [markdown]
# **Supported in float64 and float32.** An exponential has two ends, the last lines: there it becomes infinite, or 0. With $a=0$ the first comes when the largest score is about
# 710; softmax less the largest fails when the true class is about 745 below: a little sooner where several scores are large. In float16 $60+0.01$ is $60$: take $a$ from *every* score first, as the library does.
#
# **Not needed** at scale 1: small numbers never show this bug.
#
# **Your turn.** The heart of it:


# %% tags=["exercise"]
def log_sum_exp(z):
    """ln of the sum of exp(z) over each row."""


exercise("log-sum-exp", log_sum_exp)

# %% [markdown]
# <details><summary>A hint</summary>z.max(axis=-1, keepdims=True) is a column, taken out of the exponents and added back behind the logarithm.</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def log_sum_exp(z):
#     a = z.max(axis=-1, keepdims=True)
#     return a[..., 0] + np.log(np.exp(z - a).sum(axis=-1))
# ```
#
# </details>

# %% [markdown] lecture={"ask": "The scores of the wrong classes: who pushes them down?", "board": "Three bars p, one bar y, the difference below", "break": 10, "cut": "3 The way through the Jacobian", "expect": "ln of the sum: its derivative is p, for every class", "jump": "setup", "minutes": 11, "misconception": "Only the true class's score gets a gradient, since only its probability is in the loss"}
# ## Prediction less target
#
# The gradient takes two lines. With $y$ the one-hot target and $\hat y=\mathrm{softmax}(z)$,
#
# $$\frac{\partial}{\partial z_j}\Big(-\sum_iy_iz_i+\ln\sum_ke^{z_k}\Big)=-y_j+\frac{e^{z_j}}{\sum_ke^{z_k}}=\hat y_j-y_j$$

# %%
z, y = np.array([2.0, -1.0, 0.5]), np.array([0.0, 1.0, 0.0])
loss = lambda z: -(y * z).sum() + np.log(np.exp(z).sum())
agree(softmax(z)[0] - y, numerical_gradient(loss, z))
print("prediction", softmax(z)[0].round(3), "  gradient", (softmax(z)[0] - y).round(3))

# %% [markdown]
# Nothing in it can explode: each score is pushed by its error, and the pushes sum to 0. (B's $\sigma(x_j)$ is softmax here.)
#
# It needs $\sum_iy_i=1$, tacitly. *Predict* the gradient for a picture of two digits, $y=(1,1,0)$.

# %%
two = np.array([1.0, 1.0, 0.0])
truth = numerical_gradient(lambda z: -(two * z).sum() + two.sum() * np.log(np.exp(z).sum()), z)
agree(truth, two.sum() * softmax(z)[0] - two)
print("ŷ - y", (softmax(z)[0] - two).round(3), "  2ŷ - y", truth.round(3))

# %% [markdown]
# $2\hat y-y$. E goes the long way: $-y/\hat y$ from the logarithm, then softmax's Jacobian. With $[k=j]$ for 1 where $k$ is $j$ and 0 elsewhere, it
# arrives at the same:
#
# $$\sum_k-\frac{y_k}{\hat y_k}\,\hat y_k([k=j]-\hat y_j)=-y_j+\hat y_j\sum_ky_k=\hat y_j-y_j$$
#
# Its first line, $\frac{\partial L}{\partial\hat y_j}\frac{\partial\hat y_j}{\partial z_j}$, has no sum over $k$; the next has it, for $\hat y_k$ moves with $\hat y_j$. What if one takes the first for partial derivatives, and stops?

# %%
y_hat = softmax(z)[0]
jacobian = np.diag(y_hat) - np.outer(y_hat, y_hat)
agree(jacobian.T @ (-y / y_hat), y_hat - y)
elementwise = -y / y_hat * (y_hat * (1 - y_hat))
print("elementwise", elementwise.round(3) + 0.0, "  right", (y_hat - y).round(3))
assert loss(z - 0.1 * elementwise) < loss(z)

# %%
digits = load_digits()
x, x_test = (scale(x, np.float64, white=16) for x in (digits.x_train, digits.x_test))
Y, accuracy = one_hot(digits.labels_train, 10), {}
for name, dz in {"right": lambda p: p - Y, "elementwise": lambda p: -Y * (1 - p)}.items():
    W = np.zeros((10, 64))
    for _ in range(600):
        W -= dz(softmax(x @ W.T)[0]).T @ x / len(x)
    accuracy[name] = np.mean((x_test @ W.T).argmax(axis=1) == digits.labels_test)
    print(f"{name:11} {accuracy[name]:.2f} of unseen digits read rightly")
assert 0.8 < accuracy["elementwise"] < accuracy["right"] - 0.05

# %%
claim("E-cce-elem")

# %% [markdown]
# The true class is pushed rightly, the others not at all. The shapes fit, the loss falls, and a linear model reads eight digits in ten; who
# has no other to compare with never knows. A check of the gradient notices.
#
# In a batch the loss is the mean over its $n$ rows, so each row's gradient has a $\frac1n$. Once that is checked it is **your turn**: the whole batch, scores in, gradient out.

# %%
z = np.random.default_rng(0).standard_normal((5, 4))
labels = np.array([0, 3, 1, 1, 2])
agree(softmax_cross_entropy(z, labels=labels)[1](1.0), (softmax(z)[0] - one_hot(labels, 4)) / 5)
assert check_vjp(softmax_cross_entropy, z, labels=labels) < 1e-7


# %% tags=["exercise"]
def dz_of_cross_entropy(z, Y):
    """dL/dz for scores z (n, classes) and one-hot rows Y, L the mean over the rows."""


exercise("softmax cross-entropy", dz_of_cross_entropy)

# %% [markdown]
# <details><summary>A hint</summary>softmax(z)[0] are the probabilities; len(z) is n.</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def dz_of_cross_entropy(z, Y):
#     return (softmax(z)[0] - Y) / len(z)
# ```
#
# </details>

# %% [markdown] lecture={"ask": "From which whole score on is 1 - sigmoid(z) exactly 0 in float64?", "board": "softplus, its two asymptotes 0 and z", "cut": "2 The derivative by the prediction", "expect": "37: there 1 + e^-z rounds to 1, so p does; the nearest float to p itself would be 1 from 38 on", "jump": "setup", "minutes": 9, "misconception": "Binary cross-entropy is another loss than cross-entropy"}
# ## Two classes, one score
#
# D's unit, $\hat y=\sigma(w\cdot x)$, has the likelihood $\hat y$ if $y=1$ and $1-\hat y$ if $y=0$; in one
# formula, $\hat y^y(1-\hat y)^{1-y}$. Its $-\ln$ is **binary cross-entropy**, in D as in E:
#
# $$L=-[y\ln\hat y+(1-y)\ln(1-\hat y)]$$
#
# It *is* softmax cross-entropy, with the scores $(0,z)$. Its derivatives by the prediction and, with $\sigma'=\hat y(1-\hat y)$, by the score:
#
# $$\frac{\partial L}{\partial\hat y}=-\frac y{\hat y}+\frac{1-y}{1-\hat y}=-\frac{y-\hat y}{\hat y(1-\hat y)},\qquad\frac{\partial L}{\partial z}=\hat y-y$$

# %%
z, y = np.array([1.5, -0.3, 2.0, 0.0]), np.array([1.0, 0.0, 0.0, 1.0])
pairs, y_hat = np.stack([np.zeros(4), z], axis=1), sigmoid(z)[0]
agree(softmax(pairs)[0][:, 1], y_hat)
by_softmax, _ = softmax_cross_entropy(pairs, labels=y.astype(int))
agree(binary_cross_entropy(y_hat, target=y)[0], by_softmax)
loss = lambda p: -(y * np.log(p) + (1 - y) * np.log(1 - p)).sum()
agree(numerical_gradient(loss, y_hat), -(y - y_hat) / (y_hat * (1 - y_hat)))
agree(numerical_gradient(lambda z: loss(1 / (1 + np.exp(-z))), z), y_hat - y)

# %% [markdown]
# Prediction less target, again. D lets $\hat y$ be 1, where a right prediction costs nothing; on paper a sigmoid stays below. *Predict:* from which whole score on is it 1 in float64, in float32?

# %%
for dtype in (np.float64, np.float32):
    scores = np.arange(1, 60, dtype=dtype)
    print(dtype.__name__, int(scores[sigmoid(scores)[0] == 1][0]))
raises(ValueError, binary_cross_entropy, sigmoid(np.array([40.0]))[0], target=np.array([0.0]))

# %% [markdown]
# From 37 and 17 on. The library refuses and names the way out: compute from the score. With both logarithms in one, and $\ln(1+e^z)$, the **softplus**, in safe terms,
#
# $$L=\ln(1+e^z)-yz=\max(z,0)-yz+\ln\big(1+e^{-|z|}\big)$$
#
# Once that is checked it is **your turn**: value and pullback, the mean over the entries, for scores of any size.

# %%
stable = np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))
agree(stable.mean(), binary_cross_entropy(y_hat, target=y)[0])
assert check_vjp(binary_cross_entropy_with_logits, z, target=y) < 1e-7


# %% tags=["exercise"]
def cross_entropy_of_score(z, y):
    """The mean loss of scores z with targets y, and its pullback dL -> dz."""


exercise("cross-entropy of a score", cross_entropy_of_score)

# %% [markdown]
# <details><summary>A hint</summary>The value is the formula above; the pullback is prediction less target, over z.size, times dL.</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def cross_entropy_of_score(z, y):
#     L = np.mean(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z))))
#     return L, lambda dL: dL * (sigmoid(z)[0] - y) / z.size
# ```
#
# </details>

# %% [markdown] lecture={"ask": "Which of D's three wishes does cross-entropy not grant when the target is 0.7?", "board": "The table, empty; the class fills it", "cut": "5 The panel: leave it as homework", "expect": "The first: where it is least it is the entropy, 0.61", "jump": "setup", "minutes": 10, "misconception": "A loss that is 0 when right is better than one that is not"}
# ## What a loss should do
#
# D wishes three things of a loss: $L=0$ for $y=\hat y$; *really high* for a misclassification; $L\ge0$.
#
# Two more losses: the **hinge**, $\max(0,1-z)$ for class 1, 0 once the score is right by a margin of 1; and *plain* squares,
# $\frac12(z-y)^2$, of the score itself. For class 0 the hinge is $\max(0,1+z)$; a soft target weighs the two by its shares; of several
# classes each pair has one, of the difference of their scores.

# %%
z = np.linspace(-6, 6, 241)
called = {name: name for name in ONE} | {"squares": "squares behind a sigmoid"}
curves = {called[name]: [f(s[None], target=np.ones(1))[0] for s in z] for name, f in ONE.items()}

# %%
_, ax = plt.subplots(figsize=(8.4, 3.6))
names = {"xlabel": "score z of the true class", "ylabel": "loss", "ylim": (0, 8)}
title = "Squares behind a sigmoid level off"
draw_lines(curves, z, **names, title=title, legend="beside", ax=ax)
plt.show()

# %% [markdown]
# *Predict.* Which grant all three wishes for the target 1? For a soft one, 0.7? "Push" is
# $-dL/dz$ at −30.

# %%
print(f"{'target, loss':33} {'least':>5} {'at z':>16} {'σ there':>8} {'at -30':>7} {'push':>5}")
treated = {(y, name): lab.properties(f, y) for y in (1.0, 0.7) for name, f in ONE.items()}
place = lambda z: "the edge" if z == 30 else f"{z:.2f}"  # where the scores tried end
for (y, name), found in treated.items():
    first, last = found.where
    where = place(first) if first == last else f"{place(first)} to {place(last)}"
    at = f"{found.least:5.2f} {where:>16} {sigmoid(np.array(first))[0]:8.2f}"
    print(f"{y:6} {called[name]:26} {at} {found.wrong:7.1f} {found.push:5.1f}")

# %% [markdown]
# **Hard:** all but squares behind a sigmoid, at most $\frac12$, as D says, and without push. They and cross-entropy reach 0 in the limit only. Plain squares rise past $z=1$: being *too right* costs.
#
# **Soft:** plain squares alone. Cross-entropy is least where $\sigma=0.7$, but there it is the entropy, 0.61: the first
# wish is for hard targets. For soft labels take it, not the hinge, least at $1$ or $-1$ whatever the share but $\frac12$.

# %%
cross, squared, margin, plain = (treated[0.7, name] for name in ONE)
agree([cross.where[0], squared.where[0], plain.where[0]], [0.85, 0.85, 0.7])
assert np.isclose(cross.least, -(0.7 * np.log(0.7) + 0.3 * np.log(0.3)), atol=1e-4)
assert max(squared.least, plain.least) < 1e-6
assert margin.least > 0.5
assert all(treated[1.0, name].least < 1e-9 for name in ONE)
assert [name for name in ONE if treated[1.0, name].wrong < 1] == ["squares"]
assert min(found.least for found in treated.values()) >= 0
hinged = [lab.properties(ONE["hinge"], share).where for share in (0.1, 0.4, 0.6, 0.9)]
assert hinged == [(-1, -1), (-1, -1), (1, 1), (1, 1)]

# %% [markdown]
# *Try.* (1) One score, rate 3, 300 steps: from which $z_1$ do squares free the unit? (2) Cross-entropy and hinge from $z_1=3$: why does the hinge not pull? (3) Three scores, *soft: 0.7*,
# all four, $z_1=0$, rate 1, 300 steps: which settle at 0.7?
#
# <details><summary>What there is to see</summary>(1) From −6.5 on, not −7. (2) It is past its margin. (3) Cross-entropy and squares; plain squares settle where the *scores* are the
# targets, p = 0.46; the hinge walks to and fro.</details>

# %%
LossPanel()

# %%
freed = lambda z1: lab.arrived(lab.explore(z1=z1, lr=3.0, steps=300).paths["squares"])
assert freed(-6.5)
assert freed(-7.0) is None
past = lab.explore(z1=3.0, losses="cross-entropy, hinge").gradients
assert past["hinge"] == 0 > past["cross-entropy"]
soft = {"outputs": "three scores", "target": "soft: 0.7", "losses": "all four", "z1": 0.0}
ends = {name: path[-20:] for name, path in lab.explore(**soft, steps=300).paths.items()}
assert [round(ends[name][-1], 2) for name in ONE if name != "hinge"] == [0.7, 0.7, 0.46]
assert [name for name in ONE if np.ptp(ends[name]) > 0.1] == ["hinge"]

# %% [markdown] lecture={"ask": "Started one unit of score deeper, how many more steps for either loss?", "board": "The integral as an area under 1/slope", "cut": "4 Where the integral comes from", "expect": "From -1 on about one more for cross-entropy; for squares at least twice as many, far out nearly e times", "jump": "setup", "minutes": 11, "misconception": "A larger rate repairs squares, from wherever they start"}
# ## Why squares get stuck
#
# D calls least squares not a good cost for classes. How bad is it? A step moves $z$ by $-\eta L'(z)$, $\eta$ the rate. Many short steps are a motion
# of that speed, so from $-m$ to 0 their number is
#
# $$N\approx\int_{-m}^0\frac{dz}{-\eta\,L'(z)}$$
#
# With $-L'=1-p=\frac1{1+e^z}$ for cross-entropy and $p(1-p)^2$ for squares behind a sigmoid, at $\eta=1$:
#
# $$N_{\ln}=m+1-e^{-m},\qquad N_{sq}=e^m+3m+\tfrac52-3e^{-m}-\tfrac12e^{-2m}$$
#
# One unit deeper: one step more, or, far out, nearly $e$ times as many. That is the prediction; now count.

# %%
rivals = ONE["cross-entropy"], ONE["squares"]
print("start    cross-entropy: predicted, counted    squares: predicted, counted")
for m in (2.0, 4.0, 6.0, 8.0, 10.0):
    of_squares = np.exp(m) + 3 * m + 2.5 - 3 * np.exp(-m) - np.exp(-2 * m) / 2
    predicted = np.array([m + 1 - np.exp(-m), of_squares])
    agree([lab.predicted_steps(loss, -m, points=40_001) for loss in rivals], predicted)
    counted = np.array([lab.steps_to_escape(loss, -m) for loss in rivals])
    (a, b), (c, d) = predicted, counted
    print(f"{-m:5.0f} {a:22.1f} {c:10} {b:21.1f} {d:10}")
    assert abs(c - a) <= 1
    assert abs(d / b - 1) < 0.04

# %% [markdown]
# The slope alone predicted the steps. **The losing case:** from $z=-1$, $p=0.27$, wrong but not sure, squares need only four times the steps,
# and four times the rate makes up for it.
#
# Does a larger rate always repair squares? *Predict* the steps at rate 1,000, from −8 and from −16.

# %%
steps = lambda name, rate, z=-1.0: lab.steps_to_escape(ONE[name], z, lr=rate)
few, many, repaired = steps("cross-entropy", 0.1), steps("squares", 0.1), steps("squares", 0.4)
print("from -1: cross-entropy", few, " squares", many, " squares at four times the rate", repaired)
assert round(many / few) == 4
assert abs(repaired - few) <= 1
print("from -8:", steps("squares", 1000, -8.0), "  from -16:", steps("squares", 1000, -16.0))
far = lab.descend(ONE["squares"], [-1.0], [1.0], lr=1000, steps=1)[-1]
pushes = [-lab.gradient_at(loss, far, np.zeros(1))[0] for loss in rivals]
pushed = ", ".join(f"{push:.1g}" for push in pushes)
print(f"from -1, one step leads to z = {far[0]:.0f}; the pushes back, for target 0: {pushed}")
assert far[0] > 100
assert pushes[0] == -1
assert abs(pushes[1]) < 1e-60
r = (y_hat := softmax(np.array([3.0, 1.0, -2.0]))[0]) - (y := np.array([0.0, 0.0, 1.0]))
agree(lab.gradient_at(SEVERAL["squares"], np.array([3.0, 1.0, -2.0]), y), y_hat * (r - r @ y_hat))

# %% [markdown]
# From one start. Eight units deeper the rate is too small again. And the step from −1 goes far: another image, of class 0, may stand
# there by the same step, and squares never push it back; cross-entropy does. A network's images start at many scores at once.
#
# Behind softmax squares give up too: with $r=\hat y-y$ the slope is $\hat y_j(r_j-\sum_kr_k\hat y_k)$, and nearly 0 where one wrong class has it all.

# %% [markdown]
# **On trial: not a good cost.** One hidden layer of 40, each loss at the best of seven rates on other images, five
# seeds (`python -m benchmarks.claims_03`). *Rule:* supported if cross-entropy reads more unseen images rightly than squares behind sigmoids, and the difference counts (a star).
# *Prediction:* after 3 epochs, not after 30; reversed where labels are wrong, for then giving up is right.
#
# In brackets, decided afterwards: the seeds with which squares have more; all losses start from the same weights. Sigmoids are taken as shares.

# %%
arms = "squares behind sigmoids", "squares behind softmax"
kinds = [("test accuracy", 3), ("test accuracy", 30), ("mean -ln p", 30)]
duels = {
    kind: [lab.duels("{} after {} epochs".format(*kind), arm) for arm in arms] for kind in kinds
}
mean = lambda duel: f"{duel.second:.3f}{'*' if duel.counts else ' '}"
mark = lambda duel: f"{mean(duel) if duel.spread < 0.3 else 'scattered'} ({duel.ahead})"
for (measure, epochs), of_arms in duels.items():
    print(f"{f'{measure}, {epochs} epochs':26} cross-entropy   squares: sigmoids      softmax")
    for row in zip(*of_arms):
        said = [mark(duel) for duel in row]
        print(f"{row[0].setting:26} {row[0].first:13.3f} {said[0]:>19} {said[1]:>12}")

# %% [markdown]
# **In part:** by the rule, with right labels, on the digits after 3 epochs and on MNIST after 30. By seed there is more to see: squares behind sigmoids never read more after 3 epochs, nor after 30 with right labels; with two in five wrong, after 30, they do with *each* seed. The reversal came, by 0.01, too little to count.
#
# *Scattered*: the five seeds lie 0.5 apart, so a mean would hang on one of them.

# %%
early, late, surprise = kinds
ahead = lambda kind, arm: [duel.ahead for duel in duels[kind][arm]]
counts = lambda kind, arm: [duel.counts for duel in duels[kind][arm]]
assert counts(early, 0) == [True, False, False, False]
assert counts(late, 0) == [False, False, True, False]
assert ahead(early, 0) == [0, 0, 0, 0]
assert ahead(late, 0) == [0, 5, 0, 5]
assert all(0.005 < duel.second - duel.first < 0.015 for duel in duels[late][0][1::2])
assert (ahead(early, 1)[0], ahead(late, 1)[2:]) == (0, [0, 5])
assert ahead(surprise, 0) == [5, 0, 5, 0]
assert ahead(surprise, 1) == [0, 0, 5, 0]
assert sum(counts(surprise, 0)[1::2] + counts(surprise, 1)[1::2]) == 3

# %% [markdown]
# The loss alone, both behind softmax: with right labels cross-entropy is ahead with each seed on the digits after 3 epochs and on MNIST after 30; with wrong ones it is behind on MNIST after 30.
#
# In $-\ln p$, after 30, wrong labels leave it behind with each seed, and three of the four differences count; right ones do so on the digits behind softmax only. Take it where labels are right; trained long on many wrong ones, squares bear them better.

# %% [markdown] lecture={"ask": "The accuracy stays and the loss on unseen images rises. How can that be?", "board": "The diagonal; a point below it: too sure", "cut": "2 The expected losses", "expect": "As many are wrong, and the network is surer, of these too", "jump": "setup", "minutes": 8, "misconception": "A probability of 0.9 from softmax means right nine times in ten"}
# ## Sure, and rightly so?
#
# A forecast of 0.7 is honest if it comes true seven times in ten. Which losses reward that? Let class 1 come with probability 0.7. *Predict* which $p$ has the smallest
# *expected* loss: cross-entropy, squares, and the plain distance $|y-p|$.

# %%
p, truth = np.linspace(0.01, 0.99, 99), 0.7
candidates = {
    "cross-entropy": (-np.log(p), -np.log(1 - p)),
    "squares": ((1 - p) ** 2 / 2, p**2 / 2),
    "distance": (1 - p, p),
}
for name, (if_1, if_0) in candidates.items():
    print(f"{name:13} smallest at p = {p[np.argmin(truth * if_1 + (1 - truth) * if_0)]:.2f}")

# %% [markdown]
# Squares reward it as cross-entropy does; the distance wants 0.99. Is a *trained network* honest?
#
# 64–30–10, Adam, three hundred digits; tested on other hands; five seeds. *Surprise* is the mean $-\ln p$ of the true class; *too sure*, how sure the network is, less
# how often it is right.
#
# *Predict:* from step 120 to step 1,000, what becomes of the accuracy on unseen digits, and of the surprise? (A change is one with each seed; so worded after a first look.)

# %%
stops = 60, 120, 1000
runs = [read_digits(SEVERAL["cross-entropy"], steps=stops, seed=seed) for seed in range(10, 15)]
measures = {"accuracy": "accuracy", "surprise": "surprise", "too sure": "over"}
table = {
    name: np.array([[getattr(one, field) for one in run] for run in runs])
    for name, field in measures.items()
}
for name, found in table.items():
    print(f"{name:9}", *[f"{mean:7.3f}" for mean in found.mean(axis=0)], end="   from 120 on ")
    print("higher with", (found[:, 2] > found[:, 1]).sum(), "of 5")

# %%
_, ax = plt.subplots(figsize=(5.4, 5.8))
shown = {f"{stops[k]:,} steps": [run[k] for run in runs] for k in (0, 2)}
plots.draw_reliability(shown, title="Honest early, too sure late", ax=ax)
plt.show()

# %% [markdown]
# After 60 steps it is, on the whole; after 120 it is too sure by 0.04, after 1,000 by 0.09. A ring's area is its share of the images: at the end most are in the last bin, below the line. From 120 on accuracy rises or falls by seed; surprise rises with each: once an image is read rightly, $-\ln p$ still falls with every larger score.
#
# A remedy: stop where the surprise on *other* images is least, here of the three at 120. Accuracy shows none of this.

# %%
assert abs(table["too sure"][:, 0].mean()) < 0.02 < table["too sure"][:, 1].min()
assert (table["too sure"][:, 2] > table["too sure"][:, 1] + 0.02).all()
assert table["surprise"].mean(axis=0).argmin() == 1
assert (table["surprise"][:, 2] > table["surprise"][:, 1]).all()
assert 0 < (table["accuracy"][:, 2] > table["accuracy"][:, 1]).sum() < 5
last_bin = lambda what: np.mean([getattr(run[-1], what)[-1] for run in runs])
assert last_bin("share") > 0.8
assert last_bin("right") < last_bin("said")

# %% [markdown] lecture={"ask": "Batches of 500 instead of 10, the same rate: what happens with the sum, what with the mean?", "board": "\u03b4 as columns, one for each image; the sum only behind the product", "cut": "2 C's 1/K", "expect": "With the sum the first step is 36 times as long; with the mean it keeps its length roughly", "jump": "setup", "minutes": 8, "misconception": "The mean makes training better"}
# ## What the mean changes
#
# A's loss is of one sample, E's the mean over the $n$ instances of a batch. One network learns from the sum, one from the mean. *Predict:* is there a rate that makes them equal?

# %%
digits = load_digits()
x, labels = scale(digits.x_train, np.float64, white=16), digits.labels_train
of_sum = lambda z, labels: softmax(z)[0] - one_hot(labels, 10)
of_mean = lambda z, labels: softmax_cross_entropy(z, labels=labels)[1](1.0)


def trained(dz, n, rate, steps=15):
    W = np.zeros((10, 64))
    for step in range(steps):
        part = slice(step * n % 1500, step * n % 1500 + n)
        W = W - rate * dz(x[part] @ W.T, labels[part]).T @ x[part]
    return W


agree(trained(of_mean, 100, 0.5), trained(of_sum, 100, 0.5 / 100))

# %% [markdown]
# Yes, $\eta/n$. The mean does not learn better. Does it let one rate serve all batch sizes? *Predict:* the best of these rates for batches of 10; is it the best for 500?

# %%
for n in (10, 500):
    total = np.linalg.norm(of_sum(np.zeros((n, 10)), labels[:n]).T @ x[:n])
    print(f"n = {n:3}: first gradient of the sum {total:5.1f}, of the mean {total / n:.2f}")
    scores = [x @ trained(of_mean, n, rate, 60).T for rate in (0.1, 1, 10)]
    ends = [softmax_cross_entropy(z, labels=labels)[0] for z in scores]
    print("         loss at rates 0.1, 1, 10:", *[f"{L:.2f}" for L in ends])
    assert np.argmin(ends) == (1 if n == 10 else 2)

# %% [markdown]
# No. The mean nearly keeps the length of the first gradient, and that is all: the best of its rates rises from 1 to 10, and that of the sum, $n$ times smaller, falls from 0.1 to 0.02. Each batch size wants its own.
#
# *Where* is the sum taken? In E instances are columns, and it stands inside $\frac{\partial L}{\partial\hat y}=-\frac1n\sum_i[y-\hat y]_i$ and every $\delta$ after it, the derivative by a layer's scores; then comes
# $\delta x^\top$, $x$ the layer's inputs. *Predict:* is that right for the bias, the weights, both?

# %%
rng = np.random.default_rng(0)
inputs, delta = rng.standard_normal((4, 5)), rng.standard_normal((3, 5))  # five columns
agree(delta.sum(axis=1), delta @ np.ones(5))
dW, summed_first = delta @ inputs.T, np.outer(delta.sum(axis=1), inputs.sum(axis=1))
print("largest error of the weights' gradient", np.abs(summed_first - dW).max().round(1))
agree(dW, sum(np.outer(delta[:, i], inputs[:, i]) for i in range(5)))

# %%
claim("E-mse-d")

# %% [markdown]
# For the bias. A sum of products is no product of sums: each instance keeps its column until $\delta x^\top$ adds them up. E's code does just that; with $\frac1n\sum_i$ read as an average
# around $\delta_ix_i^\top$ its formulas are exact.
#
# C divides by the number of classes as well: a constant that a rate absorbs.

# %% [markdown] lecture={"ask": "Which of these would you have called wrong an hour ago?", "board": "Nothing", "cut": "1 All of it: it is for reading at home", "expect": "The sums over instances, perhaps; most of the rest is right", "jump": "setup", "minutes": 1, "misconception": "A misprint makes notes useless"}
# ## Every claim about losses
#
# How much of what the documents say of losses holds as printed?

# %%
table = claims_table("03")
stated = [one for one, _ in table.rows if one.status not in ("added", "reading", "note")]
print(sum(one.status == "ok" for one in stated), "of", len(stated), "hold as printed")
table

# %% [markdown]
# ## What to remember
#
# * $-\ln p$ is a likelihood for classes, squares are one for normal noise.
# * From the scores: $-z_c+a+\ln\sum e^{z_k-a}$, $a$ the largest; never the logarithm of a probability.
# * Its gradient by the scores is prediction less target, for one score and for many.
# * Squares behind a sigmoid give up the sure and wrong: far out, nearly $e$ times the steps a unit.
# * A factor in the loss is a factor in the rate.
# * Accuracy does not show who is too sure.
#
# Next: [optimizers](04_optimizers.ipynb).
