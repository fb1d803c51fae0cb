# %% [markdown]
# # 3 · Losses
#
# A loss is a choice about which mistakes hurt.
#
# **Objectives.** Say why $-\ln p$ and not squares; derive both, with their gradients, from what is likely; compute
# cross-entropy so that no score is too large; tell a network that is right from one that knows how often it is.
#
# **Prerequisites.** [Lesson 1](01_vector_calculus.ipynb) and the [blocks](02_blocks.ipynb) sigmoid and softmax.
# **Minutes:** 111; a good place for a break is before *From the scores*.

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
from nnlib.exercises.judge import lines_of
from nnlib.experiments.score_losses import ONE, SEVERAL
from nnlib.losses import binary_cross_entropy, binary_cross_entropy_with_logits
from nnlib.losses import cross_entropy, mse, softmax_cross_entropy
from nnlib.plots.canvas import use_style
from nnlib.plots.curves import draw_lines
from nnlib.widgets.lesson_03 import LossPanel

use_style()


def agree(a, b):
    assert np.shape(a) == np.shape(b)
    assert np.allclose(a, b, rtol=1e-6, atol=1e-8)


# %% [markdown] lecture={"ask": "How many times as many steps does the unit need with squares? Vote: as many, ten times, hundreds of times", "board": "z, an arrow to p, an arrow to L; the two derivatives back under the arrows", "cut": "The second drawing", "expect": "Most say about as many: both losses fall as z rises", "jump": "setup", "minutes": 9, "misconception": "Any loss that falls toward the right answer will do; only the rate differs"}
# ## Sure, and wrong
#
# A unit says how probable class 1 is: $p=\sigma(z)$, the sigmoid of its score. Its score is $z=-8$, so it gives class 1 one
# chance in 3,000. But class 1 it is.
#
# Two losses race to free it, $\frac12(1-p)^2$ and $-\ln p$: gradient descent on $z$, rate 1, until $p>\frac12$.
#
# *Vote.* How many steps do the squares need: (a) as many as $-\ln p$, (b) ten times as many, (c) hundreds of times? (`ONE` holds losses of one score
# by their names.)

# %%
rivals = {name: ONE[name] for name in ("cross-entropy", "squares")}
for name, loss in rivals.items():
    print(f"{name:13} {lab.steps_to_escape(loss, -8.0):5} steps")

# %%
paths = {name: lab.descend(f, [-8.0], [1.0], steps=5000)[1:, 0] for name, f in rivals.items()}

# %%
_, ax = plt.subplots(figsize=(8, 3.6))
names = {"xlabel": "step", "ylabel": "score z", "xscale": "log"}
title = "9 steps against 3,000: squares let go of what is most wrong"
draw_lines(paths, np.arange(1, 5001), **names, title=title, ax=ax)
plt.show()

# %% [markdown]
# Both losses fall all the way, so (a) sounds right. But a step is as long as the *slope*, which by the chain rule has two factors,
# $\frac{dL}{dz}=\frac{dL}{dp}\frac{dp}{dz}$ with $\frac{dp}{dz}=p(1-p)$:
#
# $$-\ln p:\quad-\frac1p\cdot p(1-p)=p-1\qquad\qquad\tfrac12(1-p)^2:\quad-(1-p)\cdot p(1-p)$$

# %%
p = 1 / (1 + np.exp(8.0))
by_hand = {"cross-entropy": p - 1, "squares": -(1 - p) * p * (1 - p)}
for name, loss in rivals.items():
    slope = numerical_gradient(lambda z, loss=loss: loss(z, target=np.ones(1))[0], np.array([-8.0]))
    agree(slope, [by_hand[name]])

# %%
_, ax = plt.subplots(figsize=(9, 2.3))
chain, links = {"z": -8, "p": p, "L": -np.log(p)}, [("σ", p * (1 - p)), ("−ln", -1 / p)]
plots.draw_way_back(chain, links, title="−ln gives back what σ took away", ax=ax)
plt.show()

# %%
_, ax = plt.subplots(figsize=(9, 2.3))
chain, links = {"z": -8, "p": p, "L": (1 - p) ** 2 / 2}, [("σ", p * (1 - p)), ("½(1 − p)²", p - 1)]
plots.draw_way_back(chain, links, title="Squares leave the slope as small as σ made it", ax=ax)
plt.show()

# %% [markdown]
# The sigmoid is flat out there: its slope is 0.0003. $-\ln p$ is as steep as the sigmoid is flat, and the product is 1. The
# square has a slope of 1, and the product stays 0.0003.
#
# Nobody chose $-\ln p$ for its slope. Where does it come from?

# %% [markdown] lecture={"ask": "Two forecasters gave what happened 0.9, 0.7, 0.2 and 0.6, 0.6, 0.6. Who was better?", "board": "A bar of length 1 for each day, the share given to what happened shaded", "cut": "The soft targets", "expect": "The second: 0.216 against 0.126. One near miss costs more than two hits gain", "jump": "setup", "minutes": 14, "misconception": "The likelihood is the probability that the model is right"}
# ## The likelihood of what happened
#
# Document A, section 3.5, asks the network for $p(y\mid x)$, the probability of each class given the input. Data judge such a
# forecast by the share that it gave to what then happened.
#
# *Predict.* On three days, two forecasters gave what happened 0.9, 0.7, 0.2 and 0.6, 0.6, 0.6. Who did better?

