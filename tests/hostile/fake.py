"""A peer that tandemd calls: it answers well, or as its case says."""

import os

import wire
from ground import OURS, PSK, called
from keys import Exchange
from sender import Port, Session, Silence
from wire import P


class Fake:
    """Life: one case; its own address, gateway and VPN (number). s is our side of the IKE SA that is tried."""

    def __init__(self, ground, number):
        self.ground, self.number = ground, number
        self.address, network = called(number)
        self.target = network.replace(".0/24", ".1")
        self.local = (network.split("/", maxsplit=1)[0], network.replace(".0/24", ".255"))
        self.port = Port(ground.space, self.address, OURS)
        self.s = None
        self.request = None      # of IKE_SA_INIT, whole
        self.asked = None        # the payloads of the request that waits for our answer
        self.mid = None          # and its number
        self.seen = []           # what requests() found

    # --- what tandemd says

    def call(self):
        """A packet from inside asks for the tunnel; the IKE_SA_INIT request is there afterwards."""
        self.ground.inside.sendto(b"knock", (self.target, 9))
        return self.take_init()

    def take_init(self):
        octets = self.port.take()
        if octets is None:
            raise Silence("no IKE_SA_INIT request came")
        header, first = wire.read_header(octets)
        if header.exchange != wire.INIT or header.flags & wire.RESPONSE:
            raise Silence(f"exchange {header.exchange} instead of IKE_SA_INIT")
        self.asked, self.request = wire.read_chain(first, octets[wire.HEADER:]), octets
        group = int.from_bytes(wire.find(self.asked, wire.KE)[:2], "big")
        self.s = self.session(group)
        self.s.peer_spi, self.s.peer_init = header.spi_i, octets
        return self

    def session(self, group):
        return Session(self.port, PSK.encode(), initiator=False, group=group, local=self.local,
                       remote=("10.1.0.0", "10.1.0.255"))

    def take(self):
        """The next protected request; its payloads are asked."""
        octets = self.s.wait(lambda h, _: not h.flags & wire.RESPONSE and h.exchange != wire.INIT)
        header, self.asked = self.s.keys.open(octets)
        self.mid = header.mid
        return header

    def group(self):
        return self.s.group

    # --- IKE_SA_INIT

    def init_payloads(self, sa=None, ke=None, nonce=None, more=(), without=()):
        number = {wire.X25519: 1, wire.P256: 2, wire.MODP2048: 3}[self.s.group]
        made = [P(wire.SA, wire.proposal(wire.IKE, b"", wire.ike_transforms(self.s.group), number)
                  if sa is None else sa),
                P(wire.KE, wire.ke(self.s.group, self.s.exchange.public) if ke is None else ke),
                P(wire.NONCE, self.s.nonce if nonce is None else nonce)]
        return [p for p in made if p.type not in without] + list(more)

    def init_answer(self, payloads=None, tail=b"", **header):
        said = self.s.header(wire.INIT, mid=0, answer=True)
        for name, value in header.items():
            setattr(said, name, value)
        return wire.message(said, self.init_payloads() if payloads is None else payloads, tail)

    def refusal(self, kind, data=b"", **header):
        return self.init_answer([P(wire.NOTIFY, wire.notify(kind, data))],
                                **{"spi_r": bytes(8), **header})

    def good_init(self):
        self.s.own_init = self.init_answer()
        self.s.derive(wire.find(self.asked, wire.KE)[4:], wire.find(self.asked, wire.NONCE))
        self.port.send(self.s.own_init)
        return self

    # --- IKE_AUTH

    def offered_spi(self):
        return wire.find(self.asked, wire.SA)[8:12]

    def auth_payloads(self, idr=None, auth=None, sa=None, tsi=None, tsr=None, more=(), without=()):
        idr = self.s.own_id if idr is None else idr
        made = [P(wire.IDR, idr),
                P(wire.AUTH, wire.auth(2, self.s.auth_data(idr)) if auth is None else auth),
                P(wire.SA, wire.proposal(wire.ESP, self.s.child_spi, wire.esp_transforms()) if sa is None else sa),
                P(wire.TSI, wire.find(self.asked, wire.TSI) if tsi is None else tsi),
                P(wire.TSR, wire.find(self.asked, wire.TSR) if tsr is None else tsr)]
        return [p for p in made if p.type not in without] + list(more)

    def answer(self, exchange, payloads, **more):
        """Octets of a protected answer to what waits for one."""
        more = {"mid": self.mid, **more}
        return self.s.sealed(exchange, payloads, answer=True, **more)

    def good_auth(self):
        self.s.peer_child_spi = self.offered_spi()
        self.port.send(self.answer(wire.AUTH_X, self.auth_payloads()))
        return self

    def up(self):
        self.call().good_init().take()
        self.good_auth()
        if not self.s.is_alive():
            raise Silence("the tunnel did not come up")
        return self

    # --- CREATE_CHILD_SA

    def child_payloads(self, sa=None, ke=None, nonce=None, tsi=None, tsr=None, more=(), without=()):
        """The good answer to a rekey of the child, in the group that the policy wants."""
        made = [P(wire.SA, wire.proposal(wire.ESP, os.urandom(4), wire.esp_transforms(wire.P256))
                  if sa is None else sa),
                P(wire.NONCE, os.urandom(32) if nonce is None else nonce),
                P(wire.KE, wire.ke(wire.P256, Exchange(wire.P256).public) if ke is None else ke),
                P(wire.TSI, wire.find(self.asked, wire.TSI) if tsi is None else tsi),
                P(wire.TSR, wire.find(self.asked, wire.TSR) if tsr is None else tsr)]
        return [p for p in made if p.type not in without] + list(more)

    def rekey_payloads(self, sa=None, ke=None, nonce=None, spi=None, without=()):
        """The good answer to a rekey of the IKE SA."""
        made = [P(wire.SA, wire.ike_sa(wire.X25519, os.urandom(8) if spi is None else spi) if sa is None else sa),
                P(wire.NONCE, os.urandom(32) if nonce is None else nonce),
                P(wire.KE, wire.ke(wire.X25519, Exchange(wire.X25519).public) if ke is None else ke)]
        return [p for p in made if p.type not in without]

    # --- the end

    def requests(self):
        """[(Header, payloads)] of all that tandemd has asked without being waited for."""
        kept, self.s.asked = self.s.asked + self.port.drain(), []
        found = [self.s.keys.open(octets) for octets in kept if wire.read_header(octets)[0].exchange != wire.INIT]
        self.seen += [(header, payloads) for header, payloads in found if not header.flags & wire.RESPONSE]
        return self.seen

    def was_closed(self):
        """Has it sent a delete of the IKE SA, or said in a request that it does not trust us?"""
        return any((wire.find(payloads, wire.DELETE) or b"\0")[0] == wire.IKE or
                   wire.find(payloads, wire.NOTIFY) for _, payloads in self.requests())

    def finish(self):
        """Every request is answered until tandemd has closed what there is."""
        if self.s is None or self.s.keys is None:
            return
        done = set()
        while self.ground.has_gateway(self.number):
            for header, _ in self.requests():
                if header.mid not in done:
                    done.add(header.mid)
                    self.port.send(self.answer(header.exchange, [], mid=header.mid))
            octets = self.port.take(0.02)
            if octets:
                self.s.asked.append(octets)

    def close(self):
        self.port.close()
