#!/usr/bin/python3
"""One node: ARP, ICMP, routes, punt, ESP both ways against scapy, hostile input.

usage: node_test.py PROGRAM WORKERS[:tap] [CASE...]     tap: ports of the tap driver, not packet sockets
"""
import logging
import struct
import sys
import time

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.all import ARP, ICMP, IP, UDP, Ether, Raw  # noqa: E402
from scapy.layers.inet import defragment, fragment  # noqa: E402
from scapy.layers.ipsec import ESP, SecurityAssociation  # noqa: E402
from scapy.utils import checksum  # noqa: E402

import world  # noqa: E402
from world import FOREVER, ip4  # noqa: E402

GW_OUT, PEER, GW_IN, HOST, FAR = "192.0.2.1", "192.0.2.9", "10.1.0.1", "10.1.0.10", "10.2.0.20"
KEY_IN, KEY_OUT = bytes(range(20)), bytes(range(100, 120))
SPI_IN, SPI_OUT = 0x01234567, 0xC0FFEE01
BITS = 8


def any_ts(low, high):
    return {"protocol": 0, "port_low": 0, "port_high": 65535, "low": ip4(low), "high": ip4(high)}


LOCAL_TS, REMOTE_TS = any_ts("10.1.0.0", "10.1.255.255"), any_ts("10.2.0.0", "10.2.255.255")


def configuration(workers=1, **more):
    c = {
        "node_id": 0, "iv_node_id": 7, "workers": workers, "bucket_bits": BITS,
        "ports": [
            {"name": "ge-0/0/0", "device": "net_af_packet0,iface=ge0"},
            {"name": "ge-0/0/1", "device": "net_af_packet1,iface=ge1"},
        ],
        "interfaces": [
            {"id": 1, "name": "ge-0/0/0.0", "kind": "INTERFACE_PHYSICAL", "port": "ge-0/0/0",
             "addresses": [{"address": ip4(GW_OUT), "length": 24}], "ike": True},
            {"id": 2, "name": "ge-0/0/1.0", "kind": "INTERFACE_PHYSICAL", "port": "ge-0/0/1",
             "addresses": [{"address": ip4(GW_IN), "length": 16}]},
            {"id": 3, "name": "st0.0", "kind": "INTERFACE_TUNNEL"},
        ],
        "routes": [
            {"destination": {"address": ip4("10.2.0.0"), "length": 16}, "interface_id": 3},
            {"destination": {"address": ip4("10.3.0.0"), "length": 16}, "interface_id": 3},
            {"destination": {"address": ip4("198.51.100.0"), "length": 24}, "next_hop": ip4(PEER)},
        ],
        "policies": [
            {"id": 11, "interface_id": 3, "rg": 1, "local": [LOCAL_TS], "remote": [REMOTE_TS],
             "name": "VPN/TS1"},
            {"id": 12, "interface_id": 3, "rg": 1, "local": [LOCAL_TS],
             "remote": [any_ts("10.3.0.0", "10.3.255.255")], "name": "VPN/TS2"},
        ],
        "udp_ports": [4565],
    }
    c.update(more)
    return c


def child(**more):
    c = {
        "spi_in": SPI_IN, "spi_out": SPI_OUT, "rg": 1, "policy_id": 11, "interface_id": 1,
        "local": {"address": ip4(GW_OUT), "port": 4500},
        "remote": {"address": ip4(PEER), "port": 4500},
        "encr": 20, "key_bits": 128, "encr_key_in": KEY_IN, "encr_key_out": KEY_OUT,
        "replay_window": 64, "local_ts": [LOCAL_TS], "remote_ts": [REMOTE_TS], "outbound": True,
        "lease": {"epoch": 1, "out_horizon": 1 << 32, "in_horizon": FOREVER}, "df_bit": 0,
    }
    c.update(more)
    return c


class Peer:
    """The other end of the SA, by scapy."""

    def __init__(self, spi_in=SPI_IN, spi_out=SPI_OUT, key_in=KEY_IN, key_out=KEY_OUT, natt=False,
                 src=PEER):
        tun = IP(src=src, dst=GW_OUT)
        nat = UDP(sport=4500, dport=4500) if natt else None
        self.tx = SecurityAssociation(ESP, spi=spi_in, crypt_algo="AES-GCM", crypt_key=key_in,
                                      tunnel_header=tun, nat_t_header=nat)
        self.rx = SecurityAssociation(ESP, spi=spi_out, crypt_algo="AES-GCM", crypt_key=key_out,
                                      tunnel_header=IP(src=GW_OUT, dst=src), nat_t_header=nat)
        self.seq = 0

    def seal(self, inner, seq=None):
        self.seq = seq if seq is not None else self.seq + 1
        p = self.tx.encrypt(inner, seq_num=self.seq, iv=struct.pack(">Q", self.seq))
        if UDP in p:  # scapy leaves the length of an empty datagram in it
            p[UDP].len = len(p[UDP])
        return IP(bytes(p))

    def open(self, packet):
        return self.rx.decrypt(packet)


def inner(n=1, src=FAR, dst=HOST, size=32, **ip):
    return IP(src=src, dst=dst, id=n, **ip) / UDP(sport=1000, dport=2000) / Raw(b"x" * size)


def taps(workers):
    """With many queues each: the kernel spreads flows over them."""
    ports = [{"name": f"ge-0/0/{i}", "device": f"net_tap{i},iface=ge{i}"} for i in range(2)]
    return configuration(workers, ports=ports, workers_max=4)


