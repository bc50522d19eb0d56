"""A public key infrastructure of a test: authorities, certificates, CRLs, as files.

    pki = Pki(folder)
    root = pki.authority("root")                              # self-signed
    sub = pki.authority("sub", issuer=root, path_len=0)
    ee = pki.issue("peer", sub, key="ecdsa-256", names=["dns:peer.example", "ip:192.0.2.2"])
    sub.revoke(ee); pki.crl(sub)

Each has cert (PEM), key (PEM, mode 600) and der files in the folder, named after it; a CRL is NAME.crl
(DER) and NAME.crl.pem. Subjects are "O=Tandem Lab, CN=<name>" unless said. Times are datetime, UTC.
"""

import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, ed448, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from . import leaks

KEYS = {"rsa-1024": lambda: rsa.generate_private_key(65537, 1024),
        "rsa-2048": lambda: rsa.generate_private_key(65537, 2048),
        "rsa-3072": lambda: rsa.generate_private_key(65537, 3072),
        "rsa-4096": lambda: rsa.generate_private_key(65537, 4096),
        "dsa-2048": lambda: dsa.generate_private_key(2048),
        "ecdsa-256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ecdsa-384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "ecdsa-521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "ed448": ed448.Ed448PrivateKey.generate}
HASHES = {"sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}
ATTRIBUTES = {"C": NameOID.COUNTRY_NAME, "ST": NameOID.STATE_OR_PROVINCE_NAME, "L": NameOID.LOCALITY_NAME,
              "O": NameOID.ORGANIZATION_NAME, "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
              "CN": NameOID.COMMON_NAME, "DC": NameOID.DOMAIN_COMPONENT,
              "SN": NameOID.SERIAL_NUMBER, "E": NameOID.EMAIL_ADDRESS}
DAY = datetime.timedelta(days=1)
USAGES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
          "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")


def now():
    return datetime.datetime.utcnow().replace(microsecond=0)


def dn(text):
    """A name from "C=CH, O=Example, CN=peer", in that order."""
    parts = [part.strip().partition("=") for part in text.split(",")]
    return x509.Name([x509.NameAttribute(ATTRIBUTES[kind.strip()], value.strip())
                      for kind, _, value in parts])


def alternative(text):
    """"dns:a.example", "ip:192.0.2.1", "email:a@b.example", "dn:CN=x", "uri:..."."""
    kind, _, value = text.partition(":")
    if kind == "ip":
        plain = "/" not in value
        return x509.IPAddress(ipaddress.ip_address(value) if plain else ipaddress.ip_network(value))
    return {"dns": x509.DNSName, "email": x509.RFC822Name, "uri": x509.UniformResourceIdentifier,
            "dn": lambda name: x509.DirectoryName(dn(name))}[kind](value)


def usage(words):
    return x509.KeyUsage(**{name: name in words for name in USAGES})


class Entity:
    """An authority or an end entity. Knows its files; an authority also whom it revoked."""

    def __init__(self, folder, name, certificate, key, issuer):
        self.name = name
        self.certificate = certificate
        self.key = key
        self.issuer = issuer or self
        self.revoked = {}
        self.crl_number = 0
        self.cert_file = os.path.join(folder, f"{name}.pem")
        self.key_file = os.path.join(folder, f"{name}.key")
        self.der_file = os.path.join(folder, f"{name}.der")
        self._write(self.cert_file, certificate.public_bytes(serialization.Encoding.PEM))
        self._write(self.der_file, certificate.public_bytes(serialization.Encoding.DER))
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        self._write(self.key_file, private)
        leaks.learn_pem(private, f"the private key of {name}")

    @staticmethod
    def _write(path, octets):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(octets)

    def subject(self):
        return self.certificate.subject.rfc4514_string({NameOID.EMAIL_ADDRESS: "E"})

    def chain(self):
        """From here to below the root: what a peer is sent."""
        here, found = self, []
        while here.issuer is not here:
            found.append(here)
            here = here.issuer
        return found

    def revoke(self, other, reason=None):
        """In the next CRL; reason: a name of x509.ReasonFlags ("key_compromise")."""
        self.revoked[other.certificate.serial_number] = (now(), reason)


