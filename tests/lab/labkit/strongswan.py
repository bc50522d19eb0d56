"""The peer: strongSwan's charon in a namespace, ESP in UDP by its kernel-libipsec.

Its configuration mirrors Tandem's: what is local there is remote here. Each charon has its own
settings, vici socket and private /run, so several live side by side.
"""

import ipaddress
import os
import re

from . import wait
from .net import run
from .proc import Proc

CHARON = "/usr/lib/ipsec/charon"
PLUGINS = ("random nonce drbg x509 constraints pubkey pkcs1 pkcs8 pem openssl gcrypt curve25519 aes gcm "
           "sha1 sha2 hmac kdf "
           "kernel-libipsec kernel-netlink socket-default vici updown error-notify")

ENCRYPTION = {"aes-128-gcm": "aes128gcm16", "aes-256-gcm": "aes256gcm16", "aes-128-cbc": "aes128",
              "aes-192-cbc": "aes192", "aes-256-cbc": "aes256",
              "3des-cbc": "3des", "chacha20-poly1305": "chacha20poly1305"}
GROUP = {"group2": "modp1024", "group5": "modp1536", "group14": "modp2048", "group24": "modp2048s256",
         "group15": "modp3072", "group16": "modp4096", "group32": "curve448", "group19": "ecp256", "group20": "ecp384", "group21": "ecp521",
         "group31": "curve25519"}
HASH = {"sha1": "sha1", "sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512",
        "hmac-sha1-96": "sha1", "hmac-sha-256-128": "sha256", "hmac-sha-384": "sha384",
        "hmac-sha-512": "sha512"}


def ike_proposal(conf, name):
    """One proposal in strongSwan's words."""
    path = f"security ike proposal {name}"
    cipher = ENCRYPTION[conf.value(f"{path} encryption-algorithm")]
    group = GROUP[conf.value(f"{path} dh-group")]
    said = conf.value(f"{path} authentication-algorithm")
    if "gcm" in cipher:
        prfs = f"prf{HASH[said]}" if said else "prfsha256-prfsha384"
        return f"{cipher}-{prfs}-{group}"
    return f"{cipher}-{HASH[said]}-{group}"


def esp_proposal(conf, policy, name):
    path = f"security ipsec proposal {name}"
    cipher = ENCRYPTION[conf.value(f"{path} encryption-algorithm")]
    words = [cipher]
    if "gcm" not in cipher and "poly" not in cipher:
        words.append(HASH[conf.value(f"{path} authentication-algorithm")])
    pfs = conf.value(f"security ipsec policy {policy} perfect-forward-secrecy keys")
    if pfs:
        words.append(GROUP[pfs])
    return "-".join(words)


def identity(conf, path, default):
    for kind in ("inet", "hostname", "user-at-hostname"):
        said = conf.value(f"{path} {kind}")
        if said:
            return said
    return default


class Mirror:
    """What the peer of one gateway must be."""

    def __init__(self, conf, gateway):
        path = f"security ike gateway {gateway}"
        self.gateway = gateway
        unit = conf.value(f"{path} external-interface")
        self.address = conf.value(f"{path} address", str(conf.unit_address(unit).network[2]))
        family = ipaddress.ip_address(self.address).version
        self.remote = next(own for own in conf.unit_addresses(unit) if own.version == family)
        self.own_id = identity(conf, f"{path} remote-identity", self.address)
        self.remote_id = identity(conf, f"{path} local-identity", str(self.remote.ip))
        policy = conf.value(f"{path} ike-policy")
        self.psk = conf.value(f"security ike policy {policy} pre-shared-key ascii-text")
        self.by_certificate = bool(conf.value(f"security ike policy {policy} certificate local-certificate"))
        ppk = f"security ike policy {policy} ppk"
        self.ppk = conf.value(f"{ppk} id"), conf.value(f"{ppk} ascii-text")
        self.proposals = [ike_proposal(conf, words[0])
                          for words in conf.find(f"security ike policy {policy} proposals")]
        self.children = dict(self._children(conf))

    def _children(self, conf):
        for vpn in conf.names("security ipsec vpn"):
            path = f"security ipsec vpn {vpn}"
            if conf.value(f"{path} ike gateway") != self.gateway:
                continue
            policy = conf.value(f"{path} ike ipsec-policy")
            esp = [esp_proposal(conf, policy, words[0])
                   for words in conf.find(f"security ipsec policy {policy} proposals")]
            for name in conf.names(f"{path} traffic-selector"):
                selector = f"{path} traffic-selector {name}"
                yield name, {"local_ts": conf.value(f"{selector} remote-ip"),
                             "remote_ts": conf.value(f"{selector} local-ip"),
                             "esp_proposals": ",".join(esp)}

    def lans(self):
        """An address in each of the peer's networks, with the network's length."""
        networks = dict.fromkeys(child["local_ts"] for child in self.children.values())
        for network in map(ipaddress.ip_network, networks):
            first = network[min(1, network.num_addresses - 1)]
            yield ipaddress.ip_interface(f"{first}/{network.prefixlen}")


