"""What is settled about a simulation before its first second: roads, cameras, their times, and all chance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cctview.errors import SettingsError
from cctview.naming import still_name, zone
from cctview.network import CameraNetwork, network_toml
from cctview.sim.cameras.pose import RoadCamera, beside_road
from cctview.sim.cameras.timetable import LIKE_VIDEO_BELOW_S, Timetable, timetable
from cctview.sim.settings import SimSettings
from cctview.sim.world.built_in import build_layout, recorded_layout
from cctview.sim.world.layout import Layout
from cctview.sim.world.mapping import layout_network
from cctview.sim.world.recorded import Recording, recording
from cctview.sim.world.road import Road
from cctview.sim.world.sumo import read_fcd

__all__ = ["Plan"]

TIMEZONE = "America/New_York"
_START = {"day": "2020-05-05T17:07:52", "dusk": "2020-05-06T00:02:10", "night": "2020-05-06T02:07:52"}


@dataclass(frozen=True)
class Plan:
    """A world fixed by its settings, and by the camera network the user gave, if any; each part is made when asked for.

    Raises SettingsError from the part that cannot be made: trajectories beside a network, a road too short.
    """

    settings: SimSettings
    given: CameraNetwork | None = None

    @cached_property
    def recorded(self) -> Recording | None:
        """Return the recorded trajectories vehicles drive along, if any."""
        if not self.settings.trajectories:
            return None
        if self.given is not None:
            raise SettingsError("trajectories lay their own road; leave out either them or the camera network")
        return recording(read_fcd(Path(self.settings.trajectories)))

    @cached_property
    def layout(self) -> Layout:
        """Return the roads and what stands along them."""
        if self.recorded is not None:
            return recorded_layout(self.recorded.road, self.settings)
        return build_layout(self.settings, self.given, self.rng("road"))

    @cached_property
    def cameras(self) -> tuple[str, ...]:
        """Return the camera ids."""
        return tuple(site.name for site in self.layout.sites)

    @cached_property
    def views(self) -> tuple[Road, ...]:
        """Return the road of each camera, with growing ``s`` ahead of it."""
        return self.layout.views()

    @cached_property
    def poses(self) -> tuple[RoadCamera, ...]:
        """Return where each camera hangs and looks."""
        size = (self.settings.width, self.settings.height)
        places = enumerate(zip(self.views, self.layout.sites, strict=True))
        return tuple(
            beside_road(road, self.layout.ahead(site), size, self.rng("camera", k)) for k, (road, site) in places
        )

    @cached_property
    def timetable(self) -> Timetable:
        """Return when each camera sends a still."""
        return timetable(self.settings, len(self.cameras), self.rng("timetable"), self.rng("faults"))

    @cached_property
    def network(self) -> CameraNetwork:
        """Return the camera network: the given one, or that of the generated world."""
        return layout_network(self.layout, TIMEZONE) if self.given is None else replace(self.given, timezone=TIMEZONE)

    @property
    def start(self) -> np.datetime64:
        """Return the moment, in UTC, of second 0."""
        return np.datetime64(_START[self.settings.light], "ns")

    def times(self, seconds: NDArray[np.floating]) -> NDArray[np.datetime64]:
        """Return the UTC times ``(N,)`` of seconds ``(N,)``."""
        return self.start + np.round(seconds * 1e9).astype("timedelta64[ns]")

    def name(self, camera: str, time: np.datetime64) -> str:
        """Return the file name of a still, without its ending."""
        video = self.settings.interval_s < LIKE_VIDEO_BELOW_S
        return still_name(camera, time, zone(TIMEZONE), milliseconds=video) + "--original"

    def network_toml(self) -> str:
        """Return the camera network file of this world."""
        return network_toml(self.network)

    def rng(self, purpose: str, number: int = 0) -> np.random.Generator:
        """Return the random numbers of one purpose, so that no part disturbs another."""
        return np.random.default_rng([self.settings.seed, number, *purpose.encode()])
