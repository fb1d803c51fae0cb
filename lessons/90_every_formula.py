# %% [markdown]
# # 90 · Every formula
#
# All that the five documents claim, run again while you read.
#
# **Objectives.** Look up any formula with its verdict and its error; know how each verdict was reached and what it does
# not cover; tell which mistakes survive in print, and catch them.
#
# **Prerequisites.** [Lesson 0](00_start_here.ipynb); a card names the lesson that treats its claim. **Minutes:** 60.

# %%
import matplotlib.pyplot as plt
import numpy as np

from nnlib.blocks import attention, sigmoid, softmax
from nnlib.calculus import complex_step
from nnlib.documents import DOCUMENTS, Table, claim, claims
from nnlib.documents.claims import error_of
from nnlib.documents.verdicts import MISTAKES
from nnlib.experiments.findings import counts, findings, used
from nnlib.experiments.lesson_90 import over_draws, source_of
from nnlib.plots.canvas import use_style
from nnlib.plots.lesson_90 import draw_errors, draw_spread, finding
from nnlib.widgets.lesson_90 import ClaimsPanel

use_style()
found = findings(claims().values())


def off(got, want):
    return np.abs(got - want).max() / np.abs(want).max()


# %% [markdown]
# `found` has been filled just now: every claim was tried on a random sample, its printed form and its corrected form
# against a truth that uses neither. `off` is the error used throughout: the largest deviation, as a share of the largest
# true entry.

# %% [markdown] lecture={"ask": "Which document has the most wrong formulas, and why?", "expect": "C's encoder: of 25, 7 are wrong and 6 follow, for it derives the longest backward pass by hand, without numbers", "minutes": 5, "misconception": "The most careless text has the most mistakes; the most ambitious has"}
# ## The count
#
# C1 and C2 are the two halves of document C, X are clashes between documents, N is what none of them prints.
#
# *Predict:* where do the wrong formulas gather?

# %%
table, verdicts = counts(found), used(found)
print("   " + "".join(f"{verdict:>11}" for verdict in verdicts))
for document, row in table.items():
    print(f"{document:3}" + "".join(f"{row[verdict]:11}" for verdict in verdicts))

# %% [markdown]
# In the longest derivation, C's encoder: more than half of it is wrong or carries on what stood before. The sums, without what is *added* (needed but printed
# nowhere) and *readings* (pitfalls beside a claim):

# %%
total = {verdict: sum(row[verdict] for row in table.values()) for verdict in verdicts}
printed = {verdict: n for verdict, n in total.items() if verdict not in ("added", "reading")}
print(f"{sum(printed.values())} claims:", ", ".join(f"{n} {v}" for v, n in printed.items()))
of_c2 = table["C2"]
assert 2 * (of_c2["wrong"] + of_c2["follows"]) > sum(of_c2[verdict] for verdict in printed)

# %% [markdown] lecture={"ask": "How do you check a derivative without deriving it?", "expect": "Run the function at nearby points, or at complex ones", "minutes": 6, "misconception": "Comparing a formula with a better derivation is a check; both can share a slip"}
# ## Where the truth comes from
#
# Never from the corrected formula: who compares a formula with itself finds it right. Three sources remain.
#
# **Derivatives** come from the function alone, by a step into the complex plane. For analytic $f$
#
# $$f(x+i\varepsilon)=f(x)+i\varepsilon f'(x)-\tfrac{\varepsilon^2}{2}f''(x)-\dots\qquad\Rightarrow\qquad
# \frac{\operatorname{Im}f(x+i\varepsilon)}{\varepsilon}=f'(x)+O(\varepsilon^2)$$
#
# Nothing is subtracted, so nothing cancels, and $\varepsilon$ may be $10^{-30}$.

# %%
x = np.linspace(-2, 2, 9)
by_hand = 1 / np.cosh(x) ** 2
central = (np.tanh(x + 1e-6) - np.tanh(x - 1e-6)) / 2e-6
assert off(np.tanh(x + 1e-30j).imag / 1e-30, by_hand) < 1e-14
assert 1e-12 < off(central, by_hand) < 1e-8

