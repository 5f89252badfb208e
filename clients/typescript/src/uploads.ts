/** Files on their way up: signatures first, resumed where they broke off (tus 1.0.0), a small one in a single PUT. */

import type { Device } from "./device.js";
import { type Doc, dropFile, stateOf } from "./replica.js";
import type { Storage, Transaction } from "./storage.js";
import { Refused, type Wire } from "./wire.js";

/** A file whose link is on its way (`waiting`) or accepted (`linked`); `refused` ones need a person. */
export interface FileRow {
  id: string;
  visit: string;
  role: string;
  mime: string;
  bytes: number;
  sha256: string;
  state: "waiting" | "linked" | "refused";
  /** Where the server wants it; null: the usual address. */
  url: string | null;
  /** The tus upload that was begun. */
  upload: string | null;
  code?: string;
}

export interface UploadOptions {
  chunkBytes: number;
  /** True where bytes cost money: then only what a closure needs is sent. */
  metered: () => boolean;
  /** Called when a file is stored, or refused. */
  changed: () => void;
}

const ONE_PUT = 1024 * 1024;
const STRIKES = 3;
const TUS = { "Tus-Resumable": "1.0.0" };
/** These get better by waiting or by another way; any other 4xx is the server's last word on a file. */
const PASSING = new Set([401, 403, 408, 409, 423, 425, 426, 429]);
/** These get better when the upload is looked at again: another offset, bytes that were damaged on the way. */
const MENDED = new Set([409, 460]);

export class Uploads {
  constructor(
    private readonly wire: Wire,
    private readonly storage: Storage,
    private readonly device: Device,
    private readonly options: UploadOptions,
  ) {}

  /** Sends what is linked until nothing is left or `interrupted`: reports go before files. */
  async tick(interrupted: () => boolean): Promise<void> {
    for (const file of await this.storage.transaction((tx) => this.due(tx))) {
      if (interrupted()) return;
      this.device.step("file");
      try {
        if (!(await this.send(file, interrupted))) return;
        await this.storage.transaction((tx) => dropFile(tx, file.id));
      } catch (error) {
        if (!(error instanceof Refused) || error.status >= 500 || PASSING.has(error.status)) throw error;
        await this.save({ ...file, state: "refused", code: error.problem.code ?? String(error.status) });
      }
      this.options.changed();
    }
  }

  private async due(tx: Transaction): Promise<FileRow[]> {
    if ((await stateOf(tx)).revoked) return [];
    const due: FileRow[] = [];
    for (const file of await tx.all<FileRow>("files")) {
      if (file.state !== "linked") continue;
      const job = await tx.get<{ doc: Doc }>("replica", `job|${file.visit}`);
      if (!this.options.metered() || isNeeded(file.role, job?.doc["closure"]?.["required"] ?? [])) due.push(file);
    }
    return due.sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
  }

  private async send(file: FileRow, interrupted: () => boolean): Promise<boolean> {
    const bytes = await this.storage.transaction((tx) => tx.get<Uint8Array>("bytes", file.id));
    if (!bytes) return true;
    if (bytes.length > ONE_PUT) return this.resume(file, bytes, interrupted);
    const path = file.url ? this.wire.path(file.url) : `/v1/attachments/${file.id}/content`;
    await this.insist(() => this.wire.request("PUT", path, { headers: { "Content-Type": file.mime }, body: bytes }));
    return true;
  }

  private async resume(file: FileRow, bytes: Uint8Array, interrupted: () => boolean): Promise<boolean> {
    let offset = file.upload ? await this.offset(file.upload) : null;
    const upload = file.upload && offset !== null ? file.upload : await this.begin(file);
    offset ??= 0;
    for (let strikes = 0; offset < bytes.length; ) {
      if (interrupted()) return false;
      this.device.step("chunk");
      try {
        offset = await this.patch(upload, bytes.subarray(offset, offset + this.options.chunkBytes), offset);
        strikes = 0;
      } catch (error) {
        if (!(error instanceof Refused) || !MENDED.has(error.status) || ++strikes >= STRIKES) throw error;
        offset = (await this.offset(upload)) ?? 0;
      }
    }
    return true;
  }

  /** The upload's address. Safe to repeat: the server knows an upload by its attachment. */
  private async begin(file: FileRow): Promise<string> {
    const metadata = Object.entries({ attachment_id: file.id, sha256: file.sha256, filetype: file.mime });
    const told = metadata.map(([name, value]) => `${name} ${btoa(value)}`).join(",");
    const headers = { ...TUS, "Upload-Length": String(file.bytes), "Upload-Metadata": told };
    const answer = await this.wire.request("POST", "/v1/uploads", { headers });
    const upload = this.wire.path(answer.headers.get("location") ?? "");
    await this.save({ ...file, upload });
    return upload;
  }

  /** How far the server got; null when it knows nothing of this upload any more. */
  private async offset(upload: string): Promise<number | null> {
    try {
      return reached(await this.wire.request("HEAD", upload, { headers: TUS }));
    } catch (error) {
      if (error instanceof Refused && (error.status === 404 || error.status === 410)) return null;
      throw error;
    }
  }

  private async patch(upload: string, chunk: Uint8Array, offset: number): Promise<number> {
    const type = { "Content-Type": "application/offset+octet-stream" };
    const headers = { ...TUS, ...type, "Upload-Offset": String(offset) };
    return reached(await this.wire.request("PATCH", upload, { headers, body: chunk }));
  }

  /** Bytes that were damaged on the way (460) are sent again, a few times. */
  private async insist(send: () => Promise<unknown>): Promise<void> {
    for (let strikes = 1; ; strikes++) {
      try {
        await send();
        return;
      } catch (error) {
        if (!(error instanceof Refused) || error.status !== 460 || strikes >= STRIKES) throw error;
      }
    }
  }

  private save(file: FileRow): Promise<void> {
    return this.storage.transaction((tx) => tx.put("files", file.id, file));
  }
}

function reached(answer: { status: number; headers: Headers }): number {
  const offset = answer.headers.get("upload-offset");
  if (offset === null) throw new Refused(502, { detail: "an upload without an offset" });
  return Number(offset);
}

/** Signatures, photos, other files, video; in the order in which they were made. */
function rank({ role, mime }: FileRow): number {
  if (role.startsWith("signature")) return 0;
  if (mime.startsWith("image/")) return 1;
  return mime.startsWith("video/") ? 3 : 2;
}

/** A closure asks for a `signature`, a `signature:customer`, a `photo`, a `photo:after`, or a role by its name. */
function isNeeded(role: string, required: string[]): boolean {
  const kind = role.split(":")[0]!;
  return kind === "signature" || required.some((word) => word === role || word === kind || word === `photo:${role}`);
}
