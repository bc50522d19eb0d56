"""Certificates of a bench: root -> sub -> each peer and the gateway, in the forms in which tandemd, charon and
the driver (ike_drive_proof.h) take them. Every peer has a certificate of its own; all have one key, which
nobody who checks a signature can tell. Nothing is checked for revocation, by nobody.
"""

import os

from labkit.pki import Pki, install

# what a row calls it: authentication-method, kind of all keys
METHODS = {"ecdsa": ("ecdsa-signatures-256", "ecdsa-256"), "rsa": ("rsa-signatures", "rsa-2048")}


class Certificates:
    """Made once for all rows of a kind; whoever makes it removes its folder."""

    def __init__(self, folder, auth, gate, peers):
        """gate: the responder's address; peers: addresses of the others."""
        kind = METHODS[auth][1]
        self.pki = Pki(folder)
        self.root = self.pki.authority("root", key=kind)
        self.sub = self.pki.authority("sub", issuer=self.root, key=kind, path_len=0)
        self.gate = self.pki.issue("gate", self.sub, key=kind, names=[f"ip:{gate}"])
        shared = self.pki.issue("peers", self.sub, key=kind).key
        for i, address in enumerate(peers):
            self.pki.issue(f"L{i}", self.sub, key=shared, names=[f"ip:{address}"])

    def install(self, node):
        """Where a node of the lab has them."""
        state = os.path.join(node.folder, "state", "pki")
        install(state, {"Root": self.root}, {"GW": self.gate})
        with open(os.path.join(state, "local", "GW.pem"), "a", encoding="ascii") as out, \
                open(self.sub.cert_file, encoding="ascii") as between:
            out.write(between.read())


def policy(name, auth, psk, certificate):
    """An ike policy; certificate: the id of its own."""
    if auth == "psk":
        return f"set security ike policy {name} pre-shared-key ascii-text {psk}"
    return (f"set security ike policy {name} certificate local-certificate {certificate}\n"
            f"set security ike policy {name} certificate trusted-ca ca-profile Root")


def profile(auth):
    """The CA that is trusted; nothing with pre-shared keys."""
    return "" if auth == "psk" else ("set security pki ca-profile Root ca-identity Root\n"
                                     "set security pki ca-profile Root revocation-check disable\n")


def method(auth):
    return METHODS[auth][0] if auth in METHODS else "pre-shared-keys"
