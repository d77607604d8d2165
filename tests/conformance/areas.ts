import type { Scenario } from "./scenario.js";
import { endings } from "./scenarios/endings.js";
import { framing } from "./scenarios/framing.js";
import { processes } from "./scenarios/processes.js";
import { requests } from "./scenarios/requests.js";
import { serverRequests } from "./scenarios/server-requests.js";
import { starts } from "./scenarios/starts.js";
import { surprises } from "./scenarios/surprises.js";
import { turns } from "./scenarios/turns.js";

/** All scenarios, by what they are about. */
export const areas = {
  Turns: turns,
  "Turns that do not end as they should": endings,
  Framing: framing,
  Surprises: surprises,
  Requests: requests,
  "Requests of the server": serverRequests,
  "Processes and pipes": processes,
  Starts: starts,
} as const satisfies Record<string, readonly Scenario[]>;

export type Area = keyof typeof areas;
