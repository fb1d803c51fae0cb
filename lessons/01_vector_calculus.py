# %% [markdown]
# # 1 · Vector calculus
#
# Which way shall a million weights move, how far, and who says that it is right? (Document A, sections 2 to 3.1.)
#
# **Objectives.** Say which way is down, and what that does not promise; give each derivative its shape; send derivatives back
# through a network without a Jacobian; check any gradient, and know when the check is wrong.
#
# **Prerequisites.** Derivatives, matrix products, [lesson 0](00_start_here.ipynb). **Minutes:** 120; the break is before the chain
# rule.
#
# | letter | meaning |
# |---|---|
# | $f$ | a function whose value is one number; $\nabla f$ its gradient |
# | $p$ | a point of the plane, $(p_1,p_2)$, in pictures x and y; $u$ a direction, of length 1 |
# | $x$, $y$ | what goes into a layer, what comes out; $W$ its weights |
# | $L$, $dx$ | the loss; $\partial L/\partial x$, in the shape of $x$ |
# | $J$ | the derivative of $y$ by $x$, a matrix |
# | $\delta x$, $h$ | a small change; the step of a difference |

# %%
import inspect

import matplotlib.pyplot as plt
import numpy as np

import nnlib.plots.lesson_01 as plots
from nnlib.blocks import linear, relu, sigmoid, tanh
from nnlib.calculus import check_vjp, complex_step, directional_derivative, vec
from nnlib.calculus import numerical_gradient, numerical_jacobian
from nnlib.checks import raises
from nnlib.documents import claim, claims_table
from nnlib.exercises import exercise
from nnlib.experiments.diagnoses import table
from nnlib.experiments.faults import FAULTS
from nnlib.experiments.lesson_01 import angle, descend, microscope, step_errors, times, ways
from nnlib.landscapes import bowl, rosenbrock
from nnlib.plots.canvas import use_style
from nnlib.plots.landscapes import draw_paths
from nnlib.plots.matrices import draw_entries, draw_matrix
from nnlib.widgets.faults import FaultsPanel
from nnlib.widgets.lesson_01 import MicroscopePanel, SteepestDescentPanel

use_style()

# %% [markdown] lecture={"ask": "You step where the ground falls most. By how many degrees do you miss the lowest point?", "board": "an ellipse ten times as long as wide, a dot on it, a star in its middle", "cut": "0 nothing", "expect": "Most say 0, some 45; write the votes down", "jump": "setup", "minutes": 3, "misconception": "Down is where the minimum lies"}
# ## Down, in fog
#
# A network's **loss** is one number: how bad its weights are. No formula gives a network's best million weights, and nobody can draw their loss; but at each point one can know its height and slope. As in fog.
#
# Here are two weights, a long valley from above, lowest at the star.
#
# **Vote.** At the dot, you step where the ground falls most. By how much do you miss the star? (a) 0°, (b) 45°, (c) 80°.

# %%
valley = bowl(100)._replace(domain=((-13, 13), (-5, 5)))  # the domain is the part shown
start = np.array([10.0, 1.0])
_, ax = plt.subplots(figsize=(9, 4.5))
plots.draw_fog(valley, start, ax=ax)
plt.show()

# %% [markdown] lecture={"ask": "In which direction is the slope 0?", "board": "p, an arrow u of length 1, its two sides u\u2081 and u\u2082; then \u2207f and the angle between", "cut": "2 the limit, coordinate by coordinate", "expect": "Across the gradient, along the line of equal height", "jump": "setup", "minutes": 12, "misconception": "The slope is a property of the point; it belongs to a point and a direction"}
# ## How steep, in which direction?
#
# Leave $p=(1,1)$ in $f(p)=\frac12(p_1^2+3p_2^2)$ along $u=(0.6,0.8)$. After a way $t$ one stands at $p+tu$. How steep is it at $p$?

# %%
f = lambda p: (p[0] ** 2 + 3 * p[1] ** 2) / 2
p, u = np.array([1.0, 1.0]), np.array([0.6, 0.8])
for t in (1, 0.5):
    print(f"t = {t:<3}  slope {(f(p + t * u) - f(p)) / t:.3f}")

# %% [markdown]
# The limit, for $t\to0$, is the **directional derivative**. Go one coordinate at a time:
#
# $$f(p+tu)-f(p)=\big[f(p_1{+}tu_1,p_2)-f(p_1,p_2)\big]+\big[f(p_1{+}tu_1,p_2{+}tu_2)-f(p_1{+}tu_1,p_2)\big].$$
#
# Divided by $t$, the brackets tend to $u_1\frac{\partial f}{\partial p_1}$ and $u_2\frac{\partial f}{\partial p_2}$ (the second is taken $tu_1$ away; the partial derivatives must be continuous). That is the **chain rule in several variables**; the vector $\nabla f$ of partial derivatives is the **gradient**:
#
# $$\frac{d}{dt}f(p+tu)\Big|_{t=0}=\sum_iu_i\,\frac{\partial f}{\partial p_i}=u\cdot\nabla f .$$
#
# *Predict:* here $\nabla f=(p_1,3p_2)=(1,3)$. The slope is (a) 2, (b) 3, (c) 4.

# %%
gradient = np.array([p[0], 3 * p[1]])
assert np.allclose(gradient, numerical_gradient(f, p), atol=1e-8)
assert np.isclose(u @ gradient, directional_derivative(f, p, u))
assert np.isclose(u @ gradient, (f(p + 1e-6 * u) - f(p)) / 1e-6, atol=1e-5)
print(f"u · ∇f = 0.6 · 1 + 0.8 · 3 = {u @ gradient:.1f}")


# %% [markdown]
# (b). 4 adds both slopes as if $u$ went a whole unit each way, 2 is their mean. One gradient knows the slopes in *all* directions. With $\theta$ the angle between $u$ and $\nabla f$, document A has
#
# $$u\cdot\nabla f=\lVert u\rVert\,\lVert\nabla f\rVert\cos\theta=\lVert\nabla f\rVert\cos\theta .$$
#
# **Your turn:** the slope along an arrow of any length; a slope is by the way gone.


# %% tags=["exercise"]
def slope_along(gradient, u):
    """The slope in the direction of u, which may have any length."""
    # your lines


exercise("slope along u", slope_along)

