"""`ettwin need`: how much computing that is, in cores, GPUs, HS06, trigger farms, MW, EUR and tCO2e a year."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboards.terminal import USAGE, Json, Set, With, fail, result, result_json

if TYPE_CHECKING:
    import pandas as pd

    from twin.requirements.pools import Held
    from twin.requirements.uncertain import Chance

What = Annotated[
    str, typer.Argument(metavar="RUN|SCENARIO", help="A run directory, or a scenario (only what is installed).")
]
FarmSize = Annotated[
    float | None,
    typer.Option("--farm-mhs06", metavar="MHS06", help="Size of a trigger farm; by default all known ones."),
]
Draws = Annotated[int, typer.Option("--seed", help="Chance of the draws behind ranges.", min=0, max=10**18 - 1)]


def need(
    what: What,
    with_: With = None,
    set_: Set = None,
    farm_mhs06: FarmSize = None,
    chain: Annotated[bool, typer.Option("--chain", help="Also the chain of ET-PP D8.1, beside the twin.")] = False,
    break_even: Annotated[
        bool, typer.Option("--break-even", help="Also when training pays, for every learned workload.")
    ] = False,
    speed_up: Annotated[
        bool, typer.Option("--speed-up", help="Also the speed-up of every stage and of the whole.")
    ] = False,
    projection: Annotated[
        bool, typer.Option("--projection", help="Also how it moves up to 2050, and what moves it most.")
    ] = False,
    demand: Annotated[
        bool, typer.Option("--demand", help="Also a month of parameter estimation, beside what is published.")
    ] = False,
    seed: Draws = 1,
    json: Json = False,
) -> None:
    """Say how much computing a run or a scenario is, in planners' units, each with its range and standing."""
    from twin.requirements.pools import RequirementsError
    from twin.requirements.uncertain import Chance

    if farm_mhs06 is not None and not 0 < farm_mhs06 < math.inf:
        fail(f"--farm-mhs06 {farm_mhs06:g}: allowed: above 0, such as 37", USAGE)
    chance = Chance(seed)
    wanted = {"chain": chain, "break_even": break_even, "speed_up": speed_up, "projection": projection}
    wanted["demand"] = demand
    try:
        pools, told = _pools(what, with_, set_)
        parts = [_need(pools, told, chance, farm_mhs06)]
        parts += [_PARTS[name](pools, chance, farm_mhs06) for name, asked in wanted.items() if asked]
    except RequirementsError as error:
        fail(str(error), USAGE)
    if json:
        content = {name: value for found, _ in parts for name, value in found.items()}
        result_json({"about": told, "seed": seed, **content})
    else:
        result("\n\n".join(text for _, text in parts))


Found = tuple[dict[str, Any], str]
"""A part of the answer, as JSON and as text."""


def _pools(what: str, with_: list[str] | None, set_: list[str] | None) -> tuple[list[Held], str]:
    from twin import words
    from twin.requirements import pools

    _refuse_comparison(Path(what))
    if Path(what).is_dir():
        import twin

        if with_ or set_:
            fail(f"{what} is a run, which cannot be changed: leave --with and --set out", USAGE)
        record = twin.open(Path(what))
        done = words.count(record.scenario.replicas, "replica")
        about = f"{record.scenario.name}: a run of {words.duration(record.scenario.horizon)} in {done}"
        return pools.of_record(record), f"{about}, seed {record.seed}"
    from twin.loader import load

    scenario = load(what, with_ or (), set_ or ())
    return pools.of_scenario(scenario), f"{scenario.name}: the scenario's pools; nothing was run"


def _refuse_comparison(folder: Path) -> None:
    """A comparison holds several scenarios and no run."""
    from twin.studies import kept

    if (folder / kept.FILE).is_file():
        cases = ", ".join(str(path) for path in sorted(folder.glob("*.yaml")))
        fail(
            f"{folder} is a comparison of several cases: give one for what it has installed ({cases}); for "
            "what it uses, 'ettwin run' that one first",
            USAGE,
        )


def _need(pools: list[Held], told: str, chance: Chance, farm_mhs06: float | None) -> Found:
    from dashboards import need as told_as
    from twin.requirements.table import answer

    found = answer(pools, chance, farm_mhs06)
    content = {"rows": _plain(found.table), "inputs": _plain(found.inputs), "notes": list(found.notes)}
    return content, told_as.text(found, told)


def _chain(pools: list[Held], chance: Chance, farm_mhs06: float | None) -> Found:
    from dashboards import need as told_as
    from twin.requirements import chain
    from twin.requirements.table import frame

    found = chain.Chain()
    beside = frame(chain.beside(pools, chance, farm_mhs06))
    warning = chain.warning(chance)
    in_cores = chain.meant(found, chance, farm_mhs06)
    content = {
        "steps": _plain(found.table),
        "farms": str(found.farms),
        "in_cores": _plain(in_cores),
        "twin": _plain(beside),
        "warning": warning,
    }
    return {"chain": content}, told_as.chain(found, in_cores, beside, warning)


def _break_even(pools: list[Held], chance: Chance, farm_mhs06: float | None) -> Found:
    from dashboards import need as told_as
    from twin.requirements import breakeven, scale

    table, published = breakeven.table(chance), scale.table((scale.DINGO,), chance)
    content = {"break_even": _plain(table), "break_even_published": _plain(published)}
    return content, told_as.break_even(table, published)


def _speed_up(pools: list[Held], chance: Chance, farm_mhs06: float | None) -> Found:
    from dashboards import need as told_as
    from twin.requirements import parts

    content, texts = {}, []
    for after in ("full-ml", "hybrid"):
        table = parts.table(parts.parts("matched-filter", after, chance), chance)
        content[after] = _plain(table)
        texts.append(told_as.speed_up(table, "matched-filter", after))
    return {"speed_up": content}, "\n\n".join(texts)


def _projection(pools: list[Held], chance: Chance, farm_mhs06: float | None) -> Found:
    from dashboards import need as told_as
    from twin.requirements import projection

    today, year = projection.base(pools), projection.YEARS[0]
    band = projection.band(today, chance)
    tornados = {name: projection.tornado(today, name, chance, year) for name in projection.UNITS}
    content = {"band": _plain(band), "tornado": {name: _plain(table) for name, table in tornados.items()}}
    return {"projection": {"tornado_year": year, **content}}, told_as.projection(band, tornados, year)


def _demand(pools: list[Held], chance: Chance, farm_mhs06: float | None) -> Found:
    from dashboards import need as told_as
    from twin.requirements import demand

    table = demand.table(chance)
    return {"demand": _plain(table)}, told_as.demand(table)


_PARTS = {
    "chain": _chain,
    "break_even": _break_even,
    "speed_up": _speed_up,
    "projection": _projection,
    "demand": _demand,
}


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows for JSON, which has no number for what is infinite or not there."""
    return [
        {
            str(key): None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in row.items()
        }
        for row in table.to_dict("records")
    ]
