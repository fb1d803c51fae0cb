# %% [markdown]
# # 0 · Start here
#
# How do 1,210 numbers read a digit, and how would you notice that they learned it wrongly?
#
# **Objectives.** Say what a network and what learning is; read shapes; use `y, pullback = f(x)`; say why a falling loss
# proves nothing.
#
# **Prerequisites.** Derivatives, matrices, a little Python. **Minutes:** 50.
#
# Click the next cell and press Shift+Enter. *No module named 'nnlib'?* Choose the course's own Python in the menu
# Kernel › Change Kernel; if it is not there, run `pip install -e .` in the course's folder.

# %%
from nnlib.environment import check_environment

check_environment()

import matplotlib.pyplot as plt
import numpy as np

import nnlib.experiments.lesson_00 as lab
from nnlib.blocks import linear, sigmoid
from nnlib.calculus import check_vjp, numerical_gradient
from nnlib.checks import raises
from nnlib.documents.slips import headline, stated
from nnlib.exercises import exercise
from nnlib.experiments.findings import counts
from nnlib.losses import mse
from nnlib.plots.canvas import use_style
from nnlib.plots.chains import draw_way_back
from nnlib.plots.curves import draw_lines
from nnlib.plots.images import draw_images
from nnlib.plots.lesson_00 import draw_claims
from nnlib.widgets.lesson_00 import ReaderPanel, SlopePanel

use_style()
hours, passed = np.arange(8.0)[:, None], np.array([[0, 0, 0, 1, 0, 1, 1, 1]]).T

# %% [markdown] lecture={"ask": "Before it has learned anything, what does the network say?", "board": "64 dots, 16 dots, 10 dots, all joined to all of the next column", "cut": "2 The mistakes", "expect": "Most say: a different digit each time. It says 4 to every image", "jump": "setup", "minutes": 7, "misconception": "Somewhere in the program stands what a 3 looks like"}
# ## A network reads a digit
#
# On the left a digit of 8 × 8 pixels, in the middle 16 numbers made of its 64, on the right ten made of those 16. The largest
# is the answer. Blue lines push it up, dashed ones down. A dark circle is near 1.
#
# It learns from 1,500 images while the next cell runs. *Vote*, then drag *steps* to 0: untaught, does it give (a) all digits
# about the same number, (b) each image another answer, (c) all the same answer?

# %%
ReaderPanel()

# %%
for steps in lab.STEPS:
    said = lab.answers(steps)
    share, different = (said == lab.MEANT).mean(), len(np.unique(said))
    print(f"after {steps:4} steps {share:4.0%} right; different answers: {different}")
assert len(np.unique(lab.answers(0))) == 1

# %% [markdown]
# (c): a 4, whatever it sees. Its parameters are drawn at random, so one output is ahead from the start, not (a); here so
# far that the image hardly matters, not (b). Another draw may have another favourite, mostly a less strict one.
#
# A **network** is a function with many adjustable numbers, its **parameters**: here 1,210. **Learning** adjusts them, step
# by step, so that the outputs come closer to what they should be.
#
# These images are *unseen*: nothing was learned from them. Do you read the rest better?

# %%
wrong = np.flatnonzero(lab.answers(1000) != lab.MEANT)[:10]
captions = [f"{lab.MEANT[k]} → {lab.answers(1000)[k]}" for k in wrong]
_, ax = plt.subplots(figsize=(9, 1.7))
draw_images(lab.UNSEEN[wrong], captions, title="Meant, and read: ten mistakes", ax=ax)
plt.show()


# %% [markdown] lecture={"ask": "Does `assert 0.1 + 0.2 == 0.3` pass?", "board": "Predict, run, explain", "cut": "1 School arithmetic", "expect": "No: 0.1 has no exact binary form", "jump": "setup", "minutes": 6, "misconception": "A cell that prints nothing did nothing"}
# ## How to use a lesson
#
# At *Predict*, say your answer aloud, then press Shift+Enter. Then change a number and run it again: Kernel › Restart
# undoes everything.
#
# `assert` is silent when what follows it is true, and an error when not. Silence is good news.
#
# *Predict.* Is `assert 0.1 + 0.2 == 0.3` (a) silent or (b) an error?


# %%
def school_arithmetic():
    assert 0.1 + 0.2 == 0.3, "0.1 + 0.2 is not 0.3"


