# %% [markdown]
# # 90 · Every formula
#
# All that the five documents claim, run again while you read.
#
# **Objectives.** Look up any formula with its verdict, its defence and its error; check a formula that nobody has derived for
# you; say what such a check sees and what it cannot see.
#
# **Prerequisites.** [Lesson 0](00_start_here.ipynb); softmax and its Jacobian from [lesson 2](02_blocks.ipynb), attention from
# [lesson 6](06_transformer_encoder.ipynb). **Minutes:** 80; a break fits before *Look one up*.
#
# | verdict | meaning |
# |---|---|
# | ok | right |
# | wrong | a mistake of its own: the best defence fails |
# | follows | right work on an earlier slip |
# | misprint | the next line, or the text, shows what was meant |
# | overstated | true under a condition that is not given |
# | convention | right, and another document's form differs |
# | scan? | may be the scan's: the documents reached us as extracted text |
# | note | nothing to compute |
# | reading, added | no claim of a document: another way to read one; what is needed and printed nowhere |

# %%
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np

from nnlib.blocks import attention, sigmoid, softmax
from nnlib.calculus import complex_step
from nnlib.documents import DOCUMENTS, Table, claim, claims
from nnlib.documents.chain import Chain
from nnlib.documents.claims import ANY_DRAW, error_of
from nnlib.documents.slips import by_document, headline, slips, stated
from nnlib.exercises import exercise
from nnlib.experiments.findings import findings
from nnlib.experiments.lesson_90 import over_draws, source_of
from nnlib.plots.canvas import use_style
from nnlib.plots.lesson_90 import draw_errors, draw_spread, finding
from nnlib.widgets.lesson_90 import ClaimsPanel
from nnlib.words import plain

use_style()


def off(got, want):
    return np.abs(got - want).max() / np.abs(want).max()


# %% [markdown] lecture={"ask": "How many independent mistakes do five sets of lecture notes hold? Vote: fewer than twenty, about fifty, over a hundred", "board": "Five letters, A to E, and the votes", "cut": "2 what each gets right", "expect": "Most say about fifty", "jump": "setup", "minutes": 6, "misconception": "A text with many wrong lines has many mistakes; a slip is carried from line to line"}
# ## How much is right
#
# Five sets of lecture notes, A to E. Every claim in them has a verdict, and what can be run is run below.
#
# *Vote.* How many independent mistakes are in them: (a) fewer than twenty, (b) about fifty, (c) over a hundred?

# %%
whole = headline()
print(fill(str(whole), 100))
off_as_they_stand = whole.lines - whole.right - whole.notes - whole.conventions
print(f"\nClaims that do not hold as they stand: {off_as_they_stand}")
assert whole.mistakes < 20 < 50 < off_as_they_stand < 100 < whole.lines / 2 < whole.right

# %% [markdown]
# Fewer than twenty, (a), and most of what is stated is right; where a right claim has a blemish in print, its card says so. (b)
# and (c) count something else: the claims that do not hold as they stand. But a slip carried on with care spoils each line that
# it reaches, a letter may be lost on the way to a text, and an unstated condition is no mistake of thought.

# %%
columns = by_document() | {"all": whole}
print(f"{'':12}" + "".join(f"{letter:>5}" for letter in columns))
for name in whole._fields:
    print(f"{name:12}" + "".join(f"{getattr(column, name):5}" for column in columns.values()))
assert all(sum(x) - x.mistakes - x.lines == x.lines for x in columns.values())
assert columns["A"].mistakes == columns["B"].mistakes == 0
assert columns["C"].mistakes > whole.mistakes / 2
credited = """A-3.2-dydW A-3.4-matrix A-4.4-biascorr B-ce-d-lines2 B-lin-24 C1-B3 C1-B5 C1-B6 C1-B7
    D-bp-avg
    D-mn-a D-pe E-keepdims E-cce E-delta-last""".split()
assert all(claims()[name].status == "ok" for name in credited)

