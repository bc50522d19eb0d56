#!/usr/bin/python3 -B
"""A peer whose kernel does ESP as IP protocol 50: a real Linux kernel in user mode, strongSwan inside.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- (br0, tap) guest 192.0.2.2, LAN 10.2.0.1
"""

import os
import sys

from story import claim, same, say, story
from capture import Capture, carried, packets as records, repeats
from labkit.guest import Guest
from labkit.strongswan import Mirror

# timeout: 240


@story(nodes=1, workers=2, peer="none")
def main(lab):
    lab.configure_inside()
    guest = Guest(lab)
    guest.start("192.0.2.2/24")
    say("the guest kernel is up")
    try:
        guest.charon_start(Mirror(lab.conf, "PEER"))
        outside = Capture(lab, "peer", "eth0", os.path.join(lab.folder, "peer.pcap"))
        outside.start()
        guest.swanctl("--initiate", "--child", "LAN", "--timeout", "20")
        lab.run("inside", "ping", "-c", "20", "-i", "0.05", "-W", "2", "10.2.0.1")
        said = guest.run("ping -c 20 -i 0.05 -W 2 -I 10.2.0.1 10.1.0.2")
        claim("20 received" in said, "20 of 20 pings crossed from the guest")
        guest.swanctl("--rekey", "--child", "LAN")
        lab.run("inside", "ping", "-c", "20", "-i", "0.05", "-W", "2", "10.2.0.1")
        outside.stop()
    finally:
        guest.stop()
    found = outside.analyse()
    packets, sequences, ivs = repeats(found)
    claim(packets >= 120, f"{packets} ESP packets were seen")
    same((sequences, ivs), (0, 0), "repeated sequence numbers and IVs")
    same(udp_esp(outside.path), 0, "packets of ESP in UDP")


def udp_esp(path):
    """How many packets carry ESP, but not as a protocol of its own."""
    frames = [frame for _, frame in records(path)]
    return sum(1 for frame in frames if (carried(frame) or ("", "", ""))[2] == "esp" and frame[23] != 50)


sys.exit(main())
