# %% [markdown]
# # 2 · The blocks
#
# **Objectives.** Derive the linear layer, the activations and softmax, each from its whole Jacobian down to the two lines that
# the library runs; find where they break in floating point; see what one hidden layer can do, and what it cannot.
#
# **Prerequisites.** [Lesson 1](01_vector_calculus.ipynb): what a Jacobian is, and the chain rule. **Minutes:** 110.

# %%
import inspect

import matplotlib.pyplot as plt
import numpy as np

import nnlib.experiments.lesson_02 as lab
import nnlib.plots.lesson_02 as plots
from nnlib.blocks import leaky_relu, linear, relu, sigmoid, softmax, tanh
from nnlib.calculus import check_vjp, numerical_gradient, numerical_jacobian, vec
from nnlib.checks import raises
from nnlib.documents import claim, claims_table
from nnlib.experiments.stored import stored
from nnlib.plots.canvas import use_style
from nnlib.plots.curves import draw_lines, draw_means
from nnlib.plots.matrices import draw_matrix
from nnlib.widgets.lesson_02 import ActivationPanel, ApproximatorPanel, SoftmaxPanel

use_style()


def agree(a, b):
    assert np.shape(a) == np.shape(b)
    assert np.allclose(a, b, rtol=1e-6, atol=1e-8)


# %% [markdown] lecture={"ask": "How many of the 12 entries of dy/dW are not zero?", "expect": "6: each output sees its own row of W only", "minutes": 11, "misconception": "dy/dW is the vector x"}
# ## The linear layer, by its Jacobians
#
# The block that learns. Document A takes one sample, a column $x$ (`A-3.2-fwd`):
#
# $$y=Wx+b,\qquad y_i=\sum_jw_{ij}x_j+b_i$$

# %%
x, b = np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.2])
W = np.array([[1.0, 0.0, -1.0], [2.0, 1.0, 0.5]])
m, n = W.shape
y = W @ x + b
agree(y, [sum(W[i, j] * x[j] for j in range(n)) + b[i] for i in range(m)])

# %% [markdown]
# Nudge $x_j$, and $y_i$ moves by $w_{ij}$. Nudge $b_j$, and $y_j$ alone moves. So (`A-3.2-dydx`, `A-3.2-dydb`)
#
# $$\frac{dy}{dx}=W,\qquad\frac{dy}{db}=I$$

# %%
agree(numerical_jacobian(lambda x: W @ x + b, x), W)
agree(numerical_jacobian(lambda b: W @ x + b, b), np.eye(m))

# %% [markdown]
# For $W$, lay its $mn$ entries in a row, row after row. Then $dy/dW$ is $m\times mn$ (`A-3.2-dydW`).
#
# *Predict:* how many of its $2\times6$ entries are not zero?

# %%
J = np.kron(np.eye(m), x)
agree(numerical_jacobian(lambda w: w.reshape(m, n) @ x + b, vec(W)), J)
print(np.count_nonzero(J), "of", J.size)

# %% [markdown]
# Six: output $i$ sees row $i$ of $W$ only, and there it sees $x$. The Jacobian is $I_m\otimes x^\top$:

# %%
_, ax = plt.subplots(figsize=(8, 2.4))
names = ["w₁₁", "w₁₂", "w₁₃", "w₂₁", "w₂₂", "w₂₃"]
title = "dy/dW: a copy of x for each output"
draw_matrix(J, title=title, columns=names, rows=["y₁", "y₂"], ax=ax)
plt.show()

# %% [markdown]
# The order matters. A's words stack the *columns* of $W$, its formula stacks the rows:

# %%
claim("A-3.2-dydW-vec")

# %% [markdown]
# Or leave $W$ a matrix. Then $dy/dW$ is a tensor of third order (`A-3.2-tensor`), a slice for each output:
#
# $$T_{aij}=\frac{\partial y_a}{\partial w_{ij}}=\delta_{ai}\,x_j$$

# %%
T = J.reshape(m, m, n)
agree(numerical_jacobian(lambda W: W @ x + b, W), T)
print(T)

# %% [markdown]
# **The chain rule** now contracts it with $dl/dy$, and nearly everything falls away:
#
# $$\frac{dl}{dw_{ij}}=\sum_a\frac{dl}{dy_a}T_{aij}=\sum_a\frac{dl}{dy_a}\delta_{ai}\,x_j=\frac{dl}{dy_i}\,x_j
# \qquad\text{so}\qquad\frac{dl}{dW}=\frac{dl}{dy}x^\top$$
#
# Three ways to one gradient (`A-3.2-dW`), and a fourth that knows no calculus:

# %%
k = np.array([1.0, -2.0])
loss = lambda y: np.sin(k * y).sum()
dy = k * np.cos(k * y)
dW = np.outer(dy, x)
agree(dW, (dy @ J).reshape(m, n))
agree(dW, np.einsum("a,aij->ij", dy, T))
agree(dW, numerical_gradient(lambda W: loss(W @ x + b), W))

# %% [markdown]
# `dy @ J` has `dy` as a **row**. A calls every vector a column, and for columns its chain rule does not exist:

