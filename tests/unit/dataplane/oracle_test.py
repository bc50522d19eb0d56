#!/usr/bin/python3
"""Random packets against scapy, both ways: what it seals we open, what we seal it opens.

Random keys, lengths, headers, numbers (with ESN also across 2^32), orders within the window, with
and without UDP; both families inside tunnels of both, and between the ends of both; then one
packet again and one with a bit changed, which must not come out.

usage: oracle_test.py PROGRAM [SEED [CASE...]]
"""
import random
import socket
import struct
import sys

import node_test as nt
import world
from scapy.layers import ipsec
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS,
                                ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPv6)
from scapy.layers.ipsec import AH, ESP, IPSecIntegrityError, SecurityAssociation
from scapy.layers.l2 import Ether
from scapy.packet import Raw

GW6_OUT, PEER6, GW6_IN = "2001:db8::1", "2001:db8::9", "fd01::1"
# by family
GW, PEER, HOST, FAR = ({4: nt.GW_OUT, 6: GW6_OUT}, {4: nt.PEER, 6: PEER6},
                       {4: nt.HOST, 6: "fd01::a"}, {4: nt.FAR, 6: "fd02::14"})
# of each suite: the outer family, between the ends or not
SHAPES = [(4, False), (6, False), (4, True), (6, True)]
HIGH = [None]  # the high half of the number under way; None: no ESN


def _sign(self, pkt, key, esn_en=False, esn=0, before=ipsec.AuthAlgo.sign):
    """scapy 2.5 leaves the high half out of a separate ICV (RFC 4303 2.2.1)."""
    if HIGH[0] is None or not self.mac or not pkt.haslayer(ESP):
        return before(self, pkt, key, esn_en, esn)
    mac = self.new_mac(key)
    mac.update(bytes(pkt[ESP]) + struct.pack("!L", HIGH[0]))
    pkt[ESP].data += mac.finalize()[:self.icv_size]
    return pkt


def _verify(self, pkt, key, esn_en=False, esn=0, before=ipsec.AuthAlgo.verify):
    if HIGH[0] is None or not self.mac or not isinstance(pkt, ESP):
        return before(self, pkt, key, esn_en, esn)
    raw, mac = bytes(pkt), self.new_mac(key)
    mac.update(raw[:-self.icv_size] + struct.pack("!L", HIGH[0]))
    if mac.finalize()[:self.icv_size] != raw[-self.icv_size:]:
        raise IPSecIntegrityError("ICV with the high half of the number")
    return None


ipsec.AuthAlgo.sign, ipsec.AuthAlgo.verify = _sign, _verify

# name: scapy's cipher, IANA number, key bits, octets of key; HMAC, IANA number, octets of key
CIPHERS = {
    "aes-128-gcm": ("AES-GCM", 20, 128, 20), "aes-192-gcm": ("AES-GCM", 20, 192, 28),
    "aes-256-gcm": ("AES-GCM", 20, 256, 36), "chacha20": ("CHACHA20-POLY1305", 28, 256, 36),
    "aes-128-cbc": ("AES-CBC", 12, 128, 16), "aes-192-cbc": ("AES-CBC", 12, 192, 24),
    "aes-256-cbc": ("AES-CBC", 12, 256, 32), "3des": ("3DES", 3, 192, 24), "des": ("DES", 2, 64, 8),
    "null": ("NULL", 11, 0, 0),
}
HMACS = {
    "md5": ("HMAC-MD5-96", 1, 16), "sha1": ("HMAC-SHA1-96", 2, 20), "sha256": ("SHA2-256-128", 12, 32),
    "sha384": ("SHA2-384-192", 13, 48), "sha512": ("SHA2-512-256", 14, 64),
}
SUITES = [(c, None) for c in ("aes-128-gcm", "aes-192-gcm", "aes-256-gcm", "chacha20")] + [
    ("aes-128-cbc", "sha1"), ("aes-128-cbc", "sha256"), ("aes-192-cbc", "sha384"),
    ("aes-256-cbc", "sha256"), ("aes-256-cbc", "sha512"), ("3des", "sha1"), ("des", "md5"),
    ("null", "sha256"), ("null", "sha1")]


