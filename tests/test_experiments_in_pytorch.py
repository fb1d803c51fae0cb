"""The same encoder-decoder in PyTorch: same weights, same loss, same gradients."""

from types import SimpleNamespace

import numpy as np
import pytest

from nnlib.experiments import in_pytorch
from nnlib.experiments.in_pytorch import from_pytorch, model_of, stored_case
from nnlib.experiments.taped import by_tape, loss_and_gradient
from nnlib.parameters import named_parameters


@pytest.fixture(scope="module")
def case():
    return stored_case()


def of_nnlib(case, dtype="float64", way=by_tape):
    """Loss and gradient of nnlib's model."""
    model, x = model_of(case.theta, dtype), {"source": case.source, "target": case.target}
    return loss_and_gradient(model, way(model), x, labels=case.labels, keep=case.keep)


@pytest.mark.parametrize("way", [by_tape, lambda model: model], ids=["by tape", "by hand"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
def test_loss_and_every_gradient_are_pytorchs(case, dtype, tolerance, way):
    L, grad = of_nnlib(case, dtype, way)
    assert abs(L - case.loss) <= tolerance * case.loss
    assert np.abs(grad - case.grad).max() <= tolerance * np.abs(case.grad).max()


def test_what_is_stored_could_tell(case):
    """Padding stands on both sides, and every array has a gradient, but for the keys' biases."""
    assert (case.source == 0).any()
    assert (case.target == 0).any()
    assert not case.keep.all()
    assert np.isfinite(case.grad).all()
    place, without = 0, []
    for name, shape in named_parameters(model_of(case.theta)):
        size = int(np.prod(shape))
        if np.abs(case.grad[place : place + size]).max() < 1e-6:
            without.append((name, shape))
        place += size
    assert place == case.grad.size
    assert [shape for _, shape in without] == [(16,)] * 3  # softmax does not see a shift


def test_a_weight_that_differs_is_seen(case):
    moved = case.theta.copy()
    moved[::100] += 1e-6
    L, grad = of_nnlib(case._replace(theta=moved))
    assert np.abs(grad - case.grad).max() > 1e-10 * np.abs(case.grad).max()


@pytest.mark.parametrize("error", [ImportError, OSError])
def test_without_pytorch_its_stored_numbers_are_taken(case, monkeypatch, error):
    def import_module(name):
        raise error(name)

    monkeypatch.setattr(in_pytorch, "import_module", import_module)
    found = from_pytorch()
    assert found.loss == case.loss
    assert found.version == case.version
    assert found.grad.tobytes() == case.grad.tobytes()


def test_with_pytorch_it_is_asked(case, monkeypatch):
    monkeypatch.setattr(in_pytorch, "import_module", lambda name: SimpleNamespace(name=name))
    asked = lambda torch, given: given._replace(loss=0.0, version=torch.name)
    monkeypatch.setattr(in_pytorch, "computed", asked)
    assert from_pytorch()[-3::2] == (0.0, "torch")


def test_what_pytorch_computes_here_is_what_is_stored(case):
    torch = pytest.importorskip("torch")
    found = in_pytorch.computed(torch, case)
    assert abs(found.loss - case.loss) <= 1e-12 * case.loss
    assert np.abs(found.grad - case.grad).max() <= 1e-12 * np.abs(case.grad).max()
