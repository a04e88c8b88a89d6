FROM node:24-bookworm-slim
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund
COPY src src
COPY migrations migrations
USER node
EXPOSE 8080
CMD ["node", "src/main.ts"]
