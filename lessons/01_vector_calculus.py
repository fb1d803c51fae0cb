# %% [markdown]
# # 1 · Vector calculus
#
# Document A, sections 2 to 3.1.
#
# **Objectives.** Say which way is down and how far to go; differentiate numbers, vectors and matrices by each other; chain
# derivatives in both layouts; check any gradient by differences, and know when the check is wrong.
#
# **Prerequisites.** Derivatives, matrix products, [lesson 0](00_start_here.ipynb). **Minutes:** 115; a good
# place for a break is before the Jacobian.

# %%
import inspect

import matplotlib.pyplot as plt
import numpy as np

import nnlib.calculus as calculus
import nnlib.plots.lesson_01 as plots
from nnlib.blocks import linear, relu, sigmoid, tanh
from nnlib.calculus import check_vjp, complex_step, directional_derivative, vec
from nnlib.calculus import numerical_gradient, numerical_jacobian
from nnlib.checks import raises
from nnlib.documents import claim, claims_table
from nnlib.experiments.lesson_01 import angle, descend, descents
from nnlib.landscapes import bowl, rosenbrock
from nnlib.experiments.lesson_01 import microscope, step_errors, times, ways
from nnlib.plots.canvas import use_style
from nnlib.plots.landscapes import draw_paths
from nnlib.plots.matrices import draw_entries
from nnlib.widgets.lesson_01 import MicroscopePanel, SteepestDescentPanel

use_style()

# %% [markdown] lecture={"ask": "In which direction is the slope 0?", "expect": "Across the gradient, along the level line", "minutes": 11, "misconception": "The slope is a property of the point; it belongs to a point and a direction"}
# ## Which way is down?
#
# Training walks downhill on a loss. Take a small one, $f(p)=\frac12(x^2+3y^2)$ at $p=(1,1)$, and leave $p$ along a vector
# $u$ of length 1. How steep is it?

# %%
f = lambda p: (p[0] ** 2 + 3 * p[1] ** 2) / 2
p, u = np.array([1.0, 1.0]), np.array([0.6, 0.8])
for t in (0.1, 0.01, 0.001):
    print(f"t = {t:<5}  slope {(f(p + t * u) - f(p)) / t:.3f}")

# %% [markdown]
# The limit is the **directional derivative**. By the chain rule in one variable,
#
# $$\frac{d}{dt}f(p+tu)\Big|_{t=0}=\sum_i\frac{\partial f}{\partial p_i}\,u_i=u\cdot\nabla f .$$
#
# *Predict:* here $\nabla f=(x,3y)=(1,3)$. What is the slope?

# %%
gradient = np.array([p[0], 3 * p[1]])
assert np.allclose(gradient, numerical_gradient(f, p), atol=1e-8)
assert np.isclose(u @ gradient, directional_derivative(f, p, u))
print(f"u · ∇f = {u @ gradient:.1f}")

# %% [markdown]
# One gradient holds the slopes in *all* directions. With $\theta$ the angle between $u$ and $\nabla f$ (`A-2-cos`),
#
# $$u\cdot\nabla f=\lVert u\rVert\,\lVert\nabla f\rVert\cos\theta=\lVert\nabla f\rVert\cos\theta .$$
#
# *Predict:* in which direction is the slope 0? Turn $u$ until it is.

# %%
SteepestDescentPanel()

# %% [markdown]
# At 90° to $\nabla f$, along the dashed level line. And since $\cos\theta\ge-1$, the least slope is $-\lVert\nabla f\rVert$,
# at 180° (`A-2-steepest`): $u=-\nabla f/\lVert\nabla f\rVert$ is **steepest descent**. Ask every direction:

# %%
turn = np.radians(np.arange(0, 360, 0.5))
directions = np.stack([np.cos(turn), np.sin(turn)], axis=1)
slopes = [directional_derivative(f, p, u) for u in directions]
assert angle(directions[np.argmin(slopes)], -gradient) < 0.5
print(f"least slope {min(slopes):.2f},  -‖∇f‖ = {-np.linalg.norm(gradient):.2f}")

# %% [markdown]
# Document A wants the *gradient* to decrease most. *Predict:* is that another direction? Let the steepness
# $\lVert\nabla f\rVert=\sqrt{x^2+9y^2}$ decrease.

# %%
steepness = lambda p: np.sqrt(p[0] ** 2 + 9 * p[1] ** 2)
flatter = -numerical_gradient(steepness, p)
print(f"{angle(-gradient, flatter):.1f}° apart")
assert 12 < angle(-gradient, flatter) < 12.2

# %%
claim("A-2-decrease")

