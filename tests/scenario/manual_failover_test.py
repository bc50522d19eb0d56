#!/usr/bin/python3 -B
"""A manual SA of a pair: the owner dies under traffic, the other node goes on with numbers that nobody used.
Both nodes have the SA from their configuration; what they share of it is the leases in the log.

                                 +-- node0 --+
    inside 10.1.0.2 --- inside --+           +-- outside --- (br0, tap) guest 192.0.2.2, LAN 10.2.0.1
      (reth1 10.1.0.1)           +-- node1 --+   (reth0 192.0.2.1)
                              cluster and fabric between the nodes
"""

import os
import re
import sys

from story import claim, same, say, story
from capture import Capture, repeats
from labkit import failover, wait
from labkit.guest import Guest

# timeout: 180

US, PEER, SPI, PINGS = "192.0.2.1", "192.0.2.2", 300, 500
KEY16, KEY32 = "0f1e2d3c4b5a69788796a5b4c3d2e1f0", bytes(range(3, 35)).hex()
MANUAL = f"""vpn PEER {{ bind-interface st0.1; manual {{ gateway {PEER}; external-interface reth0.0;
protocol esp; spi {SPI};
authentication {{ algorithm hmac-sha-256-128; key {{ hexadecimal {KEY32}; }} }}
encryption {{ algorithm aes-128-cbc; key {{ hexadecimal {KEY16}; }} }} }}
"""
XFRM = "\n".join(
    f"ip xfrm state add src {src} dst {dst} proto esp spi {SPI} reqid 1 mode tunnel "
    f"enc 'cbc(aes)' 0x{KEY16} auth-trunc 'hmac(sha256)' 0x{KEY32} 128\n"
    f"ip xfrm policy add src {ours} dst {theirs} dir {way} tmpl src {src} dst {dst} proto esp reqid 1 mode tunnel"
    for src, dst, ours, theirs, way in ((PEER, US, "10.2.0.0/24", "10.1.0.0/24", "out"),
                                        (US, PEER, "10.1.0.0/24", "10.2.0.0/24", "in")))


def manual(text):
    return re.sub(r"vpn PEER \{.*?ike \{.*?\}\s*", lambda _: MANUAL, text, flags=re.S)


def encrypted(node):
    (said,) = node.ask("show", "security", "ipsec", "statistics")["ipsec-statistics"]
    return said["esp-encrypted-packets"]


@story(nodes=2, peer="none", edit=manual)
def main(lab):
    lab.configure_inside()
    guest = Guest(lab)
    guest.start(PEER + "/24")
    guest.run("set -e\nip link add lan0 type dummy\nip addr add 10.2.0.1/24 dev lan0\nip link set lan0 up\n"
              f"ip route add 10.1.0.0/24 via {US}\n{XFRM}")
    try:
        failover.wait_synced(lab)
        lab.run("hub", "ip", "link", "set", "outside", "promisc", "on")
        wire = Capture(lab, "hub", "outside", os.path.join(lab.folder, "wire.pcap"))
        wire.start()
        guest.run("ping -c 5 -i 0.1 -W 1 -I 10.2.0.1 10.1.0.2 || true")
        guest.run(f"(ping -c {PINGS} -i 0.02 -W 1 -I 10.2.0.1 10.1.0.2 >/mnt/pings 2>&1; touch /mnt/over) &")
        gone = failover.owner(lab)
        wait.until(lambda: encrypted(gone) > 50, 30, "pings flow")
        lab.kill_node(gone)
        heir = failover.standby_of(lab, gone)
        wait.until(lambda: failover.owner_in(failover.view(heir)) == heir.number, 20,
                   f"{heir.host} takes over")
        say(f"{gone.host} died, {heir.host} acts")
        wait.until(lambda: os.path.exists(os.path.join(guest.folder, "over")), 60, "the pings are over")
        wire.stop()
        with open(os.path.join(guest.folder, "pings"), encoding="utf-8") as text:
            answered = int(re.search(r"(\d+) received", text.read())[1])
    finally:
        guest.stop()
    claim(answered > PINGS * 0.8, f"{answered} of {PINGS} pings were answered over the death of a node")
    packets, sequences, ivs = repeats(wire.analyse())
    claim(packets >= answered, f"{packets} ESP packets on the wire")
    same((sequences, ivs), (0, 0), "repeated sequence numbers and IVs")


sys.exit(main())
