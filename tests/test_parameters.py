"""What nnlib.parameters promises: one vector for a model, a slice for its part, apart in copies."""

import pickle
from copy import copy, deepcopy

import numpy as np
import pytest
from models import MODELS, each_model, make

from nnlib.blocks import linear, tanh
from nnlib.layers import Composite, Layer, Linear, Sequential
from nnlib.losses import mse, softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.optimizers import Adam
from nnlib.parameters import is_current, named_parameters, objective, parameter_vector, replica
from nnlib.training import accuracy

# -- one vector -----------------------------------------------------------------------------------


@each_model
def test_all_parameters_and_gradients_are_views_of_one_vector_each(name):
    model, x, _ = make(name)
    theta, grad = parameter_vector(model)
    layers = [layer for layer in model.layers() if layer.params]
    assert all(np.shares_memory(p, theta) for layer in layers for p in layer.params.values())
    assert all(np.shares_memory(g, grad) for layer in layers for g in layer.grads.values())
    before = model(x)[0]
    theta *= 1.5
    assert (model(x)[0] != before).any()
    grad[:] = 7
    assert all((g == 7).all() for layer in layers for g in layer.grads.values())


@each_model
def test_asking_twice_for_the_vector_gives_the_same_two_arrays(name):
    model, _, _ = make(name)
    (theta, grad), (theta_again, grad_again) = parameter_vector(model), parameter_vector(model)
    assert theta_again is theta
    assert grad_again is grad


def test_the_vector_holds_the_parameters_in_the_order_of_the_layers():
    model = MLP(3, 2, 2, rng=0, dtype="float64")
    arrays = [p.copy() for layer in model.layers() for p in layer.params.values()]
    theta, grad = parameter_vector(model)
    assert theta.tobytes() == b"".join(a.tobytes() for a in arrays)
    assert grad.tolist() == [0] * 14
    names = [("0.W", (2, 3)), ("0.b", (2,)), ("2.W", (2, 2)), ("2.b", (2,))]
    assert list(named_parameters(model)) == names


@pytest.mark.parametrize(("name", "size"), [("tied", 16 + 4 + 4), ("used twice", 16 + 4)])
def test_what_is_shared_is_stored_once(name, size):
    model, x, dy = make(name)
    theta, grad = parameter_vector(model)
    assert theta.size == grad.size == size == sum(np.prod(s) for _, s in named_parameters(model))
    first, last = model.parts[0], model.parts[2]
    assert first.params["W"] is last.params["W"]
    assert first.grads["W"] is last.grads["W"]


def test_a_part_of_a_model_with_a_vector_of_its_own_joins_the_whole():
    inner = Linear(2, 2, rng=0)
    parameter_vector(inner)
    outer = Sequential(inner, Linear(2, 1, rng=1))
    theta, _ = parameter_vector(outer)
    theta[:] = 0
    assert not inner.params["W"].any()
    assert theta.size == 9


# -- copies ---------------------------------------------------------------------------------------

COPIES = {
    "copy": copy,
    "deepcopy": deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
}


