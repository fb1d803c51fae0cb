# %% [markdown]
# # 0 · Start here
#
# From the first derivative to a transformer, and no formula on faith.
#
# **Objectives.** Work with a lesson; read shapes; use `y, pullback = f(x)`; see why a falling loss proves nothing.
#
# **Prerequisites.** Derivatives, matrices, a little Python. **Minutes:** 15.
#
# Click the next cell and press Shift+Enter. *No module named 'nnlib'?* Choose the course's own Python in the menu
# Kernel › Change Kernel; if it is not there, run `pip install -e .` in the course's folder.

# %%
from nnlib.environment import check_environment

check_environment()

import matplotlib.pyplot as plt
import numpy as np

from nnlib.blocks import linear, sigmoid
from nnlib.calculus import check_vjp
from nnlib.checks import raises
from nnlib.data import load_mnist
from nnlib.documents import claims
from nnlib.documents.verdicts import MISTAKES
from nnlib.experiments.findings import counts
from nnlib.losses import mse
from nnlib.plots.canvas import use_style
from nnlib.plots.curves import draw_lines
from nnlib.plots.lesson_00 import draw_claims
from nnlib.widgets.lesson_00 import SlopePanel

use_style()

# %% [markdown] lecture={"ask": "Five sets of lecture notes state some 270 things; how many are wrong?", "expect": "Most say five or ten; the picture counts several times as many, and misprints besides", "minutes": 2, "misconception": "What is printed and taught has been checked"}
# ## No formula on faith
#
# The course follows five sets of lecture notes, A to E. Every claim of theirs that can be run has been run.
#
# *Predict:* how many are wrong?

# %%
stated = [one for one in claims().values() if one.status not in ("added", "reading")]
mistakes = [one for one in stated if one.status in MISTAKES]
print(len(stated), "claims,", len(mistakes), "of them not right as printed")
assert len(mistakes) > len(stated) / 5

# %%
_, ax = plt.subplots(figsize=(9, 4))
draw_claims(counts(stated), ax=ax)
plt.show()

# %% [markdown]
# More than one in five, and in good notes. Others are fine alone but clash with each other. C1 and C2 are the two
# halves of C; X is what several documents say differently.
#
# So here every formula runs. Document E factors the derivative of tanh (`E-tanh-fact`) as
#
# $$\tanh'=(1-\tanh^2)(1+\tanh)$$
#
# One square too many?

# %%
x = np.linspace(-2, 2, 9)
t, slope = np.tanh(x), (np.tanh(x + 1e-6) - np.tanh(x - 1e-6)) / 2e-6
printed, corrected = (1 - t**2) * (1 + t), (1 - t) * (1 + t)
print(f"printed form off by {np.abs(printed - slope).max():.2g}")
assert np.abs(corrected - slope).max() < 1e-9


# %% [markdown] lecture={"ask": "Does `assert 0.1 + 0.2 == 0.3` pass?", "expect": "No: 0.1 has no exact binary form", "minutes": 2, "misconception": "A cell that prints nothing did nothing"}
# ## How to use a lesson
#
# At *Predict*, say your answer, then press Shift+Enter. Then change a number and run the cell again: Kernel › Restart
# undoes everything.
#
# `assert`, in the cell above, is silent when what follows is true and an error when not. Silence is good news.
#
# *Predict:* does `assert 0.1 + 0.2 == 0.3` pass?


# %%
def school_arithmetic():
    assert 0.1 + 0.2 == 0.3, "0.1 + 0.2 is not 0.3"


raises(AssertionError, school_arithmetic)

# %% [markdown]
# It fails (`raises` shows an error that is meant). In binary, 0.1 never ends and is cut off. So we compare with a bound:

# %%
assert abs(0.1 + 0.2 - 0.3) < 1e-15

# %% [markdown]
# Lessons train on MNIST, 70,000 handwritten digits, or on smaller ones that come with the course. You have:

# %% tags=["nbval-ignore-output"]
images = load_mnist()
assert images.x_train.shape[1:] == (28, 28)
print("the bundled digits" if images.bundled else "MNIST")

