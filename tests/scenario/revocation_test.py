#!/usr/bin/python3 -B
"""Revocation with strongSwan as the peer: lists by HTTP (Sub, which the node does not know: dynamic-001) and by
LDAP (Root), then OCSP. A revoked peer is refused, and an SA that is up goes down at the next check, also at a
node that took it over and never saw a certificate of it: when the list comes later, and when it was there before.

                                 +-- node0 --+
    inside 10.1.0.2 --- inside --+           +-- outside --- 192.0.2.2 peer, LAN 10.2.0.1
      (reth1 10.1.0.1)           +-- node1 --+   (reth0 192.0.2.1)
    inside 198.51.100.9 (http 8080, ocsp 8081, ldap 3890) --- cluster --- 198.51.100.1, .2 node0, node1
                     Root -> Sub -> peer, heir, last;  Root -> tandem, second, third
"""

import base64
import datetime
import os
import sys

from story import Capture, claim, same, say, story
from labkit import failover, tunnel, wait
from labkit.junos import Configuration
from labkit.net import run
from labkit.pki import Pki, install, now
from labkit.proc import Proc
from labkit.strongswan import Mirror

WEB = "198.51.100.9"
LDAP = f"ldap://{WEB}:3890/cn=root,o=lab"
BY_ROOT = {"Root": "use-crl;"}
BY_SUB = {"Root": "disable;", "Sub": f"use-crl; crl {{ url http://{WEB}:8080/sub.crl; }}"}
BY_OCSP = {"Root": "use-ocsp; ocsp { disable-responder-revocation-check; }"}
SECOND = datetime.timedelta(seconds=1)


def certified(text, profiles):
    """The lab's configuration, by certificates. profiles: how those of each CA profile are checked."""
    before, _, rest = text.partition("pre-shared-key ascii-text")
    rest = rest.partition(";")[2]
    text = before + "certificate { local-certificate GW; trusted-ca { ca-profile Root; } }" + rest
    text = text.replace("authentication-method pre-shared-keys", "authentication-method digital-signature")
    rows = [f"ca-profile {name} {{ ca-identity {name}; revocation-check {{ {how} }} }}"
            for name, how in profiles.items()]
    return text + f"\nsecurity {{ pki {{ {' '.join(rows)} }} }}\n"


class World:
    """The nodes, the peer, and the machine in `inside` that tells what is revoked."""

    def __init__(self, lab):
        self.lab = lab
        self.node = failover.wait_synced(lab)  # the owner
        self.pki = Pki(os.path.join(lab.folder, "pki"))
        self.web = os.path.join(lab.folder, "web")
        self.servers = []
        self.count()
        self.text = self.node.read_conf()
        self.applied = self.text
        self.root = self.pki.authority("root")
        self.sub = self.pki.authority("sub", issuer=self.root, crl_urls=[LDAP])
        self.gw = self.issue("tandem", self.root)
        lab.net.attach("inside", "web0", "cluster")
        ends = [(node.host, "cluster", f"198.51.100.{node.number + 1}") for node in lab.nodes]
        for host, device, own in [("inside", "web0", WEB), *ends]:
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

    def count(self):
        self.revoked = {node.host: len(node.events("ike.revoked")) for node in self.lab.nodes}

    def adopt(self, profiles, peer):
        """All nodes take a configuration over, and the peer what mirrors it."""
        self.applied = certified(self.text, profiles)
        for node in self.lab.nodes:
            install(f"{node.folder}/state/pki", {"Root": self.root, "Sub": self.sub}, {"GW": self.gw})
        self.node.write_conf(self.applied)
        for node in self.lab.nodes:
            if node.alive():
                node.tandem("request", "system", "configuration", "reload")
        self.take(peer, self.applied)

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
    world.adopt(BY_ROOT, peer)
    lab.peer.initiate("LAN")
    wait.until(lambda: tunnel.crosses(lab), 5, "a ping crosses")
    claim(node.events("profile=dynamic-001 entries="), "Sub's list came by HTTP, as dynamic-001")
    claim(node.events("profile=Root entries="), "Root's list came by LDAP")
    listed = node.tandem("show", "security", "pki", "crl")
    claim("CA profile: dynamic-001" in listed and "CA profile: Root" in listed, "the operator sees both lists")
    world.sub.revoke(peer, "key_compromise")
    world.publish(world.sub)
    goes_down(world, 12)
    world.refused("revoked by the list of dynamic-001")