@each_model
@pytest.mark.parametrize("twin_of", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("bound", [True, False], ids=["bound", "fresh"])
def test_a_copy_computes_the_same_and_has_a_vector_of_its_own(name, twin_of, bound):
    build, shape = MODELS[name]
    model = build(dtype="float64")
    if bound:
        parameter_vector(model)
    twin, x = twin_of(model), np.random.default_rng(0).standard_normal((4, *shape))
    y, dy = model(x)[0], np.ones(model(x)[0].shape)
    assert twin(x)[0].tobytes() == y.tobytes()
    (theta, grad), (twin_theta, twin_grad) = parameter_vector(model), parameter_vector(twin)
    assert twin_theta.tobytes() == theta.tobytes()
    twin_theta[:] = 3
    twin(x)[1](dy)
    assert model(x)[0].tobytes() == y.tobytes()
    assert not grad.any()
    assert twin_grad.any()
    assert twin(x)[0].tobytes() != y.tobytes()


@each_model
def test_a_replica_shares_the_parameters_and_has_gradients_of_its_own(name):
    model, x, dy = make(name)
    twin, (theta, grad) = replica(model), parameter_vector(model)
    assert parameter_vector(twin)[0] is theta
    theta *= 0.9
    assert twin(x)[0].tobytes() == model(x)[0].tobytes()
    twin(x)[1](dy)
    assert not grad.any()
    model(x)[1](dy)
    assert parameter_vector(twin)[1].tobytes() == grad.tobytes()


# -- the objective --------------------------------------------------------------------------------


@each_model
def test_the_objective_evaluates_elsewhere_and_never_writes_theta(name):
    model, x, _ = make(name)
    theta, _ = parameter_vector(model)
    labels, before, z = np.zeros(len(x), int), theta.tobytes(), model(x)[0]
    f = objective(model, softmax_cross_entropy, x, labels=labels)
    elsewhere = theta + 0.5
    elsewhere.flags.writeable = False
    L, pullback = f(elsewhere)
    pullback(1.0)
    assert theta.tobytes() == before
    assert parameter_vector(model)[0] is theta
    assert model(x)[0].tobytes() == z.tobytes()
    for value, where in ((L, elsewhere), (f(theta)[0], theta)):
        assert value == softmax_cross_entropy(at(model, where)(x)[0], labels=labels)[0]


def at(model, theta):
    """A copy of the model with these parameters."""
    twin = deepcopy(model)
    parameter_vector(twin)[0][:] = theta
    return twin


def test_the_objectives_pullback_starts_from_zero_fills_grad_and_returns_a_copy():
    model, x, _ = make("MLP")
    theta, grad = parameter_vector(model)
    f = objective(model, mse, x, target=np.zeros((6, 3)))
    grad[:] = 100
    _, pullback = f(theta)
    first = pullback(1.0)
    assert first.tobytes() == grad.tobytes()
    assert not np.shares_memory(first, grad)
    kept = first.copy()
    np.testing.assert_allclose(pullback(2.0), 2 * first, rtol=1e-14)
    assert first.tobytes() == kept.tobytes()


def test_the_objectives_pullback_stays_right_after_an_evaluation_elsewhere():
    model, x, _ = make("MLP")
    theta, _ = parameter_vector(model)
    f = objective(model, mse, x, target=np.zeros((6, 3)))
    _, pullback = f(theta)
    want = pullback(1.0)
    _, elsewhere = f(theta + 1)
    elsewhere(1.0)
    assert pullback(1.0).tobytes() == want.tobytes()


@pytest.mark.parametrize(
    ("theta", "got"),
    [(np.ones(3), "float64 (3,)"), (np.ones(79, "f"), "float32 (79,)"), ([1.0], "list")],
)
def test_the_objective_refuses_another_models_vector(theta, got):
    f = objective(MLP(4, 6, 5, 2, rng=0, dtype="float64"), mse, np.ones((1, 4)), target=np.ones(2))
    with pytest.raises(ValueError, match="^objective: theta must be float64") as raised:
        f(theta)
    assert got in str(raised.value)


# -- whose vector it is --------------------------------------------------------------------------


def run_of(model, loss=mse):
    """A closure that takes one step of Adam on the model's own vector and returns the loss."""
    theta, grad = parameter_vector(model)
    optimizer = Adam(theta, lr=0.05)
    x = np.random.default_rng(0).standard_normal((8, 4))
    target = np.random.default_rng(1).standard_normal((8, 3))

    def step():
        grad[:] = 0
        z, pullback = model(x)
        L, loss_pullback = loss(z, target=target)
        pullback(loss_pullback(1.0))
        optimizer.step(grad)
        return L

    return step


LOOKS = {  # what may be asked of a part while the whole is in training
    "its vector": parameter_vector,
    "an objective": lambda part: objective(part, mse, np.ones((1, 4)), target=np.zeros((1, 6)))(
        parameter_vector(part)[0]
    )[1](1.0),
    "a replica": lambda part: replica(part)(np.ones((1, 4)))[1](np.ones((1, 6))),
    "an accuracy": lambda part: accuracy(part, np.ones((1, 4)), [0]),
    "a copy": lambda part: parameter_vector(deepcopy(part))[0].fill(0),
    "an assignment": lambda part: part.params.update({k: p + 0 for k, p in part.params.items()}),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_look_at_a_part_leaves_the_running_optimizer_its_model(look):
    looked_at, untroubled = (MLP(4, 6, 3, activation=tanh, rng=0, dtype="float64") for _ in "ab")
    step, want = run_of(looked_at), run_of(untroubled)
    theta, grad = parameter_vector(looked_at)
    for _ in range(5):
        look(looked_at.parts[0])
        assert step() == want()
    assert parameter_vector(looked_at)[0] is theta
    assert parameter_vector(looked_at)[1] is grad


@each_model
def test_every_part_of_a_model_has_slices_of_the_whole(name):
    model, _, _ = make(name)
    theta, grad = parameter_vector(model)
    for part in getattr(model, "parts", ()):
        if any(layer.params for layer in part.layers()) and name != "tied":
            part_theta, part_grad = parameter_vector(part)
            assert parameter_vector(part)[0] is part_theta
            assert parameter_vector(part)[1] is part_grad
            size = sum(int(np.prod(shape)) for _, shape in named_parameters(part))
            assert part_theta.size == part_grad.size == size
            assert np.shares_memory(part_theta, theta)
            assert np.shares_memory(part_grad, grad)
    assert parameter_vector(model)[0] is theta


def test_a_part_is_trained_alone_by_an_optimizer_on_its_slice():
    model = MLP(4, 6, 3, activation=tanh, rng=0, dtype="float64")
    theta, _ = parameter_vector(model)
    first, last = model.parts[0], model.parts[2]
    kept, moved = parameter_vector(first)[0].copy(), parameter_vector(last)[0].copy()
    optimizer = Adam(parameter_vector(last)[0])
    optimizer.step(np.ones(moved.size))
    assert theta.tobytes() == kept.tobytes() + parameter_vector(last)[0].tobytes()
    assert (parameter_vector(last)[0] != moved).all()


@pytest.mark.parametrize("order", [(0, 4), (4, 2), (2, 2, 0)], ids=str)
def test_a_part_whose_parameters_lie_apart_is_refused_and_the_whole_stays(order):
    model = MLP(4, 4, 4, 4, rng=0, dtype="float64")
    theta, _ = parameter_vector(model)
    with pytest.raises(ValueError, match="parameter_vector: .* part must follow each other"):
        parameter_vector(Composite(*(model.parts[k] for k in order)))
    assert parameter_vector(model)[0] is theta
    assert is_current(theta)


def test_a_larger_model_takes_over_and_the_old_vector_is_refused_wherever_it_is_stepped():
    inner = MLP(4, 6, 3, rng=0, dtype="float64")
    (theta, grad), (piece, _) = parameter_vector(inner), parameter_vector(inner.parts[2])
    old, old_piece, step = Adam(theta), Adam(piece), run_of(inner)
    outer = Sequential(inner, Linear(3, 2, rng=1))
    before = theta.copy()
    whole, _ = parameter_vector(outer)
    assert whole[: theta.size].tobytes() == before.tobytes()
    assert not is_current(theta)
    assert not is_current(piece)
    message = "^Adam: theta must be its model's vector; got one that the model has left"
    for refused in (lambda: old.step(grad), lambda: old_piece.step(piece), lambda: Adam(theta)):
        with pytest.raises(ValueError, match=message):
            refused()
    for refused in (step, lambda: theta.fill(0), lambda: grad.fill(0)):
        with pytest.raises(ValueError, match="read-only|left"):
            refused()
    assert old.t == 0
    assert parameter_vector(inner)[0].tobytes() == before.tobytes()
    run_of(inner)()
    assert np.shares_memory(parameter_vector(inner)[0], whole)
    assert whole[: theta.size].tobytes() != before.tobytes()


def test_models_that_share_a_layer_cannot_both_keep_a_vector():
    shared, ours, theirs = (Linear(4, 4, rng=k) for k in range(3))
    one, other = Sequential(shared, ours), Sequential(theirs, shared)
    first, _ = parameter_vector(one)
    second, _ = parameter_vector(other)
    assert (is_current(first), is_current(second)) == (False, True)
    again, _ = parameter_vector(one)
    assert (is_current(again), is_current(second)) == (True, False)
    again[:] = 5
    assert (shared.params["W"] == 5).all()


def test_a_vector_is_known_as_a_models_only_while_it_is_one():
    theta, _ = parameter_vector(Linear(2, 2, rng=0))  # whose model is gone
    model = Linear(2, 2, rng=0)
    mine, grad = parameter_vector(model)
    assert is_current(mine)
    assert is_current(mine[2:4])
    assert is_current(grad)
    assert not is_current(mine.copy())
    assert not is_current(np.ones(6))
    assert not is_current(theta)


# -- assigning a parameter -----------------------------------------------------------------------


def assign_all(layer, arrays):
    layer.params = arrays


def or_equal(layer, arrays):
    layer.params |= arrays


def one_by_one(layer, arrays):
    for name, a in arrays.items():
        layer.params[name] = a


ASSIGNMENTS = {
    "one by one": one_by_one,
    "update": lambda layer, arrays: layer.params.update(arrays),
    "by keyword": lambda layer, arrays: layer.params.update(**arrays),
    "or": or_equal,
    "all": assign_all,
}
each_assignment = pytest.mark.parametrize("assign", ASSIGNMENTS.values(), ids=ASSIGNMENTS)


@each_assignment
@pytest.mark.parametrize("bound", [True, False], ids=["bound", "fresh"])
def test_an_assigned_parameter_is_copied_to_where_the_optimizer_moves_it(assign, bound):
    layer = Linear(3, 2, rng=0)
    if bound:
        theta, _ = parameter_vector(layer)
    W, b = np.full((2, 3), 7.0), np.array([8.0, 9.0])
    assign(layer, {"W": W, "b": b})
    if not bound:
        theta, _ = parameter_vector(layer)
    assert theta.tolist() == [7.0] * 6 + [8.0, 9.0]
    assert parameter_vector(layer)[0] is theta
    theta[:] = 1
    assert (layer.params["W"] == 1).all()
    assert (W == 7).all()


def test_an_assigned_gradient_is_copied_likewise():
    layer = Linear(3, 2, rng=0)
    _, grad = parameter_vector(layer)
    layer.grads["W"] = np.ones((2, 3))
    layer.grads = {"b": np.full(2, 2.0)}
    layer.grads["b"] += 1
    assert grad.tolist() == [1.0] * 6 + [3.0, 3.0]


def test_parameters_may_be_exchanged_and_transposed_in_place():
    layer = Layer(gated, U=np.array([[1.0, 2], [3, 4]]), V=np.array([[5.0, 6], [7, 8]]))
    theta, _ = parameter_vector(layer)
    layer.params.update(U=layer.params["V"], V=layer.params["U"].T)
    assert theta.tolist() == [5, 6, 7, 8, 1, 3, 2, 4]


def gated(x, U, V):
    """A block of two matrices, for its names alone."""
    raise NotImplementedError


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda p: p.__setitem__("V", np.ones(2)), TypeError, "has no parameter 'V'; it has W, b."),
        (lambda p: p.__setitem__("W", np.ones((3, 2))), ValueError, "Transposed? Use W.T."),
        (lambda p: p.__setitem__("W", np.ones(3)), ValueError, "shape (2, 3); got (3,)."),
        (lambda p: p.__setitem__("b", np.ones(2, "f")), TypeError, "be float64; got float32."),
        (lambda p: p.__setitem__("b", np.ones(2, int)), TypeError, "float64; got int64."),
        (lambda p: p.__setitem__("b", [1.0, 2.0]), TypeError, "Use np.asarray(b, float)."),
        (lambda p: p.__setitem__("b", 0.0), TypeError, "b must be a float array; got float."),
        (lambda p: p.update(W=np.ones((2, 3)), b=np.ones(3)), ValueError, "got (3,)"),
        (lambda p: p.__ior__({"c": np.ones(2)}), TypeError, "has no parameter 'c'"),
        (lambda p: p.setdefault("c", np.ones(2)), TypeError, "has no parameter 'c'"),
        (lambda p: p.__delitem__("W"), TypeError, "W, b stay; assign to them instead."),
        (lambda p: p.pop("W"), TypeError, "stay"),
        (lambda p: p.pop("c", None), TypeError, "stay"),
        (lambda p: p.popitem(), TypeError, "stay"),
        (lambda p: p.clear(), TypeError, "stay"),
    ],
)
@pytest.mark.parametrize("which", ["params", "grads"])
def test_what_would_untie_a_parameter_is_refused(which, change, error, message):
    layer = Linear(3, 2, rng=0)
    theta, grad = parameter_vector(layer)
    before = theta.tobytes() + grad.tobytes()
    with pytest.raises(error) as raised:
        change(getattr(layer, which))
    assert message in str(raised.value)
    assert str(raised.value).startswith("Layer: ")
    assert theta.tobytes() + grad.tobytes() == before
    assert parameter_vector(layer)[0] is theta
    assert layer.params.setdefault("W") is layer.params["W"]


