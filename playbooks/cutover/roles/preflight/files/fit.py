"""Do two sides fit? Read what all hosts said and what moves, as JSON; print every problem, and what was measured."""

import json
import sys

ROOM = 1.2  # of what moves
MOST_SECONDS = 2.0
OLDEST_POSTGRES = 12  # SHA-256 came with 11, and the text of a float is another before 12


def host_problems(name, look):
    if not look["is_root"]:
        yield f"{name}: whoever logs in cannot become root"
    for unit, there in look["units"].items():
        if not there:
            yield f"{name}: there is no service '{unit}'"
    for path, size in look["folders"].items():
        if size is None:
            yield f"{name}: there is no folder {path}, or it cannot be read"


def clock_problems(clocks):
    """A clock was read between two moments of ours, so it is known that exactly and no better."""
    surely = {name: (told - after, told - before) for name, (before, told, after) in clocks.items()}
    for one, (low, _) in surely.items():
        for other, (_, high) in surely.items():
            if low - high > MOST_SECONDS:
                yield f"the clock of {one} is {low - high:.1f} seconds or more ahead of that of {other}"


def file_problems(move, looks):
    size = looks[move["source"]]["folders"].get(move["path"])
    for target in move["targets"]:
        left = looks[target]["free"][move["target_path"]]
        if size is not None and size * ROOM > left:
            yield f"{target}: files {move['name']} need {size} bytes and a reserve, and {left} are free"


def database_problems(move, looks, wanted):
    source, target = looks[move["source"]], looks[move["target"]]
    if source["postgres"] is None or target["postgres"] is None:
        lacking = [move[side] for side in ("source", "target") if looks[move[side]]["postgres"] is None]
        yield from (f"{name}: PostgreSQL does not answer" for name in lacking)
        return
    found = source["databases"][move["database"]]
    if found is None:
        yield f"{move['source']}: there is no database '{move['database']}'"
        return
    major = wanted.get(move["source"], source["postgres"]["major"])
    if major < source["postgres"]["major"]:
        version = source["postgres"]["version"]
        yield f"{move['source']}: its PostgreSQL is {version}, and cannot be brought back to {major}"
    if major < OLDEST_POSTGRES:
        version = source["postgres"]["version"]
        yield (
            f"{move['source']}: its PostgreSQL is {version}, and only {OLDEST_POSTGRES} or newer is moved: "
            "say in `postgresMajor` which it is to be brought to, or bring it there before"
        )
    if target["postgres"]["major"] < OLDEST_POSTGRES:
        version = target["postgres"]["version"]
        yield f"{move['target']}: its PostgreSQL is {version}, and only to {OLDEST_POSTGRES} or newer is moved"
    if target["postgres"]["major"] < major:
        versions = f"{target['postgres']['version']}, older than {major} of {move['source']}"
        yield f"{move['target']}: its PostgreSQL is {versions}"
    for name in found["extensions"]:
        if name not in target["postgres"]["extensions"]:
            yield f"{move['target']}: extension '{name}' of database '{move['database']}' is not installed"
    if found["bytes"] * ROOM > target["postgres"]["free"]:
        yield (
            f"{move['target']}: database '{move['database']}' needs {found['bytes']} bytes and a reserve, "
            f"and {target['postgres']['free']} are free"
        )


def measured(told):
    looks = told["looks"]
    for name, look in looks.items():
        postgres = f", postgresql {look['postgres']['version']}" if look["postgres"] else ""
        yield f"versions of {name}", f"{look['system']}, rsync {look['rsync'] or 'none'}{postgres}"
    for name, (before, clock, after) in told["clocks"].items():
        yield f"clock of {name}", f"{clock - (before + after) / 2:+.1f} seconds, known to {(after - before) / 2:.1f}"
    for move in told["files"]:
        yield f"bytes of files {move['name']}", str(looks[move["source"]]["folders"].get(move["path"]))
        for target in move["targets"]:
            yield f"space for files {move['name']} on {target}", str(looks[target]["free"][move["target_path"]])
    for move in told["databases"]:
        if (found := looks[move["source"]]["databases"][move["database"]]) and looks[move["target"]]["postgres"]:
            yield f"bytes of database {move['name']}", str(found["bytes"])
            yield f"space for database {move['name']}", str(looks[move["target"]]["postgres"]["free"])


def main():
    told = json.load(sys.stdin)
    looks, problems = told["looks"], []
    for name, look in looks.items():
        problems += host_problems(name, look)
    problems += clock_problems(told["clocks"])
    for move in told["files"]:
        problems += file_problems(move, looks)
    for move in told["databases"]:
        problems += database_problems(move, looks, told["majors"])
    print(json.dumps({"problems": problems, "measured": dict(measured(told))}))


main()