# %% [markdown] lecture={"ask": "At (10, 1) in the valley, by how many degrees does \u2212\u2207f miss the minimum?", "expect": "78.6: it points almost across the valley", "minutes": 8, "misconception": "Steepest descent points to the minimum"}
# ## Down is not towards the minimum
#
# A says that $-\nabla f$ points to where the minimum lies. Try a valley:
# $f=\frac12(x^2+100y^2)$ at $(10,1)$, minimum at $(0,0)$.
#
# *Predict:* how many degrees are between $-\nabla f$ and the way to the minimum?

# %%
valley = bowl(100)
p, H = np.array([10.0, 1.0]), np.diag([1.0, 100.0])
gradient = H @ p
assert np.allclose(gradient, numerical_gradient(valley.value, p), atol=1e-6)
print("∇f =", gradient, f"  {angle(-gradient, -p):.1f}° off")

# %% [markdown]
# By hand: $\nabla f=(10,100)$, so
#
# $$\cos\varphi=\frac{\nabla f\cdot p}{\lVert\nabla f\rVert\,\lVert p\rVert}
# =\frac{100+100}{\sqrt{10100}\,\sqrt{101}}=\frac{200}{1010}=0.198,\qquad\varphi=78.6^\circ .$$

# %%
assert np.isclose(np.degrees(np.arccos(200 / 1010)), angle(-gradient, -p))
_, ax = plt.subplots(figsize=(6, 6))
plots.draw_ways(valley, p, ways(valley, p, 0), ax=ax)
plt.show()

# %% [markdown]
# The gradient sees only the slope where you stand, and across is steep. What points to the minimum? With the second derivatives $H$, $\nabla f=Hp$, hence $-H^{-1}\nabla f=-p$: **Newton's** direction,
# exact on a quadratic.

# %%
newton = -np.linalg.solve(H, gradient)
assert np.allclose(p + newton, 0)
assert angle(newton, -p) < 1e-6

# %%
claim("A-2-tomin")

# %% [markdown] lecture={"ask": "f = \u00bdLx\u00b2, rate 2.1/L: what does one step do to x?", "expect": "It becomes \u22121.1 x", "minutes": 9, "misconception": "A step against the gradient comes closer"}
# ## How far to go
#
# A step is $x\leftarrow x-\alpha\,f'(x)$, with the **step size** $\alpha$. On a parabola $f=\frac12Lx^2$ of curvature $L$:
#
# $$x\leftarrow x-\alpha Lx=(1-\alpha L)\,x .$$
#
# *Predict:* by what does each step multiply $x$, for $\alpha=2.1/L$?

# %%
L, start = 5.0, np.array([1.0])
slope = lambda x: L * x
assert np.allclose(slope(start), numerical_gradient(lambda x: (L * x**2 / 2).sum(), start))
for share in (0.5, 1.0, 1.9, 2.0, 2.1):
    path = descend(slope, start, rate=share / L, steps=10)
    print(f"α = {share}/L: × {path[1, 0]:5.2f} a step, |x| after 10: {abs(path[-1, 0]):.2g}")

# %% [markdown]
# By $-1.1$. Steps come closer just when $\lvert1-\alpha L\rvert<1$, that is $0<\alpha<2/L$; at $2/L$ they hop from
# side to side. Bisect for the first rate that diverges:

# %%
low, high = 0.0, 1.0
for _ in range(50):
    middle = (low + high) / 2
    farther = abs(descend(slope, start, rate=middle, steps=1)[-1, 0]) > 1
    low, high = (low, middle) if farther else (middle, high)
print(f"diverges from α = {high:.6f}, and 2/L = {2 / L:.6f}")
assert abs(high - 2 / L) < 1e-12

# %%
claim("A-2-step")

# %% [markdown]
# In the valley each axis has its factor, $1-\alpha$ along and $1-100\alpha$ across: the largest curvature, $L=100$, sets the limit, the smallest the pace.
#
# *Predict:* what does the path do at $1.9/L$, and at $2.02/L$?

# %%
valley, p = bowl(100), np.array([10.0, 1.0])
rates = {"1/L": 0.01, "1.9/L": 0.019, "2.02/L": 0.0202}
paths = {name: descend(valley.gradient, p, rate=r, steps=25) for name, r in rates.items()}
across = {name: abs(path[-1, 1]) for name, path in paths.items()}
assert across["1/L"] < across["1.9/L"] < 1 < across["2.02/L"]

# %%
_, ax = plt.subplots(figsize=(9, 4.5))
title, window = "25 steps: across decides the rate, along the pace", ((-1, 11.5), (-2, 2))
draw_paths(valley, paths, title=title, window=window, ax=ax)
plt.show()

# %% [markdown]
# At $1/L$ one step crosses to the floor, then 1 % a step. At $1.9/L$ it zigzags, faster. Beyond $2/L$ it leaves.

