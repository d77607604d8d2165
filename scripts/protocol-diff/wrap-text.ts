const width = 110;

/** A bullet of a Markdown list, in lines of about 110 characters. */
export function bullet(text: string): string {
  const lines: string[] = [];
  let line = "-";
  for (const word of wordsOf(text)) {
    // A line must not begin with what Markdown takes for something else.
    const isMark = /^([-+*#>=]|\d+[.)]$)/.test(word);
    if (line.length + 1 + word.length > width && line.trim() !== "-" && !isMark) {
      lines.push(line);
      line = ` `;
    }
    line += ` ${word}`;
  }
  return [...lines, line].join("\n");
}

/** Code stays in one piece, with what is written to it. */
function wordsOf(text: string): string[] {
  return text.match(/(?:`[^`]*`|[^\s`])+/g) ?? [];
}

/** Code in Markdown, cut where it is long. */
export function code(text: string, longest = 90): string {
  const short = text.length > longest ? `${text.slice(0, longest).trimEnd()} …` : text;
  return `\`${short.replaceAll("`", "'")}\``;
}

/** Two texts as code that differ: of long ones, what lies around the first difference. */
export function codePair(one: string, other: string, longest = 90): [string, string] {
  let same = 0;
  while (same < one.length && one[same] === other[same]) same += 1;
  // Enough is left in front to know the place by.
  const from = same < longest - 30 ? 0 : same - 30;
  const cut = (text: string): string => code(`${from > 0 ? "… " : ""}${text.slice(from)}`, longest);
  return [cut(one), cut(other)];
}

/** `a`, `a and b`, `a, b and c`, or `a, b and 7 more`. */
export function listText(items: readonly string[], most = items.length): string {
  const shown = items.length > most + 1 ? items.slice(0, most) : [...items];
  const rest = items.length - shown.length;
  const last = rest > 0 ? `${rest} more` : shown.pop();
  if (last === undefined) return "";
  return shown.length === 0 ? last : `${shown.join(", ")} and ${last}`;
}