def swanctl_conf(mirror, changes=None):
    """changes: settings of the connection, or with `child.` before them of every child; `psk`."""
    changes = dict(changes or {})
    psk = changes.pop("psk", mirror.psk)
    of_child = {k.removeprefix("child."): v for k, v in changes.items() if k.startswith("child.")}
    settings = {"version": "2", "local_addrs": mirror.address, "remote_addrs": mirror.remote.ip,
                "proposals": ",".join(mirror.proposals), "mobike": "no", "rekey_time": "0",
                "reauth_time": "0", **({"ppk_id": mirror.ppk[0]} if mirror.ppk[0] else {}),
                **{k: v for k, v in changes.items() if not k.startswith("child.")}}
    lines = ["connections {", "\ttandem {"]
    lines += [f"\t\t{key} = {value}" for key, value in settings.items()]
    auth = "pubkey" if mirror.by_certificate else "psk"
    certs = "\n\t\t\tcerts = peer.pem" if mirror.by_certificate else ""
    lines += [f"\t\tlocal {{\n\t\t\tauth = {auth}\n\t\t\tid = {mirror.own_id}{certs}\n\t\t}}",
              f"\t\tremote {{\n\t\t\tauth = {auth}\n\t\t\tid = {mirror.remote_id}\n\t\t}}",
              "\t\tchildren {"]
    for name, child in mirror.children.items():
        lines.append(f"\t\t\t{name} {{")
        lines += [f"\t\t\t\t{key} = {value}"
                  for key, value in {"rekey_time": "0", **child, **of_child}.items()]
        lines.append("\t\t\t}")
    lines += ["\t\t}", "\t}", "}", "secrets {"]
    if psk:
        lines += ["\tike-tandem {", f'\t\tsecret = "{psk}"', "\t}"]
    if mirror.ppk[0]:
        lines += ["\tppk-tandem {", f"\t\tid = {mirror.ppk[0]}", f'\t\tsecret = "{mirror.ppk[1]}"', "\t}"]
    lines.append("}")
    return "\n".join(lines) + "\n"


def strongswan_conf(folder):
    return f"""charon {{
	load_modular = no
	# kernel-libipsec before kernel-netlink: it takes the IPsec half, the other one the routes
	load = {PLUGINS}
	install_virtual_ip = no
	# as ours are by default over IPv4: what is larger goes in fragments (RFC 7383)
	fragment_size = 576
	# the default since 6.0
	make_before_break = yes
	filelog {{
		log {{
			path = {folder}/charon.log
			time_format = %H:%M:%S
			time_add_ms = yes
			default = 1
			ike = 2
			append = yes
			flush_line = yes
		}}
	}}
	plugins {{
		vici {{
			socket = unix://{folder}/vici
		}}
		error-notify {{
			socket = unix://{folder}/notify
		}}
	}}
}}
swanctl {{
	load = random pem pkcs1 pkcs8 x509 pubkey openssl
}}
"""


