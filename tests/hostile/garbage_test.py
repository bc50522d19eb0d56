#!/usr/bin/python3 -B
"""Garbage and hostile datagrams: dropped and counted; the daemons live and the tunnel does not feel it.

    inside --- node0 192.0.2.1 --- outside --- 192.0.2.2 peer (its LAN), and from the same host the attacker
"""

import os
import random
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scenario"))

from story import claim, same, say, story
from labkit import tunnel
from traffic import Traffic

SEED = 20261
IKE_AUTH, SA_INIT, CREATE_CHILD = 35, 34, 36
SK, SKF, NOTIFY = 46, 53, 41


def header(next_payload, exchange, body, initiator=b"\1" * 8, responder=bytes(8), number=0, lie=0):
    """An IKE header (RFC 7296 3.1) with its body; lie is added to the length."""
    flags = 0x08
    return (initiator + responder + struct.pack(">BBBBII", next_payload, 0x20, exchange, flags, number,
                                                28 + len(body) + lie) + body)


def payload(following, body, lie=0, critical=False):
    return struct.pack(">BBH", following, 0x80 * critical, (4 + len(body) + lie) & 0xFFFF) + body


def hostile_ike(spis):
    """(name, datagram) of each; spis: those of the live IKE SA, as octets."""
    own, other = spis
    for octets in range(0, 28, 3):
        yield f"header of {octets} octets", header(0, SA_INIT, b"")[:octets]
    for lie in (-28, -1, 1, 0x7FFFFFFF - 28):
        yield f"length that lies by {lie}", header(0, SA_INIT, b"", lie=lie)
    for lie in (-4, -1, 1, 1000):
        yield f"payload length that lies by {lie}", header(33, SA_INIT, payload(0, b"x" * 40, lie))
    yield "payload of length zero", header(33, SA_INIT, payload(33, b"", -4) * 8)
    yield "endless chain", header(NOTIFY, SA_INIT, payload(NOTIFY, bytes(4)) * 300)
    yield "unknown critical payload", header(200, SA_INIT, payload(0, bytes(8), critical=True))
    yield "nested SK", header(SK, IKE_AUTH, payload(SK, payload(0, bytes(40))), own, other, 2)
    yield "SK without room for an IV", header(SK, IKE_AUTH, payload(0, bytes(3)), own, other, 2)
    for number, total in ((0, 3), (4, 3), (1, 0), (0, 0), (65535, 65535)):
        fragment = payload(0, struct.pack(">HH", number, total) + bytes(60))
        yield f"fragment {number} of {total}", header(SKF, CREATE_CHILD, fragment, own, other, 3)
    yield "a live SA, garbage inside", header(SK, CREATE_CHILD, payload(0, bytes(80)), own, other, 5)
    chance = random.Random(SEED)
    for _ in range(300):
        yield "noise", chance.randbytes(chance.randrange(0, 1400))
    whole = header(33, SA_INIT, payload(34, bytes(44)) + payload(40, bytes(68)) + payload(0, bytes(32)))
    for _ in range(300):
        broken = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        yield "a broken IKE_SA_INIT", bytes(broken)


def hostile_esp(spi):
    yield "ESP with a live SPI and no ciphertext", struct.pack(">II", spi, 2**31) + bytes(32)
    for octets in (4, 8, 12, 16, 23, 24, 31, 33):
        yield f"ESP of {octets} octets", (struct.pack(">II", spi, 2**31 - octets) + bytes(64))[:octets]
    yield "a replayed number with garbage", struct.pack(">II", spi, 1) + bytes(100)
    yield "an unknown SPI", struct.pack(">II", spi ^ 0x5A5A, 1) + bytes(100)


def send(lab, ike, esp):
    """From the peer's namespace, by a program of its own: lines of PORT HEX; port 50 is the protocol."""
    program = ("import socket,sys\n"
               "udp=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
               "raw=socket.socket(socket.AF_INET,socket.SOCK_RAW,50)\n"
               "for line in sys.stdin:\n"
               "    port,octets=line.split(' '); octets=bytes.fromhex(octets)\n"
               "    (raw if port=='50' else udp).sendto(octets,('192.0.2.1',int(port) if port!='50' else 0))\n")
    lines = []
    for octets in ike:
        lines += [f"500 {octets.hex()}", f"4500 {(bytes(4) + octets).hex()}"]
    for octets in esp:
        lines += [f"4500 {octets.hex()}", f"50 {octets.hex()}"]
    subprocess.run(lab.argv_for("peer", ["/usr/bin/python3", "-c", program]), input="\n".join(lines) + "\n",
                   text=True, check=True)
    return len(lines)


@story(nodes=1, workers=2)
def main(lab):
    node = lab.nodes[0]
    tunnel.from_peer(lab)
    spis = lab.peer.spis()
    pids = {what: node.procs[what].pid() for what in node.wanted()}
    traffic = Traffic(lab)
    traffic.start()
    traffic.wait_received(500)
    dropped = sum_of_drops(node)
    ike = [octets for _, octets in hostile_ike(tuple(map(bytes.fromhex, spis["ike"][0])))]
    esp = [octets for _, octets in hostile_esp(int(spis["esp"][0][1], 16))]
    sent = send(lab, ike, esp)
    say(f"{sent} hostile datagrams sent")
    traffic.wait_received(1000)
    traffic.stop()
    said = traffic.report()
    same({what: node.procs[what].pid() for what in node.wanted()}, pids, "the daemons live")
    same((said["out"]["lost"], said["in"]["lost"]), (0, 0), "packets lost meanwhile")
    same(lab.peer.spis(), spis, "the SAs are the same")
    claim(sum_of_drops(node) > dropped, "the drops were counted")
    tunnel.down_from_peer(lab)
    tunnel.from_peer(lab)
    claim(True, "a new tunnel comes up")


def sum_of_drops(node):
    listed = node.ask("show", "security", "ipsec", "statistics")
    return sum(int(number) for number in numbers_in(listed))


def numbers_in(value):
    """Every number in a JSON value whose key speaks of an error or a drop."""
    if isinstance(value, dict):
        for key, inner in value.items():
            is_drop = any(word in key.lower() for word in ("invalid", "fail", "drop", "bad", "discard",
                                                           "replay", "value"))
            if isinstance(inner, (dict, list)):
                yield from numbers_in(inner)
            elif is_drop and str(inner).isdigit():
                yield inner
    elif isinstance(value, list):
        for inner in value:
            yield from numbers_in(inner)


sys.exit(main())