raises(AssertionError, school_arithmetic)
assert abs(0.1 + 0.2 - 0.3) < 1e-15


# %% [markdown]
# (b). On paper (a) is right; in binary, 0.1 never ends and is cut off. So we compare with a bound, as in the last line.
# (`raises` shows an error that is meant.)
#
# At **Your turn** you write a function, and the line below it says whether it is right, or *which slip* it sees. Left empty,
# the lesson goes on without it. The first one is the **sigmoid**, which makes of any number one between 0 and 1:
#
# $$\sigma(z)=\frac{1}{1+e^{-z}}$$


# %% tags=["exercise"]
def curve(z):
    """The sigmoid of each number of an array z."""


exercise("sigmoid", curve)


# %% [markdown]
# <details><summary>A hint</summary>np.exp(-z) is e⁻ᶻ for each number of z. Divide 1 by a bracket.</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def curve(z):
#     return 1 / (1 + np.exp(-z))
# ```
#
# </details>

# %% [markdown] lecture={"ask": "At w = 0, which way must w go for the loss to fall?", "board": "The loss over w, a ball on it, the tangent, an arrow downhill", "cut": "2 By nudging: show the picture alone", "expect": "Up. Some say that w does not matter, since every p is one half", "jump": "setup", "minutes": 10, "misconception": "The network is told the right parameters"}
# ## Learning is walking downhill
#
# The smallest network is one **unit**: a weight $w$, a bias $b$, and the sigmoid. Eight students practised for
# $h=0,\dots,7$ hours; who passed has $t=1$: in this order 0, 0, 0, 1, 0, 1, 1, 1. From $x=h-3.5$ it forms
#
# $$z=wx+b,\qquad p=\sigma(z)$$
#
# and $p$ should be near $t$. How far off they are is the **loss**, here the mean squared error, `mse`:
#
# $$L=\frac18\sum_{i=1}^8(p_i-t_i)^2$$
#
# *Predict.* At $w=b=0$, does $L$ fall if $w$ goes (a) up, (b) down, (c) neither, since every $p$ is $\frac12$?


# %%
def loss(theta):
    w, b = theta
    p, _ = sigmoid(w * (hours - 3.5) + b)
    return np.mean((p - passed) ** 2)


for w in (-0.1, 0.0, 0.1):
    print(f"w = {w:4}: L = {loss([w, 0.0]):.4f}")
assert loss([0.1, 0.0]) < loss([0.0, 0.0]) < loss([-0.1, 0.0])


# %% [markdown]
# (a): most who practised more passed, so a larger $w$ moves most $p$ towards their $t$; (b) moves them away. (c) looks at
# where $p$ is; what counts is where it goes.
#
# All parameters together are $\theta=(w,b)$, and their slopes $\big(\frac{\partial L}{\partial w},\frac{\partial L}{\partial b}\big)$
# are the **gradient**. It points uphill. So **gradient descent** steps against it, again and again, $\eta$ times as far, the
# **learning rate**.
#
# **Your turn.** One step:


# %% tags=["exercise"]
def step(theta, grad, lr):
    """The new theta, one step of gradient descent with learning rate lr from the old one."""


exercise("step downhill", step)

# %% [markdown]
# <details><summary>A hint</summary>Against the gradient: take lr times grad from theta.</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def step(theta, grad, lr):
#     return theta - lr * grad
# ```
#
# </details>
#
# Slopes can be had by **nudging**: `numerical_gradient` moves each parameter a little up and down and divides the change of
# $L$ by the way. *Predict.* 200 steps from 0 with $\eta=\frac12$: is $p$ at 7 hours (a) about 0.6, (b) about 0.95, (c) 1?

# %%
theta, thetas = np.zeros(2), []
for _ in range(201):
    thetas.append(theta)
    theta = theta - 0.5 * numerical_gradient(loss, theta)
print(f"L = {loss(thetas[0]):.3f}, then {loss(thetas[200]):.3f}")
p_at = lambda theta: sigmoid(theta[0] * (hours[:, 0] - 3.5) + theta[1])[0]
learned = {f"after {k} steps": p_at(thetas[k]) for k in (0, 5, 200)}
assert learned["after 200 steps"][[4, 7]].round(2).tolist() == [0.61, 0.96]

