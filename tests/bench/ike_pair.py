"""A pair with many IKE SAs: what the standby keeps of each, and how long it takes to change an unrelated
statement, to hand over as planned, to take over from one that dies, and to take the snapshot when it comes back.

Nobody may notice: after each the driver counts IKE SAs that it set up or lost, and has children rekeyed, which only
the owner answers, and only when its dataplane took the new SAs.
"""

import time

import daemons
import ike_crowd
from labkit import failover, wait
from labkit.world import Lab

LONG_S = 120
KNOCK = "knock"


def conf(peers, dynamic):
    """The hub's, on a pair: its units are those of reths."""
    text = ike_crowd.hub(peers, dynamic, False).replace(daemons.PORTS[False], daemons.PORTS[True])
    return text.replace("external-interface ge-0/0/0.0", "external-interface reth0.0")


def role_ms(node, began_ns):
    """From then until it became primary, by its log; None when it did not."""
    for line in node.events(" ha.role"):
        if "role=primary" not in line or "rg=1 " not in line:
            continue
        stamp = line.split(" ", 1)[0]
        whole, part = stamp.rstrip("Z").split(".")
        at_ns = int(time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) - time.timezone) * 10**9 + int(part) * 10**6
        if at_ns >= began_ns:
            return round((at_ns - began_ns) / 1e6)
    return None


def knock(driver):
    """Milliseconds until somebody answers, and what the driver counts."""
    said = driver.tell(KNOCK)
    return said.get("wall_ms"), said


def untouched(driver, said):
    if (said.get("up"), said.get("dead")) != (driver.peers, 0):
        raise RuntimeError(f"peers noticed: {said}")


def reload_ms(lab, driver):
    """An unrelated statement; how long the operator waits, how long nobody answers."""
    chief = failover.owner(lab)
    with open(chief.conf, "a", encoding="utf-8") as out:
        out.write("set interfaces reth1 unit 0 description changed\n")
    began = time.monotonic()
    for node in (chief, failover.standby_of(lab, chief)):
        node.tandem("request", "system", "configuration", "reload", seconds=LONG_S)
    took = round((time.monotonic() - began) * 1000)
    silent, said = knock(driver)
    untouched(driver, said)
    return {"reload_ms": took, "reload_silent_ms": silent}


def planned(lab, driver):
    was = failover.owner(lab)
    heir = failover.standby_of(lab, was)
    began = time.time_ns()
    was.tandem("request", "chassis", "cluster", "failover", "redundancy-group", "1", "node", str(heir.number))
    silent, said = knock(driver)
    failover.wait_owner(lab, heir, LONG_S)
    untouched(driver, said)
    was.tandem("request", "chassis", "cluster", "failover", "reset", "redundancy-group", "1")
    return {"planned_ms": role_ms(heir, began), "planned_silent_ms": silent}


def crash(lab, driver):
    gone = failover.owner(lab)
    heir = failover.standby_of(lab, gone)
    began = lab.kill_node(gone)
    silent, said = knock(driver)
    wait.until(lambda: failover.owner_in(failover.view(heir)) == heir.number, LONG_S, "the standby takes over")
    untouched(driver, said)
    row = {"crash_owner_ms": role_ms(heir, began), "crash_silent_ms": silent}
    said = driver.tell("rekey")
    untouched(driver, said)
    row["crash_rekeyed"] = said["rekeyed"]
    return row, gone


def join_ms(lab, node):
    """From its daemons' start to the standby that could take over now."""
    for network in ("outside", "inside", "cluster", "fabric"):
        lab.net.heal(node.host, network)
    began = time.monotonic()
    node.start()
    ready = time.monotonic()
    failover.wait_synced(lab, LONG_S)
    return {"join_ms": round((time.monotonic() - began) * 1000), "join_snapshot_ms": round((time.monotonic() - ready) * 1000)}


def standby_octets(lab, empty, peers):
    other = failover.standby_of(lab, failover.owner(lab))
    pids = {what: other.procs[what].pid() for what in ("control", "dataplane")}
    return {f"standby_{what}_bytes_per_sa": round((daemons.memory(pid) - empty[other.number][what]) / peers)
            for what, pid in pids.items()}


def memory_of(lab):
    return {node.number: {what: daemons.memory(node.procs[what].pid()) for what in ("control", "dataplane")}
            for node in lab.nodes}


def row(name, peers, dynamic):
    lab = Lab(name)
    found = {"suite": "ike", "what": "pair", "daemon": "tandem", "peers": peers, "dynamic": dynamic}
    try:
        daemons.lay_out(lab, 2, conf(peers, dynamic))
        lab.start_nodes()
        chief = failover.wait_synced(lab, LONG_S)
        empty = memory_of(lab)
        with daemons.Driver(lab, peers, ike_crowd.spokes(peers, ike_crowd.behind)) as driver:
            said, cost = driver.set_up(lambda: daemons.processes(lab, chief))
            found.update({f"{what}_us": round(cpu * 1e6 / said["measured"], 1) for what, (cpu, _) in cost.items()})
            found["owner_bytes_per_sa"] = round(cost["owner_control"][1] / said["measured"])
            found["built_s"] = round(said["wall_ms"] / 1000, 1)
            found.update(standby_octets(lab, empty, peers))
            found.update(reload_ms(lab, driver))
            found.update(planned(lab, driver))
            failover.wait_synced(lab, LONG_S)
            end, gone = crash(lab, driver)
            found.update(end)
            found.update(join_ms(lab, gone))
            silent, said = knock(driver)
            untouched(driver, said)
    finally:
        lab.down()
    return found
