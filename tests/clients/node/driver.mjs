// A device in a test's hand: one order a line on stdin, one answer a line on stdout; the words are in ../devices.py.
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";

const { MemoryStorage, OfflineClient, SqliteStorage } = await import(process.argv[2]);
const TABLES = ["outbox", "replica", "meta", "attention", "files"];
const clock = {};
let storage, client, token, refreshed, steps;

class Died extends Error {}

function sqlite(file) {
  const database = new DatabaseSync(file);
  return SqliteStorage.open({
    exec: (sql, params) => void database.prepare(sql).run(...params),
    all: (sql, params) => database.prepare(sql).all(...params),
  });
}

const orders = {
  async open({ url, fresh, file, token: first = "t", limits = {}, die_at = 0, random, refresh_to, metered = false }) {
    if (fresh || !storage) storage = file ? await sqlite(file) : new MemoryStorage();
    [token, refreshed, steps] = [first, 0, []];
    client = new OfflineClient({
      baseUrl: url,
      storage,
      limits,
      token: async () => token,
      refresh: async () => {
        refreshed += 1;
        if (!refresh_to) throw new Error("sign in again");
        token = refresh_to;
      },
      now: () => clock.now ?? Date.now(),
      monotonic: () => clock.monotonic ?? performance.now(),
      ...(random === undefined ? {} : { random: () => random }),
      metered: () => metered,
      step: (name) => {
        steps.push(name);
        if (steps.length === die_at) throw new Died(name);
      },
    });
  },
  async sync() {
    try {
      const { state, waitMs } = await client.sync();
      return { state, wait_ms: waitMs, refreshed };
    } catch (error) {
      if (error instanceof Died) return { died: error.message };
      throw error;
    }
  },
  dump: () => storage.transaction(async (tx) => {
    const found = {};
    for (const table of TABLES) found[table] = await tx.all(table);
    return found;
  }),
  held: () => storage.transaction(async (tx) => {
    const entries = (await tx.all("replica")).filter((entry) => !entry.locked);
    return Object.fromEntries(entries.map(({ kind, id, rev }) => [`${kind}|${id}`, rev]));
  }),
  set: ({ do: _, ...state }) => storage.transaction(async (tx) => {
    await tx.put("meta", "state", { ...(await tx.get("meta", "state")), ...state });
  }),
  haunt: () => storage.transaction((tx) =>
    tx.put("replica", "job|ghost", { kind: "job", id: "ghost", rev: "1.1", doc: {}, gen: 0 })),
  clock: ({ do: _, ...told }) => void Object.assign(clock, told),
  attach: ({ visit, content, role, mime }) =>
    client.attach(visit, new Blob([Buffer.from(content, "base64")], { type: mime }), role),
  enqueue: ({ given: [type, target, args], depends_on: dependsOn = [] }) => client.enqueue(type, target, args, { dependsOn }),
  signed_in: () => client.signedIn(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  let answer;
  try {
    const value = await (orders[order.do] ? orders[order.do](order) : client[order.do](...(order.given ?? [])));
    answer = { value: value ?? null };
  } catch (error) {
    answer = { error: String(error.stack) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