# %%
_, ax = plt.subplots(figsize=(9, 3.6))
names = {"xlabel": "hours of practice", "ylabel": "p, and t as dots", "legend": "beside"}
draw_lines(learned, **names, title="200 steps bend a flat line towards the dots", ax=ax)
ax.plot(hours, passed, "o", color="black")
plt.show()

# %% [markdown]
# (b), 0.96. (a) is what it says of 4 hours. (c) cannot be, since $\sigma<1$; and the closer to 1 at 7 hours, the steeper the
# curve, and the dearer the two who surprise: one passed after 3 hours, one failed after 4.
#
# Nothing else happened in the opening, with 1,210 parameters for 2, and 50 images a step. But nudging takes two runs of
# the network for each parameter: 2,420 runs a step. There is a way to all slopes at once. First, where they are kept.

# %% [markdown] lecture={"ask": "W @ x.T + b, without [:, None]: an error or wrong numbers?", "board": "Two samples as rows, and the same as columns; b added to each", "cut": "3 The columns", "expect": "Wrong numbers, since there are as many samples as outputs", "jump": "setup", "minutes": 8, "misconception": "If the shapes fit, the formula is right"}
# ## Rows, and what shape a gradient has
#
# | letter | meaning | shape |
# |---|---|---|
# | `x`, `y` | input, output | `(samples, in)`, `(samples, out)` |
# | `W`, `b` | weights, biases | `(out, in)`, `(out,)` |
# | `z`, `p` | scores, predictions | `(samples, out)` |
# | `labels`, `target` | class numbers; what `p` should be | `(samples,)`; that of `p` |
# | `L` | loss | one number |
# | `dx`, `dW` | $\partial L/\partial x$, $\partial L/\partial W$ | that of `x`, of `W` |
# | `theta`, `grad` | all parameters in one vector, all slopes | `(parameters,)` |
#
# Several units side by side are a **linear layer**, with a sigmoid or another bend behind it. Samples are rows here, as in
# PyTorch: $y=xW^\top+b$. Some of the lecture notes that we follow take columns, $Wx^\top+b$. The same numbers:

# %%
samples = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])  # two samples, three features
weights, biases = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]), np.array([10.0, 20.0])
rows, _ = linear(samples, weights, biases)
columns = weights @ samples.T + biases[:, None]
print("rows", rows, "columns", columns, sep="\n")
assert (columns == rows.T).all()

# %% [markdown]
# *Predict.* Drop `[:, None]`, which makes the biases a column: (a) an error, (b) wrong numbers, (c) no difference?

# %%
print(weights @ samples.T + biases)
raises(ValueError, linear, samples, weights.T, biases)


# %% [markdown]
# (b), and half of the numbers are even right, so (c) may pass a glance. Not (a): with as many samples as outputs the shapes
# fit, and each bias went to a sample instead of an output. Shapes that fit prove little; at least `nnlib` says what it
# expects, in the last line.
#
# $L$ is one number. So its gradient by $W$ has a slope for each number of $W$, and is laid out in the same shape. **Your
# turn:**


# %% tags=["exercise"]
def gradient_shapes(samples, d_in, d_out):
    """The shapes of dx, dW and db of a linear layer: three tuples, such as (samples, d_in)."""


exercise("shapes of gradients", gradient_shapes)

# %% [markdown]
# <details><summary>A hint</summary>The table above has the shapes of x, W and b. A tuple of one number is (d_out,).</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def gradient_shapes(samples, d_in, d_out):
#     return (samples, d_in), (d_out, d_in), (d_out,)
# ```
#
# </details>

# %% [markdown] lecture={"ask": "Where is the sigmoid steepest, and how steep?", "board": "w, z, p, L in a row; the three slopes below the arrows, multiplied from the right", "cut": "2 The panel of the sigmoid", "expect": "At 0, with slope one quarter", "jump": "setup", "minutes": 10, "misconception": "The way back needs all derivatives by nudging"}
# ## A value and the way back
#
# One student, $x=1.5$, passed, $t=1$; at $w=\frac12$, $b=0$. The values go forward, $w\to z\to p\to L$. The chain rule goes
# back, from the end, a factor at each link:
#
# $$\frac{dL}{dw}=\frac{dL}{dp}\cdot\frac{dp}{dz}\cdot\frac{dz}{dw}=2(p-1)\cdot p(1-p)\cdot x$$
#
# The middle one is $\sigma'=\dfrac{e^{-z}}{(1+e^{-z})^2}=\sigma(1-\sigma)$.

