"""The peers of the matrix, alike from outside: begin, end, rekey, load another case.

What Tandem thinks of the SAs is asked of Tandem (sas.py), so a peer only has to act. A deed that a peer has no
command for is not in its `can`; CIPHERS, HASHES and GROUPS are its words for what it has of ours.
"""

import os
import re

from labkit import nat, pings, strongswan
from labkit.guest import WIRE
from labkit.net import run
from labkit.strongswan import ENCRYPTION, GROUP, HASH, CHARON, strongswan_conf, swanctl_conf

from scenes import LAN, guest_way

INSIDE = "10.1.0.2"
IDS = {"ours": "tandem.example", "theirs": "peer.example"}
# every cipher that the kernel has: it is asked for at once what it would look for one by one
MODULES = ("af_key esp4 ah4 xfrm_user xfrm4_tunnel $(cd /usr/lib/uml/modules/*/kernel/crypto && ls | "
           "sed -n 's/[.]ko$//p' | grep -vE 'tcrypt|842|lz4|zstd|deflate|crc|tea|streebog|seed|serpent|twofish|"
           "wp512|khazad|fcrypt|anubis|cast|blowfish|adiantum|ecrdsa|ecdh|dh_|rsa|async|algif|md4|rmd|vmac|lrw')")


def write(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(text)


def text_of(path):
    with open(path, encoding="utf-8", errors="replace") as text:
        return text.read()


def with_line(text, line):
    """A setting of charon's in place of the one of that name."""
    return re.sub(rf"\t{line.split()[0]} = .*", f"\t{line}", text)


def gap_in(log):
    """Seconds from the last time that charon deleted an IKE SA to the child that it made next."""
    rows = re.findall(r"(?m)^(\d+):(\d+):(\d+)[.](\d+).*?(deleting IKE_SA tandem|CHILD_SA LAN.* established)", log)
    at = [(int(h) * 3600 + int(m) * 60 + int(s) + int(ms) / 1000, what) for h, m, s, ms, what in rows]
    deleted = max(when for when, what in at if what.startswith("deleting"))
    return min(when for when, what in at if what.startswith("CHILD") and when >= deleted) - deleted


def changes_of(case, scene):
    """What is other in strongSwan's connection than the mirror of ours."""
    certified = {"send_cert": "always"} if case.pki else {}
    return {"local_addrs": scene.peer, "remote_addrs": scene.us, **certified, **dict(case.changes)}


class StrongSwan:
    """In a namespace, ESP in UDP by its own user-space code (kernel-libipsec)."""
    name = "strongSwan, ESP in user space"
    can = {"begin", "rekey_child", "rekey_ike", "reauthenticate"}
    ciphers, hashes, groups = ENCRYPTION, HASH, GROUP
    auths = ("psk", "rsa-2048", "rsa-2048, PSS", "ecdsa-256", "ecdsa-384", "ecdsa-521", "ed25519", "ed448")

    def __init__(self, lab, scene):
        self.lab, self.charon, self.scene = lab, lab.peer, scene

    def version(self):
        return run("dpkg-query", "-W", "-f", "${Version}", "strongswan-charon").strip()

    def load(self, case, mirror):
        if case.pki:
            self.charon.lay_out(case.pki.theirs, [case.pki.root])
        self.charon.configure(mirror, changes_of(case, self.scene))

    def answered(self, count):
        """How many pings from the peer's network to ours are answered."""
        return nat.received(self.lab.argv_for("peer", pings.argv(INSIDE, count, "-I", LAN, seconds=1)))

    def said(self):
        return self.charon.said()

    def also_lan(self, address):
        self.lab.run("peer", "ip", "addr", "replace", address, "dev", "lan0")

    def begin_ike(self):
        self.charon.swanctl("--initiate", "--ike", "tandem", "--timeout", "10")

    def move(self, to, away):
        self.lab.run("peer", "sysctl", "-qw", "net.ipv4.conf.eth0.promote_secondaries=1")
        self.lab.run("peer", "ip", "addr", "add", f"{to}/24", "dev", "eth0")
        self.lab.run("peer", "ip", "addr", "del", f"{away}/24", "dev", "eth0")

    def kill(self):
        self.charon.proc.kill()

    def start_again(self):
        self.charon.start()

    def settings(self, line):
        """make_before_break, which the next IKE SA goes by."""
        write(f"{self.charon.folder}/strongswan.conf", with_line(strongswan_conf(self.charon.folder), line))
        self.charon.swanctl("--reload-settings")

    def gap(self):
        return gap_in(self.said())

    def begin(self, child="LAN"):
        self.charon.initiate(child)

    def rekey_child(self, child="LAN"):
        self.charon.rekey_child(child)

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

    def __init__(self, lab, scene, guest):
        self.lab, self.scene, self.guest = lab, scene, guest
        self.folder = guest.folder

    def prepare(self):
        self.guest.run(f"set -e\n[ -e /run/loaded ] || {{ /run/modprobe {MODULES} || :; touch /run/loaded; }}\n"
                       "echo /bin/false >/proc/sys/kernel/modprobe\n"
                       "ip link show lan0 >/dev/null 2>&1 || {\n"
                       f"ip link add lan0 type dummy; ip addr add {LAN}/24 dev lan0; ip link set lan0 up\n"
                       f"{guest_way(self.scene)}}}\nip xfrm state flush; ip xfrm policy flush")

    def answered(self, count):
        """How many pings from the peer's network to ours are answered."""
        return self.guest.pinged(count, INSIDE, "-I", LAN)

    def said(self):
        """Its log."""
        return text_of(f"{self.folder}/{self.LOG}")

    def also_lan(self, address):
        self.guest.run(f"ip addr replace {address} dev lan0")

    def move(self, to, away):
        self.guest.run("echo 1 >/proc/sys/net/ipv4/conf/vec0/promote_secondaries\n"
                       f"ip addr add {to}/24 dev vec0 && ip addr del {away}/24 dev vec0")

    def kill(self):
        """What it had in the kernel dies with it."""
        self.guest.run(f"kill -9 $(cat {self.RECORD}); rm -f {self.RECORD}; ip xfrm state flush; ip xfrm policy flush")

    def start_again(self):
        self.start()

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
    LOG, RECORD = "charon.log", "/run/charon.mine"
    PORT = 4502
    ENV = "export STRONGSWAN_CONF=/mnt/conf/strongswan.conf\n"

    def version(self):
        return run("dpkg-query", "-W", "-f", "${Version}", "strongswan-charon").strip()

    def start(self):
        self.prepare()
        write(f"{self.folder}/conf/strongswan.conf", self.conf())
        self.guest.run(f"rm -f /run/charon.pid\n{self.ENV}{CHARON} >/mnt/charon.out 2>&1 9>&- &\n"
                       f"echo $! >{self.RECORD}\n"
                       f"for i in {{1..400}}; do [[ $(</proc/net/tcp) == *:{self.PORT:04X}\\ 00000000:* ]] && exit 0; "
                       "read -r -t 0.05 <> <(:) || :; done; exit 1")

    @staticmethod
    def conf():
        """swanctl runs on the host, where a program starts at once, and asks by the wire."""
        settings = strongswan_conf("/run").replace("kernel-libipsec ", "").replace(
            "socket = unix:///run/vici", f"socket = tcp://{WIRE[1]}:{KernelStrongSwan.PORT}")
        settings = settings.replace("charon {", "charon {\n\tinterfaces_ignore = vec1")
        return settings.replace("path = /run/charon.log", "path = /mnt/charon.log")

    def settings(self, line):
        write(f"{self.folder}/conf/strongswan.conf", with_line(self.conf(), line))
        self.swanctl("--reload-settings")

    def gap(self):
        return gap_in(self.said())

    def load(self, case, mirror):
        if case.pki:
            strongswan.StrongSwan(f"{self.folder}/conf", None).lay_out(case.pki.theirs, [case.pki.root])
        write(f"{self.folder}/conf/swanctl.conf", swanctl_conf(mirror, changes_of(case, self.scene)))
        self.swanctl(f"--load-all --noprompt --file {self.folder}/conf/swanctl.conf")

    def swanctl(self, words):
        env = dict(os.environ, STRONGSWAN_CONF=f"{self.folder}/conf/strongswan.conf",
                   SWANCTL_DIR=f"{self.folder}/conf")
        return self.lab.run("peer", "swanctl", *words.split(), "--uri", f"tcp://{WIRE[1]}:{self.PORT}", env=env)

    def begin_ike(self):
        self.swanctl("--initiate --ike tandem --timeout 10")

    def begin(self, child="LAN"):
        self.swanctl(f"--initiate --child {child} --timeout 15")

    def rekey_child(self, child="LAN"):
        self.swanctl(f"--rekey --child {child}")

    def rekey_ike(self):
        self.swanctl("--rekey --ike tandem")

    def reauthenticate(self):
        self.swanctl("--rekey --ike tandem --reauth")

    def end(self):
        self.swanctl("--terminate --ike tandem --timeout 10")

    def forget(self):
        try:
            self.swanctl("--terminate --ike tandem --force --timeout 2")
        except RuntimeError:
            pass  # nothing is left

    def stop(self):
        self.end_of(self.RECORD)