# %% [markdown]
# <details><summary>A hint</summary>
#
# First make $u$ a vector of length 1; `np.linalg.norm(u)` is its length.
# </details>
#
# <details><summary>A solution</summary>
#
# ```python
# def slope_along(gradient, u):
#     return gradient @ u / np.linalg.norm(u)
# ```
# </details>
#
# *Predict:* at $(9,3)$, where $\nabla f=(9,9)$, the slope is 0 at (a) 45°, (b) 135°, (c) 180°. Then turn $u$.

# %%
SteepestDescentPanel()

# %% [markdown]
# (b), and 315°: at right angles to $\nabla f$, along the dashed line of equal height. At 45° it is steepest *up*; at 180° the slope is $-9$.
#
# The cosine is never below $-1$. So, where $\nabla f\ne0$, the least slope is $-\lVert\nabla f\rVert$, along $u=-\nabla f/\lVert\nabla f\rVert$: **steepest descent**, as A derives it.

# %% [markdown] lecture={"ask": "Newton's direction points to the minimum. Why not always go there?", "board": "\u2207f = (10, 100) beside the way home (\u221210, \u22121)", "cut": "3 Newton", "expect": "It needs n\u00b2 second derivatives", "jump": "setup", "minutes": 9, "misconception": "Steepest descent points to the minimum"}
# ## Down is not towards the minimum
#
# The valley of the vote was $f=\frac12(p_1^2+100p_2^2)$, its dot $(10,1)$. By hand: $\nabla f=(10,100)$, and the way home is $-p$.
#
# $$\cos\theta=\frac{\nabla f\cdot p}{\lVert\nabla f\rVert\,\lVert p\rVert}
# =\frac{100+100}{\sqrt{10100}\,\sqrt{101}}=\frac{200}{1010}=0.198,\qquad\theta=78.6^\circ .$$

# %%
valley = bowl(100)._replace(domain=((-13, 13), (-5, 5)))
start = np.array([10.0, 1.0])
downhill = -numerical_gradient(valley.value, start)
assert np.isclose(angle(downhill, -start), np.degrees(np.arccos(200 / 1010)))
print(f"{angle(downhill, -start):.1f}° off")
homeward = directional_derivative(valley.value, start, -start) / np.linalg.norm(start)
assert np.allclose([homeward, np.linalg.norm(downhill)], [-20, 100], rtol=0.01)

# %%
_, ax = plt.subplots(figsize=(9, 5))
plots.draw_ways(valley, start, ways(valley, start, 185.7), ax=ax)  # u points home
plt.show()

# %% [markdown]
# (c): the slope is $-20$ on the way home, $-100$ straight down, and feet feel no more. (a) holds in a round bowl, where $\nabla f=p$; (b) is too little, for this one curves a hundred times as much across as along. A calls $-\nabla f$ the direction in which the minimum lies:

# %%
claim("A-2-tomin")

# %% [markdown]
# What does point there? Let $H$ hold the second derivatives, $H_{ij}=\frac{\partial^2f}{\partial p_i\partial p_j}$. Here $\nabla f=Hp$, so $-H^{-1}\nabla f=-p$: **Newton's** direction, exact in every such valley. Why not always?
#
# *Predict:* lesson 5's network has 33,460 weights. $H$ takes (a) 0.3 MB, (b) 9 MB, (c) 9 GB.

# %%
H = np.diag([1.0, 100.0])
assert np.allclose(start + np.linalg.solve(H, downhill), 0, atol=1e-6)
weights = 33_460
assert 1e13 < weights**3 / 3 < 2e13  # products, to solve with H
print(f"gradient {8 * weights / 1e6:.1f} MB, H {8 * weights**2 / 1e9:.0f} GB")

# %% [markdown]
# (c), and solving with it takes $10^{13}$ products a step. (a) is the gradient, (b) $H$ of a thousand weights. (Nor does Newton always go down: [lesson 4](04_optimizers.ipynb).) So networks walk downhill in small steps.

# %% [markdown] lecture={"ask": "f = \u00bd\u03bbp\u00b2, step size 2.1/\u03bb: what does one step do to p?", "board": "a parabola; from p to the other side, and farther out", "cut": "3 one rate for all", "expect": "It becomes \u22121.1 p", "jump": "setup", "minutes": 13, "misconception": "A step against the gradient comes closer"}
# ## How far to go
#
# A step of **gradient descent** is $p\leftarrow p-\alpha\nabla f$; $\alpha$ is the **step size**. For a single weight on a parabola $f=\frac12\lambda p^2$, whose **curvature** (second derivative) is $\lambda$,
#
# $$p\leftarrow p-\alpha\lambda p=(1-\alpha\lambda)\,p .$$
#
# *Predict:* with $\alpha=2.1/\lambda$, each step multiplies $p$ by (a) $0.1$, (b) $-1.1$, (c) $-2.1$.

# %%
for share in (0.5, 1.0, 1.9, 2.0, 2.1):
    path = descend(lambda p: 5 * p, np.array([1.0]), rate=share / 5, steps=10)  # λ = 5
    print(f"α = {share}/λ: a step × {path[1, 0]:.2f}, |p| after ten {abs(path[-1, 0]):.2g}")
    assert np.isclose(path[1, 0], 1 - share)

# %% [markdown]
# (b): $1-2.1$. (c) is what is taken off; (a) by how much farther out it gets. Steps come closer just when $\lvert1-\alpha\lambda\rvert<1$, that is $0<\alpha<2/\lambda$; at $2/\lambda$ they hop from side to side.
#
# In the valley each axis has its factor, $1-\alpha$ along and $1-100\alpha$ across: the largest curvature sets the limit, the smallest the pace.
#
# *Predict:* at 1.9/100 and 2.1/100 (a) both arrive, (b) the first zigzags in, the second out, (c) both leave.

# %%
valley, start = bowl(100), np.array([10.0, 1.0])
rates = {"α = 1.9/100": 0.019, "α = 2.1/100": 0.021}
paths = {name: descend(valley.gradient, start, rate=r, steps=9) for name, r in rates.items()}
on_floor = descend(valley.gradient, np.array([10.0, 0.0]), rate=0.021, steps=500)
inward, outward = (np.diff(np.abs(path[:, 1])) for path in paths.values())
assert (inward < 0).all()
assert (outward > 0).all()
assert np.linalg.norm(on_floor[-1]) < 1e-3

# %%
_, ax = plt.subplots(figsize=(9, 4.5))
title, window = "Nine steps: just below 2/100 in, just above it out", ((-1, 11.5), (-3, 3))
draw_paths(valley, paths, title=title, window=window, ax=ax)
plt.show()


