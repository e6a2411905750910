// The SMART fhirclient drives a server: node smart.mjs BASE TOKEN
import assert from "node:assert/strict";
import FHIR from "fhirclient";

const [base, token] = process.argv.slice(2);
const request = { url: "/", headers: { host: "localhost" }, socket: { encrypted: false } };
const smart = FHIR(request, {});
const client = smart.client({ serverUrl: base, tokenResponse: { access_token: token } });

assert.equal(await client.getFhirVersion(), "4.0.1");
const family = `Smart${process.pid}`;
const made = [];
for (const given of ["Eve", "Dan", "Cleo", "Ben", "Ada"]) {
  made.push(await client.create({ resourceType: "Patient", name: [{ family, given: [given] }] }));
}
const [eve] = made;
const coded = { coding: [{ system: "http://loinc.org", code: "8867-4" }] };
await client.create({
  resourceType: "Observation",
  status: "final",
  code: coded,
  subject: { reference: `Patient/${eve.id}` },
  valueQuantity: { value: 72, unit: "/min" },
});

const names = await client.request(`Patient?family=${family}&_sort=given&_count=2`, { pageLimit: 0, flat: true });
assert.deepEqual(names.map((one) => one.name[0].given[0]), ["Ada", "Ben", "Cleo", "Dan", "Eve"]);
let pages = 0;
for await (const page of client.pages(`Patient?family=${family}&_count=2`)) {
  assert.equal(page.type, "searchset");
  pages += 1;
}
assert.equal(pages, 3);

const resolved = await client.request(`Observation?subject=Patient/${eve.id}`, {
  resolveReferences: ["subject"],
  flat: true,
});
assert.equal(resolved[0].subject.name[0].given[0], "Eve");
const chained = await client.request(`Observation?subject:Patient.given=eve&subject:Patient.family=${family}`, {
  flat: true,
});
assert.equal(client.byCodes(chained, "code")("8867-4")[0].valueQuantity.value, 72);

const changed = await client.update({ ...eve, birthDate: "1999-06-01" });
assert.equal(changed.meta.versionId, "2");
const patched = await client.patch(`Patient/${eve.id}`, [{ op: "add", path: "/gender", value: "female" }]);
assert.equal(patched.gender, "female");
const history = await client.request(`Patient/${eve.id}/_history`);
assert.equal(history.total, 3);

await client.delete(`Patient/${made[4].id}`);
await assert.rejects(client.request(`Patient/${made[4].id}`), (error) => error.status === 410);
await assert.rejects(client.create({ resourceType: "Patient", gender: "wrong" }), (error) => error.status === 422);
console.log("fhirclient: all done");
