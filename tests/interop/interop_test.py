#!/usr/bin/python3 -B
"""The short half of the interop matrix: every peer that there is a package of, both roles, rekeys from both sides.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- 192.0.2.2 peer, LAN 10.2.0.1

The peer is strongSwan in a namespace, then a guest kernel in its place with strongSwan, libreswan and OpenIKED, one
after the other; scenes.py has the other places. The whole matrix: tests/interop/run --all.
(INT-001, IKE-001, PKI-001)
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "scenario")]

from story import say, story  # noqa: E402
from labkit.guest import Guest  # noqa: E402

import cases  # noqa: E402
import matrix  # noqa: E402
import report  # noqa: E402
import scenes  # noqa: E402

# timeout: 300


def played(bench, wanted, found, tell, logs):
    """Plays these cases, one after the other; their outcomes come into found, and are said as they come."""
    for case in wanted:
        try:
            outcome = bench.run(case)
        except (RuntimeError, OSError, KeyError, ValueError, matrix.wait.Timeout) as why:
            outcome = {deed: f"{matrix.FAILED}: {str(why)[:300]}" for deed in case.deeds()}
        bad = [f"{deed}: {said}" for deed, said in outcome.items() if said.startswith(matrix.FAILED)]
        say(f"{case.name()}: {'; '.join(bad) or outcome.get('outcome', 'ok')}")
        found[case] = {**outcome, "version": bench.peer.version() if bench.peer else ""}
        if bad and logs:
            print("\n".join(bench.lab.last_words(60)), flush=True)
        if tell:
            tell({case: found[case]})
        if bench.guest and not bench.guest.proc.alive():
            return


def in_namespace(lab, scene, wanted, found, tell, logs):
    place = scenes.Place(lab, scene)
    place.settle()
    played(matrix.Bench(lab, place), wanted, found, tell, logs)


def in_guest(lab, scene, wanted, found, tell, logs):
    place = scenes.Place(lab, scene)
    lab.configure_inside()
    guest = Guest(lab)
    guest.start(scenes.guest_address(scene))
    bench = matrix.Bench(lab, place, guest)
    try:
        played(bench, wanted, found, tell, logs)
        bench.part()
    finally:
        guest.stop()


def play(wanted, tell=None, logs=False):
    """(exit status of the labs, outcomes). tell: is given each outcome. logs: what fails is followed by the
    ends of all logs. A lab for each scene and kind of peer."""
    found, groups = {}, {}
    for case in wanted:
        groups.setdefault((case.scene, case.peer is cases.StrongSwan), []).append(case)
    status = 0 if groups else 1
    for (name, plain), some in groups.items():
        scene = scenes.SCENES[name]
        some.sort(key=lambda case: cases.PEERS.index(case.peer))
        act, world = (in_namespace, {}) if plain else (in_guest, {"peer": "none"})
        while some:  # again without what took the lab along
            status = story(nodes=1, edit=scene.edit, **world)(act)(scene, some, found, tell, logs) or status
            left = [case for case in some if case not in found]
            some = left if len(left) < len(some) else []
    return status, found


def failures(found):
    """Those that no note explains."""
    return [f"{case.name()}: {deed}: {said}" for case, outcome in found.items()
            for deed, said in outcome.items()
            if said.startswith(matrix.FAILED) and not report.note_of(case, deed)]


def main():
    pattern = sys.argv[1] if len(sys.argv) > 1 else ""
    with open(os.path.join(os.path.dirname(os.path.dirname(HERE)), "docs", "interop.md"), encoding="utf-8") as text:
        untold = report.missing(text.read())
    if untold:
        print("docs/interop.md is not of this matrix (tests/interop/run --all makes it): " + "; ".join(untold))
        return 1
    status, found = play(case for case in (cases.cases() if pattern else cases.short()) if pattern in case.name())
    if status == 0:
        bad = failures(found)
        say(f"{len(found)} cases, {len(bad)} failures")
        status = 1 if bad or not found else 0
        print("\n".join(bad))
    return status


if __name__ == "__main__":
    sys.exit(main())
