"""What an inventory may hold and nobody must read in a log: credentials in URLs."""

from __future__ import annotations

import re

# RFC 3986 section 3.2.1. Over HTTP a token often stands where a user's name does.
_OVER_HTTP = re.compile(r"(?<=http://)[^/@\s]+(?=@)|(?<=https://)[^/@\s]+(?=@)")
_PASSWORD = re.compile(r"(?<=://)([^/@:\s]+):[^/@\s]+(?=@)")


def without_secrets(text: str) -> str:
    """Hide the credentials of all URLs in ``text``; the user of an ssh URL is none."""
    return _PASSWORD.sub(r"\1:***", _OVER_HTTP.sub("***", text))
