#!/usr/bin/python3 -B
"""A peer that means no good: hundreds of messages that are malformed, forged or out of order, in both roles.

The tables are rows_*.py: what is sent, and what must come of it. After each case a good peer is served at once,
and when all are over tandemd holds what it held before: IKE SAs, half-open ones, octets of memory.
(ground.py draws the topology; DOS-001, ENG-010)

    hostile_test.py [PATTERN]      only the cases whose name holds it, with every mismatch listed
"""
# timeout: 300

import os
import sys
import time

from ground import COOKIES_ABOVE, Ground, configuration  # first: it finds the rest of the tests
import rows_auth
import rows_cert
import rows_fake
import rows_init
import rows_up
import wire
from control import CLEAR_IKE, REKEY_IKE, REKEY_IPSEC, field
from fake import Fake
from papers import CertFake, Certified, Papers
from sender import Silence
from story import claim, same, say, story
from labkit import wait

GOOD_PEER_S = 3.0  # a set-up takes 0.02 s; a busy machine may hold it up
SOON_S = 5  # what a thread judges is done when it is done, a good peer's set-up or not
LEAK_OCTETS = 256 * 1024  # tables that grew and what malloc keeps at hand are 75 KB; a leak is of each case
RSS_OCTETS = 4 << 20


CERTIFIED = "IKE_AUTH with certificates"
CALLED = {**rows_fake.TABLE, CERTIFIED: rows_cert.CALLED}  # the last ones have gateways of their own kind
CALLS = sum(map(len, CALLED.values()))


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


# We do not compress (NOT-003), have a window of one, and fetch no certificates (RFC 7296 2.3, 2.22, 3.6).
NEVER_SAID = ("IPCOMP_SUPPORTED", "SET_WINDOW_SIZE", "HTTP_CERT_LOOKUP_SUPPORTED")


def promised(payloads):
    """What no answer of ours may hold."""
    kinds = [wire.name_of(wire.read_notify(p.body)[0]) for p in payloads if p.type == wire.NOTIFY]
    return [kind for kind in kinds if kind in NEVER_SAID]


def sent(made):
    return made if isinstance(made, list) else [made]


def soon(condition):
    """Does it come true within SOON_S?"""
    try:
        return wait.until(condition, SOON_S, "it comes true")
    except wait.Timeout:
        return False


