"""Pages that need nothing else: templates, and files carried inside.

Every page extends `gancli/templates/page.html.jinja`, which holds the one style sheet,
page.css.jinja.
"""

import base64
from functools import cache
from typing import TypeVar

import jinja2

import gancli
from gancli import palette

Item = TypeVar("Item")


def template(package: str, name: str) -> jinja2.Template:
    """A template of the folder `templates` in a package; what it is not given is an error.

    The templates that all pages share are found as well: page.html.jinja, page.css.jinja,
    parts.html.jinja, curves.js and sliders.js.
    """
    return _environment(package).get_template(name)


@cache
def _environment(package: str) -> jinja2.Environment:
    folders = [jinja2.PackageLoader(name, "templates") for name in (package, "gancli")]
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(folders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"palette": palette, "version": gancli.__version__}
    return environment


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
