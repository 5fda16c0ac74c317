"""What a command that changes nothing ends with, in plain Python."""


class Refused(Exception):
    """The command changes nothing."""
