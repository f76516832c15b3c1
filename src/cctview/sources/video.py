"""Video files, with the real time of each frame."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path, PurePath

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from cctview.errors import SettingsError
from cctview.naming import still_name, to_utc, zone
from cctview.network import CameraNetwork
from cctview.sources.cameras import camera_in_path
from cctview.sources.decode import DecodeLimits
from cctview.sources.endings import split_ending
from cctview.sources.pacing import Pace, paced
from cctview.sources.source import Known, Noticed, Notices, Skipped
from cctview.sources.times import Stamp, file_time, name_time
from cctview.types import Frame, content_id

__all__ = ["VideoSource"]

_FIRST_VIDEO = np.datetime64("1990-01-01")  # containers without a clock say 1904 or 1970
_CONTAINER_ERROR_S = 1.0
_ZONE_STEP_S, _FARTHEST_ZONE_S = 900.0, 14 * 3600.0  # offsets from UTC are quarters of an hour
_MUXED_S = 120.0  # a container may say when the recording ended or was written


class VideoSource:
    """The frames of one video file in the order they are shown.

    A frame's time is its presentation time after that of the first frame, which was shown at ``start``, else at the
    time in the file's name, else at the container's creation time, else at the file's own time. A name without an
    offset, read without ``timezone``, gives way to a container that differs from it as a time zone would. ``fps``
    takes the place of presentation times; ``every_s`` keeps the first frame of each so many seconds. The camera is
    the one that the name tells beside its time, else the file's stem.
    """

    network: CameraNetwork | None = None
    live = False

    def __init__(
        self,
        path: Path,
        *,
        timezone: str | None = None,
        camera: str | None = None,
        every_s: float | None = None,
        fps: float | None = None,
        start: str | None = None,
        limits: DecodeLimits | None = None,
    ) -> None:
        """Raise SettingsError unless ``every_s`` and ``fps`` are positive and ``start`` is an ISO 8601 time.

        A ``start`` without an offset is local to ``timezone``.
        """
        for name, value in {"every_s": every_s, "fps": fps}.items():
            if value is not None and not 0 < value < np.inf:
                raise SettingsError(f"{name} must be a number above 0, got {value:g}")
        self.name = str(path)
        self._path = path
        self._timezone = timezone
        self._given = None if start is None else _given(start, timezone)
        self._named = name_time(PurePath(path.name), timezone)
        self._camera = unicodedata.normalize("NFC", camera or _camera(path, self._named))
        self._every_s = every_s
        self._fps = fps
        self._limits = limits or DecodeLimits()
        self._notices = Notices()

    def count(self) -> int | None:
        """Return how many frames the container declares, or None."""
        try:
            with av.open(str(self._path)) as container:
                stream = _video_stream(container)
                return stream.frames if stream and stream.frames and self._every_s is None else None
        except (av.FFmpegError, OSError):
            return None

    def frames(self, known: Callable[[int], bool]) -> Iterator[Frame | Skipped | Known]:
        """Yield each frame; damaged parts are skipped and the rest goes on."""
        try:
            with av.open(str(self._path)) as container:
                yield from self._opened(container, known)
        except (av.FFmpegError, OSError) as error:
            yield Skipped(self.name, f"the video cannot be read ({_reason(error)})")

    def noticed(self) -> tuple[Noticed, ...]:
        """Return what was guessed or left out since this was last asked."""
        return self._notices.taken()

    def _opened(self, container: InputContainer, known: Callable[[int], bool]) -> Iterator[Frame | Skipped | Known]:
        stream = _video_stream(container)
        if stream is None:
            yield Skipped(self.name, "no video stream in this file")
            return
        if stream.codec_context.width * stream.codec_context.height > self._limits.max_pixels:
            yield Skipped(
                self.name, f"refused, its frames have more than {self._limits.max_pixels / 1e6:g} million pixels"
            )
            return
        start, notice = self._start(container)
        if notice:
            self._notices.add(Noticed(notice, where=self.name))
        items = paced(_decoded(container, stream, self.name), _pace(container, stream, self._fps))
        yield from self._thinned(items, start, known)

    def _thinned(
        self,
        items: Iterator[tuple[float, VideoFrame] | Skipped | Noticed],
        start: Stamp,
        known: Callable[[int], bool],
    ) -> Iterator[Frame | Skipped | Known]:
        due, thinned = -np.inf, 0
        for item in items:
            if isinstance(item, Noticed):
                self._notices.add(Noticed(item.what, item.count, self.name))
            elif isinstance(item, Skipped):
                yield item
            elif self._every_s is None or item[0] >= due - 1e-6:
                due = item[0] + (self._every_s or 0)
                yield self._frame(item[1], start, item[0], known)
            else:
                thinned += 1
        if thinned:
            what = f"a video frame left out, less than {self._every_s:g} s after another"
            self._notices.add(Noticed(what, thinned, self.name))

    def _frame(self, shown: VideoFrame, start: Stamp, second: float, known: Callable[[int], bool]) -> Frame | Known:
        time = start.time + np.timedelta64(round(second * 1e9), "ns")
        image = np.rot90(shown.to_ndarray(format="rgb24"), round(shown.rotation / 90))
        frame = Frame(
            image=np.ascontiguousarray(image, np.uint8),
            camera=self._camera,
            time=time,
            time_error_s=start.error_s,
            name=still_name(self._camera, time, zone(self._timezone or "UTC"), milliseconds=True),
            digest=content_id(np.ascontiguousarray(image).tobytes()),
        )
        return Known(frame.id) if known(frame.id) else frame

    def _start(self, container: InputContainer) -> tuple[Stamp, str]:
        """Return when the first frame was shown, and what is to be told about how that is known."""
        if self._given:
            return self._given, ""
        made, named = _creation(container), self._named
        if named is None:
            return (made, "") if made else (file_time(self._path), "a video's start taken from the file system")
        if made is None:
            return named, ""
        apart = abs(float((made.time - named.time) / np.timedelta64(1, "s")))
        length = float(container.duration or 0) / av.time_base + _MUXED_S
        if apart <= length:
            return named, ""
        if not (named.zoned or self._timezone) and _like_a_zone(apart, length):
            return made, "a video's start taken from the container: the name's clock is that of another time zone"
        return named, "a video's name and its container tell different times; the name's was taken (see --start)"


def _given(start: str, timezone: str | None) -> Stamp:
    try:
        return Stamp(to_utc(datetime.fromisoformat(start), zone(timezone or "UTC")), 0.5)
    except (ValueError, OverflowError) as error:
        raise SettingsError(f"start: no time {start!r}; write it as 2020-05-05T13:34:29-04:00") from error


def _camera(path: Path, named: Stamp | None) -> str:
    """Return the camera of a video: as stills have it, and where its name is nothing but a time, the folder's name."""
    stem, _ = split_ending(path.name)
    if named is None:
        return stem
    return camera_in_path(PurePath(path.name), named) or path.resolve().parent.name or stem


