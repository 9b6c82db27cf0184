/** `gvfx lab load`: requests at a constant rate, and what became of them. */
import { InvalidArgumentError, Option, type Command } from "commander";
import { Duration } from "../../../contracts/units";
import { interruptible } from "../../command-line";
import { startLoad } from "./generator";
import { textResult } from "./tally";

export interface LoadSurroundings {
  readonly write: (text: string) => void;
}

interface LoadFlags {
  readonly url: string;
  readonly rate: number;
  readonly seconds: number;
  readonly post: number;
  readonly postPath: string;
  readonly read: readonly string[];
  readonly token?: string;
  readonly json: boolean;
}

/** Hidden: for tests of deploys, and for whoever writes them. Exit status 1 when any request failed. */
export function registerLoad(lab: Command, { write }: LoadSurroundings): void {
  lab
    .command("load", { hidden: true })
    .description("send requests at a constant rate to a service and count what failed; nothing is repeated")
    .requiredOption("--url <url>", "where the service is, for example http://127.0.0.1:18787")
    .addOption(new Option("--rate <n>", "requests a second").argParser(positive).default(200))
    .addOption(new Option("--seconds <n>", "how long").argParser(positive).default(30))
    .addOption(new Option("--post <share>", "share of POSTs, for example 30%").argParser(share).default(0, "0%"))
    .option("--post-path <path>", "where POSTs go", "/")
    .option("--read <path...>", "what GETs read, in turn", ["/health"])
    .option("--token <token>", "Bearer token")
    .option("--json", "print the result as JSON", false)
    .action(async (flags: LoadFlags) => {
      await interruptible(async (signal) => {
        const { done } = startLoad({
          url: flags.url,
          rate: flags.rate,
          duration: Duration.ms(Math.round(flags.seconds * 1_000)),
          reads: flags.read,
          ...(flags.post > 0 ? { write: { path: flags.postPath, body: (id) => ({ request: id }), share: flags.post } } : {}),
          token: flags.token,
          signal,
        });
        const result = await done;
        write(flags.json ? JSON.stringify(result, null, 2) : textResult(result));
        process.exitCode = result.failed > 0 || result.sent === 0 ? 1 : 0;
      });
    });
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError("must be a number above 0.");
  return value;
}

/** "30%" or "0.3". */
export function share(text: string): number {
  const value = text.endsWith("%") ? Number(text.slice(0, -1)) / 100 : Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 1)) throw new InvalidArgumentError("must be a share from 0% to 100%, for example 30%.");
  return value;
}