# %% [markdown]
# *Mistakes* stand in the claims that are *wrong*; with all others these add up to the *lines*. *Carried* are those that carry a
# mistake on, *repeated* those that carry on a misprint or an unstated condition.
#
# A and B have no mistake of their own. Most are in C's encoder, where a whole layer of attention is differentiated by hand.
#
# | | gets right, among much else |
# |---|---|
# | A | each derivative of the linear layer; softmax's Jacobian; Adam with both corrections |
# | B | activations, log-sum-exp, softmax with cross-entropy to $\hat y-y$, the linear layer entry by entry |
# | C | all gradients of its two-layer network, its bias columns included |
# | D | backpropagation for one neuron and for many; attention, positions, feedforward layer |
# | E | a stable softmax; each instance's cross-entropy through the whole Jacobian to $y-a$; in code $\delta=-(Y-a)$, a column for each instance |

# %% [markdown] lecture={"ask": "A thousand draws at random: on how many does clipping at \u00b150 change a softmax?", "board": "60, 55, 0 above 50, 50, 0", "cut": "2 the list of conditions", "expect": "None; fifty standard deviations are never drawn", "jump": "setup", "minutes": 7, "misconception": "What passes a thousand random tests is right"}
# ## It passes a thousand tests
#
# $e^{1000}$ overflows. A writes that clipping the scores to $[-50,50]$ works well, and adds in the next sentence that one can
# subtract the largest score instead.
#
# *Predict.* We draw a thousand triples of normal scores. On how many does clipping change the softmax: (a) none, (b) a few,
# (c) most?

# %%
rng = np.random.default_rng(0)
clipped = lambda z: softmax(np.clip(z, -50, 50))[0]
draws = rng.standard_normal((1000, 3))
print(sum((clipped(z) != softmax(z)[0]).any() for z in draws), "of", len(draws))
z = np.array([60.0, 55.0, 0.0])
print("as it is", softmax(z)[0].round(3), "  clipped", clipped(z).round(3))
assert clipped(z)[0] == clipped(z)[1]

# %% [markdown]
# None, (a): scores beyond 50 lie fifty standard deviations out. (b) and (c) would be right of a formula that is wrong as it
# stands. Chosen, one triple shows it: a tie, where 60 should win.
#
# So random draws settle **identities**: two analytic formulas that differ do so almost everywhere. A **condition**, such as
# *works well*, falls only to an input chosen against it. Each verdict names the input on which it rests, behind its
# errors; where none is named, any draw will do:

# %%
claim("A-3.4-clip")

# %% [markdown]
# Hence *overstated*, and not wrong: A names the right remedy itself. Each verdict of this kind is tried on both sides: right on
# three inputs or more on which its condition holds, the edge of it among them, and off on the input chosen. Click the line to
# unfold them.

# %%
judged = [one for one in stated() if one.truth and one.status != "ok"]
chosen = [one for one in judged if one.rests_on != ANY_DRAW]
print(
    len(judged), "verdicts;", len(chosen), "of them rest on a chosen input, the others on any draw"
)
overstated = [one for one in stated() if one.status == "overstated"]
for one in overstated:
    assert all(len(form()) >= 3 for form in one.under)
    inside = one.check_under(np.random.default_rng(0))
    assert inside < 1e-9 < 1e-3 < one.check(np.random.default_rng(0)).printed
Table(overstated, f"Right under a condition: {len(overstated)} claims")


# %% [markdown] lecture={"ask": "How do you check a derivative without deriving it?", "board": "A point on the real line, a step upwards", "cut": "2 the form that is spoiled", "expect": "Run the function at nearby points, or at complex ones", "jump": "setup", "minutes": 9, "misconception": "Comparing a formula with a better derivation is a check; both can share a slip"}
# ## Where the truth comes from
#
# Never from the corrected formula: who compares a formula with itself finds it right. **Derivatives** come from the function
# alone, by a step into the complex plane. For analytic $f$
#
# $$f(x+i\varepsilon)=f(x)+i\varepsilon f'(x)-\tfrac{\varepsilon^2}{2}f''(x)-\dots\qquad\Rightarrow\qquad
# \frac{\operatorname{Im}f(x+i\varepsilon)}{\varepsilon}=f'(x)+O(\varepsilon^2)$$
#
# Nothing is subtracted, so nothing cancels, and $\varepsilon$ may be $10^{-30}$. **Your turn:**