# -- tying ---------------------------------------------------------------------------------------

TIES = {
    "transposed": lambda W: W.T,
    "another view": lambda W: W[:],
    "a reshape": lambda W: W.reshape(2, 2, 2, 2).reshape(4, 4),
    "reversed": lambda W: W[::-1],
}


@pytest.mark.parametrize("view", TIES.values(), ids=TIES)
def test_parameters_that_overlap_without_being_one_array_are_refused(view):
    W = np.random.default_rng(0).standard_normal((4, 4))
    layers = [Layer(linear, W=w, b=np.zeros(4)) for w in (W, view(W))]
    before = W.tobytes()
    with pytest.raises(ValueError, match=r"parameter_vector: .* W \(4, 4\) and W \(4, 4\), which"):
        parameter_vector(Sequential(*layers))
    assert layers[0].params["W"] is W
    assert W.tobytes() == before
    parameter_vector(layers[0])
    assert W.tobytes() == before


def test_columns_of_one_array_do_not_overlap():
    both = np.arange(32.0).reshape(4, 8)
    model = Sequential(*(Layer(linear, W=w, b=np.zeros(4)) for w in (both[:, :4], both[:, 4:])))
    assert parameter_vector(model)[0].size == 40


# -- runs copied whole ---------------------------------------------------------------------------


