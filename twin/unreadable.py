"""What errors of all that reads files have in common: there is nothing to read. For the commands' exit code."""


class UnreadableError(Exception):
    """A file or folder that was named is not there, is of another kind, or may not be read."""
