"""The tools that judge Tandem are judged here: each fault that they look for is made, and must be seen."""

import os
import struct
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "lab")]

import capture  # noqa: E402
import traffic  # noqa: E402
from labkit import failover  # noqa: E402
from labkit.junos import Configuration  # noqa: E402
from labkit.strongswan import Mirror, StrongSwan, swanctl_conf  # noqa: E402

A, B = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])
MS = 1000000


def ipv4(protocol, body, source=A, destination=B):
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0)
    return bytes(12) + b"\x08\x00" + head + source + destination + body


def udp(port, body, **more):
    return ipv4(17, struct.pack(">HHHH", port, port, 8 + len(body), 0) + body, **more)


def esp(spi, sequence, iv, **more):
    return ipv4(50, struct.pack(">IIQ", spi, sequence, iv) + bytes(32), **more)


def ike(exchange, number, flags=0x08, spi=7):
    return struct.pack(">QQBBBBII", spi, 0, 33, 0x20, exchange, flags, number, 28)


def analysis(*frames):
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            file.write(struct.pack("<IIII", 1, 0, len(frame), len(frame)) + frame)
        file.flush()
        return capture.analyse(file.name)


def capture_sees_no_repeat_where_there_is_none():
    found = analysis(esp(9, 1, 1), esp(9, 2, 2), esp(8, 1, 1))
    assert capture.repeats(found) == (3, 0, 0), found


def capture_sees_a_repeated_sequence_number():
    assert capture.repeats(analysis(esp(9, 1, 1), esp(9, 1, 2))) == (2, 1, 0)


def capture_sees_a_repeated_iv():
    assert capture.repeats(analysis(esp(9, 1, 5), esp(9, 2, 5))) == (2, 0, 1)


def capture_sees_esp_in_udp():
    body = struct.pack(">IIQ", 9, 1, 1) + bytes(32)
    assert capture.repeats(analysis(udp(4500, body), udp(4500, body))) == (2, 1, 1)


def capture_leaves_keepalives_and_ethernet_padding_out():
    padded = esp(9, 1, 1) + bytes(20)
    found = analysis(udp(4500, b"\xff"), padded)
    assert capture.repeats(found) == (1, 0, 0), found


def capture_counts_exchanges_once():
    found = analysis(udp(500, ike(34, 0)), udp(500, ike(34, 0)), udp(500, ike(34, 0, flags=0x20)),
                     udp(4500, bytes(4) + ike(36, 2)), udp(4500, bytes(4) + ike(37, 3)))
    counts = {name: row["requests"] for name, row in found["ike"].items()}
    assert counts == {"IKE_SA_INIT": 1, "IKE_AUTH": 0, "CREATE_CHILD_SA": 1, "INFORMATIONAL": 1}, counts
    assert found["retransmitted_requests"] == 1
    assert found["ike"]["IKE_SA_INIT"]["by"] == {"192.0.2.1": 1}


def rows(numbers, delay=0):
    return [(n, n * MS, n * MS + 200000 + delay) for n in numbers]


def traffic_of_a_whole_path_has_nothing_to_say():
    said = traffic.measure(rows(range(100)), 100)
    assert (said["lost"], said["reordered"], said["duplicated"], said["gap_ms"]) == (0, 0, 0, 0.0), said


def traffic_sees_a_hole_and_its_length():
    said = traffic.measure(rows([*range(40), *range(60, 100)]), 100)
    assert (said["lost"], said["gap_ms"]) == (20, 20.0), said


def traffic_sees_a_lost_tail():
    assert traffic.measure(rows(range(90)), 100)["lost"] == 10


def traffic_sees_reordering_and_duplicates():
    assert traffic.measure(rows([0, 2, 1, 3]), 4)["reordered"] == 1
    assert traffic.measure(rows([0, 1, 1, 2]), 3)["duplicated"] == 1


def traffic_looks_only_into_the_window():
    holes = rows([*range(20), *range(30, 60), *range(65, 100)])
    early = traffic.measure(holes, 100, 0, 50 * MS)
    late = traffic.measure(holes, 100, 50 * MS)
    assert (early["lost"], early["gap_ms"]) == (10, 10.0), early
    assert (late["lost"], late["gap_ms"]) == (5, 5.0), late


CURLY = """
interfaces { ge-0/0/0 { gigether-options { redundant-parent reth0; } }
  reth0 { unit 0 { family inet { address 192.0.2.1/28; } } } }
security { ike {
  proposal P { dh-group group19; authentication-algorithm sha-256; encryption-algorithm aes-128-cbc; }
  policy L { proposals [ P ]; pre-shared-key ascii-text "a key"; } # a comment; {
  gateway G { ike-policy L; address 192.0.2.9; external-interface reth0.0; } }
 ipsec { proposal E { encryption-algorithm aes-128-gcm; } policy E { proposals E; }
  vpn V { ike { gateway G; ipsec-policy E; }
   traffic-selector T { local-ip 10.1.0.0/24; remote-ip 10.2.0.0/24; } } } }
"""


