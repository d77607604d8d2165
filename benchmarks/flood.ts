// The shape of the flood: ids and pieces of text are as long as those of the real server.

export const threadId = "019b2f6c-31d4-7a10-9c55-6f0d8f1c2a77";
export const turnId = "019b2f6c-3b92-7e41-8d0a-2c4b9e7f5d13";
export const itemId = "item-1";

const words = ["the", "build", "fails", "since", "one", "import", "names", "no", "file", "that is"];

/** `count` notification lines of about 210 bytes, each with its newline. */
export function deltaLines(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const params = { threadId, turnId, itemId, delta: ` ${words[index % words.length] ?? ""}` };
    const emittedAtMs = 1_783_000_000_000 + index;
    return `${JSON.stringify({ method: "item/agentMessage/delta", params, emittedAtMs })}\n`;
  });
}
