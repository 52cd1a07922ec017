// An API on the JDK's own HTTP server that takes our access tokens (RFC 9068 section 4), with Google's OAuth Client Library for Java, which
// Debian packages (libgoogle-oauth-client-java). Issuer and audience are all it is told. Refuses ID tokens, tokens for other APIs and for the
// issuer, and tokens that are bound to a key, whose proof it does not check. Starts while the issuer is down, and answers 503 until it is
// back. The class AccessTokens is what to copy.

import com.google.api.client.auth.openidconnect.IdToken;
import com.google.api.client.http.GenericUrl;
import com.google.api.client.http.HttpRequestFactory;
import com.google.api.client.http.javanet.NetHttpTransport;
import com.google.api.client.json.GenericJson;
import com.google.api.client.json.JsonObjectParser;
import com.google.api.client.json.gson.GsonFactory;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;

public class Api {
  public static void main(String[] arguments) throws IOException {
    String issuer = variable("MINTMARK_ISSUER", "http://localhost:3000");
    String audience = variable("API_RESOURCE", "https://things.example.com");
    AccessTokens tokens = new AccessTokens(issuer, audience);
    int port = Integer.parseInt(variable("API_PORT", "4000"));
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    server.setExecutor(Executors.newFixedThreadPool(8));
    server.createContext("/things", exchange -> {
      int status = 200;
      String body = "{}";
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      try {
        Map<String, Object> claims =
            tokens.verify(exchange.getRequestHeaders().getFirst("Authorization"), "read:things");
        GenericJson answer = new GenericJson();
        answer.put("things", List.of("a thing"));
        answer.put("for", claims.get("sub"));
        body = GsonFactory.getDefaultInstance().toString(answer);
        exchange.getResponseHeaders().set("Cache-Control", "no-store");
      } catch (AccessTokens.Refused refused) {
        status = refused.status;
        exchange.getResponseHeaders().set("WWW-Authenticate", refused.getMessage());
      } catch (IOException outage) {
        System.err.println(outage);
        status = 503;
        exchange.getResponseHeaders().set("Retry-After", "10");
      }
      byte[] content = body.getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(status, content.length);
      exchange.getResponseBody().write(content);
      exchange.close();
    });
    server.start();
    int listening = server.getAddress().getPort();
    System.out.println("http://127.0.0.1:" + listening + "/things takes tokens for " + audience);
  }

  private static String variable(String name, String otherwise) {
    String value = System.getenv(name);
    return value == null || value.isEmpty() ? otherwise : value;
  }
}

/** Judges a request by its Authorization header. */
class AccessTokens {
  /** As long as the server says in Cache-Control, unless it is configured otherwise. */
  private static final long KEPT = 300_000_000_000L;

  /** At most so often a token with an unknown kid makes us ask. */
  private static final long AGAIN = 30_000_000_000L;

  private static final long TOLERANCE_SECONDS = 5;

  private final String issuer;
  private final String audience;
  private final HttpRequestFactory http =
      new NetHttpTransport()
          .createRequestFactory(
              request ->
                  request
                      .setConnectTimeout(5_000)
                      .setReadTimeout(5_000)
                      .setFollowRedirects(false)
                      .setParser(new JsonObjectParser(GsonFactory.getDefaultInstance())));
  private Map<String, PublicKey> keys = Map.of();
  private long asked = System.nanoTime() - KEPT - 1;

  AccessTokens(String issuer, String audience) {
    this.issuer = issuer;
    this.audience = audience;
  }

  /** What to answer instead: a status, and what stands in WWW-Authenticate (RFC 6750 section 3). */
  static class Refused extends Exception {
    final int status;

    Refused(int status, String challenge) {
      super(challenge);
      this.status = status;
    }
  }

  /** The claims of a good token with that scope. An IOException says nothing about the token: the keys could not be had. */
  Map<String, Object> verify(String authorization, String scope) throws Refused, IOException {
    String header = authorization == null ? "" : authorization;
    // RFC 9110 section 11.1: the scheme is case-insensitive; RFC 6750 section 3.1: without a token there is no error code
    if (!header.regionMatches(true, 0, "Bearer ", 0, 7)) throw refuse(401, "");
    Map<String, Object> claims;
    try {
      claims = claimsOf(header.substring(7).trim());
    } catch (GeneralSecurityException | RuntimeException error) {
      // what is malformed deep inside ends in some exception of the library
      throw refuse(401, ", error=\"invalid_token\"");
    }
    if (!Arrays.asList(String.valueOf(claims.get("scope")).split(" ")).contains(scope)) {
      throw refuse(403, ", error=\"insufficient_scope\", scope=\"" + scope + "\"");
    }
    return claims;
  }

