"""Collecting the nodes of an ONNX graph whose weights lie in a bundle's weights file."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bundle_format import WeightsFile

OPSET = 17
# The oldest IR version that opset 17 allows: the graphs use nothing newer.
IR_VERSION = 8
CONTRIB = "com.microsoft"


class GraphBuilder:
    """One graph over the shared weights, which are stored in fp16."""

    def __init__(self, half: bool, weights: WeightsFile) -> None:
        self.half = half
        """Compute in fp16 (else in fp32)."""
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[TensorProto] = []
        self._present: dict[str, str] = {}

    def op(self, kind: str, inputs: list[str], output: str, domain: str = "", **attributes) -> str:
        """Adds a node and returns its output, whose name it also bears."""
        self.nodes.append(
            helper.make_node(kind, inputs, [output], name=output, domain=domain, **attributes)
        )
        return output

    def stored(self, name: str) -> str:
        """A tensor of the weights file as it is stored."""
        if name not in self._present:
            self.initializers.append(self.weights.initializer(name))
            self._present[name] = name
        return name

    def weight(self, name: str) -> str:
        """A tensor of the weights file in the type that the graph computes in."""
        return self.stored(name) if self.half else self.single(name)

    def single(self, name: str) -> str:
        """A tensor of the weights file in float32, whatever the graph computes in."""
        self.stored(name)
        cast = f"{name}.fp32"
        if cast not in self._present:
            self._present[cast] = self.op("Cast", [name], cast, to=TensorProto.FLOAT)
        return cast

    def constant(self, name: str, values: list[int]) -> str:
        """A list of integers."""
        self.initializers.append(helper.make_tensor(name, TensorProto.INT64, [len(values)], values))
        return name

    def table(self, name: str) -> str:
        """A tensor of the weights file that stands there in fp32, in the type that the graph
        computes in."""
        self.stored(name)
        if not self.half:
            return name
        cast = f"{name}.fp16"
        if cast not in self._present:
            self._present[cast] = self.op("Cast", [name], cast, to=TensorProto.FLOAT16)
        return cast

    def integer_array(self, name: str, values: np.ndarray) -> str:
        """Integers of any shape."""
        self.initializers.append(numpy_helper.from_array(values.astype(np.int64), name))
        return name

    def split(self, value: str, sizes: list[int], name: str, axis: int) -> list[str]:
        """A tensor cut along an axis into parts of these sizes."""
        outputs = [f"{name}.{part}" for part in range(len(sizes))]
        inputs = [value, self.integers(*sizes)]
        self.nodes.append(helper.make_node("Split", inputs, outputs, name=name, axis=axis))
        return outputs

    def integers(self, *values: int) -> str:
        """The same under a name made of its values, so that equal lists stand there once."""
        name = "int." + ".".join(map(str, values))
        if name not in self._present:
            self._present[name] = self.constant(name, list(values))
        return name

    def scalar(self, value: int) -> str:
        """An integer without dimensions."""
        name = f"scalar.{value}"
        if name not in self._present:
            self.initializers.append(numpy_helper.from_array(np.array(value, np.int64), name))
            self._present[name] = name
        return name

    def byte(self, value: int) -> str:
        """An unsigned 8-bit integer."""
        return self._single(np.array(value, np.uint8))

    def real(self, value: float) -> str:
        """A float32 without dimensions."""
        return self._single(np.array(value, np.float32))

    def _single(self, value: np.ndarray) -> str:
        name = f"{value.dtype}.{value}"
        if name not in self._present:
            self.initializers.append(numpy_helper.from_array(value, name))
            self._present[name] = name
        return name

    def compute(self, value: str) -> str:
        """An fp16 activation in the type that the graph computes in."""
        if self.half:
            return value
        return self.op("Cast", [value], f"{value}.fp32", to=TensorProto.FLOAT)

    @property
    def element(self) -> int:
        """The type that the graph computes in."""
        return TensorProto.FLOAT16 if self.half else TensorProto.FLOAT

    def model(self, inputs: list, outputs: list, name: str) -> onnx.ModelProto:
        """The finished graph."""
        proto = helper.make_graph(self.nodes, name, inputs, outputs, self.initializers)
        return helper.make_model(
            proto,
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)],
            ir_version=IR_VERSION,
            producer_name="lsearch",
        )
