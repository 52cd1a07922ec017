# Somebody else's API in another language: reads { issuer, token } on standard input, finds keys and list by itself, and prints the bit of the
# token, with PyJWT and zlib (draft-ietf-oauth-status-list §8.3).

import base64
import json
import sys
import urllib.request
import zlib

import jwt

given = json.load(sys.stdin)
with urllib.request.urlopen(given["issuer"] + "/.well-known/openid-configuration") as answer:
    keys = jwt.PyJWKClient(json.load(answer)["jwks_uri"])


def verify(token, typ, required):
    if jwt.get_unverified_header(token)["typ"] != typ:
        raise jwt.InvalidTokenError("typ")
    return jwt.decode(
        token,
        keys.get_signing_key_from_jwt(token).key,
        algorithms=["ES256"],
        options={"require": required, "verify_aud": False},
    )


try:
    status = verify(given["token"], "at+jwt", ["exp", "iss", "aud"])["status"]["status_list"]
    request = urllib.request.Request(
        status["uri"], headers={"Accept": "application/statuslist+jwt"}
    )
    with urllib.request.urlopen(request) as answer:
        claims = verify(answer.read().decode("ascii"), "statuslist+jwt", ["exp", "iat", "sub"])
    if claims["sub"] != status["uri"]:
        raise jwt.InvalidTokenError("sub")
    packed = claims["status_list"]["lst"]
    octets = zlib.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    bit = octets[status["idx"] // 8] >> (status["idx"] % 8) & 1
    print(
        json.dumps(
            {
                "ok": True,
                "bit": bit,
                "bits": claims["status_list"]["bits"],
                "ttl": claims["ttl"],
                "size": len(octets) * 8,
            }
        )
    )
except jwt.PyJWTError as error:
    print(json.dumps({"ok": False, "refusal": type(error).__name__}))
