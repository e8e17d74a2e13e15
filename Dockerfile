# Tidemark on a slim Node 24. Sources run as they are, so there is nothing to compile: the first stage only fetches what
# they need, without what is for development or for machines that bring no PostgreSQL and no Node of their own.

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:24-slim
LABEL org.opencontainers.image.title="Tidemark" \
      org.opencontainers.image.description="Self-hosted, multi-tenant background sync" \
      org.opencontainers.image.licenses="MIT"
# What Node compiled is kept in /tmp, so that a health check costs half as much.
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/tmp/node-compile-cache \
    HOST=0.0.0.0 \
    PORT=8080 \
    TIDEMARK_DATA_DIR=/tmp/tidemark
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json ./
COPY bin ./bin
COPY src ./src
COPY queues ./queues
COPY workers ./workers
COPY migrations ./migrations
# For people: `docker compose exec api tidemark …`.
RUN ln -s /app/bin/tidemark.js /usr/local/bin/tidemark
# The image's own unprivileged user; nothing below /app is his to change.
USER node
EXPOSE 8080
STOPSIGNAL SIGTERM
# The role is the command's: `start --role api`, `--role scheduler`, `--role worker`.
ENTRYPOINT ["node", "src/cli/main.ts"]
CMD ["start", "--role", "api"]
# Of the api; other roles bring their own, as docker-compose.yml does.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 \
  CMD ["node", "src/cli/main.ts", "health", "--role", "api"]