# %% [markdown] lecture={"ask": "Which of the three promises survives?", "expect": "Coming closer, on convex quadratics below 2/L; the angle does not", "minutes": 9, "misconception": "A smaller step is safer, so it always arrives"}
# ### A claim on trial: a small constant step will do
#
# Three promises (`A-c7`), tried in valleys with curvatures 1 and $\kappa$ and in Rosenbrock's bent one: ten random starts, five
# rates each. The rules and the prediction, set after a trial with five starts:
#
# * $-\nabla f$ **leads** to the minimum: on average within 10°;
# * steps come **closer**: all, at every rate that arrives;
# * they **arrive**: from every start, at the best rate, within a thousandth, in 30,000.
#
# *Prediction:* leads for $\kappa=1$ alone; closer in straight valleys; arrives in $\propto\kappa$ steps.

# %%
turn = np.random.default_rng(0).uniform(0, 2 * np.pi, 10)
starts = np.stack([np.cos(turn), np.sin(turn)])
shares = np.array([0.2, 1.0, 1.8, 1.98, 2.02])
arms = {f"κ = {k}": (bowl(k), shares / k) for k in (1, 10, 100, 1000)}
arms["Rosenbrock"] = (rosenbrock(), np.array([1e-4, 3e-4, 1e-3, 2e-3, 3e-3]))
about = lambda steps: f"{float(f'{steps:.2g}'):,.0f}"  # two digits

# %%
runs = {name: descents(arm, starts, rates, most=30_000) for name, (arm, rates) in arms.items()}
best = {}
for name, run in runs.items():
    mean = run.steps.mean(axis=1)
    best[name] = run.steps[mean.argmin()]
    closer = run.closer[np.isfinite(mean)].min() == 1
    print(f"{name:10}  off by {run.off.mean():3.0f}° ± {run.off.std():2.0f}°   "
          f"every step closer: {'yes' if closer else 'no ':3}   "
          f"arrives after {about(best[name].mean())} ± {about(best[name].std())} steps")  # fmt: skip

# %% [markdown]
# (± is the standard deviation over the starts.) And at one shared rate, 0.001, small enough for all:

# %%
for name, (arm, _) in arms.items():
    steps = descents(arm, starts, [1e-3], most=30_000).steps
    print(f"{name:10}  {about(steps.mean())} ± {about(steps.std())} steps")

# %%
assert runs["κ = 1"].off.max() < 1e-3
assert min(run.off.mean() for name, run in runs.items() if name != "κ = 1") > 10
valleys = [run for name, run in runs.items() if name != "Rosenbrock"]
assert all(run.closer[:4].min() == 1 and np.isinf(run.steps[4]).all() for run in valleys)
assert runs["Rosenbrock"].closer[2].min() < 1
assert all(np.isfinite(steps).all() for steps in best.values())
assert 5 < best["κ = 1000"].mean() / best["κ = 100"].mean() < 20

# %% [markdown]
# | promise | verdict |
# |---|---|
# | leads to the minimum | **not supported**, but in a round bowl |
# | each step closer | **supported** in convex valleys below $2/L$; **not** on Rosenbrock, even where the run arrives |
# | a small constant step arrives | **supported**, after steps in proportion to $\kappa$; above $2/L$, **never** |
#
# The losing case is the bent valley: round the bend, down leads away from the minimum.

# %% [markdown] lecture={"ask": "f takes 2 numbers to 3; what is the shape of its derivative?", "expect": "(3, 2): a row for each output", "minutes": 8, "misconception": "The derivative is a number, or has the shape of the input"}
# ## The Jacobian
#
# A layer takes vectors to vectors. The derivative of $f:\mathbb R^n\to\mathbb R^m$ is the **Jacobian**, a row for each output (`A-2.1-jac`):
#
# $$J_{ij}=\frac{\partial y_i}{\partial x_j},\qquad J\in\mathbb R^{m\times n}.$$
#
# Each input, nudged, gives a column.

# %%
f = lambda x: np.array([x[0] * np.cos(x[1]), x[0] * np.sin(x[1]), x[0] ** 2])
x, h = np.array([2.0, 0.5]), 1e-6
J = np.zeros((3, 2))
for j in range(2):
    nudge = h * np.eye(2)[j]
    J[:, j] = (f(x + nudge) - f(x - nudge)) / (2 * h)

# %%
r, φ = x
by_hand = np.array([[np.cos(φ), -r * np.sin(φ)], [np.sin(φ), r * np.cos(φ)], [2 * r, 0]])
assert np.allclose(J, by_hand, atol=1e-8)
assert np.allclose(numerical_jacobian(f, x), J, atol=1e-12)
print(J.round(3))

# %% [markdown]
# The library's loop is the same, for any shape; where $x$ is large it takes a larger step, and it divides by the step that was
# really made:

# %%
print(inspect.getsource(calculus.differences))

