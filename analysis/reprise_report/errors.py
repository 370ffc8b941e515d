"""Errors that end a call, each one line: what, where, what to do."""


class ReportError(Exception):
    """Something about the results that keeps them from being drawn; the message is one line."""


class CallError(Exception):
    """The call itself was wrong."""
