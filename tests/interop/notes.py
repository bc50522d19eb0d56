"""What does not work, and what is known of why: cells of docs/interop.md."""

NOTES = {1: "Seen: the tunnel comes up and no ping is answered. For each packet that the peer's kernel wants to send, the log "
            "of iked has `pfkey_process: acquire request` and a CREATE_CHILD_SA follows. strongSwan and libreswan, which "
            "talk netlink to the same kernel, work. Inferred from that: by PF_KEY of Linux the state has the family of the "
            "outer addresses and is not found for an inner packet of the other one. How many children alike Tandem takes "
            "was not seen with this peer; a peer of our own is refused the thirty-third (NO_ADDITIONAL_SAS, "
            "`tests/hostile`)."}
# (part of the row's name, deed): number of the note
EXPECTED = {("OpenIKED, ESP by Linux, IPv4 in IPv6", ""): 1}


def note_of(case, deed):
    """The number of the note that explains a failure, as text; None: nobody has explained it."""
    found = [number for (name, what), number in EXPECTED.items() if name in case.name() and what in ("", deed)]
    return f"({found[0]})" if found else None
