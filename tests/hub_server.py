"""A small hub on the loopback interface: the few calls of huggingface_hub that gancli makes."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_of_the_test"


class HubServer(ThreadingHTTPServer):
    """Repositories in memory; a commit is the only one, and is called by a hash of its files."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HubCalls)
        self.files: dict[str, dict[str, bytes]] = {}
        """by repository, by name"""
        self.private: dict[str, bool] = {}
        self.calls: list[str] = []
        self.bodies: list[bytes] = []
        """everything that was uploaded, as it came"""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def commit(self, repository: str) -> str:
        said = "".join(f"{n}{_sha(c)}" for n, c in sorted(self.files[repository].items()))
        return hashlib.sha1(said.encode()).hexdigest()


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class HubCalls(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, said: object = None, status: int = 200, **headers: str) -> None:
        content = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _parts(self) -> list[str]:
        self.server.calls.append(f"{self.command} {self.path}")
        return unquote(urlsplit(self.path).path).strip("/").split("/")

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            content = b""
            while size := int(self.rfile.readline(), 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.bodies.append(content)
        return content

    def do_POST(self) -> None:
        parts, body = self._parts(), self._body()
        if parts[-1] == "validate-yaml":
            known = "license: no-such" not in json.loads(body)["content"]
            fault = {"message": '"license" must be one of apache-2.0, mit'}
            errors = [] if known else [fault]
            return self._answer({"warnings": [], "errors": errors}, 200 if known else 400)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._answer({"error": "Invalid username or password."}, 401)
        if parts == ["api", "repos", "create"]:
            return self._create(json.loads(body))
        repository = "/".join(parts[2:4])
        if parts[4] == "preupload":
            modes = [
                {
                    "path": each["path"],
                    # Large files go to the hub's own storage, which is not HTTP alone.
                    "uploadMode": "regular",
                    "shouldIgnore": False,
                    "oid": None,
                }
                for each in json.loads(body)["files"]
            ]
            return self._answer({"files": modes})
        assert parts[4] == "commit", self.path
        for line in body.splitlines():
            self._apply(repository, json.loads(line))
        oid = self.server.commit(repository)
        url = f"{self.server.address}/{repository}/commit/{oid}"
        return self._answer({"commitUrl": url, "commitOid": oid, "success": True})

    def _create(self, said: dict[str, Any]) -> None:
        name = "/".join(filter(None, [said.get("organization"), said["name"]]))
        is_there = name in self.server.files
        self.server.files.setdefault(name, {})
        if not is_there:
            self.server.private[name] = bool(said.get("private")) or (
                said.get("visibility") == "private"
            )
        self._answer({"url": f"{self.server.address}/{name}"}, 409 if is_there else 200)

    def _apply(self, repository: str, line: dict[str, Any]) -> None:
        files, value = self.server.files[repository], line["value"]
        if line["key"] == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif line["key"] == "deletedFile":
            del files[value["path"]]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = self._parts()
        is_api = parts[:2] == ["api", "models"]
        repository = "/".join(parts[2:4] if is_api else parts[:2])
        hidden = self.server.private.get(repository) and (
            self.headers.get("Authorization") != f"Bearer {TOKEN}"
        )
        if repository not in self.server.files or hidden:
            return self._answer({"error": "Repository not found"}, 404, X_Error_Code="RepoNotFound")
        files, oid = self.server.files[repository], self.server.commit(repository)
        if is_api and len(parts) > 4 and parts[4] == "tree":
            tree = [
                {"type": "file", "path": n, "size": len(c), "oid": _sha(c)[:40]}
                for n, c in files.items()
            ]
            return self._answer(tree)
        if is_api:
            siblings = [{"rfilename": name} for name in files]
            return self._answer({"id": repository, "sha": oid, "siblings": siblings})
        name = "/".join(parts[4:])
        if name not in files:
            return self._answer({"error": "no such file"}, 404, X_Error_Code="EntryNotFound")
        return self._answer(
            files[name], ETag=f'"{_sha(files[name])}"', X_Repo_Commit=oid, Accept_Ranges="none"
        )


@contextmanager
def hub_server() -> Iterator[HubServer]:
    """A hub that answers as long as the block runs."""
    server = HubServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
