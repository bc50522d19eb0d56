#!/usr/bin/python3 -B
"""The short half of the interop matrix: every peer that there is a package of, both roles, rekeys from both sides.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- 192.0.2.2 peer, LAN 10.2.0.1

The peer is strongSwan in a namespace, then a guest kernel in its place with strongSwan, libreswan and OpenIKED, one
after the other. The whole matrix: tests/interop/run --all. (INT-001, IKE-001, PKI-001)
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "scenario")]

from story import claim, say, story  # noqa: E402
from labkit.guest import Guest  # noqa: E402

import matrix  # noqa: E402

# timeout: 300


def played(bench, wanted):
    """{case: outcomes} of these cases, one after the other; said as they come."""
    found = {}
    for case in wanted:
        try:
            outcome = bench.run(case)
        except (RuntimeError, matrix.wait.Timeout) as why:
            outcome = {deed: f"{matrix.FAILED}: {str(why)[:300]}" for deed in matrix.DEEDS}
        bad = [f"{deed}: {said}" for deed, said in outcome.items() if said.startswith(matrix.FAILED)]
        say(f"{case.name()}: {'ok' if not bad else '; '.join(bad)}")
        found[case] = {**outcome, "version": bench.peer.version() if bench.peer else ""}
    return found


@story(nodes=1)
def in_namespace(lab, wanted, found):
    found.update(played(matrix.Bench(lab), wanted))


@story(nodes=1, peer="none")
def in_guest(lab, wanted, found):
    lab.configure_inside()
    guest = Guest(lab)
    guest.start("192.0.2.2/24")
    bench = matrix.Bench(lab, guest)
    try:
        found.update(played(bench, wanted))
        bench.part()
    finally:
        guest.stop()


def play(wanted):
    """(exit status of the labs, outcomes)."""
    found = {}
    wanted = list(wanted)
    groups = ((in_namespace, [c for c in wanted if c.peer is matrix.peers.StrongSwan]),
              (in_guest, [c for c in wanted if c.peer is not matrix.peers.StrongSwan]))
    status = max([tell(some, found) for tell, some in groups if some], default=1)
    return status, found


def failures(found):
    return [f"{case.name()}: {deed}: {said}" for case, outcome in found.items()
            for deed, said in outcome.items() if said.startswith(matrix.FAILED)]


def main():
    pattern = sys.argv[1] if len(sys.argv) > 1 else ""
    with open(os.path.join(os.path.dirname(os.path.dirname(HERE)), "docs", "interop.md"), encoding="utf-8") as text:
        untold = matrix.missing(text.read())
    if untold:
        print("docs/interop.md is not of this matrix (tests/interop/run --all makes it): " + "; ".join(untold))
        return 1
    status, found = play(case for case in (matrix.cases() if pattern else matrix.short()) if pattern in case.name())
    if status == 0:
        bad = failures(found)
        say(f"{len(found)} cases, {len(bad)} failures")
        status = 1 if bad or not found else 0
        print("\n".join(bad))
    return status


if __name__ == "__main__":
    sys.exit(main())
