"""From the bytes of a picture to the vector of what it shows, by the model that made a store's vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cctview.seams import Embedder, Store
    from cctview.types import Detections, Frame

__all__ = ["picture_embedder"]

_MOST_PIXELS = 25_000_000
_LEAST_SIDE = 4


def picture_embedder(store: Store) -> Callable[[bytes], NDArray[np.float32]]:
    """Return a function that embeds a picture of one vehicle; the model is opened at the first call.

    It raises FrameError for what is no picture or declares too many pixels, and StoreMismatchError
    when no model of this installation made the store's vectors.
    """
    from functools import cache

    from cctview.embed import embed
    from cctview.sources import DecodeLimits, decode

    limits = DecodeLimits(max_pixels=_MOST_PIXELS, min_side=_LEAST_SIDE)
    opened = cache(_made_by)

    def vector_of(picture: bytes) -> NDArray[np.float32]:
        image = decode(picture, "the picture", limits).image
        model = opened(store.summary()["embeddings"]["producer"].get("embedder", ""))
        vector: NDArray[np.float32] = embed(*_shown(image), model).vector[0]
        return vector

    return vector_of


def _shown(image: NDArray[np.uint8]) -> tuple[list[Frame], Detections]:
    """Return a picture as a still that one vehicle fills."""
    import numpy as np

    from cctview.types import Detections, Frame

    still = Frame(image=image, camera="picture", time=np.datetime64(0, "ns"), name="picture", digest=0)
    vehicle = Detections(
        id=np.zeros(1, np.int64),
        frame=np.array([still.id]),
        camera=np.array([still.camera]),
        time=np.array([still.time]),
        rank=np.ones(1, np.int32),
        box=np.array([[0, 0, image.shape[1], image.shape[0]]], np.float32),
        score=np.ones(1, np.float32),
        type=np.array(["car"]),
    )
    return [still], vehicle


def _made_by(producer: str) -> Embedder:
    from cctview.embed import load_embedder
    from cctview.errors import StoreMismatchError
    from cctview.models import installed_models

    known = [load_embedder(name) for name in ("histogram", *(record.name for record in installed_models("embedding")))]
    for model in known:
        if model.producer == producer:
            return model
    names = " and ".join(model.producer for model in known)
    raise StoreMismatchError(
        f"the vectors of this store were made by {producer or 'nothing yet'}, and here are {names}; "
        "run the stills into a new store to search it by picture"
    )
