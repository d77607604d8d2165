import assert from "node:assert/strict";

/** What a snippet must print, by a text that it has and no other. Those that are not named here need only run. */
const checks: readonly (readonly [text: string, check: (stdout: string) => void])[] = [
  ["new ConsoleSpanExporter()", checkSpans],
  ['from "pino"', checkLog],
  ['from "prom-client"', checkFigures],
  ["console.log(`codex_tokens_total", checkTokens],
];

/** The texts by which the snippets are known whose output is checked. */
export const checkedSnippets: readonly string[] = checks.map(([text]) => text);

/** Holds what a snippet has printed against what its page says of it. Tells which of `checkedSnippets` it is. */
export function checkOutput(snippet: string, stdout: string): string | undefined {
  const [text, check] = checks.find(([each]) => snippet.includes(each)) ?? [];
  check?.(stdout);
  return text;
}

function checkSpans(stdout: string): void {
  assert.match(stdout, /name: 'invoke_agent codex'/);
  assert.match(stdout, /name: 'POST \/ask'/);
  assert.match(stdout, /'codex\.turn\.status': 'completed'/);
}

function checkLog(stdout: string): void {
  const lines = stdout.trim().split("\n");
  const logged = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  const turns = logged.filter(({ msg }) => msg === "turn");
  assert.equal(turns.length, 1);
  const [{ requestId, level, turn } = {}] = turns;
  assert.equal(requestId, "request-1");
  assert.equal(level, 30);
  const { status, turnId, usage } = turn as Readonly<Record<string, unknown>>;
  assert.equal(status, "completed");
  assert.equal(typeof turnId, "string");
  assert.ok(Number((usage as { totalTokens?: unknown }).totalTokens) > 0);
  assert.ok(logged.some(({ msg }) => msg === "codex"));
  // The page says that a line of log has nothing of what was said.
  assert.doesNotMatch(stdout, /Why does the build fail/);
}

function checkFigures(stdout: string): void {
  assert.match(stdout, /^codex_turn_duration_seconds_count\{model="[^"]+",error=""\} 1$/m);
  assert.match(stdout, /^codex_tokens_total\{model="[^"]+",type="input"\} [1-9]\d*$/m);
  assert.match(stdout, /^codex_tokens_total\{model="[^"]+",type="output"\} [1-9]\d*$/m);
}

function checkTokens(stdout: string): void {
  assert.match(stdout, /^codex_tokens_total\{model="[^"]+"\} [1-9]\d*$/m);
}
