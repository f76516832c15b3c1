from dataclasses import fields, replace

from cctview.priors import fingerprint
from cctview.road.lanes import learn_lanes
from cctview.road.priors import ROAD, RoadPriors
from cctview.testing import roads
from cctview.tracking import SortPriors, TrackPriors, track


def test_every_number_counts_in_the_hash():
    for record in (ROAD, TrackPriors(), SortPriors()):
        for field in fields(record):
            value = getattr(record, field.name)
            if isinstance(value, RoadPriors):
                other = replace(value, edge_px=9.0)
            else:
                other = (*value[::-1], 1) if isinstance(value, tuple) else value + 1
            assert fingerprint(replace(record, **{field.name: other})) != fingerprint(record), field.name


def test_lanes_say_under_which_numbers_they_were_found():
    seen = roads.drive(roads.Scenery(seconds=30))
    tracklets = track(seen.detections, seen.embeddings)
    lanes = learn_lanes(tracklets, seen.detections)
    assert lanes.meta["lanes_priors"] == fingerprint(ROAD)
    few = learn_lanes(tracklets, seen.detections, priors=replace(ROAD, fewest=10_000))
    assert few.meta["lanes_priors"] != lanes.meta["lanes_priors"]
    assert len(few) == 0
