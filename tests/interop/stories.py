"""Stories of the matrix that are no row of deeds: each is one function of (bench, case), which returns what it
measured or nothing, and raises RuntimeError or wait.Timeout when something is not as it should be."""

import datetime
import re
import subprocess

from labkit import wait
from labkit.pki import now

from peers import text_of

LAN2 = "10.3.0.1"
SECOND = datetime.timedelta(seconds=1)


def check(holds, what):
    if not holds:
        raise RuntimeError(what)


class Pings:
    """One every 50 ms from our network to the peer's. Life: made .. lost()."""
    EVERY_S = 0.05

    def __init__(self, bench):
        argv = bench.lab.argv_for("inside", ["ping", "-i", str(self.EVERY_S), "-W", "1", "-D", "10.2.0.1"])
        self.proc = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def lost(self):
        """(how many were sent, the numbers of those that were not answered)."""
        self.proc.send_signal(2)
        said = self.proc.communicate(timeout=10)[0]
        sent = int(re.search(r"(\d+) packets transmitted", said)[1])
        answered = {int(number) for number in re.findall(r"icmp_seq=(\d+) ttl", said)}
        # what was under way when it ended is not lost
        return sent, [number for number in range(1, max(answered, default=sent)) if number not in answered]


def two_children(bench, case):
    """Each selector's first packet makes its child; either side rekeys either child."""
    bench.peer.also_lan(f"{LAN2}/24")
    bench.we_begin()
    wait.until(lambda: bench.crosses(LAN2), 12, "a ping crosses the second child")
    check(len(bench.ike()) == 1 and len(bench.esp()) == 2, f"{len(bench.ike())} IKE SAs, {len(bench.esp())} children")
    for child in ("LAN", "LAN2"):
        bench.new(bench.esp, lambda child=child: bench.peer.rekey_child(child), 2)
        bench.ping(2), bench.ping(2, LAN2)
    before = bench.esp()
    bench.ours("ipsec", "rekey")
    wait.until(lambda: len(now := bench.esp()) == 2 and now != before, 12, "a child of ours is rekeyed")
    bench.ping(2), bench.ping(2, LAN2)
    bench.new(bench.ike, bench.peer.rekey_ike)
    bench.ping(2), bench.ping(2, LAN2)
    check(len(bench.esp()) == 2, f"{len(bench.esp())} children after the IKE SA's rekey")


def childless(bench, case):
    """IKE_AUTH without SA and TS payloads; then the child."""
    bench.peer.begin_ike()
    check(len(bench.ike()) == 1 and not bench.esp(), f"{len(bench.ike())} IKE SAs, {len(bench.esp())} children")
    bench.peer.begin()
    wait.until(bench.crosses, 12, "a ping crosses the child that was made later")
    bench.ping(3)
    check(len(bench.ike()) == 1, f"{len(bench.ike())} IKE SAs")


def moves(bench, case):
    """RFC 4555: another address, the same SAs."""
    bench.peer.begin()
    wait.until(bench.crosses, 12, "the tunnel is up")
    before = bench.ike()
    bench.peer.move("192.0.2.77", "192.0.2.2")
    try:
        wait.until(lambda: "192.0.2.77" in bench.node.tandem("show", "security", "ike", "security-associations"), 12,
                   "we know where the peer is now")
        wait.until(bench.crosses, 12, "a ping crosses by the new way")
        bench.ping(3)
        check(bench.ike() == before, f"IKE SA {bench.ike()} instead of {before}")
    finally:
        bench.forget()
        bench.peer.move("192.0.2.2", "192.0.2.77")


def dies_and_returns(bench, case):
    """It is killed; we find out, and a packet of ours brings the tunnel back when it runs again."""
    bench.we_begin()
    bench.peer.kill()
    wait.until(lambda: not bench.ike(), 40, "DPD finds out")
    bench.peer.start_again()
    bench.peer.load(case, bench.mirror)
    wait.until(bench.crosses, 25, "the tunnel is back")
    bench.ping(3)


def reauthenticated(bench, case, words):
    """Pings that get lost while the peer reauthenticates."""
    bench.peer.settings(words)
    bench.peer.load(case, bench.mirror)
    bench.we_begin()
    before = bench.ike()
    pings = Pings(bench)
    try:
        wait.until(lambda: pings.proc.poll() is None, 1, "pings run")
        bench.peer.reauthenticate()
        wait.until(lambda: (now := bench.ike()) and len(now) == 1 and not set(now) & set(before), 12,
                   "another IKE SA")
        bench.ping(10)
    finally:
        sent, lost = pings.lost()
    return sent, lost


def make_before_break(bench, case):
    sent, lost = reauthenticated(bench, case, "make_before_break = yes")
    check(not lost, f"{len(lost)} of {sent} pings unanswered")
    return "ok, no ping of 20 a second lost"


def break_before_make(bench, case):
    """The gap is the peer's own: from its DELETE to its new IKE_AUTH."""
    try:
        sent, lost = reauthenticated(bench, case, "make_before_break = no")
    finally:
        bench.peer.settings("make_before_break = yes")
    gap = bench.peer.gap()
    most = int(gap / Pings.EVERY_S) + 3
    check(len(lost) <= most, f"{len(lost)} of {sent} pings unanswered, the peer's own gap was {gap:.2f} s")
    check(not lost or lost[-1] - lost[0] + 1 == len(lost), f"pings were lost in more than one place: {lost}")
    return "ok, nothing lost beyond the peer's own gap"


def revoked(bench, case):
    """A list of revoked certificates, laid down as an operator does; the peer is refused by it, whoever begins."""
    bench.we_begin()
    bench.ping(2)
    bench.forget()
    made = case.pki
    made.root.revoke(made.theirs)
    bench.reload(text_of(bench.node.conf).replace("revocation-check { disable; }", "revocation-check { use-crl; }"))
    bench.node.tandem("request", "security", "pki", "crl", "load", "ca-profile", "own", "filename",
                      made.made.crl(made.root, this_update=now() - SECOND))
    bench.kinds.clear()  # the next case's peer has another certificate
    before = len(bench.node.events("ike.auth.failed"))
    try:
        bench.peer.begin()
    except RuntimeError:
        pass
    wait.until(lambda: len(bench.node.events("ike.auth.failed")) > before, 5, "we say that we refused")
    check("revoked" in bench.node.events("ike.auth.failed")[-1], bench.node.events("ike.auth.failed")[-1])
    check(not bench.ike(), "there is no IKE SA")


def by_lifetime(bench, case):
    """iked has no command for it: lifetimes of some seconds."""
    bench.we_begin()
    for name, listed in (("child", bench.esp), ("IKE", bench.ike)):
        before = listed()
        wait.until(lambda: (now := listed()) and not set(now) & set(before), 25, f"another {name} SA")
        wait.until(bench.crosses, 3, "a ping crosses it")
    bench.ping(3)
