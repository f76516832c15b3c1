"""Write ONNX graphs node by node; needs the extra ``convert``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from cctview.models.convert.normalisation import Normalisation

__all__ = ["Graph"]

_OPSET = 17
_IR_VERSION = 8
_TYPES = {"float32": TensorProto.FLOAT, "uint8": TensorProto.UINT8, "int64": TensorProto.INT64}
Shape = Sequence[int | str]


class Graph:
    """Collect nodes and constants; every method returns the name of the value it makes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output."""
        return self.ops(kind, 1, *inputs, **attributes)[0]

    def ops(self, kind: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add a node with several outputs."""
        names = [f"{kind.lower()}_{len(self._nodes)}_{number}" for number in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def constant(self, values: Any, dtype: type[np.generic] = np.float32) -> str:
        """Add a constant tensor."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.array(values, dtype, order="C"), name))
        return name

    def conv(
        self, value: str, kernel: NDArray[np.float32], bias: NDArray[np.float32] | None = None, **attributes: Any
    ) -> str:
        """Add a convolution with a kernel ``(O, I, H, W)`` and a bias ``(O,)``."""
        inputs = [value, self.constant(kernel)]
        if bias is not None:
            inputs.append(self.constant(bias))
        return self.op("Conv", *inputs, kernel_shape=kernel.shape[2:], **attributes)

    def normalise(self, value: str, by: Normalisation) -> str:
        """Add a batch normalisation as it runs after training."""
        tensors = (by.gamma, by.beta, by.mean, by.variance)
        return self.op("BatchNormalization", value, *map(self.constant, tensors), epsilon=by.epsilon)

    def named(self, value: str, name: str) -> None:
        """Give a value the name it has outside."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))

    def serialised(self, inputs: Mapping[str, tuple[str, Shape]], outputs: Mapping[str, tuple[str, Shape]]) -> bytes:
        """Return the checked model; inputs and outputs are names with element type and shape."""
        graph = helper.make_graph(
            self._nodes, self._name, _values(inputs), _values(outputs), initializer=self._constants
        )
        model = helper.make_model(
            graph,
            producer_name="cctview",
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
        )
        onnx.checker.check_model(model)
        return model.SerializeToString()


def _values(declared: Mapping[str, tuple[str, Shape]]) -> list[Any]:
    return [helper.make_tensor_value_info(name, _TYPES[kind], shape) for name, (kind, shape) in declared.items()]
