#!/usr/bin/python3 -B
"""Every cipher and group that we offer works with strongSwan, whoever begins: tunnel, pings, a child rekey with
a fresh key exchange from either side, delete.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- 192.0.2.2 peer, LAN 10.2.0.1
"""

import re
import sys

from story import claim, same, say, story
from labkit import tunnel, wait
from labkit.junos import Configuration
from labkit.strongswan import Mirror

# timeout: 300

GCM128 = ("aes-128-gcm", None, {"encr-alg": "AES_GCM_16", "encr-keysize": "128"})
GCM256 = ("aes-256-gcm", None, {"encr-alg": "AES_GCM_16", "encr-keysize": "256"})
CBC256 = ("aes-256-cbc", "hmac-sha-256-128",
          {"encr-alg": "AES_CBC", "encr-keysize": "256", "integ-alg": "HMAC_SHA2_256_128"})
DES3 = ("3des-cbc", "hmac-sha1-96", {"encr-alg": "3DES_CBC", "integ-alg": "HMAC_SHA1_96"})
CHACHA = ("chacha20-poly1305", None, {"encr-alg": "CHACHA20_POLY1305"})
# (the child's cipher, the group of the IKE SA and of the child's rekeys, as the peer calls it)
SUITES = ((GCM128, "group14", "MODP_2048"), (CBC256, "group14", "MODP_2048"),
          (GCM128, "group19", "ECP_256"), (CBC256, "group19", "ECP_256"),
          (GCM256, "group20", "ECP_384"), (CBC256, "group20", "ECP_384"),
          (GCM128, "group31", "CURVE_25519"), (CBC256, "group31", "CURVE_25519"),
          (DES3, "group31", "CURVE_25519"), (CHACHA, "group31", "CURVE_25519"))


def rewritten(text, cipher, group):
    """The lab's configuration with another suite."""
    encryption, integrity, _ = cipher
    esp = f"encryption-algorithm {encryption};"
    if integrity:
        esp += f"\n            authentication-algorithm {integrity};"
    head, _, tail = text.partition("proposal ESP-GCM {")
    tail = re.sub(r"encryption-algorithm [\w-]+;(\s*authentication-algorithm [\w-]+;)?", esp, tail, count=1)
    return re.sub(r"(dh-group|keys) group\d+;", rf"\1 {group};", head + "proposal ESP-GCM {" + tail)


def adopt(lab, text):
    """Both ends take the configuration over without a restart."""
    lab.nodes[0].adopt(text)
    lab.peer.configure(Mirror(Configuration(text), "PEER"))


def child(lab):
    """The one installed child, as the peer reports it."""
    found = [one for sa in lab.peer.sas() for one in sa["children"] if one.get("state") == "INSTALLED"]
    return found[0] if len(found) == 1 else None


def claim_suite(lab, cipher, group, rekeyed):
    wanted = dict(cipher[2], **({"dh-group": group} if rekeyed else {}))
    found = child(lab)
    same({name: found.get(name) for name in wanted}, wanted, "the child's suite")
    same(lab.peer.sas()[0].get("dh-group", group), group, "the IKE SA's group")


def rekey(lab, act, who):
    before = child(lab)["spi-in"]
    act()
    wait.until(lambda: (now := child(lab)) and now["spi-in"] != before, 10, f"a child rekeyed by {who}")
    tunnel.ping(lab)


def both_gone(lab):
    node = lab.nodes[0]
    wait.until(lambda: not lab.peer.spis()["ike"] and not lab.peer.spis()["esp"], 10, "the peer has no SA")
    wait.until(lambda: " UP " not in node.tandem("show", "security", "ike", "security-associations"), 10,
               "we have no SA")


def life(lab, cipher, group, begin, end):
    """Up from one side; rekeyed from both; down from the other side."""
    node = lab.nodes[0]
    begin(lab)
    claim_suite(lab, cipher, group, False)
    rekey(lab, lambda: node.tandem("request", "security", "ipsec", "rekey"), "us")
    claim_suite(lab, cipher, group, True)
    rekey(lab, lambda: lab.peer.rekey_child("LAN"), "the peer")
    claim_suite(lab, cipher, group, True)
    end(lab)
    both_gone(lab)


def clear(lab):
    lab.nodes[0].tandem("clear", "security", "ike", "security-associations")


def elsewhere(text):
    """The IKE SA with older algorithms, a post-quantum key, and names that fill fragments on their own."""
    text = re.sub(r"dh-group group31;\s*authentication-algorithm sha-256;\s*encryption-algorithm aes-256-gcm;",
                  "dh-group group5; authentication-algorithm sha-512; encryption-algorithm 3des-cbc;", text, count=1)
    text = re.sub(r"(\n\s*pre-shared-key ascii-text [^\n]*\n)",
                  r"\1ppk { id blue; ascii-text a-key-from-a-quantum-safe-hand; required; }\n", text, count=1)
    for who in "tandem", "peer":
        text = text.replace(f"hostname {who}.example;", f"hostname {'-'.join([who] * 36)[:240]}.example;")
    return text.replace("external-interface ge-0/0/0.0;", "external-interface ge-0/0/0.0; fragmentation { size 500; }")


def counted(lab, name):
    """One counter of `show security ike statistics`."""
    said = lab.nodes[0].tandem("show", "security", "ike", "statistics")
    return int(re.search(rf"\b{name} +(\d+)", said).group(1))


@story(nodes=1)
def main(lab):
    first = lab.nodes[0].read_conf()
    for cipher, group, called in SUITES:
        say(f"---- {cipher[0]} {cipher[1] or ''} {group}")
        adopt(lab, rewritten(first, cipher, group))
        life(lab, cipher, called, tunnel.from_inside, tunnel.down_from_peer)
        life(lab, cipher, called, tunnel.from_peer, clear)
    say("---- 3DES, SHA-512 and group 5 for IKE, a post-quantum key (RFC 8784), fragments (RFC 7383)")
    adopt(lab, elsewhere(first))
    tunnel.from_inside(lab)
    tunnel.down_from_peer(lab)
    tunnel.from_peer(lab)
    found = counted(lab, "tx_fragmented"), counted(lab, "rx_fragments")
    claim(min(found) >= 2, f"our IKE_AUTH in fragments in both roles, and the peer's request: {found}")
    claim("using PPK for PPK_ID 'blue'" in lab.peer.said(), "the peer has mixed the post-quantum key in")
    clear(lab)
    both_gone(lab)
    bad = [line for line in lab.nodes[0].events() if " level=error" in line or "auth.failed" in line]
    claim(not bad, f"no complaints: {bad}")


sys.exit(main())