  private Map<String, Object> claimsOf(String token) throws GeneralSecurityException, IOException {
    IdToken jwt;
    try {
      jwt = IdToken.parse(GsonFactory.getDefaultInstance(), token);
    } catch (IOException error) {
      throw new GeneralSecurityException("no JWT", error);
    }
    // an ID token of the same issuer must not open an API, and the library does not look at typ
    require("at+jwt".equals(jwt.getHeader().getType()), "not an access token");
    // from our own list, never from the token's header
    require("ES256".equals(jwt.getHeader().getAlgorithm()), "another algorithm");
    require(jwt.getHeader().getCritical() == null, "an extension that is not known here");
    require(jwt.verifySignature(keyFor(jwt.getHeader().getKeyId())), "another signature");
    require(jwt.verifyIssuer(issuer), "of another issuer");
    require(audience.equals(jwt.getPayload().getAudience()), "for another API");
    for (String name : List.of("exp", "iat", "sub", "client_id", "jti")) {
      require(jwt.getPayload().get(name) != null, "without " + name);
    }
    require(jwt.verifyTime(System.currentTimeMillis(), TOLERANCE_SECONDS), "expired");
    // RFC 9449 section 7.2: a bound token without the proof of its key is no bearer token
    require(jwt.getPayload().get("cnf") == null, "not a bearer token");
    return jwt.getPayload();
  }

  private synchronized PublicKey keyFor(String kid) throws GeneralSecurityException, IOException {
    long age = System.nanoTime() - asked;
    if (age > KEPT || (!keys.containsKey(kid) && age > AGAIN)) {
      try {
        keys = fetchKeys();
        asked = System.nanoTime();
      } catch (IOException outage) {
        // with the keys of before it serves on
        if (keys.isEmpty()) throw outage;
        asked = System.nanoTime();
      }
    }
    require(kid != null && keys.containsKey(kid), "signed with a key that is not the issuer's");
    return keys.get(kid);
  }

  private Map<String, PublicKey> fetchKeys() throws GeneralSecurityException, IOException {
    GenericJson metadata = get(issuer + "/.well-known/oauth-authorization-server");
    // RFC 8414 section 3.3
    if (!issuer.equals(metadata.get("issuer"))) {
      throw new IOException(issuer + " calls itself " + metadata.get("issuer"));
    }
    Map<String, PublicKey> found = new HashMap<>();
    for (Object each : (Collection<?>) get((String) metadata.get("jwks_uri")).get("keys")) {
      Map<?, ?> jwk = (Map<?, ?>) each;
      if ("ES256".equals(jwk.get("alg")) && "sig".equals(jwk.get("use"))) {
        found.put((String) jwk.get("kid"), publicKey(jwk));
      }
    }
    return found;
  }

  private GenericJson get(String url) throws IOException {
    try {
      return http.buildGetRequest(new GenericUrl(url)).execute().parseAs(GenericJson.class);
    } catch (RuntimeException error) {
      throw new IOException("no JSON at " + url, error);
    }
  }

  private static PublicKey publicKey(Map<?, ?> jwk) throws GeneralSecurityException {
    AlgorithmParameters curve = AlgorithmParameters.getInstance("EC");
    curve.init(new ECGenParameterSpec("secp256r1"));
    ECPoint point = new ECPoint(number(jwk.get("x")), number(jwk.get("y")));
    return KeyFactory.getInstance("EC")
        .generatePublic(new ECPublicKeySpec(point, curve.getParameterSpec(ECParameterSpec.class)));
  }

  private static BigInteger number(Object base64url) {
    return new BigInteger(1, Base64.getUrlDecoder().decode((String) base64url));
  }

  private static void require(boolean holds, String otherwise) throws GeneralSecurityException {
    if (!holds) throw new GeneralSecurityException(otherwise);
  }

  private Refused refuse(int status, String rest) {
    return new Refused(status, "Bearer realm=\"" + audience + "\"" + rest);
  }
}