# %%
claim("A-3.2-chain")

# %% [markdown]
# The other two are shorter still (`A-3.2-dx`, `A-3.2-db`):
#
# $$\frac{dl}{dx}=W^\top\frac{dl}{dy},\qquad\frac{dl}{db}=\frac{dl}{dy}$$

# %%
agree(W.T @ dy, numerical_gradient(lambda x: loss(W @ x + b), x))
agree(dy, numerical_gradient(lambda b: loss(W @ x + b), b))

# %% [markdown]
# Nobody builds $J$. *Predict:* how large would it be for a layer from 784 pixels to 40 units?

# %%
print(f"{40 * 40 * 784:,} numbers, {1 - 1 / 40:.1%} of them zero, for {40 * 784:,} weights")

# %% [markdown] lecture={"ask": "Why is dW a sum over the samples?", "expect": "One W serves all samples, so the loss feels it through each", "minutes": 9, "misconception": "Each sample has its own gradient and one picks the mean afterwards"}
# ## Many samples: document B's rows
#
# B lays the samples out as rows, with $W$ the other way round (`W_B` below) and no bias (`B-lin-fwd`): $Y=XW$. A gradient has the shape of
# its variable (`B-lin-5-shape`). *Predict:* which entries of $Y$ move with $x_{11}$?

# %%
X, W_B = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0, -1.0], [2.0, 1.0, 0.5]])
T_B = numerical_jacobian(lambda X: X @ W_B, X)  # T_B[:, :, i, k] = dY/dx_ik
print(T_B[:, :, 0, 0].round(6))

# %% [markdown]
# The first row, by $w_{11},w_{12},w_{13}$; nothing else (`B-lin-8`, and `B-lin-13` for $x_{12}$). The chain rule sums over all
# entries of $Y$ (`B-lin-5`, `B-lin-7`):
#
# $$\frac{\partial L}{\partial x_{11}}=\sum_{ij}\frac{\partial L}{\partial y_{ij}}\frac{\partial y_{ij}}{\partial x_{11}}
# =\sum_j\frac{\partial L}{\partial y_{1j}}\,w_{1j}$$

# %%
dY = np.array([[1.0, -1.0, 2.0], [0.5, 0.0, 3.0]])
assert np.isclose((dY * T_B[:, :, 0, 0]).sum(), dY[0] @ W_B[0])

# %% [markdown]
# That dot is a sum over entries. B drops it two lines later, and a product of two 2 × 3 matrices does not exist:

# %%
claim("B-lin-9")

# %% [markdown]
# Do it for all four entries (`B-lin-11`, `B-lin-14`, `B-lin-22`), and a matrix product appears (`B-lin-24`). B announces $W$'s
# gradient and never derives it (`B-lin-dW`):
#
# $$\frac{\partial L}{\partial X}=\frac{\partial L}{\partial Y}W^\top,\qquad\frac{\partial L}{\partial W}=X^\top\frac{\partial L}{\partial Y}$$

# %%
entry_by_entry = [[(dY * T_B[:, :, i, k]).sum() for k in range(2)] for i in range(2)]
agree(entry_by_entry, dY @ W_B.T)
agree(numerical_gradient(lambda W: (dY * (X @ W)).sum(), W_B), X.T @ dY)

# %% [markdown]
# *Predict:* why is $X^\top\,\partial L/\partial Y$ a sum over the samples?

# %%
agree(X.T @ dY, sum(np.outer(X[s], dY[s]) for s in range(2)))

# %% [markdown]
# Because one $W$ serves them all. A's columns and B's rows are transposes of each other (`X-layout`). `nnlib` takes samples as
# rows and A's $W$, (out, in), as PyTorch does. The library's own lines (`N-linear`):

# %%
print(inspect.getsource(linear))

# %% [markdown]
# `times` is `@`, whatever the batch's shape. Which line of `pullback` is which formula? Against B's, and against differences:

# %%
Y, pullback = linear(X, W_B.T.copy(), np.zeros(3))
dX, dW, db = pullback(dY)
agree(dX, dY @ W_B.T)
agree(dW, (X.T @ dY).T)
agree(db, dY.sum(axis=0))
assert check_vjp(linear, X, W_B.T, np.zeros(3)) < 1e-7

# %% [markdown] lecture={"ask": "Where is tanh flatter than the sigmoid?", "expect": "Beyond 1.66 on both sides", "minutes": 10, "misconception": "tanh is always steeper, hence always better"}
# ## Functions that squash
#
# The sigmoid is $S=1/(1+e^{-x})$ (`B-sig`, `D-sigmoid`, `E-sig`). Its slope, line by line (`B-sig-quot`, `B-sig-exp`,
# `B-sig-lines`, `B-sig-d`, `E-sig-d`):
#
# $$S'=\frac{e^{-x}}{(1+e^{-x})^2}=\frac{(1+e^{-x})-1}{(1+e^{-x})^2}=\frac1{1+e^{-x}}-\frac1{(1+e^{-x})^2}=S\,(1-S)$$