# %% [markdown]
# $J$ turns a small change of input into the change of output, $\delta y=J\,\delta x$, up to
# $O(\lVert\delta x\rVert^2)$.
#
# *Predict:* for a tenth of $\delta x$, how much smaller is what $J$ leaves out?

# %%
sizes = 10.0 ** -np.arange(0, 4)
way = np.array([0.6, 0.8])
gaps = np.array([np.linalg.norm(f(x + s * way) - f(x) - by_hand @ (s * way)) for s in sizes])
assert np.allclose(gaps[1:-1] / gaps[2:], 100, rtol=0.05)

# %%
_, ax = plt.subplots(figsize=(8, 4))
plots.draw_remainder(sizes, gaps, ax=ax)
plt.show()

# %% [markdown]
# A hundred times. The document writes $\nabla y=\frac{dy}{dx}\nabla x$ for this, without the remainder and with $\nabla$ for a change:

# %%
claim("A-2.1-linear")

# %% [markdown] lecture={"ask": "Is the gradient of a number a row or a column?", "expect": "Neither: it has the shape of its variable", "minutes": 7, "misconception": "One of both is right"}
# ## One number, many variables
#
# For a single number $L$ the Jacobian has one row. So A's gradient is a **row** (`A-2.1-gradrow`); a section later it is a **column** (`A-3-column`).
# *Predict:* with $L=\sum_i\sin y_i$ and $y=Mx$, which of $J^\top g$, $g\,J$ works for a row $g=dL/dy$?

# %%
M, x = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0]]), np.array([0.3, -0.2, 0.5])
loss = lambda x: np.sin(M @ x).sum()
g = np.cos(M @ x)[None]  # (1, 2), a row
assert np.allclose((g @ M)[0], numerical_gradient(loss, x), atol=1e-8)
raises(ValueError, times, M.T, g)

# %%
claim("A-2.1-gradrow")

# %% [markdown]
# The way out: **a gradient has the shape of its variable** (`B-lin-5-shape`), so $x-\alpha\,dx$ always fits. Two slips of A, $y$ for $x$ and $m$ for $n$:

# %%
dx = g[0] @ M
assert dx.shape == x.shape
claim("A-2.1-case")

# %% [markdown] lecture={"ask": "L = u\u1d40Xv: what is dL/dX?", "expect": "The outer product u v\u1d40, in the shape of X", "minutes": 8, "misconception": "A matrix derivative needs new rules; it is one number for each entry"}
# ### One number by a matrix
#
# Weights are matrices. The gradient holds $\partial L/\partial X_{ij}$ where $X$ holds $X_{ij}$:
#
# $$L=u^\top Xv=\sum_{ij}u_i\,X_{ij}\,v_j\quad\Rightarrow\quad\frac{\partial L}{\partial X_{ij}}=u_iv_j,\qquad dX=u\,v^\top .$$

# %%
u, v = np.array([1.0, -2.0]), np.array([3.0, 0.5, 1.0])
X = np.arange(6.0).reshape(2, 3)
L = lambda X: u @ X @ v
dX = np.zeros_like(X)
for i, j in np.ndindex(X.shape):
    nudge = np.zeros_like(X)
    nudge[i, j] = 1e-6
    dX[i, j] = (L(X + nudge) - L(X - nudge)) / 2e-6

# %%
assert np.allclose(dX, np.outer(u, v), atol=1e-8)
assert np.allclose(dX, numerical_gradient(L, X), atol=1e-8)
print(np.outer(u, v))

# %% [markdown]
# So $\delta L=\sum_{ij}dX_{ij}\,\delta X_{ij}$; flattened, a dot product (`A-2.1-gradflat`). A folds the gradient and keeps the flat label. *Predict:* does the matrix times the flat change work?

# %%
δX = 1e-3 * np.array([[1.0, -1.0, 2.0], [0.0, 3.0, 1.0]])
change = L(X + δX) - L(X)
assert np.isclose((dX * δX).sum(), change)
assert np.isclose(vec(dX) @ vec(δX), change)
raises(ValueError, times, dX, vec(δX))

# %%
claim("A-2.1-gradfold")

# %% [markdown] lecture={"ask": "X = [[1, 2, 3], [4, 5, 6]]: what is vec(X)?", "expect": "1 2 3 4 5 6 by rows, 1 4 2 5 3 6 by columns; both are in use", "minutes": 8, "misconception": "There is one vec"}
# ## vec: rows or columns?
#
# To use Jacobians on a matrix, stack it into a vector. A's words stack its **columns**; its formula stacks its **rows**.

# %%
X = np.array([[11, 12, 13], [21, 22, 23]])
by_rows, by_columns = X.reshape(-1), X.reshape(-1, order="F")
print("rows   ", by_rows, "\ncolumns", by_columns)
assert (by_columns == X.T.reshape(-1)).all()