# %% tags=["exercise"]
def slope(f, x):
    """The slopes of f at x, with one call of f."""


exercise("slope by a complex step", slope)

# %% [markdown]
# <details><summary>A hint</summary>Python writes the imaginary unit as 1j; an array has .imag.</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def slope(f, x):
#     return f(x + 1e-30j).imag / 1e-30
# ```
#
# </details>
#
# **Values** are found another way: sums as loops, moments by definition, optimizers unrolled. **Statements** are measured by
# what they imply: an angle, a floor, a loss after fifty steps.
#
# So a claim is a few lines: what is stated, what holds, its defence; then printed form, corrected form and truth.

# %%
print(source_of(claims()["E-tanh-fact"]))


# %% [markdown]
# A check that cannot fail would pass them all. So each corrected form is spoiled once, by one part in a million, and none passes
# any more:


# %%
def spoiled(form):
    return lambda: np.asarray(form()) * (1 + 1e-6) + 1e-6


tried = [one for one in claims().values() if one.truth]
assert all(error_of(one.corrected, one.truth()) < 1e-9 for one in tried)
assert not any(error_of(spoiled(one.corrected), one.truth()) < 1e-9 for one in tried)


# %% [markdown] lecture={"ask": "Your check says nan > 1e-9. Is the formula acquitted?", "board": "inputs \u2192 printed, truth \u2192 error \u2192 verdict", "cut": "4 the second of the two", "expect": "It must not be: nan > 1e-9 is False, so ask the other way round", "jump": "setup", "minutes": 8, "misconception": "A check that raises no alarm has checked"}
# ### The judge is a program
#
# How far is a form off? Write the measure, then the check that convicts.


# %% tags=["exercise"]
def error(form, truth):
    """The largest deviation, as a share of the largest true entry."""


exercise("error of a form", error)


# %% [markdown]
# <details><summary>A hint</summary>Two maxima of sizes, np.abs(...).max(), one divided by the other.</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def error(form, truth):
#     return np.abs(form - truth).max() / np.abs(truth).max()
# ```
#
# </details>
#
# `printed` and `truth` are functions, `inputs` a list of arrays. Mind a form that gives `nan`, and one that is right on the
# first input only.


# %% tags=["exercise"]
def convict(printed, truth, inputs):
    """True where the printed form is off by more than 1e-9 of the truth's size on any input."""


exercise("check that convicts", convict)

# %% [markdown]
# <details><summary>A hint</summary>any(...) over the inputs; "not small" is true of nan, and "large" is not.</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def convict(printed, truth, inputs):
#     def error(x):
#         return np.abs(printed(x) - truth(x)).max() / np.abs(truth(x)).max()
#
#     return any(not error(x) <= 1e-9 for x in inputs)
# ```
#
# </details>

# %% [markdown] lecture={"ask": "How many printed formulas are off by a millionth? Vote: none, a few, most of the wrong ones", "board": "An axis from 10\u207b\u00b9\u2076 to 100; where will the dots be?", "cut": "0 nothing", "expect": "None: a formula is right to the last digits or wrong at first sight of a number", "jump": "setup", "minutes": 5, "misconception": "Wrong formulas are a little wrong"}
# ## Right or visibly off
#
# One dot for each claim of the documents that computes something, in a block of all that are as far off on the input they rest
# on. A height counts claims.
#
# *Predict.* How many are off by a millionth, say: (a) none, (b) a few, (c) most that are off at all?

# %%
dots = findings(one for one in stated() if one.truth)
printed, corrected = (np.array([getattr(one, k) for one in dots]) for k in ("printed", "corrected"))
status = [one.status for one in dots]
assert not ((printed > 1e-12) & (printed < 1e-2)).any()
assert (corrected < 1e-12).all()

# %%
_, ax = plt.subplots(figsize=(9, 5))
draw_errors(printed, status, title=finding(printed, corrected), ax=ax)
plt.show()

