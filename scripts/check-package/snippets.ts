const fence = /^```ts\n(.*?)^```$/gms;
/** Names of the same language, whose blocks would look checked and be passed over. */
const unread = /^```(?:tsx|typescript|js|javascript)\b/m;

/** The TypeScript blocks of a document that stand on their own, which is those with imports. */
export function readSnippets(markdown: string): readonly string[] {
  if (unread.test(markdown)) throw new Error("A block of code is not named ts.");
  return [...markdown.matchAll(fence)]
    .map((match) => match[1] ?? "")
    .filter((code) => /^import /m.test(code));
}