# %% [markdown] lecture={"ask": "W @ x.T + b, without [:, None]: an error or wrong numbers?", "expect": "Wrong numbers, since there are as many samples as outputs", "minutes": 3, "misconception": "If the shapes fit, the formula is right"}
# ## Rows or columns
#
# | letter | meaning | shape |
# |---|---|---|
# | `x`, `y` | input, output | `(samples, in)`, `(samples, out)` |
# | `W`, `b` | weights, biases | `(out, in)`, `(out,)` |
# | `z`, `p` | scores, probabilities | `(samples, classes)` |
# | `labels`, `target` | class numbers; what `y` should be | `(samples,)`; that of `y` |
# | `L` | loss | one number |
# | `dx`, `dW` | $\partial L/\partial x$, $\partial L/\partial W$ | that of `x`, of `W` |
# | `theta`, `grad` | all parameters in one vector, all gradients | `(parameters,)` |
# | $\sigma$ | the sigmoid; in the documents other things too (`X-sigma`) | |
#
# A, E and half of C write samples as columns, B, D and the other half as rows (`X-layout`):

# %%
x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])  # two samples, three features
W, b = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]), np.array([10.0, 20.0])
rows = x @ W.T + b
columns = W @ x.T + b[:, None]
print("rows", rows, "columns", columns, sep="\n")
assert (columns == rows.T).all()

# %% [markdown]
# Each is the other, transposed. We take rows, as PyTorch does.
#
# *Predict:* drop `[:, None]`. An error, or wrong numbers?

# %%
forgotten = W @ x.T + b
print(forgotten)
assert (forgotten != columns).any()

# %% [markdown]
# No error, and half of the numbers are even right: with as many samples as outputs, each bias went to a sample. Fitting
# shapes prove little. At least `nnlib` says which it expects:

# %%
raises(ValueError, linear, x, W.T, b)

# %% [markdown] lecture={"ask": "L is the sum of all outputs; what is dL/dW[0, 2]?", "expect": "9: the third feature summed over both samples", "minutes": 3, "misconception": "A gradient is a row, or a column; it has the shape of its variable"}
# ## One idea: a value and the way back
#
# Every function of the course returns its value and a **pullback**:

# %%
y, pullback = sigmoid(np.array([2.0]))
dy = np.array([1.0])
print(y, pullback(dy))

# %% [markdown]
# `dy` is how fast $L$ grows with $y$; the pullback makes of it how fast $L$ grows with $x$, here $1\cdot\sigma'(2)$:
# one step of the chain rule.
#
# *Predict:* where is the sigmoid steepest, and how steep? Drag the slider, or click it and use the arrow keys.

# %%
SlopePanel()

# %% [markdown]
# At 0, with slope $\tfrac14$. Beyond $\pm6$ hardly anything comes back.
#
# The linear layer gives three gradients, each in the shape of its variable (`B-lin-5-shape`; A wants rows, then
# columns: `A-2.1-gradrow`, `A-3-column`).
#
# *Predict:* $L$ is the sum of all outputs. What is `dW[0, 2]`?

# %%
x, W, b = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.eye(2, 3), np.zeros(2)
y, pullback = linear(x, W, b)
dx, dW, db = pullback(np.ones_like(y))
print(dW)
assert (dx.shape, dW.shape, db.shape) == (x.shape, W.shape, b.shape)

# %% [markdown]
# $3+6=9$: nudge that weight, and each sample's output moves by its third feature. `check_vjp` nudges every entry so, and
# compares. All gradients of the course must pass:

# %%
assert check_vjp(linear, x, W, b) < 1e-7
assert check_vjp(sigmoid, x) < 1e-7


# %% [markdown] lecture={"ask": "With the slope replaced by the value: does training fail?", "expect": "No, the loss falls, at first even faster", "minutes": 4, "misconception": "It learns, so the gradient is right"}
# ## A wrong gradient that learns
#
# Document E's program multiplies by $\sigma(z)$ where $\sigma'(z)$ is due (`E-delta-code`). As a block:


# %%
def slip(x):
    y, _ = sigmoid(x)
    return y, lambda dy: dy * y  # and not dy * y * (1 - y)


