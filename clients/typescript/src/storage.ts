/** Six tables of keys and values in which everything is kept that must survive. Nothing else is ever written. */

export const TABLES = ["outbox", "replica", "meta", "attention", "files", "bytes"] as const;
export type Table = (typeof TABLES)[number];

/** What one transaction may do. A value is JSON; in `bytes` it is a `Uint8Array`. */
export interface Transaction {
  get<T>(table: Table, key: string): Promise<T | undefined>;
  all<T>(table: Table): Promise<T[]>;
  put(table: Table, key: string, value: unknown): Promise<void>;
  delete(table: Table, key: string): Promise<void>;
}

/**
 * Either everything that `work` wrote is kept, or, when it throws, nothing. Transactions run one after the other.
 * `work` awaits its transaction only: IndexedDB ends a transaction that waits for anything else.
 */
export interface Storage {
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}

/** Nothing survives the page: for tests. */
export class MemoryStorage implements Storage {
  private tables = new Map<Table, Map<string, unknown>>(TABLES.map((table) => [table, new Map()]));
  private turn: Promise<unknown> = Promise.resolve();

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const mine = this.turn.then(() => this.run(work));
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  private async run<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const copy = new Map(TABLES.map((table) => [table, new Map(this.tables.get(table))]));
    const value = await work({
      get: async <V>(table: Table, key: string) => structuredClone(copy.get(table)!.get(key)) as V | undefined,
      all: async <V>(table: Table) => [...copy.get(table)!.values()].map((one) => structuredClone(one)) as V[],
      put: async (table, key, one) => void copy.get(table)!.set(key, structuredClone(one)),
      delete: async (table, key) => void copy.get(table)!.delete(key),
    });
    this.tables = copy;
    return value;
  }
}
