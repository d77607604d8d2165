/**
 * The process in which the client runs, with `--unhandled-rejections=strict`: whatever may end a
 * host ends this one. It gets scenarios and sends reports over its IPC channel, one after the other,
 * and ends by itself when the channel is closed and nothing else keeps it alive.
 */
import { AppServerClient } from "../../lib/client.js";
import type { AppServerClientOptions } from "../../lib/options/options.js";
import type { ApprovalHandler } from "../../lib/server-requests/approvals.js";
import { Application } from "./application.js";
import { failureOf } from "./failure-of.js";
import { Leftovers } from "./leftovers.js";
import type { HostOptions, Job, Outcome, Report } from "./scenario.js";

/** One signal for all clients, as an application has one for its own end. */
const { signal } = new AbortController();
const leftovers = new Leftovers(signal);
const warnings: string[] = [];
process.on("warning", ({ name }) => warnings.push(name));

process.on("message", (job: Job) => {
  void run(job).then((report) => process.send?.(report));
});

async function run({ launch, options, acts }: Job): Promise<Report> {
  const before = leftovers.count();
  const begin = performance.now();
  const outcomes: Outcome[] = [];
  try {
    const client = await AppServerClient.start({ ...launch, ...toClientOptions(options), signal });
    outcomes.push(...(await new Application(client).perform(acts)));
    await client.close();
  } catch (error) {
    outcomes.push({ error: failureOf(error) });
  }
  const ms = Math.round(performance.now() - begin);
  const left = await leftovers.since(before);
  return { outcomes, ms, left, warnings: warnings.splice(0) };
}

function toClientOptions({ approvals, ...options }: HostOptions): AppServerClientOptions {
  return approvals === undefined ? options : { ...options, onApproval: handlers[approvals] };
}

const handlers: Record<NonNullable<HostOptions["approvals"]>, ApprovalHandler> = {
  accepts: () => "accept",
  throws: () => {
    throw new Error("the application failed");
  },
  "never answers": () => new Promise(() => undefined),
};
