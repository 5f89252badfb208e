// An app with RxDB as it comes from npm: five collections that are pulled, one that is pushed.
import { createRxDatabase } from "rxdb";
import { replicateRxCollection } from "rxdb/plugins/replication";
import { getRxStorageMemory } from "rxdb/plugins/storage-memory";
import { wrappedValidateAjvStorage } from "rxdb/plugins/validate-ajv";
import { Subject } from "rxjs";

import { call, json, network, obey } from "./device.mjs";

const KINDS = ["job", "stock", "issue", "manifest", "me"];
const text = { type: "string" };
const replica = {
  version: 0,
  primaryKey: "id",
  type: "object",
  properties: { id: { ...text, maxLength: 200 }, rev: text, data: { type: "object" } },
  required: ["id"],
};
const outbox = {
  version: 0,
  primaryKey: "id",
  type: "object",
  properties: {
    id: { ...text, maxLength: 36 },
    seq: { type: "integer" },
    type: text,
    target: { type: ["string", "null"] },
    occurred_at: text,
    depends_on: { type: "array", items: text },
    args: { type: "object" },
    state: text,
    result: { type: "object" },
  },
  required: ["id", "seq", "type", "occurred_at", "state"],
};
const resync = new Subject();
const replications = {};
const monotonic = new Map();
let database;

/** Pull; where the checkpoint is of no use any more, say what is here and take the difference. */
const puller = (kind) => async (checkpoint, batchSize) => {
  const response = await call("GET", `rxdb/${kind}/pull?limit=${batchSize}&cursor=${checkpoint?.cursor ?? ""}`);
  if (response.status !== 410) return json(response);
  const { recovery } = await response.json();
  const held = await database[kind].find().exec();
  const have = Object.fromEntries(held.map(({ id, rev }) => [id, recovery === "reconcile" ? rev : ""]));
  return json(await call("POST", `rxdb/${kind}/reconcile`, { have }));
};

/** Push; both clocks are read at each attempt. */
async function pusher(rows) {
  const stamped = rows.map((row) => {
    const began = monotonic.get(row.newDocumentState.id);
    const age = began === undefined ? {} : { age_ms: Math.round(performance.now() - began) };
    return { ...row, newDocumentState: { ...row.newDocumentState, ...age } };
  });
  return json(await call("POST", `rxdb/operation/push?sent_at=${new Date().toISOString()}`, stamped));
}

async function open({ url, token, batch = 100 }) {
  Object.assign(network, { url, token });
  database = await createRxDatabase({
    name: `device${Date.now()}`,
    storage: wrappedValidateAjvStorage({ storage: getRxStorageMemory() }),
    multiInstance: false,
  });
  const collections = Object.fromEntries(KINDS.map((kind) => [kind, { schema: replica }]));
  await database.addCollections({ ...collections, operation: { schema: outbox } });
  const common = { live: true, retryTime: 100, waitForLeadership: false };
  for (const kind of KINDS) {
    replications[kind] = replicateRxCollection({
      ...common,
      collection: database[kind],
      replicationIdentifier: `firstfix-${kind}`,
      pull: { handler: puller(kind), batchSize: batch, stream$: resync.asObservable() },
    });
  }
  replications.operation = replicateRxCollection({
    ...common,
    collection: database.operation,
    replicationIdentifier: "firstfix-operation",
    push: { handler: pusher, batchSize: batch },
  });
}

/** Up first, then down: so what comes down has what went up in it. */
async function sync() {
  for (const name of ["operation", ...KINDS]) {
    replications[name].reSync();
    await replications[name].awaitInSync();
  }
}

/** RESYNC for all collections, whenever the server says so. */
async function listen() {
  const response = await call("GET", "rxdb/job/stream");
  (async () => {
    let rest = "";
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const events = (rest + chunk).split("\n\n");
      rest = events.pop();
      for (const event of events) if (event.startsWith("data: ")) resync.next(event.slice(6));
    }
  })().catch(() => {});
}

async function enqueue({ operation: { op_id: id, ...said } }) {
  monotonic.set(id, performance.now());
  await database.operation.insert({ ...said, id, state: "pending" });
}

/** What was deferred goes out once more: RxDB sends what has changed. */
async function again() {
  for (const one of await database.operation.find({ selector: { state: "deferred" } }).exec()) {
    await one.incrementalPatch({ state: "pending" });
  }
}

async function held() {
  const found = {};
  for (const kind of KINDS) {
    for (const { id, rev } of await database[kind].find().exec()) found[`${kind}|${id}`] = rev;
  }
  return found;
}

const documents = async ({ collection }) => (await database[collection].find().exec()).map((one) => one.toJSON());
const discard = async ({ id }) => void (await (await database.operation.findOne(id).exec()).remove());

await obey({ open, sync, listen, enqueue, again, held, documents, discard });
