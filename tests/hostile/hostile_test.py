#!/usr/bin/python3 -B
"""A peer that means no good: hundreds of messages that are malformed, forged or out of order, in both roles.

The tables are rows_*.py: what is sent, and what must come of it. After each case a good peer is served at once,
and when all are over tandemd holds what it held before: IKE SAs, half-open ones, octets of memory.
(ground.py draws the topology; DOS-001, ENG-010)

    hostile_test.py [PATTERN]      only the cases whose name holds it, with every mismatch listed
"""
# timeout: 120

import sys
import time

from ground import Ground, configuration  # first: it finds the rest of the tests
import rows_auth
import rows_init
import rows_up
import wire
from sender import Silence
from story import claim, same, say, story

GOOD_PEER_S = 1.0
LEAK_OCTETS = 256 * 1024  # tables that grew and what malloc keeps at hand are 75 KB; a leak is of each case
RSS_OCTETS = 4 << 20


class Wrong(Exception):
    """What came of a case is not what its row says."""


def shown(payloads):
    notify = wire.find(payloads, wire.NOTIFY)
    return wire.name_of(wire.read_notify(notify)[0]) if notify else None


def errors(payloads):
    """The first error among the notifications, by name."""
    for p in payloads:
        if p.type == wire.NOTIFY:
            kind, _ = wire.read_notify(p.body)
            if kind < 16384:
                return wire.name_of(kind)
    return None


def sent(made):
    return made if isinstance(made, list) else [made]


class Arena:
    """Runs one case after the other."""

    def __init__(self, ground):
        self.ground = ground
        self.slowest = 0

    def run(self, stage, send, want):
        self.ground.attacker.drain()
        s = self.ground.session()
        if stage != "init":
            s.init()
        if stage == "up":
            _, payloads = s.ask(wire.AUTH_X, s.auth_payloads())
            if wire.find(payloads, wire.AUTH) is None:
                raise Wrong(f"the case could not begin: {errors(payloads)}")
            s.peer_child_spi = wire.find(payloads, wire.SA)[8:12]
        before = self.ground.held()
        for octets in sent(send(s)):
            self.ground.attacker.send(octets)
        (self.answered if want.answered else self.silent)(stage, s, want)
        self.serve()
        if want.counter:
            self.counted(want.counter, before)

    def counted(self, counter, before):
        if self.ground.held()[counter] == before[counter]:
            raise Wrong(f"{counter} did not rise")

    def serve(self):
        began = time.monotonic()
        self.ground.serve_good_peer()
        self.slowest = max(self.slowest, time.monotonic() - began)

    def silent(self, stage, s, _):
        """A good peer is served first: what came would have come before that."""
        self.serve()
        came = [o for o in self.ground.attacker.drain()
                if len(o) >= wire.HEADER and wire.read_header(o)[0].flags & wire.RESPONSE]
        if came:
            raise Wrong(f"answered with {self.describe(s, came[0])}")
        if stage == "auth":
            _, payloads = s.ask(wire.AUTH_X, s.auth_payloads())
            if wire.find(payloads, wire.AUTH) is None:
                raise Wrong(f"a good IKE_AUTH afterwards is refused: {errors(payloads)}")
        elif stage == "up" and not s.is_alive():
            raise Wrong("the IKE SA is gone")

    def answered(self, stage, s, want):
        if stage == "init":
            octets = s.wait(lambda h, _: h.exchange == wire.INIT and h.flags & wire.RESPONSE)
            header, first = wire.read_header(octets)
            payloads = wire.read_chain(first, octets[wire.HEADER:])
            if (wire.find(payloads, wire.SA) is None) != (not want.alive):
                raise Wrong(f"answered with {shown(payloads)}")
        else:
            mid = s.mid
            s.mid += 1
            _, payloads = s.answer_to(mid)
        if errors(payloads) not in (want.notify if isinstance(want.notify, tuple) else (want.notify,)):
            raise Wrong(f"answered with {errors(payloads)}")
        if stage != "init":
            self.after_answer(s, want)

    def after_answer(self, s, want):
        if want.alive:
            if not s.is_alive():
                raise Wrong("the IKE SA is gone")
            return
        s.port.send(s.sealed(wire.INFO, []))
        self.serve()
        if self.ground.attacker.drain():
            raise Wrong("the IKE SA is still alive")

    @staticmethod
    def describe(s, octets):
        try:
            header, first = wire.read_header(octets)
            payloads = (wire.read_chain(first, octets[wire.HEADER:]) if header.exchange == wire.INIT
                        else s.keys.open(octets)[1])
            return f"exchange {header.exchange}, message ID {header.mid}, {errors(payloads)}"
        except (ValueError, AttributeError):
            return octets.hex()


def cases(pattern):
    """(name, stage, send, want). Those that leave IKE SAs behind come first: they have time to go."""
    found = [(f"{stage}: {category}: {what}", stage, send, want)
             for stage, table in (("up", rows_up.TABLE), ("auth", rows_auth.TABLE), ("init", rows_init.TABLE))
             for category, rows in table.items() for what, send, want in rows]
    return [case for case in found if pattern in case[0]]


def responder(ground, pattern):
    """Every row; returns what did not hold."""
    arena, broken, count = Arena(ground), [], 0
    for name, stage, send, want in cases(pattern):
        count += 1
        try:
            if want is None:
                raise Wrong("its row says nothing")
            arena.run(stage, send, want)
        except (Wrong, Silence) as why:
            broken.append(f"{name}: {why}")
            say(f"BROKEN {broken[-1]}")
    say(f"{count} cases as the responder; the slowest service of a good peer took {arena.slowest:.3f} s")
    return broken, count, arena.slowest


@story(nodes=1, workers=1, peer="none", edit=lambda _: configuration(0))
def main(lab):
    ground = Ground(lab)
    try:
        tell(ground, sys.argv[1] if len(sys.argv) > 1 else "")
    finally:
        ground.close()


def tell(ground, pattern):
    for _ in range(3):
        base = ground.settle()
    rss = ground.rss_octets()
    broken, count, slowest = responder(ground, pattern)
    ground.claim_same_daemons()
    same(broken, [], "cases that came out otherwise")
    claim(count >= 150 or pattern, f"{count} cases as the responder")
    claim(slowest < GOOD_PEER_S, f"a good peer was always served within {GOOD_PEER_S} s")
    end = ground.settle()
    grown = end["memory_octets"] - base["memory_octets"]
    claim(grown < LEAK_OCTETS, f"memory in use grew by {grown} octets")
    claim(ground.rss_octets() - rss < RSS_OCTETS, f"resident memory grew by {ground.rss_octets() - rss} octets")


sys.exit(main())