# %%
at = np.linspace(-4, 4, 9)
S = lambda x: 1 / (1 + np.exp(-x))
agree(S(at) * (1 - S(at)), np.diag(numerical_jacobian(S, at)))

# %% [markdown]
# $S(1-S)$ is at most $\tfrac14$, at 0 (`D-slope`), and $S$ lies strictly between 0 and 1 (`D-range`). *Predict:* in
# float64 too, at $x=40$?

# %%
S40 = 1 / (1 + np.exp(-40.0))
print("S is exactly 1:", S40 == 1.0, "  slope by S(1 - S):", S40 * (1 - S40))
print("slope by the line before it:", f"{np.exp(-40.0) / (1 + np.exp(-40.0)) ** 2:.2g}")

# %% [markdown]
# From 37 on, $S$ rounds to 1 (`D-range-float`), and $1-S$ has lost what was left. On the left $e^{-x}$ overflows. So the
# library goes by $e^{-|x|}$ and writes the slope without the difference (compare `E-1msig`):

# %%
print(inspect.getsource(sigmoid))

# %%
s, pullback = sigmoid(np.array([-1000.0, 40.0]))
print(s, [f"{slope:.2g}" for slope in pullback(np.ones(2))])
assert check_vjp(sigmoid, np.linspace(-4, 4, 9)) < 1e-7

# %% [markdown]
# **tanh** is $(e^z-e^{-z})/(e^z+e^{-z})$ (`B-tanh`, `D-tanh`, `E-tanh`). The quotient rule (`B-tanh-lines`, `E-tanh-d`) gives
#
# $$\tanh'=\frac{(e^z+e^{-z})^2-(e^z-e^{-z})^2}{(e^z+e^{-z})^2}=1-\tanh^2$$
#
# (`B-tanh-d`). E factors that, with one square too many:

# %%
claim("E-tanh-fact")

# %%
at = np.linspace(-2, 2, 9)
agree((1 - np.tanh(at)) * (1 + np.tanh(at)), np.diag(numerical_jacobian(np.tanh, at)))

# %% [markdown]
# D ranks them: tanh always, the sigmoid never. But multiply above and below by $e^{-z}$ (`D-tanh-sig`):
#
# $$\tanh z=\frac{1-e^{-2z}}{1+e^{-2z}}=\frac2{1+e^{-2z}}-1=2\,S(2z)-1$$
#
# *Predict:* which of the two is steeper at $z=3$?

# %%
wide = np.linspace(-5, 5, 201)
agree(np.tanh(wide), 2 * sigmoid(2 * wide)[0] - 1)
slopes = {f.__name__: f(wide)[1](np.ones_like(wide)) for f in (tanh, sigmoid)}
print("at 3:", *[f"{name} {slope[160]:.4f}" for name, slope in slopes.items()])

# %%
_, ax = plt.subplots(figsize=(7, 3.1))
names = {"xlabel": "z", "ylabel": "slope", "title": "Beyond 1.66 the sigmoid is the steeper one"}
draw_lines(slopes, wide, **names, xlim=(-5, 5), legend="beside", ax=ax)
plt.show()
assert np.array_equal(slopes["tanh"] > slopes["sigmoid"], np.abs(wide) < 1.663)

# %% [markdown]
# So whatever one represents the other does, with other weights; what differs is where training starts.

# %%
claim("D-tanh-always")

# %% [markdown]
# What tanh has is a mean of 0 for symmetric input, where the sigmoid has $\tfrac12$ (`D-tanh-mean`). Whether that helps,
# the last section measures.

# %%
half = np.random.default_rng(0).standard_normal(1000)
both = np.concatenate([half, -half])
assert abs(tanh(both)[0].mean()) < 1e-12
assert abs(sigmoid(both)[0].mean() - 0.5) < 1e-12

# %% [markdown] lecture={"ask": "What do central differences answer at the corner?", "expect": "One half, the mean of both sides", "minutes": 9, "misconception": "The derivative at 0 is 0 because the library says so"}
# ## ReLU and its corner
#
# $y=\max(0,x)$ (`A-3.3-fwd`, `B-relu`, `D-relu`). Its Jacobian is diagonal, 1 where $x>0$ and 0 where $x<0$ (`A-3.3-deriv`), and for
# symmetric input half of it is 1 (`D-relu-half`):

# %%
generic = np.array([-2.0, -0.5, 0.5, 3.0])
mask = numerical_jacobian(lambda x: relu(x)[0], generic)
agree(mask, np.diag([0.0, 0.0, 1.0, 1.0]))

# %% [markdown]
# As columns, the chain rule (`A-3.3-chain`) is a mask: $dl/dx=dl/dy\odot\mathbb 1[x>0]$.

# %%
upstream = np.array([1.0, 2.0, 3.0, 4.0])
agree(relu(generic)[1](upstream), mask.T @ upstream)
assert check_vjp(relu, generic) < 1e-7

# %% [markdown]
# At 0 the documents part: A's formula says undefined, its words 1 (`A-3.3-words`), B says 0 (`B-relu-d`), E says 1 (`E-lrelu-d`).
# *Predict:* what do central differences say?