# %%
chance = 1 / (1 + np.exp(-0.75))
student = {"w": 0.5, "z": 0.75, "p": chance, "L": (chance - 1) ** 2}
links = [("· x", 1.5), ("σ", chance * (1 - chance)), ("(p − 1)²", 2 * (chance - 1))]

# %%
_, ax = plt.subplots(figsize=(9, 2.6))
draw_way_back(student, links, title="Values go forward, slopes come back", ax=ax)
plt.show()

# %% [markdown]
# Every block and every loss of the course returns both: its value, and its **pullback**, a function that takes the slope of $L$ by the
# value and returns the slope of $L$ by the input. In code, `dp` is $\frac{dL}{dp}$.

# %%
p, p_pullback = sigmoid(np.array([0.75]))
dp = 2 * (p - 1)
dz = p_pullback(dp)
print("p", p.round(3), "  dp", dp.round(3), "  dz", dz.round(3), "  dw", (1.5 * dz).round(3))

# %% [markdown]
# *Predict.* Where is the sigmoid steepest: (a) at 0, with slope $\frac14$, (b) at 0, with slope 1, (c) far to the right,
# where it is largest? Drag the slider, or click it and use the arrow keys.

# %%
SlopePanel()


# %% [markdown]
# (a): $\sigma(1-\sigma)$ is largest at $\sigma=\frac12$. (b) is the slope of $z$ itself. (c) takes the height for the slope:
# beyond 6 hardly anything comes back.
#
# **Your turn.** The sigmoid, with its way back. A pullback is best a `lambda dp: ...`, which remembers $p$:


# %% tags=["exercise"]
def there_and_back(z):
    """The sigmoid p of z, and its pullback, which returns dz for a dp of the shape of p."""


exercise("sigmoid, there and back", there_and_back)


# %% [markdown]
# <details><summary>A hint</summary>What comes back, dp, is multiplied by σ′ = p (1 − p), number by number.</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def there_and_back(z):
#     p = 1 / (1 + np.exp(-z))
#     return p, lambda dp: dp * p * (1 - p)
# ```
#
# </details>
#
# A chain of functions is one, too: forward first to last, back last to first. `check_vjp` nudges every number of every
# argument, compares with what the pullback says, and returns the largest error:


# %%
def unit(x, W, b):
    z, z_pullback = linear(x, W, b)
    p, p_pullback = sigmoid(z)
    return p, lambda dp: z_pullback(p_pullback(dp))


assert check_vjp(unit, hours - 3.5, np.array([[0.5]]), np.zeros(1)) < 1e-7


# %% [markdown] lecture={"ask": "With the value of the sigmoid where its slope is due: does training fail?", "board": "Two slopes, both positive, one larger", "cut": "2 The picture: tell it", "expect": "No, the loss falls, at first even faster", "jump": "setup", "minutes": 6, "misconception": "It learns, so the gradient is right"}
# ## A wrong gradient that learns
#
# A set of lecture notes on reading digits has $\sigma'$ in all its equations. In the program below them stands $\sigma$: a
# prime was lost, by the pen or on the way to us. What if we type it in?
#
# The eight students again. *Predict.* With $\sigma$ for $\sigma'$, does the loss (a) grow, (b) fall more slowly, (c) fall
# faster at first?


# %%
def slip(z):
    p, _ = sigmoid(z)
    return p, lambda dp: dp * p  # and not dp * p * (1 - p)


def train(activation, steps, lr=0.5):
    W, b, losses = np.zeros((1, 1)), np.zeros(1), []
    for _ in range(steps):
        z, z_pullback = linear(hours - 3.5, W, b)
        p, p_pullback = activation(z)
        L, L_pullback = mse(p, target=passed)
        _, dW, db = z_pullback(p_pullback(L_pullback(1.0)))
        W, b, losses = W - lr * dW, b - lr * db, losses + [L]
    return losses


# %%
losses = {"right": train(sigmoid, 200), "slip": train(slip, 200)}
for name, values in losses.items():
    print(f"{name:5}", *[f"{L:.3f}" for L in values[:5]], "  and at last", f"{values[-1]:.3f}")