# %%
first, second = np.array([0.9, 0.7, 0.2]), np.array([0.6, 0.6, 0.6])
for said in (first, second):
    print(f"mean {said.mean():.2f}   product {said.prod():.3f}")

# %% [markdown]
# Independent events multiply: the first gave these three days the probability 0.126, the second 0.216. That
# product is the **likelihood**. The mean sees no difference; in a product the 0.2 hurts.
#
# *Predict.* A thousand images, each true class given 0.4: what is the likelihood in float64?

# %%
print("product", np.prod(np.full(1000, 0.4)), "  sum of -ln p", round(-np.log(0.4) * 1000, 1))
agree(-np.log(first.prod()), -np.log(first).sum())

# %% [markdown]
# Zero: too small for a float. The logarithm makes the product a sum and keeps the order; a minus makes the most likely the
# smallest. That is the **negative log-likelihood**: 0 for a sure hit, without bound for a sure miss.

# %%
coin = np.arange(1, 100) / 100
likelihood = coin**7 * (1 - coin) ** 3
agree([coin[likelihood.argmax()], coin[np.argmin(-np.log(likelihood))]], [0.7, 0.7])
sides = {"likelihood": (likelihood, "7 heads of 10: most at 0.7")}
sides["−ln of it"] = (-np.log(likelihood), "and least at 0.7")

# %%
_, axes = plt.subplots(1, 2, figsize=(9, 3.2))
for ax, (name, (values, title)) in zip(axes, sides.items()):
    draw_lines({name: values}, coin, xlabel="p of heads", ylabel=name, title=title, ax=ax)
plt.show()

# %% [markdown]
# A writes the true distribution as $A$ and the predicted one as $P$:
#
# $$L=-\sum_iA_i\ln P_i$$
#
# With a **one-hot** $A$, a single 1, all terms but one vanish and $L=-\ln P_{true}$. B's example: $P=(.1,.3,.5,.1)$, and the second
# class is true.

# %%
P, A = np.array([[0.1, 0.3, 0.5, 0.1]]), np.array([[0.0, 1.0, 0.0, 0.0]])
L, pullback = cross_entropy(P, target=A)
print(f"{L:.7f}  and  -ln 0.3 = {-np.log(0.3):.7f}")

# %% [markdown]
# The notes say that this $L$ is to be maximised, and a page later, rightly, that the minus turns that into minimising. A slip of
# the pen. What if it is taken at its word?

# %%
claim("A-3.5-maximise")

# %% [markdown]
# Its derivative has one entry that is not 0 when the target is one-hot:
#
# $$\frac{dL}{dP}=\Big[-\frac{A_1}{P_1},\dots,-\frac{A_n}{P_n}\Big]$$

# %%
agree(pullback(1.0), -A / P)
agree(-A / P, numerical_gradient(lambda P: -(A * np.log(P)).sum(), P))
print(pullback(1.0).round(2) + 0.0)

# %% [markdown]
# Only the true class is pushed, up, and the harder the smaller its share. What pulls the others down? Softmax, whose shares sum to 1; see below.
#
# *Predict.* A **soft** target, $A=(.7,.2,.1)$: which $P$ has the smallest $L$, and is it 0?

# %%
A = np.array([0.7, 0.2, 0.1])
others = np.random.default_rng(0).dirichlet(np.ones(3), size=100)
at_target, elsewhere = -(A * np.log(A)).sum(), -(A * np.log(others)).sum(axis=1)
print(f"at P = A {at_target:.3f}, the best of 100 others {elsewhere.min():.3f}")
assert elsewhere.min() > at_target


# %% [markdown]
# $P=A$, and it is not 0 but the **entropy** of $A$: what remains uncertain for who knows $A$.
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

# %% [markdown] lecture={"ask": "E's loss is D's divided by n. Which of them bears the larger rate?", "board": "One parabola drawn four times, stretched; the same ball on each", "cut": "Where squares come from", "expect": "E's, by a factor of n: a flatter bowl bears longer steps", "jump": "setup", "minutes": 11, "misconception": "The scaling of a loss changes what is learned"}
# ## Squares, in four scalings
#
# Squares have a likelihood too. If a *number* is observed as the prediction $P$ plus normal noise, then
#
# $$-\ln\Big(\tfrac{1}{\sqrt{2\pi}}\,e^{-\frac12(A-P)^2}\Big)=\tfrac12(A-P)^2+\text{a constant}$$
#
# So least squares fits measurements. A class is no number with normal noise.

# %%
A, P = 3.2, np.linspace(0, 6, 61)
minus_log = -np.log(np.exp(-((A - P) ** 2) / 2) / np.sqrt(2 * np.pi))
agree(minus_log - (A - P) ** 2 / 2, np.full(61, np.log(2 * np.pi) / 2))

