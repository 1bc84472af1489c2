"""Times cxai beside its peers, in turns, so that all meet the same machine.

    python compare.py [OPTIONS] MODEL...

    --bench FILE     what tests/bench/bench.c becomes (build/tests/bench/bench)
    --cxai FILE      the command, for "cold" (build/cxai)
    --works LIST     of forward, gradcam, gradient, integrated_gradients,
                     smoothgrad, scorecam, ablationcam, synthesis, ascent
                     (synthesis on plain pixels), cold, memory
                     (forward,gradcam,gradient)
    --engines LIST   of onnxruntime, openvino, torch, torch-cl, captum,
                     captum-cl, grad-cam, lucent (those that are installed)
    --batch LIST, --threads LIST      (1), (2)
    --groups LIST    pictures at once that integrated_gradients, smoothgrad and
                     scorecam are asked for instead of a batch: each engine's
                     fastest counts (5,10,25)
    --rounds N       runs of each, after two to warm up (9)
    --layer NAME     for synthesis and CAM methods; else each one's default
    --json FILE      every number, one object a line

"cold" is a whole process: `cxai heatmap`, python with pytorch-grad-cam's
work, onnxruntime's first forward. "memory" is the peak of a process that runs
once. Prints the minima in milliseconds (MiB) and, for each work, cxai's
relative to each peer, to the fastest one and to its own forward. Other
engines' idle threads fall asleep during the pause between runs.
"""
import argparse
import importlib.util
import json
import math
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
MODULES = {"onnxruntime": "onnxruntime", "openvino": "openvino",
           "torch": "torchvision", "torch-cl": "torchvision",
           "captum": "captum", "captum-cl": "captum",
           "grad-cam": "pytorch_grad_cam", "lucent": "lucent"}
DOES = {"onnxruntime": {"forward", "cold", "memory"}, "openvino": {"forward"},
        "torch": {"forward", "gradcam", "gradient", "ascent"},
        "torch-cl": {"forward", "gradcam", "gradient", "ascent"},
        "captum": {"integrated_gradients", "smoothgrad"},
        "captum-cl": {"integrated_gradients", "smoothgrad"},
        "grad-cam": {"gradcam", "scorecam", "ablationcam", "cold"},
        "lucent": {"synthesis"}}
GROUPED = ("integrated_gradients", "smoothgrad", "scorecam")
PAUSE = 0.03    # seconds
ENVIRONMENT = {k: v for k, v in os.environ.items()
               if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}


class Engine:
    """A process that answers one line a run."""

    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(
            command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=ENVIRONMENT)

    def ask(self, line):
        """Milliseconds, or None where the engine cannot do it."""
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline()).get("ms")
        except (OSError, ValueError):
            return None

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def commands(options, model):
    """How each engine is started, cxai first."""
    result = {"cxai": [options.bench, model]}
    for name in options.engines:
        result[name] = [sys.executable, f"{HERE}/peer.py", name, model]
    return result


