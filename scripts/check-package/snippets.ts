const fence = /^```ts\n(.*?)^```$/gms;

/** The TypeScript blocks of a document that stand on their own, which is those with imports. */
export function readSnippets(markdown: string): readonly string[] {
  return [...markdown.matchAll(fence)]
    .map((match) => match[1] ?? "")
    .filter((code) => /^import /m.test(code));
}
