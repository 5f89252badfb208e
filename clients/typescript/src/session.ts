/** Signing in and registering the device: where the client's token comes from. An app may bring its own way. */

import type { Limits } from "./exchange.js";
import type { Storage } from "./storage.js";
import { NoNetwork } from "./wire.js";

interface Kept {
  token: string;
  refreshToken: string;
  deviceId: string;
  limits: Limits;
}

export interface DeviceInfo {
  device_id: string;
  platform: string;
  app_version: string;
  [more: string]: unknown;
}

export class DeviceSession {
  constructor(
    private readonly baseUrl: string,
    private readonly storage: Storage,
    private readonly send: typeof fetch = (...request) => fetch(...request),
  ) {}

  /** Signs the person in and registers this device. Throws when the password is wrong. */
  async signIn(username: string, password: string, device: DeviceInfo): Promise<void> {
    const form = new URLSearchParams({ grant_type: "password", username, password, device_id: device.device_id });
    const { access_token } = await this.post("/oauth/token", form, {});
    const body = JSON.stringify({ rep: 1, ...device });
    const given = await this.post("/v1/devices", body, { Authorization: `Bearer ${access_token}` });
    const { token, refresh_token: refreshToken, limits } = given;
    await this.keep({ token, refreshToken, deviceId: device.device_id, limits });
  }

  /** Undefined: nobody is signed in. */
  kept(): Promise<Kept | undefined> {
    return this.storage.transaction((tx) => tx.get<Kept>("meta", "session"));
  }

  async token(): Promise<string> {
    const kept = await this.kept();
    if (!kept) throw new Error("Nobody is signed in.");
    return kept.token;
  }

  /** Gets a new token. Throws `NoNetwork`, or an error when the person has to sign in again. */
  async refresh(): Promise<void> {
    const kept = await this.kept();
    if (!kept) throw new Error("Nobody is signed in.");
    const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token: kept.refreshToken });
    const given = await this.post("/oauth/token", form, {});
    await this.keep({ ...kept, token: given.access_token, refreshToken: given.refresh_token ?? kept.refreshToken });
  }

  /** Ends the session on this device; reports that were not sent stay where they are. */
  async signOut(): Promise<void> {
    await this.storage.transaction((tx) => tx.delete("meta", "session"));
  }

  private keep(kept: Kept): Promise<void> {
    return this.storage.transaction((tx) => tx.put("meta", "session", kept));
  }

  private async post(path: string, body: URLSearchParams | string, headers: Record<string, string>): Promise<any> {
    const type = typeof body === "string" ? "application/json" : "application/x-www-form-urlencoded";
    const request = { method: "POST", body: String(body), headers: { "Content-Type": type, ...headers } };
    const lost = (error: unknown): never => {
      throw new NoNetwork(String(error));
    };
    const response = await this.send(this.baseUrl + path, { ...request, redirect: "manual" }).catch(lost);
    const given: any = await response.json().catch(lost);
    if (!given || response.status >= 500) throw new NoNetwork(`the server is not well: ${response.status}`);
    if (!response.ok) throw new Error(given.detail ?? given.error_description ?? String(response.status));
    if (!given.access_token && !given.token) throw new NoNetwork("an answer without a token");
    return given;
  }
}
