"""A kernel whose arithmetic is that of another processor, in the worst case: `tools.portable`.

Processors differ in the last bit of a matrix product, a sum, an exponential. Here each of these,
in the cells and in nnlib, is moved by one unit in its last place, and what is drawn at random, from
which all parameters come, by 1e-15 of its size. A printed digit that moves with them is luck.
"""

import ast
import os
import sys
from importlib.machinery import PathFinder, SourceFileLoader

import numpy as np

SEED = int(os.environ.get("NNLIB_NUDGE", "0"))  # another seed moves other numbers up

# what is rounded exactly, as + - * / and the root are, is the same everywhere
ROUNDED = set(
    """exp expm1 exp2 log log1p log2 log10 logaddexp power sin cos tan sinh cosh tanh arcsin arccos
    arctan arctan2 arctanh hypot
    dot vdot inner matmul tensordot einsum sum mean average std var cumsum prod trace norm reduce
    solve lstsq inv pinv det eig eigh eigvals eigvalsh svd qr cholesky polyfit polyval interp
    """.split()
)
DRAWN = {"standard_normal", "normal", "uniform", "random"}

# the bits behind which a number counts as exact: an integer, a half, a sum of such
DIGITS = {"f": (np.int32, 12), "d": (np.int64, 26)}


def moved(value, ulps=1):
    """The same, each of its floats some units in the last place up or down, as its digits say."""
    if type(value) is tuple:
        return tuple(moved(part, ulps) for part in value)
    if not isinstance(value, float | np.ndarray | np.floating):
        return value
    array = np.array(value, ndmin=1)
    if array.dtype.char not in DIGITS:
        return value
    kind, low = DIGITS[array.dtype.char]
    bits = array.view(kind)
    digits = bits & (2**low - 1)
    up = (digits * (40503 + 2 * SEED) >> 11) & 1
    bits += np.where(digits, ulps * (2 * up - 1), 0).astype(kind)
    if isinstance(value, np.ndarray):
        return array.reshape(value.shape)
    return type(value)(array[0])


def move_parameters():
    """Move each parameter of a layer as it enters: a cast to float32 has undone what a draw got."""
    from nnlib.layers import Layer

    build = Layer.__init__

    def moving(self, *arguments, **params):
        build(self, *arguments, **params)
        for p in self.params.values():
            p[...] = moved(p, 1 if p.dtype == np.float32 else 8)

    Layer.__init__ = moving


class Moving(ast.NodeTransformer):
    """`a @ b` becomes `moved(a @ b)`, and so each product, sum and function that is rounded."""

    def visit_BinOp(self, node):
        self.generic_visit(node)
        return call_of_moved(node, 1) if isinstance(node.op, ast.MatMult | ast.Pow) else node

    def visit_Call(self, node):
        self.generic_visit(node)
        name = getattr(node.func, "attr", "")
        if name in DRAWN:
            return call_of_moved(node, 8)  # 8 units of float64 are about 1e-15 of its size
        return call_of_moved(node, 1) if name in ROUNDED else node


def call_of_moved(node, ulps):
    """The syntax of `moved(node, ulps)`."""
    arguments = [node, ast.Constant(ulps)]
    call = ast.Call(ast.Name(MOVED, ast.Load()), arguments, [])
    return ast.fix_missing_locations(ast.copy_location(call, node))


MOVED = "__moved__"


class Loader(SourceFileLoader):
    """A module of nnlib, its rounded results moved; nothing of it is cached."""

    def get_code(self, fullname):
        tree = Moving().visit(ast.parse(self.get_data(self.path)))
        return compile(tree, self.path, "exec", dont_inherit=True)


class Finder:
    """Finds the modules of nnlib for that loader."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] != "nnlib":
            return None
        spec = PathFinder.find_spec(name, path)
        if spec and spec.origin and spec.origin.endswith(".py"):
            spec.loader = Loader(name, spec.origin)
        return spec


def main():
    """Be a Jupyter kernel."""
    from ipykernel.kernelapp import IPKernelApp

    setattr(__import__("builtins"), MOVED, moved)
    sys.meta_path.insert(0, Finder)
    move_parameters()
    kernel = IPKernelApp.instance()
    kernel.initialize()
    kernel.shell.ast_transformers.append(Moving())
    kernel.start()


if __name__ == "__main__":
    main()
