#!/bin/sh
# Compiles and runs Api.java with the libraries where Debian puts them: default-jdk-headless and libgoogle-oauth-client-java.
set -eu
jars=/usr/share/java
exec java -cp "$jars/google-oauth-client.jar:$jars/google-http-client.jar:$jars/google-http-client-gson.jar:$jars/gson.jar:$jars/guava.jar:$jars/failureaccess.jar:$jars/opencensus-api.jar:$jars/opencensus-contrib-http-util.jar:$jars/grpc-context.jar" \
  "$(dirname "$0")/Api.java"