def _like_a_zone(apart_s: float, length_s: float) -> bool:
    rest = apart_s % _ZONE_STEP_S
    return apart_s <= _FARTHEST_ZONE_S + length_s and min(rest, _ZONE_STEP_S - rest) <= length_s


def _creation(container: InputContainer) -> Stamp | None:
    """Return the container's creation time; one without an offset is UTC, as the formats demand."""
    text = str(container.metadata.get("creation_time", ""))
    try:
        made = datetime.fromisoformat(text)
        time = to_utc(made, zone("UTC"))
    except (ValueError, OverflowError):
        return None
    return Stamp(time, _CONTAINER_ERROR_S, zoned=True) if time > _FIRST_VIDEO else None


def _pace(container: InputContainer, stream: VideoStream, fps: float | None) -> Pace:
    rate = fps or float(stream.average_rate or stream.guessed_rate or 0)
    return Pace(rate=rate, forced=fps is not None, shuffled="avi" in container.format.name)


def _video_stream(container: InputContainer) -> VideoStream | None:
    return container.streams.video[0] if container.streams.video else None


def _decoded(container: InputContainer, stream: VideoStream, name: str) -> Iterator[VideoFrame | Skipped]:
    """Decode packet by packet, so that a damaged one costs no more than itself."""
    stream.thread_type = "AUTO"
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            frames = packet.decode() if packet is not None else []
        except (av.FFmpegError, ValueError) as error:
            yield Skipped(name, f"damaged part of the video ({_reason(error)})")
            continue
        if packet is None:
            return
        for frame in frames:
            yield Skipped(name, "damaged frame of the video") if frame.is_corrupt else frame


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
