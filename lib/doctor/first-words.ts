/**
 * As many words of a text as there is room for. None is cut in two: of a secret that was, the part that is left
 * could not be told from any other word.
 */
export function firstWords(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text;
  const words = text.slice(0, maxCharacters + 1).replace(/\S+$/, "");
  return `${words.trimEnd()} …`.trimStart();
}
