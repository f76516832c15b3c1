from __future__ import annotations

import numpy as np
import pytest

from cctview.embed import HistogramEmbedder, embed, load_embedder
from cctview.embed.crops import Cropping, crops_of, quality
from cctview.seams import Embedder
from cctview.types import Detections, Frame

NOON = np.datetime64("2020-05-05T12:00:00", "ns")


def still(colour: tuple[int, int, int] = (200, 30, 30)) -> Frame:
    image = np.full((100, 120, 3), 90, np.uint8)
    image[20:50, 30:80] = colour
    return Frame(image=image, camera="a", time=NOON, name="a", digest=sum(colour))


def found(frame: Frame, boxes: list[list[float]], types: list[str] | None = None) -> Detections:
    count = len(boxes)
    return Detections(
        id=np.arange(count) + frame.id % 1000,
        frame=np.full(count, frame.id),
        camera=["a"] * count,
        time=np.full(count, NOON),
        rank=np.arange(count) + 1,
        box=boxes,
        score=np.full(count, 0.9),
        type=types or ["car"] * count,
    )


@pytest.fixture(params=["histogram", "cctview-reid"], scope="module")
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return load_embedder(request.param)


def test_vectors_are_unit_length_in_the_order_of_the_detections(embedder: Embedder) -> None:
    frame = still()
    boxes = found(frame, [[30, 20, 80, 50], [0, 60, 12, 70], [90.5, 0, 120, 99.5]])
    table = embed([frame], boxes, embedder)
    assert table.detection.tolist() == boxes.id.tolist()
    assert 128 <= table.vector.shape[1] <= 256
    assert np.allclose(np.linalg.norm(table.vector, axis=1), 1, atol=1e-3)
    again = embed([frame], boxes[::-1], embedder)
    assert np.allclose(again.vector[::-1], table.vector, atol=1e-5)


def test_the_same_colour_is_nearer_than_another(embedder: Embedder) -> None:
    frames = [still(), still((190, 40, 35)), still((30, 40, 200))]
    boxes = Detections.concat([found(frame, [[30, 20, 80, 50]]) for frame in frames])
    vectors = embed(frames, boxes, embedder).vector
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_people_and_two_wheelers_get_no_vector(embedder: Embedder) -> None:
    frame = still()
    boxes = found(frame, [[0, 0, 9, 9]] * 4, ["person", "motorcycle", "bicycle", "bus"])
    assert embed([frame], boxes, embedder).detection.tolist() == [boxes.id[3]]
    nothing = embed([frame], boxes[:3], embedder)
    assert len(nothing) == 0
    assert nothing.meta == {"embedder": embedder.producer}


def test_crops_at_the_border_and_thinner_than_a_pixel() -> None:
    frame = still()
    crops = crops_of(
        [frame],
        found(frame, [[-9, -9, 200, 200], [119.6, 99.7, 119.9, 99.9]]),
        Cropping(height=32, width=32, margin=0.1),
    )
    assert crops.shape == (2, 32, 32, 3)
    assert (crops[1] == 90).all()


def test_quality_grows_with_size_and_sharpness() -> None:
    rng = np.random.default_rng(0)
    sharp = rng.integers(0, 255, (3, 48, 48, 3), np.uint8)
    sharp[2] = 128
    boxes = np.array([[0, 0, 60, 60], [0, 0, 10, 60], [0, 0, 60, 60]], np.float32)
    assert quality(sharp, boxes).tolist() == pytest.approx([1, 0.25, 0])


def test_the_histogram_is_a_square_root_of_shares() -> None:
    crops = np.zeros((1, 32, 32, 3), np.uint8)
    vector = HistogramEmbedder()(crops)
    assert sorted(vector[0])[-2:] == pytest.approx([2**-0.5] * 2)
    assert len(HistogramEmbedder()(crops[:0])) == 0
