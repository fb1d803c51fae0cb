# %% [markdown]
# # 2 · The blocks
#
# A network mixes its numbers, bends them, mixes them again. Why must it bend? And how does a derivative get back through each piece?
#
# **Objectives.** Derive the linear layer, the activations and softmax, each from its whole Jacobian down to the line that is run; say where they break in floating
# point; say what one hidden layer can be, and what that does not promise.
#
# **Prerequisites.** [Lesson 1](01_vector_calculus.ipynb): Jacobian, chain rule, pullback. **Minutes:** 118; a break fits before *Softmax and its whole Jacobian*.
#
# | sign | meaning |
# |---|---|
# | A to E | five sets of lecture notes; [lesson 0](00_start_here.ipynb) lists them |
# | `dx` | $dl/dx$, in the shape of $x$: the loss $l$ (or $L$) by $x$ |
# | $\delta_{ij}$ | 1 if $i=j$, else 0 |
# | $\odot$ | entry by entry |
# | $S$; $p$ | the sigmoid; what softmax makes of scores $z$ |

# %%
import matplotlib.pyplot as plt
import numpy as np

import nnlib.experiments.lesson_02 as lab
import nnlib.plots.lesson_02 as plots
from nnlib.blocks import leaky_relu, linear, relu, sigmoid, softmax, tanh
from nnlib.calculus import check_vjp, numerical_gradient, numerical_jacobian, vec
from nnlib.checks import raises
from nnlib.documents import claim, claims_table
from nnlib.exercises import exercise
from nnlib.plots.canvas import use_style
from nnlib.plots.curves import draw_lines
from nnlib.plots.matrices import draw_matrix
from nnlib.widgets.lesson_02 import ActivationPanel, ApproximatorPanel, SoftmaxPanel

use_style()


def agree(a, b):
    assert np.shape(a) == np.shape(b)
    assert np.allclose(a, b, rtol=1e-6, atol=1e-8)


# %% [markdown] lecture={"ask": "How many of the four points can one line get right? Vote: three; all; all, with two linear layers", "board": "The square of four points; the network with its numbers, blue forward, orange back", "cut": "2 The picture of both planes", "expect": "Many vote for two layers. Three is right: both diagonals have one midpoint", "jump": "setup", "minutes": 11, "misconception": "More linear layers can do more"}
# ## Four points, one line
#
# XOR is 1, *true*, when its two inputs differ, else 0. A line scores a point, $s=w_1x_1+w_2x_2+b$, and says *true* where $s>0$.
#
# *Vote.* How many of the four points can be right: (a) three; (b) all, with the right line; (c) all, with a second linear layer behind the first?

# %%
points, xor = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
lines = np.random.default_rng(0).standard_normal((10_000, 3))
scores = points @ lines[:, :2].T + lines[:, 2]
print("the best of 10,000 lines:", (xor == (scores > 0).T).sum(axis=1).max(), "of 4")

# %% [markdown]
# Three, (a). No line is right, (b), for both diagonals have the same sum of scores:
#
# $$s(0,0)+s(1,1)=w_1+w_2+2b=s(0,1)+s(1,0)$$
#
# XOR wants the left one at most 0 and the right one above. (c) does not help: two linear layers are one.
#
# $$W_2(W_1x+b_1)+b_2=(W_2W_1)\,x+(W_2b_1+b_2)$$

# %%
assert np.allclose(scores[0] + scores[3], scores[1] + scores[2])
rng = np.random.default_rng(0)
W1, b1, W2, b2 = (rng.standard_normal(shape) for shape in [(5, 2), 5, (3, 5), 3])
stacked, _ = linear(linear(points, W1, b1)[0], W2, b2)
agree(stacked, linear(points, W2 @ W1, W2 @ b1 + b2)[0])

# %% [markdown]
# A **bend** between them does: $\mathrm{relu}(a)=\max(0,a)$. With $h_1=\mathrm{relu}(x_1+x_2)$ and $h_2=\mathrm{relu}(x_1+x_2-1)$, XOR is $y=h_1-2h_2$:

# %%
hidden, _ = relu(linear(points, np.ones((2, 2)), np.array([0.0, -1.0]))[0])
assert (hidden @ [1, -2] == xor).all()

# %%
_, axes = plt.subplots(1, 2, figsize=(9, 3.4))
plots.draw_two_planes(points, hidden, xor, axes=axes, line=lambda h1: (h1 - 0.5) / 2)
plt.show()

# %% [markdown]
# Both true points lie on one spot, and a line parts them. So document A sees hidden layers: they carry the input to where a line suffices.
#
# At $(1,1)$, raise $x_1$ a little. *Predict:* does $y$ (a) rise, (b) fall, (c) stay? Blue values go forward, orange derivatives of $y$ come back:

# %%
a, mix_back = linear(np.ones((1, 2)), np.ones((2, 2)), np.array([0.0, -1.0]))
h, bend_back = relu(a)
out, sum_back = linear(h, np.array([[1.0, -2.0]]), np.zeros(1))
dh, *_ = sum_back(np.ones((1, 1)))
da = bend_back(dh)
d_in, *_ = mix_back(da)
agree(d_in, [[-1.0, -1.0]])

# %%
_, ax = plt.subplots(figsize=(9, 4))
values = {"x": [1, 1], "a": a[0], "h": h[0], "y": out[0]}
slopes = {"x": d_in[0], "a": da[0], "h": dh[0], "y": [1]}
links, title = [np.ones((2, 2)), "relu", np.array([[1, -2]])], "Raise x₁ and y falls: 1 − 2 = −1"
plots.draw_network(values, links, slopes, title=title, ax=ax)

# %% [markdown]
# It falls, (b): $+1$ comes through $h_1$, $-2$ through $h_2$, and what arrives at $x_1$ is added. (a) sees the upper path alone; (c) takes the value 0 for the slope.
#
# Networks are built of such blocks: one mixes, one bends, a last one makes probabilities. For each: its whole Jacobian, then the line that makes it needless.