# %% [markdown]
# None, (a): ten decades are empty. A formula has no tolerance; a factor, a letter or an index is all there or not. So (b) and
# (c) belong to measurements.
#
# What stands to the right is not all mistaken: a convention is there since two documents differ, an overstatement since its
# input was chosen against it.

# %% [markdown] lecture={"ask": "One draw says an error of 0.6, another 100. Which is the error?", "board": "nothing", "cut": "4 all of it", "expect": "Neither: the size belongs to the numbers, the presence to the formula", "jump": "setup", "minutes": 4, "misconception": "A small error makes a formula nearly right"}
# ### The size is luck
#
# Eight forms, taken literally, with their shapes put right or in another reading, on twenty draws each. *Predict.* Do they come
# out right by chance: (a) never, (b) now and then?

# %%
names = {
    "C2-B1": "logits for probabilities",
    "C2-B3": "scores in softmax's Jacobian",
    "C2-B12-char": "tokens given a query and a residual",
    "C2-B11-char": "the key's term in every row",
    "D-im-w1m-sq": "weights of a layer too low",
    "C1-B5-prec-sq": "the other product first",
    "E-delta-code": "σ for σ′",
    "E-dlogq": "a label read as a factor",
}
draws = {words: over_draws(claims()[id]) for id, words in names.items()}
assert all(errors.min() > 1e-3 for errors in draws.values())
assert any(errors.max() / errors.min() > 100 for errors in draws.values())
assert all(np.ptp(over_draws(claims()[id])) < 1e-9 for id in ("C2-F9-K", "E-he-u"))

# %%
_, ax = plt.subplots(figsize=(9, 4.6))
draw_spread(draws, ax=ax)
plt.show()

# %% [markdown]
# Never, (a): two analytic formulas that differ agree on a thin set only, which a draw at random does not meet; (b) would take a
# miracle. The size is another matter, and may vary over two decades; only a wrong factor, such as $1/K$, has one error for all
# draws. The quietest is C's term for the key of the class token, its shapes put right and the term put into every row: softmax
# ignores what is added to all scores alike. *The other product first* misreads a right formula.

# %% [markdown] lecture={"ask": "Name a claim in these documents that no program can check", "board": "nothing", "cut": "2 all of it", "expect": "That a hidden layer acts as a kernel, say: words, habits, experience", "jump": "setup", "minutes": 2, "misconception": "Not refuted means confirmed"}
# ## What no program checks
#
# * *Notes*: names, advice, unfinished sentences; that hidden layers act as a kernel, say. Their cards say why nothing is computed.
# * Whether a formula is worth knowing.
# * Which reading was meant. We took the author's best; a *reading* beside a claim tries another.
# * What the page looked like before it was a text. A lost prime or bracket may be the scan's.

# %% [markdown] lecture={"ask": "Which slip has the longest tail? Find it in the menu", "board": "nothing", "break": 10, "cut": "0 nothing", "expect": "E's sum over instances, which is only overstated; of the mistakes, C's surplus transpose", "jump": "setup", "minutes": 4, "misconception": "A verdict of wrong condemns the document; most of each is right"}
# ## Look one up
#
# Choose document, verdict, lesson or slip, or type a word; a slip brings all that follows from it, and the chain stands below
# its cards. The arrow keys turn the cards once the slider has been clicked. Here are more than were counted above: readings,
# what is needed and printed nowhere, clashes between documents.
#
# *Predict.* Which slip is carried on by the most lines: (a) C's logits for probabilities, (b) C's surplus transpose, (c) E's sum
# over the instances?

# %%
ClaimsPanel()

# %%
tails = {one.id: len(Chain(one.id).lines) - 1 for one in slips()}
assert tails["C2-B1"] < tails["C2-B6"] < tails["E-mse-d"] == max(tails.values())
Chain("E-mse-d")

# %% [markdown]
# (c), through three losses; and it is no mistake but true of one instance. Of the mistakes it is (b). Logits for probabilities,
# (a), stand in eight lines, but most of these are counted under another slip already.