class Node:
    def __init__(self, w, workers=1, tap=False, test=False, **conf):
        self.w, self.workers = w, workers
        ns = w.ns("g")
        out, ins = w.ns("o"), w.ns("i")
        if tap:
            world.sh(f"ip netns exec {ns} sysctl -qw net.ipv6.conf.default.disable_ipv6=1")
        else:
            w.link(ns, "ge0", out, "eth0")
            w.link(ns, "ge1", ins, "eth0")
        self.dp = w.plane(ns, test=test)
        self.dp.start()
        self.dp.call(hello={"schema": 1, "version": "test"})
        self.conf = taps(workers) if tap else configuration(workers, **conf)
        self.dp.call(configure=self.conf)
        self.dp.call(rg_set={"rg": 1, "role": "RG_ACTIVE", "epoch": 1, "deadline_ns": FOREVER})
        if tap:  # the other end of a tap is its interface, with the same address
            self.peer, self.host = (world.Wire(ns, i, bytes((2, 0, 0, 0, 0, 9))) for i in ("ge0", "ge1"))
        else:
            self.peer, self.host = world.Wire(out, "eth0"), world.Wire(ins, "eth0")
        self.mac_out = self.resolve(self.peer, PEER, GW_OUT)
        self.mac_in = self.resolve(self.host, HOST, GW_IN)

    def resolve(self, wire, src, dst):
        wire.send(Ether(src=wire.mac, dst="ff:ff:ff:ff:ff:ff") /
                  ARP(op=1, hwsrc=wire.mac, psrc=src, pdst=dst))
        f = wire.recv(lambda f: f[12:14] == b"\x08\x06" and f[21] == 2)
        assert f, "no ARP reply for " + dst
        a = Ether(f)[ARP]
        assert a.psrc == dst and a.pdst == src, a.summary()
        world.stay_known(wire, bytes(Ether(src=wire.mac, dst="ff:ff:ff:ff:ff:ff") /
                                     ARP(op=1, hwsrc=wire.mac, psrc=src, pdst=src)))
        return a.hwsrc

    def from_peer(self, packet):
        self.peer.send(Ether(src=self.peer.mac, dst=self.mac_out) / packet)

    def from_host(self, packet):
        self.host.send(Ether(src=self.host.mac, dst=self.mac_in) / packet)

    def at_host(self, **kw):
        f = self.host.recv(lambda f: f[12:14] == b"\x08\x00", **kw)
        return Ether(f)[IP] if f else None

    def at_peer(self, **kw):
        f = self.peer.recv(lambda f: f[12:14] == b"\x08\x00", **kw)
        return Ether(f)[IP] if f else None

    def raises(self, name, act, n=1):
        """act() must raise exactly this drop counter, and nothing may arrive anywhere."""
        was = self.dp.counters()
        self.peer.drain()
        self.host.drain()
        act()
        end = time.monotonic() + 3
        while True:
            now = self.dp.counters()
            moved = {k: now[k] - was[k] for k in now if k.startswith("drop.") and now[k] != was[k]}
            if sum(moved.values()) >= n or time.monotonic() > end:
                break
        assert moved == {name: n}, "moved %s, wanted %s" % (moved, name)

    def fresh(self, **more):
        """A new SA in place of the old."""
        self.dp.call(child_delete={"spi_in": [SPI_IN]})
        self.dp.call(child_install=child(**more))
        return Peer(natt=more.get("udp_encap", False))


def main():
    world.need_root()
    w = world.World(sys.argv[1])
    rc = 1
    try:
        workers, _, device = sys.argv[2].partition(":")
        rc = world.run(cases(Node(w, int(workers), device == "tap")), sys.argv[3:])
    finally:
        rc += w.close()
    return rc


