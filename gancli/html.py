"""Pages that need nothing else: templates, and files carried inside."""

import base64
from functools import cache
from typing import TypeVar

import jinja2

Item = TypeVar("Item")


def template(package: str, name: str) -> jinja2.Template:
    """A template of the folder `templates` in a package; what it is not given is an error."""
    return _environment(package).get_template(name)


@cache
def _environment(package: str) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page_bytes(page: str) -> bytes:
    """A page in UTF-8; bytes of paths that are not UTF-8 appear as their numbers."""
    return page.encode(errors="backslashreplace")


def data_uri(content: bytes, kind: str = "png") -> str:
    """A picture's content as an address that a page may hold; `kind` as in image/png."""
    return f"data:image/{kind};base64," + base64.b64encode(content).decode()


def thinned(items: list[Item], limit: int) -> list[Item]:
    """At most `limit` of them, evenly spread, the first and the last among them; `limit` > 1."""
    if len(items) <= limit:
        return items
    return [items[round(i * (len(items) - 1) / (limit - 1))] for i in range(limit)]
