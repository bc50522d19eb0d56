#!/usr/bin/python3
"""One node against scapy: AH in a tunnel and between the ends, ESP between the ends, bundles.

usage: ah_test.py PROGRAM WORKERS [CASE...]
"""
import hmac
import logging
import socket
import struct
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.all import ICMP, IP, UDP, Ether, IPOption, IPv6, Raw  # noqa: E402
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr  # noqa: E402
from scapy.layers.ipsec import AH, ESP, SecurityAssociation  # noqa: E402

import world  # noqa: E402
from node_test import FAR, GW_OUT, HOST, PEER, SPI_IN, SPI_OUT, Node, any_ts, child, configuration  # noqa: E402
from node_test import inner  # noqa: E402
from world import FOREVER  # noqa: E402

INTEG = {"HMAC-MD5-96": (1, 16), "HMAC-SHA1-96": (2, 20), "SHA2-256-128": (12, 32),
         "SHA2-384-192": (13, 48), "SHA2-512-256": (14, 64)}
ICV = {"HMAC-SHA1-96": ("sha1", 12), "SHA2-256-128": ("sha256", 16)}
AUX_IN, AUX_OUT = 600, 601
HERE, THERE = any_ts(GW_OUT, GW_OUT), any_ts(PEER, PEER)
CIPHER_IN, CIPHER_OUT = bytes(range(16)), bytes(range(50, 66))


def keys(algo):
    n = INTEG[algo][1]
    return bytes((i * 7 + 1) & 255 for i in range(n)), bytes((i * 5 + 9) & 255 for i in range(n))


def ah_icv(packet, algo, key):
    """Of AH directly behind an IP header without options; scapy leaves AH around ESP unsigned."""
    n, zeroed = ICV[algo][1], bytearray(packet)
    for i in (1, 6, 7, 8, 10, 11):
        zeroed[i] = 0
    zeroed[32 : 32 + n] = bytes(n)
    return hmac.new(key, bytes(zeroed), ICV[algo][0]).digest()[:n]