# %% [markdown] lecture={"ask": "How many of the 12 entries of dy/dW are not zero?", "board": "I \u2297 x\u1d40 as two boxes; below it \u03a3 over a with the \u03b4 crossed out", "cut": "3 The other stacking and the tensor", "expect": "6: each output sees its own row of W only", "jump": "setup", "minutes": 13, "misconception": "dy/dW is the vector x"}
# ## The linear layer, by its Jacobians
#
# The block that learns. One sample, a column $x$, in A's section 3.2:
#
# $$y=Wx+b,\qquad y_i=\sum_jw_{ij}x_j+b_i$$
#
# Per unit of a nudge to $x_j$, $y_i$ moves by $w_{ij}$; to $b_j$, $y_j$ alone moves, by 1. So $dy/dx=W$ and $dy/db=I$:

# %%
x, b = np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.2])
W = np.array([[1.0, 0.0, -1.0], [2.0, 1.0, 0.5]])
agree(numerical_jacobian(lambda x: W @ x + b, x), W)
agree(numerical_jacobian(lambda b: W @ x + b, b), np.eye(2))

# %% [markdown]
# For $W$, lay its entries in a line, row after row; then $dy/dW$ is a matrix, here $2\times6$.
#
# *Predict:* how many of the 12 entries are not zero? (a) 12, (b) 6, (c) 3.

# %%
J_W = np.kron(np.eye(2), x)
agree(numerical_jacobian(lambda w: w.reshape(2, 3) @ x + b, vec(W)), J_W)
print(np.count_nonzero(J_W), "of", J_W.size)

# %%
_, ax = plt.subplots(figsize=(8, 2.4))
weights = ["w₁₁", "w₁₂", "w₁₃", "w₂₁", "w₂₂", "w₂₃"]
title = "dy/dW: a copy of x for each output"
draw_matrix(J_W, title=title, columns=weights, rows=["y₁", "y₂"], ax=ax)
plt.show()

# %% [markdown]
# Six, (b): output $i$ sees row $i$ of $W$ only, and there it sees $x$. (a) would let $y_1$ feel $w_{21}$; (c) forgets the second output.
#
# With $\otimes$ for each entry of the left times the whole right, it is $I\otimes x^\top$. Stack the *columns* of $W$ instead: the same entries, in another order,
# $x^\top\otimes I$. Or leave $W$ a matrix, and the Jacobian is a tensor:
#
# $$T_{aij}=\frac{\partial y_a}{\partial w_{ij}}=\delta_{ai}\,x_j$$

# %%
agree(numerical_jacobian(lambda w: w.reshape(3, 2).T @ x + b, vec(W.T)), np.kron(x, np.eye(2)))
T = np.einsum("ai,j->aij", np.eye(2), x)  # the formula's letters
agree(numerical_jacobian(lambda W: W @ x + b, W), T)
agree(T.reshape(2, 6), J_W)

# %% [markdown]
# The chain rule sums over all outputs, and a $\delta$ leaves one of them:
#
# $$\frac{dl}{dw_{ij}}=\sum_a\frac{dl}{dy_a}\,\delta_{ai}x_j=\frac{dl}{dy_i}x_j,\quad
# \frac{dl}{dx_j}=\sum_i\frac{dl}{dy_i}w_{ij},\quad\frac{dl}{db_j}=\sum_i\frac{dl}{dy_i}\delta_{ij}=\frac{dl}{dy_j}$$
#
# Or, with columns, as A has all three:
#
# $$\frac{dl}{dW}=\frac{dl}{dy}x^\top,\qquad\frac{dl}{dx}=W^\top\frac{dl}{dy},\qquad\frac{dl}{db}=\frac{dl}{dy}$$

# %%
dy, y = np.array([0.5, -1.0]), W @ x + b
loss = lambda y: dy @ y  # whose derivative by y is dy
agree(np.outer(dy, x), numerical_gradient(lambda W: loss(W @ x + b), W))
agree(W.T @ dy, numerical_gradient(lambda x: loss(W @ x + b), x))
agree(dy, numerical_gradient(lambda b: loss(W @ x + b), b))
agree(np.outer(dy, x).ravel(), dy @ J_W)

# %%
_, ax = plt.subplots(figsize=(9, 4.6))
title = "Back along each link, times its weight; what arrives is added"
plots.draw_network({"x": x, "y": y}, [W], {"x": W.T @ dy, "y": dy}, title=title, ax=ax)
plt.show()

# %% [markdown]
# And a link's own derivative is the blue number where it begins times the orange one where it ends.
#
# *Predict.* A layer takes 784 pixels to 40 units. How many numbers would $dy/dW$ hold? (a) 40, (b) 31,360, (c) more than a million.

# %%
print(f"{40 * 40 * 784:,} numbers, {1 - 1 / 40:.1%} of them zero, for {40 * 784:,} weights")

# %% [markdown]
# (c): each of the weights that (b) counts has 40 derivatives, one for each output that (a) counts. Nobody builds that matrix. $dl/dy$ and $x$ are enough.

# %% [markdown] lecture={"ask": "Why is dW a sum over the samples?", "board": "X, W and Y as boxes; one row of X and of Y shaded", "cut": "2 The library's block against B's formulas", "expect": "One W serves all samples, so the loss feels it through each", "jump": "setup", "minutes": 12, "misconception": "Each sample has its own gradient and one picks the mean afterwards"}
# ## Many samples, as rows
#
# Document B lays samples out as rows of $X$, with its $W$ the other way round, (in, out), and no bias:
#
# $$Y=XW,\qquad y_{si}=\sum_kx_{sk}w_{ki}$$
#
# *Predict:* which entries of $Y$ move with $x_{11}$? (a) All, (b) the first row, (c) the first column.

# %%
X, W_B = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 3.0, -1.0], [2.0, 1.0, 0.5]])
moved = numerical_jacobian(lambda X: X @ W_B, X)[:, :, 0, 0]
print(moved.round(6) + 0.0)

