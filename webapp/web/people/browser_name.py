"""A browser's familiar name, from its User-Agent header."""

#: Searched in this order: most browsers also claim to be ones further down.
BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def browser_name(user_agent: str) -> str:
    """Return a name such as "Firefox, Windows"; the start of an unknown User-Agent."""
    names = [
        next((name for mark, name in kind if mark in user_agent), "")
        for kind in (BROWSERS, SYSTEMS)
    ]
    return ", ".join(name for name in names if name) or user_agent[:40] or "?"
