"""A training step of lesson 06's encoder: nnlib beside its peers, on one thread and on two.

28 rows of an image as tokens and a class token, width 64, 4 heads, thinking 256 wide, one layer,
batches of 64, Adam, float32. Only the class token's row is read. nnlib computes of the last layer
that row alone; PyTorch's own layer cannot, so that "every row" compares what is computed alike, and
"the row that is read" what a step costs where each does as little as it can. Prints; never asserts.
"""

import sys
from functools import partial

import numpy as np

from benchmarks.racing import THREADS, compete, race, show

FEATURES, TOKENS, D, HEADS, D_FF, CLASSES, BATCH = 28, 28, 64, 4, 256, 10, 64
ROWS, LR, COUNT = TOKENS + 1, 1e-3, 10_000
BURST, TURNS = 10, 40  # steps in a burst, bursts of each


def images():
    """Training images, their rows as tokens of float32, and their labels."""
    from nnlib.data import load_mnist, scale

    loaded = load_mnist()
    x = scale(loaded.x_train[:COUNT]).reshape(-1, TOKENS, FEATURES)
    return x, loaded.labels_train[:COUNT]


def batches():
    """Shuffled batches of one epoch after the other."""
    x, labels = images()
    rng = np.random.default_rng(0)
    while True:
        order = rng.permutation(len(x))
        for start in range(0, len(x) - BATCH + 1, BATCH):
            rows = order[start : start + BATCH]
            yield x[rows], labels[rows]


def bursts(step):
    """What prepares bursts of a step."""

    def burst():
        for _ in range(BURST):
            step()

    return lambda: (burst, BURST)


def repeated(step):
    """What prepares bursts of a step that takes a batch."""
    source = batches()
    return bursts(lambda: step(*next(source)))


# -- nnlib ---------------------------------------------------------------------------------------


def nnlib_training(workers, every_row=False):
    """``Training``, as the lesson uses it."""
    from nnlib.losses import softmax_cross_entropy
    from nnlib.optimizers import Adam
    from nnlib.parameters import parameter_vector
    from nnlib.training import Training
    from nnlib.transformer import TokenClassifier

    class EveryRow(TokenClassifier):
        """Computes all rows, and reads the mean of all."""

        read_rows = slice(None)

    model = (EveryRow if every_row else TokenClassifier)(FEATURES, TOKENS, CLASSES, rng=0)
    optimizer, options = Adam(parameter_vector(model)[0], LR), {"batch_size": BATCH, "seed": 0}
    training = Training(
        model, softmax_cross_entropy, optimizer, *images(), workers=workers, **options
    )
    return lambda: (partial(training.run, BURST), BURST)


# -- the same mathematics in NumPy and nothing else ------------------------------------------------

SHAPES = {  # in the order of nnlib's theta
    "We": (D, FEATURES), "be": (D,), "token": (D,), "P": (ROWS, D), "g1": (D,), "b1": (D,),
    "Wq": (D, D), "bq": (D,), "Wk": (D, D), "bk": (D,), "Wv": (D, D), "bv": (D,),
    "Wy": (D, D), "by": (D,), "g2": (D,), "b2": (D,), "W1": (D_FF, D), "c1": (D_FF,),
    "W2": (D, D_FF), "c2": (D,), "g3": (D,), "b3": (D,), "Wr": (CLASSES, D), "br": (CLASSES,),
}  # fmt: skip


def parameters():
    """First values by name."""
    rng, found = np.random.default_rng(0), {}
    for name, shape in SHAPES.items():
        scale = 1 / np.sqrt(shape[-1]) if name[0] in "WP" else 0
        a = rng.normal(0, 1, shape) * scale + (name[0] == "g")
        found[name] = a.astype(np.float32)
    return found


