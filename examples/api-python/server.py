"""An API on Python's own http.server that takes our access tokens; access_token.py is what to copy into Flask, Django or FastAPI."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from access_token import Refused, Unavailable, Verifier

issuer = os.environ.get("MINTMARK_ISSUER", "http://localhost:3000")
audience = os.environ.get("API_RESOURCE", "https://things.example.com")
verifier = Verifier(issuer, audience)


class Api(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.partition("?")[0] != "/things":
            return self.answer(404, {})
        try:
            claims = verifier.claims(self.headers.get("Authorization"), "read:things")
        except Refused as refused:
            return self.answer(refused.status, {}, {"WWW-Authenticate": refused.challenge})
        except Unavailable as error:
            self.log_error("%s", error)
            return self.answer(503, {}, {"Retry-After": "10"})
        self.answer(200, {"things": ["a thing"], "for": claims["sub"]}, {"Cache-Control": "no-store"})

    def answer(self, status, body, headers={}):
        content = json.dumps(body, separators=(",", ":")).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(content), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(content)


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("API_PORT", "4000"))), Api)
print(f"http://127.0.0.1:{server.server_port}/things takes tokens for {audience}", flush=True)
server.serve_forever()
