# Somebody else's API in another language: reads { issuer, token, audience, alg } on standard input, finds the keys by itself, and prints
# what PyJWT (with cryptography) says of the token.

import json
import sys
import urllib.request

import jwt

given = json.load(sys.stdin)
with urllib.request.urlopen(given["issuer"] + "/.well-known/openid-configuration") as answer:
    keys = jwt.PyJWKClient(json.load(answer)["jwks_uri"])
try:
    key = keys.get_signing_key_from_jwt(given["token"])
    claims = jwt.decode(
        given["token"],
        key.key,
        algorithms=[given["alg"]],
        audience=given["audience"],
        issuer=given["issuer"],
        options={"require": ["exp", "iat", "iss", "aud", "sub"]},
    )
    header = jwt.get_unverified_header(given["token"])
    print(json.dumps({"ok": True, "header": header, "claims": claims}))
except jwt.PyJWTError as error:
    print(json.dumps({"ok": False, "refusal": type(error).__name__}))