# %% [markdown]
# (b), by $w_{11},w_{12},w_{13}$. (a) and (c) would let the second sample feel the first. The chain rule sums over all entries of $Y$; what is left:
#
# $$\frac{\partial L}{\partial x_{sk}}=\sum_{ri}\frac{\partial L}{\partial y_{ri}}\,\delta_{rs}w_{ki}=\sum_i\frac{\partial L}{\partial y_{si}}w_{ki}
# =\Big(\frac{\partial L}{\partial Y}W^\top\Big)_{sk}$$
#
# $$\frac{\partial L}{\partial w_{ki}}=\sum_{sj}\frac{\partial L}{\partial y_{sj}}\,x_{sk}\delta_{ij}=\sum_sx_{sk}\frac{\partial L}{\partial y_{si}}
# =\Big(X^\top\frac{\partial L}{\partial Y}\Big)_{ki}$$

# %%
dY = np.array([[1.0, -1.0, 2.0], [0.5, 0.0, 3.0]])
agree(dY @ W_B.T, numerical_gradient(lambda X: (dY * (X @ W_B)).sum(), X))
agree(X.T @ dY, numerical_gradient(lambda W: (dY * (X @ W)).sum(), W_B))
agree(X.T @ dY, sum(np.outer(X[s], dY[s]) for s in range(2)))


# %% [markdown]
# B finds the first entry by entry and announces the second. There the sum runs over the samples, for one $W$ serves them all: the loss feels it through each.
#
# | | a sample is | $W$ is | `dx` | `dW` | `db` |
# |---|---|---|---|---|---|
# | A | a column | (out, in) | $W^\top dy$ | $dy\,x^\top$ | $dy$ |
# | B | a row | (in, out) | $dY\,W^\top$ | $X^\top dY$ | |
# | here, PyTorch | a row | (out, in) | ? | ? | ? |
#
# **Your turn**: the last line.


# %% tags=["exercise"]
def linear_back(dy, x, W):
    """dx, dW and db of y = x Wᵀ + b; dy is dL/dy, a row for each sample, and W is (out, in)."""


exercise("linear layer's pullback", linear_back)

# %% [markdown]
# <details><summary>A hint</summary>Each result has the shape of its variable. One b serves all samples too.</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def linear_back(dy, x, W):
#     return dy @ W, dy.T @ x, dy.sum(axis=0)
# ```
#
# </details>

# %% [markdown]
# The library's block, against B's formulas and against differences:

# %%
Y, pullback = linear(X, W_B.T.copy(), np.zeros(3))
dX, dW, db = pullback(dY)
agree(dX, dY @ W_B.T)
agree(dW, (X.T @ dY).T)
agree(db, dY.sum(axis=0))
assert check_vjp(linear, X, W_B.T, np.zeros(3)) < 1e-7

# %% [markdown] lecture={"ask": "What do central differences answer at the corner?", "board": "The corner, and a ruler turned about it", "cut": "3 The leak above 1", "expect": "One half, the mean of both sides", "jump": "setup", "minutes": 12, "misconception": "The derivative at 0 is 0 because the library says so"}
# ## ReLU and its corner
#
# $y=\max(0,x)$ bends each entry by itself: the Jacobian is diagonal, 1 where $x>0$ and 0 where $x<0$. So on the way back it is a mask, and no matrix, with $[x>0]$ for 1 where that is so and 0 elsewhere:
#
# $$\frac{dl}{dx}=\frac{dl}{dy}\odot[x>0]$$

# %%
generic, upstream = np.array([-2.0, -0.5, 0.5, 3.0]), np.array([1.0, 2.0, 3.0, 4.0])
J_relu = numerical_jacobian(lambda x: relu(x)[0], generic)
agree(J_relu, np.diag([0.0, 0.0, 1.0, 1.0]))
agree(upstream * (generic > 0), J_relu.T @ upstream)
assert check_vjp(relu, generic) < 1e-7

# %% [markdown]
# And at 0? A says undefined, for left and right slope differ (in passing, its words put 1 where the input is *not negative*); E says 1; B sets 0, and says that it does so.
#
# *Predict:* what do central differences say at 0? (a) 0, (b) 1, (c) ½.

# %%
print(numerical_gradient(lambda x: relu(x)[0].sum(), np.zeros(1)).round(6))
raises(AssertionError, check_vjp, relu, np.zeros(1))

# %% [markdown]
# (c), the mean of the left side's answer, (a), and the right side's, (b). The checker takes no side: it names the kink.
#
# So A is right. Nor are E and B wrong: a line through the corner, with any slope from 0 to 1, never rises above the curve. Such slopes are **subgradients**.

# %%
_, ax = plt.subplots(figsize=(7.2, 3.1))
at, names = np.linspace(-2, 2, 101), {"xlabel": "x", "ylabel": "y", "xlim": (-2, 2)}
curves = {"ReLU": relu(at)[0], "slope 0": 0 * at, "slope ½": at / 2, "slope 1": at}
draw_lines(curves, at, **names, title="Any slope from 0 to 1 fits", legend="beside", ax=ax)
plt.show()

# %% [markdown]
# One must be set. In this course it is 0, as in B.
#
# **Leaky ReLU** lets a little through. D writes $\max(0.01z,z)$; E takes any slope $\alpha\ge0$ on the left. *Predict:* for $\alpha=2$, is $\max(\alpha z,z)$ what E means
# (a) on both sides, (b) on one, (c) on neither?

# %%
two = np.array([-1.0, 1.0])
print("as a maximum", np.maximum(2 * two, two), "  as defined", leaky_relu(two, slope=2.0)[0])
agree(np.maximum(0.01 * two, two), leaky_relu(two)[0])


# %% [markdown]
# (c): where $z<0$, $2z$ is the smaller one, and where $z>0$ the larger. D's 0.01 is safe, as is every slope up to 1.
#
# **Your turn**: its pullback. At the corner take the left slope.


# %% tags=["exercise"]
def leaky_back(dy, x, slope):
    """dx of y = x where x > 0, else slope · x; dy is dL/dy."""


exercise("leaky ReLU's pullback", leaky_back)

# %% [markdown]
# <details><summary>A hint</summary>A factor for each entry, 1 or the slope: np.where(x > 0, …, …). It is x that decides.</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def leaky_back(dy, x, slope):
#     return dy * np.where(x > 0, 1, slope)
# ```
#
# </details>