# %% [markdown]
# A's mean squared error runs over the $n$ components; with $A-P$ for $P-A$ it is the same:
#
# $$L=\frac1n\sum_i(P_i-A_i)^2,\qquad\frac{dL}{dP}=\frac2n(P-A)$$

# %%
P, A = np.array([0.5, 2.0, -1.0, 0.0]), np.array([1.0, 0.0, 0.0, 0.5])
L, pullback = mse(P, target=A)
agree(pullback(1.0), 2 / 4 * (P - A))
agree(pullback(1.0), numerical_gradient(lambda P: ((A - P) ** 2).mean(), P))

# %% [markdown]
# The documents do not agree on the factor, and none is wrong. With $r$ for prediction less target:
#
# | where | loss | gradient |
# |---|---|---|
# | A | $\frac1n\sum r^2$, over components | $\frac2nr$ |
# | D, for a unit | $\frac12\sum r^2$ | $r$ |
# | D, in backpropagation | $\sum r^2$ | $2r$ |
# | E | $\frac1{2n}\sum r^2$, over instances | $\frac1nr$ |

# %%
n, r = 50, np.random.default_rng(0).standard_normal(50)
factors = {"A": 1 / n, "D, a unit": 1 / 2, "D, later": 1.0, "E": 1 / (2 * n)}
for factor in factors.values():
    agree(2 * factor * r, numerical_gradient(lambda r, c=factor: c * (r**2).sum(), r))

# %% [markdown]
# It changes the rate. For a linear fit, $r=Xw-t$ at fifty points, the largest curvature is $2c\lambda$, $c$ the
# factor and $\lambda$ the largest eigenvalue of $X^\top X$; rates beyond $2/(2c\lambda)$ leave ([lesson 1](01_vector_calculus.ipynb)).
#
# *Predict.* D's later form bears a rate of at most $\rho$. What does E's bear?

# %%
X, t = np.random.default_rng(1).standard_normal((n, 3)), np.ones(n)
curvature = np.linalg.eigvalsh(X.T @ X).max()
for name, c in factors.items():
    found = lab.largest_rate(lambda w, c=c: 2 * c * X.T @ (X @ w - t), np.zeros(3))
    print(f"{name:9}  largest usable rate {found:.2g},  1/(cλ) = {1 / (c * curvature):.2g}")
    assert np.isclose(found, 1 / (c * curvature), rtol=0.01)

# %% [markdown]
# $2n\rho$, a hundred times as much. It changes nothing else: let the rate make up for the factor, and every step is the same.

# %%
ends = []
for c in factors.values():
    w = np.zeros(3)
    for _ in range(20):
        w = w - 0.1 / (2 * c * n) * 2 * c * X.T @ (X @ w - t)
    ends.append(w)
agree(np.array(ends), np.tile(ends[0], (4, 1)))


# %% [markdown]
# **Your turn.** The library takes A's form over *all* entries of any shape. Write its gradient.


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

# %% [markdown] lecture={"ask": "Scores of 300 in float32: which step fails first, the exponential or the logarithm?", "board": "Scores as points on a line, slid until the largest stands at 0", "cut": "The scale table's float16 column", "expect": "The exponential: beyond 88 it is infinite", "jump": "setup", "minutes": 14, "misconception": "Softmax that subtracts the largest score is safe, so its logarithm is"}
# ## From the scores
#
# A network ends in scores, B's $x$ ($z$ elsewhere). B walks from softmax to a form without it, $c$ the true class:
#
# $$L=-\ln\frac{e^{x_c}}{\sum_ke^{x_k}}=-x_c+\ln\sum_ke^{x_k}=-x_c+a+\ln\sum_ke^{x_k-a}$$
#
# The last step takes $e^a$ out of every term. Each equality, and for any $a$:

# %%
x, c = np.array([2.0, -1.0, 0.5]), 2
L = -np.log(softmax(x)[0][c])
agree(L, -x[c] + np.log(np.exp(x).sum()))
for a in (0.0, 5.0, -3.0, x.max()):
    agree(L, -x[c] + a + np.log(np.exp(x - a).sum()))

# %% [markdown]
# On paper $a$ does not matter, and B does not say which. *Predict.* Scores $(1000, 998, -2000)$, the second class is true. Which of these give
# the loss, 2.1269?

# %%
x, labels = np.array([[1000.0, 998.0, -2000.0]]), np.array([1])
for form in lab.FORMS:
    print(f"{form:36} {lab.losses_as(form, x, labels)[0]:.4f}")

# %% [markdown]
# Those that keep the exponents at most 0, here even softmax first. Let the third class be true, of probability
# $e^{-3000}$:

# %%
for form in list(lab.FORMS)[2:]:
    print(f"{form:36} {lab.losses_as(form, x, np.array([2]))[0]:.1f}")

