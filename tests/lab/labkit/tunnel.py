"""The lab's tunnel, brought up from either side, and whether packets cross it."""

from . import pings, wait


def lan(lab):
    """The peer's address behind the tunnel."""
    return str(lab.address_of("peer", "lan0"))


def ping(lab, count=3):
    """Pings from the inside host to the peer's network; RuntimeError when one gets lost."""
    said = lab.run("inside", *pings.argv(lan(lab), count, every=0.2))
    if pings.answered(said, count) != count:
        raise RuntimeError(f"pings got lost: {said}")


def crosses(lab):
    """One ping, without complaint."""
    try:
        ping(lab, 1)
        return True
    except RuntimeError:
        return False


def settled(lab, seconds=10):
    """One end has it; the other one may still be at it, and our routes follow SAs by a moment."""
    wait.until(lambda: crosses(lab), seconds, "a ping crosses the tunnel")
    ping(lab)


def from_peer(lab, child="LAN"):
    lab.peer.initiate(child)
    ping(lab)


def from_inside(lab, seconds=20):
    """The first packets ask for the tunnel and are lost; later ones cross it."""
    wait.until(lambda: crosses(lab), seconds, "a ping crosses the tunnel that it asked for")
    ping(lab)


def down_from_peer(lab):
    lab.peer.terminate()
    wait.until(lambda: not lab.peer.spis()["ike"], 10, "the peer has taken the tunnel down")