class StrongSwan:
    """Life: configure(), start() .. stop(). folder: its files; argv_of: how to enter its namespace."""

    def __init__(self, folder, argv_of):
        self.folder = folder
        self.argv_of = argv_of
        self.log = os.path.join(folder, "charon.log")
        self.proc = Proc("charon", os.path.join(folder, "charon.pid"))

    def configure(self, mirror, changes=None):
        """Writes the configuration; a running charon takes it over at once."""
        os.makedirs(self.folder, exist_ok=True)
        self._write("strongswan.conf", strongswan_conf(self.folder))
        self._write("swanctl.conf", swanctl_conf(mirror, changes))
        if self.proc.alive():
            self.load()

    def lay_out(self, own, anchors):
        """Its certificate and key, what is in between, and the roots it trusts: entities of pki.py.
        configure() loads them."""
        for folder in ("x509", "x509ca", "private"):
            os.makedirs(os.path.join(self.folder, folder), exist_ok=True)

        def copy(source, *to):
            with open(source, encoding="ascii") as text:
                self._write(os.path.join(*to), text.read())
        copy(own.cert_file, "x509", "peer.pem")
        copy(own.key_file, "private", "peer.pem")
        for ca in own.chain()[1:] + list(anchors):
            copy(ca.cert_file, "x509ca", f"{ca.name}.pem")

    def _write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                  encoding="utf-8") as out:
            out.write(text)

    def _env(self):
        return dict(os.environ, STRONGSWAN_CONF=os.path.join(self.folder, "strongswan.conf"),
                    SWANCTL_DIR=self.folder)

    def start(self):
        vici = os.path.join(self.folder, "vici")
        if os.path.exists(vici):
            os.unlink(vici)
        inner = 'mount --make-rprivate / && mount -t tmpfs run /run && exec "$1"'
        self.proc.start(self.argv_of("unshare", "-m", "sh", "-c", inner, "sh", CHARON),
                        os.path.join(self.folder, "charon.out"), self._env())
        wait.until(lambda: os.path.exists(vici) or not self.proc.alive(), 15, "charon's vici socket")
        if not self.proc.alive():
            raise RuntimeError(f"charon ended; see {self.log}")
        self.load()

    def load(self):
        self.swanctl("--load-all", "--noprompt", "--file", os.path.join(self.folder, "swanctl.conf"))

    def swanctl(self, command, *argv):
        """Its output; RuntimeError when it fails."""
        return run("swanctl", command, *argv, "--uri", f"unix://{self.folder}/vici", env=self._env())

    def initiate(self, child, seconds=15):
        self.swanctl("--initiate", "--child", child, "--timeout", str(seconds))

    def rekey_child(self, child):
        self.swanctl("--rekey", "--child", child)

    def rekey_ike(self):
        self.swanctl("--rekey", "--ike", "tandem")

    def reauthenticate(self):
        self.swanctl("--rekey", "--ike", "tandem", "--reauth")

    def terminate(self):
        self.swanctl("--terminate", "--ike", "tandem", "--timeout", "10")

    def sas(self):
        """Established IKE SAs and installed children as swanctl reports them, as dictionaries."""
        listed = self.swanctl("--list-sas", "--raw")
        return [self._sa(text) for text in re.split(r"(?m)^list-sa event ", listed) if text.strip()]

    @staticmethod
    def _sa(text):
        """A flat reading of swanctl's raw form: what names the SA, and its children's SPIs."""
        head, _, tail = text.partition("child-sas {")
        field = dict(re.findall(r"([\w-]+)=([^\s{}\[\]]+)", head))
        children = [dict(re.findall(r"([\w-]+)=([^\s{}\[\]]+)", body))
                    for body in re.findall(r"[\w-]+-\d+ \{([^{}]*)", tail)]
        return {"spis": (field.get("initiator-spi"), field.get("responder-spi")),
                "state": field.get("state"), "children": children}

    def spis(self):
        """Of established IKE SAs and installed children, in a form that can be compared."""
        sas = self.sas()  # of one moment
        ike = [sa["spis"] for sa in sas if sa["state"] == "ESTABLISHED"]
        esp = [(child["spi-in"], child["spi-out"]) for sa in sas for child in sa["children"]
               if child.get("state") == "INSTALLED"]
        return {"ike": sorted(ike), "esp": sorted(esp)}

    def said(self):
        """What charon has logged so far."""
        if not os.path.exists(self.log):
            return ""
        with open(self.log, encoding="utf-8", errors="replace") as text:
            return text.read()

    def stop(self):
        self.proc.stop(30)  # what its ESP in user space has queued comes first