# %% [markdown]
# **Values** are evaluated another way: sums written as loops, moments by their definition, optimizers unrolled to one sum.
#
# **Statements** are measured by what they imply: an angle, a floor, a loss after fifty steps.
#
# So a claim is a few lines: what is stated, what holds, then printed form, corrected form and truth, one function each.

# %%
print(source_of(claims()["E-tanh-fact"]))


# %% [markdown]
# `slopes` takes complex steps. For no claim is the truth the same code as one of its forms:


# %%
def compiled(form):
    code = form.__code__
    return code.co_code, code.co_names, code.co_freevars, code.co_consts


tried = [one for one in claims().values() if one.truth]
for one in tried:
    for form in (one.printed, one.corrected):
        assert form is None or compiled(form) != compiled(one.truth)


# %% [markdown]
# *Predict:* we spoil each corrected form by one part in a million. Which of them will still pass?


# %%
def spoiled(form):
    return lambda: np.asarray(form()) * (1 + 1e-6) + 1e-6


assert all(error_of(one.corrected, one.truth()) < 1e-9 for one in tried)
assert not any(error_of(spoiled(one.corrected), one.truth()) < 1e-9 for one in tried)

# %% [markdown]
# None. A check that cannot fail would have passed them all.

# %% [markdown] lecture={"ask": "Between round-off and a visible error, how many claims are there?", "expect": "None: a formula is right to the last digits or wrong at first sight of a number", "minutes": 5, "misconception": "Wrong formulas are a little wrong"}
# ## Right or wrong, nothing between
#
# One dot for each claim that computes something. To the right: how far the printed form is off. Upwards: the corrected one.
# Forms that do not exist, since their shapes do not fit or they divide by zero, stand at the far right.
#
# *Predict:* how many printed formulas are slightly wrong, by a millionth, say?

# %%
dots = [one for one in found if one.status != "note"]
printed, corrected = (np.array([getattr(one, k) for one in dots]) for k in ("printed", "corrected"))
assert not ((printed > 1e-12) & (printed < 1e-2)).any()
assert (corrected < 1e-12).all()

# %%
_, ax = plt.subplots(figsize=(9, 5))
status = [one.status for one in dots]
draw_errors(printed, status, title=finding(printed, corrected), ax=ax)
plt.show()

# %% [markdown]
# None. Ten decades are empty: a formula is exact or visibly wrong. So one random sample decides, and three digits would do.
# All corrected forms lie on the floor. (Of the 127 dots to the right, 55 are mistakes; the rest carry one on, or are clashes and pitfalls,
# whose two forms are meant to differ.)

# %% [markdown] lecture={"ask": "One draw says an error of 0.6, another 540. Which is the error?", "expect": "Neither: the size belongs to the numbers, the presence to the formula", "minutes": 4, "misconception": "A small error makes a formula nearly right"}
# ### The size is luck
#
# An error depends on the numbers drawn. *Predict:* does a wrong formula come out right on one draw in twenty?

# %%
names = """C2-B3 C2-B1 C2-F9-K C1-B5-prec-sq E-delta-code E-tanh-fact E-dlogq E-mse-delta
    E-cce-elem E-he-u E-xavier-n D-im-w3 D-im-w1b D-im-w1c D-im-w1m-sq A-3.4-clip""".split()
draws = {name: over_draws(claims()[name]) for name in names}
assert all(errors.min() > 0.1 for errors in draws.values())

# %%
_, ax = plt.subplots(figsize=(9, 5.5))
draw_spread(draws, ax=ax)
plt.show()

# %% [markdown]
# Never. `D-im-w1c` runs over three decades, and its smallest error is still a half. Of all 55
# mistakes, the luckiest draw (`E-normalise`) leaves an error just under a hundredth:

# %%
bad = [one for one in claims().values() if one.status in MISTAKES]
smallest = min(over_draws(one).min() for one in bad)
assert 1e-3 < smallest < 1e-2

