"""Labels for simulated roads, in the form of hand-made links."""

import json

import numpy as np

from cctview.naming import still_name, zone

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
