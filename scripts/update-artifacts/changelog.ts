/** Stands before and after the text about the protocol, and says from which release it starts. */
const block =
  /^<!-- codex (\S+) to (\S+): [^\n]*-->\n[\s\S]*?^<!-- end of codex \S+ to \S+ -->\n?/m;
const anyHeading = /^## /m;
const unreleasedHeading = /^## \[?unreleased\]?.*$/im;

/** From one release of the runtime to another. */
export interface Step {
  readonly from: string;
  readonly to: string;
}

/** Which step the Unreleased section tells of; `undefined` where it tells of none. */
export function readStep(changelog: string): Step | undefined {
  const [, from, to] = block.exec(split(toLines(changelog)).section) ?? [];
  return from === undefined || to === undefined ? undefined : { from, to };
}

/**
 * The changelog with a text about the protocol in its Unreleased section, in the place of the one that is
 * there. The section is made where there is none. A step that leads nowhere takes the text away.
 */
export function putStep(changelog: string, { from, to }: Step, text: string): string {
  const { before, section, after } = split(toLines(changelog));
  const rest = section.replace(block, "").replace(/\n*$/, "\n");
  const note = "npm run update-artifacts writes this anew until the next release";
  const lines =
    from === to
      ? []
      : [
          `<!-- codex ${from} to ${to}: ${note} -->`,
          "",
          `### Protocol: codex ${from} to ${to}`,
          "",
          text.trim(),
          "",
          `<!-- end of codex ${from} to ${to} -->`,
          "",
        ];
  const made = [rest, ...lines].join("\n");
  const updated = `${before}${made}${after === "" ? "" : "\n"}${after}`;
  return isCrlf(changelog) ? updated.replaceAll("\n", "\r\n") : updated;
}

/** The text of the Unreleased section with its heading, and what stands around it. */
function split(changelog: string): { before: string; section: string; after: string } {
  const found = unreleasedHeading.exec(changelog);
  if (!found) {
    const next = anyHeading.exec(changelog);
    const at = next?.index ?? changelog.length;
    const before = changelog.slice(0, at);
    const gap =
      before === "" || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
    return { before: before + gap, section: "## [Unreleased]\n", after: changelog.slice(at) };
  }
  const start = found.index + found[0].length;
  // A heading inside of our own text is not the next release's.
  const ours = block.exec(changelog.slice(start));
  const next = anyHeading.exec(changelog.slice(start));
  const isInside =
    ours && next && next.index > ours.index && next.index < ours.index + ours[0].length;
  const from = isInside ? start + ours.index + ours[0].length : start;
  const end = anyHeading.exec(changelog.slice(from));
  const at = end ? from + end.index : changelog.length;
  return {
    before: changelog.slice(0, found.index),
    section: changelog.slice(found.index, at),
    after: changelog.slice(at),
  };
}

function toLines(text: string): string {
  return isCrlf(text) ? text.replaceAll("\r\n", "\n") : text;
}

/** Whether all lines of a text end as on Windows. */
export function isCrlf(text: string): boolean {
  return /\r\n/.test(text) && !/(^|[^\r])\n/.test(text);
}