# %% [markdown] lecture={"ask": "Name a claim in these documents that no program can check", "expect": "That training ends in local minima, that CNNs suit images: words, habits, experience", "minutes": 3, "misconception": "Not refuted means confirmed"}
# ### What no program checks
#
# Some claims are *notes*: names, advice, unfinished sentences. The cards say why nothing is computed.

# %%
claim("A-2-kernel")

# %% [markdown]
# And three limits of all verdicts:
#
# * We check what a formula says, not whether it is worth knowing.
# * Words can be read in several ways; where we had to choose, a *reading* tries the other.
# * The documents reached us as extracted text. A slip may be the extraction's: the squares of `E-tanh-fact`, a product in
#   `E-dlogq` that may be two alternatives, a lost dot in `B-lin-9`.

# %% [markdown] lecture={"ask": "Which wrong claims belong to the lesson you teach next?", "expect": "Choose the lesson and the verdict, then page through the cards", "minutes": 6, "misconception": "A verdict of wrong condemns the document; most of each is right"}
# ## Look one up
#
# Choose document, verdict and lesson, or type a word; the arrow keys turn the cards once the slider has been clicked.
#
# *Predict:* type `softmax`. How many of the claims chosen are wrong?

# %%
ClaimsPanel()

# %%
softmaxes = counts(one for one in found if "softmax" in one.text.lower())
assert sum(row["wrong"] for row in softmaxes.values()) == 5

# %% [markdown] lecture={"ask": "Which of these fifteen would your own tests have caught?", "expect": "Those that raise; the rest only with a gradient check", "minutes": 1, "misconception": "Fifteen slips have fifteen causes; they have about four"}
# ## Fifteen mistakes, one by one
#
# Of each: what is printed, why it is wrong, who notices. All are treated in their lessons; here they stand side by side, for
# their likeness is the lesson.

# %% [markdown] lecture={"ask": "What must each row of a softmax Jacobian sum to?", "expect": "Zero: the probabilities sum to one whatever the scores", "minutes": 3, "misconception": "A matrix of the right shape with the right diagonal term is the Jacobian"}
# ### 1 · Scores for probabilities
#
# C's encoder needs the Jacobian of one row of attention, $\mathrm{diag}(S)-S^\top S$, and writes raw scores into the second
# term. Both are rows of $n+1$ numbers, so nothing complains.
#
# *Predict:* probabilities sum to 1 whatever the scores. What must the rows of their Jacobian sum to?

# %%
scores = np.array([[0.5, -1.0, 2.0]])
S, _ = softmax(scores)
as_printed, as_corrected = (np.diag(S[0]) - row.T @ row for row in (scores, S))
print("rows sum to", as_printed.sum(axis=1).round(2))
assert np.abs(as_corrected.sum(axis=1)).max() < 1e-15
claim("C2-B3")

# %% [markdown]
# To zero, and the printed ones do not: a check that needs no derivative. `C2-B5` says rightly what was meant.

# %% [markdown] lecture={"ask": "The network is right and certain; how large should the gradient be?", "expect": "Zero; with logits in place of probabilities it is large", "minutes": 3, "misconception": "It trains, so it descends the loss that was written down"}
# ### 2 · Logits for probabilities
#
# The error at the output is $(s-y)/K$. C's encoder has $z-y$ wherever that is due, though the
# document's first half has $s-y$.
#
# *Predict:* the network is right and certain. What should push its scores?

# %%
y, z = np.array([[1.0, 0.0, 0.0]]), np.array([[40.0, 0.0, 0.0]])
s, _ = softmax(z)
print("z - y =", (z - y)[0])
assert np.abs(s - y).max() < 1e-15
claim("C2-B1")

# %% [markdown]
# Nothing, but $z-y$ pushes by 39. It is the gradient of $\tfrac12\lVert z-y\rVert^2$, another loss, which also falls: whoever
# watches the loss sees learning. `C2-B2` has the same slip.

# %% [markdown] lecture={"ask": "Only the last row of attention is read. Does the first token's query matter?", "expect": "No: a query acts on its own row only", "minutes": 3, "misconception": "Every weight of attention acts through every token"}
# ### 3 · A path that is not there
#
# C reads only the class token's row. Its formula for $dW_1$ lets the other tokens act through a query and a residual too.
#
# *Predict:* change the first token's query. Does the last row of attention move?

