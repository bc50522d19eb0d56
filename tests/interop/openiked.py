"""iked as a peer of the matrix."""

from labkit.net import run

from peers import IDS, InGuest, write


class OpenIked(InGuest):
    """iked, its SAs by PF_KEY in a real Linux kernel. It begins when told that it is active, and has no command to
    rekey. PF_KEY tells it of every algorithm for some seconds when it starts, so it starts once."""
    name = "OpenIKED, ESP by Linux"
    can = {"begin"}
    # on Linux iked's PF_KEY has neither AEAD (it leaves such proposals out) nor SHA-2 ("unsupported integrity")
    ciphers = {"aes-128-cbc": "aes-128", "aes-192-cbc": "aes-192", "aes-256-cbc": "aes-256", "3des-cbc": "3des"}
    hashes = {"hmac-sha1-96": "hmac-sha1"}
    groups = {"group14": "modp2048", "group15": "modp3072", "group16": "modp4096", "group19": "ecp256",
              "group20": "ecp384", "group21": "ecp521", "group31": "curve25519"}
    auths = ("psk", "rsa-2048", "rsa-2048, RFC 7427", "ecdsa-256", "ecdsa-256, RFC 7427", "ecdsa-384", "ecdsa-521")
    METHODS = {"rsa-2048": "rsa", "ecdsa-256": "ecdsa256", "ecdsa-384": "ecdsa384", "ecdsa-521": "ecdsa521"}
    LOG, RECORD = "iked.log", "/run/iked/mine"

    def version(self):
        return run("dpkg-query", "-W", "-f", "${Version}", "openiked").strip()

    def start(self):
        self.prepare()
        self.guest.run("set -e\nmkdir -p /run/iked/etc\ncp -a /etc/iked/. /run/iked/etc/\n"
                       "mount --bind /run/iked/etc /etc/iked")

        self.running = False

    def load(self, case, mirror):
        cipher, integrity = case.esp
        child = mirror.children["LAN"]
        proposal = (f"auth {self.hashes[integrity]} " if integrity else "") + f"enc {self.ciphers[cipher]}"
        group = f" group {self.groups[case.group]}" if case.pfs else " group none"
        auth = f'psk "{mirror.psk}"' if case.auth == "psk" else self.METHODS.get(case.auth, "rfc7427")
        if case.pki:
            self._certificates(case)
        more = dict(case.changes)
        self.text = (f'set {"no" if "no fragments" in more else ""}fragmentation\n'
                     f'ikev2 "LAN" %s esp from {child["local_ts"]} to {child["remote_ts"]} local {self.scene.peer} '
                     f"peer {self.scene.us} "
                     f"ikesa enc aes-256-gcm prf hmac-sha2-256 group {self.groups[case.group]} "
                     f"childsa {proposal}{group} srcid {mirror.own_id} dstid {mirror.remote_id} "
                     f"{more.get('lifetimes', '')} {auth}\n")
        self._take("passive")

    def _certificates(self, case):
        pki = case.pki
        # 7.2 refuses a chain whose authorities in between it does not have
        between = pki.theirs.chain()[1:] + pki.ours.chain()[1:]
        self.guest.run("set -e\nrm -f /etc/iked/ca/* /etc/iked/certs/*\n"
                       f"cp {pki.root.cert_file} /etc/iked/ca/ca.crt\n"
                       + "".join(f"cp {ca.cert_file} /etc/iked/ca/{ca.name}.crt\n" for ca in between) +
                       f"cp {pki.theirs.cert_file} /etc/iked/certs/{IDS['theirs']}.crt\n"
                       f"cp {pki.theirs.key_file} /etc/iked/private/local.key\nchmod 600 /etc/iked/private/local.key\n"
                       "chmod 644 /etc/iked/ca/* /etc/iked/certs/*\n"
                       "openssl pkey -in /etc/iked/private/local.key -pubout -out /etc/iked/local.pub")

    def _take(self, mode):
        """The configuration, by a running iked or one that starts with it."""
        write(f"{self.folder}/conf/iked.conf", self.text % mode)
        if not self.running:
            self._run()
        else:
            self.guest.run("C='ikectl -s /run/iked/sock'\n$C reset all && $C reset ca && $C load /mnt/conf/iked.conf")

    def _run(self):
        self.guest.run("iked -dvv -f /mnt/conf/iked.conf -s /run/iked/sock >>/mnt/iked.log 2>&1 9>&- &\n"
                       "echo $! >/run/iked/mine\n"
                       # it answers when PF_KEY has told it of every algorithm
                       "for i in $(seq 900); do grep -q ':01F4 ' /proc/net/udp && "
                       "timeout 30 ikectl -s /run/iked/sock show sa >/dev/null 2>&1 && exit 0; "
                       "read -r -t 0.05 <> <(:) || :; done; tail -5 /mnt/iked.log; exit 1")
        self.running = True

    def begin(self):
        self._take("active")

    def end(self):
        self.guest.run("ikectl -s /run/iked/sock reset all")

    def forget(self):
        self._take("passive")

    def stop(self):
        self.end_of("/run/iked/mine")
        self.guest.run("rm -f /run/iked/sock; ip xfrm state flush; ip xfrm policy flush; umount -l /etc/iked")