# %% [markdown] lecture={"ask": "A tanh and a sigmoid network are the same function. One step of descent at the same rate: are they still?", "board": "Both curves and, below them, both slopes", "cut": "4 One step of two networks", "expect": "Most say yes. No: their parameters are different ones", "jump": "setup", "minutes": 16, "misconception": "What represents the same learns the same"}
# ## Functions that squash
#
# The sigmoid is $S=1/(1+e^{-x})$. Its slope, as B derives it:
#
# $$S'=\frac{e^{-x}}{(1+e^{-x})^2}=\frac{(1+e^{-x})-1}{(1+e^{-x})^2}=\frac1{1+e^{-x}}-\frac1{(1+e^{-x})^2}=S\,(1-S)$$
#
# How steep can it be? $S(1-S)=\tfrac14-(S-\tfrac12)^2$: at most a quarter, and that only where $S=\tfrac12$, at 0.

# %%
sampled = np.linspace(-4, 4, 9)
S = lambda x: 1 / (1 + np.exp(-x))
agree(S(sampled) * (1 - S(sampled)), np.diag(numerical_jacobian(S, sampled)))
agree(S(sampled) * (1 - S(sampled)), 1 / 4 - (S(sampled) - 1 / 2) ** 2)

# %% [markdown]
# *Predict:* in float64, what is $S(1-S)$ at $x=40$? (a) $4\cdot10^{-18}$, (b) 0, (c) nan, for something overflows.

# %%
S40 = S(40.0)
print("S is exactly 1:", S40 == 1.0, "  S (1 - S):", S40 * (1 - S40))
first_form = lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2
print("the form before it:", f"{first_form(40.0):.2g}")
assert S(36.7) < 1 == S(36.8)
with np.errstate(over="ignore", invalid="ignore"):
    assert first_form(-400.0) == 0
    assert np.isnan(first_form(-710.0))
agree(first_form(-sampled), first_form(sampled))


# %% [markdown]
# (b). From 37 on, $S$ rounds to 1, and $1-S$ has lost the rest. The first form has it, (a); but far on the *left* its square overflows, which leaves 0, and from $-710$ on
# $e^{-x}$ too, which leaves nan, (c).
#
# Times $e^{2x}$ above and below, the form becomes that of $-x$: the slope is even. So take $e^{-|x|}$.
#
# **Your turn.**


# %% tags=["exercise"]
def sigmoid_back(dy, x):
    """dx of y = S(x), for every x that a float can hold; dy is dL/dy."""


exercise("sigmoid's pullback", sigmoid_back)

# %% [markdown]
# <details><summary>A hint</summary>e = np.exp(-np.abs(x)); then the first form.</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def sigmoid_back(dy, x):
#     e = np.exp(-np.abs(x))
#     return dy * e / (1 + e) ** 2
# ```
#
# </details>

# %% [markdown]
# **tanh** is $(e^z-e^{-z})/(e^z+e^{-z})$. By the quotient rule its slope is
#
# $$\frac{(e^z+e^{-z})^2-(e^z-e^{-z})^2}{(e^z+e^{-z})^2}=1-\tanh^2z$$
#
# Multiply tanh above and below by $e^{-z}$, and it is a sigmoid, stretched:
#
# $$\tanh z=\frac{1-e^{-2z}}{1+e^{-2z}}=\frac2{1+e^{-2z}}-1=2\,S(2z)-1$$
#
# From 710 on $e^z$ overflows, and tanh as printed is nan; the last form is not.
#
# *Predict:* which of the two is steeper at $z=3$? (a) tanh, (b) the sigmoid, (c) equal.

# %%
wide = np.linspace(-5, 5, 201)
agree(np.tanh(wide), 2 * S(2 * wide) - 1)
squashed = {f.__name__: f(wide)[0] for f in (tanh, sigmoid)}
steep = {f.__name__: f(wide)[1](np.ones_like(wide)) for f in (tanh, sigmoid)}
print("at 3:", *[f"{name} {slope[160]:.4f}" for name, slope in steep.items()])
at = np.array([-1.67, -1.66, 1.66, 1.67])
assert (4 * S(2 * at) * S(-2 * at) > S(at) * S(-at)).tolist() == [False, True, True, False]
assert np.array_equal(steep["tanh"] > steep["sigmoid"], np.abs(wide) < 1.665)
with np.errstate(over="ignore", invalid="ignore"):
    assert np.isnan((np.exp(710.0) - np.exp(-710.0)) / (np.exp(710.0) + np.exp(-710.0)))
    assert [2 * S(2 * z) - 1 for z in (-710.0, 710.0)] == [-1, 1]

# %%
_, axes = plt.subplots(1, 2, figsize=(9.5, 3.6))
titles = {"value": "tanh: a stretched sigmoid", "slope": "Beyond ±1.66 tanh is flatter"}
for ax, curve, (ylabel, title) in zip(axes, (squashed, steep), titles.items()):
    draw_lines(curve, wide, xlabel="z", ylabel=ylabel, title=title, ax=ax)
plt.show()

# %% [markdown]
# (b). Near 0 tanh is up to four times as steep, which is what (a) has in mind; far out it is flat earlier. (c) holds at ±1.66 only.
#
# D says that tanh works better in hidden layers *in many cases*, its outputs having a mean near 0, and takes the sigmoid for an output of 0 or 1. Its list of pros and cons shortens that to *always superior*, and the sigmoid to *never, except in specific cases*:

# %%
claim("D-tanh-always")

# %% [markdown]
# By $2S(2z)-1$, every tanh network *is* a sigmoid network with other weights: $w_S=2w$, $c_S=2c$ behind it, and a constant. Do both then learn alike?
#
# *Predict.* The same function, the same data, one step of gradient descent at the same rate. Are they still the same function? (a) Yes, (b) no.

# %%
inputs = np.linspace(-1, 1, 50)
value = lambda f, w, c, k: f(np.outer(inputs, w))[0] @ c + k


def descended(f, w, c, k, rate=0.1):
    dy = 2 * (value(f, w, c, k) - np.sin(np.pi * inputs)) / 50  # for the mean square
    units, units_back = f(np.outer(inputs, w))
    dw = units_back(np.outer(dy, c)).T @ inputs
    return w - rate * dw, c - rate * units.T @ dy, k - rate * dy.sum()