def process(command, text):
    """Milliseconds and peak MiB of a whole process."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdin=subprocess.PIPE,
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    child.stdin.write(text.encode())
    child.stdin.close()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = status
    milliseconds = (time.perf_counter() - start) * 1e3
    return (milliseconds, usage.ru_maxrss / 1024) if status == 0 else None


def whole(options, model, work, batch, threads):
    """Minima of whole processes: "cold" in ms, "memory" in MiB."""
    lines = {"cxai": "", "onnxruntime": f"forward 1 {threads}\n",
             "grad-cam": f"gradcam 1 {threads}\n"}
    starts = commands(options, model)
    if work == "cold":
        photo = os.path.join(ROOT, "data", "cat.jpg")
        starts["cxai"] = [options.cxai, "heatmap", photo, "-m", model,
                          "-t", "top1", "--threads", str(threads), "-o",
                          os.path.join(tempfile.gettempdir(), "bench.png")]
    jobs = {f"cxai {w}" if work == "memory" else "cxai":
            (starts["cxai"], f"{w} {batch} {threads}\n")
            for w in (("forward", "gradient") if work == "memory" else ("",))}
    jobs.update({name: (starts[name], lines[name]) for name in options.engines
                 if work in DOES[name]})
    best = {}
    for _ in range(3 if work == "memory" else options.rounds):
        for name, (command, text) in jobs.items():
            got = process(command, text)
            if got:
                number = got[work == "memory"]
                best[name] = min(best.get(name, number), number)
    return best


def turns(options, model, works, batch, threads):
    """Minima in milliseconds, by work and engine. Works take turns as engines
    do: the host may move the two cores of a virtual machine apart, where they
    share no cache, and back, which makes a factor of 1.6 between two runs that
    are minutes apart."""
    running = [Engine(name, command)
               for name, command in commands(options, model).items()
               if name == "cxai" or DOES[name] & set(works)]
    jobs = [(work, engine) for work in works for engine in running
            if engine.name == "cxai" or work in DOES[engine.name]]
    best = {work: {} for work in works}
    for i in range(options.rounds + 2):
        for work, engine in list(jobs):
            time.sleep(PAUSE)
            groups = options.groups if work in GROUPED else [batch]
            times = [engine.ask(f"{work} {n} {threads} {options.layer}"
                                .strip()) for n in groups]
            took = min((t for t in times if t is not None), default=None)
            if took is None:
                jobs.remove((work, engine))
            elif i >= 2 or options.rounds < 3:
                least = best[work].get(engine.name, took)
                best[work][engine.name] = min(least, took)
    for engine in running:
        engine.end()
    return best


def report(work, batch, threads, rows, forwards):
    """The table of one work, and geometric means of its ratios; forwards:
    cxai's own, by model."""
    names = sorted({n for _, best in rows for n in best},
                   key=lambda n: (not n.startswith("cxai"), n))
    peers = [n for n in names if not n.startswith("cxai")]
    own_forward = ["/own forward"] if forwards and work != "forward" else []
    heads = names + [f"/{p}" for p in peers] + ["/best"] + own_forward
    print(f"\n{work}, batch {batch}, {threads} threads\n\n| network | "
          + " | ".join(heads) + " |\n|" + "---|" * (len(heads) + 1))
    ratios = {}
    for model, best in rows:
        own = min((v for n, v in best.items() if n.startswith("cxai")),
                  default=None)
        cells = [f"{best[n]:.3g}" if n in best else "-" for n in names]
        others = [best.get(p) for p in peers]
        others.append(min((o for o in others if o), default=None))
        for peer, other in zip(peers + ["best"], others):
            cells.append(f"{own / other:.2f}" if own and other else "-")
            if own and other:
                ratios.setdefault(peer, []).append(math.log(own / other))
        if own_forward:
            forward = forwards.get(model)
            cells.append(f"{own / forward:.2f}" if own and forward else "-")
        print(f"| {model} | " + " | ".join(cells) + " |")
    for peer, logs in ratios.items():
        print(f"geometric mean to {peer}: "
              f"{math.exp(sum(logs) / len(logs)):.3f}")


def read_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--bench", default=f"{ROOT}/build/tests/bench/bench")
    parser.add_argument("--cxai", default=f"{ROOT}/build/cxai")
    parser.add_argument("--works", default="forward,gradcam,gradient")
    parser.add_argument("--engines", default=",".join(MODULES))
    parser.add_argument("--batch", default="1")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--groups", default="5,10,25")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--layer", default="")
    parser.add_argument("--json")
    options = parser.parse_args()
    options.groups = list(map(int, options.groups.split(",")))
    options.models = options.models or [
        f"{ROOT}/data/efficientnet-lite0.int8.onnx"]
    options.engines = [e for e in options.engines.split(",")
                       if e and importlib.util.find_spec(MODULES[e])]
    return options


def measure(options, works, batch, threads):
    """All models; (network, minima) by work."""
    rows = {work: [] for work in works}
    apart = [w for w in works if w in ("cold", "memory")]
    together = [w for w in works if w not in apart]
    for model in options.models:
        name = os.path.basename(model).split(".")[0]
        best = turns(options, model, together, batch, threads) \
            if together else {}
        for work in apart:
            best[work] = whole(options, model, work, batch, threads)
        for work in works:
            rows[work].append((name, best[work]))
    return rows


def main():
    options = read_options()
    out = open(options.json, "a") if options.json else None
    works = options.works.split(",")
    for batch in map(int, options.batch.split(",")):
        for threads in map(int, options.threads.split(",")):
            rows = measure(options, works, batch, threads)
            forwards = {name: best.get("cxai")
                        for name, best in rows.get("forward", [])}
            for work in works:
                report(work, batch, threads, rows[work],
                       {} if work in ("cold", "memory") else forwards)
                for name, best in rows[work] if out else []:
                    print(json.dumps(dict(
                        model=name, work=work, batch=batch,
                        threads=threads, best=best)), file=out, flush=True)


if __name__ == "__main__":
    main()
