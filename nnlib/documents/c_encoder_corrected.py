"""Document C, part 2, *Custom Neural Networks: one-layer transformer encoder*: what holds.

The backward pass of its encoder, put right, for scaled and unscaled scores and losses.
"""

from functools import cached_property

import numpy as np

from nnlib import blocks
from nnlib.calculus import complex_step
from nnlib.documents.c_encoder_forward import CLASSES, draw, forward, loss
from nnlib.documents.claims import added, page


def gradient(net, name, **how):
    """The truth of the backward pass: dL/d(name) by complex steps through the loss."""
    return complex_step(lambda value: loss(**net | {name: value}, **how), net[name])


class Backward:
    """The backward pass that holds, for scores c QK' and a loss -kappa y ln s: a step, a method.

    The letters are the document's; S, Q and h of the class token, the last row, have ``_cls``.
    Leading axes of X and y are samples, over which the gradients are summed.
    """

    def __init__(self, net, c=1.0, kappa=1 / CLASSES):
        self.c, self.kappa = c, kappa
        self.y, self.Wq, self.Wk, self.Wv, self.W2 = (net[k] for k in ("y", "Wq", "Wk", "Wv", "W2"))
        self.h0, self.h_pre2, self.Q, self.K, self.V, self.S, self.h2, self.z = forward(net, c)
        self.h_pre2_cls, self.Q_cls, self.S_cls, self.h2_cls = (
            rows[..., -1:, :] for rows in (self.h_pre2, self.Q, self.S, self.h2)
        )
        self.e_cls = np.eye(self.S.shape[-1])[:, [-1]]  # 1 in the row of the class token

    @cached_property
    def delta(self):
        """dL/dz."""
        return self.kappa * (blocks.softmax(self.z)[0] - self.y)

    @cached_property
    def g(self):
        """dL/d(the class token's row of h2)."""
        return self.delta @ self.W2.T

    @cached_property
    def alpha(self):
        """The Jacobian of the class token's weights by their scores."""
        return np.eye(self.S.shape[-1]) * self.S_cls - self.S_cls.mT @ self.S_cls

    @cached_property
    def u(self):
        """dL/d(Q_cls K'), a number for each key."""
        return self.c * self.g @ self.V.mT @ self.alpha

    @cached_property
    def beta(self):
        """The Jacobian of Q_cls K' by the class token: its query meets all keys, its key one."""
        return self.K @ self.Wq.T + self.e_cls * (self.Q_cls @ self.Wk.T)

    def by_values(self):
        """What comes back to the rows through their values."""
        return self.S_cls.mT @ self.g @ self.Wv.T

    def by_keys(self):
        """What comes back to the rows through their keys."""
        return self.u.mT @ self.Q_cls @ self.Wk.T

    def dW2(self):
        return self.h2_cls.mT @ self.delta

    def dWv(self):
        return self.h_pre2.mT @ self.S_cls.mT @ self.g

    def dWk(self):
        return self.h_pre2.mT @ self.u.mT @ self.Q_cls

    def dWq(self):
        return self.h_pre2_cls.mT @ self.u @ self.K

    def dcls(self):
        return self.g + self.S_cls[..., -1:] * (self.g @ self.Wv.T) + self.u @ self.beta

    def dW1(self):
        return self.h0.mT @ (self.by_values() + self.by_keys())[..., :-1, :]

    def gradients(self):
        """dL/d(name) of all parameters, summed over the samples."""
        each = {name: getattr(self, f"d{name}")() for name in ("W1", "cls", "Wq", "Wk", "Wv", "W2")}
        return {name: g.sum(axis=tuple(range(g.ndim - 2))) for name, g in each.items()}


@page("2 1-layer Transformer Encoder, the corrected backward pass", lessons="06")
def corrected_page(rng):
    net = draw(rng)
    cases = [(c, kappa) for c in (1, 1 / np.sqrt(6)) for kappa in (1, 1 / CLASSES)]
    formulas = {
        "W2": r"$dW_2=h_{2(n+1)}^\top\delta$",
        "Wv": r"$dW_v=h_{pre_2}^\top S_{(n+1)}^\top g$",
        "Wk": r"$dW_k=h_{pre_2}^\top u^\top Q_{(n+1)}$",
        "Wq": r"$dW_q=h_{pre_2(n+1)}^\top uK$",
        "cls": r"$d\,\mathrm{cls}=g+S_{n+1,n+1}\,gW_v^\top+u\beta$",
        "W1": r"$dW_1=h_0^\top[S_{n+1,1:n}^\top\,gW_v^\top+u_{1:n}^\top Q_{(n+1)}W_k^\top]$",
    }
    for name, formula in formulas.items():
        yield added(
            f"C2-CLOSED-{name}",
            formula,
            lambda name=name: [Backward(net, *case).gradients()[name] for case in cases],
            lambda name=name: [gradient(net, name, c=c, kappa=kappa) for c, kappa in cases],
            r"For scores $c\,QK^\top$ and a loss $-\kappa\,y\cdot\ln s$: $\delta=\kappa(s-y)$, "
            r"$g=\delta W_2^\top$, $u=c\,gV^\top\alpha$, with the corrected $\alpha$ and $\beta$.",
        )
