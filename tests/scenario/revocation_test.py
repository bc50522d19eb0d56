#!/usr/bin/python3 -B
"""Revocation with strongSwan as the peer: lists by HTTP (Sub, which the node does not know: dynamic-001) and by
LDAP (Root), then OCSP. A revoked peer is refused, and an SA that is up goes down at the next check.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- 192.0.2.2 peer, LAN 10.2.0.1
    inside 198.51.100.9 (http 8080, ocsp 8081, ldap 3890) --- cluster --- 198.51.100.1 node0
                     Root -> Sub -> peer;  Root -> tandem, second, third
"""

import base64
import datetime
import os
import sys

from story import claim, same, say, story
from labkit import tunnel, wait
from labkit.junos import Configuration
from labkit.net import run
from labkit.pki import Pki, install, now
from labkit.proc import Proc
from labkit.strongswan import Mirror

WEB = "198.51.100.9"
LDAP = f"ldap://{WEB}:3890/cn=root,o=lab"
SECOND = datetime.timedelta(seconds=1)


def certified(text, revocation):
    """The lab's configuration, by certificates and with a way to check them."""
    before, _, rest = text.partition("pre-shared-key ascii-text")
    rest = rest.partition(";")[2]
    text = before + "certificate { local-certificate GW; trusted-ca { ca-profile Root; } }" + rest
    text = text.replace("authentication-method pre-shared-keys", "authentication-method digital-signature")
    return text + f"\nsecurity {{ pki {{ ca-profile Root {{ ca-identity Root; {revocation} }} }} }}\n"


