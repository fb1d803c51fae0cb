# Each target is a function of tools/tasks.py, which works alone where there is no make:
# `python tools/tasks.py lab` is `make lab`. NN picks lessons, or an environment:
# `make notebooks NN=05`, `make lesson NN=05`, `make everywhere NN=colab`.

PYTHON ?= python3
NN ?=
LAB_ARGS ?=
export LAB_ARGS
export NNLIB_MNIST ?= $(abspath $(wildcard ../shared/data/mnist))

TASKS := lab mnist test check slow browser conda everywhere notebooks lesson bench runsheet lock clean

.DEFAULT_GOAL := lab
.PHONY: $(TASKS)
$(TASKS):
	@$(PYTHON) tools/tasks.py $@ $(NN)
