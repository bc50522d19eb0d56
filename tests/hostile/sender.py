"""Our own small IKE sender: one Session is one IKE SA with tandemd, in either role, honest unless told otherwise."""

import ctypes
import os
import select
import socket
import time

import wire
from keys import Exchange, Keys
from wire import P

PATIENCE_S = 10  # for what must come: tandemd answers in milliseconds, unless it waits for a core
LIBC = ctypes.CDLL(None, use_errno=True)
NEWNET = 0x40000000


def inside_of(namespace, make):
    """make() with the network namespace of that name; sockets stay in the one they were made in."""
    with open("/proc/self/ns/net", "rb") as own, open(f"/run/netns/{namespace}", "rb") as other:
        def enter(space):
            if LIBC.setns(space.fileno(), NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
        enter(other)
        try:
            return make()
        finally:
            enter(own)


class Port:
    """A UDP port of an address of ours, and where tandemd listens."""

    def __init__(self, namespace, address, to, port=500):
        def make():
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.bind((address, port))
            return made
        self.address = address
        self.socket = inside_of(namespace, make)
        self.to = (to, port)

    def send(self, octets):
        self.socket.sendto(octets, self.to)

    def take(self, seconds=PATIENCE_S):
        """The next datagram, or None."""
        if not select.select([self.socket], [], [], max(0, seconds))[0]:
            return None
        return self.socket.recv(65536)

    def drain(self):
        found = []
        while (octets := self.take(0)) is not None:
            found.append(octets)
        return found

    def close(self):
        self.socket.close()


class Silence(Exception):
    """What had to come did not."""


class Session:
    """Life: as long as its case. local, remote: the networks of the child (first, last)."""

    def __init__(self, port, psk, initiator=True, group=wire.X25519, local=None, remote=None):
        self.port, self.psk, self.initiator, self.group = port, psk, initiator, group
        self.own_spi, self.peer_spi = os.urandom(8), bytes(8)
        self.nonce, self.peer_nonce = os.urandom(32), None
        self.exchange = Exchange(group)
        self.own_init = self.peer_init = self.keys = None
        self.mid = 0          # of our next request
        self.cookie = None
        self.local, self.remote = local, remote
        self.own_id = wire.ident(1, wire.address(port.address))
        self.child_spi = os.urandom(4)
        self.peer_child_spi = None
        self.asked = []       # requests of tandemd that nobody waited for

    # --- headers

    def spis(self):
        return (self.own_spi, self.peer_spi) if self.initiator else (self.peer_spi, self.own_spi)

    def header(self, exchange, mid=None, answer=False, **changes):
        flags = (wire.INITIATOR if self.initiator else 0) | (wire.RESPONSE if answer else 0)
        made = wire.Header(*self.spis(), exchange, flags, self.mid if mid is None else mid)
        for name, value in changes.items():
            setattr(made, name, value)
        return made

    # --- IKE_SA_INIT as the initiator

    def init_payloads(self, sa=None, ke=None, nonce=None, notifies=(), more=(), without=()):
        """Bodies; without: types left out; notifies before, more behind the rest."""
        made = [P(wire.NOTIFY, wire.notify("COOKIE", self.cookie))] if self.cookie else []
        made += [P(wire.NOTIFY, body) for body in (*notifies, wire.notify("FRAGMENTATION_SUPPORTED"))]
        made += [P(wire.SA, wire.ike_sa(self.group) if sa is None else sa),
                 P(wire.KE, wire.ke(self.group, self.exchange.public) if ke is None else ke),
                 P(wire.NONCE, self.nonce if nonce is None else nonce)]
        return [p for p in made if p.type not in without] + list(more)

    def init_octets(self, payloads=None, tail=b"", **header):
        said = self.header(wire.INIT, mid=0)
        for name, value in {"spi_r": bytes(8), **header}.items():
            setattr(said, name, value)
        self.own_init = wire.message(said, self.init_payloads() if payloads is None else payloads, tail)
        return self.own_init

    def init(self):
        """Asks, with the cookie when one is wanted; keys are there afterwards."""
        for _ in range(3):
            self.port.send(self.init_octets())
            octets = self.wait(lambda h, _: h.exchange == wire.INIT and h.flags & wire.RESPONSE)
            header, first = wire.read_header(octets)
            payloads = wire.read_chain(first, octets[wire.HEADER:])
            said = wire.find(payloads, wire.NOTIFY)
            if wire.find(payloads, wire.SA) is None:
                kind, data = wire.read_notify(said)
                if kind != wire.N["COOKIE"]:
                    raise Silence(f"IKE_SA_INIT was refused with {wire.name_of(kind)}")
                self.cookie = data
                continue
            self.peer_init, self.peer_spi = octets, header.spi_r
            self.derive(wire.find(payloads, wire.KE)[4:], wire.find(payloads, wire.NONCE))
            return self
        raise Silence("cookies without end")

    def derive(self, public, nonce):
        self.peer_nonce = nonce
        nonces = (self.nonce, nonce) if self.initiator else (nonce, self.nonce)
        self.keys = Keys(self.initiator, self.exchange.shared(public), nonces, self.spis())
        self.mid = 1 if self.initiator else 0

    # --- IKE_AUTH as the initiator

    def auth_data(self, body=None):
        return self.keys.psk_auth(self.psk, True, self.own_init, self.peer_nonce,
                                  self.own_id if body is None else body)

    def auth_payloads(self, contact=True, idi=None, auth=None, sa=None, tsi=None, tsr=None, more=(), without=()):
        idi = self.own_id if idi is None else idi
        made = [P(wire.IDI, idi),
                P(wire.AUTH, wire.auth(2, self.auth_data(idi)) if auth is None else auth)]
        made += [P(wire.NOTIFY, wire.notify("INITIAL_CONTACT"))] if contact else []
        made += self.child_payloads(sa=sa, tsi=tsi, tsr=tsr)
        return [p for p in made if p.type not in without] + list(more)

    def child_payloads(self, sa=None, tsi=None, tsr=None, nonce=None, group=None, ke=None, rekey=None):
        """Of a child; with a nonce those of CREATE_CHILD_SA."""
        made = [P(wire.NOTIFY, rekey)] if rekey is not None else []
        made.append(P(wire.SA, wire.proposal(wire.ESP, self.child_spi, wire.esp_transforms(group))
                      if sa is None else sa))
        if nonce is not None:
            made.append(P(wire.NONCE, nonce))
        if ke is not None:
            made.append(P(wire.KE, ke))
        made += [P(wire.TSI, wire.selectors(wire.selector(*self.local)) if tsi is None else tsi),
                 P(wire.TSR, wire.selectors(wire.selector(*self.remote)) if tsr is None else tsr)]
        return made

    def up(self, contact=True):
        """The whole set-up."""
        self.init()
        _, payloads = self.ask(wire.AUTH_X, self.auth_payloads(contact))
        if wire.find(payloads, wire.AUTH) is None:
            kind, _ = wire.read_notify(wire.find(payloads, wire.NOTIFY))
            raise Silence(f"IKE_AUTH was refused with {wire.name_of(kind)}")
        made = wire.find(payloads, wire.SA)
        if made is None:
            raise Silence("IKE_AUTH came without the child")
        self.peer_child_spi = made[8:12]
        return self

    # --- protected messages

    def sealed(self, exchange, payloads, mid=None, answer=False, header=None, **more):
        """Octets of a protected message; payloads: [P], or (first, octets) as they are."""
        first, octets = payloads if isinstance(payloads, tuple) else wire.chain(payloads)
        return self.keys.seal(self.header(exchange, mid, answer, **(header or {})), first, octets, **more)

    def ask(self, exchange, payloads):
        """Sends a request and takes the answer to it: (Header, [P])."""
        mid = self.mid
        self.mid += 1
        self.port.send(self.sealed(exchange, payloads, mid))
        return self.answer_to(mid)

    def answer_to(self, mid, seconds=PATIENCE_S):
        return self.keys.open(self.wait(
            lambda h, _: h.mid == mid and h.flags & wire.RESPONSE and h.exchange != wire.INIT, seconds))

    def wait(self, fits, seconds=PATIENCE_S):
        """The next datagram of this SA for which fits(header, octets); requests of tandemd that come meanwhile
        are kept in asked, everything else is passed over."""
        end = time.monotonic() + seconds
        while True:
            octets = self.port.take(end - time.monotonic())
            if octets is None:
                raise Silence(f"nothing that was waited for within {seconds} s")
            try:
                header, _ = wire.read_header(octets)
            except ValueError:
                continue
            if self.own_spi not in (header.spi_i, header.spi_r) and header.exchange != wire.INIT:
                continue
            if fits(header, octets):
                return octets
            if not header.flags & wire.RESPONSE:
                self.asked.append(octets)

    def is_alive(self):
        """An empty INFORMATIONAL is answered (RFC 7296 1.4)."""
        try:
            self.ask(wire.INFO, [])
            return True
        except Silence:
            return False