def configuration_reads_both_forms_alike():
    curly = Configuration(CURLY)
    lines = ["set " + " ".join(f'"{w}"' if " " in w else w for w in path) for path in curly.paths]
    assert Configuration("\n".join(lines)).paths == curly.paths
    assert str(curly.unit_address(curly.port_unit("ge-0/0/0"))) == "192.0.2.1/28"


def mirror_is_the_other_end():
    mirror = Mirror(Configuration(CURLY), "G")
    said = swanctl_conf(mirror, {"child.start_action": "trap"})
    for line in ("local_addrs = 192.0.2.9", "remote_addrs = 192.0.2.1", "local_ts = 10.2.0.0/24",
                 "remote_ts = 10.1.0.0/24", "proposals = aes128-sha256-ecp256",
                 "esp_proposals = aes128gcm16", "start_action = trap", 'secret = "a key"'):
        assert line in said, (line, said)
    assert [str(lan) for lan in mirror.lans()] == ["10.2.0.1/24"]


RAW = """list-sa event {tandem {uniqueid=1 version=2 state=ESTABLISHED local-port=4500 initiator-spi=aa \
responder-spi=bb tasks-active=[x y] child-sas {T-1 {name=T state=INSTALLED spi-in=01 spi-out=02 \
local-ts=[10.2.0.0/24]} T-2 {name=T state=REKEYED spi-in=03 spi-out=04}}}}
list-sas reply {}
"""


def spis_are_those_of_live_sas():
    class Peer(StrongSwan):
        def swanctl(self, *_):
            return RAW

    found = Peer("/nonexistent", None).spis()
    assert found == {"ike": [("aa", "bb")], "esp": [("01", "02")]}, found


STATUS = """Cluster ID: 1
Node   Priority Status               Preempt Manual   Monitor-failures

Redundancy group: 0 , Failover count: 1
node0  200      primary              no      no       None
node1  100      secondary            no      no       None

Redundancy group: 1 , Failover count: 3
node0  0        secondary            yes     no       CS
node1  255      primary              yes     yes      None
"""


def groups_are_read_from_the_operator_s_table():
    seen = failover.groups(STATUS)
    assert seen[1] == {0: (0, "secondary", "CS"), 1: (255, "primary", "None")}, seen
    assert failover.owner_in(seen[0]) == 0 and failover.owner_in(seen[1]) == 1
    assert failover.owner_in({0: (1, "primary", ""), 1: (1, "primary", "")}) is None


def report(**changes):
    whole = {"crash": {"gap_ms": 400, "lost_out": 9, "lost_in": 9},
             "planned": {"lost_out": 0, "lost_in": 0},
             "control_restart": {"lost_out": 0, "lost_in": 0, "adopt_ms": 900},
             "peer": {"new_ike_sas": 0, "rekeys": 0}, "spis_unchanged": True}
    for path, value in changes.items():
        group, _, key = path.partition("__")
        if key:
            whole[group][key] = value
        else:
            whole[group] = value
    return whole


def every_broken_budget_is_named():
    assert failover.judge(report()) == []
    for change in ({"crash__gap_ms": 1000.1}, {"planned__lost_out": 1}, {"planned__lost_in": 1},
                   {"control_restart__lost_in": 1}, {"control_restart__adopt_ms": 5001},
                   {"peer__new_ike_sas": 1}, {"peer__rekeys": 1}, {"spis_unchanged": False}):
        assert len(failover.judge(report(**change))) == 1, change


CASES = (capture_sees_no_repeat_where_there_is_none, capture_sees_a_repeated_sequence_number,
         capture_sees_a_repeated_iv, capture_sees_esp_in_udp,
         capture_leaves_keepalives_and_ethernet_padding_out, capture_counts_exchanges_once,
         traffic_of_a_whole_path_has_nothing_to_say, traffic_sees_a_hole_and_its_length,
         traffic_sees_a_lost_tail, traffic_sees_reordering_and_duplicates,
         traffic_looks_only_into_the_window, configuration_reads_both_forms_alike,
         mirror_is_the_other_end, spis_are_those_of_live_sas,
         groups_are_read_from_the_operator_s_table, every_broken_budget_is_named)


def main():
    print(f"1..{len(CASES)}")
    for number, case in enumerate(CASES, 1):
        try:
            case()
            print(f"ok {number} - {case.__name__}")
        except Exception as why:  # a tool that ends on its input has failed its case
            print(f"not ok {number} - {case.__name__}\n# {type(why).__name__}: {why}")


main()