# %% [markdown]
# Softmax rounds to 0, and $-\ln0$ is infinite, just where the network is most wrong. Never compute a probability to take its logarithm.
#
# **A claim on trial: the trick is needed.** *Rule.* 200 rows of ten normal scores times a scale up to $10^4$, five seeds. A form fails where a loss is not
# finite or off by 1 %. Needed if every form fails that does not take out the largest, or forms a probability, and no other does.
#
# *Predict.* Where does softmax, then ln, fail first?

# %%
scales = [m * 10.0**k for k in range(4) for m in (1, 2, 5)] + [1e4]
fails = lambda form, dtype: [
    lab.first_failure(form, dtype, seed=seed, scales=scales) for seed in range(10, 15)
]
table = {form: [fails(form, dtype) for dtype in lab.PRECISIONS] for form in lab.FORMS}

# %%
said = lambda scale: "never" if np.isinf(scale) else f"{scale:.0f}"
print(f"{'first scale that fails':36}", *[f"{dtype:>10}" for dtype in lab.PRECISIONS])
for form, found in table.items():
    print(f"{form:36}", *[f"{said(min(seeds)):>10}" for seeds in found])

# %%
failing = {form: np.min(found, axis=1) for form, found in table.items()}
*others, printed, ours = failing.values()
assert np.isfinite(others).all()
assert np.isinf(printed).tolist() == [True, True, False]
assert np.isinf(ours).all()
assert np.min(others) > 1
assert np.float16(60) + np.float16(0.01) == 60

# %% [markdown]
# **Verdict: supported in float64 and float32.** Exponentials overflow from 710, 89 and 12 on, and the scores reach three times their scale. In float16 B's
# line needs one step more: there $60+0.01$ is $60$, so take $a$ from *every* score first, $x_c$ too, as the library does.
#
# **Where it is not needed:** at scale 1, in every precision. Small numbers never show this bug.

# %%
print(lines_of(softmax_cross_entropy))


# %% [markdown]
# **Your turn.** The heart of it, for rows of scores of any size:


# %% tags=["exercise"]
def log_sum_exp(z):
    """ln of the sum of exp(z) over each row."""


exercise("log-sum-exp", log_sum_exp)

# %% [markdown]
# <details><summary>A hint</summary>z.max(axis=-1, keepdims=True) is a column. It is taken out of the exponents and added back behind the logarithm.</details>
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

# %% [markdown] lecture={"ask": "The scores of the wrong classes: who pushes them down?", "board": "Three bars p, one bar y, the difference below", "cut": "The way through the Jacobian", "expect": "ln of the sum: its derivative is p, for every class", "jump": "setup", "minutes": 11, "misconception": "Only the true class's score gets a gradient, since only its probability is in the loss"}
# ## Prediction less target
#
# The gradient takes two lines. With $y$ the one-hot target and $\hat y=\mathrm{softmax}(x)$,
#
# $$\frac{\partial}{\partial x_j}\Big(-\sum_iy_ix_i+\ln\sum_ke^{x_k}\Big)=-y_j+\frac{e^{x_j}}{\sum_ke^{x_k}}=\hat y_j-y_j$$

# %%
x, y = np.array([2.0, -1.0, 0.5]), np.array([0.0, 1.0, 0.0])
loss = lambda x: -(y * x).sum() + np.log(np.exp(x).sum())
agree(softmax(x)[0] - y, numerical_gradient(loss, x))
print("prediction", softmax(x)[0].round(3), "  gradient", (softmax(x)[0] - y).round(3))

# %% [markdown]
# Nothing in it can explode: each score is pushed by its error, and the pushes sum to 0. (Where B writes $\sigma(x_j)$, that is softmax, as its neighbours
# say.)
#
# It needs $\sum_iy_i=1$, tacitly. *Predict* the gradient for a picture of two digits, $y=(1,1,0)$.

# %%
two = np.array([1.0, 1.0, 0.0])
truth = numerical_gradient(lambda x: -(two * x).sum() + two.sum() * np.log(np.exp(x).sum()), x)
agree(truth, two.sum() * softmax(x)[0] - two)
print(
    "sum of ŷ - y", (softmax(x)[0] - two).sum().round(3), "  of 2ŷ - y", truth.sum().round(3) + 0.0
)

# %% [markdown]
# $2\hat y-y$. E goes the long way, with $a$ for the prediction and $C$ for the loss: $-y/a$ from the logarithm, then softmax's
# Jacobian. It arrives at the same:
#
# $$\sum_k\frac{y_k}{a_k}\,a_k(\delta_{kj}-a_j)=y_j-a_j\sum_ky_k=y_j-a_j$$

# %%
a = softmax(x)[0]
jacobian = np.diag(a) - np.outer(a, a)
agree(jacobian.T @ (-y / a), a - y)

# %% [markdown]
# E's derivation begins with $\partial_{a_j}C\cdot\partial_{z_j}a_j$, without the sum over $k$, which its next line has. What if one stops at the first?

# %%
elementwise = -y / a * (a * (1 - a))
print("elementwise", elementwise.round(3) + 0.0, "  right", (a - y).round(3))
assert loss(x - 0.1 * elementwise) < loss(x)