# %% [markdown] lecture={"ask": "Which of these would your own tests have caught?", "board": "The list, one word each", "cut": "0 nothing", "expect": "Those that raise; the rest only with a gradient check", "jump": "setup", "minutes": 3, "misconception": "Each slip has a cause of its own; they have about four"}
# ## The independent slips
#
# All of them, by document, without what follows from them. **The rule:** two faults in one line are two slips where other lines
# carry them on separately, and one where they travel together.
#
# **Letters.** $z$ scores, $s$ their softmax, $y$ the target; $Q$, $K$, $V$ queries, keys, values, $W_q$, $W_k$, $W_v$ their
# weights; $S$ what attention weighs with, $h_{pre}$ what it reads, the *class token* last. $\alpha$: the Jacobian of a row of $S$
# by its scores; $\beta$: that of these by the class token.

# %%
for one in slips():
    for slip in one.slips:
        print(f"{one.document:2}  {plain(slip)}")
print(f"\n{headline().mistakes} in all; {headline().carried} lines carry one on")

# %% [markdown] lecture={"ask": "The network is right and certain; how large should the gradient be?", "board": "z \u2192 s \u2192 L, and s \u2212 y back under it", "cut": "0 nothing", "expect": "Zero; with logits in place of probabilities it is large", "jump": "setup", "minutes": 3, "misconception": "It trains, so it descends the loss that was written down"}
# ### Logits for probabilities
#
# The error at the output is $(s-y)/K$. The first half of C has $s-y$; its encoder has $z-y$, with logits $z$, in eight
# lines.
#
# *Predict.* The network is right and certain, $z=(40,0,0)$. What should push its scores: (a) nothing, (b) the 40?

# %%
y, z = np.array([1.0, 0.0, 0.0]), np.array([40.0, 0.0, 0.0])
print("z - y =", z - y, "  s - y =", (softmax(z)[0] - y).round(15) + 0.0)
eight = [n for n in range(1, 13) if f"C2-B{n}" in claims() and "z-y" in claims()[f"C2-B{n}"].stated]
assert len(eight) == 8
claim("C2-B1")

# %% [markdown]
# Nothing, (a). The 40 would be pulled by the gradient of $\tfrac12\lVert z-y\rVert^2$, another loss, which falls as well: whoever
# watches it sees learning. One letter, one mistake; what is built on it is built well.

# %% [markdown] lecture={"ask": "The loss has a factor 1/K that the gradient lacks. Does training fail?", "board": "nothing", "cut": "2 all of it", "expect": "No: it is a learning rate K times larger", "jump": "setup", "minutes": 2, "misconception": "A constant factor is harmless"}
# ### A factor lost on the way
#
# C's loss is divided by the number of classes, $K$; its gradients are not. *Predict.* Who notices: (a) whoever looks at shapes,
# (b) whoever watches the loss, (c) a gradient check?

# %%
y, z = np.array([1.0, 0.0, 0.0]), np.array([0.2, -0.4, 1.0])
loss = lambda z: -(y * np.log(np.exp(z) / np.exp(z).sum())).sum() / 3
assert np.allclose(softmax(z)[0] - y, 3 * complex_step(loss, z), rtol=1e-14)
claim("C2-F9-K")

# %% [markdown]
# (c) alone, and a colleague whose learning rate does not carry over. Shapes, (a), and directions, (b), are right: that is the
# mildest kind.

# %% [markdown] lecture={"ask": "What must each row of a softmax Jacobian sum to?", "board": "Three bars that sum to 1; push one score", "cut": "0 nothing", "expect": "Zero: the probabilities sum to one whatever the scores", "jump": "setup", "minutes": 5, "misconception": "A matrix of the right shape with the right diagonal term is the Jacobian"}
# ### Scores for probabilities
#
# The encoder needs the Jacobian of one row of attention, $\mathrm{diag}(S)-S^\top S$, and prints raw scores in the second
# term. Both are rows of as many numbers, so nothing complains.
#
# *Predict.* Probabilities sum to 1 whatever the scores. What do the rows of their Jacobian sum to: (a) 0, (b) 1?

# %%
scores = np.array([[0.5, -1.0, 2.0]])
S, _ = softmax(scores)
as_printed, right = (np.diag(S[0]) - row.T @ row for row in (scores, S))
print("as printed, rows sum to", as_printed.sum(axis=1).round(2))
assert np.abs(right.sum(axis=1)).max() < 1e-15
claim("C2-B3")


