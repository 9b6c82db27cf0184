/**
 * CLOCK_MONOTONIC in milliseconds: the same for every container of a machine, so that stamps of several doubles
 * compare exactly. Bun's process.hrtime and performance.now count from the process's own start.
 */
const CLOCK_MONOTONIC = 1;

/** @throws Error where there is no Bun, or no glibc: the doubles' images have both */
export async function monotonicClock(): Promise<() => number> {
  // By a name that bundlers do not follow: only Bun has it.
  const name = "bun:ffi";
  const { dlopen, FFIType } = (await import(name)) as typeof import("bun:ffi");
  const libc = dlopen("libc.so.6", { clock_gettime: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 } });
  const time = new BigInt64Array(2);
  return () => {
    libc.symbols.clock_gettime(CLOCK_MONOTONIC, time);
    return Number(time[0]) * 1_000 + Number(time[1]) / 1e6;
  };
}
