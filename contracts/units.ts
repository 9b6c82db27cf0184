/**
 * Units. A duration is a Duration, bytes are a Size, a port is a Port: the Nomad
 * job API takes durations as integer nanoseconds and memory as MiB, HAProxy takes
 * milliseconds, the app takes minutes. The unit is chosen where a value is rendered.
 */

const DURATION_UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_UNITS_BYTES: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** A length of time, with millisecond resolution. */
export class Duration {
  private constructor(readonly milliseconds: number) {
    if (!Number.isSafeInteger(milliseconds) || milliseconds < 0) {
      throw new RangeError(`a duration is a whole, non-negative number of milliseconds, not ${milliseconds}; write for example "30s"`);
    }
  }
  static ms(n: number): Duration { return new Duration(n); }
  static seconds(n: number): Duration { return new Duration(n * 1_000); }
  static minutes(n: number): Duration { return new Duration(n * 60_000); }
  static hours(n: number): Duration { return new Duration(n * 3_600_000); }
  static days(n: number): Duration { return new Duration(n * 86_400_000); }

  /**
   * Reads "250ms", "30s", "1h30m", "365d".
   * @throws RangeError when the text is no such duration.
   */
  static parse(text: string): Duration {
    if (!/^(\d+(ms|s|m|h|d))+$/.test(text)) {
      throw new RangeError(`"${text}" is not a duration: write a number and a unit (ms, s, m, h, d), for example "30s" or "1h30m"`);
    }
    let total = 0;
    for (const [, count, unit] of text.matchAll(/(\d+)(ms|s|m|h|d)/g)) total += Number(count) * DURATION_UNITS_MS[unit];
    return new Duration(total);
  }

  /** Integer nanoseconds, the unit of the Nomad job API. */
  get nanoseconds(): number { return this.milliseconds * 1_000_000; }
  get seconds(): number { return this.milliseconds / 1_000; }
  get minutes(): number { return this.milliseconds / 60_000; }
  get hours(): number { return this.milliseconds / 3_600_000; }
  plus(other: Duration): Duration { return new Duration(this.milliseconds + other.milliseconds); }
  times(factor: number): Duration { return new Duration(Math.round(this.milliseconds * factor)); }
  isLongerThan(other: Duration): boolean { return this.milliseconds > other.milliseconds; }

  /** The shortest text that Nomad, Consul, Terraform and Go read: "1h30m", "250ms". */
  toString(): string {
    if (this.milliseconds === 0) return "0s";
    let rest = this.milliseconds;
    let text = "";
    for (const unit of ["h", "m", "s", "ms"] as const) {
      const count = Math.floor(rest / DURATION_UNITS_MS[unit]);
      if (count > 0) text += `${count}${unit}`;
      rest -= count * DURATION_UNITS_MS[unit];
    }
    return text;
  }
  toJSON(): string { return this.toString(); }
}

/** An amount of memory or storage, in bytes. */
export class Size {
  private constructor(readonly bytes: number) {
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw new RangeError(`a size is a whole, non-negative number of bytes, not ${bytes}`);
  }
  static mebibytes(n: number): Size { return new Size(n * 2 ** 20); }
  static gibibytes(n: number): Size { return new Size(n * 2 ** 30); }

  /**
   * Reads "512MiB", "2GiB".
   * @throws RangeError when the text is no such size, or a decimal unit is used.
   */
  static parse(text: string): Size {
    const match = /^(\d+)(KiB|MiB|GiB|TiB)$/.exec(text);
    if (!match) throw new RangeError(`"${text}" is not a size: write a number and a binary unit (KiB, MiB, GiB, TiB), for example "512MiB"`);
    return new Size(Number(match[1]) * SIZE_UNITS_BYTES[match[2]]);
  }

  /** Whole MiB, rounded up: the unit of memory in the Nomad job API. */
  get mib(): number { return Math.ceil(this.bytes / 2 ** 20); }
  plus(other: Size): Size { return new Size(this.bytes + other.bytes); }
  toString(): string {
    for (const unit of ["TiB", "GiB", "MiB", "KiB"] as const) {
      if (this.bytes > 0 && this.bytes % SIZE_UNITS_BYTES[unit] === 0) return `${this.bytes / SIZE_UNITS_BYTES[unit]}${unit}`;
    }
    return `${this.bytes / 2 ** 10}KiB`;
  }
  toJSON(): string { return this.toString(); }
}

/** A TCP or UDP port, 1 to 65535. */
export type Port = number & { readonly __port: unique symbol };

/** @throws RangeError outside 1 to 65535. */
export function port(n: number): Port {
  if (!Number.isInteger(n) || n < 1 || n > 65_535) throw new RangeError(`${n} is not a port: use a whole number from 1 to 65535`);
  return n as Port;
}
