"""Counters are named in one place: whoever reads one by name, here or in the other process, names
one that exists."""

import re

import tree

STATS = "dataplane/stats.h"
READERS = ("control/host/statistics.c",)


def main():
    names = set(re.findall(r'X\(\w+, "([^"]+)"\)', "\n".join(tree.lines(STATS))))
    faults = []
    for path in READERS:
        seen = set()
        for number, line in enumerate(tree.lines(path), 1):
            for name in re.findall(r'LINE\("([^"]+)"', line):
                if name not in names:
                    faults.append(f"{path}:{number}: no counter is called {name}")
                if name in seen:
                    faults.append(f"{path}:{number}: {name} would be counted twice")
                seen.add(name)
    tree.report(faults, list(READERS))


main()