# %%
for w, c in np.random.default_rng(0).standard_normal((5, 2, 5)):
    agree(value(tanh, w, c, 0), value(sigmoid, 2 * w, 2 * c, -c.sum()))
    after, after_S = descended(tanh, w, c, 0), descended(sigmoid, 2 * w, 2 * c, -c.sum())
    assert np.abs(value(tanh, *after) - value(sigmoid, *after_S)).max() > 1e-3
    agree(after_S[0] / 2 - w, (after[0] - w) / 4)
print("five draws: the same before the step, others after it")

# %% [markdown]
# (b). They represent the same, as (a) has it, but by other *parameters*. Since $w_S=2w$, the gradient is half as long, $\frac{dL}{dw_S}=\frac12\frac{dL}{dw}$, and of that step
# half arrives in $w=\frac12w_S$: a quarter of the move.

# %% [markdown] lecture={"ask": "Weights four times as large: is the sigmoid's slope of a quarter made up for?", "board": "Ten boxes in a row, \u00d7 \u00bc under each", "break": 10, "cut": "2 The panel", "expect": "Many say wholly. In part: sums grow, and far out the slope is smaller", "jump": "setup", "minutes": 9, "misconception": "Vanishing gradients come from the quarter alone"}
# ## Slopes through depth
#
# The way back through ten layers multiplies ten slopes. Of a sigmoid, they alone leave at most $(\frac14)^{10}\approx10^{-6}$ of a gradient. D: small slopes make descent slow.
#
# *Predict:* weights four times as large make up for the quarter (a) wholly, (b) in part; (c) they do harm.
#
# Twenty layers of 128 units, thirty seeds. Weights of variance $1/128$ keep the size of a sum ([lesson 5](05_mlp_on_mnist.ipynb)); so a layer multiplies the gradient by their
# factor times the typical slope (root mean square). ReLU's is $\sqrt{1/2}$: hence $\sqrt2$.

# %%
arms = {"sigmoid": (sigmoid, 1), "sigmoid, weights × 4": (sigmoid, 4)}
arms |= {"tanh": (tanh, 1), "ReLU, weights × √2": (relu, 2**0.5)}
passes, factors = {}, {}
for name, (bend, gain) in arms.items():
    passes[name] = [lab.through_depth(bend, gain=gain, width=128, rng=k) for k in range(30)]
    factors[name] = [lab.factor_per_layer(gradient) for _, gradient in passes[name]]
    low, mean, high = (f(factors[name]) for f in (min, np.mean, max))
    print(f"{name:21} × {mean:.2f} a layer, from {low:.2f} to {high:.2f}")

# %%
_, ax = plt.subplots(figsize=(7, 3.1))
names = {"xlabel": "layer, the input's side left", "ylabel": "size of the gradient"}
title = "Twenty layers back, a sigmoid leaves less than 10⁻¹²"
first = {name: runs[0][1] / runs[0][1][-1] for name, runs in passes.items()}
draw_lines(first, **names, title=title, every=3, yscale="log", ax=ax)

# %% [markdown]
# (b): 0.63, more than 0.24, against (c), and less than 1. (a) forgets that the quarter holds at 0 only. Larger weights make larger sums, where $S$ is flatter: four times the typical slope at sums of this size explains the 0.63.

# %%
signal = np.mean([run[0][-2] for run in passes["sigmoid, weights × 4"]])
sums = 4 * signal * np.random.default_rng(0).standard_normal(100_000)
there = lab.size(sigmoid(sums)[1](np.ones_like(sums)))
print(f"size of the sums {4 * signal:.1f}, four times their slopes {4 * there:.2f}")
assert max(factors["sigmoid"]) < 1 / 4
assert abs(np.mean(factors["sigmoid, weights × 4"]) / (4 * there) - 1) < 0.1
assert 1 / 4 < min(factors["sigmoid, weights × 4"]) < max(factors["sigmoid, weights × 4"]) < 1
total = {name: [run[0] / run[-1] for _, run in runs] for name, runs in passes.items()}
assert max(total["sigmoid"]) < 1e-12
assert 0.15 < min(total["tanh"]) < max(total["tanh"]) < 0.25
assert 1 / 2 < min(total["ReLU, weights × √2"]) < max(total["ReLU, weights × √2"]) < 2

# %% [markdown]
# tanh leaves about a fifth, ReLU all, within a factor of 2. A larger rate would make up for it, if all layers shrank alike; but one serves all.
#
# *Try*, with 30 layers. (1) At which weights does tanh keep the gradient within a factor of 2? (2) From which on does ReLU's signal pass $10^4$? (3) What does a leak of 1 do?
#
# <details><summary>What there is to see</summary>(1) × 1.25. (2) × 2. (3) It bends nothing: at × 1, signal and gradient stay within a factor of 2.</details>

# %%
ActivationPanel()

# %%
kept = lambda name, gain: lab.activated(name, x=0.0, leak=1.0, depth=30, gain=gain)
left = lambda name, gain: kept(name, gain).gradient[0] / kept(name, gain).gradient[-1]
assert [1 / 2 < left("tanh", gain) < 2 for gain in (1, 1.25, 1.5)] == [False, True, False]
assert [kept("ReLU", gain).signal[-1] > 1e4 for gain in (1.75, 2)] == [False, True]
assert 1 / 2 < left("leaky ReLU", 1) < 2
assert 1 / 2 < kept("leaky ReLU", 1).signal[-1] < 2

# %% [markdown] lecture={"ask": "How many numbers does the Jacobian of softmax hold, and how many does the pullback need?", "board": "Four scores, four probabilities, all sixteen links", "cut": "4 The way by logarithms, and what slid in", "expect": "n squared, and n", "jump": "setup", "minutes": 15, "misconception": "softmax acts on each score by itself, so its Jacobian is diagonal"}
# ## Softmax and its whole Jacobian
#
# Scores become probabilities, $p_i=e^{z_i}/\Sigma$ with $\Sigma=\sum_ke^{z_k}$. Through $\Sigma$ each $p_i$ hears of **every** $z_j$. A's quotient rule has two cases:
#
# $$\frac{\partial p_i}{\partial z_i}=\frac{\Sigma\,e^{z_i}-e^{z_i}e^{z_i}}{\Sigma^2}=p_i(1-p_i),\qquad
# \frac{\partial p_i}{\partial z_j}=\frac{0-e^{z_i}e^{z_j}}{\Sigma^2}=-p_ip_j\quad(j\ne i)$$
#
# *Predict:* what does each row of this Jacobian sum to? (a) 1, (b) 0, (c) that depends on $z$.

