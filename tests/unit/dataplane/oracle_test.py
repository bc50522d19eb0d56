#!/usr/bin/python3
"""Random packets against scapy, both ways: what it seals we open, what we seal it opens.

Random keys, lengths, headers, numbers (with ESN also across 2^32), orders within the window, with
and without UDP; then one packet again and one with a bit changed, which must not come out.

usage: oracle_test.py PROGRAM [SEED [CASE...]]
"""
import random
import struct
import sys

import node_test as nt
import world
from scapy.layers import ipsec
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.ipsec import AH, ESP, IPSecIntegrityError, SecurityAssociation
from scapy.packet import Raw

SAS = 3  # of each suite
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


class Sa:
    """One SA with random everything: installed here, and known to scapy."""

    def __init__(self, n, rng, cipher, hmac):
        name, encr, bits, length = CIPHERS[cipher]
        auth, integ, alen = HMACS[hmac] if hmac else (None, 0, 0)
        self.n, self.rng = n, rng
        self.esn, self.udp = rng.random() < 0.5, rng.random() < 0.3
        self.base = rng.choice([0, rng.randrange(1 << 31)])
        if self.esn:
            self.base = rng.choice([0, (1 << 32) - rng.randrange(1, 70), rng.randrange(1 << 40)])
        self.keys = [rng.randbytes(length) for _ in range(2)]
        self.macs = [rng.randbytes(alen) for _ in range(2)]
        self.sent = 0
        self.install(encr, bits, integ)
        self.tx = self.scapy(nt.SPI_IN, name, auth, 0, nt.IP(src=nt.PEER, dst=nt.GW_OUT))
        self.rx = self.scapy(nt.SPI_OUT, name, auth, 1, nt.IP(src=nt.GW_OUT, dst=nt.PEER))

    def install(self, encr, bits, integ):
        lease = {"epoch": 0, "out_horizon": self.base + 1, "in_top": self.base, "in_horizon": nt.FOREVER}
        self.n.dp.call(child_delete={"spi_in": [nt.SPI_IN]})
        self.n.dp.call(child_install=nt.child(
            encr=encr, key_bits=bits, integ=integ, encr_key_in=self.keys[0], encr_key_out=self.keys[1],
            integ_key_in=self.macs[0], integ_key_out=self.macs[1], esn=self.esn, udp_encap=self.udp,
            replay_window=self.rng.choice([64, 128, 1024]), lease=lease))

    def scapy(self, spi, name, auth, way, tunnel):
        return SecurityAssociation(
            ESP, spi=spi, crypt_algo=name, crypt_key=self.keys[way], auth_algo=auth,
            auth_key=self.macs[way] if auth else None, tunnel_header=tunnel,
            nat_t_header=UDP(sport=4500, dport=4500) if self.udp else None)

    def high(self, seq):
        HIGH[0] = seq >> 32 if self.esn else None
        return {"esn_en": self.esn, "esn": seq >> 32}

    def seal(self, inner, seq):
        p = self.tx.encrypt(inner.copy(), seq_num=seq & 0xffffffff, **self.high(seq))
        if UDP in p:
            p[UDP].len = len(p[UDP])
            p[UDP].chksum = 0
        return IP(bytes(p))

    def open(self, packet, seq):
        return self.rx.decrypt(IP(bytes(packet)), **self.high(seq))

    def inner(self, src, dst):
        rng = self.rng
        top = rng.choice([UDP, TCP])(sport=rng.randrange(65536), dport=rng.randrange(65536))
        size = rng.choice([rng.randrange(0, 40), rng.randrange(0, 1350)])
        return IP(bytes(IP(src=src, dst=dst, ttl=rng.randrange(2, 255), id=rng.randrange(65536),
                           tos=rng.randrange(64) << 2) / top / Raw(rng.randbytes(size))))


def aged(packet):
    """As a router leaves it."""
    p = packet.copy()
    p.ttl -= 1
    del p.chksum
    return bytes(IP(bytes(p)))


def scapy_seals(sa):
    for offset in sa.rng.sample(range(1, 64), 6):
        want = sa.inner(nt.FAR, nt.HOST)
        last = sa.seal(want, sa.base + offset)
        sa.n.from_peer(last)
        got = sa.n.at_host()
        assert got is not None and bytes(got) == aged(want), (sa.base, offset, want.summary(), got)
    sa.n.raises("drop.esp.replay", lambda: sa.n.from_peer(last))
    bad = bytearray(bytes(sa.seal(sa.inner(nt.FAR, nt.HOST), sa.base + 64)))
    bad[sa.rng.randrange(44 if sa.udp else 36, len(bad))] ^= 1 << sa.rng.randrange(8)
    sa.n.raises("drop.esp.auth", lambda: sa.n.from_peer(IP(bytes(bad))))


def we_seal(sa):
    for offset in range(1, 6):
        want = sa.inner(nt.HOST, nt.FAR)
        sa.n.from_host(want)
        got = sa.n.at_peer()
        assert got is not None and (UDP in got) == sa.udp, got
        seq = struct.unpack(">I", bytes(got)[32 if sa.udp else 24:][:4])[0]
        assert seq == (sa.base + offset) & 0xffffffff, (seq, sa.base, offset)
        plain = sa.open(got, sa.base + offset)
        assert bytes(plain) == aged(want), (want.summary(), plain.summary())


def cases(n, seed):
    def of(cipher, hmac):
        def case():
            rng = random.Random("%s %s %s" % (seed, cipher, hmac))
            for k in range(SAS):
                sa = Sa(n, rng, cipher, hmac)
                try:
                    scapy_seals(sa)
                    we_seal(sa)
                except Exception:
                    print("# seed %s, SA %d: base %#x esn %s udp %s" % (seed, k, sa.base, sa.esn, sa.udp))
                    raise
        case.__name__ = "_".join(["oracle", cipher] + ([hmac] if hmac else []))
        return case
    return [of(*s) for s in SUITES]


def main():
    world.need_root()
    w = world.World(sys.argv[1])
    rc = 1
    try:
        rc = world.run(cases(nt.Node(w), sys.argv[2] if len(sys.argv) > 2 else "1"), sys.argv[3:])
    finally:
        rc += w.close()
    return rc


if __name__ == "__main__":
    sys.exit(main())