# %%
stacked = {"X": X, "by rows": by_rows[None], "by columns": by_columns[None]}
words = {name: a.astype(str) for name, a in stacked.items()}
rows = {name: a // 10 for name, a in stacked.items()}
assert words["by columns"][0, 1] == "21"

# %%
_, axes = plt.subplots(3, 1, figsize=(7, 4.6), height_ratios=[2, 1, 1])
draw_entries(words, rows, axes=axes)
plt.show()

# %% [markdown]
# Textbooks stack columns; NumPy and PyTorch store rows, and A's later results need rows. So `vec` stacks rows, `vec(X.T)` columns:

# %%
print(inspect.getsource(vec))
claim("A-2.1-vect")

# %% [markdown]
# Formulas with a Kronecker product $\otimes$ depend on it. For $Y=AXB$:
#
# $$Y_{ij}=\sum_{kl}A_{ik}X_{kl}B_{lj}\quad\Rightarrow\quad\frac{\partial Y_{ij}}{\partial X_{kl}}=A_{ik}B_{lj}.$$
#
# With rows stacked, row $(i,j)$ and column $(k,l)$ of the Jacobian hold $A_{ik}\,(B^\top)_{jl}$: that is $A\otimes B^\top$. The
# textbook's $B^\top\otimes A$ is for columns. *Predict:* do both have the same shape?

# %%
rng = np.random.default_rng(0)
A, X, B = rng.standard_normal((5, 3)), rng.standard_normal((3, 4)), rng.standard_normal((4, 2))
J = numerical_jacobian(lambda v: vec(A @ v.reshape(3, 4) @ B), vec(X))
assert np.allclose(J, np.kron(A, B.T), atol=1e-7)
assert np.kron(A, B.T).shape == np.kron(B.T, A).shape
print(f"textbook form on stacked rows: off by {np.abs(np.kron(B.T, A) - J).max():.2g}")

# %% [markdown]
# The same shape: nothing complains (`A-2.1-vect-kron`).

# %%
claim("A-2.1-vect-kron")

# %% [markdown] lecture={"ask": "J is (2, 12); may we reshape it to (3, 2, 4)?", "expect": "The sizes fit, and the entries are scrambled: reshape keeps the order of memory", "minutes": 9, "misconception": "reshape moves axes"}
# ## The tensor trick, and the reshape that scrambles it
#
# A vector $y\in\mathbb R^k$ by a matrix $X\in\mathbb R^{m\times n}$ has $k\cdot mn$ derivatives. A's trick: flatten $X$, take the
# $k\times mn$ Jacobian (`A-2.1-jacflat`), then fold it to $(m,k,n)$. Take $y=PXv$, so that $\partial y_a/\partial X_{ij}=P_{ai}v_j$.

# %%
P, v = np.array([[1.0, 2.0, 3.0], [-1.0, 0.0, 1.0]]), np.array([1.0, 10.0, 100.0, 1000.0])
X = np.ones((3, 4))
J = numerical_jacobian(lambda x: P @ x.reshape(3, 4) @ v, vec(X))
T = np.einsum("ai,j->aij", P, v)  # outputs first: (k, m, n)
assert J.shape == (2, 12)
assert np.allclose(J.reshape(2, 3, 4), T, atol=1e-5)

# %% [markdown]
# Splitting the last axis is safe: $(k,mn)\to(k,m,n)$. *Predict:* to get to $(m,k,n)$, is `J.reshape(3, 2, 4)` the same as moving
# the axes?

# %%
scrambled = J.reshape(3, 2, 4)
moved = J.reshape(2, 3, 4).swapaxes(0, 1)
assert np.allclose(moved, np.einsum("ai,j->iaj", P, v), atol=1e-5)
assert scrambled.shape == moved.shape
print(f"off by {np.abs(scrambled - moved).max() / np.abs(moved).max():.0%} of the largest entry")

# %%
names = np.array([[f"y{a} x{i}{j}" for i in "123" for j in "1234"] for a in "12"])
blocks = {"axes moved": names.reshape(2, 3, 4)[:, 0], "reshaped": names.reshape(3, 2, 4)[0]}
colours = {how: np.vectorize(lambda name: int(name[1]))(block) for how, block in blocks.items()}
assert colours["reshaped"].max() == 1

# %%
_, axes = plt.subplots(1, 2, figsize=(9, 2.8))
draw_entries(blocks, colours, axes=axes)
plt.show()

# %% [markdown]
# Left: the first row of $X$, both outputs. Right: filled in the order of memory, and $y_2$ is missing. `reshape` moves nothing; `swapaxes`, `transpose`, `einsum` do.

# %%
claim("A-2.1-tensor")

# %% [markdown]
# Needed in the end is $dX$, the tensor **contracted** with $dy=dL/dy$:
#
# $$dX_{ij}=\sum_ady_a\,T_{aij}=\Big(\sum_aP_{ai}\,dy_a\Big)v_j,\qquad dX=(P^\top dy)\,v^\top .$$

# %%
dy = np.array([0.5, -1.5])
dX = np.einsum("a,aij->ij", dy, T)
loss = lambda X: dy @ (P @ X @ v)
assert np.allclose(dX, numerical_gradient(loss, X), atol=1e-5)
assert np.allclose(dX, np.outer(P.T @ dy, v))

# %% [markdown]
# The last form never builds the tensor. *Predict:* how many numbers has the tensor $\partial y/\partial W$ of one layer
# $784\to40$, and how many are not zero?

# %%
numbers, nonzero = 40 * 40 * 784, 40 * 784  # ∂y_a/∂W_ij = x_j where a = i, else 0
print(f"{numbers:,} numbers, {nonzero:,} of them not zero")
T = numerical_jacobian(lambda W: W @ v, np.ones((3, 4)))
assert T.shape == (3, 3, 4)
assert np.count_nonzero(np.abs(T) > 1e-6) == 3 * 4

# %% [markdown] lecture={"ask": "A fixes all derivatives as columns; which product breaks?", "expect": "dL/dy times dy/dx: (m, 1) times (m, n)", "minutes": 5, "misconception": "The choice is cosmetic"}
# ## Columns, rows, and three layouts
#
# Section 3 of A makes every derivative a column. Then its own chain $\frac{dL}{dy}\frac{dy}{dx}$ is $(m,1)$ times $(m,n)$. It needs two transposes:

# %%
W, x = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0]]), np.array([[0.3], [-0.2], [0.5]])
dy = np.cos(W @ x)  # (2, 1), for L = Σ sin(Wx)
raises(ValueError, times, dy, W)
assert np.allclose((dy.T @ W).T, numerical_gradient(lambda x: np.sin(W @ x).sum(), x), atol=1e-8)

