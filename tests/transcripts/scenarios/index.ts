import { approvals } from "./approvals.js";
import { failures } from "./failures.js";
import { threads } from "./threads.js";
import { tools } from "./tools.js";
import { turns } from "./turns.js";
import type { Scenario } from "../record.js";

export const scenarios: readonly Scenario[] = [
  ...turns,
  ...tools,
  ...approvals,
  ...failures,
  ...threads,
];
