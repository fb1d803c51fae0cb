"""What lesson 07 compares its gradients with: python -m benchmarks.pytorch_07

Needs PyTorch. The weights are first ones, moved a little so that no bias is 0, in single precision:
both sides take exactly the same. The strings have 8, 9 and 10 letters, so that there is padding on
both sides.
"""

import numpy as np
import torch

from nnlib.archives import packed, put
from nnlib.experiments.in_pytorch import HEADS, LONGEST, STORED, VOCABULARY, Case, D, computed
from nnlib.parameters import parameter_vector
from nnlib.tasks import reversing
from nnlib.transformer import EncoderDecoder

STRINGS = slice(8)


def main():
    test = reversing(100).test
    batch = (a[STRINGS] for a in (test.source, test.target, test.labels, test.keep))
    theta, _ = parameter_vector(EncoderDecoder(VOCABULARY, D, HEADS, longest=LONGEST, rng=0))
    theta += np.random.default_rng(0).normal(0, 0.1, theta.size).astype("float32")
    case = computed(torch, Case(theta, *batch, loss=0.0, grad=np.zeros(0), version=""))
    put("pytorch_07", STORED, packed(case._asdict()))


if __name__ == "__main__":
    main()
