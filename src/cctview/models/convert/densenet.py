"""DenseNet-201 as torchvision names it, from a PyTorch ``.pth`` file, written as ONNX.

The features are what the original cctview used (Huang et al. 2017, tuned on VeRi): the last feature
map after its normalisation, without the ReLU torchvision adds, averaged over 7 x 7. Input ``image``
uint8 ``(B, 224, 224, 3)`` RGB; output ``features`` float32 ``(B, 1920)``, not of unit length.
"""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import ModelError
from cctview.models.convert.graph import Graph
from cctview.models.convert.normalisation import Normalisation

__all__ = ["densenet_graph", "read_state"]

State = Mapping[str, NDArray[np.float32]]
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SIDE = 224
_EPSILON = 1e-5
_OLD_NAME = re.compile(r"(denselayer\d+)\.(norm|conv)\.(\d)")


def read_state(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the tensors ``(...)`` of a ``.pth`` file by name; a pickle that would run code is refused.

    Raise ModelError when it is refused, broken, or no mapping of names to tensors.
    """
    import torch  # the extra ``convert``  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old files, which are read all the same
            state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path} holds more than weights; opening it could run code, so it is refused: get the file from its origin"
        ) from error
    except (OSError, RuntimeError, ValueError, EOFError, KeyError) as error:
        raise ModelError(f"{path} is not a PyTorch file of weights ({error}); give the .pth file") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ModelError(f"{path} holds no mapping of names to tensors; save the model's state_dict()")
    return {_modern(str(name)): value.float().numpy() for name, value in state.items()}


def _modern(name: str) -> str:
    """Return the name torchvision gives today; before 0.3 it wrote ``norm.1`` for ``norm1``."""
    return _OLD_NAME.sub(r"\1.\2\3", name.removeprefix("module."))


def densenet_graph(state: State) -> bytes:
    """Return the ONNX model of these tensors; raise ModelError when they are another network's.

    The number and width of the layers are read off the tensors.
    """
    graph = Graph("densenet")
    value = _prepared(graph)
    stem = _tensor(state, "features.conv0.weight", 4)
    value = graph.conv(value, stem, strides=[2, 2], pads=[3, 3, 3, 3])
    value = graph.op("Relu", graph.normalise(value, _normalisation(state, "features.norm0")))
    value = graph.op("MaxPool", value, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    for block in range(1, 5):
        value = _block(graph, state, f"features.denseblock{block}", value)
        if block < 4:
            value = _transition(graph, state, f"features.transition{block}", value)
    last = _normalisation(state, "features.norm5")
    value = graph.op("AveragePool", graph.normalise(value, last), kernel_shape=[7, 7], strides=[1, 1])
    graph.named(graph.op("Flatten", value), "features")
    return graph.serialised(
        {"image": ("uint8", ("batch", _SIDE, _SIDE, 3))}, {"features": ("float32", ("batch", len(last.gamma)))}
    )


def _prepared(graph: Graph) -> str:
    pixels = graph.op("Div", graph.op("Cast", "image", to=1), graph.constant(255))
    scaled = graph.op("Div", graph.op("Sub", pixels, graph.constant(_MEAN)), graph.constant(_STD))
    return graph.op("Transpose", scaled, perm=[0, 3, 1, 2])


def _block(graph: Graph, state: State, name: str, value: str) -> str:
    layers = sorted({int(found[1]) for key in state if (found := re.match(rf"{name}\.denselayer(\d+)\.", key))})
    if layers != list(range(1, len(layers) + 1)) or not layers:
        raise ModelError(f"the file has the layers {layers} in {name}: it is not a DenseNet of torchvision's layout")
    for layer in layers:
        value = graph.op("Concat", value, _layer(graph, state, f"{name}.denselayer{layer}", value), axis=1)
    return value


def _layer(graph: Graph, state: State, name: str, value: str) -> str:
    inner = graph.op("Relu", graph.normalise(value, _normalisation(state, f"{name}.norm1")))
    inner = graph.conv(inner, *_normalisation(state, f"{name}.norm2").folded(_tensor(state, f"{name}.conv1.weight", 4)))
    return graph.conv(graph.op("Relu", inner), _tensor(state, f"{name}.conv2.weight", 4), pads=[1, 1, 1, 1])


def _transition(graph: Graph, state: State, name: str, value: str) -> str:
    value = graph.op("Relu", graph.normalise(value, _normalisation(state, f"{name}.norm")))
    value = graph.conv(value, _tensor(state, f"{name}.conv.weight", 4))
    return graph.op("AveragePool", value, kernel_shape=[2, 2], strides=[2, 2])


def _normalisation(state: State, name: str) -> Normalisation:
    gamma, beta, mean, variance = (
        _tensor(state, f"{name}.{part}", 1) for part in ("weight", "bias", "running_mean", "running_var")
    )
    return Normalisation(gamma=gamma, beta=beta, mean=mean, variance=variance, epsilon=_EPSILON)


def _tensor(state: State, name: str, rank: int) -> NDArray[np.float32]:
    if name not in state:
        raise ModelError(f"the file has no {name}: it is not a DenseNet of torchvision's layout")
    if state[name].ndim != rank:
        raise ModelError(f"{name} has the shape {state[name].shape}, which does not fit")
    return state[name]