# %%
claim("E-cce-elem")

# %% [markdown]
# The true class is pushed rightly and the others not at all. The shapes fit and the loss falls; only a check of the gradient
# notices.
#
# In a batch the loss is the mean over $B$ rows, so each row's gradient has a $\frac1B$:

# %%
z = np.random.default_rng(0).standard_normal((5, 4))
labels = np.array([0, 3, 1, 1, 2])
agree(softmax_cross_entropy(z, labels=labels)[1](1.0), (softmax(z)[0] - one_hot(labels, 4)) / 5)
assert check_vjp(softmax_cross_entropy, z, labels=labels) < 1e-7


# %% [markdown]
# **Your turn.** The gradient of the whole batch, scores in, gradient out:


# %% tags=["exercise"]
def dz_of_cross_entropy(z, Y):
    """dL/dz for scores z (B, c) and one-hot rows Y, L the mean over the rows."""


exercise("softmax cross-entropy", dz_of_cross_entropy)

# %% [markdown]
# <details><summary>A hint</summary>softmax(z)[0] are the probabilities; len(z) is B.</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def dz_of_cross_entropy(z, Y):
#     return (softmax(z)[0] - Y) / len(z)
# ```
#
# </details>

# %% [markdown] lecture={"ask": "From which score on is 1 - sigmoid(z) exactly 0 in float64?", "board": "softplus, its two asymptotes 0 and z", "cut": "The derivative by the prediction", "expect": "37: there p is nearer to 1 than the next float below", "jump": "setup", "minutes": 10, "misconception": "Binary cross-entropy is another loss than cross-entropy"}
# ## Two classes, one score
#
# D's unit, $\hat y=\sigma(w\cdot x)$, has the likelihood $\hat y$ if $y=1$ and $1-\hat y$ if $y=0$; in one
# formula, $\hat y^y(1-\hat y)^{1-y}$. Its $-\ln$ is **binary cross-entropy**, in D as in E:
#
# $$J=-[y\ln\hat y+(1-y)\ln(1-\hat y)]$$
#
# It *is* softmax cross-entropy, with the scores $(0,z)$:

# %%
z, y = np.array([1.5, -0.3, 2.0, 0.0]), np.array([1, 0, 0, 1])
pairs = np.stack([np.zeros(4), z], axis=1)
agree(softmax(pairs)[0][:, 1], sigmoid(z)[0])
J, _ = binary_cross_entropy(sigmoid(z)[0], target=y.astype(float))
agree(J, softmax_cross_entropy(pairs, labels=y)[0])

# %% [markdown]
# Its derivatives by the prediction, E's $a$, and, with $\sigma'=a(1-a)$, by the score:
#
# $$\frac{\partial J}{\partial a}=-\frac ya+\frac{1-y}{1-a}=-\frac{y-a}{a(1-a)},\qquad\frac{\partial J}{\partial z}=a-y$$

# %%
a, J = sigmoid(z)[0], lambda a: -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum()
agree(numerical_gradient(J, a), -(y - a) / (a * (1 - a)))
agree(numerical_gradient(lambda z: J(1 / (1 + np.exp(-z))), z), a - y)

# %% [markdown]
# Prediction less target, again. D has $\hat y$ in $(0,1]$, 1 included. What would the loss be there?

# %%
claim("D-bce-range")

# %% [markdown]
# In floats 1 comes anyway. *Predict:* from which whole score on is $\hat y$ exactly 1, in float64 and in float32?

# %%
for dtype in (np.float64, np.float32):
    scores = np.arange(1, 60, dtype=dtype)
    print(dtype.__name__, int(scores[sigmoid(scores)[0] == 1][0]))
raises(ValueError, binary_cross_entropy, sigmoid(np.array([40.0]))[0], target=np.array([0.0]))

# %% [markdown]
# From 37 and 17 on. The library refuses and names the way out: compute from the score. With both logarithms in one,
#
# $$J=\ln(1+e^z)-yz=\max(z,0)-yz+\ln\big(1+e^{-|z|}\big)$$

# %%
y = y.astype(float)
stable = np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))
agree(stable.mean(), binary_cross_entropy(a, target=y)[0])
assert check_vjp(binary_cross_entropy_with_logits, z, target=y) < 1e-7
print(lines_of(binary_cross_entropy_with_logits))


# %% [markdown]
# **Your turn.** Value and pullback, the mean over the entries, for scores of any size:


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

# %% [markdown] lecture={"ask": "Which of D's three wishes does cross-entropy not grant when the target is 0.7?", "board": "The table, empty; the class fills it", "cut": "The panel: leave it as homework", "expect": "The first: at its best it is the entropy, 0.61", "jump": "setup", "minutes": 11, "misconception": "A loss that is 0 when right is better than one that is not"}
# ## What a loss should do
#
# D wishes three things of a loss: $J=0$ for $y=\hat y$; *really high* for a misclassification; $J\ge0$.
#
# Two more losses: the **hinge**, $\max(0,1-z)$ for class 1, which costs nothing once the score is right by a margin of 1; and *plain* squares,
# $\frac12(z-y)^2$, without a sigmoid.