# %% [markdown]
# (b): the limit, $2/100$, lies between. Both hop across, by a factor of $-0.9$ or $-1.1$ a step. Between $2/100$ and 2, every start is lost that has any part across; $(10,0)$ has none and walks home along the floor.
#
# Is a narrow valley slow? *Predict:* in $\frac12(p_1^2+\kappa p_2^2)$, from $(1,1)$ to a thousandth of the distance, all at $\alpha=0.001$, takes (a) far more steps where $\kappa$ is large, (b) about as many everywhere, (c) far fewer. And each at its own $\alpha=2/(1+\kappa)$?


# %%
def steps_needed(kappa, rate):
    path = descend(bowl(kappa).gradient, np.ones(2), rate=rate, steps=8000)
    distance = np.linalg.norm(path, axis=1)
    return (distance > distance[0] / 1000).sum()


for kappa in (1, 10, 100, 1000):
    same, own = steps_needed(kappa, 0.001), steps_needed(kappa, 2 / (1 + kappa))
    print(f"κ = {kappa:<5} {same} steps at 0.001, {own} at 2/(1 + κ)")
    assert 6500 < same < 7000
    assert kappa == 1 or 3.4 * kappa < own < 3.6 * kappa

# %% [markdown]
# (b). Along, all have curvature 1, and a step leaves 0.999: to a thousandth in $\ln1000/0.001\approx6900$ steps. (350 fewer where the part across is soon gone: along there was only $\frac1{\sqrt2}$ of the distance to go.)
#
# So narrowness costs only through the limit. With the best $\alpha$ below it, $2/(1+\kappa)$ ([lesson 4](04_optimizers.ipynb)), (a) comes true: steps grow with $\kappa$, the largest curvature by the smallest, the **condition number**.

# %% [markdown]
# A bent valley, Rosenbrock's $f=(1-p_1)^2+100(p_2-p_1^2)^2$, is lowest at $(1,1)$. *Predict:* from $(-\frac12,\frac32)$ a very small step (a) lowers $f$ and comes closer, (b) lowers $f$ and leads away, (c) raises $f$.

# %%
bent, start, lowest = rosenbrock(), np.array([-0.5, 1.5]), np.ones(2)
downhill = -bent.gradient(start)
print(f"{angle(downhill, lowest - start):.0f}° off")
for rate in (1e-3, 1e-5, 1e-7):
    p = start + rate * downhill
    assert bent.value(p) < bent.value(start)
    assert np.linalg.norm(p - lowest) > np.linalg.norm(start - lowest)

# %% [markdown]
# (b), at more than a right angle, so no smaller step helps. (c) cannot be where $\nabla f\ne0$: the slope along $-\nabla f$ is $-\lVert\nabla f\rVert$. A small step makes the *loss* smaller, not always the distance (the card writes $L$ for our $\lambda$):

# %%
claim("A-2-step")

# %% [markdown] lecture={"ask": "y has 3 entries, x has 2; what is the shape of the derivative?", "board": "the table of J: a row for each output, a column for each input", "cut": "3 what J leaves out", "expect": "(3, 2): a row for each output", "jump": "setup", "minutes": 11, "misconception": "The derivative is a number, or has the shape of the input"}
# ## The Jacobian
#
# A layer takes a vector $x\in\mathbb R^n$ to a vector $y\in\mathbb R^m$. Every output has a slope by every input: $m\cdot n$ numbers, the **Jacobian**, in A as here with a row for each output:
#
# $$J_{ij}=\frac{\partial y_i}{\partial x_j},\qquad J\in\mathbb R^{m\times n}.$$
#
# By hand, $y=(x_1x_2,\;x_1+3x_2,\;x_1^2)$ at $x=(2,1)$: the rows are $(x_2,x_1)=(1,2)$, then $(1,3)$, then $(2x_1,0)=(4,0)$.

# %%
mix = lambda x: np.array([x[0] * x[1], x[0] + 3 * x[1], x[0] ** 2])
x = np.array([2.0, 1.0])
by_hand = np.array([[1.0, 2.0], [1.0, 3.0], [4.0, 0.0]])
assert np.allclose(numerical_jacobian(mix, x), by_hand, atol=1e-8)

# %%
_, ax = plt.subplots(figsize=(6, 3.4))
names = {"rows": ["y₁", "y₂", "y₃"], "columns": ["x₁", "x₂"]}
draw_matrix(by_hand, title="Nudge an input: a column answers", **names, ax=ax)
plt.show()


# %% [markdown]
# (A dot is 0.) How would a computer find it? Nudge $x_j$ by $h$ to either side; what the outputs do is column $j$:
#
# $$J_{\cdot j}\approx\frac{y(x+h\,e_j)-y(x-h\,e_j)}{2h},\qquad e_j=(0,\dots,1,\dots,0).$$
#
# **Your turn.**


# %% tags=["exercise"]
def jacobian(y, x, h):
    """The Jacobian of the function y at x, by differences with a step of h to either side."""
    # your lines


exercise("Jacobian by differences", jacobian)

# %% [markdown]
# <details><summary>A hint</summary>
#
# `np.eye(len(x))` holds the $e_j$; `np.stack(columns, axis=1)` makes a matrix of its columns.
# </details>
#
# <details><summary>A solution</summary>
#
# ```python
# def jacobian(y, x, h):
#     columns = [(y(x + h * e) - y(x - h * e)) / (2 * h) for e in np.eye(len(x))]
#     return np.stack(columns, axis=1)
# ```
# </details>
#
# $J$ turns a small change of the input into that of the output: $\delta y\approx J\,\delta x$. *Predict:* with $\delta x$ ten times smaller, what $J$ leaves out becomes (a) ten, (b) a hundred times smaller, (c) 0.

# %%
J, sizes = by_hand, 10.0 ** -np.arange(0, 4)
changes = sizes[:, None] * np.array([0.6, 0.8])  # a row for each δx
left_out = np.array([np.linalg.norm(mix(x + δx) - mix(x) - J @ δx) for δx in changes])
assert np.allclose(left_out[:-1] / left_out[1:], 100, rtol=1e-6)

# %%
_, ax = plt.subplots(figsize=(8, 4))
plots.draw_remainder(sizes, left_out, ax=ax)
plt.show()

