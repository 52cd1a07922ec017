"""A relying party on Authlib with Flask: discovery, code + PKCE, nonce, userinfo, refresh, RP-initiated logout. Access tokens for an API are
verified with authlib.jose by issuer and audience.
"""

import json
import logging
import sys
from urllib.parse import urlencode

import requests
from authlib.integrations.flask_client import OAuth
from authlib.jose import JsonWebKey, JsonWebToken
from authlib.jose.errors import JoseError
from flask import Flask, jsonify, redirect, request, session

given = json.loads(sys.argv[1])
issuer = given["issuer"]
here = f"http://localhost:{given['port']}"
logging.getLogger("werkzeug").setLevel(logging.ERROR)

app = Flask(__name__)
app.secret_key = "for this test"
app.config["SESSION_COOKIE_NAME"] = "authlib"
mintmark = OAuth(app).register(
    "mintmark",
    client_id=given["clientId"],
    client_secret=given["clientSecret"],
    server_metadata_url=f"{issuer}/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile email offline_access", "code_challenge_method": "S256"},
)
# more than a session cookie of Flask holds
kept = {}


@app.get("/login")
def login():
    return mintmark.authorize_redirect(f"{here}/callback", prompt="consent")


@app.get("/callback")
def callback():
    token = mintmark.authorize_access_token()
    session["sub"] = token["userinfo"]["sub"]
    kept[session["sub"]] = token
    return redirect("/me")


@app.get("/me")
def me():
    token = kept[session["sub"]]
    return jsonify(claims=token["userinfo"], userinfo=mintmark.userinfo(token=token))


@app.get("/refresh")
def refresh():
    before = kept[session["sub"]]
    metadata = mintmark.load_server_metadata()
    with mintmark._get_oauth_client(**metadata) as client:
        client.token = before
        after = client.refresh_token(metadata["token_endpoint"], refresh_token=before["refresh_token"])
    kept[session["sub"]] = {**before, **after}
    userinfo = mintmark.userinfo(token=after)
    return jsonify(userinfo=userinfo, rotated=after["refresh_token"] != before["refresh_token"])


@app.get("/logout")
def logout():
    token = kept.pop(session.pop("sub"))
    query = {"id_token_hint": token["id_token"], "post_logout_redirect_uri": f"{here}/bye"}
    return redirect(mintmark.load_server_metadata()["end_session_endpoint"] + "?" + urlencode(query))


@app.get("/bye")
def bye():
    return jsonify(bye=True)


@app.get("/things")
def things():
    """An API that takes access tokens for given["audience"]."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    keys = JsonWebKey.import_key_set(requests.get(mintmark.load_server_metadata()["jwks_uri"]).json())
    try:
        claims = JsonWebToken(["ES256"]).decode(
            token,
            keys,
            claims_options={
                "iss": {"essential": True, "value": issuer},
                "aud": {"essential": True, "value": given["audience"]},
                "exp": {"essential": True},
            },
        )
        claims.validate()
        if claims.header.get("typ") != "at+jwt":
            raise ValueError("no access token")
    except (JoseError, ValueError) as error:
        return jsonify(refused=str(error)), 401
    return jsonify({"for": claims["sub"]})


app.run("127.0.0.1", given["port"])
