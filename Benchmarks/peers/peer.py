"""The peers' side of the benchmarks: does the work of one case when told to, and tells how long it took.

    python3 peer.py CASE THREADS [FOLDER]   then "run N" on standard input gives "seconds S" on standard output,
                                          and "run-by-processor-time N" the seconds of all threads
    python3 peer.py versions

The Swift harness starts it. Each case needs the packages named below alone.
"""

import importlib.metadata
import json
import os
import platform
import sys
import time

PACKAGES = {
    "torch": "torch==2.11.0", "diffusers": "diffusers", "numpy": "numpy", "scipy": "scipy", "jax": "jax",
    "matfree": "matfree", "lineax": "lineax", "optax": "optax", "nuox": "flax git+https://github.com/h-roy/nsm"}


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def needed(kind, name):
    if kind == "lsmr":
        package = name.split("-")[-1]
        return ["numpy", "scipy"] if package == "scipy" else ["numpy", "jax", package]
    if kind == "projection":
        return ["numpy", "jax", "optax", "nuox"]
    return ["torch", "diffusers"] if name.startswith("unet") else ["torch"]


def limit_threads(count):
    """For libraries other than PyTorch, which read it when they are loaded."""
    for variable in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"]:
        os.environ[variable] = str(count)
    if count == 1:
        os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false"
    os.environ.setdefault("JAX_PLATFORMS", "cpu")


def make(kind, name, threads):
    if kind == "lsmr":
        limit_threads(threads)
        import least_squares

        return least_squares.make(name, sys.argv[3])
    if kind == "projection":
        limit_threads(threads)
        import projection

        return projection.make(name, sys.argv[3])
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    if kind == "train":
        import training

        return training.make(name)
    if kind == "sample":
        import sampling

        return sampling.make(name)
    import operators

    return operators.make(name)


def main():
    if sys.argv[1] == "versions":
        found = {package: version(package) for package in PACKAGES}
        print(json.dumps({
            "python": platform.python_version(), "packages": {k: v for k, v in found.items() if v is not None}}))
        return
    kind, name = sys.argv[1].split("/")
    missing = [package for package in needed(kind, name) if version(package) is None]
    if missing:
        arguments = " ".join(PACKAGES[package] for package in missing)
        print(f"error {' and '.join(missing)} not installed: run `python3 -m pip install {arguments}`", flush=True)
        return
    count, run = make(kind, name, int(sys.argv[2]))
    print("ready", count, flush=True)
    for line in sys.stdin:
        command, iterations = line.split()
        clock = time.perf_counter if command == "run" else time.process_time
        start = clock()
        run(int(iterations))
        print("seconds", clock() - start, flush=True)


if __name__ == "__main__":
    main()
