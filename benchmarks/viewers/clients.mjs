// node clients.mjs <viewers> <url> <stream id…>
//
// So many viewers, dealt out over the streams; the first of them reads 1 kB/s until all others are done. Prints
// what they have got, as JSON.
import http from "node:http";
import { setTimeout as pause } from "node:timers/promises";

const [viewers, url, ...ids] = process.argv.slice(2);
const agent = new http.Agent({ maxSockets: Infinity });
let left = Number(viewers) - 1;
let isLast = () => {};
const othersDone = new Promise((resolve) => (isLast = resolve));

const results = await Promise.all(
  Array.from({ length: Number(viewers) }, (_, index) => view(ids[index % ids.length], index === 0)),
);
const texts = results.map(({ characters }) => characters);
console.log(
  JSON.stringify({
    events: results.reduce((sum, each) => sum + each.events, 0),
    leastText: Math.min(...texts),
    mostText: Math.max(...texts),
    ended: results.filter(({ ended }) => ended).length,
    inOrder: results.filter(({ inOrder }) => inOrder).length,
    gaps: results.reduce((sum, each) => sum + each.gaps, 0),
  }),
);

async function view(id, isSlow) {
  const response = await new Promise((resolve, reject) => {
    http.get(`${url}/${id}`, { agent }, resolve).on("error", reject);
  });
  const seen = { events: 0, characters: 0, ended: false, inOrder: true, gaps: 0 };
  let isWaiting = true;
  if (isSlow) void othersDone.then(() => (isWaiting = false));
  let [rest, last] = ["", 0];
  for await (const chunk of response) {
    const frames = (rest + chunk).split("\n\n");
    rest = frames.pop();
    for (const frame of frames) {
      const [, seq, type, data] = /^id: (\d+)\nevent: (.*)\ndata: (.*)$/.exec(frame) ?? [];
      if (seq === undefined) continue;
      seen.events += 1;
      seen.inOrder &&= Number(seq) > last;
      last = Number(seq);
      seen.characters += JSON.parse(data).delta?.length ?? 0;
      seen.ended ||= type === "end";
      seen.gaps += type === "gap" ? 1 : 0;
    }
    if (isSlow && isWaiting) await Promise.race([pause(chunk.length), othersDone]);
  }
  if (!isSlow && --left === 0) isLast();
  return seen;
}
