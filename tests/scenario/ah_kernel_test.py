#!/usr/bin/python3 -B
"""AH, negotiated with strongSwan over a real Linux kernel: in a tunnel, whoever begins, over a rekey; and in
transport mode, AH and ESP, between the two ends.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- (br0, tap) guest 192.0.2.2, LAN 10.2.0.1
"""

import re
import sys

from story import becomes, claim, same, say, story
from labkit import nat, pings, wait
from labkit.guest import Guest
from labkit.junos import Configuration
from labkit.strongswan import Mirror, swanctl_conf

# timeout: 120

AH = ("proposal ESP-GCM {\n            protocol ah;\n            authentication-algorithm hmac-sha-256-128;")


def ah_conf(text):
    return re.sub(r"proposal ESP-GCM \{\s*protocol esp;\s*encryption-algorithm aes-128-gcm;", AH, text)


def transport_conf(text):
    text = re.sub(r"traffic-selector LAN \{.*?\}", "", text, flags=re.S)
    return text.replace("bind-interface st0.1;", "mode transport;")


def mirror_of(conf, ah, transport):
    mirror = Mirror(Configuration(conf), "PEER")
    child = mirror.children["LAN"]
    if ah:
        del child["esp_proposals"]
        child["ah_proposals"] = "sha256-x25519"
    if transport:
        child.update(mode="transport", local_ts="dynamic", remote_ts="dynamic")
    return mirror


def peer_adopt(guest, mirror):
    with open(f"{guest.folder}/conf/swanctl.conf", "w", encoding="utf-8") as out:
        out.write(swanctl_conf(mirror))
    try:
        guest.swanctl("--terminate", "--ike", "tandem", "--timeout", "5")
    except RuntimeError:
        pass  # we were first
    guest.swanctl("--load-all", "--noprompt", "--file", "/mnt/conf/swanctl.conf")


def shown(node):
    found = [sa for tunnel in node.ask("show", "security", "ipsec", "security-associations", "detail")[
        "ipsec-security-associations"] for sa in tunnel["sas"]]
    return {(sa["protocol"], sa["mode"], sa["type"]) for sa in found}


def authenticated(node):
    (said,) = node.ask("show", "security", "ipsec", "statistics")["ipsec-statistics"]
    return min(said["ah-input-packets"], said["ah-output-packets"])


def ping_us(guest, n=10):
    same(guest.pinged(n, "192.0.2.1"), n, "pings to our own address")


def ping_guest(lab, n=10):
    same(nat.received(lab.argv_for("inside", pings.argv("10.2.0.1", n, every=0.05))), n, "pings to the guest")


@story(nodes=1, workers=2, peer="none")
def main(lab):
    lab.configure_inside()
    node = lab.nodes[0]
    conf = node.read_conf()
    node.adopt(ah_conf(conf))
    guest = Guest(lab)
    guest.start("192.0.2.2/24")
    say("the guest kernel is up")
    try:
        guest.run("/run/modprobe ah4")
        guest.charon_start(mirror_of(conf, ah=True, transport=False))
        guest.swanctl("--initiate", "--child", "LAN", "--timeout", "20")
        ping_guest(lab)
        becomes(lambda: shown(node), {("AH", "tunnel", "dynamic")}, "what the peer began")
        guest.swanctl("--rekey", "--child", "LAN")
        ping_guest(lab)
        claim(authenticated(node) >= 20, "AH both ways, over a rekey of the peer's")
        node.tandem("clear", "security", "ike", "security-associations")
        wait.until(lambda: not shown(node), 10, "it is gone")
        lab.run("inside", "ping", "-c", "20", "-i", "0.2", "-W", "2", "10.2.0.1", check=False)
        becomes(lambda: shown(node), {("AH", "tunnel", "dynamic")}, "what we began")

        for ah in (True, False):
            was = authenticated(node)
            node.adopt(transport_conf(ah_conf(conf) if ah else conf))
            peer_adopt(guest, mirror_of(conf, ah, transport=True))
            guest.swanctl("--initiate", "--child", "LAN", "--timeout", "20")
            ping_us(guest)
            becomes(lambda: shown(node), {("AH" if ah else "ESP", "transport", "dynamic")}, "between the ends")
            becomes(lambda: authenticated(node) - was >= 10, ah, "under AH")
    finally:
        guest.stop()


sys.exit(main())
