"""``python -m benchmarks``: the benchmarks that time something, one after the other."""

from benchmarks import cost_of_checks, encoder_step, mlp_accuracy, mlp_epoch, panels

for benchmark in (mlp_epoch, encoder_step, cost_of_checks, panels, mlp_accuracy):
    print(f"\n{benchmark.__doc__.splitlines()[0]}\n")
    benchmark.main()