class Pki:
    """folder is made when it is not there. Whoever makes one removes its folder."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, mode=0o700, exist_ok=True)

    def authority(self, name, issuer=None, **more):
        """A CA, self-signed without issuer. Takes what issue() takes; `path_len`."""
        more.setdefault("usages", ("key_cert_sign", "crl_sign"))
        return self.issue(name, issuer, authority=True, **more)

    def issue(self, name, issuer, key="ecdsa-256", subject=None, names=(), days=365, not_before=None,
              not_after=None, usages=("digital_signature",), extended=(), digest="sha256",
              authority=False, path_len=None, crl_urls=(), ocsp_urls=(), policies=(), permitted=(),
              excluded=(), serial=None, extra=()):
        """usages: names of x509.KeyUsage, () for no such extension. extended: OIDs or names of
        ExtendedKeyUsageOID. permitted, excluded: name constraints as alternative names. extra:
        (extension, critical) pairs. key: of KEYS, or another entity's key."""
        private = KEYS[key]() if isinstance(key, str) else key
        signer = issuer.key if issuer else private
        begin = not_before or now() - DAY
        who = dn(subject or f"O=Tandem Lab, CN={name}")
        b = (x509.CertificateBuilder().subject_name(who)
             .issuer_name(issuer.certificate.subject if issuer else who)
             .public_key(private.public_key()).serial_number(serial or x509.random_serial_number())
             .not_valid_before(begin).not_valid_after(not_after or begin + (days + 1) * DAY)
             .add_extension(x509.BasicConstraints(authority, path_len), critical=True)
             .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), False))
        if issuer:
            b = b.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                                False)
        if usages:
            b = b.add_extension(usage(usages), critical=True)
        if names:
            b = b.add_extension(x509.SubjectAlternativeName([alternative(n) for n in names]), False)
        for extension, critical in self._rest(extended, crl_urls, ocsp_urls, policies, permitted, excluded):
            b = b.add_extension(extension, critical)
        for extension, critical in extra:
            b = b.add_extension(extension, critical)
        return Entity(self.folder, name, b.sign(signer, self._digest(signer, digest)), private, issuer)

    @staticmethod
    def _digest(signer, digest):
        plain = isinstance(signer, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey))
        return None if plain else HASHES[digest]()

    @staticmethod
    def _rest(extended, crl_urls, ocsp_urls, policies, permitted, excluded):
        if extended:
            known = [getattr(ExtendedKeyUsageOID, e, None) or x509.ObjectIdentifier(e) for e in extended]
            yield x509.ExtendedKeyUsage(known), False
        if crl_urls:
            points = [x509.DistributionPoint([x509.UniformResourceIdentifier(u)], None, None, None)
                      for u in crl_urls]
            yield x509.CRLDistributionPoints(points), False
        if ocsp_urls:
            yield x509.AuthorityInformationAccess([
                x509.AccessDescription(AuthorityInformationAccessOID.OCSP,
                                       x509.UniformResourceIdentifier(u)) for u in ocsp_urls]), False
        if policies:
            yield x509.CertificatePolicies([
                x509.PolicyInformation(x509.ObjectIdentifier(p), None) for p in policies]), False
        if permitted or excluded:
            yield x509.NameConstraints([alternative(n) for n in permitted] or None,
                                       [alternative(n) for n in excluded] or None), True

    def crl(self, authority, this_update=None, next_update=None, digest="sha256", base=None):
        """Writes and returns the path of a CRL (DER) of all it revoked. base: number of the complete
        one that this is a delta of; then only what was revoked since is in it if the caller says so."""
        authority.crl_number += 1
        b = (x509.CertificateRevocationListBuilder().issuer_name(authority.certificate.subject)
             .last_update(this_update or now() - DAY).next_update(next_update or now() + 30 * DAY)
             .add_extension(x509.CRLNumber(authority.crl_number), False)
             .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
                 authority.key.public_key()), False))
        if base is not None:
            b = b.add_extension(x509.DeltaCRLIndicator(base), True)
        for serial, (when, reason) in authority.revoked.items():
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when)
            if reason:
                one = one.add_extension(x509.CRLReason(x509.ReasonFlags[reason]), False)
            b = b.add_revoked_certificate(one.build())
        made = b.sign(authority.key, self._digest(authority.key, digest))
        path = os.path.join(self.folder, f"{authority.name}.crl")
        Entity._write(path, made.public_bytes(serialization.Encoding.DER))
        Entity._write(f"{path}.pem", made.public_bytes(serialization.Encoding.PEM))
        return path


def install(state, authorities=(), locals_=()):
    """Lays files out as a node has them: <state>/{ca,local,key,crl}/<name>.pem. authorities: name ->
    Entity; locals_: certificate-id -> Entity, whose key goes along."""
    for folder in ("ca", "local", "key", "crl", "request"):
        os.makedirs(os.path.join(state, folder), mode=0o700, exist_ok=True)

    def put(source, *to):
        with open(source, "rb") as octets:
            Entity._write(os.path.join(state, *to), octets.read())
    for name, entity in dict(authorities).items():
        put(entity.cert_file, "ca", f"{name}.pem")
    for name, entity in dict(locals_).items():
        put(entity.cert_file, "local", f"{name}.pem")
        put(entity.key_file, "key", f"{name}.pem")
