"""A peer with certificates: its PKI, and a Session that proves itself by them (RFC 7427), free to lie about it.

    Root -> Sub -> cert.example;  Root -> tandem.example;  Other, which nobody trusts
"""

import datetime
import os
import struct

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

import ground  # first: it finds the lab
import wire
from fake import Fake
from keys import prf
from labkit.pki import Pki, install, now
from sender import PATIENCE_S, Port, Session
from wire import P

ADDRESS = "192.0.2.4"
NAME = "cert.example"
X509, PKCS7, HASH_AND_URL = 4, 1, 12
ADDKE1 = 6  # transform type
SHA1, SHA256, SHA512 = 1, 2, 4
# AlgorithmIdentifiers
ECDSA_SHA1 = bytes.fromhex("300906072a8648ce3d0401")
ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
ECDSA_SHA512 = bytes.fromhex("300a06082a8648ce3d040304")
RSA_SHA256 = bytes.fromhex("300d06092a864886f70d01010b0500")
RSA_MD5 = bytes.fromhex("300d06092a864886f70d0101040500")
PSS = bytes.fromhex("300b06092a864886f70d01010a")  # without its parameters
ED25519 = bytes.fromhex("300506032b6570")
UNKNOWN = bytes.fromhex("300706052a03040506")
DAY = datetime.timedelta(days=1)


class Papers:
    """Everybody's certificates. Life: files in a folder of the lab."""

    def __init__(self, folder):
        self.pki = Pki(folder)
        self.root = self.pki.authority("root")
        self.sub = self.pki.authority("sub", issuer=self.root, path_len=0)
        self.other = self.pki.authority("other")
        self.ours = self.pki.issue("tandem", self.root, names=["dns:tandem.example"])
        self.good = self.leaf("good")
        self.stranger = self.leaf("stranger", self.other)
        self.somebody = self.leaf("somebody", names=["dns:somebody.example"])
        self.nameless = self.leaf("nameless", names=())
        self.expired = self.leaf("expired", not_before=now() - 20 * DAY, not_after=now() - 10 * DAY)
        self.early = self.leaf("early", not_before=now() + 10 * DAY)
        self.wild = self.leaf("wild", names=["dns:*.example"])
        self.rsa = self.leaf("rsa", key="rsa-2048")
        self.small = self.leaf("small", key="rsa-1024")
        self.sha1 = self.leaf("sha1", digest="sha1")
        self.web = self.leaf("web", extended=["SERVER_AUTH"])
        self.no_use = self.leaf("no_use", usages=("key_encipherment",))
        self.critical = self.leaf("critical", extra=[(self.unknown(b"x"), True)])
        self.big = self.leaf("big", extra=[(self.unknown(os.urandom(13000)), False)])
        self.huge = self.leaf("huge", extra=[(self.unknown(os.urandom(17000)), False)])
        self.by_leaf = self.leaf("by_leaf", self.good)
        self.deep = self.sub
        for i in range(3):
            self.deep = self.pki.authority(f"deep{i}", issuer=self.deep)
        self.below = self.leaf("below", self.deep)
        self.loop = self.looped()
        self.lost = self.leaf("lost", self.loop[0])

    @staticmethod
    def unknown(octets):
        return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), octets)

    def leaf(self, name, issuer=None, names=(f"dns:{NAME}",), **more):
        return self.pki.issue(name, issuer or self.sub, names=list(names), **more)

    def looped(self):
        """Two CAs, each certified by the other."""
        one = self.pki.authority("loop1", subject="CN=loop one")
        two = self.pki.authority("loop2", issuer=one, subject="CN=loop two")
        return [self.pki.authority("loop3", issuer=two, subject="CN=loop one", key=one.key), two]

    def install(self, node):
        install(f"{node.folder}/state/pki", {"Root": self.root}, {"GW": self.ours})

    @staticmethod
    def configuration(called):
        """Of a gateway that wants certificates, and of the called ones: their numbers."""
        path = "set security ike proposal IC"
        yield f"{path} authentication-method certificates"
        yield f"{path} dh-group group31"
        yield f"{path} authentication-algorithm sha-256"
        yield f"{path} encryption-algorithm aes-256-gcm"
        path = "set security ike proposal IX"
        yield f"{path} authentication-method certificates"
        yield f"{path} dh-group group31"
        yield f"{path} additional-key-exchange group19"
        yield f"{path} authentication-algorithm sha-256"
        yield f"{path} encryption-algorithm aes-256-gcm"
        yield "set security pki ca-profile Root ca-identity Root"
        yield "set security pki ca-profile Root revocation-check disable"
        yield "set security ike policy PC proposals [ IC IX ]"
        yield "set security ike policy PC certificate local-certificate GW"
        yield "set security ike policy PC certificate trusted-ca ca-profile Root"
        yield from ground.vpn("CERT", 3, ADDRESS, "10.4.0.0/24", "responder-only", policy="PC")
        yield from Papers.names("CERT")
        for i in called:
            yield from Papers.names(f"C{i}")

    @staticmethod
    def names(gateway):
        yield f"set security ike gateway {gateway} local-identity hostname tandem.example"
        yield f"set security ike gateway {gateway} remote-identity hostname {NAME}"


def der(entity):
    return entity.certificate.public_bytes(serialization.Encoding.DER)


def cert(octets, encoding=X509):
    return P(wire.CERT, bytes([encoding]) + octets)


