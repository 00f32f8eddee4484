// Verifies the tokens on standard input, a JSON list, as an API in Node.js would; prints a JSON list of verdicts.
import { createServer } from "node:http";
import { auth } from "express-oauth2-jwt-bearer";
import express from "express";
import { createRemoteJWKSet, jwtVerify } from "jose";

const [library, issuer, audience, jwksUri] = process.argv.slice(2);
let text = "";
for await (const part of process.stdin) text += part;
const tokens = JSON.parse(text);
const verdicts = [];
if (library === "jose") {
  const keys = createRemoteJWKSet(new URL(jwksUri));
  for (const token of tokens) {
    const verdict = jwtVerify(token, keys, { issuer, audience, typ: "at+jwt" });
    verdicts.push(await verdict.then(({ payload }) => payload.client_id, () => null));
  }
} else if (library === "introspection") {
  const keys = createRemoteJWKSet(new URL(jwksUri));
  for (const token of tokens) {
    const verdict = jwtVerify(token, keys, { issuer, audience, typ: "token-introspection+jwt" });
    verdicts.push(await verdict.then(({ payload }) => payload.token_introspection.client_id, () => null));
  }
} else {
  const app = express();
  app.use(auth({ issuer, audience, jwksUri, strict: true, tokenSigningAlg: process.argv[6] }));
  app.get("/", (request, response) => response.json(request.auth.payload.client_id));
  app.use((error, _request, response, _next) => response.status(error.status ?? 500).json(null));
  const server = createServer(app).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  for (const token of tokens) {
    const answer = await fetch(`http://127.0.0.1:${server.address().port}/`, {
      headers: { authorization: `Bearer ${token}` },
    });
    verdicts.push(answer.status === 200 ? await answer.json() : null);
  }
  server.close();
}
console.log(JSON.stringify(verdicts));
process.exit(0);
