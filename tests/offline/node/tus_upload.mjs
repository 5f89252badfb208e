// Uploads a file with the tus client as it is on npm, as an app would. JSON in on stdin, JSON out on stdout:
// {"endpoint", "token", "attachment_id", "path", "retries"} -> {"url", "requests", "failures"}
import { createReadStream, readFileSync } from "node:fs";
import { Upload } from "tus-js-client";

const order = JSON.parse(readFileSync(0, "utf8"));
const seen = { url: null, requests: [], failures: 0 };

const upload = new Upload(createReadStream(order.path), {
  endpoint: order.endpoint,
  headers: { Authorization: `Bearer ${order.token}` },
  metadata: { attachment_id: order.attachment_id },
  retryDelays: Array(order.retries).fill(50),
  onBeforeRequest: (request) => {
    seen.requests.push(request.getMethod());
  },
  onShouldRetry: () => {
    seen.failures += 1;
    return true;
  },
  onError: (error) => {
    console.error(error);
    process.exit(1);
  },
  onSuccess: () => {
    console.log(JSON.stringify({ ...seen, url: upload.url }));
    process.exit(0);
  },
});
upload.start();
