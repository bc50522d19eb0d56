"""A real Linux kernel as the peer: user-mode-linux with ESP of its own, strongSwan inside.

The host's kernel may know no ESP at all; this one does, as IP protocol 50. The guest sits in the peer's
place: on the outside network, with the peer's address.
"""

import itertools
import os
import shutil

from . import pings, wait
from .net import run
from .proc import Proc
from .strongswan import CHARON, strongswan_conf, swanctl_conf

UML = "/usr/bin/linux.uml"
FILES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "guest")
MEMORY = "192M"
WIRE = "198.51.100.1", "198.51.100.2"  # the host's end and the guest's


class Guest:
    """Life: start(), charon_start() .. stop(). The lab must be up without a peer of its own."""

    def __init__(self, lab):
        self.lab = lab
        self.folder = os.path.join(lab.folder, "guest")
        self.proc = Proc("guest kernel", os.path.join(self.folder, "uml.pid"))
        self.numbers = itertools.count(1)

    def start(self, address):
        """address: its own on the outside network, with the length."""
        for folder in ("in", "out", "uml", "conf"):
            os.makedirs(os.path.join(self.folder, folder), exist_ok=True)
        for name in ("init", "modprobe"):
            shutil.copy(os.path.join(FILES, name), self.folder)
        space = self.lab.net.ns("peer")
        run("ip", "-n", space, "tuntap", "add", "dev", "guest", "mode", "tap")
        run("ip", "-n", space, "link", "add", "br0", "type", "bridge", "forward_delay", "0",
            "mcast_snooping", "0")
        run("ip", "-n", space, "tuntap", "add", "dev", "wire", "mode", "tap")
        run("ip", "-n", space, "addr", "add", f"{WIRE[0]}/30", "dev", "wire")
        run("ip", "-n", space, "link", "set", "wire", "up")
        for device in ("guest", "eth0"):
            run("ip", "-n", space, "link", "set", device, "master", "br0", "up")
        run("ip", "-n", space, "link", "set", "br0", "up")
        self.proc.start(self.lab.net.inside_of(
            "peer", UML, f"mem={MEMORY}", "umid=guest", f"uml_dir={self.folder}/uml",
            "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "quiet",
            f"init={self.folder}/init", "cryptomgr.notests=1", "con=null", "con0=null,fd:1", "ssl=null",
            f"lab_folder={self.folder}", f"lab_address={address}",
            "vec0:transport=tap,ifname=guest,depth=128,gro=0", "vec1:transport=tap,ifname=wire,depth=128,gro=0"), f"{self.folder}/console.log")
        self._until_alive(lambda: os.path.exists(f"{self.folder}/ready"), 60, "the guest kernel is up")

    def _until_alive(self, condition, seconds, what):
        """The condition's result."""
        found = wait.until(lambda: condition() or not self.proc.alive(), seconds, what)
        if not self.proc.alive():
            raise RuntimeError(f"the guest kernel ended; see {self.folder}/console.log")
        return found

    def run(self, command, seconds=60):
        """Output of a shell command in the guest; RuntimeError with it when the command fails."""
        number = next(self.numbers)
        script, out = f"{self.folder}/in/{number}.sh", f"{self.folder}/out/{number}"
        with open(script + ".new", "w", encoding="utf-8") as text:
            text.write(command + "\n")
        os.rename(script + ".new", script)
        status = self._until_alive(lambda: self._line(out + ".rc"), seconds, f"in the guest: {command}")
        with open(out + ".txt", encoding="utf-8", errors="replace") as text:
            said = text.read()
        if status != "0\n":
            raise RuntimeError(f"in the guest: {command}: {said.strip()}")
        return said

    def pinged(self, count, to, *more):
        """How many of so many pings of the guest's were answered."""
        return pings.answered(self.run(" ".join(pings.argv(to, count, *more, every=0.05)) + " || :"), count)

    @staticmethod
    def _line(path):
        """A file that ends with a line's end; None when there is none yet."""
        try:
            with open(path, encoding="ascii") as text:
                said = text.read()
        except FileNotFoundError:
            return None
        return said if said.endswith("\n") else None

    # --- strongSwan in the guest: the kernel does ESP

    def charon_start(self, mirror, changes=None):
        """A Unix socket cannot live on the shared folder, so charon's files are in the guest's /run."""
        settings = strongswan_conf("/run").replace("kernel-libipsec ", "")
        settings = settings.replace("path = /run/charon.log", "path = /mnt/charon.log")
        for name, text in (("strongswan.conf", settings), ("swanctl.conf", swanctl_conf(mirror, changes))):
            path = f"{self.folder}/conf/{name}"
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                      encoding="utf-8") as out:
                out.write(text)
        lans = "".join(f"ip addr add {lan} dev lan0\n" for lan in mirror.lans())
        self.run(f"set -e\nip link add lan0 type dummy\n{lans}ip link set lan0 up\n"
                 "export STRONGSWAN_CONF=/mnt/conf/strongswan.conf\n"
                 f"{CHARON} >/mnt/charon.out 2>&1 9>&- &\n"
                 "for i in $(seq 200); do [ -S /run/vici ] && break; read -r -t 0.05 <> <(:) || :; done\n"
                 "swanctl --load-all --noprompt --file /mnt/conf/swanctl.conf --uri unix:///run/vici")

    def swanctl(self, *words):
        return self.run("STRONGSWAN_CONF=/mnt/conf/strongswan.conf swanctl "
                        + " ".join(words) + " --uri unix:///run/vici")

    def stop(self):
        with open(f"{self.folder}/halt", "w", encoding="ascii"):
            pass
        try:
            wait.until(lambda: not self.proc.alive(), 5, "the guest powers off")
        except wait.Timeout:
            self.proc.kill()
