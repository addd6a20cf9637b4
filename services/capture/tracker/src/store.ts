/** What is kept in the visitor's browser: in localStorage, or in memory where that is closed or full. Every name begins with `leads.`. */

const PREFIX = "leads.";
const memory = new Map<string, string>();

export function get(name: string): string | null {
  const kept = memory.get(name);
  if (kept !== undefined) return kept;
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function set(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
    memory.delete(name);
  } catch {
    memory.set(name, value);
  }
}

export function remove(name: string): void {
  memory.delete(name);
  try {
    localStorage.removeItem(PREFIX + name);
  } catch {
    // It is not there either.
  }
}

/** The names that begin so, in order. */
export function names(beginning: string): string[] {
  const found = new Set(memory.keys());
  try {
    for (const name of Object.keys(localStorage)) if (name.startsWith(PREFIX)) found.add(name.slice(PREFIX.length));
  } catch {
    // Only what is in memory, then.
  }
  return [...found].filter((name) => name.startsWith(beginning)).sort();
}

/** Forgets everything whose name begins so. */
export function clear(beginning: string): void {
  names(beginning).forEach(remove);
}