def rejoined(copied):
    """Step a copied pair of model and optimizer on; how far theta of the model has moved."""
    model, optimizer = copied
    before = parameter_vector(model)[0].copy()
    optimizer.step(np.ones_like(optimizer.theta))
    return np.abs(parameter_vector(model)[0] - before).max()


WHOLE_COPIES = {
    "deepcopy": deepcopy,
    "pickle": lambda pair: pickle.loads(pickle.dumps(pair)),
    "pickle 5": lambda pair: pickle.loads(pickle.dumps(pair, protocol=5)),
}
each_copy = pytest.mark.parametrize("copied", WHOLE_COPIES.values(), ids=WHOLE_COPIES)


@each_model
@each_copy
@pytest.mark.parametrize("first", ["model", "optimizer"])
def test_an_optimizer_copied_with_its_model_moves_the_copy(name, copied, first):
    model, _, _ = make(name)
    theta, _ = parameter_vector(model)
    optimizer, before = Adam(theta), theta.tobytes()
    pair = (model, optimizer) if first == "model" else (optimizer, model)
    twins = copied(pair)
    twins = twins if first == "model" else twins[::-1]
    assert rejoined(twins) > 0
    assert parameter_vector(twins[0])[0] is twins[1].theta
    assert is_current(twins[1].theta)
    assert theta.tobytes() == before
    assert optimizer.t == 0


