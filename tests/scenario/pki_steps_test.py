#!/usr/bin/python3 -B
"""An operator's way to certificates: a key, a request, what a CA made of it, the tunnel; then the same with
the key in a token. The process that signs is killed in between. Nobody but tandem-keys sees a key.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- 192.0.2.2 peer, LAN 10.2.0.1
                     Root -> tandem.example (GW, then TOKEN), peer.example
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from certified import certified
from story import claim, same, say, story
from labkit import pki as lab_pki
from labkit import leaks, tunnel, wait
from labkit.junos import Configuration
from labkit.node import find_binary
from labkit.strongswan import Mirror

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "24681357"


def certify(root, request, path):
    """The CA's part: what it knows of the key is the request."""
    with open(request, "rb") as text:
        asked = x509.load_pem_x509_csr(text.read())
    claim(asked.is_signature_valid, "the request is signed with its key")
    begin = lab_pki.now() - lab_pki.DAY
    b = (x509.CertificateBuilder().subject_name(asked.subject).public_key(asked.public_key())
         .issuer_name(root.certificate.subject).serial_number(x509.random_serial_number())
         .not_valid_before(begin).not_valid_after(begin + 30 * lab_pki.DAY)
         .add_extension(x509.BasicConstraints(False, None), critical=True))
    for extension in asked.extensions:
        b = b.add_extension(extension.value, extension.critical)
    with open(path, "wb") as out:
        out.write(b.sign(root.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


class Token:
    """SoftHSM in a folder that the process without privileges may use; gone with it."""

    def __init__(self):
        leaks.learn(PIN, "the PIN of the token")
        self.folder = tempfile.mkdtemp(prefix="tandem-token-")
        os.chmod(self.folder, 0o755)
        tokens = os.path.join(self.folder, "tokens")
        os.mkdir(tokens)
        self.conf = self._write("softhsm.conf", f"directories.tokendir = {tokens}\nlog.level = ERROR\n", 0o644)
        self.pin = self._write("pin", PIN + "\n", 0o600)
        os.environ["SOFTHSM2_CONF"] = self.conf  # tandemd hands it on
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "lab", "--so-pin", PIN, "--pin",
                        PIN], check=True, stdout=subprocess.DEVNULL)
        nobody = pwd.getpwnam("nobody")
        for where, _, files in os.walk(tokens):
            for path in [where] + [os.path.join(where, name) for name in files]:
                os.chown(path, nobody.pw_uid, nobody.pw_gid)

    def _write(self, name, text, mode):
        path = os.path.join(self.folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, mode), "w", encoding="ascii") as out:
            out.write(text)
        return path

    def uri(self, name):
        return f"pkcs11:token=lab;object={name}?module-path={MODULE}&pin-source={self.pin}"

    def gone(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Operator:
    """Types at the node."""

    def __init__(self, lab, root):
        self.lab = lab
        self.node = lab.nodes[0]
        self.root = root
        self.text = self.node.read_conf()

    def types(self, line, answer=""):
        argv = [find_binary(self.node.build, "tandem"), "--socket", self.node.socket, line]
        done = subprocess.run(argv, input=answer, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=20)
        return done.stdout

    def configure(self, identifier, method="digital-signature"):
        text = certified(self.text, method, identifier)
        self.node.write_conf(text)
        self.types("request system configuration reload")
        return text

    def obtain(self, identifier, where=""):
        """From no key to a certificate that is there."""
        say(f"certificate {identifier}")
        same(self.types(f"request security pki generate-key-pair certificate-id {identifier} type ecdsa "
                        f"size 256{where}"),
             f"Generated key pair {identifier}, key size 256 bits\n", "generate-key-pair")
        request = os.path.join(self.lab.folder, f"{identifier}.csr")
        said = self.types(f"request security pki generate-certificate-request certificate-id {identifier} "
                          f'subject "O=Tandem Lab,CN={identifier}" domain-name tandem.example '
                          f"filename {request}")
        claim(said.startswith("Generated certificate request\n-----BEGIN"), "the request is shown and written")
        certificate = os.path.join(self.lab.folder, f"{identifier}.pem")
        certify(self.root, request, certificate)
        same(self.types(f"request security pki local-certificate load certificate-id {identifier} filename "
                        f"{certificate}"), "Local certificate loaded successfully\n", "load")
        same(self.types(f"request security pki local-certificate verify certificate-id {identifier}"),
             f"Local certificate {identifier} verification success\n", "verify")

    def keys_process(self):
        """Its pid, if it runs."""
        tandemd = self.node.procs["control"].pid()
        with open(f"/proc/{tandemd}/task/{tandemd}/children", encoding="ascii") as listed:
            for pid in listed.read().split():
                with open(f"/proc/{pid}/comm", encoding="ascii") as name:
                    if name.read().strip() == "tandem-keys":
                        return int(pid)
        return None


def crosses(lab, what):
    lab.peer.initiate("LAN")
    wait.until(lambda: tunnel.crosses(lab), 5, "a ping crosses")
    say(f"holds: {what}")
    tunnel.down_from_peer(lab)


def refused(lab, op, authority):
    """What does not fit is said, and nothing of it stays."""
    stranger = authority.issue("stranger", op.root, key="rsa-2048")
    words = {
        "ca-certificate load ca-profile None filename " + op.root.cert_file:
            "error: CA profile None is not configured\n",
        "ca-certificate load ca-profile Root filename " + stranger.cert_file:
            "error: the certificate is not that of a CA\n",
        "ca-certificate load ca-profile Root filename " + op.root.key_file:
            "error: Failed to read the certificate file\n",
        "generate-key-pair certificate-id GW": "error: key pair GW already exists\n",
        "generate-key-pair certificate-id X size 512":
            "error: RSA keys have 1024 to 4096 bits; shorter ones protect nothing\n",
        "generate-certificate-request certificate-id X subject CN=x": "error: key pair X does not exist\n",
        "generate-certificate-request certificate-id GW subject nonsense":
            'error: the subject cannot be read: write it like "CN=gw,O=example,C=US"\n',
        "local-certificate load certificate-id GW filename " + stranger.cert_file:
            "error: the key does not belong to the certificate\n",
        f"local-certificate load certificate-id X filename {stranger.cert_file} key {op.root.key_file}":
            "error: the key does not belong to the certificate\n",
        "local-certificate verify certificate-id X": "error: Local certificate X verification failed\n",
        "crl load ca-profile Root filename " + authority.crl(authority.authority("other")):
            None,
    }
    for line, said in words.items():
        found = op.types(f"request security pki {line}", "yes\n")
        if said is None:
            claim(found.startswith("error: "), f"{line}: {found.strip()}")
        else:
            same(found, said, line)
    key = os.path.join(lab.nodes[0].folder, "state", "pki", "key")
    same(sorted(os.listdir(key)), ["GW.pem"], "keys that are kept")
    same(os.stat(os.path.join(key, "GW.pem")).st_mode & 0o777, 0o600, "mode of the key")


@story(nodes=1)
def main(lab):
    authority = lab_pki.Pki(os.path.join(lab.folder, "pki"))
    root = authority.authority("root")
    op = Operator(lab, root)
    text = op.configure("GW")
    load = f"request security pki ca-certificate load ca-profile Root filename {root.cert_file}"
    claim("loaded" not in op.types(load, "no\n"), "no fingerprint, no CA")
    claim(op.types(load, "yes\n").endswith("CA certificate for profile Root loaded successfully\n"), "the CA")
    op.obtain("GW")
    claim("Issued to: GW" in op.types("show security pki local-certificate certificate-id GW"), "show")
    same(op.types("clear security pki key-pair certificate-id GW"),
         "error: key-pair GW is referenced by configuration\n", "clear of what is in use")
    refused(lab, op, authority)
    lab.peer.lay_out(authority.issue("peer", root, names=["dns:peer.example"]), [root])
    lab.peer.configure(Mirror(Configuration(text), "PEER"), {"send_cert": "always"})
    crosses(lab, "the tunnel is up with a key from a file")
    old = op.keys_process()
    os.kill(old, signal.SIGKILL)
    crosses(lab, "and again after the process with the key was killed")
    claim(op.keys_process() not in (None, old), "another process has the key")
    op.configure("GW", "ecdsa-signatures-384")
    wait.until(lambda: op.node.events("pki.method.unfit"), 10, "it is said that a P-256 key cannot do "
               "ecdsa-signatures-384")
    op.obtain("TOKEN", f" token {token.uri('TOKEN')}")
    op.configure("TOKEN")
    crosses(lab, "the tunnel is up with a key in a token")
    same(os.listdir(f"{op.node.folder}/state/pki/key").count("TOKEN.pem"), 0, "files with that key")


if not os.path.exists(MODULE):
    sys.exit(f"{MODULE} is not there: deploy/setup/install brings it")
token = Token()
try:
    status = main()
finally:
    token.gone()
sys.exit(status)
