import { report } from "./report.mjs";

report().then((told) => {
  console.log(JSON.stringify(told));
});