def by_hand(rows):
    """A step of forward, back and Adam by hand, for so many rows of the layer; and theta."""
    np.empty((32 << 20) - 65536, np.uint8)  # keeps the heap warm
    first = parameters()
    theta = np.concatenate([a.ravel() for a in first.values()])
    grad, m, v, t = np.zeros_like(theta), np.zeros_like(theta), np.zeros_like(theta), 0
    p, d, at = {}, {}, 0
    for name, shape in SHAPES.items():
        size = int(np.prod(shape))
        p[name] = theta[at : at + size].reshape(shape)
        d[name] = grad[at : at + size].reshape(shape)
        at += size
    ones = {n: np.ones(n, np.float32) for n in (BATCH, ROWS, D, BATCH * ROWS, BATCH * rows)}
    over = lambda dy: ones[len(dy)] @ dy

    def norm(x, gamma, beta):
        x_hat = x - (x @ ones[D] / D)[:, None]
        r = 1 / np.sqrt((x_hat * x_hat) @ ones[D] / D + np.float32(1e-5))[:, None]
        x_hat *= r
        return gamma * x_hat + beta, x_hat, r

    def norm_back(dy, x_hat, r, gamma, name):
        dy_x = dy * x_hat
        d["g" + name][:], d["b" + name][:] = over(dy_x), over(dy)
        dx = gamma * dy - (dy @ gamma / D)[:, None]
        dx -= x_hat * (dy_x @ gamma / D)[:, None]
        dx *= r
        return dx

    def linear_back(dy, x, W, b):
        np.matmul(dy.T, x, out=d[W])
        d[b][:] = over(dy)
        return dy @ p[W]

    heads = lambda x: x.reshape(BATCH, -1, HEADS, D // HEADS).swapaxes(1, 2)
    merge = lambda x: x.swapaxes(1, 2).reshape(-1, D)
    every = lambda x: x.reshape(BATCH, ROWS, D)

    def step(x, labels):
        nonlocal t, m, v
        pixels = x.reshape(-1, FEATURES)
        e = np.empty((BATCH, ROWS, D), np.float32)
        e[:, 0], e[:, 1:] = p["token"], (pixels @ p["We"].T + p["be"]).reshape(BATCH, TOKENS, D)
        e += p["P"]
        n, n_hat, r1 = norm(e.reshape(-1, D), p["g1"], p["b1"])
        asked = np.ascontiguousarray(every(n)[:, :rows]).reshape(-1, D)
        q = heads((asked @ p["Wq"].T + p["bq"]) * np.float32((D // HEADS) ** -0.5))
        k, val = heads(n @ p["Wk"].T + p["bk"]), heads(n @ p["Wv"].T + p["bv"])
        A = q @ k.mT
        A -= A.max()
        np.exp(A, out=A)
        A /= (A @ ones[ROWS])[..., None]
        o = merge(A @ val)
        h = o @ p["Wy"].T + p["by"]
        h += e[:, :rows].reshape(-1, D)
        u, u_hat, r2 = norm(h, p["g2"], p["b2"])
        a = u @ p["W1"].T + p["c1"]
        np.maximum(a, 0, out=a)
        y = a @ p["W2"].T + p["c2"]
        y += h
        w, w_hat, r3 = norm(y, p["g3"], p["b3"])
        read = w.reshape(BATCH, rows, D)[:, 0]
        z = read @ p["Wr"].T + p["br"]
        z -= z.max(axis=1, keepdims=True)
        np.exp(z, out=z)
        z /= z.sum(axis=1, keepdims=True)

        z[np.arange(BATCH), labels] -= 1
        z /= BATCH
        dw = np.zeros((BATCH, rows, D), np.float32)
        dw[:, 0] = linear_back(z, read, "Wr", "br")
        dy = norm_back(dw.reshape(-1, D), w_hat, r3, p["g3"], "3")
        da = linear_back(dy, a, "W2", "c2")
        da *= a > 0
        dh = norm_back(linear_back(da, u, "W1", "c1"), u_hat, r2, p["g2"], "2")
        dh += dy
        do = heads(linear_back(dh, o, "Wy", "by"))
        dval = merge(A.mT @ do)
        dA = do @ val.mT
        dA *= A
        dA -= A * (dA @ ones[ROWS])[..., None]
        dq, dk = merge(dA @ k), merge(dA.mT @ q)
        dq *= np.float32((D // HEADS) ** -0.5)
        dn = linear_back(dk, n, "Wk", "bk")
        dn += linear_back(dval, n, "Wv", "bv")
        dasked = linear_back(dq, asked, "Wq", "bq").reshape(BATCH, rows, D)
        every(dn)[:, :rows] += dasked
        de = every(norm_back(dn, n_hat, r1, p["g1"], "1"))
        de[:, :rows] += dh.reshape(BATCH, rows, D)
        d["P"][:] = over(de.reshape(BATCH, -1)).reshape(ROWS, D)
        d["token"][:] = d["P"][0]
        dpixels = np.ascontiguousarray(de[:, 1:]).reshape(-1, D)
        np.matmul(dpixels.T, pixels, out=d["We"])
        d["be"][:] = dpixels.sum(axis=0)

        t += 1
        m *= 0.9
        m += 0.1 * grad
        v *= 0.999
        v += 0.001 * grad * grad
        theta[:] -= LR / (1 - 0.9**t) * m / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)

    return step, theta


def numpy_alone(rows):
    """Steps by hand."""
    return repeated(by_hand(rows)[0])


# -- PyTorch -------------------------------------------------------------------------------------


def pytorch(threads=1, loader=False, compiled=False, **options):
    """PyTorch's own encoder layer, pre-norm, in the loop of its tutorials or with rows taken."""
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(0)

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.read = nn.Linear(FEATURES, D), nn.Linear(D, CLASSES)
            self.token = nn.Parameter(torch.randn(1, 1, D) / 2)
            self.places = nn.Parameter(torch.randn(1, ROWS, D) / 2)
            settings = {"dropout": 0.0, "batch_first": True, "norm_first": True}
            self.layer = nn.TransformerEncoderLayer(D, HEADS, D_FF, **settings)
            self.norm = nn.LayerNorm(D)

        def forward(self, x):
            e = torch.cat([self.token.expand(len(x), -1, -1), self.embed(x)], 1) + self.places
            return self.read(self.norm(self.layer(e))[:, 0])

    model, loss = Classifier(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), LR, **options)
    forward = torch.compile(model) if compiled else model

    def step(x, labels):
        optimizer.zero_grad()
        loss(forward(x), labels).backward()
        optimizer.step()

    x, labels = map(torch.from_numpy, images())
    data = torch.utils.data.TensorDataset(x, labels)

    def epochs():
        while True:
            if loader:
                yield from torch.utils.data.DataLoader(data, BATCH, shuffle=True, drop_last=True)
            else:
                order = torch.randperm(len(x)).split(BATCH)
                yield from (data[rows] for rows in order if len(rows) == BATCH)

    source = epochs()
    return bursts(lambda: step(*next(source)))


# -- JAX -----------------------------------------------------------------------------------------


def jax_step(rows):
    """The same, differentiated and compiled by JAX, Adam included, for so many rows."""
    import jax
    from jax import numpy as jnp

    def norm(x, gamma, beta):
        x = x - x.mean(-1, keepdims=True)
        return gamma * x / jnp.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) + beta

    def heads(x):
        return x.reshape(BATCH, -1, HEADS, D // HEADS).swapaxes(1, 2)

    def loss(p, x, labels):
        token = jnp.broadcast_to(p["token"], (BATCH, 1, D))
        e = jnp.concatenate([token, x @ p["We"].T + p["be"]], 1) + p["P"]
        n = norm(e, p["g1"], p["b1"])
        q = heads(n[:, :rows] @ p["Wq"].T + p["bq"])
        k, v = (heads(n @ p["W" + name].T + p["b" + name]) for name in "kv")
        A = jax.nn.softmax(q @ k.mT / (D // HEADS) ** 0.5)
        o = (A @ v).swapaxes(1, 2).reshape(BATCH, rows, D)
        h = e[:, :rows] + o @ p["Wy"].T + p["by"]
        u = norm(h, p["g2"], p["b2"])
        y = h + jax.nn.relu(u @ p["W1"].T + p["c1"]) @ p["W2"].T + p["c2"]
        z = norm(y, p["g3"], p["b3"])[:, 0] @ p["Wr"].T + p["br"]
        return -jnp.take_along_axis(jax.nn.log_softmax(z), labels[:, None], 1).mean()

    @partial(jax.jit, donate_argnums=0)
    def update(state, x, labels):
        p, m, v, t = state
        g, t = jax.grad(loss)(p, x, labels), t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        unbiased = lambda m, v: (m / (1 - 0.9**t), jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)
        ratio = lambda m, v: LR * unbiased(m, v)[0] / unbiased(m, v)[1]
        return jax.tree.map(lambda p, m, v: p - ratio(m, v), p, m, v), m, v, t

    p = {name: jnp.array(a) for name, a in parameters().items()}
    zeros = lambda: jax.tree.map(jnp.zeros_like, p)
    state = (p, zeros(), zeros(), jnp.zeros(()))

    def step(x, labels):
        nonlocal state
        state = update(state, x, labels)
        jax.block_until_ready(state)

    return repeated(step)


# -- the race ------------------------------------------------------------------------------------

TWO_THREADS = dict.fromkeys(THREADS, "2")
WARM = {"MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_MMAP_THRESHOLD_": "1000000000"}
ONE_IN_XLA = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
CONTESTANTS = {
    "every row: nnlib": partial(nnlib_training, 1, every_row=True),
    "every row: nnlib, two workers": partial(nnlib_training, 2, every_row=True),
    "every row: NumPy alone": partial(numpy_alone, ROWS),
    "every row: PyTorch, DataLoader": partial(pytorch, loader=True),
    "every row: PyTorch, tuned": partial(pytorch, fused=True),
    "every row: PyTorch, tuned, two threads": partial(pytorch, 2, fused=True),
    "every row: PyTorch, compiled, two threads": partial(pytorch, 2, compiled=True, fused=True),
    "every row: JAX": partial(jax_step, ROWS),
    "every row: JAX, two threads": partial(jax_step, ROWS),
    "the row that is read: nnlib": partial(nnlib_training, 1),
    "the row that is read: nnlib, two workers": partial(nnlib_training, 2),
    "the row that is read: NumPy alone": partial(numpy_alone, 1),
    "the row that is read: JAX": partial(jax_step, 1),
    "the row that is read: JAX, two threads": partial(jax_step, 1),
}
SETTINGS = {name: TWO_THREADS if "two threads" in name else {} for name in CONTESTANTS}
for name in CONTESTANTS:
    if "JAX" in name and "two threads" not in name:
        SETTINGS[name] = {"XLA_FLAGS": ONE_IN_XLA}
    if "PyTorch" in name and "DataLoader" not in name:
        SETTINGS[name] = SETTINGS[name] | WARM


def main():
    """Race, and print a table for all rows and one for the row that is read."""
    print(f"{ROWS} rows of {D}, {HEADS} heads, {D_FF} wide, batches of {BATCH}, Adam, float32")
    times = race(__file__, CONTESTANTS, TURNS, SETTINGS)
    for job in ("every row", "the row that is read"):
        own = {k.removeprefix(f"{job}: "): v for k, v in times.items() if k.startswith(job)}
        others = {"/ nnlib": "nnlib", "/ two workers": "nnlib, two workers"}
        print()
        show(own, f"{job}, {TURNS} bursts of {BURST} steps", others, others.values())


if __name__ == "__main__":
    compete(CONTESTANTS[sys.argv[1]]) if sys.argv[1:] else main()
