#!/usr/bin/python3 -B
"""A peer whose kernel does ESP as IP protocol 50: a real Linux kernel in user mode, strongSwan inside.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- (br0, tap) guest 192.0.2.2, LAN 10.2.0.1
"""

import os
import sys

from story import claim, same, say, story
from capture import Capture, carried, packets as records, repeats
from labkit import nat, pings
from labkit.guest import Guest
from labkit.strongswan import Mirror

# timeout: 240


def ping_guest(lab):
    same(nat.received(lab.argv_for("inside", pings.argv("10.2.0.1", 20, every=0.05))), 20, "pings to the guest")


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
        ping_guest(lab)
        same(guest.pinged(20, "10.1.0.2", "-I", "10.2.0.1"), 20, "pings from the guest")
        guest.swanctl("--rekey", "--child", "LAN")
        ping_guest(lab)
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
