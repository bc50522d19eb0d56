"""IPv6 beside IPv4 in the lab's configuration: inside, and as the way between the gateways."""


from labkit import pings, tunnel, wait
from labkit.junos import Configuration
from labkit.strongswan import Mirror

GATEWAY6, PEER6 = "2001:db8::1", "2001:db8::2"
BESIDE = {"192.0.2.1/24": "2001:db8::1/64", "10.1.0.1/24": "fd01::1/64"}


def add_ipv6(text):
    """The lab's configuration with IPv6 on every interface and a traffic selector for it."""
    for old, new in BESIDE.items():
        text = text.replace(f"address {old};\n            }}", f"address {old};\n            }}\n"
                            f"            family inet6 {{\n                address {new};\n            }}")
    text = text.replace("family inet;", "family inet;\n            family inet6;")
    return text.replace("            establish-tunnels", "            traffic-selector LAN6 {\n"
                        "                local-ip fd01::/64;\n                remote-ip fd02::/64;\n"
                        "            }\n            establish-tunnels")


def over_ipv6(text):
    """The same, with the tunnel between IPv6 addresses."""
    return add_ipv6(text).replace("address 192.0.2.2;", f"address {PEER6};")


def ping6(lab, count=3, size=56):
    said = lab.run("inside", *pings.argv("fd02::1", count, "-6", "-s", str(size), every=0.05))
    if pings.answered(said, count) != count:
        raise RuntimeError(f"pings got lost: {said}")


def crosses6(lab, size=56):
    try:
        ping6(lab, 1, size)
        return True
    except RuntimeError:
        return False


def both_from_inside(lab):
    """Each family's first packet asks for its own child."""
    tunnel.from_inside(lab)
    wait.until(lambda: crosses6(lab), 20, "an IPv6 ping crosses the tunnel that it asked for")
    ping6(lab)


def adopt(lab, text):
    """Node and peer take another configuration over; nothing restarts."""
    lab.nodes[0].adopt(text)
    lab.peer.configure(Mirror(Configuration(text), "PEER"))
