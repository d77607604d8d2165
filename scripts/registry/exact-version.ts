/** Whether a text is one exact version, and no range or tag. */
export function isExactVersion(text: string): boolean {
  return /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(text);
}
