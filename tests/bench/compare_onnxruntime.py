"""Times cxai beside onnxruntime, in turns, so that both meet the same machine.

    python compare_onnxruntime.py BENCH [MODEL [THREADS [ROUNDS]]]

BENCH is the program that tests/bench/bench.c becomes. Each round runs every
work once; a pause lets the other's threads fall asleep. Prints minimum and
median in milliseconds, and medians relative to onnxruntime's forward pass.
Without onnxruntime, cxai is timed alone.
"""
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DEFAULT = f"{HERE}/../../data/efficientnet-lite0.int8.onnx"
WORKS = ("forward", "gradcam", "gradient")
PAUSE = 0.05    # seconds; both libraries' idle threads spin for less


def onnxruntime_forward(model, threads):
    """A function that runs once and returns its milliseconds, or None."""
    try:
        import numpy
        import onnxruntime
    except ImportError:
        print("onnxruntime is not installed: timing cxai alone")
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"])
    first = session.get_inputs()[0]
    shape = [d if isinstance(d, int) else 1 for d in first.shape]
    x = numpy.random.default_rng(1).normal(size=shape).astype("float32")

    def run():
        start = time.perf_counter()
        session.run(None, {first.name: x})
        return (time.perf_counter() - start) * 1e3
    return run


def cxai_work(process, work):
    def run():
        process.stdin.write(work + "\n")
        process.stdin.flush()
        return float(process.stdout.readline())
    return run


def main(bench, model=DEFAULT, threads=2, rounds=15):
    threads, rounds = int(threads), max(9, int(rounds))
    environment = {k: v for k, v in os.environ.items()
                   if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    process = subprocess.Popen([bench, model, str(threads)], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               env=environment)
    runs = {f"cxai {w}": cxai_work(process, w) for w in WORKS}
    other = onnxruntime_forward(model, threads)
    if other:
        runs = {"onnxruntime forward": other, **runs}
    times = {name: [] for name in runs}
    for i in range(rounds + 2):
        for name, run in runs.items():
            time.sleep(PAUSE)
            milliseconds = run()
            if i >= 2:    # after warming up
                times[name].append(milliseconds)
    process.stdin.close()
    if process.wait():
        sys.exit(1)
    base = statistics.median(next(iter(times.values())))
    print(f"{os.path.basename(model)}, {threads} threads, {rounds} rounds\n"
          f"{'':22}{'min ms':>9}{'median':>9}{'ratio':>8}")
    for name, t in times.items():
        print(f"{name:22}{min(t):9.2f}{statistics.median(t):9.2f}"
              f"{statistics.median(t) / base:8.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
