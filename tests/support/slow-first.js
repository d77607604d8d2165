import Sequencer from "@jest/test-sequencer";

/** The tests in these folders run other processes, and so take longest. */
const slow = /[/\\]tests[/\\](real|security)[/\\]/;

/** Starts the slow tests first, so that none of them is left alone at the end. */
export default class SlowFirst extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const isSlow = ({ path }) => slow.test(path);
    return [...sorted.filter(isSlow), ...sorted.filter((test) => !isSlow(test))];
  }
}
