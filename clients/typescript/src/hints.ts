/** The server's hints, read from a stream: each one means "pull now" and says nothing else. */

import type { Wire } from "./wire.js";

/** Listens until `signal`; a lost connection is opened again after `backOff`. Where streams cannot be read: never. */
export async function listen(
  wire: Wire,
  hint: () => void,
  backOff: (failures: number) => number,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      const response = await wire.open("/v1/sync/hints", { Accept: "text/event-stream" }, signal);
      if (response.ok && response.headers.get("sync-protocol") !== null) {
        if (!response.body) return;
        failures = 0;
        await read(response.body, hint);
      }
    } catch {
      // No network, or told to stop; the polls go on.
    }
    if (!signal.aborted) await pause(backOff(failures), signal);
  }
}

async function read(body: ReadableStream<Uint8Array>, hint: () => void): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  for (let rest = ""; ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop()!;
    if (lines.some((line) => line.startsWith("event: head"))) hint();
  }
}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
