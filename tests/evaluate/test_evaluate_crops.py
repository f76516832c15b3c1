import cv2
import numpy as np
import pytest

from cctview.embed import load_embedder
from cctview.errors import FrameError
from cctview.evaluate.crops import evaluate_crops

COLOURS = {1: (200, 30, 30), 2: (30, 200, 30), 3: (30, 30, 200)}


def veri(folder, shift=0):
    """Vehicles of three colours at two cameras; ``shift`` gives the crops of camera 2 another vehicle's colour."""
    rng = np.random.default_rng(0)
    for part, cameras in (("query", (1,)), ("test", (1, 2))):
        (folder / f"image_{part}").mkdir(parents=True)
        for vehicle in COLOURS:
            for camera in cameras:
                colour = COLOURS[(vehicle - 1 + shift * (camera - 1)) % 3 + 1]
                image = np.clip(np.array(colour) + rng.normal(0, 5, (40, 60, 3)), 0, 255).astype(np.uint8)
                cv2.imwrite(str(folder / f"image_{part}" / f"{vehicle:04}_c{camera:03}_00000001_0.jpg"), image)
    return folder


def test_colours_are_told_apart(tmp_path):
    scores = evaluate_crops(veri(tmp_path), load_embedder("histogram"), rerank=True)
    assert (scores["queries"], scores["gallery"], scores["skipped"]) == (3, 6, [])
    assert scores["rank-1"] == scores["mAP"] == scores["mINP"] == 1
    assert scores["re-ranked"]["rank-1"] == 1


def test_the_own_camera_does_not_help(tmp_path):
    assert evaluate_crops(veri(tmp_path, shift=1), load_embedder("histogram"))["rank-1"] == 0


def test_crops_that_cannot_be_decoded_are_named(tmp_path):
    folder = veri(tmp_path)
    (folder / "image_test" / "0001_c002_00000001_0.jpg").write_bytes(b"no picture")
    scores = evaluate_crops(folder, load_embedder("histogram"))
    assert (scores["queries"], scores["gallery"]) == (3, 5)
    assert "0001_c002_00000001_0.jpg" in scores["skipped"][0]
    for path in (folder / "image_query").iterdir():
        path.write_bytes(b"")
    with pytest.raises(FrameError, match="no crop of query"):
        evaluate_crops(folder, load_embedder("histogram"))
