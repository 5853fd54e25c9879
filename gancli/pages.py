"""Pages that need nothing else: templates, and files carried inside."""

import base64

import jinja2


def template(package: str, name: str) -> jinja2.Template:
    """A template of the folder `templates` in a package; what it is not given is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def data_uri(content: bytes, kind: str = "png") -> str:
    """A picture's content as an address that a page may hold; `kind` as in image/png."""
    return f"data:image/{kind};base64," + base64.b64encode(content).decode()
