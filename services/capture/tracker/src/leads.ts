/** leads.js, the tracker: what a page may call, and whether anything may be kept or sent. See "Send events" in the README. */

import { nameOf, read, type Fields } from "./form";
import { here, touch, watch } from "./page";
import { Queue, type Item } from "./queue";
import * as store from "./store";

type Traits = Record<string, unknown>;

/** Consent as the page got it; all of it may be absent. */
interface Consent {
  purposes?: Record<string, boolean>;
  text?: string;
  version?: string;
  basis?: string;
}

interface Leads {
  page(name?: string, properties?: Traits): void;
  track(event: string, properties?: Traits): void;
  identify(userId?: string | Traits | null, traits?: Traits): void;
  form(name: string, fields: Fields): void;
  consent(given?: boolean | Consent): void;
  reset(): void;
  debug(on?: boolean): void;
  q?: [keyof Leads, ...unknown[]][];
}

declare global {
  interface Window {
    leads?: Leads;
  }
  interface Navigator {
    globalPrivacyControl?: boolean;
  }
  interface Document {
    prerendering?: boolean;
  }
}

const MOST_HELD = 100;

function start(script: HTMLScriptElement): void {
  const said = script.dataset;
  const host = said["host"] ?? new URL(script.src).origin;
  let talks = said["debug"] !== undefined;
  const say = (...what: unknown[]): void => {
    if (talks) console.info("leads:", ...what);
  };
  const queue = new Queue(host, said["key"] ?? "", say);
  const landing = touch();
  let held: Item[] = [];
  let referrer = document.referrer;
  // May anything be kept and sent? Undefined: the page has not said so yet, and what happens waits in memory.
  let may: boolean | undefined;
  let agreed: Consent = {};
  let user: string | undefined;

  const put = (item: Item): void => {
    if (may) {
      let id = store.get("id");
      if (!id) store.set("id", (id = newId()));
      queue.add({ ...item, body: { anonymousId: id, userId: user, ...item.body } });
    } else if (may === undefined && held.length < MOST_HELD) {
      held.push(item);
    } else {
      say("not kept and not sent", item);
    }
  };
  const around = (): Record<string, unknown> => ({
    locale: navigator.language,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  });
  const named = (): Record<string, unknown> => ({ messageId: newId(), timestamp: new Date().toISOString() });
  // With what tells who somebody is goes how they first came, and what they agreed to.
  const firstTouch = (): Record<string, unknown> => ({ first_touch: JSON.parse(store.get("first") ?? "null") ?? landing });
  const consented = (): Record<string, unknown> => (agreed.purposes ? { consent: agreed } : {});
  const event = (type: string, more: Record<string, unknown>): void => {
    const page = { url: here(), referrer, title: document.title };
    put({ body: { type, ...named(), ...more, context: { page, ...around() } } });
  };

  const allow = (): void => {
    may = true;
    if (!store.get("first")) store.set("first", JSON.stringify(landing));
    if (user) store.set("user", user);
    else user = store.get("user") ?? undefined;
    const waited = held;
    held = [];
    queue.start();
    waited.forEach(put);
  };
  const forbid = (): void => {
    may = false;
    held = [];
    queue.stop();
    store.clear("");
  };

  const leads: Leads = {
    page: (name, properties) => event("page", { name, properties }),
    track: (name, properties) => event("track", { event: name, properties }),
    identify(userId, traits) {
      if (typeof userId === "string" && userId) {
        user = userId;
        if (may) store.set("user", user);
      }
      const about = traits ?? (typeof userId === "object" ? userId : undefined);
      event("identify", { userId: user, traits: about, properties: firstTouch(), ...consented() });
    },
    form(name, fields) {
      const where = { page_url: here(), page_title: document.title, referrer };
      put({ form: name, body: { ...fields, ...named(), ...where, ...around(), ...firstTouch(), ...consented() } });
    },
    consent(given = true) {
      if (objects()) return say("the browser objects (GPC or DNT): consent changes nothing");
      if (!given) {
        forbid();
        store.set("consent", "no");
        return say("consent refused or withdrawn: everything is forgotten");
      }
      agreed = given === true ? {} : given;
      store.set("consent", JSON.stringify(agreed));
      say("consent given");
      allow();
      if (agreed.purposes) leads.identify();
    },
    reset() {
      held = [];
      user = undefined;
      ["id", "user", "first"].forEach(store.remove);
      say("forgotten who this is");
    },
    debug(on = true) {
      talks = on;
    },
  };

  const known = store.get("consent");
  if (objects()) {
    forbid();
    say("the browser objects (GPC or DNT): nothing is kept or sent");
  } else if (known === "no") {
    may = false;
  } else if (known) {
    agreed = JSON.parse(known) as Consent;
    allow();
  } else if (said["consent"] === "granted") {
    allow();
  }

  const early = window.leads?.q ?? [];
  window.leads = leads;
  if (said["pages"] !== "off") {
    leads.page();
    watch((before) => {
      referrer = before;
      leads.page();
    });
  }
  for (const [name, ...given] of early) (leads[name] as ((...given: unknown[]) => void) | undefined)?.(...given);

  const submitted = ({ target }: Event): void => {
    const name = target instanceof HTMLFormElement && nameOf(target);
    // One that posts to capture itself arrives without us.
    if (name && !(target.getAttribute("action") ?? "").startsWith(`${host}/v1/forms/`)) leads.form(name, read(target));
  };
  addEventListener("submit", submitted, true); // before the page's own scripts, which may empty the form
}

/** Whether the browser says that its user does not want to be tracked (Global Privacy Control, Do Not Track). */
function objects(): boolean {
  return navigator.globalPrivacyControl === true || navigator.doNotTrack === "1";
}

/** A random UUID. Pages without https have no randomUUID. */
function newId(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  const numbers = crypto.getRandomValues(new Uint8Array(16));
  numbers[6] = (numbers[6]! & 0x0f) | 0x40;
  numbers[8] = (numbers[8]! & 0x3f) | 0x80;
  const digits = Array.from(numbers, (number) => number.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

const script = document.currentScript;
if (script instanceof HTMLScriptElement) {
  if (document.prerendering) document.addEventListener("prerenderingchange", () => start(script), { once: true });
  else start(script);
}
