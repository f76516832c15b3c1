"""Video files, with the real time of each frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePath

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from cctview.errors import SettingsError
from cctview.naming import still_name, zone
from cctview.network import CameraNetwork
from cctview.sources.decode import DecodeLimits
from cctview.sources.source import Known, Skipped
from cctview.sources.times import Stamp, file_time, name_time
from cctview.types import Frame, content_id

__all__ = ["VideoSource"]

_FIRST_VIDEO = np.datetime64("1990-01-01")  # containers without a clock say 1904 or 1970
_CONTAINER_ERROR_S = 1.0


class VideoSource:
    """The frames of one video file in the order they are shown.

    A frame's time is its presentation time after the start, which is the container's creation time,
    else the time in the file's name, else the file's own time. ``every_s`` keeps the first frame of
    each so many seconds. The camera is the file's stem unless given.
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
        limits: DecodeLimits | None = None,
    ) -> None:
        """Raise SettingsError unless ``every_s`` is positive."""
        if every_s is not None and not every_s > 0:
            raise SettingsError(f"every_s must be more than 0 seconds, got {every_s:g}")
        self.name = str(path)
        self._path = path
        self._timezone = timezone
        self._camera = camera or path.stem
        self._every_s = every_s
        self._limits = limits or DecodeLimits()

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
        start = _start(container, self._path, self._timezone)
        due = -np.inf
        for item in _decoded(container, stream, self.name):
            if isinstance(item, Skipped):
                yield item
            elif item.time >= due:
                due = item.time + (self._every_s or 0) - 1e-6
                yield self._frame(item, start, known)

    def _frame(self, shown: VideoFrame, start: Stamp, known: Callable[[int], bool]) -> Frame | Known:
        time = start.time + np.timedelta64(round(shown.time * 1e9), "ns")
        image = np.ascontiguousarray(shown.to_ndarray(format="rgb24"), np.uint8)
        frame = Frame(
            image=image,
            camera=self._camera,
            time=time,
            time_error_s=start.error_s,
            name=still_name(self._camera, time, zone(self._timezone or "UTC"), milliseconds=True),
            digest=content_id(image.tobytes()),
        )
        return Known(frame.id) if known(frame.id) else frame


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
            usable = frame.pts is not None and not frame.is_corrupt
            yield frame if usable else Skipped(name, "damaged frame of the video, or one without a time")


def _start(container: InputContainer, path: Path, timezone: str | None) -> Stamp:
    text = str(container.metadata.get("creation_time", ""))
    try:
        made = datetime.fromisoformat(text)
        stamp = Stamp(np.datetime64(made.astimezone(UTC).replace(tzinfo=None), "ns"), _CONTAINER_ERROR_S)
    except (ValueError, OverflowError):
        stamp = None
    if stamp and stamp.time > _FIRST_VIDEO:
        return stamp
    return name_time(PurePath(path.name), timezone) or file_time(path)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
