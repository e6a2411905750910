// A growth chart on a port of its own, as two apps: one that runs in the browser, and is public; one with a server,
// whose secret stays there. Both are made with fhirclient.
//
//   node app.mjs LIBRARY SECRET     LIBRARY is the file that browsers load; its address is the first line of the output
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import FHIR from "fhirclient";
import { acts } from "./acts.mjs";

const [library, clientSecret] = process.argv.slice(2);
const SCOPE =
  "openid fhirUser profile launch launch/patient patient/Patient.rs patient/Observation.rs patient/Encounter.rs user/Practitioner.r";

const page = (script) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Growth chart</title></head>
<body><h1></h1><ul></ul><script src="/fhir-client.js"></script><script type="module">
import { acts, show } from "/acts.mjs";
${script}
</script></body></html>`;

const READY = `await show(app, document); document.body.dataset.ready = "1";`;
const FAILED = `.catch((error) => { document.querySelector("h1").textContent = error.message; document.body.dataset.failed = "1"; })`;

const LAUNCH = page(`
const asked = new URLSearchParams(location.search);
FHIR.oauth2.authorize({ clientId: "chart", redirectUri: "/", pkceMode: "required",
                        scope: "${SCOPE} " + (asked.get("for") ?? "offline_access") });`);
const BACK = page(`
FHIR.oauth2.ready().then(async (client) => {
  window.app = acts(client, FHIR.client);
  ${READY}
})${FAILED}`);
const PORTAL = page(`
const act = async (name, given) => (await fetch("/portal/act", { method: "POST", body: JSON.stringify({ name, given }) })).json();
window.app = new Proxy({}, { get: (_, name) => (...given) => act(name, given) });
(async () => { ${READY} })()${FAILED}`);

const sessions = new Map();
/** For clients of one request: after a 401 they would clear the session. */
const nowhere = { get: async () => undefined, set: async (_, value) => value, unset: async () => true };

/** The session of the browser that asks; a new one where it has none. */
function session(request, response) {
  const sent = /(?:^|;\s*)portal=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1];
  if (sent && sessions.has(sent)) return sessions.get(sent);
  const id = randomUUID();
  sessions.set(id, {});
  response.setHeader("Set-Cookie", `portal=${id}; Path=/portal; HttpOnly; SameSite=Lax`);
  return sessions.get(id);
}

async function text(request) {
  let all = "";
  for await (const part of request) all += part;
  return all;
}

const sends = (type, body) => (_, response) => response.writeHead(200, { "Content-Type": type }).end(body);

const ROUTES = {
  "/launch": sends("text/html; charset=utf-8", LAUNCH),
  "/": sends("text/html; charset=utf-8", BACK),
  "/portal": sends("text/html; charset=utf-8", PORTAL),
  "/fhir-client.js": sends("text/javascript", readFileSync(library)),
  "/acts.mjs": sends("text/javascript", readFileSync(new URL("acts.mjs", import.meta.url))),

  async "/portal/launch"(request, response) {
    request.session = session(request, response);
    const scope = `${SCOPE} launch/encounter offline_access`;
    await FHIR(request, response).authorize({
      clientId: "portal", clientSecret, redirectUri: "/portal/back", pkceMode: "required", scope,
    });
  },

  async "/portal/back"(request, response) {
    request.session = session(request, response);
    request.session.client = await FHIR(request, response).ready();
    response.writeHead(302, { Location: "/portal" }).end();
  },

  async "/portal/act"(request, response) {
    const { client } = session(request, response);
    const { name, given } = JSON.parse(await text(request));
    const done = await acts(client, (state) => FHIR(request, response, nowhere).client(state))[name](...given);
    sends("application/json", JSON.stringify(done))(request, response);
  },
};

const server = createServer(async (request, response) => {
  try {
    const route = ROUTES[new URL(request.url, "http://localhost").pathname];
    if (!route) return response.writeHead(404).end();
    await route(request, response);
  } catch (error) {
    response.writeHead(500, { "Content-Type": "text/plain" }).end(String(error.message));
  }
});
server.listen(0, "127.0.0.1", () => console.log(`http://localhost:${server.address().port}`));
