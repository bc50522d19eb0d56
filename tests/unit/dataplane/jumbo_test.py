#!/usr/bin/python3
"""Packets of 9 kB: on links that take them, and in fragments on one that does not.

usage: jumbo_test.py PROGRAM [CASE...]
"""
import logging
import re
import subprocess
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.all import ICMP, IP, UDP  # noqa: E402
from scapy.layers.inet import defragment, fragment  # noqa: E402

import node_test as nt  # noqa: E402
import world  # noqa: E402
from node_test import (FAR, GW_OUT, HOST, KEY_IN, KEY_OUT, LOCAL_TS, PEER, REMOTE_TS, SPI_IN,  # noqa: E402
                       SPI_OUT, Peer, child, inner)
from world import FOREVER, ip4  # noqa: E402

MTU = 9192
OVERHEAD = 20 + 8 + 8 + 16  # IPv4, ESP, IV, ICV; and padding and two octets of trailer
MOST = (MTU - OVERHEAD) // 4 * 4 - 2


def mtus(c, out=MTU, ins=MTU, tunnel=MTU):
    for i, mtu in enumerate((out, ins)):
        c["ports"][i]["mtu"] = c["interfaces"][i]["mtu"] = mtu
    c["interfaces"][2]["mtu"] = tunnel
    return c


class Jumbo(nt.Node):
    """A node that started with the MTUs of always, on links that take more."""

    def __init__(self, w, workers):
        self.workers, real = workers, w.link
        w.link = lambda *a: real(*a, mtu=MTU)
        try:
            super().__init__(w, workers)
        finally:
            w.link = real
        self.dp.call(child_install=child())

    def configure(self, c=None, pcap=False):
        c = c or nt.configuration(self.workers)
        if pcap:
            c["ports"][0]["device"] = "net_pcap0,rx_iface_in=ge0,tx_iface=ge0"
        self.dp.call(configure=c)
        self.mac_out = self.resolve(self.peer, PEER, GW_OUT)
        self.mac_in = self.resolve(self.host, HOST, nt.GW_IN)

    def jumbo(self, pcap=False, **kw):
        self.configure(mtus(nt.configuration(self.workers), **kw), pcap)


def kernel_mtu(n, ifname):
    out = subprocess.run(["ip", "-n", n.dp.netns, "link", "show", ifname], capture_output=True, text=True,
                         check=True).stdout
    return int(re.search(r"mtu (\d+)", out).group(1))


def buffers(dp):
    return re.findall(r"dp\.buffers octets=(\d+) buffers=(\d+) wanted=(\d+)", open(dp.log).read())


def cases(n):
    def long_packets_are_not_for_the_buffers_of_always():
        n.configure(pcap=True)
        assert buffers(n.dp) == []
        p = Peer()
        n.from_peer(p.seal(inner(size=1400)))
        assert n.at_host()
        assert n.dp.counters()["fragments.joined"] == 0

    def a_larger_mtu_brings_larger_ones_and_the_sa_lives_on():
        p = Peer()
        p.seq = 2
        n.jumbo()
        assert buffers(n.dp) == [("10240", "8192", "8192")], buffers(n.dp)
        n.from_peer(p.seal(inner(size=1400)))
        assert n.at_host() and n.dp.child(SPI_IN)["packets_in"] == 2
        n.jumbo()
        assert len(buffers(n.dp)) == 1, "made twice"

    def long_packets_go_in_and_out_whole():
        p = n.fresh()
        for size in (8900, MOST - 28):
            one = inner(size=size, flags="DF")
            n.from_peer(p.seal(one))
            r = n.at_host()
            assert r and bytes(r[UDP]) == bytes(IP(bytes(one))[UDP]), size
            back = inner(src=HOST, dst=FAR, size=size, flags="DF")
            n.from_host(back)
            e = n.at_peer()
            length = len(e)
            assert length <= MTU, length
            assert bytes(p.open(e)[UDP]) == bytes(IP(bytes(back))[UDP]), size
        assert length > MTU - 4, length
        n.from_host(inner(src=HOST, dst=FAR, size=MOST - 27, flags="DF"))
        r = n.at_host()
        assert r[ICMP].type == 3 and r[ICMP].nexthopmtu == MOST, r.summary()

    def a_ping_of_8900_is_answered_by_the_node_itself():
        n.from_host(IP(src=HOST, dst=nt.GW_IN) / ICMP(id=1, seq=1) / (b"p" * 8900))
        r = n.at_host()
        assert r and r[ICMP].type == 0 and bytes(r)[28:] == b"p" * 8900

    def in_fragments(size, turn=1):
        one = inner(size=size)
        sealed = n.p.seal(one)
        sealed.id = 1000 + n.p.seq  # one that was refused keeps its number for a while
        pieces = fragment(sealed, 1480)
        assert len(pieces) == 7, len(pieces)
        for f in pieces[::turn]:
            n.from_peer(f)
        r = n.at_host()
        assert r and bytes(r[UDP]) == bytes(IP(bytes(one))[UDP]), size

    def fragments_on_a_link_of_1500_are_gathered():
        n.jumbo(out=1500, pcap=True)
        n.p = n.fresh()
        was = n.dp.counters()
        in_fragments(8900)
        in_fragments(MOST - 28, -1)
        assert n.dp.counters()["fragments.joined"] == was["fragments.joined"] + 2
        for f in fragment(n.p.seal(inner(size=9216)), 1480):  # and what is around it
            n.from_peer(f)
        assert n.at_host(timeout=0.3) is None
        now = n.dp.counters()
        assert now["drop.fragment.too-big"] == was["drop.fragment.too-big"] + 1

    def and_by_packet_sockets_too():
        n.jumbo(out=1500)
        assert (kernel_mtu(n, "ge0"), kernel_mtu(n, "ge1")) == (1500, MTU)
        was = n.dp.counters()
        in_fragments(8900)
        assert n.dp.counters()["fragments.joined"] == was["fragments.joined"] + 1

    def long_packets_leave_a_link_of_1500_in_pieces():
        back = inner(src=HOST, dst=FAR, size=8900)
        n.from_host(back)
        out = [n.at_peer() for _ in range(7)]
        assert all(e and len(e) <= 1500 for e in out), out
        whole = defragment([n.p.open(e) for e in out])
        assert len(whole) == 1 and bytes(whole[0][UDP]) == bytes(IP(bytes(back))[UDP])

    def the_port_takes_its_mtu_to_the_device():
        n.jumbo()
        assert kernel_mtu(n, "ge0") == MTU
        n.from_peer(n.p.seal(inner(size=8900)))
        assert n.at_host()

    def an_mtu_beyond_all_is_refused():
        c = nt.configuration(n.workers)
        c["interfaces"][1]["mtu"] = 10093
        r = n.dp.reply(n.dp.send(configure=c))
        assert r["error"] and "10092" in r["reason"], r
        n.from_host(inner(src=HOST, dst=FAR))
        assert n.at_peer(), "a refused configuration must change nothing"

    return [v for v in locals().values() if callable(v) and v.__name__ != "in_fragments"]


