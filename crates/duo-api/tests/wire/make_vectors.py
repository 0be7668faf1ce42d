"""Prints signed requests as JSON, made by whichever real client is installed beside this interpreter.

Run once for each client version, in an environment of its own (`pip install duo_client==5.7.0 duo_hmac==0.1.0 pytz`), and
merge the printed lists into vectors.json. Nothing is sent: the client's last step is replaced by one that records.
"""

import email.utils
import hashlib
import hmac
import base64
import importlib.metadata as metadata
import json
import sys

import duo_client.client as dc

IKEY = "DIXXXXXXXXXXXXXXXXXX"
SKEY = "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"
HOST = "api-Example.countersign.test"
NOW = 1795291200  # Sat, 21 Nov 2026 20:00:00 UTC
HARD = "r\u00e9al n\u00e4me ~-._*!'()+&=/?#%25 \u65e5\u672c \U0001f600"

email.utils.formatdate = lambda *_args, **_kw: "Sat, 21 Nov 2026 20:00:00 -0000"
dc.email.utils.formatdate = email.utils.formatdate
VECTORS = []


def record(name, client, version, digest, method, target, host, headers, body):
    text = lambda x: x.decode() if isinstance(x, bytes) else x
    VECTORS.append({
        "name": name, "client": client, "signature_version": version, "digest": digest, "method": method,
        "target": text(target), "host": host, "now": NOW,
        "headers": [[text(k).lower(), text(v)] for k, v in headers.items() if text(k).lower() != "user-agent"],
        "body": text(body) or "",
    })


CALLS = [
    ("no parameters", "GET", "/auth/v2/check", {}, {}),
    ("hard characters", "GET", "/admin/v1/users", {"username": HARD, "limit": "10", "empty": ""}, {}),
    ("repeated key", "GET", "/admin/v2/logs/authentication",
     {"users": ["DUB", "DUA b", "DUA-b", "DUA/b"], "mintime": "1", "next_offset": ["1532951895000", "0b1e"]}, {}),
    ("delete", "DELETE", "/admin/v1/users/DUAAAAAAAAAAAAAAAAAA", {"account_id": "DA1"}, {}),
    ("login", "POST", "/auth/v2/auth",
     {"username": "anna", "factor": "passcode", "passcode": "123456", "async": "1",
      "pushinfo": "Server+IP=10.0.0.1&Command=ls%20-l", "ipaddr": "10.0.0.1"}, {}),
    ("hard body", "POST", "/admin/v1/users", {"username": HARD, "empty": ""}, {}),
    ("extra headers", "POST", "/auth/v2/preauth", {"username": "anna"},
     {"X-Duo-Zeta": "last one", "x-duo-alpha": "first"}),
]


def python_client():
    version = "duo_client " + metadata.version("duo_client")
    extras = metadata.version("duo_client").split(".")[0] >= "5"
    kinds = [(1, hashlib.sha1, "sha1"), (1, hashlib.sha512, "sha512"), (2, hashlib.sha1, "sha1"),
             (2, hashlib.sha512, "sha512"), (4, hashlib.sha512, "sha512")]
    if extras:
        kinds.append((5, hashlib.sha512, "sha512"))
    for sig, digestmod, digest in kinds:
        for port in (None, 8443):
            for zone in ("UTC", "US/Eastern"):
                if zone != "UTC" and (port is None or sig == 1):
                    continue
                client = dc.Client(IKEY, SKEY, HOST, sig_version=sig, digestmod=digestmod, sig_timezone=zone)
                client.port = port
                for name, method, path, params, headers in CALLS:
                    if zone != "UTC" and name != "login" or headers and sig != 5:
                        continue
                    host = HOST if port is None else f"{HOST}:{port}"

                    def keep(method, uri, body, sent, name=name, host=host):
                        record(f"{name} v{sig} {digest} {host} {zone}", version, sig, digest, method, uri, host, sent, body)
                        return (None, None)
                    client._make_request = keep
                    if headers:
                        client.api_call(method, path, dict(params), additional_headers=dict(headers))
                    else:
                        client.api_call(method, path, dict(params))


class FixedZone(dc.datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(NOW, tz)


dc.datetime.datetime = FixedZone


def hmac_library():
    from duo_hmac.duo_hmac import DuoHmac
    version = "duo_hmac " + metadata.version("duo_hmac")

    class Fixed:
        def get_rfc_2822_date_string(self):
            return "Sat, 21 Nov 2026 20:00:00 -0000"
    for host in (HOST, HOST + ":8443"):
        signer = DuoHmac(IKEY, SKEY, host, date_string_provider=Fixed())
        for name, method, path, params, headers in CALLS:
            uri, body, sent = signer.get_authentication_components(method, path, dict(params), dict(headers))
            record(f"{name} {host}", version, 5, "sha512", method, uri.removeprefix(host), host, sent, body)


def quote(text):
    keep = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_~.-"
    return "".join(c if c in keep else "".join(f"%{b:02X}" for b in c.encode()) for c in text)


def unix_algorithm():
    """The C client's algorithm as documented (duo-wire facts), not its code: whole pairs sorted, host as configured."""
    params = {"user": "anna b", "factor": "auto", "auto": "push1", "async": "1", "ipaddr": "10.0.0.1",
              "pushinfo": "Server+IP=10.0.0.1&Command=" + quote("ls -l"), "user1": "x", "user-a": "y"}
    for release, digest, dated in (("1.11.3", "sha1", False), ("2.0.1", "sha512", False), ("2.2.0", "sha512", True)):
        for method, path in (("POST", "/rest/v1/auth.bson"), ("GET", "/rest/v1/status.bson")):
            for port in ("", ":4443"):
                line = "&".join(sorted(f"{quote(k)}={quote(v)}" for k, v in params.items()))
                lines = [method, HOST, path, line]
                headers = {}
                if dated:
                    headers["X-Duo-Date"] = "Sat, 21 Nov 2026 20:00:00 +0000"
                    lines.insert(0, headers["X-Duo-Date"])
                mac = hmac.new(SKEY.encode(), "\n".join(lines).encode(), digest).hexdigest()
                headers["Authorization"] = "Basic " + base64.b64encode(f"{IKEY}:{mac}".encode()).decode()
                if method == "POST":
                    headers["Content-Type"] = "application/x-www-form-urlencoded"
                record(f"{method} {path}{port}", f"duo_unix {release} (documented algorithm)", 2 if dated else 1, digest, method,
                       path if method == "POST" else f"{path}?{line}", HOST + port, headers, line if method == "POST" else None)


for part in sys.argv[1:]:
    {"client": python_client, "hmac": hmac_library, "unix": unix_algorithm}[part]()
json.dump(VECTORS, sys.stdout, indent=1, ensure_ascii=True)
