#!/usr/bin/python3 -B
"""A real Linux kernel as the peer, ESP as IP protocol 50 over IPv6: 4in6 and 6in6, full-sized packets too.

    inside 10.1.0.2 --- node0 2001:db8::1 --- outside --- (br0, tap) guest 2001:db8::2, LAN 10.2.0.1, fd02::1
           fd01::2
"""

import os
import sys

from story import claim, same, say, story
from families import GATEWAY6, PEER6, crosses6, over_ipv6, ping6
from capture import Capture, carried, ip_parts, packets as records, repeats
from labkit import nat, pings, wait
from labkit.guest import Guest
from labkit.strongswan import Mirror

# timeout: 240

PREPARE = f"""set -e
/run/modprobe ipv6 esp6 xfrm6_tunnel
echo 0 >/proc/sys/net/ipv6/conf/vec0/accept_dad
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
ip addr add {PEER6}/64 dev vec0 nodad
ping -6 -c 2 -W 2 {GATEWAY6}"""


@story(nodes=1, workers=2, peer="none", edit=over_ipv6)
def main(lab):
    lab.net.allow_ipv6("inside")
    lab.configure_inside()
    guest = Guest(lab)
    guest.start("192.0.2.2/24")
    try:
        guest.run(PREPARE)
        say("the guest kernel is up and knows its neighbour")
        guest.charon_start(Mirror(lab.conf, "PEER"))
        outside = Capture(lab, "peer", "eth0", os.path.join(lab.folder, "peer.pcap"))
        outside.start()
        for child in ("LAN", "LAN6"):
            guest.swanctl("--initiate", "--child", child, "--timeout", "20")
        same(nat.received(lab.argv_for("inside", pings.argv("10.2.0.1", 10, every=0.05))), 10, "pings to the guest")
        ping6(lab, 10)
        same(guest.pinged(10, "fd01::2", "-6", "-I", "fd02::1"), 10, "IPv6 pings from the guest")
        wait.until(lambda: crosses6(lab, 1440), 10, "a ping of 1440 octets crosses in fragments")
        guest.swanctl("--rekey", "--child", "LAN6")
        ping6(lab, 10, 1200)
        outside.stop()
    finally:
        guest.stop()
    found = outside.analyse()
    packets, sequences, ivs = repeats(found)
    claim(packets >= 80, f"{packets} ESP packets were seen")
    same((sequences, ivs), (0, 0), "repeated sequence numbers and IVs")
    bare = [ip_parts(frame)[2] for _, frame in records(outside.path)
            if (carried(frame) or ("", "", ""))[2] == "esp"]
    same(set(bare), {50}, "ESP goes as a protocol of its own")
    labels = {bytes(frame[15:18]) for _, frame in records(outside.path)
              if frame[12:14] == b"\x86\xdd" and frame[20] == 50 and frame[37] == 1}
    claim(all(label[1:] != bytes(2) for label in labels), f"our packets have flow labels: {len(labels)} different")


sys.exit(main())