def raw(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def ts(low, high=None):
    return {"protocol": 0, "port_low": 0, "port_high": 65535, "low": raw(low), "high": raw(high or low)}


NEAR_TS = [nt.LOCAL_TS, ts("fd01::", "fd01::ffff")]
FAR_TS = [nt.REMOTE_TS, ts("fd02::", "fd02::ffff")]


def header(family, **fields):
    return IP(**fields) if family == 4 else IPv6(**fields)


def of(data):
    return IP(data) if data[0] >> 4 == 4 else IPv6(data)


class Oracle(nt.Node):
    """A node of both families; who asks for a MAC is told."""

    def __init__(self, w):
        super().__init__(w)
        c = nt.configuration()
        for interface, address in zip(c["interfaces"], (GW6_OUT, GW6_IN)):
            interface["addresses"] = interface["addresses"] + [{"address": raw(address), "length": 64}]
        c["routes"] = c["routes"] + [
            {"destination": {"address": raw("fd02::"), "length": 16}, "interface_id": 3}]
        c["policies"] = [
            {"id": 11, "interface_id": 3, "rg": 1, "local": NEAR_TS, "remote": FAR_TS, "name": "NET"},
            {"id": 21, "interface_id": 1, "rg": 1, "local": [ts(GW[4]), ts(GW[6])],
             "remote": [ts(PEER[4]), ts(PEER[6])], "name": "END"}]
        self.dp.call(configure=c)
        for wire, mac, src, dst in ((self.peer, self.mac_out, PEER6, GW6_OUT),
                                    (self.host, self.mac_in, HOST[6], GW6_IN)):
            wire.send(Ether(src=wire.mac, dst=mac) / IPv6(src=src, dst=dst, hlim=255) /
                      ICMPv6ND_NS(tgt=dst) / ICMPv6NDOptSrcLLAddr(lladdr=wire.mac))

    def at(self, wire, mac):
        """The next packet that is not about neighbours."""
        while True:
            f = wire.recv(lambda f: f[12:14] in (b"\x08\x00", b"\x86\xdd"))
            if f is None:
                return None
            p = Ether(f).payload
            if ICMPv6ND_NS in p:
                wire.send(Ether(src=wire.mac, dst=mac) /
                          IPv6(src=p[ICMPv6ND_NS].tgt, dst=p.src, hlim=255) /
                          ICMPv6ND_NA(tgt=p[ICMPv6ND_NS].tgt, R=0, S=1, O=1) /
                          ICMPv6NDOptDstLLAddr(lladdr=wire.mac))
            elif ICMPv6ND_NA not in p:
                return p

    def at_host(self):
        return self.at(self.host, self.mac_in)

    def at_peer(self):
        return self.at(self.peer, self.mac_out)


class Sa:
    """One SA with random everything: installed here, and known to scapy."""

    def __init__(self, n, rng, cipher, hmac, shape):
        name, encr, bits, length = CIPHERS[cipher]
        auth, integ, alen = HMACS[hmac] if hmac else (None, 0, 0)
        self.n, self.rng = n, rng
        self.family, self.ends = shape
        self.esn, self.udp = rng.random() < 0.5, not self.ends and rng.random() < 0.3
        self.base = rng.choice([0, rng.randrange(1 << 31)])
        if self.esn:
            self.base = rng.choice([0, (1 << 32) - rng.randrange(1, 70), rng.randrange(1 << 40)])
        self.keys = [rng.randbytes(length) for _ in range(2)]
        self.macs = [rng.randbytes(alen) for _ in range(2)]
        self.sent = 0
        self.install(encr, bits, integ)
        here, there = GW[self.family], PEER[self.family]
        self.tx = self.scapy(nt.SPI_IN, name, auth, 0, header(self.family, src=there, dst=here))
        self.rx = self.scapy(nt.SPI_OUT, name, auth, 1, header(self.family, src=here, dst=there))

    def install(self, encr, bits, integ):
        lease = {"epoch": 0, "out_horizon": self.base + 1, "in_top": self.base, "in_horizon": nt.FOREVER}
        self.n.dp.call(child_delete={"spi_in": [nt.SPI_IN]})
        here, there = GW[self.family], PEER[self.family]
        end = {"transport": True, "policy_id": 21, "local_ts": [ts(here)], "remote_ts": [ts(there)]}
        self.n.dp.call(child_install=nt.child(
            local={"address": raw(here), "port": 4500}, remote={"address": raw(there), "port": 4500},
            **(end if self.ends else {"local_ts": NEAR_TS, "remote_ts": FAR_TS}),
            encr=encr, key_bits=bits, integ=integ, encr_key_in=self.keys[0], encr_key_out=self.keys[1],
            integ_key_in=self.macs[0], integ_key_out=self.macs[1], esn=self.esn, udp_encap=self.udp,
            replay_window=self.rng.choice([64, 128, 1024]), lease=lease))

    def scapy(self, spi, name, auth, way, tunnel):
        return SecurityAssociation(
            ESP, spi=spi, crypt_algo=name, crypt_key=self.keys[way], auth_algo=auth,
            auth_key=self.macs[way] if auth else None,
            tunnel_header=None if self.ends else tunnel,
            nat_t_header=UDP(sport=4500, dport=4500) if self.udp else None)

    def high(self, seq):
        HIGH[0] = seq >> 32 if self.esn else None
        return {"esn_en": self.esn, "esn": seq >> 32}

    def seal(self, inner, seq):
        p = self.tx.encrypt(inner.copy(), seq_num=seq & 0xffffffff, **self.high(seq))
        if self.udp:
            p[UDP].len = len(p[UDP])
            p[UDP].chksum = 0
            if self.family == 6:  # RFC 8200 8.1: there has to be one
                del p[UDP].chksum
        return of(bytes(p))

    def open(self, packet, seq):
        return self.rx.decrypt(of(bytes(packet)), **self.high(seq))

    def header(self, family, src, dst):
        rng = self.rng
        if family == 4:
            return IP(src=src, dst=dst, ttl=rng.randrange(2, 255), id=rng.randrange(65536),
                      tos=rng.randrange(64) << 2)
        return IPv6(src=src, dst=dst, hlim=rng.randrange(2, 255), fl=rng.randrange(1 << 20),
                    tc=rng.randrange(64) << 2)

    def data(self):
        rng = self.rng
        return Raw(rng.randbytes(rng.choice([rng.randrange(0, 40), rng.randrange(0, 1250)])))

    def inner(self, src, dst):
        rng, family = self.rng, self.rng.choice([4, 6])
        top = rng.choice([UDP, TCP])(sport=rng.randrange(65536), dport=rng.randrange(65536))
        return of(bytes(self.header(family, src[family], dst[family]) / top / self.data()))

    def ping(self):
        echo = (ICMP if self.family == 4 else ICMPv6EchoRequest)(
            id=self.rng.randrange(65536), seq=self.rng.randrange(65536))
        return of(bytes(self.header(self.family, PEER[self.family], GW[self.family]) / echo / self.data()))


def aged(packet):
    """As a router leaves it."""
    p = packet.copy()
    if IPv6 in p:
        p.hlim -= 1
        return bytes(p)
    p.ttl -= 1
    del p.chksum
    return bytes(IP(bytes(p)))


def refused(sa, seal, last):
    """The last one again, and one with a bit changed."""
    sa.n.raises("drop.esp.replay", lambda: sa.n.from_peer(last))
    bad = bytearray(bytes(sa.seal(seal(), sa.base + 64)))
    front = (20 if sa.family == 4 else 40) + (8 if sa.udp else 0)
    if sa.udp and sa.family == 6:
        bad[sa.rng.randrange(front + 16, len(bad))] ^= 1 << sa.rng.randrange(8)
        p = IPv6(bytes(bad))  # or its checksum would be found wrong before
        del p[UDP].chksum
        bad = bytes(p)
    else:
        bad[sa.rng.randrange(front + 16, len(bad))] ^= 1 << sa.rng.randrange(8)
    sa.n.raises("drop.esp.auth", lambda: sa.n.from_peer(of(bytes(bad))))


def opened(sa, offset):
    """What came to the peer, which must have this number."""
    got = sa.n.at_peer()
    assert got is not None and (UDP in got) == sa.udp and got.version == sa.family, got
    at = (20 if sa.family == 4 else 40) + (8 if sa.udp else 0) + 4
    seq = struct.unpack(">I", bytes(got)[at:at + 4])[0]
    assert seq == (sa.base + offset) & 0xffffffff, (seq, sa.base, offset)
    if sa.udp and sa.family == 6:  # RFC 8200 8.1
        want = got.copy()
        del want[UDP].chksum
        assert IPv6(bytes(want))[UDP].chksum == got[UDP].chksum, got.summary()
    return sa.open(got, sa.base + offset)


def scapy_seals(sa):
    for offset in sa.rng.sample(range(1, 64), 6):
        want = sa.inner(FAR, HOST)
        last = sa.seal(want, sa.base + offset)
        sa.n.from_peer(last)
        got = sa.n.at_host()
        assert got is not None and bytes(got) == aged(want), (sa.base, offset, want.summary(), got)
    refused(sa, lambda: sa.inner(FAR, HOST), last)


def we_seal(sa):
    for offset in range(1, 6):
        want = sa.inner(HOST, FAR)
        sa.n.from_host(want)
        plain = opened(sa, offset)
        assert bytes(plain) == aged(want), (want.summary(), plain.summary())


def between_the_ends(sa):
    """Only what we answer comes back."""
    for k, offset in enumerate(sa.rng.sample(range(1, 64), 4)):
        ping = sa.ping()
        last = sa.seal(ping, sa.base + offset)
        sa.n.from_peer(last)
        plain = of(bytes(opened(sa, k + 1)))
        assert (plain.src, plain.dst) == (ping.dst, ping.src), plain.summary()
        if sa.family == 4:
            assert plain[ICMP].type == 0, plain.summary()
            was, now = ping[ICMP], plain[ICMP]
        else:
            was, now = ping[ICMPv6EchoRequest], plain[ICMPv6EchoReply]
        assert bytes(was)[4:] == bytes(now)[4:], plain.summary()
    refused(sa, sa.ping, last)


def cases(n, seed):
    def of_suite(cipher, hmac):
        def case():
            rng = random.Random("%s %s %s" % (seed, cipher, hmac))
            for shape in SHAPES:
                sa = Sa(n, rng, cipher, hmac, shape)
                try:
                    if sa.ends:
                        between_the_ends(sa)
                    else:
                        scapy_seals(sa)
                        we_seal(sa)
                except Exception:
                    print("# seed %s, IPv%d%s: base %#x esn %s udp %s" % (
                        seed, *shape[:1], " between the ends" * sa.ends, sa.base, sa.esn, sa.udp))
                    raise
        case.__name__ = "_".join(["oracle", cipher] + ([hmac] if hmac else []))
        return case
    return [of_suite(*s) for s in SUITES]


def main():
    world.need_root()
    w = world.World(sys.argv[1])
    rc = 1
    try:
        rc = world.run(cases(Oracle(w), sys.argv[2] if len(sys.argv) > 2 else "1"), sys.argv[3:])
    finally:
        rc += w.close()
    return rc


if __name__ == "__main__":
    sys.exit(main())
