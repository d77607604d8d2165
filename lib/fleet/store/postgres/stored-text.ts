/** Any text as one that PostgreSQL stores, which knows no NUL. */
export function toText(text: string): string {
  return JSON.stringify(text);
}

export function fromText(stored: string): string {
  return JSON.parse(stored) as string;
}