# %% [markdown]
# Eight students practised for 0 to 7 hours; who passes? A weight and a bias are learned by steps against the gradient. Read
# the pullbacks: last function first.

# %%
hours, passed = np.arange(8.0)[:, None], np.array([[0, 0, 0, 1, 0, 1, 1, 1]]).T


def train(activation, steps, lr=0.5):
    W, b, losses = np.zeros((1, 1)), np.zeros(1), []
    for _ in range(steps):
        z, linear_pullback = linear(hours - 3.5, W, b)
        p, activation_pullback = activation(z)
        L, loss_pullback = mse(p, target=passed)
        _, dW, db = linear_pullback(activation_pullback(loss_pullback(1.0)))
        W, b, losses = W - lr * dW, b - lr * db, losses + [L]
    return losses


# %% [markdown]
# *Predict:* under the slip, does the loss grow, fall slower, or something else?

# %%
losses = {"right": train(sigmoid, 5), "slip ": train(slip, 5)}
for name, values in losses.items():
    print(name, *[f"{L:.3f}" for L in values])
assert losses["slip "][-1] < losses["right"][-1]

# %% [markdown]
# It falls *faster*: $\sigma$ and $\sigma'$ are both positive, so each push has the right direction, and the slip's is larger.
#
# *Predict:* and after two hundred steps?

# %%
losses = {"right": train(sigmoid, 200), "slip": train(slip, 200)}
close = min(losses["right"]) * np.array([0.98, 1.3])
assert losses["slip"][-1] > 1.1 * losses["right"][-1]

# %%
_, ax = plt.subplots(figsize=(9, 4))
names = {"xlabel": "steps taken", "ylabel": "loss", "title": "The slip leads, then climbs"}
draw_lines(losses, **names, ylim=close, legend="inside", ax=ax)
plt.show()

# %% [markdown]
# The slip runs past the minimum, where its "gradient" is not zero, and climbs by a seventh (mind the axis). Whoever stops at step
# six has the lower loss and never knows. One call tells; it multiplies what comes back by a `dy` drawn at random:

# %%
raises(AssertionError, check_vjp, slip, np.array([-2.0, 0.0, 2.0]))

# %% [markdown]
# Now mend `slip` and run both cells again: `raises` then complains that no error came, as it should.

# %% [markdown] lecture={"ask": "Which of the five would you trust?", "expect": "None before it is run", "minutes": 1, "misconception": "The longest is the most careful"}
# ## Where to go
#
# | | document | treats | lessons |
# |---|---|---|---|
# | A | *Transformer Model Notes* | vector calculus, parts of a network, losses, optimizers | [1](01_vector_calculus.ipynb), [2](02_blocks.ipynb), [3](03_losses.ipynb), [4](04_optimizers.ipynb) |
# | B | *Neural Nets From Scratch* | derivatives of activations, softmax, the linear layer | [2](02_blocks.ipynb), [3](03_losses.ipynb) |
# | C | *Custom Neural Networks* | a two-layer network; a one-layer transformer encoder | [5](05_mlp_on_mnist.ipynb), [6](06_transformer_encoder.ipynb), two layers |
# | D | *WIDS UID85* | likelihood and losses, backpropagation, transformers | [2](02_blocks.ipynb), [3](03_losses.ipynb), [5](05_mlp_on_mnist.ipynb), [6](06_transformer_encoder.ipynb), [7](07_encoder_decoder.ipynb) |
# | E | *MNIST MLP notes* | one network that reads digits, from its shapes to its code | [2](02_blocks.ipynb), [3](03_losses.ipynb), [4](04_optimizers.ipynb), [5](05_mlp_on_mnist.ipynb) |
# | all | | every claim, executed | [90](90_every_formula.ipynb) |

# %% [markdown]
# **Remember.** Samples are rows; a gradient has the shape of its variable. A function returns its value and its pullback, and
# pullbacks in reverse are the chain rule. Fitting shapes and a falling loss prove nothing; `check_vjp` does.
#
# Next: [vector calculus](01_vector_calculus.ipynb).