def cases(n):
    def arp_answers_only_own_addresses():
        n.peer.send(Ether(src=n.peer.mac, dst="ff:ff:ff:ff:ff:ff") /
                    ARP(op=1, hwsrc=n.peer.mac, psrc=PEER, pdst="192.0.2.77"))
        assert n.peer.recv(lambda f: f[12:14] == b"\x08\x06", timeout=0.3) is None

    def echo_is_answered():
        for size in (0, 1, 56, 1400):
            n.from_peer(IP(src=PEER, dst=GW_OUT) / ICMP(id=5, seq=size) / Raw(b"q" * size))
            r = n.at_peer()
            assert r and r[ICMP].type == 0 and r[ICMP].seq == size, r
            assert bytes(r)[28:] == b"q" * size
            assert checksum(bytes(r)[:20]) == 0 and checksum(bytes(r)[20:]) == 0

    def clear_packets_are_routed_with_ttl_aged():
        n.from_host(IP(src=HOST, dst="198.51.100.5", ttl=9) / UDP(sport=1, dport=2) / Raw(b"hello"))
        r = n.at_peer()
        assert r and r.ttl == 8 and r.dst == "198.51.100.5", r

    def ttl_expiry_is_told():
        n.from_host(IP(src=HOST, dst="198.51.100.5", ttl=1) / UDP(sport=1, dport=2))
        r = n.at_host()
        assert r and r[ICMP].type == 11 and r.src == GW_IN, r

    def no_route_is_told():
        n.from_host(IP(src=HOST, dst="203.0.113.1") / UDP(sport=1, dport=2))
        r = n.at_host()
        assert r and r[ICMP].type == 3 and r[ICMP].code == 0, r

    def next_hop_is_resolved_and_the_packet_kept():
        n.from_peer(IP(src="198.51.100.9", dst="10.1.0.55") / UDP(sport=7, dport=8) / Raw(b"kept"))
        f = n.host.recv(lambda f: f[12:14] == b"\x08\x06")
        a = Ether(f)[ARP]
        assert a.op == 1 and a.pdst == "10.1.0.55" and a.psrc == GW_IN, a.summary()
        n.host.send(Ether(src=n.host.mac, dst=a.hwsrc) /
                    ARP(op=2, hwsrc=n.host.mac, psrc="10.1.0.55", hwdst=a.hwsrc, pdst=GW_IN))
        r = n.at_host()
        assert r and r.dst == "10.1.0.55" and r[Raw].load == b"kept", r

    def long_ike_goes_both_ways_in_fragments():
        """A peer that does not know RFC 7383 and sends all its certificates (RFC 7296 2.6)."""
        for size in (1600, 3000, 9000):
            msg = bytes(range(28)) + bytes(n % 251 for n in range(size - 28))
            pieces = fragment(IP(src=PEER, dst=GW_OUT, id=size) / UDP(sport=500, dport=500) / Raw(msg), 1480)
            for f in pieces[::-1]:
                n.from_peer(f)
            got = n.dp.punt_recv()
            assert got and got[0]["data"] == msg, size
            n.dp.punt_send(interface_id=1, local={"address": ip4(GW_OUT), "port": 500},
                           remote={"address": ip4(PEER), "port": 500}, data=msg)
            out = [n.at_peer() for _ in pieces]
            assert all(f and len(f) <= 1500 and "DF" not in f.flags for f in out), out
            whole = defragment(out)
            assert len(whole) == 1 and bytes(whole[0][UDP].payload) == msg, size
            del (want := IP(bytes(whole[0])))[UDP].chksum
            assert IP(bytes(want))[UDP].chksum == whole[0][UDP].chksum

    def fragments_that_pass_through_stay_as_they_are():
        pieces = fragment(IP(src=HOST, dst=PEER, id=77) / UDP(sport=1, dport=2) / Raw(b"t" * 6000), 1200)
        for f in pieces:
            n.from_host(f)
        for f in pieces:
            r = n.at_peer()
            assert r and (r.frag, r.len) == (f.frag, len(f)), (r and r.summary(), f.summary())

    def ike_goes_both_ways():
        msg = bytes(range(28)) + b"payload"
        n.from_peer(IP(src=PEER, dst=GW_OUT) / UDP(sport=500, dport=500) / Raw(msg))
        d = n.dp.punt_recv()[0]
        assert d["data"] == msg and d["interface_id"] == 1, d
        assert d["local"] == {"address": ip4(GW_OUT), "port": 500}, d
        assert d["remote"] == {"address": ip4(PEER), "port": 500}, d
        n.from_peer(IP(src=PEER, dst=GW_OUT) / UDP(sport=4501, dport=4500) / Raw(b"\0\0\0\0" + msg))
        d = n.dp.punt_recv()[0]
        assert d["data"] == msg and d["remote"]["port"] == 4501 and d["local"]["port"] == 4500, d
        n.dp.punt_send(interface_id=1, local={"address": ip4(GW_OUT), "port": 500},
                       remote={"address": ip4(PEER), "port": 500}, data=msg)
        r = n.at_peer()
        assert r[UDP].dport == 500 and bytes(r[UDP].payload) == msg, r
        want = IP(bytes(r))
        del want[UDP].chksum
        assert IP(bytes(want))[UDP].chksum == r[UDP].chksum
        n.dp.punt_send(interface_id=1, local={"address": ip4(GW_OUT), "port": 4500},
                       remote={"address": ip4(PEER), "port": 4501}, data=msg)
        r = n.at_peer()
        assert r[UDP].dport == 4501 and bytes(r[UDP].payload) == b"\0\0\0\0" + msg, r
        n.dp.punt_send(interface_id=1, local={"address": ip4(GW_OUT), "port": 4500},
                       remote={"address": ip4(PEER), "port": 4501}, keepalive=True)
        r = n.at_peer()
        assert bytes(r[UDP].payload)[:1] == b"\xff" and r[UDP].len == 9, r

    def acquire_is_told_once():
        n.dp.call(child_delete={"spi_in": [SPI_IN]})
        n.dp.events.clear()
        n.raises("drop.spd.no-sa", lambda: [n.from_host(IP(src=HOST, dst=FAR) / UDP(sport=3, dport=4))
                                           for _ in range(5)], 5)
        e = n.dp.event("acquire")
        assert e.pop("worker_hint") < n.workers, e
        assert e == {"policy_id": 11, "protocol": 17, "source": ip4(HOST), "destination": ip4(FAR),
                     "source_port": 3, "destination_port": 4}, e
        assert n.dp.event("acquire", timeout=0.2) is None

    def check_out(p, natt):
        for i, size in enumerate((0, 1, 2, 3, 4, 100, 1371 if natt else 1379), 1):
            want = inner(n=i, src=HOST, dst=FAR, size=size, ttl=33, tos=0x2E << 2 | 2)
            n.from_host(want)
            r = n.at_peer()
            assert r and r.src == GW_OUT and r.dst == PEER and r.ttl == 64, r
            assert r.tos == 0x2E << 2 | 2, r.tos
            raw = bytes(r)
            assert r.proto == (17 if natt else 50)
            if natt:
                assert r[UDP].chksum == 0 and r[UDP].sport == 4500
            e = p.open(IP(raw))
            assert e.ttl == 32 and e.id == i, e.summary()
            want.ttl = 32
            assert bytes(e) == bytes(IP(bytes(want))), "inner differs"
        c = n.dp.child(SPI_IN)
        assert c["packets_out"] == 7 and c["out_next"] == 8, c

    def esp_out_opens_at_scapy():
        check_out(n.fresh(), False)

    def esp_out_in_udp_opens_at_scapy():
        check_out(n.fresh(udp_encap=True), True)

    def check_in(p):
        for i, size in enumerate((0, 1, 2, 3, 100, 1300), 1):
            n.from_peer(p.seal(inner(n=i, size=size, ttl=20)))
            r = n.at_host()
            assert r and r.id == i and r.ttl == 19 and len(r) == 28 + size, r
        c = n.dp.child(SPI_IN)
        assert c["packets_in"] == 6 and c["in_top"] == 6, c

    def esp_in_opens():
        check_in(n.fresh())

    def esp_in_udp_opens():
        check_in(n.fresh(udp_encap=True))

    def esp_256_both_ways():
        ki, ko = bytes(range(36)), bytes(range(50, 86))
        n.dp.call(child_delete={"spi_in": [SPI_IN]})
        n.dp.call(child_install=child(key_bits=256, encr_key_in=ki, encr_key_out=ko))
        p = Peer(key_in=ki, key_out=ko)
        n.from_peer(p.seal(inner()))
        assert n.at_host()
        n.from_host(inner(src=HOST, dst=FAR))
        assert p.open(n.at_peer()).dst == FAR

    def cbc_and_hmac_both_ways():
        for bits, integ, name, ilen in ((128, 2, "HMAC-SHA1-96", 20), (256, 12, "SHA2-256-128", 32),
                                        (192, 13, "SHA2-384-192", 48), (256, 14, "SHA2-512-256", 64)):
            ki, ko = bytes(range(bits // 8)), bytes(range(50, 50 + bits // 8))
            ii, io = bytes(range(ilen)), bytes(range(100, 100 + ilen))
            n.dp.call(child_delete={"spi_in": [SPI_IN]})
            n.dp.call(child_install=child(encr=12, key_bits=bits, integ=integ, encr_key_in=ki,
                                          encr_key_out=ko, integ_key_in=ii, integ_key_out=io))
            tx = SecurityAssociation(ESP, spi=SPI_IN, crypt_algo="AES-CBC", crypt_key=ki, auth_algo=name,
                                     auth_key=ii, tunnel_header=IP(src=PEER, dst=GW_OUT))
            rx = SecurityAssociation(ESP, spi=SPI_OUT, crypt_algo="AES-CBC", crypt_key=ko, auth_algo=name,
                                     auth_key=io, tunnel_header=IP(src=GW_OUT, dst=PEER))
            ivs = set()
            for i, size in enumerate((0, 1, 15, 16, 17, 100, 1300), 1):
                n.from_peer(tx.encrypt(inner(n=i, size=size), seq_num=i))
                r = n.at_host()
                assert r and r.id == i and len(r) == 28 + size, (name, size)
                n.from_host(inner(n=i, src=HOST, dst=FAR, size=size))
                r = n.at_peer()
                ivs.add(bytes(r[ESP].data)[:16])
                e = rx.decrypt(IP(bytes(r)))
                assert e.id == i and len(e) == 28 + size, (name, size)
            assert len(ivs) == 7
            bad = bytearray(bytes(tx.encrypt(inner(), seq_num=50)))
            bad[-1] ^= 1
            n.raises("drop.esp.auth", lambda: n.from_peer(IP(bytes(bad))))
            n.raises("drop.esp.alignment", lambda: n.from_peer(
                IP(src=PEER, dst=GW_OUT, proto=50) / Raw(struct.pack(">II", SPI_IN, 99) + b"x" * (16 + 33 + int(name[-3:].strip("-")) // 8))))

    def cbc_with_esn_puts_the_high_half_into_the_icv():
        import hmac
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        base = (3 << 32) + 10
        ke, ka = bytes(range(16)), bytes(range(32))
        n.dp.call(child_delete={"spi_in": [SPI_IN]})
        n.dp.call(child_install=child(
            encr=12, key_bits=128, integ=12, encr_key_in=ke, encr_key_out=ke, integ_key_in=ka,
            integ_key_out=ka, esn=True,
            lease={"epoch": 0, "out_horizon": base, "in_top": base, "in_horizon": FOREVER}))
        body = bytes(inner(n=9))
        pad = -(len(body) + 2) % 16
        body += bytes(range(1, pad + 1)) + bytes([pad, 4])
        iv = b"i" * 16
        c = Cipher(algorithms.AES(ke), modes.CBC(iv)).encryptor()
        esp = struct.pack(">II", SPI_IN, (base + 1) & 0xffffffff) + iv + c.update(body) + c.finalize()
        mac = hmac.digest(ka, esp + struct.pack(">I", 3), "sha256")[:16]
        n.from_peer(IP(src=PEER, dst=GW_OUT, proto=50) / Raw(esp + mac))
        r = n.at_host()
        assert r and r.id == 9, r
        n.from_host(inner(src=HOST, dst=FAR))
        raw = bytes(n.at_peer())[20:]
        assert hmac.digest(ka, raw[:-16] + struct.pack(">I", 3), "sha256")[:16] == raw[-16:]

    def a_port_that_goes_down_comes_back():
        p = n.fresh()
        n.dp.events.clear()
        ns = n.w.netns[0]
        world.sh("ip -n %s link set ge1 down" % ns)
        assert n.dp.event("port_state") == {"name": "ge-0/0/1", "up": False}
        world.sh("ip -n %s link set ge1 up" % ns)
        assert n.dp.event("port_state") == {"name": "ge-0/0/1", "up": True}
        n.from_peer(p.seal(inner()))
        assert n.at_host()

    def echo_through_the_tunnel_to_the_gateway():
        p = n.fresh()
        n.from_peer(p.seal(IP(src=FAR, dst=GW_IN) / ICMP(id=1, seq=2) / Raw(b"deep")))
        e = p.open(n.at_peer())
        assert e.src == GW_IN and e.dst == FAR and e[ICMP].type == 0, e.summary()

    def responder_sends_after_the_first_inbound():
        p = n.fresh(outbound=False)
        n.dp.events.clear()
        n.raises("drop.spd.no-sa", lambda: n.from_host(inner(src=HOST, dst=FAR)))
        n.from_peer(p.seal(inner()))
        assert n.at_host()
        assert n.dp.event("inbound_first") == {"spi_in": SPI_IN}
        n.from_host(inner(src=HOST, dst=FAR))
        assert n.at_peer().proto == 50

    def the_higher_order_sends():
        p = n.fresh(order=1)
        n.dp.call(child_install=child(spi_in=SPI_IN + 1, spi_out=SPI_OUT + 1, order=2))
        n.from_host(inner(src=HOST, dst=FAR))
        assert n.at_peer()[ESP].spi == SPI_OUT + 1
        n.from_peer(p.seal(inner()))
        assert n.at_host(), "the old one must still receive"
        n.dp.call(child_delete={"spi_in": [SPI_IN + 1]})
        n.from_host(inner(src=HOST, dst=FAR))
        assert n.at_peer()[ESP].spi == SPI_OUT

    def installing_again_keeps_numbers_and_window():
        p = n.fresh()
        n.from_host(inner(src=HOST, dst=FAR))
        n.at_peer()
        one = p.seal(inner())
        n.from_peer(one)
        assert n.at_host()
        n.dp.call(child_install=child(order=5))
        c = n.dp.child(SPI_IN)
        assert c["out_next"] == 2 and c["in_top"] == 1 and c["packets_in"] == 1, c
        n.raises("drop.esp.replay", lambda: n.from_peer(one))
        r = n.dp.reply(n.dp.send(child_install=child(encr_key_in=KEY_OUT)))
        assert r["error"], "another key for a living SPI must be refused"

    def the_peer_moves_only_when_told():
        p = n.fresh(udp_encap=True)
        n.dp.events.clear()
        m = p.seal(inner())
        m[UDP].sport = 6000
        del m.chksum
        n.from_peer(m)
        assert n.at_host()
        e = n.dp.event("endpoint_moved")
        assert e == {"spi_in": SPI_IN, "from": {"address": ip4(PEER), "port": 6000}}, e
        n.from_host(inner(src=HOST, dst=FAR))
        assert n.at_peer()[UDP].dport == 4500
        n.dp.call(child_update={"spi_in": SPI_IN, "remote": e["from"]})
        n.from_host(inner(src=HOST, dst=FAR))
        r = n.at_peer()
        assert r[UDP].dport == 6000
        assert p.open(r).dst == FAR

    def replays_are_refused():
        p = n.fresh()
        sent = [p.seal(inner(n=i)) for i in range(1, 101)]
        for m in sent:
            n.from_peer(m)
            assert n.at_host()
        n.raises("drop.esp.replay", lambda: [n.from_peer(m) for m in sent[36:]], 64)
        n.raises("drop.esp.below-window", lambda: [n.from_peer(m) for m in sent[:36]], 36)
        assert n.dp.child(SPI_IN)["replay_errors"] == 100

    def order_within_the_window_does_not_matter():
        p = n.fresh()
        n.from_peer(p.seal(inner(), seq=200))
        assert n.at_host()
        for s in (199, 150, 137):
            n.from_peer(p.seal(inner(), seq=s))
            assert n.at_host(), s
        n.raises("drop.esp.below-window", lambda: n.from_peer(p.seal(inner(), seq=136)))
        n.raises("drop.esp.replay", lambda: n.from_peer(p.seal(inner(), seq=150)))

    def selectors_are_checked_after_decryption():
        p = n.fresh()
        n.raises("drop.esp.selector", lambda: n.from_peer(p.seal(inner(src="10.9.0.1"))))
        n.raises("drop.esp.selector", lambda: n.from_peer(p.seal(inner(dst="192.0.2.9"))))
        assert n.dp.child(SPI_IN)["selector_errors"] == 2

    def port_selectors_bind():
        ts = dict(REMOTE_TS, protocol=17, port_low=1000, port_high=1000)
        p = n.fresh(remote_ts=[ts])
        n.from_peer(p.seal(inner()))
        assert n.at_host()
        n.raises("drop.esp.selector", lambda: n.from_peer(
            p.seal(IP(src=FAR, dst=HOST) / UDP(sport=1001, dport=2000))))
        n.raises("drop.spd.no-sa", lambda: n.from_host(
            IP(src=HOST, dst=FAR) / UDP(sport=2000, dport=1001)))

    def forged_and_clear_packets():
        p = n.fresh()
        bad = bytearray(bytes(p.seal(inner())))
        bad[-1] ^= 1
        n.raises("drop.esp.auth", lambda: n.from_peer(IP(bytes(bad))))
        n.raises("drop.ip.source", lambda: n.from_peer(inner()))
        n.raises("drop.ip.source", lambda: n.from_peer(IP(src=GW_IN, dst=HOST) / UDP()))

    def hostile_esp_is_named():
        n.fresh()

        def esp(payload, **ip):
            return lambda: n.from_peer(IP(src=PEER, dst=GW_OUT, proto=50, **ip) / Raw(payload))

        live = struct.pack(">I", SPI_IN)
        n.raises("drop.esp.length", esp(live + b"\0" * 16))  # 40 octets, no ciphertext
        n.raises("drop.esp.length", esp(live + b"\0\0\0\1" + b"i" * 8 + b"t" * 16))
        n.raises("drop.esp.alignment", esp(live + b"\0\0\0\1" + b"i" * 8 + b"c" * 5 + b"t" * 16))
        n.raises("drop.esp.auth", esp(live + b"\0\0\0\1" + b"i" * 8 + b"c" * 4 + b"t" * 16))
        n.raises("drop.esp.number-zero", esp(live + b"\0\0\0\0" + b"i" * 8 + b"c" * 4 + b"t" * 16))
        n.raises("drop.esp.short", esp(live + b"\0\0\0"))
        n.raises("drop.esp.short", esp(b""))
        n.raises("drop.esp.spi-unknown", esp(struct.pack(">I", 0x99999999) + b"\0" * 60))
        for spi in (0, 1, 255):
            n.raises("drop.esp.spi-reserved", esp(struct.pack(">I", spi) + b"\0" * 60))

    def bad_spi_is_told():
        n.dp.events.clear()
        time_ns = n.raises("drop.esp.spi-unknown", lambda: n.from_peer(
            IP(src=PEER, dst=GW_OUT, proto=50) / Raw(struct.pack(">I", 0x98989898) + b"\0" * 60)))
        e = n.dp.event("bad_spi", timeout=1)
        assert e is None or e["from"]["address"] == ip4(PEER), (e, time_ns)

    def hostile_udp_is_named():
        n.fresh(udp_encap=True)

        def udp(payload, **kw):
            return lambda: n.from_peer(IP(src=PEER, dst=GW_OUT) / UDP(sport=4500, dport=4500, **kw) /
                                       Raw(payload))

        n.raises("drop.natt.short", udp(b"ab"))
        n.raises("drop.natt.short", udp(b"\xff\xff"))
        n.raises("drop.esp.short", udp(struct.pack(">I", SPI_IN)))
        n.raises("drop.udp.length", udp(b"x" * 40, len=7))
        n.raises("drop.udp.length", udp(b"x" * 40, len=400))
        n.raises("drop.ike.short", udp(b"\0\0\0\0" + b"short"))
        n.raises("drop.udp.port", lambda: n.from_peer(IP(src=PEER, dst=GW_OUT) / UDP(dport=53)))
        n.raises("drop.udp.checksum", lambda: n.from_peer(
            IP(src=PEER, dst=GW_OUT) / UDP(sport=500, dport=500, chksum=0x1234) / Raw(b"z" * 40)))
        was = n.dp.counters()["natt.keepalives"]
        udp(b"\xff")()
        n.raises("drop.udp.port", lambda: n.from_peer(IP(src=PEER, dst=GW_OUT) / UDP(dport=53)))
        assert n.dp.counters()["natt.keepalives"] == was + 1

    def hostile_ip_is_named():
        def raw(b):
            return lambda: n.peer.send(bytes(Ether(src=n.peer.mac, dst=n.mac_out, type=0x800)) + bytes(b))

        good = bytes(IP(src=PEER, dst=GW_OUT) / ICMP() / Raw(b"x" * 40))
        n.raises("drop.ip.short", raw(good[:19]))
        n.raises("drop.ip.length", raw(good[:40]))
        n.raises("drop.ip.short", raw(b"\x4f" + good[1:30]))
        n.raises("drop.ip.header", raw(b"\x44" + good[1:]))
        n.raises("drop.ip.version", raw(b"\x65" + good[1:]))
        n.raises("drop.ip.checksum", raw(good[:8] + b"\x07" + good[9:]))
        n.raises("drop.ip.multicast", lambda: n.from_peer(IP(src=PEER, dst="224.0.0.5") / UDP()))
        n.raises("drop.ip.protocol", lambda: n.from_peer(IP(src=PEER, dst=GW_OUT, proto=47) / Raw(b"z" * 40)))
        n.raises("drop.icmp.checksum", raw(good[:-1] + b"y"))
        n.raises("drop.eth.type", lambda: n.peer.send(Ether(src=n.peer.mac, dst=n.mac_out, type=0x88cc) / Raw(b"z" * 50)))
        n.raises("drop.eth.address", lambda: n.peer.send(
            Ether(src=n.peer.mac, dst="02:00:00:00:00:99") / IP(src=PEER, dst=GW_OUT) / ICMP()))
        n.raises("drop.arp.short", lambda: n.peer.send(
            Ether(src=n.peer.mac, dst="ff:ff:ff:ff:ff:ff", type=0x806) / Raw(b"\0" * 10)))

    def inner_that_lies_is_named():
        p = n.fresh()
        good = bytes(inner())

        def seal(b):
            return lambda: n.from_peer(p.seal(IP(b)))

        def forge(plain):
            """An authentic ESP packet around any plaintext (trailer included)."""
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            p.seq += 1
            hdr = struct.pack(">II", SPI_IN, p.seq)
            iv = struct.pack(">Q", p.seq)
            ct = AESGCM(KEY_IN[:16]).encrypt(KEY_IN[16:] + iv, plain, hdr)
            return lambda: n.from_peer(IP(src=PEER, dst=GW_OUT, proto=50) / Raw(hdr + iv + ct))

        n.raises("drop.esp.dummy", forge(b"\0" * 30 + b"\0\x3b"))
        n.raises("drop.esp.next-header", forge(b"\0" * 30 + b"\0\x06"))
        n.raises("drop.esp.pad-length", forge(b"\0" * 30 + b"\x21\x04"))
        n.raises("drop.esp.padding", forge(b"\0" * 30 + b"\x02\x04"))
        n.raises("drop.esp.inner-version", forge(b"\0" * 30 + b"\0\x04"))
        n.raises("drop.esp.inner-length", forge(good[:22] + b"\0\x04"))
        n.raises("drop.esp.inner-short", forge(b"\0\x04" * 2))
        pad = -(len(good) + 2) % 4
        n.raises("drop.esp.inner-checksum", forge(b"\x4f" + good[1:] + bytes(range(1, pad + 1)) + bytes([pad, 4])))
        # TFC padding behind the inner packet is cut
        forge(good + b"T" * 22 + b"\0" * (-(len(good) + 22 + 2) % 4) + b"\0\x04")()
        r = n.at_host()
        assert r and len(r) == len(good), r

    def ecn_is_combined():
        p = n.fresh()
        m = p.seal(inner(tos=2))
        m.tos = 3
        del m.chksum
        n.from_peer(m)
        r = n.at_host()
        assert r.tos == 3, r.tos
        want = IP(bytes(r))
        del want.chksum
        assert IP(bytes(want)).chksum == r.chksum
        m = p.seal(inner(tos=0))
        m.tos = 3
        del m.chksum
        n.raises("drop.esp.ecn", lambda: n.from_peer(m))

    def too_big_is_told():
        n.fresh()
        long = inner(src=HOST, dst=FAR, size=1450)
        n.from_host(long)
        p, pieces = Peer(), []
        for _ in range(2):
            e = n.at_peer()
            assert len(e) <= 1500, len(e)
            pieces.append(p.open(e))
        assert [int(f.flags) for f in pieces] == [1, 0], pieces
        whole = defragment(pieces)
        assert len(whole) == 1 and bytes(whole[0][UDP]) == bytes(IP(bytes(long))[UDP])
        n.from_host(inner(src=HOST, dst=FAR, size=1450, flags="DF"))
        r = n.at_host()
        assert r[ICMP].type == 3 and r[ICMP].code == 4, r
        assert r[ICMP].nexthopmtu == 1446, r[ICMP].nexthopmtu
        n.from_host(inner(src=HOST, dst=FAR, size=1446 - 28, flags="DF"))
        r = n.at_peer()
        assert r and len(r) <= 1500, r
        n.from_host(inner(src=HOST, dst=FAR, size=1447 - 28, flags="DF"))
        assert n.at_host()[ICMP].code == 4

    def df_is_as_the_vpn_says():
        for df, inner_df, want in ((0, "DF", 0), (1, 0, 2), (2, "DF", 2), (2, 0, 0)):
            n.fresh(df_bit=df)
            n.from_host(inner(src=HOST, dst=FAR, flags=inner_df))
            assert int(n.at_peer().flags) == want, (df, inner_df)

    def outer_headers_are_as_the_vpn_says():
        n.fresh(ttl=33, fixed_tos=True, tos=0xB8)
        n.from_host(inner(src=HOST, dst=FAR, tos=0x29))
        r = n.at_peer()
        assert (r.ttl, r.tos) == (33, 0xB9), (r.ttl, r.tos)
        n.fresh(copy_ttl=True)
        n.from_host(inner(src=HOST, dst=FAR, ttl=20, tos=0x28))
        r = n.at_peer()
        assert (r.ttl, r.tos) == (19, 0x28), (r.ttl, r.tos)
        p = n.fresh(copy_outer_dscp=True)
        m = p.seal(inner(tos=0x28))
        m.tos = 0xB8
        del m.chksum
        n.from_peer(IP(bytes(m)))
        assert n.at_host().tos == 0xB8
        p = n.fresh(tunnel_mtu=600)
        n.from_host(inner(src=HOST, dst=FAR, size=1000))
        assert [len(n.at_peer()) <= 600 for _ in range(2)] == [True, True]

    def too_big_in_silence():
        n.fresh(tunnel_mtu=600, no_too_big=True)
        n.raises("drop.tunnel.mtu", lambda: n.from_host(inner(src=HOST, dst=FAR, size=1000, flags="DF")))

    def flows_take_ports_of_their_own():
        p = n.fresh(udp_port=4565, udp_key=bytes(range(16)))
        ports = {}
        for sport in [*range(3000, 3010), *range(3000, 3010)]:
            n.from_host(IP(src=HOST, dst=FAR) / UDP(sport=sport, dport=9) / Raw(b"x"))
            r = n.at_peer()
            assert r[UDP].dport == 4565 and r[UDP].chksum == 0, r.summary()
            esp = ESP(bytes(r[UDP].payload))
            plain = p.open(IP(src=GW_OUT, dst=PEER) / esp)
            assert plain[UDP].sport == sport
            assert ports.setdefault(sport, r[UDP].sport) == r[UDP].sport
        assert len(set(ports.values())) >= 8, ports
        m = p.seal(inner())
        n.from_peer(IP(src=PEER, dst=GW_OUT) / UDP(sport=7, dport=4565) / Raw(bytes(m[ESP])))
        assert n.at_host().src == FAR
        n.from_peer(p.seal(inner(n=2)))  # and without UDP
        assert n.at_host().id == 2

    def path_mtu_is_learned_from_who_saw_our_packet():
        def sent():
            n.from_host(inner(src=HOST, dst=FAR, size=1000, flags="DF"))
            return n.at_peer()

        def tell(about, mtu, spi=SPI_OUT, back=0):
            """Until it is heard: that is a few times a second."""
            number = struct.unpack(">I", bytes(about)[24:28])[0] - back & 0xFFFFFFFF
            quoted = bytes(about)[:20] + struct.pack(">II", spi, number)
            heard, end = n.dp.counters()["path-mtu.heard"], time.monotonic() + 3
            while n.dp.counters()["path-mtu.heard"] == heard and time.monotonic() < end:
                n.from_peer(IP(src="198.51.100.77", dst=GW_OUT) /
                            ICMP(type=3, code=4, nexthopmtu=mtu) / Raw(quoted))
            assert n.dp.counters()["path-mtu.heard"] > heard

        n.fresh(df_bit=2)
        whole = sent()
        tell(whole, 900, spi=SPI_OUT + 1)  # nobody's
        assert len(sent()) == len(whole)
        for back in (-5, 70000):  # never sent, or too long ago
            tell(whole, 900, back=back)
            assert len(sent()) == len(whole), back
        tell(whole, 900)
        n.host.drain()
        n.from_host(inner(src=HOST, dst=FAR, size=1000, flags="DF"))
        r = n.at_host()
        assert r and (r[ICMP].type, r[ICMP].code) == (3, 4), r
        n.from_host(inner(src=HOST, dst=FAR, size=r[ICMP].nexthopmtu - 28, flags="DF"))
        assert 896 < len(n.at_peer()) <= 900
        n.from_host(inner(src=HOST, dst=FAR, size=1000))
        small = n.at_peer()
        assert len(small) <= 900 and n.at_peer()
        tell(small, 100)  # never below a floor
        n.from_host(inner(src=HOST, dst=FAR, size=500 - 28, flags="DF"))
        assert n.at_peer(), "576 octets pass anywhere"
        n.raises("drop.path-mtu", lambda: n.from_peer(
            IP(src=PEER, dst=GW_OUT) / ICMP(type=3, code=4, nexthopmtu=500) /
            Raw(bytes(IP(src=FAR, dst=PEER) / UDP()))))

    def esn_reaches_past_32_bits():
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        base = (5 << 32) - 3
        n.fresh(esn=True, lease={"epoch": 0, "out_horizon": base, "in_top": base, "in_horizon": FOREVER})
        for seq in range(base + 1, base + 8):
            body = bytes(inner(n=seq & 0xffff))
            pad = -(len(body) + 2) % 4
            body += bytes(range(1, pad + 1)) + bytes([pad, 4])
            hdr = struct.pack(">II", SPI_IN, seq & 0xffffffff)
            iv = struct.pack(">Q", seq)
            ct = AESGCM(KEY_IN[:16]).encrypt(KEY_IN[16:] + iv, body, struct.pack(">IQ", SPI_IN, seq))
            n.from_peer(IP(src=PEER, dst=GW_OUT, proto=50) / Raw(hdr + iv + ct))
            assert n.at_host(), hex(seq)
            n.from_host(inner(src=HOST, dst=FAR))
            e = n.at_peer()[ESP]
            out = base + (seq - base - 1)
            assert e.seq == out & 0xffffffff, (hex(e.seq), hex(out))
            iv = bytes(e.data)[:8]
            AESGCM(KEY_OUT[:16]).decrypt(KEY_OUT[16:] + iv, bytes(e.data)[8:], struct.pack(">IQ", SPI_OUT, out))

    def ivs_carry_the_node_and_never_repeat():
        seen = set()
        for _ in range(3):
            n.fresh()
            for i in range(20):
                n.from_host(inner(src=HOST, dst=FAR))
                iv = bytes(n.at_peer()[ESP].data)[:8]
                assert iv[0] == 7 and iv not in seen
                seen.add(iv)

    def every_bucket_reaches_its_worker():
        n.dp.call(child_delete={"spi_in": [SPI_IN]})
        spis = [0x01000000 | b << 16 | 0x77 for b in range(4, 12)]
        for i, spi in enumerate(spis):
            far = "10.2.%d.1" % i
            n.dp.call(child_install=child(spi_in=spi, spi_out=spi + 0x10000000,
                                          remote_ts=[any_ts(far, far)]))
        for i, spi in enumerate(spis):
            far = "10.2.%d.1" % i
            p = Peer(spi_in=spi, spi_out=spi + 0x10000000)
            n.from_peer(p.seal(inner(src=far)))
            assert n.at_host().src == far
            n.from_host(inner(src=HOST, dst=far))
            assert n.at_peer()[ESP].spi == spi + 0x10000000
            assert n.dp.child(spi)["worker"] == (spi >> 16 & 255) % n.workers
        workers = n.dp.call(query={"workers": True})["workers"]
        assert [x["children"] for x in workers] == [8 // len(workers)] * len(workers), workers
        assert sum(x["buckets"] for x in workers) == 1 << BITS
        n.dp.call(child_delete={"spi_in": spis})

    def flows_come_by_several_queues():
        def packets():
            return [x.get("packets", 0) for x in n.dp.call(query={"workers": True})["workers"]][: n.workers]

        before = packets()
        for i in range(64):
            n.from_host(IP(src=HOST, dst="198.51.100.5") / UDP(sport=1000 + i, dport=2000) / Raw(b"flow"))
            r = n.at_peer()
            assert r and r[UDP].sport == 1000 + i, r
        got = [now - then for now, then in zip(packets(), before)]
        assert n.workers == 1 or min(got) > 8, got

    def order_of_a_flow_is_kept_at_speed():
        p = n.fresh(replay_window=8192)
        sent = [p.seal(inner(n=i)) for i in range(1, 2001)]
        frames = [bytes(Ether(src=n.peer.mac, dst=n.mac_out) / m) for m in sent]
        n.host.drain()
        got = []
        for i in range(0, 2000, 100):  # as much as the ring of the driver holds
            for f in frames[i : i + 100]:
                n.peer.send(f)
            while len(got) < i + 100:
                r = n.at_host()
                assert r, "lost after %d" % len(got)
                got.append(r.id)
        assert got == list(range(1, 2001)), "order or number is wrong"

    def lifetimes_are_told_once_and_the_hard_one_ends_it():
        p = n.fresh(soft_bytes=200, hard_bytes=400)
        n.dp.events.clear()
        for _ in range(7):  # 60 octets each
            n.from_host(inner(src=HOST, dst=FAR))
            assert n.at_peer()
        assert n.dp.event("lifetime") == {"spi_in": SPI_IN, "kind": 0}
        assert n.dp.event("lifetime") == {"spi_in": SPI_IN, "kind": 1}
        n.raises("drop.esp.lifetime", lambda: n.from_host(inner(src=HOST, dst=FAR)))
        n.raises("drop.esp.lifetime", lambda: n.from_peer(p.seal(inner())))
        n.dp.events.clear()
        n.fresh(lease={"epoch": 0, "out_horizon": (1 << 32) - (1 << 29), "in_horizon": FOREVER})
        n.from_host(inner(src=HOST, dst=FAR))
        assert n.at_peer()[ESP].seq == (1 << 32) - (1 << 29)
        assert n.dp.event("lifetime") == {"spi_in": SPI_IN, "kind": 2}

    def api_changes_under_traffic_lose_nothing():
        """Grants, adoption, queries, installs, deletes and configurations between bursts; under the
        thread sanitizer this is also where a race would show."""
        import threading

        p = n.fresh(replay_window=8192)
        total = 1500
        frames = [bytes(Ether(src=n.peer.mac, dst=n.mac_out) / p.seal(inner(n=i))) for i in range(total)]
        back = bytes(Ether(src=n.host.mac, dst=n.mac_in) / inner(src=HOST, dst=FAR))
        got = []
        done = threading.Event()

        def sender():
            for f in frames:
                n.peer.send(f)
                n.host.send(back)
                time.sleep(0.0005)
            done.set()

        def receiver():
            while len(got) < total:
                r = n.host.recv(lambda f: f[12:14] == b"\x08\x00", timeout=1)
                if r is None:
                    return
                got.append(r)

        n.host.drain()
        threads = [threading.Thread(target=f) for f in (sender, receiver)]
        for t in threads:
            t.start()
        turns = 0
        while not done.is_set():
            turns += 1
            n.dp.call(lease_grant={"leases": [
                {"spi_in": SPI_IN, "epoch": 1, "out_horizon": (1 << 32) + turns, "in_top": 0}]})
            n.dp.call(child_install=child(order=turns, replay_window=8192))
            n.dp.call(query={"children": True, "counters": True, "workers": True})
            n.dp.call(child_install=child(spi_in=SPI_IN + 16, spi_out=7777, policy_id=12))
            n.dp.call(child_delete={"spi_in": [SPI_IN + 16]})
            n.dp.call(rg_set={"rg": 1, "role": "RG_ACTIVE", "epoch": 1, "deadline_ns": FOREVER})
            if turns % 10 == 0:
                n.dp.call(configure=n.conf)
        for t in threads:
            t.join()
        assert len(got) == total, "%d of %d" % (len(got), total)
        assert n.dp.child(SPI_IN)["packets_out"] == total and turns > 20, turns

    def control_comes_back_and_adopts():
        p = n.fresh(udp_encap=True)
        for i in range(5):
            n.from_host(inner(src=HOST, dst=FAR))
            assert n.at_peer()
        n.dp.disconnect()
        n.from_peer(p.seal(inner()))
        assert n.at_host(), "forwarding must go on without tandemd"
        n.dp.connect()
        h = n.dp.call(hello={"schema": 1, "version": "new"})["hello"]
        assert h["configured"] and h["spi_in"] == [SPI_IN], h
        assert any(r["rg"] == 1 and r["role"] == 1 for r in h["rgs"]), h
        n.dp.call(configure=n.conf)
        n.dp.call(child_install=child(udp_encap=True))
        n.from_host(inner(src=HOST, dst=FAR))
        assert n.at_peer()[ESP].seq == 6
        assert n.dp.child(SPI_IN)["packets_in"] == 1

    return [v for v in locals().values() if callable(v) and v.__name__ not in (
        "check_out", "check_in", "n")]


if __name__ == "__main__":
    sys.exit(main())