# %%
z = np.array([2.0, 1.0, 0.0, -1.0])
by_definition = lambda z: np.exp(z) / np.exp(z).sum()
p = by_definition(z)
J_p = np.diag(p) - np.outer(p, p)
agree(J_p, numerical_jacobian(by_definition, z))
agree(J_p.sum(axis=1), np.zeros(4))

# %%
_, ax = plt.subplots(figsize=(5.6, 2.9))
title = "Every score moves every probability"
draw_matrix(J_p, title=title, xlabel="score nudged", ylabel="probability", ax=ax)
plt.show()

# %% [markdown]
# (b): $p_i(1-p_i)-\sum_{j\ne i}p_ip_j=p_i(1-\sum_jp_j)=0$. The probabilities sum to 1, (a), not their derivatives. And whatever $z$ is, against (c): when *all* scores rise alike, nothing happens.
#
# E goes by logarithms, which is neater. $\ln p_i=z_i-\ln\Sigma$, so
#
# $$\frac{\partial\ln p_i}{\partial z_j}=\delta_{ij}-\frac{e^{z_j}}\Sigma=\delta_{ij}-p_j,\qquad\frac{\partial p_i}{\partial z_j}=p_i\,\frac{\partial\ln p_i}{\partial z_j}$$

# %%
log_slopes = np.eye(4) - p
agree(log_slopes, numerical_jacobian(lambda z: np.log(by_definition(z)), z))
agree(J_p, p[:, None] * log_slopes)

# %% [markdown]
# E, with $q$ for $p$, prints the last step as $\delta_{ij}-\frac{e^{z_i}}\Sigma\,q_j$: $i$ for $j$, and most likely the fraction's name, written beside it, has become a factor. Its cross-entropy goes on
# without it.
#
# One look at the rows' sums, which must be 0, finds it. The fraction printed is $p_i$:

# %%
slid = np.eye(4) - np.outer(p, p)
print("rows sum to", slid.sum(axis=1).round(2))
agree(log_slopes.sum(axis=1), np.zeros(4))  # without the factor
claim("E-dlogq")


# %% [markdown]
# Back, $J^\top dp$ is due, and $J$ is symmetric. Multiply out:
#
# $$dz_j=\sum_idp_i\,p_i(\delta_{ij}-p_j)=p_j\Big(dp_j-\sum_idp_i\,p_i\Big)$$
#
# No matrix is left. What score $j$ gets is its own $dp_j$ less the *average* of all, weighted by $p$.
#
# **Your turn**, for many rows.


# %% tags=["exercise"]
def softmax_back(dp, p):
    """dz of p = softmax(z), from dp and p, one distribution a row."""


exercise("softmax's pullback", softmax_back)

# %% [markdown]
# <details><summary>A hint</summary>The sum runs along the row: axis=-1, and keepdims=True, lest it be lined up with the columns.</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def softmax_back(dp, p):
#     return p * (dp - (p * dp).sum(axis=-1, keepdims=True))
# ```
#
# </details>

# %% [markdown]
# *Predict.* Four samples of four classes, and somebody divides $e^z$ by its `.sum(axis=1)` without `keepdims`. (a) An error, (b) wrong numbers, (c) no harm.

# %%
scores_4 = np.random.default_rng(0).standard_normal((4, 4))  # samples are rows
by_axis = lambda z: np.exp(z) / np.exp(z).sum(axis=1)
print("the rows sum to", by_axis(scores_4).sum(axis=1).round(2))
raises(ValueError, by_axis, scores_4[:3])
right = np.isclose(by_axis(scores_4), softmax(scores_4)[0])
assert np.array_equal(right, np.eye(4, dtype=bool))
assert check_vjp(softmax, scores_4) < 1e-7

# %% [markdown]
# (b): *column* $j$ was divided by sample $j$'s sum, so only the diagonal is right, against (c). Three samples would have given the error of (a). A square batch goes wrong in silence.

# %% [markdown] lecture={"ask": "Scores 60, 55, 0: what does clipping at 50 make of them?", "board": "The clip's graph: a slope of 1, then flat", "cut": "3 The panel", "expect": "A tie of the first two, and no gradient to part them", "jump": "setup", "minutes": 13, "misconception": "Clipping only prevents the overflow, so it cannot matter"}
# ## Scores too large
#
# $e^{1000}$ is no float64, and softmax as defined answers nan. A names two remedies, one after the other: clip the scores to $[-50,50]$, or subtract the largest.
#
# *Predict.* For $z=(60,55,0)$ both prevent the overflow. Do they give (a) the same, (b) a tie of the first two by clipping, (c) another order by clipping?

# %%
far = np.array([60.0, 55.0, 0.0])
for repair in lab.REPAIRS:
    print(f"{repair:22}", lab.repaired_softmax(far, repair).round(3))

# %%
_, ax = plt.subplots(figsize=(9, 3))
rows = {"scores": far, "clipped": far.clip(-50, 50), "less the largest": far - far.max()}
plots.draw_moved_scores(rows, title="Clipping lays two scores on one place", ax=ax)
plt.show()

# %% [markdown]
# (b). The order stays, but of a difference of 5 nothing is left: (a) holds while all scores lie within 50. Subtracting slides them, and a shift by any $m$ changes nothing:
#
# $$\frac{e^{z_i-m}}{\sum_ke^{z_k-m}}=\frac{e^{-m}\,e^{z_i}}{e^{-m}\sum_ke^{z_k}}=p_i$$
#
# The largest moves with $z$; but since no shift matters, E may call it a constant and ignore it in the derivative.

