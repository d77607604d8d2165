import type { Recording } from "./recording.js";

/** Characters in a line. */
const columns = 92;
const lineHeight = 20;
const padding = 18;
/** The height of the bar at the top. */
const bar = 30;
/** How long the command line stands alone before the program prints (ms). */
const lead = 800;

/** What the first character of a line says of it, as a class of the style sheet. */
const kinds: Readonly<Record<string, string>> = {
  $: "dim",
  ">": "user",
  "?": "ask",
  "+": "good",
  "-": "bad",
  "@": "dim",
  "#": "tool",
  "✓": "good",
  "✗": "bad",
};

const style = [
  "text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d4d9e0;white-space:pre}",
  ".dim{fill:#8b949e}.user{fill:#fff;font-weight:700}.ask{fill:#f2cc60}",
  ".good{fill:#56d364}.bad{fill:#ff8f85}.tool{fill:#79c0ff}",
  // Each piece is hidden until its time, so that a viewer that cannot animate shows them all.
  "@keyframes wait{from,to{visibility:hidden}}tspan{animation:wait 0s}",
  "@media (prefers-reduced-motion:reduce){tspan{animation:none!important}}",
].join("\n");

type Piece = readonly [milliseconds: number, text: string];

/** The recording as an animated picture. The same recording gives the same text. */
export function render(recording: Recording): string {
  const command: Piece[] = [[0, `$ npx tsx examples/${recording.example}`]];
  const lines = [command, ...linesOf(recording)].flatMap(wrap);
  const width = columns * 8 + 2 * padding;
  const height = bar + lines.length * lineHeight + padding;
  const size = `width="${width}" height="${height}"`;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>A terminal in which examples/${recording.example} runs</title>`,
    `<style>\n${style}\n</style>`,
    `<rect ${size} rx="8" fill="#161b22" stroke="#444c56"/>`,
    ...["#ff5f57", "#febc2e", "#28c840"].map(
      (color, index) => `<circle cx="${22 + 18 * index}" cy="19" r="5.5" fill="${color}"/>`,
    ),
    ...lines.map((line, index) => textElement(line, bar + (index + 1) * lineHeight)),
    "</svg>",
  ].join("\n")}\n`;
}

/** The pieces of each line. */
function linesOf({ pieces }: Recording): Piece[][] {
  const lines: Piece[][] = [[]];
  for (const [time, text] of pieces) {
    for (const [index, part] of text.split("\n").entries()) {
      if (index > 0) lines.push([]);
      if (part !== "") lines.at(-1)?.push([time + lead, part]);
    }
  }
  while (lines.at(-1)?.length === 0) lines.pop();
  return lines;
}

/** A line that is too long goes on in the next one. */
function wrap(line: readonly Piece[]): Piece[][] {
  const lines: Piece[][] = [[]];
  let left = columns;
  for (const [time, text] of line.flatMap(inWords)) {
    if (text.trimEnd().length > left && left < columns) {
      lines.push([]);
      left = columns;
    }
    lines.at(-1)?.push([time, text]);
    left -= text.length;
  }
  return lines;
}

/** The words of a piece that no line has room for; every other piece as it is. */
function inWords([time, text]: Piece): Piece[] {
  if (text.length <= columns) return [[time, text]];
  return text.split(/(?<= )/).map((word) => [time, word]);
}

function textElement(line: readonly Piece[], y: number): string {
  const kind = kinds[line[0]?.[1][0] ?? ""];
  const spans = line.map(([time, text]) => {
    if (time === 0) return escape(text);
    return `<tspan style="animation-duration:${time}ms">${escape(text)}</tspan>`;
  });
  const attribute = kind === undefined ? "" : ` class="${kind}"`;
  return `<text x="${padding}" y="${y}"${attribute} xml:space="preserve">${spans.join("")}</text>`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
