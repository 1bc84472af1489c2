"""The node tests of the installed onnx package, as folders of files.

    python node_tests.py FOLDER

FOLDER/node/test_* is written anew in the form of ONNX's own suite: model.onnx
and test_data_set_*/input_*.pb, output_*.pb. The packages of PyPI carry the
tests as programs only; Debian's libonnx-testdata is an older suite in the same
form. `make check ONNX_NODE_TESTS=FOLDER` runs both.

Needs onnx and nothing else that onnx does not install itself; tests that want
more (the pictures of ImageDecoder are made by Pillow) are left out by onnx.
"""
import pathlib
import shutil
import sys
import warnings

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper


def message(value, declared):
    """A value of a data set as the message that the suite stores."""
    if isinstance(value, TensorProto):
        return value
    kind = declared.type.WhichOneof("value")
    if kind == "sequence_type":
        return numpy_helper.from_list(value, declared.name)
    if kind == "optional_type":
        return numpy_helper.from_optional(value, declared.name)
    if kind == "map_type":
        return numpy_helper.from_dict(value, declared.name)
    return numpy_helper.from_array(np.asarray(value), declared.name)


def write(case, folder):
    folder.mkdir(parents=True)
    graph = case.model.graph
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    for number, (inputs, outputs) in enumerate(case.data_sets):
        data_set = folder / f"test_data_set_{number}"
        data_set.mkdir()
        for what, values, declared in (("input", inputs, graph.input),
                                       ("output", outputs, graph.output)):
            for i, value in enumerate(values):
                file = data_set / f"{what}_{i}.pb"
                file.write_bytes(
                    message(value, declared[i]).SerializeToString())


def main():
    root = pathlib.Path(sys.argv[1]) / "node"
    warnings.simplefilter("ignore")  # infinities and NaN are meant
    from onnx.backend.test.case.node import collect_testcases
    cases = collect_testcases()
    shutil.rmtree(root, ignore_errors=True)
    for case in cases:
        write(case, root / case.name)
    print(f"onnx {onnx.__version__}: {len(cases)} node tests in {root}")


main()