# %% [markdown]
# To 0, (a): what one probability gains the others lose; 1 is the sum of the probabilities, not of their changes. A check
# without any derivative. Two lines on, C's (5) says exactly which matrix it wants. **Your turn:**


# %% tags=["exercise"]
def jacobian(z):
    """The derivatives of softmax(z) by z, for one row of scores."""


exercise("Jacobian mended", jacobian)

# %% [markdown]
# <details><summary>A hint</summary>s, _ = softmax(z) gives the row s; then np.diag and np.outer.</details>
#
# <details><summary>A solution</summary>
#
# ```python
# def jacobian(z):
#     s, _ = softmax(z)
#     return np.diag(s) - np.outer(s, s)
# ```
#
# </details>

# %% [markdown] lecture={"ask": "Is an undefined product better or worse than a wrong number?", "board": "The sizes under the factors", "cut": "0 nothing", "expect": "Better: it stops you at once", "jump": "setup", "minutes": 3, "misconception": "Making the shapes fit repairs a formula"}
# ### A transpose too many, and two factors exchanged
#
# For $dW_k$ the inner transpose of an earlier line, around the row $(z-y)W_2^\top$, is copied where it is not needed, and $Q$
# stands before $h_{pre}$. The next line multiplies this out, without a fault of its own; the two for $dW_q$ have the order right
# and the transpose still: so these are two slips.
#
# *Predict.* With which sizes can it be computed: (a) equal widths, (b) none, if there is a token at all?

# %%
G, V, alpha, Q, h = np.random.default_rng(0).standard_normal((5, 4, 4))  # square: all products run
sixth = ((G.T @ V.T @ alpha).T @ Q @ h).T
seventh = h.T @ Q.T @ G.T @ V.T @ alpha
assert off(seventh, sixth) < 1e-13
try:
    claims()["C2-B6"].printed()
except ValueError as refusal:
    print("four tokens, all widths 6:", refusal)
assert over_draws(claims()["C2-B6"]).min() == np.inf
assert over_draws(claims()["C2-B6-alpha"]).min() > 0.5
claim("C2-B6")

# %% [markdown]
# None, (b): with equal widths, (a), $(z-y)W_2^\top$ is a row still, and the turned one a column, which meets the many columns of
# $V^\top$. Both ends would fit for a width of 1 and no token. The machine notices at once. The danger is the repair: shift
# transposes until it runs, and nobody complains about the scores in $\alpha$ any more.

# %% [markdown] lecture={"ask": "Add the same number to all scores of a row; what does softmax do?", "board": "A matrix of keys; the class token's row marked", "cut": "4 all of it", "expect": "Nothing, so such a term has no gradient", "jump": "setup", "minutes": 4, "misconception": "An extra term can only make a gradient larger"}
# ### The class token's share
#
# How do its scores depend on the class token? Through its query, all of them; through its key, one. C names both terms of the
# product rule, but transposes one and confines the other to no row.
#
# *Predict.* The key's term, $Q W_k^\top$, is spread over all rows. What is left of it behind softmax: (a) nothing,
# (b) what it gives in its own row?

# %%
J = np.diag([0.2, 0.3, 0.5]) - np.outer([0.2, 0.3, 0.5], [0.2, 0.3, 0.5])
u, term = np.array([[1.0, 2.0, -1.0]]) @ J, np.array([[3.0, -2.0]])
assert np.abs(u @ np.repeat(term, 3, axis=0)).max() < 1e-15
assert np.abs(u @ np.eye(3)[:, [2]] @ term).max() > 0.1
claim("C2-B10")

# %% [markdown]
# Nothing, (a): what is added to all scores alike moves no probability. (b) needs the other rows to be silent.
#
# Both faults of $\beta$ travel together, wherever it is used: one slip. The gradient of the class token then adds a whole row of
# $S$ where its own entry is due. Value, score and residual are all three seen.

# %%
assert over_draws(claims()["C2-B11-nosm"]).min() > 1e-3
claim("C2-B11")