class World:
    """The node, the peer, and the machine in `inside` that tells what is revoked."""

    def __init__(self, lab):
        self.lab = lab
        self.node = lab.nodes[0]
        self.pki = Pki(os.path.join(lab.folder, "pki"))
        self.web = os.path.join(lab.folder, "web")
        self.servers = []
        with open(self.node.conf, encoding="utf-8") as text:
            self.text = text.read()
        self.root = self.pki.authority("root")
        self.sub = self.pki.authority("sub", issuer=self.root, crl_urls=[LDAP])
        self.gw = self.issue("tandem", self.root)
        lab.net.attach("inside", "web0", "cluster")
        for host, device, own in (("inside", "web0", WEB), (self.node.host, "cluster", "198.51.100.1")):
            run("ip", "-n", lab.net.ns(host), "addr", "add", f"{own}/24", "dev", device)

    def issue(self, name, issuer, **more):
        return self.pki.issue(name, issuer, names=["dns:peer.example" if name != "tandem" else
                                                   "dns:tandem.example"], **more)

    def serve(self, name, *argv):
        proc = Proc(name, os.path.join(self.lab.folder, f"{name}.pid"))
        proc.start(self.lab.net.inside_of("inside", *argv), os.path.join(self.lab.folder, f"{name}.out"))
        self.servers.append(proc)

    def listens(self, port):
        return f":{port} " in run(*self.lab.net.inside_of("inside", "ss", "-ltn"))

    def serve_http(self):
        os.makedirs(self.web)
        self.serve("http", sys.executable, "-m", "http.server", "--bind", WEB, "-d", self.web, "8080")

    def serve_ldap(self, crl):
        home = os.path.join(self.lab.folder, "ldap")
        os.makedirs(os.path.join(home, "data"))
        with open(crl, "rb") as octets:
            value = base64.b64encode(octets.read()).decode()
        with open(f"{home}/conf", "w", encoding="ascii") as out:
            out.write(f"include /etc/ldap/schema/core.schema\npidfile {home}/pid\n"
                      f'database ldif\nsuffix "o=lab"\ndirectory {home}/data\n')
        with open(f"{home}/init.ldif", "w", encoding="ascii") as out:
            out.write("dn: o=lab\nobjectClass: organization\no: lab\n\n"
                      "dn: cn=root,o=lab\nobjectClass: organizationalRole\nobjectClass: pkiCA\ncn: root\n"
                      f"certificateRevocationList;binary:: {value}\n")
        run("slapadd", "-f", f"{home}/conf", "-l", f"{home}/init.ldif")
        self.serve("slapd", "/usr/sbin/slapd", "-h", f"ldap://{WEB}:3890", "-f", f"{home}/conf", "-d", "0")

    def serve_ocsp(self, good, revoked):
        """What openssl's own CA would have written of these."""
        with open(os.path.join(self.lab.folder, "index.txt"), "w", encoding="ascii") as out:
            for entity in good + revoked:
                one = entity.certificate
                end, gone = (f"{t:%y%m%d%H%M%S}Z" for t in (one.not_valid_after, now() - 60 * SECOND))
                state = f"R\t{end}\t{gone},keyCompromise" if entity in revoked else f"V\t{end}\t"
                number = f"{one.serial_number:x}".upper()
                out.write(f"{state}\t{number.zfill(len(number) + len(number) % 2)}\tunknown\t/CN={entity.name}\n")
        signer = self.pki.issue("responder", self.root, extended=["OCSP_SIGNING"])
        self.serve("ocsp", "openssl", "ocsp", "-index", os.path.join(self.lab.folder, "index.txt"), "-port", "8081",
                   "-CA", self.root.cert_file, "-rsigner", signer.cert_file, "-rkey", signer.key_file)

    def publish(self, authority, **more):
        """Its list, where the web server finds all of it at once."""
        made = self.pki.crl(authority, this_update=now() - SECOND, **more)
        with open(made, "rb") as octets, open(f"{self.web}/new", "wb") as out:
            out.write(octets.read())
        os.rename(f"{self.web}/new", f"{self.web}/{authority.name}.crl")

    def adopt(self, revocation, peer):
        install(f"{self.node.folder}/state/pki", {"Root": self.root}, {"GW": self.gw})
        text = certified(self.text, revocation)
        with open(os.open(self.node.conf + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                  encoding="utf-8") as out:
            out.write(text)
        os.rename(self.node.conf + ".new", self.node.conf)
        self.node.tandem("request", "system", "configuration", "reload")
        self.take(peer, text)

    def take(self, peer, text):
        self.lab.peer.lay_out(peer, [self.root])
        self.lab.peer.configure(Mirror(Configuration(text), "PEER"), {"send_cert": "always"})

    def refused(self, why):
        before = len(self.node.events("ike.auth.failed"))
        try:
            self.lab.peer.initiate("LAN", 8)
            claim(False, "the peer is refused")
        except RuntimeError:
            pass
        lines = wait.until(lambda: self.node.events("ike.auth.failed")[before:], 5, "a line of the refusal")
        claim(why in lines[-1], f"it says why: {lines[-1]}")

    def end(self):
        for proc in self.servers:
            proc.stop()


def by_lists(world):
    lab, node = world.lab, world.node
    peer = world.issue("peer", world.sub, crl_urls=[f"http://{WEB}:8080/sub.crl"])
    world.serve_http()
    world.serve_ldap(world.pki.crl(world.root))
    world.publish(world.sub, next_update=now() + 7 * SECOND)
    for port in (8080, 3890):
        wait.until(lambda port=port: world.listens(port), 10, f"a server on port {port}")
    world.adopt("revocation-check { use-crl; }", peer)
    lab.peer.initiate("LAN")
    wait.until(lambda: tunnel.crosses(lab), 5, "a ping crosses")
    claim(node.events("pki.crl.fetched profile=dynamic-001"), "Sub's list came by HTTP, as dynamic-001")
    claim(node.events("pki.crl.fetched profile=Root"), "Root's list came by LDAP")
    listed = node.tandem("show", "security", "pki", "crl")
    claim("CA profile: dynamic-001" in listed and "CA profile: Root" in listed, "the operator sees both lists")
    world.sub.revoke(peer, "key_compromise")
    world.publish(world.sub)
    wait.until(lambda: node.events("ike.revoked"), 12, "the next list takes the SA down")
    wait.until(lambda: lab.peer.spis() == {"ike": [], "esp": []}, 5, "the peer's SAs are gone")
    world.refused("revoked by the list of dynamic-001")


def by_ocsp(world):
    second, third = (world.issue(name, world.root, ocsp_urls=[f"http://{WEB}:8081/"])
                     for name in ("second", "third"))
    world.serve_ocsp([second], [third])
    wait.until(lambda: world.listens(8081), 10, "the responder")
    world.adopt("revocation-check { use-ocsp; ocsp { disable-responder-revocation-check; } }", second)
    world.lab.peer.initiate("LAN")
    wait.until(lambda: tunnel.crosses(world.lab), 5, "a ping crosses: the responder says good")
    tunnel.down_from_peer(world.lab)
    world.adopt("revocation-check { use-ocsp; ocsp { disable-responder-revocation-check; } }", third)
    world.refused("revoked, says the responder of Root")


@story(nodes=1)
def main(lab):
    world = World(lab)
    try:
        by_lists(world)
        say("the same by OCSP")
        by_ocsp(world)
        same(lab.peer.spis(), {"ike": [], "esp": []}, "what is left")
    finally:
        world.end()


sys.exit(main())
