"""Document D, *Implementing Generative AI Transformer*: the transformer's parts."""

import numpy as np

from nnlib.documents.analytic import softmax
from nnlib.documents.claims import added, convention, note, ok, page, reading


def attention(Q, K, V):
    """As the document prints it."""
    return softmax(Q @ K.T / np.sqrt(K.shape[1])) @ V


@page("1. Encoder-Decoder Architecture", lessons="07")
def architecture_page(rng):
    yield note(
        "D-encdec",
        "An encoder reads the input, a decoder writes the output step by step from what came "
        "before.",
        "No formula; masks and cross-attention have to be supplied.",
    )


@page("2. Multi-Head Self-Attention", lessons="06")
def attention_page(rng):
    Q, K, V = (rng.standard_normal(shape) for shape in ((3, 4), (5, 4), (5, 6)))
    values = rng.standard_normal(3)  # what an entry of q or k may be, each equally likely
    values = (values - values.mean()) / values.std()

    def variance_of_scores(d):
        vectors = np.stack(np.meshgrid(*[values] * d), axis=-1).reshape(-1, d)
        return np.var(vectors @ vectors.T)  # over every pair of a query and a key

    yield ok(
        "D-attn",
        r"$\mathrm{softmax}\big(QK^\top/\sqrt{d_k}\big)V$",
        lambda: softmax(Q @ K.T / np.sqrt(4)) @ V,
        lambda: [np.average(V, axis=0, weights=np.exp(K @ q / 2)) for q in Q],
        "Softmax of every row.",
    )
    yield added(
        "D-attn-scale",
        r"Why scores are scaled: entries of unit variance have "
        r"$\mathrm{Var}(q\cdot k)=d_k$.",
        lambda: [1, 2, 3, 4],
        lambda: [variance_of_scores(d) for d in (1, 2, 3, 4)],
    )
    yield note(
        "D-mha",
        "Multi-head attention in the title, a single head in the formula.",
        r"$\mathrm{concat}(\mathrm{head}_i)W^O$ has to be supplied.",
    )


@page("3. Positional Encoding", lessons="06")
def position_page(rng):
    T, d = int(rng.integers(20, 60)), 2 * int(rng.integers(3, 9))
    pos, column = np.arange(T)[:, None], np.arange(d)
    X, W = rng.standard_normal((5, 4)), rng.standard_normal((3, 4, 4))
    order = rng.permutation(5)
    self_attention = lambda X: attention(X @ W[0], X @ W[1], X @ W[2])

    def encoding(i):
        """Sine in the even columns and cosine in the odd ones, for the index i of each column."""
        angle = pos / 10000 ** (2 * i / d)
        return np.where(column % 2 == 0, np.sin(angle), np.cos(angle))

    def rotations():
        """A pair of columns is a hand that turns by a fixed angle with each position."""
        turn = np.exp(1j * np.exp(-np.log(10000) * np.arange(0, d, 2) / d)) ** pos
        return np.stack([turn.imag, turn.real], axis=-1).reshape(T, d)

    yield ok(
        "D-pe",
        r"$PE_{(pos,2i)}=\sin(pos/10000^{2i/d})$, $PE_{(pos,2i+1)}=\cos(pos/10000^{2i/d})$",
        lambda: encoding(column // 2),
        rotations,
        r"$i$ counts pairs of columns, $0\dots d/2-1$, and $d$ is even.",
    )
    yield reading(
        "D-pe-index",
        r"The number of the column taken for $i$, a common slip.",
        r"$i$ is the number of the pair, column $c$ has $i=\lfloor c/2\rfloor$.",
        lambda: encoding(column),
        lambda: encoding(column // 2),
        rotations,
    )
    yield ok(
        "D-perm",
        "Attention does not see the order of the tokens, so positions must be added.",
        lambda: self_attention(X)[order],
        lambda: self_attention(X[order]),
        "Permuted tokens give the same outputs, permuted.",
    )


@page("4. Feedforward Network", lessons="06")
def feedforward_network_page(rng):
    x, W1, W2 = (rng.standard_normal(shape) for shape in ((5, 3), (3, 6), (6, 4)))
    b1, b2 = rng.standard_normal(6), rng.standard_normal(4)

    yield ok(
        "D-ffn",
        r"$FFN(x)=\max(0,xW_1+b_1)W_2+b_2$",
        lambda: np.maximum(0, x @ W1 + b1) @ W2 + b2,
        lambda: sum(np.outer(np.maximum(0, x @ W1[:, h] + b1[h]), W2[h]) for h in range(6)) + b2,
    )


@page("5. Layer Normalization and Residual Connections", lessons="06")
def normalization_page(rng):
    yield note(
        "D-lnres",
        "Residual connections help the gradient, layer normalisation steadies training.",
        "No formula; both have to be supplied.",
    )


@page("6. Output Generation with Softmax", lessons="07")
def output_page(rng):
    h, W = rng.standard_normal((1, 4)), rng.standard_normal((6, 4))  # one row; six words

    yield convention(
        "D-out",
        r"$P(y)=\mathrm{softmax}(W_oh_T)$",
        r"Here $h_T$ is a column, in the feedforward network a row: $h_TW_o^\top$.",
        lambda: softmax(W @ h),
        lambda: softmax(h @ W.T),
        lambda: [[1 / sum(np.exp((w - w_i) @ h[0]) for w in W) for w_i in W]],
        defence="Columns are as usual as rows, and the line stands by itself; only who puts the "
        "formulas together has to turn it.",
        rests_on="a state $h_T$ that is a row, as in the document's feedforward network",
    )


@page("Applications", lessons="07")
def applications_page(rng):
    yield note(
        "D-apps",
        "GPT, T5, BART, Codex, Stable Diffusion and DALL·E are listed as transformers.",
        "Not numeric. Early Stable Diffusion is a U-Net with attention.",
    )
