/**
 * How much has been read from servers, over all connections. Whoever has to know whether something
 * still comes compares two readings of `arrivals()`; the number itself means nothing.
 */
let total = 0;

/** Something was read (bytes), or was kept back and is dealt with only now (1 or more). */
export function noteArrival(amount: number): void {
  total += amount;
}

export function arrivals(): number {
  return total;
}