# %% [markdown]
# (b). Here it is $(\delta x_1\delta x_2,\,0,\,\delta x_1^2)$: products of two small numbers. (a) would be of the size of $\delta y$ itself, and $J$ no use; (c) holds for straight functions. Wherever $y$ is smooth,
#
# $$\delta y=J\,\delta x+O(\lVert\delta x\rVert^2),$$
#
# where $O(\lVert\delta x\rVert^2)$ is anything that stays below a fixed multiple of $\lVert\delta x\rVert^2$ as $\delta x\to0$. Beside $\delta x$ that vanishes: derivatives may drop it.

# %% [markdown] lecture={"ask": "L = v\u1d40Xc: what is dL/dX?", "board": "X with its entries; over each, dL by that entry", "cut": "1 the change \u03b4X", "expect": "The outer product v c\u1d40, in the shape of X", "jump": "setup", "minutes": 8, "misconception": "A gradient is a row, or a column; a matrix needs new rules"}
# ## A gradient has the shape of its variable
#
# A network ends in one number, the loss $L$. Then $J$ has one row, and A's section 2.1 writes the gradient as a **row**; from section 3 on it is a **column**. Either will do for who keeps to one, as A says. The column in the row's place has no product:

# %%
W = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0]])
row, column = np.ones((1, 2)), np.ones((2, 1))
assert np.allclose((row @ W).T, W.T @ column)
raises(ValueError, times, column, W)

# %% [markdown]
# We take neither: $dx$, short for $\frac{\partial L}{\partial x}$, has **the shape of $x$**, whatever that is. So $x-\alpha\,dx$ always fits.
#
# That goes for matrices too. $dX$ holds $\frac{\partial L}{\partial X_{ij}}$ where $X$ holds $X_{ij}$. For vectors $v$, $c$:
#
# $$L=v^\top Xc=\sum_{ij}v_i\,X_{ij}\,c_j\quad\Rightarrow\quad\frac{\partial L}{\partial X_{ij}}=v_ic_j,\qquad dX=v\,c^\top .$$
#
# *Predict:* $v=(1,-2)$, $c=(3,1)$. The lower left entry of $dX$ is (a) $-6$, (b) 1, (c) it depends on $X$.

# %%
v, c, X = np.array([1.0, -2.0]), np.array([3.0, 1.0]), np.array([[1.0, 4.0], [2.0, 5.0]])
dX = np.outer(v, c)
print(dX)
assert np.allclose(dX, numerical_gradient(lambda X: v @ X @ c, X), atol=1e-8)

# %% [markdown]
# (a): $v_2c_1$. (b) is $v_1c_2$, upper right. (c): $L$ is linear in $X$, so its slopes are the same everywhere.
#
# A small $\delta X$ changes $L$ by $\delta L=\sum_{ij}dX_{ij}\,\delta X_{ij}$, up to $O(\lVert\delta X\rVert^2)$: as long vectors, a dot product.

# %%
δX = np.array([[0.1, -0.1], [0.2, 0.0]])
δL = v @ (X + δX) @ c - v @ X @ c
assert np.isclose(δL, (dX * δX).sum())
assert np.isclose(δL, vec(dX) @ vec(δX))

# %% [markdown] lecture={"ask": "J is (2, 12); may we reshape it to (3, 2, 4)?", "board": "X with numbered entries, read by rows, then by columns", "break": 10, "cut": "3 the Kronecker product", "expect": "The sizes fit, and the entries are scrambled: reshape keeps the order of memory", "jump": "setup", "minutes": 11, "misconception": "reshape moves axes"}
# ## Matrices as long vectors
#
# A *vector* by a *matrix*? A's trick works: stack the matrix, take the Jacobian, fold it back. Stack how? Read $X$ row by row, or column by column:

