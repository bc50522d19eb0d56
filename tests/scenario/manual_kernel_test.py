#!/usr/bin/python3 -B
"""Manual SAs with a real Linux kernel, without IKE on either side: ESP with CBC, AH, in a tunnel and between
the ends. They carry traffic right after the commit, and again when the dataplane has died and come back.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- (br0, tap) guest 192.0.2.2, LAN 10.2.0.1
"""

import re
import sys

from story import claim, same, say, story
from labkit import nat, pings, wait
from labkit.guest import Guest

# timeout: 120

US, PEER = "192.0.2.1", "192.0.2.2"
KEY16, KEY20, KEY32 = "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "a1" * 20, bytes(range(3, 35)).hex()
KEY24 = "0123456789abcdeffedcba98765432100011223344556677"


class Case:
    def __init__(self, name, protocol, hash_, cipher, transport, kernel):
        self.name, self.protocol, self.transport, self.kernel = name, protocol, transport, kernel
        self.hash, self.cipher = hash_, cipher

    def vpn(self, spi):
        """The statements of the VPN in the place of its IKE."""
        keys = ""
        for what, pair in (("authentication", self.hash), ("encryption", self.cipher)):
            if pair:
                keys += f"{what} {{ algorithm {pair[0]}; key {{ hexadecimal {pair[1]}; }} }}\n"
        bind = "mode transport;" if self.transport else "bind-interface st0.1;"
        return (f"vpn PEER {{ {bind} manual {{ gateway {PEER}; external-interface ge-0/0/0.0;\n"
                f"protocol {self.protocol}; spi {spi};\n{keys} }}\n")

    def xfrm(self, spi, key=None):
        """The same in the words of the kernel's tool, in both directions."""
        mode = "transport" if self.transport else "tunnel"
        said = ["set -e", "ip xfrm state flush", "ip xfrm policy flush"]
        kernel = self.kernel.replace(self.hash[1], key) if key else self.kernel
        for src, dst, way in ((PEER, US, "out"), (US, PEER, "in")):
            said.append(f"ip xfrm state add src {src} dst {dst} proto {self.protocol} spi {spi} reqid 1 "
                        f"mode {mode} {kernel}")
            what = (f"src {src} dst {dst}" if self.transport else
                    "src 10.2.0.0/24 dst 10.1.0.0/24" if way == "out" else
                    "src 10.1.0.0/24 dst 10.2.0.0/24")
            said.append(f"ip xfrm policy add {what} dir {way} tmpl src {src} dst {dst} "
                        f"proto {self.protocol} reqid 1 mode {mode}")
        return "\n".join(said)


CASES = (
    Case("ESP AES-CBC SHA-256 tunnel", "esp", ("hmac-sha-256-128", KEY32), ("aes-128-cbc", KEY16), False,
         f"enc 'cbc(aes)' 0x{KEY16} auth-trunc 'hmac(sha256)' 0x{KEY32} 128"),
    Case("AH SHA-1 tunnel", "ah", ("hmac-sha1-96", KEY20), None, False,
         f"auth-trunc 'hmac(sha1)' 0x{KEY20} 96"),
    Case("AH SHA-256 of 128 bits tunnel", "ah", ("hmac-sha-256-128", KEY32), None, False,
         f"auth-trunc 'hmac(sha256)' 0x{KEY32} 128 flag align4"),
    Case("AH SHA-256 of 96 bits transport", "ah", ("hmac-sha-256-96", KEY32), None, True,
         f"auth-trunc 'hmac(sha256)' 0x{KEY32} 96"),
    Case("ESP 3DES SHA-1 transport", "esp", ("hmac-sha1-96", KEY20), ("3des-cbc", KEY24), True,
         f"enc 'cbc(des3_ede)' 0x{KEY24} auth-trunc 'hmac(sha1)' 0x{KEY20} 96"),
)


def manual(conf, case, spi):
    """The lab's configuration with the case in the place of the VPN's IKE."""
    text = re.sub(r"vpn PEER \{.*?ike \{.*?\}\s*", lambda _: case.vpn(spi), conf, flags=re.S)
    return re.sub(r"traffic-selector LAN \{.*?\}", "", text, flags=re.S) if case.transport else text


def statistics(node):
    (said,) = node.ask("show", "security", "ipsec", "statistics")["ipsec-statistics"]
    return said


def cross(lab, guest, case, n=10):
    if case.transport:
        same(guest.pinged(n, US), n, f"{case.name}: pings to our own address")
        return
    same(nat.received(lab.argv_for("inside", pings.argv("10.2.0.1", n, every=0.05))), n,
         f"{case.name}: pings to the guest")
    same(guest.pinged(n, "10.1.0.2", "-I", "10.2.0.1"), n, f"{case.name}: pings from the guest")


def counted(node, case, was, least):
    now = statistics(node)
    way = ("ah-input-packets", "ah-output-packets") if case.protocol == "ah" else (
        "esp-decrypted-packets", "esp-encrypted-packets")
    moved = [now[k] - was[k] for k in way]
    claim(min(moved) >= least, f"{case.name}: {moved} packets in and out under {case.protocol.upper()}")


@story(nodes=1, workers=2, peer="none")
def main(lab):
    lab.configure_inside()
    node = lab.nodes[0]
    conf = node.read_conf()
    guest = Guest(lab)
    guest.start(PEER + "/24")
    guest.run("set -e\n/run/modprobe ah4 sha1_generic des_generic\nip link add lan0 type dummy\n"
              f"ip addr add 10.2.0.1/24 dev lan0\nip link set lan0 up\nip route add 10.1.0.0/24 via {US}")
    say("the guest kernel is up")
    try:
        for spi, case in enumerate(CASES, 300):
            vpn = manual(conf, case, spi)
            node.adopt(vpn)
            guest.run(case.xfrm(spi))
            was = statistics(node)
            cross(lab, guest, case)
            counted(node, case, was, 10)
            (shown,) = node.ask("show", "security", "ipsec", "security-associations", "detail")[
                "ipsec-security-associations"]
            same({(sa["spi"], sa["type"], sa["mode"], sa["protocol"]) for sa in shown["sas"]},
                 {(f"{spi:08x}", "manual", "transport" if case.transport else "tunnel",
                   case.protocol.upper())}, f"{case.name}: is shown as")
        tunnel = CASES[1]
        node.adopt(manual(conf, tunnel, 400))
        guest.run(tunnel.xfrm(400))
        cross(lab, guest, tunnel)
        seen = node.ready_count()
        node.kill("dataplane")
        node.start("dataplane")
        wait.until(lambda: node.ready_count() > seen, 20, "the dataplane is filled again")
        cross(lab, guest, tunnel)
        was = statistics(node)
        guest.run(tunnel.xfrm(400, "b2" * 20))
        guest.run("ping -c 3 -i 0.05 -W 1 -I 10.2.0.1 10.1.0.2 || true")
        same(statistics(node)["ah-authentication-failures"] - was["ah-authentication-failures"], 3,
             "packets with another key were refused")
    finally:
        guest.stop()


sys.exit(main())
