/** Which Convex the legacy host finds at an address, asked by curl on that host. */
import { z } from "zod";
import { parseJson } from "../../../json";
import type { World } from "../world";
import { FUNCTIONS, inCheckout } from "./shell";

/** The same question as ConvexInstance.imports asks. */
const QUESTION = JSON.stringify({ path: "_system/cli/queryImport:list", args: [{}], format: "convex_encoded_json" });
/** A backend that has just begun takes its time; nobody is served meanwhile. */
const WITHIN_SECONDS = 30;

const answerSchema = z.object({ status: z.literal("success"), value: z.array(z.object({ _id: z.string(), state: z.object({ state: z.string() }) })) });

export interface HostConvexOptions {
  readonly checkout: string;
  /** The platform's: it goes to the host by standard input, and to curl likewise, so that no list of processes shows it. */
  readonly adminKey: () => Promise<string>;
  /** Runs a script on the legacy host. */
  readonly run: (script: string) => Promise<readonly string[]>;
}

export function importsFromHost({ checkout, adminKey, run }: HostConvexOptions): World["importsFromHost"] {
  return async (url) => {
    const lines = await run(inCheckout(checkout, askScript(url, await adminKey())));
    const word = lines.find((line) => line.startsWith("answer "))?.slice("answer ".length) ?? "";
    const text = Buffer.from(word, "base64").toString("utf8");
    const [body, status] = [text.slice(0, text.lastIndexOf("\n")), text.slice(text.lastIndexOf("\n") + 1)];
    if (status === "401" || status === "403") throw new Error(`what answers the legacy host at ${url} refuses the platform's admin key (status ${status}): it is another Convex`);
    const answer = answerSchema.safeParse(parseJson(body));
    if (status !== "200" || !answer.success) throw new Error(`what answers the legacy host at ${url} does so with status ${status || "none"}, and not as a Convex: something else listens there`);
    return answer.data.value.flatMap(({ _id, state }) => (state.state === "completed" ? [_id] : [])).sort();
  };
}

/** answer <base64 of the answer, and of its status in a line of its own> */
function askScript(url: string, key: string): string {
  return `${FUNCTIONS}
answer=$(curl -sS -m ${WITHIN_SECONDS} -w '\\n%{http_code}' -K - <<'GVFX_END_OF_CURL'
url = ${inCurl(`${url}/api/query`)}
header = "content-type: application/json"
header = ${inCurl(`authorization: Convex ${key}`)}
data = ${inCurl(QUESTION)}
GVFX_END_OF_CURL
) || exit 1
echo "answer $(field "$answer")"`;
}

/** As curl's own file of options quotes. */
const inCurl = (text: string): string => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
