// Looks up the status of the tokens on standard input, a JSON list, as an API in Node.js would that knows no more of their
// issuer than its name and keys; prints a JSON list of them, null for a token that names no list.
import { getListFromStatusListJWT, getStatusListFromJWT } from "@sd-jwt/jwt-status-list";
import { createRemoteJWKSet, jwtVerify } from "jose";

const [issuer, jwksUri] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL(jwksUri));
let text = "";
for await (const part of process.stdin) text += part;
const statuses = [];
for (const token of JSON.parse(text)) {
  const { payload } = await jwtVerify(token, keys, { issuer, typ: "at+jwt" });
  if (payload.status === undefined) {
    statuses.push(null);
    continue;
  }
  const { uri, idx } = getStatusListFromJWT(token);
  const answer = await fetch(uri, { headers: { accept: "application/statuslist+jwt" } });
  if (answer.status !== 200) throw new Error(`${uri}: ${answer.status}`);
  const list = await answer.text();
  await jwtVerify(list, keys, { issuer, subject: uri, typ: "statuslist+jwt" });
  statuses.push(getListFromStatusListJWT(list).getStatus(idx));
}
console.log(JSON.stringify(statuses));
process.exit(0);
