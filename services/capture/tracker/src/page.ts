/** Where the visitor is and how they came: the page, its campaign and click ids, and when another page begins. */

/** How a visitor came, as lead.captured words it. */
export interface Touch {
  at: string;
  landing_page: string;
  referrer?: string;
  campaign?: Record<string, string>;
  click_ids?: Record<string, string>;
}

// As capture reads them from a page's address (shared/origin.py); a test compares the two.
const CLICK_IDS = /^(gclid|gbraid|wbraid|dclid|msclkid|fbclid|li_fat_id|ttclid|twclid|rdt_cid|epik|sccid|yclid|qclid|tblci|obclid|irclickid|cjevent|awc|srsltid|mc_cid|mc_eid|_hsenc|_hsmi|mkt_tok|_kx|igshid)$/i;
const UTM: Record<string, string> = {
  utm_source: "source",
  utm_medium: "medium",
  utm_campaign: "name",
  utm_term: "term",
  utm_content: "content",
  utm_id: "id",
  utm_source_platform: "source_platform",
  utm_creative_format: "creative_format",
  utm_marketing_tactic: "marketing_tactic",
};

/** The page's address without what stands behind `#`. */
export const here = (): string => location.href.replace(/#.*/, "");

/** How the visitor came to this page. */
export function touch(): Touch {
  const found: Touch = { at: new Date().toISOString(), landing_page: here() };
  if (document.referrer) found.referrer = document.referrer;
  new URLSearchParams(location.search).forEach((value, name) => {
    const field = UTM[name];
    if (field) (found.campaign ??= {})[field] = value;
    else if (CLICK_IDS.test(name)) (found.click_ids ??= {})[name.toLowerCase()] = value;
  });
  return found;
}

/** Calls `changed` with the address before, whenever scripts or the visitor go to another page without loading one, and when the
 * browser shows a page again that it had put aside. */
export function watch(changed: (before: string) => void): void {
  let last = here();
  const look = (): void => {
    const before = last;
    last = here();
    if (last !== before) changed(before);
  };
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = function (this: History, ...given: Parameters<History["pushState"]>): void {
      original.apply(this, given);
      setTimeout(look); // after the script has set the title
    };
  }
  addEventListener("popstate", () => setTimeout(look));
  addEventListener("pageshow", (shown) => {
    if (shown.persisted) changed(document.referrer);
  });
}
