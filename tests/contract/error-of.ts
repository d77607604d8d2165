/** The error that `promise` rejects with; it is a failure of the test when it does not. */
export async function errorOf(promise: Promise<unknown>): Promise<Error> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error(`it rejected with what is no error: ${String(error)}`);
  }
  throw new Error(`it did not fail, but gave ${JSON.stringify(value)}`);
}
