"""docs/interop.md: read, written again with what was played now."""

from cases import NATS, LARGE, MORE, SECTIONS, STORIES, cases
from matrix import FAILED
from notes import NOTES, note_of

HEAD = """# Interoperability

What Tandem does with peers that we did not write. This file is made by `sudo tests/interop/run --all`; each
row is a tunnel that was begun from either side and used, with the deeds of the columns in between and pings after
each, of which none may get lost. `-`: the peer has no command for it; `?`: that row was not played yet; a number in brackets:
it does not work, and the list at the end says why. ESP with `strongSwan, ESP in user space` is in UDP, with the
others it is IP protocol 50 of a real Linux kernel in user mode, which stands in the peer's place.
{took}
`tests/interop/run --only PATTERN --write` plays and writes the rows whose name holds PATTERN, `--rest` those that
have a `?` or failed. `--list` names them.

On Linux OpenIKED talks PF_KEY to the kernel and has neither AEAD nor HMAC-SHA-2 there, so AES-CBC and 3DES with
HMAC-SHA-1 are all that it has. It rekeys by lifetime only (a story below) and does not reauthenticate.
"""
TOOK = "The last run as a whole took "
ABOUT = {
    NATS: """A NAT box of nftables that gives every flow another source port and forwards 500 and 4500 inwards. `new port`: it
forgets its mappings and goes on with other ports; who is behind it sends the next packet, and the other end must
follow. Of two NATs neither end can follow the other (RFC 7296 2.23).""",
    LARGE: """Each end sends its certificate and the two authorities above it, all with RSA-4096: IKE_AUTH has more than 5000
octets, ten and more fragments (RFC 7383). A peer that has fragmentation off gets and sends IP fragments. OpenIKED
refuses our chain unless its `ca` folder has our authorities too.""",
    MORE: "What somebody who comes from another gateway may have configured.",
    STORIES: "One outcome each; what was measured is said beside it."}


def told(text):
    """({(section, label): cells}, {peer: version}, what the last whole run took) of a docs/interop.md."""
    rows, versions = {}, {}
    for section in text.split("\n## ")[1:]:
        lines = section.splitlines()
        names, deeds = SECTIONS.get(lines[0], ((), ()))
        for line in lines:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if line.startswith("| ") and len(cells) == len(names) + len(deeds) and cells[0] != names[0]:
                rows[lines[0], tuple(cells[:len(names)])] = cells[len(names):]
            if line.startswith("Version "):
                versions[lines[0]] = line.removeprefix("Version ").removesuffix(".")
    took = text.partition(TOOK)[2].partition(".\n")[0]
    return rows, versions, took


def cell(case, deed, said):
    """What the table says of an outcome."""
    return (note_of(case, deed) or FAILED) if said.startswith(FAILED) else said


def table(results, before="", took=""):
    """docs/interop.md from {case: {deed: outcome}}; what was not played now is as before, or "?"."""
    known, versions, earlier = told(before)
    for case, found in results.items():
        known[case.section, case.label] = [cell(case, deed, found[deed]) for deed in case.deeds()]
        versions[case.peer.name] = found["version"] or versions.get(case.peer.name, "?")
    took = took or earlier
    lines = [HEAD.format(took=f"{TOOK}{took}.\n" if took else "")]
    for title, (names, deeds) in SECTIONS.items():
        lines += [f"## {title}", ""]
        if title in ABOUT:
            lines += [ABOUT[title], ""]
        else:
            lines += [f"Version {versions.get(title, '?')}.", ""]
        lines += [f"| {' | '.join(names + deeds)} |", "|---" * len(names + deeds) + "|"]
        for case in (case for case in cases() if case.section == title):
            cells = known.get((title, case.label), ["?"] * len(deeds))
            lines.append(f"| {' | '.join(case.label)} | {' | '.join(cells)} |")
        lines.append("")
    if NOTES:
        lines += ["## Why not", ""] + [f"{number}. {why}" for number, why in NOTES.items()] + [""]
    return "\n".join(lines)


def missing(text):
    """Rows of the matrix that a docs/interop.md does not tell of, and rows that it has too many."""
    wanted = {(case.section, case.label) for case in cases()}
    return [f"{section}: {' '.join(label)}" for section, label in sorted(wanted ^ set(told(text)[0]))]


def unplayed(text):
    """Cases whose row has a "?", or a failure that nobody has explained."""
    rows = told(text)[0]
    return [case for case in cases()
            if {"?", FAILED} & set(rows.get((case.section, case.label), ["?"]))]
