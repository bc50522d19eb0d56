"""The peers of the matrix, alike from outside: begin, end, rekey, load another case.

What Tandem thinks of the SAs is asked of Tandem (sas.py), so a peer only has to act. A deed that a peer has no
command for is not in its `can`; CIPHERS, HASHES and GROUPS are its words for what it has of ours.
"""

import glob
import os
import shutil
import subprocess

from labkit import strongswan
from labkit.guest import Guest
from labkit.net import run
from labkit.strongswan import ENCRYPTION, GROUP, HASH, CHARON, strongswan_conf, swanctl_conf

OURS, THEIRS = "192.0.2.1", "192.0.2.2"
HERE, THERE = "10.1.0.0/24", "10.2.0.0/24"
IDS = {"ours": "tandem.example", "theirs": "peer.example"}
LIBRESWAN = ("libreswan libnss3-tools libnss3 libnspr4 libldns3 libunbound8 libevent-core-2.1-7 "
             "libevent-pthreads-2.1-7 libcurl3-nss bind9-host").split()
# every cipher that the kernel has: it is asked for at once what it would look for one by one
MODULES = ("af_key esp4 ah4 xfrm_user xfrm4_tunnel $(cd /usr/lib/uml/modules/*/kernel/crypto && ls | "
           "sed -n 's/[.]ko$//p' | grep -vE 'tcrypt|842|lz4|zstd|deflate|crc|tea|streebog|seed|serpent|twofish|"
           "wp512|khazad|fcrypt|anubis|cast|blowfish|adiantum|ecrdsa|ecdh|dh_|rsa|async|algif|md4|rmd|vmac|lrw')")


