type Show = (path: string) => string;

const hunk = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/;
const moved = /\n+Moved to: [^\n]*\n?$/;

/**
 * A unified diff with the paths in its headers as `show` gives them. The lines of its hunks stay as they are,
 * whatever they look like.
 */
export function visibleDiff(diff: string, show: Show): string {
  let removed = 0;
  let added = 0;
  const lines = diff.split("\n");
  for (const [index, line] of lines.entries()) {
    if (removed > 0 || added > 0) {
      const [sign = " "] = line;
      if (sign !== "+" && sign !== "\\") removed -= 1;
      if (sign !== "-" && sign !== "\\") added -= 1;
      continue;
    }
    const counts = hunk.exec(line);
    if (counts) {
      removed = Number(counts[1] ?? 1);
      added = Number(counts[2] ?? 1);
    } else {
      lines[index] = visibleHeader(line, show);
    }
  }
  return lines.join("\n");
}

/** The diff of one file that is updated: the server writes behind it where the file is moved. */
export function visibleUpdate(diff: string, show: Show): string {
  return visibleDiff(diff.replace(moved, "\n"), show);
}

function visibleHeader(line: string, show: Show): string {
  if (line.startsWith("diff --git ")) return visibleGitLine(line, show);
  const [, start = "", path = ""] =
    /^(--- |\+\+\+ |(?:rename|copy) (?:from|to) )(.+)$/.exec(line) ?? [];
  if (start !== "") return start + showPrefixed(path, show);
  const [, one = "", other = ""] = /^Binary files (.+) and (.+) differ$/.exec(line) ?? [];
  if (one === "") return line;
  return `Binary files ${showPrefixed(one, show)} and ${showPrefixed(other, show)} differ`;
}

function visibleGitLine(line: string, show: Show): string {
  const both = line.slice("diff --git ".length);
  // Names may have spaces; mostly both are the same.
  const middle = (both.length - 1) / 2;
  const isSame = both[middle] === " " && both.slice(1, middle) === `/${both.slice(middle + 3)}`;
  const split = isSame ? middle : both.search(/ "?b\/(?!.* "?b\/)/);
  if (split < 0) return `diff --git ${showPrefixed(both, show)}`;
  const [one, other] = [both.slice(0, split), both.slice(split + 1)];
  return `diff --git ${showPrefixed(one, show)} ${showPrefixed(other, show)}`;
}

/** A path with `a/` or `b/` before it, perhaps in quotes, or with a time behind it. */
function showPrefixed(written: string, show: Show): string {
  const [, quote = "", prefix = "", path = ""] =
    /^("?)((?:[ab]\/)?)([^\t]*?)"?(?:\t.*)?$/.exec(written) ?? [];
  if (path === "/dev/null") return written;
  return `${quote}${prefix}${show(path)}${quote}`;
}
