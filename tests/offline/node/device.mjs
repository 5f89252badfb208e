// A device in a test's hand: one order a line on stdin, one answer a line on stdout. Between it and the server there
// is a network that can be down, or lose answers after the server has done the work.
import { createInterface } from "node:readline";

export const network = { url: "", token: "", down: false, lose: 0, calls: [] };

export async function call(method, path, body) {
  if (network.down) throw new TypeError("fetch failed");
  const response = await fetch(`${network.url}/v1/adapters/${path}`, {
    method,
    headers: { authorization: `Bearer ${network.token}`, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  network.calls.push({ method, path: path.split("?")[0], status: response.status });
  if (response.headers.get("sync-protocol") !== "1") throw new TypeError("this is somebody else's network");
  if (method === "POST" && network.lose > 0) {
    network.lose -= 1;
    await response.arrayBuffer();
    throw new TypeError("the connection broke before the answer came");
  }
  return response;
}

/** The answer, or an error for the library to come back later. */
export async function json(response) {
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return response.json();
}

export async function obey(orders) {
  const all = { network: (told) => void Object.assign(network, told), calls: () => network.calls.splice(0), ...orders };
  for await (const line of createInterface({ input: process.stdin })) {
    const { do: name, ...told } = JSON.parse(line);
    let answer;
    try {
      answer = { value: (await all[name](told)) ?? null };
    } catch (error) {
      answer = { error: error.stack ?? String(error) };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
  process.exit(0);
}
