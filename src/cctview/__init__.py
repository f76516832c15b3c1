"""cctview: vehicle journeys across public traffic cameras.

What a program needs most stands here: the tables, the settings, the verbs as functions, the seams and the
errors. Everything is imported from its own module on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Libraries below report to their makers unless told not to before they are imported; whoever sets one decides.
for _switch in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK", "OTEL_SDK_DISABLED"):
    os.environ.setdefault(_switch, "true" if _switch == "OTEL_SDK_DISABLED" else "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

if TYPE_CHECKING:
    from cctview.aggregates import counts as counts
    from cctview.aggregates import travel_times as travel_times
    from cctview.detect import DetectSettings as DetectSettings
    from cctview.detect import load_detector as load_detector
    from cctview.embed import load_embedder as load_embedder
    from cctview.errors import CctviewError as CctviewError
    from cctview.errors import DownloadError as DownloadError
    from cctview.errors import FormatError as FormatError
    from cctview.errors import FrameError as FrameError
    from cctview.errors import InputError as InputError
    from cctview.errors import MissingError as MissingError
    from cctview.errors import MissingExtraError as MissingExtraError
    from cctview.errors import ModelError as ModelError
    from cctview.errors import ModelNotFoundError as ModelNotFoundError
    from cctview.errors import NetworkFileError as NetworkFileError
    from cctview.errors import PolicyError as PolicyError
    from cctview.errors import SettingsError as SettingsError
    from cctview.errors import SourceNotFoundError as SourceNotFoundError
    from cctview.errors import StoreChangedError as StoreChangedError
    from cctview.errors import StoreError as StoreError
    from cctview.errors import StoreMismatchError as StoreMismatchError
    from cctview.errors import StoreNotFoundError as StoreNotFoundError
    from cctview.errors import TableError as TableError
    from cctview.execute import SerialExecutor as SerialExecutor
    from cctview.execute import ThreadExecutor as ThreadExecutor
    from cctview.journeys import JourneySettings as JourneySettings
    from cctview.journeys import chain as chain
    from cctview.matching import BeliefMatcher as BeliefMatcher
    from cctview.matching import MatchSettings as MatchSettings
    from cctview.matching import NearestMatcher as NearestMatcher
    from cctview.matching import match as match
    from cctview.models import RuntimeSettings as RuntimeSettings
    from cctview.network import CameraNetwork as CameraNetwork
    from cctview.network import Link as Link
    from cctview.network import load_network as load_network
    from cctview.network import parse_network as parse_network
    from cctview.pipeline import RunReport as RunReport
    from cctview.pipeline import RunSettings as RunSettings
    from cctview.pipeline import run as run
    from cctview.privacy import Policy as Policy
    from cctview.seams import CameraProvider as CameraProvider
    from cctview.seams import Detector as Detector
    from cctview.seams import Embedder as Embedder
    from cctview.seams import Executor as Executor
    from cctview.seams import Matcher as Matcher
    from cctview.seams import Progress as Progress
    from cctview.seams import Source as Source
    from cctview.seams import Store as Store
    from cctview.seams import Tracker as Tracker
    from cctview.sim import SimSettings as SimSettings
    from cctview.sim import Simulation as Simulation
    from cctview.sim import simulate as simulate
    from cctview.sources import DecodeLimits as DecodeLimits
    from cctview.sources import open_source as open_source
    from cctview.store import SearchFilters as SearchFilters
    from cctview.store import check_store as check_store
    from cctview.store import create_store as create_store
    from cctview.store import open_store as open_store
    from cctview.tracking import RoadTracker as RoadTracker
    from cctview.tracking import SortTracker as SortTracker
    from cctview.tracking import TrackSettings as TrackSettings
    from cctview.tracking import find_breaks as find_breaks
    from cctview.tracking import track as track
    from cctview.types import Breaks as Breaks
    from cctview.types import Cameras as Cameras
    from cctview.types import Counts as Counts
    from cctview.types import Detections as Detections
    from cctview.types import Embeddings as Embeddings
    from cctview.types import Frame as Frame
    from cctview.types import Frames as Frames
    from cctview.types import Journeys as Journeys
    from cctview.types import Lanes as Lanes
    from cctview.types import Matches as Matches
    from cctview.types import Passages as Passages
    from cctview.types import Ragged as Ragged
    from cctview.types import Table as Table
    from cctview.types import Tracklets as Tracklets
    from cctview.types import TravelTimes as TravelTimes

    __version__: str

_HOME = {
    "BeliefMatcher": "matching",
    "Breaks": "types",
    "CameraNetwork": "network",
    "CameraProvider": "seams",
    "Cameras": "types",
    "CctviewError": "errors",
    "Counts": "types",
    "DecodeLimits": "sources",
    "DetectSettings": "detect",
    "Detections": "types",
    "Detector": "seams",
    "DownloadError": "errors",
    "Embedder": "seams",
    "Embeddings": "types",
    "Executor": "seams",
    "FormatError": "errors",
    "Frame": "types",
    "FrameError": "errors",
    "Frames": "types",
    "InputError": "errors",
    "JourneySettings": "journeys",
    "Journeys": "types",
    "Lanes": "types",
    "Link": "network",
    "MatchSettings": "matching",
    "Matcher": "seams",
    "Matches": "types",
    "MissingError": "errors",
    "MissingExtraError": "errors",
    "ModelError": "errors",
    "ModelNotFoundError": "errors",
    "NearestMatcher": "matching",
    "NetworkFileError": "errors",
    "Passages": "types",
    "Policy": "privacy",
    "PolicyError": "errors",
    "Progress": "seams",
    "Ragged": "types",
    "RoadTracker": "tracking",
    "RunReport": "pipeline",
    "RunSettings": "pipeline",
    "RuntimeSettings": "models",
    "SearchFilters": "store",
    "SerialExecutor": "execute",
    "SettingsError": "errors",
    "SimSettings": "sim",
    "Simulation": "sim",
    "SortTracker": "tracking",
    "Source": "seams",
    "SourceNotFoundError": "errors",
    "Store": "seams",
    "StoreError": "errors",
    "StoreChangedError": "errors",
    "StoreMismatchError": "errors",
    "StoreNotFoundError": "errors",
    "Table": "types",
    "TableError": "errors",
    "ThreadExecutor": "execute",
    "TrackSettings": "tracking",
    "Tracker": "seams",
    "Tracklets": "types",
    "TravelTimes": "types",
    "chain": "journeys",
    "check_store": "store",
    "counts": "aggregates",
    "create_store": "store",
    "find_breaks": "tracking",
    "load_detector": "detect",
    "load_embedder": "embed",
    "load_network": "network",
    "match": "matching",
    "open_source": "sources",
    "open_store": "store",
    "parse_network": "network",
    "run": "pipeline",
    "simulate": "sim",
    "track": "tracking",
    "travel_times": "aggregates",
}
__all__ = [
    "BeliefMatcher",
    "Breaks",
    "CameraNetwork",
    "CameraProvider",
    "Cameras",
    "CctviewError",
    "Counts",
    "DecodeLimits",
    "DetectSettings",
    "Detections",
    "Detector",
    "DownloadError",
    "Embedder",
    "Embeddings",
    "Executor",
    "FormatError",
    "Frame",
    "FrameError",
    "Frames",
    "InputError",
    "JourneySettings",
    "Journeys",
    "Lanes",
    "Link",
    "MatchSettings",
    "Matcher",
    "Matches",
    "MissingError",
    "MissingExtraError",
    "ModelError",
    "ModelNotFoundError",
    "NearestMatcher",
    "NetworkFileError",
    "Passages",
    "Policy",
    "PolicyError",
    "Progress",
    "Ragged",
    "RoadTracker",
    "RunReport",
    "RunSettings",
    "RuntimeSettings",
    "SearchFilters",
    "SerialExecutor",
    "SettingsError",
    "SimSettings",
    "Simulation",
    "SortTracker",
    "Source",
    "SourceNotFoundError",
    "Store",
    "StoreChangedError",
    "StoreError",
    "StoreMismatchError",
    "StoreNotFoundError",
    "Table",
    "TableError",
    "ThreadExecutor",
    "TrackSettings",
    "Tracker",
    "Tracklets",
    "TravelTimes",
    "chain",
    "check_store",
    "counts",
    "create_store",
    "find_breaks",
    "load_detector",
    "load_embedder",
    "load_network",
    "match",
    "open_source",
    "open_store",
    "parse_network",
    "run",
    "simulate",
    "track",
    "travel_times",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its module; say which version is installed as ``__version__``."""
    if name == "__version__":
        return import_module("importlib.metadata").version("cctview")
    if name not in _HOME:
        raise AttributeError(f"module 'cctview' has no attribute {name!r}")
    return getattr(import_module("cctview.extras").imported(f"cctview.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names and what modules have by themselves."""
    return sorted({*globals(), *__all__, "__version__"})
