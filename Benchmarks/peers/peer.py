"""PyTorch's side of the benchmarks: does the work of one case when told to, and tells how long it took.

    python3 peer.py CASE THREADS      then "run N" on standard input gives "seconds S" on standard output
    python3 peer.py versions

Needs `pip install torch==2.11.0 diffusers` (diffusers for the U-Nets alone). The Swift harness starts it.
"""

import importlib.metadata
import json
import platform
import sys
import time

import torch

import operators
import sampling
import training


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def main():
    if sys.argv[1] == "versions":
        print(json.dumps({
            "python": platform.python_version(), "torch": torch.__version__, "diffusers": version("diffusers")}))
        return
    torch.set_num_threads(int(sys.argv[2]))
    torch.manual_seed(0)
    kind, name = sys.argv[1].split("/")
    if name.startswith("unet") and version("diffusers") is None:
        print("error diffusers is not installed: run `pip install diffusers`", flush=True)
        return
    make = {"train": training.make, "sample": sampling.make, "operator": operators.make}[kind]
    parameter_count, run = make(name)
    print("ready", parameter_count, flush=True)
    for line in sys.stdin:
        iterations = int(line.split()[1])
        start = time.perf_counter()
        run(iterations)
        print("seconds", time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
