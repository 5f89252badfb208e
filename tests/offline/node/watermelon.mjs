// An app with WatermelonDB as it comes from npm, over LokiJS: tables that are pulled, and `operations`, pushed.
import { createRequire } from "node:module";

import { call, json, network, obey } from "./device.mjs";

const require = createRequire(import.meta.url);
process.env.NODE_ENV = "test";
require("@nozbe/watermelondb/utils/common/logger").default.silence();
const { appSchema, Database, Model, Q, tableSchema } = require("@nozbe/watermelondb");
const Loki = require("@nozbe/watermelondb/adapters/lokijs").default;
const { synchronize } = require("@nozbe/watermelondb/sync");
const { setGenerator } = require("@nozbe/watermelondb/utils/common/randomId");
const { schemaMigrations, addColumns } = require("@nozbe/watermelondb/Schema/migrations");

setGenerator(() => crypto.randomUUID());

const KINDS = { jobs: "job", stock: "stock", issues: "issue", manifests: "manifest", me: "me" };
const text = (...names) => names.map((name) => ({ name, type: "string", isOptional: true }));
const number = (...names) => names.map((name) => ({ name, type: "number", isOptional: true }));
const columns = {
  jobs: text("rev", "number", "status", "priority", "summary", "scheduled_start", "scheduled_end", "site_name", "data"),
  stock: [...text("rev", "part", "name", "data"), ...number("qty")],
  issues: text("rev", "code", "severity", "target", "data"),
  manifests: text("rev", "url", "sha256", "data"),
  me: text("rev", "name", "data"),
  operations: [
    ...text("type", "target", "occurred_at", "depends_on", "args", "state", "result"),
    ...number("seq", "base_version"),
  ],
};
const monotonic = new Map();
let database;

/** `newer`: as the next version of the app has it, with one more column of the jobs. */
function schemaOf(newer) {
  const tables = { ...columns, jobs: [...columns.jobs, ...(newer ? text("type") : [])] };
  return appSchema({
    version: newer ? 2 : 1,
    tables: Object.entries(tables).map(([name, of]) => tableSchema({ name, columns: of })),
  });
}

const migrationsOf = (newer) => schemaMigrations({
  migrations: newer ? [{ toVersion: 2, steps: [addColumns({ table: "jobs", columns: text("type") })] }] : [],
});

function openDatabase(adapter) {
  const modelClasses = Object.keys(columns).map((table) => class extends Model { static table = table; });
  return new Database({ adapter, modelClasses });
}

function open({ url, token }) {
  Object.assign(network, { url, token });
  const options = { useWebWorker: false, useIncrementalIndexedDB: false, dbName: `device${Date.now()}` };
  database = openDatabase(new Loki({ ...options, schema: schemaOf(false), migrations: migrationsOf(false) }));
}

/** The app is updated: the same data under the next schema. */
async function update() {
  const adapter = await database.adapter.underlyingAdapter.testClone({ schema: schemaOf(true), migrations: migrationsOf(true) });
  database = openDatabase(adapter);
}

async function pullChanges({ lastPulledAt, schemaVersion, migration }) {
  const waiting = await database.get("operations").query(Q.where("state", "pending")).fetchIds();
  const query = new URLSearchParams({
    last_pulled_at: lastPulledAt,
    schema_version: schemaVersion,
    migration: JSON.stringify(migration),
    operations: waiting.slice(0, 100).join(","),
  });
  return json(await call("GET", `watermelon/pull?${query}`));
}

/** Both clocks are read at each attempt, on copies: the library compares the rows that it gave. */
async function pushChanges({ changes, lastPulledAt }) {
  const stamped = (row) => {
    const began = monotonic.get(row.id);
    return began === undefined ? row : { ...row, age_ms: Math.round(performance.now() - began) };
  };
  const { created, updated } = changes.operations;
  const operations = { created: created.map(stamped), updated: updated.map(stamped), deleted: [] };
  const query = new URLSearchParams({ last_pulled_at: lastPulledAt, sent_at: new Date().toISOString() });
  return json(await call("POST", `watermelon/push?${query}`, { operations }));
}

const sync = () => synchronize({
  database,
  pullChanges,
  pushChanges,
  sendCreatedAsUpdated: true,
  migrationsEnabledAtVersion: 1,
});

const enqueue = ({ operation: { op_id: id, args, depends_on: dependsOn, ...said } }) => database.write(async () => {
  monotonic.set(id, performance.now());
  await database.get("operations").create((row) => {
    Object.assign(row._raw, said, { id, args: JSON.stringify(args), depends_on: JSON.stringify(dependsOn) });
    row._raw.state = "pending";
  });
});

const rows = async ({ table }) => (await database.get(table).query().fetch()).map((row) => ({ ...row._raw }));

async function held() {
  const found = {};
  for (const [table, kind] of Object.entries(KINDS)) {
    for (const row of await rows({ table })) found[`${kind}|${table === "stock" ? row.part : row.id}`] = row.rev;
  }
  return found;
}

await obey({ open, update, sync, enqueue, rows, held });