# %%
print(numerical_gradient(lambda x: relu(x)[0].sum(), np.zeros(1)).round(6))

# %% [markdown]
# One half, the mean of both sides. The checker does not take sides; it names the kink:

# %%
raises(AssertionError, check_vjp, relu, np.zeros(1))

# %% [markdown]
# All three are right, in a sense: a line through the corner with any slope from 0 to 1 stays below the curve. Such slopes are
# **subgradients**.

# %%
t = np.linspace(-2, 2, 101)
curves = {"ReLU": relu(t)[0], "slope 0": 0 * t, "slope ½": t / 2, "slope 1": t}

# %%
_, ax = plt.subplots(figsize=(7.2, 3.1))
names = {"xlabel": "x", "ylabel": "y", "title": "Any slope from 0 to 1 fits"}
draw_lines(curves, t, **names, xlim=(-2, 2), legend="beside", ax=ax)
plt.show()

# %% [markdown]
# One must be set, for the whole course: 0, as in B. Does it matter? The last section counts how often a network is there.

# %%
claim("A-3.3-words")

# %% [markdown]
# **Leaky ReLU** lets a little through. D writes $\max(0.01z,z)$ (`D-leaky`); E allows any slope $\alpha\ge0$ on the left (`E-lrelu`).
# *Predict:* does $\max(\alpha z,z)$ hold for $\alpha=2$?

# %%
two = np.array([-1.0, 1.0])
print("as a maximum", np.maximum(2 * two, two), "  as defined", leaky_relu(two, slope=2.0)[0])
agree(np.maximum(0.01 * two, two), leaky_relu(two)[0])
assert check_vjp(leaky_relu, two, slope=2.0) < 1e-7

# %% [markdown]
# No: above 1 the maximum takes the wrong branch on both sides (`D-leaky-gt1`). The library asks where $z$ is, not which is
# larger.

# %% [markdown] lecture={"ask": "Weights four times as large: is the sigmoid's slope of a quarter made up for?", "expect": "Not wholly: units move to where they are flat", "minutes": 12, "misconception": "Vanishing gradients come from the quarter alone"}
# ## Slopes through depth
#
# The way back through twenty layers multiplies twenty slopes, each at most $\tfrac14$ for the sigmoid. D concludes: small slope,
# slow descent (D-c3). We test the first half of that.
#
# *Rule, fixed after a first look at other seeds.* Random layers of 64 units, weights of variance $1/64$ times a factor. Supported if the
# gradient shrinks to 0.3 or less in each layer. If the quarter is the **whole** reason, weights × 4 bring that back to within 10 % of 1.

# %%
arms = {"sigmoid": (sigmoid, 1), "sigmoid, weights × 4": (sigmoid, 4)}
arms |= {"tanh": (tanh, 1), "ReLU, weights × √2": (relu, 2**0.5)}
gradients = {
    name: [lab.through_depth(f, gain=gain, rng=seed)[1] for seed in range(10, 15)]
    for name, (f, gain) in arms.items()
}

# %%
for name, runs in gradients.items():
    factors = [lab.factor_per_layer(gradient) for gradient in runs]
    print(f"{name:21} × {np.mean(factors):.2f} a layer, spread {np.ptp(factors):.2f}")
first = {name: runs[0] / runs[0][-1] for name, runs in gradients.items()}

# %%
_, ax = plt.subplots(figsize=(7, 3.1))
names = {"xlabel": "layer, the input's side left", "ylabel": "size of the gradient"}
title = "Twenty layers back: a sigmoid leaves nothing"
draw_lines(first, **names, title=title, every=3, yscale="log", ax=ax)
plt.show()

# %% [markdown]
# **Verdict.** Supported: a factor of 0.24, and less than $10^{-12}$ is left after twenty layers. But the quarter is not all of it: with weights × 4 the
# factor is 0.63, not 1, since larger sums push units to where they are flat. tanh and ReLU nearly keep the gradient.

# %%
factor = {name: lab.factor_per_layer(runs[0]) for name, runs in gradients.items()}
assert factor["sigmoid"] < 0.3
assert 0.5 < factor["sigmoid, weights × 4"] < 0.9
assert min(factor["tanh"], factor["ReLU, weights × √2"]) > 0.9

# %% [markdown]
# Small is not yet slow: a larger rate would make up for it, if all layers shrank alike. They do not, and one rate serves all.
#
# *Try:* which activation keeps the gradient of 30 layers, and at which weights? Where does ReLU's signal explode? What does a leak of 1
# do?

# %%
ActivationPanel()

# %% [markdown] lecture={"ask": "How many numbers does the Jacobian of softmax hold, and how many does the pullback need?", "expect": "n squared, and n", "minutes": 13, "misconception": "softmax acts on each score by itself, so its Jacobian is diagonal"}
# ## Softmax and its whole Jacobian
#
# Scores become probabilities (`A-3.4-def`): $p_i=e^{z_i}/\sum_ke^{z_k}$. Laid out as a vector in A, two numerators have lost their index:

# %%
claim("A-3.4-vecform")

