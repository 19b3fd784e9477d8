"""A folder, told and compared: `folder.py list PATH`, `folder.py compare PATH [SINCE]` with the other's list as input.

A line an entry: its path, and everything that has to be equal. Names and owners are names, as their numbers differ from
host to host. Printed by `compare`: how many entries are equal, added (only here), changed or removed (only there), and
how many of those that differ were changed on the other side since the time SINCE: they were written meanwhile.
"""

import grp
import hashlib
import json
import os
import pwd
import stat
import sys

EXAMPLES = 5


def name_of(number, ask):
    try:
        return ask(number)[0]
    except KeyError:
        return str(number)


def content_of(path, mode):
    """What is in it; None for what is not copied, such as a socket of a service that ran."""
    if stat.S_ISREG(mode):
        with open(path, "rb") as file:
            digest = hashlib.sha256()
            while chunk := file.read(1 << 20):
                digest.update(chunk)
            return digest.hexdigest()
    if stat.S_ISLNK(mode):
        return os.readlink(path)
    return "" if stat.S_ISDIR(mode) else None


def entries(top):
    """Path below the folder, what has to be equal, size, and when it was changed last; sorted by path.

    A folder that is a link itself is the one that it leads to.
    """
    top = os.path.realpath(top)
    for folder, inner, files in os.walk(top, onerror=raise_it):
        inner.sort()
        links = [name for name in inner if os.path.islink(os.path.join(folder, name))]
        for name in [".", *sorted(files), *links]:
            path = folder if name == "." else os.path.join(folder, name)
            try:
                found = os.lstat(path)
                content = content_of(path, found.st_mode)
            except FileNotFoundError:
                continue  # it went meanwhile
            if content is not None:
                owners = [name_of(found.st_uid, pwd.getpwuid), name_of(found.st_gid, grp.getgrgid)]
                size = found.st_size if stat.S_ISREG(found.st_mode) else 0
                what = [oct(found.st_mode), *owners, content]
                yield os.path.relpath(path, top), what, size, max(found.st_mtime, found.st_ctime)


def raise_it(error):
    raise error


def told(top):
    for entry in entries(top):
        print(json.dumps(entry))


def compared(top, since, lines):
    theirs = {path: (what, changed) for path, what, _, changed in map(json.loads, lines)}
    known, digest, files, size = set(), hashlib.sha256(), 0, 0
    added, changed, busy = [], [], 0
    for path, what, own_size, _ in entries(top):
        known.add(path)
        digest.update(f"{json.dumps([path, what])}\n".encode())
        files, size = files + stat.S_ISREG(int(what[0], 8)), size + own_size
        there = theirs.get(path)
        if there is None:
            added.append(path)
            busy += (theirs.get(os.path.dirname(path) or ".") or (0, since))[1] >= since
        elif there[0] != what:
            changed.append(path)
            busy += there[1] >= since
    removed = [path for path in theirs if path not in known]
    busy += sum(theirs[path][1] >= since for path in removed)
    found = {"added": len(added), "changed": len(changed), "removed": len(removed), "busy": busy}
    differ = len(added) + len(changed) + len(removed)
    examples = sorted([*added, *changed, *removed])[:EXAMPLES]
    said = {"files": files, "bytes": size, "checksum": digest.hexdigest(), "differ": differ, "examples": examples}
    print(json.dumps({**said, **found}))


if __name__ == "__main__":
    if sys.argv[1] == "list":
        told(sys.argv[2])
    else:
        compared(sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else float("inf"), sys.stdin)