# %%
p_far = softmax(far)[0]
for shift in (0.0, 7.0, 60.0):
    agree(np.exp(far - shift) / np.exp(far - shift).sum(), p_far)
slid_by_max = lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum()
agree(numerical_jacobian(slid_by_max, far), np.diag(p_far) - np.outer(p_far, p_far))

# %% [markdown]
# A wrong probability is bad, a wrong gradient is worse. Let the *second* class be true, with loss $-\ln p_2$, whose gradient by $z$ is $p$ less the target ([lesson 3](03_losses.ipynb)).
#
# *Predict.* The network is sure and wrong. By clipping, how hard is the second score pulled up? (a) as it should be, by about 1; (b) half as hard, by $1-\frac12$; (c) not at all.

# %%
for repair in list(lab.REPAIRS)[1:]:
    dz = lab.repaired_gradient(far, 1, repair)
    print(f"{repair:22}", dz.round(3) + 0.0)
    loss_of = lambda z, repair=repair: -np.log(lab.repaired_softmax(z, repair)[1])
    agree(dz, numerical_gradient(loss_of, far))

# %% [markdown]
# (c). Behind the clip, (b) would be right. But beyond 50 the clip is *flat*, its slope is 0, and by the chain rule whatever comes back is multiplied by it. The network is sure, wrong, and told
# nothing.

# %%
claim("A-3.4-clip")


# %% [markdown]
# Within 50 it is exact, and so does work well, until the scores grow. The remedy that A names next holds for all finite scores.
#
# **Your turn**: softmax of many rows, however large the scores.


# %% tags=["exercise"]
def steady_softmax(z):
    """softmax of each row of z, however large its scores are."""


exercise("softmax of large scores", steady_softmax)

# %% [markdown]
# <details><summary>A hint</summary>Each row has its own largest: z.max(axis=-1, keepdims=True).</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def steady_softmax(z):
#     e = np.exp(z - z.max(axis=-1, keepdims=True))
#     return e / e.sum(axis=-1, keepdims=True)
# ```
#
# </details>

# %% [markdown]
# *Try.* Nothing pulls the true class up. (1) Which temperature mends that? (2) Back at 1: which other true class is pulled up? (3) *As defined*: from which offset is it nan?
#
# <details><summary>What there is to see</summary>(1) From 2 on all scores lie within 50. (2) z3 or z4, which are not clipped. (3) 650, since 60 + 650 is above 709.</details>

# %%
SoftmaxPanel()

# %%
panel = {"scale": 30, "temperature": 1, "offset": 0, "repair": "clip to ±50"}
panel |= {"precision": "float64", "label": 1}
pull = lambda **other: -lab.repaired(**panel | other).gradient[(panel | other)["label"]]
assert [pull(temperature=t) > 0 for t in (1, 2)] == [False, True]
assert [pull(label=k) > 0 for k in range(4)] == [False, False, True, True]
nan_at = lambda o: np.isnan(lab.repaired(**panel | {"repair": "as defined", "offset": o}).p).any()
assert [nan_at(offset) for offset in (600, 650)] == [False, True]

# %% [markdown] lecture={"ask": "Does doubling the width halve the error? And: does training find what can be written down?", "board": "Three ramps that add up to a roof", "cut": "3 The proof for a parabola", "expect": "It quarters it; and no", "jump": "setup", "minutes": 16, "misconception": "The theorem says that training finds the approximation, and everywhere"}
# ## Any continuous function, on an interval
#
# A opens with a promise: one hidden layer comes as close as wanted to any continuous function. Build it. A unit $\mathrm{relu}(t-t_k)$ is 0 up to its *knot* $t_k$ and then rises. So begin at
# $f(t_0)$, walk from knot to knot, and let each unit add what the slope **changes** by there:
#
# $$y(t)=f(t_0)+\sum_kc_k\,\mathrm{relu}(t-t_k)$$

# %%
sine = lab.TARGETS["smooth"]  # sin πt
network, knots = lab.constructed(sine, 4), np.linspace(-1, 1, 5)
print("begin to rise at", -network.b, "  add to the slope", network.c.round(2))
cosine = lambda t: np.cos(np.pi * t)
for f in (sine, cosine):
    agree(lab.constructed(f, 4).constant, f(knots[0]))
    agree(lab.constructed(f, 4)(knots), f(knots))

# %%
_, ax = plt.subplots(figsize=(7.2, 3.8))
fits = {"4 units": network, "16 units": lab.constructed(sine, 16)}
plots.draw_fits(sine, fits, title="Written down, not trained", ax=ax)
plt.show()


# %% [markdown]
# Outside the shaded interval nothing holds. **Your turn**: the amounts, for knots at any distances.


# %% tags=["exercise"]
def bends(knots, values):
    """c such that values[0] + Σ c relu(t - knot) joins the values; no unit at the last knot."""


exercise("a bend at each knot", bends)

# %% [markdown]
# <details><summary>A hint</summary>np.diff gives the rises from knot to knot. Before the first knot the slope is 0: prepend=0.</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def bends(knots, values):
#     slopes = np.diff(values) / np.diff(knots)
#     return np.diff(slopes, prepend=0)
# ```
#
# </details>

# %% [markdown]
# How close? Error here is the *largest* on the interval. Between knots at distance $d$ let $g$ be $f$ less its chord, $f$ smooth, $\lvert f''\rvert\le M$. Then $g(t)-\frac M2(t-t_k)(t_{k+1}-t)$ is 0 at both
# knots and has the second derivative $f''+M\ge0$: it bends upward, so between them it lies below 0. The same for $-g$, hence
#
# $$\lvert g\rvert\le\tfrac M2(t-t_k)(t_{k+1}-t)\le\tfrac18d^2M$$
#
# *Predict.* Twice as many units: the error falls (a) to a half, (b) to a quarter, (c) by ever less.

# %%
widths = [8, 16, 32, 64, 128, 256]
errors = np.array([lab.largest_error(lab.constructed(sine, width), sine) for width in widths])
by = errors[:-1] / errors[1:]
print(by.round(1))
assert 3.5 < by.min() < by.max() < 4.01
assert (errors <= (2 / np.array(widths)) ** 2 * np.pi**2 / 8 + 1e-12).all()

