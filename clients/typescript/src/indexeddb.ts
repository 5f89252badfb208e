/** Storage of a browser. */

import { TABLES, type Storage, type Transaction } from "./storage.js";

export class IndexedDbStorage implements Storage {
  private constructor(private readonly database: IDBDatabase) {}

  /** One database for each person who signs in on this device: `name` says whose it is. */
  static async open(name = "firstfix"): Promise<IndexedDbStorage> {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => TABLES.forEach((table) => opening.result.createObjectStore(table));
    const database = await answer(opening);
    database.onversionchange = () => database.close();
    return new IndexedDbStorage(database);
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    // Strict: on the disk, not in a buffer that a dying battery takes along.
    const open = this.database.transaction(TABLES, "readwrite", { durability: "strict" });
    const ended = new Promise<void>((resolve, reject) => {
      open.oncomplete = () => resolve();
      open.onabort = () => reject(open.error ?? new Error("The transaction was given up."));
    });
    try {
      const value = await work({
        get: (table, key) => answer(open.objectStore(table).get(key)),
        all: (table) => answer(open.objectStore(table).getAll()),
        put: async (table, key, value) => void (await answer(open.objectStore(table).put(value, key))),
        delete: async (table, key) => void (await answer(open.objectStore(table).delete(key))),
      });
      await ended;
      return value;
    } catch (error) {
      try {
        open.abort();
      } catch {
        // It has ended already.
      }
      await ended.catch(() => undefined);
      throw error;
    }
  }

  close(): void {
    this.database.close();
  }
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
