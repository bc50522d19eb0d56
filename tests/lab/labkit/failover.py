"""The three failures that a peer must not notice, done to a pair under traffic and measured.

Shared by the demonstration, the scenarios and the bench, so that they speak of the same thing. Each act
returns a window of real time; the traffic's report is cut to it afterwards.
"""

import re
import time

from . import wait

GROUP = 1  # the lab's redundancy group
SETTLE_S = 30
MARGIN_NS = 300 * 1000000  # traffic before an act that belongs to its window
FLOWING = 400  # datagrams at each end that show traffic flows again

# Budgets: what the demonstration promises, and fails without.
CRASH_GAP_MS = 1000.0
ADOPT_MS = 5000.0


def groups(status):
    """`show chassis cluster status` as text -> {group: {node: (priority, status, failures)}}."""
    found, group = {}, None
    for line in status.splitlines():
        head = re.match(r"Redundancy group: (\d+)", line)
        row = re.match(r"node(\d+)\s+(\d+)\s+([\w-]+)\s+\S+\s+\S+\s+(.*)", line)
        if head:
            group = found.setdefault(int(head[1]), {})
        elif row and group is not None:
            group[int(row[1])] = (int(row[2]), row[3], row[4].strip())
    return found


def view(node, group=GROUP):
    """What a node says of the group; nothing when its control does not answer."""
    try:
        return groups(node.tandem("show", "chassis", "cluster", "status")).get(group, {})
    except (RuntimeError, OSError):
        return {}


def owner_in(seen):
    owners = [number for number, (_, status, _) in seen.items() if status == "primary"]
    return owners[0] if len(owners) == 1 else None


def owner(lab):
    """The node that every answering node calls primary; None while there is none or they differ."""
    said = {owner_in(seen) for seen in (view(node) for node in lab.nodes) if seen}
    return lab.nodes[said.pop()] if len(said) == 1 and None not in said else None


def is_synced(lab):
    """One owner, and every other node a secondary that could take over now."""
    chief = owner(lab)
    if not chief:
        return False
    rest = [(status, failures) for number, (_, status, failures) in view(chief).items()
            if number != chief.number]
    return len(rest) == len(lab.nodes) - 1 and all(row == ("secondary", "None") for row in rest)


def wait_synced(lab, seconds=SETTLE_S):
    wait.until(lambda: is_synced(lab), seconds,
               lambda: f"one owner and synced standbys; now {[view(node) for node in lab.nodes]}")
    return owner(lab)


def wait_owner(lab, node, seconds=SETTLE_S):
    wait.until(lambda: owner(lab) is node, seconds, f"{node.host} owns the group")


def standby_of(lab, node):
    return next(other for other in lab.nodes if other is not node)


def window_since(began, traffic):
    """From a little before an act until traffic flows at both ends again. What was sent within it has arrived then or
    is lost, whatever comes next."""
    traffic.wait_received(FLOWING)
    end = time.time_ns()
    traffic.wait_sent(end)
    return began - MARGIN_NS, end


def crash(lab, traffic):
    """The owner's processes freeze, its links go, then they die. The window begins there."""
    gone = owner(lab)
    began = lab.kill_node(gone)
    heir = standby_of(lab, gone)
    wait.until(lambda: owner_in(view(heir)) == heir.number, SETTLE_S, f"{heir.host} takes over")
    return gone, window_since(began, traffic)


def planned(lab, traffic):
    """The operator moves the group to the other node."""
    was = owner(lab)
    heir = standby_of(lab, was)
    began = time.time_ns()
    was.tandem("request", "chassis", "cluster", "failover", "redundancy-group", str(GROUP), "node",
               str(heir.number))
    wait_owner(lab, heir)
    window = window_since(began, traffic)
    was.tandem("request", "chassis", "cluster", "failover", "reset", "redundancy-group", str(GROUP))
    return heir, window


def has_sas(node, ike_spis):
    """The node's control lists these IKE SAs as UP; spis: (initiator, responder) as hex words."""
    try:
        listed = node.tandem("show", "security", "ike", "security-associations")
    except (RuntimeError, OSError):
        return False
    return all(any(line.split()[1:4] == ["UP", *pair] for line in listed.splitlines())
               for pair in ike_spis)


def control_restart(lab, traffic, ike_spis):
    """kill -9 of tandemd alone; a supervisor would start it again at once, and so do we. Returns how long
    it took, from the kill, until it owned its SAs again."""
    node = owner(lab)
    began = time.time_ns()
    node.kill("control")
    node.start("control")
    wait.until(lambda: has_sas(node, ike_spis) and owner_in(view(node)) == node.number, SETTLE_S,
               f"{node.host} has adopted its SAs")
    adopt_ms = (time.time_ns() - began) / 1e6
    return adopt_ms, window_since(began, traffic)


def rejoin(lab, node):
    """A node that died comes back, links and daemons, and catches up."""
    for network in ("outside", "inside", "cluster", "fabric"):
        lab.net.heal(node.host, network)
    node.start()
    wait_synced(lab)


def peer_noticed(analysis):
    """What a capture at the peer shows of new negotiations: (IKE SAs, rekeys and new children)."""
    ike = analysis["ike"]
    return ike["IKE_SA_INIT"]["requests"], ike["CREATE_CHILD_SA"]["requests"]


def judge(report):
    """Broken budgets, as sentences, of a report in the demonstration's form."""
    crash_, planned_, restart = report["crash"], report["planned"], report["control_restart"]
    checks = (
        (crash_["gap_ms"] <= CRASH_GAP_MS, f"crash: gap {crash_['gap_ms']} ms > {CRASH_GAP_MS:.0f} ms"),
        (planned_["lost_out"] + planned_["lost_in"] == 0, "planned: packets lost"),
        (restart["lost_out"] + restart["lost_in"] == 0, "control restart: packets lost"),
        (restart["adopt_ms"] <= ADOPT_MS, f"control restart: adopted after {restart['adopt_ms']} ms"),
        (report["peer"]["new_ike_sas"] == 0, "the peer saw a new IKE_SA_INIT"),
        (report["peer"]["rekeys"] == 0, "the peer saw a rekey"),
        (report["spis_unchanged"], "the peer's SPIs changed"),
    )
    return [what for holds, what in checks if not holds]
