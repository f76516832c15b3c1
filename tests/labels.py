"""Labels for simulated roads, in the form of hand-made links."""

import json

import numpy as np

from cctview.naming import still_name, zone
from cctview.types import Frames, Ragged

PLACE = zone("America/New_York")


def write_links(path, seen, vehicles, cameras=None):
    """Write the sightings of some vehicles as a file of links."""
    entries = []
    for number, vehicle in enumerate(vehicles):
        rows = np.flatnonzero(seen.identity == vehicle)
        rows = rows[np.argsort(seen.detections.time[rows])]
        sightings = {}
        for row in rows.tolist():
            camera = str(seen.detections.camera[row])
            if cameras and camera not in cameras:
                continue
            name = still_name(camera, seen.detections.time[row], PLACE)
            box = [round(float(side), 2) for side in seen.detections.box[row]]
            sighting = {"time": name.rsplit("--", 1)[1], "box": box, "detection": f"{name}--detections--1--car"}
            sightings.setdefault(camera, []).append(sighting)
        difficulty = "distinctive" if number % 3 == 0 else "ordinary"
        entries.append({"vehicle": f"v{vehicle}", "difficulty": difficulty, "certain": True, "sightings": sightings})
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


def travellers(seen, cameras, most):
    """Return vehicles seen twice or more at each of these cameras."""
    counts = [np.bincount(seen.identity[seen.detections.camera == camera], minlength=10_000) for camera in cameras]
    return np.flatnonzero((np.array(counts) >= 2).all(axis=0))[:most].tolist()


def frames_of(detections, extra=2):
    """The stills of the detections, and some in which nothing was seen."""
    ids, rows = np.unique(detections.frame, return_index=True)
    last = detections.time.max() + np.arange(1, extra + 1) * np.timedelta64(2, "s")
    camera = np.append(detections.camera[rows], ["c1"] * extra)
    time = np.append(detections.time[rows], last)
    count = len(camera)
    return Frames(
        id=np.append(ids, np.arange(extra)),
        camera=camera,
        time=time,
        time_error_s=np.zeros(count, np.float32),
        name=np.array([still_name(c, t, PLACE, milliseconds=True) for c, t in zip(camera.tolist(), time, strict=True)]),
        digest=np.zeros(count, np.int64),
        width=np.full(count, 352, np.int32),
        height=np.full(count, 240, np.int32),
    )


def write_coco_truth(path, seen, frames, *, ignored=()):
    """Write who is in which still, as the simulator writes it; ``ignored`` lists rows that count neither way."""
    names = dict(zip(frames.id.tolist(), frames.name.tolist(), strict=True))
    number = {name: n for n, name in enumerate(frames.name.tolist())}
    box = seen.detections.box.astype(float)
    marks = [
        {
            "id": row, "image_id": number[names[int(seen.detections.frame[row])]], "category_id": 3,
            "bbox": [box[row, 0], box[row, 1], box[row, 2] - box[row, 0], box[row, 3] - box[row, 1]],
            "identity": int(seen.identity[row]) + 1, "iscrowd": int(row in ignored),
        }
        for row in range(len(box))
    ]  # fmt: skip
    images = [
        {"id": n, "file_name": f"{name}--original.jpeg", "camera": camera}
        for (name, n), camera in zip(number.items(), frames.camera.tolist(), strict=True)
    ]
    document = {"images": images, "annotations": marks, "categories": [{"id": 3, "name": "car"}]}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def grouped(seen, number, tracklets):
    """Tracklets with these members: ``number`` per detection; the other columns are of no matter here."""
    count = int(number.max()) + 1
    rows = np.arange(count) % len(tracklets)
    first = np.array([np.flatnonzero(number == n)[0] for n in range(count)])
    order = np.lexsort((seen.detections.time, number))
    members = Ragged.grouped(seen.detections.id[order], number[order], count)
    return tracklets[rows].replace(id=np.arange(count), members=members, camera=seen.detections.camera[first])


def true_tracklets(seen, tracklets):
    key = np.stack([seen.identity, np.unique(seen.detections.camera, return_inverse=True)[1]])
    return grouped(seen, np.unique(key, axis=1, return_inverse=True)[1].reshape(-1), tracklets)