# %% [markdown]
# Each $p_i$ hears of **every** $z_j$, through the sum $\Sigma=\sum_ke^{z_k}$. The quotient rule has two cases (`A-3.4.2`, `A-3.4.3`):
#
# $$\frac{\partial p_i}{\partial z_i}=\frac{\Sigma\,e^{z_i}-e^{z_i}e^{z_i}}{\Sigma^2}=p_i(1-p_i),\qquad
# \frac{\partial p_i}{\partial z_j}=\frac{0-e^{z_i}e^{z_j}}{\Sigma^2}=-p_ip_j\quad(j\ne i)$$

# %%
z = np.array([2.0, 1.0, 0.0, -1.0])
by_definition = lambda z: np.exp(z) / np.exp(z).sum()
p = by_definition(z)
J_p = np.array([[p[i] * ((i == j) - p[j]) for j in range(4)] for i in range(4)])
agree(J_p, numerical_jacobian(by_definition, z))

# %% [markdown]
# In one matrix, $J=\mathrm{diag}(p)-pp^\top$ (`A-3.4.1`, `A-3.4-matrix`). *Predict:* what do its rows sum to?

# %%
agree(J_p, np.diag(p) - np.outer(p, p))
agree(J_p.sum(axis=1), np.zeros(4))

# %%
_, ax = plt.subplots(figsize=(5.6, 2.9))
title = "Every score moves every probability"
draw_matrix(J_p, title=title, xlabel="score nudged", ylabel="probability", ax=ax)
plt.show()

# %% [markdown]
# To 0: shift all scores alike and nothing changes. Remember that for the next section.
#
# E goes by logarithms, which is neater (`E-logder`, `E-logq`, `E-dsum`, `E-dlogq-mid`): $\partial p_i=p_i\,\partial\ln p_i$, and
#
# $$\ln p_i=z_i-\ln\Sigma\qquad\Longrightarrow\qquad\frac{\partial\ln p_i}{\partial z_j}=\delta_{ij}-\frac{e^{z_j}}{\Sigma}=\delta_{ij}-p_j$$

# %%
log_slopes = np.eye(4) - p
agree(log_slopes, numerical_jacobian(lambda z: np.log(by_definition(z)), z))
agree(J_p, p[:, None] * log_slopes)

# %% [markdown]
# In print, the last line keeps the fraction *and* writes $q_j$ (E's name for $p_j$), a factor too many:

# %%
claim("E-dlogq")

# %% [markdown]
# The factor then goes into the result (`E-dq`), though E's later derivation uses the right one. And its Jacobian is headed with
# the wrong letters:

# %%
claim("E-dq")

# %%
claim("E-jac")

# %% [markdown]
# Backwards we need $J^\top dp$, not $J$. Document A writes a row where a column is due (`A-3.4-chain`); since $J$ is symmetric it costs
# only a transpose. Multiply out:
#
# $$dz_j=\sum_idp_i\,p_i(\delta_{ij}-p_j)=p_j\Big(dp_j-\sum_idp_i\,p_i\Big)$$
#
# No matrix is left (`N-softmax-vjp`): $n$ numbers, not $n^2$.

# %%
dp = np.array([1.0, -2.0, 0.5, 3.0])
agree(p * (dp - dp @ p), J_p.T @ dp)
agree(p * (dp - dp @ p), numerical_gradient(lambda z: dp @ by_definition(z), z))

# %%
print(inspect.getsource(softmax))

# %%
agree(softmax(z)[1](dp), J_p.T @ dp)
scores = np.random.default_rng(0).standard_normal((3, 4))
assert check_vjp(softmax, scores) < 1e-7
assert check_vjp(softmax, scores, axis=0) < 1e-7

# %% [markdown]
# Why `keepdims`? *Predict:* four samples of four classes, and no `keepdims`: an error, or wrong numbers?

# %%
e = np.exp(np.random.default_rng(0).standard_normal((4, 4)))  # samples are rows
forgotten = e / e.sum(axis=1)
print("the rows sum to", forgotten.sum(axis=1).round(2))
assert np.allclose((e / e.sum(axis=1, keepdims=True)).sum(axis=1), 1)

# %% [markdown]
# Wrong numbers: each *column* was divided by another sample's sum. With five samples NumPy would have refused.

# %% [markdown] lecture={"ask": "Scores 60, 55, 0: what does clipping at 50 make of them?", "expect": "A tie of the first two", "minutes": 13, "misconception": "Clipping only prevents the overflow, so it cannot matter"}
# ## Scores too large: clip, or subtract the largest
#
# $e^{1000}$ is no float64, and softmax as defined answers nan. A offers two repairs: clip the scores to $[-50,50]$, which works
# well, or subtract the largest (`A-3.4-max`, `E-softmax`). *Predict:* do both give the same for $z=(60,55,0)$?

# %%
far = np.array([60.0, 55.0, 0.0])
for repair in lab.REPAIRS:
    print(f"{repair:22}", lab.repaired_softmax(far, repair).round(3))