# %%
z = np.linspace(-6, 6, 241)
curves = {name: [f(s[None], target=np.ones(1))[0] for s in z] for name, f in ONE.items()}

# %%
_, ax = plt.subplots(figsize=(8.4, 3.6))
names = {"xlabel": "score z of the true class", "ylabel": "loss", "ylim": (0, 8)}
title = "Only squares behind a sigmoid level off on the left"
draw_lines(curves, z, **names, title=title, legend="beside", ax=ax)
plt.show()

# %% [markdown]
# *Predict.* Which losses grant all three wishes for the target 1? For a soft one, 0.7? Each runs over the scores from −30 to 30;
# "best at" is $\hat y$ where it is least, "push" is $-dL/dz$ at −30.

# %%
print(f"{'target':10} {'loss':18} {'least':>6} {'best at':>8} {'at -30':>7} {'push':>5}")
arms = {f"{name}, one score": (f, [1.0], [0.7]) for name, f in ONE.items()}
arms["cross-entropy, three"] = (SEVERAL["cross-entropy"], [1.0, 0, 0], [0.7, 0.2, 0.1])
for kind, k in (("hard", 1), ("soft", 2)):
    for name, arm in arms.items():
        found = lab.properties(arm[0], arm[k])
        print(
            f"{kind:5} {name:24} {found.least:5.2f} {found.where:8.2f} {found.wrong:7.1f} {found.push:5.1f}"
        )

# %% [markdown]
# **Hard:** all but squares behind a sigmoid, which are at most $\frac12$ and push with 0. Plain squares pay for it: past 1 they rise, and being *too right* costs.
#
# **Soft:** cross-entropy is least at 0.7, but there it is the entropy, 0.61: the first wish is for hard targets. The hinge does not know 0.7;
# its scores are no probabilities.

# %%
claim("D-ls-low")

# %%
soft = lab.properties(ONE["cross-entropy"], [0.7])
assert np.isclose(soft.least, -(0.7 * np.log(0.7) + 0.3 * np.log(0.3)), atol=1e-4)
assert lab.properties(ONE["squares"], [1.0]).wrong <= 0.5
assert all(lab.properties(arm[0], arm[k]).least >= 0 for arm in arms.values() for k in (1, 2))

# %% [markdown]
# *Try.* From which $z_1$ do 300 steps at rate 3 free the unit with squares? Start the hinge at $z_1=3$: why does nothing pull? With three scores, a soft target and
# *all four*, which settle at 0.7?

# %%
LossPanel()

# %% [markdown] lecture={"ask": "Started one unit of score deeper, how many more steps for either loss?", "board": "The integral as an area under 1/slope", "cut": "The closed forms", "expect": "One more for cross-entropy; e times as many for squares", "jump": "setup", "minutes": 12, "misconception": "A larger rate repairs squares"}
# ## Why squares get stuck
#
# D calls least squares not a good cost for classes. How bad is it? A step moves $z$ by $-\eta L'(z)$, $\eta$ the rate. Many short steps are a motion
# of that speed, so from $-m$ to 0 their number is
#
# $$N\approx\int_{-m}^0\frac{dz}{-\eta\,L'(z)}$$
#
# With $-L'=1-p=\frac1{1+e^z}$ for cross-entropy and $p(1-p)^2$ for squares, at $\eta=1$:
#
# $$N_{\ln}=m+1-e^{-m},\qquad N_{sq}=e^m+3m+\tfrac52-3e^{-m}-\tfrac12e^{-2m}$$

# %%
of_log = lambda m: m + 1 - np.exp(-m)
of_squares = lambda m: np.exp(m) + 3 * m + 2.5 - 3 * np.exp(-m) - np.exp(-2 * m) / 2
for m in (2.0, 4.0, 8.0):
    agree(lab.predicted_steps(ONE["cross-entropy"], -m, points=20_001), of_log(m))
    agree(lab.predicted_steps(ONE["squares"], -m, points=20_001), of_squares(m))

# %% [markdown]
# One unit of score deeper costs one step more, or $e$ times as many. That is the prediction; now count:

# %%
print("start   cross-entropy: predicted, counted     squares: predicted, counted")
for m in (2, 4, 6, 8, 10):
    log_steps = lab.steps_to_escape(ONE["cross-entropy"], -float(m))
    square_steps = lab.steps_to_escape(ONE["squares"], -float(m))
    print(f"{-m:4} {of_log(m):21.1f} {log_steps:10} {of_squares(m):22.1f} {square_steps:9}")
    assert abs(log_steps - of_log(m)) <= 1
    assert abs(square_steps / of_squares(m) - 1) < 0.04

# %% [markdown]
# The slope alone predicted the steps. **The losing case:** from $z=-1$, wrong but not sure, squares need only four times the steps,
# and four times the rate makes up for it.

# %%
steps = lambda name, rate: lab.steps_to_escape(ONE[name], -1.0, lr=rate)
print("cross-entropy", steps("cross-entropy", 0.1), "  squares", steps("squares", 0.1), end="   ")
print("squares at four times the rate", steps("squares", 0.4))