# %%
X = np.array([[11, 12, 13], [21, 22, 23]])
stacked = {
    "X, 2 × 3": X,
    "Its rows, as NumPy stores them": X.reshape(1, 6),
    "Its columns, as textbooks stack them": X.T.reshape(1, 6),
}
numbers = {name: array.astype(str) for name, array in stacked.items()}
of_rows = {name: array // 10 for name, array in stacked.items()}
assert vec(X).tolist() == [11, 12, 13, 21, 22, 23]
assert vec(X.T).tolist() == [11, 21, 12, 22, 13, 23]

# %%
_, axes = plt.subplots(3, 1, figsize=(7, 4.6), height_ratios=[2, 1, 1])
draw_entries(numbers, of_rows, axes=axes)
plt.show()

# %% [markdown]
# We stack rows, as A's formulas do: `vec(X)`; `vec(X.T)` stacks the columns. For one number $L$ either will do on both sides: $\frac{dL}{d\,\mathrm{vec}(X)}=\mathrm{vec}\big(\frac{dL}{dX}\big)$, the gradient of the stacked matrix is the stacked gradient. For a matrix $Y=PXQ$ it matters:
#
# $$Y_{ij}=\sum_{qr}P_{iq}\,X_{qr}\,Q_{rj}\quad\Rightarrow\quad\frac{\partial Y_{ij}}{\partial X_{qr}}=P_{iq}\,Q_{rj}.$$
#
# The **Kronecker product** $M\otimes N$ puts the block $M_{iq}N$ in place of each $M_{iq}$. By rows, $J=P\otimes Q^\top$; by columns, $Q^\top\otimes P$.
#
# *Predict:* take the wrong one. (a) The shapes do not fit. (b) They fit, the numbers are wrong.

# %%
rng = np.random.default_rng(0)
P, X, Q = rng.standard_normal((5, 3)), rng.standard_normal((3, 4)), rng.standard_normal((4, 2))
J = numerical_jacobian(lambda flat: vec(P @ flat.reshape(3, 4) @ Q), vec(X))
assert np.allclose(J, np.kron(P, Q.T), atol=1e-7)
assert np.kron(Q.T, P).shape == J.shape
assert np.abs(np.kron(Q.T, P) - J).max() > 1

# %% [markdown]
# (b): $10\times12$ both. Ask which vec a formula means.
#
# Now fold back. $y\in\mathbb R^k$ by $X\in\mathbb R^{m\times n}$: flat, a $k\times mn$ Jacobian; folded, a **tensor** $T_{aij}=\frac{\partial y_a}{\partial X_{ij}}$, an array with three axes. Take $y=PXc$, so $T_{aij}=P_{ai}\,c_j$.
#
# A's axes are $(m,k,n)$: it cuts $J$ into $m$ blocks of $n$ columns, rightly. *Predict:* NumPy's `J.reshape(3, 2, 4)`, from $k=2$, $m=3$, $n=4$, is (a) that tensor, (b) an error, (c) the right numbers in wrong places.

# %%
P, c = np.array([[1.0, 2.0, 3.0], [-1.0, 0.0, 1.0]]), np.array([1.0, 10.0, 100.0, 1000.0])
J = numerical_jacobian(lambda flat: P @ flat.reshape(3, 4) @ c, np.ones(12))  # (2, 12)
T = P[:, :, None] * c  # (2, 3, 4): outputs first
assert np.allclose(J.reshape(2, 3, 4), T, atol=1e-5)
assert not np.allclose(J.reshape(3, 2, 4), T.swapaxes(0, 1), atol=1e-5)

# %%
entries = np.array([[f"y{a} x{i}{j}" for i in "123" for j in "1234"] for a in "12"])
right, wrong = entries.reshape(2, 3, 4)[:, 0], entries.reshape(3, 2, 4)[0]
blocks = {"In blocks: both outputs": right, "Reshaped: y2 is missing": wrong}
outputs = {how: np.vectorize(lambda name: int(name[1]))(block) for how, block in blocks.items()}
assert [set(block.ravel()) for block in outputs.values()] == [{1, 2}, {1}]

# %%
_, axes = plt.subplots(1, 2, figsize=(9, 2.8))
draw_entries(blocks, outputs, axes=axes)
plt.show()

# %% [markdown]
# (c); 24 numbers fit either way, so no error. The first slice of each belongs to the first row of $X$: left, as A folds it, both outputs; right, in the order of memory, only $y_1$. Split the last axis, $(k,mn)\to(k,m,n)$; then `swapaxes` moves axes. `reshape` never does.
#
# *Predict:* a layer $y=Wx$ from 784 inputs to 40 outputs has the tensor $\frac{\partial y}{\partial W}$. Of its 1,254,400 numbers are not 0: (a) all, (b) one in 40, (c) 40.

# %%
print(f"{40 * 40 * 784:,} numbers, {40 * 784:,} of them not 0")
small = numerical_jacobian(lambda W: W @ np.ones(4), np.ones((3, 4)))
assert small.shape == (3, 3, 4)
assert np.count_nonzero(np.abs(small) > 1e-6) == 3 * 4

# %% [markdown]
# (b): an output depends on its own row of $W$ only, 784 entries. 10 MB, nearly all zeros, for one small layer and one image. There must be a way around it.

# %% [markdown] lecture={"ask": "With gradients as columns, in which order do the links multiply?", "board": "x \u2192 y \u2192 L, a Jacobian over each arrow", "cut": "1 the hidden layer", "expect": "Transposed and reversed: the last link first", "jump": "setup", "minutes": 7, "misconception": "Each link is a vector, so the order does not matter"}
# ## The chain rule
#
# Let $x\to y\to L$. A small change passes through both links:
#
# $$\delta y=J_y\,\delta x+O(\lVert\delta x\rVert^2),\qquad\delta L=J_L\,\delta y+O(\lVert\delta y\rVert^2)=J_LJ_y\,\delta x+O(\lVert\delta x\rVert^2).$$
#
# The rest may be dropped: $J_L$ times what is small of second order is so too, and $\lVert\delta y\rVert$ is at most a multiple of $\lVert\delta x\rVert$. So, as in A, Jacobians multiply, outer function first, and $\frac{dL}{dx}$ is a row:
#
# $$\frac{dL}{dx}=\frac{dL}{dy}\,\frac{dy}{dx}.$$

# %%
W1, W2 = np.array([[1.0, -0.5], [0.3, 0.8], [-0.7, 0.2]]), np.array([[0.5, -1.0, 2.0]])
x = np.array([0.4, -0.6])
inner, outer = lambda x: np.tanh(W1 @ x), lambda y: np.sin(W2 @ y)
J_y, J_L = numerical_jacobian(inner, x), numerical_jacobian(outer, inner(x))
assert np.allclose(J_L @ J_y, numerical_jacobian(lambda x: outer(inner(x)), x), atol=1e-8)
print(J_L.shape, "@", J_y.shape, "=", (J_L @ J_y).shape)

# %% [markdown]
# A's example is a network with one hidden layer, $W_2\tanh(W_1x+b_1)+b_2$. Its middle link acts entry by entry: its Jacobian $\mathrm{diag}(v)$ has $v$ on the diagonal, else zeros:
#
# $$\frac{dy}{dx}=W_2\;\mathrm{diag}\big(1-\tanh^2(W_1x+b_1)\big)\;W_1 .$$

# %%
b1, b2 = np.array([0.1, -0.2, 0.3]), np.array([0.5])
network = lambda x: W2 @ np.tanh(W1 @ x + b1) + b2
J = W2 @ np.diag(1 - np.tanh(W1 @ x + b1) ** 2) @ W1
assert np.allclose(J, numerical_jacobian(network, x), atol=1e-8)

# %% [markdown]
# In the shape of their variable, gradients stand upright, as A also wants them. Then the chain reads **backwards**, $(J_LJ_y)^\top=J_y^\top J_L^\top$, so $dx=J_y^\top dy$, as in A's own results for each layer. Its general rule goes further:

# %%
claim("A-3.1-cols")

# %% [markdown] lecture={"ask": "Two ways lead from x\u2081 to the loss. What does x\u2081 get back?", "board": "the network of the picture, empty; fill in the values from the left, then the derivatives from the right", "cut": "2 what each end costs", "expect": "What comes back by either way, added", "jump": "setup", "minutes": 16, "misconception": "To send derivatives back, one needs the Jacobians"}
# ## The pullback
#
# Numbers flow forward through a small network: $z=Wx$, then $s=z^2$ entry by entry, then $L=2s_1+s_2$. With $W=\big(\begin{smallmatrix}1&-1\\1&1\end{smallmatrix}\big)$ and $x=(2,1)$:
#
# $$z=(1,3),\qquad s=(1,9),\qquad L=11 .$$
#
# Derivatives flow back. Each line carries its own slope: 2 and 1 at the end, $2z_i$ in the middle, $W_{ij}$ in front.

# %%
x, W, v = np.array([2.0, 1.0]), np.array([[1.0, -1.0], [1.0, 1.0]]), np.array([2.0, 1.0])
z, s = W @ x, (W @ x) ** 2
ds, dz, dx = v, 2 * z * v, W.T @ (2 * z * v)
values = {"x": x, "z": z, "s": s, "L": np.array([v @ s])}
slopes, links = [dx, dz, ds, np.ones(1)], [W, np.diag(2 * z), v[None]]

# %%
_, ax = plt.subplots(figsize=(10, 4.6))
title = "Along a line multiply by its slope, where lines meet add"
plots.draw_way_back(values, slopes, links, title=title, ax=ax)
plt.show()

# %% [markdown]
# By hand, from the right, $dL/dL=1$:
#
# * $ds=(2,1)$; $dz_1=2\cdot2=4$ and $dz_2=6\cdot1=6$;
# * two ways lead from $x_1$ to $L$, so two come back: $dx_1=1\cdot4+1\cdot6=10$.
#
# *Predict:* $x_2$ becomes 1.1. By about how much does $L$ change? (a) 1, (b) 0.2, (c) $-2.4$.

# %%
loss = lambda x: v @ (W @ x) ** 2
assert np.allclose(numerical_gradient(loss, x), [10, 2], atol=1e-6)
print(f"{loss(np.array([2.0, 1.1])) - loss(x):.2f}")

# %% [markdown]
# (b): $dx_2=-1\cdot4+1\cdot6=2$, times 0.1, and a rest of second order. (a) forgets the minus on a line; (c) multiplies where lines meet, $-4\cdot6$.
#
# In general $x_j$ collects $\sum_iW_{ij}\,dz_i$, a *column* of $W$ against $dz$. That is $dx=W^\top dz$, and for any step
#
# $$dx=J^\top dy .$$
#
# **No $J$ is needed.** A linear step has $W$ at hand. Entry by entry, $J$ is diagonal: $J^\top ds$ is $2z\odot ds$ ($\odot$: entry by entry). And from that tensor of zeros, summed over its outputs, comes
#
# $$dW_{ij}=\sum_ady_a\,\frac{\partial y_a}{\partial W_{ij}}=dy_i\,x_j,\qquad dW=dy\,x^\top .$$
#
# A bias, in $y=Wx+b$, moves its own output one for one: $db=dy$.

# %%
x, W, dy = np.array([2.0, 1.0, -1.0]), np.ones((2, 3)), np.array([0.5, -1.5])
T = numerical_jacobian(lambda W: W @ x, W)  # (2, 2, 3)
contracted = np.einsum("a,aij->ij", dy, T)  # sums over the axis that "->ij" leaves out
assert np.allclose(contracted, np.outer(dy, x), atol=1e-8)


# %% [markdown]
# So each step of a network returns two things: its value, and its **pullback**, a function that makes $dx=J^\top dy$ of a given $dy$. (Elsewhere: vector-Jacobian product, VJP, `backward`.)
#
# **Your turn:** the pullback of $y=\tanh(Wx)$. Recall $\tanh'=1-\tanh^2$.


# %% tags=["exercise"]
def layer_back(x, W, dy):
    """dx for y = tanh(W x), given dy; x (n,), W (m, n), dy (m,)."""
    # your lines


exercise("pullback of a layer", layer_back)

# %% [markdown]
# <details><summary>A hint</summary>
#
# Two steps, the last first: $dz$ from $dy$, entry by entry; then $dx$ from $dz$.
# </details>
#
# <details><summary>A solution</summary>
#
# ```python
# def layer_back(x, W, dy):
#     y = np.tanh(W @ x)
#     dz = (1 - y**2) * dy
#     return W.T @ dz
# ```
# </details>
#
# In the library value and pullback stand together; the way back keeps what it needs of the way forward:

# %%
print(inspect.getsource(tanh.__wrapped__))


# %% [markdown]
# **The reversed list.** $dx=J_1^\top\big(J_2^\top(J_3^\top dL)\big)$: the last step's pullback comes first, and each takes what the one behind it made. Keep the pullbacks in order as the values go forward; for the way back, turn the order round. **Your turn.**


# %% tags=["exercise"]
def way_back(pullbacks, dL):
    """dx, from a tuple of the pullbacks, in the order in which their steps were taken."""
    # your lines


exercise("way back", way_back)

# %% [markdown]
# <details><summary>A hint</summary>
#
# One variable, which each pullback replaces: `for pullback in reversed(pullbacks):`
# </details>
#
# <details><summary>A solution</summary>
#
# ```python
# def way_back(pullbacks, dL):
#     for pullback in reversed(pullbacks):
#         dL = pullback(dL)
#     return dL
# ```
# </details>
#
# That is **backpropagation**, once each pullback also hands out its step's $dW$ and $db$. The network with one hidden layer, forward, then reversed:

# %%
rng = np.random.default_rng(0)
x, W1, b1, W2, b2 = map(rng.standard_normal, [2, (3, 2), 3, (1, 3), 1])
z, first_pullback = linear(x, W1, b1)
s, tanh_pullback = tanh(z)
y, second_pullback = linear(s, W2, b2)
ds, dW2, db2 = second_pullback(np.ones(1))
dx, dW1, db1 = first_pullback(tanh_pullback(ds))

# %%
out = lambda x, W1, b1, W2, b2: (W2 @ np.tanh(W1 @ x + b1) + b2)[0]
arguments = x, W1, b1, W2, b2
for k, found in enumerate((dx, dW1, db1, dW2, db2)):
    of_one = lambda a, k=k: out(*arguments[:k], a, *arguments[k + 1 :])
    assert np.allclose(found, numerical_gradient(of_one, arguments[k]), atol=1e-8)

# %% [markdown]
# Why from the loss? $J_3J_2J_1$ may be multiplied from either end. *Predict:* for widths 784, 40, 30, 1 starting at the input costs (a) as much, (b) some thirty times as much, (c) less.

# %%
from_loss = 1 * 30 * 40 + 1 * 40 * 784  # (J3 J2) J1: a row all the way
from_input = 30 * 40 * 784 + 1 * 30 * 784  # J3 (J2 J1): a matrix by a matrix
print(f"products: from the loss {from_loss:,}, from the input {from_input:,}")
print(f"or by central differences: {2 * 33_460:,} runs for 33,460 weights")
assert 25 < from_input / from_loss < 35

# %% [markdown]
# (b): from the loss a single row travels, for one number stands at the end; from the input a whole matrix. The result is the same (a); (c) would hold for one input and many outputs.
#
# Why not train by differences? Each weight would take two runs, 66,920 for lesson 5's network, and one way back gives all. Starting at the loss is **reverse mode** automatic differentiation; as A says, PyTorch and TensorFlow do just this.

# %% [markdown] lecture={"ask": "f(x) = e\u02e3 at 1: is the slope more exact with h = 1e-12 than with 1e-6?", "board": "h/2 rising, 2\u03f5/h falling, on logarithmic axes: a V", "cut": "3 steps into the complex plane", "expect": "No: the digits cancel", "jump": "setup", "minutes": 10, "misconception": "The smaller the step, the better the derivative"}
# ## A difference has two errors
#
# So far all assertions trust differences. May they? Taylor, for a smooth enough function:
#
# $$\frac{f(x+h)-f(x)}h=f'+\tfrac h2f''+\dots,\qquad\frac{f(x+h)-f(x-h)}{2h}=f'+\tfrac{h^2}6f'''+\dots$$
#
# **Truncation**, what a difference leaves out, falls with $h$ for the *forward* one, with $h^2$ for the *central* one.
#
# **Round-off**: float64 keeps 53 binary digits: even the best value is off by up to $\epsilon\lvert f\rvert$, $\epsilon=2^{-53}\approx10^{-16}$. Two are subtracted: $2\epsilon\lvert f\rvert/h$ forward, $2\epsilon\lvert f\rvert/2h$ central. It *grows* as $h$ shrinks.
#
# *Predict:* for $e^x$ at 1, central, the best of these steps is (a) $10^{-5}$, (b) $10^{-8}$, (c) $10^{-15}$.

# %%
h = 10.0 ** np.arange(-15, 0, 0.25)
curves = {
    "central": step_errors(np.exp, 1.0, np.e, h, central=True),
    "forward": step_errors(np.exp, 1.0, np.e, h, central=False),
    "central, float32": step_errors(np.exp, 1.0, np.e, h.astype(np.float32), central=True),
}
assert 1e-7 < h[curves["central"].argmin()] < 1e-3
for kind, power in (("forward", 1), ("central", 2)):  # from h = 1e-3 to 1e-2
    assert np.isclose(curves[kind][-9] / curves[kind][-13], 10**power, rtol=0.02)

# %%
_, ax = plt.subplots(figsize=(9, 4.5))
title = "Too small a step is as bad as too large a one"
plots.draw_step_errors(h, curves, title=title, ax=ax)
plt.show()

# %% [markdown]
# (a). Where all derivatives are about as large as $f$, the two errors are equal
#
# * forward at $\frac h2=\frac{2\epsilon}h$, so $h=2\sqrt\epsilon\approx2\cdot10^{-8}$, which is (b), each error $10^{-8}$;
# * central at $\frac{h^2}6=\frac\epsilon h$, so $h=\sqrt[3]{6\epsilon}\approx10^{-5}$, each error $10^{-11}$.
#
# At (c) hardly a digit is left. Float32 has $\epsilon=6\cdot10^{-8}$: checks run in float64.
#
# The library steps $10^{-6}$, for some functions bend more: in $\sin100x$ truncation is $\frac{h^2}6100^2$ of the slope.

# %%
wave, slope = lambda x: np.sin(100 * x), 100 * np.cos(30)
for h in (1e-5, 1e-6):
    off = abs((wave(0.3 + h) - wave(0.3 - h)) / (2 * h) / slope - 1)
    print(f"h = {h:.0e}: {'below' if off < 1e-7 else 'above'} 1e-7")
    assert (off < 1e-7) == (h**2 / 6 * 100**2 < 1e-7)

# %% [markdown]
# Round-off is then $10^{-10}$, still a thousand times below the $10^{-7}$ that a check asks for.
#
# **Without subtraction** nothing cancels: step into the complex plane.
#
# $$f(x+ih)=f+ihf'-\tfrac{h^2}2f''-\dots\quad\Rightarrow\quad\frac{\mathrm{Im}\,f(x+ih)}h=f'+O(h^2).$$
#
# *Predict:* with $h=10^{-30}$ it is (a) exact to the last digits, (b) all noise. And of $\lvert x\rvert$ at $-3$ it says (a) $-1$, (b) 0.

# %%
assert abs(complex_step(np.exp, np.array(1.0)) / np.e - 1) <= 1e-15
print("exp: error ≤ 1e-15")
print("|x|:", complex_step(lambda x: np.abs(x).sum(), np.array([-3.0])))

# %% [markdown]
# (a), where a difference would be (b); then (b), silently wrong: the complex $\lvert x\rvert$ is another function. $f$ must be *analytic*, as what $+,\times,\exp$ make of $x$. So code is checked by differences.

# %% [markdown] lecture={"ask": "A check fails, and by as much at every step size. Is the pullback wrong?", "board": "relu, at its corner a slope from the left, one from the right, the chord between", "cut": "2 the pullback of zeros", "expect": "Most say yes; on a kink it may fail so too, or pass. Compare left and right", "jump": "setup", "minutes": 15, "misconception": "A failed check proves a bug"}
# ## The gradient check under the microscope
#
# `check_vjp` draws a random $dy$, so that $dy\cdot y$ is one number, asks the pullback for $dx$, and compares each entry with a central difference. It asserts, of each by itself,
#
# $$\lvert\text{got}-\text{want}\rvert\le10^{-7}\,\lvert\text{want}\rvert,$$
#
# so that 0 against 0 passes.

# %%
x, dy = np.array([0.5, -1.0, 2.0]), np.array([1.0, -2.0, 0.5])
y, pullback = tanh(x)
want = numerical_gradient(lambda x: dy @ tanh(x)[0], x)
assert (np.abs(pullback(dy) - want) / np.abs(want)).max() <= 1e-7
assert check_vjp(tanh, x) <= 1e-7
assert check_vjp(relu, np.array([-1.0, 2.0])) <= 1e-7  # the first entry is 0 against 0


# %% [markdown]
# Many checkers divide by $\max(1,\lvert\text{want}\rvert)$. *Predict:* $y=10^{-9}\sin x$, with a pullback that returns zeros. Such a check (a) passes, (b) fails.


# %%
def asleep(x):
    return 1e-9 * np.sin(x), lambda dy: 0 * dy


x = np.array([0.5, -1.0, 2.0])
want = numerical_gradient(lambda x: asleep(x)[0].sum(), x)
assert (np.abs(asleep(x)[1](np.ones(3)) - want) / np.maximum(1, np.abs(want)) < 1e-7).all()
raises(AssertionError, check_vjp, asleep, x)

# %% [markdown]
# (a): off by $10^{-9}$, divided by 1. Ours takes the entry itself, and a wider step where round-off hides it.
#
# So does the panel: left the largest error of 24 entries, right each one's. *Predict*, then try:
#
# 1. a bug of 1 %: the error (a) falls with $h$, (b) stays;
# 2. no bug: left and right of the valley the error has (a) two causes, (b) one;
# 3. *forward*: its floor is (a) as low, (b) higher;
# 4. a kink $10^{-3}$ away: it falls (a) with $h$, (b) suddenly.

# %%
MicroscopePanel()

# %% [markdown]
# 1. (b): 0.01 at every step from $10^{-8}$ to $10^{-2}$, and the map names the entry.
# 2. (a): truncation on the right, round-off on the left.
# 3. (b), hundreds of times as high; float32's even 100,000 times and more, at a larger step.
# 4. (b), as soon as the step stays on one side of the kink.

# %%
floor = lambda **settings: microscope(1e-6, **settings).errors.min()
assert np.allclose(
    [microscope(h, bug=1.01).error for h in 10.0 ** -np.arange(2, 9)], 0.01, rtol=0.01
)
assert floor(central=False) / floor() > 100
assert floor(dtype="float32") / floor() > 1e5
assert microscope(1e-2, dtype="float32").error < 1e-3 < microscope(1e-5, dtype="float32").error
assert microscope(1e-4, kink=1e-3).error < 1e-7 < 1e-2 < microscope(1e-2, kink=1e-3).error

# %% [markdown]
# So an error that does not move with the step is a bug? *Predict:* one ReLU, $y=\max(0,wx)$, with $x=1$ and the weight $w=0$. Its pullback says 0. The central difference says (a) 0, (b) ½ at every step, (c) 1.

# %%
ramp = lambda w: max(0.0, w)
for h in (1e-2, 1e-5, 1e-8):
    print(f"h = {h:.0e}: central {(ramp(h) - ramp(-h)) / (2 * h)}")
assert np.allclose(microscope(1e-6, kink=0.0).errors, 1)  # at every step of the panel

# %%
_, ax = plt.subplots(figsize=(8, 4))
plots.draw_corner(0.5, ax=ax)
plt.show()


# %% [markdown]
# (b), the mean of 0 from the left and 1 from the right, which are (a) and (c). Nothing is wrong with the pullback; no derivative exists on a **kink**. In the panel, *exactly on it*, the error stays 1: 0 is off by all of the ½.
#
# The cure: look from both sides. Where they stay different as $h$ shrinks, it is a kink; move the point. **Your turn.**


# %% tags=["exercise"]
def both_sides(f, x, h):
    """The slope of f at x from the left, and from the right, each with the step h."""
    # your lines


exercise("slopes from both sides", both_sides)


# %% [markdown]
# <details><summary>A hint</summary>
#
# Each is the height gained over the way gone, from left to right, between $x$ and a neighbour.
# </details>
#
# <details><summary>A solution</summary>
#
# ```python
# def both_sides(f, x, h):
#     return (f(x) - f(x - h)) / h, (f(x + h) - f(x)) / h
# ```
# </details>
#
# `check_vjp` does so whenever it fails, $10^{-6}$ to either side. A bug in one entry, then a kink; last, one that passes: of $\lvert x\rvert$ at 0 the central difference is 0, and so is $\mathrm{sign}$. Only the two sides tell.


# %%
def planted(x):
    y, pullback = sigmoid(x)
    return y, lambda dy: pullback(dy) * np.array([1, 1.01, 1])


raises(AssertionError, check_vjp, planted, np.array([0.5, -1.0, 2.0]))
raises(AssertionError, check_vjp, relu, np.array([0.5, 0.0, 2.0]))
assert check_vjp(relu, np.array([0.5, 0.1, 2.0])) <= 1e-7  # moved off the kink
tent = lambda x: (np.abs(x), lambda dy: np.sign(x) * dy)
assert check_vjp(tent, np.array([0.0, 2.0])) <= 1e-7  # on a kink, and unseen

# %% [markdown]
# When a check fails, change the step, then look from both sides:
#
# | the error | it is | mend |
# |---|---|---|
# | falls with $h$, like $h^2$ | truncation | the step: smaller |
# | grows as $h$ shrinks, like $1/h$ | round-off; or a jump at the point | the step: larger; the point |
# | falls suddenly at some $h$ | a kink within the step | the step: smaller |
# | stays; both sides differ | a kink at the point | the point |
# | stays; both sides agree | a bug | the pullback |

# %% [markdown] lecture={"ask": "One unit sends back 1.01 times what it should. What sees it?", "board": "the diagnostics in a row, the class's bets under them", "cut": "3 the bets", "expect": "The loss curve; but it falls all the same", "jump": "setup", "minutes": 5, "misconception": "A network that learns has no bug"}
# ## What sees a fault?
#
# In a small network that reads digits nine faults are planted in turn, some of them outside the gradient. **Bet** before each: what sees it first?
#
# *Predict:* one unit sends back 1.01 times what it should. It is seen by (a) the loss curve, (b) the accuracy, (c) a check alone.

# %%
FaultsPanel(encoder=False)

# %%
small = {name: fault for name, fault in FAULTS.items() if fault.network != "encoder"}
assert len(small) == 9
for name, fault in small.items():  # two wrong shapes stop before they are checked
    assert (table()[name]["whole check"].outcome != "blind") == fault.of_gradient
for name in ("dW transposed, 16 × 16", "one unit's slope off by 1 %"):
    seen = [kind for kind, cell in table()[name].items() if cell.outcome != "blind"]
    assert seen == ["one direction", "whole check"]
assert {cell.outcome for cell in table()["bias correction left out"].values()} == {"blind"}

# %% [markdown]
# (c): the network learns all the same; so it does with a square $dW$ transposed. The check sees every fault of the gradient that runs, and no other: it asks whether the pullback belongs to the value, not whether the value is what you want. A missing bias correction (lesson 4) nothing here sees.
#
# All that the notes say of this lesson, executed:

# %%
claims_table("01")

# %% [markdown]
# ## What to remember
#
# * Slope along $u$: $u\cdot\nabla f$. $-\nabla f$ is the steepest way down, not the way to the minimum.
# * In a valley $\frac12p^\top Hp$ steps come closer below 2 / (the largest curvature).
# * A gradient has the shape of its variable. `reshape` never moves an axis.
# * $dx=J^\top dy$ without $J$: along a line multiply, where lines meet add, last step first.
# * An error that stays when the step moves is a bug or a kink: look from both sides. Who learns may have a bug.
#
# Next: [the blocks of a network](02_blocks.ipynb).