# %% [markdown]
# No. Clipping turns 60 and 55 into the same 50. Subtracting any $c$ changes nothing:
#
# $$\frac{e^{z_i-c}}{\sum_ke^{z_k-c}}=\frac{e^{-c}\,e^{z_i}}{e^{-c}\sum_ke^{z_k}}=p_i$$
#
# So the maximum may be "constant, and ignored" in the derivative, as E has it (`E-maxconst`): right, though it is not constant.

# %%
q = softmax(far)[0]
for c in (0.0, 7.0, 60.0):
    agree(np.exp(far - c) / np.exp(far - c).sum(), q)
moving = numerical_jacobian(lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(), far)
agree(moving, np.diag(q) - np.outer(q, q))

# %%
claim("A-3.4-clip")

# %% [markdown]
# A wrong probability is bad, a wrong gradient worse. Let the right class be the second. *Predict:* how hard is the first score
# pushed down (`A-3.4-clip-grad`)?

# %%
for repair in list(lab.REPAIRS)[1:]:
    print(f"{repair:22}", lab.repaired_gradient(far, 1, repair).round(3))

# %%
loss_with = lambda z, f: -np.log(lab.repaired_softmax(z, f)[1])
for repair in lab.REPAIRS:
    truth = numerical_gradient(lambda z, repair=repair: loss_with(z, repair), far)
    agree(lab.repaired_gradient(far, 1, repair), truth)

# %% [markdown]
# Not at all: the network is sure, wrong, and told nothing. Now "works well" itself (A-c9), in three precisions.
#
# *Rule.* Two hundred rows of ten normal scores, scales 1 to 1000, offset 0 or 500. A repair works well if no probability is off
# by more than 0.01 at scales up to 100.
#
# *Predict:* where does clipping fail? And in float16, where $e^{12}$ is too large?

# %%
scales, offsets = (1, 10, 100, 1000), (0, 500)
off = lab.repair_errors(lab.repaired_softmax, scales=scales, offsets=offsets)
works = np.nan_to_num(off, nan=np.inf) <= 0.01
assert works[:, 2].all()

# %%
_, ax = plt.subplots(figsize=(8, 4))
title = "Only subtracting works everywhere"
plots.draw_repair_errors(off, scales, offsets, title=title, ax=ax)
plt.show()

# %%
assert works[0, 1].tolist() == [[True, True, False, False], [False] * 4]
assert works[2, 1].tolist() == [[True, False, False, False], [False] * 4]
assert works[0, 0, 0, :3].all()

# %% [markdown]
# A dot is an error below 0.01. **Verdict.** Not supported. At scale 1 or 10 clipping is exact, because it does nothing. Beyond, in float64, it is *worse than no repair*:
# $e^{z}$ itself holds up to 709. With an offset it is lost at once (`A-3.4-clip-shift`), and in float16 it is no repair at all.
#
# *Try:* make nothing pull the true class up. Then raise the temperature. Which offset breaks softmax as defined, and to which side?

# %%
SoftmaxPanel()

# %% [markdown] lecture={"ask": "Can a line put (0,0) and (1,1) on one side, (0,1) and (1,0) on the other?", "expect": "No: both pairs have the same midpoint", "minutes": 9, "misconception": "More linear layers could"}
# ## What no line can separate
#
# XOR is true when its two inputs differ. *Predict:* how many of the four points can a line get right (`A-2-xor`)?

# %%
points, xor = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
lines = np.random.default_rng(0).standard_normal((10_000, 3))
guesses = points @ lines[:, :2].T + lines[:, 2] > 0
print(f"the best of {len(lines):,} lines: {(xor == guesses.T).mean(axis=1).max():.2f}")

# %% [markdown]
# Three, and never four. For any $w$ and $b$ the scores of the two classes have equal sums:
#
# $$s(0,0)+s(1,1)=w_1+w_2+2b=s(0,1)+s(1,0)$$
#
# One sum should be positive and the other negative.

# %%
scores = points @ lines[:, :2].T + lines[:, 2]
assert np.allclose(scores[0] + scores[3], scores[1] + scores[2])

# %% [markdown]
# More layers do not help while they are linear (`D-nonlinear`):
#
# $$W_2(W_1x+b_1)+b_2=(W_2W_1)\,x+(W_2b_1+b_2)$$

# %%
rng = np.random.default_rng(0)
W1, b1, W2, b2 = (rng.standard_normal(shape) for shape in [(5, 2), 5, (3, 5), 3])
stacked, _ = linear(linear(points, W1, b1)[0], W2, b2)
agree(stacked, linear(points, W2 @ W1, W2 @ b1 + b2)[0])

# %% [markdown]
# A bend between them does. Two ReLU units: $h_1=\mathrm{relu}(x_1+x_2)$, $h_2=\mathrm{relu}(x_1+x_2-1)$. Then $h_1-2h_2$
# is XOR:

# %%
h, _ = relu(linear(points, np.ones((2, 2)), np.array([0.0, -1.0]))[0])
assert (h @ [1, -2] == xor).all()

# %%
_, axes = plt.subplots(1, 2, figsize=(9, 3.4))
plots.draw_two_planes(points, h, xor, axes=axes, line=lambda h1: (h1 - 0.5) / 2)
plt.show()