# %% [markdown]
# (b): $d$ is halved, (a), and squared; the factor stays near 4, against (c). And without $f''$? A chord misses $f$ by no more than $f$ varies between two knots. For every
# *continuous* $f$ on a closed interval that goes to 0 with $d$: for ReLU, the promise holds. For A's tanh, and every continuous bend that is no polynomial, it is a theorem, quoted
# here (Leshno and others, 1993).

# %% [markdown]
# And else?
#
# * **A jump.** The network, being continuous, misses one side by at least half of it, at any width.
# * **A square for the bend.** $(wt+b)^2=w^2t^2+2wb\,t+b^2$: any sum of such units is one parabola $u$. With $r=t^3-u(t)$,
#
# $$\tfrac12[r(1)-r(-1)]-[r(\tfrac12)-r(-\tfrac12)]=\tfrac34,$$
#
# since $u$ drops out. If $\lvert r\rvert\le\varepsilon$ everywhere, the left is at most $3\varepsilon$: so $\varepsilon\ge\frac14$, at any width. (In root mean square two fifths of $t^3$ stay.)

# %%
jump, fine = (lambda t: np.where(t > 0.3, 1.0, 0.0)), np.linspace(-1, 1, 20_001)
root = lambda t: np.abs(t) ** 0.5  # varies by up to the root of d
for width in (9, 99, 999):
    assert lab.largest_error(lab.constructed(root, width), root, fine) < (2 / width) ** 0.5
assert lab.largest_error(lab.constructed(jump, 100), jump, fine) > 0.49
drawn = np.random.default_rng(0).standard_normal((5, 3, 100))
for parts in drawn:
    parabola = lab.OneHiddenLayer(lab.square, *parts, 0.0)
    assert lab.largest_error(parabola, lab.TARGETS["cubic"]) >= 1 / 4
agree(np.abs(fine**3 - 3 / 4 * fine).max(), 1 / 4)  # the best parabola is a line
rest = fine**3 - np.polyval(np.polyfit(fine, fine**3, 2), fine)
stays = lab.size(rest) / lab.size(fine**3)
print(f"of t³ {stays:.1f} stay, where 0.001 is wanted")
assert abs(stays - 2 / 5) < 1e-3
claim("A-2-uat")

# %% [markdown]
# So a good network *exists*. Is it **found**? A says in the same section that its methods do not guarantee that.
#
# *Predict.* 64 ReLU units learn $\sin\pi t$ from 64 points: 800 steps of Adam, three rates, five seeds. The largest error is (a) smaller than what is written down with 64 units, (b) about the
# same, within a factor of 2, (c) at least five times as large.

# %%
by_hand = lab.constructed(sine, 64)
rates, seeds = (0.01, 0.03, 0.1), range(20, 25)
learned = [lab.trained(sine, relu, 64, lr=rate, seed=seed) for rate in rates for seed in seeds]
written = lab.largest_error(by_hand, sine)
larger = sum(lab.largest_error(one, sine) > 5 * written for one in learned)
print(f"more than five times the error written down: {larger} of {len(learned)} runs")
assert larger == len(learned)
longer = lab.trained(sine, relu, 64, lr=0.03, seed=20, steps=8000)
assert lab.largest_error(longer, sine) > 5 * written
interval = np.linspace(-1, 1, 401)
pair = {"trained, rate 0.03": learned[5], "written down": by_hand}
gaps = {name: one(interval) - sine(interval) for name, one in pair.items()}

# %%
_, ax = plt.subplots(figsize=(7.2, 3.3))
names = {"xlabel": "t", "ylabel": "error", "title": "What exists is better than what was found"}
draw_lines(gaps, interval, **names, xlim=(-1, 1), ax=ax)
plt.show()

# %% [markdown]
# (c), in all fifteen; the one drawn has it after 8,000 steps, too. (a) and (b) expect that descent, which sees 64 points and the *mean* square, finds what exists.
#
# *Try.* (1) The oscillating target: how many units, written down, come within 5 %? (2) The kinked one: does doubling quarter the error? (3) $x^2$: from which width on does
# the error stay?
#
# <details><summary>What there is to see</summary>(1) 64. (2) Two do, by 4/3 and by 3: the kink has no second derivative. (3) From 2 on.</details>

# %%
ApproximatorPanel()

# %%
by_width = lambda name, units: lab.approximation(name, units, 32).errors[-1]
within = by_width("oscillating", "ReLU") < 0.05
assert lab.WIDTHS[within.argmax()] == 64
kinked = by_width("kinked", "ReLU")[3:]  # from 8 units on
assert np.allclose(kinked[:-1] / kinked[1:], [4 / 3, 3, 4 / 3, 3, 4 / 3], rtol=0.05)
assert all(np.ptp(by_width(name, "x²")[1:]) < 1e-6 for name in lab.TARGETS)

# %% [markdown] lecture={"ask": "Which of these would you have called wrong two hours ago?", "board": "Nothing", "cut": "1 All of it: it is for reading at home", "expect": "The corner at 0, perhaps; most of what the notes say holds", "jump": "setup", "minutes": 1, "misconception": "A misprint makes notes useless"}
# ## Every claim about blocks
#
# How much of what the documents say of blocks holds as printed?

# %%
table = claims_table("02")
stated = [one for one, _ in table.rows if one.status not in ("added", "reading", "note")]
print(sum(one.status == "ok" for one in stated), "of", len(stated), "hold as printed")
table

# %% [markdown]
# ## What to remember
#
# * Derive by the Jacobian, run the pullback: $dW=\sum dy\,x^\top$, $dx=W^\top dy$; softmax $p\,(dp-\sum p\,dp)$.
# * At ReLU's corner a slope is *chosen*. Through depth, slopes and weights multiply.
# * The same function, parametrised otherwise, takes other steps.
# * Subtract the largest score. A clip is flat, and sends nothing back.
# * With a bend that is no polynomial, networks come as close as wanted to any *continuous* function *on a closed interval*. Training may not find them.
#
# $\sigma$ is softmax in B, the sigmoid in D, any activation in E. Next: [losses](03_losses.ipynb).
