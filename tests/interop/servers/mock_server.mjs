import { OAuth2Server } from "oauth2-mock-server";

const server = new OAuth2Server();
await server.issuer.keys.generate("RS256");
server.service.on("beforeTokenSigning", (token) => {
  Object.assign(token.payload, { aud: "https://api.example", client_id: "mock", sub: "mock" });
});
await server.start(Number(process.env.PORT), "127.0.0.1");
server.issuer.url = `http://127.0.0.1:${process.env.PORT}`;