# %%
claim("A-3-column")

# %% [markdown]
# And E's Jacobian has a row for each *input*, the transpose of A's (`X-jac-layout`); samples are columns in some documents, rows in others (`X-layout`). Ask, before you use a formula:

# %%
claim("X-jac-layout")

# %% [markdown] lecture={"ask": "With columns, in which order do the links multiply?", "expect": "Reversed and transposed: from the loss backwards", "minutes": 10, "misconception": "Each link is a vector, so the order does not matter"}
# ## The chain rule
#
# Let $y=f(x)$ and $L=g(y)$ (`A-3.1-chain`). A small change passes through both:
#
# $$\delta y=J_f\,\delta x,\qquad\delta L=J_g\,\delta y=J_gJ_f\,\delta x\quad\Rightarrow\quad\frac{dL}{dx}=J_g\,J_f .$$
#
# Outer function first.

# %%
W1, W2 = np.array([[1.0, -0.5], [0.3, 0.8], [-0.7, 0.2]]), np.array([[0.5, -1.0, 2.0]])
x = np.array([0.4, -0.6])
f, g = lambda x: np.tanh(W1 @ x), lambda y: np.sin(W2 @ y)
J_f, J_g = numerical_jacobian(f, x), numerical_jacobian(g, f(x))
assert np.allclose(J_g @ J_f, numerical_jacobian(lambda x: g(f(x)), x), atol=1e-8)
print(J_g.shape, "@", J_f.shape, "=", (J_g @ J_f).shape)

# %% [markdown]
# A network with one hidden layer (`A-3.1-mlp`), $y=W_2\tanh(W_1x+b_1)+b_2$, has three links; the middle one acts entry by entry, so its Jacobian is diagonal:
#
# $$\frac{dy}{dx}=W_2\;\mathrm{diag}\big(1-\tanh^2(W_1x+b_1)\big)\;W_1 .$$

# %%
b1, b2 = np.array([0.1, -0.2, 0.3]), np.array([0.5])
network = lambda x: W2 @ np.tanh(W1 @ x + b1) + b2
J = W2 @ np.diag(1 - np.tanh(W1 @ x + b1) ** 2) @ W1
assert np.allclose(J, numerical_jacobian(network, x), atol=1e-8)

# %% [markdown]
# A proposes that each derivative in the chain is a column. *Predict:* for $L=\lVert y\rVert^2$ with $y=\tanh(W_1x)$, does the column
# $2y$ times $J_f$ exist?

# %%
y = np.tanh(W1 @ x)[:, None]  # (3, 1)
raises(ValueError, times, 2 * y, J_f)
dx = J_f.T @ (2 * y)  # columns: transposed, and backwards
assert np.allclose(dx[:, 0], numerical_gradient(lambda x: (f(x) ** 2).sum(), x), atol=1e-8)

# %% [markdown]
# The inner links are matrices. With columns all is transposed, $(J_gJ_f)^\top=J_f^\top J_g^\top$, and the chain reads **backwards**:
#
# $$dx=J_f^\top\,dy .$$

