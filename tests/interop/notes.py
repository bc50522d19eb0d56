"""What does not work, and what is known of why: cells of docs/interop.md."""

NOTES = {1: "PF_KEY of Linux: the state that OpenIKED makes has the family of the outer addresses and is not found for an "
            "inner packet of the other one. So the peer's kernel asks for a new child SA for each packet that it wants to send "
            "(`pfkey_process: acquire request` in the log of iked, then CREATE_CHILD_SA), and none of them is used. Tandem "
            "stops at 32 (NO_ADDITIONAL_SAS). strongSwan and libreswan, which talk netlink to the same kernel, work."}
# (part of the row's name, deed): number of the note
EXPECTED = {("OpenIKED, ESP by Linux, IPv4 in IPv6", ""): 1}


def note_of(case, deed):
    """The number of the note that explains a failure, as text; None: nobody has explained it."""
    found = [number for (name, what), number in EXPECTED.items() if name in case.name() and what in ("", deed)]
    return f"({found[0]})" if found else None