# %%
q, k, v = np.random.default_rng(0).standard_normal((3, 4, 2))
before, _ = attention(q, k, v)
q[0] += 1
after, _ = attention(q, k, v)
assert (after[-1] == before[-1]).all()
assert (after[0] != before[0]).any()
claim("C2-B12")

# %% [markdown]
# It stays, bit for bit: tokens reach the class row through keys and values alone. Put the shapes right and keep the two paths
# (`C2-B12-char`), and the formula runs, off by more than its own size:

# %%
assert over_draws(claims()["C2-B12-char"]).min() > 1

# %% [markdown] lecture={"ask": "Add the same number to all scores of a row; what does softmax do?", "expect": "Nothing, so such a term has no gradient", "minutes": 3, "misconception": "An extra term can only make a gradient larger"}
# ### 4 · A term that cancels itself
#
# How do the scores depend on the class token? C's $\beta$ adds a row to a matrix of another shape. Spread it over all rows
# and NumPy agrees, but softmax ignores what is added to all scores alike, and the path through the key is lost.

# %%
S, _ = softmax(np.array([[0.5, -1.0, 2.0]]))
u = np.array([[1.0, 2.0, -1.0]]) @ (np.diag(S[0]) - S.T @ S)
key_path = np.array([[3.0, -2.0]])
spread_out, in_its_row = np.repeat(key_path, 3, axis=0), np.eye(3)[:, [2]] @ key_path
assert np.abs(u @ spread_out).max() < 1e-15
assert np.abs(u @ in_its_row).max() > 1e-2
claim("C2-B10")

# %% [markdown]
# `C2-B11` puts $\beta$ to use. With all but this put right (`C2-B11-char`), it is off by as little as 0.002 on some draws:
# the quietest mistake here.

# %%
quietest = over_draws(claims()["C2-B11-char"])
print(f"{quietest.min():.2g} to {quietest.max():.2g}")
assert 1e-3 < quietest.min() < 1e-2

# %% [markdown] lecture={"ask": "Is an undefined product better or worse than a wrong number?", "expect": "Better: it stops you at once", "minutes": 2, "misconception": "Making the shapes fit repairs a formula"}
# ### 5 · Products that do not exist
#
# $dW_k$ and $dW_q$ have a transpose too many, $dW_k$ also two factors in the wrong order. The machine notices at once: of `C2-B6`, `C2-B7`,
# `C2-B8` and `C2-B9` none can be computed. That is the kind sort of mistake.

# %%
assert all(over_draws(claims()[f"C2-B{n}"]).min() == np.inf for n in (6, 7, 8, 9))
claim("C2-B6")

# %% [markdown]
# The danger is the repair. Shift transposes until it runs, keep the printed $\alpha$ (`C2-B6-alpha`, `C2-B8-alpha`), and
# nobody complains any more:

# %%
assert over_draws(claims()["C2-B6-alpha"]).min() > 0.5
assert over_draws(claims()["C2-B8-alpha"]).min() > 0.5

# %% [markdown] lecture={"ask": "The loss has a factor 1/K that the gradient lacks. Does training fail?", "expect": "No: it is a learning rate K times larger", "minutes": 3, "misconception": "A constant factor is harmless"}
# ### 6 · A factor lost on the way
#
# C's loss is divided by $K$, its gradients are not. Every shape and every direction is right; only a gradient check, or a
# colleague whose learning rate does not carry over, notices.

# %%
t = np.array([1.0, 0.0, 0.0])
loss = lambda z: -(t * np.log(np.exp(z) / np.exp(z).sum())).sum() / 3
true = complex_step(loss, np.array([0.2, -0.4, 1.0]))
forgotten = softmax(np.array([0.2, -0.4, 1.0]))[0] - t
assert np.allclose(forgotten, 3 * true, rtol=1e-14)
claim("C2-F9-K")

