/** What is to be sent: kept until capture has it, sent in batches, again with the same ids after a failure. What to send, leads.ts says. */

import * as store from "./store";

/** One thing to send: an event of a batch, or the fields of the form that `form` names. */
export interface Item {
  form?: string;
  body: Record<string, unknown>;
}

export type Say = (what: string, ...more: unknown[]) => void;

const MOST_ITEMS = 100;
const MOST_TEXT = 500_000; // characters in all: a tenth of what browsers give a site
const MOST_BYTES = 60_000; // of one request: browsers let 64 KiB go on after the page has gone
const LARGEST_BYTES = 32_000; // of one event, as capture takes it
const WAIT_MS = 200; // for more that may go with it
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 300_000;

const hidden = (): boolean => document.visibilityState === "hidden";
const bytes = (text: string): number => new Blob([text]).size;

/** Each item has a name of its own in the store, so that two tabs never write over each other's. */
export class Queue {
  private readonly flying = new Set<string>();
  private count = 0;
  private failures = 0;
  private timer: number | undefined;
  private open = false; // until the page, and whoever looks at it, agree

  constructor(
    private readonly host: string,
    private readonly key: string,
    private readonly say: Say,
  ) {
    document.addEventListener("visibilitychange", () => (hidden() ? this.leave() : this.soon(0)));
    addEventListener("pagehide", () => this.leave());
    addEventListener("online", () => this.soon(0));
  }

  /** Keeps an item and sends it soon. The oldest go where there are too many. */
  add(item: Item): void {
    const text = JSON.stringify(item);
    if (bytes(text) > LARGEST_BYTES) return this.say("too large, not sent", item);
    store.set(`q.${Date.now()}.${String(this.count++).padStart(6, "0")}.${item.body["messageId"]}`, text);
    const waiting = this.waiting();
    let size = waiting.reduce((sum, name) => sum + (store.get(name) ?? "").length, 0);
    while (waiting.length > MOST_ITEMS || (size > MOST_TEXT && waiting.length > 1)) {
      const oldest = waiting.shift()!;
      size -= (store.get(oldest) ?? "").length;
      store.remove(oldest);
      this.say("too many wait, the oldest is dropped", oldest);
    }
    if (!this.failures) this.soon(item.form ? 0 : WAIT_MS);
  }

  /** From now on things are sent; at once what an earlier page left. */
  start(): void {
    this.open = true;
    this.soon(0);
  }

  /** Sends what waits, after so many milliseconds. */
  private soon(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), ms);
  }

  /** Nothing that waits is sent any more. */
  stop(): void {
    this.open = false;
    store.clear("q.");
  }

  private waiting(): string[] {
    return !this.open ? [] : store.names("q.").filter((name) => !this.flying.has(name));
  }

  private async flush(): Promise<void> {
    if (this.flying.size) return this.soon(WAIT_MS);
    for (let names = this.next(); names.length; names = this.next()) {
      if (!(await this.send(names))) {
        const ms = Math.min(FIRST_RETRY_MS * 2 ** this.failures++, LONGEST_RETRY_MS) * (0.5 + Math.random() / 2);
        this.say(`not delivered, again in ${Math.round(ms)} ms`);
        return this.soon(ms);
      }
      this.failures = 0;
    }
  }

  /** The page goes: everything that fits is sent at once, without waiting for answers. What is not known to have arrived stays, and
   * goes again with the next page: it has the same ids, so it counts once. */
  private leave(): void {
    for (let names = this.next(); names.length; names = this.next()) void this.send(names);
  }

  /** The oldest that may go together: one form, or events up to the limit. */
  private next(): string[] {
    const names: string[] = [];
    let size = 0;
    for (const name of this.waiting()) {
      const text = store.get(name);
      if (text === null) continue; // another tab has sent it
      const form = (JSON.parse(text) as Item).form;
      size += bytes(text);
      if (names.length && (form || size > MOST_BYTES)) break;
      names.push(name);
      if (form) break;
    }
    return names;
  }

  private async send(names: string[]): Promise<boolean> {
    const items = names.map((name) => JSON.parse(store.get(name)!) as Item);
    const common = { writeKey: this.key, sentAt: new Date().toISOString() };
    const form = items[0]!.form;
    const url = this.host + (form ? `/v1/forms/${encodeURIComponent(form)}` : "/v1/batch");
    const body = JSON.stringify(form ? { ...items[0]!.body, ...common } : { ...common, batch: items.map((item) => item.body) });
    names.forEach((name) => this.flying.add(name));
    const status = await deliver(url, body);
    names.forEach((name) => this.flying.delete(name));
    const again = status === 0 || status === 408 || status === 429 || status >= 500;
    if (!again) names.forEach(store.remove);
    this.say(again ? "failed" : status < 300 ? "delivered" : "refused", status, items);
    return !again;
  }
}

/** Posts, and gives the answer's status; 0 where there is none. As text/plain, so that the browser need not ask beforehand. */
async function deliver(url: string, body: string): Promise<number> {
  if (hidden() && !("keepalive" in Request.prototype)) {
    navigator.sendBeacon(url, body); // a fetch would end with the page; of a beacon nobody hears what became of it
    return 0;
  }
  try {
    const headers = { "content-type": "text/plain" };
    return (await fetch(url, { method: "POST", body, headers, keepalive: true, credentials: "omit" })).status;
  } catch {
    return 0;
  }
}
