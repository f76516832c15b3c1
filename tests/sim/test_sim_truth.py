"""The folder on disk says what the simulation said."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from cctview.sim import write_stills
from cctview.sim.sightings import IGNORED_PX
from cctview.sim.truth.folder import CATEGORIES, coco_rows, visits


@pytest.fixture(scope="module", params=[True, False], ids=["nested", "flat"])
def folder(request, tmp_path_factory, simulation):
    root = tmp_path_factory.mktemp("stills")
    return root, write_stills(simulation, root, nested=request.param), request.param


def test_every_still_lies_where_the_original_layout_has_it(folder, stills):
    root, count, nested = folder
    paths = {path.name: path for path in root.rglob("*.jpeg")}
    assert count == len(stills) == len(paths)
    for frame in stills:
        path = paths[frame.name]
        camera, day, clock, _ = frame.name.split("--")
        place = [camera, *day.split("-"), *clock.split(".")] if nested else []
        assert path.relative_to(root).parts[:-1] == tuple(place)
        pixels = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        np.testing.assert_array_equal(pixels, frame.image)


def test_truth_is_coco_with_identities(folder, stills):
    root, _, _ = folder
    truth = json.loads((root / "truth.json").read_text())
    names = {row["id"]: row["name"] for row in truth["categories"]}
    assert {name: number for number, name in names.items()} == CATEGORIES
    assert len({row["id"] for row in truth["annotations"]}) == len(truth["annotations"])
    by_image = {row["id"]: row["file_name"] for row in truth["images"]}
    frames = {frame.name: frame for frame in stills}
    for number, name in by_image.items():
        rows, frame = [row for row in truth["annotations"] if row["image_id"] == number], frames[name]
        assert [row["identity"] for row in rows] == frame.identities.tolist()
        assert [names[row["category_id"]] for row in rows] == frame.types.tolist()
        boxes = np.array([row["bbox"] for row in rows]).reshape(-1, 4)
        margin = 2.0 * np.array([row["ignore"] for row in rows])[:, None]
        np.testing.assert_allclose(boxes[:, :2] + boxes[:, 2:], frame.boxes[:, 2:] + margin, atol=0.02)


def test_what_is_too_small_to_ask_for_is_ignored(stills):
    rows = [row for number, frame in enumerate(stills) for row in coco_rows(frame, number, 1)]
    size = np.concatenate([np.sqrt(np.prod(f.boxes[:, 2:] - f.boxes[:, :2], axis=1)) for f in stills])
    small = [row for row, side in zip(rows, size, strict=True) if side < IGNORED_PX - 0.1]
    assert small
    assert all(row["iscrowd"] == row["ignore"] == 1 for row in small)
    assert any(row["iscrowd"] == 0 for row in rows)


def test_visits_say_when_each_vehicle_was_where(folder, stills):
    root, _, _ = folder
    told = json.loads((root / "truth.json").read_text())["visits"]
    keys = [(row["identity"], row["camera"]) for row in told]
    assert len(set(keys)) == len(keys)
    for row in told[:: max(len(told) // 20, 1)]:
        mine = [f.time for f in stills if f.camera == row["camera"] and row["identity"] in f.identities]
        assert row["stills"] == len(mine)
        assert row["first_time"] == f"{min(mine)}Z"
        assert row["last_time"] == f"{max(mine)}Z"


def test_no_stills_no_visits():
    assert visits([]) == []


def test_the_network_file_is_beside_the_stills(folder, simulation):
    root, _, _ = folder
    assert (root / "network.toml").read_text() == simulation.plan.network_toml()
