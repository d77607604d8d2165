import Sequencer from "@jest/test-sequencer";

/** The tests in these folders run other processes, and so take longest. */
const long = /[/\\]tests[/\\](real|security)[/\\]/;

/** Starts the long tests first, so that none of them is left alone at the end. */
export default class LongFirst extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const isLong = ({ path }) => long.test(path);
    return [...sorted.filter(isLong), ...sorted.filter((test) => !isLong(test))];
  }
}
