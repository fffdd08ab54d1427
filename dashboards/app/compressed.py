"""Answers are compressed for who can read that: programs of the pages once, what changes each time and fast.

Knows Flask, no page.
"""

from __future__ import annotations

import gzip

from flask import Flask, Response, request

from dashboards.app.cache import Cache

LEAST_BYTES = 1000
"""Shorter answers are sent as they are."""
_ONCE, _EACH = 6, 1
"""How hard to try, of what is kept and of what is not."""
_TYPES = (
    "text/html",
    "text/css",
    "text/javascript",
    "application/javascript",
    "application/json",
    "image/svg+xml",
)
_MOST_BYTES = 30_000_000


def compress(server: Flask, kept: tuple[str, ...]) -> None:
    """Have `server` compress what it says; what is under the paths `kept` changes only with address or ETag."""
    cache = Cache(_MOST_BYTES)

    @server.after_request
    def packed(response: Response) -> Response:
        """The answer, compressed where that is worth it and can be read."""
        is_file = request.path.startswith(kept)
        if response.mimetype not in _TYPES or (response.is_streamed and not is_file):
            return response
        response.vary.add("Accept-Encoding")
        if response.status_code != 200 or request.method == "HEAD" or not request.accept_encodings["gzip"]:
            return response
        response.direct_passthrough = False
        content = response.get_data()
        if len(content) < LEAST_BYTES:
            return response
        if is_file:
            key = request.full_path, response.headers.get("ETag"), len(content)
            small = cache.get(key, lambda: gzip.compress(content, _ONCE, mtime=0))
        else:
            small = gzip.compress(content, _EACH, mtime=0)
        response.set_data(small)
        response.headers["Content-Encoding"] = "gzip"
        return response
