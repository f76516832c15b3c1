"""Open ONNX weights with onnxruntime, on first use and not before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import ModelError, SettingsError, nearest
from cctview.extras import imported, later
from cctview.models.record import ModelRecord

if TYPE_CHECKING:
    import onnxruntime
else:
    onnxruntime = later("onnxruntime")

__all__ = ["Runner", "RuntimeSettings", "opened", "providers", "refusals", "runner"]

Runner = Callable[[NDArray[np.uint8]], list[NDArray[Any]]]
_REFUSALS = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NotImplemented", "RuntimeException")
_BESIDE = "session.model_external_initializers_file_folder_path"
_SHORT = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
}


@dataclass(frozen=True, kw_only=True)
class RuntimeSettings:
    """Where a model runs. ``threads`` are those within one call; the pipeline runs calls side by side."""

    provider: str = "cpu"
    threads: int = 1


def providers() -> Sequence[str]:
    """Return the short names of the execution providers installed here."""
    there = set(onnxruntime.get_available_providers())
    return [short for short, name in _SHORT.items() if name in there]


def refusals() -> tuple[type[Exception], ...]:
    """Return the errors with which onnxruntime refuses a graph or an input."""
    state = imported("onnxruntime.capi.onnxruntime_pybind11_state")
    return tuple(getattr(state, name) for name in _REFUSALS)


def runner(record: ModelRecord, settings: RuntimeSettings) -> Runner:
    """Return a function from one input batch to the graph's outputs.

    Raises SettingsError for a provider that is not here, ModelError when the runtime refuses the
    weights. Safe to call from several threads.
    """
    session = opened(record.verified_weights(), record.name, settings, record.beside)
    key = session.get_inputs()[0].name
    return lambda batch: session.run(None, {key: batch})


def opened(
    weights: bytes, name: str, settings: RuntimeSettings, beside: Path | None = None
) -> onnxruntime.InferenceSession:
    """Return a session over the graph, whose other files, if it has any, lie in the folder ``beside``.

    Raise SettingsError when nothing here runs models that way, ModelError when the weights are refused.
    """
    if settings.provider not in providers():
        raise SettingsError(
            f"no execution provider {settings.provider!r} here; {nearest(settings.provider, providers())}"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if beside is not None:
        options.add_session_config_entry(_BESIDE, str(beside))
    try:
        return onnxruntime.InferenceSession(weights, options, providers=[_SHORT[settings.provider]])
    except refusals() as error:
        raise ModelError(f"onnxruntime refuses the weights of {name!r}: {error}") from error
