"""How far a store is linked: what must be remembered to go on, and its bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from cctview.errors import FormatError
from cctview.journeys import JourneySettings, LinkState
from cctview.matching import MatchState
from cctview.network import CameraNetwork
from cctview.seams import Matcher, Tracker
from cctview.tracking.spanning import Passing
from cctview.types import Breaks, Detections, Matches, Table, Tracklets

__all__ = ["Counting", "Standing", "Track", "dumped", "loaded", "made_by"]

T = TypeVar("T", bound=Table)
_FORMAT = "cctview standing 1"
_ABOUT = "about"
_COUNTING = ("ended", "breaks", "passing tracklets", "passing detections")


@dataclass(frozen=True, eq=False, kw_only=True)
class Counting:
    """What counting must remember of one camera: passages up to ``since`` were told, ``ended`` are tracklets since."""

    since: np.datetime64
    passing: Passing = field(default_factory=Passing)
    ended: Tracklets = field(default_factory=Tracklets.empty)
    breaks: Breaks = field(default_factory=Breaks.empty)


@dataclass(frozen=True, eq=False, kw_only=True)
class Track:
    """What tracker and counting remember of one camera, and the time of the last still they have seen."""

    state: Any
    until: np.datetime64
    counting: Counting


@dataclass(frozen=True, eq=False, kw_only=True)
class Standing:
    """What must be remembered to link later stills to those before: by camera, for all, and how many ``stills``."""

    tracks: Mapping[str, Track] = field(default_factory=dict)
    linking: LinkState = field(default_factory=LinkState)
    stills: int = 0

    @property
    def reached(self) -> dict[str, np.datetime64]:
        """The time of the last still that was linked, by camera."""
        return {camera: track.until for camera, track in self.tracks.items()}


def made_by(
    tracker: Tracker[Any], matcher: Matcher, joining: JourneySettings, network: CameraNetwork | None
) -> dict[str, Any]:
    """Return what a standing depends on besides the stills: it is of no use where any of this has changed."""
    return {
        "the tracker": dict(tracker.meta),
        "the matcher": dict(matcher.meta),
        "how journeys are joined": asdict(joining),
        "the camera network": network.meta if network else {},
    }


def dumped(standing: Standing, tracker: Tracker[Any], made: Mapping[str, Any]) -> dict[str, bytes]:
    """Return a standing as bytes by name, which hold nothing that could be executed."""
    linking = standing.linking
    cameras = [[camera, _number(track.until)] for camera, track in standing.tracks.items()]
    since = _number(linking.since)
    about = {"is": _FORMAT, "made": made, "cameras": cameras, "since": since, "stills": standing.stills}
    return {
        _ABOUT: json.dumps(about).encode(),
        "matching": linking.matching.dump(),
        "likely": _packed(linking.likely),
        "ends": _packed(linking.ends),
        **dict(item for n, track in enumerate(standing.tracks.values()) for item in _track(n, track, tracker)),
    }


def _track(number: int, track: Track, tracker: Tracker[Any]) -> Iterator[tuple[str, bytes]]:
    """Yield what is remembered of a camera, by name."""
    counting, passing = track.counting, track.counting.passing
    about = {"since": _number(counting.since), "counted": passing.counted.tolist()}
    yield f"track {number}", tracker.dump(track.state)
    yield f"counting {number}", json.dumps(about).encode()
    for name, table in zip(
        _COUNTING, (counting.ended, counting.breaks, passing.tracklets, passing.detections), strict=True
    ):
        yield f"{name} {number}", _packed(table)


def loaded(states: Mapping[str, bytes], tracker: Tracker[Any], made: Mapping[str, Any]) -> Standing:
    """Return the standing that ``dumped`` gave; raise FormatError with the reason where it is of no use."""
    if _ABOUT not in states:
        raise FormatError("no states are stored: nothing was linked yet, or rows were removed or replaced since")
    try:
        about = json.loads(states[_ABOUT])
        _require_same(about, made)
        stills = int(about["stills"])
        cameras = [(camera, np.datetime64(until, "ns")) for camera, until in about["cameras"]]
        linking = LinkState(
            matching=MatchState.load(states["matching"]),
            likely=_unpacked(Matches, states["likely"]),
            ends=_unpacked(Tracklets, states["ends"]),
            since=np.datetime64(about["since"], "ns"),
        )
        tracks = {
            camera: Track(state=tracker.load(states[f"track {n}"]), until=until, counting=_counting(n, states))
            for n, (camera, until) in enumerate(cameras)
        }
    except (KeyError, ValueError, TypeError, pa.ArrowInvalid) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"the states stored cannot be read ({error})") from error
    return Standing(tracks=tracks, linking=linking, stills=stills)


def _counting(number: int, states: Mapping[str, bytes]) -> Counting:
    about = json.loads(states[f"counting {number}"])
    ended, breaks, tracklets, detections = (states[f"{name} {number}"] for name in _COUNTING)
    passing = Passing(
        tracklets=_unpacked(Tracklets, tracklets),
        detections=_unpacked(Detections, detections),
        counted=np.array(about["counted"], np.int64),
    )
    return Counting(
        since=np.datetime64(about["since"], "ns"),
        passing=passing,
        ended=_unpacked(Tracklets, ended),
        breaks=_unpacked(Breaks, breaks),
    )


def _number(time: np.datetime64) -> int:
    """Return a time as nanoseconds since 1970."""
    return int(time.astype("datetime64[ns]").astype(np.int64))


def _require_same(about: Mapping[str, Any], made: Mapping[str, Any]) -> None:
    if about["is"] != _FORMAT:
        raise FormatError("the states stored are of another version")
    changed = [name for name, value in made.items() if about["made"].get(name) != json.loads(json.dumps(value))]
    if changed:
        raise FormatError(f"{_listed(changed)} changed since")


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"


def _packed(table: Table) -> bytes:
    """Return a table as an Arrow stream; one without rows keeps its meta alone."""
    arrow = table.to_arrow() if len(table) else pa.table({}).replace_schema_metadata(table.meta or None)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, arrow.schema) as stream:
        stream.write_table(arrow)
    whole: bytes = sink.getvalue().to_pybytes()
    return whole


def _unpacked(kind: type[T], data: bytes) -> T:
    with pa.ipc.open_stream(data) as stream:
        return kind.from_arrow(stream.read_all())