# %% [markdown]
# The forward pass does not say that its residual needs equal widths (`C2-F6`) and misprints the length of a vector of ones
# (`C2-F9`). It also leaves $1/\sqrt{d_k}$ out (`C2-F5`), a choice that D makes otherwise.

# %% [markdown] lecture={"ask": "Is A \u2218 B C the same as (A \u2218 B) C?", "expect": "No; and for square matrices both run", "minutes": 3, "misconception": "Entrywise and matrix products may be grouped at will"}
# ### 7 · Two products, no brackets
#
# For $W_1$ of its two-layer network, C prints $G\odot\mathrm{ReLU}'(a_1)\,pre_{a_1}$. Right, if the entrywise product comes
# first; but matrix products usually do.
#
# *Predict:* when does the other order run at all?

# %%
G, on, pre = np.random.default_rng(0).standard_normal((3, 3, 3))
on = on > 0
assert off(G * (on @ pre), (G * on) @ pre) > 0.1
claim("C1-B5-prec-sq")

# %% [markdown]
# When there are as many rows as features, as in many a test that was meant to be simple. So `C1-B5` counts as right, on a
# condition. Un-flattening in another order than one flattened (`C1-B5-order`) always runs.

# %% [markdown] lecture={"ask": "\u03c3 for \u03c3\u2032: does the network still learn?", "expect": "Yes, badly: both are positive, so every sign is kept", "minutes": 3, "misconception": "A wrong gradient shows in the loss"}
# ### 8 · The function for its slope
#
# E's program multiplies by $\sigma(z)$ where $\sigma'(z)$ is due. One prime, all shapes equal, all signs kept: the loss
# falls ([lesson 0](00_start_here.ipynb) trains with it).
#
# *Predict:* where is the factor most wrong, at $z=-4$, 0 or 4?

# %%
z = np.array([-4.0, 0.0, 4.0])
value, pullback = sigmoid(z)
slope = pullback(np.ones(3))
print("σ is", *(value / slope).round(1), "times σ'")
assert (value * slope > 0).all()
claim("E-delta-code")

# %% [markdown]
# At 4, where the unit is saturated and should be left alone.

# %% [markdown] lecture={"ask": "tanh is odd; what is its derivative?", "expect": "Even, and the printed form is not", "minutes": 2, "misconception": "Only a derivation can refute a derivation"}
# ### 9 · One square too many
#
# E factors $1-\tanh^2$ and keeps the square. Shapes fit, of course; it is wrong for every $z\ne0$.
#
# *Predict:* $\tanh$ is odd. Which symmetry must its derivative have?

# %%
z = np.linspace(-2, 2, 9)
as_printed = (1 - np.tanh(z) ** 2) * (1 + np.tanh(z))
true = np.diag(complex_step(np.tanh, z))
assert np.allclose(true, true[::-1], rtol=1e-14)
assert off(as_printed, as_printed[::-1]) > 0.5
claim("E-tanh-fact")

# %% [markdown]
# It must be even, and the printed one is lopsided. A symmetry costs one line.

# %% [markdown] lecture={"ask": "Probabilities sum to one. What does that say about their derivatives?", "expect": "They sum to zero", "minutes": 3, "misconception": "An extra factor below one only makes the derivative smaller"}
# ### 10 · One factor too many
#
# E differentiates $\log q_i$ and gets $\delta_{ij}-q_iq_j$; the first $q$ should not be there. `E-dq` inherits it.
#
# *Predict:* $\sum_iq_i=1$ for all scores. What is $\sum_iq_i\,\partial\log q_i/\partial z_j$?

# %%
q, _ = softmax(np.array([0.5, -1.0, 2.0]))
as_printed, as_corrected = np.eye(3) - np.outer(q, q), np.eye(3) - q
assert np.abs(q @ as_corrected).max() < 1e-15
assert np.abs(q @ as_printed).max() > 0.05
claim("E-dlogq")

# %% [markdown]
# $\sum_i\partial q_i/\partial z_j=0$. The document itself uses the right form later on.

