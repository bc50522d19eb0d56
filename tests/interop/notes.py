"""What does not work, and what is known of why: cells of docs/interop.md."""

NOTES = {1: "Not explained. The IKE SA and a child come up from either side, no ping through it is answered, and each packet "
            "of ours then asks for one more child (`child.up` every 0.4 s). Not known yet whose fault either is."}
# (part of the row's name, deed): number of the note
EXPECTED = {("OpenIKED, ESP by Linux, IPv4 in IPv6", ""): 1}


def note_of(case, deed):
    """The number of the note that explains a failure, as text; None: nobody has explained it."""
    found = [number for (name, what), number in EXPECTED.items() if name in case.name() and what in ("", deed)]
    return f"({found[0]})" if found else None