@each_copy
@pytest.mark.parametrize("first", ["model", "optimizer"])
def test_an_optimizer_of_a_part_copied_with_the_model_moves_the_copys_part(copied, first):
    model = MLP(4, 6, 3, rng=0, dtype="float64")
    parameter_vector(model)
    optimizer = Adam(parameter_vector(model.parts[2])[0])
    pair = (model, optimizer) if first == "model" else (optimizer, model)
    twin, rule = sorted(copied(pair), key=lambda each: isinstance(each, Adam))
    assert rejoined((twin, rule)) > 0
    assert parameter_vector(twin.parts[2])[0] is rule.theta


@each_copy
def test_an_optimizer_copied_without_its_model_refuses_to_step(copied):
    theta, grad = parameter_vector(Linear(3, 2, rng=0))
    model = Linear(3, 2, rng=0)
    theta, grad = parameter_vector(model)
    orphan, twin = copied(Adam(theta)), copied(model)
    before = orphan.theta.tobytes()
    with pytest.raises(ValueError, match="or a copy made without the model"):
        orphan.step(grad)
    assert orphan.theta.tobytes() == before
    assert is_current(theta)
    assert rejoined((twin, Adam(parameter_vector(twin)[0]))) > 0


@each_copy
@pytest.mark.parametrize("taken", ["whole", "part"])
def test_a_copy_of_a_run_that_its_model_has_left_is_left_too(copied, taken):
    inner = MLP(3, 3, 3, rng=0, dtype="float64")
    optimizer = Adam(parameter_vector(inner)[0])
    parameter_vector(Sequential(inner if taken == "whole" else inner.parts[0], Linear(3, 2, rng=0)))
    _, twin = copied((inner, optimizer))
    with pytest.raises(ValueError, match="that the model has left"):
        twin.step(np.ones_like(twin.theta))


@each_copy
def test_a_plain_vector_and_its_optimizer_are_copied_as_they_are(copied):
    twin = copied(Adam(np.ones(3)))
    twin.step(np.ones(3))
    assert (twin.theta < 1).all()


def test_what_is_tied_stays_tied_in_a_copy():
    model, _, _ = make("tied")
    for twin in (deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.parts[0].params["W"] is twin.parts[2].params["W"]
        assert twin.parts[0].grads["W"] is twin.parts[2].grads["W"]


def test_replicas_of_parts_collect_gradients_apart():
    model = MLP(4, 6, 3, rng=0, dtype="float64")
    _, grad = parameter_vector(model)
    grad[:] = 3
    twin = replica(model.parts[0])
    assert not parameter_vector(twin)[1].any()
    twin(np.ones((2, 4)))[1](np.ones((2, 6)))
    assert (grad == 3).all()
    assert parameter_vector(twin)[0] is parameter_vector(model.parts[0])[0]
