// Drives a listener with node-hl7-client: messages, one that fails, a batch. Usage: node send.mjs PORT
import assert from "node:assert/strict";
import { Batch, Client, Message } from "node-hl7-client";

const port = Number(process.argv[2]);
const client = new Client({ host: "127.0.0.1" });
const answers = [];
let wake = () => {};

const connection = client.createConnection({ port }, async (response) => {
  answers.push(response.getMessage());
  wake();
});

function adt(id, patient) {
  const message = new Message({
    messageHeader: { msh_9_1: "ADT", msh_9_2: "A08", msh_9_3: "ADT_A01", msh_10: id, msh_11_1: "P" },
  });
  message.set("MSH.3", "NODE");
  message.set("MSH.4", "EAST");
  const pid = message.addSegment("PID");
  pid.set("3", patient);
  pid.set("5.1", "Müller");
  return message;
}

async function answer() {
  while (!answers.length) await new Promise((resolve) => { wake = resolve; });
  return answers.shift();
}

for (let n = 1; n <= 20; n++) {
  await connection.sendMessage(adt(`N${n}`, "P1"));
  const got = await answer();
  assert.equal(got.get("MSA.1").toString(), "AA");
  assert.equal(got.get("MSA.2").toString(), `N${n}`);
  assert.equal(got.get("MSH.5").toString(), "NODE");
}

// The same control id for another patient is refused, with the place of the error.
await connection.sendMessage(adt("N1", "P2"));
const refused = await answer();
assert.equal(refused.get("MSA.1").toString(), "AE");
assert.equal(refused.get("ERR.3.1").toString(), "205");
assert.equal(refused.get("ERR.2.3").toString(), "10");

const batch = new Batch({ batchHeader: { bhs_7: "20261128150000", bhs_11: "B1" } });
batch.start();
batch.add(adt("N30", "P3"));
batch.add(adt("N31", "P3"));
batch.end();
await connection.sendMessage(batch);
for (const id of ["N30", "N31"]) {
  const got = await answer();
  assert.equal(got.get("MSA.1").toString(), "AA");
  assert.equal(got.get("MSA.2").toString(), id);
}

await connection.close();
console.log("all done");
process.exit(0);
