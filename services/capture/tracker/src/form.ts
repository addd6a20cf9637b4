/** What a form says: only fields that its page lists, never passwords, cards, or what the page asks to leave out. */

export type Fields = Record<string, string | string[]>;

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

const NO_TYPE = /^(password|file|submit|button|image|reset)$/;
const NO_AUTOCOMPLETE = /(^| )(cc-|current-password|new-password|one-time-code)/;
const NO_NAME = /pass(word|wd|code|phrase)|^(pass|pwd|pw|pin|otp)$|cvv|cvc|card.?(num|no|code)|credit.?card|iban|^ssn$|token$/i;

/** The name of an opted-in form (`data-leads-form="demo"`, else its id or name) as capture takes it; null for every other form. */
export function nameOf(form: HTMLFormElement): string | null {
  const given = form.getAttribute("data-leads-form");
  if (given === null) return null;
  const name = given || form.id || form.getAttribute("name") || "form";
  return name.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "").slice(0, 100) || "form";
}

/** The fields that `data-leads-fields` lists, as they are filled in. */
export function read(form: HTMLFormElement): Fields {
  const listed = (form.getAttribute("data-leads-fields") ?? "").split(/[\s,]+/);
  const found: Fields = {};
  for (const element of Array.from(form.elements)) {
    const control = element as Control;
    if (!control.name || !listed.includes(control.name) || withheld(control)) continue;
    for (const value of values(control)) {
      if (!value || isCard(value)) continue;
      const before = found[control.name];
      found[control.name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
    }
  }
  return found;
}

function withheld(control: Control): boolean {
  return (
    control.disabled ||
    NO_TYPE.test(control.type) ||
    NO_AUTOCOMPLETE.test(control.autocomplete ?? "") ||
    NO_NAME.test(control.name) ||
    control.closest("[data-leads-hide]") !== null
  );
}

function values(control: Control): string[] {
  if (control instanceof HTMLSelectElement) return Array.from(control.selectedOptions, (option) => option.value);
  const box = control.type === "checkbox" || control.type === "radio";
  return box && !(control as HTMLInputElement).checked ? [] : [control.value];
}

/** Whether a text is a payment card's number: 13 to 19 digits with the check digit of ISO/IEC 7812-1 (Luhn). */
function isCard(value: string): boolean {
  if (!/^[ \d-]{13,30}$/.test(value)) return false;
  const digits = value.replace(/\D/g, "");
  let sum = 0;
  for (let at = 0; at < digits.length; at++) {
    const digit = Number(digits[digits.length - 1 - at]) * (at % 2 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return digits.length > 12 && digits.length < 20 && sum % 10 === 0;
}