def ah_around(packet, algo, key, spi, seq):
    packet, n = IP(bytes(packet)), ICV[algo][1]
    data = bytes(packet.payload)
    head = packet.copy()
    head.remove_payload()
    head.proto, head.len = 51, 20 + 12 + n + len(data)
    del head.chksum
    ah = struct.pack(">BBHII", packet.proto, (12 + n) // 4 - 2, 0, spi, seq) + bytes(n)
    m = bytes(IP(bytes(head))) + ah + data
    return IP(m[:32] + ah_icv(m, algo, key) + m[32 + n :])


def ah_off(packet, algo, key):
    m, n = bytes(packet), ICV[algo][1]
    assert hmac.compare_digest(m[32 : 32 + n], ah_icv(m, algo, key)), "the ICV of AH"
    head = IP(m[:20])
    head.proto, head.len = m[20], len(m) - 12 - n
    del head.chksum
    return IP(bytes(head) + m[32 + n :])


class Peer:
    """Both directions by scapy; `aux`: an ESP without ICV inside."""

    def __init__(self, algo, tunnel=True, high=None, proto=AH, cipher=None, aux=False,
                 spi_in=SPI_IN, spi_out=SPI_OUT):
        key_in, key_out = self.keys = keys(algo)
        self.algo = algo
        esn = {"esn_en": True, "esn": high} if high is not None else {}
        self.aux = aux
        there = IP(src=PEER, dst=GW_OUT) if tunnel else None
        back = IP(src=GW_OUT, dst=PEER) if tunnel else None
        if aux:
            self.etx = SecurityAssociation(ESP, spi=AUX_IN, crypt_algo="AES-CBC", crypt_key=CIPHER_IN,
                                           tunnel_header=there)
            self.erx = SecurityAssociation(ESP, spi=AUX_OUT, crypt_algo="AES-CBC",
                                           crypt_key=CIPHER_OUT, tunnel_header=back)
            there = back = None
        more = dict(esn)
        both = ({}, {})
        if cipher:
            both = ({"crypt_algo": cipher, "crypt_key": CIPHER_IN},
                    {"crypt_algo": cipher, "crypt_key": CIPHER_OUT})
        self.tx = SecurityAssociation(proto, spi=spi_in, auth_algo=algo, auth_key=key_in,
                                      tunnel_header=there, **more, **both[0])
        self.rx = SecurityAssociation(proto, spi=spi_out, auth_algo=algo, auth_key=key_out,
                                      tunnel_header=back, **more, **both[1])
        self.seq = 0

    def seal(self, packet, seq=None):
        self.seq = seq if seq is not None else self.seq + 1
        packet = IP(bytes(packet))
        if self.aux:
            packet = IP(bytes(self.etx.encrypt(packet, seq_num=self.seq)))
            return ah_around(packet, self.algo, self.keys[0], SPI_IN, self.seq)
        return IP(bytes(self.tx.encrypt(packet, seq_num=self.seq)))

    def open(self, packet):
        if self.aux:
            return IP(bytes(self.erx.decrypt(ah_off(packet, self.algo, self.keys[1]))))
        return IP(bytes(self.rx.decrypt(IP(bytes(packet)))))


def sa(n, algo, **more):
    """An AH SA in place of whatever was there."""
    key_in, key_out = keys(algo)
    c = {"encr": 0, "key_bits": 0, "encr_key_in": b"", "encr_key_out": b"", "integ": INTEG[algo][0],
         "integ_key_in": key_in, "integ_key_out": key_out}
    c.update(more)
    n.dp.call(child_delete={"spi_in": [SPI_IN, 300]})
    n.dp.call(child_install=child(**c))


def transport(algo, **more):
    return dict(transport=True, policy_id=21, local_ts=[HERE], remote_ts=[THERE], **more)


def with_transport(workers):
    c = configuration(workers)
    c["policies"] = c["policies"] + [
        {"id": 21, "interface_id": 1, "rg": 1, "local": [HERE], "remote": [THERE], "name": "END"}]
    return c


def ping(n=1, size=20):
    return IP(src=PEER, dst=GW_OUT, id=n) / ICMP(type=8, id=7, seq=n) / Raw(b"p" * size)


def main():
    world.need_root()
    w = world.World(sys.argv[1])
    rc = 1
    try:
        rc = world.run(cases(Node(w, int(sys.argv[2])), int(sys.argv[2])), sys.argv[3:])
    finally:
        rc += w.close()
    return rc


def tunnel_cases(n):
    def check(p, what=32):
        n.host.drain()
        n.peer.drain()
        n.from_peer(p.seal(inner(n=3, size=what)))
        r = n.at_host()
        assert r and r.id == 3 and bytes(r[UDP].payload) == b"x" * what, "nothing came in"
        n.from_host(inner(n=4, src=HOST, dst=FAR, size=what))
        out = n.at_peer()
        assert out, "nothing went out"
        return out, p.open(out)

    def ah_tunnel_with_each_hash():
        for algo in INTEG:
            sa(n, algo)
            out, got = check(Peer(algo))
            assert out.proto == 51 and out[AH].spi == SPI_OUT and out[AH].seq == 1, out.summary()
            assert got.src == HOST and got.dst == FAR and got.ttl == 63, got.summary()

    def ah_tunnel_with_esn():
        sa(n, "SHA2-256-128", esn=True, lease={
            "epoch": 1, "out_horizon": (5 << 32) + 99, "in_horizon": FOREVER})
        _, got = check(Peer("SHA2-256-128", high=0))
        assert got.dst == FAR

    def ah_accepts_what_the_way_changes():
        sa(n, "SHA2-256-128")
        p = Peer("SHA2-256-128")
        m = p.seal(inner())
        m.ttl, m.tos, m.flags = 3, 0x48, "DF"
        del m.chksum
        n.from_peer(IP(bytes(m)))
        assert n.at_host(), "TTL, TOS and DF may change"

    def ah_refuses_what_it_must_not():
        sa(n, "SHA2-256-128")
        p = Peer("SHA2-256-128")
        for change in ("src", "id"):
            m = p.seal(inner())
            if change == "src":
                m.src = "192.0.2.8"
            else:
                m.id += 1
            del m.chksum
            n.raises("drop.ah.auth", lambda: n.from_peer(IP(bytes(m))))
        m = bytearray(bytes(p.seal(inner())))
        m[-1] ^= 1
        n.raises("drop.ah.auth", lambda: n.from_peer(IP(bytes(m))))
        assert n.dp.child(SPI_IN)["auth_errors"] == 3

    def ah_replay_is_refused():
        sa(n, "HMAC-SHA1-96")
        p = Peer("HMAC-SHA1-96")
        m = p.seal(inner(), seq=100)
        n.from_peer(m)
        assert n.at_host()
        n.raises("drop.ah.replay", lambda: n.from_peer(m))
        n.raises("drop.ah.below-window", lambda: n.from_peer(p.seal(inner(), seq=30)))

    def ah_and_esp_do_not_share_an_spi():
        sa(n, "HMAC-SHA1-96")
        esp = IP(src=PEER, dst=GW_OUT, proto=50) / Raw(struct.pack(">II", SPI_IN, 1) + b"x" * 40)
        n.raises("drop.esp.spi-unknown", lambda: n.from_peer(esp))
        n.fresh()
        p = Peer("HMAC-SHA1-96")
        n.raises("drop.ah.spi-unknown", lambda: n.from_peer(p.seal(inner())))

    def ah_is_cut_before_it_is_signed():
        sa(n, "SHA2-512-256")
        p = Peer("SHA2-512-256")
        n.from_host(inner(src=HOST, dst=FAR, size=1472))
        sizes = []
        for _ in range(2):
            out = n.at_peer()
            assert out and out.len <= 1500, "no piece"
            sizes.append(p.open(out).len)
        assert sum(sizes) - 20 == 1500, sizes

    def bundle_in_a_tunnel():
        sa(n, "HMAC-SHA1-96", aux_spi_in=AUX_IN, aux_spi_out=AUX_OUT, aux_encr=12, aux_key_bits=128,
           encr_key_in=CIPHER_IN, encr_key_out=CIPHER_OUT)
        p = Peer("HMAC-SHA1-96", aux=True)
        out, got = check(p)
        assert out.proto == 51 and out[AH].nh == 50, out.summary()  # PRO-003: IP, AH, ESP
        assert struct.unpack(">I", bytes(out[AH].payload)[:4])[0] == AUX_OUT
        assert got.dst == FAR
        p.etx.spi = AUX_IN + 1
        n.raises("drop.ah.bundle", lambda: n.from_peer(p.seal(inner())))
        bare = Peer("HMAC-SHA1-96")
        n.raises("drop.ah.bundle", lambda: n.from_peer(bare.seal(inner(), seq=50)))

    def manual_spis_work_on_every_worker():
        for spi in (256, 300, 301, 302, 303, 16639):
            n.dp.call(child_delete={"spi_in": [SPI_IN, 300]})
            key_in, key_out = keys("SHA2-256-128")
            c = child(spi_in=spi, spi_out=spi, encr=0, key_bits=0, encr_key_in=b"",
                      encr_key_out=b"", integ=12, integ_key_in=key_in, integ_key_out=key_out,
                      replay_window=0, manual=True)
            n.dp.call(child_install=c)
            p = Peer("SHA2-256-128", spi_in=spi, spi_out=spi)
            m = p.seal(inner())
            for _ in range(2):  # MAN-005: no anti-replay
                n.from_peer(m)
                assert n.at_host(), spi
            n.from_host(inner(src=HOST, dst=FAR))
            assert p.open(n.at_peer()).dst == FAR
            n.dp.call(child_delete={"spi_in": [spi]})

    def manual_numbers_go_round():
        key_in, key_out = keys("SHA2-256-128")
        n.dp.call(child_install=child(
            spi_in=300, spi_out=300, encr=0, key_bits=0, encr_key_in=b"", encr_key_out=b"",
            integ=12, integ_key_in=key_in, integ_key_out=key_out, replay_window=0, manual=True,
            lease={"epoch": 0, "out_horizon": (1 << 32) - 1, "in_horizon": FOREVER}))
        p = Peer("SHA2-256-128", spi_in=300, spi_out=300)
        seen = []
        for _ in range(3):
            n.from_host(inner(src=HOST, dst=FAR))
            out = n.at_peer()
            seen.append(out[AH].seq)
            assert p.open(out).dst == FAR
        assert seen == [(1 << 32) - 1, 0, 1], seen
        n.dp.call(child_delete={"spi_in": [300]})

    return [v for v in locals().values() if callable(v) and v.__name__ not in ("check", "n")]


def transport_cases(n, workers):
    def check(p, size=20):
        n.peer.drain()
        n.from_peer(p.seal(ping(5, size)))
        out = n.at_peer()
        assert out, "no answer"
        got = p.open(out)
        assert got[ICMP].type == 0 and got[ICMP].seq == 5 and len(got[ICMP].payload) == size
        return out

    def ah_between_the_ends():
        n.dp.call(configure=with_transport(workers))
        for algo in INTEG:
            sa(n, algo, **transport(algo))
            out = check(Peer(algo, tunnel=False))
            assert out.proto == 51 and out[AH].nh == 1, out.summary()

    def esp_between_the_ends():
        n.dp.call(configure=with_transport(workers))
        sa(n, "SHA2-256-128", encr=12, key_bits=128, encr_key_in=CIPHER_IN, encr_key_out=CIPHER_OUT,
           **transport("SHA2-256-128"))
        p = Peer("SHA2-256-128", tunnel=False, proto=ESP, cipher="AES-CBC")
        for size in range(0, 40, 3):
            out = check(p, size)
            assert out.proto == 50 and out[ESP].spi == SPI_OUT, out.summary()

    def bundle_between_the_ends():
        n.dp.call(configure=with_transport(workers))
        sa(n, "SHA2-256-128", aux_spi_in=AUX_IN, aux_spi_out=AUX_OUT, aux_encr=12, aux_key_bits=128,
           encr_key_in=CIPHER_IN, encr_key_out=CIPHER_OUT, **transport("SHA2-256-128"))
        out = check(Peer("SHA2-256-128", tunnel=False, aux=True))
        assert out.proto == 51 and out[AH].nh == 50, out.summary()

    def options_stay_in_front():
        n.dp.call(configure=with_transport(workers))
        sa(n, "SHA2-256-128", **transport("SHA2-256-128"))
        p = Peer("SHA2-256-128", tunnel=False)
        m = ping(6)
        m.options = [IPOption(b"\x94\x04\x00\x00")]
        n.from_peer(p.seal(IP(bytes(m))))
        assert p.open(n.at_peer())[ICMP].seq == 6

    def what_is_protected_is_not_heard_in_clear():
        n.dp.call(configure=with_transport(workers))
        sa(n, "SHA2-256-128", **transport("SHA2-256-128"))
        n.raises("drop.ip.clear", lambda: n.from_peer(ping()))
        other = ping()
        other.src = "192.0.2.77"
        n.resolve(n.peer, "192.0.2.77", GW_OUT)
        n.from_peer(IP(bytes(other)))
        assert n.at_peer(), "others are not concerned"

    def the_kernel_answers_through_the_sa():
        c = with_transport(workers)
        c["interfaces"] = [dict(i) for i in c["interfaces"]]
        c["interfaces"][0]["kernel_device"] = "out0"
        n.dp.call(configure=c)
        sa(n, "SHA2-256-128", encr=12, key_bits=128, encr_key_in=CIPHER_IN, encr_key_out=CIPHER_OUT,
           **transport("SHA2-256-128"))
        p = Peer("SHA2-256-128", tunnel=False, proto=ESP, cipher="AES-CBC")
        world.sh(f"ip -n {n.dp.netns} addr add {GW_OUT}/32 dev out0; ip -n {n.dp.netns} link set out0 up; "
                 f"ip -n {n.dp.netns} route add {PEER}/32 dev out0; "
                 f"ip netns exec {n.dp.netns} sysctl -qw net.ipv4.conf.ge0.rp_filter=1")
        server = world.in_netns(n.dp.netns, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        with server:
            server.bind((GW_OUT, 1701))
            server.settimeout(3)
            asked = IP(src=PEER, dst=GW_OUT) / UDP(sport=40000, dport=1701) / Raw(b"tunnel?")
            n.from_peer(p.seal(asked))
            data, who = server.recvfrom(2000)
            assert (data, who) == (b"tunnel?", (PEER, 40000)), (data, who)
            n.peer.drain()
            server.sendto(b"yes", who)
            out = n.at_peer()
            assert out.proto == 50 and out[ESP].spi == SPI_OUT, out.summary()
            got = p.open(out)
            assert (got.src, got[UDP].sport, got[UDP].dport, bytes(got[UDP].payload)) == \
                (GW_OUT, 1701, 40000, b"yes"), got.summary()
            n.raises("drop.udp.port", lambda: n.from_peer(asked))
            server.settimeout(0.2)
            try:
                raise AssertionError(f"heard in clear: {server.recvfrom(2000)}")
            except socket.timeout:
                pass
            # RFC 7296 2.11: IKE is the one thing no policy holds
            with world.in_netns(n.dp.netns, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as ike:
                ike.bind((GW_OUT, 500))
                n.raises("drop.kernel.no-policy", lambda: ike.sendto(b"x", (PEER, 500)))
            n.peer.drain()
            n.dp.call(child_delete={"spi_in": [SPI_IN]})
            n.raises("drop.spd.no-sa", lambda: server.sendto(b"still there?", who))
            assert not n.at_peer(timeout=0.2), "without an SA nothing leaves"

    def transport_does_not_carry_tunnels():
        n.dp.call(configure=with_transport(workers))
        sa(n, "SHA2-256-128", **transport("SHA2-256-128"))
        p = Peer("SHA2-256-128", tunnel=True)
        # IP in IP is a payload like any other here, and nobody's
        n.raises("drop.ip.protocol", lambda: n.from_peer(p.seal(inner(dst=GW_OUT))))
        nested = IP(src=PEER, dst=GW_OUT, proto=50) / Raw(b"y" * 40)
        m = ah_around(nested, "SHA2-256-128", keys("SHA2-256-128")[0], SPI_IN, 9)
        n.raises("drop.ah.next-header", lambda: n.from_peer(m))

    def without_an_sa_it_is_asked_for():
        n.dp.call(configure=with_transport(workers))
        n.dp.call(child_delete={"spi_in": [SPI_IN]})
        n.dp.events.clear()
        n.dp.call(configure=configuration(workers))
        n.from_peer(ping())
        assert n.at_peer(), "no policy, no protection"

    return [v for v in locals().values() if callable(v) and v.__name__ not in ("check", "n")]


def ip6_cases(n, workers):
    us, peer = "2001:db8::1", "2001:db8::9"

    def ip6(text):
        return socket.inet_pton(socket.AF_INET6, text)

    def configured():
        c = configuration(workers)
        c["interfaces"][0]["addresses"] = c["interfaces"][0]["addresses"] + [
            {"address": ip6(us), "length": 64}]
        n.dp.call(configure=c)
        n.peer.send(Ether(src=n.peer.mac, dst=n.mac_out) / IPv6(src=peer, dst=us) /
                    ICMPv6ND_NA(tgt=peer, R=0, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=n.peer.mac))

    def at_peer6():
        """The next AH packet; who asks for the peer's MAC is told."""
        while True:
            f = n.peer.recv(lambda f: f[12:14] == b"\x86\xdd")
            if f is None:
                return None
            p = Ether(f)
            if ICMPv6ND_NS in p:
                n.peer.send(Ether(src=n.peer.mac, dst=n.mac_out) / IPv6(src=peer, dst=us, hlim=255) /
                            ICMPv6ND_NA(tgt=peer, R=0, S=1, O=1) /
                            ICMPv6NDOptDstLLAddr(lladdr=n.peer.mac))
            elif p[IPv6].nh == 51:
                return p[IPv6]

    def ah_over_ip6_with_each_hash():
        configured()
        for algo in INTEG:
            sa(n, algo, local={"address": ip6(us), "port": 0}, remote={"address": ip6(peer), "port": 0})
            key_in, key_out = keys(algo)
            tx = SecurityAssociation(AH, spi=SPI_IN, auth_algo=algo, auth_key=key_in,
                                     tunnel_header=IPv6(src=peer, dst=us))
            rx = SecurityAssociation(AH, spi=SPI_OUT, auth_algo=algo, auth_key=key_out,
                                     tunnel_header=IPv6(src=us, dst=peer))
            n.host.drain()
            n.from_peer(IPv6(bytes(tx.encrypt(inner(n=9), seq_num=1))))
            r = n.at_host()
            assert r and r.id == 9, "nothing came in"
            n.from_host(inner(n=4, src=HOST, dst=FAR))
            out = at_peer6()
            assert out, "nothing went out"
            assert (len(bytes(out[AH])) - len(bytes(out[AH].payload))) % 8 == 0, "RFC 4302 3.3.3.2.1"
            assert IP(bytes(rx.decrypt(IPv6(bytes(out))))).dst == FAR

    return [ah_over_ip6_with_each_hash]


def cases(n, workers):
    return tunnel_cases(n) + transport_cases(n, workers) + ip6_cases(n, workers)


if __name__ == "__main__":
    sys.exit(main())
