"""Many IKE SAs held at once: what each keeps in memory, what they cost while nothing happens, with liveness
checks and without, and what it costs to rekey all their children at once.

The responder has a gateway and a VPN for each, or one dynamic gateway and one VPN for all (AutoVPN); charon has
one connection. All have one pre-shared key; each peer has an address, a name and a network of its own.
"""

import os

import daemons
from labkit.world import Lab

IDLE_S = 10
DPD_S = 60
NETS = "100.64.0.0/10"
CASE = ("psk", "x25519")
UNITS = 16000  # of one port of the driver
TUNNELS = 15000  # units of st0: with those of the ports, as many as a node may have

ROUTE = f"set routing-options static route {daemons.PEERS} next-hop {daemons.GATE}"
GATEWAY = f"""
set security ike gateway G ike-policy P
set security ike gateway G dynamic hostname vpn.example
set security ike gateway G dynamic ike-user-type group-ike-id
set security ike gateway G external-interface ge-0/0/0.0
set security ike gateway G version v2-only
set security ipsec vpn V bind-interface st0.0
set security ipsec vpn V ike gateway G
set security ipsec vpn V ike ipsec-policy E
set security ipsec vpn V traffic-selector T local-ip 10.1.0.0/24
set security ipsec vpn V traffic-selector T remote-ip {NETS}
set interfaces st0 unit 0 family inet
{ROUTE}
"""


def dpd_of(gateway):
    return [f"set security ike gateway {gateway} dead-peer-detection always-send",
            f"set security ike gateway {gateway} dead-peer-detection interval {DPD_S}"]


def units(peers):
    for i in range(min(peers, TUNNELS)):
        yield from (f"set interfaces st0 unit {i} multipoint", f"set interfaces st0 unit {i} family inet")


def hub(peers, dynamic, dpd):
    """dpd: every peer is asked whether it is there, that often."""
    lines = [daemons.PORTS[False], daemons.proposals(*CASE), daemons.policy("P", "psk", "")]
    if dynamic:
        return "\n".join([*lines, GATEWAY, *(dpd_of("G") if dpd else ())]) + "\n"
    lines += [*units(peers), ROUTE]
    for i in range(peers):
        lines += [f"set security ike gateway G{i} ike-policy P",
                  f"set security ike gateway G{i} address {daemons.peer_address(i)}",
                  f"set security ike gateway G{i} remote-identity hostname p{i}.vpn.example",
                  f"set security ike gateway G{i} external-interface ge-0/0/0.0",
                  f"set security ike gateway G{i} version v2-only",
                  *(dpd_of(f"G{i}") if dpd else ()),
                  f"set security ipsec vpn V{i} bind-interface st0.{i % TUNNELS}",
                  f"set security ipsec vpn V{i} ike gateway G{i}",
                  f"set security ipsec vpn V{i} ike ipsec-policy E",
                  f"set security ipsec vpn V{i} traffic-selector T local-ip 10.1.0.0/24",
                  f"set security ipsec vpn V{i} traffic-selector T remote-ip {behind(i)}"]
    return "\n".join(lines) + "\n"


def spokes(peers, local):
    lines = [daemons.proposals(*CASE), daemons.policy("P", "psk", ""), *units(peers)]
    for i in range(peers):
        port = f"ge-0/0/{i // UNITS}"
        lines += [f"set interfaces {port} unit {i % UNITS} family inet address {daemons.peer_address(i)}/32",
                  f"set security ike gateway G{i} ike-policy P",
                  f"set security ike gateway G{i} address {daemons.OURS}",
                  f"set security ike gateway G{i} local-identity hostname p{i}.vpn.example",
                  f"set security ike gateway G{i} external-interface {port}.{i % UNITS}",
                  f"set security ike gateway G{i} version v2-only",
                  f"set security ipsec vpn V{i} bind-interface st0.{i % TUNNELS}",
                  f"set security ipsec vpn V{i} ike gateway G{i}",
                  f"set security ipsec vpn V{i} ike ipsec-policy E",
                  f"set security ipsec vpn V{i} traffic-selector T local-ip {local(i)}",
                  f"set security ipsec vpn V{i} traffic-selector T remote-ip 10.1.0.0/24"]
    return "\n".join(lines) + "\n"


def behind(i):
    return f"100.{64 + (i >> 16)}.{daemons.octets_of(i & 65535)}/32"


def idle(names):
    """Milliseconds of CPU a second of each."""
    meter = daemons.Meter(names, IDLE_S)
    return {what: round(share * 1000, 1) for what, share in meter.idle.items()}


def crowd_rekeys(driver, names, chief):
    meter = daemons.Meter(names)
    said = driver.tell("rekey")
    cpu, _ = meter.read()[chief]
    lost = driver.peers - said.get("children", 0) + said.get("dead", 0)
    return {"rekeyed": said.get("rekeyed", 0), "rekey_us": round(cpu * 1e6 / max(1, said.get("rekeyed", 0)), 1),
            "rekeys_lost": lost, "rekey_ms": said.get("wall_ms"), "rekey_retransmits": said.get("retransmits")}


def measure(driver, names, chief, row, rekeys):
    said, found = driver.set_up(names)
    whole = names()
    for what, (cpu, grown) in found.items():
        row[f"{what}_us"] = round(cpu * 1e6 / said["measured"], 1)
        row[f"{what}_bytes_per_sa"] = round(grown / said["measured"])
    row.update(responder_us=row[f"{chief}_us"], bytes_per_sa=row[f"{chief}_bytes_per_sa"],
               built_s=round(said["wall_ms"] / 1000, 1), retransmits=said["retransmits"])
    row["idle_ms_per_s"] = idle(whole)
    if rekeys:
        row.update(crowd_rekeys(driver, whole, chief))
    return row


def tandem(name, peers, rekeys, dpd, dynamic=False):
    lab = Lab(name)
    row = {"suite": "ike", "what": "crowd", "daemon": "tandem", "auth": CASE[0], "kex": CASE[1], "peers": peers,
           "dpd_s": DPD_S if dpd else 0, "dynamic": dynamic}
    try:
        daemons.lay_out(lab, 1, hub(peers, dynamic, dpd))
        lab.start_nodes()
        with daemons.Driver(lab, peers, spokes(peers, behind)) as driver:
            return measure(driver, lambda: daemons.processes(lab, lab.nodes[0]), "owner_control", row, rekeys)
    finally:
        lab.down()


def charon(name, peers, rekeys):
    """None where it is not installed."""
    if not os.path.exists(daemons.CHARON):
        return None
    row = {"suite": "ike", "what": "crowd", "daemon": "charon", "auth": CASE[0], "kex": CASE[1], "peers": peers,
           "dpd_s": 0, "dynamic": True}
    with daemons.charon_lab(name, CASE, None) as (lab, peer):
        with daemons.Driver(lab, peers, spokes(peers, lambda i: "100.64.0.0/24")) as driver:
            return measure(driver, lambda: {"charon": peer.proc.pid()}, "charon", row, rekeys)


def rows(plan):
    """plan: (daemon, peers, rekeys, liveness checks, one gateway for all)."""
    for number, (daemon, peers, rekeys, dpd, dynamic) in enumerate(plan):
        name = f"ikec{number}-{os.getpid()}"
        row = tandem(name, peers, rekeys, dpd, dynamic) if daemon == "tandem" else charon(name, peers, rekeys)
        if row:
            yield row