class Arena:
    """Runs one case after the other."""

    def __init__(self, ground, attacker=None):
        """attacker: port and session() of another peer than the usual one."""
        self.ground = ground
        self.port = attacker.port if attacker else ground.attacker
        self.session = attacker.session if attacker else ground.session
        self.slowest = 0

    def run(self, stage, send, want):
        self.port.drain()
        s = self.session(**getattr(send, "options", {}))
        if stage != "init":
            s.init()
        if stage == "up":
            _, payloads = s.ask(wire.AUTH_X, s.auth_payloads())
            if wire.find(payloads, wire.AUTH) is None:
                raise Wrong(f"the case could not begin: {errors(payloads)}")
            s.peer_child_spi = wire.find(payloads, wire.SA)[8:12]
        before = self.ground.held()
        for octets in sent(send(s)):
            self.port.send(octets)
        (self.answered if want.answered else self.silent)(stage, s, want)
        self.serve()
        if want.counter:
            self.counted(want.counter, before)

    def counted(self, counter, before):
        if not soon(lambda: self.ground.held()[counter] != before[counter]):
            raise Wrong(f"{counter} did not rise")

    def serve(self):
        began = time.monotonic()
        self.ground.serve_good_peer()
        self.slowest = max(self.slowest, time.monotonic() - began)

    def silent(self, stage, s, _):
        """A good peer is served first: what came would have come before that."""
        self.serve()
        came = [o for o in self.port.drain()
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
            octets = s.wait(lambda h, _: h.exchange in wire.OPENING and h.flags & wire.RESPONSE)
            header, first = wire.read_header(octets)
            payloads = wire.read_chain(first, octets[wire.HEADER:])
            if (wire.find(payloads, wire.SA) is None) != (not want.alive):
                raise Wrong(f"answered with {shown(payloads)}")
        else:
            mid = s.mid
            s.mid += 1
            _, payloads = s.answer_to(mid)
        if promised(payloads):
            raise Wrong(f"answered with {promised(payloads)}")
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
        if self.port.drain():
            raise Wrong("the IKE SA is still alive")

    @staticmethod
    def describe(s, octets):
        try:
            header, first = wire.read_header(octets)
            payloads = (wire.read_chain(first, octets[wire.HEADER:]) if header.exchange in wire.OPENING
                        else s.keys.open(octets)[1])
            return f"exchange {header.exchange}, message ID {header.mid}, {errors(payloads)}"
        except (ValueError, AttributeError):
            return octets.hex()


def responder(arena, stage, table, pattern):
    """Every row of a table; returns (how many, what did not hold)."""
    broken, count = [], 0
    for category, rows in table.items():
        for what, send, want in rows:
            name = f"{stage}: {category}: {what}"
            if pattern not in name:
                continue
            count += 1
            try:
                arena.run(stage, send, want)
            except (Wrong, Silence) as why:
                broken.append(f"{name}: {why}")
                say(f"BROKEN {broken[-1]}")
    say(f"{count} cases as the responder, stage {stage}")
    return count, broken


def flood(ground, count=2000):
    """Openings with no end to them: few are kept, others see a cookie or nothing, the good peer is served."""
    before, s = ground.held(), ground.session()
    for _ in range(count):
        s.own_spi, s.nonce = os.urandom(8), os.urandom(32)
        ground.attacker.send(s.init_octets())
    ground.serve_good_peer()
    ground.attacker.drain()
    after = ground.held()
    kept = after["half_open"] - before["half_open"]
    claim(kept < COOKIES_ABOVE, f"{kept} of {count} openings are kept as half-open")
    unheard = sum(after[name] - before[name] for name in ("cookies_sent", "rx_source_limit", "rx_source_rate"))
    claim(unheard > 0, f"{unheard} of them saw a cookie or nothing")


# --- tandemd asks


class Caller:
    """Runs one case after the other; each has a peer of its own, whom tandemd calls."""

    BEGIN = {"IKE_SA_INIT": lambda f: f.call(), "IKE_AUTH": lambda f: f.call().good_init().take(),
             CERTIFIED: lambda f: f.call().good_init().take()}
    REKEY = {"rekey of the child": (REKEY_IPSEC, 2), "rekey of the IKE SA": (REKEY_IKE, 5)}

    def __init__(self, ground):
        self.ground = ground

    def run(self, stage, number, send, want):
        f = (CertFake if stage == CERTIFIED else Fake)(self.ground, number)
        try:
            if stage in self.REKEY:
                command, name = self.REKEY[stage]
                f.up()
                body = field(1, field(name, f"C{number}".encode()))
                if not soon(lambda: self.ground.control.touched(command, body)):  # a child is up when it is installed
                    raise Silence("there is nothing to rekey")
                f.take()
            else:
                self.BEGIN[stage](f)
            for octets in sent(send(f)):
                f.port.send(octets)
            self.ground.serve_good_peer()
            self.judge(stage, f, want)
            self.ground.control.ask(CLEAR_IKE, field(1, field(5, f"C{number}".encode())))
            f.finish()
        finally:
            f.close()

    def judge(self, stage, f, want):
        if stage == "IKE_SA_INIT":
            self.after_init(f, want)
        elif want == rows_fake.GOES_ON:
            self.goes_on(stage, f)
        elif want == rows_fake.GIVES_UP:
            self.gives_up(f)
        else:
            if not f.s.is_alive():
                raise Wrong("the IKE SA is gone")
            if want == rows_fake.CLOSES and not soon(f.was_closed):
                raise Wrong("it does not close the IKE SA")
            if want != rows_fake.CLOSES and f.was_closed():
                raise Wrong("it closes the IKE SA")

    def after_init(self, f, want):
        if want == rows_fake.ASKS_AGAIN:
            f.take_init()
        if want == rows_fake.GIVES_UP:
            self.gives_up(f)
            return
        if want == rows_fake.STOPS:
            return
        f.good_init().take()
        f.good_auth()
        if not f.s.is_alive():
            raise Wrong("the good answer afterwards did not bring it up")

    @staticmethod
    def goes_on(stage, f):
        f.port.send(f.answer(*((wire.AUTH_X, f.auth_payloads()) if stage.startswith("IKE_AUTH")
                               else (wire.CHILD, f.child_payloads()))))
        if not f.s.is_alive():
            raise Wrong("the good answer afterwards was not taken")

    def gives_up(self, f):
        """Nothing is kept of it, and tandemd says no more."""
        if not soon(lambda: not self.ground.has_gateway(f.number)):
            raise Wrong("the IKE SA is kept")
        f.good_init() if f.s.keys is None else f.good_auth()
        self.ground.serve_good_peer()
        if f.port.drain():
            raise Wrong("it goes on")


def initiator(ground, pattern):
    caller, broken, number = Caller(ground), [], 0
    for stage, rows in CALLED.items():
        for what, send, want in rows:
            number += 1
            name = f"called: {stage}: {what}"
            if pattern not in name:
                continue
            try:
                caller.run(stage, number, send, want)
            except (Wrong, Silence, AssertionError) as why:
                broken.append(f"{name}: {why}")
                say(f"BROKEN {broken[-1]}")
    say(f"{number} cases as the initiator")
    return number, broken


def whole_configuration(_):
    certified = len(rows_cert.CALLED)
    return configuration(CALLS, certified, Papers.configuration(range(CALLS - certified + 1, CALLS + 1)))


@story(nodes=1, workers=1, peer="none", edit=whole_configuration)
def main(lab):
    ground = Ground(lab)
    certified = Certified(lab, ground)
    try:
        tell(ground, certified, sys.argv[1] if len(sys.argv) > 1 else "")
    finally:
        certified.close()
        ground.close()


def tell(ground, certified, pattern):
    # what was seen of a certificate is kept, up to a bound; the second time it is no more
    responder(Arena(ground, certified), "certificates", rows_cert.TABLE, pattern)
    for _ in range(3):
        base = ground.settle()
    rss = ground.rss_octets()
    arena = Arena(ground)
    # those that leave closed IKE SAs behind come first: these linger for 30 s
    found = [responder(arena, "up", rows_up.TABLE, pattern), responder(arena, "auth", rows_auth.TABLE, pattern)]
    found.append(responder(Arena(ground, certified), "certificates", rows_cert.TABLE, pattern))
    called, broken = initiator(ground, pattern)
    found.append(responder(arena, "init", rows_init.TABLE, pattern))
    count = sum(number for number, _ in found)
    broken += [one for _, some in found for one in some]
    say(f"the slowest service of a good peer took {arena.slowest:.3f} s")
    if not pattern:
        flood(ground)
    ground.claim_same_daemons()
    same(broken, [], "cases that came out otherwise")
    claim(pattern or (count >= 150 and called >= 50), f"{count} cases as the responder, {called} as the initiator")
    claim(arena.slowest < GOOD_PEER_S, f"a good peer was always served within {GOOD_PEER_S} s")
    end = ground.settle()
    grown = end["memory_octets"] - base["memory_octets"]
    claim(grown < LEAK_OCTETS, f"memory in use grew by {grown} octets")
    claim(ground.rss_octets() - rss < RSS_OCTETS, f"resident memory grew by {ground.rss_octets() - rss} octets")


sys.exit(main())
