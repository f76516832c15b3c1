from __future__ import annotations

import numpy as np
import pytest

from cctview.detect import OnnxDetector, load_detector
from cctview.detect.loading import WithPeople
from cctview.errors import ModelNotFoundError
from cctview.plugins import plugin_names
from cctview.seams import Detector
from cctview.testing.detectors import DetectorContract
from cctview.types import PERSON, Detections, row_ids


class Vehicles:
    """The bundled detector without its people, as somebody else's detector of vehicles would be."""

    def __init__(self) -> None:
        self._detector = load_detector()

    @property
    def producer(self) -> str:
        return "vehicles only"

    def __call__(self, frames):
        found = self._detector(frames)
        kept = found[found.type != PERSON]
        rank = np.arange(len(kept)) - np.searchsorted(_number(frames, kept), _number(frames, kept)) + 1
        made = {"id": row_ids(kept.frame, rank, self.producer), "rank": rank, "meta": {"detector": self.producer}}
        return Detections(**{name: getattr(kept, name) for name in Detections.columns} | made)


def _number(frames, found):
    place = {frame.id: number for number, frame in enumerate(frames)}
    return np.array([place[frame] for frame in found.frame.tolist()], np.int64)


class TestBundled(DetectorContract):
    def make(self) -> Detector:
        return load_detector()


class TestWithPeople(DetectorContract):
    def make(self) -> Detector:
        return WithPeople(Vehicles(), load_detector())


def test_a_model_is_found_by_its_name_alone_and_behind_the_door_of_plug_ins() -> None:
    plain, named = load_detector("cctview-det"), load_detector("onnx:cctview-det")
    assert isinstance(plain, OnnxDetector)
    assert plain.producer == named.producer
    assert "onnx" in plugin_names("detectors")


def test_a_model_that_is_not_there_is_named_with_the_nearest_one() -> None:
    with pytest.raises(ModelNotFoundError, match="cctview-det"):
        load_detector("cctview-dat")


def test_the_people_of_the_bundled_detector_are_added_to_what_another_finds() -> None:
    stills = DetectorContract().stills()
    alone, joined = Vehicles()(stills), WithPeople(Vehicles(), _Walkers(load_detector()))(stills)
    people = joined.type == PERSON
    assert people.any()
    assert joined[~people].id.tolist() == alone.id.tolist()


class _Walkers:
    """A detector to which the largest box of each still is a person."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.producer = "walkers"

    def __call__(self, frames):
        found = self._detector(frames)
        first = found[found.rank == 1]
        return first.replace(type=["person"] * len(first))
