"""What a model says of a crop, taken apart into direction and length."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import ModelError

__all__ = ["normalised"]


def normalised(features: NDArray[np.floating[Any]], model: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return unit vectors ``(N, D)`` and lengths ``(N,)`` of features ``(N, D)``.

    Raise ModelError, naming the model, for a vector without length.
    """
    exact = features.astype(np.float64)
    length = np.linalg.norm(exact, axis=1)
    if not (length > 0).all():
        raise ModelError(f"{model!r} gave a vector without length; check its input settings")
    return (exact / length[:, None]).astype(np.float32), length.astype(np.float32)
