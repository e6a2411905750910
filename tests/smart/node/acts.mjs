// What an app does with its fhirclient once it is let in, in a browser and on a server alike.

/** What came of it: { status, body }, or { status, message, challenge } of a refusal. */
export const settled = (work) =>
  work.then(
    (body) => ({ status: 200, body }),
    (error) => ({
      status: error.status ?? 0,
      message: String(error.message),
      challenge: error.response?.headers.get("www-authenticate") ?? null,
    }),
  );

const json = async (address, options) => (await fetch(address, options)).json();

/**
 * @param client  the Client that `ready` gave
 * @param again   makes a Client of a state. Each request has one of its own: fhirclient forgets all after a 401
 */
export function acts(client, again) {
  const smart = () => json(`${client.state.serverUrl}/.well-known/smart-configuration`);
  return {
    told: async () => client.state.tokenResponse,
    user: async () => ({ reference: client.user.fhirUser, claims: client.getIdToken() }),
    ask: (request) => settled(again(structuredClone(client.state)).request(request)),
    mine: (path) => settled(client.patient.request(path, { flat: true })),
    visit: () => settled(client.encounter.read()),
    refresh: () => settled(client.refresh().then((state) => state.tokenResponse)),
    style: async () => json(client.state.tokenResponse.smart_style_url),

    async userinfo() {
      const { issuer } = await smart();
      const { userinfo_endpoint } = await json(`${issuer}/.well-known/openid-configuration`);
      return json(userinfo_endpoint, { headers: { authorization: client.getAuthorizationHeader() } });
    },

    /** Give the authorization back. The answer is the HTTP status. */
    async giveBack() {
      const { revocation_endpoint } = await smart();
      const { clientId, clientSecret, tokenResponse } = client.state;
      const fields = new URLSearchParams({ token: tokenResponse.refresh_token });
      const headers = {};
      if (clientSecret) headers.authorization = `Basic ${btoa(`${clientId}:${clientSecret}`)}`;
      else fields.set("client_id", clientId);
      return (await fetch(revocation_endpoint, { method: "POST", headers, body: fields })).status;
    },
  };
}

/** Show whose record it is and what was measured. */
export async function show(app, document) {
  const told = await app.told();
  const patient = await app.ask(`Patient/${told.patient}`);
  const [name] = patient.body.name;
  document.querySelector("h1").textContent = `${name.given.join(" ")} ${name.family}`;
  const measured = await app.mine("Observation?_sort=date");
  for (const one of measured.body) {
    const line = document.createElement("li");
    line.textContent = `${one.code.text}: ${one.valueQuantity.value} ${one.valueQuantity.unit}`;
    document.querySelector("ul").append(line);
  }
}