# %% [markdown]
# **A claim on trial: not a good cost.** Does a network suffer? One hidden layer of 40, each loss at the best of seven rates, chosen on other images; five
# seeds (`python -m benchmarks.claims_03`).
#
# *Rule.* Supported if cross-entropy reads more unseen images rightly than squares behind sigmoids, by more than the seeds differ.
#
# *Prediction.* Supported after 3 epochs, not after 30; reversed where two labels in five are wrong, for then giving up on the sure and wrong is right.

# %%
for epochs in (3, 30):
    for duel in lab.duels(f"test accuracy after {epochs} epochs"):
        said = (
            f"cross-entropy {duel.first:.3f}   squares {duel.second:.3f}   spread {duel.spread:.3f}"
        )
        print(f"{epochs:2} epochs   {duel.setting:24} {said}   {'counts' if duel.counts else ''}")

# %%
early, late = (lab.duels(f"test accuracy after {epochs} epochs") for epochs in (3, 30))
assert [duel.counts for duel in early] == [True, False, False, False]
assert [duel.counts for duel in late] == [False, False, True, False]
surprise = {duel.setting: duel for duel in lab.duels("mean -ln p after 30 epochs")}
noisy = surprise["MNIST, 40% wrong labels"]
print(f"MNIST, wrong labels, mean -ln p: {noisy.first:.2f}, squares {noisy.second:.2f}")
assert noisy.counts

# %% [markdown]
# **Verdict: in part.** On the digits cross-entropy is far ahead after 3 epochs; after 30 nothing is left of it there, and one percent on MNIST. Elsewhere the seeds
# differ by more.
#
# The reversal did not come, not in accuracy. It shows in the mean $-\ln p$ of the true class: among wrong labels, who is less sure is less surprised.

# %% [markdown] lecture={"ask": "The accuracy stays and the loss on unseen images rises. How can that be?", "board": "The diagonal; a point below it: too sure", "cut": "The expected losses", "expect": "The same images are wrong, and the network is surer of them", "jump": "setup", "minutes": 9, "misconception": "A probability of 0.9 from softmax means right nine times in ten"}
# ## Sure, and rightly so?
#
# A forecast of 0.7 is honest if it comes true seven times in ten. Which losses reward that? Let class 1 come with probability 0.7; which $p$ has the smallest
# *expected* loss?
#
# *Predict* for cross-entropy, squares, and the plain distance $|y-p|$.

# %%
p, truth = np.linspace(0.01, 0.99, 99), 0.7
candidates = {
    "cross-entropy": (-np.log(p), -np.log(1 - p)),
    "squares": ((1 - p) ** 2, p**2),
    "distance": (1 - p, p),
}
for name, (if_1, if_0) in candidates.items():
    print(f"{name:13} smallest at p = {p[np.argmin(truth * if_1 + (1 - truth) * if_0)]:.2f}")

# %% [markdown]
# Squares reward it as cross-entropy does; the distance wants 0.99. Is a *trained network* honest?
#
# 64–30–10, trained on three hundred digits, tested on other hands; five seeds. *Rule:* a change counts if it exceeds their spread. *Predict:* from step 120 to step 1,000, what
# becomes of the accuracy on unseen digits, and of the loss there?

# %%
losses = {"cross-entropy": SEVERAL["cross-entropy"], "squares": SEVERAL["squares"]}
runs = {
    name: [lab.read_digits(loss, steps=[120, 1000], seed=seed) for seed in range(10, 15)]
    for name, loss in losses.items()
}
early, late = zip(*runs["cross-entropy"])

# %%
for measure in ("accuracy", "surprise", "gap"):
    values = [[getattr(run, measure) for run in part] for part in (early, late)]
    words = [f"{np.mean(v):.2f} (spread {np.ptp(v):.2f})" for v in values]
    print(f"{measure:9}", *words, sep="   ")

# %%
_, ax = plt.subplots(figsize=(5.4, 5.4))
title = "Trained longer: no more right, only surer"
plots.draw_reliability({"120 steps": early, "1,000 steps": late}, title=title, ax=ax)
plt.show()

# %% [markdown]
# *Surprise* is the mean $-\ln p$ of the true class; *gap*, the mean distance, over a network's images, between how sure it is and how often that is right. The accuracy does not move, the other two grow by more than their spreads:
# once a training image is read rightly, its $-\ln p$ still falls with every larger score.

# %%
mean_of = lambda part, measure: np.mean([getattr(run, measure) for run in part])
spread_of = lambda part, measure: np.ptp([getattr(run, measure) for run in part])
moved = lambda measure: (
    abs(mean_of(late, measure) - mean_of(early, measure))
    > max(spread_of(part, measure) for part in (early, late))
)
assert not moved("accuracy")
assert moved("surprise")
assert moved("gap")

# %% [markdown]
# Near certainty, too, squares push less: by $p(1-p)^2$, not $1-p$. After the same 1,000 steps, seed by seed:

