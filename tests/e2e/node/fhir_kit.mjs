// fhir-kit-client drives a server: node fhir_kit.mjs BASE TOKEN
import assert from "node:assert/strict";
import { Client } from "fhir-kit-client";

const [base, token] = process.argv.slice(2);
const client = new Client({ baseUrl: base, bearerToken: token });

const statement = await client.capabilityStatement();
assert.equal(statement.resourceType, "CapabilityStatement");

const family = `Kit${process.pid}`;
const created = await client.create({
  resourceType: "Patient",
  body: { resourceType: "Patient", name: [{ family, given: ["Ada"] }], active: true },
});
assert.ok(created.id);
const id = created.id;
assert.deepEqual((await client.read({ resourceType: "Patient", id })).name, created.name);

const updated = await client.update({
  resourceType: "Patient",
  id,
  body: { ...created, gender: "female" },
});
assert.equal(updated.meta.versionId, "2");
assert.equal((await client.vread({ resourceType: "Patient", id, version: "1" })).gender, undefined);

const patched = await client.patch({
  resourceType: "Patient",
  id,
  jsonPatch: [{ op: "replace", path: "/active", value: false }],
});
assert.equal(patched.active, false);

const history = await client.resourceHistory({ resourceType: "Patient", id });
assert.equal(history.type, "history");
assert.deepEqual(history.entry.map((entry) => entry.resource.meta.versionId), ["3", "2", "1"]);
assert.equal((await client.typeHistory({ resourceType: "Patient" })).type, "history");
assert.equal((await client.systemHistory()).type, "history");

const uuid = "urn:uuid:5f0c0c5e-0002-4000-8000-000000000001";
const entry = (method, url, resource, more = {}) => ({ resource, request: { method, url }, ...more });
const observation = (n) => ({
  resourceType: "Observation",
  status: "final",
  code: { coding: [{ system: "http://loinc.org", code: "8867-4" }] },
  subject: { reference: uuid },
  effectiveDateTime: `2024-01-0${n}`,
  valueQuantity: { value: 60 + n, unit: "/min", system: "http://unitsofmeasure.org", code: "/min" },
});
const done = await client.transaction({
  body: {
    resourceType: "Bundle",
    type: "transaction",
    entry: [
      entry("POST", "Patient", { resourceType: "Patient", name: [{ family: `${family}b` }] }, { fullUrl: uuid }),
      ...[1, 2, 3, 4, 5].map((n) => entry("POST", "Observation", observation(n))),
    ],
  },
});
assert.deepEqual(done.entry.map((one) => one.response.status.slice(0, 3)), Array(6).fill("201"));
const subject = done.entry[0].response.location.match(/Patient\/([^/]+)/)[1];

const dates = [];
let page = await client.resourceSearch({
  resourceType: "Observation",
  searchParams: { "subject:Patient.name": `${family}b`, _sort: "-date", _count: 2 },
});
for (; page; page = page.link.some((link) => link.relation === "next") ? await client.nextPage({ bundle: page }) : null) {
  dates.push(...page.entry.map((one) => one.resource.effectiveDateTime));
}
assert.deepEqual(dates, [5, 4, 3, 2, 1].map((n) => `2024-01-0${n}`), "every page in order, nothing twice");

const included = await client.resourceSearch({
  resourceType: "Observation",
  searchParams: { subject: `Patient/${subject}`, _include: "Observation:subject", date: "gt2024-01-03" },
});
assert.deepEqual(included.entry.map((one) => one.search.mode).sort(), ["include", "match", "match"]);
const posted = await client.resourceSearch({
  resourceType: "Observation",
  searchParams: { "code:not": "http://loinc.org|1-1", subject },
  options: { postSearch: true },
});
assert.equal(posted.entry.length, 5);

const compartment = await client.compartmentSearch({
  resourceType: "Observation",
  compartment: { resourceType: "Patient", id: subject },
});
assert.equal(compartment.entry.length, 5);
const resolved = await client.resolve({ reference: `Patient/${subject}` });
assert.equal(resolved.id, subject);

const batch = await client.batch({
  body: {
    resourceType: "Bundle",
    type: "batch",
    entry: [entry("GET", `Patient/${subject}`), entry("GET", "Patient/never")],
  },
});
assert.deepEqual(batch.entry.map((one) => one.response.status.slice(0, 3)), ["200", "404"]);

const verdict = await client.operation({
  name: "$validate",
  resourceType: "Patient",
  input: { resourceType: "Patient", gender: "wrong" },
});
assert.equal(verdict.resourceType, "OperationOutcome");
assert.ok(verdict.issue.some((issue) => issue.severity === "error"));
const all = await client.operation({ name: "$everything", resourceType: "Patient", id: subject, method: "GET" });
assert.equal(all.entry.length, 6);

await client.delete({ resourceType: "Patient", id });
await assert.rejects(client.read({ resourceType: "Patient", id }), (error) => {
  const { status, data } = error.response;
  return status === 410 && data.resourceType === "OperationOutcome";
});
await assert.rejects(client.resourceSearch({ resourceType: "Patient", searchParams: { nope: "1" } }), (error) => {
  return error.response.status === 400 && error.response.data.issue[0].expression[0] === "http.nope";
});
console.log("fhir-kit-client: all done");