# %% [markdown]
# The layer has laid both true points on one spot. A calls that a kernel; it is a **feature map** $\phi$, and the kernel is
# $\phi(x)^\top\phi(x')$ (`A-2-kernel`). Whether *training* finds such maps (A-c2), the last section says.

# %%
claim("A-2-xor")

# %% [markdown] lecture={"ask": "Does doubling the width halve the error?", "expect": "Written down, it quarters it; trained, it stops helping", "minutes": 15, "misconception": "The theorem says that training finds the approximation, and everywhere"}
# ## Any function, on an interval
#
# A promises that one hidden layer comes as close as wanted to any continuous function. Build it: a ReLU unit $\mathrm{relu}(t-t_k)$
# begins to rise at $t_k$. Let it add just what the slope of the target changes by there:

# %%
f = lab.TARGETS["smooth"]
network = lab.constructed(f, 4)
print("bends at", -network.b, " adds to the slope", network.c.round(2))
knots = np.linspace(-1, 1, 5)
agree(network(knots), f(knots))

# %%
_, ax = plt.subplots(figsize=(7.2, 3.1))
fits = {"8 units": lab.constructed(f, 8), "32 units": lab.constructed(f, 32)}
plots.draw_fits(f, fits, title="Written down, not trained", ax=ax)
plt.show()

# %% [markdown]
# Between knots a distance $d$ apart, a smooth function leaves its chord by at most $\tfrac18d^2\max|f''|$. *Predict:* by what does the
# error fall when the width doubles?

# %%
widths = [8, 16, 32, 64, 128, 256]
errors = np.array([lab.largest_error(lab.constructed(f, width), f) for width in widths])
print((errors[:-1] / errors[1:]).round(1))
assert (errors <= (2 / np.array(widths)) ** 2 * np.pi**2 / 8 + 1e-12).all()

# %% [markdown]
# By four. And outside the interval nothing holds. Nor does "non-linear" suffice: units $(wt+b)^2$, however many, add up to **one**
# parabola. Against $t^3$ two fifths remain:

# %%
t = np.linspace(-1, 1, 2001)
parabolas = np.column_stack([np.ones_like(t), t, t**2])
rest = t**3 - parabolas @ np.linalg.lstsq(parabolas, t**3, rcond=None)[0]
print(f"{np.linalg.norm(rest) / np.linalg.norm(t**3):.2f}")

# %%
claim("A-2-uat")


# %% [markdown]
# So a good network *exists*. Is it **found** (A-c1)?
#
# *Rule, fixed after a first look at other seeds.* Target $\sin\pi t$; Adam, 800 steps, the best of three rates for each arm and width by the error on the training points;
# three seeds. Supported for training if each widening lowers the error by more than the spreads. Beside it: random hidden units with least squares, and $x^2$, which must lose.


# %%
def error_at_best_rate(activation, width):
    at = np.linspace(-1, 1, 64)
    runs = [[lab.trained(f, activation, width, lr=lr, seed=seed) for seed in seeds] for lr in rates]
    seen = [np.mean([lab.largest_error(g, f, at) for g in networks]) for networks in runs]
    return [lab.largest_error(g, f) for g in runs[int(np.argmin(seen))]]


f, widths, rates, seeds = lab.TARGETS["smooth"], [4, 16, 64], [0.01, 0.03, 0.1], (10, 11, 12)

# %%
units = {"trained, ReLU": relu, "trained, tanh": tanh, "trained, x²": lab.square}
errors = {name: [error_at_best_rate(g, width) for width in widths] for name, g in units.items()}
drawn = lambda width: [
    lab.largest_error(lab.random_features(f, relu, width, rng=s), f) for s in seeds
]
errors["random, ReLU"] = [drawn(width) for width in widths]
errors["written down, ReLU"] = [3 * [lab.largest_error(lab.constructed(f, w), f)] for w in widths]

# %%
for name, runs in errors.items():
    cells = [f"{np.mean(run):.4f} (spread {np.ptp(run):.4f})" for run in runs]
    print(f"{name:19}", *cells, sep="  ")

# %%
_, ax = plt.subplots(figsize=(7, 3.1))
title = "ReLU: worse trained than written down"
plots.draw_errors_by_width(widths, errors, title=title, ax=ax)
plt.show()

# %%
mean, spread = ({k: f(v, axis=1) for k, v in errors.items()} for f in (np.mean, np.ptp))
gains = {k: mean[k][:-1] - mean[k][1:] > np.maximum(spread[k][:-1], spread[k][1:]) for k in mean}
for name in ("trained, ReLU", "trained, tanh"):
    print(name, "gains more than the spread, 4 to 16 and 16 to 64:", gains[name].tolist())
assert mean["trained, x²"].min() > 0.8
assert mean["trained, ReLU"][2] > 10 * mean["written down, ReLU"][2]

# %% [markdown]
# **Verdict.** Representable: yes, and the construction's error falls as width⁻². Found by training: not supported by the rule. One widening of four
# gains more than the seeds differ, and 64 trained ReLU units end twenty times above what can be written down. $x^2$ loses at every width.
#
# *Try:* the kinked target with few units; the oscillating one; then look *outside* the shaded part.