class CertSession(Session):
    """frag: fragments are agreed on. announce: hashes in our IKE_SA_INIT, None for no such notification. further: a
    second key exchange is offered alone (RFC 9370)."""

    def __init__(self, papers, port, frag=False, announce=(SHA256, 3, SHA512), further=False, **more):
        super().__init__(port, b"", **more)
        self.papers, self.frag, self.announce, self.further = papers, frag, announce, further
        self.own_id = wire.ident(2, NAME.encode())
        self.entity = papers.good

    def init_payloads(self, **more):
        if self.further:
            offer = [*wire.ike_transforms(), (ADDKE1, wire.P256, 0)]
            more = {"sa": wire.proposal(wire.IKE, b"", offer),
                    "more": [P(wire.NOTIFY, wire.notify("INTERMEDIATE_EXCHANGE_SUPPORTED"))], **more}
        made = super().init_payloads(**more)
        if not self.frag:
            made = [p for p in made if p.type != wire.NOTIFY or
                    wire.read_notify(p.body)[0] != wire.N["FRAGMENTATION_SUPPORTED"]]
        if self.announce is not None:
            said = b"".join(bytes([0, number]) for number in self.announce)
            made.append(P(wire.NOTIFY, wire.notify(16431, said)))
        return made

    def covered(self, body=None):
        """What we sign (RFC 7296 2.15)."""
        return self.own_init + self.peer_nonce + prf(self.keys.p_own, self.own_id if body is None else body)

    def signature(self, entity=None, digest=None, octets=None, pss=False):
        key = (entity or self.entity).key
        digest = digest or hashes.SHA256()
        octets = self.covered() if octets is None else octets
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(octets, ec.ECDSA(digest))
        how = padding.PSS(padding.MGF1(digest), digest.digest_size) if pss else padding.PKCS1v15()
        return key.sign(octets, how, digest)

    @staticmethod
    def digital(algorithm, signature):
        return wire.auth(14, bytes([len(algorithm)]) + algorithm + signature)

    def auth_payloads(self, contact=True, idi=None, auth=None, certs=None, more=(), without=(), **child):
        idi = self.own_id if idi is None else idi
        if auth is None:
            auth = self.digital(ECDSA_SHA256, self.signature(octets=self.covered(idi)))
        if certs is None:
            certs = [cert(der(e)) for e in (self.entity, self.papers.sub)]
        made = [P(wire.IDI, idi), *certs, P(wire.AUTH, auth)]
        made += [P(wire.NOTIFY, wire.notify("INITIAL_CONTACT"))] if contact else []
        made += self.child_payloads(**child)
        return [p for p in made if p.type not in without] + list(more)

    def fragments(self, exchange, payloads, size=1200, most=None):
        """A protected message in fragments (RFC 7383)."""
        first, plain = wire.chain(payloads)
        parts = [plain[at:at + size] for at in range(0, len(plain), size)]
        return [self.keys.seal(self.header(exchange), first if i == 0 else 0, part, skf=(i + 1, len(parts)))
                for i, part in enumerate(parts[:most])]

    def answer_to(self, mid, seconds=PATIENCE_S):
        """Of an answer in fragments all are taken."""
        fits = (lambda h, _: h.mid == mid and h.flags & wire.RESPONSE and h.exchange != wire.INIT)
        parts = {}
        while True:
            octets = self.wait(fits, seconds)
            header, kind = wire.read_header(octets)
            if kind != wire.SKF:
                return self.keys.open(octets)
            number, total = struct.unpack(">HH", octets[wire.HEADER + 4:wire.HEADER + 8])
            parts[number] = octets[wire.HEADER], self.keys.plain(octets)
            if len(parts) == total:
                whole = b"".join(parts[i + 1][1] for i in range(total))
                return header, wire.read_chain(parts[1][0], whole)


class CertFake(Fake):
    """One that tandemd calls, and that proves itself by certificates. papers: of the class, before the first."""
    papers = None

    def session(self, group):
        return CertSession(self.papers, self.port, initiator=False, group=group, local=self.local,
                           remote=("10.1.0.0", "10.1.0.255"))

    def init_payloads(self, more=(), **changes):
        said = P(wire.NOTIFY, wire.notify(16431, bytes([0, SHA256, 0, SHA512])))
        return super().init_payloads(more=[said, *more], **changes)

    def auth_payloads(self, idr=None, auth=None, certs=None, without=(), **changes):
        s = self.s
        idr = s.own_id if idr is None else idr
        auth = s.digital(ECDSA_SHA256, s.signature(octets=s.covered(idr))) if auth is None else auth
        certs = [cert(der(e)) for e in (s.entity, s.papers.sub)] if certs is None else certs
        made = super().auth_payloads(idr=idr, auth=auth, without=without, **changes)
        return made[:1] + certs + made[1:]


class Certified:
    """The attacker with certificates. Life: as its Ground."""

    def __init__(self, lab, ground_):
        lab.run("peer", "ip", "addr", "add", f"{ADDRESS}/24", "dev", "eth0")
        self.papers = Papers(os.path.join(lab.folder, "pki"))
        self.papers.install(ground_.node)
        ground_.node.tandem("request", "system", "configuration", "reload")
        self.port = Port(ground_.space, ADDRESS, ground.OURS)
        CertFake.papers = self.papers
        ground_.standing.append(self.session)

    def session(self, **options):
        return CertSession(self.papers, self.port, local=("10.4.0.0", "10.4.0.255"),
                           remote=("10.1.0.0", "10.1.0.255"), **options)

    def close(self):
        self.port.close()
