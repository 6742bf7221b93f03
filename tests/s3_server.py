"""As much of S3 as pyarrow's client asks for, in memory and over real HTTP; no signature is checked."""

from __future__ import annotations

import threading
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape


class Store:
    """What was put, by bucket and key, and every request as ``GET /bucket/key``."""

    def __init__(self):
        self.objects = {}
        self.uploads = {}
        self.requests = []

    def put(self, key, body):
        """Keep *body* with the time."""
        self.objects[key] = (body, datetime.now(UTC))

    def below(self, start):
        """The keys that begin so."""
        return [key for key in sorted(self.objects) if key.startswith(start)]


@contextmanager
def s3_server():
    """(address, store) of a server that ends with the block."""
    store = Store()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"store": store}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", store
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)


def environment_for(address):
    """The settings by which pyarrow finds the server."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "topsecret",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: Store

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        key, _ = self._asked()
        if "/" not in key:
            return self._say()
        return self._object(key)

    def do_GET(self):
        key, query = self._asked()
        if "/" in key:
            return self._object(key)
        return self._list(key, query.get("prefix", ""), query.get("delimiter", ""))

    def do_PUT(self):
        key, query = self._asked()
        body = self._body()
        if "uploadId" in query:
            self.store.uploads[query["uploadId"]][int(query["partNumber"])] = body
            return self._say(ETag='"0"')
        source = unquote(self.headers.get("x-amz-copy-source", "")).lstrip("/")
        if source and source not in self.store.objects:
            return self._missing()
        self.store.put(key, self.store.objects[source][0] if source else body)
        return self._say(
            '<CopyObjectResult><ETag>"0"</ETag></CopyObjectResult>' if source else "", ETag='"0"'
        )

    def do_POST(self):
        key, query = self._asked()
        body = self._body()
        if "delete" in query:
            for each in ET.fromstring(body).iter():
                if each.tag.endswith("Key"):
                    self.store.objects.pop(f"{key}/{each.text}", None)
            return self._say("<DeleteResult></DeleteResult>")
        if "uploads" in query:
            upload = uuid.uuid4().hex
            self.store.uploads[upload] = {}
            answer = f"<UploadId>{upload}</UploadId>"
            return self._say(f"<InitiateMultipartUploadResult>{answer}</InitiateMultipartUploadResult>")
        parts = self.store.uploads.pop(query["uploadId"])
        self.store.put(key, b"".join(parts[number] for number in sorted(parts)))
        return self._say('<CompleteMultipartUploadResult><ETag>"0"</ETag></CompleteMultipartUploadResult>')

    def do_DELETE(self):
        key, _ = self._asked()
        self.store.objects.pop(key, None)
        self._say(status=204)

    def _asked(self):
        parts = urlsplit(self.path)
        self.store.requests.append(f"{self.command} {unquote(parts.path)}")
        query = parse_qs(parts.query, keep_blank_values=True)
        return unquote(parts.path).removeprefix("/"), {name: values[0] for name, values in query.items()}

    def _object(self, key):
        if key not in self.store.objects:
            return self._missing()
        body, time = self.store.objects[key]
        headers = {"Last-Modified": format_datetime(time, usegmt=True), "ETag": '"0"'}
        first, _, last = self.headers.get("Range", "").removeprefix("bytes=").partition("-")
        if not first:
            return self._say(body, **headers)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
        return self._say(body[int(first) : int(last) + 1], status=206, **headers)

    def _list(self, bucket, prefix, delimiter):
        start = f"{bucket}/"
        rests = {key: key.removeprefix(start + prefix) for key in self.store.below(start + prefix)}
        is_below = {key: bool(delimiter) and delimiter in rest for key, rest in rests.items()}
        folders = sorted({rests[key].split(delimiter)[0] for key in rests if is_below[key]})
        told = [self._told(key, start) for key in rests if not is_below[key]]
        told += [
            f"<CommonPrefixes><Prefix>{escape(prefix + each + delimiter)}</Prefix></CommonPrefixes>"
            for each in folders
        ]
        self._say(f"<ListBucketResult><IsTruncated>false</IsTruncated>{''.join(told)}</ListBucketResult>")

    def _told(self, key, start):
        body, time = self.store.objects[key]
        written = f"<LastModified>{time:%Y-%m-%dT%H:%M:%S}.000Z</LastModified>"
        name = escape(key.removeprefix(start))
        return f"<Contents><Key>{name}</Key>{written}<Size>{len(body)}</Size></Contents>"

    def _missing(self):
        self._say("<Error><Code>NoSuchKey</Code><Message>none</Message></Error>", status=404)

    def _body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        else:
            body = _unchunked(self.rfile)
        is_signed = self.headers.get("x-amz-content-sha256", "").startswith("STREAMING")
        return _unsigned(body) if is_signed else body

    def _say(self, body="", status=200, **headers):
        content = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _unchunked(source):
    """What HTTP's chunks hold."""
    body = b""
    while size := int(source.readline().split(b";")[0], 16):
        body += source.read(size)
        source.readline()
    while source.readline().strip():
        pass
    return body


def _unsigned(body):
    """What Amazon's signed chunks hold."""
    content = b""
    while body:
        head, _, body = body.partition(b"\r\n")
        size = int(head.split(b";")[0], 16)
        if not size:
            break
        content, body = content + body[:size], body[size + 2 :]
    return content
