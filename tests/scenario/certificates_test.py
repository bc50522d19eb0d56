#!/usr/bin/python3 -B
"""Certificates of every kind with strongSwan, whoever begins, below Root and Sub; the peer's word on how we
proved ourselves, also with a post-quantum key that the two have in common or not (RFC 8784); a peer below another
root is refused, by both.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- 192.0.2.2 peer, LAN 10.2.0.1
                     Root -> Sub -> tandem.example, peer.example
"""

import json
import os
import sys

from certified import certified
from story import claim, same, say, story
from labkit import tunnel, wait
from labkit.junos import Configuration
from labkit.pki import Pki, install
from labkit.strongswan import Mirror

# With this one the peer does not know RFC 7383: IKE_AUTH with all certificates goes in fragments of IP.
WHOLE = "rsa-signatures"
# (authentication-method, keys of the ends, what the peer logs of our signature, the peer's post-quantum key)
KINDS = ((WHOLE, "rsa-2048", "RSA_EMSA_PKCS1_SHA2_256", None),
         ("ecdsa-signatures-256", "ecdsa-256", "ECDSA_WITH_SHA256_DER", None),
         ("digital-signature", "rsa-2048", "RSA_EMSA_PSS_SHA2_256", "green"),
         ("digital-signature", "ecdsa-384", "ECDSA_WITH_SHA384_DER", "blue"),
         ("digital-signature", "ed25519", "ED25519", None))
# RFC 8784: a peer with the same name mixes it in, one with another name goes by NO_PPK_AUTH.
PPK = "ppk { id blue; ascii-text a-key-from-a-quantum-safe-hand; }"


class Ends:
    """The node and the peer, their certificates and configurations."""

    def __init__(self, lab):
        self.lab = lab
        self.node = lab.nodes[0]
        self.pki = Pki(os.path.join(lab.folder, "pki"))
        self.root = self.pki.authority("root")
        self.sub = self.pki.authority("sub", issuer=self.root, path_len=0)
        self.other = self.pki.authority("other")
        self.mirror = None
        self.text = self.node.read_conf()

    def issue(self, name, key, issuer=None, more=0):
        """more: names beside the one that counts, thirty octets each."""
        names = [f"dns:{number:02}.of-many-more-names.example" for number in range(more)]
        return self.pki.issue(name, issuer or self.sub, key=key, names=[f"dns:{name}.example", *names])

    def adopt(self, method, ours, theirs, ppk=None):
        """Both take new certificates and a new method, without a restart."""
        install(f"{self.node.folder}/state/pki", {"Root": self.root}, {"GW": ours})
        with open(f"{self.node.folder}/state/pki/local/GW.pem", "a", encoding="ascii") as out, \
                open(self.sub.cert_file, encoding="ascii") as between:
            out.write(between.read())
        text = certified(self.text, method)
        if ppk:
            text = text.replace("certificate {", PPK + " certificate {", 1)
        self.node.adopt(text)
        self.lab.peer.lay_out(theirs, [self.root])
        self.mirror = Mirror(Configuration(text), "PEER")
        if ppk:
            self.mirror.ppk = ppk, self.mirror.ppk[1]
        self.lab.peer.configure(self.mirror, {"send_cert": "always",
                                              "fragmentation": "no" if method == WHOLE else "yes"})

    def takes_our_name(self):
        """The peer begins with a name of its own, but refuses others' unless it goes by ours."""
        self.lab.peer.configure(self.mirror, {"send_cert": "always", "ppk_id": "blue"})


def from_node(lab):
    """The first packet asks for the tunnel and is lost; not waited for long."""
    def crosses():
        try:
            lab.run("inside", "ping", "-c", "1", "-W", "0.3", tunnel.lan(lab))
            return True
        except RuntimeError:
            return False
    wait.until(crosses, 10, "a ping crosses the tunnel that it asked for")


def from_peer(lab):
    lab.peer.initiate("LAN")
    wait.until(lambda: tunnel.crosses(lab), 5, "a ping crosses")


def pieces(node):
    listed, = node.ask("show", "security", "ipsec", "statistics")["ipsec-statistics"]
    return {name: int(listed["counters"].get(name, 0)) for name in ("fragments.joined", "fragments.out")}


def log_since(peer, mark):
    return peer.said()[mark:]


@story(nodes=1)
def main(lab):
    ends = Ends(lab)
    for method, key, words, ppk in KINDS:
        more = 60 if method == WHOLE else 0
        ends.adopt(method, ends.issue("tandem", key, more=more), ends.issue("peer", key, more=more), ppk)
        for begin in (from_peer, from_node):
            mark = len(lab.peer.said())
            if begin is from_node and ppk == "green":
                ends.takes_our_name()
            begin(lab)
            since = log_since(lab.peer, mark)
            proved = [line for line in since.splitlines()
                      if "authentication of 'tandem.example'" in line and "successful" in line]
            claim(len(proved) == 1 and words in proved[0], f"{method} with {key}, {begin.__name__}: {words}")
            claim(("using PPK" in since) == (ppk == "blue"), f"a post-quantum key is mixed in: {ppk == 'blue'}")
            if begin is from_node:
                shown = json.dumps(ends.node.ask("show", "security", "ike", "security-associations", "detail"))
                claim('"peer-certificate": "O=Tandem Lab, CN=peer"' in shown and '"Digital-signature"' in shown,
                      "the SA tells its peer's certificate, and how it was authenticated")
            tunnel.down_from_peer(lab)
        if method == WHOLE:
            found = pieces(ends.node)
            claim(found["fragments.joined"] >= 2 and found["fragments.out"] >= 4,
                  f"both ways more than a frame holds, whoever began: {found}")
    say("a peer that somebody else certified")
    ends.adopt("digital-signature", ends.issue("tandem", "ecdsa-256"),
               ends.issue("peer", "ecdsa-256", ends.other))
    try:
        lab.peer.initiate("LAN", 5)
        claim(False, "a stranger is refused")
    except RuntimeError:
        pass
    wait.until(lambda: ends.node.events("ike.auth.failed"), 5, "the node says that it refused")
    same(lab.peer.spis(), {"ike": [], "esp": []}, "what the stranger has")


sys.exit(main())