# %% [markdown] lecture={"ask": "Only the last row of attention is read. Does the first token's query matter?", "board": "Tokens in a row, arrows to the class token only", "cut": "0 nothing", "expect": "No: a query acts on its own row only", "jump": "setup", "minutes": 3, "misconception": "Every weight of attention acts through every token"}
# ### A path that is not there
#
# C reads only the class token's row. Its $dW_1$ lets the other tokens act through a query and a residual too, as if all rows
# were read.
#
# *Predict.* Change the first token's query. Does the last row of attention move: (a) yes, (b) no?

# %%
q, k, v = np.random.default_rng(0).standard_normal((3, 4, 2))
before, _ = attention(q, k, v)
q[0] += 1
after, _ = attention(q, k, v)
assert (after[-1] == before[-1]).all()
assert (after[0] != before[0]).any()
claim("C2-B12")

# %% [markdown]
# No, (b), to the last bit; (a) is true of the first row, which nobody reads. No letter, transpose or scan explains these terms.
# *Follow every path, and only those.*

# %% [markdown] lecture={"ask": "The weights of a layer too low: when do the shapes fit?", "board": "2 \u2192 3 \u2192 1, a W at each arrow", "cut": "2 all of it", "expect": "When neighbouring widths are equal, as in small examples", "jump": "setup", "minutes": 2, "misconception": "A small square example is the safest test"}
# ### A layer too low
#
# D's chain for the first weights has all its factors, one with an index low by 1: $(w^{(1)})^\top$ where $(w^{(2)})^\top$ is due.
#
# *Predict.* In which networks does the matrix form run: (a) in none, (b) in those with equal widths?

# %%
assert over_draws(claims()["D-im-w1m"]).min() == np.inf  # widths 2, 3, 1
assert over_draws(claims()["D-im-w1m-sq"]).min() > 0.1  # all widths equal
claim("D-im-w1c")

# %% [markdown]
# In (b), and with wrong numbers. D states no hidden width, so nothing told: its $\delta^{(3)}$ has one output, and then only a
# single hidden unit fits. Test with widths that all differ.

# %% [markdown] lecture={"ask": "What is the variance of U[-b, b]?", "board": "b\u00b2/3; \u00d7 n; \u00bd for ReLU", "cut": "0 nothing", "expect": "b\u00b2/3", "jump": "setup", "minutes": 3, "misconception": "A factor of two in the first weights is soon learned away"}
# ### A bound
#
# ReLU halves the mean square, so He's weights need the variance $2/n$. $U[-b,b]$ has $b^2/3$, hence $b=\sqrt{6/n}$. E prints
# $\sqrt{3/n}$, and beside it He's normal form, right.
#
# *Predict.* What is left of a signal's mean square after twenty layers: (a) a half, (b) a tenth, (c) a millionth?

# %%
printed_variance, needed = (3 / 256) / 3, 2 / 256
print(f"{(printed_variance / needed) ** 20:.1g}")
assert (printed_variance / needed, 256 * printed_variance) == (0.5, 1)
assert off(np.random.default_rng(0).uniform(-1, 1, 10**6).var(), 1 / 3) < 0.01
claim("E-he-u")

# %% [markdown]
# (c): a half, (a), is what one layer leaves, a tenth, (b), some three. Without a ReLU the printed bound would be right. No shape
# tells; a histogram of the activations does.

# %% [markdown] lecture={"ask": "A line of code has \u03c3 where four equations above it have \u03c3\u2032. Whose slip is it?", "board": "Three columns: overstated, misprint, convention", "cut": "2 the check of the transpose", "expect": "A prime, lost by the typist or by the scan", "jump": "setup", "minutes": 4, "misconception": "What fails a test is a mistake"}
# ## What is no mistake
#
# Read to the letter, or against another document, these do not hold; their defence does:
#
# | printed | why it is no mistake |
# |---|---|
# | A clips scores | *overstated*: right for usual ones, the exact way in the next sentence |
# | D prefers tanh, always | *overstated*: exceptions beside it; right for hidden units of moderate size |
# | E's sum over instances inside $\delta$ | *overstated*: right for one instance, and its code keeps a column for each |
# | E's code has $\sigma$ for $\sigma'$ | *misprint*: its four equations have the prime |
# | E's $\delta_{ij}-\frac{e^{z_i}}{\sum e^{z_k}}q_j$ | *misprint*: fraction and name of one thing, read as two factors |
# | C leaves out $1/\sqrt{d_k}$; A has $\varepsilon$ inside the root | *convention* |
#
# And C's $dW_1$ without brackets is right, read from left to right.