# %%
ApproximatorPanel()

# %% [markdown] lecture={"ask": "Which is it, the mean of the sigmoid or its slope?", "expect": "In deep networks mostly both: 4\u03c3 \u2212 2 mends what \u03c3 \u2212 \u00bd does not", "minutes": 7, "misconception": "tanh wins because its mean is zero"}
# ## What takes minutes
#
# The rest was run by `python -m benchmarks.claims_02`, by the rules at its head: bundled digits, the rate chosen on images of other hands, the test images touched once, three
# seeds or five. First A-c2: how well does a **linear rule** do on each layer?

# %%
rows = stored("02_claims")
for row in rows:
    if row["claim"] == "A-c2":
        print(f"{row['setting']:15} {row['arm']:19} {row['mean']:>6}, spread {row['spread']}")

# %% [markdown]
# **A-c2: supported, and training is not always the reason.** On the rings an *untrained* layer already does it; the spirals need training; on 3 and 8
# the raw pixels are as good as any layer.
#
# Next, sigmoid against tanh (D-c1), and what the difference is made of: the mean, $\sigma-\tfrac12$ (D-c2), or the slope, weights × 4
# (D-c3), or both, $4\sigma-2$. Each arm at its best rate.

# %%
arms = {}
for row in stored("02_claims"):
    if row["claim"].startswith("D-c1 ") and "best rate" in row["measure"]:
        arms.setdefault(row["arm"], []).append([float(row["mean"]), float(row["spread"])])
arms = {name: np.array(values) for name, values in arms.items()}
assert {len(values) for values in arms.values()} == {4}
ranges = {name: v[:, :1] + v[:, 1:] * [-0.5, 0.5] for name, v in arms.items()}

# %%
_, ax = plt.subplots(figsize=(7.6, 3))
names = {"xlabel": "hidden layers", "ylabel": "test accuracy", "ylim": (0, 1)}
title = "Equal while shallow, not when deep"
draw_means([1, 2, 4, 8], ranges, **names, title=title, legend="beside", ax=ax)
plt.show()

# %%
best = {name: values[:, 0] for name, values in arms.items()}
assert abs(best["tanh"][0] - best["sigmoid"][0]) < arms["sigmoid"][0, 1]
assert max(best["sigmoid"][3], best["sigmoid - 1/2"][3]) < 0.2
assert best["4 sigmoid - 2"][3] > 0.85 > best["sigmoid, weights x4"][3] > 0.5

# %% [markdown]
# **D-c1: depends on depth.** With one or two hidden layers no difference exceeds the spread; with four or eight the sigmoid has learned next to nothing after 600 steps, at any rate tried.
# **D-c2: in part.** Centring rescues four layers, not eight. **D-c3: supported**: mending the slope rescues four, and most of eight;
# mending both rescues all.
#
# And the rest: clipping in training (A-c9), the corner (B-c2), tanh as sigmoid and as output (D-c1), no activation (D-c5).

# %%
for row in stored("02_claims"):
    if row["claim"] in ("A-c9", "D-c1", "D-c5"):
        arm = f"{row['claim']} {row['setting']:28} {row['arm']:21} {row['measure']:35}"
        print(arm, f"{row['mean']:>6}  spread {row['spread']}")

# %% [markdown]
# **A-c9: true and empty.** On scaled pixels no score ever passes 50. On raw pixels they do, and the clipped network learns less.
# **D-c1:** every sigmoid network *is* a tanh network; as an output, tanh leaves $(0,1)$.
# **D-c5: supported, barely visible.** Without activations the network is one matrix, and on digits nearly as good, not on XOR.

# %%
for row in stored("02_claims"):
    if row["claim"] in ("B-c2", "E-c7"):
        arm = f"{row['claim']} {row['setting']:31} {row['arm']:23} {row['measure']:37}"
        print(arm, f"{row['mean']:>8}  spread {row['spread']}")

# %% [markdown]
# **B-c2: supported, with one exception.** At random weights no unit starts on the corner. With hidden weights 0 all do: slope
# 0 never leaves, ½ and 1 do.
# **E-c7: depends on the layout.** With classes first `keepdims` is not needed; with samples first it is, and a square batch goes
# wrong in silence.
#
# Finally, every claim of the documents about blocks:

# %%
claims_table("02")

# %% [markdown]
# ## What to remember
#
# * The Jacobian is for deriving, the pullback for running: $dW=\sum dy\,x^\top$, $dx=W^\top dy$; softmax: $p\,(dp-\sum p\,dp)$.
# * At ReLU's corner a slope is *chosen*. Through depth, slopes multiply.
# * Subtract the largest score; never clip.
# * Without a bend, layers are one matrix. With one, any function on an interval *exists* as a network; training may not find it, and outside nothing is
#   promised.
#
# Names differ: $\sigma$ is softmax in B, the sigmoid in D, any activation in E (`X-sigma`). Next:
# [losses](03_losses.ipynb).