# %%
claim("A-3.1-cols")

# %% [markdown]
# That is backpropagation: a **pullback** computes $J^\top dy$ without building $J$. The three links, then their pullbacks, last first:

# %%
z, first_pullback = linear(x, W1, b1)
h, tanh_pullback = tanh(z)
y, second_pullback = linear(h, W2, b2)
dh, dW2, db2 = second_pullback(np.ones(1))
dx, dW1, db1 = first_pullback(tanh_pullback(dh))
assert np.allclose(dx, J[0])

# %%
loss_of_W1 = lambda W1: (W2 @ np.tanh(W1 @ x + b1) + b2)[0]
assert np.allclose(dW1, numerical_gradient(loss_of_W1, W1), atol=1e-8)
print(inspect.getsource(tanh.__wrapped__))

# %% [markdown]
# Why backwards? $J_3J_2J_1$ is the same from either end. *Predict:* for layers 784 → 40 → 30 → 1, how many multiplications does each end take?

# %%
from_loss = 1 * 30 * 40 + 1 * 40 * 784  # (J3 J2) J1: a row all the way
from_input = 30 * 40 * 784 + 1 * 30 * 784  # J3 (J2 J1): a matrix first
print(f"from the loss {from_loss:,}, from the input {from_input:,}")
assert from_input > 20 * from_loss

# %% [markdown]
# One number at the end, so start there: **reverse mode** automatic differentiation, for networks called backpropagation (`A-2-autodiff`; A calls it *automatic differential*).

# %% [markdown] lecture={"ask": "f(x) = e\u02e3 at 1: is the slope more exact with h = 1e-12 than with 1e-6?", "expect": "No: the digits cancel", "minutes": 9, "misconception": "The smaller the step, the better the derivative"}
# ## Differences, and their two errors
#
# All assertions above trust differences. May they?
#
# $$f(x\pm h)=f\pm hf'+\tfrac{h^2}2f''\pm\tfrac{h^3}6f'''+\dots$$
#
# $$\frac{f(x+h)-f(x)}h=f'+\tfrac h2f''+\dots,\qquad\frac{f(x+h)-f(x-h)}{2h}=f'+\tfrac{h^2}6f'''+\dots$$
#
# **Truncation**: the forward error falls with $h$, the central one with $h^2$.

# %%
h = np.array([1e-2, 1e-3])
for central, power in ((False, 1), (True, 2)):
    coarse, fine = step_errors(np.exp, 1.0, np.e, h, central=central)
    print(f"{'central' if central else 'forward'}: {coarse:.1e} → {fine:.1e}")
    assert abs(coarse / fine - 10**power) < 0.01 * 10**power

# %% [markdown]
# But float64 keeps 16 digits: each value is off by up to $u\,\lvert f\rvert$, $u=2^{-53}\approx10^{-16}$, and dividing by $h$ makes that
# $u\lvert f\rvert/h$. **Round-off** grows as $h$ shrinks.
#
# *Predict:* the best step for each, and the error at $h=10^{-12}$.

# %%
h = 10.0 ** np.arange(-15, 0, 0.25)
central = step_errors(np.exp, 1.0, np.e, h, central=True)
forward = step_errors(np.exp, 1.0, np.e, h, central=False)
float32 = step_errors(np.exp, 1.0, np.e, h.astype(np.float32), central=True)
assert central[h < 2e-12].max() > 1e-6

# %%
curves = {"central": central, "forward": forward, "central, float32": float32}
_, ax = plt.subplots(figsize=(9, 4.5))
plots.draw_step_errors(h, curves, title="Two errors, one best step", ax=ax)
plt.show()

# %% [markdown]
# Where both errors are equal, with all derivatives about as large as $f$: forward $\frac h2=\frac uh$, so $h=\sqrt{2u}\approx10^{-8}$ and an
# error of $10^{-8}$; central $\frac{h^2}6=\frac uh$, so $h=\sqrt[3]{6u}\approx10^{-5}$ and $10^{-11}$. Float32 has $u=6\cdot10^{-8}$: checks run in float64.

# %%
u = 2.0**-53
for kind, best in (("forward", np.sqrt(2 * u)), ("central", np.cbrt(6 * u))):
    print(f"{kind}: best step about {best:.0e}")
    assert 0.01 < h[curves[kind].argmin()] / best < 100
assert central.min() < 1e-9
assert float32.min() > 1e-6

# %% [markdown]
# **Without subtraction** nothing cancels. Step into the complex plane:
#
# $$f(x+ih)=f+ihf'-\tfrac{h^2}2f''-\dots\quad\Rightarrow\quad\frac{\mathrm{Im}\,f(x+ih)}h=f'+O(h^2).$$
#
# *Predict:* how exact is it with $h=10^{-30}$?

