#!/usr/bin/python3 -B
"""4in4 and 6in4 between IPv4 addresses, then 4in6 and 6in6 between IPv6 addresses; sizes; hostile IPv6.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1   --- outside --- 192.0.2.2   peer, LAN 10.2.0.1
           fd01::2      fd01::1        2001:db8::1                 2001:db8::2            fd02::1
"""

import ipaddress
import os
import re
import struct
import subprocess
import sys

from story import claim, same, say, story
from families import GATEWAY6, PEER6, add_ipv6, adopt, both_from_inside, crosses6, ping6
from capture import Capture, ip_parts, packets
from labkit import tunnel, wait

# timeout: 120


def esp_in_udp(path):
    """How many frames of ESP in UDP 4500 went over each family, and how many had no checksum over IPv6."""
    found = {4: 0, 6: 0}
    bare = 0
    for _, frame in packets(path):
        parts = ip_parts(frame)
        if not parts or parts[2] != 17 or frame[parts[3] + 8:parts[3] + 12] in (b"", bytes(4)):
            continue
        if 4500 in struct.unpack_from(">HH", frame, parts[3]):
            family = 4 if len(parts[0]) == 4 else 6
            found[family] += 1
            bare += family == 6 and frame[parts[3] + 6:parts[3] + 8] == bytes(2)
    return found, bare


def traffic(lab, family):
    capture = Capture(lab, "peer", "eth0", os.path.join(lab.folder, f"over{family}.pcap"))
    capture.start()
    both_from_inside(lab)
    for size in (1, 600, 1232):
        ping6(lab, 2, size)
    tunnel.ping(lab, 3)
    # RFC 8201: told once what fits; then the host cuts for itself
    wait.until(lambda: crosses6(lab, 1440), 10, "a ping of 1440 octets crosses in fragments")
    ping6(lab, 3, 2000)
    capture.stop()
    found, bare = esp_in_udp(capture.path)
    claim(found[family] > 20 and found[10 - family] == 0, f"ESP over IPv{family} only: {found}")
    same(bare, 0, "packets of UDP over IPv6 without a checksum")


def ip6(following, rest, hops=64, source=PEER6, target=GATEWAY6):
    return (struct.pack(">IHBB", 6 << 28, len(rest), following, hops)
            + ipaddress.ip_address(source).packed + ipaddress.ip_address(target).packed + rest)


def hostile():
    """The counter of each, and the packet; not those that a bridge refuses (test_drops has them)."""
    ext = bytes.fromhex("1100010400000000")
    solicit = bytes([135, 0, 0, 0, 0, 0, 0, 0]) + ipaddress.ip_address(GATEWAY6).packed
    yield "drop.ip6.mapped", ip6(17, bytes(8), source="::ffff:10.1.0.2")
    yield "drop.ip6.chain", ip6(60, b"\x11\x05" + ext[2:])
    yield "drop.ip6.extension-limit", ip6(60, (b"\x3c" + ext[1:]) * 8 + ext)
    yield "drop.ip6.extension-order", ip6(60, b"\0" + ext[1:] + ext)
    yield "drop.ip6.option-bad", ip6(60, bytes.fromhex("1100010500000000"))
    yield "drop.ip6.option-unknown", ip6(60, bytes.fromhex("1100c20400000000"))
    yield "drop.ip6.routing-type-0", ip6(43, bytes.fromhex("1100000100000000"))
    yield "drop.ip6.segments-left", ip6(43, bytes.fromhex("1100040100000000"))
    yield "drop.ip6.martian", ip6(17, bytes(8), source="::1")
    yield "drop.ip6.scope", ip6(17, bytes(8), source="fe80::1", target="fd01::2")
    yield "drop.ip.source", ip6(17, bytes(8), source="fd02::1", target="fd01::2")
    yield "drop.nd.hop-limit", ip6(58, solicit, hops=254)
    yield "drop.icmp6.checksum", ip6(58, bytes([128, 0, 1, 2, 0, 0, 0, 0]))
    yield "drop.icmp6.short", ip6(58, bytes(7))
    yield "drop.udp.checksum", ip6(17, struct.pack(">HHHH", 500, 500, 48, 0) + bytes(40))
    yield "drop.esp.spi-unknown", ip6(50, struct.pack(">II", 0x77777777, 1) + bytes(40))
    fragment = struct.pack(">BBHI", 50, 0, 1, 7) + bytes(16)
    yield "drop.fragment.overlap", ip6(44, fragment)
    yield None, ip6(44, struct.pack(">BBHI", 50, 0, 9, 7) + bytes(16))  # over the one before


def shoot(lab, frames):
    program = ("import socket,sys\n"
               "raw=socket.socket(socket.AF_PACKET,socket.SOCK_RAW)\nraw.bind(('eth0',0))\n"
               "for line in sys.stdin: raw.send(bytes.fromhex(line))\n")
    near = lab.run("peer", "ip", "-6", "neigh", "show", GATEWAY6)
    mac = re.search(r"lladdr (\S+)", near)[1].replace(":", "")
    head = mac + "020000000099" + "86dd"
    subprocess.run(lab.argv_for("peer", ["/usr/bin/python3", "-c", program]),
                   input="".join(f"{head}{frame.hex()}\n" for frame in frames), text=True, check=True)


def counters(node):
    listed, = node.ask("show", "security", "ipsec", "statistics")["ipsec-statistics"]
    return listed["counters"]


def beset(lab):
    node = lab.nodes[0]
    before = counters(node)
    shots = list(hostile())
    shoot(lab, [frame for _, frame in shots])
    wanted = [name for name, _ in shots if name]

    def silent():
        now = counters(node)
        return [name for name in wanted if now.get(name, 0) <= before.get(name, 0)]

    wait.until(lambda: not silent(), 5, lambda: f"every hostile packet has its counter; not {silent()}")
    ping6(lab)
    claim(True, f"{len(shots)} hostile packets were counted, and traffic goes on")


@story(nodes=1, workers=2, edit=add_ipv6)
def main(lab):
    first = lab.nodes[0].read_conf()
    lab.run("inside", "ping", "-6", "-c", "2", "-i", "0.1", "fd01::1")
    say("neighbours find the node, and it answers")
    traffic(lab, 4)
    adopt(lab, first.replace("address 192.0.2.2;", f"address {PEER6};"))
    wait.until(lambda: not lab.peer.spis()["esp"], 10, "the old tunnel is gone")
    traffic(lab, 6)
    listed = lab.nodes[0].tandem("show", "security", "ike", "security-associations")
    claim(PEER6 in listed, "the IKE SA is listed with the peer's IPv6 address")
    beset(lab)


sys.exit(main())
