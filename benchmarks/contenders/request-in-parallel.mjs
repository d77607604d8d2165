/** Makes `count` requests, `parallel` at a time, each after an answer to the one before it. */
export async function requestInParallel(count, parallel, request) {
  let messages = 0;
  const worker = async () => {
    while (messages < count) {
      messages += 1;
      const result = await request();
      if (typeof result !== "object") throw new Error("an answer has no result");
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return { messages };
}