# %%
for found, (_, squared) in zip(late, runs["squares"]):
    print(f"surprise {found.surprise:.2f}, squares {squared.surprise:.2f}", end="     ")
    print(f"accuracy {found.accuracy:.2f}, squares {squared.accuracy:.2f}")
    assert squared.surprise < found.surprise
squares = [squared for _, squared in runs["squares"]]
assert abs(mean_of(squares, "accuracy") - mean_of(late, "accuracy")) < spread_of(late, "accuracy")

# %% [markdown]
# Less surprised in all five, at accuracies that differ by less than the seeds. And in the long runs, stored above?

# %%
for duel in lab.duels("calibration gap after 30 epochs", second="squares behind softmax"):
    said = f"cross-entropy {duel.first:.3f}   squares {duel.second:.3f}   spread {duel.spread:.3f}"
    print(f"gap on {duel.setting:24} {said}   {'counts' if duel.counts else ''}")
    assert duel.second < duel.first

# %% [markdown]
# Always smaller, in three of four by more than the seeds differ. What is slow to leave a mistake is slow to be certain. Accuracy shows none of this: report the loss beside it.

# %% [markdown] lecture={"ask": "Batches of 1000 instead of 10, the same rate: what happens with the sum, what with the mean?", "board": "delta as columns, one for each image; the sum only behind the product", "cut": "C's 1/K", "expect": "With the sum steps are 100 times as long; with the mean they keep their length", "jump": "setup", "minutes": 9, "misconception": "The mean makes training better"}
# ## What the mean changes
#
# A's loss is of one sample, E's the mean over the $n$ instances of a batch. One network learns from the sum, one from the mean. *Predict:* is there a rate that makes them equal?

# %%
digits = load_digits()
x, Y = scale(digits.x_train, np.float64, white=16), one_hot(digits.labels_train, 10)
batch = lambda step, B: slice(step * B % 1500, step * B % 1500 + B)


def trained(B, rate, steps=15):
    W = np.zeros((10, 64))
    for step in range(steps):
        part = batch(step, B)
        W = W - rate * (softmax(x[part] @ W.T)[0] - Y[part]).T @ x[part]
    return W


# %% [markdown]
# The gradient in there is the sum's. The mean's is that divided by $B$:

# %%
B, rate = 100, 0.5
W = np.zeros((10, 64))
for step in range(15):
    part = batch(step, B)
    _, pullback = softmax_cross_entropy(x[part] @ W.T, labels=digits.labels_train[part])
    W = W - rate * pullback(1.0).T @ x[part]
agree(W, trained(B, rate / B))

# %% [markdown]
# Yes, $\eta/B$. The mean does not learn better; it lets one rate serve all batch sizes:

# %%
for B in (10, 100, 1000):
    total = np.linalg.norm((softmax(x[:B] @ np.zeros((64, 10)))[0] - Y[:B]).T @ x[:B])
    print(f"batch of {B:4}: first gradient of the sum {total:6.1f}, of the mean {total / B:.2f}")

# %% [markdown]
# *Where* is the sum taken? In E instances are columns, and the sum stands inside $\partial C/\partial a=-\frac1n\sum_i[y-a]_i$ and every $\delta$ after it; then comes
# $\delta a^\top$ with the inputs. *Predict:* is that right for the bias, for the weights, for both?

# %%
rng = np.random.default_rng(0)
inputs, delta = rng.standard_normal((4, 5)), rng.standard_normal((3, 5))  # five columns
agree(delta.sum(axis=1), delta @ np.ones(5))
dW, summed_first = delta @ inputs.T, np.outer(delta.sum(axis=1), inputs.sum(axis=1))
print("largest error of the weights' gradient", np.abs(summed_first - dW).max().round(1))

# %%
claim("E-mse-d")

# %% [markdown]
# For the bias. A sum of products is no product of sums: each instance keeps its column until $\delta a^\top$ adds them up. E's code does just that, and with $\frac1n\sum_i$ read as an average
# around $\delta_ia_i^\top$ the formulas are exact.
#
# C divides by the number of classes as well: one more constant that a rate absorbs.

# %%
agree(dW, sum(np.outer(delta[:, i], inputs[:, i]) for i in range(5)))

# %% [markdown] lecture={"ask": "Which of these would you have called wrong an hour ago?", "board": "Nothing", "cut": "All of it: it is for reading at home", "expect": "The sums over instances, perhaps; most of the rest is right", "jump": "setup", "minutes": 1, "misconception": "A misprint makes notes useless"}
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
# * A loss is a likelihood: $-\ln p$ for classes, squares for normal noise.
# * From the scores: $-x_c+a+\ln\sum e^{x_k-a}$, $a$ the largest; never the logarithm of a probability.
# * The gradient is prediction less target, for one score and for many.
# * Squares behind a sigmoid give up the sure and wrong: $e$ times the steps for each unit of score.
# * A factor in the loss is a factor in the rate.
# * Accuracy does not show who is too sure.
#
# Next: [optimizers](04_optimizers.ipynb).