# %%
slope = complex_step(np.exp, np.array(1.0))
assert abs(slope / np.e - 1) <= 1e-15
print("error ≤ 1e-15")
print(inspect.getsource(complex_step).split('"""')[2])

# %% [markdown]
# Exact, but $f$ must be analytic. *Predict:* what does it say about
# $\lvert x\rvert$ at $-3$?

# %%
print(complex_step(lambda x: np.abs(x).sum(), np.array([-3.0])))
assert numerical_gradient(lambda x: np.abs(x).sum(), np.array([-3.0])).round(6) == -1

# %% [markdown]
# 0, silently wrong: the complex $\lvert x\rvert$ is another function. The cards use complex steps; code is checked by differences.

# %% [markdown] lecture={"ask": "A check fails. Is the gradient wrong?", "expect": "Change the step: truncation and round-off move with it, a bug stays", "minutes": 12, "misconception": "A failed check proves a bug, a passed one proves none"}
# ## The gradient check under the microscope
#
# `check_vjp` draws a random `dy`, asks the pullback for `dx`, and compares every entry with a central difference,
# $h=10^{-6}$, or a wider one where round-off would hide the entry. It asserts, of each by itself,
#
# $$\frac{\lvert\text{got}-\text{want}\rvert}{\lvert\text{want}\rvert}\le10^{-7}.$$
#
# By itself, for beside an entry of $10^7$ nobody would see that an entry of 1 is off by 5 %.

# %%
x = np.array([0.5, -1.0, 2.0])
y, pullback = tanh(x)
dy = np.array([1.0, -2.0, 0.5])
want = numerical_gradient(lambda x: dy @ tanh(x)[0], x)
assert (np.abs(pullback(dy) - want) / np.abs(want)).max() <= 1e-7
assert check_vjp(tanh, x) <= 1e-7


# %% [markdown]
# It must also fail: on a bug in one entry, and on ReLU's corner, where no derivative exists:


# %%
def planted(x):
    y, pullback = sigmoid(x)
    return y, lambda dy: pullback(dy) * np.where(np.arange(len(x)) == 1, 1.01, 1)


raises(AssertionError, check_vjp, planted, np.array([0.5, -1.0, 2.0]))
raises(AssertionError, check_vjp, relu, np.array([0.5, 0.0, 2.0]))

# %% [markdown]
# It names the entry, and the kink. Float32 it refuses:

# %%
raises(TypeError, check_vjp, tanh, x.astype(np.float32))

# %% [markdown]
# A small loss of a $4\times6$ matrix: left the largest error at every step, as a share of the largest entry or of 1; right each
# entry at yours. Try:
#
# 1. move the step to both ends: the two branches;
# 2. *forward*, then *float32*: what remains of the valley between them?
# 3. a kink $10^{-3}$ away: at which step does the error drop?
# 4. plant a bug of 1 %: which branch moves? Then 0.001 %, in float32.

# %%
MicroscopePanel()

# %% [markdown]
# 1. Truncation on the right, round-off on the left.
# 2. Forward: a valley 1000 times as high. Float32 hardly has one.
# 3. As soon as the step stays on one side of the kink.
# 4. A **floor**: the error that does not move with the step is a bug, and the heat map names its entry. One of 0.001 % hides
#    in float32's noise.

# %%
best = lambda **settings: microscope(1e-6, **settings).errors.min()
assert 100 < best(central=False) / best() < 10_000
assert 1e-3 > best(dtype="float32") > 1e4 * best()
assert microscope(1e-4, kink=1e-3).error < 1e-7 < 1e-2 < microscope(1e-2, kink=1e-3).error

# %%
_, ax = plt.subplots(figsize=(7, 4))
plots.draw_gaps(microscope(1e-6, bug=1.01).gaps, 1e-7, ax=ax)
plt.show()

# %%
for settings in ({}, {"bug": 1.01}, {"bug": 1.00001, "dtype": "float32"}, {"kink": 1e-7}):
    step = 1e-2 if "dtype" in settings else 1e-6
    print(settings or "as it is", "→", microscope(step, **settings).finding)

# %% [markdown]
# When a check fails, change the step. An error that moves with it is the difference's; one that jumps, a kink's; one that stays, yours. All claims of this lesson, executed:

# %%
claims_table("01")

# %% [markdown]
# ## What to remember
#
# * Slope along $u$: $u\cdot\nabla f$. $-\nabla f$ is the steepest way down *here*, not the way to the minimum.
# * Steps come closer below $2/L$, in a convex valley; the number of steps grows with the condition number.
# * A gradient has the shape of its variable. Rows or columns: ask, then check.
# * `reshape` never moves an axis.
# * $dx=J^\top dy$, last link first.
# * Small steps cancel digits. An error that stays when the step moves is a bug.
#
# Next: [the blocks of a network](02_blocks.ipynb).
