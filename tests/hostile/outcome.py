"""What tandemd must do with a hostile message: the last column of every table here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """notify: of the answer, or several of which it may have any. alive: whether the IKE SA (where there is one) goes on. counter: of
    `show security ike statistics`, which must rise."""
    answered: bool
    notify: str = None
    alive: bool = True
    counter: str = None


def dropped(counter=None):
    """Nothing comes back, and nothing has changed."""
    return Outcome(False, counter=counter)


def says(notify):
    """Answered with that notification; an IKE SA that is up stays up."""
    return Outcome(True, notify)


def refuses(*notify):
    """Answered with one of these notifications, and there is no IKE SA."""
    return Outcome(True, notify if len(notify) > 1 else notify[0], alive=False)


def ends():
    """Answered without an error, and the IKE SA is over."""
    return Outcome(True, alive=False)


FINE = Outcome(True)                      # an ordinary answer: this is not hostile after all
CLOSES = refuses("INVALID_SYNTAX")        # RFC 7296 2.21.3
