"""pluto as a peer of the matrix."""

import glob
import os
import shutil
import subprocess

from labkit.net import run

from peers import InGuest, text_of, write

LIBRESWAN = ("libreswan libnss3-tools libnss3 libnspr4 libldns3 libunbound8 libevent-core-2.1-7 "
             "libevent-pthreads-2.1-7 libcurl3-nss bind9-host").split()


def word(identity):
    """An identity in ipsec.conf: a name alone would be looked up."""
    return identity if "@" in identity else f"@{identity}"


class Libreswan(InGuest):
    """pluto, unpacked beside its packages, which conflict with strongSwan's."""
    name = "libreswan, ESP by Linux"
    can = {"begin", "rekey_child", "rekey_ike"}
    ciphers = {"aes-128-gcm": "aes_gcm128", "aes-256-gcm": "aes_gcm256", "aes-128-cbc": "aes128",
               "aes-192-cbc": "aes192", "aes-256-cbc": "aes256", "3des-cbc": "3des",
               "chacha20-poly1305": "chacha20_poly1305", "aes-192-gcm": "aes_gcm192"}
    hashes = {"hmac-sha1-96": "sha1", "hmac-sha-256-128": "sha2_256", "sha-256": "sha2_256",
              "sha-384": "sha2_384", "hmac-sha-384": "sha2_384", "hmac-sha-512": "sha2_512", "sha-512": "sha2_512"}
    groups = {"group14": "modp2048", "group15": "modp3072", "group16": "modp4096", "group19": "dh19",
              "group20": "dh20", "group21": "dh21", "group31": "dh31"}
    auths = ("psk", "rsa-2048", "rsa-2048, PSS", "ecdsa-256", "ecdsa-384", "ecdsa-521")
    LOG, RECORD = "pluto.log", "/run/pluto.mine"
    AUTHBY = {"psk": "secret", "rsa-2048": "rsasig", "rsa-2048, PSS": "rsa-sha2_256", "rsa-4096": "rsa-sha2_256",
              "ecdsa-256": "ecdsa-sha2_256", "ecdsa-384": "ecdsa-sha2_384", "ecdsa-521": "ecdsa-sha2_512"}

    loaded = frozenset()  # conns
    pki = None

    def version(self):
        return run("apt-cache", "show", "--no-all-versions", "libreswan").split("Version: ")[1].split("\n")[0]

    @staticmethod
    def fetch(cache):
        """Its packages, once, into a folder under the build directory; RuntimeError tells why not."""
        tree = os.path.join(cache, "tree")
        if os.path.exists(f"{tree}/usr/libexec/ipsec/pluto"):
            return tree
        os.makedirs(cache, exist_ok=True)
        os.chmod(cache, 0o755)
        try:
            subprocess.run(["apt-get", "-o", "APT::Sandbox::User=root", "download", "-q", *LIBRESWAN], cwd=cache,
                           check=True, timeout=60, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as why:
            raise RuntimeError(f"libreswan's packages cannot be had: {why.output or why}") from why
        for package in glob.glob(f"{cache}/*.deb"):
            subprocess.run(["dpkg", "-x", package, tree], check=True)
        return tree

    def start(self):
        self.prepare()
        tree = self.fetch(os.path.join(self.lab.build, "libreswan"))
        self.tree = "/mnt/libreswan"  # the guest sees no /tmp of the host
        if not os.path.exists(f"{self.folder}/libreswan"):
            shutil.copytree(tree, f"{self.folder}/libreswan", symlinks=True)
        write(f"{self.folder}/conf/ipsec.conf", "config setup\n\tdumpdir=/run/pluto\n")
        write(f"{self.folder}/conf/ipsec.secrets", "")
        self.guest.run(
            "set -e\nmkdir -p /run/pluto/nss /run/pluto/d/policies\n"
            "[ -e /usr/libexec/ipsec ] || { mount -t tmpfs t /usr/libexec; "
            f"ln -s {self.tree}/usr/libexec/ipsec /usr/libexec/ipsec; }}\n"
            f"{self._env()}rm -f /run/pluto/pluto.ctl /run/pluto/pluto.pid\n"
            "[ -e /run/pluto/nss/cert9.db ] || certutil -N -d sql:/run/pluto/nss --empty-password\n"
            "/usr/libexec/ipsec/pluto --nofork --config /mnt/conf/ipsec.conf "
            "--secretsfile /mnt/conf/ipsec.secrets --nssdir /run/pluto/nss --ipsecdir /run/pluto/d "
            "--rundir /run/pluto --stderrlog >/mnt/pluto.log 2>&1 9>&- &\necho $! >/run/pluto.mine\n"
            "for i in $(seq 200); do [ -S /run/pluto/pluto.ctl ] && exit 0; read -r -t 0.05 <> <(:) || :; done; exit 1")

    def _env(self):
        return (f"export LD_LIBRARY_PATH={self.tree}/usr/lib/x86_64-linux-gnu PATH={self.tree}/usr/bin:$PATH\n")

    def _meet(self, pki):
        """A database and a pluto of its own for each root: what certutil adds later is there, but not trusted."""
        if self.pki and self.pki is not pki:
            self.stop()
            self.guest.run("rm -f /run/pluto/nss/*.db")
            self.start()
        self.pki = pki

    def load(self, case, mirror):
        if case.pki:
            self._meet(case.pki)
        settings = {
            "left": self.scene.peer, "right": self.scene.us, "leftid": word(mirror.own_id), "rightid": word(mirror.remote_id),
            "ikev2": "insist", "auto": "add",
            "ike": f"aes_gcm256-sha2_256;{self.groups[case.group]}", "esp": self._esp(case), "esn": "no",
            "leftupdown": "%disabled", "rekey": "no", "fragmentation": "yes",
            "authby": self.AUTHBY[case.auth], **dict(case.changes)}
        if case.pki:
            settings.update({"leftcert": "peer", "leftsendcert": "always", "rightca": "%any", "sendca": "all"})
        text = "config setup\n\tdumpdir=/run/pluto\n"
        for name, child in mirror.children.items():
            own = {**settings, "leftsubnet": child["local_ts"], "rightsubnet": child["remote_ts"]}
            text += f"conn {name}\n" + "".join(f"\t{key}={value}\n" for key, value in own.items())
        write(f"{self.folder}/conf/ipsec.conf", text)
        write(f"{self.folder}/conf/ipsec.secrets",
              f'{word(mirror.own_id)} {word(mirror.remote_id)} : PSK "{mirror.psk}"\n' if not case.pki else "")
        self.guest.run(
            self._env() + (self._certificates(case) if case.pki else "") +
            "W='/usr/libexec/ipsec/whack --rundir /run/pluto'\n"
            + "".join(f"$W --name {name} --delete >/dev/null 2>&1\n" for name in self.loaded - set(mirror.children)) +
            # a conn that is there already is replaced
            "$W --rereadall\n/usr/libexec/ipsec/addconn --config /mnt/conf/ipsec.conf --ctlsocket /run/pluto/pluto.ctl "
            + " ".join(mirror.children))
        self.loaded = set(mirror.children)

    def _certificates(self, case):
        """Into NSS, by PKCS#12; its key goes along."""
        pki, path = case.pki, f"{self.folder}/conf/peer.p12"
        bundle = f"{self.folder}/conf/chain.pem"
        write(bundle, "".join(text_of(ca.cert_file) for ca in [*pki.theirs.chain()[1:], pki.root]))
        run("openssl", "pkcs12", "-export", "-in", pki.theirs.cert_file, "-inkey", pki.theirs.key_file,
            "-certfile", bundle, "-name", "peer", "-out", path, "-passout", "pass:")
        return ("certutil -F -d sql:/run/pluto/nss -n peer >/dev/null 2>&1\n"
                "pk12util -i /mnt/conf/peer.p12 -d sql:/run/pluto/nss -W ''\n"
                f"certutil -A -d sql:/run/pluto/nss -n {pki.root.name} -t CT,C,C -a -i {pki.root.cert_file}\n")

    def _esp(self, case):
        cipher, integrity = case.esp
        words = self.ciphers[cipher] + (f"-{self.hashes[integrity]}" if integrity else "")
        return f"{words};{self.groups[case.group]}" if case.pfs else words

    def whack(self, words):
        return self.guest.run(f"{self._env()}timeout 15 /usr/libexec/ipsec/whack --rundir /run/pluto {words}")

    def begin(self, child="LAN"):
        self.whack(f"--initiate --name {child}")

    def rekey_child(self, child="LAN"):
        self.whack(f"--rekey-ipsec --name {child}")

    def rekey_ike(self):
        """The IKE SA belongs to one of the connections, whichever pluto met first; the others have none to rekey."""
        for name in sorted(self.loaded):
            self.whack(f"--rekey-ike --name {name}")

    def end(self):
        self.whack("--terminate --name LAN")

    def forget(self):
        self.whack("--terminate --name LAN >/dev/null 2>&1 || :")

    def stop(self):
        self.whack("--shutdown")
        self.end_of("/run/pluto.mine")
        self.guest.run("umount -l /usr/libexec; ip xfrm state flush; ip xfrm policy flush")