def goes_down(world, seconds):
    """The owner says that the peer is revoked, and the peer has nothing any more."""
    wait.until(lambda: len(world.node.events("ike.revoked")) > world.revoked[world.node.host], seconds,
               f"{world.node.host} takes the SA down")
    wait.until(lambda: world.lab.peer.spis() == {"ike": [], "esp": []}, 5, "the peer's SAs are gone")
    world.count()


def hand_over(lab, to):
    was = failover.owner(lab)
    words = ("request", "chassis", "cluster", "failover")
    was.tandem(*words, "redundancy-group", "1", "node", str(to.number))
    failover.wait_owner(lab, to)
    was.tandem(*words, "reset", "redundancy-group", "1")
    return to


def after_a_death(world):
    """The heir took the SA over and never saw Sub, which no profile holds: it makes dynamic-001 of its own."""
    lab, was = world.lab, world.node
    peer = world.issue("heir", world.sub, crl_urls=[f"http://{WEB}:8080/sub.crl"])
    world.publish(world.sub, next_update=now() + 9 * SECOND)
    world.take(peer, world.applied)
    lab.peer.initiate("LAN")
    wait.until(lambda: tunnel.crosses(lab), 5, "a ping crosses")
    before, capture = lab.peer.spis(), Capture(lab, "peer", "eth0", os.path.join(lab.folder, "death.pcap"))
    capture.start()
    lab.kill_node(was)
    world.node = failover.standby_of(lab, was)
    claim(not world.node.events("dynamic-001"), "the heir has no dynamic-001 yet")
    wait.until(lambda: tunnel.crosses(lab), 10, "a ping crosses at the heir")
    same(lab.peer.spis(), before, "the peer's SAs")
    wait.until(lambda: world.node.events("profile=dynamic-001 entries="), 10, "the heir has Sub's list, by itself")
    world.sub.revoke(peer, "key_compromise")
    world.publish(world.sub)
    goes_down(world, 15)
    capture.stop()
    same(capture.analyse()["ike"]["IKE_SA_INIT"]["requests"], 0, "IKE_SA_INIT of anybody at the peer")
    world.refused("revoked by the list of dynamic-001")
    failover.rejoin(lab, was)
    say(f"{was.host} is back in sync")


def known_before(world):
    """One heir authenticates anew what it took over; the next had the list before it had the SA."""
    lab, last = world.lab, failover.standby_of(world.lab, world.node)
    peer = world.issue("last", world.sub)
    world.publish(world.sub)
    world.adopt(BY_SUB, peer)
    for node in lab.nodes:
        wait.until(lambda node=node: node.events("profile=Sub entries="), 5, f"{node.host} has the list")
        said = node.tandem("request", "security", "pki", "ca-certificate", "verify", "ca-profile", "Sub")
        claim("verified successfully" in said, f"{node.host} verifies Sub, by Root's list, which it fetches")
    lab.peer.initiate("LAN")
    first = world.node
    world.node = hand_over(lab, last)
    before = lab.peer.spis()
    world.node.tandem("request", "security", "ike", "rekey", "reauthenticate")

    def renewed():
        spis = lab.peer.spis()
        return len(spis["ike"]) == len(spis["esp"]) == 1 and spis["ike"] != before["ike"]
    wait.until(renewed, 10, "the heir authenticates anew")
    wait.until(lambda: tunnel.crosses(lab), 5, "a ping crosses")
    world.sub.revoke(peer, "key_compromise")
    first.tandem("request", "security", "pki", "crl", "load", "ca-profile", "Sub", "filename",
                 world.pki.crl(world.sub, this_update=now() - SECOND))
    claim(tunnel.crosses(lab), "the owner does not know of it")
    world.node = hand_over(lab, first)
    goes_down(world, 10)


def by_ocsp(world):
    second, third = (world.issue(name, world.root, ocsp_urls=[f"http://{WEB}:8081/"])
                     for name in ("second", "third"))
    world.serve_ocsp([second], [third])
    wait.until(lambda: world.listens(8081), 10, "the responder")
    world.adopt(BY_OCSP, second)
    world.lab.peer.initiate("LAN")
    wait.until(lambda: tunnel.crosses(world.lab), 5, "a ping crosses: the responder says good")
    tunnel.down_from_peer(world.lab)
    world.adopt(BY_OCSP, third)
    world.refused("revoked, says the responder of Root")


@story(nodes=2)
def main(lab):
    world = World(lab)
    try:
        by_lists(world)
        say("an heir")
        after_a_death(world)
        known_before(world)
        say("the same by OCSP")
        by_ocsp(world)
        same(lab.peer.spis(), {"ike": [], "esp": []}, "what is left")
    finally:
        world.end()


sys.exit(main())