assert losses["slip"][6] < losses["right"][6]
assert losses["slip"][-1] > 1.1 * min(losses["slip"])

# %%
_, ax = plt.subplots(figsize=(9, 3.8))
names = {"xlabel": "steps taken", "ylabel": "loss", "title": "The slip leads, then climbs"}
draw_lines(losses, **names, ylim=(0.1, 0.14), legend="inside", ax=ax)
plt.show()

# %% [markdown]
# (c). Not (a): $\sigma$ and $\sigma'$ are both positive, so each student pushes in the right direction. Not (b): the slip
# pushes harder, but each by a wrong amount; here it runs past the lowest point and climbs by a tenth (mind the axis). Whoever
# stops at step six has the lower loss, and never knows.
#
# One call tells: above $10^{-7}$ it raises an error. Far out, where $\sigma$ and $\sigma'$ are all but 0, even it sees nothing.
# Mend `slip`, and the first line complains:

# %%
raises(AssertionError, check_vjp, slip, np.array([-2.0, 0.0, 2.0]))
assert check_vjp(slip, np.array([-1000.0])) < 1e-7

# %% [markdown] lecture={"ask": "Five sets of lecture notes: how much of them is right, and how many independent mistakes are there?", "board": "One slip, and three lines that follow from it", "cut": "1 The picture", "expect": "Most is right; mistakes of their own are few", "jump": "setup", "minutes": 3, "misconception": "A line that is not right as printed is a mistake of its author"}
# ## No formula on faith
#
# The course follows five sets of lecture notes, A to E, section by section. Each claim of theirs that can be run was run.
# *Predict.* Right are (a) about a tenth, (b) more than half, (c) all? Independent mistakes: about 10, 50 or 100?

# %%
found = headline()
print(found)
assert found.lines / 2 < found.right < found.lines
assert 5 < found.mistakes < 20

# %%
_, ax = plt.subplots(figsize=(9, 5))
draw_claims(counts(stated()), ax=ax)
plt.show()

# %% [markdown]
# (b), with about 10: far from (a), and not (c). Most of the rest is not wrong: a misprint whose next line shows what was
# meant, another convention, a condition that is not given. And one slip may be carried through several lines. (C1 and C2
# are the halves of C.)

# %% [markdown]
# A has every derivative of the linear layer, B those of the sigmoid, C all gradients of its two-layer network, D
# the step back through one neuron, E the gradients of weights and biases: they lead the course. But one lost
# prime is enough, and neither shapes nor a falling loss tell. So here every formula runs.
#
# | | document | treats | lessons |
# |---|---|---|---|
# | A | *Transformer Model Notes* | vector calculus, parts of a network, losses, optimizers | [1](01_vector_calculus.ipynb), [2](02_blocks.ipynb), [3](03_losses.ipynb), [4](04_optimizers.ipynb) |
# | B | *Neural Nets From Scratch* | derivatives of activations, softmax, the linear layer | [2](02_blocks.ipynb), [3](03_losses.ipynb) |
# | C | *Custom Neural Networks* | a two-layer network; a one-layer transformer encoder | [5](05_mlp_on_mnist.ipynb), [6](06_transformer_encoder.ipynb) |
# | D | *WIDS UID85* | likelihood and losses, backpropagation, transformers | [2](02_blocks.ipynb), [3](03_losses.ipynb), [5](05_mlp_on_mnist.ipynb), [6](06_transformer_encoder.ipynb), [7](07_encoder_decoder.ipynb) |
# | E | *MNIST MLP notes* | one network that reads digits, from its shapes to its code | [2](02_blocks.ipynb), [3](03_losses.ipynb), [4](04_optimizers.ipynb), [5](05_mlp_on_mnist.ipynb) |
# | all | | every claim, executed | [90](90_every_formula.ipynb) |

# %% [markdown]
# **Remember.** A network is a function with parameters; learning steps against the gradient of a loss. Samples are rows; a
# gradient has the shape of its variable. A function returns its value and its pullback; pullbacks in reverse are the
# chain rule. Shapes that fit and a loss that falls prove nothing; `check_vjp` compares with the slope itself.
#
# Next: [vector calculus](01_vector_calculus.ipynb).
