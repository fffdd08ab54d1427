"""What keeps strangers out: who is listened to, how much, and what pages may load. Knows Flask, no page.

A page of another site that is open in the same browser must neither read nor change anything here. So the name by
which the server is called (Host) is checked, which ends DNS rebinding, and who asks (Origin, Sec-Fetch-Site).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, request

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
LARGEST_BYTES = 8_000_000
"""Of what a browser sends at once; a scenario has at most 1 MB."""
UPDATE = "/_dash-update-component"
"""Where Dash's pages ask for their callbacks."""
KEPT = ("/_dash-component-suites/", "/assets/")
"""What a browser may keep."""
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def policy(hashes: Sequence[str]) -> str:
    """The Content-Security-Policy: everything from here, and no script inside pages but those of these hashes."""
    scripts = " ".join(["'self'", *hashes])
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def guard(server: Flask, names: Collection[str], policy: Callable[[], str]) -> None:
    """Have `server` answer only requests to these host `names`, from its own pages, and of a reasonable size."""
    server.config["MAX_CONTENT_LENGTH"] = LARGEST_BYTES
    allowed = {name.lower() for name in names}

    @server.before_request
    def refuse() -> tuple[str, int] | None:
        """Words and status for who may not ask; None for everybody else."""
        name = hostname(request.host)
        if name not in allowed:
            known = ", ".join(sorted(allowed))
            return (
                f"This dashboard answers to {known}, not to '{name[:100]}'. See --served-as of ettwin dash.\n",
                421,
            )
        if request.method not in ("GET", "HEAD", "OPTIONS", "POST"):
            return "Only GET and POST are known here.\n", 405
        if not _from_here() and (request.method == "POST" or _embedded()):
            return "Refused: the request comes from a page of another site.\n", 403
        if request.method == "POST" and not request.is_json:
            return "Refused: JSON is expected.\n", 415
        return None

    @server.after_request
    def sign(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Security-Policy", policy())
        if not request.path.startswith(KEPT):
            response.headers["Cache-Control"] = "no-store"
        return response

    @server.errorhandler(413)
    def too_large(error: Exception) -> tuple[Response, int]:
        text = f"Too large: at most {LARGEST_BYTES / 1e6:g} MB can be sent at once, a scenario has at most 1 MB."
        if request.path == UPDATE and from_page():
            told = {"multi": True, "response": {}, "sideUpdate": {"notice": {"children": text}}}
            return jsonify(told), 200
        return Response(text + "\n", mimetype="text/plain"), 413


def hostname(host: str) -> str:
    """The name in a Host header, without its port, in lower case; '' if there is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def from_page() -> bool:
    """Whether a page in a browser asks, rather than a request that somebody has written by hand."""
    return "Origin" in request.headers or request.headers.get("Sec-Fetch-Site") == "same-origin"


def _from_here() -> bool:
    """Whether a page of ours asks, or no page at all, such as a command in a terminal."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        return False
    return request.headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none")


def _embedded() -> bool:
    """Whether what is asked for becomes part of a page, rather than one that somebody has followed a link to."""
    return request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
