/** Checks of Vultr, which makes the witness. */
import type { Environment } from "../../../environments/schema";
import { fail, inconclusive, pass, type Check, type Outcome } from "../check";
import type { DoctorContext } from "../context";
import { ask } from "../explain";

type VultrEnvironment = Extract<Environment["vultr"], { enabled: true }>;
const SERVICE = { public: true, name: "Vultr's API", address: "https://api.vultr.com", look: "curl https://api.vultr.com/v2/regions" };
const KEY = "VULTR_API_KEY";

export function vultrChecks({ vultr }: Environment): Check[] {
  if (!vultr.enabled) return [];
  const check = (id: string, title: string, needs: readonly string[], run: (context: DoctorContext) => Promise<Outcome>): Check => ({ id: `vultr.${id}`, target: "Vultr", title, needs: [SERVICE.address, ...needs], run: (context) => ask(SERVICE, () => run(context)) });
  return [
    check("plan", `plan ${vultr.plan} in ${vultr.region}`, [], ({ vultr: api }) => plan(vultr, api)),
    check("os", "operating system", [], async ({ vultr: api }) => systemOutcome(vultr.os, await api.operatingSystems())),
    check("key", "API key", [KEY], key),
  ];
}

async function plan({ plan, region }: VultrEnvironment, api: DoctorContext["vultr"]): Promise<Outcome> {
  const regions = await api.regions();
  if (!regions.includes(region)) return fail(`there is no region ${region}`, `Correct vultr.region in the environment file (${regions.sort().join(", ")})`);
  const plans = await api.availablePlans(region);
  return plans.includes(plan) ? pass("can be ordered") : fail(`${plan} cannot be ordered in ${region} now`, `Choose another vultr.plan or vultr.region: curl ${SERVICE.address}/v2/regions/${region}/availability`);
}

/** Terraform looks the system up by its name, and must find exactly one. */
export function systemOutcome(wanted: string, offered: readonly string[]): Outcome {
  const found = offered.filter((name) => name === wanted).length;
  if (found === 1) return pass(wanted);
  const similar = [...new Set(offered.filter((name) => name.split(" ")[0] === wanted.split(" ")[0]))].join(", ");
  return fail(`${found === 0 ? "none" : `${found} systems`} with the name "${wanted}"`, `Set vultr.os in the environment file to a name that Vultr lists once${similar ? `: ${similar}` : `: curl ${SERVICE.address}/v2/os`}`);
}

async function key({ vultr, credentials }: DoctorContext): Promise<Outcome> {
  if (!credentials.vultrKey) return inconclusive(`not looked at: ${KEY} is not set`, `export ${KEY}=<key of the account that pays for the witness>`);
  return (await vultr.keyAccepted()) ? pass("accepted") : fail("refused: the key is wrong, lacks rights, or is not allowed from this machine's address", "In Vultr's console (Account, API): see the key's access, and allow this machine's address under Access Control");
}