def write(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(text)


class StrongSwan:
    """In a namespace, ESP in UDP by its own user-space code (kernel-libipsec)."""
    name = "strongSwan, ESP in user space"
    can = {"begin", "rekey child", "rekey ike", "reauthenticate"}
    ciphers, hashes, groups = ENCRYPTION, HASH, GROUP
    auths = ("psk", "rsa-2048", "ecdsa-256", "ecdsa-384", "ed25519")
    gone_on_reload = False

    def __init__(self, lab):
        self.lab, self.charon = lab, lab.peer

    def version(self):
        return run("dpkg-query", "-W", "-f", "${Version}", "strongswan-charon").strip()

    def load(self, case, mirror):
        if case.auth != "psk":
            self.charon.lay_out(case.pki.theirs, [case.pki.root])
        self.charon.configure(mirror, dict(case.changes))

    def begin(self):
        self.charon.initiate("LAN")

    def rekey_child(self):
        self.charon.rekey_child("LAN")

    def rekey_ike(self):
        self.charon.rekey_ike()

    def reauthenticate(self):
        self.charon.swanctl("--rekey", "--ike", "tandem", "--reauth")

    def end(self):
        self.charon.terminate()

    def forget(self):
        """Whatever is left of the last case."""
        try:
            self.charon.swanctl("--terminate", "--ike", "tandem", "--force", "--timeout", "2")
        except RuntimeError:
            pass  # nothing is left


class InGuest:
    """A daemon in the guest kernel; its files are in the guest's /mnt."""

    def __init__(self, lab, guest):
        self.lab, self.guest = lab, guest
        self.folder = guest.folder
        self.started = False

    def prepare(self):
        self.guest.run(f"set -e\n[ -e /run/loaded ] || {{ /run/modprobe {MODULES} || :; touch /run/loaded; }}\n"
                       "echo /bin/false >/proc/sys/kernel/modprobe\n"
                       "ip link show lan0 >/dev/null 2>&1 || {\n"
                       "ip link add lan0 type dummy; ip addr add 10.2.0.1/24 dev lan0; ip link set lan0 up\n"
                       f"ip route add {HERE} via {OURS} src 10.2.0.1\n}}\nip xfrm state flush; ip xfrm policy flush")

    def end_of(self, record):
        """Ends the process whose number is in that file; nobody reaps it, so a zombie is an end."""
        self.guest.run(f"[ -e {record} ] || exit 0\npid=$(cat {record}); kill $pid 2>/dev/null\n"
                       "for i in $(seq 200); do grep -qs '^State:[[:space:]]*[^Z[:space:]]' /proc/$pid/status || break\n"
                       f"read -r -t 0.05 <> <(:) || :; done; rm -f {record}")

    def stop(self):
        pass


class KernelStrongSwan(InGuest):
    """charon, ESP by a real Linux kernel as IP protocol 50."""
    name = "strongSwan, ESP by Linux"
    can = StrongSwan.can
    ciphers, hashes, groups, auths = ENCRYPTION, HASH, GROUP, StrongSwan.auths
    URI = "--uri unix:///run/vici"
    ENV = "export STRONGSWAN_CONF=/mnt/conf/strongswan.conf SWANCTL_DIR=/mnt/conf\n"

    def version(self):
        return run("dpkg-query", "-W", "-f", "${Version}", "strongswan-charon").strip()

    def start(self):
        self.prepare()
        settings = strongswan_conf("/run").replace("kernel-libipsec ", "")
        write(f"{self.folder}/conf/strongswan.conf",
              settings.replace("path = /run/charon.log", "path = /mnt/charon.log"))
        self.guest.run(f"{self.ENV}{CHARON} >/mnt/charon.out 2>&1 9>&- &\necho $! >/run/charon.mine\n"
                       "for i in $(seq 200); do [ -S /run/vici ] && exit 0; read -r -t 0.05 <> <(:) || :; done; exit 1")

    def load(self, case, mirror):
        if case.auth != "psk":
            strongswan.StrongSwan(f"{self.folder}/conf", None).lay_out(case.pki.theirs, [case.pki.root])
        write(f"{self.folder}/conf/swanctl.conf", swanctl_conf(mirror, dict(case.changes)))
        self.swanctl("--load-all --noprompt --file /mnt/conf/swanctl.conf")

    def swanctl(self, words):
        return self.guest.run(f"{self.ENV}swanctl {words} {self.URI}")

    def begin(self):
        self.swanctl("--initiate --child LAN --timeout 15")

    def rekey_child(self):
        self.swanctl("--rekey --child LAN")

    def rekey_ike(self):
        self.swanctl("--rekey --ike tandem")

    def reauthenticate(self):
        self.swanctl("--rekey --ike tandem --reauth")

    def end(self):
        self.swanctl("--terminate --ike tandem --timeout 10")

    def forget(self):
        self.guest.run(f"{self.ENV}swanctl --terminate --ike tandem --force --timeout 2 {self.URI} >/dev/null 2>&1\n"
                       "ip xfrm state flush")

    def stop(self):
        self.end_of("/run/charon.mine")


class Libreswan(InGuest):
    """pluto, unpacked beside its packages, which conflict with strongSwan's."""
    name = "libreswan, ESP by Linux"
    can = {"begin", "rekey child", "rekey ike"}
    ciphers = {"aes-128-gcm": "aes_gcm128", "aes-256-gcm": "aes_gcm256", "aes-128-cbc": "aes128",
               "aes-192-cbc": "aes192", "aes-256-cbc": "aes256", "3des-cbc": "3des",
               "chacha20-poly1305": "chacha20_poly1305", "aes-192-gcm": "aes_gcm192"}
    hashes = {"hmac-sha1-96": "sha1", "hmac-sha-256-128": "sha2_256", "sha-256": "sha2_256",
              "sha-384": "sha2_384", "hmac-sha-384": "sha2_384", "hmac-sha-512": "sha2_512", "sha-512": "sha2_512"}
    groups = {"group14": "modp2048", "group15": "modp3072", "group16": "modp4096", "group19": "dh19",
              "group20": "dh20", "group21": "dh21", "group31": "dh31"}
    auths = ("psk", "rsa-2048", "ecdsa-256")

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
        shutil.copytree(tree, f"{self.folder}/libreswan", symlinks=True, dirs_exist_ok=True)
        write(f"{self.folder}/conf/ipsec.conf", "config setup\n\tdumpdir=/run/pluto\n")
        write(f"{self.folder}/conf/ipsec.secrets", "")
        self.guest.run(
            "set -e\nmkdir -p /run/pluto/nss /run/pluto/d/policies\n"
            "[ -e /usr/libexec/ipsec ] || { mount -t tmpfs t /usr/libexec; "
            f"ln -s {self.tree}/usr/libexec/ipsec /usr/libexec/ipsec; }}\n"
            f"{self._env()}cp /mnt/conf/ipsec.conf /mnt/conf/ipsec.secrets /run/pluto/\n"
            "chmod 600 /run/pluto/ipsec.secrets\n"
            "[ -e /run/pluto/nss/cert9.db ] || certutil -N -d sql:/run/pluto/nss --empty-password\n"
            "/usr/libexec/ipsec/pluto --nofork --config /run/pluto/ipsec.conf "
            "--secretsfile /run/pluto/ipsec.secrets --nssdir /run/pluto/nss --ipsecdir /run/pluto/d "
            "--rundir /run/pluto --stderrlog >/mnt/pluto.log 2>&1 9>&- &\necho $! >/run/pluto.mine\n"
            "for i in $(seq 200); do [ -S /run/pluto/pluto.ctl ] && exit 0; read -r -t 0.05 <> <(:) || :; done; exit 1")

    def _env(self):
        return (f"export LD_LIBRARY_PATH={self.tree}/usr/lib/x86_64-linux-gnu PATH={self.tree}/usr/bin:$PATH\n")

    def load(self, case, mirror):
        child = mirror.children["LAN"]
        settings = {
            "left": THEIRS, "right": OURS, "leftid": "@" + IDS["theirs"], "rightid": "@" + IDS["ours"],
            "leftsubnet": child["local_ts"], "rightsubnet": child["remote_ts"], "ikev2": "insist", "auto": "add",
            "ike": f"aes_gcm256-sha2_256;{self.groups[case.group]}", "esp": self._esp(case), "esn": "no",
            "leftupdown": "%disabled", "rekey": "no", "fragmentation": "yes",
            "authby": {"psk": "secret", "rsa-2048": "rsasig", "ecdsa-256": "ecdsa-sha2_256"}[case.auth]}
        if case.auth != "psk":
            settings.update({"leftcert": "peer", "leftsendcert": "always", "rightca": "%same"})
        text = "config setup\n\tdumpdir=/run/pluto\nconn LAN\n" + "".join(
            f"\t{key}={value}\n" for key, value in settings.items())
        write(f"{self.folder}/conf/ipsec.conf", text)
        write(f"{self.folder}/conf/ipsec.secrets",
              f'@{IDS["theirs"]} @{IDS["ours"]} : PSK "{mirror.psk}"\n' if case.auth == "psk" else "")
        self.guest.run(
            f"{self._env()}cp /mnt/conf/ipsec.conf /mnt/conf/ipsec.secrets /run/pluto/\n"
            "chmod 600 /run/pluto/ipsec.secrets\n" + (self._certificates(case) if case.auth != "psk" else "") +
            "W='/usr/libexec/ipsec/whack --rundir /run/pluto'\n$W --name LAN --delete >/dev/null 2>&1\n"
            "$W --rereadsecrets\nip xfrm state flush; ip xfrm policy flush\n"
            "/usr/libexec/ipsec/addconn --config /run/pluto/ipsec.conf --ctlsocket /run/pluto/pluto.ctl LAN")

    def _certificates(self, case):
        """Into NSS, by PKCS#12; its key goes along."""
        pki, path = case.pki, f"{self.folder}/conf/peer.p12"
        run("openssl", "pkcs12", "-export", "-in", pki.theirs.cert_file, "-inkey", pki.theirs.key_file,
            "-certfile", pki.root.cert_file, "-name", "peer", "-out", path, "-passout", "pass:")
        return ("certutil -D -d sql:/run/pluto/nss -n peer >/dev/null 2>&1\n"
                "pk12util -i /mnt/conf/peer.p12 -d sql:/run/pluto/nss -W ''\n"
                f"certutil -A -d sql:/run/pluto/nss -n root -t CT,C,C -a -i {pki.root.cert_file}\n")

    def _esp(self, case):
        cipher, integrity = case.esp
        words = self.ciphers[cipher] + (f"-{self.hashes[integrity]}" if integrity else "")
        return f"{words};{self.groups[case.group]}" if case.pfs else words

    def whack(self, words):
        return self.guest.run(f"{self._env()}timeout 15 /usr/libexec/ipsec/whack --rundir /run/pluto {words}")

    def begin(self):
        self.whack("--initiate --name LAN")

    def rekey_child(self):
        self.whack("--rekey-ipsec --name LAN")

    def rekey_ike(self):
        self.whack("--rekey-ike --name LAN")

    def end(self):
        self.whack("--terminate --name LAN")

    def forget(self):
        self.whack("--terminate --name LAN >/dev/null 2>&1 || :")

    def stop(self):
        self.whack("--shutdown")
        self.end_of("/run/pluto.mine")
        self.guest.run("umount -l /usr/libexec; ip xfrm state flush; ip xfrm policy flush")


class OpenIked(InGuest):
    """iked, its SAs by PF_KEY in a real Linux kernel. It begins when it starts, and has no command to rekey."""
    name = "OpenIKED, ESP by Linux"
    can = {"begin"}
    # on Linux iked's PF_KEY has neither AEAD (it leaves such proposals out) nor SHA-2 ("unsupported integrity")
    ciphers = {"aes-128-cbc": "aes-128", "aes-192-cbc": "aes-192", "aes-256-cbc": "aes-256", "3des-cbc": "3des"}
    hashes = {"hmac-sha1-96": "hmac-sha1"}
    groups = {"group14": "modp2048", "group15": "modp3072", "group16": "modp4096", "group19": "ecp256",
              "group20": "ecp384", "group21": "ecp521", "group31": "curve25519"}
    auths = ("psk", "rsa-2048", "ecdsa-256")
    METHODS = {"rsa-2048": "rsa", "ecdsa-256": "ecdsa256"}  # as the proposals of ours say, not RFC 7427

    def version(self):
        return run("dpkg-query", "-W", "-f", "${Version}", "openiked").strip()

    def start(self):
        self.prepare()
        self.guest.run("set -e\nmkdir -p /run/iked/etc\ncp -a /etc/iked/. /run/iked/etc/\n"
                       "mount --bind /run/iked/etc /etc/iked")

    def load(self, case, mirror):
        cipher, integrity = case.esp
        child = mirror.children["LAN"]
        proposal = (f"auth {self.hashes[integrity]} " if integrity else "") + f"enc {self.ciphers[cipher]}"
        group = f" group {self.groups[case.group]}" if case.pfs else " group none"
        auth = f'psk "{mirror.psk}"' if case.auth == "psk" else self.METHODS[case.auth]
        if case.auth != "psk":
            self._certificates(case)
        self.text = (f'ikev2 "LAN" %s esp from {child["local_ts"]} to {child["remote_ts"]} local {THEIRS} peer {OURS} '
                     f"ikesa enc aes-256-gcm prf hmac-sha2-256 group {self.groups[case.group]} "
                     f"childsa {proposal}{group} srcid {IDS['theirs']} dstid {IDS['ours']} {auth}\n")
        self._run("passive")

    def _certificates(self, case):
        pki = case.pki
        self.guest.run(f"set -e\ncp {pki.root.cert_file} /etc/iked/ca/ca.crt\n"
                       f"cp {pki.theirs.cert_file} /etc/iked/certs/{IDS['theirs']}.crt\n"
                       f"cp {pki.theirs.key_file} /etc/iked/private/local.key\nchmod 600 /etc/iked/private/local.key\n"
                       f"chmod 644 /etc/iked/ca/ca.crt /etc/iked/certs/{IDS['theirs']}.crt\n"
                       "openssl pkey -in /etc/iked/private/local.key -pubout -out /etc/iked/local.pub")

    def _run(self, mode):
        self.halt()
        write(f"{self.folder}/conf/iked.conf", self.text % mode)
        self.guest.run("cp /mnt/conf/iked.conf /run/iked/iked.conf; chmod 600 /run/iked/iked.conf\n"
                       "iked -dvv -f /run/iked/iked.conf -s /run/iked/sock >>/mnt/iked.log 2>&1 9>&- &\n"
                       "echo $! >/run/iked/mine\n"
                       # it answers when PF_KEY has told it of every algorithm
                       "for i in $(seq 900); do grep -q ':01F4 ' /proc/net/udp && "
                       "timeout 30 ikectl -s /run/iked/sock show sa >/dev/null 2>&1 && exit 0; "
                       "read -r -t 0.05 <> <(:) || :; done; tail -5 /mnt/iked.log; exit 1")

    def begin(self):
        self._run("active")

    def end(self):
        self.guest.run("ikectl -s /run/iked/sock reset all")

    def halt(self):
        self.end_of("/run/iked/mine")
        self.guest.run("rm -f /run/iked/sock; ip xfrm state flush; ip xfrm policy flush")

    def forget(self):
        self.halt()

    def stop(self):
        self.halt()
        self.guest.run("umount -l /etc/iked")