def two_ends(w):
    """host 10.1.0.10 - node - node - host 10.2.0.20, hosts with stacks of their own."""
    nodes, hosts = [w.ns("x"), w.ns("y")], [w.ns("u"), w.ns("v")]
    w.link(nodes[0], "ge0", nodes[1], "ge0", mtu=MTU)
    for i, (host, far) in enumerate(((HOST, FAR), (FAR, HOST))):
        w.link(nodes[i], "ge1", hosts[i], "eth0", mtu=MTU)
        net, gw = host.rsplit(".", 2)[0], host.rsplit(".", 2)[0] + ".0.1"
        world.sh("ip -n %s link set eth0 arp on && ip -n %s addr add %s/16 dev eth0 && "
                 "ip -n %s route add default via %s" % (hosts[i], hosts[i], host, hosts[i], gw))
        c = mtus(nt.configuration(1, iv_node_id=7 + i))
        own, other = (GW_OUT, PEER) if i == 0 else (PEER, GW_OUT)
        c["interfaces"][0]["addresses"] = [{"address": ip4(own), "length": 24}]
        c["interfaces"][1]["addresses"] = [{"address": ip4(gw), "length": 16}]
        c["routes"] = [{"destination": {"address": ip4(far.rsplit(".", 2)[0] + ".0.0"), "length": 16},
                        "interface_id": 3}]
        ts = {"local": [LOCAL_TS], "remote": [REMOTE_TS]} if i == 0 else {
            "local": [REMOTE_TS], "remote": [LOCAL_TS]}
        c["policies"] = [dict(c["policies"][0], **ts)]
        dp = w.plane(nodes[i], "end%d" % i)
        dp.start()
        dp.call(hello={"schema": 1, "version": "test"})
        dp.call(configure=c)
        dp.call(rg_set={"rg": 1, "role": "RG_ACTIVE", "epoch": 1, "deadline_ns": FOREVER})
        more = {} if i == 0 else {
            "spi_in": SPI_OUT, "spi_out": SPI_IN, "encr_key_in": KEY_OUT, "encr_key_out": KEY_IN}
        dp.call(child_install=child(
            local={"address": ip4(own), "port": 4500}, remote={"address": ip4(other), "port": 4500},
            local_ts=ts["local"], remote_ts=ts["remote"], **more))
    return hosts


def ping_case(w):
    def ping_of_8900_through_the_tunnel():
        hosts = two_ends(w)
        r = subprocess.run(
            ["ip", "netns", "exec", hosts[0], "ping", "-M", "do", "-s", "8900", "-c", "5", "-i", "0.2",
             "-W", "2", FAR], capture_output=True, text=True, check=False)
        got = re.search(r"(\d+) received", r.stdout)
        assert got and int(got.group(1)) >= 4, r.stdout + r.stderr  # the first may wait for ARP
        c = w.planes[-1].counters()
        assert c["esp.in"] >= 4 and c["esp.in"] == c["esp.out"] and c["fragments.in"] == 0, c

    return ping_of_8900_through_the_tunnel


def main():
    world.need_root()
    w = world.World(sys.argv[1])
    rc = 1
    try:
        rc = world.run(cases(Jumbo(w, 1)) + [ping_case(w)], sys.argv[2:])
    finally:
        rc += w.close()
    return rc


if __name__ == "__main__":
    sys.exit(main())
