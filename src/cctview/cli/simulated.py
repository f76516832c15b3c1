"""Verbs about simulated worlds: simulate, demo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cctview.cli.run import PURPOSE, Means, run_into
from cctview.cli.screen import Json, answer, interruptible, progress, say

if TYPE_CHECKING:
    from cctview.network import CameraNetwork
    from cctview.sim import Simulation
    from cctview.simulated import World

__all__ = ["register"]

Minutes = Annotated[float, typer.Option(help="How long the cameras watch.")]
Cameras = Annotated[int, typer.Option(help="Cameras, unless a network file names them.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same world.")]
Plan = Annotated[Path | None, typer.Option(help="Camera network file: cameras and the links between them.")]
_DEMO: dict[str, Any] = {"cameras": 6, "spacing_m": 600.0}


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (simulate, demo):
        app.command()(verb)


def simulate(
    out: Annotated[Path, typer.Argument(help="Folder for stills and truth, or a store to make (--store).")],
    world: Annotated[str, typer.Option(help="corridor, motorway or grid.")] = "corridor",
    network: Plan = None,
    minutes: Minutes = 3.0,
    cameras: Cameras = 4,
    seed: Seed = 7,
    traffic: Annotated[
        str, typer.Option(help="free, light, busy, heavy, jam, or vehicles per minute and direction.")
    ] = "busy",
    trajectories: Annotated[
        Path | None, typer.Option(help="SUMO's floating car data (--fcd-output) to drive along, in place of a world.")
    ] = None,
    light: Annotated[str, typer.Option(help="day, dusk or night.")] = "day",
    weather: Annotated[str, typer.Option(help="clear, overcast, rain, fog or glare.")] = "clear",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Any other setting, such as --set faults=0.1 --set width=704.")
    ] = None,
    stills: Annotated[bool, typer.Option(help="Draw the stills; without them hours take seconds.")] = True,
    store: Annotated[bool, typer.Option("--store", help="Make a store that holds the stills and the truth.")] = False,
    as_json: Json = False,
) -> None:
    """Simulate traffic before cameras: stills, and the truth about every vehicle in them."""
    from cctview import simulated
    from cctview.sim import setting

    named = {"world": world, "minutes": minutes, "cameras": cameras, "seed": seed, "light": light, "weather": weather}
    extra = dict(_pair(text) for text in settings or [])
    if trajectories:
        extra["trajectories"] = str(trajectories)
    simulation = _simulation({**named, "traffic": setting("traffic", traffic), **extra}, network)
    with interruptible(), progress() as bars:
        if store:
            truth = simulated.store_world(simulation, _new_store(out), progress=bars)
        else:
            truth = simulated.write_world(simulation, out, stills=stills, progress=bars)
    recorded = simulation.plan.recorded
    noticed = {"noticed": recorded.noticed} if recorded and recorded.noticed else {}
    answer({"written": str(out), **_sizes(truth), **noticed}, as_json=as_json)


def demo(
    data: Annotated[Path | None, typer.Option(help="Your own stills instead of simulated ones.")] = None,
    network: Plan = None,
    out: Annotated[Path, typer.Option(help="Where stills and store go.")] = Path("demo"),
    minutes: Annotated[float, typer.Option(min=0.5, help="How long the simulated cameras watch.")] = 10.0,
    serve: Annotated[bool, typer.Option(envvar="SERVE", help="Show the result in the browser at the end.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to show it on; 0 takes a free one.")] = 8080,
    as_json: Json = False,
) -> None:
    """Run the whole pipeline on a simulated riverside drive, or on your own stills, and show the result."""
    from cctview.network import load_network
    from cctview.sources import open_source

    stills, store = data or out / "stills", out / "store"
    world = None if data else _drawn(stills, minutes)
    plan = network or stills / "network.toml"
    roads = load_network(plan) if plan.exists() else None
    source = open_source(stills, usual_timezone=roads.timezone if roads else None)
    report = run_into(source, store, roads, Means(), as_json=as_json)
    if world is not None:
        _compared(world, store, out / "accuracy.json", as_json=as_json)
    if report.journeys:
        say(f"\nlook at them:    cctview journeys {store}")
        say(f"take them along: cctview export {store} --what journeys --format csv --out journeys.csv")
    if serve:
        from cctview.cli.serve import listen

        listen(store, port=port, host="127.0.0.1", page="follow?journey=best")


def _drawn(stills: Path, minutes: float) -> World | None:
    """Draw the demo's world into a folder; None when its stills are there already."""
    from cctview.sim import SimSettings
    from cctview.sim import simulate as simulation_of
    from cctview.simulated import write_world

    if (stills / "truth").exists():
        return None
    say(f"drawing {minutes:g} minutes of six simulated cameras into {stills}")
    with interruptible(), progress() as bars:
        return write_world(simulation_of(SimSettings(minutes=minutes, **_DEMO)), stills, progress=bars)


def _compared(world: World, store: Path, file: Path, *, as_json: bool) -> None:
    """Say how what was found compares with the truth, and keep the figures beside the store."""
    from cctview.evaluate.world import found_in, score_world
    from cctview.formats.files import write_text
    from cctview.store import open_store

    scores = score_world(world, found_in(open_store(store)))
    write_text(file, json.dumps(scores, indent=2) + "\n")
    if not as_json:
        say("\ncompared with the truth")
        answer(
            {name: {what: round(value, 3) for what, value in part.items()} for name, part in scores.items()},
            as_json=False,
        )


def _simulation(values: dict[str, Any], network: Path | None) -> Simulation:
    from cctview.network import load_network
    from cctview.sim import SimSettings
    from cctview.sim import simulate as simulation_of

    roads: CameraNetwork | None = load_network(network) if network else None
    return simulation_of(SimSettings(**values), roads)


def _pair(text: str) -> tuple[str, Any]:
    from cctview.errors import SettingsError
    from cctview.sim import setting

    name, given, value = text.partition("=")
    if not given:
        raise SettingsError(f"--set {text!r}: expected NAME=VALUE, such as faults=0.1")
    return name, setting(name, value)


def _new_store(path: Path) -> Any:
    from cctview.privacy import Policy
    from cctview.store import create_store

    return create_store(path, Policy.default(PURPOSE))


def _sizes(world: World) -> dict[str, Any]:
    return {
        "stills": len(world.tables.frames),
        "sightings": len(world.sightings),
        "tracklets": len(world.tables.tracklets),
        "journeys": len(world.journeys),
    }