# %% [markdown] lecture={"ask": "delta has shape (3, 1) where (3, 5) is due. Who complains?", "expect": "Nobody: it broadcasts", "minutes": 3, "misconception": "Summing over the batch can be done at any place"}
# ### 11 · A sum too early
#
# E sums $\delta^L$ over the instances, for three losses: `E-mse-delta`, `E-bce-delta`, `E-cce-delta`. Each instance needs a
# column of its own until it meets its own input.
#
# *Predict:* for which gradient is the early sum right all the same?

# %%
rng = np.random.default_rng(0)
r, h = rng.standard_normal((3, 5)), rng.standard_normal((2, 5))  # residuals, inputs
early = r.sum(axis=1, keepdims=True)
dW, db = sum(np.outer(r[:, i], h[:, i]) for i in range(5)), sum(r[:, i] for i in range(5))
assert np.allclose(early[:, 0], db)
assert off(early * np.ones(5) @ h.T, dW) > 0.1
claim("E-mse-d")

# %% [markdown]
# For the bias. Multiplied by the inputs it is undefined, until NumPy or you stretch the one column over all five.

# %% [markdown] lecture={"ask": "The right answer is class 0. Should the scores of the others move?", "expect": "Yes, down; elementwise they do not", "minutes": 3, "misconception": "Softmax acts on each score alone, like the sigmoid"}
# ### 12 · Softmax taken entry by entry
#
# $\delta_j=\partial_{a_j}C\cdot\partial_{z_j}a_j$ holds for a sigmoid. In softmax each score moves all probabilities, and the
# sum over them is missing.
#
# *Predict:* class 0 is right, $a=(0.2, 0.5, 0.3)$. Which scores does the printed form move?

# %%
a, y = np.array([0.2, 0.5, 0.3]), np.array([1.0, 0.0, 0.0])
elementwise = -y / a * a * (1 - a)
whole = (np.diag(a) - np.outer(a, a)) @ (-y / a)
print("printed", elementwise + 0.0, "  true", whole)
assert np.allclose(whole, a - y, rtol=1e-14)
claim("E-cce-elem")

# %% [markdown]
# Only the right one, and that by the right amount; the confident wrong class is never told. So the first of E's four
# equations (`E-bp1`) holds for a sigmoid output and fails for the softmax of E's own network. `E-elementwise` says the
# same in words.

# %% [markdown] lecture={"ask": "What is the variance of U[-b, b]?", "expect": "b\u00b2/3", "minutes": 3, "misconception": "A factor of two in the first weights is soon learned away"}
# ### 13 · A bound and a root
#
# ReLU halves the mean square, so He's weights need the variance $2/n$. $U[-b,b]$ has $b^2/3$, hence $b=\sqrt{6/n}$; E prints
# $\sqrt{3/n}$.
#
# *Predict:* what is left of a signal after twenty layers?

# %%
printed_variance, needed = (3 / 256) / 3, 2 / 256
print(f"{(printed_variance / needed) ** 20:.1g}")
assert off(np.random.default_rng(0).uniform(-1, 1, 10**6).var(), 1 / 3) < 0.01
claim("E-he-u")

# %% [markdown]
# A millionth. The other slip lacks the root that makes a deviation of a variance; weights come out twenty times too small:

# %%
assert np.sqrt(2 / (784 + 40)) / (2 / (784 + 40)) > 20
claim("E-xavier-n")

# %% [markdown]
# Who notices either? A histogram of the activations; no test of shapes ever.

# %% [markdown] lecture={"ask": "W\u00b9 for W\u00b2 in the chain: when do the shapes fit?", "expect": "When neighbouring widths are equal, as in small examples", "minutes": 3, "misconception": "A small square example is the safest test"}
# ### 14 · The wrong layer's weights
#
# D's chain loses a factor twice (`D-im-w3`, `D-im-w1b`), takes a wrong one once (`D-im-w1c`), and then sends the error back
# through $(w^{(1)})^\top$ for $(w^{(2)})^\top$. In its 2-3-1 network that is undefined.
#
# *Predict:* in which networks does it run?

