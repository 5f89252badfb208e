/** Storage of React Native and of Node, over whichever SQLite is there. */

import { type Storage, type Table, type Transaction } from "./storage.js";

export type SqlValue = string | Uint8Array;

/** What is needed of a SQLite library; the README has it for four of them. Answers may be promises or plain values. */
export interface SqliteDriver {
  exec(sql: string, params: SqlValue[]): unknown;
  all(sql: string, params: SqlValue[]): Promise<Record<string, unknown>[]> | Record<string, unknown>[];
  /** Commits when `work` returns, rolls back when it throws. Without it the client says BEGIN and COMMIT itself. */
  transaction?<T>(work: () => Promise<T>): Promise<T>;
}

export class SqliteStorage implements Storage {
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(private readonly driver: SqliteDriver) {}

  static async open(driver: SqliteDriver): Promise<SqliteStorage> {
    await driver.exec(
      `CREATE TABLE IF NOT EXISTS firstfix_records
         (kept_in TEXT NOT NULL, key TEXT NOT NULL, value NOT NULL, PRIMARY KEY (kept_in, key))`,
      [],
    );
    return new SqliteStorage(driver);
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const run = () => work(this.records);
    const mine = this.turn.then(() => this.driver.transaction?.(run) ?? this.begin(run));
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  private async begin<T>(work: () => Promise<T>): Promise<T> {
    await this.driver.exec("BEGIN IMMEDIATE", []);
    try {
      const value = await work();
      await this.driver.exec("COMMIT", []);
      return value;
    } catch (error) {
      await this.driver.exec("ROLLBACK", []);
      throw error;
    }
  }

  private readonly records: Transaction = {
    get: async <T>(table: Table, key: string) => {
      const sql = "SELECT value FROM firstfix_records WHERE kept_in = ? AND key = ?";
      const found = await this.driver.all(sql, [table, key]);
      return found[0] && (read(found[0]["value"]) as T);
    },
    all: async <T>(table: Table) => {
      const found = await this.driver.all("SELECT value FROM firstfix_records WHERE kept_in = ? ORDER BY key", [table]);
      return found.map((row) => read(row["value"]) as T);
    },
    put: async (table, key, value) => {
      const kept = value instanceof Uint8Array ? value : JSON.stringify(value);
      await this.driver.exec("INSERT OR REPLACE INTO firstfix_records VALUES (?, ?, ?)", [table, key, kept]);
    },
    delete: async (table, key) => {
      await this.driver.exec("DELETE FROM firstfix_records WHERE kept_in = ? AND key = ?", [table, key]);
    },
  };
}

/** JSON is kept as text, bytes as they are (some libraries hand them out as an `ArrayBuffer`). */
function read(value: unknown): unknown {
  if (typeof value === "string") return JSON.parse(value);
  return value instanceof Uint8Array ? value : new Uint8Array(value as ArrayBuffer);
}
