"""Examples of the names that are read, by the software that writes them: what the docs show and the tests hold."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PATTERNS", "Pattern"]


@dataclass(frozen=True)
class Pattern:
    """A path below the folder that is read, the UTC time and the camera that it tells; "" where it tells none.

    Clock times without an offset are taken as UTC here, and as those of New York in the original's names.
    """

    software: str
    path: str
    time: str
    camera: str = ""


PATTERNS = (
    Pattern(
        "cctview, CCTView 2020", "733-681-N--2020-05-05--13.34.29--original.jpeg", "2020-05-05T17:34:29", "733-681-N"
    ),
    Pattern(
        "cctview, CCTView 2020",
        "733-681-N/13.34/733-681-N--2020-05-05--13.34.29--original.jpeg",
        "2020-05-05T17:34:29",
        "733-681-N",
    ),
    Pattern("Frigate recordings", "recordings/2020-05-05/13/front/34.29.mp4", "2020-05-05T13:34:29", "front"),
    Pattern("Frigate recordings", "recordings/2020-05/05/13/front/34.29.mp4", "2020-05-05T13:34:29", "front"),
    Pattern("Frigate snapshots", "clips/front-1588685669.123456-k3x9qz.jpg", "2020-05-05T13:34:29.123456", "front"),
    Pattern("motionEye", "Camera1/2020-05-05/13-34-29.jpg", "2020-05-05T13:34:29", "Camera1"),
    Pattern("Motion", "01-20200505133429-00.jpg", "2020-05-05T13:34:29"),
    Pattern("Motion", "north/01-20200505133429-snapshot.jpg", "2020-05-05T13:34:29", "north"),
    Pattern("Reolink", "RLC-410_00_20200505133429.jpg", "2020-05-05T13:34:29", "RLC-410_00"),
    Pattern(
        "Reolink",
        "Mp4Record/2020-05-05/RecM01_20200505_133429_133459_0_6D28808.mp4",
        "2020-05-05T13:34:29",
        "Mp4Record",
    ),
    Pattern("Viseron", "recordings/front/2020-05-05/13:34:29.jpg", "2020-05-05T13:34:29", "front"),
    Pattern("Viseron", "front/2020-05-05/13:34:29.123456.jpg", "2020-05-05T13:34:29.123456", "front"),
    Pattern("Blue Iris", "Cam1.20200505_133429.123.jpg", "2020-05-05T13:34:29.123", "Cam1"),
    Pattern("Shinobi", "2020-05-05T13-34-29.mp4", "2020-05-05T13:34:29"),
    Pattern("ZoneMinder", "events/7/20/05/05/13/34/29/00001-capture.jpg", "2020-05-05T13:34:29", "7"),
    Pattern("Hikvision", "192.168.1.64_01_20200505133429123_TIMING.jpg", "2020-05-05T13:34:29.123", "192.168.1.64_01"),
    Pattern("Dahua, Amcrest", "AMC0001/2020-05-05/001/jpg/13/34/29[M][0@0][0].jpg", "2020-05-05T13:34:29", "AMC0001"),
    Pattern(
        "Dahua, Amcrest",
        "AMC0001/2020-05-05/001/dav/13/13.34.29-13.35.00[M][0@0][0].dav",
        "2020-05-05T13:34:29",
        "AMC0001",
    ),
    Pattern("Synology", "Gate-20200505-133429.jpg", "2020-05-05T13:34:29", "Gate"),
    Pattern(
        "511NY, NYC DOT",
        "5f1c2d3e-aaaa-4bbb-8ccc-1588012345ab_1588685669.jpg",
        "2020-05-05T13:34:29",
        "5f1c2d3e-aaaa-4bbb-8ccc-1588012345ab",
    ),
    Pattern("collectors", "1001-2020_05_05_133429.jpg", "2020-05-05T13:34:29", "1001"),
    Pattern("collectors", "cam7/2020/05/05/13/34/29/still.jpg", "2020-05-05T13:34:29", "cam7"),
    Pattern("collectors", "00_1588685669620.jpg", "2020-05-05T13:34:29.620", "00"),
    Pattern("collectors", "1588685669620123456.jpg", "2020-05-05T13:34:29.620123456"),
    Pattern("collectors", "A40-West 2020-05-05 13h34m29s.jpg", "2020-05-05T13:34:29", "A40-West"),
    Pattern("strftime, ISO 8601", "M25_20200505T133429Z.jpg", "2020-05-05T13:34:29", "M25"),
    Pattern("strftime, ISO 8601", "20200505T133429-0400.jpg", "2020-05-05T17:34:29"),
    Pattern("strftime, ISO 8601", "20200505T133429.250+0530.jpg", "2020-05-05T08:04:29.250"),
    Pattern("offset without a colon", "2020-05-05T13-34-29-04-00.jpg", "2020-05-05T17:34:29"),
    Pattern("offset without a colon", "2020-05-05_13-34-29_UTC+2.jpg", "2020-05-05T11:34:29"),
    Pattern("12-hour clock", "2020-05-05 11.34.29 PM.jpg", "2020-05-05T23:34:29"),
    Pattern("12-hour clock", "20200505_123429AM.jpg", "2020-05-05T00:34:29"),
    Pattern("macOS", "Screen Shot 2020-05-05 at 1.34.29 p.m..png", "2020-05-05T13:34:29"),
    Pattern("iOS", "Photo 2020-05-05, 13 34 29.jpg", "2020-05-05T13:34:29"),
    Pattern("Android, Pixel", "PXL_20200505_133429123.MP.jpg", "2020-05-05T13:34:29.123"),
    Pattern("Android, Samsung", "20200505_133429(0).jpg", "2020-05-05T13:34:29"),
    Pattern("Windows Phone", "WP_20200505_13_34_29_Pro.jpg", "2020-05-05T13:34:29"),
    Pattern("Immich", "2020/2020-05-05/IMG_20200505_133429.jpg", "2020-05-05T13:34:29"),
    Pattern("Signal", "signal-2020-05-05-13-34-29-123.jpg", "2020-05-05T13:34:29.123"),
    Pattern("Telegram", "photo_2020-05-05_13-34-29.jpg", "2020-05-05T13:34:29"),
    Pattern("WhatsApp", "WhatsApp Image 2020-05-05 at 13.34.29.jpeg", "2020-05-05T13:34:29"),
    Pattern("Dropbox", "2020-05-05 13.34.29-1.jpg", "2020-05-05T13:34:29"),
    Pattern("DJI", "DJI_20200505133429_0001_D.JPG", "2020-05-05T13:34:29"),
    Pattern("dash cameras", "2020_0505_133429_001.MP4", "2020-05-05T13:34:29"),
    Pattern("Tesla", "2020-05-05_13-34-29-left_repeater.mp4", "2020-05-05T13:34:29", "left_repeater"),
    Pattern(
        "day first, where no other reading is possible", "gate 25-12-2020 13.34.29.jpg", "2020-12-25T13:34:29", "gate"
    ),
    Pattern("wget", "M25-20200505T133429Z.jpg.1", "2020-05-05T13:34:29", "M25"),
    Pattern("wget", "M25-20200505T133429Z.jpg?t=1", "2020-05-05T13:34:29", "M25"),
    Pattern("no time: taken from EXIF, else from the file", "IMG-20200505-WA0001.jpg", ""),
    Pattern("no time: taken from EXIF, else from the file", "frame_000123.jpg", ""),
    Pattern("no time: day and month could be either", "gate 05-06-2020 13.34.29.jpg", ""),
)