# %%
told = {"A-3.4-clip": "overstated", "D-tanh-always": "overstated", "E-mse-d": "overstated"}
told |= {"E-delta-code": "misprint", "E-dlogq": "misprint", "C1-B5": "ok"}
told |= {"C2-F5": "convention", "A-4.2-eps": "convention"}
assert {id: claims()[id].status for id in told} == told
value, pullback = sigmoid(np.linspace(-8, 8, 17))
slope_there = pullback(np.ones(17))
assert ((slope_there > 0) & (slope_there < value)).all()
claim("E-delta-code")

# %% [markdown]
# A lost prime makes the best story, if it is told so: who types the line as it stands, with a sigmoid, sends
# back through one layer pushes that keep their signs and are too long, most of all where a unit is saturated and should be
# left alone.

# %% [markdown] lecture={"ask": "Of the wrong lines, how many does NumPy refuse?", "board": "Two heaps: refused, runs", "cut": "1 the table", "expect": "About half; the others run and give numbers", "jump": "setup", "minutes": 2, "misconception": "If it runs and learns, it is right"}
# ## Which mistakes survive
#
# *Predict.* Of the wrong lines, how many does NumPy refuse: (a) all, (b) some, (c) none?

# %%
wrong = findings(one for one in stated() if one.status == "wrong")
refused = {one.id for one in wrong if one.printed == np.inf}
assert over_draws(claims()["D-im-w1c"]).max() < np.inf  # one unit in every layer
refused |= {claims()["D-im-w1m"].follows}  # its matrix form, widths 2, 3 and 1: refused above
print(f"{len(refused)} of {len(wrong)} are refused; {len(wrong) - len(refused)} run")
run = {"C2-B1", "C2-F9-K", "C2-B3", "E-he-u"}
assert run == {one.id for one in wrong} - refused


# %% [markdown]
# Some, (b). A text is read by people, and they check shapes. What runs has a shape that fits; what is refused runs once somebody
# has made the shapes fit:
#
# | | here | seen by |
# |---|---|---|
# | runs: another thing of the same shape | logits, scores; the layer below, if widths are equal | sums, limits |
# | runs: a factor | $1/K$, the bound | a gradient check, statistics |
# | refused: a path too many | a token's query | changing one input |
# | refused: transposes, an order | $Q$ and $h$; $\beta$; the class token | unequal sizes |
#
# One tool sees all that are gradients: differences of the function itself.

# %% [markdown] lecture={"ask": "How would you find the formula that you doubt?", "board": "nothing", "cut": "1 all of it", "expect": "Unfold its document, or type a word into the panel", "jump": "setup", "minutes": 1, "misconception": "A table of corrections replaces checking"}
# ## All of them
#
# Every claim with its defence, what holds and both errors; X are clashes between documents, N is needed and printed in none.
# Click a line to unfold it.


# %%
def folded(letters):
    own = [one for one in claims().values() if one.id[0] in letters]
    titles = ", ".join(f"{d.letter} · {d.title}" for d in DOCUMENTS if d.letter[0] in letters)
    return Table(own, f"{titles}: {len(own)} claims")


folded("A")

# %%
folded("B")

# %%
folded("C")

# %%
folded("D")

# %%
folded("E")

# %%
folded("XN")

# %% [markdown]
# **Remember.** Most of what is printed is right, and of the rest few lines are mistakes. An identity is exact or visibly wrong, and one random draw tells which; a condition needs an input chosen against it. Give a formula its best defence
# before you judge it, with widths that all differ, against a truth that does not use it; and spoil it once to see the test
# fail.
#
# Back to [the start](00_start_here.ipynb).
