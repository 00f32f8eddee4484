import { Provider } from "oidc-provider";
import { exportJWK, generateKeyPair } from "jose";

const port = Number(process.env.PORT);
const { privateKey } = await generateKeyPair("RS256", { extractable: true });
const key = { ...(await exportJWK(privateKey)), kid: "first", alg: "RS256", use: "sig" };
const client = (id, method) => ({
  client_id: id,
  client_secret: process.env.SECRET,
  grant_types: ["client_credentials"],
  response_types: [],
  redirect_uris: [],
  token_endpoint_auth_method: method,
  scope: "read write",
});
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [client("basic", "client_secret_basic"), client("post", "client_secret_post")],
  jwks: { keys: [key] },
  scopes: ["openid", "read", "write"],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => "https://api.example",
      useGrantedResource: () => true,
      getResourceServerInfo: (_context, resource) => ({
        scope: "read write",
        audience: resource,
        accessTokenFormat: "jwt",
        accessTokenTTL: 60,
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
});
provider.listen(port, "127.0.0.1");
