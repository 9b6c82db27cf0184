/** What the environment says of a cutover, and how commands are typed in it. */
import type { Duration } from "../../contracts/units";

export interface CutoverSettings {
  readonly environment: string;
  /** From the traffic's switch until legacy may be retired. */
  readonly watch: Duration;
  /** Of the ways to see how it goes, between two looks. */
  readonly watchEvery: Duration;
  /** A guardian that wrote nothing for so long watches nothing. */
  readonly guardianSilentAfter: Duration;
  /** Real requests that must land on the side. */
  readonly trafficRequests: number;
  readonly commands: Commands;
}

/** As they are typed in this environment. */
export interface Commands {
  readonly run: string;
  readonly rollBack: string;
  readonly status: string;
  readonly move: string;
  readonly moveStatus: string;
  readonly doctor: string;
  readonly why: string;
  readonly lease: string;
  readonly smoke: string;
  readonly coverage: string;
  readonly sections: string;
  /** Of a stack. */
  diff(stack: string): string;
  deploy(stack: string): string;
  /** On the legacy host: which worker runs there. */
  readonly seeLegacyWorker: string;
}
