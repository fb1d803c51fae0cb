"""The lessons of the course: their numbers, and what each does.

Cards and menus name only these, for claims name lessons that are planned too. The README and lesson
0 have their tables of lessons from here (tools/contents.py).
"""

LESSONS = {
    "00": "how to use the course, its notation and its shapes",
    "01": "steepest descent, Jacobians, the chain rule in both layouts, and the gradient check "
    "under a microscope",
    "02": "the linear layer, activations and softmax with all their derivatives; what a network "
    "can represent",
    "03": "why -ln p and not squares; cross-entropy from the scores; which losses get stuck, and "
    "which networks know how sure to be",
    "04": "gradient descent, momentum, AdaGrad, RMSprop and Adam, each from what the one before "
    "cannot do; conventions that change the result; a fair race",
    "05": "a multilayer perceptron on MNIST: first weights, the four backward equations, training "
    "live, and what it gets wrong",
    "06": "attention from the need to look elsewhere, its way back, layer norm, residual and "
    "positions; document C's encoder; one that reads digits row by row, and where it looks",
    "07": "recurrence and what it forgets, then a decoder, from the causal mask to sampling; "
    "networks that write dates and names, and what they have not learned",
    "90": "every claim of the lecture notes, executed: as printed, as corrected, its defence; what "
    "such a check sees, and which mistakes are independent",
}