# %%
rng = np.random.default_rng(0)
delta, w_1, w_2 = rng.standard_normal((5, 3)), *rng.standard_normal((2, 3, 3))
assert off(delta @ w_1.T, delta @ w_2.T) > 0.1
assert over_draws(claims()["D-im-w1m"]).min() == np.inf
assert over_draws(claims()["D-im-w1m-sq"]).min() > 0.5
claim("D-im-w1m")

# %% [markdown]
# In those with equal widths. Test with widths that all differ.

# %% [markdown] lecture={"ask": "Clip the scores (60, 55, 0) to 50: what becomes of the winner?", "expect": "A tie, and no gradient to break it", "minutes": 3, "misconception": "Clipping only prevents overflow"}
# ### 15 · A repair that damages
#
# $e^{1000}$ overflows, so A clips the scores to $[-50,50]$. Nothing overflows any more, small scores are untouched, and tests
# use small scores.
#
# *Predict:* what becomes of $(60, 55, 0)$?

# %%
z = np.array([60.0, 55.0, 0.0])
for name, scores in (("clipped", np.clip(z, -50, 50)), ("true", z)):
    print(f"{name:8}", softmax(scores)[0].round(3))
assert np.allclose(softmax(z)[0], softmax(z - z.max())[0], rtol=1e-14)
claim("A-3.4-clip")

# %% [markdown]
# A tie, with gradient 0 at both (`A-3.4-clip-grad`). Subtract the largest score: exact.
#
# Next in line: `A-2-tomin`, `A-2-step`, `A-3.1-cols`, `A-4.2-eps`, `A-4.3-stall`, `E-normalise`, `E-momentum-conv`.

# %% [markdown] lecture={"ask": "Of 55 mistakes, how many does NumPy refuse?", "expect": "15; the other 40 run", "minutes": 5, "misconception": "If it runs and learns, it is right"}
# ## Which mistakes survive
#
# *Predict:* of the 55 mistakes, how many does NumPy refuse?

# %%
mistakes = [one for one in found if one.status in MISTAKES]
refused = [one.id for one in mistakes if one.printed == np.inf]
print(f"{len(refused)} of {len(mistakes)} are undefined; {len(mistakes) - len(refused)} run")

# %% [markdown]
# Fewer than a third. A text is read by people, and they check shapes. What survives has a right shape:
#
# | kind | mistakes | seen by |
# |---|---|---|
# | another thing of the same shape: scores, logits, a slope, a layer | 1, 2, 8, 14 | sums, limits |
# | a factor, a root, a square, a sum too many or too few | 6, 9, 10, 11, 13 | symmetry, statistics |
# | a rule where it does not hold: entrywise, clipped | 12, 15 | extreme inputs |
# | an order or a path left open | 3, 4, 5, 7 | unequal sizes |
#
# One tool sees all that are gradients: comparing with differences of the function itself.

# %% [markdown]
# Square sizes make it worse. These two are undefined in general, run when sizes agree, and are wrong:

# %%
at_square_sizes = ["C1-B5-prec-sq", "D-im-w1m-sq"]
assert all(0.1 < over_draws(claims()[id]).min() < np.inf for id in at_square_sizes)


# %% [markdown] lecture={"ask": "How would you find the formula that you doubt?", "expect": "Unfold its document, or type a word into the panel", "minutes": 2, "misconception": "A table of corrections replaces checking"}
# ## All of them
#
# Every claim with what holds and both errors, by document. Click a line to unfold it.


# %%
def folded(letters):
    own = [one for one in claims().values() if one.document in letters]
    titles = ", ".join(f"{d.letter} · {d.title}" for d in DOCUMENTS if d.letter in letters)
    return Table(own, f"{titles}: {len(own)} claims")


folded(["A"])

# %%
folded(["B"])

# %%
folded(["C1", "C2"])

# %%
folded(["D"])

# %%
folded(["E"])

# %%
folded(["X", "N"])

# %% [markdown]
# **Remember.** A formula is exact or visibly wrong, and one random sample tells which. Mistakes survive when their shapes fit,
# so shapes and a falling loss prove nothing. Test with widths that all differ, at extreme inputs, against a truth that does
# not use the formula; and spoil the formula once to see the test fail.
#
# Back to [the start](00_start_here.ipynb).
