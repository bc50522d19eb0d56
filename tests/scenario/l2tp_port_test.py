#!/usr/bin/python3 -B
"""A server of the node's own host behind ESP in transport mode, as L2TP has it (RFC 3193): the device of the
outside unit gives it what the SA brings, and takes what it answers; nothing passes in clear, either way.

    node0 192.0.2.1 (UDP 1701, a process of the host) --- outside --- (br0, tap) guest 192.0.2.2, strongSwan
"""

import re
import struct
import sys

from story import Capture, claim, same, say, story
from capture import ip_parts, packets
from labkit import wait
from labkit.guest import Guest
from labkit.proc import Proc
from labkit.strongswan import Mirror

# timeout: 120

SERVER = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("192.0.2.1", 1701))
print("ready", flush=True)
while True:
    data, who = s.recvfrom(2000)
    print("heard", data.decode(), flush=True)
    s.sendto(b"answer to " + data, who)
"""
ASK = ("import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout({seconds}); "
       "s.bind((\\\"{source}\\\", 0)); s.sendto(b\\\"{what}\\\", (\\\"192.0.2.1\\\", 1701)); "
       "print(s.recv(2000).decode())")


def edit(text):
    text = re.sub(r"traffic-selector LAN \{.*?\}", "", text, flags=re.S)
    text = text.replace("bind-interface st0.1;", "mode transport;")
    return text.replace("address 192.0.2.1/24;\n            }",
                        "address 192.0.2.1/24;\n            }\n            kernel-device out0;")


def ask(guest, what, source="192.0.2.2", seconds=20):
    """The answer, or None."""
    program = ASK.format(what=what, source=source, seconds=seconds)
    try:
        return guest.run(f'/usr/bin/python3 -S -E -c "{program}"').strip()
    except RuntimeError as why:
        if "timed out" not in str(why):
            raise
        return None


def counter(node, name):
    return node.ask("show", "security", "ipsec", "statistics")["ipsec-statistics"][0]["counters"].get(name, 0)


def in_clear(path):
    """Protocols between the two that are neither ESP nor IKE."""
    seen = []
    for _, frame in packets(path):
        found = ip_parts(frame)
        if not found or found[2] == 50:
            continue
        ports = struct.unpack_from(">HH", frame, found[3]) if found[2] == 17 else ()
        if 500 not in ports and 4500 not in ports:
            seen.append((found[2], *ports))
    return seen


@story(nodes=1, peer="none", edit=edit)
def main(lab):
    node = lab.nodes[0]
    out = f"{lab.folder}/server.out"
    server = Proc("server", f"{lab.folder}/server.pid")

    def heard():
        with open(out, encoding="utf-8") as text:
            return text.read().split("\n")[:-1]

    wait.until(lambda: "192.0.2.1/32" in lab.run("node0", "ip", "-br", "addr", "show", "dev", "out0"), 5,
               "the device has the address of the interface")
    claim("192.0.2.2" in lab.run("node0", "ip", "route", "show", "dev", "out0", "proto", "196"),
          "and leads to the peer")
    server.start(lab.net.inside_of("node0", "/usr/bin/python3", "-S", "-E", "-c", SERVER), out)
    guest = Guest(lab)
    capture = Capture(lab, "hub", "outside", f"{lab.folder}/wire.pcap", only="ip")
    try:
        wait.until(lambda: heard() == ["ready"], 5, "the server listens")
        guest.start("192.0.2.2/24")
        # the lab keeps its kernels from hearing the ports; here that is the node's own business
        lab.run("node0", "nft", "delete", "table", "netdev", "tap")
        was = counter(node, "drop.udp.port")
        same(ask(guest, "bare", seconds=0.5), None, "what comes in clear has no answer")
        same(counter(node, "drop.udp.port") - was, 1, "and a counter")
        same(heard(), ["ready"], "and was not heard")
        guest.run("ip addr add 192.0.2.77/24 dev vec0")
        guest.charon_start(peer(lab.conf))
        guest.swanctl("--initiate", "--child", "L2TP", "--timeout", "40")
        say("the SA is up")
        lab.run("hub", "ip", "link", "set", "outside", "promisc", "on")
        capture.start()
        for i in range(5):
            same(ask(guest, f"call-{i}"), f"answer to call-{i}", "through the SA")
        was = counter(node, "drop.kernel.no-policy")
        lab.run("node0", "ip", "route", "add", "192.0.2.77/32", "dev", "out0")
        lab.run("node0", "/usr/bin/python3", "-S", "-E", "-c",
                'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.77", 1701))')
        wait.until(lambda: counter(node, "drop.kernel.no-policy") > was, 5, "to others the host does not speak")
        capture.stop()
        same(in_clear(capture.path), [], "in clear on the wire meanwhile")
        same(ask(guest, "stranger", source="192.0.2.77", seconds=0.5), None, "a stranger has no answer")
        same([line for line in heard() if not line.startswith("heard call-")], ["ready"], "all the server heard else")
    finally:
        server.stop()
        guest.stop()


def peer(conf):
    mirror = Mirror(conf, "PEER")
    mirror.children = {"L2TP": {"mode": "transport", "local_ts": "dynamic", "remote_ts": "dynamic",
                                "esp_proposals": "aes128gcm16-x25519"}}
    mirror.lans = list
    return mirror


sys.exit(main())
