"""The update rules in PyTorch's words: from these make_golden_training.py makes the golden paths.

A rule that stands in OPTIMIZERS is tested without a line here; a line compares its numbers too.
"""

from typing import NamedTuple

from nnlib.optimizers import AdaGrad, Adam, GradientDescent, Momentum, Optimizer, RMSprop


class Twins(NamedTuple):
    """A rule with its constants, and the same of parameters p as torch.optim has it."""

    rule: type[Optimizer]
    constants: dict
    torch: str


TWINS = {  # with PyTorch's default constants, and with others
    "GradientDescent": Twins(GradientDescent, {"lr": 0.1}, "SGD(p, lr=0.1)"),
    "Momentum": Twins(Momentum, {"lr": 0.1}, "SGD(p, lr=0.1, momentum=0.9)"),
    "Momentum/other": Twins(
        Momentum, {"lr": 0.03, "momentum": 0.5}, "SGD(p, lr=0.03, momentum=0.5)"
    ),
    "Momentum/nesterov": Twins(
        Momentum,
        {"lr": 0.03, "momentum": 0.5, "nesterov": True},
        "SGD(p, lr=0.03, momentum=0.5, nesterov=True)",
    ),
    "AdaGrad": Twins(AdaGrad, {"lr": 0.1}, "Adagrad(p, lr=0.1)"),
    "AdaGrad/other": Twins(AdaGrad, {"lr": 0.3, "eps": 1e-3}, "Adagrad(p, lr=0.3, eps=1e-3)"),
    "RMSprop": Twins(RMSprop, {"lr": 0.01}, "RMSprop(p, lr=0.01)"),
    "RMSprop/other": Twins(
        RMSprop,
        {"lr": 0.02, "decay": 0.8, "eps": 1e-3},
        "RMSprop(p, lr=0.02, alpha=0.8, eps=1e-3)",
    ),
    "Adam": Twins(Adam, {}, "Adam(p)"),
    "Adam/other": Twins(
        Adam,
        {"lr": 0.02, "beta1": 0.7, "beta2": 0.95, "eps": 1e-3},
        "Adam(p, lr=0.02, betas=(0.7, 0.95), eps=1e-3)",
    ),
    "Adam/weight_decay": Twins(
        Adam, {"lr": 0.02, "weight_decay": 0.3}, "AdamW(p, lr=0.02, weight_decay=0.3)"
    ),
}
